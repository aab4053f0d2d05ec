"""The nodes of a network with their costs."""

from pennyweight.nets.measure import Measurement
from pennyweight.tables.table import Column, Table, right, table


def layer_table(measured: Measurement) -> Table:
    """Return one row per node: shape, window, costs, and the receptive field (RF) of one of its units in pixels."""
    columns = (
        *(*right("#"), Column("layer"), Column("output"), *right("kernel")),
        *(Column("stride", "right", "drop"), Column("pad", "right", "drop"), *right("params")),
        *(Column("buffers", "right", "drop"), *right("MACs", "RF")),
        *(Column("jump", "right", "drop"), Column("bytes", "right", "drop")),
    )
    return table(
        columns,
        (
            (
                layer.number,
                layer.kind,
                "x".join(map(str, layer.output_shape)),
                layer.kernel if layer.kernel > 1 or layer.kind in ("Conv", "Depthwise") else "",
                layer.stride if layer.kernel > 1 and layer.kind != "Linear" else "",
                layer.padding if layer.kind in ("Conv", "Depthwise") else "",
                f"{layer.params:,}" if layer.params else "",
                f"{layer.buffers:,}" if layer.buffers else "",
                f"{layer.macs:,}" if layer.macs else "",
                layer.receptive_field,
                layer.jump,
                f"{layer.activation_bytes:,}",
            )
            for layer in measured.layers
        ),
    )
