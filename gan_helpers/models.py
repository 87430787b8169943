"""Generators and discriminators: multilayer perceptrons, and a small pair of DCGANs.

D returns a logit per sample, never a probability; a critic's score is the same thing without the
name. None of the discriminators normalizes over the batch, so one sample's verdict never depends
on the others (a gradient penalty needs that).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

SLOPE = 0.2  # of the leaky ReLU, as in DCGAN


def bare(kind: Callable[..., nn.Module], *args: int, **kwargs: int) -> nn.Module:
    """A layer made without moving the global random state; `initialise` draws its weights."""
    with torch.random.fork_rng(devices=[]):
        return kind(*args, **kwargs)


def initialise(net: nn.Module, rng: torch.Generator | None) -> nn.Module:
    """PyTorch's default initial weights, U(-1/sqrt(fan_in), 1/sqrt(fan_in)), drawn from `rng`."""
    for layer in net.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            with torch.no_grad():
                layer.weight.uniform_(-bound, bound, generator=rng)
                if layer.bias is not None:
                    layer.bias.uniform_(-bound, bound, generator=rng)
    return net


class MLP(nn.Module):
    """`depth` hidden layers of `width` units with leaky ReLUs: [..., n_in] -> [..., n_out]."""

    def __init__(self, n_in: int, n_out: int, width: int, depth: int) -> None:
        super().__init__()
        sizes = [n_in] + [width] * depth
        self.hidden = nn.ModuleList(bare(nn.Linear, a, b) for a, b in pairwise(sizes))
        self.out = bare(nn.Linear, sizes[-1], n_out)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = leaky_relu(layer(x), SLOPE)  # (..., width)
        return self.out(x)


class Generator(nn.Module):
    """x = G(z), a multilayer perceptron.

    Args:
        latent_dim: length of z.
        event_shape: shape of one sample, `(d,)` or `(C, H, W)`; images end in tanh.
        width, depth: units per hidden layer, and how many hidden layers.
        rng: draws the initial weights.
    """

    def __init__(
        self,
        latent_dim: int = 2,
        event_shape: tuple[int, ...] = (2,),
        width: int = 64,
        depth: int = 3,
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.event_shape = event_shape
        self.net = MLP(latent_dim, math.prod(event_shape), width, depth)
        initialise(self, rng)

    def forward(self, z: Tensor) -> Tensor:
        """z `[N, latent_dim]` -> x `[N, *event_shape]`."""
        x = self.net(z)  # (N, d)
        return x if len(self.event_shape) == 1 else x.tanh().unflatten(-1, self.event_shape)


class Discriminator(nn.Module):
    """The logit of D(x), a multilayer perceptron.

    Args:
        event_shape: shape of one sample, `(d,)` or `(C, H, W)`.
        width, depth: units per hidden layer, and how many hidden layers.
        rng: draws the initial weights.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...] = (2,),
        width: int = 64,
        depth: int = 3,
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.event_dims = len(event_shape)
        self.net = MLP(math.prod(event_shape), 1, width, depth)
        initialise(self, rng)

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, *event_shape]` -> logits `[N]`."""
        return self.net(x.flatten(-self.event_dims)).squeeze(-1)


class ConvGenerator(nn.Module):
    """x = G(z) by transposed convolutions, after DCGAN (Radford et al., 2016).

    Args:
        latent_dim: length of z.
        size: edge of the picture, a multiple of 4.
        width: channels after the first layer; the second has half of them.
        channels: 1 for grey, 3 for colour.
        rng: draws the initial weights.
    """

    def __init__(
        self,
        latent_dim: int = 64,
        size: int = 16,
        width: int = 64,
        channels: int = 1,
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        edge = size // 4
        self.net = nn.Sequential(
            bare(nn.Linear, latent_dim, width * edge * edge),
            nn.Unflatten(-1, (width, edge, edge)),  # (N, width, size/4, size/4)
            nn.BatchNorm2d(width),
            nn.ReLU(),
            bare(nn.ConvTranspose2d, width, width // 2, 4, stride=2, padding=1),
            nn.BatchNorm2d(width // 2),  # (N, width/2, size/2, size/2)
            nn.ReLU(),
            bare(nn.ConvTranspose2d, width // 2, channels, 4, stride=2, padding=1),
            nn.Tanh(),  # (N, channels, size, size)
        )
        initialise(self, rng)

    def forward(self, z: Tensor) -> Tensor:
        """z `[N, latent_dim]` -> x `[N, channels, size, size]` in [-1, 1]."""
        return self.net(z)


class ConvDiscriminator(nn.Module):
    """The logit of D(x) by strided convolutions, without normalization.

    Args:
        size: edge of the picture, a multiple of 4.
        width: channels after the second layer; the first has half of them.
        channels: 1 for grey, 3 for colour.
        rng: draws the initial weights.
    """

    def __init__(
        self,
        size: int = 16,
        width: int = 64,
        channels: int = 1,
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        edge = size // 4
        self.net = nn.Sequential(
            bare(nn.Conv2d, channels, width // 2, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),  # (N, width/2, size/2, size/2)
            bare(nn.Conv2d, width // 2, width, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),  # (N, width, size/4, size/4)
            nn.Flatten(),
            bare(nn.Linear, width * edge * edge, 1),
        )
        initialise(self, rng)

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, channels, size, size]` -> logits `[N]`."""
        return self.net(x).squeeze(-1)
