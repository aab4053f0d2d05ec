"""All figures that the evidence of a page gives, computed from its JSON by NumPy and SciPy.

Of the package only what lies below the pages is used: what a network costs, and what the claims of the documents come
to. No renderer, no table and no sentence of a page: an error in one of those is a number that is not here.
"""

import base64
import json
import re
import zlib
from collections import Counter, defaultdict
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
from page_sums import (
    END,
    NUMBER,
    SPLITS,
    Pool,
    Record,
    add_comparison,
    add_curves,
    add_differences,
    add_ends,
    add_inspection,
    add_limits,
    add_mistakes,
    add_network,
    add_progress,
    add_run_by_run,
    curve_of,
    summary,
)

from pennyweight.base.record_text import run_record_from_json
from pennyweight.documents.check import check_claim, count_figures
from pennyweight.documents.claims import CLAIMS
from pennyweight.documents.evidence import Evidence as ClaimEvidence
from pennyweight.documents.logs import EPOCH_SECONDS
from pennyweight.nets.measure import measure
from pennyweight.recipes.catalogue import ABLATIONS, RECIPES
from pennyweight.settings.recipe_text import recipe_from_text

DIGITS = 10
"""Classes of a run that says nothing of its own."""
STEP = re.compile(r"step-\d+")


SPOKEN_OF: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"step-\d+(-target)?", ("settings", "network", "progress", "ends")),
    (r"step-\d+-(architecture|network-figure)", ("settings", "network", "progress")),
    (r"step-\d+-curves-figure|opening|side-by-side-figure", ("settings", "progress", "ends", "curves")),
    (r"step-\d+-result", ("settings", "network", "progress", "ends", "log")),
    (r"step-\d+-analysis", ("settings", "network", "progress", "ends", "differences", "mistakes", "comparisons")),
    (r"step-\d+-(mistakes|confusion-figure|classes-figure)", ("progress", "mistakes")),
    (r"step-\d+-.*", ("progress", "inspection")),
    (r"head|summary|problems", ("settings", "network", "progress", "ends", "stated", "counts")),
    (r"ablation|staircase-figure", ("network", "progress", "ends", "comparisons", "counts", "others")),
    (r"frontier.*|steps-figure", ("settings", "network", "progress", "others", "counts")),
    (r"claims", ("claims", "counts")),
    (r"proof", ("settings", "progress", "runs", "blocks")),
)
"""What may be spoken of at a place of a page, by the first pattern that is its name."""


class Figures:
    """Numbers by what they are of and the step they belong to, and the texts that names of a page are from."""

    def __init__(self, page: str) -> None:
        found = re.search(r'<script type="application/json" id="evidence">(.*?)</script>', page, re.DOTALL)
        assert found
        held = json.loads(found[1])
        self.blocks = {one["name"]: zlib.decompress(base64.b64decode(one["zlib"])) for one in held["blocks"]}
        self.shapes = {one["name"]: one["shape"] for one in held["blocks"] if "shape" in one}
        self.page = json.loads(self.blocks["page"])
        self._pools: dict[tuple[str, str], Pool] = defaultdict(Pool)
        self.texts = self._texts(held)
        groups = {name: self.records(f"published records of {name}") for name in self.page["runs"]}
        for records in groups.values():
            self.pool("settings").digits(*(row["learning_rate"] for row in records[0]["epochs"][:1]))
        for number, chapter in enumerate(self.page["chapters"], start=1):
            self._add_chapter(f"step-{number}", chapter)
            for before in self.page["chapters"][max(0, number - 2) : number - 1]:
                self.pool("settings", f"step-{number}").words(self.blocks[f"recipe of {before['label']}"].decode())
            groups[chapter["label"]] = self.records(f"records of {chapter['label']}")
        self.pool("counts").whole(*range(len(self.page["chapters"]) + 1), len(self.page["others"]))
        self._add_comparisons(groups)
        self._add_claims()
        self._add_others(groups)
        for one in held["blocks"]:
            self.pool("blocks").whole(one["bytes"], *one.get("shape", ()))
            self.pool("blocks").words(one["name"])

    def pool(self, kind: str, step: str = "") -> Pool:
        """Return the numbers of a kind that belong to a step, or to the page."""
        return self._pools[step, kind]

    def names(self, word: str) -> bool:
        """Return whether a word that is no number, such as a name, a version or a digest, is one of the evidence."""
        return not NUMBER.fullmatch(word) and word in self.texts

    def holds(self, number: str, place: str) -> bool:
        """Return whether a number is a figure of its place; outside of the steps, of any of them."""
        kinds = next(kinds for pattern, kinds in SPOKEN_OF if re.fullmatch(pattern, place))
        step = STEP.match(place)
        return any(
            pool.holds(number)
            for (owner, kind), pool in self._pools.items()
            if kind in kinds and (not step or owner in ("", step[0]))
        )

    def records(self, name: str) -> list[Record]:
        """Return the records of a block, none where it is not there."""
        return [json.loads(line) for line in self.blocks.get(name, b"").decode().splitlines() if line]

    def _texts(self, held: dict[str, Any]) -> str:
        """Return what names, dates and digests are from."""
        texts = [json.dumps([held["versions"], self.page], ensure_ascii=False)]
        for name, content in self.blocks.items():
            if name.startswith("recipe of"):
                texts.append(content.decode())
            elif re.match("(published )?records of|epochs so far of", name):
                for record in self.records(name):
                    kept = {key: value for key, value in record.items() if isinstance(value, str)}
                    texts.append(json.dumps([kept, record["provenance"], record["classes"]], ensure_ascii=False))
        texts += [" ".join(str(value) for key, value in one.items() if key != "zlib") for one in held["blocks"]]
        return " ".join(texts)

    def _add_chapter(self, place: str, chapter: dict[str, Any]) -> None:
        label = chapter["label"]
        text = self.blocks[f"recipe of {label}"].decode()
        recipe = recipe_from_text(text, label)
        records, ongoing = self.records(f"records of {label}"), self.records(f"epochs so far of {label}")
        run = [*records, *ongoing][:1]
        plan = recipe.plan(len(run[0]["classes"]) if run and run[0]["classes"] else DIGITS)
        budget = next((one for one in recipe.budgets if one.dataset == (run[0]["dataset"] if run else "mnist")), None)
        holds = {budget.hold_epochs, 1} if budget else {END, 1}
        limits = [one for one in (budget and budget.accuracy, recipe.origin.target) if one]
        self.pool("settings", place).words(text)
        self.pool("settings", place).whole(len(recipe.layers))
        add_limits(self.pool("settings", place), text, measure(plan).params, records)
        add_network(self.pool("network", place), plan)
        add_progress(self.pool("progress", place), [*records, *ongoing])
        if apart := chapter["time"]:
            seconds = round(apart["seconds"])
            self.pool("progress", place).whole(seconds, *divmod(seconds, 60))
            self.pool("progress", place).real(apart["seconds"] / recipe.epochs)
            self.pool("progress", place).words(apart["where"])
        for split in SPLITS:
            add_ends(self.pool("ends", place), records, split, holds, limits)
            add_curves(self.pool("curves", place), [*records, *ongoing], split)
            add_differences(self.pool("differences", place), records, split, holds, limits)
            add_run_by_run(self.pool("runs", place), records, split, holds)
        add_mistakes(self.pool("mistakes", place), records)
        for kind in ("mistakes", "inspection"):  # classes may be called by numbers
            self.pool(kind, place).words(" ".join(run[0]["classes"] if run else ()))
        if chapter["inspection"]:
            add_inspection(self.pool("inspection", place), self.blocks, self.shapes, chapter)
        digest = (chapter["inspection"] or {}).get("weights_sha256")
        shown = [one for one in records if one["weights_sha256"] == digest] or records
        for row in (row for one in shown for row in one["epochs"]):
            self.pool("log", place).real(*(value for value in row.values() if isinstance(value, float)))

    def _add_comparisons(self, groups: dict[str, list[Record]]) -> None:
        """Add by how much runs end above others: of the step before, and of the one before it in an ablation."""
        names = [recipe.name for recipe in RECIPES]
        pairs = {(one, other) for one, other in pairwise(names) if {one, other} <= set(groups)}
        for walk in ABLATIONS.values():
            pairs |= {(one.name, other.name) for (_, one), (_, other) in pairwise(walk)}
        for before, after in pairs:
            add_comparison(self.pool("comparisons"), groups.get(after, []), groups.get(before, []))

    def _add_claims(self) -> None:
        """Add what the claims of the documents come to when they are held against the records that the page has."""
        blocks = {name: self.blocks[f"published records of {name}"] for name in self.page["runs"]}
        own = [one["label"] for one in self.page["chapters"] if f"records of {one['label']}" in self.blocks]
        blocks |= {name: self.blocks[f"records of {name}"] for name in own}
        records = {
            name: [run_record_from_json(line, name) for line in content.decode().splitlines() if line]
            for name, content in blocks.items()
        }
        held = ClaimEvidence(
            recipes={recipe.name: recipe for recipe in RECIPES},
            records=lambda name: records.get(name, []),
            readings=lambda name: self.page["readings"].get(name, 1),
            figures=count_figures(tuple(CLAIMS.values())),
        )
        verdicts = Counter[str]()
        for claim in (one for said in CLAIMS.values() for one in said if one.recipe in own):
            checked = check_claim(claim, held)
            verdicts[checked.verdict] += 1
            self.pool("claims").words(f"{claim.quote} {checked.reason}")
            self.texts += f" {claim.quote} {checked.reason}"
            self.pool("stated").real(getattr(claim, "accuracy", 0.0))
        self.pool("claims").whole(*verdicts.values())
        for name in own:
            seconds = EPOCH_SECONDS.get(name, ())
            self.pool("stated").real(*([median(seconds)] if seconds else []))

    def _add_others(self, groups: dict[str, list[Record]]) -> None:
        """Add where recipes stand by what they cost: of all that are published, and of the runs of the page."""
        pool = self.pool("others")
        for one in self.page["others"]:
            pool.whole(one["params"], one["macs"], round(one["seconds"]), len(one["correct"]))
            pool.real(*summary(100 * np.array(one["correct"]) / one["images"]))
        for records in groups.values():
            ends = [curve[-1] for one in records if (curve := curve_of(one, "test")) is not None]
            pool.whole(*(one["params"] for one in records), len(records))
            pool.whole(
                *([round(median(sum(row["seconds"] for row in one["epochs"]) for one in records))] if records else [])
            )
            pool.real(*summary(ends))
