"""Pictures of every odd kind come out as 8 bits, upright and opaque; what is none is refused in one sentence."""

import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import mutants

from pennyweight.base.errors import MismatchError, PennyweightError, UnavailableError
from pennyweight.data import pictures
from pennyweight.data.pictures import EXIF_DAMAGED, picture_files, read_pictures

DRAWN = np.random.default_rng(0).integers(0, 256, (9, 7), dtype=np.uint8)
COLOURED = np.random.default_rng(1).integers(0, 256, (9, 7, 3), dtype=np.uint8)
QUARTER_TURN_EXIF = 6
"""The picture is to be turned a quarter clockwise."""


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, bits: int, colour: int, rows: bytes) -> bytes:
    """Write a PNG file by its specification, so that 16 bits do not depend on what Pillow can write."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


def test_grey_comes_out_as_it_was_drawn(tmp_path: Path) -> None:
    path = saved(Image.fromarray(DRAWN), tmp_path / "grey.png")
    assert np.array_equal(read_pictures(path, 1), DRAWN[None])
    assert np.array_equal(read_pictures(path, 3), np.stack([DRAWN] * 3)[None])


def test_colour_comes_out_in_planes_and_its_luma_is_that_of_bt_601(tmp_path: Path) -> None:
    path = saved(Image.fromarray(COLOURED), tmp_path / "colour.PNG")
    assert np.array_equal(read_pictures(path, 3)[0], COLOURED.transpose(2, 0, 1))
    luma = COLOURED @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read_pictures(path, 1)[0] - luma).max() <= 0.5 + 1e-9


def test_sixteen_bits_keep_the_upper_eight(tmp_path: Path) -> None:
    values = np.random.default_rng(2).integers(0, 65_536, (4, 5)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    (tmp_path / "deep.png").write_bytes(png(5, 4, 16, 0, rows))
    assert np.array_equal(read_pictures(tmp_path / "deep.png", 1)[0], values >> 8)
    coloured = np.random.default_rng(3).integers(0, 65_536, (4, 5, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in coloured)
    (tmp_path / "colour.png").write_bytes(png(5, 4, 16, 2, rows))
    assert np.array_equal(read_pictures(tmp_path / "colour.png", 3)[0], (coloured >> 8).transpose(2, 0, 1))


def test_two_levels_and_palettes_are_widened(tmp_path: Path) -> None:
    (tmp_path / "bits.png").write_bytes(png(8, 2, 1, 0, b"\0\xf0\0\x0f"))
    rows = [[255] * 4 + [0] * 4, [0] * 4 + [255] * 4]
    assert read_pictures(tmp_path / "bits.png", 1)[0].tolist() == rows
    path = saved(Image.fromarray(DRAWN).convert("P"), tmp_path / "palette.png")
    assert np.array_equal(read_pictures(path, 1)[0], DRAWN)


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    alpha = np.full_like(DRAWN, 255)
    alpha[0], alpha[1] = 0, 128
    path = saved(Image.fromarray(np.dstack([DRAWN, alpha])), tmp_path / "alpha.png")
    found = read_pictures(path, 1)[0].astype(int)
    assert (found[0] == 255).all()
    assert np.abs(found[1] - (DRAWN[1] * (128 / 255) + 127)).max() <= 0.5 + 1e-9
    assert np.array_equal(found[2:], DRAWN[2:])


@pytest.mark.parametrize(("ink", "shown"), [(0, [0, 255]), (255, [255, 0])])
def test_ink_on_a_transparent_ground_is_seen_whatever_its_colour(ink: int, shown: list[int], tmp_path: Path) -> None:
    pixels = np.array([[[ink, 255], [ink, 0]]], np.uint8)
    path = saved(Image.fromarray(pixels), tmp_path / "drawn.png")
    assert read_pictures(path, 1)[0].tolist() == [shown]


@pytest.mark.parametrize("name", ["turned.png", "turned.jpg"])
def test_a_picture_is_turned_as_its_exif_data_say(name: str, tmp_path: Path) -> None:
    blocks = np.kron(np.array([[0, 255], [255, 255]], np.uint8), np.ones((8, 16), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = QUARTER_TURN_EXIF
    path = saved(Image.fromarray(blocks), tmp_path / name, exif=exif)
    found = read_pictures(path, 1)[0]
    assert found.shape == (32, 16)
    assert np.array_equal(found > 127, np.rot90(blocks, -1) > 127)


def test_cmyk_is_read_as_colour(tmp_path: Path) -> None:
    white = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    assert read_pictures(saved(white, tmp_path / "cmyk.jpg"), 1).min() >= 250


NPY = [
    (DRAWN, 1, DRAWN[None]),
    (np.stack([DRAWN, DRAWN[::-1]]), 1, np.stack([DRAWN, DRAWN[::-1]])),
    (np.asfortranarray(DRAWN), 1, DRAWN[None]),
    (COLOURED.transpose(2, 0, 1), 3, COLOURED.transpose(2, 0, 1)[None]),
]


@pytest.mark.parametrize(("array", "channels", "expected"), NPY)
def test_an_npy_file_holds_one_picture_or_several(array, channels: int, expected, tmp_path: Path) -> None:
    np.save(tmp_path / "some.npy", array)
    found = read_pictures(tmp_path / "some.npy", channels)
    assert np.array_equal(found, expected)
    assert found.flags.c_contiguous


WRONG_NPY: list[tuple[Callable[[Path], object], int, str]] = [
    (lambda path: np.save(path, DRAWN / 255), 1, "holds float64 of shape (9, 7); it must be uint8"),
    (lambda path: np.save(path, DRAWN[0]), 1, "holds uint8 of shape (7,)"),
    (lambda path: np.save(path, DRAWN[:0]), 1, "holds no pictures: its shape is (0, 7)"),
    (lambda path: np.save(path, COLOURED), 3, "of shape (9, 7, 3); it must be uint8 from 0 to 255 of shape (3, rows"),
    (lambda path: np.save(path, np.array([{}])), 1, "holds object of shape (1,)"),
    (lambda path: path.write_bytes(b"\x93NUMPY nothing else"), 1, "is no NPY file: its header cannot be read"),
    (lambda path: path.write_bytes(b""), 1, "is no NPY file"),
]


@pytest.mark.parametrize(("write", "channels", "words"), WRONG_NPY, ids=range(len(WRONG_NPY)))
def test_an_npy_file_of_anything_else_is_refused(write, channels: int, words: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.npy"
    write(path)
    with pytest.raises(MismatchError) as refused:
        read_pictures(path, channels)
    assert words in str(refused.value)


def test_a_header_that_promises_more_than_the_file_holds_allocates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    np.save(path, DRAWN)
    path.write_bytes(path.read_bytes().replace(b"(9, 7), }          ", b"(900000000, 700), }"))
    with pytest.raises(MismatchError, match=r"holds 63 bytes of pixels; its header says 630,000,000,000\."):
        read_pictures(path, 1)


WRONG: list[tuple[str, bytes, str]] = [
    ("some.gif", b"GIF89a", "is no picture that can be read; those are PNG, JPEG and NPY files"),
    ("some.png", b"", "it holds no PNG or JPEG picture"),
    ("some.png", b"GIF89a" + bytes(50), "it holds no PNG or JPEG picture"),
    ("some.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n", "it holds no PNG or JPEG picture"),
    ("some.png", png(8_000, 8_000, 8, 0, b""), "holds more than 50,000,000 pixels, which are not read"),
    ("some.png", png(30_000, 30_000, 8, 0, b""), "holds more than 50,000,000 pixels, which are not read"),
]


@pytest.mark.parametrize(("name", "content", "words"), WRONG, ids=range(len(WRONG)))
def test_what_is_no_picture_is_refused(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with warnings.catch_warnings(record=True) as said, pytest.raises(MismatchError) as refused:
        read_pictures(tmp_path / name, 1)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not said


EXIF = b"Exif\0\0MM\0*\0\0\0\x08"
TURNED = b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
EXIFS = {
    "none": (b"", False, False),
    "turned": (EXIF + b"\0\x01" + TURNED + bytes(4), True, False),
    "of another tag": (EXIF + b"\0\x01\x01\0" + TURNED[2:] + bytes(4), False, False),
    "garbage": (b"Exif\0\0" + b"\xff" * 30, False, True),
    "cut off": ((EXIF + b"\0\x01" + TURNED)[:20], False, True),
    "pointing elsewhere": (b"Exif\0\0MM\0*\0\0\x27\x0f\0\0", False, True),
    "turned, with a count that is too high": (EXIF + b"\xff\xff" + TURNED + bytes(4), True, False),
}


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize(("exif", "is_turned", "is_damaged"), EXIFS.values(), ids=EXIFS)
def test_damaged_exif_data_are_told_and_the_picture_is_read_as_it_lies(
    exif: bytes, is_turned: bool, is_damaged: bool, suffix: str, tmp_path: Path
) -> None:
    path, said = tmp_path / f"some.{suffix}", list[str]()
    Image.fromarray(DRAWN).save(path, **({"exif": exif} if exif else {}))
    found = read_pictures(path, 1, said.append)
    assert found.shape[1:] == (DRAWN.shape[::-1] if is_turned else DRAWN.shape)
    assert said == ([EXIF_DAMAGED] if is_damaged else [])


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("share", [0.005, 0.3, 0.8])
def test_a_file_that_is_cut_off_is_told_by_one_sentence_whatever_its_kind(
    suffix: str, share: float, tmp_path: Path
) -> None:
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 40, 3), dtype=np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    with pytest.raises(MismatchError, match=rf"^Cannot read .*cut\.{suffix}: it is cut off or damaged\.$"):
        read_pictures(path, 1)


@pytest.mark.parametrize("shape", [(0, 28, 28), (0, 28), (3, 0, 5)])
def test_an_npy_file_without_pixels_holds_no_pictures(shape: tuple[int, ...], tmp_path: Path) -> None:
    np.save(tmp_path / "empty.npy", np.zeros(shape, np.uint8))
    with pytest.raises(MismatchError, match=r"empty\.npy holds no pictures: its shape is \("):
        read_pictures(tmp_path / "empty.npy", 1)


@pytest.mark.parametrize("name", ["whole.png", "whole.jpg", "whole.npy"])
def test_a_damaged_file_is_read_or_refused_and_nothing_else(name: str, tmp_path: Path) -> None:
    whole, path = tmp_path / name, tmp_path / f"damaged-{name}"
    if name.endswith(".npy"):
        np.save(whole, DRAWN)
    else:
        saved(Image.fromarray(COLOURED), whole)
    refused = []
    for damaged in mutants(whole.read_bytes(), 200, seed=1):
        path.write_bytes(damaged)
        try:
            assert read_pictures(path, 1).dtype == np.uint8
        except PennyweightError as error:
            refused.append(str(error))
    assert all(str(path) in sentence and "\n" not in sentence for sentence in refused)
    assert 50 < len(refused) < 200


def test_a_file_that_is_not_there_or_too_large_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match=r"Cannot read .*nothing\.png: No such file"):
        read_pictures(tmp_path / "nothing.png", 1)
    path = saved(Image.fromarray(DRAWN), tmp_path / "some.png")
    monkeypatch.setattr(pictures, "LARGEST_BYTES", 10)
    with pytest.raises(UnavailableError, match="at most 10 are read"):
        read_pictures(path, 1)


def test_other_numbers_of_channels_come_from_npy_files_alone(tmp_path: Path) -> None:
    path = saved(Image.fromarray(DRAWN), tmp_path / "some.png")
    with pytest.raises(MismatchError, match="2 channels are read from NPY files"):
        read_pictures(path, 2)


def test_a_folder_gives_its_pictures_at_any_depth_sorted_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b/2.JPG", "b/1.png", "a.npy", "notes.txt", ".hidden/3.png", ".4.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "round").symlink_to(tmp_path)
    found = list(picture_files([tmp_path, Path("named.gif")]))
    assert found == [*(tmp_path / name for name in ("a.npy", "b/1.png", "b/2.JPG")), Path("named.gif")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnavailableError, match=r"There is no PNG, JPEG or NPY file in .*empty"):
        list(picture_files([tmp_path / "empty"]))
