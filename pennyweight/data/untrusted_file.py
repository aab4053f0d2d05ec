"""What a file of images may turn out to hold, unpacked only as far as was asked."""

import zlib
from typing import BinaryIO

GZIP_MAGIC = b"\x1f\x8b"
SNIFFED_BYTES = 64
_PIECE_BYTES = 1 << 18
_REPLACE = "Delete it to have it downloaded again, or put a good copy in its place."
_BEGINNINGS = {
    b"version https://git-lfs": "a Git LFS pointer (the data itself was never fetched; `git lfs pull` does that)",
    GZIP_MAGIC: "gzip data packed twice",
    b"PK\x03\x04": "a zip archive",
    b"\xfd7zXZ": "xz data",
    b"BZh": "bzip2 data",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"\x89PNG": "a PNG picture",
    b"\x93NUMPY": "a NumPy array file",
}


class BadFile(Exception):
    """The short fact that makes a file unusable; the caller who knows the file's name adds it once."""

    def __init__(self, fact: str, remedy: str = _REPLACE) -> None:
        """Keep the fact and what the user can do about it."""
        super().__init__(fact)
        self.remedy = remedy


class GzipStream:
    """The bytes inside one gzip member, handed out in order and never more than asked for.

    zlib's `max_length` is what stops a file that unpacks to a thousand times its size.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Start at the current position of `file`, which must be the gzip magic."""
        self._file = file
        self._inflater = zlib.decompressobj(wbits=31)

    def read(self, count: int) -> bytearray:
        """Return `count` bytes, fewer only where the gzip member properly ends; raises BadFile."""
        unpacked = bytearray()
        while len(unpacked) < count and not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._file.read(_PIECE_BYTES)
            piece = self._inflate(packed, count - len(unpacked))
            unpacked += piece
            # With no input left zlib may still hold output back; only when that is dry too has the file ended.
            if not packed and not piece and not self._inflater.eof:
                raise BadFile(f"its gzip data ended early, after {len(unpacked):,} of {count:,} bytes")
        return unpacked

    def require_end(self) -> None:
        """Refuse a second gzip member or anything else behind the first, which gunzip would read on into."""
        rest = len(self._inflater.unused_data) + len(self._file.read(_PIECE_BYTES))
        if rest:
            raise BadFile(
                f"its gzip data is followed by something else (a second member, or garbage; {rest:,} bytes seen)"
            )

    def _inflate(self, packed: bytes, most_bytes: int) -> bytes:
        try:
            return self._inflater.decompress(packed, most_bytes)
        except zlib.error as error:
            raise BadFile(f"its gzip data is damaged ({error})") from error


def foreign(head: bytes) -> str | None:
    """Return what data beginning with `head` is when it is a known kind of something else, as `an HTML page`."""
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<!--")):
        return "an HTML page (a login or error page saved in place of the data)"
    return "an XML page" if text.startswith(b"<?xml") else None
