"""SIGINT, SIGTERM and SIGHUP interrupt a command; training stops at the next slice, on a second signal at once.

What this process was started to ignore stays ignored: `nohup` and jobs in the background rely on it.
"""

import os
import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130
INTERRUPTED_SENTENCE = "Interrupted. Completed work is kept; run the same command to resume."
UNWIND_SECONDS = 1.0
"""How long an interrupted command may take to put things in order."""


class StopFlag:
    """Set by a signal, read by the loop; call it to know whether to stop."""

    def __init__(self, noted: int) -> None:
        """Start unset; the first `noted` signals only set the flag, the next interrupts, one more ends the process."""
        self._noted = noted
        self._received = 0

    def __call__(self) -> bool:
        """Return whether a signal asked to stop."""
        return self._received > 0

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._received += 1
        if self._received == self._noted + 1:
            # Python drops an exception raised in the callback of a weak reference, as imports use them, and a library
            # may catch it: then the timer ends the process
            signal.signal(signal.SIGALRM, _end_now)
            signal.setitimer(signal.ITIMER_REAL, UNWIND_SECONDS)
            raise KeyboardInterrupt
        if self._received > self._noted + 1:
            # what the first interrupt unwinds cannot be interrupted again without a traceback
            os._exit(INTERRUPTED)


def interrupt_on_signals() -> None:
    """Let the signals interrupt whatever runs, as Ctrl-C does."""
    _install(StopFlag(noted=0))


def stop_on_signals() -> StopFlag:
    """Install handlers that ask to stop first, for the rest of the process, and return the flag they set."""
    flag = StopFlag(noted=1)
    _install(flag)
    return flag


def ignore_signals() -> None:
    """Let no signal change the exit code any more: everything is done and printed, and Python is about to end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _end_now(number: int, frame: FrameType | None) -> None:
    # behind a line that moves, or the ^C of a terminal, the message starts on a line of its own
    os.write(2, f"{chr(10) if os.isatty(2) else ''}Error: {INTERRUPTED_SENTENCE}\n".encode())
    os._exit(INTERRUPTED)


def _end_if_dropped(dropped: "sys.UnraisableHookArgs") -> None:
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        _end_now(signal.SIGALRM, None)
    sys.__unraisablehook__(dropped)


def _install(flag: StopFlag) -> None:
    sys.unraisablehook = _end_if_dropped
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, flag._handle)
