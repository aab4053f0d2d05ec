"""Layers as text and back: `Conv(8, kernel=3)`, one layer per line of a recipe file."""

from collections.abc import Sequence
from dataclasses import fields

from pennyweight.base.errors import UsageError, unknown_name_error
from pennyweight.base.values import from_text, to_text
from pennyweight.nets.layers import CLASSES, LAYER_TYPES, Layer, Layers

_KINDS = {kind.__name__: kind for kind in LAYER_TYPES}
_CONSTANTS = {"CLASSES": CLASSES}
_OURS = {
    "Conv": ("Conv2d", "Conv2D"),
    "Depthwise": ("DepthwiseConv2D",),
    "BatchNorm": ("BatchNorm2d", "BatchNormalization"),
    "Relu": ("ReLU",),
    "MaxPool": ("MaxPool2d", "MaxPooling2D"),
    "AvgPool": ("AvgPool2d", "AveragePooling2D"),
    "GlobalAvgPool": ("AdaptiveAvgPool2d", "GlobalAveragePooling2D"),
    "Linear": ("Dense",),
}
_ABSENT = (
    *("GELU", "LeakyReLU", "ELU", "SELU", "CELU", "PReLU", "RReLU", "SiLU", "Mish", "Hardswish", "Sigmoid", "Tanh"),
    *("ReLU6", "ConvTranspose2d", "GroupNorm", "LayerNorm", "InstanceNorm2d", "AdaptiveMaxPool2d", "Dropout2d"),
)
_ELSEWHERE = {
    **{theirs: f"It is {ours} here." for ours, names in _OURS.items() for theirs in names},
    "Flatten": "Leave it out: Linear reads a map as one vector.",
    "Identity": "Leave it out: an empty shortcut of a Residual is the identity.",
    **dict.fromkeys(("Softmax", "LogSoftmax"), "Leave it out: a network ends in logits."),
    **dict.fromkeys(_ABSENT, ""),
}
"""What PyTorch and Keras call their layers, and what is to be said here."""


def words_on_layer(name: str, field: str = "") -> str:
    """Return what to say of a layer that PyTorch or Keras has and we do not, or of a field that one of ours lacks.

    Nothing for any other name.
    """
    if name in _KINDS and field:
        return f"{name} takes {', '.join(one.name for one in fields(_KINDS[name])) or 'nothing'}."
    return str(unknown_name_error("layer", name, _KINDS, _ELSEWHERE)) if name in _ELSEWHERE else ""


def layers_to_text(layers: Layers) -> list[str]:
    """Return one line of text for every top-level layer."""
    return [to_text(layer) for layer in layers]


def layers_from_text(lines: Sequence[str]) -> Layers:
    """Read layers back from their lines; raises UsageError naming every wrong line by its number, counted from 1."""
    layers, problems = [], []
    for number, line in enumerate(lines, start=1):
        try:
            layers.append(_layer(number, line))
        except UsageError as error:
            problems.append(str(error))
    if problems:
        raise UsageError(" ".join(problems))
    return tuple(layers)


def _layer(number: int, line: object) -> Layer:
    if not isinstance(line, str):
        raise UsageError(f'layers, line {number}: {line!r:.80} is not text; write it like "Conv(8, kernel=3)".')
    try:
        layer = from_text(line, _KINDS, _CONSTANTS, _ELSEWHERE)
    except UsageError as error:
        raise UsageError(f"layers, line {number}: {error}") from error
    if not isinstance(layer, LAYER_TYPES):
        raise UsageError(f"layers, line {number}: '{line[:80]}' is not a layer; write it like Conv(8).")
    return layer
