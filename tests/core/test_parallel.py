"""Work on all cores comes back in order, and holds no more than it needs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np  # noqa: F401 (with it comes the linear algebra)
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from luigi_tasks.core.parallel import in_order


def test_results_come_in_the_order_of_the_items_whichever_is_done_first() -> None:
    def work(number: int) -> int:
        time.sleep(0.002 * (10 - number))
        return number * number

    assert list(in_order(work, range(10), at_once=4)) == [n * n for n in range(10)]


def test_so_many_are_worked_on_at_once_and_one_more_is_held() -> None:
    taken = 0
    both = threading.Barrier(2, timeout=10)  # would break if one waited for the other

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(6):
            taken += 1
            yield number

    def work(number: int) -> int:
        both.wait()
        return number

    for done, result in enumerate(in_order(work, items(), at_once=2)):
        assert result == done
        assert taken <= done + 3


def test_what_goes_wrong_is_raised_in_its_place() -> None:
    def work(number: int) -> float:
        return 1 / (number - 2)

    found = in_order(work, range(4), at_once=2)
    assert [next(found), next(found)] == [-0.5, -1.0]
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_linear_algebra_has_one_thread_until_the_last_has_ended() -> None:
    def work(_: int) -> set[int]:
        with threadpool_limits(limits=1):  # whose end must not lift the limit of the others
            pass
        return {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}

    assert set().union(*in_order(work, range(4), at_once=2)) == {1}
