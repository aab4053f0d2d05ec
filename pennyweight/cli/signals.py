"""SIGINT, SIGTERM and SIGHUP interrupt a command; training stops at the next slice, on a second signal at once.

Whatever happens, the process ends END_SECONDS after the first signal: a thread sees to that, because Python hands a
signal to nobody while C code runs, and drops an exception raised in the callback of a weak reference, as imports use
them. It is safe at any moment: what is complete lies in its place, as after a kill.

What this process was started to ignore stays ignored: `nohup` and jobs in the background rely on it.
"""

import os
import signal
import sys
from _thread import allocate_lock, start_new_thread  # `threading` takes long enough to load for a Ctrl-C to land in it
from functools import cache
from time import sleep
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130
RESUMABLE = ("train", "ablate", "fetch")
WRITES_AT_THE_END = ("export",)
END_SECONDS = 1.2
"""How long a command may take to end on its own after a signal."""
CHILD_END_SECONDS = 0.8
"""The same for a process whose parent waits for it, and has END_SECONDS itself."""

_is_written = allocate_lock()
"""Held once the files of a command of WRITES_AT_THE_END are there."""


def interrupted_sentence() -> str:
    """Return what a command that a signal ended says: whether the same one goes on where it was, or did nothing."""
    command = sys.argv[1] if sys.argv[1:] else ""
    if command in WRITES_AT_THE_END and not _is_written.locked():
        return "Interrupted; nothing was written."
    same = "the same command without --again" if "--again" in sys.argv else "the same command"
    kept = f" Completed work is kept; run {same} to resume."
    return f"Interrupted.{kept if command in RESUMABLE else ''}"


def note_written() -> None:
    """Note that what a command writes at its end is there."""
    _is_written.acquire(blocking=False)


class StopFlag:
    """Set by a signal, read by the loop; call it to know whether to stop."""

    def __init__(self, noted: int, seconds: float) -> None:
        """Start unset; the first `noted` signals only set the flag, the next interrupts, one more ends the process."""
        self._noted = noted
        self._received = 0
        self.seconds = seconds

    def __call__(self) -> bool:
        """Return whether a signal asked to stop."""
        return self._received > 0

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        self._received += 1
        if self._received == self._noted + 1:
            raise KeyboardInterrupt
        if self._received > self._noted + 1:
            # what the first interrupt unwinds cannot be interrupted again without a traceback
            os._exit(INTERRUPTED)


def interrupt_on_signals() -> None:
    """Let the signals interrupt whatever runs, as Ctrl-C does."""
    _install(StopFlag(noted=0, seconds=END_SECONDS))


def stop_on_signals(seconds: float | None = None) -> StopFlag:
    """Install handlers that ask to stop first, for the rest of the process, and return the flag they set.

    The process ends `seconds` after the first signal at the latest, END_SECONDS unless given.
    """
    flag = StopFlag(noted=1, seconds=END_SECONDS if seconds is None else seconds)
    _install(flag)
    return flag


def ignore_signals() -> None:
    """Let no signal change the exit code any more: everything is done and printed, and Python is about to end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _install(flag: StopFlag) -> None:
    sys.unraisablehook = _end_if_dropped
    _start_watch()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, flag.handle)


@cache
def _start_watch() -> None:
    """Have the system write the number of every signal to a pipe, and a thread read it: once per process."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    start_new_thread(_watch, (reading,))


def _watch(reading: int) -> None:
    while number := os.read(reading, 1):
        flag = _flag_of(number[0])
        if flag is not None:
            sleep(flag.seconds)
            if _flag_of(number[0]) is not None:  # else everything was done in time, and Python is about to end
                _end_now()


def _flag_of(number: int) -> StopFlag | None:
    """Return the flag that a signal sets; None where it sets none, or none any more."""
    owner = getattr(signal.getsignal(number), "__self__", None)
    return owner if isinstance(owner, StopFlag) else None


def _end_now() -> None:
    # behind a line that moves, or the ^C of a terminal, the message starts on a line of its own
    os.write(2, f"{chr(10) if os.isatty(2) else ''}Error: {interrupted_sentence()}\n".encode())
    os._exit(INTERRUPTED)


def _end_if_dropped(dropped: "sys.UnraisableHookArgs") -> None:
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        _end_now()
    sys.__unraisablehook__(dropped)
