"""CycleGAN between two clouds of points, small enough to see which point goes where.

Nothing in the data says which blob of A belongs to which of B, and for the discriminators alone
any map will do that leaves no blob of B empty, even one that tears a blob apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from gan_helpers.checks import check_floats, check_has, check_int, check_is, check_seed, check_text
from gan_helpers.datasets.points import Mixture, mixture, ring
from gan_helpers.models import Discriminator, Generator
from gan_helpers.translation.cyclegan import CycleGAN
from gan_helpers.translation.training import Translation

#: Settings for points; `depth` counts the hidden layers of all networks.
POINTS = Translation(
    batch_size=128, lr_D=1e-3, lr_G=1e-3, width=64, width_D=64, depth=3, history=0, identity=0.0
)


@dataclass(frozen=True)
class Clouds:
    """Two mixtures of as many blobs each; nothing says which belong together.

    Args:
        name: what the reader sees.
        a, b: mixtures with M modes.

    Raises:
        ValueError: if one has no modes, or another number of them.
        TypeError: if one is no mixture.
    """

    name: str
    a: Mixture
    b: Mixture

    def __post_init__(self) -> None:
        check_text("name", self.name)
        for name in ("a", "b"):
            check_is(name, getattr(self, name), Mixture, "a Mixture, e.g. ring()")
        n_a, n_b = self.a.n_modes, self.b.n_modes
        if n_a is None or n_a != n_b:
            raise ValueError(f"a has {n_a} modes, b has {n_b}; both have to have as many.")

    def sample(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` points of each, drawn one without the other: (a `[n, d_a]`, b `[n, d_b]`)."""
        return self.a.sample(n, rng), self.b.sample(n, rng)


def ring_and_rows() -> Clouds:
    """A: eight blobs on a ring. B: eight blobs in two rows of four."""
    places = np.array([(x, y) for y in (-0.5, 0.5) for x in (-1.2, -0.4, 0.4, 1.2)])
    return Clouds("ring and rows", ring(), mixture("two rows", places, 0.06))


class PointCycleGAN(CycleGAN):
    """A CycleGAN of multilayer perceptrons; `channels` are the numbers d_a and d_b of a point.

    Raises:
        ValueError, TypeError: as for `Translator`.
    """

    work = "points"

    def __init__(
        self, experiment: Translation = POINTS, channels: tuple[int, int] = (2, 2), seed: int = 0
    ) -> None:
        super().__init__(experiment, channels, seed)

    @staticmethod
    def check_given(name: str, x: object, n_channels: int) -> None:
        """Raise if these are no points with so many coordinates; NaN passes."""
        check_floats(name, x, f"[N, {n_channels}]", finite=False)

    @staticmethod
    def make_G(e: Translation, n_in: int, n_out: int, rng: torch.Generator) -> nn.Module:
        """A generator from points to points."""
        return Generator(n_in, (n_out,), e.width, e.depth, rng)

    @staticmethod
    def make_D(e: Translation, n_in: int, rng: torch.Generator) -> nn.Module:
        """A discriminator of points."""
        return Discriminator((n_in,), e.width_D, e.depth, rng)


def matching(gan: PointCycleGAN, data: Clouds, n: int = 250, seed: int = 1) -> Tensor:
    """Where the blobs of A go: the share of blob i that comes closest to blob j of B, `[M, M]`.

    Args:
        gan: whose generator from A to B is looked at.
        n: points of each blob, 1 to 10^5.
        seed: of the points.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_has("gan", gan, ("to_a", "to_b"), "a PointCycleGAN")
    return nearest_blobs(gan.to_b(points_of_A(data, n, seed)), data.b)


def returned(gan: PointCycleGAN, data: Clouds, n: int = 250, seed: int = 1) -> float:
    """The share of points of A that are closest to their own blob again after A -> B -> A.

    1: what one generator does, the other one undoes. Args, errors: as for `matching`.
    """
    check_has("gan", gan, ("to_a", "to_b"), "a PointCycleGAN")
    back = gan.to_a(gan.to_b(points_of_A(data, n, seed)))
    return float(nearest_blobs(back, data.a).diagonal().mean())


def points_of_A(data: Clouds, n: int, seed: int) -> Tensor:
    """`n` points of each blob of A, one blob after the other: `[M * n, d_a]`."""
    check_is("data", data, Clouds, "Clouds, e.g. ring_and_rows()")
    n = check_int("n", n, 1, 10**5)
    rng = torch.Generator().manual_seed(check_seed(seed))
    return torch.cat([data.a.of_class(k).sample(n, rng) for k in range(len(data.a.means))])


def nearest_blobs(x: Tensor, world: Mixture) -> Tensor:
    """x `[M * n, d]`, from one blob after the other: the share of each at each blob, `[M, M]`.

    A point that is not finite is at no blob.
    """
    check_is("world", world, Mixture, "a Mixture, e.g. ring()")
    check_floats("x", x, f"[N, {world.dim}]", finite=False)
    n_blobs = len(world.means)
    if len(x) % n_blobs:
        raise ValueError(
            f"x has shape {list(x.shape)}; it has to be as many points of each of {n_blobs} blobs."
        )
    nearest = torch.cdist(x, world.means.to(x)).argmin(1)
    nearest = nearest.where(x.isfinite().all(1), -1).view(n_blobs, -1)
    return torch.stack([(nearest == j).float().mean(1) for j in range(n_blobs)], 1)


def one_to_one(shares: Tensor) -> float:
    """The share of points that keep to the best one-to-one matching of the blobs, 0 to 1.

    shares: `[M, M]`, see `matching`. 1: each blob of A has a blob of B for itself.
    """
    if len(check_floats("shares", shares, "[M, M]")) != shares.shape[1]:
        raise ValueError(f"shares has shape {list(shares.shape)}; it has to be square, [M, M].")
    rows, columns = linear_sum_assignment(-shares.detach().cpu().numpy())
    return float(shares[rows, columns].mean())
