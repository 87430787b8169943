"""The Wasserstein distance W1, exactly: between samples, and between densities on a line.

W1(p, q) = inf over couplings of E||x - y||, the least work that turns one heap into the other. On
a line it is the area between the two cumulative distributions; between two equally large sets of
samples it is the cost of the best one-to-one assignment.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gan_helpers.checks import (
    check_densities,
    check_floats,
    check_number,
    check_together,
    kind_of,
)

ENORMOUS = 1e15  # of what is larger, float32 cannot hold the square of a distance


def wasserstein_distance(x: Tensor, y: Tensor) -> Tensor:
    """W1 between two sets of samples, exact for these samples.

    Args:
        x: `[N, d]`.
        y: `[M, d]`; where d > 1, M has to be N.

    Returns:
        A scalar, in the units of the samples. Two samples of the same distribution have a distance
        above 0, too: compare with what two sets of real samples have.

    Raises:
        TypeError: if one is no tensor of floats; the message tells how it is made one.
        ValueError: if one is empty or not finite, or they cannot be compared.
    """
    check_samples(x, y, math.inf)
    if (size := float(max(x.abs().max(), y.abs().max()))) > ENORMOUS:  # what G made has blown up
        return size * wasserstein_distance(x / size, y / size)
    if x.shape[1] == 1:
        return area_between(x[:, 0], y[:, 0])
    return (x - y[optimal_assignment(x, y)]).norm(dim=1).mean()


def area_between(x: Tensor, y: Tensor) -> Tensor:
    """W1 on a line, integral |F_x - F_y|, the area between the two step functions.

    Args:
        x: `[N]`; y: `[M]`.
    """
    both = torch.cat([x, y]).sort().values  # (N + M,)
    F_x, F_y = (
        torch.searchsorted(s.sort().values, both[:-1], right=True).to(both) / len(s) for s in (x, y)
    )  # (N + M - 1,) each, between one sample and the next
    return ((F_x - F_y).abs() * both.diff()).sum()


def optimal_assignment(x: Tensor, y: Tensor) -> Tensor:
    """Which y each x is carried to, so that the way is the shortest on average, `[N]`.

    Args:
        x, y: `[N, d]` each; the time grows like N^3, some 20 ms for 500.
    """
    from scipy.optimize import linear_sum_assignment

    check_samples(x, y)
    if len(x) != len(y):
        raise ValueError(
            f"x has {len(x)} samples, y has {len(y)}; an assignment needs as many of each."
        )
    cost = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")  # (N, N)
    return torch.as_tensor(linear_sum_assignment(cost.cpu().numpy())[1], device=x.device)


def check_samples(x: Tensor, y: Tensor, most: float = ENORMOUS) -> None:
    """Raise a ValueError, or a TypeError, that names what cannot be compared."""
    for name, samples in (("x", x), ("y", y)):
        if not isinstance(samples, Tensor) or samples.dtype not in (torch.float32, torch.float64):
            raise TypeError(
                f"{name} is {kind_of(samples)}; samples are a float32 or float64 tensor [N, d]: "
                f"torch.as_tensor({name}, dtype=torch.float32)."
            )
        if samples.dim() != 2 or 0 in samples.shape:
            raise ValueError(
                f"{name} has shape {list(samples.shape)}; samples are [N, d], N and d at least 1."
            )
        if not samples.isfinite().all():
            raise ValueError(f"{name} holds NaN or infinity; all samples have to be finite.")
        if most < math.inf and (size := float(samples.abs().max())) > most:
            raise ValueError(f"{name} goes up to {size:g}; the squares of that are infinite.")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x lives in {x.shape[1]} dimensions, y in {y.shape[1]}.")
    check_together("x", x, "y", y)
    if x.shape[1] > 1 and (x.requires_grad or y.requires_grad):  # SciPy finds the assignment
        name = "x" if x.requires_grad else "y"
        raise ValueError(
            f"{name} carries a gradient, and an assignment has none; use {name}.detach()."
        )


def cumulative(p: Tensor, dx: float) -> Tensor:
    """The cumulative distribution of a density on a grid of spacing `dx`, `[..., B]`.

    Args:
        p: the density at each point, finite; dx: above 0.
    """
    return check_floats("p", p, "[..., B]").cumsum(-1) * check_number(
        "dx", dx, 0, low_allowed=False
    )


def wasserstein_of_densities(p: Tensor, q: Tensor, dx: float) -> Tensor:
    """W1 of two densities `[B]` on a grid of spacing `dx`: the area between their CDFs.

    Raises:
        ValueError, TypeError: if one is no density of an integral near 1, or they do not fit.
    """
    check_densities(p, q, dx)
    return (cumulative(p, dx) - cumulative(q, dx)).abs().sum() * dx


def optimal_critic(p: Tensor, q: Tensor, dx: float) -> Tensor:
    """The best 1-Lipschitz critic on a line, f*, `[B]`: E_p[f*] - E_q[f*] = W1(p, q).

    Its slope is 1 where mass has to move to the right (from q to p), -1 where it has to move to
    the left, and 0 where none has to pass. Where it starts is free; here at 0.

    Args:
        p: density of the data, `[B]`; q: density of G, `[B]`; dx: spacing of the grid.
    """
    ahead = cumulative(q, dx) - cumulative(p, dx)  # mass that still has to go to the right
    slope = ahead.sign() * (ahead.abs() > 1e-5)  # what is less is rounding
    return torch.nn.functional.pad(slope[:-1].cumsum(0) * dx, (1, 0))
