"""The arithmetic behind the figures of a page: sums over the JSON of its records, by NumPy and SciPy alone."""

import re
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from itertools import combinations
from math import ceil
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pennyweight.documents.claims import CLAIMS
from pennyweight.nets.layers import Conv
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import Plan

Record = dict[str, Any]
Values = NDArray[np.float64]
END, BINS = 5, 15
"""Last epochs that are spoken of where no budget says how many; bins of a reliability diagram."""
NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
SPLITS = ("test", "val")


class Pool:
    """Numbers that may stand at a place."""

    def __init__(self) -> None:
        self._whole: set[int] = set()
        self._real: list[float] = []
        self._digits: list[float] = []

    def whole(self, *values: float) -> None:
        """Take numbers that are written whole."""
        self._whole |= {int(value) for value in values}

    def real(self, *values: float) -> None:
        """Take numbers that are written to some decimals."""
        self._real += [float(value) for value in values if np.isfinite(value)]

    def digits(self, *values: float) -> None:
        """Take numbers that are written to some significant digits."""
        self.real(*values)
        self._digits += [float(value) for value in values if np.isfinite(value)]

    def words(self, text: str) -> None:
        """Take every number of a text as it is written."""
        for number in NUMBER.findall(text):
            value = float(number.replace(",", ""))
            (self.digits if "." in number or "e" in number else self.whole)(value)

    def holds(self, number: str) -> bool:
        """Return whether a number is one of these, as it is written: to its decimals, or to its significant digits."""
        plain = number.replace(",", "")
        value, mantissa = float(plain), plain.lstrip("+-").partition("e")[0]
        known = np.array(self._real) if plain[0] in "+-" else np.abs(self._real)
        if "." in mantissa and "e" not in plain:
            half = 0.5 * 10.0 ** -len(mantissa.partition(".")[2])
            if (np.abs(known - value) <= half * (1 + 1e-9)).any():
                return True
        digits = max(1, len(mantissa.replace(".", "").lstrip("0")))
        return value in self._whole or any(float(f"{one:.{digits}g}") == value for one in self._digits)


def summary(values: Iterable[float]) -> list[float]:
    """Return mean, standard deviation and 95 % interval of the mean."""
    array = np.array(list(values), dtype=float)
    if not len(array):
        return []
    found = [array.mean()]
    if len(array) > 1:
        half = stats.t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / len(array) ** 0.5
        low, high = array.mean() - half, array.mean() + half
        found += [array.std(ddof=1), low, high]
    return [float(one) for one in found]


def summary_of(values: Iterable[float]) -> tuple[float, float, float]:
    """Return the mean of accuracies in percent and the ends of its 95 % interval; the mean thrice for one value."""
    array = np.array(list(values), dtype=float)
    if len(array) < 2:
        return (float(array[0]),) * 3
    half = stats.t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / len(array) ** 0.5
    return float(array.mean()), float(max(0, array.mean() - half)), float(min(100, array.mean() + half))


def curve_of(record: Record, split: str) -> Values | None:
    """Return the accuracies of a run in percent, those of the judged splits by their counts."""
    if split == "train":
        return np.array([row["train_accuracy"] for row in record["epochs"]])
    if not record["epochs"] or any(row[f"{split}_accuracy"] is None for row in record["epochs"]):
        return None
    images = record[f"{split}_images"]
    if not images:  # of a run that goes on
        return np.array([row[f"{split}_accuracy"] for row in record["epochs"]])
    return np.array([100 * row[f"{split}_correct"] / images for row in record["epochs"]])


def add_network(pool: Pool, plan: Plan) -> None:
    """Add what a network costs, layer by layer and in blocks of layers."""
    costs = measure(plan)
    pool.whole(costs.params, costs.macs, costs.receptive_field, *plan.image_shape, len(costs.layers))
    shapes = [plan.image_shape, *(node.output_shape for node in plan.nodes)]
    for node, layer, shape in zip(plan.nodes, costs.layers, shapes[1:], strict=True):
        numbers = [value for value in vars(layer).values() if isinstance(value, int)]
        operation = [value for value in vars(node.operation).values() if isinstance(value, int)]
        pool.whole(*numbers, *operation, *shape, node.number, int(np.prod(shape)), 4 * int(np.prod(shape)))
    runs = np.cumsum([0, *(layer.params for layer in costs.layers)])
    pool.whole(*(after - before for before, after in combinations(runs.tolist(), 2)))
    for count in Counter(layer.kind for layer in costs.layers).values():
        pool.whole(count)
    pool.whole(sum(isinstance(node.operation, Conv) for node in plan.nodes))


def add_limits(pool: Pool, recipe: str, params: int, records: list[Record]) -> None:
    """Add a network's share of every limit that its recipe or a document states."""
    limits = [int(one) for one in re.findall(r"max_params = (\d+)", recipe)]
    limits += [one.limit for said in CLAIMS.values() for one in said if hasattr(one, "limit")]
    pool.real(*(100 * params / limit for limit in limits if limit))
    pool.whole(*limits)
    epochs = [int(one) for one in re.findall(r"max_epochs = (\d+)", recipe)]
    pool.real(*(100 * len(one["epochs"]) / limit for one in records for limit in epochs))
    asked = [Fraction(one) for one in re.findall(r"\naccuracy = ([\d.]+)", recipe)]
    pool.whole(*(ceil(share * one[f"{split}_images"] / 100) for share in asked for one in records for split in SPLITS))
    pool.whole(*(100 * float(one) for one in re.findall(r"hold_rate = ([\d.]+)", recipe)))
    fractions = [float(one) for one in re.findall(r"(?:fraction|probability|distortion) = ([\d.]+)", recipe)]
    pool.whole(*(round(100 * one) for one in fractions))


def add_progress(pool: Pool, records: list[Record]) -> None:
    """Add counts, seeds, epochs, seconds and rates."""
    pool.whole(len(records), *range(len(records) + 1))
    spent, times = [], []
    for one in records:
        rows = one["epochs"]
        pool.whole(
            one["seed"], one["params"], len(rows), one["planned_epochs"] or len(rows), one["provenance"]["threads"]
        )
        pool.whole(*(one[f"{split}_images"] for split in ("train", *SPLITS)))
        rates = [row["learning_rate"] for row in rows]
        pool.digits(rates[0], rates[-1], min(rates), max(rates))
        changes = [at for at in range(1, len(rates)) if rates[at] < rates[at - 1]]
        pool.whole(*(at + 1 for at in changes))
        pool.digits(*(rate for at in changes[:1] for rate in (rates[at - 1], rates[at])))
        pool.digits(*(rates[at] / rates[at - 1] for at in changes))
        spent.append(sum(row["seconds"] for row in rows))
        times += [row["seconds"] for row in rows]
    if records:
        pool.digits(float(np.mean([one["epochs"][-1]["learning_rate"] for one in records])))
        pool.real(median(times), median(spent))
        pool.whole(*divmod(round(median(spent)), 60), round(median(spent)))


def add_run_by_run(pool: Pool, records: list[Record], split: str, holds: set[int]) -> None:
    """Add what stands in the table of runs: last, best and lowest accuracy, and minutes and seconds."""
    for one in records:
        if (curve := curve_of(one, split)) is not None:
            pool.real(curve[-1], curve.max(), *(curve[-hold:].min() for hold in holds))
        seconds = round(sum(row["seconds"] for row in one["epochs"]))
        pool.whole(*divmod(seconds, 60), seconds)


def measured(records: list[Record], split: str) -> list[tuple[Record, Values]]:
    return [(one, curve) for one in records if (curve := curve_of(one, split)) is not None]


def add_ends(pool: Pool, records: list[Record], split: str, holds: set[int], limits: list[float]) -> None:
    """Add what runs end at, their best and their lowest accuracy where it counts, and how many keep which limit."""
    pool.real(*summary(one["epochs"][-1]["train_accuracy"] for one in records))
    pool.real(*summary(max(row["train_accuracy"] for row in one["epochs"]) for one in records))
    runs = measured(records, split)
    if not runs:
        return
    images = runs[0][0][f"{split}_images"]
    pool.whole(images, *(int(np.argmax(curve)) + 1 for _, curve in runs))
    pool.real(*summary(curve[-1] for _, curve in runs), *summary(curve.max() for _, curve in runs))
    pool.real(max(curve.max() for _, curve in runs))
    for hold in holds:
        lowest = np.array([curve[-hold:].min() for _, curve in runs])
        pool.real(*summary(lowest), lowest.min(), *(lowest.min() - limit for limit in limits))
        pool.whole(round(lowest.min() * images / 100))
        for limit in limits:
            needed = np.ceil(limit * images / 100 - 1e-9)
            pool.real(100 * (round(lowest.min() * images / 100) - needed) / images)
            kept = int((lowest >= limit).sum())
            pool.whole(kept)
            pool.real(100 * at_least(kept, len(runs)), lowest.mean() - limit)
    for limit in limits:
        arrivals = [int(np.argmax(curve >= limit)) + 1 for _, curve in runs if (curve >= limit).any()]
        pool.whole(len(arrivals), *([int(np.median(arrivals))] if arrivals else []))
        pool.real(*([float(np.median(arrivals))] if arrivals else []))


def add_curves(pool: Pool, records: list[Record], split: str) -> None:
    """Add where the curves of accuracy and loss begin and end."""
    for name in ("train", split):
        runs = measured(records, name)
        losses = [one["epochs"][-1][f"{name}_loss"] for one, _ in runs]
        if runs:
            pool.real(float(np.mean([curve[0] for _, curve in runs])), float(np.mean([curve[-1] for _, curve in runs])))
            pool.real(float(np.mean(losses)))


def add_differences(pool: Pool, records: list[Record], split: str, holds: set[int], limits: list[float]) -> None:
    """Add all that an analysis says besides: gaps, spread, how accuracy moves, and what drops and averages bring."""
    runs = measured(records, split)
    if not runs:
        return
    final = np.array([curve[-1] for _, curve in runs])
    running = np.array([one["epochs"][-1]["train_accuracy"] for one, _ in runs])
    best, images = np.array([curve.max() for _, curve in runs]), runs[0][0][f"{split}_images"]
    pool.real(*summary(best - final), *summary(running - final))
    if all(one["final_train_correct"] is not None for one, _ in runs):
        clean = np.array([100 * one["final_train_correct"] / one["train_images"] for one, _ in runs])
        pool.real(clean.mean(), *summary(clean - final))
    plain = [one["epochs"][-1][f"raw_{split}_accuracy"] for one, _ in runs]
    if None not in plain:
        pool.real(*summary(final - np.array(plain)))
    share = final.mean() / 100
    pool.real(100 * (share * (1 - share) / images) ** 0.5)
    if len(runs) == 1:
        pool.real(*(100 * end for end in share_bounds(round(share * images), images)))
    end = min(END, min(len(curve) for _, curve in runs) // 2)
    if end:
        later = np.array([np.ptp(curve[-end:]) for _, curve in runs])
        earlier = np.array([np.ptp(curve[-2 * end : -end]) for _, curve in runs])
        pool.real(later.mean(), earlier.mean())
        pool.whole(end)
    drops = []
    for one, curve in runs:
        rates = [row["learning_rate"] for row in one["epochs"]]
        at = next((at for at in range(1, len(rates)) if rates[at] < rates[at - 1]), None)
        drops += [] if at is None else [curve[at] - curve[at - 1]]
    pool.real(*summary(drops))


def share_bounds(right: int, images: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Clopper and Pearson."""
    low = stats.beta.ppf(0.025, right, images - right + 1) if right else 0.0
    high = stats.beta.ppf(0.975, right + 1, images - right) if right < images else 1.0
    return float(low), float(high)


def at_least(kept: int, seeds: int) -> float:
    """Return the share of all seeds that is shown with 95 % confidence, rounded down to a tenth of a per cent."""
    low = stats.beta.ppf(0.05, kept, seeds - kept + 1) if kept else 0.0
    return float(np.floor(1000 * low) / 1000)


def add_mistakes(pool: Pool, records: list[Record]) -> None:
    """Add what final weights get wrong: by class, by pair, and by image; of all runs, and of each as a matrix."""
    runs = [one for one in records if one["epochs"][-1]["test_correct"] is not None]
    sizes = np.array(next((one["test_class_images"] for one in runs if one["test_class_images"]), []))
    if not len(sizes):
        return
    wrong = np.zeros((len(sizes),) * 2, int)
    for one in runs:
        counts = np.zeros_like(wrong)
        for mistake in one["misclassified"]:
            counts[mistake["label"], mistake["predicted"]] += 1
        wrong += counts
        right = sizes - counts.sum(axis=1)
        pool.whole(
            *counts.ravel(), *right, *counts.sum(axis=1), *sizes, counts.sum(), sizes.sum(), sizes.sum() - counts.sum()
        )
        pool.real(*(100 * right / np.maximum(sizes, 1)), 100 * right.sum() / sizes.sum())
    total = int(wrong.sum())
    pool.real(*(100 * wrong.sum(axis=1) / np.maximum(sizes, 1) / len(runs)), 100 * total / sizes.sum() / len(runs))
    pool.real(total / len(runs), *(wrong.ravel() / len(runs)))
    shared = set.intersection(*({mistake["index"] for mistake in one["misclassified"]} for one in runs))
    pool.whole(len(shared), *([round(100 * len(shared) * len(runs) / total)] if total else []))


def add_inspection(pool: Pool, blocks: dict[str, bytes], shapes: dict[str, list[int]], chapter: dict[str, Any]) -> None:
    """Add what pictures of one run say: probabilities, calibration, weights and the range of every map."""
    label, one = chapter["label"], chapter["inspection"]

    def array(name: str, kind: Any) -> NDArray[Any]:
        return np.frombuffer(blocks[f"{name} of {label}"], kind)

    chances = array("probability_bytes", np.uint8) / 255
    right = array("labels", np.uint8) == array("predicted", np.uint8)
    indices = array("indices", "<i4")
    pool.real(*(100 * chances[indices]), 100 * (chances.mean() - right.mean()))
    places = np.clip(np.ceil(chances * BINS) - 1, 0, BINS - 1)
    error = 0.0
    for number in range(BINS):
        inside = places == number
        if inside.any():
            pool.real(100 * chances[inside].mean(), 100 * right[inside].mean())
            pool.whole(inside.sum())
            error += inside.sum() * abs(chances[inside].mean() - right[inside].mean())
    pool.real(100 * error / len(chances))
    pool.whole(BINS, len(indices), right[indices].sum(), (~right[indices]).sum(), *range(len(indices)))
    kernels = array("kernels", "<f4").reshape(shapes[f"kernels of {label}"])
    if kernels.size:
        shown = kernels.mean(axis=1)
        largest = float(np.abs(shown).max())
        pool.real(kernels.min(), kernels.max(), largest, -largest, *kernels.mean(axis=(1, 2, 3)))
        pool.whole(*range(1, len(kernels) + 1), *kernels.shape)
    pool.whole(*shapes[f"moved of {label}"][:2])
    pool.whole(len(one["maps"]))
    for held in one["maps"]:
        pool.real(held["low"], held["high"])
        pool.whole(held["channels"], *map(int, re.findall(r"\d+", held["layer"])))
        pool.whole(*shapes[f"map of {held['layer']} of {label}"])


def add_comparison(pool: Pool, records: list[Record], before: list[Record]) -> None:
    """Add by how much runs end above others (Welch, 95 %), and for single runs what McNemar's test says."""
    if not records or not before:
        return
    pool.whole(abs(records[0]["params"] - before[0]["params"]))
    for split in SPLITS:
        curves = [[curve_of(one, split) for one in group] for group in (records, before)]
        if any(curve is None for group in curves for curve in group):
            continue
        first, second = (np.array([curve[-1] for curve in group if curve is not None]) for group in curves)
        gain = first.mean() - second.mean()
        pool.real(gain)
        if len(first) > 1 and len(second) > 1:
            interval = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
            pool.real(interval.low, interval.high)
    if len(records) == len(before) == 1:
        wrong = [{one["index"] for one in group[0]["misclassified"]} for group in (records, before)]
        mended, spoilt = len(wrong[1] - wrong[0]), len(wrong[0] - wrong[1])
        pool.whole(mended, spoilt)
        if mended + spoilt:
            pool.digits(stats.binomtest(mended, mended + spoilt).pvalue)
