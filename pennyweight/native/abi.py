"""What Python and C both know: structs, flags and kinds, and the proof that the two agree.

The structs are declared beside the functions that take them, in `kernels/*.h`. A field in another place or of another
type, a field more, or an enumerator of another value does not compile; a library compiled otherwise is not loaded.
"""

import ctypes
from enum import IntEnum, IntFlag

from pennyweight.native import tiles


class OptimizerKind(IntEnum):
    """Whose step the kernels take, as in `kernels/optimizer.h`."""

    SGD = 0
    ADAM = 1
    ADAMW = 2
    ADAGRAD = 3


class EpilogueOp(IntFlag):
    """What an epilogue does to every value, in this order, as in `kernels/epilogue.h`."""

    NOTHING = 0
    PRE_RELU = 1
    NORMALISE = 2
    ADD = 4
    POST_RELU = 8
    DROPOUT = 16

    def in_c(self) -> str:
        """Return the flags as C reads them: `NORMALISE | DROPOUT`, and 0 for none."""
        return " | ".join(str(flag.name) for flag in EpilogueOp if flag in self) or "0"


class Pool(IntEnum):
    """How an epilogue pools a window into one value, as in `kernels/epilogue.h`."""

    NO_POOL = 0
    MAX_POOL = 1
    MEAN_POOL = 2


# without __slots__ ctypes would take a mistyped field for an attribute of its own
class Pixels(ctypes.Structure):
    """How a grey value becomes a number."""

    __slots__ = ()
    _fields_ = (("mean", ctypes.c_void_p), ("std", ctypes.c_void_p), ("fill", ctypes.c_float))


class OptimizerSettings(ctypes.Structure):
    """What an optimizer is set to."""

    __slots__ = ()
    _fields_ = (
        ("learning_rate", ctypes.c_double),
        ("momentum", ctypes.c_double),
        ("beta2", ctypes.c_double),
        ("epsilon", ctypes.c_double),
        ("weight_decay", ctypes.c_double),
        ("nesterov", ctypes.c_int),
        ("step", ctypes.c_int64),
    )


class Slice(ctypes.Structure):
    """What a slice of an epoch is trained on, and where its results go."""

    __slots__ = ()
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("images", "labels", "soft_labels", "order", "homographies")),
        *((name, ctypes.c_void_p) for name in ("learning_rates", "momenta", "losses", "correct")),
        *((name, ctypes.c_int64) for name in ("first_step", "steps", "count")),
        ("pixels", Pixels),
        ("settings", OptimizerSettings),
        ("kind", ctypes.c_int),
        ("smoothing", ctypes.c_float),
        ("seed", ctypes.c_uint64),
    )


def _integers(*names: str) -> tuple[tuple[str, type], ...]:
    return tuple((name, ctypes.c_int) for name in names)


class ConvShape(ctypes.Structure):
    """A convolution as the forward kernels run it, in `kernels/convolution.h`."""

    __slots__ = ()
    _fields_ = (
        *_integers("channels_in", "channels_out", "kernel", "stride", "stored_rows", "stored_columns"),
        *_integers("zero_rows", "nonzero_rows", "rows", "columns", "tile_channels", "tile_columns", "accumulate"),
    )


class WeightShape(ctypes.Structure):
    """A weight gradient, in `kernels/convolution.h`."""

    __slots__ = ()
    _fields_ = (
        *_integers("channels_in", "channels_out", "kernel", "stride", "stored_rows", "stored_columns"),
        *_integers(
            "gradient_rows", "gradient_columns", "rows", "columns", "tile_outputs", "tile_inputs", "strip_tiles"
        ),
    )


class WinogradInputGradientShape(ctypes.Structure):
    """An input gradient by Winograd, in `kernels/winograd.h`."""

    __slots__ = ()
    _fields_ = (
        *_integers("channels_in", "channels_out", "rows", "columns", "padding", "input_rows", "input_columns"),
        *_integers("tile_channels", "accumulate"),
    )


class BatchShape(ctypes.Structure):
    """A batch as one thread reduces it, in `kernels/batchnorm.h`."""

    __slots__ = ()
    _fields_ = _integers("groups", "images", "channels", "pixels")


class EpilogueShape(ctypes.Structure):
    """An epilogue, in `kernels/epilogue.h`."""

    __slots__ = ()
    _fields_ = (
        *_integers("channels", "rows", "columns", "source_pad", "skip_pad", "target_pad"),
        *_integers("ops", "pool", "window_rows", "window_columns"),
        ("rate", ctypes.c_float),
    )


class GradientShape(ctypes.Structure):
    """Where an epilogue's gradients go, in `kernels/epilogue.h`."""

    __slots__ = ()
    _fields_ = _integers("stride", "rows", "columns", "accumulate", "accumulate_skip")


STRUCTS: tuple[type[ctypes.Structure], ...] = (
    *(Pixels, OptimizerSettings, Slice),
    *(ConvShape, WeightShape, WinogradInputGradientShape, BatchShape, EpilogueShape, GradientShape),
)
C_TYPES: dict[type, str] = {
    ctypes.c_float: "float",
    ctypes.c_double: "double",
    ctypes.c_int: "int",
    ctypes.c_int64: "int64_t",
    ctypes.c_uint64: "uint64_t",
    Pixels: "Pixels",
    OptimizerSettings: "OptimizerSettings",
}
"""The types of fields in C; a pointer may point at anything."""


def literal(struct: type[ctypes.Structure], **values: int | str) -> str:
    """Return a struct as C reads it, `(BatchShape){.groups = 4, ...}`; every field must be there, C would make it 0."""
    names = [name for name, _ in _fields(struct)]
    assert sorted(values) == sorted(names), f"{struct.__name__} has the fields {names}, not {list(values)}"
    return f"({struct.__name__}){{{', '.join(f'.{name} = {values[name]}' for name in names)}}}"


STATISTICS_BYTES = {"Moments": 8, "GradientSums": 8, "ChannelNorm": 32}
"""The sizes of the structs that C alone fills in, `kernels/batchnorm.h`."""


def entries() -> dict[str, int]:
    """Return expressions of C with the values they must have: sizes, places of fields, enumerators, constants."""
    values: dict[str, int] = {}
    for struct in STRUCTS:
        name = struct.__name__
        values[f"sizeof({name})"] = ctypes.sizeof(struct)
        for field, kind in _fields(struct):
            values[f"__builtin_offsetof({name}, {field})"] = getattr(struct, field).offset
            values[f"sizeof((({name} *)0)->{field})"] = ctypes.sizeof(kind)
    enumerators = (*OptimizerKind, *EpilogueOp, *Pool)
    values |= {str(kind.name): kind.value for kind in enumerators}
    values |= {f"sizeof({name})": size for name, size in STATISTICS_BYTES.items()}
    return values | {"POINTS": tiles.POINTS, "COLUMNS": tiles.COLUMNS, "TAPS": tiles.TAPS}


def checks() -> list[str]:
    """Return lines of C that compile only where every entry has its value and every field its type."""
    lines = [
        f'_Static_assert({entry} == {value}, "{entry} is not {value}, as in abi.py");'
        for entry, value in entries().items()
    ]
    for struct in STRUCTS:
        for field, kind in _fields(struct):
            if kind is not ctypes.c_void_p:
                same = f"__builtin_types_compatible_p(__typeof__((({struct.__name__} *)0)->{field}), {C_TYPES[kind]})"
                lines.append(
                    f'_Static_assert({same}, "{struct.__name__}.{field} is no {C_TYPES[kind]}, as in abi.py");'
                )
    return lines


def table() -> str:
    """Return the line of C that exports how many entries there are, and their values."""
    values = entries()
    return f"EXPORT const int64_t net_layout[] = {{{', '.join([str(len(values)), *values])}}};"


def agrees(library: ctypes.CDLL) -> bool:
    """Return whether a loaded library was compiled with the entries that this process has."""
    expected = list(entries().values())
    try:
        count = ctypes.c_int64.in_dll(library, "net_layout").value
    except ValueError:  # no such table
        return False
    if count != len(expected):
        return False
    return list((ctypes.c_int64 * (1 + count)).in_dll(library, "net_layout"))[1:] == expected


def _fields(struct: type[ctypes.Structure]) -> list[tuple[str, type]]:
    return [(name, kind) for name, kind, *_ in struct._fields_]
