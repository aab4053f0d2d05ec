"""How a run is shown in a notebook while it is trained: its lines, and above them curves that grow with it."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from time import perf_counter
from uuid import uuid4

from pennyweight.base.budget import budget_for, not_judged
from pennyweight.base.records import EpochRow, Provenance, RunRecord
from pennyweight.nets.measure import measure
from pennyweight.pages.notebook import on_paper
from pennyweight.reporting.python_words import PythonConsole
from pennyweight.runs.run import Run

SHARE = 0.02
"""The share of a run's time that drawing its curves may take."""
UNKNOWN = Provenance("", "", "", "", "", "", 0, "", "", "", "")


class NotebookConsole(PythonConsole):
    """Shows a run as PythonConsole does and, where matplotlib is installed, its curves after an epoch.

    They are drawn again as soon as that takes no more than a small share of the time since they were drawn before.
    """

    def __init__(self) -> None:
        """Show nothing yet."""
        super().__init__()
        self._place = ""
        self._drawn_at = 0.0
        self._cost_seconds = 0.0

    def started(self, run: Run) -> None:
        """Take the place of the curves, above the lines that follow, and print what is trained on what."""
        if find_spec("matplotlib"):
            self._show("")
        super().started(run)

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        """Print the line of the last epoch in `history`, and draw the curves up to it."""
        super().epoch_done(history)
        last = len(history) == self.run.recipe.epochs
        waited = perf_counter() - self._drawn_at
        if find_spec("matplotlib") and (last or self._cost_seconds <= SHARE * waited):
            began = perf_counter()
            self._show(curves_html(self.run, history))
            self._drawn_at = perf_counter()
            self._cost_seconds = self._drawn_at - began

    def _show(self, html: str) -> None:
        """Put HTML where the curves of this run stand; the first time, below what the cell has shown so far."""
        publisher = sys.modules["IPython"].get_ipython().display_pub
        is_new, self._place = not self._place, self._place or uuid4().hex
        publisher.publish({"text/html": html}, {}, transient={"display_id": self._place}, update=not is_new)


def curves_html(run: Run, history: Sequence[EpochRow]) -> str:
    """Return the curves of a run up to the last epoch of `history`, as HTML that holds a picture."""
    from pennyweight.figures.curves import curves, curves_words  # loads matplotlib

    record, budget = record_so_far(run, history), budget_for(run.recipe.budgets, run.dataset.name)
    return on_paper(curves([record], budget=budget), curves_words([record], budget=budget))


def record_so_far(run: Run, history: Sequence[EpochRow]) -> RunRecord:
    """Return what is known of a run that is still trained: its epochs, without verdict, mistakes and provenance."""
    return RunRecord(
        recipe=run.recipe.name,
        changes=run.changes,
        seed=run.seed,
        engine=run.engine,
        dataset=run.dataset.name,
        params=measure(run.recipe.plan(run.dataset.classes)).params,
        train_images=len(run.dataset.train_labels) - run.recipe.validation_images,
        val_images=run.recipe.validation_images,
        test_images=len(run.dataset.test_labels),
        epochs=tuple(history),
        verdict=not_judged(run.dataset.name),
        misclassified=(),
        weights_sha256="",
        provenance=UNKNOWN,
        classes=run.dataset.class_names,
        planned_epochs=run.recipe.epochs,
        initial_sha256=run.initial_sha256,
    )
