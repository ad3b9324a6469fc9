"""Go on, improve or stop: the rules, what they say of the facts, who decided what and why, and the ledger of it all."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import pandas as pd
import streamlit as st

from core import rules
from core.errors import N_, UserError
from core.rules import LIMITS, Facts, Judged, Thresholds
from core.tellings import VERDICTS
from feedback_db import ledger, studies
from feedback_db.ledger import Entry
from feedback_db.pilots import Pilot
from pages.parts import who
from pages.parts.guard import guard
from pages.parts.placed import Bounds
from pages.parts.text import _, bare, fill, listed, moment_of, plain
from pages.parts.work import database

ACROSS = 4
MOST_NAME, MOST_REASON = 80, 2000  # characters
HASH = 8  # digits that are shown
DECISIONS = {"go": N_("Go on"), "improve": N_("Improve"), "stop": N_("Stop here")}
FIELDS = {  # name, units a share is shown in, step
    "mean": (N_("Understandability of the clearest map: at least"), 1, 0.1),
    "low": (N_("Lower end of its range: at least"), 1, 0.1),
    "gain": (N_("Right answers that a map adds: more than (percentage points)"), 100, 1.0),
    "saved": (N_("… or time that it saves: more than (%)"), 100, 1.0),
    "people": (N_("People: at least"), 1, 1),
    "noise": (N_("People who find noise readable: at most (%)"), 100, 1.0),
    "agreement": (N_("Agreement (alpha): at least"), 1, 0.05),
    "rounds": (N_("Rounds before it is given up"), 1, 1),
}


@dataclass(frozen=True, slots=True)
class Settled:
    """What the ledger of a pilot holds, and what of it can be relied on."""

    entries: Sequence[Entry]  # that can be read, oldest first
    wrong: Sequence[int]  # numbers that were changed, left out or moved
    opened_at: datetime | None  # when people were first asked

    @property
    def fixed(self) -> list[Entry]:
        """Rules as they were written."""
        return [one for one in self.entries if one.kind == "rules" and one.number not in self.wrong]

    @property
    def thresholds(self) -> Thresholds:
        """That hold now: fixed last, else proposed."""
        return Thresholds.from_json(self.fixed[-1].content) if self.fixed else Thresholds()

    @property
    def promised(self) -> Entry | None:
        """The last rules from before people were first asked, where others hold now."""
        before = [one for one in self.fixed if self.opened_at is not None and one.at < self.opened_at]
        return before[-1] if before and before[-1] != self.fixed[-1] else None


def section(current: Pilot, facts: Facts) -> None:
    st.markdown(f"#### {_('What do the rules say?')}")
    settled = settled_of(current.id)
    if settled.wrong:
        words = _("Entries that somebody changed, left out or moved in the database: {numbers}. Do not rely on them.")
        st.error(words.format(numbers=listed(map(str, settled.wrong))), icon=":material/link_off:")
    judged = rules.judge(facts, settled.thresholds)
    _verdict(judged, settled, facts)
    _proposals(facts, settled.thresholds)
    with st.expander(_("Details: the rules"), key="rules"), guard():
        _rules(current.id, settled)
    st.markdown(f"#### {_('Decide')}")
    with guard():
        _sign(current.id, settled, facts, judged)
    _history(settled)


def settled_of(pilot_id: str) -> Settled:
    """What holds in this pilot, and whether it can be relied on."""
    with database().session(who.here()) as db:
        entries, wrong = ledger.of_pilot(db, pilot_id), ledger.verify(db, pilot_id)
        asked = studies.of_pilot(db, pilot_id)
    return Settled(entries, wrong, min((one.opened_at for one in asked), default=None))


def told(pilot_id: str, facts: Facts) -> tuple[list[str], str | None]:
    """What the rules say, why, and what was signed last, for paper.

    With the hash of the ledger's last entry: whoever has noted it sees later whether entries were cut off.
    """
    return [*judged(pilot_id, facts), *decided(pilot_id)[-1:]], last_hash(pilot_id)


def last_hash(pilot_id: str) -> str | None:
    """Of the ledger; None where nothing was settled."""
    entries = settled_of(pilot_id).entries
    return entries[-1].hash if entries else None


def judged(pilot_id: str, facts: Facts) -> list[str]:
    """What the rules say, why, and when they were fixed, for paper."""
    settled = settled_of(pilot_id)
    found = rules.judge(facts, settled.thresholds)
    return [_(VERDICTS[found.verdict]), *(bare(one.message, one.facts) for one in found.because), _when(settled)]


def decided(pilot_id: str) -> list[str]:
    """Every decision that was signed, oldest first, for paper."""
    settled = settled_of(pilot_id)
    words = _("Decided on {at} by {name}: {decision}. Reason: {reason}")
    return [
        words.format(at=moment_of(one.at), decision=_(DECISIONS[one.content["decision"]]), **_by_whom(one))
        for one in settled.entries
        if one.kind == "decision" and one.number not in settled.wrong
    ]


def _by_whom(entry: Entry) -> dict[str, str]:
    return {name: entry.content[name] for name in ("name", "reason")}


def next_steps(pilot_id: str, facts: Facts) -> list[str]:
    """What could be done next, for paper."""
    return [bare(one.message, one.facts) for one in rules.proposals(facts, settled_of(pilot_id).thresholds)]


def asked_for(pilot_id: str) -> list[list[str]]:
    """What the rules ask for now, for paper."""
    thresholds = settled_of(pilot_id).thresholds
    rows = [[_(words), f"{getattr(thresholds, name) * unit:g}"] for name, (words, unit, _step) in FIELDS.items()]
    return [[_("rule"), _("asked for")], *rows]


def entries(pilot_id: str) -> list[dict[str, str]]:
    """What was settled and when, for paper."""
    return _rows(settled_of(pilot_id), str)


# --- what the rules say


def _verdict(judged: Judged, settled: Settled, facts: Facts) -> None:
    st.markdown(f"**{_(VERDICTS[judged.verdict])}**")
    st.markdown("\n".join(f"- {fill(one.message, one.facts)}" for one in judged.because))
    st.caption(_when(settled))
    if settled.promised is not None:
        other = rules.judge(facts, Thresholds.from_json(settled.promised.content))
        words = _("Before people were first asked, other rules were fixed (entry {n}). By those: {verdict}")
        st.warning(
            words.format(n=settled.promised.number, verdict=_(VERDICTS[other.verdict])), icon=":material/history:"
        )


def _when(settled: Settled) -> str:
    """Whether the rules were there before the answers."""
    if not settled.fixed:
        return _("Nobody has fixed these rules yet. Fix them before you ask people: later they can be bent to fit.")
    at, opened_at = settled.fixed[-1].at, settled.opened_at
    facts = {"at": moment_of(at), "opened": "" if opened_at is None else moment_of(opened_at)}
    if opened_at is None:
        return _("These rules were fixed on {at}. Nobody has been asked yet.").format(**facts)
    if at < opened_at:
        words = _("These rules were fixed on {at}, before people were first asked ({opened}).")
        return words.format(**facts)
    words = _("These rules were fixed on {at}, after people were first asked ({opened}): answers may have been known.")
    return words.format(**facts)


def _proposals(facts: Facts, thresholds: Thresholds) -> None:
    found = rules.proposals(facts, thresholds)
    if found:
        st.markdown(f"**{_('What could come next')}**")
        st.markdown("\n".join(f"- {fill(one.message, one.facts)}" for one in found))


# --- fix the rules


def _rules(pilot_id: str, settled: Settled) -> None:
    st.caption(
        _(
            "Go on: all rules are met; of right answers and time, one is enough. Stop: a rule is surely missed after "
            "the last round. Otherwise: improve. Where people are too few or a number is missing: it cannot be told."
        )
    )
    with st.form("rules-form", border=False):
        chosen = _chosen(settled.thresholds)
        if st.form_submit_button(_("Fix these rules"), icon=":material/push_pin:"):
            content = Thresholds(**chosen).to_json()
            with database().session(who.here()) as db:
                ledger.append(db, pilot_id, "rules", content)
            st.rerun()


def _chosen(now: Thresholds) -> dict[str, float]:
    """What stands in the form."""
    chosen: dict[str, float] = {}
    for i, (name, (words, unit, step)) in enumerate(FIELDS.items()):
        if i % ACROSS == 0:
            columns = st.columns(ACROSS, vertical_alignment="bottom")
        kind, form = (int, "%d") if isinstance(step, int) else (float, "%g")
        low, high = (kind(end * unit) for end in LIMITS[name])
        shown = kind(round(getattr(now, name) * unit, 6))
        said = columns[i % ACROSS].number_input(_(words), low, high, shown, step, form, key=f"rule-{name}")
        chosen[name] = said if unit == 1 else round(said / unit, 6)
    return chosen


def _in_words(one: Thresholds) -> str:
    words = _(
        "understandability {mean:g} (lower end {low:g}); right answers more than {gain:.0%} or time more than "
        "{saved:.0%}; people {people}; noise {noise:.0%}; agreement {agreement:g}; rounds {rounds}"
    )
    return words.format(**asdict(one))


# --- sign


def _sign(pilot_id: str, settled: Settled, facts: Facts, judged: Judged) -> None:
    """What is signed is what was on the screen: answers may come in while somebody thinks."""
    shown, key = (facts, settled.thresholds), f"seen-{pilot_id}"
    seen = st.session_state.get(key, shown)
    st.session_state[key] = shown
    st.caption(_("The rules advise, people decide. Whoever decides otherwise says why."))
    with st.form("decision", border=False):
        decision = st.segmented_control(
            _("Decision"), list(DECISIONS), format_func=lambda one: _(DECISIONS[one]), key="decision-what"
        )
        name = _signer()
        reason = st.text_area(_("Reason"), max_chars=MOST_REASON, height=100, key="decision-reason").strip()
        if not st.form_submit_button(_("Sign the decision"), type="primary", icon=":material/draw:"):
            return
    if not (decision and name and reason):
        raise UserError(
            N_("A decision needs go on, improve or stop, a name and a reason."), N_("Give all three, then sign.")
        )
    if seen != shown:
        raise UserError(
            N_("Answers or rules have changed since you read what the rules say."), N_("Read it again, then sign.")
        )
    content = {
        "decision": decision,
        "name": name,
        "reason": reason,
        "verdict": judged.verdict,
        "because": [[one.message, dict(one.facts)] for one in judged.because],
        "facts": facts.to_json(),
        "thresholds": settled.thresholds.to_json(),
        "fixed": settled.fixed[-1].number if settled.fixed else None,
    }
    with database().session(who.here()) as db:
        ledger.append(db, pilot_id, "decision", content)
    st.rerun()


def _signer() -> str:
    """Who signs: where people sign in, nobody signs for somebody else."""
    login = who.login(database())
    if login is None:
        return st.text_input(_("Name"), max_chars=MOST_NAME, key="decision-name").strip()
    st.text_input(_("Name"), login.name, disabled=True, key=f"decision-name-{login.id}")
    return login.name


# --- what was settled


def _history(settled: Settled) -> None:
    """Every entry, and whether it is as it was written."""
    if not settled.entries and not settled.wrong:
        return
    rows = _rows(settled, plain)
    with st.expander(_("What was settled, and when"), expanded=bool(settled.wrong), key="ledger"):
        st.table(pd.DataFrame(rows), hide_index=True)
        st.caption(
            _(
                "Each entry holds a fingerprint of the one before it, so a row that is changed, deleted or moved in "
                "the database shows. Note the last fingerprint elsewhere: what is cut off at the end shows only by it."
            )
        )


def _rows(settled: Settled, shown: Callable[[str], str]) -> list[dict[str, str]]:
    """Args: shown: `plain` for Markdown, `str` for paper."""
    by_number = {one.number: one for one in settled.entries}
    numbers = sorted({*by_number, *settled.wrong})
    return [_row(number, by_number.get(number), number not in settled.wrong, shown) for number in numbers]


def _row(number: int, entry: Entry | None, unchanged: bool, shown: Callable[[str], str]) -> dict[str, str]:
    """Of an entry that is not as it was written, nothing is told but that."""
    is_whole = entry is not None and unchanged
    return {
        _("entry"): str(number),
        _("when"): moment_of(entry.at) if entry is not None and is_whole else "–",
        _("what was settled"): _told(entry, shown) if entry is not None and is_whole else "–",
        _("fingerprint"): entry.hash[:HASH] if entry is not None else "–",
        _("state"): _("unchanged") if is_whole else _("gone") if entry is None else _("changed"),
    }


def _told(entry: Entry, shown: Callable[[str], str]) -> str:
    if entry.kind == "rules":
        return _("Rules fixed: {rules}").format(rules=_in_words(Thresholds.from_json(entry.content)))
    if entry.kind == "limits":
        return _("Alert limits fixed: more than {limits}").format(limits=Bounds.from_json(entry.content).in_words())
    return _("{decision}, signed by {name}: {reason} ({verdict})").format(
        decision=_(DECISIONS[entry.content["decision"]]),
        verdict=_(VERDICTS[entry.content["verdict"]]),
        **{name: shown(text) for name, text in _by_whom(entry).items()},
    )
