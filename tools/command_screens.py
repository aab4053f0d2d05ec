"""What README and docs show of the commands: their screens, their folders, exit codes and JSON, by asking them."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pennyweight as pw
from pennyweight.api import plan_run
from pennyweight.base.errors import PennyweightError
from pennyweight.reporting.outputs import outputs_page
from pennyweight.reporting.text import wrapped
from pennyweight.tables.markdown import to_markdown
from pennyweight.tables.table import Column, table

ROOT = Path(__file__).parent.parent
BETWEEN = "\n\n"
SCREENS = {
    "formats": ("export", "--list"),
    "tutorial_verdict": ("judge", "records/mnist/native/progressive-3/seed-0.json"),
    "compared": ("compare", "progressive-3", "skip-3"),
}
"""The commands that are shown with all that they print."""
LAYERS = {"layers": "pennyweight-8k", "tutorial_layers": "progressive-3"}
"""The recipes of which `show` is shown, without what is around the layers."""
COMMONEST = (
    ("A misspelt recipe", "show progresive-3"),
    ("A misspelt setting", "train skip-3 -s optimizer.learning_rat=0.1"),
    ("A value that is none", "train skip-3 -s epochs=many"),
    ("A folder of data that is not there", "train skip-3 --data nowhere"),
    ("A run that is not finished, or a folder that holds none", "judge runs/skip-3"),
    ("A file that was cut off or edited", "judge damaged.json"),
    ("A file in place of a folder", "train skip-3 --dataset digits --engine native --out damaged.json"),
    ("A side of a comparison that is neither a folder nor a recipe", "compare skip-3 skip-4"),
)
"""What goes wrong most often, each with a command that shows it."""


def shown(*words: str) -> Iterator[str]:
    """Yield a command and what it prints, as in a terminal."""
    line, out, err, code = ended(*words)
    assert code in (0, 1), err
    yield f"```\n$ pennyweight {line}\n{out.rstrip()}\n```"


def layers(recipe: str) -> Iterator[str]:
    """Yield the layers that `show` prints of a recipe, without what is around them."""
    first, out, *_ = ended("show", recipe)
    yield f"```\n$ pennyweight {first}\n...\n{out.split(BETWEEN)[1]}\n...\n```"


def verdicts(record: str, recipe: str) -> Iterator[str]:
    """Yield what `judge` prints of one run up to its last limit, and of all seeds how many kept it and the verdict."""
    first, of_run, *_ = ended("judge", record)
    second, of_seeds, *_ = ended("judge", recipe)
    limits = of_run.partition("\n  on other test sets ")[0]
    lines = of_seeds.split(BETWEEN)[-1].splitlines()
    kept, others, last = (
        next(number for number, line in enumerate(lines) if line.startswith(start))
        for start in ("  budget kept by ", "  on other test sets ", "  verdict on the recipe: ")
    )
    seeds = "\n".join([lines[0], "  ...", *lines[kept:others], "  ...", lines[last]])
    yield f"```\n$ pennyweight {first}\n{limits}\n...\n$ pennyweight {second}\n...\n{seeds}\n...\n```"


def commonest() -> Iterator[str]:
    """Yield what the commonest mistakes end in, by making them."""
    record = (ROOT / "records" / "mnist" / "native" / "skip-3" / "seed-0.json").read_bytes()
    with TemporaryDirectory() as folder, chdir(folder):
        Path("damaged.json").write_bytes(record[: len(record) // 2])
        for title, words in COMMONEST:
            _, out, err, code = ended(*shlex.split(words))
            said = wrapped(err.strip().splitlines()[-1], width=100)
            yield f"**{title}** (exit {code})\n\n```\n$ pennyweight {words}\n{out}{said}\n```\n"


def ended(*words: str) -> tuple[str, str, str, int]:
    """Return a command as one line, what it printed and its exit code, run in a terminal of 80 columns."""
    # by its name, whose length decides where lines break, wherever this Python lies
    code = f"import sys; sys.argv = {['pennyweight', *words]!r}; from pennyweight.cli.main import run; run()"
    command = [sys.executable, "-c", code]
    surroundings = {**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=surroundings)
    return shlex.join(words), done.stdout, done.stderr, done.returncode


def json() -> Iterator[str]:
    """Yield docs/json.md: the shape of what every command prints with --json."""
    yield outputs_page()


def folders() -> Iterator[str]:
    """Yield the folders of some commands, as the command line would name them."""
    digits = pw.dataset("digits")
    words = ([], ["--seed", "3"], ["-s", "epochs=5"], ["-s", "optimizer.learning_rate=0.01"], ["--no-test"])
    rows = []
    for more in (*words, ["--engine", "torch"], ["--out", "mine"]):
        request = pw.Request(
            target="skip-3",
            seed=int(more[1]) if "--seed" in more else 0,
            settings=tuple(more[1:]) if "-s" in more else (),
            dataset=digits,
            engine="torch" if "--engine" in more else "native",
            use_test="--no-test" not in more,
            out=Path("mine") if "--out" in more else None,
        )
        command = " ".join(["pennyweight train skip-3 --dataset digits", *more])
        rows.append((command, plan_run(request).folder))
    yield to_markdown(table((Column("command"), Column("folder")), rows))


def exit_codes() -> Iterator[str]:
    """Yield the exit codes with the errors that end in them, from the classes of the errors."""
    kinds = sorted(PennyweightError.__subclasses__(), key=lambda kind: (kind.exit_code, kind.__name__))
    rows = [("0", "", "Done. The verdict of a finished training is a result, not a failure.")]
    rows += [("1", "", "A judgement failed: judge, audit or verify.")]
    rows += [(str(kind.exit_code), kind.__name__, (kind.__doc__ or "").split("\n\n")[0]) for kind in kinds]
    yield to_markdown(table((Column("exit code"), Column("error in Python"), Column("when")), rows))


TABLES = {
    **{function.__name__: function for function in (commonest, json, folders, exit_codes)},
    **{name: partial(shown, *words) for name, words in SCREENS.items()},
    **{name: partial(layers, recipe) for name, recipe in LAYERS.items()},
    "verdict": partial(verdicts, "records/mnist/native/pennyweight-8k/seed-0.json", "pennyweight-8k"),
}
