"""The named errors of Pennyweight and the exit code each one ends in."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from pennyweight.base.printable import printable


class PennyweightError(Exception):
    """An error whose message is one clear sentence for the user.

    >>> try:
    ...     pw.recipe("progresive-3")
    ... except pw.PennyweightError as error:
    ...     print(type(error).__name__, error.exit_code)
    UsageError 2
    """

    exit_code = 1

    def __init__(self, sentence: str, below: Sequence[str] = ()) -> None:
        """Say the sentence on one line, whatever names of files it holds, and lines of another program `below` it."""
        super().__init__("\n".join(map(printable, (sentence, *below))))


class NonFiniteError(PennyweightError):
    """A loss or a weight became infinite or not a number during training.

    >>> pw.NonFiniteError.exit_code
    1
    """

    exit_code = 1


class UsageError(PennyweightError):
    """The request itself is wrong: an unknown name, an impossible setting, a folder of another run.

    >>> pw.recipe("skip-3", {"epochs": 0})
    Traceback (most recent call last):
    pennyweight.base.errors.UsageError: epochs is 0; it must be from 1 to 100,000.
    """

    exit_code = 2


class NoRecipeError(UsageError):
    """A Python file that was named as a recipe holds none."""


class UnavailableError(PennyweightError):
    """Data, an optional package or the machine is missing or refuses (full disk, unwritable, locked).

    >>> pw.dataset("mnist", data="no-such-folder")
    Traceback (most recent call last):
    pennyweight.base.errors.UnavailableError: There is no folder no-such-folder; name the one that holds mnist/.
    """

    exit_code = 3


class MismatchError(PennyweightError):
    """A weight file or checkpoint is damaged or does not fit what it is used for, or an export does not agree.

    >>> pw.MismatchError.exit_code
    4
    """

    exit_code = 4


class Interrupted(PennyweightError):
    """The user or the system asked the run to stop; the same command resumes it.

    >>> pw.train("progressive-1", dataset="digits", epochs=2, stop=lambda: True)
    Traceback (most recent call last):
    pennyweight.base.errors.Interrupted: Stopped in epoch 1; the resumed run will repeat this epoch.
    """

    exit_code = 130

    def __init__(self, sentence: str, command: str = "") -> None:
        """Say why, and end in the `command` that the sentence introduces, where it is known."""
        super().__init__(f"{sentence} {command}" if command else sentence)
        self.command = printable(command)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known word, or an empty string."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.65)
    return f" Did you mean '{by_lower[near[0]]}'?" if near else ""


def unknown_name_error(kind: str, word: str, known: Iterable[str], elsewhere: Mapping[str, str] = {}) -> UsageError:
    """Return the error for a name that is not in a closed set, with the nearest name, else the whole set.

    `elsewhere` holds names that have a meaning in other places, each with the sentence to say of it; an empty one
    lists the whole set, for the nearest name would be another thing.
    """
    names = list(known)
    said = f" {elsewhere[word]}" if elsewhere.get(word) else "" if word in elsewhere else did_you_mean(word, names)
    return UsageError(f"There is no {kind} '{word}'.{said or ' Known: ' + ', '.join(names) + '.'}")
