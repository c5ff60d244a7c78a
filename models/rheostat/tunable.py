"""Tunable networks: `tunable(x, lam)` for any slider position, `bake` for one of them.

A tunable network is an ordinary one in which some modules, its tunable layers, also look at λ.
How they do is the strategy (rheostat.strategies); what all of them share is here.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@runtime_checkable
class Tunable(Protocol):
    """A network with sliders: `tunable(x, lam)` per sample, `bake(lam)` for one position."""

    def __call__(self, x: Tensor, lam: Tensor) -> Tensor:
        """Run on `x` (N, C, H, W) with `lam` (N, P), or (1, P) for the whole batch."""
        ...

    def bake(self, lam: Tensor) -> nn.Module:
        """The plain network at `lam` (P,)."""
        ...


class TunableLayer(nn.Module):
    """A module whose `forward(x, lam=None)` depends on λ.

    Inside a `TunableNetwork` λ comes from the network and is not passed.
    """

    controls: int
    lam: Tensor | None = None  # set for the length of a pass by TunableNetwork

    @abstractmethod
    def bake(self, lam: Tensor) -> nn.Module:
        """What the layer is at λ = `lam` (P,), of its dtype: a plain module with its own memory."""

    @abstractmethod
    def added_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters that the plain layer did not have."""

    def position(self, x: Tensor, lam: Tensor | None) -> Tensor:
        """The λ to use for `x` (N, ...): (N, P), (1, P), or a map (N, P, H, W) or (1, P, H, W).

        Raises ValueError if there is none or its shape does not fit.
        """
        lam = self.lam if lam is None else lam
        if lam is None:
            raise ValueError(
                "λ is missing: pass lam, or call the network that `convert` returned. Activation "
                "checkpoints within it run after its pass; put one around the whole of it"
            )
        if (
            lam.ndim not in (2, 4)
            or lam.shape[1] != self.controls
            or lam.shape[0] not in (1, len(x))
        ):
            raise ValueError(
                f"λ has shape {tuple(lam.shape)}; ({len(x)}, {self.controls}) or "
                f"(1, {self.controls}) is needed, with (H, W) added for a map"
            )
        return lam


class TunableNetwork(nn.Module):
    """Any network with tunable layers in it: `network(x)` becomes `tunable(x, lam)`.

    λ is handed to the layers for the length of one pass, so the network's own `forward` stays as
    its author wrote it. Not for concurrent calls on one instance; bake for that.
    """

    def __init__(self, network: nn.Module, controls: int, names: Sequence[str] = ()) -> None:
        """Wrap `network`, some of whose modules are tunable already (see `convert`)."""
        super().__init__()
        self.network = network
        self.controls = controls
        self.names = tuple(names)

    def at(self, **values: float) -> Tensor:
        """λ (1, P) with the controls of these names at these values, the others at 0.

        Raises ValueError for a name that `convert` was not given.
        """
        unknown = values.keys() - set(self.names)
        if unknown:
            known = ", ".join(self.names) or "none: convert(network, controls=[names])"
            raise ValueError(f"there is no control {', '.join(sorted(unknown))}; known: {known}")
        return torch.tensor([[float(values.get(name, 0.0)) for name in self.names]])

    @property
    def layers(self) -> list[TunableLayer]:
        """The tunable layers, in the order of the module tree."""
        return [m for m in self.network.modules() if isinstance(m, TunableLayer)]

    def forward(self, x: Any, lam: Tensor, *more: Any, **named: Any) -> Any:
        """`network(x, *more, **named)` at λ = `lam`.

        lam  (N, P), its own for every sample, or (1, P) for the whole batch; where the strategy
             allows maps also (N, P, H, W) or (1, P, H, W), its own for every pixel of `x`
        """
        layers = self.layers
        lam = _fitting(layers, lam)
        for layer in layers:
            layer.lam = lam
        try:
            return self.network(x, *more, **named)
        finally:
            for layer in layers:
                layer.lam = None

    def bake(self, lam: Tensor) -> nn.Module:
        """A copy of the network at `lam` (P,), detached, without anything that depends on λ."""
        lam = _fitting(self.layers, lam)
        baked = replace(
            copy.deepcopy(self.network),
            lambda module: module.bake(lam) if isinstance(module, TunableLayer) else None,
        )
        return baked.requires_grad_(False)

    def added_parameters(self) -> list[nn.Parameter]:
        """What `convert` added: in a two-phase training, the parameters of the second phase."""
        return [parameter for layer in self.layers for parameter in layer.added_parameters()]

    def base_parameters(self) -> list[nn.Parameter]:
        """What the plain network had: in a two-phase training, the parameters of the first."""
        added = {id(parameter) for parameter in self.added_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in added]


def bake(tunable: nn.Module, lam: Tensor) -> nn.Module:
    """The plain network that `tunable` is at `lam` (P,), of any dtype: no slider any more.

    For strategies that fold (tunable convolutions, FiLM, ...) it has the modules that the network
    had before `convert`, so a slider costs nothing per pixel.
    """
    if not isinstance(tunable, Tunable):
        raise TypeError(f"{type(tunable).__name__} is not tunable: it has no bake(lam)")
    if lam.ndim != 1:
        raise ValueError(
            f"λ has shape {tuple(lam.shape)}; one position (P,) is needed, such as lam[0]"
        )
    return tunable.bake(_fitting([tunable], lam) if isinstance(tunable, TunableLayer) else lam)


def at_size(lam: Tensor, y: Tensor) -> Tensor:
    """A map `lam` (N, P, H, W) at the size of the features `y` (N, C, h, w), by area.

    Raises ValueError if the sizes are no multiples: the map's pixels would be shared out unevenly,
    and a tile would differ from the whole.
    """
    size, wanted = lam.shape[-2:], y.shape[-2:]
    if size == wanted:
        return lam
    if y.ndim != 4 or any(s % w and w % s for s, w in zip(size, wanted, strict=True)):
        raise ValueError(
            f"a map of {tuple(size)} does not fit features of {tuple(y.shape)}: its sides must be "
            "multiples of theirs, or theirs of its; or give one λ per sample, (N, P)"
        )
    return F.interpolate(lam, wanted, mode="area")


def replace(
    module: nn.Module,
    make: Callable[[nn.Module], nn.Module | None],
    made: dict[nn.Module, nn.Module] | None = None,
) -> nn.Module:
    """`module` with every submodule for which `make(submodule)` gives one replaced by it.

    What was replaced is not looked into; what stands in several places is replaced once, by one.
    The module tree is changed in place.
    """
    made = {} if made is None else made
    if module not in made:
        other = make(module)
        made[module] = module if other is None else other
        if other is None:
            for name, child in module._modules.items():  # named_children() hides the second place
                if child is not None:
                    setattr(module, name, replace(child, make, made))
    return made[module]


def _fitting(layers: Iterable[TunableLayer], lam: Tensor) -> Tensor:
    """`lam` where the layers are, of their dtype; no Parameter: they would keep it."""
    like = next((p for layer in layers for p in layer.parameters()), lam)
    return lam.to(like).view_as(lam)
