"""The driver of exports: written aside, compared with the original on every test image, then put in place."""

import errno
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from pennyweight.base.errors import MismatchError, unknown_name_error
from pennyweight.base.exports import Export, ExportCheck, ExportedFile
from pennyweight.base.files import remove_temporaries, write_atomically, write_error, write_together
from pennyweight.base.lock import folder_lock
from pennyweight.base.terminal import is_watched, tell
from pennyweight.shipping.formats import FORMATS, Format
from pennyweight.shipping.manifest import MANIFEST, held_exports, manifest_text
from pennyweight.shipping.parity import Agreement
from pennyweight.shipping.place import require_place
from pennyweight.shipping.subject import Subject
from pennyweight.shipping.written import Written

ALL = "all"
AGREES, NOT_CHECKED = "agrees", "not checked"
WRITING_SECONDS = 60
"""How long another process may take to write into the same folder: some small files."""


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
    agree, UnavailableError where its judge or the dataset is missing, UsageError where a file of its would replace one
    that is not its own, and what else its functions raise; then nothing is written.
    """
    _require_writable(folder)
    written = [one.write(subject, prefix + one.suffix) for one in formats]
    files = {name: content for one in written for name, content in one.files.items()}
    lock = partial(folder_lock, folder, tell, WRITING_SECONDS, doing=f"writing into {folder}")
    if folder.is_dir():
        with lock():  # what another process has replaced by half is nobody's own
            _others(folder, formats, prefix, files)  # before anybody waits for a comparison
    with tempfile.TemporaryDirectory(prefix="pennyweight-") as work:
        checks = [
            _checked(subject, one, prefix + one.suffix, Path(work), held) if checked else None
            for one, held in zip(formats, written, strict=True)
        ]
    exports = tuple(
        _export(subject, one, prefix, held, check) for one, held, check in zip(formats, written, checks, strict=True)
    )
    # from reading the manifest to replacing it, or the entries of two processes would not both be in it
    with lock():
        manifest = manifest_text([*_others(folder, formats, prefix, files), *exports])
        remove_temporaries(folder)
        # the manifest comes last: what it lists is there
        write_together({folder / name: content for name, content in {**files, MANIFEST: manifest.encode()}.items()})
    return exports


def _others(folder: Path, formats: Sequence[Format], prefix: str, files: Mapping[str, bytes]) -> list[Export]:
    """Return what else the manifest of a folder lists; raises UsageError where `files` have no place beside it."""
    names = [one.name for one in formats]
    replaced, others = list[Export](), list[Export]()
    for held in held_exports(folder):
        (replaced if held.prefix == prefix and held.format in names else others).append(held)
    require_place(folder, files, replaced, others)
    return others


def _require_writable(folder: Path) -> None:
    """Raise UnavailableError before anything is computed where it could not be written."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise write_error(folder, 0, NotADirectoryError(errno.ENOTDIR, f"{there} is no folder"))
    if not os.access(there, os.W_OK | os.X_OK):
        raise write_error(folder, 0, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def _checked(subject: Subject, one: Format, stem: str, work: Path, written: Written) -> ExportCheck:
    """Return what the judge of a format found of its files, which are put into the folder `work`."""
    for name, content in written.files.items():
        write_atomically(work / name, content)
    _tell_who_watches(f"Comparing {one.name} with the original on {len(subject.images.test_labels):,} images.")
    return _check(subject, one, stem, work)


def _export(subject: Subject, one: Format, prefix: str, written: Written, check: ExportCheck | None) -> Export:
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
