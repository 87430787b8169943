"""How good are the samples, and how far is D from its optimum?

Densities here live on a grid of one dimension: arrays `[B]` of values at equally spaced points.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gan_helpers.checks import (
    check_densities,
    check_floats,
    check_int,
    check_is,
    check_masses,
    check_number,
    check_same_grid,
    check_scale,
    check_together,
    kind_of,
)
from gan_helpers.datasets.points import Mixture


def mode_coverage(x: Tensor, mixture: Mixture, radius: float = 3.0) -> tuple[Tensor, Tensor]:
    """Which share of the samples is good, and how many modes have at least one good sample.

    A sample is good within `radius` standard deviations of the nearest component; the protocol of
    VEEGAN (Srivastava et al., 2017) and PacGAN (Lin et al., 2018).

    Args:
        x: samples `[..., N, d]`; one that is not finite is not good.
        mixture: the true distribution, of the same d.
        radius: above 0.

    Returns:
        (modes covered `[...]`, integer; share of good samples `[...]`, 0 to 1).

    Raises:
        ValueError, TypeError: if an argument is not as above, or there are no samples.
    """
    counts = mode_counts(x, mixture, radius)  # (..., M)
    return (counts > 0).sum(-1), counts.sum(-1) / x.shape[-2]


def mode_counts(x: Tensor, mixture: Mixture, radius: float = 3.0) -> Tensor:
    """How many good samples each mode has, see `mode_coverage`: `[..., N, d]` -> `[..., M]`."""
    check_is("mixture", mixture, Mixture, "a Mixture, e.g. ring()")
    check_floats("x", x, f"[..., N, {mixture.dim}]", finite=False)
    radius = check_number("radius", radius, 0, low_allowed=False)
    # Matrix products, the default, would lose small distances to rounding.
    distance = torch.cdist(
        x, mixture.means.to(x), compute_mode="donot_use_mm_for_euclid_dist"
    )  # (..., N, M)
    nearest, mode = (distance / mixture.stds.to(x)).min(dim=-1)  # (..., N)
    counts = torch.zeros(*x.shape[:-2], mixture.means.shape[0], device=x.device)
    return counts.scatter_add_(-1, mode, (nearest <= radius).float())


def optimal_discriminator(p: Tensor, q: Tensor) -> Tensor:
    """D*(x) = p(x) / (p(x) + q(x)). Goodfellow et al. (2014), proposition 1.

    Where neither has mass D is free; there it is 1/2.

    Args:
        p, q: densities at the same points, `[...]`; 0 or more, of any integral.

    Raises:
        ValueError, TypeError: if one is no such tensor, or they do not fit.
    """
    check_masses(p, q)
    total = p + q
    return torch.where(total > 0, p / total.clamp_min(torch.finfo(p.dtype).tiny), 0.5)


def kl_divergence(p: Tensor, q: Tensor, dx: float) -> Tensor:
    """KL(p || q) of two densities on a grid of spacing `dx`; infinite where q misses p's mass.

    Args:
        p, q: of one shape, e.g. `[B]`; 0 or more, with the integral 1, or less where mass is off
            the grid.
        dx: above 0; of a grid in the plane, the area of a cell.

    Raises:
        ValueError, TypeError: if one is no density, or they do not fit.
    """
    dx = check_densities(p, q, dx)
    return relative_entropy(p, q) * dx


def relative_entropy(p: Tensor, q: Tensor) -> Tensor:
    """`kl_divergence` for dx = 1, without its checks."""
    return torch.where(p > 0, p * (p / q).log(), 0.0).sum()


def jensen_shannon(p: Tensor, q: Tensor, dx: float) -> Tensor:
    """JSD(p || q) in nats, from 0 (equal) to log 2 (apart). Args, errors: see `kl_divergence`."""
    dx = check_densities(p, q, dx)
    middle = (p + q) / 2
    return (relative_entropy(p, middle) * dx + relative_entropy(q, middle) * dx) / 2


def total_variation(p: Tensor, q: Tensor, dx: float) -> Tensor:
    """TV(p, q), from 0 (equal) to 1 (apart): the largest difference of any event's probability.

    Args, errors: see `kl_divergence`.
    """
    dx = check_densities(p, q, dx)
    return (p - q).abs().sum() * dx / 2


def game_value(p: Tensor, q: Tensor, logits: Tensor, dx: float) -> Tensor:
    """The value of the game (12.28) for given densities: E_p[log D] + E_q[log(1 - D)].

    For the optimal D it is -log 4 + 2 JSD(p || q). Goodfellow et al. (2014), theorem 1.

    Args:
        p, q, dx: as for `kl_divergence`.
        logits: of D at the points of the grid, of the shape of p.
    """
    dx = check_densities(p, q, dx)
    check_same_grid("logits", check_floats("logits", logits, "[...]"), p)
    log_D = torch.nn.functional.logsigmoid(logits)
    log_not_D = torch.nn.functional.logsigmoid(-logits)
    return (p * log_D + q * log_not_D).sum() * dx


def normal_quantiles(n: int) -> Tensor:
    """The n inner edges that cut N(0, 1) into n + 1 parts of equal probability, `[n]`.

    n: 1 to 10^7.
    """
    n = check_int("n", n, 1, 10**7)
    u = torch.arange(1, n + 1, dtype=torch.float64) / (n + 1)
    return math.sqrt(2) * torch.erfinv(2 * u - 1)


def pushforward_density(g: Tensor, edges: Tensor) -> Tensor:
    """The density of G(z) in one dimension, without sampling noise.

    Between neighbouring quantiles of z, G is taken to be linear: each piece spreads its equal share
    of the probability evenly over the x it covers.

    Args:
        g: G at equally likely z in ascending order, `[Z]`, Z at least 2.
        edges: borders of the x bins, ascending, `[B + 1]`, B at least 1.

    Returns:
        The mean density in each bin, `[B]`; the mass outside of the edges is left out.

    Raises:
        ValueError, TypeError: if an argument is not as above, or not finite.
    """
    for name, values in (("g", g), ("edges", edges)):
        if len(check_floats(name, values, "[N]")) < 2:
            raise ValueError(f"{name} has shape {list(values.shape)}; it has to be at least [2].")
    if g.device != edges.device:
        raise ValueError(f"g is on {g.device}, edges are on {edges.device}; use .to(device).")
    if not bool((edges.diff() > 0).all()):
        raise ValueError("edges has to ascend from border to border; sort it, without repetitions.")
    low, high = torch.minimum(g[:-1], g[1:]), torch.maximum(g[:-1], g[1:])  # (Z-1,)
    width = (high - low).clamp_min(1e-9)
    below = ((edges[:, None] - low) / width).clamp(0, 1).mean(1)  # (B+1,) share of z below
    return below.diff() / edges.diff()


def nearest_images(x: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """For each sample the training picture closest to it: is G copying?

    Args:
        x: `[N, C, H, W]` in [-1, 1]; images: `[M, C, H, W]`.

    Returns:
        (index of the nearest picture `[N]`, root-mean-square distance per pixel `[N]`).

    Raises:
        ValueError, TypeError: if one is no such tensor, not finite, surely not in [-1, 1], or they
            do not fit.
    """
    for name, pictures in (("x", x), ("images", images)):
        check_scale(name, check_floats(name, pictures, "[N, C, H, W]"), most=3.0, warn=False)
    if x.shape[1:] != images.shape[1:]:
        raise ValueError(
            f"x has shape {list(x.shape)}, images has {list(images.shape)}; pictures of one size "
            "and of as many channels can be compared."
        )
    check_together("x", x, "images", images)
    distance = torch.cdist(x.flatten(1), images.flatten(1))  # (N, M)
    nearest, index = distance.min(dim=1)
    return index, nearest / math.sqrt(x[0].numel())


def frechet_distance(a: Tensor, b: Tensor) -> Tensor:
    """The squared Frechet distance between two Gaussians fitted to features; 0 is the best.

    |mu_a - mu_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2), of the means mu and covariances A and B:
    the FID of Heusel et al. (2017), here on the features of a classifier of digits
    (`gan_helpers.classifier`). Few samples inflate it, so compare only values of equal N and M: two
    sets of 100 MNIST digits are about 55 apart at 16 x 16, 70 at 28 x 28; two of 5,000, 1 to 2. Nor
    can values at two picture sizes be compared: each size has a classifier, and so features, of its
    own.

    Args:
        a: features `[N, F]`; b: `[M, F]`; N, M >= 2.

    Returns:
        The distance, a float64 scalar on the CPU, 0 or more.

    Raises:
        ValueError: if the shapes do not fit, or a feature is not finite.
        TypeError: if one is no floating-point tensor.
    """
    check_features(a=a, b=b)
    a, b = a.cpu().double(), b.cpu().double()  # Apple's GPUs have no float64
    A, B = (x.T.cov().view(x.shape[1], -1) for x in (a, b))  # (F, F), also if F = 1
    scale, axes = torch.linalg.eigh(A)
    root = axes * scale.clamp_min(0).sqrt() @ axes.T  # (F, F) A^1/2; rounding can fall below 0
    overlap = torch.linalg.eigvalsh(root @ B @ root).clamp_min(0).sqrt().sum()
    distance = (a.mean(0) - b.mean(0)).square().sum() + A.trace() + B.trace() - 2 * overlap
    return distance.clamp_min(0)  # rounding again


def precision_and_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[Tensor, Tensor]:
    """Which share of the generated samples is near real ones, and the other way round.

    Around each real sample lies a ball that reaches to its k-th nearest neighbour among the real
    ones; together the balls are where the data are. Precision is the share of the generated samples
    in one of them: are they good? Recall is the share of the real samples in a ball around a
    generated one, made likewise: is nothing left out? Kynkaanniemi et al. (2019), eqs. (1) and (2),
    k = 3. Both depend on how many samples there are; take as many of the one as of the other.

    Args:
        real: features `[N, F]`; fake: `[M, F]`; N and M above k.
        k: 1 or more.

    Returns:
        (precision, recall), 0 to 1 each.

    Raises:
        ValueError, TypeError: if an argument is not as above, or a feature is not finite.
    """
    check_features(real=real, fake=fake)
    check_together("fake", fake, "real", real)
    k = check_int("k", k, 1, 10**6)
    for name, x in (("real", real), ("fake", fake)):
        if len(x) <= k:
            raise ValueError(f"{name} has {len(x)} samples; for k = {k} there have to be more.")
    return in_balls(fake, real, k), in_balls(real, fake, k)


def in_balls(x: Tensor, centres: Tensor, k: int) -> Tensor:
    """The share of x `[N, F]` in a ball around one of the centres `[M, F]`, up to its k-th."""
    x, centres = x.cpu().double(), centres.cpu().double()  # Apple's GPUs have no float64
    rounding = 1e-6 * float(centres.norm(dim=1).max())  # what is on the edge is in
    radii = torch.cat(
        [torch.cdist(part, centres).kthvalue(k + 1).values for part in centres.split(1000)]
    )  # (M,); the nearest of all is the centre itself
    inside = [(torch.cdist(part, centres) <= radii + rounding).any(1) for part in x.split(1000)]
    return torch.cat(inside).double().mean()


def check_features(**features: object) -> None:
    """Raise if two sets of features `[N, F]` cannot be compared; at least two samples of each."""
    for name, x in features.items():
        if not isinstance(x, Tensor) or not x.is_floating_point():
            raise TypeError(f"{name} is {kind_of(x)}; it has to be a tensor of features [N, F].")
        if x.dim() != 2 or len(x) < 2:
            raise ValueError(
                f"{name} has shape {list(x.shape)}; it has to be [N, F] with at least 2 samples."
            )
        if not x.isfinite().all():
            raise ValueError(f"{name} holds NaN or infinity; every feature has to be finite.")
    (a, x), (b, y) = features.items()
    if x.shape[1] != y.shape[1]:  # type: ignore[attr-defined]
        raise ValueError(
            f"{a} has {x.shape[1]} features, {b} has {y.shape[1]}; compare the same ones."  # type: ignore[attr-defined]
        )
