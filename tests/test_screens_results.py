"""What people say, without a browser: studies with planted answers, of which the screen must say that and no more."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from core.words import catalogue
from feedback_db import raters, ratings, studies
from feedback_db.permits import LOCAL
from feedback_db.pilots import Pilot
from feedback_db.ratings import Preference, Rating, TaskAnswer
from feedback_db.studies import Item, Study
from feedback_db.views import View
from pages.parts import work
from pages.parts.text import plain
from tests.screens import Person, Place

HIGH = (5, 4, 5, 4, 5, 4, 5, 5)  # eight people's scores of a map
LOW = (2, 2, 3, 1, 2, 1, 3, 2)
MIXED = (4, 2, 5, 1, 3, 4, 2, 3)
SHUFFLED = (2, 4, 1, 5, 4, 3, 3, 2)  # on average as high as MIXED, and higher for half of the people
QUIZ = {"instance": 0, "quiz": {"kind": "odd"}, "material": "m"}


class Questionnaire:
    """A study of some maps, and people who answer it as they are told to."""

    def __init__(self, place: Place, n_maps: int = 2, pilot: Pilot | None = None) -> None:
        self.place, self.pilot = place, pilot or place.pilot()
        dataset = place.data(self.pilot)
        self.kept = [place.view(self.pilot, place.spec(dataset, length=16 + 8 * i), loss=0.1) for i in range(n_maps)]
        self.study = self._opened(self.kept)

    def _opened(self, kept: Sequence[View]) -> Study:
        ids = [one.id for one in kept]
        asked = [("view", id_, None, QUIZ) for id_ in ids]
        asked += [("plain", ids[0], None, QUIZ), ("repeat", ids[0], None, None)]
        asked += [("null", None, None, None), ("check", None, None, {"instance": 0})]
        asked += [("pair", ids[0], other, None) for other in ids[1:]]
        items = [Item(number, *one) for number, one in enumerate(asked)]
        with work.database().session(LOCAL) as db:
            study = studies.open_with(db, self.pilot.id, ids, 1, {}, items)
            raters.invite(db, study.id, is_shared=True)
            self.items = studies.items(db, study.id)
        return study

    def item(self, kind: str, view: View | None = None) -> Item:
        return next(one for one in self.items if one.kind == kind and (view is None or one.view_id == view.id))

    def begin(self, name: str = "") -> str:
        with work.database().session(LOCAL) as db:
            [shared] = raters.invitations(db, self.study.id)
            return raters.begin(db, shared, name, raters.new_token(), lambda _seat: range(len(self.items))).id

    def say(self, rater: str, item: Item, kind: type[Any], **said: Any) -> None:
        ids = {"id": str(uuid.uuid4()), "study_id": self.study.id, "item_id": item.id, "rater_id": rater}
        with work.database().session(LOCAL) as db:
            ratings.save(db, kind(**ids, **{"language": "ja", "seconds": 10.0} | said))

    def rate(self, rater: str, view: View, score: int | None, **said: Any) -> None:
        self.say(rater, self.item("view", view), Rating, score=score, **said)

    def quiz(self, rater: str, kind: str, *, right: bool, seconds: float) -> None:
        """With the first map, or with curves alone."""
        item, answer = self.item(kind, self.kept[0]), {"choice": {"choice": 1}, "right": right, "chance": 0.2}
        self.say(rater, item, TaskAnswer, seconds=seconds, **answer)

    def check(self, rater: str, *, right: bool) -> None:
        self.say(rater, self.item("check"), TaskAnswer, choice={"choice": 1}, right=right, chance=0.2)

    def everybody(self, *scores: Sequence[int]) -> list[str]:
        """As many people as there are scores of each map, in order; returns them."""
        here = [self.begin() for _ in scores[0]]
        for view, of_view in zip(self.kept, scores, strict=True):
            for rater, score in zip(here, of_view, strict=True):
                self.rate(rater, view, score)
        return here

    def read(self, reader: Person, **address: str) -> Person:
        return reader.open("results", pilot=self.pilot.id, **address)


@pytest.fixture
def reader(place: Place) -> Person:
    return Person(place, "en")


def headline(reader: Person) -> str:
    return next(one.value for one in reader.at.markdown if one.value.startswith("#### ")).removeprefix("#### ")


def people(reader: Person, n: int) -> str:
    return catalogue(reader.language).ngettext("{n} person", "{n} people", n).format(n=n)  # type: ignore[arg-type]


def cells(reader: Person, row: str) -> dict[str, Any]:
    """The row of the table of maps."""
    table = reader.at.table[0].value
    return table[table.iloc[:, 0] == row].iloc[0].to_dict()


def test_without_a_study_and_without_answers_the_screen_says_so_and_leads_to_asking(anyone):
    pilot = anyone.place.pilot()
    anyone.open("results", pilot=pilot.id)
    assert anyone.sees("Nobody has been asked yet. Open a study first.")
    asked = Questionnaire(anyone.place)
    asked.read(anyone)
    assert anyone.sees("Nobody has answered yet. What people say appears here with the first answer.")
    assert not anyone.at.table
    anyone.follow("Ask people")
    assert anyone.sees("Whom do I ask what?")


def test_a_planted_difference_is_told_with_its_range_and_people(anyone):
    asked = Questionnaire(anyone.place)
    asked.everybody(LOW, HIGH)
    asked.read(anyone)
    told = "{maps} is the clearest, beyond chance against each other map: {mean} of 5 ({basis})."
    low_and_high = anyone.word("range of uncertainty {low:.1f} to {high:.1f}", low=4.0, high=4.9)
    basis = {"ja": "、", "en": ", "}[anyone.language].join([low_and_high, people(anyone, 8)])
    assert headline(anyone) == anyone.word(told, maps=anyone.word("Map {n}", n=2), mean="4.6", basis=basis)
    assert len(anyone.at.get("vega_lite_chart")) == 2


def test_noise_is_called_no_difference(reader):
    asked = Questionnaire(reader.place)
    asked.everybody(MIXED, SHUFFLED)
    asked.read(reader)
    assert headline(reader).startswith("No map stands out beyond chance.")
    assert any("no difference shows between Map 1 and Map 2" in text for text in reader.texts())


def test_of_three_maps_the_two_that_may_be_equally_clear_are_both_named(reader):
    asked = Questionnaire(reader.place, 3)
    asked.everybody(LOW, HIGH, [5, 4, 4, 5, 4, 5, 5, 4])
    asked.read(reader)
    assert headline(reader).startswith("Map 2 was rated highest, 4.6 of 5 (")
    assert headline(reader).endswith("but these may be as clear: Map 3.")


def test_too_few_people_are_told_how_many_it_takes(reader):
    asked = Questionnaire(reader.place)
    asked.everybody(LOW[:3], HIGH[:3])
    asked.read(reader)
    assert headline(reader).endswith(
        "3 people have rated all that must be compared; no difference can show with fewer than 5."
    )


def test_one_person_is_an_opinion_without_a_range(reader):
    asked = Questionnaire(reader.place, 1)
    asked.everybody([4])
    asked.read(reader)
    assert headline(reader) == "Map 1 was rated 4.0 of 5 (1 person). With one map there is nothing to compare."
    assert cells(reader, "Map 1")["understandability (1–5)"] == "4.0"
    assert reader.sees("One person's opinion: a range needs at least two people.")


def test_i_cannot_tell_is_counted_and_is_no_score(reader):
    asked = Questionnaire(reader.place, 1)
    for score in (None, 4, 2):
        asked.rate(asked.begin(), asked.kept[0], score)
    asked.read(reader)
    shown = cells(reader, "Map 1")
    assert shown["understandability (1–5)"].startswith("3.0 (")
    assert (shown["“I can't tell”"], shown["people"]) == (1, 2)


def test_a_study_in_which_no_map_has_a_score_yet_says_so(reader):
    asked = Questionnaire(reader.place)
    rater = asked.begin()
    asked.check(rater, right=True)
    asked.read(reader)
    assert headline(reader) == "Nobody has rated a map yet, so nothing can be said about understandability."
    assert not reader.at.get("vega_lite_chart")
    asked.rate(rater, asked.kept[1], None)
    asked.read(reader)
    assert headline(reader) == "Nobody has rated a map yet, so nothing can be said about understandability."
    assert cells(reader, "Map 2")["understandability (1–5)"] == "–"


def test_all_changes_at_once_are_below_a_fold_with_what_is_taken_for_granted(reader):
    asked = Questionnaire(reader.place)
    asked.everybody(HIGH, LOW)
    asked.read(reader)
    assert not any("against these" in one.value for one in reader.at.table)
    reader.at.session_state["mixed"] = True
    reader.run()
    [table] = [one.value for one in reader.at.table if "against these" in one.value]
    assert table.iloc[0, :3].tolist() == ["Preparation", "Map 2", "Map 1"]
    assert table["steps clearer"][0].startswith("-2.6 (")
    assert reader.sees("In which order maps were shown is taken as making no difference.")


def test_who_failed_the_checks_can_be_left_out_of_everything_and_is_in_at_first(reader):
    asked = Questionnaire(reader.place)
    here = asked.everybody([5, 5, 4, 5, 4, 5, 1, 1], [2, 1, 1, 2, 2, 1, 5, 5])
    for rater in here:
        asked.check(rater, right=rater != here[6])
        asked.say(rater, asked.item("null"), Rating, score=5 if rater == here[7] else 1)
    asked.read(reader)
    assert cells(reader, "Map 1")["people"] == 8
    assert headline(reader).startswith("No map stands out")
    [toggle] = [one for one in reader.at.toggle if one.label.startswith("Leave out 2 people who failed")]
    assert not toggle.value
    reader.choose("careful", True)
    assert cells(reader, "Map 1")["people"] == 6
    assert headline(reader).startswith("Map 1 is the clearest, beyond chance against each other map: 4.7 of 5 (")
    assert any("1 of 8 people failed it" in text for text in reader.texts())  # they are told all the same


@pytest.mark.parametrize(
    ("with_map", "without", "told"),
    [
        (10.0, 20.0, "With a map people need less time, by 50% ("),
        (20.0, 10.0, "With a map people need more time, by 100% ("),
        (10.0, 10.0, "Whether a map saves time cannot be told: "),
    ],
)
def test_the_time_that_a_map_saves_is_told_as_a_share(reader, with_map, without, told):
    asked = Questionnaire(reader.place)
    for rater, factor in zip(asked.everybody(MIXED, SHUFFLED), (0.8, 1, 1.25, 1, 0.8, 1.25, 1, 1), strict=True):
        asked.quiz(rater, "view", right=True, seconds=with_map * factor)
        asked.quiz(rater, "plain", right=factor == 0.8, seconds=without / factor)
    asked.read(reader)
    assert any(text.startswith(told) for text in reader.texts())
    assert any("right more often, by 75 (" in text for text in reader.texts())
    assert cells(reader, "Map 1")["by guessing"] == "20%"


def test_a_change_of_one_thing_is_told_by_its_name(reader):
    asked = Questionnaire(reader.place)
    asked.everybody(HIGH, LOW)  # the maps differ in the length of their stretches
    asked.read(reader)
    assert any("Another preparation: Map 1 is clearer than Map 2, by 2.6 (" in text for text in reader.texts())


def test_hostile_comments_are_words_only(reader):
    asked = Questionnaire(reader.place)
    hostile = "<b>x</b> **bold** [a](http://x.example) :material/home: $x$\n# Title"
    rater = asked.begin("Ken")
    asked.rate(rater, asked.kept[0], 4, comment=hostile, reasons=["groups", "overlap"])
    asked.read(reader)
    assert any(f"- 4: {plain(hostile)}" in one.value for one in reader.at.markdown)
    for live in ("<b>", "**bold**", "](http", ":material/home:", "$x$"):
        assert live not in reader.sent()
    assert "Ken" not in reader.sent()


def test_reasons_are_counted_by_map(reader):
    asked = Questionnaire(reader.place)
    for tapped in (["groups", "overlap"], ["groups"], []):
        asked.rate(asked.begin(), asked.kept[0], 3, reasons=tapped)
    asked.read(reader)
    [table] = [one.value for one in reader.at.table if "reason" in one.value]
    counts = dict(zip(table["reason"], table["Map 1 (of 3)"], strict=True))
    assert {text: n for text, n in counts.items() if n != "–"} == {"The groups are clear": "2", "Points overlap": "1"}


def test_the_long_questionnaire_is_summed_up_by_scale_and_only_where_somebody_got_it(reader):
    asked = Questionnaire(reader.place)
    asked.rate(asked.begin(), asked.kept[0], 3)
    asked.read(reader)
    assert not reader.sees("The long questionnaire (PREVis)")
    for points in ({"messy": 7, "crowd": 5, "distract": None}, {"messy": 2, "crowd": None, "distract": None}):
        asked.rate(asked.begin(), asked.kept[0], 3, previs={"layout": points})
    asked.read(reader)
    [table] = [one.value for one in reader.at.table if "scale" in one.value]
    shown = dict(zip(table["scale"], table["Map 1"], strict=True))
    assert shown["Tidy layout"].startswith("Mean 4.0 (")  # the mean of 6 and 2
    assert shown["Tidy layout"].endswith("2 people.")
    assert shown["Easy to understand"] == "Mean –, 0 people. Nobody has answered this."


def test_pairs_are_ranked_where_they_were_asked(reader):
    asked = Questionnaire(reader.place)
    here = asked.everybody(MIXED, SHUFFLED)
    asked.read(reader)
    assert not reader.sees("Which of two maps is clearer?")
    for rater in here:
        asked.say(rater, asked.item("pair"), Preference, view_id=asked.kept[1].id)
    asked.read(reader)
    assert reader.sees("“{view}” is found clearer than each of the other maps, beyond chance.", view="Map 2")
    assert len(reader.at.get("vega_lite_chart")) == 3


def test_maps_whose_numbers_are_not_known_are_named_and_nothing_is_computed(reader):
    asked = Questionnaire(reader.place)
    asked.everybody(HIGH, LOW)
    asked.read(reader)
    assert reader.sees("{number} is not known yet of: {maps}.", number="Steadiness", maps="Map 1, Map 2")
    assert reader.place.desk.wishes == []


def test_people_who_repeat_themselves_and_who_read_maps_are_told(reader):
    asked = Questionnaire(reader.place)
    for rater, again in zip(asked.everybody(HIGH[:4], LOW[:4]), (5, 4, 4, 1), strict=True):
        asked.say(rater, asked.item("repeat"), Rating, score=again)
        with work.database().session(LOCAL) as db:
            one = next(one for one in raters.of_study(db, asked.study.id) if one.id == rater)
            raters.keep_literacy(db, one, {"right": 2 if again == 5 else 3})
    asked.read(reader)
    share = "Shown a map again, people stayed within one step of their first score in 75% of 4 cases."
    assert any(share in text for text in reader.texts())
    assert any("How to read a map: 2.8 (" in text and "of 3 questions right" in text for text in reader.texts())


def test_the_study_of_the_address_is_shown_and_else_the_newest(reader):
    asked = Questionnaire(reader.place)
    older = asked.study
    asked.everybody(HIGH, LOW)
    asked.study = asked._opened(asked.kept[:1])
    asked.rate(asked.begin(), asked.kept[0], 1)
    asked.read(reader)
    assert headline(reader).startswith("Map 1 was rated 1.0")
    assert reader.at.query_params["study"] == asked.study.id
    asked.read(reader, study=older.id)
    assert headline(reader).startswith("Map 1 is the clearest")
    reader.choose("study", asked.study.id)
    assert headline(reader).startswith("Map 1 was rated 1.0")


def test_answers_and_codebook_can_be_taken_along(reader):
    asked = Questionnaire(reader.place)
    asked.everybody(HIGH, LOW)
    asked.read(reader)
    assert [one.label for one in reader.at.download_button] == ["All answers (CSV)", "What the columns mean (CSV)"]
    answers, codebook = (
        reader.place.media.get_file(one.proto.url.rsplit("/", 1)[-1]).content.decode("utf-8-sig")
        for one in reader.at.download_button
    )
    assert len(answers.splitlines()) == 1 + 16
    columns = answers.splitlines()[0].split(",")
    assert [line.split(",")[0] for line in codebook.splitlines()[1:]] == columns
