"""Streaming: a plain network over a picture strip by strip, each row of each layer computed once.

Tiles have to be cut with the context their pixels can see, and every layer computes that margin
again for the next tile. Here each layer keeps the last rows of its input instead, and goes on from
them when more rows come. The result is that of one pass over the whole, and memory is that of a
strip.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from .nets import Baked

# What works on every pixel by itself, and the form of it that writes where it is told to.
POINTWISE: Mapping[Any, Callable[..., Tensor] | None] = {
    operator.add: torch.add,
    torch.add: torch.add,
    operator.sub: torch.sub,
    torch.sub: torch.sub,
    operator.mul: torch.mul,
    operator.truediv: torch.div,
    torch.mul: torch.mul,
    torch.relu: lambda x, out: torch.clamp_min(x, 0, out=out),
    F.relu: lambda x, out: torch.clamp_min(x, 0, out=out),
    nn.ReLU: lambda x, out: torch.clamp_min(x, 0, out=out),
    torch.sigmoid: torch.sigmoid,
    torch.tanh: torch.tanh,
    torch.rsqrt: torch.rsqrt,
    F.gelu: None,
    F.leaky_relu: None,
    torch.clamp: None,
    nn.GELU: None,
    nn.LeakyReLU: None,
    nn.PReLU: None,
    nn.Sigmoid: None,
    nn.Tanh: None,
    "to": None,
    "clamp": None,
}


class NotStreamableError(Exception):
    """The network holds something that cannot be computed strip by strip."""


@dataclass(eq=False)
class _Layer:
    """One node of the traced network.

    radius  rows of the input above and below that a row of the output needs
    scale   rows of the output for one of the input
    """

    name: str
    inputs: tuple[int, ...]  # numbers of the layers whose rows it takes
    run: Callable[..., Tensor]  # rows of the inputs -> rows
    write: Callable[..., Tensor] | None = None  # the same with out=
    radius: int = 0
    scale: float = 1.0
    readers: list[int] = field(default_factory=list)
    frame: int = 0  # the largest radius among its readers


class Strips:
    """A network (1, C, H, W) -> (1, C', s · H, s · W), prepared to run strip by strip.

    It may hold 3×3 and other centred convolutions and averages with stride 1 and zero padding,
    pixel shuffle and unshuffle, repeated pixels, and what works on every pixel by itself.
    NotStreamableError for anything else.
    """

    def __init__(self, network: nn.Module) -> None:
        """Trace `network`; its weights are used as they are, not copied."""
        try:
            graph = fx.Tracer().trace(network)
        except (fx.proxy.TraceError, TypeError) as error:  # what it does depends on the values
            raise NotStreamableError(str(error)) from error
        self.layers: list[_Layer] = []
        numbers: dict[fx.Node, int] = {}
        for node in graph.nodes:
            if node.op == "output":
                (result,) = node.args
                if not isinstance(result, fx.Node):
                    raise NotStreamableError("it has more than one result")
                self.output = numbers[result]
                break
            if node.op == "get_attr":
                raise NotStreamableError(f"{node.target} is a parameter outside a layer")
            numbers[node] = len(self.layers)
            self.layers.append(_layer(network, node, numbers))
        for number, layer in enumerate(self.layers):
            for source in layer.inputs:
                self.layers[source].readers.append(number)
                self.layers[source].frame = max(self.layers[source].frame, layer.radius)

    def start(self, *heights: int) -> Run:
        """A run over inputs of these heights, in the order of the network's arguments."""
        return Run(self, heights)


class Stages:
    """A baked network, prepared to run strip by strip in its two stages."""

    def __init__(self, baked: Baked) -> None:
        """NotStreamableError if one of the stages is not."""
        self._trunk, self._head = Strips(_Trunk(baked)), Strips(_Head(baked))

    def start(self, height: int) -> tuple[Run, Run]:
        """Runs of trunk and head over a picture of that height."""
        trunk = self._trunk.start(height)
        return trunk, self._head.start(height, trunk.height)


class _Trunk(nn.Module):
    def __init__(self, baked: Baked) -> None:
        super().__init__()
        self.baked = baked

    def forward(self, x: Tensor) -> Tensor:
        return self.baked.trunk(x)


class _Head(nn.Module):
    def __init__(self, baked: Baked) -> None:
        super().__init__()
        self.baked = baked

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        return self.baked.head(x, features)


class Run:
    """One pass over a picture, from its first row to its last."""

    def __init__(self, strips: Strips, heights: Sequence[int]) -> None:
        """Made by `Strips.start`."""
        self._layers, self._output = strips.layers, strips.output
        self._rows: list[_Rows] = []
        pushed = iter(heights)
        for layer in self._layers:
            height = (
                int(self._rows[layer.inputs[0]].height * layer.scale)
                if layer.inputs
                else next(pushed)
            )
            self._rows.append(_Rows(height, layer.frame))

    @property
    def height(self) -> int:
        """Rows of the whole result."""
        return self._rows[self._output].height

    @property
    def nbytes(self) -> int:
        """Bytes of the rows it keeps."""
        return sum(rows.nbytes for rows in self._rows)

    def push(self, *inputs: Tensor | None) -> Tensor | None:
        """Take the next rows of every input, or None; give the rows that are finished, if any."""
        given = iter(inputs)
        for layer, own in zip(self._layers, self._rows, strict=True):
            if layer.inputs:
                self._advance(layer, own)
            else:
                rows = next(given)
                if rows is not None:
                    own.append(rows)
        result = self._rows[self._output].fresh
        for layer, own in zip(self._layers, self._rows, strict=True):
            own.forget(min((self._needed(reader) for reader in layer.readers), default=own.end))
        return result

    def _needed(self, reader: int) -> int:
        """The first row of its input that `reader` will read next."""
        layer = self._layers[reader]
        return int(self._rows[reader].end / layer.scale) - layer.radius

    def _advance(self, layer: _Layer, own: _Rows) -> None:
        sources = [self._rows[number] for number in layer.inputs]
        ready = min(s.height if s.end == s.height else s.end - layer.radius for s in sources)
        first, last = own.end, int(ready * layer.scale)
        if last <= first:
            return
        above = int(first / layer.scale) - layer.radius
        below = int(last / layer.scale) + layer.radius
        views = [source.read(above, below) for source in sources]
        if layer.frame and layer.write:
            layer.write(*views, out=own.room(last - first, views[0]))
        else:
            own.append(layer.run(*views))


class _Rows:
    """The rows of one layer's result that somebody still needs.

    Where a reader is a convolution they lie in one piece of memory, with the zeros of its padding.
    """

    def __init__(self, height: int, frame: int) -> None:
        self.height, self._frame = height, frame
        self.end = 0  # rows computed so far
        self._first = -frame  # the row that `_kept` begins with
        self._kept: Tensor | None = None
        self.fresh: Tensor | None = None  # the rows that came last
        self._memory: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the memory the rows lie in."""
        held = self._memory if self._memory is not None else self._kept
        return held.untyped_storage().nbytes() if held is not None else 0

    def append(self, rows: Tensor) -> None:
        """Put `rows` after those that are here."""
        if self._frame:
            self.room(rows.shape[2], rows).copy_(rows)
        else:
            self.fresh = rows
            self.end += rows.shape[2]
            if self._kept is not None and self._kept.shape[2]:
                rows = torch.cat((self._kept, rows), dim=2)
            self._kept = rows

    def room(self, count: int, like: Tensor) -> Tensor:
        """Where the next `count` rows are to be written; channels and width are those of `like`."""
        held = self.end - self._first
        if self._kept is None and self._memory is None:
            before = like.new_zeros((1, like.shape[1], held, like.shape[3]))
        else:
            assert self._kept is not None
            before = self._kept
        after = self._frame if self.end + count == self.height else 0
        memory = self._memory
        if memory is None or memory.shape[2] < held + count + self._frame:
            memory = torch.empty(
                (1, like.shape[1], held + count + self._frame, like.shape[3]),
                dtype=like.dtype,
                device=like.device,
                memory_format=torch.channels_last,
            )
        memory[:, :, :held] = before.clone() if memory is self._memory else before
        memory[:, :, held + count : held + count + after] = 0
        self._memory = memory
        self._kept = memory[:, :, : held + count + after]
        self.end += count
        self.fresh = memory[:, :, held : held + count]
        return self.fresh

    def read(self, first: int, last: int) -> Tensor:
        """Rows `first` to `last`; those above and below the picture are zeros."""
        assert self._kept is not None
        return self._kept[:, :, first - self._first : last - self._first]

    def forget(self, row: int) -> None:
        """Rows before `row` are not needed any more, and none is fresh."""
        self.fresh = None
        if self._kept is not None and row > self._first:
            self._kept = self._kept[:, :, row - self._first :]
            self._first = row


def _layer(root: nn.Module, node: fx.Node, numbers: Mapping[fx.Node, int]) -> _Layer:
    inputs = tuple(numbers[argument] for argument in node.all_input_nodes)
    if node.op == "placeholder":
        return _Layer(node.name, (), lambda: torch.empty(0))
    module = root.get_submodule(str(node.target)) if node.op == "call_module" else None
    if isinstance(module, nn.Conv2d):
        return _convolution(node.name, inputs, module)
    if isinstance(module, nn.AvgPool2d):
        return _average(node.name, inputs, module)
    if isinstance(module, nn.PixelShuffle):
        return _Layer(node.name, inputs, module, scale=module.upscale_factor)
    if isinstance(module, nn.PixelUnshuffle):
        return _Layer(node.name, inputs, module, scale=1 / module.downscale_factor)
    if isinstance(module, nn.Upsample) and module.mode == "nearest":
        return _Layer(node.name, inputs, module, scale=_whole(module))
    target = type(module) if module else node.target
    if target not in POINTWISE:
        raise NotStreamableError(f"{node.target} is not known to work strip by strip")
    write = POINTWISE[target]
    plain = all(isinstance(argument, (fx.Node, int, float)) for argument in node.args)
    return _Layer(
        node.name,
        inputs,
        _caller(node, module or target),
        _caller(node, write) if write and plain and not node.kwargs else None,
    )


def _whole(enlarge: nn.Upsample) -> int:
    scale = enlarge.scale_factor
    if not isinstance(scale, float) or not scale.is_integer():
        raise NotStreamableError(f"it enlarges {scale} times, not a whole number of times")
    return int(scale)


def _convolution(name: str, inputs: tuple[int, ...], conv: nn.Conv2d) -> _Layer:
    reach = [d * (k - 1) for d, k in zip(conv.dilation, conv.kernel_size, strict=True)]
    centred = conv.padding == tuple(r // 2 for r in reach) and not any(r % 2 for r in reach)
    if conv.stride != (1, 1) or not centred or conv.padding_mode != "zeros":
        raise NotStreamableError(
            f"{name} is not a centred convolution of stride 1 with zero padding"
        )

    def run(x: Tensor) -> Tensor:
        return F.conv2d(
            x, conv.weight, conv.bias, 1, (0, reach[1] // 2), conv.dilation, conv.groups
        )

    return _Layer(name, inputs, run, radius=reach[0] // 2)


def _average(name: str, inputs: tuple[int, ...], pool: nn.AvgPool2d) -> _Layer:
    size, stride, padding = (_pair(n) for n in (pool.kernel_size, pool.stride, pool.padding))
    centred = padding == (size[0] // 2, size[1] // 2) and all(side % 2 for side in size)
    if stride != (1, 1) or not centred or not pool.count_include_pad or pool.divisor_override:
        raise NotStreamableError(f"{name} is not a centred average of stride 1 with zero padding")

    def run(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, size, 1, (0, size[1] // 2))

    return _Layer(name, inputs, run, radius=size[0] // 2)


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _caller(node: fx.Node, target: Any) -> Callable[..., Tensor]:
    """`target` with the node's constant arguments filled in; it takes the rows of the inputs."""
    places = {argument: index for index, argument in enumerate(node.all_input_nodes)}

    def call(*rows: Tensor, **out: Tensor) -> Tensor:
        def value(argument: Any) -> Any:
            return rows[places[argument]] if isinstance(argument, fx.Node) else argument

        args = [value(argument) for argument in node.args]
        kwargs = {name: value(argument) for name, argument in node.kwargs.items()}
        if target == "to":  # without a change it would give rows that are soon written over
            kwargs["copy"] = True
        if isinstance(target, str):
            return getattr(args[0], target)(*args[1:], **kwargs)  # type: ignore[no-any-return]
        return target(*args, **kwargs, **out)  # type: ignore[no-any-return]

    return call
