"""Every restorer: the identity at off, exact tiles, baked equals dynamic, a map equals a value."""

from __future__ import annotations

import itertools

import pytest
import rheostat
import torch
from rheostat.nets import CameraDenoiser, Deblocker, Deblurrer, Denoiser
from rheostat.nets.restorer import Restorer
from torch import Tensor, nn

OFF: dict[type[Restorer], list[list[float]]] = {
    Denoiser: [[0.0, 0.0], [0.0, 1.0]],
    CameraDenoiser: [[0.0, 0.0, 0.0], [0.0, 1.0, 1.0]],
    Deblocker: [[100.0, 0.0], [100.0, 1.0]],
    Deblurrer: [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 90.0, 1.0]],
}
POSITIONS: dict[type[Restorer], list[list[float]]] = {
    Denoiser: [[0.5, 0.0], [25.0, 0.3], [75.0, 1.0]],
    CameraDenoiser: [[0.5, 0.0, 0.0], [25.0, 1.0, 0.3], [75.0, 0.4, 1.0]],
    Deblocker: [[99.0, 0.0], [60.0, 0.3], [10.0, 1.0]],
    Deblurrer: [[0.1, 0.0, 10.0, 0.0], [1.5, 4.0, 100.0, 0.3], [3.0, 15.0, 180.0, 1.0]],
}


@pytest.fixture(params=itertools.product(OFF, (False, True)), ids=str)
def network(request: pytest.FixtureRequest) -> Restorer:
    torch.manual_seed(0)
    kind, bent = request.param
    made: Restorer = kind(width=8, blocks=2, bent=bent)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.1)
    return made.eval().requires_grad_(False)


def picture(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


def test_off_is_the_identity_bit_for_bit(network: Restorer) -> None:
    x = picture(2, 3, 16, 12)
    off = torch.tensor(OFF[type(network)])
    assert torch.equal(network(x, off), x)
    for lam in off:
        assert torch.equal(rheostat.bake(network, lam)(x), x)


def test_baked_and_painted_equal_dynamic(network: Restorer) -> None:
    positions = torch.tensor(POSITIONS[type(network)])
    x = picture(len(positions), 3, 16, 20)
    together = network(x, positions)
    painted = network(x, positions[:, :, None, None].expand(-1, -1, 16, 20))
    torch.testing.assert_close(painted, together, atol=1e-4, rtol=1e-4)
    for index, lam in enumerate(positions):
        one = slice(index, index + 1)
        baked = rheostat.bake(network, lam)(x[one])
        torch.testing.assert_close(baked, together[one], atol=1e-4, rtol=1e-4)


def test_pixels_beyond_the_receptive_radius_do_not_matter(network: Restorer) -> None:
    radius = network.receptive_radius
    x = picture(1, 3, 4, 2 * radius + 20)
    changed = x.clone()
    changed[..., 0] += 1.0
    lam = torch.tensor(POSITIONS[type(network)][1:2])
    difference = (network(x, lam) - network(changed, lam)).abs().amax((0, 1, 2))
    assert float(difference[radius + 1 :].max()) == 0
    assert float(difference[: radius // 2].max()) > 0


def test_without_motion_the_angle_does_nothing_and_a_half_turn_never_does() -> None:
    network = Deblurrer(width=8, blocks=1)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    x = picture(1, 3, 16, 16)
    with torch.no_grad():
        still = [network(x, torch.tensor([[1.0, 0.0, a, 0.5]])) for a in (0.0, 77.0)]
        assert torch.equal(*still)
        turned = [network(x, torch.tensor([[1.0, 5.0, a, 0.5]])) for a in (20.0, 200.0)]
        torch.testing.assert_close(*turned, atol=1e-4, rtol=1e-4)


def test_a_bent_slider_has_a_middle_of_its_own(network: Restorer) -> None:
    """The last kernel on the half of the way is the mean of its ends, unless it is bent."""
    ends = POSITIONS[type(network)][1][:-1]
    low, half, high = (
        network.bake(torch.tensor([*ends, detail])).fault.leave.weight for detail in (0.0, 0.5, 1.0)
    )
    assert torch.allclose(half, (low + high) / 2, atol=1e-6) != network.bent


def test_with_camera_at_0_a_camera_denoiser_is_a_denoiser() -> None:
    network, plain = CameraDenoiser(width=8, blocks=2), Denoiser(width=8, blocks=2)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    known = {
        name: value[[0, 3][: 2 if len(value) == 4 else 1]] if name.endswith("_slopes") else value
        for name, value in network.state_dict().items()
    }  # the slopes of noise and, in the last layers, of detail
    plain.load_state_dict(known)
    x = picture(2, 3, 16, 16)
    with torch.no_grad():
        ours = network(x, torch.tensor([[30.0, 0.0, 0.2], [5.0, 0.0, 1.0]]))
        torch.testing.assert_close(ours, plain(x, torch.tensor([[30.0, 0.2], [5.0, 1.0]])))


def test_a_slider_painted_off_everywhere_costs_no_convolution() -> None:
    network = CameraDenoiser(width=8, blocks=1).eval().requires_grad_(False)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    x, lam = picture(1, 3, 16, 16), torch.rand(1, 3, 16, 16) * 20

    def convolutions(lam: Tensor) -> int:
        with torch.no_grad(), torch.profiler.profile() as profile:
            network(x, lam)
        return sum(event.name == "aten::convolution" for event in profile.events() or ())

    off = lam.clone()
    off[:, 1] = 0
    assert convolutions(off) < convolutions(lam)
    with torch.no_grad():
        skipped = network(x, off)
    torch.testing.assert_close(skipped, network(x, off))
