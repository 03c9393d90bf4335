"""Waiting for a signal, whichever thread the system gives it to."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def awaited(*numbers: int) -> Callable[[], int]:
    """Take ``numbers`` over, for the rest of the process, and return what waits for the next of them and names it.

    The handler in C writes into a pipe. Python's own run in the main thread alone, which does not wake from a lock when
    the system hands the signal to another thread, and an Event's lock may be held where a second signal interrupts.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, _only_written)
    return lambda: os.read(reader, 1)[0]


def _only_written(*_signal: object) -> None:
    """Do nothing: the number is in the pipe."""
