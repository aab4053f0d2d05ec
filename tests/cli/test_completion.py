"""Tab completion as a shell has it: installed with the command of the README, then asked by the shell itself."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SHELLS = {
    "bash": {"COMP_WORDS": "pennyweight tr", "COMP_CWORD": "1"},
    "zsh": {"_TYPER_COMPLETE_ARGS": "pennyweight tr"},
    "fish": {"_TYPER_COMPLETE_ARGS": "pennyweight tr", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}
"""What each shell's script tells us of `pennyweight tr` and the Tab key."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with `pennyweight` on the path, where bash was told to complete it."""
    folder = tmp_path_factory.mktemp("home")
    program = folder / "bin" / "pennyweight"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m pennyweight "$@"\n')
    program.chmod(0o755)
    said = bash(folder, "pennyweight --install-completion")
    assert said == [
        f"bash completion installed in {folder}/.bash_completions/pennyweight.sh",
        "Completion will take effect once you restart the terminal",
    ]
    return folder


def bash(home: Path, script: str, **more: str) -> list[str]:
    environment = {**os.environ, "HOME": str(home), "PATH": f"{home / 'bin'}:{os.environ['PATH']}", **more}
    # a script of two commands, for bash takes the place of itself with a last one, and no shell is above it any more
    words = ["bash", "--noprofile", "--norc", "-c", f"{script}\ntrue"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=home, timeout=120)
    assert done.stderr == ""
    return done.stdout.splitlines()


def offered(home: Path, *words: str) -> set[str]:
    """Return what a new bash offers behind `pennyweight WORDS` when Tab is pressed at the end of the last."""
    listed = " ".join(f"'{word}'" for word in ("pennyweight", *words))
    script = f"""
. ~/.bashrc
complete -p pennyweight >/dev/null || exit
COMP_WORDS=({listed}) COMP_CWORD={len(words)}
_pennyweight_completion pennyweight
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return {line for line in bash(home, script) if line}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("tr",), {"train"}),
        (("c",), {"compare", "claims"}),
        (("show", "compact"), {"compact-regularized", "compact-minimal"}),
        (("train", "pennyweight-8k", "--dataset", "fash"), {"fashion-mnist"}),
        (("compare", "skip-3", "skip-"), {"skip-1", "skip-2", "skip-3"}),
        (("verify", "penny"), {"pennyweight-8k"}),
        (("show", "skip-3", "--format", "t"), {"table", "torchsummary"}),
        (("train", "nothing-like-it"), set()),
    ],
)
def test_bash_completes_verbs_recipes_and_datasets(words: tuple[str, ...], expected: set[str], home: Path) -> None:
    assert offered(home, *words) == expected


def test_a_shell_that_does_not_know_us_completes_nothing(tmp_path: Path, home: Path) -> None:
    """So that what is tested above comes from the file that was installed."""
    (tmp_path / "bin").symlink_to(home / "bin")
    (tmp_path / ".bashrc").touch()
    script = ". ~/.bashrc; complete -p pennyweight 2>&1"
    assert bash(tmp_path, script) == ["bash: line 1: complete: pennyweight: no completion specification"]


def test_installing_twice_changes_nothing(home: Path) -> None:
    before = offered(home, "show", "")
    bash(home, "pennyweight --install-completion")
    assert (home / ".bashrc").read_text().count("pennyweight.sh") == 1
    assert offered(home, "show", "") == before != set()


def test_what_is_shown_is_what_is_installed(home: Path) -> None:
    shown = bash(home, "pennyweight --show-completion")
    assert shown == (home / ".bash_completions" / "pennyweight.sh").read_text().splitlines()


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_is_answered_in_its_own_words(shell: str, home: Path) -> None:
    told = {**SHELLS[shell], "_PENNYWEIGHT_COMPLETE": f"complete_{shell}"}
    answer = "\n".join(bash(home, "pennyweight", **told))
    assert re.findall(r"^(?:_arguments '\*: :\(\(\")?(\w+)", answer, re.MULTILINE) == ["train"]
    script = "\n".join(bash(home, "pennyweight", _PENNYWEIGHT_COMPLETE=f"source_{shell}"))
    assert f"_PENNYWEIGHT_COMPLETE=complete_{shell}" in script
    assert all(name in script for name in SHELLS[shell])
