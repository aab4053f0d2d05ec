"""SIGINT, SIGTERM and SIGHUP: a verb is interrupted, a training asked to stop at the next slice, a second time at once.

What this process was started to ignore stays ignored: `nohup` and jobs in the background rely on it.
"""

import os
import signal
from types import FrameType

PARENT = "PENNYWEIGHT_PARENT"
"""Names the process that started this one and reads it; once that is gone, this one stops too."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopFlag:
    """Set by a signal, read by the loop; call it to know whether to stop."""

    def __init__(self, noted: int) -> None:
        """Start unset; the first `noted` signals only set the flag, the next interrupts, one more ends the process."""
        self._noted = noted
        self._parent = os.environ.get(PARENT)
        self._received = 0

    def __call__(self) -> bool:
        """Tell whether a signal asked to stop, or whoever started this process is gone."""
        return self._received > 0 or self._parent not in (None, str(os.getppid()))

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._received += 1
        if self._received == self._noted + 1:
            raise KeyboardInterrupt
        if self._received > self._noted + 1:
            # what the first interrupt unwinds cannot be interrupted again without a traceback
            os._exit(130)


def interrupt_on_signals() -> None:
    """Let the signals interrupt whatever runs, as Ctrl-C does."""
    _install(StopFlag(noted=0))


def stop_on_signals() -> StopFlag:
    """Install handlers that ask to stop first, for the rest of the process, and return the flag they set."""
    flag = StopFlag(noted=1)
    _install(flag)
    return flag


def _install(flag: StopFlag) -> None:
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, flag._handle)
