"""Networks from picture to picture, and a discriminator that judges a picture patch by patch.

One set of parameters serves both ends: 32 x 32 on a laptop, and the architectures of the papers at
256 x 256 (`PAPER_UNET`, `PAPER_RESNET`, `PAPER_PATCH`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gan_helpers.checks import check_bool, check_choice, check_int, check_number
from gan_helpers.models import SLOPE, Doubling, bare, check_units, initialise

#: Isola et al. (2017), section 6.1: eight halvings, 64 to 512 channels, dropout in three layers.
PAPER_UNET: dict[str, Any] = {"width": 64, "depth": 8, "norm": "instance", "dropout": 0.5}
#: Zhu et al. (2017), appendix 7.2, for 256 x 256: nine residual blocks.
PAPER_RESNET: dict[str, Any] = {"width": 64, "blocks": 9, "norm": "instance"}
#: Both papers: it judges patches of 70 x 70.
PAPER_PATCH: dict[str, Any] = {"width": 64, "n_strided": 3, "norm": "instance"}

NORMS = ("none", "instance")
MOST_CHANNELS = 1024  # of the first layer


def normalization(norm: str, channels: int) -> list[nn.Module]:
    """The layers for it: none, or one that looks at each channel of each picture by itself.

    What normalizes over the batch is missing on purpose: one picture's verdict would depend on the
    others.
    """
    check_choice("norm", norm, NORMS)
    channels = check_int("channels", channels, 1, 8 * MOST_CHANNELS)
    return [nn.InstanceNorm2d(channels, affine=True)] if norm == "instance" else []


class UNet(nn.Module):
    """From picture to picture through a bottleneck, with a way past it at each size.

    Isola et al. (2017), section 3.2.1: an encoder halves the picture `depth` times, a decoder
    doubles it again; each size of the decoder also sees what the encoder had at that size, so that
    a line can stay where it is.

    Args:
        n_in, n_out: channels of the picture given and of the one made.
        width: channels at half the size; they double with each halving, up to 8 times as many.
        depth: how many times the picture is halved, 1 to 10.
        norm: one of `NORMS`.
        dropout: share of numbers dropped in the first three layers of the decoder, the only
            noise that this generator has; 0 to 0.9.
        rng: draws the initial weights.
        skips: whether there are ways past the bottleneck; without them it is the plain
            encoder-decoder of the paper's figure 3.
    """

    def __init__(
        self,
        n_in: int = 1,
        n_out: int = 1,
        width: int = 24,
        depth: int = 2,
        norm: str = "none",
        dropout: float = 0.0,
        rng: torch.Generator | None = None,
        skips: bool = True,
    ) -> None:
        super().__init__()
        n_in, n_out = check_units(n_in=n_in, n_out=n_out)
        width = check_int("width", width, 1, MOST_CHANNELS)
        self.depth = depth = check_int("depth", depth, 1, 10)
        check_choice("norm", norm, NORMS)
        dropout = check_number("dropout", dropout, 0, 0.9)
        self.skips = check_bool("skips", skips)
        sizes = [width * min(2**k, 8) for k in range(depth)]  # channels, from half the size down
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for k, c in enumerate(sizes):
            before = sizes[k - 1] if k else n_in
            # One of 1 x 1 has no spread to be normalized by, and the first layer sees colours.
            inner = 0 < k < depth - 1
            self.down.append(
                nn.Sequential(
                    bare(nn.Conv2d, before, c, 4, stride=2, padding=1),
                    *(normalization(norm, c) if inner else []),
                    nn.LeakyReLU(SLOPE),
                )
            )
        for k in reversed(range(depth)):
            beside = skips and k < depth - 1  # the deepest one gets all from below
            seen = sizes[k] * (2 if beside else 1)
            last, c = k == 0, sizes[k - 1] if k else n_out
            noisy = dropout > 0 and depth - 1 - k < 3 and not last
            self.up.append(
                nn.Sequential(
                    bare(Doubling, seen, c),
                    *([] if last else normalization(norm, c)),
                    *([nn.Dropout(dropout)] if noisy else []),
                    nn.Tanh() if last else nn.ReLU(),
                )
            )
        initialise(self, rng)

    def forward(self, a: Tensor) -> Tensor:
        """a `[N, n_in, H, W]` -> `[N, n_out, H, W]` in [-1, 1]; H, W divisible by 2^depth.

        Raises:
            ValueError: if they are not.
        """
        check_edges(a, 2**self.depth)
        skips = []
        x = a
        for layer in self.down:
            x = layer(x)  # (N, c, H / 2^k, W / 2^k)
            skips.append(x)
        for k, layer in zip(reversed(range(self.depth)), self.up, strict=True):
            beside = self.skips and k < self.depth - 1
            x = layer(torch.cat([x, skips[k]], 1) if beside else x)
        return x


class ResidualBlock(nn.Module):
    """x + f(x), f being two convolutions: what is not changed passes as it is. He et al. (2016)."""

    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        self.f = nn.Sequential(
            nn.ReflectionPad2d(1),
            bare(nn.Conv2d, channels, channels, 3),
            *normalization(norm, channels),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            bare(nn.Conv2d, channels, channels, 3),
            *normalization(norm, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.f(x)


class ResNet(nn.Module):
    """From picture to picture of the same size by residual blocks at a quarter of the size.

    Zhu et al. (2017), appendix 7.2, after Johnson et al. (2016).

    Args:
        n_in, n_out: channels of the picture given and of the one made.
        width: channels at the full size; twice as many at half, four times at a quarter of it.
        blocks: residual blocks, 1 to 20.
        norm: one of `NORMS`.
        kernel: edge of the first and the last convolution, odd.
        rng: draws the initial weights.
    """

    def __init__(
        self,
        n_in: int = 3,
        n_out: int = 3,
        width: int = 16,
        blocks: int = 2,
        norm: str = "none",
        kernel: int = 7,
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_in, n_out = check_units(n_in=n_in, n_out=n_out)
        width = check_int("width", width, 1, MOST_CHANNELS)
        blocks, kernel = check_int("blocks", blocks, 1, 20), check_int("kernel", kernel, 1, 15)
        check_choice("norm", norm, NORMS)
        if kernel % 2 == 0:
            raise ValueError(f"kernel = {kernel} is even; it has to be odd, to have a middle.")
        w, border = width, nn.ReflectionPad2d(kernel // 2)
        self.net = nn.Sequential(
            border,
            bare(nn.Conv2d, n_in, w, kernel),
            *normalization(norm, w),
            nn.ReLU(),  # (N, w, H, W)
            bare(nn.Conv2d, w, 2 * w, 3, stride=2, padding=1),
            *normalization(norm, 2 * w),
            nn.ReLU(),  # (N, 2w, H/2, W/2)
            bare(nn.Conv2d, 2 * w, 4 * w, 3, stride=2, padding=1),
            *normalization(norm, 4 * w),
            nn.ReLU(),  # (N, 4w, H/4, W/4)
            *(ResidualBlock(4 * w, norm) for _ in range(blocks)),
            bare(Doubling, 4 * w, 2 * w),
            *normalization(norm, 2 * w),
            nn.ReLU(),
            bare(Doubling, 2 * w, w),
            *normalization(norm, w),
            nn.ReLU(),
            nn.ReflectionPad2d(kernel // 2),
            bare(nn.Conv2d, w, n_out, kernel),
            nn.Tanh(),  # (N, n_out, H, W)
        )
        initialise(self, rng)

    def forward(self, a: Tensor) -> Tensor:
        """a `[N, n_in, H, W]` -> `[N, n_out, H, W]` in [-1, 1]; H, W divisible by 4."""
        check_edges(a, 4)
        return self.net(a)


class PatchDiscriminator(nn.Module):
    """A logit for each patch of the picture: is this piece real? Isola et al. (2017), 3.2.2.

    A fully convolutional network: it has no opinion of the whole, so it judges texture and edges
    and leaves the rest to L1. How large a patch is, `receptive_field` tells.

    Args:
        n_in: channels of what it sees; of both pictures together where it judges pairs.
        width: channels of the first layer; they double with each layer, up to 8 times as many.
        n_strided: layers that halve the size, 1 to 5; the patches are 16, 34, 70, ... wide.
        norm: one of `NORMS`.
        rng: draws the initial weights.
    """

    def __init__(
        self,
        n_in: int = 2,
        width: int = 32,
        n_strided: int = 1,
        norm: str = "none",
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        (n_in,) = check_units(n_in=n_in)
        width = check_int("width", width, 1, MOST_CHANNELS)
        n_strided = check_int("n_strided", n_strided, 1, 5)
        check_choice("norm", norm, NORMS)
        layers: list[nn.Module] = []
        before = n_in
        for k in range(n_strided + 1):
            c, stride = width * min(2**k, 8), 2 if k < n_strided else 1
            layers += [
                bare(nn.Conv2d, before, c, 4, stride=stride, padding=1),
                *(normalization(norm, c) if k else []),
                nn.LeakyReLU(SLOPE),
            ]
            before = c
        self.net = nn.Sequential(*layers, bare(nn.Conv2d, before, 1, 4, padding=1))
        initialise(self, rng)

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, n_in, H, W]` -> logits `[N, P]`, one for each of the P patches, row by row."""
        return self.net(x).flatten(1)


def receptive_field(net: nn.Module) -> tuple[int, int]:
    """How many pixels wide the patch behind one number of the output is, and their distance.

    Layer by layer from the end: a kernel k at stride s turns a field r into s (r - 1) + k.

    Returns:
        (edge of a patch, pixels between the middles of neighbouring patches).
    """
    field = distance = 1
    convolutions = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    for layer in reversed(convolutions):
        field = layer.stride[0] * (field - 1) + layer.kernel_size[0]
        distance *= layer.stride[0]
    return field, distance


def check_edges(x: Tensor, factor: int) -> None:
    """Raise a ValueError if the picture cannot be halved that often."""
    if x.dim() != 4 or any(edge % factor for edge in x.shape[2:]):
        near = [max(1, math.floor(edge / factor + 0.5)) * factor for edge in x.shape[2:]]
        raise ValueError(
            f"pictures of shape {list(x.shape)}; they have to be [N, C, H, W] with H and W "
            f"divisible by {factor}" + (f", e.g. {near[0]} x {near[1]}." if len(near) == 2 else ".")
        )


#: Name of a generator -> how it is made.
GENERATORS: dict[str, Callable[..., Any]] = {"unet": UNet, "resnet": ResNet}
