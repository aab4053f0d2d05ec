"""The C on docs/export.md is what a compiler takes as it stands, beside the files that an export writes."""

import re
import subprocess
from pathlib import Path

import pytest

import pennyweight as pw
from pennyweight.shipping.c_judge import STRICT

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
SNIPPETS = [block for block in re.findall(r"^```\w*\n(.*?)^```", PAGE.read_text(), re.M | re.S) if "#include" in block]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    for kind in ("c", "c-int8"):
        dataset = pw.dataset("digits")
        pw.export("progressive-3", to=kind, out=folder, dataset=dataset, checked=False)
    return folder


def test_there_is_one_for_each_format_in_c() -> None:
    assert [re.findall(r'#include "(\w+)\.h"', block) for block in SNIPPETS] == [
        ["progressive_3"],
        ["progressive_3_int8"],
    ]


@pytest.mark.parametrize("block", SNIPPETS, ids=["c", "c-int8"])
@pytest.mark.parametrize("flags", [("-x", "c", *STRICT), ("-x", "c++", "-Wall", "-Wextra")], ids=["C", "C++"])
def test_it_compiles_as_it_stands(block: str, flags: tuple[str, ...], exported: Path, tmp_path: Path) -> None:
    (tmp_path / "snippet.c").write_text(block)
    build = ["gcc", *flags, "-Werror", f"-I{exported}", "-c", "snippet.c", "-o", "snippet.o"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_heading_stands_twice() -> None:
    headings = re.findall(r"^#+ .*", PAGE.read_text(), re.M)
    assert len(headings) == len(set(headings))
