"""Passphrases: which ones are good enough, and trying one without hurry for those who guess."""

import re
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable

from core.errors import N_, UserError
from pages.entrance.throttle import Pace, Throttle

FEWEST = 12  # characters
FEWEST_DIFFERENT = 5  # of them
FEWEST_OWN = 4  # that neither everybody's words nor the name account for
BY_NAME = Pace(free=50, first=1, most=5)  # from many addresses: 17,000 guesses a day at most
ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "01234567890", "9876543210")
COMMON = (
    *("password", "passw0rd", "p@ssword", "p@ssw0rd", "passphrase", "letmein", "welcome", "iloveyou", "qwerty"),
    *("administrator", "admin", "changeme", "secret", "login", "monkey", "dragon", "football", "sunshine", "princess"),
    *("パスワード", "ぱすわーど", "pasuwado", "pasuwaado"),
)


def same(passphrase: str) -> str:
    """What is hashed: Japanese keyboards write wide letters as easily as narrow ones, and nobody sees which."""
    return unicodedata.normalize("NFKC", passphrase)


def check(passphrase: str, again: str, name: str) -> str:
    """The passphrase to hash. Raises UserError with what is wrong with it."""
    chosen, small = same(passphrase), same(passphrase).casefold()
    if chosen != same(again):
        raise UserError(N_("The two passphrases are not the same."), N_("Type it twice again."))
    if len(chosen) < FEWEST:
        raise UserError(
            N_("This passphrase is too short: {n} characters."),
            N_("Take at least {least}. A short sentence is easy to keep in mind."),
            n=len(chosen),
            least=FEWEST,
        )
    if len(set(small)) < FEWEST_DIFFERENT or len(_own(small, name.casefold())) < FEWEST_OWN:
        raise UserError(
            N_("This passphrase is among the first that others would try."),
            N_(
                "Take some words that do not belong together, and not your name, a row of keys or one word with digits."
            ),
        )
    return chosen


def _own(small: str, name: str) -> str:
    """What is left without everybody's words, the name, rows of keys and digits, and what repeats it."""
    for word in (*COMMON, *([name] if name else [])):
        small = small.replace(word, " ")
    small = re.sub(r"[\W\d_]", "", _without_rows(small))
    return re.sub(r"^(.+?)\1+$", r"\1", small)


def _without_rows(text: str) -> str:
    """Without runs of four or more neighbours of a row of keys, in either direction."""
    rows = [*ROWS, *(row[::-1] for row in ROWS)]
    runs = {row[i : i + 4] for row in rows for i in range(len(row) - 3)}
    in_run = {i + k for i in range(len(text) - 3) if text[i : i + 4] in runs for k in range(4)}
    return "".join(" " if i in in_run else letter for i, letter in enumerate(text))


class Tries:
    """Who may try a passphrase or a PIN now.

    Tries count by name and address together first. So that many addresses cannot guess one name, and one address not
    many names, these count too, more patiently; but not for an address from which that name has come in before: nobody
    elsewhere can lock a lead out of the own desk.
    """

    def __init__(self, by_name: Pace = BY_NAME, clock: Callable[[], float] = time.monotonic) -> None:
        self.both = Throttle(Pace(free=5, first=2, most=300), clock=clock)
        self.name = Throttle(by_name, clock=clock)
        self.address = Throttle(Pace(free=30, first=2, most=300), clock=clock)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._one = threading.Lock()

    def begin(self, name: str, address: str) -> float:
        """Count a try, if it may be made now. Returns: 0, or how many seconds to wait until it may."""
        with self._one:
            waits = [throttle.wait(key) for throttle, key in self._counted(name, address)]
            if max(waits) > 0:
                return max(waits)
            for throttle, key in self._counted(name, address):
                throttle.note(key)
            return 0.0

    def right(self, name: str, address: str) -> None:
        """It was the right passphrase."""
        with self._one:
            self.both.forget((name, address))
            self._known[name, address] = None
            self._known.move_to_end((name, address))
            while len(self._known) > self.both.most_kept:
                self._known.popitem(last=False)

    def _counted(self, name: str, address: str) -> list[tuple[Throttle, object]]:
        both: list[tuple[Throttle, object]] = [(self.both, (name, address))]
        return both if (name, address) in self._known else [*both, (self.name, name), (self.address, address)]
