"""What is compared before and after: a folder's files, and a dataset that was fetched."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path


def state_of(folder: Path) -> dict[str, str]:
    """The digest of every file in a folder."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def fetching(folder: Path, url: str, contents: Mapping[str, bytes]) -> tuple[list[str], tuple[str, object]]:
    """The command that gets a dataset of these files, and what makes a mirror of ours the one it asks."""
    (folder / "data").mkdir(exist_ok=True)
    expected = {name: (len(content), sha256(content).hexdigest()) for name, content in contents.items()}
    return ["fetch", "mnist", "--data", "data"], ("mirror", [url, expected])


def fetched(home: Path, contents: Mapping[str, bytes]) -> None:
    """Assert that a dataset is there, whole, with nothing else beside it but the lock."""
    there = {path.name: path.read_bytes() for path in home.iterdir() if path.name != ".download.lock"}
    assert there == contents, f"{sorted(there)} in place of {sorted(contents)}"
