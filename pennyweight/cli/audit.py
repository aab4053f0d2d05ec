"""`pennyweight audit`: rules checked before anything is trained."""

from typing import Annotated

import typer

from pennyweight.base.errors import UsageError
from pennyweight.cli.options import Json, Target
from pennyweight.cli.output import result, result_json

Features = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Rows that must appear, as batchnorm,dropout,gap; also linear, maxpool, avgpool, residual, depthwise.",
    ),
]
Forbidden = Annotated[str | None, typer.Option(metavar="NAMES", help="Rows that must not appear, as linear.")]


def audit(
    target: Target,
    max_params: Annotated[int | None, typer.Option(help="Most trained parameters allowed.")] = None,
    max_epochs: Annotated[int | None, typer.Option(help="Most epochs allowed.")] = None,
    require: Features = None,
    forbid: Forbidden = None,
    as_json: Json = False,
) -> None:
    """Check a recipe against rules before training.

    Without rules, against the caps of its own budget. Exit 1 when a rule fails.

    Example: pennyweight audit compact-regularized --max-params 20000 --require batchnorm,dropout,gap --forbid linear
    """
    from pennyweight.api import audit as audit_recipe
    from pennyweight.judging.audit import Rules
    from pennyweight.reporting.tables import limit_lines

    rules = Rules(max_params, max_epochs, _names(require), _names(forbid))
    found = audit_recipe(target, None if rules == Rules() else rules)
    if not found.limits:
        raise UsageError(f"{found.recipe} has no budget to be held against; give rules, as --max-params 8000.")
    if as_json:
        result_json(found)
    else:
        result(f"{found.recipe}: {'every rule holds' if found.met else 'a rule fails'}\n{limit_lines(found.limits)}")
    if not found.met:
        raise typer.Exit(1)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in (text or "").split(",") if name.strip())
