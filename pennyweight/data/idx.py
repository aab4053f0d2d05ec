"""IDX, the format of MNIST: a header with type and sizes (big-endian), then the bytes of one array.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section on file formats.
Everything a header claims is checked against what the file can hold before memory is taken for it.
"""

import os
from dataclasses import dataclass
from io import BufferedReader
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UnavailableError
from pennyweight.base.reading import NotAFile, open_regular
from pennyweight.data.untrusted_file import GZIP_MAGIC, SNIFFED_BYTES, BadFile, GzipStream, foreign

# Whatever a file claims, no more is read than this; the largest published relative of MNIST has two thirds of it.
MOST_BYTES = 1 << 30
# The format of gzip (DEFLATE) cannot shrink data further than this, so a small file cannot hold a large array.
_STRONGEST_PACKING = 1032
_UNSIGNED_BYTE = 0x08
_TYPES = {0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
_KINDS = {1: "labels", 3: "images"}


@dataclass(frozen=True)
class _Found:
    size_bytes: int
    is_packed: bool
    changed_ns: int


def read_images(path: Path) -> NDArray[np.uint8]:
    """Return the images of an IDX file, gzipped or not, shape `(n, rows, columns)`, read-only.

    Raises UnavailableError for every file that is not exactly that.
    """
    return _read(path, dimensions=3)


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Return the labels of an IDX file, gzipped or not, shape `(n,)`, read-only.

    Raises UnavailableError for every file that is not exactly that.
    """
    return _read(path, dimensions=1)


def _read(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    try:
        with open(path, "rb", opener=open_regular) as file:
            found = _look(file)
            array = _parse(file, found, dimensions)
            if _look(file) != found:
                raise BadFile("it changed while it was being read", "Wait until it is complete and try again.")
            return array
    except BadFile as error:
        raise UnavailableError(f"Cannot use {path}: {error}. {error.remedy}") from error
    except NotAFile as error:
        advice = "Move it away; the file is then downloaded again."
        raise UnavailableError(f"Cannot use {path}: {error.strerror}. {advice}") from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        advice = "Check its path and permissions, or name another folder with --data."
        raise UnavailableError(f"Cannot read {path}: {reason}. {advice}") from error
    except MemoryError as error:
        raise UnavailableError(f"Cannot read {path}: not enough memory. Close something and try again.") from error


def _look(file: BufferedReader) -> _Found:
    """Return what the file is, and when it last changed; leaves it at its beginning."""
    status = os.fstat(file.fileno())
    file.seek(0)
    is_packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    file.seek(0)
    return _Found(status.st_size, is_packed, status.st_mtime_ns)


def _parse(file: BufferedReader, found: _Found, dimensions: int) -> NDArray[np.uint8]:
    if found.size_bytes == 0:
        raise BadFile("it is empty (0 bytes)")
    stream = GzipStream(file) if found.is_packed else file
    sizes = _header(stream, dimensions)
    _require_room(sizes, found, header_bytes=4 + 4 * dimensions)
    declared = prod(sizes)
    content = stream.read(declared + 1)
    if len(content) != declared:
        held = f"only {len(content):,}" if len(content) < declared else "more"
        raise BadFile(f"its header declares {_product(sizes)} = {declared:,} bytes, but it holds {held}")
    if isinstance(stream, GzipStream):
        stream.require_end()
    array = np.frombuffer(content, dtype=np.uint8).reshape(sizes)
    array.setflags(write=False)
    return array


def _header(stream: BufferedReader | GzipStream, dimensions: int) -> tuple[int, ...]:
    """Return the sizes that the header declares, once its type and number of dimensions are as expected."""
    magic = bytes(stream.read(4))
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise _not_idx(magic + bytes(stream.read(SNIFFED_BYTES - len(magic))), dimensions)
    _require_kind(magic[2], magic[3], dimensions)
    header = bytes(stream.read(4 * dimensions))
    if len(header) < 4 * dimensions:
        raise BadFile(f"its header ended early, after {4 + len(header)} of {4 + 4 * dimensions} bytes")
    sizes = tuple(int.from_bytes(header[at : at + 4], "big") for at in range(0, len(header), 4))
    if 0 in sizes:
        raise BadFile(f"its header declares {_product(sizes)} = 0 bytes, so it holds no {_KINDS[dimensions]}")
    return sizes


def _require_kind(type_code: int, found: int, expected: int) -> None:
    if type_code == _UNSIGNED_BYTE and found == expected:
        return
    if type_code == _UNSIGNED_BYTE and found in _KINDS:
        raise BadFile(
            f"it holds {_KINDS[found]} where {_KINDS[expected]} were expected",
            "Exchange the files of images and labels, or delete both to have them downloaded again.",
        )
    if type_code != _UNSIGNED_BYTE:
        kind = _TYPES.get(type_code, "no type of IDX")
        raise BadFile(f"its type is 0x{type_code:02x} ({kind}), but {_KINDS[expected]} have type 0x08 (uint8)")
    raise BadFile(f"it has {found} dimensions, but {_KINDS[expected]} have {expected}")


def _not_idx(head: bytes, dimensions: int) -> BadFile:
    kind = foreign(head)
    if kind:
        return BadFile(f"it holds {kind}, not IDX {_KINDS[dimensions]}")
    begin = head[:4].hex(" ") or "nothing"
    return BadFile(
        f"it is not IDX data: it begins with {begin}, but {_KINDS[dimensions]} begin with 00 00 08 0{dimensions}"
    )


def _require_room(sizes: tuple[int, ...], found: _Found, header_bytes: int) -> None:
    """Refuse a header that claims more than the file can hold; Python's integers cannot overflow here."""
    declared = prod(sizes)
    claim = f"its header declares {_product(sizes)} = {declared:,} bytes"
    if declared > MOST_BYTES:
        raise BadFile(f"{claim}, more than the {MOST_BYTES:,} that are ever read")
    if found.is_packed:
        most_bytes = found.size_bytes * _STRONGEST_PACKING
        if declared > most_bytes:
            raise BadFile(f"{claim}, but {found.size_bytes:,} bytes of gzip data hold {most_bytes:,} at most")
    elif declared != found.size_bytes - header_bytes:
        raise BadFile(f"{claim} after {header_bytes} of header, but the file holds {found.size_bytes - header_bytes:,}")


def _product(sizes: tuple[int, ...]) -> str:
    return " x ".join(f"{size:,}" for size in sizes)
