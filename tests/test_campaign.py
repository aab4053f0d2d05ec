"""The campaign sees what is not as promised, says how to repeat it, and repeats it."""

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import crashing
import pytest
from campaign import __main__ as campaign
from campaign import contention, full_disks, kills, mutants, odd_files, signals
from campaign.cases import KINDS, one_case
from campaign.mutations import mutate
from campaign.place import Place, clean, idx_files, prepare, use_engine
from crashing import Ended

SENTENCE = "Error: Cannot read run/record.json: it is a pipe.\n"
FINE = [
    Ended(0, "done", ""),
    Ended(1, "NOT MET", ""),
    Ended(3, "", SENTENCE),
    Ended(130, "", "Error: Interrupted."),
    Ended(-9, "", ""),
    Ended(2, "target  result\nx.toml  ERROR   no recipe", ""),
]
UGLY = [
    (Ended(1, "", "Traceback (most recent call last):\n"), "Traceback"),
    (Ended(1, "", "Error: Unexpected error: OSError: x. Set PENNYWEIGHT_TRACEBACK=1 to see where.\n"), "Unexpected"),
    (Ended(0, "", "Exception ignored in: x"), "ignored"),
    (Ended(3, "", ""), "without a sentence"),
    (Ended(-14, "", ""), "took more than 60 seconds"),
    (Ended(-11, "", ""), "ended in -11"),
    (Ended(5, "", SENTENCE), "ended in 5"),
]


@pytest.mark.parametrize("ended", FINE)
def test_what_ends_as_promised_is_clean(ended: Ended) -> None:
    assert clean(ended, ["audit", "x.toml"]) is ended


@pytest.mark.parametrize(("ended", "words"), UGLY, ids=[words for _, words in UGLY])
def test_a_traceback_a_hang_a_crash_and_a_missing_sentence_are_breaches(ended: Ended, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        clean(ended, ["judge", "run"])


def test_only_what_judges_may_end_in_1_without_a_sentence() -> None:
    with pytest.raises(AssertionError, match="without a sentence"):
        clean(Ended(1, "NOT MET", ""), ["list"])


@pytest.mark.parametrize("ending", [".json", ".toml", ".csv", ".safetensors", ".gz", ".so"])
def test_a_file_is_changed_in_many_ways_and_in_the_same_way_by_the_same_seed(ending: str, digits_run: Path) -> None:
    names = {".json": "record.json", ".toml": "recipe.toml", ".csv": "metrics.csv"}
    files = {one: (digits_run / name).read_bytes() for one, name in names.items()}
    files |= {
        ".safetensors": (digits_run / "weights.safetensors").read_bytes(),
        ".gz": next(iter(idx_files().values())),
    }
    content = files.get(ending, b"any bytes" * 99)
    seen = [mutate(content, ending, random.Random(number)) for number in range(60)]
    assert [mutate(content, ending, random.Random(number)) for number in range(60)] == seen
    assert sum(changed != content for _, changed in seen) > 50
    assert len(dict(seen)) > 12


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two kinds: one is always well, and of the other every third case is not."""

    def well(chance: random.Random, place: Place) -> str:
        place.noted(FINE[2])
        return f"drew {chance.random()} with {place.engine}"

    def not_well(chance: random.Random, place: Place) -> str:
        place.noted(FINE[2])
        (place.folder / "left").touch()
        if chance.random() < 1 / 3:
            raise AssertionError("a run came to another result")
        return "well"

    for kind in list(KINDS):
        monkeypatch.delitem(KINDS, kind)
    monkeypatch.setitem(KINDS, "well", SimpleNamespace(WAYS=(well,), __doc__="Always well."))
    monkeypatch.setitem(KINDS, "not-well", SimpleNamespace(WAYS=(not_well,), __doc__="Not always."))
    yield
    use_engine("torch")


def campaign_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    monkeypatch.setattr(campaign, "prepare", lambda shared: None)
    monkeypatch.setattr(sys, "argv", ["campaign", "--seed", "3", *words])
    return campaign.main(), capsys.readouterr().out


@pytest.mark.usefixtures("made_up")
def test_a_kind_whose_misfortune_never_strikes_a_command_ends_in_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(KINDS, "not-well")
    assert campaign_of(monkeypatch, capsys, "--minutes", "0.005")[0] == 0

    def judged(_: random.Random, place: Place) -> str:
        return str([place.noted(one).code for one in FINE[:2]])

    monkeypatch.setattr(campaign, "DRAWN", ("idle", "well"))
    monkeypatch.setitem(KINDS, "idle", SimpleNamespace(WAYS=(judged,), __doc__="Nothing happens."))
    code, printed = campaign_of(monkeypatch, capsys, "--minutes", "0.005")
    assert code == 1
    assert "idle, judged: no command was struck in 30 cases or more" in printed
    assert "well, well" not in printed


@pytest.mark.usefixtures("made_up")
def test_a_breach_ends_in_1_and_is_repeated_by_the_line_that_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> tuple[int, str]:
        return campaign_of(monkeypatch, capsys, *words)

    code, printed = run("--minutes", "0.005", "--report", str(tmp_path / "report.json"))
    assert code == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["seed"] == 3
    of_kind = {kind["kind"]: kind for kind in report["kinds"]}
    assert of_kind["well"]["breaches"] == []
    assert 0.1 < len(of_kind["not-well"]["breaches"]) / of_kind["not-well"]["ways"]["not_well"]["cases"] < 0.6
    assert of_kind["well"]["ways"]["well"]["struck"] == of_kind["well"]["ways"]["well"]["cases"] > 0
    first = of_kind["not-well"]["breaches"][0]["number"]
    assert f"make campaign SEED=3 CASE=not-well:{first}" in printed
    assert run("--case", f"not-well:{first}") == (1, f"{of_kind['not-well']['breaches'][0]['words']}\n")
    code, said = run("--case", "well:7")
    assert (code, said) == (0, run("--case", "well:7")[1])
    assert "drew 0." in said


@pytest.mark.usefixtures("made_up")
def test_a_case_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    for number in range(9):
        one_case("not-well", 1, number, tmp_path / "shared")
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PENNYWEIGHT_CACHE", "PENNYWEIGHT_DATA"):
            patch.setenv(name, "")
        folder = tmp_path_factory.mktemp("campaign") / "shared"
        folder.mkdir()
        prepare(folder)
        yield folder
    crashing.ALWAYS.clear()
    use_engine("torch")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_some_cases_of_every_kind_are_as_promised(kind: str, shared: Path) -> None:
    for number in range(3):
        case = one_case(kind, 0, number, shared)
        if case.breach:
            pytest.fail(case.breach)  # an assertion would shorten it
        assert case.words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "mistake"),
    [
        *((kills, "forget_slots"), (full_disks, "write_in_place"), (mutants, "ignore_digest")),
        *((contention, "forget_locks"), (signals, "forget_hangup"), (odd_files, "forget_permissions")),
    ],
)
def test_control_a_planted_mistake_is_found(kind: object, mistake: str, shared: Path) -> None:
    name = next(name for name, module in KINDS.items() if module is kind)
    crashing.ALWAYS.append((mistake, None))
    try:
        breaches = (one_case(name, 0, number, shared).breach for number in range(150))
        assert next(filter(None, breaches), "")
    finally:
        crashing.ALWAYS.pop()
