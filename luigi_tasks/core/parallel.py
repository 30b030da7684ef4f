"""Work on all cores whose results come in order, and are the same on any number of them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], at_once: int | None = None
) -> Iterator[Result]:
    """What `work` makes of each item, in the order of the items, at most `at_once` at a time.

    By default on all cores. One item more is held than are worked on. Linear algebra uses one
    thread within: the limit is one for the process, so the first that ends must not lift it.
    """
    from threadpoolctl import threadpool_limits

    at_once = at_once or os.cpu_count() or 1
    pending: deque[Future[Result]] = deque()
    with threadpool_limits(limits=1), ThreadPoolExecutor(at_once) as threads:
        for item in items:
            pending.append(threads.submit(work, item))
            if len(pending) > at_once:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
