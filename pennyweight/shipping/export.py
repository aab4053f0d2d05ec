"""The driver of exports: write into a temporary folder, compare with the original on every test image, then rename."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pennyweight.base.errors import MismatchError, unknown_name_error
from pennyweight.base.exports import Export, ExportCheck, ExportedFile
from pennyweight.base.files import write_atomically, write_error
from pennyweight.base.terminal import is_watched, tell
from pennyweight.shipping.formats import FORMATS, Format
from pennyweight.shipping.manifest import MANIFEST, manifest_text, other_exports
from pennyweight.shipping.parity import Agreement
from pennyweight.shipping.subject import Subject
from pennyweight.shipping.written import Written

ALL = "all"
AGREES, NOT_CHECKED = "agrees", "not checked"


@dataclass(frozen=True)
class Exported:
    """Where a network was written, and each of its formats."""

    folder: Path
    exports: tuple[Export, ...]


def chosen_formats(names: Sequence[str]) -> tuple[Format, ...]:
    """Return the formats of these names, each once and in the order of the table; raises UsageError for another."""
    by_name = {one.name: one for one in FORMATS}
    for name in names:
        if name not in (*by_name, ALL):
            raise unknown_name_error("format", name, (*by_name, ALL))
    return FORMATS if ALL in names else tuple(one for one in FORMATS if one.name in names)


def export(
    subject: Subject,
    formats: Sequence[Format],
    folder: Path,
    prefix: str,
    *,
    checked: bool = True,
) -> tuple[Export, ...]:
    """Write a network in `formats` into `folder`, and its manifest, once every one of them agrees with the original.

    `checked` false leaves the comparison out, and the manifest says so. Raises MismatchError where a format does not
    agree, UnavailableError where its judge or the dataset is missing, and what else its functions raise; then nothing
    is written.
    """
    with _work_folder(folder) as work:
        exports = tuple(_export(subject, one, work, prefix, checked) for one in formats)
        manifest = manifest_text(exports, other_exports(folder, exports))
        write_atomically(work / MANIFEST, manifest.encode())
        for name in [*(file.name for one in exports for file in one.files), MANIFEST]:
            try:
                os.replace(work / name, folder / name)
            except OSError as error:
                raise write_error(folder / name, 0, error) from error
    return exports


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """Make `folder` and one in it to work in; raises UnavailableError where that may not be."""
    existed = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".export-", dir=folder))
    except OSError as error:
        raise write_error(folder, 0, error) from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if not existed:
            with suppress(OSError):
                folder.rmdir()  # where nothing was written


def _export(subject: Subject, one: Format, work: Path, prefix: str, checked: bool) -> Export:
    stem = prefix + one.suffix
    written = one.write(subject, stem)
    for name, content in written.files.items():
        write_atomically(work / name, content)
    check = None
    if checked:
        _tell_who_watches(f"Comparing {one.name} with the original on {len(subject.images.test_labels):,} images.")
        check = _check(subject, one, stem, work)
    record = subject.model.record
    return Export(
        format=one.name,
        prefix=prefix,
        recipe=record.recipe,
        changes=record.changes,
        seed=record.seed,
        dataset=record.dataset,
        record_sha256=record.sha256,
        weights_sha256=record.weights_sha256,
        files=_files(written),
        facts=written.facts,
        status=NOT_CHECKED if check is None else AGREES,
        check=check,
    )


def _check(subject: Subject, one: Format, stem: str, work: Path) -> ExportCheck:
    images = subject.images
    judged = one.run(subject, stem, work, images.test_images)
    agreement: Agreement = one.agree(subject, judged.logits)
    if agreement.reasons:
        raise MismatchError(
            f"The format {one.name} does not agree with the original, judged by {judged.judge}: "
            f"{' '.join(agreement.reasons)} Nothing was written."
        )
    return ExportCheck(
        judge=judged.judge,
        dataset=images.name,
        dataset_digest=images.digest,
        images=agreement.images,
        correct=agreement.correct,
        accuracy=100 * agreement.correct / agreement.images,
        original_correct=agreement.original_correct,
        original_accuracy=100 * agreement.original_correct / agreement.images,
        largest_logit_difference=agreement.largest_difference,
        changed_labels=agreement.changed,
    )


def _tell_who_watches(text: str) -> None:
    """Tell why nothing happens for some seconds, where somebody sits before it."""
    if is_watched():
        tell(text)


def _files(written: Written) -> tuple[ExportedFile, ...]:
    return tuple(
        ExportedFile(name, len(content), sha256(content).hexdigest()) for name, content in written.files.items()
    )
