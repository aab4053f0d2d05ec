"""The buffers of a training step live as long as they are needed: what is read is what was last written there.

Held on the calls themselves, as values: who reads and who writes which content of which buffer, phase by phase.
"""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from support import mnist_plan, networks

from pennyweight.native.calls import Access, Call, KernelCalls
from pennyweight.native.memory import Memory, Scope, layout_of
from pennyweight.native.program import make_program
from pennyweight.native.step import Phase, forward_pass, training_step
from pennyweight.nets.layers import (
    CLASSES,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layers,
    MaxPool,
    Relu,
    Residual,
)
from pennyweight.recipes.catalogue import RECIPE_NAMES, find_recipe

LASTING = {"parameters", "buffers"}
"""What is there before a step."""


def kernels_of(layers: Layers) -> KernelCalls:
    plan = mnist_plan(layers)
    return KernelCalls(Memory(make_program(plan), layout_of(plan), lanes=16))


def faults(kernels: KernelCalls, phases: list[Phase]) -> list[str]:
    """Every read of a content that is not in its buffer at that time, and every buffer whose zeros are written over."""
    program = kernels.memory.program
    scopes = {buffer.name: buffer.scope for buffer in kernels.memory.buffers()}
    content = {name: name for name in LASTING}
    for conv in program.convolutions:
        for call in kernels.pack_weights(conv):
            _run(call, content)
    padded = {f"value{value}" for value, pad in program.pads.items() if pad}
    padded |= {f"padded_gradient{conv.number}" for conv in program.convolutions if conv.plan.pads_gradient}
    seen: dict[str, set[str]] = {}
    found = []
    for phase in phases:
        for name in [name for name in content if scopes.get(name) is Scope.THREAD]:
            del content[name]  # another thread may run a group's next phase
        for call in [*phase.calls, *phase.reduction]:
            found += _run(call, content)
            for access in call.accesses:
                if access.writes and access.view.buffer in padded:
                    seen.setdefault(access.view.buffer, set()).add(access.view.content)
    found += [f"{name} holds {sorted(contents)}" for name, contents in seen.items() if len(contents) > 1]
    missing = {weight.name for weight in program.plan.weights} - {
        name.removeprefix("gradient of ") for name in content if name.startswith("gradient of ")
    }
    return found + [f"{name} has no gradient" for name in sorted(missing)]


def _run(call: Call, content: dict[str, str]) -> list[str]:
    # where both inputs of an epilogue are one value, it sets the gradient of the one, then adds that of the other
    sets = {access.view.buffer: access.view.content for access in call.accesses if access.writes and not access.reads}
    found = [
        f"{call.function} reads {access.view.content} where {content.get(access.view.buffer)} is"
        for access in call.accesses
        if access.reads and access.view.content not in (content.get(access.view.buffer), sets.get(access.view.buffer))
    ]
    for access in call.accesses:
        if access.writes:
            content[access.view.buffer] = access.view.content
    return found


@settings(max_examples=60)
@given(layers=networks)
def test_a_step_of_any_network_reads_what_was_written(layers: Layers) -> None:
    kernels = kernels_of(layers)
    assert faults(kernels, training_step(kernels.memory.program, kernels)) == []


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_a_step_of_a_published_network_reads_what_was_written(name: str) -> None:
    kernels = kernels_of(find_recipe(name).layers)
    assert faults(kernels, training_step(kernels.memory.program, kernels)) == []


BLOCKS: Layers = (
    *(Conv(4, 3, 1), Relu(), BatchNorm(), Conv(6, 5, 2), BatchNorm(), Relu(), MaxPool(), Dropout(0.1)),
    *(Residual((Conv(6, 3, 1), BatchNorm())), Relu(), Conv(CLASSES), GlobalAvgPool()),
)


def without_recomputing(phases: list[Phase]) -> None:
    for phase in phases:
        for call in [call for call in phase.calls if call.function == "epilogue_forward"][1:]:
            phase.calls.remove(call)


def backward_in_order_of_the_forward_pass(phases: list[Phase]) -> None:
    phases.reverse()


def a_phase_cut_in_two(phases: list[Phase]) -> None:
    for number, phase in enumerate(phases):
        places = [place for place, call in enumerate(phase.calls) if call.function == "epilogue_backward"]
        if places:
            rest = Phase(phase.calls[places[0] + 1 :], phase.reduction)
            phases[number : number + 1] = [Phase(phase.calls[: places[0] + 1]), rest]
            return


def an_input_gradient_before_the_weight_gradient(phases: list[Phase]) -> None:
    """The input gradient may overwrite the convolution's output, not its output gradient; swapped with the epilogue."""
    for phase in phases:
        names = [call.function for call in phase.calls]
        if "epilogue_backward" in names and names.index("epilogue_backward") + 1 < len(names):
            place = names.index("epilogue_backward")
            phase.calls[place], phase.calls[-1] = phase.calls[-1], phase.calls[place]
            return


def no_bias_gradient(phases: list[Phase]) -> None:
    for phase in phases:
        phase.calls[:] = [call for call in phase.calls if "weight_gradient" not in call.function]


def a_gradient_added_to_nothing(phases: list[Phase]) -> None:
    for phase in phases:
        for number, call in enumerate(phase.calls):
            if call.function == "epilogue_backward":
                arguments = tuple(
                    replace(argument, reads=True) if isinstance(argument, Access) and argument.writes else argument
                    for argument in call.arguments
                )
                phase.calls[number] = replace(call, arguments=arguments)


@pytest.mark.parametrize(
    "fault",
    [
        without_recomputing,
        backward_in_order_of_the_forward_pass,
        a_phase_cut_in_two,
        an_input_gradient_before_the_weight_gradient,
        no_bias_gradient,
        a_gradient_added_to_nothing,
    ],
    ids=lambda fault: fault.__name__.replace("_", " "),
)
def test_control_a_seeded_fault_is_seen(fault) -> None:
    kernels = kernels_of(BLOCKS)
    phases = training_step(kernels.memory.program, kernels)
    assert faults(kernels, phases) == []
    fault(phases)
    assert faults(kernels, phases)


def test_a_forward_pass_without_dropout_makes_the_same_values() -> None:
    kernels = kernels_of(BLOCKS)
    calls = forward_pass(kernels.memory.program, kernels, training=False)
    assert not any("DROPOUT" in call.in_c() for call in calls)
    assert [call.function for call in calls] == [
        call.function for call in forward_pass(kernels.memory.program, kernels, training=True)
    ]
