"""A Python file given without a name is the one recipe in it."""

import json
from pathlib import Path

import pytest

PY = "from support import TINY\nfrom dataclasses import replace\n"

ONE = [
    ("the only recipe", PY, "tiny"),
    ("one under two names", PY + "SAME = TINY", "tiny"),
    ("one made from a published one", "import pennyweight as pw\nB = pw.recipe('skip-3')\n", "skip-3"),
    (
        "its own beside a published one",
        "import pennyweight as pw\nfrom dataclasses import replace\n"
        "B = pw.recipe('skip-3')\nMINE = replace(B, name='mine')\n",
        "mine",
    ),
    (
        "one beside a private one",
        "from support import TINY as _T\nfrom dataclasses import replace\nN = replace(_T, name='n')",
        "n",
    ),
    ("a private one alone", "from support import TINY as _TINY", "tiny"),
]


@pytest.mark.parametrize(("content", "name"), [case[1:] for case in ONE], ids=[case[0] for case in ONE])
@pytest.mark.parametrize("verb", ["show", "audit"])
def test_a_file_with_one_recipe_needs_no_name(verb: str, content: str, name: str, command, here: Path) -> None:
    (here / "r.py").write_text(content)
    ended = command(verb, "r.py", *(("--max-params", 10_000) if verb == "audit" else ()))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.split()[0].rstrip(":") == name


def test_such_a_file_trains_too(command, here: Path) -> None:
    (here / "r.py").write_text(PY)
    ended = command("train", "r.py", "--dataset", "digits", "--epochs", 1)
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == "runs/tiny+epochs=1+dataset=digits/seed-0"


def test_paddings_and_rates_that_new_layers_have_in_common_with_the_old_are_not_changed(command, here: Path) -> None:
    (here / "r.py").write_text(
        "import pennyweight as pw\nfrom dataclasses import replace\nB = pw.recipe('progressive-3')\n"
        "MINE = replace(B, layers=B.layers[:-1] + (pw.Dropout(0.008), B.layers[-1]))\n"
    )
    origins = json.loads(command("show", "r.py:MINE", "--json").out)["from"]
    assert origins["layers"] == "changed"
    assert origins["layers.padding"] != "changed"


def test_what_a_recipe_file_prints_does_not_mix_with_the_result(command, here: Path) -> None:
    (here / "r.py").write_text(PY + "print('from the file')")
    for verb, *words in (("audit", "--max-params", 1_000), ("show",)):
        ended = command(verb, "r.py", *words, "--json")
        assert json.loads(ended.out)
        assert ended.err == "from the file\n"


def test_recipes_nested_without_end_are_not_compared_without_end(command, here: Path) -> None:
    nested = "R = Residual(())\nfor _ in range(3000): R = Residual((R,))\n"
    (here / "r.py").write_text(
        "from support import TINY as _T\nfrom dataclasses import replace\n"
        "from pennyweight.nets.layers import Residual\n"
        f"{nested}A = replace(_T, layers=(R, *_T.layers))\n{nested}B = replace(_T, layers=(R, *_T.layers))\n"
    )
    ended = command("show", "r.py")
    assert (ended.code, ended.out, ended.err) == (2, "", "Error: The layers of r.py are nested too deep to be read.\n")


TORCH = """
import torch
from torch import nn
from torch.nn import Linear
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(1, 8, 3)
BUILT = Net()
"""


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("r.py:Net", "'Net' in r.py is a PyTorch module, which cannot be read as a recipe."),
        ("r.py:BUILT", "'BUILT' in r.py is a PyTorch module, which cannot be read as a recipe."),
        ("r.py", "'Net' in r.py is a PyTorch module, which cannot be read as a recipe."),
        ("r.py:Nett", "r.py holds no recipe 'Nett'."),
    ],
)
def test_a_network_of_pytorch_is_said_to_be_none_of_ours(target: str, words: str, command, here: Path) -> None:
    (here / "r.py").write_text(TORCH)
    ended = command("audit", target, "--max-params", 8_000)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"Error: {words}")
    assert ("see docs/adding_a_recipe.md" in ended.err) == ("PyTorch" in words)


def test_a_recipe_beside_a_network_of_pytorch_is_read(command, here: Path) -> None:
    (here / "r.py").write_text(TORCH + PY)
    assert command("audit", "r.py", "--max-params", 8_000).code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("import pennyweight as pw\nL = pw.Conv(8, dilation=2)", "Conv takes channels, kernel, padding, stride, bias."),
        ("import pennyweight as pw\nL = pw.Conv2d(1, 8)", "There is no layer 'Conv2d'. It is Conv here."),
        ("from pennyweight import GELU", "There is no layer 'GELU'. Known: "),
        ("import pennyweight as pw\nL = pw.Recpie()", "has no attribute 'Recpie'\n"),
        ("dict(1, 2, dilation=3, **{})", "expected at most 1 argument, got 2\n"),
    ],
)
def test_what_pytorch_calls_otherwise_is_said_of_a_file_too(content: str, words: str, command, here: Path) -> None:
    (here / "r.py").write_text(content)
    ended = command("show", "r.py")
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err


def test_the_recipe_of_a_run_folder_is_named_where_the_folder_was(command, here: Path) -> None:
    (here / "run").mkdir()
    (here / "run/recipe.toml").touch()
    ended = command("show", "run")
    assert (ended.code, ended.err) == (2, "Error: run is the folder of a run; its recipe is run/recipe.toml.\n")
