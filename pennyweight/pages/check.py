"""Is a page what its evidence gives? It is rendered again from what it carries, and what differs is named."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from pennyweight.base.errors import MismatchError, UnavailableError, UsageError
from pennyweight.base.reading import read_regular
from pennyweight.base.records import RunRecord
from pennyweight.data.dataset import Dataset
from pennyweight.judging.checks import SHOWN, Check
from pennyweight.judging.verify import Verification
from pennyweight.pages.blocks import Array, Block, from_json
from pennyweight.pages.embedding import ARRAYS, from_blocks
from pennyweight.pages.evidence import Chapter, Evidence, FeatureMap
from pennyweight.pages.gather import epochs_alone
from pennyweight.pages.inspection import inspect_run
from pennyweight.pages.render import CLOSING, OPENING, render_body, versions
from pennyweight.pages.result_tables import PUBLISHED
from pennyweight.pages.tokens import DRAWN, LABEL, POINT, TEXT, Section, Token, heading_of, sections_of
from pennyweight.recipes.catalogue import published
from pennyweight.runs.published import WORDS, published_tree
from pennyweight.runs.record_tree import full_runs

LARGEST_PAGE_BYTES = 64 << 20
TOLERANCE = 0.02
"""Pixels by which two drawings of the same points may differ: pages round to a hundredth."""
MOST_NAMED = 20
"""Differences that are named one by one."""
VERSION_OF_OURS = "pennyweight"
"""The version that decides the words of a page."""
WORDS_SHOWN = 8
"""Pieces of one difference that are shown."""
CONTEXT = 60
"""Letters of what stands before a difference that are shown."""
STEP_OF = re.compile(r"step-\d+")
"""How the identifiers of a step and of everything in it begin."""


def check_page(path: Path) -> Verification:
    """Render a page again from the evidence it carries and compare; no run folder is needed.

    Raises UnavailableError where it cannot be read, MismatchError where it carries no evidence, or evidence whose
    digests are not those of its content.
    """
    body, blocks, written_by = _read(path)
    evidence = from_blocks(blocks, str(path))
    checks = [*_digests(blocks), *_published(evidence), *_predictions(evidence)]
    checks += _differences(body, render_body(evidence, written_by), written_by)
    return Verification(str(path), tuple(checks), tuple(_on_trust(evidence)))


def check_pictures(path: Path, folder: Path, dataset: Dataset) -> Iterator[Check]:
    """Compute again what the page carries of the run in `folder`: predictions, images, kernels, feature maps.

    Raises what `check_page` and `inspect_run` raise, and UsageError where the page has no pictures of that run.
    """
    _, blocks, _ = _read(path)
    found = inspect_run(folder, dataset)
    chapters = from_blocks(blocks, str(path)).chapters
    written = [(one.label, one.inspection) for one in chapters if one.inspection]
    alike = [(label, one) for label, one in written if one.weights_sha256 == found.weights_sha256]
    if not alike:
        listed = ", ".join(f"{one.run} ({one.weights_sha256[:SHOWN]})" for _, one in written) or "no run at all"
        raise UsageError(
            f"{path} has pictures of {listed}, and {folder} holds the weights {found.weights_sha256[:SHOWN]}."
        )
    for label, one in alike:
        for name in ARRAYS:
            same = _same_bytes(getattr(one, name), getattr(found, name))
            yield Check(f"{name.replace('_', ' ')} of {label}", "as carried", "as computed" if same else "other", same)
        maps = len(one.maps) == len(found.maps) and all(
            (a.layer, a.channels) == (b.layer, b.channels) and np.allclose(a.array, b.array, atol=_step(b))
            for a, b in zip(one.maps, found.maps, strict=True)
        )
        yield Check(f"feature maps of {label}", "as carried", "as computed" if maps else "other", maps)


def _step(map: FeatureMap) -> float:
    """Return what one part in 255 of a map's range is, and a little for another processor's rounding."""
    return (map.high - map.low) / 255 + 1e-4


def _same_bytes(written: Array, found: Array) -> bool:
    """Return whether arrays are equal, whole numbers of 8 bits to the last of them: processors round differently."""
    if written.shape != found.shape or written.dtype != found.dtype:
        return False
    tolerance = 1 if written.dtype == np.uint8 else 0
    return bool((np.abs(written.astype(np.float64) - found) <= tolerance).all())


def _read(path: Path) -> tuple[str, dict[str, Block], dict[str, str]]:
    """Return a page without its evidence, the blocks it carries, and the versions it was written by."""
    try:
        page = read_regular(path, LARGEST_PAGE_BYTES).decode()
    except OSError as error:
        raise UnavailableError(f"Cannot read the page {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise MismatchError(f"{path} is not a page of pennyweight: it is not UTF-8 text.") from error
    body, text = _split(page, path)
    return body, *from_json(text, str(path))


def _split(page: str, path: Path) -> tuple[str, str]:
    """Return a page without its evidence, and the evidence."""
    before, opening, rest = page.partition(OPENING)
    text, closing, after = rest.partition(CLOSING)
    if not opening or not closing or OPENING in after:
        raise MismatchError(f"{path} carries no evidence: it is no page of 'pennyweight report', or it was cut.")
    return f"{before}{opening}{closing}{after}", text


def _digests(blocks: dict[str, Block]) -> Iterator[Check]:
    """Yield that the blocks are whole; those that are not were refused before."""
    yield Check("digests of what it carries", f"{len(blocks)} blocks", f"{len(blocks)} blocks", True)


def _published(evidence: Evidence) -> Iterator[Check]:
    """Yield, for every chapter on published runs, whether they are those that this version publishes."""
    for chapter in evidence.chapters:
        if chapter.source.startswith(PUBLISHED):
            recipe = chapter.step.recipe
            digests = {one.sha256 for one in full_runs(published_tree(), recipe.name, recipe.epochs)}
            carried = [one.sha256 for one in chapter.step.records]
            found = sum(one in digests for one in carried)
            same = found == len(carried) if chapter.source == WORDS else None
            yield Check(f"published runs of {chapter.label}", f"{len(carried)}", f"{found} as published here", same)
    for name, runs in evidence.runs.items():
        base = published(name)
        known = {} if base is None else {one.seed: one for one in full_runs(published_tree(), name, base.epochs)}
        found = sum(one in (known.get(one.seed), _alone(known.get(one.seed))) for one in runs)
        yield Check(
            f"published runs of {name}", f"{len(runs)}", f"{found} as published here", found == len(runs) or None
        )


def _predictions(evidence: Evidence) -> Iterator[Check]:
    """Yield whether the predictions that a page carries of a run are those that the run's record lists as mistakes."""
    for chapter in evidence.chapters:
        one = chapter.inspection
        if one is None:
            continue
        records = [record for record in chapter.step.records if record.weights_sha256 == one.weights_sha256]
        if not records:
            yield Check(f"predictions of {chapter.label}", one.weights_sha256[:SHOWN], "none of its runs", False)
            continue
        wrong = np.flatnonzero(one.labels != one.predicted)
        carried = {(int(index), int(one.labels[index]), int(one.predicted[index])) for index in wrong}
        listed = {(mistake.index, mistake.label, mistake.predicted) for mistake in records[0].misclassified}
        differing = len(carried ^ listed)
        found = f"{differing} differ" if differing else f"{len(listed)} mistakes"
        yield Check(f"predictions of {chapter.label}", f"{len(carried)} mistakes", found, not differing)


def _alone(record: RunRecord | None) -> RunRecord | None:
    return record and epochs_alone(record)


def _differences(page: str, again: str, written_by: Mapping[str, str]) -> Iterator[Check]:
    """Yield what a page says otherwise than its evidence does, section by section."""
    others = {name: now for name, now in versions().items() if written_by.get(name) != now}
    if others:
        words = "; ".join(f"{name} {written_by.get(name, 'unknown')}, here {now}" for name, now in others.items())
        yield Check("versions", words, "what they may do otherwise shows nothing", None)
    written, found = sections_of(page), sections_of(again)
    names, expected = [one.name for one in written], [one.name for one in found]
    if names != expected:
        ours, theirs = ({one.name: one for one in sections} for sections in (written, found))
        more = _listed(_place_of(ours[name], ours) for name in ours if name not in theirs)
        missing = _listed(_place_of(theirs[name], theirs) for name in theirs if name not in ours)
        yield Check("sections", more or "in another order", missing or "as rendered", False)
    by_name = {one.name: one for one in written}
    pairs = [(by_name[one.name], one) for one in found if one.name in by_name]
    places = {one.name: _place_of(one, by_name) for one in written}
    different = [check for pair in pairs for check in _section_checks(*pair, others, places[pair[0].name])]
    yield from different[:MOST_NAMED]
    if len(different) > MOST_NAMED:
        agrees = False if any(one.agrees is False for one in different[MOST_NAMED:]) else None
        yield Check("further differences", "", f"{len(different) - MOST_NAMED} more", agrees)
    if not different and names == expected:
        for name, unit, kind in (("text of the page", "words", TEXT), ("drawings", "coordinates", POINT)):
            count = sum(one.kind == kind for section in found for one in section.tokens)
            yield Check(name, f"{count:,} {unit}", f"{count:,} {unit}", True)


def _place_of(section: Section, sections: Mapping[str, Section]) -> str:
    """Return where a section is by what a reader sees: its heading, and that of the step it belongs to."""
    step = STEP_OF.match(section.name)
    parts = [heading_of(sections[step[0]])] if step and step[0] in sections and step[0] != section.name else []
    heading = heading_of(section)
    return ": ".join(f"'{one}'" for one in (*parts, heading) if one) or f"the {section.name}"


def _section_checks(written: Section, found: Section, others: Mapping[str, str], place: str) -> Iterator[Check]:
    """Yield how a section differs from what was rendered; `others` are the versions that do."""
    if written.tokens == found.tokens:
        return
    matcher = SequenceMatcher(None, written.tokens, found.tokens, autojunk=False)
    for change, start, end, other_start, other_end in matcher.get_opcodes():
        ours, theirs = written.tokens[start:end], found.tokens[other_start:other_end]
        if change != "equal" and not _alike(ours, theirs):
            pieces = (*ours, *theirs)
            agrees = None if all(_may_differ(one, others) for one in pieces) else False
            before = " ".join(one.text for one in written.tokens[:start] if one.kind in (TEXT, LABEL))[-CONTEXT:]
            after = f", after '{before.partition(' ')[2]}'" if before else ""
            yield Check(f"{_kind(pieces)} under {place}{after}", _shown(ours), _shown(theirs), agrees)


def _may_differ(piece: Token, others: Mapping[str, str]) -> bool:
    """Return whether a piece may be another where these versions are: ours decides words, the rest what is drawn.

    A number in the text is what the evidence gives, whoever writes the sentence about it.
    """
    if VERSION_OF_OURS in others:
        return piece.kind != TEXT or not any(letter.isdigit() for letter in piece.text)
    return bool(others) and piece.kind in DRAWN


def _alike(ours: Sequence[Token], theirs: Sequence[Token]) -> bool:
    """Return whether pieces differ in coordinates alone, and by no more than drawing rounds to."""
    if len(ours) != len(theirs) or any(one.kind != POINT for one in (*ours, *theirs)):
        return False
    return all(abs(float(one.text) - float(other.text)) <= TOLERANCE for one, other in zip(ours, theirs, strict=True))


def _kind(pieces: Sequence[Token]) -> str:
    kinds = {one.kind for one in pieces}
    return "drawing" if kinds <= {POINT} else "text" if kinds <= {TEXT, LABEL} else "markup"


def _shown(pieces: Sequence[Token]) -> str:
    words = " ".join(one.text for one in pieces[:WORDS_SHOWN])
    return (words + (" ..." if len(pieces) > WORDS_SHOWN else ""))[:200] or "nothing"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:WORDS_SHOWN])


def _on_trust(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Yield what a page states and cannot show itself: what its runs and their weights are."""
    for chapter in evidence.chapters:
        if chapter.step.records and not chapter.source.startswith(PUBLISHED):
            digests = [one.sha256[:SHOWN] or "none" for one in chapter.step.records]
            shown = ", ".join(digests[:3]) + (f" and {len(digests) - 3} more" if len(digests) > 3 else "")
            yield f"runs of {chapter.label}", f"records {shown}"
        yield from _pictures(chapter)


def _pictures(chapter: Chapter) -> Iterator[tuple[str, str]]:
    if one := chapter.inspection:
        yield f"pictures of {chapter.label}", f"from run {one.run} (weights {one.weights_sha256[:SHOWN]})"
