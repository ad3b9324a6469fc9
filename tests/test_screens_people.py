"""Raters and the evidence, without a browser: each answer once, nothing told too early, nothing said too much."""

import io
import json
import re
from typing import Any

import pandas as pd
import pytest

from core.encoders import EncoderSpec
from core.studies import Design
from feedback_db import raters
from feedback_db.permits import LOCAL
from pages.parts import post, questions, work
from pages.parts.text import plain
from tests.screens import SHIPPED, Person, csv

# What a rater must not learn: names of models and methods, and that there is an error to compare with.
TELLING = "moment random-init compact untrained pca tsne t-sne model method loss reconstruction".split()
TELLING_JA = "モデル 学習 主成分 描き方 手法 誤差 復元 前処理".split()


def test_raters_of_an_app_that_others_can_reach_get_an_address_and_a_code_that_tell_nothing(place):
    pilot, study, _kept = place.asked()
    someone = Person(place, "ja").open("study", pilot=pilot.id)
    assert len(someone.at.get("image")) == 0  # at the computer itself it would mean nothing elsewhere
    someone.at.context = {"url": "https://pilot.example:8443/study?pilot=x"}
    someone.run()
    assert addresses(someone)[0] == f"https://pilot.example:8443/rate?invite={place.invitation(study)}&lang=ja"
    assert len(someone.at.get("image")) == len(addresses(someone))  # a code to scan beside each


def addresses(someone: Person) -> list[str]:
    return [one.value for one in someone.at.code]


def test_each_answer_is_stored_once_with_who_what_how_long_and_in_which_language(anyone):
    _pilot, study, kept = anyone.place.asked(3)
    anyone.begin(study, "  No. 7 ")
    met = set()
    for score, comment in ((4, "=cmd|x"), (None, ""), (1, " dull ")):
        rated = answer_a_view(anyone, score, comment)
        met.add(rated)
        stored = "SELECT name, view_id, score, comment, seconds, language FROM rating "
        stored += "JOIN rater ON rater.id = rater_id JOIN study_item ON study_item.id = item_id "
        [row] = anyone.place.rows(f"{stored} WHERE kind = 'view' ORDER BY rated_at DESC LIMIT 1")
        assert row == ("No. 7", rated, score, comment.strip(), 2.5, anyone.language)
    assert met == {one.id for one in kept}


def answer_a_view(someone: Person, score: int | None, comment: str = "") -> str:
    """Answer until a map of the pilot was rated; returns which."""
    while True:
        before = set(someone.questionnaire()["answered"])
        someone.answer(score, comment)
        for item in set(someone.questionnaire()["answered"]) - before:
            [(kind, view_id)] = someone.place.rows(f"SELECT kind, view_id FROM study_item WHERE id = '{item}'")  # noqa: S608
            if kind == "view":
                return view_id


def test_a_rater_may_stay_nameless_and_two_of_them_are_two_people(place):
    _pilot, study, _kept = place.asked()
    for _ in range(2):
        Person(place, "ja").begin(study, " ").answer(3)
    assert place.rows("SELECT name, seat FROM rater ORDER BY seat") == [("", 0), ("", 1)]


def test_pressing_begin_twice_takes_one_seat(place):
    _pilot, study, _kept = place.asked()
    someone = Person(place, "ja").open("rate", invite=place.invitation(study))
    someone.button("Begin").click()
    states = someone.at._tree.get_widget_states()
    for _ in range(3):  # the presses were under way
        someone.run_with(states)
    assert place.rows("SELECT seat FROM rater") == [(0,)]


def test_the_same_answer_sent_again_is_one_answer(place):
    _pilot, study, _kept = place.asked()
    someone = Person(place, "ja").begin(study)
    asked = someone.questionnaire()
    said = {"item": rated_item(asked), "score": 4, "seconds": 1, "language": "ja"}
    number = "01234567-89ab-4cde-8f01-23456789abcd"
    for score in (4, 5):
        assert post.take(LOCAL, asked["seat"], [(number, said | {"score": score})]) == ([number], {})
    assert place.rows("SELECT score FROM rating") == [(4,)]


def rated_item(asked: dict[str, Any]) -> str:
    return next(one["id"] for one in asked["items"] if one["steps"][0]["kind"] == "rating")


def test_after_a_pause_a_rater_goes_on_with_what_is_left_on_any_device(place):
    _pilot, study, _kept = place.asked(3)
    someone = Person(place, "ja").begin(study, "Ken")
    before = someone.questionnaire()
    assert (before["answered"], before["introduce"]) == ([], True)
    right = {name: one.right for name, one in questions.LITERACY.items()}
    assert someone.send(literacy=right) == {}
    someone.answer(4)
    again = Person(place, "en").open("rate", **someone.at.query_params)
    after = again.questionnaire()
    assert (len(after["answered"]), after["introduce"]) == (1, False)
    assert [one["id"] for one in after["items"]] == [one["id"] for one in before["items"]]
    assert place.rows("SELECT json_extract(literacy, '$.right') FROM rater") == [(3,)]
    assert after["seat"] in after["words"]["address"]  # this person's own, shown in a break


def test_somebody_invited_in_person_is_greeted_by_name_and_keeps_the_seat(place):
    _pilot, study, _kept = place.asked(2)
    with work.database().session(LOCAL) as db:
        own = raters.invite(db, study.id, name="*田中*")
    someone = Person(place, "ja").open("rate", invite=own.token)
    assert list(someone.at.text_input) == []
    assert someone.sees("This invitation is for **{name}**.", name=plain("*田中*"))
    seat = someone.press("Begin").at.query_params["seat"]
    assert Person(place, "ja").open("rate", invite=own.token).press("Begin").at.query_params["seat"] == seat
    with work.database().session(LOCAL) as db:
        raters.revoke(db, own)
    assert someone.word("This invitation was withdrawn.") in someone.run().errors()[0]


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"item": "x"},
        {"score": 6},
        {"score": "4"},
        {"seconds": -1},
        {"seconds": "inf"},
        {"previs": {"layout": {"messy": 8}}},
        {"reasons": 3},
    ],
)
def test_what_no_rating_screen_sends_is_refused_and_stores_nothing(place, nonsense):
    _pilot, study, _kept = place.asked()
    asked = Person(place, "ja").begin(study).questionnaire()
    said = {"item": rated_item(asked), "score": 4, "seconds": 1.0, "language": "ja"} | nonsense if nonsense else {}
    kept, refused = post.take(LOCAL, asked["seat"], [("01234567-89ab-4cde-8f01-23456789abcd", said)])
    assert (kept, list(refused.values())) in (([], ["unreadable"]), ([], ["unknown"]))
    assert place.rows("SELECT count(*) FROM rating") == [(0,)]


def test_nobody_answers_for_somebody_else_or_in_another_study(place):
    _pilot, study, _kept = place.asked()
    _pilot, other, _kept = place.asked()
    mine, theirs = (Person(place, "ja").begin(one).questionnaire() for one in (study, other))
    said = {"item": theirs["items"][0]["id"], "score": 4, "seconds": 1.0, "language": "ja"}
    for seat in (mine["seat"], "made up", ""):
        assert post.take(LOCAL, seat, [("01234567-89ab-4cde-8f01-23456789abcd", said)])[1] != {}
    assert place.rows("SELECT count(*) FROM rating") == [(0,)]


def test_the_rating_screen_tells_nothing_of_model_method_or_error(anyone):
    place, pilot = anyone.place, anyone.place.pilot()
    data = place.data(pilot, csv(label=True))
    kept = place.view(pilot, place.spec(data, encoder=SHIPPED), loss=0.123456)
    study = place.study(pilot, kept, design=Design(tasks=("intruder", "odd", "same", "joins")))
    anyone.open("maps", pilot=pilot.id)
    assert told(anyone)  # where it may be told, it is found
    for shown in (anyone.open("rate", invite=place.invitation(study)), anyone.begin(study)):
        assert told(shown) == []
        assert "0.123" not in shown.sent()
        assert shown.links() == {}  # and no way to where it stands


def test_what_a_tablet_gets_holds_no_right_answer_no_name_and_no_kind_of_item(place):
    pilot = place.pilot()
    kept = place.view(pilot, place.spec(place.data(pilot, csv(160, label=True))))
    study = place.study(pilot, kept, design=Design(tasks=("intruder", "odd", "same", "joins")))
    asked = Person(place, "ja").begin(study).questionnaire()
    text = json.dumps(asked["items"]) + json.dumps(asked["maps"]) + json.dumps(asked["lines"])
    assert len(place.rows("SELECT 1 FROM study_item WHERE task IS NOT NULL")) > 10
    for word in ("ramp", "wave.csv", "good", "bad", "null", "view", "repeat", "plain", "right", "answer", "chance"):
        assert f'"{word}' not in text
    assert kept.id not in json.dumps(asked)
    assert kept.fingerprint not in json.dumps(asked)
    names = {name for item in asked["items"] for step in item["steps"] for name in step}
    assert names <= {"kind", "map", "waves", "line", "options", "example", "groups", "hidden", "asks"}


def told(shown: Person) -> list[str]:
    """Telling words in all that the browser gets, and in Japanese in all that is to be read."""
    sent, seen = shown.sent().lower(), "\n".join(shown.texts())
    return [word for word in TELLING if re.search(rf"\b{word}", sent)] + [word for word in TELLING_JA if word in seen]


@pytest.mark.parametrize("then", ["gone", "other weights"])
def test_people_rate_the_map_that_was_kept_whatever_becomes_of_its_model(place, then):
    """Its picture is in the store; a folder that changed would give another picture under the same number."""
    pilot, weights = place.pilot(), place.folder / "model" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    (weights.parent / "config.json").touch()
    spec = place.spec(place.data(pilot), encoder=EncoderSpec("moment", str(weights.parent)))
    study = place.study(pilot, place.view(pilot, spec, loss=0.5))
    weights.unlink() if then == "gone" else weights.write_bytes(b"other weights")
    someone = Person(place, "ja").begin(study)
    assert someone.errors() == []
    answer_a_view(someone, 4)
    assert place.rows("SELECT DISTINCT score FROM rating") == [(4,)]


# Evidence


def test_only_i_cannot_tell_is_an_answer_and_no_score(someone):
    pilot, study, [kept] = someone.place.asked(loss=0.25)
    someone.place.rate(study, kept, "r", None)
    someone.open("evidence", pilot=pilot.id)
    assert someone.sees("Nobody has rated a map yet, so nothing can be said about understandability.")
    assert downloaded(someone)["score"].isna().all()


def test_the_download_has_every_answer_and_nothing_that_a_spreadsheet_runs(someone):
    place = someone.place
    pilot, study, kept = place.asked(2)
    place.rate(study, kept[0], "=HYPERLINK(1)", 4, '+1, "see\nhere"')
    place.rate(study, kept[1], "@花子", None, "-よい")
    someone.open("evidence", pilot=pilot.id)
    table = downloaded(someone)
    assert table[["map", "round"]].to_numpy().tolist() == [[1, 1], [2, 1]]
    assert table["score"].fillna(0).tolist() == [4, 0]  # “I can't tell” is an empty cell
    assert list(table["person"]) == [1, 2]
    assert "HYPERLINK" not in table.to_csv()
    assert "花子" not in table.to_csv()  # nobody's name
    assert list(table["comment"]) == ['\'+1, "see / here"', "'-よい"]
    assert list(table["language"]) == ["ja", "ja"]
    assert table["error"].isna().all()  # no error is an empty cell, never 0


def downloaded(someone: Person) -> pd.DataFrame:
    [url] = [one.proto.url for one in someone.at.download_button if one.label == someone.word("Answers (CSV)")]
    data = someone.place.media.get_file(url.rsplit("/", 1)[-1]).content
    assert data.startswith(b"\xef\xbb\xbf")  # so that Excel reads Japanese
    return pd.read_csv(io.BytesIO(data), encoding="utf-8-sig")


def test_home_says_where_a_pilot_stands(someone):
    pilot, study, kept = someone.place.asked(2)
    someone.place.rate(study, kept[1], "r", 5)
    someone.open()
    assert someone.sees("That is too few answers to go by. Ask more people.")
    assert someone.sees("Next: {step}", step=someone.word("Read the evidence"))
    someone.press("Continue")
    assert someone.at.query_params == {"pilot": pilot.id, "lang": someone.language}
    assert someone.sees("Go on, improve or stop?")


def test_the_next_round_begins_once_and_leads_back_to_the_maps(someone):
    place = someone.place
    pilot, study, [kept] = place.asked()
    place.rate(study, kept, "r", 2)
    other = Person(place, "en").open("improve", pilot=pilot.id)
    someone.open("improve", pilot=pilot.id).press("Start round {n}", n=2)
    assert someone.sees("Can I see something?")
    other.at.button[0].click()
    other.run()  # another window that still offers round 2
    assert place.rows("SELECT round FROM pilot") == [(2,)]
    place.view(pilot, place.spec(place.data(pilot), length=24))
    someone.open("evidence", pilot=pilot.id)
    assert list(someone.at.table[0].value[someone.word("round")]) == [1, 2]
