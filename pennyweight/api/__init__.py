"""What Python users and the command line both call: one function per command, each file a group of them."""

from pennyweight.api.datasets import load_dataset
from pennyweight.api.judging import compare, judge, read_budget
from pennyweight.api.published import claims, records
from pennyweight.api.recipes import audit, cost_of, find_recipe, published_recipes
from pennyweight.api.runs import load, plan_run, predict, train
from pennyweight.api.verification import is_page, verify
from pennyweight.api.writing import export, export_formats, report

__all__ = [
    "audit",
    "claims",
    "compare",
    "cost_of",
    "export",
    "export_formats",
    "find_recipe",
    "is_page",
    "judge",
    "load",
    "load_dataset",
    "plan_run",
    "predict",
    "published_recipes",
    "read_budget",
    "records",
    "report",
    "train",
    "verify",
]
