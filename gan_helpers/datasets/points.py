"""Worlds of one and two dimensions: everything here is one Gaussian mixture.

A curve or a drawing is a mixture too: many narrow components along the line. So each world can be
sampled, and its density is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from gan_helpers.chance import Rng, draw
from gan_helpers.checks import (
    brief,
    check_bool,
    check_device,
    check_fields,
    check_int,
    check_number,
    check_rng,
    check_text,
    kind_of,
    plain,
)

STAGE = 2.0  # the picture shows [-2, 2] x [-2, 2]
OUTERMOST = 1.5  # no mean of a ready-made world lies further out, so that G may overshoot in sight
STD = 0.05
MAX_COMPONENTS = 400  # of a curve; keeps the density on a 64 x 64 grid at some 10 ms
MAX_STROKES = 200
MAX_POINTS = 10_000  # each one is a component
MAX_DRAWN_POINTS = 1_000_000


@dataclass(frozen=True, eq=False)
class Mixture:
    """A Gaussian mixture with isotropic components, p(x) = sum_m w_m N(x; mu_m, s_m^2 I).

    Bishop (2006), equation (9.7).

    Args:
        name: what the reader sees.
        means: mu, float32 `[M, d]`.
        stds: s, float32 `[M]`, positive.
        weights: w, float32 `[M]`, positive, sum 1.
        has_modes: False where the components only trace a line and are no modes of their own.

    Raises:
        ValueError, TypeError: if an array has the wrong type, shape or range.
    """

    name: str
    means: Tensor
    stds: Tensor
    weights: Tensor
    has_modes: bool = True

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_fields(self, ("has_modes",), check_bool)
        for name, dims in (("means", 2), ("stds", 1), ("weights", 1)):
            value = getattr(self, name)
            if not isinstance(value, Tensor) or value.dtype != torch.float32:
                raise TypeError(f"{name} is {kind_of(value)}; it has to be a torch.float32 tensor.")
            if value.dim() != dims or 0 in value.shape or len(value) != len(self.means):
                raise ValueError(
                    f"{name} has shape {list(value.shape)}; allowed are means [M, d] with M and d "
                    f"at least 1, stds [M] and weights [M]."
                )
            if not value.isfinite().all():
                raise ValueError(f"{name} holds NaN or infinity; all values have to be finite.")
        for name in ("stds", "weights"):
            if (low := float(getattr(self, name).min())) <= 0:
                raise ValueError(f"{name} holds {low:g}; all values have to be positive.")
        if abs((total := float(self.weights.sum())) - 1) > 1e-4:
            raise ValueError(f"weights sum to {total:g}, not 1; divide them by their sum.")

    @property
    def dim(self) -> int:
        """d, the length of one sample."""
        return self.means.shape[1]

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one sample, `(d,)`."""
        return (self.dim,)

    @property
    def modes(self) -> Tensor | None:
        """The means `[M, d]`; None for curves, drawings and point clouds."""
        return self.means if self.has_modes else None

    @property
    def n_modes(self) -> int | None:
        """How many modes there are to find; None for curves, drawings and point clouds."""
        return len(self.means) if self.has_modes else None

    @property
    def n_classes(self) -> int:
        """How many classes `sample_pairs` knows: one for each component."""
        return len(self.means)

    @cached_property
    def borders(self) -> Tensor:
        """Where in [0, 1] the share of one component ends and that of the next begins, `[M - 1]`.

        The last one ends nowhere: the sum of all weights may round to below 1.
        """
        return self.weights.cumsum(0)[:-1]

    def sample(self, n: int, rng: Rng) -> Tensor:
        """`n` samples `[n, d]`: a component drawn by its weight, then noise around its mean.

        Args:
            n: 1 to 10^7.
            rng: the source of chance, on the device of the mixture; K of them give `[K, n, d]`.
        """
        return self.sample_pairs(n, rng)[0]

    def sample_pairs(self, n: int, rng: Rng) -> tuple[Tensor, Tensor]:
        """`n` samples `[n, d]`, and the component that each was drawn from as its class, `[n]`.

        Args: as for `sample`.
        """
        n = check_int("n", n, 1, 10**7)
        check_rng(rng, self.means)
        u = draw(Tensor.uniform_, (n,), rng)  # (n,)
        component = torch.searchsorted(self.borders, u, right=True)  # (n,)
        noise = draw(Tensor.normal_, (n, self.dim), rng)  # (n, d)
        return self.means[component] + self.stds[component].unsqueeze(-1) * noise, component

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), exact: `[..., d]` -> `[...]`, in the precision and on the device of `x`.

        Where x is NaN it is NaN.

        Raises:
            ValueError, TypeError: if `x` is not a floating-point tensor `[..., d]`.
        """
        if not isinstance(x, Tensor) or x.dtype not in (torch.float32, torch.float64):
            raise TypeError(f"x is {kind_of(x)}; it has to be a float32 or float64 tensor.")
        if x.dim() == 0 or x.shape[-1] != self.dim:
            raise ValueError(f"x has shape {list(x.shape)}; it has to be [..., {self.dim}].")
        means, stds, weights = self.means.to(x), self.stds.to(x), self.weights.to(x)
        # One coordinate at a time: [..., M, d] at once would take d times the memory.
        squared = torch.zeros((), dtype=x.dtype, device=x.device)
        for i in range(self.dim):
            squared = squared + (x[..., i, None] - means[:, i]) ** 2  # (..., M)
        log_scale = weights.log() - self.dim * (stds.log() + 0.5 * math.log(2 * math.pi))  # (M,)
        return torch.logsumexp(log_scale - squared / (2 * stds**2), dim=-1)

    def of_class(self, y: int) -> Mixture:
        """p(x | y): the component `y` alone.

        Raises:
            ValueError, TypeError: if there is no such component.
        """
        y = check_int("y", y, 0, self.n_classes - 1)
        chosen = slice(y, y + 1)
        name, one = f"{self.name}, only {y}", torch.ones_like(self.weights[chosen])
        return Mixture(name, self.means[chosen], self.stds[chosen], one, self.has_modes)

    def prob(self, x: Tensor) -> Tensor:
        """p(x), exact: `[..., d]` -> `[...]`."""
        return self.log_prob(x).exp()

    def to(self, device: str | torch.device) -> Mixture:
        """The same mixture on another device.

        Raises:
            ValueError, TypeError: if there is no such device here.
        """
        device = check_device(device)
        return replace(
            self,
            means=self.means.to(device),
            stds=self.stds.to(device),
            weights=self.weights.to(device),
        )


def gaussians_1d(
    means: Sequence[float],
    stds: Sequence[float] | float,
    weights: Sequence[float] | None = None,
    name: str = "gaussians_1d",
) -> Mixture:
    """A mixture on the line.

    Args:
        means: M numbers.
        stds: M positive numbers, or one for all.
        weights: M positive numbers, divided by their sum here; equal by default.
        name: what the reader sees.

    Raises:
        ValueError, TypeError: if lengths differ or a value is out of range.
    """
    mu = as_array("means", means, "[M]")
    stds = plain(stds)  # type: ignore[assignment]  # one number may come from NumPy
    s = as_array("stds", [stds] * len(mu) if isinstance(stds, (int, float)) else stds, "[M]")
    w = as_array("weights", np.ones(len(mu)) if weights is None else weights, "[M]")
    if (w <= 0).any():
        raise ValueError(f"weights = {weights!r} has to be positive numbers.")
    return mixture(name, mu[:, None], s, w / w.sum())


def ring(n_modes: int = 8, radius: float = OUTERMOST, std: float = STD) -> Mixture:
    """Equal Gaussians, evenly spaced on a circle; the test for mode collapse of VEEGAN and PacGAN.

    Args:
        n_modes: 1 to 100.
        radius: of the circle, in ]0, 2].
        std: of each Gaussian, in [0.001, 1].
    """
    n_modes = check_int("n_modes", n_modes, 1, 100)
    radius = check_number("radius", radius, 0, STAGE, low_allowed=False)
    angle = 2 * np.pi * np.arange(n_modes) / n_modes
    means = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)  # (M, 2)
    return mixture("ring", means, check_std(std))


def grid(side: int = 5, extent: float = OUTERMOST, std: float = STD) -> Mixture:
    """Equal Gaussians on a square lattice over [-extent, extent]^2; the harder test of the two.

    Args:
        side: Gaussians along one edge, 2 to 20.
        extent: the outermost coordinate, in ]0, 2].
        std: of each Gaussian, in [0.001, 1].
    """
    side = check_int("side", side, 2, 20)
    extent = check_number("extent", extent, 0, STAGE, low_allowed=False)
    line = np.linspace(-extent, extent, side)
    means = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)  # (side * side, 2)
    return mixture("grid", means, check_std(std))


def spiral(turns: float = 2.0, std: float = STD) -> Mixture:
    """An Archimedean spiral, r growing evenly with the angle from 0.2 to 1.5.

    Args:
        turns: 0.25 to 5.
        std: thickness of the line, in [0.001, 1].
    """
    turns = check_number("turns", turns, 0.25, 5)
    t = np.linspace(0, 1, 1000)
    angle, radius = 2 * np.pi * turns * t, 0.2 + (OUTERMOST - 0.2) * t
    curve = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)  # (1000, 2)
    return along("spiral", [curve], check_std(std))


def moons(std: float = STD) -> Mixture:
    """Two half circles, each reaching into the other. std: thickness, in [0.001, 1]."""
    t = np.linspace(0, np.pi, 500)
    upper = np.stack([np.cos(t) - 0.5, np.sin(t) - 0.25], axis=1)  # (500, 2)
    return along("moons", [upper, -upper], check_std(std))


def two_gaussians(distance: float = 2.0, std: float = 0.2) -> Mixture:
    """Two equal Gaussians, left and right of the origin.

    Args:
        distance: between their means, in ]0, 4].
        std: of each Gaussian, in [0.001, 1].
    """
    distance = check_number("distance", distance, 0, 2 * STAGE, low_allowed=False)
    means = np.array([[-distance / 2, 0.0], [distance / 2, 0.0]])
    return mixture("two_gaussians", means, check_std(std))


def from_points(points: object, std: float = STD) -> Mixture:
    """The reader's own points, each one a narrow Gaussian (a kernel density estimate).

    Args:
        points: array, tensor or list `[N, 2]` with N from 1 to 10,000, within [-2, 2].
        std: of each Gaussian, in [0.001, 1].

    Raises:
        ValueError, TypeError: if the points are none, too many, not numbers or off the stage.
    """
    xy = as_array("points", points, "[N, 2]")
    if len(xy) > MAX_POINTS:
        raise ValueError(
            f"points holds {len(xy):,} points; at most {MAX_POINTS:,} are allowed. Thin them out, "
            f"e.g. points[:: {math.ceil(len(xy) / MAX_POINTS)}]."
        )
    check_on_stage("points", xy)
    return mixture("points", xy, check_std(std), has_modes=False)


def from_drawing(strokes: Sequence[object], std: float = STD) -> Mixture:
    """A drawing, its ink spread evenly along the length of the lines.

    Args:
        strokes: 1 to 200 lines, each a list, array or tensor of points (x, y) within [-2, 2]; a
            line of one point is a dot.
        std: thickness of the pen, in [0.001, 1].

    Raises:
        ValueError, TypeError: if the drawing is empty, too big, not numbers or off the stage.
    """
    strokes = plain(strokes)  # type: ignore[assignment]  # what has no axes has no length
    if isinstance(strokes, (str, bytes)) or not hasattr(strokes, "__len__"):
        raise TypeError(
            f"strokes is a {type(strokes).__name__}; it has to be a list of lines, each a list of "
            f"points (x, y)."
        )
    if not 1 <= len(strokes) <= MAX_STROKES:
        raise ValueError(
            f"strokes holds {len(strokes)} lines; draw at least 1 and at most {MAX_STROKES}."
        )
    lines = [as_array(f"strokes[{i}]", stroke, "[N, 2]") for i, stroke in enumerate(strokes)]
    if (total := sum(map(len, lines))) > MAX_DRAWN_POINTS:
        raise ValueError(
            f"strokes holds {total:,} points; at most {MAX_DRAWN_POINTS:,} are allowed."
        )
    for i, line in enumerate(lines):
        check_on_stage(f"strokes[{i}]", line)
    return along("drawing", lines, check_std(std))


WORLDS: dict[str, Callable[[], Mixture]] = {
    "ring": ring,
    "grid": grid,
    "spiral": spiral,
    "moons": moons,
    "two_gaussians": two_gaussians,
}

WORLDS_1D: dict[str, Callable[[], Mixture]] = {
    "one_gaussian_1d": lambda: gaussians_1d([1.0], 0.5, name="one_gaussian_1d"),
    "two_gaussians_1d": lambda: gaussians_1d([-1.0, 1.0], 0.3, name="two_gaussians_1d"),
    "three_gaussians_1d": lambda: gaussians_1d(
        [-1.5, 0.0, 1.5], 0.25, [1, 2, 1], name="three_gaussians_1d"
    ),
}


# --- how a mixture is made ---------------------------------------------------------------------


def mixture(
    name: str,
    means: np.ndarray,
    stds: np.ndarray | float,
    weights: np.ndarray | float = 1.0,
    has_modes: bool = True,
) -> Mixture:
    """A `Mixture` from arrays; a single number holds for all, weights are made to sum 1.

    Args:
        name: what the reader sees.
        means: `[M, d]`.
        stds, weights: positive, `[M]` or one for all.
        has_modes: as for `Mixture`.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    mu = torch.tensor(as_array("means", means, "[M, d]"), dtype=torch.float32)  # (M, d)
    s, w = (
        torch.as_tensor(
            as_array(name, value, "[M]")
            if hasattr(plain(value), "__len__")
            else np.full(len(mu), check_number(name, value, 0, low_allowed=False)),
            dtype=torch.float32,
        )
        for name, value in (("stds", stds), ("weights", weights))
    )  # (M,) each
    return Mixture(name, mu, s, normalize(w, p=1, dim=0), has_modes)


def along(name: str, lines: list[np.ndarray], std: float) -> Mixture:
    """Components at even steps along polylines `[N, 2]`, weighted by the length each stands for.

    Steps of one std look like an even line: the density along it ripples by less than 1e-7.
    """
    walked = [
        np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()]) for line in lines
    ]  # each (N,): the way from the start
    total = sum(way[-1] for way in walked)
    step = max(std, total / (MAX_COMPONENTS - len(lines)))
    means, weights = [], []
    for line, way in zip(lines, walked, strict=True):
        n = max(1, math.ceil(way[-1] / step))
        middle = way[-1] * (np.arange(n) + 0.5) / n  # (n,)
        means.append(np.stack([np.interp(middle, way, xy) for xy in line.T], axis=1))  # (n, 2)
        weights.append(np.full(n, max(way[-1], step) / n))  # a dot counts as one step
    return mixture(name, np.concatenate(means), std, np.concatenate(weights), has_modes=False)


# --- checks ------------------------------------------------------------------------------------


def check_std(std: object) -> float:
    """A thickness that can be seen and that float32 can hold."""
    return check_number("std", std, 0.001, 1)


def as_array(name: str, value: object, shape: str) -> np.ndarray:
    """`value` as finite float64 of shape "[M]", "[M, d]" or "[N, 2]" with at least one row."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):  # ragged lists
        array = np.asarray(None)
    if array.size == 0:
        raise ValueError(f"{name} is empty; it needs at least one entry, shape {shape}.")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} has to be real numbers of shape {shape}, not {brief(value)}.")
    if array.ndim != shape.count(",") + 1 or (shape.endswith("2]") and array.shape[1] != 2):
        raise ValueError(f"{name} has shape {list(array.shape)}; it has to be {shape}.")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0, 0])
        raise ValueError(f"{name}[{row}] = {array[row]} is not finite; leave NaN and infinity out.")
    return array.astype(np.float64)


def check_on_stage(name: str, xy: np.ndarray) -> None:
    """All points `[N, 2]` have to be where the reader can see them."""
    outside = np.abs(xy).max(axis=1) > STAGE + 1e-6  # float32 coordinates of the edge may round up
    if outside.any():
        i = int(outside.argmax())
        raise ValueError(
            f"{name}[{i}] = ({xy[i, 0]:g}, {xy[i, 1]:g}) is off the stage; both coordinates have "
            f"to be in [-{STAGE:g}, {STAGE:g}]. Scale the points down."
        )
