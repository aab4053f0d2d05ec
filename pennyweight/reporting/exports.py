"""Exported networks as text: the formats there are, and what was written and found."""

from collections.abc import Mapping, Sequence

from pennyweight.base.exports import Export
from pennyweight.reporting.text import WIDTH, fitted, plural, wrapped
from pennyweight.tables.table import Column, Table, right, table

SHOWN_CHANGES = 5


def formats_table(formats: Sequence[Mapping[str, str]]) -> Table:
    """Return one row per format: what it is, what runs it, and what judges it here."""
    columns = (
        Column("format"),
        Column("what is written", narrow="wrap"),
        Column("runs with", narrow="wrap"),
        Column("judged by", narrow="wrap"),
    )
    return table(columns, ([one["name"], one["content"], one["needs"], one["judge"]] for one in formats))


def export_table(exports: Sequence[Export]) -> Table:
    """Return one row per format: its bytes, the accuracy beside the original's, and what differs."""
    columns = (
        Column("format"),
        Column("bytes", "right", "drop"),
        *right("accuracy", "original"),
        Column("logits differ by", "right"),
        Column("labels changed", "right"),
    )
    return table(columns, map(_row, exports))


def _row(export: Export) -> list[str]:
    size = f"{sum(file.bytes for file in export.files):,}"
    check = export.check
    if check is None:
        return [export.format, size, "", "", "", export.status]
    return [
        export.format,
        size,
        f"{check.accuracy:.2f} %",
        f"{check.original_accuracy:.2f} %",
        f"{check.largest_logit_difference:.1e}",
        f"{len(check.changed_labels)} of {check.images:,}",
    ]


def export_text(exports: Sequence[Export], folder: str, width: int = WIDTH) -> str:
    """Return what was exported: a row for each format, images whose label changed, and the files and their folder."""
    lines = [fitted(export_table(exports), width)]
    for export in exports:
        if export.check and export.check.changed_labels:
            lines.append(wrapped(_changes(export), width=width))
    judges = dict.fromkeys(export.check.judge for export in exports if export.check)
    if judges:
        lines.append(wrapped(f"judged by {' and '.join(judges)}", width=width))
    names = ", ".join(file.name for export in exports for file in export.files)
    lines += ["", wrapped(f"{names}, manifest.json", width=width), folder]
    return "\n".join(lines)


def _changes(export: Export) -> str:
    assert export.check is not None
    changed = export.check.changed_labels
    shown = [
        f"image {one.image} from {one.original} to {one.exported} (logits {one.gap:.1e} apart)"
        for one in changed[:SHOWN_CHANGES]
    ]
    more = [f"{plural(len(changed) - SHOWN_CHANGES, 'more image')} in manifest.json"] if changed[SHOWN_CHANGES:] else []
    return f"{export.format}: {', '.join([*shown, *more])}"
