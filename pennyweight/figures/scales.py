"""Accuracies on a scale that shows the last point: equal steps are equal factors of the error, 100 less the accuracy.

On a plain scale all that is worth telling happens in the uppermost pixel. Ticks are accuracies all the same.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

NICE = (99.0, 90.0, 99.9, 50.0, 0.0, 99.5, 98.0, 95.0, 80.0, 99.8, 99.95, 99.98, 99.99, 99.7, 97.0, 99.3, 93.0, 70.0)
"""Accuracies in percent for ticks, those first that are named first where there is no room for all."""
SAME_DISTANCE = "equal steps up are equal factors of error"


def height(accuracy: ArrayLike, images: int) -> NDArray[np.float64]:
    """Return where accuracies in percent stand: the negative logarithm of the error, to base 10.

    An accuracy of 100 % stands where half an image of so many would be wrong, the smallest error there can be drawn.
    """
    error = 100 - np.asarray(accuracy, dtype=np.float64)
    return -np.log10(np.maximum(error, 50 / max(images, 1)))


def accuracy_axis(axes: Axes, accuracies: Sequence[float], images: int, pixels: float, *, across: bool = False) -> None:
    """Give the vertical axis, or the one `across`, limits about these accuracies and round ones of them for ticks.

    `pixels` is how long the axis is.
    """
    low, high = float(height(min(accuracies), images)), float(height(max(accuracies), images))
    margin = max(0.06 * (high - low), 0.02)
    low, high = low - margin, high + margin
    inside = [tick for tick in NICE if low <= height(tick, images) <= high]
    if len(inside) < 3:
        inside = round_numbers(min(accuracies), max(accuracies))
    least = (42 if across else 30) * (high - low) / pixels
    ticks: list[float] = []
    for tick in inside:
        if all(abs(float(height(tick, images) - height(other, images))) >= least for other in ticks):
            ticks.append(tick)
    ticks.sort()
    places, names = [float(height(tick, images)) for tick in ticks], [f"{tick:g}" for tick in ticks]
    if across:
        axes.set_xlim(low, high)
        axes.set_xticks(places, names)
    else:
        axes.set_ylim(low, high)
        axes.set_yticks(places, names)


def round_numbers(low: float, high: float) -> list[float]:
    """Return about four round numbers from `low` to `high`, for a range that holds too few of those that are nicer."""
    span = max(high - low, 1e-3)
    step = next(
        one for one in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if span / one <= 5
    )
    first = np.ceil(low / step - 1e-9)
    return [float(round(step * (first + index), 6)) for index in range(7) if step * (first + index) <= high + step / 2]
