"""Shapes, initial weights, and that D judges each sample by itself."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv_transpose2d

from gan_helpers import models
from gan_helpers.models import (
    ConvDiscriminator,
    ConvGenerator,
    Discriminator,
    Generator,
    initialise,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [(1,), (2,), (1, 16, 16), (3, 8, 8)])
def test_mlp_shapes(shape):
    G, D = Generator(3, shape, 8, 2, seeded()), Discriminator(shape, 8, 2, seeded())
    x = G(torch.randn(5, 3, generator=seeded()))
    assert x.shape == (5, *shape)
    assert D(x).shape == (5,)


@pytest.mark.parametrize(("size", "channels"), [(16, 1), (28, 1), (32, 3)])
def test_conv_shapes_and_range(size, channels):
    G = ConvGenerator(6, size, 8, channels, seeded())
    D = ConvDiscriminator(size, 8, channels, seeded())
    x = G(torch.randn(4, 6, generator=seeded()))
    assert x.shape == (4, channels, size, size)
    assert x.abs().max() <= 1
    assert D(x).shape == (4,)


@pytest.mark.parametrize("D", [Discriminator(rng=seeded()), ConvDiscriminator(rng=seeded())])
def test_D_returns_logits_of_each_sample_alone(D):
    """No BatchNorm in D: a verdict does not depend on the rest of the batch; and no sigmoid."""
    shape = (2,) if isinstance(D, Discriminator) else (1, 16, 16)
    x = 30 * torch.randn(9, *shape, generator=seeded(3))
    together = D(x)
    alone = torch.cat([D(x[i : i + 1]) for i in range(9)])
    torch.testing.assert_close(together, alone)
    assert together.min() < 0 or together.max() > 1
    assert not any("Norm" in type(m).__name__ for m in D.modules())


def test_batch_norm_keeps_its_eps_and_momentum():
    """BatchNorm2d(n, 0.8) would set eps, a slip of popular code."""
    norms = [m for m in ConvGenerator(rng=seeded()).modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 2
    assert all(m.eps == 1e-5 and m.momentum == 0.1 for m in norms)


def test_same_rng_same_weights_and_the_global_state_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    a, b, c = (ConvGenerator(rng=seeded(s)) for s in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    for x, y in zip(a.parameters(), b.parameters(), strict=True):
        assert torch.equal(x, y)
    assert not torch.equal(next(a.parameters()), next(c.parameters()))


@pytest.mark.parametrize(
    "layer", [nn.Linear(50, 40), nn.Conv2d(8, 6, 4), nn.ConvTranspose2d(8, 6, 4)]
)
def test_initial_weights_have_the_bounds_of_pytorch(layer):
    """U(-b, b) reaches just up to b, as PyTorch's own initial values do."""
    reference = float(layer.weight.detach().abs().max())
    initialise(layer, seeded())
    assert float(layer.weight.detach().abs().max()) == pytest.approx(reference, rel=0.05)
    assert float(layer.weight.detach().mean()) == pytest.approx(0, abs=reference / 10)


@pytest.mark.parametrize("n_out", [1, 3])
@pytest.mark.parametrize("shape", [(2, 5, 4, 4), (1, 3, 3, 6)])
def test_doubling_is_a_transposed_convolution(n_out, shape):
    layer = models.Doubling(shape[1], n_out).double()
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    wanted = conv_transpose2d(x, layer.weight, layer.bias, stride=2, padding=1)
    made = layer(x)
    assert made.shape == (shape[0], n_out, 2 * shape[2], 2 * shape[3])
    torch.testing.assert_close(made, wanted)
    push = torch.randn_like(wanted)
    inputs = (x, layer.weight, layer.bias)
    for own, right in zip(
        torch.autograd.grad(made, inputs, push),
        torch.autograd.grad(wanted, inputs, push),
        strict=True,
    ):
        torch.testing.assert_close(own, right)
    assert torch.autograd.gradgradcheck(layer, (x,))
    assert set(layer.state_dict()) == {"weight", "bias"}
