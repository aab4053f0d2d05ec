"""What a network confuses: counts of labels and predictions as a matrix, and the accuracy of each class.

Counts are `counts[label, predicted]`, shape (classes, classes).
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.base.proportion import exact_bounds
from pennyweight.base.records import RunRecord
from pennyweight.figures import layout, style
from pennyweight.figures.calibration import calibration_error, reliability, reliability_words
from pennyweight.figures.labels import fitted, text_width
from pennyweight.figures.scales import SAME_DISTANCE, accuracy_axis, height
from pennyweight.figures.words import Words, counted, percent

__all__ = [
    "calibration_error",
    "confusion",
    "confusion_counts",
    "confusion_words",
    "counts_of",
    "most_confused",
    "per_class",
    "per_class_words",
    "reliability",
    "reliability_words",
]

Counts = NDArray[np.int64]
MOST_CLASSES = 40
"""A matrix of more classes has cells too small to read."""


def confusion_counts(labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> Counts:
    """Return how many images of each label, the first axis, were predicted as each class, the second."""
    pairs = np.asarray(labels, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def counts_of(record: RunRecord) -> Counts | None:
    """Return the counts of a run's test images, from what its record lists: class sizes and mistakes.

    None for a record that does not say how many images each class has.
    """
    if not record.test_class_images:
        return None
    counts = np.diag(np.array(record.test_class_images, dtype=np.int64))
    for one in record.misclassified:
        counts[one.label, one.label] -= 1
        counts[one.label, one.predicted] += 1
    return counts


def most_confused(counts: Counts, classes: Sequence[str], most: int = 5) -> list[tuple[str, str, int]]:
    """Return label, predicted class and count of the most frequent mistakes, the most frequent first."""
    wrong = [
        (-int(counts[i, j]), i, j) for i in range(len(classes)) for j in range(len(classes)) if i != j and counts[i, j]
    ]
    return [(classes[i], classes[j], -count) for count, i, j in sorted(wrong)[:most]]


@style.drawn
def confusion(counts: Counts, classes: Sequence[str], *, width: int = 520) -> Figure:
    """Draw the counts as a matrix: what is wrong in colour, the diagonal muted, for what is right is not the news.

    Raises UsageError for more than 40 classes, for counts of another shape, and for none.
    """
    _check(counts, classes)
    longest = max(text_width(name, style.TEXT) for name in classes)
    names_wide = min(longest + 2, 0.3 * width)
    left, top = names_wide + 12, 54
    cell = (width - left - 64) / len(classes)
    # columns too narrow for names have the numbers of the classes, which then stand before the names as well
    rows, columns = list(classes), list(classes)
    if longest > cell - 2:
        columns = [str(number) for number in range(len(classes))]
        rows = [f"{number} {name}" for number, name in enumerate(classes)]
    figure = layout.canvas(width, top + cell * len(classes) + 6)
    axes = layout.sheet(figure)
    axes.text(0, 10, "label ↓   predicted as →", va="center", color=style.QUIET)
    axes.text(width, 10, "right, %", ha="right", va="center", color=style.QUIET)
    wrong = counts - np.diag(np.diag(counts))
    for i in range(len(classes)):
        middle = cell * (i + 0.5)
        axes.text(left - 10, top + middle, fitted(rows[i], style.TEXT, names_wide), ha="right", va="center")
        axes.text(left + middle, top - 14, columns[i], ha="center", va="center")
        total = int(counts[i].sum())
        share = percent(100 * counts[i, i] / total) if total else "no images"
        axes.text(width, top + middle, share, ha="right", va="center", size=style.SMALL, color=style.QUIET)
        for j in range(len(classes)):
            box = left + cell * j, top + cell * i, cell
            _cell(axes, int(counts[i, j]), int(wrong.max()), diagonal=i == j, box=box)
    return figure


def confusion_words(counts: Counts, classes: Sequence[str]) -> Words:
    """Return what `confusion` shows of the same counts, in words."""
    total, right = int(counts.sum()), int(np.trace(counts))
    pairs = most_confused(counts, classes)
    title = f"{total - right:,} of {total:,} images wrong"
    rows = [f"{label} taken for {predicted} ({counted(count, 'time')})" for label, predicted, count in pairs]
    title += f", most often {rows[0]}" if rows else ""
    never = [name for name, column in zip(classes, counts.T, strict=True) if not column.sum()]
    text = f"Rows are labels, columns predictions; {right:,} of {total:,} are right, on the diagonal. "
    text += f"Most confused: {'; '.join(rows) or 'none'}."
    return Words(title, text + (f" Never predicted: {', '.join(never)}." if never else ""))


@style.drawn
def per_class(counts: Counts, classes: Sequence[str], *, width: int = 520) -> Figure:
    """Draw the accuracy of each class with its 95 % interval (Clopper and Pearson), the lowest class last.

    Raises UsageError as `confusion` does.
    """
    _check(counts, classes)
    rows = _accuracies(counts, classes)
    left, top, right, step = (24 if max(map(len, classes)) <= 2 else 90), 32, 118, 24
    figure = layout.canvas(width, top + step * len(rows) + 42)
    axes = layout.panel(figure, left, top, width - left - right, step * len(rows))
    axes.grid(visible=False)
    images = max(total for _, _, total in rows)
    bounds = [tuple(100 * bound for bound in exact_bounds(good, total, 0.025)) for _, good, total in rows]
    mean = 100 * int(np.trace(counts)) / int(counts.sum())
    ends = [end for bound in bounds for end in bound]
    accuracy_axis(axes, ends, images, width - left - right, across=True)
    axes.axvline(float(height(mean, images)), color=style.QUIET, linewidth=1, dashes=(4, 3), gid="all-classes")
    axes.set(ylim=(len(rows) - 0.5, -0.5), yticks=[])
    frame = "axes fraction", "data"
    for place, ((name, good, total), bound) in enumerate(zip(rows, bounds, strict=True)):
        below_all = bound[1] < mean
        color, mark = (style.BREACH, "D") if below_all else (style.OURS, "o")
        accuracy = 100 * good / total
        axes.plot(height(bound, images), (place, place), color=color, linewidth=1, gid=f"interval-{place}")
        axes.plot(float(height(accuracy, images)), place, mark, color=color, markersize=6, gid=f"class-{place}")
        layout.write(axes, fitted(name, style.TEXT, left - 8), (0, place), (-left, 0), frame)
        layout.write(axes, percent(accuracy), (1, place), (44, 0), frame, align="right", color=color)
        words = f"{total - good} of {total:,}"
        layout.write(axes, words, (1, place), (right, 0), frame, align="right", color=style.QUIET, size=style.SMALL)
    layout.write(axes, "accuracy of each class, %", (0, 1), (-left, 12), line="baseline", color=style.INK)
    layout.write(axes, "wrong", (1, 1), (right, 12), align="right", line="baseline", color=style.QUIET)
    words = f"all {percent(mean)}"
    layout.write(
        axes,
        words,
        (float(height(mean, images)), 0),
        (0, -20),
        ("data", "axes fraction"),
        align="center",
        line="top",
        color=style.QUIET,
        size=style.SMALL,
    )
    return figure


def per_class_words(counts: Counts, classes: Sequence[str]) -> Words:
    """Return what `per_class` shows of the same counts, in words."""
    rows = _accuracies(counts, classes)
    figures = [f"{name} with {percent(100 * good / total)} %" for name, good, total in rows]
    named = [f"class {name}, {percent(100 * good / total)} %" for name, good, total in rows]
    title = f"Highest: {named[0]}; lowest: {named[-1]}" if len(rows) > 1 else named[0]
    text = f"Accuracy of each class with its 95 % interval; {SAME_DISTANCE}. {'; '.join(figures)}."
    missing = [name for name, row in zip(classes, counts, strict=True) if not row.sum()]
    return Words(title, text + (f" Without images: {', '.join(missing)}." if missing else ""))


def _check(counts: Counts, classes: Sequence[str]) -> None:
    if counts.shape != (len(classes), len(classes)):
        raise UsageError(f"Counts have shape {counts.shape}, and there are {len(classes)} classes; both must agree.")
    if len(classes) > MOST_CLASSES:
        raise UsageError(f"There are {len(classes)} classes; more than {MOST_CLASSES} cannot be drawn.")
    if not counts.sum():
        raise UsageError("There are no predictions to draw.")


def _cell(axes: Axes, count: int, most: int, *, diagonal: bool, box: tuple[float, float, float]) -> None:
    """Draw one cell: mistakes in the colour of a breach, the stronger the more, the diagonal in grey."""
    x, y, side = box
    color = style.QUIET if diagonal else style.BREACH if count else style.RULE
    strength = 0.1 if diagonal else 0.12 + 0.58 * count / most if count else 0.3
    axes.add_patch(Rectangle((x + 1, y + 1), side - 2, side - 2, facecolor=color, alpha=strength, linewidth=0))
    if count:
        size = min(style.TEXT, side / 2.2, 2.0 * side / (1.3 * len(str(count))) if len(str(count)) > 2 else style.TEXT)
        ink = style.QUIET if diagonal else style.INK
        axes.text(x + side / 2, y + side / 2, str(count), ha="center", va="center", color=ink, fontsize=size)


def _accuracies(counts: Counts, classes: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return name, right images and images of every class that has any, the highest accuracy first."""
    rows = [(name, int(counts[i, i]), int(counts[i].sum())) for i, name in enumerate(classes) if counts[i].sum()]
    return sorted(rows, key=lambda row: -row[1] / row[2])
