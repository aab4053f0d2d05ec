"""Finished runs against budgets, and against each other."""

from pathlib import Path

from pennyweight.api.targets import published_recipe, published_records, records_at, run_path
from pennyweight.base.budget import Budget
from pennyweight.base.errors import UnavailableError, UsageError
from pennyweight.base.reading import read_regular
from pennyweight.base.values import check_types, coerce
from pennyweight.judging.compare import Comparison, Ranking, rank
from pennyweight.judging.compare import compare as compare_records
from pennyweight.judging.evidence import JudgesBudget, RunEvidence, published_evidence
from pennyweight.judging.verdict import Judgement
from pennyweight.judging.verdict import judge as judge_folders
from pennyweight.runs.find import find_runs
from pennyweight.settings.recipe_text import LARGEST_RECIPE_BYTES, budget_from_text


def judge(
    *runs: str | Path,
    budget: Budget | None = None,
    max_params: int | None = None,
    max_epochs: int | None = None,
    accuracy: float | None = None,
    hold_epochs: int | None = None,
) -> Judgement:
    """Judge finished runs: folders of runs at any depth, record files, or names of published recipes.

    `budget` or single limits are the judge's own and win over those of the runs. Raises UnavailableError where there
    is no finished run, UsageError where one seed would count twice.

    >>> pw.judge("progressive-3")
    <Judgement: 2 of 10 runs kept their budget; not met>
    """
    if not runs:
        raise UsageError("There is nothing to judge; name a run folder, a folder of them, or a published recipe.")
    check_types(budget)
    judges = JudgesBudget(budget, max_params, max_epochs, accuracy, hold_epochs)
    sources: list[Path | RunEvidence] = []
    for target in runs:
        recipe = published_recipe(target)
        sources += map(published_evidence, published_records(recipe)) if recipe else find_runs(run_path(target))
    return judge_folders(sources, judges)


def read_budget(path: str | Path) -> Budget:
    """Return the budget in a TOML file; its dataset is that of each run, a cap that is not named is none.

    Raises UnavailableError when the file cannot be read, UsageError for what is wrong in it.

    >>> from pathlib import Path
    >>> _ = Path("budget.toml").write_text("accuracy = 99.4")
    >>> pw.read_budget("budget.toml").accuracy
    99.4
    """
    coerce("The file of a budget", path, str | Path)
    try:
        text = read_regular(Path(path), LARGEST_RECIPE_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UnavailableError(
            f"Cannot read the budget {path}: {getattr(error, 'strerror', None) or error}."
        ) from error
    return budget_from_text(text, str(path))


def compare(*sides: str | Path) -> Comparison | Ranking:
    """Compare runs by the accuracy of their last epoch: folders of runs, or names of published recipes.

    Two give a Comparison, three and more a Ranking. Raises UsageError for what cannot be compared.

    >>> pw.compare("progressive-3", "skip-3").better
    'first'
    """
    if len(sides) < 2:
        got = f"got {sides[0]} alone" if sides else "got none"
        raise UsageError(f"compare takes two or more sides and {got}; name what to compare it with.")
    if len(sides) == 2:
        return compare_records(*map(records_at, sides))
    groups = {str(side): records_at(side) for side in sides}
    if len(groups) < len(sides):
        raise UsageError("One side is named twice; name different ones.")
    return rank(groups)
