"""What `make wheel` builds installs where neither compiler nor network is, and does there what the README promises."""

import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import pennyweight
from pennyweight.base.version import VERSION

ROOT = Path(__file__).parent.parent
OLDEST = (3, 11)
NOT_RELEASED = (".ci/", ".gitignore", "MANIFEST.in")
FIRST_COMMANDS = 5
COMPILED = (".so", ".o")
pytestmark = pytest.mark.slow


def in_git() -> list[str]:
    """Return the files of the checkout, those to be committed too."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in listed if (ROOT / name).is_file()]


@functools.cache
def pythons() -> list[str]:
    """Return the lowest and the highest Python on this machine that is supported: on the path or beside this one."""
    beside = Path(sys.base_prefix).parent.glob("*/bin/python3.*")
    named = (shutil.which(f"python3.{minor}") for minor in range(OLDEST[1], 30))
    found: dict[tuple[int, ...], str] = {}
    for path in (sys.executable, *filter(None, named), *map(str, beside)):
        if re.search(r"python(3\.\d+|3)?$", path):
            done = subprocess.run([path, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True)
            version = tuple(map(int, done.stdout.split()))
            if done.returncode == 0 and version >= OLDEST:
                found.setdefault(version, path)
    return list(dict.fromkeys((found[min(found)], found[max(found)])))


def run(words: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=900, **options)  # type: ignore[call-overload, no-any-return]


def must(words: list[str], **options: object) -> str:
    done = run(words, **options)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make wheel` builds from a copy of the checkout."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in in_git():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    ready = f"{sys.prefix}/.dev"  # the environment that runs this test has what the rule asks for
    must(["make", "wheel", f"VENV={sys.prefix}", "-o", ready], cwd=checkout, env={**os.environ, "PYTHONPATH": ""})
    return checkout / "dist"


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return dist / f"pennyweight-{VERSION}-py3-none-any.whl"


@pytest.fixture(scope="module", params=pythons(), ids=lambda path: Path(path).name)
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> "Installed":
    """A clean environment with the wheel in it, and the packages it asks for as files beside it."""
    folder = tmp_path_factory.mktemp("clean")
    must([request.param, "-m", "venv", str(folder / "venv")])
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    got = run([*pip, "download", "-q", "-d", str(folder / "files"), f"{wheel}[compiler]", "setuptools>=77"], env=clean)
    if got.returncode:
        pytest.skip(f"pip finds no packages to install here: {got.stderr[-300:]}")
    found = Installed(folder)
    found.install(str(wheel))
    return found


class Installed:
    """An environment of its own without compiler and network, whose home holds nothing."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.files, self.home = folder / "venv" / "bin", folder / "files", folder / "home"
        self.home.mkdir()
        nowhere = "http://127.0.0.1:9"
        self.environment = {
            "PATH": str(self.bin),
            "HOME": str(self.home),
            "OMP_NUM_THREADS": "1",
            **dict.fromkeys(("http_proxy", "https_proxy"), nowhere),
        }

    def install(self, what: str) -> None:
        words = [str(self.bin / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-index"]
        must([*words, "--find-links", str(self.files), what], env={**self.environment, "PIP_CONFIG_FILE": os.devnull})

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run(list(words), executable=self.bin / words[0], cwd=self.home, env=self.environment)

    def must(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert sorted(names) == sorted(name for name in in_git() if name.startswith("pennyweight/"))
    assert {".npz", ".h", ".c", ".gz", ".safetensors"} <= {Path(name).suffix for name in names}
    assert "pennyweight/py.typed" in names
    assert wheel.stat().st_size < 3_000_000


def test_the_source_distribution_is_the_checkout(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    top = f"pennyweight-{VERSION}/"
    with tarfile.open(path) as archive:
        held = {name.removeprefix(top) for name in archive.getnames()}
    missing = [name for name in in_git() if name not in held and not name.startswith(NOT_RELEASED)]
    assert missing == []
    assert not [name for name in held if name.endswith((*COMPILED, ".pyc")) or name.startswith((".venv", "runs/"))]


def test_the_wheel_says_what_it_is_and_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        facts = archive.read(f"pennyweight-{VERSION}.dist-info/METADATA").decode()
    assert f"\nVersion: {VERSION}\n" in facts
    assert "\nRequires-Python: >=3.11\n" in facts
    assert "\nLicense-Expression: MIT\n" in facts
    needed = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", facts, re.MULTILINE)
    assert set(needed) == {"numpy", "pillow", "platformdirs", "safetensors", "tomli-w", "typer"}


def test_an_installed_package_brings_its_weights_and_records(installed: Installed) -> None:
    assert installed.must("pennyweight", "--version") == f"pennyweight {VERSION}\n"
    script = """
import json, numpy, pennyweight as pw
model = pw.load("pennyweight-8k")
zeros = numpy.zeros((1, 28, 28), numpy.uint8)
print(json.dumps([pw.__file__, model.source, model.record.weights_sha256, model.logits(zeros)[0].tolist()]))
"""
    place, source, digest, logits = json.loads(installed.must("python", "-c", script))
    assert Path(place).is_relative_to(installed.bin.parent)
    here = pennyweight.load("pennyweight-8k")  # type: ignore[attr-defined]
    assert (source, digest) == (here.source, here.record.weights_sha256)
    np.testing.assert_allclose(logits, here.logits(np.zeros((1, 28, 28), np.uint8), "numpy")[0], rtol=1e-4, atol=1e-5)
    assert "progressive-3 is better" in installed.must("pennyweight", "compare", "progressive-3", "skip-3")
    assert "progressive-3 on mnist" in installed.run("pennyweight", "judge", "progressive-3").stdout
    claims = ["claims", "003", "--json"]
    assert installed.must("pennyweight", *claims) == must([sys.executable, "-m", "pennyweight", *claims])


def test_the_first_commands_of_the_readme_work_offline_without_a_compiler(installed: Installed) -> None:
    """On the digits; what trains needs the compiler that a package brings, and says so before."""
    readme = (ROOT / "README.md").read_text()
    lines = re.findall(r"^pennyweight .*$", readme, re.MULTILINE)[:FIRST_COMMANDS]
    commands = [shlex.split(line, comments=True) for line in lines]
    assert [words[1] for words in commands] == ["list", "show", "train", "train", "train"]
    quick = [
        [*words, "--dataset", "digits", *([] if "--epochs" in words else ["--epochs", "1"])]
        if words[1] == "train"
        else words
        for words in commands
    ]
    refused = installed.run(*quick[2])
    assert refused.returncode == 3, refused.stderr
    assert "pip install 'pennyweight[compiler]'" in refused.stderr
    installed.install("ziglang")
    for words in quick:
        installed.must(*words)
    records = [json.loads(path.read_text()) for path in sorted(installed.home.glob("runs/*/seed-*/record.json"))]
    assert {(record["dataset"], record["engine"]) for record in records} == {("digits", "native")}
    assert len(records) == 7
    assert {record["provenance"]["pennyweight"] for record in records} == {VERSION}


def test_the_source_distribution_installs_without_the_network(dist: Path, installed: Installed) -> None:
    (path,) = dist.glob("*.tar.gz")
    before = installed.must("pennyweight", "list")
    installed.must("python", "-m", "pip", "uninstall", "-q", "-y", "pennyweight")
    installed.install(str(path))
    assert installed.must("pennyweight", "list") == before
    assert "published with" in installed.must(
        "python", "-c", "import pennyweight as pw; print(pw.load('pennyweight-8k'))"
    )
