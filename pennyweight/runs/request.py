"""What is asked of a training: one frozen value for the command line, Python, child processes and remote machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TypedDict, get_type_hints

from pennyweight.base.errors import UsageError
from pennyweight.base.values import coerce, make
from pennyweight.data.dataset import Dataset
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.recipe_text import recipe_from_text, recipe_to_text

DEFAULT_DATASET = "mnist"
PATHS = ("data", "out", "initial_weights")
RECIPE_TOML = "recipe.toml"
"""The key under which the JSON of a request carries a recipe that was passed as a value."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which recipe to train, what to change of it, on what, by what, and where the run is kept.

    `target` is a published name, a recipe file, or a recipe. Nothing is looked up before the request is carried out, so
    that it means the same on another machine.

    >>> request = pw.Request(target="progressive-1", dataset="digits", epochs=1)
    >>> request.words()
    ('--epochs=1', '--dataset=digits', '--', 'progressive-1')
    """

    target: str | Recipe
    settings: tuple[str, ...] = ()
    """Changes of the recipe in order, each as `optimizer.learning_rate=0.05`."""
    epochs: int | None = None
    """Epochs instead of the recipe's own."""
    seed: int = 0
    dataset: str | Dataset = DEFAULT_DATASET
    data: Path | None = None
    """The folder of the datasets; else $PENNYWEIGHT_DATA, else the user's cache."""
    engine: str = "auto"
    device: str = "cpu"
    out: Path | None = None
    """The run folder; without it, one that follows from the request."""
    initial_weights: Path | None = None
    """A finished run whose weights this one starts from; without it, the seed draws them."""
    use_test: bool = True
    planned_seeds: int = 0
    """How many seeds, counted from 0, will decide on the recipe; 0 where there is no plan."""
    again: bool = False
    """Move an existing run folder aside first."""

    @property
    def name(self) -> str:
        """Return what the recipe is called here: its name, or the target as it was typed."""
        return self.target if isinstance(self.target, str) else self.target.name

    @property
    def assignments(self) -> tuple[str, ...]:
        """Return every change of the recipe, the number of epochs among them."""
        return self.settings if self.epochs is None else (*self.settings, f"epochs={self.epochs}")

    def check(self) -> None:
        """Raise UsageError for a field of a wrong type and for contradictions, before anything is looked up."""
        hints = get_type_hints(Request)
        for item in fields(self):
            coerce("The recipe" if item.name == "target" else item.name, getattr(self, item.name), hints[item.name])
        refused = (
            (
                self.epochs is not None and any(key.partition("=")[0].strip() == "epochs" for key in self.settings),
                f"--epochs {self.epochs} and -s epochs=... are both given; use one of them.",
            ),
            (self.seed < 0, f"The seed is {self.seed}; it must be 0 or more."),
            (
                self.planned_seeds != 0 and self.seed >= self.planned_seeds,
                f"Seed {self.seed} is none of the {self.planned_seeds} planned, which are 0 to "
                f"{self.planned_seeds - 1}.",
            ),
        )
        for contradicts, sentence in refused:
            if contradicts:
                raise UsageError(sentence)

    def words(self) -> tuple[str, ...]:
        """Return the words after `pennyweight train` that ask for the same; what is at its default is left out.

        Raises UsageError for a recipe that was passed as a value, which has no name on another command line.
        """
        if isinstance(self.target, Recipe):
            raise UsageError(f"The recipe '{self.name}' is a value; write it to a recipe.toml to name it in a command.")
        dataset = self._dataset_name()
        texts = {
            "--epochs": self.epochs,
            "--seed": self.seed or None,
            "--dataset": None if dataset == DEFAULT_DATASET else dataset,
            "--data": self.data,
            "--engine": None if self.engine == "auto" else self.engine,
            "--device": None if self.device == "cpu" else self.device,
            "--out": self.out,
            "--initial-weights": self.initial_weights,
            "--planned-seeds": self.planned_seeds or None,
        }
        switches = {"--no-test": not self.use_test, "--again": self.again}
        return (
            *(f"{flag}={value}" for flag, value in texts.items() if value is not None),
            *(flag for flag, on in switches.items() if on),
            *(word for setting in self.settings for word in ("-s", setting)),
            "--",  # what follows is the target, whatever it starts with
            self.target,
        )

    def to_json(self) -> str:
        """Return the request as one line of JSON that `Request.from_json` reads back to an equal request."""
        values = asdict(replace(self, target=self.name, dataset=self._dataset_name()))
        target = self.target if isinstance(self.target, str) else {RECIPE_TOML: recipe_to_text(self.target)}
        paths = {name: _text_of(values[name]) for name in PATHS}
        return json.dumps({**values, "target": target, **paths}, allow_nan=False)

    def _dataset_name(self) -> str:
        """Return the name of the dataset; raises UsageError for one that was passed as a value."""
        if isinstance(self.dataset, Dataset):
            raise UsageError(f"The dataset '{self.dataset.name}' is a value, which another process cannot be told.")
        return self.dataset

    @staticmethod
    def from_json(text: str) -> "Request":
        """Read a request; fields at their default may be left out.

        Raises UsageError naming every field that is unknown or wrong.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"The request is not JSON: {error}.") from error
        if isinstance(values, dict):
            target = values.get("target")
            if isinstance(target, dict) and list(target) == [RECIPE_TOML]:
                values["target"] = recipe_from_text(str(target[RECIPE_TOML]), "the recipe of the request")
            values |= {name: Path(values[name]) for name in PATHS if isinstance(values.get(name), str)}
        return make(Request, values, prefix="")


class RequestOptions(TypedDict, total=False):
    """What `train(target, ...)` takes by keyword: the fields of a request, with the types that are easy to write."""

    settings: Mapping[str, object] | Sequence[str]
    epochs: int | None
    seed: int
    dataset: str | Dataset
    data: str | Path | None
    engine: str
    device: str
    out: str | Path | None
    initial_weights: str | Path | None
    use_test: bool
    planned_seeds: int
    again: bool


def as_request(target: str | Recipe | Request, options: RequestOptions) -> Request:
    """Return the request for `target` with `options`; those of a request that is passed win over its own."""
    hints = get_type_hints(RequestOptions)
    for name, value in options.items():
        if name in hints:
            coerce(name, value, hints[name])
    values = dict(options)
    if "settings" in options:
        values["settings"] = assignments_of(options["settings"])
    values |= {name: Path(str(values[name])) if values[name] else None for name in PATHS if name in values}
    if isinstance(target, Request):
        return replace(target, **values)  # type: ignore[arg-type]
    return Request(target=target, **values)  # type: ignore[arg-type]


def assignments_of(settings: Mapping[str, object] | Sequence[str]) -> tuple[str, ...]:
    """Return settings as `key=value` texts: `{"epochs": 3}` is `("epochs=3",)`."""
    return (
        tuple(f"{key}={value}" for key, value in settings.items()) if isinstance(settings, Mapping) else tuple(settings)
    )


def _text_of(path: Path | None) -> str | None:
    return None if path is None else str(path)
