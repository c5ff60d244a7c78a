"""Conversion: from a plain network to a tunable one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from fnmatch import fnmatchcase

from rheostat_client.errors import nearest
from torch import nn

from ..tunable import TunableLayer, TunableNetwork, replace
from . import adafm, blocks, conditional_norm, film, sft, tunable_conv
from .strategy import Site, Strategy

STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        tunable_conv.TUNABLE_CONV,
        film.FILM,
        conditional_norm.CONDITIONAL_NORM,
        blocks.TUNING_BLOCKS,
        tunable_conv.DNI,
        adafm.ADAFM,
        blocks.CFSNET,
        blocks.CRESMD,
        sft.SFT,
        blocks.BLEND,
    )
}
_KINDS: dict[Site, tuple[type[nn.Module], ...]] = {
    "kernels": (nn.Conv2d, nn.ConvTranspose2d, nn.Linear),
    "convolutions": (nn.Conv2d,),
    "blocks": (),
    "network": (),
}


def convert(
    network: nn.Module,
    controls: int | str | Sequence[str],
    *,
    strategy: str = "tunable-conv",
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
) -> TunableNetwork:
    """Make a copy of `network` tunable by `controls` sliders.

    The result computes what `network` computes, at every λ, until it is trained. Call it as
    `tunable(x, lam)` with `lam` of shape (N, controls); `bake(tunable, lam[0])` gives the plain
    network back for one position.

    controls  how many, or their names: `tunable.at(detail=0.5)` then gives λ
    strategy  a name in `STRATEGIES`
    include   patterns of module names ("body.*", as in a shell) to make tunable; without any, all
              that the strategy can take. A strategy on blocks needs them: it cannot know them
    exclude   patterns of module names to leave plain, with all that is in them

    Raises ValueError for an unknown strategy, a name given twice, a pattern that has no effect, or
    if nothing would become tunable.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"there is no strategy {strategy!r}. {nearest(strategy, STRATEGIES)}")
    chosen = STRATEGIES[strategy]
    names = () if isinstance(controls, int) else _listed(controls)
    count = controls if isinstance(controls, int) else len(names)
    if count < 1 or len(set(names)) < len(names):
        raise ValueError(f"controls are {controls!r}; at least 1 is needed, and no name twice")
    include, exclude = _listed(include), _listed(exclude)
    if chosen.site == "blocks" and not include:
        raise ValueError(f"{strategy} acts on blocks: name them, as in include=['body.*']")
    kinds, taken = _KINDS[chosen.site], set()
    copied = copy.deepcopy(network)
    named = list(copied.named_modules(remove_duplicate=False))  # a shared one has several names

    def matching(patterns: Sequence[str]) -> set[nn.Module]:
        return {m for name, m in named if any(fnmatchcase(name, p) for p in patterns)}

    included = matching(include)
    kept = {inner for module in matching(exclude) for inner in module.modules()}

    def make(module: nn.Module) -> nn.Module | None:
        # Exactly these kinds: a subclass computes something else.
        fits = type(module) in kinds if kinds else module is not copied or chosen.site == "network"
        if not fits or module in kept or (include and module not in included):
            return None
        taken.add(module)
        like = next(module.parameters(), None)
        made = chosen.wrap(module, count)
        return made if like is None else made.to(like)

    tunable = replace(copied, make)
    known = [name for name, _ in named if name]
    takes = (
        ", ".join(kind.__name__ for kind in kinds) + ", no subclasses" if kinds else "any module"
    )
    for pattern in exclude:
        if not matching([pattern]):
            raise ValueError(f"exclude: no module is called {pattern!r}. {nearest(pattern, known)}")
    for pattern in include:
        if matching([pattern]).isdisjoint(taken):
            what = f"nothing called {pattern!r} that {strategy} could make tunable"
            raise ValueError(f"include: {what}; it takes {takes}. {nearest(pattern, known)}")
    if not taken:
        what = f"{type(network).__name__} has nothing that {strategy} could make tunable"
        raise ValueError(f"{what}; it takes {takes}")
    _leave_fast_paths(tunable)
    return TunableNetwork(tunable, count, names)


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    """One name is one name, not its letters."""
    return (names,) if isinstance(names, str) else tuple(names)


def _leave_fast_paths(network: nn.Module) -> None:
    """In eval, PyTorch's encoder layers read the weights, those at λ = 0, past the modules."""
    for module in network.modules():
        if any(isinstance(inner, TunableLayer) for inner in module.modules()):
            if isinstance(module, nn.TransformerEncoderLayer):
                module.activation_relu_or_gelu = 0  # "not one that can be fused"
            elif isinstance(module, nn.TransformerEncoder):
                module.use_nested_tensor = False
