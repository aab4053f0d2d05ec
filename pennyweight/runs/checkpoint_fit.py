"""Does a whole checkpoint fit the run that would go on with it? Its digest tells damage, not whose it is.

Its tensors are held against the network, the optimizer's slots and the average; its epochs and mistakes against
themselves and the number of images. Whatever does not fit is named with both values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import inf, isfinite
from pathlib import Path

from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.base.record_text import check_epoch_mistakes
from pennyweight.base.records import EpochRow, Misclassified
from pennyweight.engines.averaging import PREFIX
from pennyweight.nets.plan import Plan
from pennyweight.nets.weights import check_tensors, largest_file, shapes_of
from pennyweight.runs.checkpoint import Checkpoint, checkpoint_path
from pennyweight.runs.run import Run
from pennyweight.settings.optimizers import slots
from pennyweight.settings.recipe import Recipe


def largest_checkpoint(run: Run) -> int:
    """Return the most bytes that are read of a checkpoint of `run`."""
    return largest_file(state_shapes(run.recipe.plan(run.dataset.classes), run.recipe))


def refuse_misfit(run: Run, newest: Checkpoint | None) -> None:
    """Raise MismatchError naming file, tensor or epoch and both values where `newest` does not fit `run`."""
    if newest is None:
        return
    path = checkpoint_path(run.folder, len(newest.history))
    images = {"val": run.recipe.validation_images, "test": len(run.dataset.test_labels) if run.use_test else 0}
    try:
        check_state(newest, run.recipe.plan(run.dataset.classes), run.recipe, path)
        check_history(newest, run.recipe, images, run.dataset.classes, path)
    except MismatchError as error:
        raise MismatchError(f"{error} Remove that file to resume from the one before, or use --again.") from error


def state_shapes(plan: Plan, recipe: Recipe) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor in the state of a run by its name."""
    shapes = shapes_of(plan)
    trained = {
        f"optimizer.{slot}.{weight.name}": weight.shape for slot in slots(recipe.optimizer) for weight in plan.weights
    }
    average = {PREFIX + name: shape for name, shape in shapes.items()} if recipe.averaging.is_kept else {}
    return {**shapes, **trained, **average}


def check_state(checkpoint: Checkpoint, plan: Plan, recipe: Recipe, path: Path) -> None:
    """Raise MismatchError naming `path` and the first tensor that is not one of the state of a run of `recipe`."""
    check_tensors(checkpoint.state, state_shapes(plan, recipe), plan, path, f"recipe '{recipe.name}'")


def check_history(checkpoint: Checkpoint, recipe: Recipe, images: Mapping[str, int], classes: int, path: Path) -> None:
    """Raise MismatchError naming `path` and the first epoch or mistake that contradicts another, or the images.

    `images` are how many are evaluated of the splits `val` and `test`, 0 where a split is not looked at.
    """
    history, mistakes = checkpoint.history, checkpoint.misclassified
    if not 1 <= len(history) <= recipe.epochs:
        raise MismatchError(f"{path} holds {len(history)} epochs, the recipe has {recipe.epochs}.")
    check_epochs(history, images["val"], images["test"], path)
    for row in history:
        for split, count in images.items():
            _check_measured(row, split, count, path)
    check_mistakes(mistakes, images["test"], classes, path)
    wrong = images["test"] - (history[-1].test_correct or 0)
    if len(mistakes) != wrong:
        raise MismatchError(f"{path} lists {len(mistakes):,} mistakes, but after its last epoch there are {wrong:,}.")
    try:
        for one in checkpoint.mistakes_by_epoch:
            check_epoch_mistakes(one, history, images)
    except UsageError as error:
        raise MismatchError(f"{path}: {error}") from error


def check_epochs(history: Sequence[EpochRow], val_images: int, test_images: int, path: Path) -> None:
    """Raise MismatchError unless epochs are numbered 1, 2, ..., and every figure is one that can be."""
    highest = {"val_correct": val_images, "test_correct": test_images}
    for number, row in enumerate(history, start=1):
        if row.epoch != number:
            raise MismatchError(f"{path}: epoch {row.epoch} stands where epoch {number} is expected.")
        for name, value in asdict(row).items():
            lowest = -inf if name.endswith("_loss") else 0
            most = highest.get(name, 100 if name.endswith("_accuracy") else inf)
            if value is not None and not (isfinite(value) and lowest <= value <= most):
                must = (
                    "finite" if lowest else f"from {lowest} to {most:,}" if isfinite(most) else "finite and not below 0"
                )
                raise MismatchError(f"{path}: {name} of epoch {number} is {value}; it must be {must}.")


def check_mistakes(mistakes: Sequence[Misclassified], test_images: int, classes: int, path: Path) -> None:
    """Raise MismatchError unless mistakes are images of the test set in order, each with two labels that differ."""
    labels, before = range(classes), -1
    for one in mistakes:
        if not before < one.index < test_images:
            raise MismatchError(
                f"{path} lists a mistake at image {one.index} behind one at {before}; they must ascend and lie below "
                f"{test_images:,}."
            )
        if one.label not in labels or one.predicted not in labels or one.label == one.predicted:
            raise MismatchError(
                f"{path} lists image {one.index} as label {one.label} predicted as {one.predicted}; both must be from "
                f"0 to {classes - 1} and differ."
            )
        before = one.index


def _check_measured(row: EpochRow, split: str, images: int, path: Path) -> None:
    """Raise MismatchError unless a split is measured where it has images, with the accuracy of its count."""
    loss, accuracy, correct = (getattr(row, f"{split}_{what}") for what in ("loss", "accuracy", "correct"))
    if any((figure is None) != (images == 0) for figure in (loss, accuracy, correct)):
        raise MismatchError(
            f"{path}: {split}_loss, {split}_accuracy and {split}_correct of epoch {row.epoch} are {loss}, {accuracy} "
            f"and {correct}, where {images:,} images are evaluated."
        )
    if images and accuracy != 100 * correct / images:
        raise MismatchError(
            f"{path}: {split}_accuracy of epoch {row.epoch} is {accuracy}, but {correct:,} of {images:,} images are "
            f"{100 * correct / images}."
        )
