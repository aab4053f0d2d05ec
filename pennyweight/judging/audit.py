"""Auditing a recipe before anything is trained: caps, required rows and forbidden rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pennyweight.base.errors import unknown
from pennyweight.base.records import Limit
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import make_plan
from pennyweight.nets.rows import (
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Relu,
    Residual,
    Row,
    Rows,
)
from pennyweight.training.recipe import Recipe

FEATURES: dict[str, type[Row]] = {
    "batchnorm": BatchNorm,
    "dropout": Dropout,
    "gap": GlobalAvgPool,
    "linear": Linear,
    "maxpool": MaxPool,
    "avgpool": AvgPool,
    "residual": Residual,
    "depthwise": Depthwise,
    "conv": Conv,
    "relu": Relu,
}
"""What `--require` and `--forbid` may name."""


@dataclass(frozen=True)
class Rules:
    """What a recipe has to keep; None means no cap."""

    max_params: int | None = None
    max_epochs: int | None = None
    require: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """Every rule with what was found; `met` when all of them hold."""

    recipe: str
    met: bool
    limits: tuple[Limit, ...]


def audit(recipe: Recipe, rules: Rules) -> Audit:
    """Check `recipe` against `rules`; a dropout with rate 0 does not count as one.

    Raises UsageError for a feature that is not in FEATURES.
    """
    params = measure(make_plan(recipe.layers)).params
    limits = [
        *_cap("parameters", params, rules.max_params),
        *_cap("epochs", recipe.epochs, rules.max_epochs),
        *(_feature(recipe.layers, name, wanted=True) for name in rules.require),
        *(_feature(recipe.layers, name, wanted=False) for name in rules.forbid),
    ]
    return Audit(recipe.name, all(limit.met for limit in limits), tuple(limits))


def rules_of(recipe: Recipe) -> Rules:
    """Return the caps of the recipe's own budget for its first dataset; no caps when it has none."""
    if not recipe.budgets:
        return Rules()
    return Rules(recipe.budgets[0].max_params, recipe.budgets[0].max_epochs)


def _cap(name: str, found: int, cap: int | None) -> Iterator[Limit]:
    if cap is not None:
        yield Limit(name, f"at most {cap:,}", f"{found:,}", found <= cap)


def _feature(rows: Rows, name: str, wanted: bool) -> Limit:
    if name not in FEATURES:
        raise unknown("feature", name, FEATURES)
    count = sum(_has(row, name) for row in every_row(rows))
    return Limit(name, "required" if wanted else "forbidden", f"{count} found", (count > 0) == wanted)


def _has(row: Row, name: str) -> bool:
    return isinstance(row, FEATURES[name]) and not (isinstance(row, Dropout) and row.rate == 0)


def every_row(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield every row, those inside residuals too."""
    for row in rows:
        yield row
        if isinstance(row, Residual):
            yield from every_row(row.body)
            yield from every_row(row.shortcut)
