"""Pictures in PNG, JPEG and NPY files as arrays of 8 bits a channel: upright, and without transparency."""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import MismatchError, UnavailableError
from pennyweight.base.reading import read_regular

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".npy")
LARGEST_BYTES = 256 << 20
MOST_PIXELS = 50_000_000
"""Pixels of a picture that is decoded: 200 MB of red, green, blue and alpha."""
SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""How PNG and JPEG files begin."""
EXIF_DAMAGED = "EXIF data damaged, not turned"
_ALPHA, _WHITE, _BLACK = 3, 255, 0


def picture_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that `paths` name, and of folders every PNG, JPEG and NPY file at any depth, in sorted order.

    Hidden files and folders are left out, and links to folders are not followed. Raises UnavailableError for a folder
    without such a file.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(_files_below(path))
        if not found:
            raise UnavailableError(f"There is no PNG, JPEG or NPY file in {path}.")
        yield from found


def _files_below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not name.startswith(".") and name.lower().endswith(SUFFIXES))


def read_pictures(path: Path, channels: int, report: Callable[[str], None] = lambda _: None) -> NDArray[np.uint8]:
    """Return the pictures in a file: (n, rows, columns) for one channel, else (n, channels, rows, columns).

    A PNG or JPEG file holds one. It is turned upright as its EXIF data say, and `report` hears where they are damaged;
    of 16 bits the upper eight are kept; what is transparent becomes white, or black where white would leave nothing to
    see; one channel of a coloured picture is its luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601). Colour profiles and
    gamma are not applied. An NPY file holds uint8 of one or several pictures. Raises UnavailableError for a file that
    cannot be read, MismatchError for one that holds no such picture.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise MismatchError(f"{path} is no picture that can be read; those are PNG, JPEG and NPY files.")
    try:
        content = read_regular(path, LARGEST_BYTES)
    except OSError as error:
        raise UnavailableError(f"Cannot read {path}: {error.strerror}.") from error
    if path.suffix.lower() == ".npy":
        return _from_npy(content, path, channels)
    if channels not in (1, 3):
        raise MismatchError(f"{path} is one picture of 1 or 3 channels; {channels} channels are read from NPY files.")
    pixels = _decoded(content, path, report)
    planes = _luma(_opaque(pixels, _WHITE)) if channels == 1 else _opaque(pixels, _WHITE).transpose(2, 0, 1)
    if channels == 1 and planes.min() == planes.max():
        planes = _luma(_opaque(pixels, _BLACK))
    return np.ascontiguousarray(planes)[None]


def _decoded(content: bytes, path: Path, report: Callable[[str], None]) -> NDArray[np.uint8]:
    """Return the pixels of a PNG or JPEG file, (rows, columns, 4): red, green, blue and alpha."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own limit, which is above ours
            with Image.open(BytesIO(content), formats=("PNG", "JPEG")) as image:
                if prod(image.size) > MOST_PIXELS:
                    raise Image.DecompressionBombError
                return _four_channels(_upright(image, report))
    except Image.DecompressionBombError as error:
        raise MismatchError(f"{path} holds more than {MOST_PIXELS:,} pixels, which are not read.") from error
    except MemoryError:
        raise
    except Exception as error:  # What damaged bytes make Pillow raise is no finite list.
        is_one = content.startswith(SIGNATURES)
        words = "it is cut off or damaged" if is_one else "it holds no PNG or JPEG picture"
        raise MismatchError(f"Cannot read {path}: {words}.") from error


def _upright(image: "Image.Image", report: Callable[[str], None]) -> "Image.Image":
    """Return a picture turned as its EXIF data say; where they cannot be read, as it lies."""
    from PIL import ImageOps
    from PIL.ExifTags import Base

    image.load()
    held = image.info.get("exif")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            tags = image.getexif()
            if Base.Orientation in tags or not (held and (said or not tags)):
                return ImageOps.exif_transpose(image)
        except Exception:  # nor is this
            image.info.pop("exif")
    report(EXIF_DAMAGED)
    return image


def _four_channels(image: "Image.Image") -> NDArray[np.uint8]:
    """Return an opened picture as (rows, columns, 4); Pillow leaves 16 bits alone only where they are grey."""
    if not image.mode.startswith("I"):
        return np.asarray(image.convert("RGBA"))
    grey = (np.asarray(image).astype(np.int64).clip(0, 65_535) >> 8).astype(np.uint8)
    return np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=2)


def _opaque(pixels: NDArray[np.uint8], ground: int) -> NDArray[np.uint8]:
    """Return (rows, columns, 3): pixels of four channels on a ground of one brightness, halves rounded up."""
    alpha = pixels[:, :, _ALPHA:].astype(np.int32)
    return ((pixels[:, :, :_ALPHA] * alpha + ground * (255 - alpha) + 127) // 255).astype(np.uint8)


def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luma (rows, columns) of red, green and blue, halves rounded up; grey stays as it is."""
    return ((pixels @ np.array([299, 587, 114], np.int32) + 500) // 1000).astype(np.uint8)


def _from_npy(content: bytes, path: Path, channels: int) -> NDArray[np.uint8]:
    """Return the pictures in an NPY file; its header is held against its size before anything is allocated."""
    stream = BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = read(stream)
    except Exception as error:  # the header is a Python literal, and what damaged ones raise is no finite list
        raise MismatchError(f"{path} is no NPY file: its header cannot be read.") from error
    one = "rows, columns" if channels == 1 else f"{channels}, rows, columns"
    dimensions = 2 if channels == 1 else 3
    if 0 in shape:
        raise MismatchError(f"{path} holds no pictures: its shape is {shape}.")
    fits = len(shape) in (dimensions, dimensions + 1) and channels in (1, shape[-3:][0])
    if dtype != np.uint8 or not fits:
        raise MismatchError(
            f"{path} holds {dtype} of shape {shape}; it must be uint8 from 0 to 255 of shape ({one}) or (n, {one})."
        )
    values: NDArray[Any] = np.frombuffer(content, np.uint8, offset=stream.tell())
    if len(values) != prod(shape):
        raise MismatchError(f"{path} holds {len(values):,} bytes of pixels; its header says {prod(shape):,}.")
    pictures = values.reshape(shape, order="F" if is_fortran else "C")
    return np.ascontiguousarray(pictures if len(shape) > dimensions else pictures[None])
