"""A mirror of datasets on this machine that answers well, late, wrong or not at all."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HTML = b"<!DOCTYPE html><html><body>Please sign in to this network</body></html>"


class Mirror(ThreadingHTTPServer):
    """A mirror on loopback that answers in one chosen way and remembers what was asked of it."""

    daemon_threads = True

    def __init__(self, behaviour: str, contents: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.behaviour = behaviour
        self.contents = contents
        self.gets: list[str] = []
        self.heads: list[str] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/data/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients hang up on purpose here."""


class Answering(BaseHTTPRequestHandler):
    server: Mirror

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.server.heads.append(self.path)
        if self.server.behaviour == "late":
            self.server.closing.wait(0.3)
        if self.server.behaviour == "silent":
            self.server.closing.wait(5)
        self._begin(0)

    def do_GET(self) -> None:
        self.server.gets.append(self.path)
        content = self.server.contents[Path(self.path).name]
        match self.server.behaviour:
            case "403" | "503":
                self._begin(0)
            case "html":
                self._send(HTML, len(HTML))
            case "truncated":
                self._send(content[:30], len(content))
            case "wrong":
                self._send(content[:-1] + b"?", len(content))
            case "too long":
                self._send(content + b"x" * 10_000, len(content) + 10_000)
            case "stalled":
                self._send(content[:57], len(content))
                self.server.closing.wait(5)
            case "dripping":
                self._begin(len(content))
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    self.server.closing.wait(0.05)
            case _:
                self._send(content, len(content))

    def _begin(self, length: int) -> None:
        code = int(self.server.behaviour) if self.server.behaviour.isdigit() else 200
        self.send_response(code)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, content: bytes, length: int) -> None:
        self._begin(length)
        self.wfile.write(content)
        self.wfile.flush()


@contextmanager
def mirror(behaviour: str, contents: Mapping[str, bytes]) -> Iterator[Mirror]:
    """Serve these files by name; the behaviour "good" sends them as they are."""
    server = Mirror(behaviour, contents)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
