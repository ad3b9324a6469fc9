"""What a rater is asked, and every word of the rater's screen: rating.js gets them in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import N_
from pages.parts.text import _

ANCHORS = {
    "1": N_("I can make nothing of it"),
    "2": N_("I can make out little"),
    "3": N_("In between"),
    "4": N_("I can make out most of it"),
    "5": N_("Clear at a glance"),
}
REASONS = {
    "groups": N_("The groups are clear"),
    "alike": N_("Similar curves lie together"),
    "known": N_("It fits how my machine behaves"),
    "unusual": N_("Unusual stretches stand out"),
    "overlap": N_("Points overlap"),
    "mixed": N_("Different curves are mixed"),
    "meaning": N_("I don't know what it means"),
    "crowded": N_("There is too much to look at"),
}
CONFIDENCE = {"1": N_("A guess"), "2": N_("Fairly sure"), "3": N_("Sure")}

# Cabouat, He, Isenberg & Isenberg 2025, "PREVis: Perceived Readability Evaluation for Visualizations", CC BY 4.0.
# The English is the validated wording; its Japanese is our own and has not been validated.
PREVIS = {
    "understand": {
        "obvious": N_("It is obvious for me how to read this visualization."),
        "represent": N_("I can easily understand how the data is represented in this visualization."),
        "understand": N_("I can easily understand this visualization."),
    },
    "layout": {
        "messy": N_("I don't find this visualization messy."),
        "crowd": N_("I don't find this visualization crowded."),
        "distract": N_("I don't find distracting parts in this visualization."),
    },
    "read": {
        "find": N_("I can easily find specific elements in this visualization."),
        "identify": N_("I can easily identify relevant information in this visualization."),
        "information": N_("I can easily retrieve information from this visualization."),
    },
    "features": {
        "visible": N_(
            "I find data features (for example, a minimum, or an outlier, or a trend) visible in this visualization."
        ),
        "see": N_(
            "I can clearly see data features (for example, a minimum, or an outlier, or a trend) in this visualization."
        ),
    },
}


@dataclass(frozen=True, slots=True)
class Question:
    """Of the introduction: whether somebody knows what a map does and does not tell."""

    text: str
    options: Mapping[str, str]  # code → text, in the order shown
    right: str  # one of the codes; it stays on the server
    explanation: str  # shown once all questions are answered


LITERACY = {  # rating.js draws a picture for each of these ids
    "near": Question(
        N_("Points A and B lie close together. What does that tell?"),
        {
            "next": N_("They were recorded one right after the other"),
            "alike": N_("Their curves are similar"),
            "normal": N_("Neither of them is a fault"),
        },
        "alike",
        N_("Points that lie close together have similar curves. It tells nothing about time, or about faults."),
    ),
    "gap": Question(
        N_("The gap between A and B is twice as wide as that between B and C. What does that tell?"),
        {
            "twice": N_("A differs from B twice as much as C does"),
            "fault": N_("A is a fault"),
            "nothing": N_("Not how much they differ"),
        },
        "nothing",
        N_("A gap tells that curves differ. How wide it is does not tell how much they differ."),
    ),
    "side": Question(
        N_("Point A lies at the far right. What does that tell?"),
        {
            "nothing": N_("Nothing: left and right have no meaning"),
            "last": N_("It was recorded last"),
            "highest": N_("Its values are the highest"),
        },
        "nothing",
        N_("Left, right, up and down have no meaning. Look at what lies beside a point."),
    ),
}


def literacy() -> list[dict[str, Any]]:
    """The questions as the browser gets them: without the right answers."""
    return [
        {
            "id": code,
            "question": _(one.text),
            "options": [{"id": option, "text": _(text)} for option, text in one.options.items()],
        }
        for code, one in LITERACY.items()
    ]


def literacy_right(given: Mapping[str, str]) -> int:
    """How many of the questions were answered right: 0 … 3. What is missing, or "cannot_tell", is not."""
    return sum(given.get(code) == one.right for code, one in LITERACY.items())


def previs(scale: str) -> list[dict[str, str]]:
    """The items of one of the four scales, as a step of the kind "previs" has them."""
    return [{"id": code, "text": _(text)} for code, text in PREVIS[scale].items()]


def words(address: str) -> dict[str, Any]:
    """All texts of the screen but the questions that vary; {braces} are filled in by the browser.

    Args:
        address: this person's own link, shown in the break.
    """
    return {"address": address, **_frame(), **_rating_words(), **_quiz_words(), **_introduction()}


def _frame() -> dict[str, Any]:
    return {
        "next": _("Next"),
        "back": _("Back"),
        "pause": _("Take a break"),
        "go_on": _("Go on"),
        "cannot_tell": _("I can't tell"),
        "keys": _("Keys: 1 to 9 choose, 0 is “I can't tell”, Enter is “Next”."),
        "saving": _("Saving …"),
        "saved": _("All answers are saved."),
        "waiting": _("Not saved yet: {n}. Your answers stay on this tablet and are sent by themselves."),
        "unkept": _("This browser keeps nothing. Do not close this page until all answers are saved."),
        "refused": _("Answers that were not accepted: {n}. Please tell the person who gave you the tablet."),
        "pause_title": _("Taking a break"),
        "pause_text": _("You can close this page. Your answers stay, and you go on where you were at any time."),
        "pause_link": _("To go on on another device, open this address there. It is for you alone."),
        "sending_title": _("Your last answers are being sent"),
        "sending_text": _("Please leave this page open until that is done. Still to be sent: {n}."),
        "thanks_title": _("Thank you very much!"),
        "thanks_text": _("All answers are saved. You can close this page, or hand the tablet back."),
        "ended_title": _("This study has ended."),
        "ended_text": _("Thank you for your help. You can close this page, or hand the tablet back."),
    }


def _rating_words() -> dict[str, Any]:
    return {
        "anchors": {code: _(text) for code, text in ANCHORS.items()},
        "reasons": {code: _(text) for code, text in REASONS.items()},
        "rating_title": _("How understandable is this map?"),
        "reasons_title": _("Why? Choose as many as you like, or none."),
        "comment_add": _("Add a comment"),
        "comment_label": _("Comment (may stay empty)"),
        "check_title": _("Please choose {n} here."),
        "check_text": _("There is no map to rate here. This only shows us that the questions are read."),
        "previs_title": _("How far do you agree?"),
        "previs_low": _("1: strongly disagree"),
        "previs_high": _("7: strongly agree"),
        "previs_unknown": _("I don't know"),
        "tap": _("Tap a point to see its curve."),
        "picked": _("Black: your point; grey: the 5 nearest to it"),
        "map": _("Map of waveforms. Arrow keys go from point to point."),
        "curve": _("Curve of a stretch"),
        "earlier": _("earlier"),
        "later": _("later"),
    }


def _quiz_words() -> dict[str, Any]:
    return {
        "confidence_title": _("How sure are you?"),
        "confidence": {code: _(text) for code, text in CONFIDENCE.items()},
        "intruder_title": _("Which curve is different from the others?"),
        "intruder_hint": _("Four of them are alike. Tap the one that is not."),
        "odd_title": _("Where on the map are stretches like this example?"),
        "odd_line_title": _("Where on the line are stretches like this example?"),
        "odd_hint": _("Tap where you think they are. Your choice appears beside the example to compare."),
        "line": _("The whole waveform. Arrow keys go from stretch to stretch."),
        "example": _("The example"),
        "chosen": _("Your choice"),
        "same_title": _("Are groups A and B of the same kind?"),
        "same": _("The same kind"),
        "different": _("Different kinds"),
        "joins_title": _("Which group does the new curve belong to?"),
        "new": _("The new curve"),
        "group": _("Group {letter}"),
        "pair_title": _("Which map is clearer?"),
        "left": _("The left map"),
        "right": _("The right map"),
        "left_map": _("Left map"),
        "right_map": _("Right map"),
    }


def _introduction() -> dict[str, Any]:
    return {
        "point_title": _("One point is one short stretch of a waveform"),
        "point_text": _("A long waveform was cut into short stretches. Each stretch became one point of the map."),
        "point_try": _("Tap a point, or a place on the waveform."),
        "point_free": _("We test the maps, not you. This introduction takes about two minutes."),
        "clear_title": _("Some maps are clear, others are not"),
        "clear": _("Clear: the groups lie apart, and the curves of a group are similar."),
        "unclear": _("Not clear: all lies in one cloud, and the curves at one place differ."),
        "distance_title": _("What a map tells, and what it does not"),
        "tells": _("This tells you something"),
        "tells_list": [_("Points that lie close together: their curves are similar.")],
        "tells_not": _("This tells you nothing"),
        "tells_not_list": [
            _("How wide a gap is: twice as wide is not twice as different."),
            _("How large a group looks: the same group may come out wide or narrow."),
            _("Left, right, up and down: they have no meaning."),
        ],
        "answer_title": _("How to answer"),
        "answer_list": [
            _("Choose from 1 to 5 how understandable a map is. “I can't tell” is a good answer too."),
            _("There are quick quizzes as well. Tap what you think is right."),
            _("Your answers are kept even without a network. You can take a break at any time."),
            _("First, three short questions about what you have just read."),
        ],
        "literacy_title": _("Question {n} of {all}"),
        "explain_title": _("How to read a map, in short"),
        "explain": {code: _(one.explanation) for code, one in LITERACY.items()},
        "begin": _("Begin"),
    }
