"""Which kernel does each segment's work, as values: a function, what it reads and writes, and its literal shapes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from pennyweight.native import abi
from pennyweight.native.abi import EpilogueOp, literal
from pennyweight.native.convolution import Algorithm
from pennyweight.native.memory import Memory, View
from pennyweight.native.program import Convolution, Epilogue


@dataclass(frozen=True)
class Access:
    """A pointer argument: the kernel reads what lies there, writes it, or adds to it, which is both."""

    view: View
    reads: bool
    writes: bool


Argument: TypeAlias = Access | str


@dataclass(frozen=True)
class Call:
    """A call of a kernel; arguments without memory are text of C."""

    function: str
    arguments: tuple[Argument, ...]

    @property
    def accesses(self) -> Iterator[Access]:
        """What it reads and writes."""
        return (argument for argument in self.arguments if isinstance(argument, Access))

    def in_c(self) -> str:
        """Return the call as a statement of C."""
        words = (argument.view.pointer if isinstance(argument, Access) else argument for argument in self.arguments)
        return f"{self.function}({', '.join(words)});"


def _read(view: View | None) -> Argument:
    return "0" if view is None else Access(view, reads=True, writes=False)


def _write(view: View | None, adds: bool = False) -> Argument:
    return "0" if view is None else Access(view, reads=adds, writes=True)


@dataclass(frozen=True)
class KernelCalls:
    """The calls of a program's kernels: for one group of images, where a method does not say otherwise."""

    memory: Memory

    def load(self) -> Call:
        """Return the call that fills value 0 with images."""
        return Call("load_group", ("n", "t", _write(self.memory.value(0)), "g", "images"))

    def score(self) -> Call:
        """Return the call that makes the loss and the gradient of the logits."""
        last = self.memory.program.epilogues[-1].target
        views = (_read(self.memory.value(last)), _write(self.memory.gradient(last)))
        return Call("score_group", ("n", *views, "g", "images"))

    def conv_forward(self, conv: Convolution) -> Call:
        """Return the call that makes a convolution's output."""
        shape, tile = conv.shape, conv.plan.forward_tile
        weight, *biases = (self.memory.parameter(weight.name) for weight in conv.node.weights)
        function = "depthwise_forward" if shape.depthwise else "conv_forward"
        if conv.plan.forward is Algorithm.WINOGRAD:
            function, weight = "winograd_forward", self.memory.winograd_weights(conv)
        sizes = literal(
            abi.ConvShape,
            **self._sizes(conv),
            zero_rows=shape.padding,
            nonzero_rows=shape.input_shape[1],
            tile_channels=tile.channels,
            tile_columns=tile.columns,
            accumulate=0,
        )
        source, bias = _read(self.memory.value(conv.source, shape.padding)), _read(biases[0] if biases else None)
        return Call(function, (source, _read(weight), bias, _write(self.memory.conv_output(conv.number)), sizes))

    def weight_gradients(self, conv: Convolution) -> list[Call]:
        """Return the calls that make the gradients of a convolution's weights and biases."""
        shape, plan = conv.shape, conv.plan
        sizes = literal(
            abi.WeightShape,
            **self._sizes(conv),
            gradient_rows=plan.gradient_shape[1],
            gradient_columns=plan.gradient_shape[2],
            tile_outputs=plan.weight_tile.outputs,
            tile_inputs=plan.weight_tile.inputs,
            strip_tiles=plan.strip_tiles,
        )
        source, gradient = (
            _read(self.memory.value(conv.source, shape.padding)),
            _read(self.memory.output_gradient(conv)),
        )
        weight, *biases = (self.memory.parameter_gradient(weight.name) for weight in conv.node.weights)
        arguments = (source, gradient, _write(weight))
        if plan.weight_gradient is Algorithm.WINOGRAD:
            call = Call("winograd_weight_gradient", (*arguments, _write(self.memory.workspace()), sizes))
        else:
            call = Call(f"{'depthwise' if shape.depthwise else 'conv'}_weight_gradient", (*arguments, sizes))
        return [call, *(Call("conv_bias_gradient", (gradient, _write(bias), sizes)) for bias in biases)]

    def input_gradient(self, conv: Convolution, adds: bool) -> Call:
        """Return the call that sets the gradient of what a convolution reads, or adds to it."""
        shape, tile = conv.shape, conv.plan.input_gradient_tile
        (ci, rows, columns), (co, output_rows, output_columns) = shape.input_shape, shape.output_shape
        target = _write(self.memory.gradient(conv.source), adds)
        if conv.plan.input_gradient is Algorithm.WINOGRAD:
            sizes = literal(
                abi.WinogradInputGradientShape,
                channels_in=ci,
                channels_out=co,
                rows=output_rows,
                columns=output_columns,
                padding=shape.padding,
                input_rows=rows,
                input_columns=columns,
                tile_channels=tile.channels,
                accumulate=int(adds),
            )
            views = _read(self.memory.output_gradient(conv)), _read(self.memory.winograd_weights(conv))
            return Call("winograd_input_gradient", (*views, target, sizes))
        sizes = literal(
            abi.ConvShape,
            channels_in=co,
            channels_out=ci,
            kernel=shape.kernel,
            stride=1,
            stored_rows=conv.plan.gradient_shape[1],
            stored_columns=conv.plan.gradient_shape[2],
            zero_rows=max(shape.kernel - 1 - shape.padding, 0),
            nonzero_rows=(output_rows - 1) * shape.stride + 1,
            rows=rows,
            columns=columns,
            tile_channels=tile.channels,
            tile_columns=tile.columns,
            accumulate=int(adds),
        )
        gradient = _read(self.memory.output_gradient(conv, for_input=True))
        function = "depthwise_forward" if shape.depthwise else "conv_forward"
        return Call(function, (gradient, _read(self.memory.flipped_weights(conv)), "0", target, sizes))

    def pack_weights(self, conv: Convolution) -> list[Call]:
        """Return the calls, one thread's, that bring changed weights into the forms that the kernels read, if any."""
        (ci, _, _), (co, _, _), kernel = conv.shape.input_shape, conv.shape.output_shape, conv.shape.kernel
        weight = _read(self.memory.parameter(conv.node.weights[0].name))
        calls = []
        if conv.plan.transforms_weights:
            target = _write(self.memory.winograd_weights(conv))
            calls.append(Call("transform_weights", (weight, target, str(co * ci * kernel))))
        if conv.plan.pads_gradient:
            target = _write(self.memory.flipped_weights(conv))
            if conv.shape.depthwise:
                calls.append(Call("depthwise_flip", (weight, target, str(ci), str(kernel))))
            else:
                calls.append(Call("flip_weights", (weight, target, str(ci), str(co), str(kernel))))
        return calls

    def moments(self, epilogue: Epilogue) -> Call:
        """Return the call that sums what BatchNorm needs of a group."""
        assert epilogue.norm is not None
        source, pad = self.memory.source(epilogue)
        sizes = (*epilogue.shape, pad, int(EpilogueOp.PRE_RELU in epilogue.ops))
        views = _read(source), _write(self.memory.moments(epilogue.norm.number))
        return Call("moments", (*views, "images", *map(str, sizes)))

    def reduce_moments(self, epilogue: Epilogue) -> Call:
        """Return the call, one thread's, that combines the groups' moments."""
        assert epilogue.norm is not None
        moments = _read(self.memory.moments(epilogue.norm.number, "0"))
        weights = [_read(self.memory.parameter(weight.name)) for weight in epilogue.norm.weights]
        running = [_write(self.memory.buffer(buffer.name), adds=True) for buffer in epilogue.norm.buffers]
        norm = _write(self.memory.norm(epilogue.norm.number))
        return Call("reduce_moments", (moments, norm, *weights, *running, _batch_shape(epilogue)))

    def reduce_gradients(self, epilogue: Epilogue) -> Call:
        """Return the call, one thread's, that combines the groups' sums in the backward pass."""
        assert epilogue.norm is not None
        number = epilogue.norm.number
        views = _read(self.memory.sums(number, "0")), _write(self.memory.norm(number), adds=True)
        gradients = [_write(self.memory.parameter_gradient(weight.name, "0")) for weight in epilogue.norm.weights]
        return Call("reduce_gradients", (*views, *gradients, _batch_shape(epilogue)))

    def use_running_moments(self, epilogue: Epilogue) -> Call:
        """Return the call, one thread's, that sets the normalisation of evaluation."""
        assert epilogue.norm is not None
        weights = [_read(self.memory.parameter(weight.name)) for weight in epilogue.norm.weights]
        running = [_read(self.memory.buffer(buffer.name)) for buffer in epilogue.norm.buffers]
        norm = _write(self.memory.norm(epilogue.norm.number))
        return Call("use_running_moments", (norm, *weights, *running, str(epilogue.shape[0])))

    def epilogue_forward(self, epilogue: Epilogue, training: bool) -> Call:
        """Return the call that makes an epilogue's value."""
        ops = epilogue.ops if training else epilogue.ops & ~EpilogueOp.DROPOUT
        target, key = _write(self.memory.value(epilogue.target)), _dropout_key(epilogue, training)
        return Call("epilogue_forward", (*self._inputs(epilogue), target, key, self._shape(epilogue, ops)))

    def epilogue_sums(self, epilogue: Epilogue) -> Call:
        """Return the call that sums what BatchNorm needs of a group in the backward pass."""
        assert epilogue.norm is not None
        views = _read(self.memory.gradient(epilogue.target)), _write(self.memory.sums(epilogue.norm.number))
        shape = self._shape(epilogue, epilogue.ops)
        return Call("epilogue_sums", (*self._inputs(epilogue), *views, _dropout_key(epilogue, True), shape))

    def epilogue_backward(self, epilogue: Epilogue, adds: bool, adds_skip: bool) -> list[Call]:
        """Return the call that sets the gradients of what an epilogue reads, or adds to them; the image has none."""
        conv = epilogue.convolution
        source_gradient, stride, (_, rows, columns) = None, 1, epilogue.shape
        if conv:
            source_gradient, stride = self.memory.output_gradient(conv), conv.shape.stride
            _, rows, columns = conv.plan.gradient_shape
        elif epilogue.source:
            source_gradient = self.memory.gradient(epilogue.source)
        skip_gradient = self.memory.gradient(epilogue.skip) if epilogue.skip else None
        if source_gradient is None and skip_gradient is None:
            return []
        to_shape = literal(
            abi.GradientShape,
            stride=stride,
            rows=rows,
            columns=columns,
            accumulate=int(adds),
            accumulate_skip=int(adds_skip),
        )
        views = (
            _read(self.memory.gradient(epilogue.target)),
            _write(source_gradient, adds),
            _write(skip_gradient, adds_skip),
        )
        sizes = _dropout_key(epilogue, True), "images", self._shape(epilogue, epilogue.ops), to_shape
        return [Call("epilogue_backward", (*self._inputs(epilogue), *views, *sizes))]

    def _sizes(self, conv: Convolution) -> dict[str, int]:
        """Return what the forward pass and the weight gradient both know of a convolution, by the fields in C."""
        channels_in, input_rows, input_columns = conv.shape.input_shape
        channels_out, rows, columns = conv.shape.output_shape
        zeros = 2 * self.memory.program.pads[conv.source]
        return {
            "channels_in": channels_in,
            "channels_out": channels_out,
            "kernel": conv.shape.kernel,
            "stride": conv.shape.stride,
            "stored_rows": input_rows + zeros,
            "stored_columns": input_columns + zeros,
            "rows": rows,
            "columns": columns,
        }

    def _inputs(self, epilogue: Epilogue) -> tuple[Argument, Argument, Argument]:
        """Return source, skip and normalisation of an epilogue."""
        skip = None if epilogue.skip is None else self.memory.value(epilogue.skip)
        norm = self.memory.norm(epilogue.norm.number) if epilogue.norm else None
        return _read(self.memory.source(epilogue)[0]), _read(skip), _read(norm)

    def _shape(self, epilogue: Epilogue, ops: EpilogueOp) -> str:
        pads = self.memory.program.pads
        channels, rows, columns = epilogue.shape
        return literal(
            abi.EpilogueShape,
            channels=channels,
            rows=rows,
            columns=columns,
            source_pad=self.memory.source(epilogue)[1],
            skip_pad=0 if epilogue.skip is None else pads[epilogue.skip],
            target_pad=pads[epilogue.target],
            ops=ops.in_c(),
            pool=epilogue.pool.name,
            window_rows=epilogue.window[0],
            window_columns=epilogue.window[1],
            rate=f"{epilogue.rate!r}f",
        )


def _batch_shape(epilogue: Epilogue) -> str:
    channels, rows, columns = epilogue.shape
    return literal(abi.BatchShape, groups="n->groups", images="n->images", channels=channels, pixels=rows * columns)


def _dropout_key(epilogue: Epilogue, training: bool) -> str:
    return f"dropout_key(n, {epilogue.target}, g)" if training and EpilogueOp.DROPOUT in epilogue.ops else "0"
