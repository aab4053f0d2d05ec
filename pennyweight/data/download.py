"""Asking mirrors whether they are there, and taking one file from one of them, within stated times."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException, HTTPResponse
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from urllib.error import HTTPError, URLError
from urllib.request import Request, build_opener

from pennyweight.base.stop import POLL_SECONDS, Stop, heed, never
from pennyweight.data.untrusted_file import SNIFFED_BYTES, foreign

_HEADERS = {"User-Agent": "pennyweight"}
_PIECE_BYTES = 1 << 16
# A server that sends one byte now and then never times out; below this rate it counts as stalled.
_SLOWEST_BYTES_PER_SECOND = 1024
_MEGABYTE = 1e6


@dataclass(frozen=True)
class Timeouts:
    """How long the network and other processes may take, in seconds."""

    reach_seconds: float = 8.0
    stall_seconds: float = 30.0
    lock_seconds: float = 900.0
    progress_seconds: float = 5.0


@dataclass(frozen=True)
class Answer:
    """What a mirror said when asked whether it is there; an empty `problem` means that it is."""

    mirror: str
    problem: str = ""


@dataclass(frozen=True)
class Expected:
    """What a file must turn out to be, in bytes and as SHA-256 in hexadecimal."""

    size_bytes: int
    sha256: str


class MirrorFailed(Exception):
    """Why one mirror did not give one file; `is_down` when asking it for another file would only cost time."""

    def __init__(self, reason: str, *, is_down: bool = False) -> None:
        """Keep the reason and whether the mirror is worth another question."""
        super().__init__(reason)
        self.is_down = is_down


def answers(mirrors: Sequence[str], file_name: str, seconds: float, stop: Stop = never) -> Iterator[Answer]:
    """Yield one answer per mirror, the quickest first; those silent after `seconds` come last, as problems.

    All are asked at the same time in daemon threads, because looking up a name can hang for minutes and cannot be
    cancelled. A mirror that answers late is still yielded properly when the caller asks for it late. Raises Interrupted
    when `stop` says so.
    """
    heard: SimpleQueue[Answer] = SimpleQueue()
    deadline = monotonic() + seconds
    for mirror in mirrors:
        Thread(target=_ask, args=(mirror, file_name, seconds, heard), daemon=True).start()
    silent = list(mirrors)
    while silent:
        left = max(0.0, deadline - monotonic())
        try:
            answer = heard.get(timeout=min(left, POLL_SECONDS))
        except Empty:
            if not left:
                break
            heed(stop, "asking the mirrors")
            continue
        silent.remove(answer.mirror)
        yield answer
    yield from (Answer(mirror, f"no answer within {seconds:g} seconds") for mirror in silent)


def download(
    url: str, expected: Expected, report: Callable[[str], None], patience: Timeouts, stop: Stop = never
) -> bytes:
    """Return the bytes behind `url` once their size and SHA-256 are as expected; raises MirrorFailed.

    Between two pieces it looks at `stop`, and raises Interrupted. Proxies are honoured as urllib does, from the
    environment (on macOS also from the system settings).
    """
    try:
        with _open(url, "GET", patience.stall_seconds) as response:
            content = _receive(response, expected, report, patience, stop)
    except HTTPError as error:
        error.close()
        raise MirrorFailed(f"it answered {error.code} {error.reason}") from error
    except TimeoutError as error:
        raise _stalled(patience) from error
    except (OSError, HTTPException, ValueError) as error:
        raise MirrorFailed(_reason(error), is_down=True) from error
    _require(content, expected)
    return content


def _open(url: str, method: str, seconds: float) -> HTTPResponse:
    # A fresh opener each time: urlopen keeps the first one, and with it the proxies of that moment.
    response: HTTPResponse = build_opener().open(Request(url, headers=_HEADERS, method=method), timeout=seconds)
    return response


def _ask(mirror: str, file_name: str, seconds: float, heard: "SimpleQueue[Answer]") -> None:
    problem = ""
    try:
        _open(mirror + file_name, "HEAD", seconds).close()
    except HTTPError as error:
        error.close()  # It refuses, but it is there: the download itself will say why.
    except Exception as error:  # Whatever happens in this thread must end as an answer, or the caller waits for it.
        problem = _reason(error)
    heard.put(Answer(mirror, problem))


def _receive(
    response: HTTPResponse, expected: Expected, report: Callable[[str], None], patience: Timeouts, stop: Stop
) -> bytes:
    """Return what the server sends, at most one byte more than expected; raises MirrorFailed when it stalls."""
    content = bytearray()
    window_start, window_bytes = monotonic(), 0
    said = monotonic()
    while piece := response.read1(min(_PIECE_BYTES, expected.size_bytes + 1 - len(content))):
        heed(stop, "downloading")
        content += piece
        now = monotonic()
        if now - said >= patience.progress_seconds:
            report(f"  {len(content) / _MEGABYTE:.1f} of {expected.size_bytes / _MEGABYTE:.1f} MB")
            said = now
        if now - window_start >= patience.stall_seconds:
            if len(content) - window_bytes < _SLOWEST_BYTES_PER_SECOND * patience.stall_seconds:
                raise _stalled(patience)
            window_start, window_bytes = now, len(content)
    return bytes(content)


def _require(content: bytes, expected: Expected) -> None:
    found = sha256(content).hexdigest()
    if found == expected.sha256:
        return
    kind = foreign(content[:SNIFFED_BYTES]) if not content.startswith(b"\x1f\x8b") else None
    if kind:
        raise MirrorFailed(f"it sent {kind}")
    if len(content) < expected.size_bytes:
        raise MirrorFailed(f"the transfer ended after {len(content):,} of {expected.size_bytes:,} bytes")
    if len(content) > expected.size_bytes:
        raise MirrorFailed(f"it sent more than the {expected.size_bytes:,} bytes of the file")
    raise MirrorFailed(f"the SHA-256 of what it sent begins with {found[:12]} instead of {expected.sha256[:12]}")


def _stalled(patience: Timeouts) -> MirrorFailed:
    return MirrorFailed(f"it stalled for {patience.stall_seconds:g} seconds", is_down=True)


def _reason(error: BaseException) -> str:
    """Return why a request failed in the system's words, without urllib's brackets around them."""
    inner = error.reason if isinstance(error, URLError) else error
    if isinstance(inner, TimeoutError):
        return "timed out"
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    return str(inner) or type(inner).__name__
