import numpy as np
import pytest
from threadpoolctl import threadpool_info

from core.parallel import Team, compiled, one_thread_products


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("n", [0, 1, 256, 257, 1000])
def test_every_row_is_done_once(n, size):
    done = np.zeros(n, np.int64)

    def work(first: int, last: int, step: int) -> None:
        done[first:last] += step

    with Team(size) as team:
        team.rows(work, n, 1)
    assert (done == 1).all()


def test_results_come_in_the_order_of_the_things():
    with Team(3) as team:
        assert list(team.map(lambda i: i * i, range(50))) == [i * i for i in range(50)]


def test_what_goes_wrong_in_a_thread_goes_wrong_for_whoever_asked():
    def work(first: int, _last: int) -> None:
        if first > 0:
            raise ZeroDivisionError

    with Team(2) as team, pytest.raises(ZeroDivisionError):
        team.rows(work, 1000)


def test_compiled_functions_say_what_python_says():
    def total(values: np.ndarray) -> float:
        found = 0.0
        for value in values:
            found += value
        return found

    values = np.arange(10.0)
    assert compiled(total)(values) == total(values) == 45


def test_products_of_matrices_keep_to_one_thread_only_while_asked_to():
    def threads() -> list[int]:
        return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]

    before = threads()
    with one_thread_products():
        assert set(threads()) == {1}
    assert threads() == before
