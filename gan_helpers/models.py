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
from torch.nn.functional import fold, leaky_relu

from gan_helpers.checks import MOST_NUMBERS, check_event_shape, check_int, check_is

SLOPE = 0.2  # of the leaky ReLU, as in DCGAN
MOST_UNITS, MOST_LAYERS, MOST_PACKED = 10**5, 100, 1000


def bare(kind: Callable[..., nn.Module], *args: int, **kwargs: int) -> nn.Module:
    """A layer made without moving the global random state; `initialise` draws its weights."""
    with torch.random.fork_rng(devices=[]):
        return kind(*args, **kwargs)


def initialise(net: nn.Module, rng: torch.Generator | None) -> nn.Module:
    """PyTorch's default initial weights, U(-1/sqrt(fan_in), 1/sqrt(fan_in)), drawn from `rng`.

    Raises:
        TypeError: if `rng` is neither a generator nor None, which is PyTorch's own.
    """
    check_is("net", net, nn.Module, "a network")
    if rng is not None:
        check_is("rng", rng, torch.Generator, "a generator, e.g. torch.Generator().manual_seed(0)")
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
        n_in, n_out, width = check_units(n_in=n_in, n_out=n_out, width=width)
        sizes = [n_in] + [width] * check_int("depth", depth, 0, MOST_LAYERS)
        self.hidden = nn.ModuleList(bare(nn.Linear, a, b) for a, b in pairwise(sizes))
        self.out = bare(nn.Linear, sizes[-1], n_out)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = leaky_relu(layer(x), SLOPE, inplace=True)  # (..., width)
        return self.out(x)


def check_units(**sizes: object) -> list[int]:
    """The values, if each is a number of units or channels; else the message names which is not."""
    return [check_int(name, size, 1, MOST_NUMBERS) for name, size in sizes.items()]


def check_square(size: object) -> int:
    """Return `size` if convolutions can halve a picture of that edge twice."""
    edge = check_int("size", size, 4, 1024)
    if edge % 4:
        raise ValueError(f"size = {size} has to be a multiple of 4, to be halved twice.")
    return edge


class StackedLinear(nn.Module):
    """K linear layers in one matrix product: [K, in, N] -> [K, out, N]; their weights, stacked."""

    stacked = 1  # leading axes that count layers

    def __init__(self, n_layers: int, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_layers, n_out, n_in))
        self.bias = nn.Parameter(torch.empty(n_layers, n_out))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias[..., None], self.weight, x)


class StackedMLP(MLP):
    """K multilayer perceptrons like `one`: [K, N, n_in] -> [K, N, n_out]."""

    def __init__(self, one: MLP, n_networks: int) -> None:
        nn.Module.__init__(self)
        sizes = [(layer.in_features, layer.out_features) for layer in (*one.hidden, one.out)]
        *hidden, out = (StackedLinear(n_networks, a, b) for a, b in sizes)
        self.hidden, self.out = nn.ModuleList(hidden), out

    def forward(self, x: Tensor) -> Tensor:
        # The samples come last inside: a quarter faster, as nothing is laid out anew on the way.
        return super().forward(x.mT).mT


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
        (latent_dim,) = check_units(latent_dim=latent_dim)
        self.event_shape = check_event_shape(event_shape)
        self.net = MLP(latent_dim, math.prod(self.event_shape), width, depth)
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
        pac: samples judged together, side by side in one input. PacGAN (Lin et al., 2018).
        n_out: numbers given for each sample; more than the logit where D has other tasks, too.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...] = (2,),
        width: int = 64,
        depth: int = 3,
        rng: torch.Generator | None = None,
        pac: int = 1,
        n_out: int = 1,
    ) -> None:
        super().__init__()
        event_shape = check_event_shape(event_shape)
        self.event_dims, self.pac = len(event_shape), check_int("pac", pac, 1, MOST_PACKED)
        (n_out,) = check_units(n_out=n_out)
        self.net = MLP(self.pac * math.prod(event_shape), n_out, width, depth)
        initialise(self, rng)

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, *event_shape]` -> logits `[N / pac]`, one for all that are judged together.

        With `n_out` > 1: `[N / pac, n_out]`.
        """
        x = x.flatten(-self.event_dims)  # (N, d)
        if self.pac > 1:
            x = x.unflatten(-2, (-1, self.pac)).flatten(-2)  # (N / pac, pac * d)
        return self.net(x).squeeze(-1)


class Doubling(nn.ConvTranspose2d):
    """A transposed convolution to pictures of twice the edge, `[N, n_in, H, W]` in.

    To a single channel it is a product and the sum of the 4 x 4 patches that come of it: the same
    numbers but for rounding, in a half to a third of the time that PyTorch's own takes there.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out, 4, stride=2, padding=1)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """x `[N, n_in, H, W]` -> `[N, n_out, 2 H, 2 W]`."""
        if self.out_channels > 1 or self.bias is None:
            return super().forward(x, output_size)
        patches = self.weight.flatten(1).T @ x.flatten(2)  # (N, 16, H * W)
        edges = (2 * x.shape[2], 2 * x.shape[3])
        return fold(patches, edges, 4, stride=2, padding=1) + self.bias


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
        latent_dim, channels = check_units(latent_dim=latent_dim, channels=channels)
        width = check_int("width", width, 2, MOST_UNITS)
        edge = check_square(size) // 4
        self.net = nn.Sequential(
            bare(nn.Linear, latent_dim, width * edge * edge),
            nn.Unflatten(-1, (width, edge, edge)),  # (N, width, size/4, size/4)
            nn.BatchNorm2d(width),
            nn.ReLU(),
            bare(Doubling, width, width // 2),
            nn.BatchNorm2d(width // 2),  # (N, width/2, size/2, size/2)
            nn.ReLU(),
            bare(Doubling, width // 2, channels),
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
        pac: pictures judged together, stacked as channels. PacGAN (Lin et al., 2018).
        n_out: numbers given for each picture; more than the logit where D has other tasks, too.
    """

    def __init__(
        self,
        size: int = 16,
        width: int = 64,
        channels: int = 1,
        rng: torch.Generator | None = None,
        pac: int = 1,
        n_out: int = 1,
    ) -> None:
        super().__init__()
        channels, n_out = check_units(channels=channels, n_out=n_out)
        width = check_int("width", width, 2, MOST_UNITS)
        edge, self.pac = check_square(size) // 4, check_int("pac", pac, 1, MOST_PACKED)
        self.net = nn.Sequential(
            bare(nn.Conv2d, self.pac * channels, width // 2, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),  # (N, width/2, size/2, size/2)
            bare(nn.Conv2d, width // 2, width, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),  # (N, width, size/4, size/4)
            nn.Flatten(),
            bare(nn.Linear, width * edge * edge, n_out),
        )
        initialise(self, rng)

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, channels, size, size]` -> logits `[N / pac]`; `[N / pac, n_out]` if n_out > 1."""
        return self.net(x.unflatten(0, (-1, self.pac)).flatten(1, 2)).squeeze(-1)
