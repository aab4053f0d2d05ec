"""A network in integer C: what each layer costs before anything is compiled."""

from pennyweight.base.streaming import StreamedCost
from pennyweight.reporting.text import wrapped
from pennyweight.tables.table import Column, Table, right, table
from pennyweight.tables.text import to_text


def streaming_table(cost: StreamedCost) -> Table:
    """Return one row for each layer and one with what all take: bytes of constants and rings, MACs per image."""
    columns = (
        *(Column("computes", narrow="wrap"), Column("as"), Column("output")),
        *right("constants", "ring", "MACs"),
    )
    rows: list[tuple[object, ...]] = [
        (
            layer.layer,
            layer.work,
            "x".join(map(str, layer.output_shape)),
            f"{layer.constant_bytes:,}",
            f"{layer.ring_bytes:,}" if layer.ring_bytes else "",
            f"{layer.macs:,}" if layer.macs else "",
        )
        for layer in cost.layers
    ]
    return table(columns, [*rows, ("all", "", "", f"{cost.constant_bytes:,}", f"{cost.ram_bytes:,}", f"{cost.macs:,}")])


def streaming_text(name: str, cost: StreamedCost, width: int) -> str:
    """Return the table with the words it needs."""
    words = (
        f"Bytes of constants are in flash. The {cost.ram_bytes:,} bytes of static RAM hold the rings, laid over each "
        "other where they are not needed at one time, and where each layer stands. Code and stack come on top: the "
        "compiler says how much."
    )
    return "\n".join(
        [f"{name} as {cost.format}", "", to_text(streaming_table(cost), width), "", wrapped(words, width=width)]
    )
