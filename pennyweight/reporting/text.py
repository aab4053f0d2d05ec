"""Sentences, counts and time spans as plain text."""

from math import isfinite
from typing import TYPE_CHECKING

from pennyweight.base.wrapping import lines_of
from pennyweight.tables.table import Table
from pennyweight.tables.text import dropped_columns, to_text

if TYPE_CHECKING:  # NumPy, which an interruption may have left half imported, is not needed to say so
    from pennyweight.base.stats import Difference, Summary

WIDTH = 80
"""Columns of a terminal that does not say how wide it is."""


def wrapped(text: str, indent: str = "", width: int = WIDTH) -> str:
    """Return a sentence in lines of at most `width` characters; what follows the first is indented further."""
    return "\n".join(lines_of(text, width, indent, f"{indent}  "))


def fitted(table: Table, width: int = WIDTH) -> str:
    """Return a table in lines of at most `width` characters, and below it what the columns are that had no room."""
    left_out = ", ".join(dropped_columns(table, width))
    note = f"columns left out for want of room: {left_out}; --wide shows them"
    return to_text(table, width) + (f"\n{wrapped(note, width=width)}" if left_out else "")


def summary_words(values: "Summary | None", unit: str = "%") -> str:
    """Return a summary of percentages or points as words; one value has no interval, no value is `not measured`."""
    if values is None:
        return "not measured"
    if not isfinite(values.low):
        return f"{values.mean:.2f} {unit} (one seed, no interval)"
    return (
        f"{values.mean:.3f} {unit} ± {values.std:.3f} (n {values.n}, 95 % interval of the mean "
        f"{values.low:.2f} to {values.high:.2f})"
    )


def mean_words(values: "Summary", decimals: int = 2) -> str:
    """Return `99.43 ± 0.03`, mean and standard deviation, or the mean alone of one value."""
    std = f" ± {values.std:.{decimals}f}" if values.n > 1 else ""
    return f"{values.mean:.{decimals}f}{std}"


def interval_words(values: "Summary | Difference", decimals: int = 2, sign: str = "") -> str:
    """Return `99.39 to 99.45`, with `+` as sign `+0.01 to +0.20`; nothing where there is no interval."""
    return f"{values.low:{sign}.{decimals}f} to {values.high:{sign}.{decimals}f}" if isfinite(values.low) else ""


def plural(count: int, noun: str) -> str:
    """Return `1 epoch`, `2 epochs`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def duration(seconds: float) -> str:
    """Return a time span as `8 s`, `2 m 05 s` or `1 h 07 m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
