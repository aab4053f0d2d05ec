"""Candidates trained over seeds without a look at the test images, and what is kept of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pennyweight.base.errors import unknown_name_error
from pennyweight.base.files import write_atomically
from pennyweight.base.record_text import to_json
from pennyweight.base.records import RunRecord
from pennyweight.judging.selection import CandidateScore, rank
from pennyweight.runs.request import Request
from pennyweight.searching.candidates import GROUPS
from pennyweight.settings.recipe import Recipe
from pennyweight.training.pool import Outcome


def find_candidates(group: str, names: Sequence[str] = ()) -> list[Recipe]:
    """Return the candidates of a group, or those with `names`; raises UsageError for an unknown group or name."""
    if group not in GROUPS:
        raise unknown_name_error("group", group, GROUPS)
    by_name = {recipe.name: recipe for recipe in GROUPS[group]}
    for name in names:
        if name not in by_name:
            raise unknown_name_error("candidate", name, by_name)
    return [by_name[name] for name in names or by_name]


def candidate_requests(candidates: Sequence[Recipe], seeds: Sequence[int]) -> list[Request]:
    """Return a request for every candidate and seed, all candidates of a seed before the next seed."""
    return [Request(target=recipe, seed=seed, use_test=False) for seed in seeds for recipe in candidates]


def write_choice(record: RunRecord, folder: Path) -> Path:
    """Write a record to `folder/CANDIDATE/seed-N.json` without the folder of its run, and return the path."""
    path = folder / record.recipe / f"seed-{record.seed}.json"
    write_atomically(path, to_json(replace(record, folder="")).encode())
    return path


def rank_outcomes(outcomes: Sequence[Outcome]) -> list[CandidateScore]:
    """Return the candidates that have a complete run, best first."""
    by_name = defaultdict[str, list[RunRecord]](list)
    for outcome in outcomes:
        if outcome.record is not None:
            by_name[outcome.request.name].append(outcome.record)
    return rank(by_name.values())
