"""Train the candidates of a group on part of the training images, rank them on the rest, and publish their records.

    PENNYWEIGHT_DATA=... python tools/choose.py pennyweight-8k --seeds 0-1 narrow-start smoothed

The test images are never looked at. Runs are kept under runs/; the same command resumes those that were stopped. The
records go to records/choices/, from which tools/render_docs.py renders docs/CHOICES.md.
"""

import argparse
from pathlib import Path

from pennyweight.api import find_recipe
from pennyweight.cli.main import run
from pennyweight.cli.output import result, say
from pennyweight.cli.seeds import parse_seeds
from pennyweight.cli.several import Display, end_unless_complete, label_of, training_work
from pennyweight.cli.signals import stop_on_signals
from pennyweight.reporting.text import plural
from pennyweight.searching.candidates import GROUPS
from pennyweight.searching.choose import candidate_requests, find_candidates, rank_outcomes, write_choice
from pennyweight.training.pool import share_cores

CHOICES = Path(__file__).parent.parent / "records" / "choices"


def main() -> None:
    """Read the command line, train, publish and print the ranking."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("group", help=", ".join(GROUPS))
    parser.add_argument("names", nargs="*", help="candidates; default: all of the group")
    parser.add_argument("--seeds", default="0", help="seeds, as 0-4 or 0,2,5; default: 0")
    arguments = parser.parse_intermixed_args()
    stop = stop_on_signals()
    requests = candidate_requests(find_candidates(arguments.group, arguments.names), parse_seeds(arguments.seeds))
    jobs, threads = share_cores(None, len(requests))
    recipes = {request.name: find_recipe(request.target, request.assignments) for request in requests}
    work = {name: training_work(recipe) for name, recipe in recipes.items()}
    display = Display(work, len(parse_seeds(arguments.seeds)), label_of)
    outcomes = display.carry_out(requests, jobs=jobs, threads=threads, stop=stop)
    for outcome in outcomes:
        if outcome.record is not None:
            say(f"written: {write_choice(outcome.record, CHOICES / arguments.group)}")
    for candidate in rank_outcomes(outcomes):
        mean, seeds = candidate.accuracy.mean, plural(candidate.accuracy.n, "seed")
        result(f"{candidate.name}: {mean:.3f} %, loss {candidate.loss:.4f}, {seeds}")
    end_unless_complete(outcomes, stop())


if __name__ == "__main__":
    run(main)
