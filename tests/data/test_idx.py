import errno
import gzip
import os
import time
import tracemalloc
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support import mutants

from pennyweight.base.errors import UnavailableError
from pennyweight.base.printable import printable
from pennyweight.data import idx
from pennyweight.data.idx import read_images, read_labels

Array = NDArray[np.uint8]
Reader = Callable[[Path], Array]
SEED = 20240607
PATTERN = np.random.default_rng(SEED)
IMAGES: Array = PATTERN.integers(0, 256, (12, 5, 4), dtype=np.uint8)
LABELS: Array = PATTERN.integers(0, 10, 200, dtype=np.uint8)


def header(*sizes: int, type_code: int = 8) -> bytes:
    return bytes([0, 0, type_code, len(sizes)]) + b"".join(size.to_bytes(4, "big") for size in sizes)


def pack(array: Array) -> bytes:
    return header(*array.shape) + array.tobytes()


def put(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refused(reader: Reader, path: Path) -> str:
    with pytest.raises(UnavailableError) as caught:
        reader(path)
    message = str(caught.value)
    assert printable(str(path)) in message
    assert "\n" not in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize("name", ["data.gz", "data"])
@pytest.mark.parametrize("wrap", [gzip.compress, bytes], ids=["gzipped", "raw"])
def test_content_decides_what_is_gzip_and_not_the_name(
    tmp_path: Path, name: str, wrap: Callable[[bytes], bytes]
) -> None:
    images = read_images(put(tmp_path, wrap(pack(IMAGES)), "images-" + name))
    labels = read_labels(put(tmp_path, wrap(pack(LABELS)), "labels-" + name))
    assert np.array_equal(images, IMAGES)
    assert np.array_equal(labels, LABELS)
    assert images.dtype == labels.dtype == np.uint8
    assert not images.flags.writeable
    assert not labels.flags.writeable


LIES: list[tuple[str, bytes, tuple[str, ...]]] = [
    ("2^31 images", header(2**31, 28, 28), ("2,147,483,648 x 28 x 28", "1,683,627,180,032")),
    ("2^96 bytes", header(2**32 - 1, 2**32 - 1, 2**32 - 1), ("4,294,967,295",)),
    ("a product of 2^64", header(2**31, 2**31, 4), ("18,446,744,073,709,551,616",)),
    ("more than a small file can hold", header(10**6, 28, 28), ("784,000,000",)),
    ("no images", header(0, 28, 28), ("0 x 28 x 28", "holds no images")),
    ("no rows", header(5, 0, 28), ("5 x 0 x 28",)),
    ("4 dimensions", header(1, 2, 2, 1) + bytes(4), ("4 dimensions", "have 3")),
    ("float32", header(1, 1, 1, type_code=0x0D) + bytes(4), ("0x0d (float32)", "0x08 (uint8)")),
    ("no type", header(1, 1, 1, type_code=0x77) + bytes(1), ("0x77", "no type of IDX")),
    ("half a header", header(1, 2, 3)[:9], ("9 of 16 bytes",)),
    ("3 bytes", b"\0\0\x08", ("begins with 00 00 08,",)),
]


@pytest.mark.parametrize(("lie", "words"), [case[1:] for case in LIES], ids=[case[0] for case in LIES])
@pytest.mark.parametrize("wrap", [gzip.compress, bytes], ids=["gzipped", "raw"])
def test_a_header_that_lies_is_refused_with_its_figures(
    tmp_path: Path, lie: bytes, words: tuple[str, ...], wrap: Callable[[bytes], bytes]
) -> None:
    message = refused(read_images, put(tmp_path, wrap(lie)))
    assert all(word in message for word in words), message


@pytest.mark.parametrize("sizes", [(2**31, 28, 28), (10**6, 28, 28), (2**31, 2**31, 4)])
@pytest.mark.parametrize("wrap", [gzip.compress, bytes], ids=["gzipped", "raw"])
def test_a_header_that_claims_2_31_images_is_refused_before_memory_is_taken(
    tmp_path: Path, sizes: tuple[int, ...], wrap: Callable[[bytes], bytes]
) -> None:
    path = put(tmp_path, wrap(header(*sizes) + bytes(1000)))
    tracemalloc.start()
    started = time.monotonic()
    refused(read_images, path)
    seconds = time.monotonic() - started
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 2_000_000
    assert seconds < 1


def test_a_gzip_bomb_stops_one_byte_after_its_declared_size(tmp_path: Path) -> None:
    bomb = gzip.compress(header(2, 28, 28) + bytes(100_000_000), compresslevel=1)
    path = put(tmp_path, bomb)
    tracemalloc.start()
    message = refused(read_images, path)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 4_000_000
    assert "2 x 28 x 28 = 1,568 bytes, but it holds more" in message


DAMAGE: list[tuple[str, bytes, tuple[str, ...]]] = [
    ("nothing", b"", ("empty (0 bytes)",)),
    ("raw, cut", pack(IMAGES)[:-40], ("12 x 5 x 4 = 240 bytes", "holds 200")),
    ("raw, with more behind", pack(IMAGES) + b"more", ("= 240 bytes", "holds 244")),
    ("gzip, cut", gzip.compress(pack(IMAGES))[:-60], ("gzip data ended early", "of 241 bytes")),
    ("gzip, cut in its header", gzip.compress(pack(IMAGES))[:7], ("gzip data ended early, after 0 of 4 bytes",)),
    ("gzip of too little", gzip.compress(pack(IMAGES)[:-40]), ("= 240 bytes", "only 200")),
    ("gzip without checksum", gzip.compress(pack(IMAGES))[:-8], ("gzip data ended early",)),
    ("gzip with wrong checksum", gzip.compress(pack(IMAGES))[:-8] + bytes(8), ("damaged", "incorrect data check")),
    ("two gzip members", gzip.compress(pack(IMAGES)) * 2, ("its gzip data is followed by",)),
    ("a split into members", gzip.compress(pack(IMAGES)[:99]) + gzip.compress(pack(IMAGES)[99:]), ("only 83",)),
    ("garbage behind gzip", gzip.compress(pack(IMAGES)) + b"x", ("1 bytes seen",)),
    ("100,000 empty members", gzip.compress(b"") * 100_000, ("begins with nothing",)),
    ("gzip in gzip", gzip.compress(gzip.compress(pack(IMAGES))), ("packed twice",)),
    ("labels", pack(LABELS), ("holds labels where images were expected",)),
    ("a Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", ("Git LFS", "git lfs pull")),
    ("an HTML page", b"\r\n <!DOCTYPE html><html><body>Sign in", ("an HTML page",)),
    ("an XML page", b"<?xml version='1.0'?><Error>AccessDenied</Error>", ("an XML page",)),
    ("a zip archive", b"PK\x03\x04" + bytes(50), ("a zip archive",)),
    ("text", b"hello", ("begins with 68 65 6c 6c", "00 00 08 03")),
]


@pytest.mark.parametrize(("content", "words"), [case[1:] for case in DAMAGE], ids=[case[0] for case in DAMAGE])
def test_damage_is_named(tmp_path: Path, content: bytes, words: tuple[str, ...]) -> None:
    message = refused(read_images, put(tmp_path, content))
    assert all(word in message for word in words), message


def test_images_in_place_of_labels_are_named_as_such(tmp_path: Path) -> None:
    assert "holds images where labels were expected" in refused(read_labels, put(tmp_path, pack(IMAGES)))


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    cases = {"": "a folder", "pipe": "a pipe", "none": "No such file", "loop": "symbolic links", "x" * 300: "too long"}
    for name, words in cases.items():
        assert words in refused(read_images, tmp_path / name)
    assert "a device" in refused(read_images, Path("/dev/zero"))


def test_a_path_with_a_null_byte_is_refused() -> None:
    assert "null byte" in refused(read_images, Path("a\0b"))


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_a_file_the_system_refuses_is_named_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(path: str, flags: int) -> int:
        raise OSError(code, os.strerror(code), path)

    monkeypatch.setattr(idx, "open_regular", refuse)
    assert os.strerror(code) in refused(read_images, put(tmp_path, pack(IMAGES)))


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, pack(IMAGES))
    parse: Any = idx._parse

    def parse_while_changing(*arguments: Any) -> Array:
        array: Array = parse(*arguments)
        path.write_bytes(pack(IMAGES)[::-1] + b"longer")
        return array

    monkeypatch.setattr(idx, "_parse", parse_while_changing)
    assert "changed while it was being read" in refused(read_images, path)


def accepted(reader: Reader, path: Path, content: bytes) -> Array | None:
    """Return what is read, or None where it is refused; any other exception fails the test."""
    path.unlink(missing_ok=True)  # Writing over a file can wait for the disk; a new one does not.
    path.write_bytes(content)
    try:
        return reader(path)
    except UnavailableError:
        return None


@pytest.mark.parametrize(("reader", "array"), [(read_images, IMAGES), (read_labels, LABELS)])
def test_no_mutant_of_a_gzip_file_is_silently_wrong(tmp_path: Path, reader: Reader, array: Array) -> None:
    read = 0
    for mutant in mutants(gzip.compress(pack(array), mtime=0), 1_000, SEED):
        found = accepted(reader, tmp_path / "mutant", mutant)
        assert found is None or np.array_equal(found, array), f"seed {SEED}"
        read += found is not None
    assert read < 50  # Only what touches neither data nor checksum, such as the date in the gzip header.


@pytest.mark.parametrize(("reader", "array"), [(read_images, IMAGES), (read_labels, LABELS)])
def test_of_raw_mutants_only_the_structurally_valid_are_read(tmp_path: Path, reader: Reader, array: Array) -> None:
    start = 4 + 4 * array.ndim
    read = 0
    for mutant in mutants(pack(array), 1_000, SEED):
        found = accepted(reader, tmp_path / "mutant", mutant)
        sizes = np.frombuffer(mutant[4:start], ">u4").tolist() if len(mutant) >= start else [0]
        is_valid = mutant[:4] == pack(array)[:4] and len(mutant) - start == prod(sizes) > 0
        assert (found is not None) == is_valid, f"seed {SEED}"
        if found is not None:
            assert found.shape == tuple(sizes)
            assert found.tobytes() == mutant[start:]
            read += 1
    assert 0 < read < 1_000


@settings(max_examples=150, deadline=None, database=None, print_blob=True)
@given(
    content=st.binary(max_size=80), begin=st.sampled_from([b"", pack(LABELS)[:4], pack(IMAGES)[:4], b"\x1f\x8b\x08"])
)
def test_no_bytes_end_in_anything_but_an_array_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, begin: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "property"
    for wrap in (bytes, gzip.compress):
        for reader in (read_images, read_labels):
            found = accepted(reader, path, wrap(begin + content))
            assert found is None or found.size > 0


@settings(max_examples=60, deadline=None, database=None, print_blob=True)
@given(sizes=st.tuples(*[st.integers(1, 6)] * 3), seed=st.integers(0, 2**32))
def test_every_array_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, sizes: tuple[int, ...], seed: int
) -> None:
    array: Array = np.random.default_rng(seed).integers(0, 256, sizes, dtype=np.uint8)
    path = tmp_path_factory.getbasetemp() / "property"
    for content in (pack(array), gzip.compress(pack(array))):
        found = accepted(read_images, path, content)
        assert found is not None
        assert np.array_equal(found, array)
