"""What integer C costs that computes a network while its image arrives, as `show --for` states it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StreamedLayer:
    """One layer: which of the network's it computes, its constants, its ring and its multiply-accumulates per image.

    `ring_bytes` is what it keeps of the pixels it reads; rings that are not needed at one time share memory.
    """

    layer: str
    work: str
    """`product`, `depthwise`, `mean`; `copy` hands a pixel on, `hold` keeps one map of a sum, `add` adds the other."""
    output_shape: tuple[int, int, int]
    constant_bytes: int
    ring_bytes: int
    macs: int


@dataclass(frozen=True)
class StreamedCost:
    """A network in integer C: constants in flash and static memory; code and stack come on top."""

    format: str
    layers: tuple[StreamedLayer, ...]
    constant_bytes: int
    ram_bytes: int
    macs: int
