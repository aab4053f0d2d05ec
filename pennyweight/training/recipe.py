"""A recipe: a network, how it is trained, the budgets it is judged by and where all that comes from."""

import re
from dataclasses import dataclass, field

from pennyweight.base.budget import Budget, check_budget
from pennyweight.base.errors import UsageError
from pennyweight.base.values import check_types
from pennyweight.data.augment import Augmentation
from pennyweight.nets.plan import make_plan
from pennyweight.nets.rows import Rows
from pennyweight.training.averaging import Averaging
from pennyweight.training.optimizers import Optimizer, check_optimizer
from pennyweight.training.schedules import Constant, Schedule, check_schedule

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Claim:
    """What the source document says the network reached: percent, on which split, and of which epoch."""

    accuracy: float
    split: str
    which: str
    """`best` or `final` epoch."""
    epoch: int | None = None


@dataclass(frozen=True)
class Origin:
    """Where a recipe comes from, and which of its settings the source states.

    `stated` and `suggested` name keys of the recipe; what the source does not state is our suggestion.
    """

    document: str
    claim: Claim | None = None
    target: float | None = None
    """The accuracy this step of the document aimed at, in percent; None when it is that of the budget."""
    stated: tuple[str, ...] = ()
    suggested: tuple[str, ...] = ()
    note: str = ""
    reconstructed: bool = False
    """Whether the rows were built to give what the source states, which they can then no longer confirm."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network is trained; two equal recipes and seeds give equal weights."""

    name: str
    layers: Rows
    epochs: int
    optimizer: Optimizer
    schedule: Schedule = field(default_factory=Constant)
    batch_images: int = 128
    label_smoothing: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    averaging: Averaging = field(default_factory=Averaging)
    validation_images: int = 0
    """Training images held out for validation, the same number a class as far as counts allow."""
    budgets: tuple[Budget, ...] = ()
    origin: Origin = field(default_factory=lambda: Origin(document=""))


def check_recipe(recipe: Recipe, classes: int = 10) -> None:
    """Raise UsageError naming the first setting that cannot work."""
    check_types(recipe)
    if not NAME.fullmatch(recipe.name):
        raise UsageError(
            f"The recipe's name is {recipe.name[:80]!r}; it names a folder, so begin with a letter or digit and "
            "write letters, digits, '-', '_' and '.' alone, at most 100."
        )
    _check("epochs", recipe.epochs, 1, 100_000)
    _check("batch_images", recipe.batch_images, 1, 65_536)
    _check("validation_images", recipe.validation_images, 0, 10_000_000)
    if not 0 <= recipe.label_smoothing < 1:
        raise UsageError(f"label_smoothing is {recipe.label_smoothing}; it must be at least 0 and below 1.")
    recipe.augmentation.check()
    recipe.averaging.check()
    check_optimizer(recipe.optimizer)
    check_schedule(recipe.schedule, recipe.optimizer)
    make_plan(recipe.layers, classes)
    for budget in recipe.budgets:
        check_budget(budget)
    if len({budget.dataset for budget in recipe.budgets}) < len(recipe.budgets):
        raise UsageError(f"'{recipe.name}' has two budgets for one dataset; keep one.")


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} is {value:,}; it must be from {low:,} to {high:,}.")
