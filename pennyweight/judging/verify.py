"""Is a run what it says it is? Everything that can be recomputed is, and held against what is written."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pennyweight.base.budget import correct_of, images_of, judge_record
from pennyweight.base.errors import MismatchError
from pennyweight.base.records import RunRecord
from pennyweight.base.stats import prediction_interval
from pennyweight.data.dataset import Dataset, PixelStatistics, hold_out, pixel_statistics
from pennyweight.judging.seeds import FEWEST_SEEDS, curve_of, finals_of
from pennyweight.nets.measure import measure
from pennyweight.training.averaging import shipped_weights
from pennyweight.training.checkpoint import Checkpoint, newest_whole
from pennyweight.training.engines import choose_engine
from pennyweight.training.evaluation import score
from pennyweight.training.folder import METRICS, metrics_text
from pennyweight.training.identity import identity_of
from pennyweight.training.run import Run
from pennyweight.training.trained import Trained, load_trained

SHOWN = 16
"""Characters of a digest that are printed; all of them are compared."""


@dataclass(frozen=True)
class Check:
    """One thing that was recomputed: what is written, what was found, and whether they agree; None shows neither."""

    name: str
    written: str
    found: str
    agrees: bool | None


@dataclass(frozen=True)
class Verification:
    """Every check of a run folder; `agrees` when none of them disagrees."""

    folder: str
    checks: tuple[Check, ...]

    @property
    def agrees(self) -> bool:
        """Tell whether nothing written is other than what was found."""
        return all(check.agrees is not False for check in self.checks)


def verify(folder: Path, dataset: Dataset) -> Verification:
    """Recompute what the record of a finished run states, from its weights and the data.

    Raises EnvironmentRefused when a file is missing, MismatchError when a file is damaged or the weights do not belong
    to the recipe and record beside them.
    """
    trained = load_trained(folder)
    newest = newest_whole(folder, lambda text: None)
    if newest is None:
        raise MismatchError(
            f"{folder} holds a record but no checkpoint, so its epochs cannot be held against anything."
        )
    checks = [*_origin(trained, newest, dataset), *_history(folder, trained, newest), *_figures(trained, dataset)]
    return Verification(str(folder), tuple(checks))


def _origin(trained: Trained, newest: Checkpoint, dataset: Dataset) -> Iterator[Check]:
    """Yield whether record, recipe and checkpoint are of one run, on this data."""
    record = trained.record
    written, found = record.provenance.dataset_digest, dataset.digest
    yield Check("dataset digest", written[:SHOWN], found[:SHOWN], written == found)
    run = Run(trained.recipe, dataset, record.seed, Path(), engine=record.engine, device=record.provenance.device)
    tested = any(row.test_correct is not None for row in record.epochs)
    wanted = identity_of(replace(run, measure_test=tested), None)
    differing = [key for key, value in wanted.items() if newest.identity.get(key, value) != value]
    yield Check("checkpoint is of this run", "the same run", ", ".join(differing) or "the same run", not differing)
    engine = str(newest.identity.get("engine version"))
    yield _check("engine", record.provenance.engine, f"{record.engine} {engine}")
    yield _check("recipe", record.recipe, trained.recipe.name)
    yield _check("parameters", f"{record.params:,}", f"{measure(trained.plan).params:,}")
    averaged = shipped_weights(newest.state, trained.plan)
    same = all(np.array_equal(averaged[name], weight) for name, weight in trained.weights.items())
    yield Check("weights", "those of the last checkpoint", "the same" if same else "others", same)
    statistics = pixel_statistics(hold_out(dataset, trained.recipe.validation_images).train_images)
    stated = PixelStatistics(trained.mean, trained.spread)
    yield Check("mean and spread of the pixels", _words(stated), _words(statistics), stated == statistics)


def _history(folder: Path, trained: Trained, newest: Checkpoint) -> Iterator[Check]:
    """Yield whether every epoch of the record is the one its checkpoint holds, and consistent in itself."""
    record = trained.record
    yield _check("epochs", str(len(record.epochs)), str(len(newest.history)))
    pairs = zip(record.epochs, newest.history, strict=False)
    edited = [str(mine.epoch) for mine, theirs in pairs if mine != theirs]
    yield Check("every epoch is the checkpoint's", "yes", f"not {', '.join(edited)}" if edited else "yes", not edited)
    same = record.misclassified == newest.misclassified
    yield Check("mistakes are the checkpoint's", "yes", "yes" if same else "no", same)
    wrong = [str(row.epoch) for row in record.epochs if not _consistent(record, row.epoch - 1)]
    yield Check("accuracies are their counts", "yes", f"not in {', '.join(wrong)}" if wrong else "yes", not wrong)
    verdict = judge_record(trained.recipe.budgets, record)
    yield _check("budget met", str(record.verdict.met), str(verdict.met))
    if verdict.met == record.verdict.met:
        yield Check("limits of the budget", "as judged", "as judged", verdict == record.verdict)
    same = _metrics_agree(folder / METRICS, newest)
    yield Check(METRICS, "the checkpoint's epochs", "the same" if same else "others", same)


def _metrics_agree(path: Path, newest: Checkpoint) -> bool:
    """Tell whether a table of epochs is the checkpoint's, in the columns it has: earlier versions wrote fewer."""
    if not path.is_file():
        return False
    written = list(csv.DictReader(path.read_text(errors="replace").splitlines()))
    found = csv.DictReader(metrics_text(newest.history).splitlines())
    return bool(written) and written == [{name: row.get(name) for name in written[0]} for row in found]


def _consistent(record: RunRecord, number: int) -> bool:
    row = record.epochs[number]
    for split, accuracy in (("test", row.test_accuracy), ("val", row.val_accuracy)):
        correct = correct_of(row, split)
        expected = None if correct is None else 100 * correct / images_of(record, split)
        if accuracy != expected:
            return False
    return True


def _figures(trained: Trained, dataset: Dataset) -> Iterator[Check]:
    """Yield whether the weights give the figures of the last epoch, image by image."""
    record, last = trained.record, trained.record.epochs[-1]
    engine = choose_engine(record.engine, "cpu").name
    split = hold_out(dataset, trained.recipe.validation_images)
    yield _check("training images", f"{record.train_images:,}", f"{len(split.train_labels):,}")
    yield _check("test images", f"{record.test_images:,}", f"{len(dataset.test_labels):,}")
    if last.val_correct is not None:
        found = score(trained.logits(split.val_images, engine), split.val_labels)
        yield _check("held-out images right", f"{last.val_correct:,}", f"{found.correct:,}")
    if last.test_correct is None:
        return
    found = score(trained.logits(dataset.test_images, engine), dataset.test_labels)
    yield _check("test images right", f"{last.test_correct:,}", f"{found.correct:,}")
    wrong = np.flatnonzero(found.predicted != dataset.test_labels)
    expected = [(int(i), int(dataset.test_labels[i]), int(found.predicted[i])) for i in wrong]
    listed = [(one.index, one.label, one.predicted) for one in record.misclassified]
    differing = len({*expected} ^ {*listed})
    yield Check("each mistake", "as listed", f"{differing} differ" if differing else "as listed", expected == listed)


def _words(statistics: PixelStatistics) -> str:
    return f"{statistics.mean:.6f}, {statistics.spread:.6f}"


def _check(name: str, written: str, found: str) -> Check:
    return Check(name, written, found, written == found)


def replay(folder: Path, dataset: Dataset, train: Callable[[Run], RunRecord], siblings: list[RunRecord]) -> Check:
    """Train the run again and compare: byte by byte under the same conditions, else with what other seeds gave.

    `siblings` are runs of the same recipe with other seeds; a result counts as in line when it lies in their 95 %
    prediction interval.
    """
    trained = load_trained(folder)
    old = trained.record
    with TemporaryDirectory() as elsewhere:
        run = Run(
            trained.recipe,
            dataset,
            old.seed,
            Path(elsewhere) / "run",
            engine=choose_engine(old.engine, old.provenance.device).name,
            device=old.provenance.device,
            measure_test=any(row.test_correct is not None for row in old.epochs),
            changes=old.changes,
        )
        new = train(run)
    if _conditions(new) == _conditions(old) or new.weights_sha256 == old.weights_sha256:
        return _check("trained again, byte by byte", old.weights_sha256[:16], new.weights_sha256[:16])
    return _in_line(old, new, siblings)


def _conditions(record: RunRecord) -> tuple[object, ...]:
    """Return what decides the bytes of a run; the native engine's version holds compiler, flags and processor."""
    held = record.provenance
    threads = held.threads if record.engine == "torch" else None
    return held.engine, held.device, held.cpu.rpartition(",")[0], threads


def _in_line(old: RunRecord, new: RunRecord, siblings: list[RunRecord]) -> Check:
    split = "val" if old.epochs[-1].test_correct is None else "test"
    finals = finals_of(siblings, split)
    mine, found = curve_of(old, split), curve_of(new, split)
    name = f"trained again under other conditions ({new.provenance.engine}), {split} accuracy"
    if len(finals) < FEWEST_SEEDS or mine is None or found is None:
        return Check(name, "", f"{len(finals)} other seeds, {FEWEST_SEEDS} are needed", None)
    low, high = prediction_interval(finals)
    words = f"{found[-1]:.2f} %, other seeds {low:.2f} to {high:.2f} %"
    return Check(name, f"{mine[-1]:.2f} %", words, bool(low <= found[-1] <= high))
