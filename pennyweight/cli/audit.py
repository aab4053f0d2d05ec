"""`pennyweight audit`: rules checked before training."""

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pennyweight.base.errors import NoRecipeError, PennyweightError, UsageError
from pennyweight.cli.options import Json, Wide, complete_features, complete_recipe, count_option
from pennyweight.cli.output import columns, plain_result, result, result_json, say
from pennyweight.judging.features import FEATURES

if TYPE_CHECKING:
    from pennyweight.judging.audit import Audit, Rules, TargetAudit

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="RECIPE...",
        help="Published names, recipe.toml, path.py with one recipe, path.py:NAME, or folders of such files. "
        "Python files are executed, TOML files are not.",
        autocompletion=complete_recipe,
    ),
]
Features = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Features it must have, as batchnorm,dropout,gap; all of them below.",
        autocompletion=complete_features,
    ),
]
Forbidden = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Features it must not have, as linear.", autocompletion=complete_features),
]


def _meanings() -> str:
    """Return what each feature means, one below the other, for the end of the help; \\b keeps the lines as they are."""
    lines = []
    for name, meaning in FEATURES.items():
        first, *rest = textwrap.wrap(meaning, 36)
        lines += [f"{name:<22}{first}", *(f"{'':<22}{line}" for line in rest)]
    return "\n".join(["\b", "Features, judged by what a layer does on its map", "(docs/audit.md):", *lines])


MEANINGS = _meanings()


def audit(
    targets: Targets,
    max_params: Annotated[int | None, count_option("Most trainable parameters allowed.")] = None,
    max_macs: Annotated[int | None, count_option("Most multiply-accumulates per image allowed.")] = None,
    max_epochs: Annotated[int | None, count_option("Most epochs allowed.")] = None,
    min_receptive_field: Annotated[
        int | None, count_option("Smallest receptive field, in pixels, of the last convolution.")
    ] = None,
    require: Features = None,
    forbid: Forbidden = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line per target and rule.")] = False,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Check recipes against rules before training.

    Without rules, against the caps of each recipe's own budget. Several targets give one table. A folder stands for its
    *.toml and *.py files, then the recipe.toml of each folder in it (as in a folder of runs), by name.

    Exit 1 when a rule fails; with several targets or a folder, 2 when one of them could not be audited, whatever the
    others give.

    --csv has the columns target, recipe, rule, allowed, measured, met, error. --json is an object for one recipe, a
    list for several or for a folder.

    Examples: pennyweight audit compact-regularized --max-params 20000 --require batchnorm,dropout,gap --forbid linear;
    pennyweight audit submissions/*.py --max-params 8000 --require batchnorm-after-conv --csv
    """
    from pennyweight.judging.audit import Rules, TargetAudit, check_rules
    from pennyweight.reporting.advice import audit_advice
    from pennyweight.reporting.audits import audit_text, audits_csv, audits_text

    if as_csv and as_json:
        raise UsageError("--csv and --json are both given; use one of them.")
    rules = Rules(max_params, max_epochs, _names(require), _names(forbid), max_macs, min_receptive_field)
    check_rules(rules)
    several = len(targets) > 1 or _is_folder(targets[0])
    audits = _audit_each(targets, rules) if several else [TargetAudit(targets[0], _audit(targets[0], rules))]
    if as_json:
        result_json([_json_values(one) for one in audits] if several else audits[0].found)
    elif as_csv:
        plain_result(audits_csv(audits))
    elif len(audits) == 1 and audits[0].found:
        result(audit_text(audits[0].found, columns(wide)))
        result(audit_advice(audits[0].target, audits[0].found.met).text(columns(wide)))
    else:
        result(audits_text(audits, columns(wide)))
        if failing := [one.target for one in audits if one.found and not one.found.met]:
            result(audit_advice(failing[0], met=False).text(columns(wide)))
    if any(one.found is None for one in audits):
        raise typer.Exit(2)
    if not all(one.found and one.found.met for one in audits):
        raise typer.Exit(1)


def _audit_each(targets: Sequence[str], rules: "Rules") -> "list[TargetAudit]":
    """Audit every target and every file of those that are folders; one that cannot be read does not stop the others."""
    from pennyweight.judging.audit import TargetAudit
    from pennyweight.recipes.catalogue import recipe_files

    audits: list[TargetAudit] = []
    without_recipe: list[str] = []
    for target in targets:
        from_folder = _is_folder(target)
        try:
            files = [str(path) for path in recipe_files(Path(target))] if from_folder else [target]
            if not files:
                raise UsageError(f"{target} holds no recipe file: no *.toml, no *.py, no folder with a recipe.toml.")
        except PennyweightError as error:
            audits.append(TargetAudit(target, None, str(error)))
            continue
        for file in files:
            try:
                audits.append(TargetAudit(file, _audit(file, rules)))
            except PennyweightError as error:
                if from_folder and isinstance(error, NoRecipeError):
                    without_recipe.append(file)
                else:
                    audits.append(TargetAudit(file, None, str(error)))
    if without_recipe:
        say(f"Left out because they hold no recipe: {', '.join(without_recipe)}.")
    if not audits:
        raise UsageError(f"There is no recipe in {', '.join(targets)}.")
    return audits


def _audit(target: str, rules: "Rules") -> "Audit":
    from pennyweight.api import audit as audit_recipe
    from pennyweight.judging.audit import Rules

    found = audit_recipe(target, None if rules == Rules() else rules)
    if not found.limits:
        raise UsageError(f"{found.recipe} has no budget to check against; give rules, as --max-params 8000.")
    return found


def _is_folder(target: str) -> bool:
    from pennyweight.recipes.catalogue import published

    return published(target) is None and os.path.isdir(target)


def _json_values(audit: "TargetAudit") -> dict[str, object]:
    recipe, met, limits = (audit.found.recipe, audit.found.met, audit.found.limits) if audit.found else (None, None, ())
    return {"target": audit.target, "recipe": recipe, "met": met, "limits": limits, "error": audit.error}


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in (text or "").split(",") if name.strip())
