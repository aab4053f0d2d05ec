"""Is a run what it says it is? Everything that can be recomputed is, and held against what is written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.records import RunRecord
from pennyweight.base.stats import FEWEST_SEEDS, prediction_interval
from pennyweight.data.dataset import Dataset, hold_out
from pennyweight.data.normalisation import Normalisation, normalisation_of
from pennyweight.engines.choose import choose_engine
from pennyweight.engines.evaluation import score
from pennyweight.judging.checks import SHOWN, Check, check, file_checks
from pennyweight.judging.seeds import finals_of
from pennyweight.runs.model import TrainedModel, load_trained
from pennyweight.runs.run import Run

REPLAYED = "trained again"
"""How the names of checks begin that a replay makes."""
INITIAL_WEIGHTS = "initial weights"
"""What is taken on trust of a run that started from weights of another; no replay has them."""


@dataclass(frozen=True, repr=False)
class Verification:
    """Every check of a run folder; `agrees` when none of them disagrees.

    `on_trust` are statements of the record, by name, that nothing here can recompute.
    """

    folder: str
    checks: tuple[Check, ...]
    on_trust: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        """Return one line: the folder, how many checks were made, and what disagrees."""
        broken = [check.name for check in self.checks if check.agrees is False]
        words = f"disagree: {', '.join(broken)}" if broken else "none disagrees"
        return f"<Verification of {self.folder}: {len(self.checks)} checks, {words}>"

    @property
    def agrees(self) -> bool:
        """Return whether nothing written is other than what was found."""
        return all(check.agrees is not False for check in self.checks)


def verify(folder: Path, dataset: Dataset) -> Verification:
    """Recompute what the record of a finished run states, from its weights and the data.

    Raises UnavailableError when a file is missing, MismatchError when a file is damaged or the weights do not belong
    to the recipe and record beside them.
    """
    trained = load_trained(folder)
    checks = (*_data(trained, dataset), *file_checks(folder, trained), *_figures(trained, dataset))
    return Verification(trained.source, checks, _on_trust(trained.record))


def _data(trained: TrainedModel, dataset: Dataset) -> Iterator[Check]:
    """Yield whether these are the data, the classes and the normalisation of the run."""
    written, found = trained.record.provenance.dataset_digest, dataset.digest
    yield Check("dataset digest", written[:SHOWN], found[:SHOWN], written == found)
    yield check("dataset", trained.record.dataset, dataset.name)
    yield check("class names", ", ".join(trained.classes), ", ".join(dataset.class_names))
    if trained.record.classes:
        yield check("class names of the record", ", ".join(trained.record.classes), ", ".join(dataset.class_names))
    if trained.record.test_class_images:
        images = np.bincount(dataset.test_labels, minlength=dataset.classes).tolist()
        written, found = (", ".join(map(str, counts)) for counts in (trained.record.test_class_images, images))
        yield check("test images of each class", written, found)
    stated = trained.normalisation
    recomputed = normalisation_of(hold_out(dataset, trained.recipe.validation_images).train_images)
    yield Check("mean and std of the pixels", _words(stated), _words(recomputed), stated == recomputed)


def _figures(trained: TrainedModel, dataset: Dataset) -> Iterator[Check]:
    """Yield whether the weights give the figures of the last epoch, image by image."""
    record, last = trained.record, trained.record.epochs[-1]
    engine = choose_engine(record.engine, "cpu").name
    split = hold_out(dataset, trained.recipe.validation_images)
    yield check("training images", f"{record.train_images:,}", f"{len(split.train_labels):,}")
    yield check("test images", f"{record.test_images:,}", f"{len(dataset.test_labels):,}")
    if record.final_train_correct is not None:
        found = score(trained.logits(split.train_images, engine), split.train_labels)
        yield check("training images right", f"{record.final_train_correct:,}", f"{found.correct:,}")
    if (val_correct := last.score("val").correct) is not None:
        found = score(trained.logits(split.val_images, engine), split.val_labels)
        yield check("held-out images right", f"{val_correct:,}", f"{found.correct:,}")
        yield from _last_mistakes(record, "val", np.flatnonzero(found.predicted != split.val_labels))
    if (test_correct := last.score("test").correct) is None:
        return
    found = score(trained.logits(dataset.test_images, engine), dataset.test_labels)
    yield check("test images right", f"{test_correct:,}", f"{found.correct:,}")
    wrong = np.flatnonzero(found.predicted != dataset.test_labels)
    yield from _last_mistakes(record, "test", wrong)
    expected = [(int(i), int(dataset.test_labels[i]), int(found.predicted[i])) for i in wrong]
    listed = [(one.index, one.label, one.predicted) for one in record.misclassified]
    differing = len({*expected} ^ {*listed})
    yield Check("each mistake", "as listed", f"{differing} differ" if differing else "as listed", expected == listed)


def _last_mistakes(record: RunRecord, split: str, wrong: NDArray[np.int64]) -> Iterator[Check]:
    """Yield whether the images the record says the last epoch misclassifies are those its weights do."""
    last = len(record.epochs)
    for listed in record.mistakes_by_epoch:
        if (listed.epoch, listed.split) == (last, split):
            differing = len({*listed.images} ^ {*wrong.tolist()})
            found = f"{differing} differ" if differing else "as listed"
            yield Check(f"{split} images that epoch {last} misclassifies", "as listed", found, not differing)


def _on_trust(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """Return what the record states and nothing here can recompute; --replay finds the epochs anew."""
    held = record.provenance
    plan = f"{record.planned_seeds} seeds planned before the run began" if record.planned_seeds else "none"
    started_from = ((INITIAL_WEIGHTS, f"{record.initial_sha256[:SHOWN]}, not here"),) if record.initial_sha256 else ()
    return (
        *started_from,
        ("processor", held.cpu),
        ("platform", held.platform),
        ("versions", f"pennyweight {held.pennyweight}, Python {held.python}, NumPy {held.numpy}"),
        ("commit", held.commit or "none"),
        ("threads", str(held.threads)),
        ("started", held.started),
        ("seconds of the epochs", f"{sum(row.seconds for row in record.epochs):.1f} in all"),
        ("plan", plan),
        (f"epochs 1 to {len(record.epochs) - 1}" if len(record.epochs) > 1 else "epochs before the last", "as trained"),
    )


def _words(normalisation: Normalisation) -> str:
    return ", ".join(f"{value:.6f}" for value in (*normalisation.mean, *normalisation.std))


def replay(folder: Path, dataset: Dataset, train: Callable[[Run], RunRecord], siblings: list[RunRecord]) -> Check:
    """Train the run again and compare: byte by byte under the same conditions, else with what other seeds gave.

    `siblings` are runs of the same recipe with other seeds; a result counts as in line when it lies in their 95 %
    prediction interval.
    """
    trained = load_trained(folder)
    old = trained.record
    if old.initial_sha256:
        return Check(REPLAYED, old.weights_sha256[:16], "it started from weights that are not here", None)
    with TemporaryDirectory() as elsewhere:
        run = Run(
            recipe=trained.recipe,
            dataset=dataset,
            seed=old.seed,
            folder=Path(elsewhere) / "run",
            engine=choose_engine(old.engine, old.provenance.device).name,
            device=old.provenance.device,
            use_test=old.evaluated_on("test"),
            changes=old.changes,
        )
        new = train(run)
    if _conditions(new) == _conditions(old) or new.weights_sha256 == old.weights_sha256:
        return check(f"{REPLAYED}, byte by byte", old.weights_sha256[:16], new.weights_sha256[:16])
    return _in_line(old, new, siblings)


def _conditions(record: RunRecord) -> tuple[object, ...]:
    """Return what decides the bytes of a run; the native engine's version holds compiler, flags and processor."""
    held = record.provenance
    threads = held.threads if record.engine == "torch" else None
    return held.engine, held.device, held.cpu.rpartition(",")[0], threads


def _in_line(old: RunRecord, new: RunRecord, siblings: list[RunRecord]) -> Check:
    split = "val" if old.epochs[-1].score("test").correct is None else "test"
    finals = finals_of(siblings, split)
    mine, found = old.curve(split), new.curve(split)
    name = f"{REPLAYED} under other conditions ({new.provenance.engine}), {split} accuracy"
    if len(finals) < FEWEST_SEEDS or mine is None or found is None:
        return Check(name, "", f"{len(finals)} other seeds, {FEWEST_SEEDS} are needed", None)
    low, high = prediction_interval(finals)
    words = f"{found[-1]:.2f} %, other seeds {max(low, 0):.2f} to {min(high, 100):.2f} %"
    return Check(name, f"{mine[-1]:.2f} %", words, bool(low <= found[-1] <= high))
