"""SIGINT, SIGTERM and SIGHUP: the first asks the run to stop at the next slice, a second interrupts at once."""

import signal
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopFlag:
    """Set by a signal, read by the loop; call it to know whether to stop."""

    def __init__(self) -> None:
        """Start unset."""
        self.raised = False

    def __call__(self) -> bool:
        """Tell whether a signal asked to stop."""
        return self.raised

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.raised:
            raise KeyboardInterrupt
        self.raised = True


def stop_on_signals() -> StopFlag:
    """Install the handlers for the rest of the process and return the flag they set."""
    flag = StopFlag()
    for number in SIGNALS:
        signal.signal(number, flag._handle)
    return flag
