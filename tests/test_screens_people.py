"""Raters and the evidence, without a browser: each answer once, nothing told too early, nothing said too much."""

import io
import re

import pandas as pd
import pytest

from core.encoders import EncoderSpec
from tests.screens import SHIPPED, Person

# What a rater must not learn: names of models and methods, and that there is an error to compare with.
TELLING = "moment random-init compact untrained pca tsne t-sne model method loss reconstruction".split()
TELLING_JA = "モデル 学習 主成分 描き方 手法 誤差 復元 前処理".split()


def test_raters_of_an_app_that_others_can_reach_get_an_address_that_tells_nothing(place):
    pilot, study, _kept = place.asked()
    someone = Person(place, "ja").open("study", pilot=pilot.id)
    assert list(someone.at.code) == []  # at the computer itself it would mean nothing elsewhere
    someone.at.context = {"url": "https://pilot.example:8443/study?pilot=x"}
    someone.run()
    assert [one.value for one in someone.at.code] == [f"https://pilot.example:8443/rate?study={study.id}&lang=ja"]


def test_each_answer_is_stored_once_with_who_what_how_long_and_in_which_language(anyone):
    _pilot, study, kept = anyone.place.asked(3)
    anyone.begin(study, "  No. 7 ")
    for place_of, (score, comment) in enumerate((("4", "=cmd|x"), ("cannot-tell", ""), ("1", " dull "))):
        assert anyone.place_in_line() == [f"{place_of + 1} / 3"]
        assert anyone.button("Next").disabled
        anyone.answer(score, comment)
        [(receipt,)] = anyone.place.rows("SELECT substr(id, 1, 8) FROM rating ORDER BY rated_at DESC LIMIT 1")
        assert [one.value for one in anyone.at.toast] == [anyone.word("Saved (receipt {number}).", number=receipt)]
    assert anyone.sees("Thank you very much!")
    assert any("3" in one.value for one in anyone.at.markdown)
    stored = anyone.place.rows("SELECT rater, score, comment, language FROM rating ORDER BY rated_at")
    said = [(4, "=cmd|x"), (None, ""), (1, "dull")]
    assert stored == [("No. 7", score, comment, anyone.language) for score, comment in said]
    assert {view for (view,) in anyone.place.rows("SELECT view_id FROM rating")} == {one.id for one in kept}
    assert all(0 < seconds < 30 for (seconds,) in anyone.place.rows("SELECT seconds FROM rating"))
    anyone.press("Next person")
    assert anyone.has_button("Begin")


def test_a_rater_may_stay_nameless_and_two_of_them_are_two_people(place):
    _pilot, study, _kept = place.asked()
    for _ in range(2):
        Person(place, "ja").begin(study, " ").answer("3")
    assert place.rows("SELECT count(DISTINCT rater) FROM rating WHERE rater LIKE 'guest-%'") == [(2,)]


def test_pressing_next_twice_rates_once(place):
    _pilot, study, _kept = place.asked(2)
    someone = Person(place, "ja").begin(study).score("4")
    someone.button("Next").click()
    states = someone.at._tree.get_widget_states()
    for _ in range(3):  # also when the next map is there: the presses were under way
        someone.run_with(states)
        assert someone.place_in_line() == ["2 / 2"]
    assert place.rows("SELECT score FROM rating") == [(4,)]


def test_one_rater_in_two_windows_rates_each_map_once(place):
    _pilot, study, _kept = place.asked(2)
    one, other = (Person(place, "ja").begin(study, "Ken") for _ in range(2))
    one.answer("4")
    other.score("2")  # for the map that the first window has rated
    assert other.place_in_line() == ["2 / 2"]
    other.answer("5")
    assert sorted(place.rows("SELECT score FROM rating")) == [(4,), (5,)]


def test_after_a_pause_a_rater_goes_on_with_what_is_left(place):
    _pilot, study, _kept = place.asked(3)
    someone = Person(place, "ja").begin(study, "Ken").answer("4")
    again = Person(place, "ja").open("rate", **someone.at.query_params)
    assert again.place_in_line() == ["2 / 3"]
    again.answer("2").answer("3")
    assert Person(place, "ja").begin(study, "Ken").sees("Thank you very much!")
    assert len(place.rows("SELECT DISTINCT view_id FROM rating WHERE rater = 'Ken'")) == 3


def test_the_rating_screen_tells_nothing_of_model_method_or_error(anyone):
    place, pilot = anyone.place, anyone.place.pilot()
    kept = place.view(pilot, place.spec(place.data(pilot), encoder=SHIPPED), loss=0.123456)
    study = place.study(pilot, kept)
    anyone.open("maps", pilot=pilot.id)
    assert told(anyone)  # where it may be told, it is found
    for shown in (anyone.open("rate", study=study.id), anyone.begin(study)):
        assert told(shown) == []
        assert "0.123" not in shown.sent()
        assert shown.links() == {}  # and no way to where it stands


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
    someone.answer("4")
    assert place.rows("SELECT score FROM rating") == [(4,)]


# Evidence


@pytest.mark.parametrize(
    ("scores", "mean", "low_and_high", "n", "sentence"),
    [
        ([4], "4.00", "One person's opinion: a range needs at least two people.", 1, "too few"),
        ([2, 3, 4], "3.00", "1.0 – 5.0", 3, "compare"),
        (
            [4, 4, 4],
            "4.00",
            "Everyone gave the same score: so few answers do not show how far opinions would differ.",
            3,
            "too few",
        ),
        ([4, None], "4.00", "One person's opinion: a range needs at least two people.", 1, "too few"),
    ],
)
def test_evidence_sets_what_people_say_beside_the_error(someone, scores, mean, low_and_high, n, sentence):
    place = someone.place
    pilot, study, [kept] = place.asked(loss=0.25)
    for i, score in enumerate(scores):
        place.rate(study, kept, f"r{i}", score)
    someone.open("evidence", pilot=pilot.id)
    shown = someone.at.table[0].value.iloc[0].to_dict()
    assert shown == {
        someone.word("map"): someone.word("Map {n}", n=1),
        someone.word("round"): 1,
        someone.word("reconstruction error"): "0.250",
        someone.word("understandability (1–5)"): mean,
        someone.word("range of uncertainty (95 %)"): someone.word(low_and_high),
        someone.word("people"): n,
        someone.word("“I can't tell”"): scores.count(None),
    }
    assert someone.sees(SENTENCES[sentence])
    assert not any(someone.sees(other) for name, other in SENTENCES.items() if name != sentence)
    assert len(someone.at.get("vega_lite_chart")) == 1


SENTENCES = {
    "too few": "That is too few answers to go by. Ask more people.",
    "compare": "Compare the ranges of uncertainty before you decide: where they overlap, maps may be equally clear.",
}


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
    assert list(table["rater"]) == ["'=HYPERLINK(1)", "'@花子"]
    assert list(table["comment"]) == ['\'+1, "see\nhere"', "'-よい"]
    assert list(table["language"]) == ["ja", "ja"]
    assert table["loss"].isna().all()  # no error is an empty cell, never 0


def downloaded(someone: Person) -> pd.DataFrame:
    url = someone.at.download_button[0].proto.url
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
