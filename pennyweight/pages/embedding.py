"""Evidence as blocks that a page carries, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from pennyweight.base.errors import MismatchError, PennyweightError
from pennyweight.base.record_text import run_record_from_json
from pennyweight.base.records import RunRecord
from pennyweight.base.values import make
from pennyweight.judging.verdict import Problem
from pennyweight.pages.blocks import Array, Block, make_block
from pennyweight.pages.evidence import Chapter, Evidence, FeatureMap, Inspection, Standing
from pennyweight.pages.steps import Step
from pennyweight.runs.published import TrainingTime
from pennyweight.settings.recipe_text import recipe_from_text, recipe_to_text

PAGE = "page"
ARRAYS = ("labels", "predicted", "probability_bytes", "indices", "images", "originals", "moved", "kernels", "mapped")
"""The fields of an Inspection that are blocks of their own."""
WIDEST_MAP = 4_096
"""Channels of a feature map that a page may state."""


def to_blocks(evidence: Evidence) -> dict[str, Block]:
    """Return the evidence of a page as blocks by name; where a run lies on its machine is left out."""
    blocks = {PAGE: make_block(json.dumps(_page(evidence), allow_nan=False))}
    for chapter in evidence.chapters:
        blocks[f"recipe of {chapter.label}"] = make_block(recipe_to_text(chapter.step.recipe))
        blocks[f"records of {chapter.label}"] = make_block(_lines(chapter.step.records))
        if chapter.ongoing:
            blocks[f"epochs so far of {chapter.label}"] = make_block(_lines(chapter.ongoing))
        if one := chapter.inspection:
            named = {name: getattr(one, name) for name in ARRAYS} | {
                f"map of {map.layer}": map.values for map in one.maps
            }
            blocks |= {f"{name} of {chapter.label}": make_block(array) for name, array in named.items()}
    blocks |= {f"published records of {name}": make_block(_lines(runs)) for name, runs in evidence.runs.items()}
    return blocks


def from_blocks(blocks: Mapping[str, Block], source: str) -> Evidence:
    """Return the evidence that a page carries; raises MismatchError naming `source` for what is missing or wrong."""
    try:
        page = json.loads(_text(blocks, PAGE))
        return Evidence(
            title=str(page["title"]),
            document=str(page["document"]),
            chapters=tuple(_chapter(blocks, held, source) for held in page["chapters"]),
            others=tuple(make(Standing, held) for held in page["others"]),
            runs={str(name): _records(blocks, f"published records of {name}", source) for name in page["runs"]},
            readings={str(name): int(count) for name, count in page["readings"].items()},
            problems=tuple(make(Problem, held) for held in page["problems"]),
            live=bool(page["live"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MismatchError(
            f"The evidence in {source} is not that of a page: {type(error).__name__}: {error}."
        ) from error
    except PennyweightError as error:
        raise MismatchError(f"The evidence in {source} is not that of a page: {error}") from error


def _page(evidence: Evidence) -> dict[str, object]:
    return {
        "title": evidence.title,
        "document": evidence.document,
        "chapters": [_listed(chapter) for chapter in evidence.chapters],
        "others": [asdict(one) for one in evidence.others],
        "runs": list(evidence.runs),
        "readings": dict(evidence.readings),
        "problems": [asdict(one) for one in evidence.problems],
        "live": evidence.live,
    }


def _listed(chapter: Chapter) -> dict[str, object]:
    texts = {name: getattr(chapter, name) for name in ("label", "source", "missing", "command")}
    held = {**texts, "time": asdict(chapter.step.time) if chapter.step.time else None}
    one = chapter.inspection
    if one is None:
        return {**held, "inspection": None}
    maps = [{"layer": map.layer, "low": map.low, "high": map.high, "channels": map.channels} for map in one.maps]
    facts = {"run": one.run, "seed": one.seed, "weights_sha256": one.weights_sha256}
    return {**held, "inspection": {**facts, "maps": maps}}


def _lines(records: Sequence[RunRecord]) -> str:
    """Return records as JSON, one a line."""
    return "\n".join(json.dumps(asdict(replace(one, folder="")), allow_nan=False) for one in records)


def _chapter(blocks: Mapping[str, Block], held: Mapping[str, Any], source: str) -> Chapter:
    label = str(held["label"])
    so_far = f"epochs so far of {label}"
    recipe = recipe_from_text(_text(blocks, f"recipe of {label}"), f"the recipe of {label} in {source}")
    records = _records(blocks, f"records of {label}", source)
    ongoing = _records(blocks, so_far, source) if so_far in blocks else ()
    inspection = None if held["inspection"] is None else _inspection(blocks, label, held["inspection"])
    return Chapter(
        label=label,
        step=Step(
            recipe=recipe,
            records=records,
            ongoing=ongoing[0] if ongoing else None,
            time=make(TrainingTime, held["time"]) if held["time"] else None,
        ),
        source=str(held["source"]),
        inspection=inspection,
        missing=str(held["missing"]),
        command=str(held["command"]),
        ongoing=ongoing,
    )


def _inspection(blocks: Mapping[str, Block], label: str, held: Mapping[str, Any]) -> Inspection:
    maps = [_map(one, _array(blocks, f"map of {one['layer']} of {label}")) for one in held["maps"]]
    arrays = {name: _array(blocks, f"{name} of {label}") for name in ARRAYS}
    return Inspection(
        run=str(held["run"]),
        seed=int(held["seed"]),
        weights_sha256=str(held["weights_sha256"]),
        maps=tuple(maps),
        **arrays,
    )


def _map(held: Mapping[str, Any], values: Array) -> FeatureMap:
    channels = int(held["channels"])
    if values.ndim != 3 or not len(values) <= channels <= WIDEST_MAP:
        raise ValueError(f"the map of {held['layer']} has shape {values.shape} of {channels} channels")
    return FeatureMap(str(held["layer"]), values, float(held["low"]), float(held["high"]), channels)


def _records(blocks: Mapping[str, Block], name: str, source: str) -> tuple[RunRecord, ...]:
    lines = _text(blocks, name).split("\n")
    return tuple(
        run_record_from_json(line, f"{name}, line {row}, in {source},") for row, line in enumerate(lines, 1) if line
    )


def _text(blocks: Mapping[str, Block], name: str) -> str:
    content = blocks[name].content
    if not isinstance(content, str):
        raise TypeError(f"the block '{name}' is an array where text is expected")
    return content


def _array(blocks: Mapping[str, Block], name: str) -> Array:
    content = blocks[name].content
    if isinstance(content, str):
        raise TypeError(f"the block '{name}' is text where an array is expected")
    return content
