"""Every screen without a browser: what it says when there is nothing yet, in which language, and the way through."""

import json
import re
from functools import cache
from typing import Any

import pytest
from babel.messages.pofile import read_po

from core.views import ViewSpec
from tests.screens import SCREENS, SHIPPED, Person, csv, word
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


# Nothing there yet


def test_home_without_a_pilot_offers_to_start_one_or_to_try_the_example(anyone):
    anyone.open()
    assert anyone.sees("There is no pilot yet. Start one below, or try the press-line example first.")
    assert anyone.has_button("Start the pilot")
    assert anyone.has_button("Try the press-line example")


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
def test_a_screen_with_nothing_to_show_says_what_comes_first(anyone, screen):
    message, way_out = EMPTY[screen]
    anyone.open(screen, pilot=anyone.place.pilot().id)
    assert [one.value for one in anyone.at.info] == [anyone.word(message)]
    assert anyone.word(way_out) in anyone.links() or anyone.has_button(way_out)


@pytest.mark.parametrize("address", [{}, {"invite": "0" * 24}, {"seat": "x"}, {"study": "x", "rater": "Ken"}])
def test_an_unknown_study_says_whom_to_ask(anyone, address):
    anyone.open("rate", **address)
    [said] = anyone.errors()
    assert anyone.word("This address does not belong to an open study.") in said
    assert anyone.word("Ask the person who gave you the tablet for the right address.") in said


@pytest.mark.parametrize("has_begun", [False, True])
def test_a_study_that_has_ended_takes_no_more_answers(someone, has_begun):
    _pilot, study, _kept = someone.place.asked()
    address = {"invite": someone.place.invitation(study)}
    if has_begun:
        address = someone.begin(study).at.query_params
    someone.place.close(study)
    someone.open("rate", **address)
    [said] = someone.errors()
    assert someone.word("This study has ended.") in said
    assert list(someone.at.button) == []


def test_a_study_that_ends_while_somebody_looks_says_so_and_stores_nothing(place):
    _pilot, study, _kept = place.asked()
    someone = Person(place, "ja").begin(study)
    place.close(study)
    [item, *_] = someone.questionnaire()["items"]
    assert list(someone.send(item=item["id"], score=4).values()) == ["ended"]  # rating.js thanks and says so
    assert someone.word("This study has ended.") in someone.run().errors()[0]
    assert place.rows("SELECT count(*) FROM rating") == [(0,)]


def test_evidence_without_a_rating_says_that_nothing_can_be_said(anyone):
    pilot, _study, _kept = anyone.place.asked(loss=0.5)
    anyone.open("evidence", pilot=pilot.id)
    assert anyone.sees("Nobody has rated a map yet, so nothing can be said about understandability.")
    assert anyone.sees("A point appears here once a map has both a reconstruction error and a rating.")
    assert anyone.sees("Nobody has rated this map yet.")  # instead of a range
    assert list(anyone.at.download_button) == []


# Language


@pytest.mark.parametrize("screen", SCREENS)
def test_the_header_switches_the_language_and_keeps_the_screen(place, screen):
    pilot, study, _kept = place.asked()
    someone = Person(place, "ja").open(screen, pilot=pilot.id, invite=place.invitation(study))
    before, title = someone.at.query_params, someone.at.title[0].value
    assert JAPANESE.search(title)
    someone.choose("language", "en")
    assert someone.at.query_params == before | {"lang": "en"}
    assert {text for text in someone.texts() if JAPANESE.search(text)} == {"日本語"}  # on the switch itself
    someone.choose("language", "ja")
    assert (someone.at.query_params, someone.at.title[0].value) == (before, title)


def test_switching_the_language_keeps_what_was_chosen(place):
    """Choices travel as words; a word of the other language must not become another choice."""
    pilot, _study, _kept = place.asked()
    someone = Person(place, "ja").open("maps", pilot=pilot.id).choose("model", "raw").choose("method", "tsne")
    someone.choose("language", "en").run()
    assert (someone.at.radio(key="model").value, someone.at.radio(key="method").value) == ("raw", "tsne")


@pytest.mark.parametrize(("browser", "read"), [("ja-JP", "ja"), ("en-GB", "en"), ("de-DE", "en")])
def test_without_an_address_the_browser_decides_and_the_address_then_keeps_it(place, browser, read):
    someone = Person(place, "")
    someone.browser = browser
    someone.open()
    assert someone.at.query_params["lang"] == read
    assert someone.at.title[0].value == word(read, "Which pilot, and what next?")
    [spoken] = someone.components("speaks")
    assert json.loads(spoken.proto.json) == read


def test_two_browsers_do_not_disturb_each_other(place):
    _pilot, study, _kept = place.asked()
    ja, en = (Person(place, language).begin(study, language) for language in LANGUAGES)
    ja.answer(5)
    en.run()
    assert ja.questionnaire()["answered"]
    assert en.questionnaire()["answered"] == []
    titles = [one.questionnaire()["words"]["rating_title"] for one in (ja, en)]
    assert titles == [word(language, "How understandable is this map?") for language in LANGUAGES]
    en.answer(1)
    said = place.rows("SELECT name, score, language FROM rating JOIN rater ON rater.id = rater_id ORDER BY score")
    assert said == [("en", 1, "en"), ("ja", 5, "ja")]


def texts_in(words: Any) -> set[str]:
    """All texts in JSON, without their names."""
    if isinstance(words, str):
        return {words}
    each = words.values() if isinstance(words, dict) else words
    return {text for one in each for text in texts_in(one)}


@cache
def in_catalogue() -> re.Pattern[str]:
    """Every English text that has another Japanese, with anything at all for its facts."""
    with CATALOGUE.open("rb") as file:
        messages = [message for message in words(read_po(file, locale="ja")) if not set(strings(message)) & SAME]
    every = (english for message in messages for english in ids(message))
    told = [english for english in every if re.search("[A-Za-z]{3}", re.sub(r"\{.+?\}", "", english))]  # not only facts
    known = (re.sub(r"\\\{.+?\\\}", ".+", re.escape(english)) for english in told)
    return re.compile("|".join(known))


def english_in(text: str) -> bool:
    """Three English words in a row, or a text of the catalogue."""
    sentence = re.search(r"[A-Za-z]{2,} [A-Za-z]+ [A-Za-z]{2,}", text)
    return bool(sentence or in_catalogue().fullmatch(text.strip("*# ")))


@pytest.mark.parametrize("text", ["Keep this map", "Round 3", "**time**", "Sorry about that", "1 map"])
def test_english_is_seen_where_it_stands(text):
    assert english_in(text)


@pytest.mark.parametrize(
    "text", ["地図", "a.csv", "PCA(遠い・近いを保つ)", "CSV", "2026/11/23 08:00", "第3回", "MOMENT"]
)
def test_names_and_japanese_are_not_taken_for_english(text):
    assert not english_in(text)


def test_no_screen_in_japanese_has_english_on_it(place):
    """With data, maps, a study and ratings, so that most of what a screen can say is said."""
    pilot, study, kept = place.asked(2, loss=0.5)
    place.draw(place.spec(place.data(pilot), encoder=SHIPPED), loss=0.5)
    for rater, score in (("a", 2), ("b", 4), ("c", None)):
        place.rate(study, kept[0], rater, score)
    someone = Person(place, "ja")
    address = {"pilot": pilot.id, "invite": place.invitation(study)}
    shown = {text for screen in SCREENS for text in someone.open(screen, **address).texts()}
    asked = someone.begin(study).questionnaire()
    shown |= set(someone.texts()) | texts_in(asked["words"]) | texts_in(asked["literacy"])
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


def test_costs_are_asked_in_yen_or_in_the_currency_that_is_chosen(anyone):
    for currency, wage in (("JPY", 4000.0), ("EUR", 41.5)):
        anyone.open()
        anyone.at.text_input[0].set_value("Q")
        [chosen] = [one for one in anyone.at.selectbox if one.label == anyone.word("Currency")]
        assert chosen.value == "JPY"
        chosen.set_value(currency)
        for label, value in (("Cost of one working hour", wage), ("Cost of one computer hour", 0.25)):
            [field] = [one for one in anyone.at.number_input if one.label == anyone.word(label)]
            field.set_value(value)
        anyone.press("Start the pilot")
    query = "SELECT currency, wage_per_hour, machine_per_hour FROM pilot ORDER BY wage_per_hour DESC"
    assert anyone.place.rows(query) == [("JPY", 4000.0, 0.25), ("EUR", 41.5, 0.25)]


def test_a_currency_stands_with_its_name_in_the_readers_language(anyone):
    anyone.open()
    [chosen] = [one for one in anyone.at.selectbox if one.label == anyone.word("Currency")]
    assert chosen.options[0] == {"ja": "JPY 日本円", "en": "JPY Japanese Yen"}[anyone.language]
    assert len(set(chosen.options)) == len(chosen.options) == 20


def done(someone: Person) -> list[str]:
    """The steps that carry a check mark."""
    titles = [someone.word(name) for name in ("Data", "Maps", "Ask people", "Evidence", "Improve")]
    marked = [name for name, link in someone.links().items() if link.proto.icon == ":material/check_circle:"]
    return [step for step, title in zip(STEPS, titles, strict=True) for name in marked if name.endswith(title)]


def test_the_example_is_one_press_away_and_in_the_readers_language(anyone):
    anyone.open().press("Try the press-line example")
    assert anyone.sees("Did it read my file right?")
    name = anyone.word("press line (example)") + ".csv"
    assert anyone.place.rows("SELECT file_name, n_rows, n_channels FROM dataset") == [(name, 3000, 4)]


def test_a_map_shows_its_error_and_is_kept_once(anyone):
    pilot = anyone.place.pilot()
    anyone.place.draw(anyone.place.spec(anyone.place.data(pilot), encoder=SHIPPED), loss=0.4321)
    anyone.open("maps", pilot=pilot.id)
    assert anyone.at.metric[0].value == "0.432"
    assert anyone.sees("Computed in {mode}.", mode="float32 (cpu)")
    anyone.button("Keep this map").click()
    states = anyone.at._tree.get_widget_states()
    for _ in range(2):  # a double tap
        anyone.run_with(states)
        assert anyone.sees("Kept as map {n}.", n=1)
    assert anyone.place.rows("SELECT number, loss, n_windows FROM view") == [(1, 0.4321, 33)]
    assert not anyone.has_button("Keep this map")
    anyone.press("Ask people about it")
    assert anyone.has_button("Open the study")


def test_a_model_that_cannot_rebuild_waveforms_has_no_error_and_never_a_zero(someone):
    pilot = someone.place.pilot()
    someone.place.draw(someone.place.spec(someone.place.data(pilot)))
    someone.open("maps", pilot=pilot.id).choose("model", "raw")
    assert someone.sees("Reconstruction error: none")
    assert [one.label for one in someone.at.metric] == [someone.word("Kept by the flat map")]
    someone.press("Keep this map")
    assert someone.place.rows("SELECT loss FROM view") == [(None,)]
    someone.open("evidence", pilot=pilot.id)
    assert list(someone.at.table[0].value[someone.word("reconstruction error")]) == [someone.word("none")]


def test_a_study_is_opened_on_chosen_maps_and_ended(someone):
    place, pilot = someone.place, someone.place.pilot()
    dataset = place.data(pilot)
    first, second = (place.view(pilot, place.spec(dataset, length=length)) for length in (16, 24))
    someone.open("study", pilot=pilot.id)
    someone.at.multiselect[0].set_value([])
    someone.run().press("Open the study")
    assert someone.word("Choose at least one map for people to rate.") in someone.errors()[0]
    place.noise(ViewSpec.from_json(second.spec))
    someone.at.multiselect[0].set_value([second.id])
    someone.run().press("Open the study")
    assert place.rows("SELECT view_id FROM study_view") == [(second.id,)] != [(first.id,)]
    someone.press("End the study")
    assert someone.has_button("Open the study")
    assert place.rows("SELECT count(*) FROM study WHERE closed_at IS NULL") == [(0,)]
