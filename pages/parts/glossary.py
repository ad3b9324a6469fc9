"""Words for the meeting, and how the numbers are made: what a manager may be asked, in plain sentences."""

from typing import NamedTuple

from core.errors import N_


class Word(NamedTuple):
    name: str
    meaning: str
    not_that: str  # what people take it for; "": nothing


WORDS = (
    Word(
        N_("map (of the waveforms)"),
        N_("A picture in which each point is one stretch of the recording; stretches that look alike lie together."),
        N_("It has no axes, and it does not say which stretch is a fault."),
    ),
    Word(
        N_("stretch (of the recording)"),
        N_("A piece of the recording, always with the same number of samples. It is what one point stands for."),
        N_("Neighbouring stretches can share samples, so they are not independent measurements."),
    ),
    Word(
        N_("model (of time series)"),
        N_("A program that has learnt from many time series to describe a waveform by a list of numbers (embedding)."),
        N_("It knows nothing about this line, and it judges nothing."),
    ),
    Word(
        N_("reconstruction error"),
        N_("How badly the model guesses hidden parts of a stretch: 0 is perfect, 1 is like always saying the average."),
        N_("A lower error does not mean that people understand the map better."),
    ),
    Word(
        N_("understandability"),
        N_("What people answered when asked how well they can read a map, from 1 (nothing) to 5 (at a glance)."),
        N_("It is an opinion: whether people also read it rightly is what the quick quizzes show."),
    ),
    Word(
        N_("range of uncertainty"),
        N_(
            "Where the true value may lie, as only some people and stretches were taken: 95 of 100 such ranges hold it."
        ),
        N_("Where two ranges overlap, the maps need not be equal; it only cannot be told from the ranges."),
    ),
    Word(
        N_("quick quiz"),
        N_("A small task with a known right answer, done with the map or with curves alone."),
        N_("It is like the real work, but it is not the real work."),
    ),
    Word(
        N_("chance (by guessing)"),
        N_("What comes out with no knowledge at all. Only what is better than that counts."),
        "",
    ),
    Word(
        N_("beyond chance"),
        N_("Chance alone would show as much in at most 5 of 100 cases, even allowing for all comparisons made."),
        N_("“Not beyond chance” does not mean “no difference”: it cannot be told yet."),
    ),
    Word(
        N_("map of noise"),
        N_("A map of random curves, shown among the others. Whoever calls it readable sees structure where none is."),
        "",
    ),
    Word(
        N_("agreement (alpha)"),
        N_("How far people agree on which maps are clear: 1 fully, 0 as by chance."),
        N_("A low number can also mean that all maps are about equally clear."),
    ),
    Word(
        N_("extra training"),
        N_("The model goes on learning from this pilot's own recordings."),
        N_("It can lower the error without changing the map at all."),
    ),
    Word(
        N_("round"),
        N_("One turn: keep maps, ask people, read the evidence, change one thing."),
        "",
    ),
    Word(
        N_("range of an assumption (PERT)"),
        N_("Lowest, most likely and highest value; in the reckoning the most likely one counts four times each end."),
        N_("It is somebody's estimate, not a measurement, unless it says “measured”."),
    ),
    Word(
        N_("cost is back after"),
        N_("Months until what was saved is as much as what was paid."),
        N_("It assumes that the saving in the quizzes is the saving at work."),
    ),
    Word(
        N_("break-even"),
        N_("How much time the map must save a decision so that nothing is lost or won."),
        "",
    ),
    Word(
        N_("fingerprint"),
        N_("A number computed from the data itself. Two reports with the same one are of the same data."),
        N_("It says nothing about who made it, nor whether the data are right."),
    ),
)

METHODS = (
    N_(
        "Mean and range over people: each person's own mean counts once, however many answers it rests on. Scores and "
        "shares: Wilson's interval for clustered answers, with Student's t (Korn & Graubard 1998). Seconds: Student's "
        "t of their logarithms."
    ),
    N_(
        "One map against another: within people who rated both, by turning the signs of their differences at random "
        "(Fisher 1935; mid-p, Lancaster 1961). Where nobody rated both: Welch's interval between people (Welch 1947)."
    ),
    N_("Several comparisons at once: the probabilities are raised so that chance is counted once (Holm 1979)."),
    N_(
        "With a map and without: within people and kinds of quiz; right answers as a difference, time as a ratio of "
        "geometric means."
    ),
    N_(
        "The error's range: blocks of time are drawn again, since overlapping stretches do not tell new things (block "
        "bootstrap with few long blocks, Schmeiser 1982)."
    ),
    N_(
        "Agreement: Krippendorff's alpha for ordered scores (Krippendorff 2011) with a bootstrap over people; "
        "intraclass correlations ICC(A,1) and ICC(A,k) (McGraw & Wong 1996)."
    ),
    N_("Which of two maps is clearer: Bradley–Terry strengths, “I can't tell” counts half for each map."),
    N_(
        "Numbers against people: Spearman's rank correlation over maps, with a bootstrap over people and a permutation "
        "test over maps."
    ),
    N_(
        "Trustworthiness and continuity: Venna & Kaski 2001. Neighbours kept: Lee & Verleysen 2009. Distortion of "
        "distances: Smelser, Miller & Kobourov 2024."
    ),
    N_(
        "Money: {draws} draws, each quantity by itself from a PERT distribution (Malcolm et al. 1959). Money of later "
        "months is not discounted."
    ),
    N_(
        "Rules, decisions and their order: each entry holds the SHA-256 of the one before it. What was changed, left "
        "out or moved afterwards shows."
    ),
)
