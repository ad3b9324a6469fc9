"""Which passphrases are good enough, and how often one may be tried."""

import pytest

from core.errors import UserError
from pages.entrance.passphrase import Tries, check
from pages.entrance.throttle import Pace, Throttle


@pytest.mark.parametrize(
    "good", ["blue kettle under rain", "correct horse battery", "あおいやかんと雨のにおい", "Zq7!m2Lp#x9Tr"]
)
def test_words_that_do_not_belong_together_are_taken(good: str):
    assert check(good, good, "Tanaka") == good


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("short words", "too short: 11 characters. Take at least 12"),
        ("aaaaaaaaaaaaaaa", "first that others would try"),
        ("ababababababab", "first that others would try"),
        ("123456789012", "first that others would try"),
        ("qwertyuiopasdf", "first that others would try"),
        ("abcdefghijklmnop", "first that others would try"),
        ("Password2026!!", "first that others would try"),
        ("passwordpassword", "first that others would try"),
        ("tanaka tanaka tanaka", "first that others would try"),
        ("Tanaka123456!", "first that others would try"),
        ("catcatcatcatcat", "first that others would try"),
        ("ｐａｓｓｗｏｒｄ１２３４", "first that others would try"),  # wide letters are no disguise
    ],
)
def test_what_others_would_try_first_is_refused(typed: str, said: str):
    with pytest.raises(UserError, match=said):
        check(typed, typed, "Tanaka")


def test_both_must_be_the_same_however_wide_the_letters_are():
    with pytest.raises(UserError, match="not the same"):
        check("blue kettle under rain", "blue kettle under rein", "")
    assert check("ｂｌｕｅ kettle under rain", "blue kettle under rain", "") == "blue kettle under rain"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_free_tries_do_not_wait_and_each_one_after_them_doubles_the_wait(clock: Clock):
    throttle = Throttle(Pace(free=3, first=2, most=10), clock=clock)
    waits = []
    for _ in range(6):
        clock.now += throttle.wait("a")
        throttle.note("a")
        waits.append(throttle.wait("a"))
    assert waits == [0, 0, 2, 4, 8, 10]


def test_the_wait_counts_down_and_a_long_quiet_forgives(clock: Clock):
    throttle = Throttle(Pace(free=1, first=8, most=8), clock=clock)
    throttle.note("a")
    clock.now += 5
    assert throttle.wait("a") == 3
    clock.now += 4 * 8
    assert throttle.wait("a") == 0
    throttle.note("a")
    throttle.forget("a")
    assert throttle.wait("a") == 0


def test_keys_do_not_fill_the_memory_and_the_busiest_is_kept(clock: Clock):
    throttle = Throttle(Pace(free=1, first=60, most=60), most_kept=100, clock=clock)
    for i in range(1000):
        throttle.note("busy")
        throttle.note(i)
    assert len(throttle) == 100
    assert throttle.wait("busy") == 60


def wrong(tries: Tries, n: int, name: str, address: str) -> list[float]:
    return [tries.begin(name, address) for _ in range(n)]


def test_who_guesses_at_one_place_waits_there_and_the_lead_gets_in_elsewhere(clock: Clock):
    tries = Tries(clock=clock)
    assert wrong(tries, 6, "lead", "10.0.0.66") == [0, 0, 0, 0, 0, 2]
    assert tries.begin("lead", "10.0.0.1") == 0


def test_one_address_cannot_try_many_names(clock: Clock):
    tries = Tries(clock=clock)
    waits = [tries.begin(f"name {i}", "10.0.0.66") for i in range(40)]
    assert waits[:30] == [0] * 30
    assert min(waits[30:]) > 0


def test_many_addresses_slow_one_name_down_but_lock_nobody_out(clock: Clock):
    """And where the lead has come in before, they do not even slow it down."""
    tries = Tries(clock=clock)
    assert tries.begin("lead", "the lead's desk") == 0
    tries.right("lead", "the lead's desk")
    for i in range(500):
        tries.begin("lead", f"10.0.{i // 200}.{i % 200}")
    assert 0 < tries.begin("lead", "a new place") <= 5
    assert tries.begin("lead", "the lead's desk") == 0


def test_a_day_of_guessing_from_everywhere_is_some_thousand_guesses(clock: Clock):
    tries, n, end = Tries(clock=clock), 0, clock.now + 86_400
    while clock.now < end:
        wait = tries.begin("lead", f"address {n}")
        n += wait == 0
        clock.now += wait
    assert n < 20_000


def test_the_right_one_makes_up_for_wrong_ones_before(clock: Clock):
    tries = Tries(clock=clock)
    for _ in range(10):
        assert wrong(tries, 4, "lead", "here") == [0] * 4
        assert tries.begin("lead", "here") == 0
        tries.right("lead", "here")
