"""The part of the evidence screen where people decide, by AppTest, on a place of its own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import UserError
from core.rules import Facts, Thresholds
from feedback_db import ledger
from feedback_db.ledger import Entry
from feedback_db.permits import LOCAL
from feedback_db.pilots import Pilot
from pages.parts import deciding, work
from tests.screens import Person
from tests.test_rules import GOOD

CHANGED = "Entries that somebody changed, left out or moved in the database: {numbers}. Do not rely on them."
NAME, REASON = "田中 <b>*x*</b>", "速く判断できる。"


def screen(pilot, facts):  # its text is run as a script
    from pages.parts import deciding
    from pages.parts.guard import guard

    with guard():
        deciding.section(pilot, facts)


def opened(someone: Person, pilot: Pilot, facts: Facts = GOOD) -> Person:
    someone.at = AppTest.from_function(screen, default_timeout=30, kwargs={"pilot": pilot, "facts": facts})
    someone.at.context = {"locale": someone.browser}
    someone.at.query_params["lang"] = someone.language
    return someone.run()


def settled(pilot: Pilot) -> list[Entry]:
    with work.database().session(LOCAL) as db:
        return ledger.of_pilot(db, pilot.id)


def fill_in(someone: Person, decision: str | None = "go", name: str = NAME, reason: str = REASON) -> Person:
    for key, value in (("what", decision), ("name", name), ("reason", reason)):
        someone.at.get_by_key(f"decision-{key}").set_value(value)
    return someone


def fix(someone: Person, **rules: float) -> Person:
    """As the form shows them: shares in per cent."""
    for name, value in rules.items():
        someone.at.get_by_key(f"rule-{name}").set_value(value)
    return someone.press("Fix these rules")


def shown(someone: Person) -> list[dict[str, str]]:
    """The ledger's table; [] where there is none."""
    [*tables] = someone.at.table
    return tables[-1].value.to_dict("records") if tables else []


def test_it_says_the_verdict_with_every_rule_that_gave_it(anyone):
    opened(anyone, anyone.place.pilot())
    assert anyone.sees("The rules say: go on.")
    [because] = [one.value for one in anyone.at.markdown if one.value.startswith("- ")]
    assert len(because.splitlines()) == 6
    assert "{" not in because
    assert anyone.sees(
        "Nobody has fixed these rules yet. Fix them before you ask people: later they can be bent to fit."
    )


def test_three_people_are_too_few_on_the_screen_too(someone):
    opened(someone, someone.place.pilot(), replace(GOOD, rating=replace(GOOD.rating, n_raters=3)))
    assert someone.sees("The rules cannot tell yet.")
    assert not someone.sees("The rules say: go on.")


def test_rules_that_are_fixed_hold_from_then_on_and_are_in_the_ledger(someone):
    pilot = someone.place.pilot()
    opened(someone, pilot)
    fix(someone, mean=4.5, noise=5.0)
    [entry] = settled(pilot)
    assert (entry.kind, Thresholds.from_json(entry.content)) == ("rules", Thresholds(mean=4.5, noise=0.05))
    opened(someone, pilot)
    assert someone.sees("The rules cannot tell yet.")  # 10 % found noise readable
    assert someone.at.get_by_key("rule-mean").value == 4.5


def test_rules_that_contradict_nothing_leave_each_number_as_it_was(someone):
    """What the form shows in per cent is the same share again when it is fixed."""
    pilot, own = someone.place.pilot(), Thresholds(gain=0.07, saved=0.29, noise=0.15, agreement=0.55)
    with work.database().session(LOCAL) as db:
        ledger.append(db, pilot.id, "rules", own.to_json())
    opened(someone, pilot).press("Fix these rules")
    [entry] = settled(pilot)
    assert Thresholds.from_json(entry.content) == own


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (None, "These rules were fixed on {at}. Nobody has been asked yet."),
        (1, "These rules were fixed on {at}, before people were first asked ({opened})."),
        (-1, "These rules were fixed on {at}, after people were first asked ({opened}): answers may have been known."),
    ],
)
def test_it_says_whether_rules_were_fixed_before_people_were_asked(asked, words, place):
    pilot = place.pilot()
    with work.database().session(LOCAL) as db:
        entry = ledger.append(db, pilot.id, "rules", Thresholds().to_json())
    opened_at = None if asked is None else entry.at + timedelta(days=asked)
    found = deciding._when(deciding.Settled([entry], [], opened_at))
    told = {"at": deciding.moment_of(entry.at), "opened": "" if opened_at is None else deciding.moment_of(opened_at)}
    assert found == deciding._(words).format(**told)


def test_rules_changed_after_people_were_asked_are_told_beside_those_that_were_promised(someone):
    pilot = someone.place.pilot()
    with work.database().session(LOCAL) as db:
        ledger.append(db, pilot.id, "rules", Thresholds(mean=4.9).to_json())
    kept = someone.place.view(pilot, someone.place.spec(someone.place.data(pilot)))
    someone.place.study(pilot, kept)
    opened(someone, pilot)
    assert len(someone.at.warning) == 0
    fix(someone, mean=3.5)
    [warning] = someone.at.warning
    assert someone.word("The rules say: improve, then ask again.") in warning.value  # 4.2 does not reach 4.9
    assert someone.sees("The rules say: go on.")


def test_a_decision_is_signed_with_all_that_it_rested_on(someone):
    pilot = someone.place.pilot()
    opened(someone, pilot)
    fill_in(someone, "stop").press("Sign the decision")
    [entry] = settled(pilot)
    told = entry.content
    assert entry.kind == "decision"
    assert (told["decision"], told["name"], told["reason"], told["verdict"]) == ("stop", NAME, REASON, "go")
    assert (told["facts"], told["thresholds"], told["fixed"]) == (GOOD.to_json(), Thresholds().to_json(), None)
    assert len(told["because"]) == 6
    [row] = shown(someone)
    assert row[someone.word("state")] == someone.word("unchanged")
    assert row[someone.word("fingerprint")] == entry.hash[:8]
    assert "<b>" not in row[someone.word("what was settled")]
    someone.press("Sign the decision")
    assert len(settled(pilot)) == 1


@pytest.mark.parametrize("missing", [{"decision": None}, {"name": "  "}, {"reason": " \n"}])
def test_nobody_decides_without_a_name_and_a_reason(someone, missing):
    pilot = someone.place.pilot()
    opened(someone, pilot)
    fill_in(someone, **missing).press("Sign the decision")
    assert settled(pilot) == []
    assert len(someone.errors()) == 1


def test_what_came_in_while_somebody_read_has_to_be_read_before_it_is_signed(someone):
    pilot = someone.place.pilot()
    opened(someone, pilot)
    someone.at.kwargs["facts"] = replace(GOOD, agreement=0.1)
    fill_in(someone).press("Sign the decision")
    assert settled(pilot) == []
    assert someone.sees("The rules say: improve, then ask again.")
    fill_in(someone).press("Sign the decision")
    assert [one.content["verdict"] for one in settled(pilot)] == ["improve"]


def test_a_row_that_was_edited_by_hand_is_told_and_no_longer_relied_on(someone):
    pilot = someone.place.pilot()
    with work.database().session(LOCAL) as db:
        ledger.append(db, pilot.id, "rules", Thresholds(mean=4.9).to_json())
        ledger.append(db, pilot.id, "decision", {"decision": "go", "name": "A", "reason": "B", "verdict": "improve"})
        ledger.append(db, pilot.id, "rules", Thresholds(mean=4.8).to_json())
    opened(someone, pilot)
    assert someone.errors() == []
    with work.database().engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ledger SET content = replace(content, '4.9', '1.0') WHERE number = 1")
        connection.exec_driver_sql("DELETE FROM ledger WHERE number = 2")
    opened(someone, pilot)
    assert someone.errors() == [someone.word(CHANGED, numbers="1、2")]
    states = [row[someone.word("state")] for row in shown(someone)]
    assert states == [someone.word(one) for one in ("changed", "gone", "unchanged")]
    assert "1.0" not in str(shown(someone)[0])


def test_only_whole_rules_from_before_the_study_count_as_promised():
    at = datetime(2026, 11, 1, tzinfo=UTC)
    rules = [Entry("p", i + 1, "rules", {}, at + timedelta(days=i), "", str(i)) for i in range(4)]
    asked = at + timedelta(days=1, hours=1)
    assert deciding.Settled(rules, [], asked).promised == rules[1]
    assert deciding.Settled(rules, [2], asked).promised == rules[0]
    assert deciding.Settled(rules[:2], [], asked).promised is None  # they hold still
    assert deciding.Settled(rules[2:], [], asked).promised is None  # nothing was promised


def test_every_rule_can_be_set_within_what_it_can_ask_for():
    assert set(deciding.FIELDS) == set(Thresholds().to_json()) == set(deciding.LIMITS)
    for name, (low, high) in deciding.LIMITS.items():
        for end in (low, high):
            assert getattr(Thresholds(**{name: end}), name) == end
        with pytest.raises(UserError):
            Thresholds(**{name: high + 1})
