"""Auditing a recipe before anything is trained: caps, and features required or forbidden."""

from collections.abc import Iterator
from dataclasses import dataclass

from pennyweight.base.errors import unknown_name_error
from pennyweight.base.records import Limit
from pennyweight.judging.features import FEATURES, find_feature, last_convolution
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import Plan
from pennyweight.settings.recipe import Recipe


@dataclass(frozen=True)
class Rules:
    """What a recipe has to keep; None means no limit. `require` and `forbid` hold names of FEATURES.

    >>> pw.audit("progressive-3", pw.Rules(max_params=8_000, require=("batchnorm", "dropout"))).met
    True
    """

    max_params: int | None = None
    max_epochs: int | None = None
    require: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    max_macs: int | None = None
    """Multiply-accumulates of convolutions and linear layers for one image, forward."""
    min_receptive_field: int | None = None
    """Pixels that a unit of the last convolution sees; a fully connected layer sees all and does not count."""


@dataclass(frozen=True, repr=False)
class Audit:
    """Every rule with what was found; `met` when all of them hold."""

    recipe: str
    met: bool
    limits: tuple[Limit, ...]

    def __repr__(self) -> str:
        """Return one line: the recipe, and which rules it breaks."""
        broken = [f"{limit.name} {limit.measured}, {limit.allowed}" for limit in self.limits if not limit.met]
        return f"<Audit of {self.recipe}: {'; '.join(broken) or f'every one of {len(self.limits)} rules holds'}>"


@dataclass(frozen=True)
class TargetAudit:
    """The audit of what a user named among others, or why there is none."""

    target: str
    found: Audit | None
    error: str = ""


def audit(recipe: Recipe, rules: Rules) -> Audit:
    """Check `recipe` against `rules`.

    Raises UsageError for a feature that is not in FEATURES.
    """
    check_rules(rules)
    plan = recipe.plan()
    measured = measure(plan)
    limits = [
        *_cap("parameters", measured.params, rules.max_params),
        *_cap("MACs", measured.macs, rules.max_macs),
        *_cap("epochs", recipe.epochs, rules.max_epochs),
        *_receptive_field(plan, rules.min_receptive_field),
    ]
    for allowed, names in (("required", rules.require), ("forbidden", rules.forbid)):
        for name in names:
            found = find_feature(name, recipe, plan)
            limits.append(Limit(name, allowed, found.words, found.present == (allowed == "required")))
    return Audit(recipe.name, all(limit.met for limit in limits), tuple(limits))


def check_rules(rules: Rules) -> None:
    """Raise UsageError naming the first feature there is not."""
    for name in rules.require + rules.forbid:
        if name not in FEATURES:
            raise unknown_name_error("feature", name, FEATURES)


def rules_of(recipe: Recipe) -> Rules:
    """Return the caps of the recipe's own budget for its first dataset; no caps when it has none."""
    if not recipe.budgets:
        return Rules()
    return Rules(recipe.budgets[0].max_params, recipe.budgets[0].max_epochs)


def _cap(name: str, measured: int, cap: int | None) -> Iterator[Limit]:
    if cap is not None:
        yield Limit(name, f"at most {cap:,}", f"{measured:,}", measured <= cap)


def _receptive_field(plan: Plan, pixels: int | None) -> Iterator[Limit]:
    if pixels is not None:
        last = last_convolution(plan)
        found = last.receptive_field if last else 0
        where = f"at layer {last.number} ({last.kind})" if last else "no convolution"
        yield Limit("receptive field", f"at least {pixels:,}", f"{found:,}, {where}", found >= pixels)
