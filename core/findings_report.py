"""What was found, as a document of one to three pages: for paper (core.book) or for a browser (core.webpage)."""

from collections.abc import Mapping
from pathlib import Path

from core import book, evidence_charts, pictures, tellings, webpage
from core.answers import named
from core.document import Block, Bullets, Document, Grid, Paragraphs, Picture, Section
from core.errors import N_, UserError
from core.evidence import QUADRANTS
from core.evidence_charts import Point, Words
from core.findings import Change, Findings
from core.notices import Notice
from core.opinions import Contrast, Range
from core.rules import Thresholds
from core.tellings import VERDICTS, p_of, ranged, sized, sure, with_why
from core.words import Language, Voice

WIDTH, HEIGHT = 640, 300  # of the picture, pixels
WRITERS = {".pdf": book.pdf, ".html": webpage.html}
HASH = 12  # digits of a fingerprint that are shown


def report(findings: Findings, language: Language) -> Document:
    """The same findings give the same document: it does not know when it was made, only when the data were."""
    voice = Voice(language)
    pilot = findings.returned.manifest.get("pilot", {})
    answers = named(findings.returned.answers, _names(findings, voice))
    sections = [
        Section(voice._("What do the rules say?"), _rules(findings, voice)),
        Section(voice._("How clear is each map?"), _maps(findings, voice)),
        Section(voice._("The model's error beside what people say"), _beside(findings, voice)),
        Section(voice._("Does a map help?"), [Paragraphs(tellings.helped(findings.helped, voice))]),
        Section(
            voice._("Can these answers be trusted?"),
            [Paragraphs([voice.together(*map(voice.notice, findings.agreement.meaning))])],
        ),
        *_missing(findings, voice),
    ]
    return Document(
        title=str(pilot.get("question") or voice._("What people answered")),
        facts=_about(findings, voice),
        headline=voice.together(*_warning(findings, voice), tellings.sentence(answers, voice)),
        sections=sections,
        footer=_footer(findings, voice),
        language=language,
    )


def write(document: Document, file: Path) -> None:
    """As PDF, or as a page for a browser: the end of the file's name tells which.

    Raises:
        UserError: it tells of neither.
    """
    made = WRITERS.get(file.suffix.lower())
    if made is None:
        raise UserError(
            N_("“{file}” is neither a PDF nor a page for a browser."),
            N_("Name a file that ends with .pdf or .html."),
            file=file,
        )
    file.write_bytes(made(document))


def _names(findings: Findings, voice: Voice) -> dict[str, str]:
    return {number: voice._("Map {n}").format(n=number) for number in findings.returned.maps}


def _about(findings: Findings, voice: Voice) -> list[str]:
    team = findings.returned.manifest.get("pilot", {}).get("team")
    n = len(findings.returned.answers)
    return [
        *([str(team)] if team else []),
        voice._("Round {n}").format(n=findings.returned.last_round),
        voice.people(findings.n_people),
        voice.ngettext("{n} answer", "{n} answers", n).format(n=n),
    ]


def _rules(findings: Findings, voice: Voice) -> list[Block]:
    said: list[Block] = [
        Paragraphs([voice._(VERDICTS[findings.judged.verdict])]),
        Bullets([voice.notice(one) for one in findings.judged.because]),
    ]
    if findings.thresholds == Thresholds() and findings.returned.thresholds is None:
        said.append(Paragraphs([voice._("Nobody has fixed rules in the pilot’s ledger: these are the proposed ones.")]))
    return said


def _maps(findings: Findings, voice: Voice) -> list[Block]:
    rows = [_heads(voice)]
    for number, name in _names(findings, voice).items():
        opinion, lost = findings.opinions.get(number), findings.losses.get(number)
        error = None if lost is None else Range(lost[0].value, lost[0].low, lost[0].high, 0, None)
        rows.append(
            [
                name,
                voice._("none") if error is None else ranged(error, ".3f"),
                "–" if opinion is None else ranged(opinion.understandability, ".1f"),
                "–" if opinion is None else ranged(opinion.accuracy, ".0%"),
                "–" if opinion is None or opinion.chance is None else f"{opinion.chance:.0%}",
                "0" if opinion is None else str(opinion.understandability.n_raters),
                str(findings.answers_of(number)),
            ]
        )
    return [Grid(rows, voice._("Ranges in brackets: 95 %.")), Paragraphs(_in_pairs(findings, voice))]


def _heads(voice: Voice) -> list[str]:
    return [
        voice._("map"),
        voice._("reconstruction error"),
        voice._("understandability (1–5)"),
        voice._("quiz right"),
        voice._("by guessing"),
        voice._("people"),
        voice._("answers"),
    ]


# --- the error beside what people say


def _beside(findings: Findings, voice: Voice) -> list[Block]:
    names = _names(findings, voice)
    told = voice.notice(findings.together.told)
    if findings.base is None:
        words = voice._("A point appears here once a map has both a reconstruction error and a rating.")
        return [Paragraphs([words, told])]
    lines = [_against(names, number, findings.base, one, voice) for number, one in findings.changes.items()]
    return [_picture(findings, findings.base, voice), Paragraphs([told]), *([Bullets(lines)] if lines else [])]


def _picture(findings: Findings, base: str, voice: Voice) -> Picture:
    names = _names(findings, voice)
    points = {number: point for number in findings.losses if (point := _point(findings, number, names)) is not None}
    before = {number: one.trained_from for number, one in findings.returned.maps.items()}
    arrows = [(points[old], points[new]) for new, old in before.items() if old in points and new in points]
    words = Words(
        voice._("← better   reconstruction error   worse →"),
        voice._("understandability (5 = clear at a glance)"),
        {quadrant: voice._(text) for quadrant, text in QUADRANTS.items()},
    )
    chart = evidence_charts.beside(list(points.values()), points[base], arrows, words)
    chart = chart.properties(width=WIDTH, height=HEIGHT)
    alt = voice._("Reconstruction error against understandability, one point a map")
    caption = voice._(
        "The dashed lines go through {map}, the first map that was rated: left of them the error is lower, above "
        "them people find the map clearer."
    ).format(map=names[base])
    return Picture(pictures.drawn(chart, "png"), pictures.drawn(chart, "svg"), alt, caption)


def _point(findings: Findings, number: str, names: Mapping[str, str]) -> Point | None:
    rated, (lost, _errors) = findings.rated(number), findings.losses[number]
    if rated is None or rated.value is None:
        return None
    across = None if lost.low is None or lost.high is None else (lost.low, lost.high)
    up = None if rated.low is None or rated.high is None else (rated.low, rated.high)
    return Point(names[number], lost.value, across, rated.value, up)


def _against(names: Mapping[str, str], number: str, base: str, one: Change, voice: Voice) -> str:
    """What people say of a map against the base, and where it stands beside its error."""
    facts = {"map": names[number], "base": names[base]}
    said = _clarity(facts, one.clarity, voice)
    if one.placed is None:
        return said
    where = voice._(QUADRANTS[one.placed.quadrant])
    if not one.placed.is_sure:
        where = voice._("{what}, but that may be chance").format(what=where)
    return voice.together(said, voice._("Beside the error: {where}.").format(where=where))


def _clarity(facts: dict[str, str], one: Contrast, voice: Voice) -> str:
    if one.size.value is None:
        return with_why(voice._("{map} and {base} cannot be compared.").format(**facts), one.size, voice)
    words = {
        1: voice._("{map} is clearer than {base}, by {steps} steps, {people} (p: {p})."),
        0: voice._("No difference shows between {map} and {base}: {steps} steps, {people} (p: {p})."),
        -1: voice._("{map} is less clear than {base}, by {steps} steps, {people} (p: {p})."),
    }
    verdict = sure(one, 0.0)
    told = {"steps": sized(one.size, verdict, ".1f"), "people": voice.people(one.size.n_raters), "p": p_of(one.p)}
    return with_why(words[verdict].format(**facts, **told), one.size, voice)


# --- pairs, and what is not there


def _in_pairs(findings: Findings, voice: Voice) -> list[str]:
    """Which of two maps people found clearer; nothing where nobody was asked that."""
    if findings.pairs is None:
        return []
    found, names = findings.pairs, _names(findings, voice)
    words = voice._(
        "{people} compared two maps, {chosen} times with a choice and {undecided} times with “I can't tell”."
    )
    told = words.format(people=voice.people(found.n_raters), chosen=found.n_chosen, undecided=found.n_undecided)
    return [voice.together(told, *(voice.notice(_called(one, names)) for one in found.notices))]


def _called(one: Notice, names: Mapping[str, str]) -> Notice:
    """With the names of maps that it is about."""
    facts = dict(one.facts)
    if "view" in facts:
        facts["view"] = names[str(facts["view"])]
    if isinstance(views := facts.get("views"), list):
        facts["views"] = [names[view] for view in views]
    return Notice(one.message, facts)


def _missing(findings: Findings, voice: Voice) -> list[Section]:
    """Why numbers or ranges are not there, one line a reason."""
    reasons: dict[str, list[str]] = {}
    for number, name in _names(findings, voice).items():
        for why in findings.why_not(number):
            reasons.setdefault(voice.notice(why), []).append(name)
    lines = [f"{voice.listed(names)}: {words}" for words, names in reasons.items()]
    return [Section(voice._("What could not be computed, and why"), [Bullets(lines)])] if lines else []


def _warning(findings: Findings, voice: Voice) -> list[str]:
    """Of files that somebody has changed."""
    if not findings.returned.changed:
        return []
    words = voice._("Files that somebody changed after they were exported: {files}. Do not rely on these numbers.")
    return [words.format(files=voice.listed(findings.returned.changed))]


def _footer(findings: Findings, voice: Voice) -> list[str]:
    """What it was made of, and what made that."""
    told = findings.returned.manifest
    said = []
    if "content" in told:
        said.append(voice._("maps and answers {fingerprint}").format(fingerprint=str(told["content"])[:HASH]))
    said += [f"{one['file']} {one['sha256'][:HASH]}" for one in told.get("data", [])]
    return [*said, *(f"{name} {version}" for name, version in told.get("versions", {}).items())]
