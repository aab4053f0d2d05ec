import gzip
import os
import socket
import threading
import time
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import mirrors
import platformdirs
import pytest

from pennyweight.base.errors import UnavailableError
from pennyweight.base.lock import file_lock
from pennyweight.data import fetch
from pennyweight.data.download import Expected, Timeouts
from pennyweight.data.fetch import LOCK_NAME, data_folder, fetch_source, require_folder
from pennyweight.data.sources import FASHION_MNIST, MNIST, SOURCES, Source

QUICK = Timeouts(reach_seconds=2.0, stall_seconds=0.5, lock_seconds=5.0, progress_seconds=0.05)
CONTENTS = {file.name: gzip.compress(f"the bytes of {file.name}".encode() * 9, mtime=0) for file in MNIST.files}
WRONG = {name: content[:-1] + b"?" for name, content in CONTENTS.items()}


mirror = partial(mirrors.mirror, contents=CONTENTS)


def small_source(*mirrors: str) -> Source:
    def expected(name: str) -> Expected:
        return Expected(len(CONTENTS[name]), sha256(CONTENTS[name]).hexdigest())

    first, second, third, fourth = (replace(file, expected=expected(file.name)) for file in MNIST.files)
    return Source("mnist", MNIST.class_names, first, second, third, fourth, mirrors, content="")


def closed_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {LOCK_NAME}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_what_is_missing_is_announced_downloaded_and_put_in_place(tmp_path: Path) -> None:
    said: list[str] = []
    with mirror("good") as good:
        paths = fetch_source(small_source(good.url), tmp_path, said.append, QUICK)
        assert fetch_source(small_source(good.url), tmp_path, said.append, QUICK) == paths
        assert len(good.gets) == 4
    assert [path.name for path in paths] == [file.name for file in MNIST.files]
    assert {path.name: path.read_bytes() for path in paths} == CONTENTS
    assert names_in(tmp_path / "mnist") == set(CONTENTS)
    assert sum("Downloading" in line and good.url in line for line in said) == 4
    assert all(len(line) < 400 for line in said)


FAILURES = [
    ("403", "it answered 403 Forbidden"),
    ("503", "it answered 503 Service Unavailable"),
    ("html", "it sent an HTML page"),
    ("truncated", "the transfer ended after 30 of"),
    ("too long", "it sent more than the"),
    ("wrong", "SHA-256 of what it sent begins with"),
    ("stalled", "it stalled for 0.5 seconds"),
    ("dripping", "it stalled for 0.5 seconds"),
]


@pytest.mark.parametrize(("behaviour", "reason"), FAILURES)
def test_where_one_mirror_fails_the_next_one_takes_over(tmp_path: Path, behaviour: str, reason: str) -> None:
    said: list[str] = []
    with mirror(behaviour) as bad, mirror("late") as good:
        paths = fetch_source(small_source(bad.url, good.url), tmp_path, said.append, QUICK)
    assert {path.name: path.read_bytes() for path in paths} == CONTENTS
    assert any(reason in line and bad.url.split("/")[2] in line for line in said), said
    assert names_in(tmp_path / "mnist") == set(CONTENTS)


@pytest.mark.parametrize(("behaviour", "reason"), FAILURES)
def test_where_all_mirrors_fail_nothing_is_left_and_the_message_tells_the_way_out(
    tmp_path: Path, behaviour: str, reason: str
) -> None:
    with mirror(behaviour) as bad, pytest.raises(UnavailableError) as caught:
        fetch_source(small_source(bad.url), tmp_path, lambda line: None, QUICK)
    message = str(caught.value)
    for words in ("No mirror gave all files", reason, bad.url, "by hand", str(tmp_path / "mnist"), "--dataset digits"):
        assert words in message
    assert all(name in message for name in CONTENTS)
    assert list(tmp_path.iterdir()) == []


def test_a_mirror_that_lacks_one_file_still_gives_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = MNIST.train_images.name
    monkeypatch.setitem(CONTENTS, first, WRONG[first])
    with mirror("good") as partly:
        source = replace(small_source(partly.url), train_images=MNIST.train_images)
        with pytest.raises(UnavailableError, match=first):
            fetch_source(source, tmp_path, lambda line: None, QUICK)
    assert names_in(tmp_path / "mnist") == set(CONTENTS) - {first}


def test_no_network_is_known_at_once_and_told_with_the_way_out(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        fetch_source(small_source(closed_url(), closed_url()), tmp_path, lambda line: None, QUICK)
    assert time.monotonic() - started < 1
    for words in ("There is no network", "Connection refused", "by hand", str(tmp_path / "mnist"), "--dataset digits"):
        assert words in str(caught.value)
    assert all(name in str(caught.value) for name in CONTENTS)


def test_looking_up_a_name_that_hangs_costs_no_more_than_the_stated_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def hang(*_: Any, **__: Any) -> Any:
        release.wait(10)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    source = small_source("http://first.invalid/", "http://second.invalid/")
    with pytest.raises(UnavailableError, match=r"no network.*first\.invalid: no answer within 0\.3 seconds"):
        fetch_source(source, tmp_path, lambda line: None, replace(QUICK, reach_seconds=0.3))
    assert time.monotonic() - started < 2
    release.set()


def test_a_silent_mirror_does_not_delay_one_that_answers(tmp_path: Path) -> None:
    with mirror("silent") as silent, mirror("good") as good:
        started = time.monotonic()
        fetch_source(small_source(silent.url, good.url), tmp_path, lambda line: None, QUICK)
        assert time.monotonic() - started < 1
        assert not silent.gets


def test_without_a_network_the_user_knows_within_ten_seconds() -> None:
    assert Timeouts().reach_seconds <= 8
    assert Timeouts().stall_seconds == 30


def test_a_proxy_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mirror("good") as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        fetch_source(small_source("http://somewhere.invalid/"), tmp_path, lambda line: None, QUICK)
        assert proxy.gets[0] == f"http://somewhere.invalid/{MNIST.train_images.name}"
    assert names_in(tmp_path / "mnist") == set(CONTENTS)


def test_two_at_once_download_every_file_once(tmp_path: Path) -> None:
    with mirror("late") as good:
        source = small_source(good.url)
        arguments = (source, tmp_path, lambda line: None, QUICK)
        threads = [threading.Thread(target=fetch_source, args=arguments) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(Path(path).name for path in good.gets) == sorted(CONTENTS)


def test_a_lock_that_is_not_released_ends_in_a_message(tmp_path: Path) -> None:
    said: list[str] = []
    lock = tmp_path / "mnist" / LOCK_NAME
    with (
        file_lock(lock, said.append, 1, doing="downloading"),
        pytest.raises(UnavailableError, match=r"more than 0\.2 seconds") as caught,
    ):
        fetch_source(small_source(closed_url()), tmp_path, said.append, replace(QUICK, lock_seconds=0.2))
    assert str(lock) in str(caught.value)
    assert sum("Another process" in line for line in said) == 1


def test_files_that_are_there_under_any_accepted_name_need_no_network(tmp_path: Path) -> None:
    home = tmp_path / "mnist"
    home.mkdir()
    for name in (
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte",
        "t10k-images.idx3-ubyte",
        "t10k-labels.idx1-ubyte",
    ):
        (home / name).touch()
    paths = fetch_source(small_source(closed_url()), tmp_path, pytest.fail, QUICK)
    assert [path.name for path in paths] == [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte",
        "t10k-images.idx3-ubyte",
        "t10k-labels.idx1-ubyte",
    ]
    assert names_in(home) == {path.name for path in paths}


def test_only_what_is_missing_is_downloaded_and_only_our_leftovers_are_removed(tmp_path: Path) -> None:
    home = tmp_path / "mnist"
    home.mkdir()
    (home / MNIST.test_labels.name).write_bytes(b"mine")
    (home / "notes.tmp").touch()
    (home / f"{MNIST.train_images.name}.{os.getpid()}.tmp").touch()
    with mirror("good") as good:
        fetch_source(small_source(good.url), tmp_path, lambda line: None, QUICK)
        assert len(good.gets) == 3
    assert (home / MNIST.test_labels.name).read_bytes() == b"mine"
    assert names_in(home) == {*CONTENTS, "notes.tmp"}


def test_a_folder_that_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "mnist").touch()
    with pytest.raises(UnavailableError, match=f"Cannot write {tmp_path}/mnist"):
        fetch_source(small_source(closed_url()), tmp_path, lambda line: None, QUICK)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UnavailableError, match=f"Cannot look into {tmp_path}/loop"):
        fetch_source(small_source(closed_url()), tmp_path / "loop", lambda line: None, QUICK)


def test_a_full_disk_is_no_reason_to_try_the_next_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise UnavailableError(f"Cannot write {path}: No space left on device.")

    monkeypatch.setattr(fetch, "write_atomically", full)
    with mirror("good") as good, mirror("late") as other:
        with pytest.raises(UnavailableError, match="No space left"):
            fetch_source(small_source(good.url, other.url), tmp_path, lambda line: None, QUICK)
        assert not other.gets


def test_a_slow_download_says_how_far_it_is(tmp_path: Path) -> None:
    said: list[str] = []
    patience = replace(QUICK, stall_seconds=0.4, progress_seconds=0.1)
    with mirror("dripping") as slow, pytest.raises(UnavailableError):
        fetch_source(small_source(slow.url), tmp_path, said.append, patience)
    assert any(line.endswith(" MB") and " of " in line for line in said)


def test_the_folder_is_the_one_named_else_the_environment_else_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENNYWEIGHT_DATA", str(tmp_path / "environment"))
    assert data_folder(tmp_path) == tmp_path
    assert data_folder(None) == tmp_path / "environment"
    monkeypatch.setenv("PENNYWEIGHT_DATA", "")
    assert data_folder(None) == platformdirs.user_cache_path("pennyweight")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder(Path("~/data")) == tmp_path / "data"


def test_without_a_home_the_way_out_is_named_and_a_folder_is_used_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless(_: str) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("PENNYWEIGHT_DATA", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_path", homeless)
    with pytest.raises(UnavailableError, match=r"There is no home folder .* with --data or \$PENNYWEIGHT_DATA\."):
        data_folder(None)
    assert data_folder(tmp_path) == tmp_path
    with pytest.raises(UnavailableError, match=f"There is no folder {tmp_path}/nothing"):
        require_folder(MNIST, tmp_path / "nothing")


@pytest.mark.parametrize("picture", ["a.png", "cats/one.JPG", "train/cats/one.webp"])
def test_a_folder_of_pictures_is_said_not_to_be_read_and_nothing_is_downloaded_into_it(
    tmp_path: Path, picture: str
) -> None:
    (tmp_path / picture).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / picture).touch()
    with pytest.raises(UnavailableError, match=rf"holds pictures, as .*/{picture}, and no mnist/\. .* IDX with 28x28"):
        require_folder(MNIST, tmp_path)
    (tmp_path / "mnist").mkdir()
    require_folder(MNIST, tmp_path)


@pytest.mark.parametrize("source", [MNIST, FASHION_MNIST], ids=lambda source: source.name)
def test_the_recorded_sizes_and_digests_are_those_of_the_published_files(mnist_folder: Path, source: Source) -> None:
    for file in source.files:
        path = mnist_folder / source.name / file.name
        if not path.exists():
            pytest.skip(f"{path} is not there as published")
        content = path.read_bytes()
        assert (len(content), sha256(content).hexdigest()) == (file.expected.size_bytes, file.expected.sha256)


def test_every_source_has_ten_classes_and_mirrors_that_end_in_a_slash() -> None:
    for name, source in SOURCES.items():
        assert source.name == name
        assert source.classes == len(set(source.class_names)) == 10
        assert len(source.mirrors) >= 2
        assert all(url.endswith("/") for url in source.mirrors)
