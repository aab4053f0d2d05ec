"""What every drawing of a page has to show, by its name, from the evidence that the page carries."""

import base64
import re
from io import BytesIO
from typing import Any

import numpy as np
import page_plots as plots
from matplotlib import colormaps
from numpy.typing import NDArray
from page_figures import Figures
from page_points import SVG, Panel, Point
from page_sums import Record, curve_of
from PIL import Image

from pennyweight.figures.network import blocks_of
from pennyweight.nets.measure import measure
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.recipe_text import recipe_from_text

IMAGE = re.compile(r'<image href="data:image/png;base64,([^"]*)"')
Pixels = NDArray[np.uint8]


class Expectations:
    """Points in pixels, and the images of a page as arrays."""

    def __init__(self, page: str) -> None:
        self.figures = Figures(page)
        self.chapters = self.figures.page["chapters"]

    def points(self, name: str, panels: list[Panel]) -> dict[str, list[Point]]:
        """Return what a drawing must hold by the identifier of each series; more may be there than it draws."""
        name = name.removesuffix("-phone")
        step = re.fullmatch(r"step-(\d+)-(\w+)", name)
        if step:
            return self._of_step(self.chapters[int(step[1]) - 1], step[2], panels)
        if name == "side-by-side":
            return self._side_by_side(panels)
        if name == "staircase":
            return plots.staircase(panels, self._published)
        cost = {
            "steps": "params",
            "frontier-parameters": "params",
            "frontier-macs": "macs",
            "frontier-seconds": "seconds",
        }[name]
        budget = self._budget(self.chapters[-1])
        cap = budget["max_params"] if budget and cost == "params" else None
        return plots.plane(panels, self._standing(cost), budget, cap)

    def images(self, name: str) -> list[Pixels]:
        """Return the images that a drawing shows, RGB, shape (rows, columns, 3), the bar of its scale left out."""
        step = re.fullmatch(r"step-(\d+)-(samples|worst|augmented|kernels|maps)", name)
        if not step:
            return []
        chapter = self.chapters[int(step[1]) - 1]
        label, kind = chapter["label"], step[2]
        if kind == "augmented":
            originals, moved = self._array("originals", label, np.uint8), self._array("moved", label, np.uint8)
            return [_grey(one) for first, times in zip(originals, moved, strict=True) for one in (first, *times)]
        if kind == "kernels":
            kernels = self._array("kernels", label, "<f4").mean(axis=1)
            largest = np.abs(kernels).max()
            return [_coloured("PuOr_r", (one + largest) / (2 * largest)) for one in kernels]
        if kind == "maps":
            names = [one["layer"] for one in chapter["inspection"]["maps"]]
            maps = [channel for one in names for channel in self._array(f"map of {one}", label, np.uint8)]
            return [_grey(self._array("mapped", label, np.uint8)), *(_coloured("viridis", one / 255) for one in maps)]
        images, indices = self._array("images", label, np.uint8), self._array("indices", label, "<i4")
        labels, predicted = (self._array(one, label, np.uint8) for one in ("labels", "predicted"))
        chances = self._array("probability_bytes", label, np.uint8).astype(int)
        wrong = sorted(np.flatnonzero(labels != predicted), key=lambda index: (-chances[index], index))[:12]
        first = [int(np.flatnonzero(labels == one)[0]) for one in np.unique(labels)]
        return [_grey(images[np.flatnonzero(indices == at)[0]]) for at in (wrong if kind == "worst" else first)]

    def _array(self, name: str, label: str, kind: Any) -> NDArray[Any]:
        whole = f"{name} of {label}"
        return np.frombuffer(self.figures.blocks[whole], kind).reshape(self.figures.shapes[whole])

    def _recipe(self, chapter: dict[str, Any]) -> Recipe:
        return recipe_from_text(self.figures.blocks[f"recipe of {chapter['label']}"].decode(), "")

    def _drawn(self, chapter: dict[str, Any]) -> list[Record]:
        label = chapter["label"]
        found = self.figures.records(f"records of {label}") + self.figures.records(f"epochs so far of {label}")
        return sorted(found, key=lambda one: one["seed"])

    def _budget(self, chapter: dict[str, Any]) -> dict[str, Any] | None:
        records = self._drawn(chapter)
        dataset = records[0]["dataset"] if records else "mnist"
        return next((vars(one) for one in self._recipe(chapter).budgets if one.dataset == dataset), None)

    def _of_step(self, chapter: dict[str, Any], kind: str, panels: list[Panel]) -> dict[str, list[Point]]:
        label, records = chapter["label"], self._drawn(chapter)
        if kind == "curves":
            return plots.curves(panels, records, self._budget(chapter))
        if kind == "classes":
            return plots.classes(panels, self._pictured(chapter))
        if kind == "reliability":
            labels, predicted, chances = (
                self._array(one, label, np.uint8) for one in ("labels", "predicted", "probability_bytes")
            )
            return plots.reliability(panels, chances / 255, labels == predicted)
        if kind == "network":
            classes = len(records[0]["classes"]) if records and records[0]["classes"] else 10
            blocks = blocks_of(self._recipe(chapter).plan(classes))
            return plots.network(panels, [(block.shape, block.receptive_field) for block in blocks])
        return {}

    def _pictured(self, chapter: dict[str, Any]) -> Record:
        """Return the run that single images are of: the one looked into, else the one nearest the median."""
        records = self.figures.records(f"records of {chapter['label']}")
        digest = (chapter["inspection"] or {}).get("weights_sha256")
        looked_into = [one for one in records if one["weights_sha256"] == digest]
        if looked_into:
            return looked_into[0]
        ends = np.array([one["epochs"][-1]["test_correct"] for one in records])
        return records[int(np.argmin(np.abs(ends - np.median(ends))))]

    def _side_by_side(self, panels: list[Panel]) -> dict[str, list[Point]]:
        budgets = [self._budget(chapter) for chapter in self.chapters]
        budget = budgets[0] if all(one == budgets[0] for one in budgets) else None
        return plots.side_by_side(panels, [self._drawn(chapter) for chapter in self.chapters], budget)

    def _published(self, name: str) -> list[Record]:
        blocks = (f"published records of {name}", f"records of {name}")
        return next((found for one in blocks if (found := self.figures.records(one))), [])

    def _standing(self, cost: str) -> dict[str, tuple[float, list[float]]]:
        """Return the cost and the last accuracies of every recipe, published or of a chapter."""
        found = {
            one["name"]: (one[cost], [100 * correct / one["images"] for correct in one["correct"]])
            for one in self.figures.page["others"]
        }
        for chapter in self.chapters:
            records = self.figures.records(f"records of {chapter['label']}")
            if records and chapter["label"] not in found:
                costs = measure(self._recipe(chapter).plan(len(records[0]["classes"]) or 10))
                seconds = [sum(row["seconds"] for row in one["epochs"]) for one in records]
                of = {"params": costs.params, "macs": costs.macs, "seconds": float(np.median(seconds))}
                ends = [curve[-1] for one in records if (curve := curve_of(one, "test")) is not None]
                found[chapter["label"]] = (of[cost], ends)
        return found


def images_of(page: str) -> dict[str, list[Pixels]]:
    """Return the images of every drawing of a page, RGB, shape (rows, columns, 3)."""
    found = {}
    for svg in SVG.findall(page):
        name = re.search(r'aria-labelledby="(\S+)-title', svg)
        assert name
        found[name[1]] = [
            np.asarray(Image.open(BytesIO(base64.b64decode(one))).convert("RGB")) for one in IMAGE.findall(svg)
        ]
    return found


def _grey(image: NDArray[np.uint8]) -> Pixels:
    return np.repeat(image.reshape(*image.shape[-2:], 1), 3, axis=2)


def _coloured(scale: str, shares: NDArray[np.floating]) -> Pixels:
    """Return values from 0 to 1 in the colours of one of matplotlib's scales."""
    return np.asarray(colormaps[scale](np.asarray(shares, float), bytes=True)[:, :, :3])
