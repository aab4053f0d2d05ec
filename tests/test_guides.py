"""The tutorial and the how-to guides work as they are written: commands and Python, page by page."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("tutorial.md", *sorted(f"guides/{path.name}" for path in (DOCS / "guides").glob("*.md")))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def steps(text: str) -> list[tuple[str, int]]:
    """Return the commands of a page with the exit codes they announce, 0 where they say nothing, and its Python."""
    found: list[tuple[str, int]] = []
    for language, block in BLOCK.findall(re.sub(r"<!-- table.*?<!-- end -->", "", text, flags=re.DOTALL)):
        if language == "python":
            found.append((block, 0))
        found += [
            (line, int((re.findall(r"# exit (\d+)$", line) or [0])[0]))
            for line in block.splitlines()
            if language == "" and line.startswith("pennyweight ")
        ]
    return found


class Log:
    """Stands in for a service: takes the calls that the guide makes, by the names and arguments of the real ones."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.figures: dict[int, dict[str, float]] = {}
        self.summary: dict[str, Any] = {}
        self.ended = False

    def mlflow(self) -> ModuleType:
        def start_run(run_id: str | None = None, *, run_name: str | None = None) -> None:
            assert run_name

        def log_metrics(metrics: dict[str, float], step: int | None = None) -> None:
            assert step is not None
            self.figures[step] = metrics

        def log_metric(key: str, value: float, step: int | None = None) -> None:
            self.summary[key] = value

        def log_artifact(local_path: str, artifact_path: str | None = None) -> None:
            assert Path(local_path).is_file()

        module = ModuleType("mlflow")
        vars(module).update(
            start_run=start_run,
            log_params=self.settings.update,
            log_metrics=log_metrics,
            log_metric=log_metric,
            log_artifact=log_artifact,
            end_run=self.end,
        )
        return module

    def wandb(self) -> ModuleType:
        def log(data: dict[str, float], step: int | None = None) -> None:
            assert step is not None
            self.figures[step] = data

        def init(*, project: str, name: str, config: dict[str, Any]) -> SimpleNamespace:
            assert project
            assert name
            self.settings.update(config)
            return SimpleNamespace(log=log, summary=self.summary, finish=self.end)

        module = ModuleType("wandb")
        vars(module).update(init=init)
        return module

    def tensorboard(self) -> ModuleType:
        def add_text(tag: str, text_string: str, global_step: int | None = None) -> None:
            if tag == "settings":
                self.settings.update(part.split(" ") for part in text_string.split(", "))
            else:
                self.summary[tag.replace(" ", "_")] = text_string

        def add_scalar(tag: str, scalar_value: float, global_step: int | None = None) -> None:
            assert global_step is not None
            self.figures.setdefault(global_step, {})[tag] = scalar_value

        def writer(logdir: str | None = None) -> SimpleNamespace:
            assert logdir
            return SimpleNamespace(add_text=add_text, add_scalar=add_scalar, close=self.end)

        module = ModuleType("tensorboardX")
        vars(module).update(SummaryWriter=writer)
        return module

    def end(self) -> None:
        self.ended = True


def test_the_guides_are_the_pages_of_their_index() -> None:
    index = (DOCS / "guides" / "index.md").read_text()
    named = set(re.findall(r"\]\((\w+)\.md\)", index))
    assert named == {Path(page).stem for page in PAGES if page.startswith("guides/")} - {"index"}
    listed = index.partition("```{toctree}")[2]
    assert all(re.search(rf"^{name}$", listed, re.MULTILINE) for name in named)


def test_steps_are_read_in_order_with_their_exit_codes() -> None:
    text = "```\npennyweight list\nls\npennyweight judge x  # exit 1\n```\n\n```python\nprint(1)\n```\n"
    assert steps(text) == [("pennyweight list", 0), ("pennyweight judge x  # exit 1", 1), ("print(1)\n", 0)]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_guide_works_from_top_to_bottom(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    logs = {"mlflow": Log(), "wandb": Log(), "tensorboard": Log()}
    monkeypatch.setitem(sys.modules, "mlflow", logs["mlflow"].mlflow())
    monkeypatch.setitem(sys.modules, "wandb", logs["wandb"].wandb())
    monkeypatch.setitem(sys.modules, "tensorboardX", logs["tensorboard"].tensorboard())
    names: dict[str, object] = {"__name__": "guide"}
    for step, expected in steps((DOCS / page).read_text()):
        if not step.startswith("pennyweight "):
            exec(compile(step, page, "exec"), names)
            continue
        words = shlex.split(step, comments=True)[1:]
        done = subprocess.run(
            [sys.executable, "-m", "pennyweight", *words],
            capture_output=True,
            text=True,
            timeout=600,
            env={**os.environ, "COLUMNS": "80"},
        )
        assert done.returncode == expected, f"{page}: {step}\n{done.stdout}{done.stderr}"
    if page == "guides/log_elsewhere.md":
        for log in logs.values():
            assert log.settings["dataset"] == "digits"
            assert sorted(log.figures) == [1, 2]
            assert log.figures[2].keys() >= {"train_loss", "test_accuracy", "learning_rate"}
            assert "budget_kept" in log.summary
            assert log.ended
