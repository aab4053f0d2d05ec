"""STEP.md: a step, or all steps of a journey, as Markdown that can be pasted into coursework as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from pennyweight.judging.ablation import AblationStep
from pennyweight.pages.analysis import analyse
from pennyweight.pages.headline import headline, journey_headline
from pennyweight.pages.requirements import requirements_table
from pennyweight.pages.step_words import architecture, results_table, targets
from pennyweight.pages.steps import Step, median_record
from pennyweight.pages.summary import seconds_note, summary_table
from pennyweight.reporting.epoch_log import epoch_log
from pennyweight.reporting.torchsummary import torchsummary_text
from pennyweight.tables.markdown import escaped, to_markdown

Walk = Sequence[AblationStep]


@dataclass(frozen=True)
class Picture:
    """A file beside the Markdown, by its relative path, and what it shows, for who does not see it."""

    file: str
    alternative: str


def step_markdown(step: Step, before: Step | None = None, walk: Walk = (), pictures: Sequence[Picture] = ()) -> str:
    """Return one step as Target, Architecture, Result and Analysis."""
    return "\n\n".join([f"# {escaped(step.name)}", *_parts(step, before, walk, pictures, "##")]) + "\n"


def journey_markdown(
    title: str, steps: Sequence[Step], walk: Walk = (), pictures: Mapping[str, Sequence[Picture]] | None = None
) -> str:
    """Return all steps under one title, with the result summary first; `pictures` are by the name of the step."""
    parts = [f"# {escaped(title)}", escaped(journey_headline(steps).text), to_markdown(summary_table(steps))]
    if any(step.records for step in steps):
        parts.append(escaped(seconds_note(steps)))
    for before, step in zip((None, *steps), steps, strict=False):
        parts += [f"## {escaped(step.name)}", *_parts(step, before, walk, (pictures or {}).get(step.name, ()), "###")]
    return "\n\n".join(parts) + "\n"


def _parts(step: Step, before: Step | None, walk: Walk, pictures: Sequence[Picture], heading: str) -> list[str]:
    parts = [escaped(headline(step).text)]
    parts += [f"{heading} Target", _bullets(targets(step))]
    parts += [f"{heading} Architecture", _bullets(architecture(step, before))]
    parts += [_code(torchsummary_text(step.recipe.plan(step.classes)))]
    parts += [f"{heading} Result"]
    requirements = requirements_table(step)
    parts += [to_markdown(requirements)] if requirements.rows else []
    parts += [to_markdown(results_table(step))]
    shown = median_record(step)
    if shown is not None:
        several = f", of {len(step.records)} the one nearest to their median" if len(step.records) > 1 else ""
        parts += [f"Epochs of seed {shown.seed}{several}:", _code(epoch_log(shown, step.recipe))]
    parts += [f"![{escaped(one.alternative)}]({quote(one.file)})" for one in pictures]
    said = [one.text for one in analyse(step, before, walk)]
    return [*parts, f"{heading} Analysis", _bullets(said or ["Nothing was run yet, so there is nothing to analyse."])]


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(sentence)}" for sentence in sentences)


def _code(text: str) -> str:
    return f"```text\n{text}\n```"
