"""The values behind curves: of one recipe's seeds, one row a seed and one column an epoch."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.budget import Budget
from pennyweight.base.errors import UsageError
from pennyweight.base.records import RunRecord

Curves: TypeAlias = NDArray[np.float64]
"""Shape (seeds, epochs); NaN after the last epoch of a run that stopped early."""
SPLITS = ("test", "val", "train")
"""In the order in which they are drawn and named."""


def check_records(records: Sequence[RunRecord]) -> None:
    """Raise UsageError where there is no epoch to draw."""
    if not records or not all(record.epochs for record in records):
        raise UsageError("There are no epochs to draw; give records of runs that finished at least one.")


def accuracies(records: Sequence[RunRecord], split: str) -> Curves | None:
    """Return accuracies in percent of the records that measured a split in every epoch; None where none did."""
    return _gathered([record.curve(split) for record in records])


def losses(records: Sequence[RunRecord], split: str) -> Curves | None:
    """Return mean losses of the records that measured a split in every epoch; None where none did."""
    return _gathered([record.loss_curve(split) for record in records])


def learning_rates(records: Sequence[RunRecord]) -> Curves:
    """Return the learning rates at the end of every epoch."""
    found = _gathered([np.array([row.learning_rate for row in record.epochs]) for record in records])
    assert found is not None  # every record has rates
    return found


def judged_split(records: Sequence[RunRecord]) -> str:
    """Return the split whose accuracy tells most of what was measured: test, else val, else train."""
    return next(split for split in SPLITS if split == "train" or accuracies(records, split) is not None)


def images_of(records: Sequence[RunRecord]) -> int:
    """Return how many images the largest evaluated split has; the training images where none was."""
    evaluated = [record.images(split) for record in records for split in ("test", "val") if record.evaluated_on(split)]
    return max(evaluated, default=records[0].train_images)


def last_values(found: Curves) -> NDArray[np.float64]:
    """Return the last value of each row, shape (seeds,)."""
    return np.array([row[~np.isnan(row)][-1] for row in found])


def lowest_held(records: Sequence[RunRecord], budget: Budget) -> tuple[int, float] | None:
    """Return epoch and accuracy of the lowest point in the epochs that must hold a budget's target, of any seed.

    None where the budget's split was not measured.
    """
    found = accuracies(records, budget.split)
    if found is None:
        return None
    points = []
    for row in found:
        measured = row[~np.isnan(row)]
        first = max(0, len(measured) - budget.hold_epochs)
        points += [(float(value), first + index + 1) for index, value in enumerate(measured[first:])]
    accuracy, epoch = min(points)
    return epoch, accuracy


def rate_drops(record: RunRecord) -> tuple[int, ...]:
    """Return the epochs at whose start the learning rate is stepped down.

    A fall is a step where the rate is level just before or just after it; one that falls in every epoch, as a cosine
    does, has none.
    """
    rates = [row.learning_rate for row in record.epochs]
    level = [False, *(bool(np.isclose(one, other, rtol=1e-9, atol=0)) for one, other in pairwise(rates)), False]
    return tuple(
        index + 1
        for index in range(1, len(rates))
        if rates[index] < rates[index - 1] and not level[index] and (level[index - 1] or level[index + 1])
    )


def common_drops(records: Sequence[RunRecord]) -> tuple[int, ...]:
    """Return the rate drops of all seeds; those of a plateau may differ from seed to seed, and are then none."""
    return tuple(sorted(set.intersection(*(set(rate_drops(record)) for record in records))))


def _gathered(rows: Sequence[NDArray[np.float64] | None]) -> Curves | None:
    measured = [row for row in rows if row is not None]
    if not measured:
        return None
    found = np.full((len(measured), max(map(len, measured))), np.nan)
    for place, row in zip(found, measured, strict=True):
        place[: len(row)] = row
    return found
