"""Every screen without a browser: what it says when there is nothing yet, in which language, and the way through."""

import io
import re

import pandas as pd
import pytest
from babel.messages.pofile import read_po

from core.embedding import EncoderSpec
from tests.screens import SCREENS, UNTRAINED, Person, Place, csv, word
from tests.test_translations import CATALOGUE, JAPANESE, SAME, ids, strings, words

LANGUAGES = ("ja", "en")
STEPS = ("data", "maps", "study", "evidence", "improve")
# What each screen says to somebody who has come too early, and the link or button that leads on.
EMPTY = {
    "data": ("No data yet. Upload a CSV, or try the press-line example.", "Use the example"),
    "maps": ("There is nothing to draw yet. Upload a CSV, or try the press-line example.", "Go to the data"),
    "study": ("No map is kept yet. Look at a map first and press “Keep this map”.", "Go to the maps"),
    "evidence": ("There is no evidence yet: keep a map first, then ask people.", "Go to the maps"),
    "improve": ("Nobody has rated a map yet. Ask people first, then you know what to improve.", "Ask people"),
}
# What a rater must not learn: names of models and methods, and that there is an error to compare with.
TELLING = "moment random-init untrained pca tsne t-sne model method loss reconstruction".split()
TELLING_JA = "モデル 学習 主成分 描き方 手法 誤差 復元 前処理".split()


@pytest.fixture(params=LANGUAGES)
def someone(request: pytest.FixtureRequest, place: Place) -> Person:
    return Person(place, request.param)


# Nothing there yet


def test_home_without_a_pilot_offers_to_start_one_or_to_try_the_example(someone):
    someone.open()
    assert someone.sees("There is no pilot yet. Start one below, or try the press-line example first.")
    assert someone.has_button("Start the pilot")
    assert someone.has_button("Try the press-line example")


@pytest.mark.parametrize("screen", STEPS)
@pytest.mark.parametrize("address", [{}, {"pilot": "'; DROP TABLE pilot; --"}])
def test_a_screen_without_its_pilot_leads_to_the_pilots(place, screen, address):
    someone = Person(place, "ja").open(screen, **address)
    choose = "Choose a pilot first, or start a new one. It takes a minute."
    assert [one.value for one in someone.at.info] == [someone.word(choose)]
    assert all(link.proto.disabled for name, link in someone.links().items() if name[0] in "12345")
    someone.follow("Go to the pilots")
    assert someone.sees("Which pilot, and what next?")


@pytest.mark.parametrize("screen", STEPS)
def test_a_screen_with_nothing_to_show_says_what_comes_first(someone, screen):
    message, way_out = EMPTY[screen]
    someone.open(screen, pilot=someone.place.pilot().id)
    assert [one.value for one in someone.at.info] == [someone.word(message)]
    assert someone.word(way_out) in someone.links() or someone.has_button(way_out)


@pytest.mark.parametrize("address", [{}, {"study": "0" * 32}, {"study": "x", "rater": "Ken"}])
def test_an_unknown_study_says_whom_to_ask(someone, address):
    someone.open("rate", **address)
    [said] = someone.errors()
    assert someone.word("This address does not belong to an open study.") in said
    assert someone.word("Ask the person who gave you the tablet for the right address.") in said


@pytest.mark.parametrize("address", [{}, {"rater": "Ken"}])
def test_a_study_that_has_ended_takes_no_more_answers(someone, address):
    _pilot, study, _kept = someone.place.asked()
    someone.place.close(study)
    someone.open("rate", study=study.id, **address)
    [said] = someone.errors()
    assert someone.word("This study has ended.") in said
    assert list(someone.at.button) == []


def test_a_study_that_ends_while_somebody_looks_says_so_and_stores_nothing(place):
    _pilot, study, _kept = place.asked()
    someone = Person(place, "ja").begin(study)
    place.close(study)
    someone.score("4")
    assert someone.word("This study has ended.") in someone.errors()[0]
    assert place.rows("SELECT count(*) FROM rating") == [(0,)]


def test_evidence_without_a_rating_says_that_nothing_can_be_said(someone):
    pilot, _study, _kept = someone.place.asked(loss=0.5)
    someone.open("evidence", pilot=pilot.id)
    assert someone.sees("Nobody has rated a map yet, so nothing can be said about understandability.")
    assert someone.sees("A point appears here once a map has both a reconstruction error and a rating.")
    assert someone.sees("Nobody has rated this map yet.")  # instead of a range
    assert list(someone.at.download_button) == []


# Language


@pytest.mark.parametrize("screen", SCREENS)
def test_the_header_switches_the_language_and_keeps_the_screen(place, screen):
    pilot, study, _kept = place.asked()
    someone = Person(place, "ja").open(screen, pilot=pilot.id, study=study.id)
    before, title = someone.at.query_params, someone.at.title[0].value
    assert JAPANESE.search(title)
    someone.choose("language", "en")
    assert someone.at.query_params == before | {"lang": "en"}
    assert [text for text in someone.texts() if JAPANESE.search(text)] == ["日本語"]  # on the switch itself
    someone.choose("language", "ja")
    assert (someone.at.query_params, someone.at.title[0].value) == (before, title)


@pytest.mark.parametrize(("browser", "read"), [("ja-JP", "ja"), ("en-GB", "en"), ("de-DE", "en")])
def test_without_an_address_the_browser_decides_and_the_address_then_keeps_it(place, browser, read):
    someone = Person(place, "")
    someone.browser = browser
    someone.open()
    assert someone.at.query_params["lang"] == read
    assert someone.at.title[0].value == word(read, "Which pilot, and what next?")
    assert f"documentElement.lang = '{read}'" in "".join(one.value for one in someone.at.get("html"))


def test_two_browsers_do_not_disturb_each_other(place):
    _pilot, study, _kept = place.asked()
    ja, en = (Person(place, language).begin(study, language) for language in LANGUAGES)
    ja.answer("5")
    en.run()
    assert ja.sees("Thank you very much!")
    assert en.sees("How understandable is this view?")
    en.answer("1")
    assert place.rows("SELECT rater, score, language FROM rating ORDER BY score") == [("en", 1, "en"), ("ja", 5, "ja")]


def english_in(text: str) -> bool:
    """Three English words in a row, or a text of the catalogue that has another Japanese."""
    with CATALOGUE.open("rb") as file:
        messages = [m for m in words(read_po(file, locale="ja")) if not set(strings(m)) & SAME]
    known = {re.sub(r"\\\{\w+[^}]*\\?\}", ".+", re.escape(english)) for m in messages for english in ids(m)}
    bare = text.strip("*# ")
    return bool(re.search(r"[A-Za-z]{2,} [A-Za-z]+ [A-Za-z]{2,}", text)) or any(re.fullmatch(k, bare) for k in known)


@pytest.mark.parametrize("text", ["Keep this map", "Round 3", "**time**", "Sorry about that", "1 map"])
def test_english_is_seen_where_it_stands(text):
    assert english_in(text)


@pytest.mark.parametrize("text", ["地図", "a.csv", "PCA(遠い・近いを保つ)", "CSV", "2026/11/23 08:00", "第3回", "MOMENT"])
def test_names_and_japanese_are_not_taken_for_english(text):
    assert not english_in(text)


def test_no_screen_in_japanese_has_english_on_it(place):
    """With data, maps, a study and ratings, so that most of what a screen can say is said."""
    pilot, study, kept = place.asked(2, loss=0.5)
    place.draw(place.spec(place.data(pilot), encoder=UNTRAINED), loss=0.5)
    for rater, score in (("a", 2), ("b", 4), ("c", None)):
        place.rate(study, kept[0], rater, score)
    someone = Person(place, "ja")
    shown = {text for screen in SCREENS for text in someone.open(screen, pilot=pilot.id, study=study.id).texts()}
    shown |= set(someone.begin(study).texts())
    place.close(study)
    shown |= set(someone.open("study", pilot=pilot.id).texts())
    assert {text for text in shown if text not in ("English", "a.csv") and english_in(text)} == set()


# From a question to the evidence


def test_a_pilot_a_file_and_the_way_that_is_done(someone):
    someone.open()
    someone.at.text_input[0].set_value("Can we *see* it?")
    someone.press("Start the pilot")
    assert someone.sees("Did it read my file right?")
    assert done(someone) == []
    someone.upload(("pump.csv", csv(label=True)))
    assert someone.sees("This is what I read:")
    assert done(someone) == ["data"]
    assert someone.place.rows("SELECT file_name, n_rows, n_channels FROM dataset") == [("pump.csv", 80, 2)]
    someone.press("Use this data")
    assert someone.sees("Can I see something?")
    someone.open()
    assert "**Can we \\*see\\* it?**" in someone.texts()
    someone.press("Continue")
    assert someone.sees("Can I see something?")


def done(someone: Person) -> list[str]:
    """The steps that carry a check mark."""
    titles = [someone.word(name) for name in ("Data", "Maps", "Ask people", "Evidence", "Improve")]
    marked = [name for name, link in someone.links().items() if link.proto.icon == ":material/check_circle:"]
    return [step for step, title in zip(STEPS, titles, strict=True) for name in marked if name.endswith(title)]


def test_the_example_is_one_press_away_and_in_the_readers_language(someone):
    someone.open().press("Try the press-line example")
    assert someone.sees("Did it read my file right?")
    name = someone.word("press line (example)") + ".csv"
    assert someone.place.rows("SELECT file_name, n_rows, n_channels FROM dataset") == [(name, 3000, 4)]


def test_a_map_shows_its_error_and_is_kept_once(someone):
    pilot = someone.place.pilot()
    someone.place.draw(someone.place.spec(someone.place.data(pilot), encoder=UNTRAINED), loss=0.4321)
    someone.open("maps", pilot=pilot.id)
    assert [one.value for one in someone.at.metric][0] == "0.432"
    assert someone.sees("This model has learnt nothing yet. Its map shows what chance alone makes of your data.")
    someone.press("Keep this map")
    assert someone.sees("Kept as map {n}.", n=1)
    someone.press("Keep this map")
    assert someone.place.rows("SELECT number, loss, n_windows FROM view") == [(1, 0.4321, 33)]
    someone.follow("Ask people about it")
    assert someone.has_button("Open the study")


def test_a_model_that_cannot_rebuild_waveforms_has_no_error_and_never_a_zero(someone):
    pilot = someone.place.pilot()
    someone.place.draw(someone.place.spec(someone.place.data(pilot)))
    someone.open("maps", pilot=pilot.id).choose("model", "raw")
    assert someone.sees("Reconstruction error: none")
    assert [one.label for one in someone.at.metric] == [someone.word("Kept by the flat map")]
    someone.press("Keep this map")
    assert someone.place.rows("SELECT loss FROM view") == [(None,)]
    someone.open("evidence", pilot=pilot.id)
    assert list(someone.at.dataframe[0].value[someone.word("reconstruction error")]) == [someone.word("none")]


def test_a_study_is_opened_on_chosen_maps_and_ended(someone):
    place, pilot = someone.place, someone.place.pilot()
    dataset = place.data(pilot)
    first, second = (place.view(pilot, place.spec(dataset, length=length)) for length in (16, 24))
    someone.open("study", pilot=pilot.id)
    someone.at.multiselect[0].set_value([])
    someone.run().press("Open the study")
    assert someone.word("Choose at least one map for people to rate.") in someone.errors()[0]
    someone.at.multiselect[0].set_value([second.id])
    someone.run().press("Open the study")
    assert place.rows("SELECT view_id FROM study_view") == [(second.id,)] != [(first.id,)]
    someone.press("End the study")
    assert someone.has_button("Open the study")
    assert place.rows("SELECT count(*) FROM study WHERE closed_at IS NULL") == [(0,)]


def test_raters_of_an_app_that_others_can_reach_get_an_address_that_tells_nothing(place):
    pilot, study, _kept = place.asked()
    someone = Person(place, "ja").open("study", pilot=pilot.id)
    assert list(someone.at.code) == []  # at the computer itself it would mean nothing elsewhere
    someone.at.context = {"url": "https://pilot.example:8443/study?pilot=x"}
    someone.run()
    assert [one.value for one in someone.at.code] == [f"https://pilot.example:8443/rate?study={study.id}&lang=ja"]


def test_each_answer_is_stored_once_with_who_what_how_long_and_in_which_language(someone):
    _pilot, study, kept = someone.place.asked(3)
    someone.begin(study, "  No. 7 ")
    for place_of, (score, comment) in enumerate((("4", "=cmd|x"), ("cannot-tell", ""), ("1", " dull "))):
        assert someone.place_in_line() == [f"{place_of + 1} / 3"]
        assert someone.button("Next").disabled
        someone.answer(score, comment)
        [(receipt,)] = someone.place.rows("SELECT substr(id, 1, 8) FROM rating ORDER BY rated_at DESC LIMIT 1")
        assert [one.value for one in someone.at.toast] == [someone.word("Saved (receipt {number}).", number=receipt)]
    assert someone.sees("Thank you very much!")
    assert any("3" in one.value for one in someone.at.markdown)
    stored = someone.place.rows("SELECT rater, score, comment, language FROM rating ORDER BY rated_at")
    said = [(4, "=cmd|x"), (None, ""), (1, "dull")]
    assert stored == [("No. 7", score, comment, someone.language) for score, comment in said]
    assert {view for (view,) in someone.place.rows("SELECT view_id FROM rating")} == {one.id for one in kept}
    assert all(0 < seconds < 30 for (seconds,) in someone.place.rows("SELECT seconds FROM rating"))
    someone.press("Next person")
    assert someone.has_button("Begin")


def test_a_rater_may_stay_nameless_and_two_of_them_are_two_people(place):
    _pilot, study, _kept = place.asked()
    for _ in range(2):
        Person(place, "ja").begin(study, " ").answer("3")
    assert place.rows("SELECT count(DISTINCT rater) FROM rating WHERE rater LIKE 'guest-%'") == [(2,)]


def test_pressing_next_twice_rates_once(place):
    _pilot, study, _kept = place.asked(2)
    someone = Person(place, "ja").begin(study).score("4")
    pressed = someone.at._tree
    someone.button("Next").click()
    for _ in range(3):
        pressed.run()  # also after the next map is there: the presses were under way
        assert list(someone.at.exception) == []
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


def test_the_rating_screen_tells_nothing_of_model_method_or_error(someone):
    _pilot, study, _kept = someone.place.asked(2, loss=0.123456)
    for shown in (someone.open("rate", study=study.id), someone.begin(study)):
        sent, seen = shown.sent().lower(), "\n".join(shown.texts()).lower()
        assert "0.123" not in sent
        assert [telling for telling in TELLING if re.search(rf"\b{telling}", sent)] == []
        assert [telling for telling in TELLING_JA if telling in seen] == []
        assert shown.links() == {}  # and no way to where it stands


@pytest.mark.parametrize("then", ["gone", "other weights"])
def test_people_rate_the_map_that_was_kept_whatever_becomes_of_its_model(place, then):
    """Its picture is in the store; a folder that changed would give another picture under the same number."""
    pilot, weights = place.pilot(), place.folder / "model" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
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
        ([4, 4, 4], "4.00", "Everyone gave the same score: so few answers do not show how far opinions would differ.", 3, "too few"),
        ([4, None], "4.00", "One person's opinion: a range needs at least two people.", 1, "too few"),
    ],
)
def test_evidence_sets_what_people_say_beside_the_error(someone, scores, mean, low_and_high, n, sentence):
    place = someone.place
    pilot, study, [kept] = place.asked(loss=0.25)
    for i, score in enumerate(scores):
        place.rate(study, kept, f"r{i}", score)
    someone.open("evidence", pilot=pilot.id)
    shown = someone.at.dataframe[0].value.iloc[0].to_dict()
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
    assert list(table["comment"]) == ["'+1, \"see\nhere\"", "'-よい"]
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
    assert list(someone.at.dataframe[0].value[someone.word("round")]) == [1, 2]
