"""Every strategy keeps what its entry in the registry promises, and promises nothing else."""

from __future__ import annotations

import pytest
import rheostat
import torch
from rheostat import STRATEGIES, TunableNetwork, bake, convert, cost
from rheostat.nets.restorer import ResidualBlock
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

CONTROLS = {name: 1 if name == "blend" else 2 for name in STRATEGIES}
REACH = 6 + 2 * 3  # six 3×3 layers, and three more where tuning blocks are put in twice
every = pytest.mark.parametrize("name", STRATEGIES)
promising_maps = pytest.mark.parametrize("name", [n for n, s in STRATEGIES.items() if s.maps])


class Restorer(nn.Module):
    """The shape of our networks: residual blocks between two convolutions, an outer residual."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.enter = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(ResidualBlock(width), ResidualBlock(width))
        self.leave = nn.Conv2d(width, 3, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x - self.leave(self.body(self.enter(x)))
        return y


def fresh(name: str) -> tuple[Restorer, TunableNetwork]:
    torch.manual_seed(0)
    network = Restorer()
    include = ["body.?"] if STRATEGIES[name].site == "blocks" else []
    return network, convert(network, CONTROLS[name], strategy=name, include=include)


def trained(name: str) -> tuple[Restorer, TunableNetwork]:
    """As if its added parameters had been trained: each is somewhere else."""
    network, tunable = fresh(name)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in tunable.added_parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return network, tunable


def pictures(count: int = 2, height: int = 20, width: int = 24) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(2))


def positions(name: str, count: int = 2) -> Tensor:
    return torch.rand(count, CONTROLS[name], generator=torch.Generator().manual_seed(3))


@every
def test_a_fresh_conversion_is_the_network_at_every_position(name: str) -> None:
    network, tunable = fresh(name)
    x = pictures()
    torch.testing.assert_close(tunable(x, positions(name)), network(x), atol=1e-6, rtol=1e-5)


@every
def test_zero_is_exactly_the_base_where_promised_and_only_there(name: str) -> None:
    network, tunable = trained(name)
    x = pictures()
    at_zero = tunable(x, torch.zeros(1, CONTROLS[name]))
    assert torch.equal(at_zero, network(x)) == STRATEGIES[name].exact_base


@every
def test_baked_equals_dynamic_equals_one_at_a_time(name: str) -> None:
    _, tunable = trained(name)
    x, lam = pictures(3), positions(name, 3)
    together = tunable(x, lam)
    for i in range(3):
        one = slice(i, i + 1)
        torch.testing.assert_close(together[one], tunable(x[one], lam[one]), atol=1e-5, rtol=1e-5)
        baked = bake(tunable, lam[i])
        torch.testing.assert_close(together[one], baked(x[one]), atol=1e-5, rtol=1e-5)


@every
def test_a_folded_slider_costs_nothing_and_leaves_the_modules_as_they_were(name: str) -> None:
    network, tunable = trained(name)
    x = pictures(1)
    baked = bake(tunable, positions(name)[0])
    same_modules = [type(m) for m in baked.modules()] == [type(m) for m in network.modules()]
    assert same_modules == STRATEGIES[name].folds
    # FiLM and its like give a convolution that had no bias one: no pixel is the dearer for it.
    extra = cost(baked, x).macs - cost(network, x).macs
    assert (extra == 0) == (STRATEGIES[name].folds or name == "cresmd")


@every
def test_added_parameters_are_what_conversion_added(name: str) -> None:
    network, tunable = fresh(name)
    added, base = tunable.added_parameters(), tunable.base_parameters()
    total = sum(p.numel() for p in tunable.parameters())
    assert sum(p.numel() for p in added) + sum(p.numel() for p in base) == total
    assert sum(p.numel() for p in base) == sum(p.numel() for p in network.parameters())
    extra = cost(tunable, pictures(1), positions(name, 1)) - cost(network, pictures(1))
    assert extra.parameters == sum(p.numel() for p in added)
    assert extra.macs >= 0


@every
def test_every_added_parameter_and_every_slider_is_live(name: str) -> None:
    _, tunable = trained(name)
    lam = positions(name).requires_grad_()
    tunable(pictures(), lam).square().sum().backward()
    assert lam.grad is not None
    assert bool((lam.grad.abs() > 1e-6).all())
    for parameter in tunable.added_parameters():
        assert parameter.grad is not None
        assert bool(parameter.grad.any())


@every
def test_outside_the_trained_range_it_stays_finite(name: str) -> None:
    _, tunable = trained(name)
    for value in (-0.3, 1.3):
        y = tunable(pictures(1), torch.full((1, CONTROLS[name]), value))
        assert torch.isfinite(y).all()


@every
def test_a_tenth_of_a_step_is_a_tenth_of_a_change(name: str) -> None:
    _, tunable = trained(name)
    x = pictures(1).double()
    tunable = tunable.double()
    here = torch.full((1, CONTROLS[name]), 0.5, dtype=torch.float64)
    change = [(tunable(x, here + d) - tunable(x, here)).abs().max().item() for d in (1e-3, 1e-2)]
    assert change[0] == pytest.approx(change[1] / 10, rel=0.2)


@promising_maps
def test_a_constant_map_is_the_scalar(name: str) -> None:
    _, tunable = trained(name)
    x, lam = pictures(), positions(name)
    constant = lam[..., None, None].expand(-1, -1, *x.shape[2:])
    torch.testing.assert_close(tunable(x, constant), tunable(x, lam), atol=1e-5, rtol=1e-5)


@promising_maps
def test_a_map_acts_no_farther_than_the_receptive_field(name: str) -> None:
    _, tunable = trained(name)
    x = pictures(1, 48, 48)
    painted = torch.full((1, CONTROLS[name], 48, 48), 0.5)
    before = tunable(x, painted)
    painted[..., 24, 24] = 1.0
    changed = (tunable(x, painted) != before).any(dim=1)[0].nonzero() - 24
    assert changed.numel()
    assert int(changed.abs().max()) <= REACH


@every
def test_a_tile_with_its_halo_equals_the_whole(name: str) -> None:
    _, tunable = trained(name)
    x, lam = pictures(1, 60, 60), positions(name, 1)
    whole, part = tunable(x, lam), tunable(x[..., 8:52, 8:52], lam)
    inner = slice(REACH, 44 - REACH)
    across = slice(8 + REACH, 52 - REACH)
    torch.testing.assert_close(part[..., inner, inner], whole[..., across, across])


@every
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.int64])
def test_lambda_of_any_dtype_and_of_the_caller_fits(name: str, dtype: torch.dtype) -> None:
    _, tunable = trained(name)
    x, lam = pictures(1), torch.ones(1, CONTROLS[name])
    expected = tunable(x, lam)
    assert torch.equal(tunable(x, lam.to(dtype)), expected)
    assert torch.equal(tunable(x, nn.Parameter(lam)), expected)
    torch.testing.assert_close(bake(tunable, lam[0].to(dtype))(x), expected, atol=1e-5, rtol=1e-5)
    half = tunable.bfloat16()
    assert half(x.bfloat16(), lam).dtype == bake(half, lam[0])(x.bfloat16()).dtype == torch.bfloat16


@every
def test_a_baked_network_is_detached_and_has_its_own_memory(name: str) -> None:
    _, tunable = trained(name)
    x, lam = pictures(1), positions(name)[0]
    baked = bake(tunable, lam)
    before = baked(x)
    assert not before.requires_grad
    lam.zero_()
    with torch.no_grad():
        for parameter in tunable.parameters():
            parameter.zero_()
    assert torch.equal(baked(x), before)


def test_controls_can_have_names() -> None:
    tunable = convert(Restorer(), ["noise", "detail"])
    assert torch.equal(tunable.at(detail=0.5), torch.tensor([[0.0, 0.5]]))
    x = pictures()
    assert tunable(x, tunable.at(noise=1, detail=0.2)).shape == x.shape
    with pytest.raises(ValueError, match="no control loudness; known: noise, detail"):
        tunable.at(loudness=1)
    with pytest.raises(ValueError, match="known: none"):
        convert(Restorer(), 2).at(noise=1)
    assert convert(Restorer(), "detail").names == ("detail",)
    for wrong in (["detail", "detail"], [], 0):
        with pytest.raises(ValueError, match="at least 1 is needed, and no name twice"):
            convert(Restorer(), wrong)


def test_a_pattern_that_has_no_effect_is_named() -> None:
    with pytest.raises(ValueError, match=r"nothing called 'bodi.*'.* mean body"):
        convert(Restorer(), 1, include=["body.*", "bodi.*"])
    with pytest.raises(ValueError, match=r"no module is called 'entre'. Did you mean enter"):
        convert(Restorer(), 1, exclude="entre")
    network = Restorer()
    nn.utils.parametrizations.weight_norm(network.enter)
    with pytest.raises(ValueError, match=r"'enter' .* takes Conv2d, .*, no subclasses"):
        convert(network, 1, include="enter")


def test_a_network_may_take_more_and_be_checkpointed_as_a_whole() -> None:
    class Timed(Restorer):
        def forward(self, x: Tensor, time: Tensor, *, gain: float = 0.0) -> tuple[Tensor, Tensor]:  # type: ignore[override]
            return super().forward(x + time), gain * x

    tunable = convert(Timed(), 1)  # and it gives more than a tensor
    x, lam, time = pictures(1), torch.ones(1, 1), torch.ones(1)
    y, gained = tunable(x, lam, time, gain=2.0)
    assert torch.equal(gained, 2 * x)
    y, _ = checkpoint(tunable, x, lam, time, use_reentrant=False)
    y.sum().backward()
    assert all(parameter.grad is not None for parameter in tunable.added_parameters())


@every
def test_every_slider_has_its_true_slope_at_zero(name: str) -> None:
    _, tunable = trained(name)
    tunable, x = tunable.double(), pictures(1).double()
    zero = torch.zeros(1, CONTROLS[name], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(tunable(x, zero).square().sum(), zero)
    for i in range(CONTROLS[name]):
        axis = torch.eye(CONTROLS[name], dtype=torch.float64)[i : i + 1]
        with torch.no_grad():
            far = [tunable(x, step * axis).square().sum() for step in (1e-6, -1e-6)]
        assert slope[0, i].item() == pytest.approx((far[0] - far[1]).item() / 2e-6, rel=1e-2)


def test_patterns_choose_what_becomes_tunable() -> None:
    tunable = convert(Restorer(), 1, include=["body.*"], exclude=["body.1"])
    names = [n for n, m in tunable.network.named_modules() if isinstance(m, rheostat.TunableLayer)]
    assert names == ["body.0.first", "body.0.second"]


def test_transformers_see_lambda_in_eval_too() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    tunable = convert(nn.TransformerEncoder(layer, 2), 2, exclude=["layers.0"]).eval()
    for parameter in tunable.added_parameters():
        nn.init.normal_(parameter, std=0.3)
    x, lam = torch.rand(2, 5, 8), torch.rand(2, 2)
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    for more in ({}, {"src_key_padding_mask": padding}):
        expected = tunable(x, lam, **more)
        with torch.no_grad():
            y = tunable(x, lam, **more)
            torch.testing.assert_close(y, expected)
            assert not torch.allclose(y, tunable(x, 1 - lam, **more))
        for i in range(2):
            one = x[i : i + 1]
            torch.testing.assert_close(bake(tunable, lam[i])(one), tunable(one, lam[i : i + 1]))


@every
def test_what_stands_twice_is_tuned_once(name: str) -> None:
    shared = nn.Conv2d(3, 3, 3, padding=1)
    include = ["2", "4"] if STRATEGIES[name].site == "blocks" else []
    chain = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 3, 1), shared, nn.ReLU(), shared)
    tunable = convert(chain, 1, strategy=name, include=include)
    for parameter in tunable.parameters():
        nn.init.normal_(parameter, std=0.3)
    x, lam = pictures(1), torch.tensor([[0.7]])
    baked = bake(tunable, lam[0])
    torch.testing.assert_close(baked(x), tunable(x, lam))
    for network in (tunable.network, baked):
        if name != "blend":  # which holds two whole networks
            assert network.get_submodule("2") is network.get_submodule("4")


def test_a_pattern_counts_for_all_places_of_what_is_shared() -> None:
    conv = nn.Conv2d(3, 3, 1)
    places = nn.Sequential(nn.Sequential(conv), nn.Sequential(conv), nn.Conv2d(3, 3, 1))
    for tunable, kind in (
        (convert(places, 1, include=["1.*"]), rheostat.TunableConv2d),
        (convert(places, 1, exclude=["1"]), nn.Conv2d),
    ):
        first, second, _ = tunable.network.children()
        assert first.get_submodule("0") is second.get_submodule("0")
        assert type(first.get_submodule("0")) is kind


def test_tied_and_frozen_parameters_stay_so() -> None:
    words, middle, answer = nn.Embedding(5, 4), nn.Linear(4, 4), nn.Linear(4, 5)
    answer.weight = words.weight
    middle.requires_grad_(False)
    tunable = convert(nn.Sequential(words, middle, answer), 1)
    parameters = dict(tunable.network.named_parameters(remove_duplicate=False))
    assert parameters["2.weight"] is parameters["0.weight"]
    assert parameters["0.weight"] is not words.weight
    frozen = {name for name, value in parameters.items() if not value.requires_grad}
    assert frozen == {"1.weight", "1.bias"}


@every
def test_what_a_frozen_network_is_given_can_be_trained(name: str) -> None:
    include = ["body.?"] if STRATEGIES[name].site == "blocks" else []
    frozen = Restorer().requires_grad_(False)
    tunable = convert(frozen, CONTROLS[name], strategy=name, include=include)
    assert all(parameter.requires_grad for parameter in tunable.added_parameters())
    assert not any(parameter.requires_grad for parameter in tunable.base_parameters())


def test_what_cannot_be_converted_is_said() -> None:
    with pytest.raises(ValueError, match="no strategy 'flim'"):
        convert(Restorer(), 1, strategy="flim")
    with pytest.raises(ValueError, match="name them"):
        convert(Restorer(), 1, strategy="cfsnet")
    with pytest.raises(ValueError, match="1 control, not 2"):
        convert(Restorer(), 2, strategy="blend")
    with pytest.raises(ValueError, match="nothing that film"):
        convert(nn.Sequential(nn.Linear(2, 2)), 1, strategy="film")
