"""Slow imports, made before they are needed: beside the first queries, or once before a fork."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Iterable

# In the order in which the stages need them; a dict is the ordered set that Python has.
_expected: dict[str, None] = {}
_thread: threading.Thread | None = None


def expect(modules: Iterable[str]) -> None:
    """Say that the stages of this run will import these modules."""
    _expected.update(dict.fromkeys(modules))


def start() -> None:
    """Import what is expected in a thread of its own."""
    global _thread
    if _expected:
        _thread = threading.Thread(target=all_now, name="imports")
        _thread.start()


def stop() -> None:
    """Break off the imports of that thread: a process that was interrupted would wait for it.

    As a daemon it would not be waited for, and could crash the process at its end.
    """
    if _thread is not None and _thread.ident is not None:
        import ctypes  # the start of a command does not pay for it

        thread, error = ctypes.c_ulong(_thread.ident), ctypes.py_object(SystemExit)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)


def all_now(first: Iterable[str] = ()) -> None:
    """Import these modules and all that is expected.

    One that fails is left to the stage that needs it, which can say what for. A process that ends
    sooner than its imports refuses some of them.
    """
    for module in [*first, *_expected]:
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(module)
