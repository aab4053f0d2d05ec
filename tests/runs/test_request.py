"""A request means the same as a value, as JSON and as words of the command line."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from support import TINY

from pennyweight.api import plan_run, train
from pennyweight.base.errors import UsageError
from pennyweight.cli.app import app
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.runs.request import Request, RequestOptions, as_request

# what an operating system can pass as a word
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
paths = words.map(Path)
requests = st.builds(
    Request,
    target=words.filter(lambda word: word != "all"),
    settings=st.lists(words.filter(lambda word: not word.strip().startswith("epochs")), max_size=3).map(tuple),
    epochs=st.none() | st.integers(-5, 10**6),
    seed=st.integers(0, 2**40),
    dataset=words,
    data=st.none() | paths,
    engine=words,
    device=words,
    out=st.none() | paths,
    use_test=st.booleans(),
    planned_seeds=st.just(0),
    again=st.booleans(),
)
planned = requests.map(lambda request: replace(request, planned_seeds=request.seed + 1))
any_request = requests | planned


@given(any_request | st.builds(replace, any_request, target=st.sampled_from([*RECIPES, TINY])))
def test_json_reads_back_to_an_equal_request(request: Request) -> None:
    text = request.to_json()
    assert "\n" not in text
    assert Request.from_json(text) == request


@given(any_request)
def test_the_command_line_reads_the_words_of_a_request_back_to_an_equal_one(request: Request) -> None:
    asked: list[Request] = []
    verb = typer.main.get_command(app).commands["train"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pennyweight.cli.train_one.train_one", lambda request, **_: asked.append(request))
        patch.setattr("pennyweight.cli.signals.stop_on_signals", lambda: lambda: False)
        verb.invoke(verb.make_context("train", list(request.words())))
    assert asked == [request]


def test_words_leave_out_what_is_at_its_default() -> None:
    assert Request(target="skip-3").words() == ("--", "skip-3")
    assert Request(target="skip-3", seed=2, use_test=False).words() == ("--seed=2", "--no-test", "--", "skip-3")


def test_a_recipe_passed_as_a_value_has_no_words() -> None:
    with pytest.raises(UsageError, match=r"'tiny' is a value; write it to a recipe.toml"):
        Request(target=TINY).words()


def test_keywords_are_the_fields_of_a_request() -> None:
    assert set(RequestOptions.__annotations__) == {field.name for field in fields(Request)} - {"target"}
    easy = as_request("skip-3", {"settings": {"epochs": 3}, "data": "folder", "seed": 4})
    assert easy == Request(target="skip-3", settings=("epochs=3",), data=Path("folder"), seed=4)


def test_an_empty_path_is_refused_and_not_read_as_none_or_here() -> None:
    with pytest.raises(UsageError, match="out is an empty text, which is no path"):
        as_request("skip-3", {"out": ""})


def test_keywords_win_over_the_request_they_come_with() -> None:
    assert as_request(Request(target="skip-3", seed=4, epochs=2), {"seed": 5}) == Request(
        target="skip-3", seed=5, epochs=2
    )


def test_a_keyword_that_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="sede"):
        train("skip-3", sede=1)  # type: ignore[call-arg]


def test_a_request_and_its_keywords_plan_the_same_run(tmp_path: Path) -> None:
    request = Request(target=TINY, epochs=3, seed=2, dataset="digits", use_test=False, engine="torch")
    run = plan_run(TINY, epochs=3, seed=2, dataset="digits", use_test=False, engine="torch")
    assert (
        run.folder == plan_run(request).folder == Path("runs/tiny+epochs=3+dataset=digits+no-test+engine=torch/seed-2")
    )
    assert (run.recipe, run.changes, run.seed) == (plan_run(request).recipe, ("epochs=3",), 2)


WRONG = [
    ({"target": "skip-3", "epochs": 2, "settings": ("epochs=3",)}, "--epochs 2 and -s epochs=... are both given"),
    ({"target": "skip-3", "epochs": 2, "settings": (" epochs = 3",)}, "are both given"),
    ({"target": "skip-3", "seed": -1}, "The seed is -1; it must be 0 or more."),
    ({"target": "skip-3", "seed": 3, "planned_seeds": 3}, "Seed 3 is none of the 3 planned, which are 0 to 2."),
]


@pytest.mark.parametrize(("values", "sentence"), WRONG)
def test_a_request_that_contradicts_itself_is_refused_before_anything_is_looked_up(
    values: dict[str, object], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pennyweight.api.runs.load_dataset", lambda *_: pytest.fail("a dataset was read"))
    with pytest.raises(UsageError, match=sentence.replace(".", r"\.")):
        plan_run(Request(**values))  # type: ignore[arg-type]


BROKEN = [
    ("{", "The request is not JSON"),
    ("[]", "the fields of Request are expected"),
    ("{}", "Request needs a value for 'target'"),
    ('{"target": "skip-3", "sed": 1}', "Did you mean 'seed'?"),
    ('{"target": "skip-3", "seed": "1"}', "^seed is '1', but must be a whole number"),
    ('{"target": 3}', "^target is 3"),
    ('{"target": {"recipe.toml": "x ="}}', "the recipe of the request is not TOML"),
    ("[" * 100_000, "The request is not JSON"),
]


@pytest.mark.parametrize(("text", "part"), BROKEN, ids=[part for _, part in BROKEN])
def test_json_that_is_no_request_is_explained(text: str, part: str) -> None:
    with pytest.raises(UsageError, match=part.replace("?", r"\?")):
        Request.from_json(text)


def test_json_may_leave_out_what_is_at_its_default() -> None:
    assert Request.from_json(json.dumps({"target": "skip-3"})) == Request(target="skip-3")
