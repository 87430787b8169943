"""How good is a translation? Beside the answers where there are some, beside itself elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, l1_loss

from gan_helpers.checks import (
    check_callable,
    check_floats,
    check_has,
    check_is,
    check_number,
    check_scale,
    check_seed,
    check_together,
)
from gan_helpers.classifier import in_batches
from gan_helpers.datasets.pairs import Pairs, Unpaired
from gan_helpers.metrics import frechet_distance
from gan_helpers.translation.cyclegan import CycleGAN


def roughness(x: Tensor) -> Tensor:
    """How much neighbouring pixels differ: the mean of |right - left| and |below - above|.

    x: `[N, C, H, W]`, H and W at least 2. It is nan where x is.
    """
    check_floats("x", x, "[N, C, H, W]", finite=False)
    if min(x.shape[2:]) < 2:
        raise ValueError(f"x has shape {list(x.shape)}; H and W have to be 2 or more.")
    return (x.diff(dim=-1).abs().mean() + x.diff(dim=-2).abs().mean()) / 2


@dataclass(frozen=True)
class TranslationReport:
    """How close pictures are to the answers, picture by picture and as a whole.

    Attributes:
        error: the mean absolute difference from the answer, 0 to 2 (pixels are in [-1, 1]).
        sharpness: their roughness over that of the answers; below 1 they are softer than real.
        frechet: the distance of their features from those of the answers; nan without features.

    A mean of all that is plausible has a small `error`, but little `sharpness`.
    """

    error: float
    sharpness: float
    frechet: float

    def numbers(self) -> dict[str, float]:
        """The same as a dictionary."""
        return asdict(self)


def judge_translation(
    translate: Callable[[Tensor], Tensor],
    data: Pairs,
    features: Callable[[Tensor], Tensor] | None = None,
) -> TranslationReport:
    """How well the inputs of `data` are translated; `data` should be pairs not trained on.

    Args:
        translate: inputs `[N, C_a, H, W]` -> pictures `[N, C_b, H, W]` in [-1, 1].
        data: inputs and answers.
        features: of pictures, `[N, C_b, H, W]` -> `[N, F]`, e.g. those of a classifier.

    Raises:
        ValueError, TypeError: if an argument is not as above, or `translate` returns other pictures
            than those that are asked for.
    """
    check_callable("translate", translate, "a function from pictures to pictures")
    check_is("data", data, Pairs, "Pairs: pictures and their answers")
    if features is not None:
        check_callable("features", features, "a function, [N, C, H, W] -> [N, F]")
    made = check_made("translate", in_batches(translate, data.a, 250), data.b)
    frechet = float("nan")
    if features is not None and made.isfinite().all():
        frechet = float(frechet_distance(in_batches(features, made), in_batches(features, data.b)))
    if (rough := roughness(data.b)) == 0:
        raise ValueError("data has answers without any edge, so there is no sharpness of them.")
    error, sharpness = l1_loss(made, data.b), roughness(made) / rough
    return TranslationReport(float(error), float(sharpness), frechet)


@torch.no_grad()
def cycle_error(gan: CycleGAN, data: Unpaired | Pairs, noise: float = 0.0, seed: int = 0) -> float:
    """How far pictures are from themselves after the way there and back: the mean of both worlds.

    Args:
        gan: both generators.
        data: pictures of A and of B.
        noise: standard deviation of noise added half-way, 0 to 1. A little of it harms a cycle that
            hides what it needs for the way back in the translation (Chu et al., 2017).
        seed: of the noise.

    Returns:
        The mean absolute difference, 0 to 2; nan where translations are.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_has("gan", gan, ("to_a", "to_b"), "a CycleGAN")
    check_is("data", data, (Unpaired, Pairs), "Unpaired or Pairs")
    noise = check_number("noise", noise, 0, 1)
    rng = torch.Generator().manual_seed(check_seed(seed))

    def disturbed(x: Tensor) -> Tensor:
        more = torch.empty(x.shape).normal_(0, noise, generator=rng) if noise else torch.zeros(())
        return x + more.to(x)

    there_b, there_a = in_batches(gan.to_b, data.a, 250), in_batches(gan.to_a, data.b, 250)
    back_a = in_batches(gan.to_a, disturbed(there_b), 250)
    back_b = in_batches(gan.to_b, disturbed(there_a), 250)
    return float(l1_loss(back_a, data.a) + l1_loss(back_b, data.b)) / 2


@torch.no_grad()
def hidden_pair_error(gan: CycleGAN, data: Pairs) -> float:
    """How far translations are from the answers that training never saw: the mean of both ways.

    data: the hidden pairs. Returns the mean absolute difference, 0 to 2; nan where they are.
    """
    check_has("gan", gan, ("to_a", "to_b"), "a CycleGAN")
    check_is("data", data, Pairs, "Pairs: pictures and their answers")
    there = check_made("gan", in_batches(gan.to_b, data.a, 250), data.b)
    back = check_made("gan", in_batches(gan.to_a, data.b, 250), data.a)
    return float(l1_loss(there, data.b) + l1_loss(back, data.a)) / 2


def check_made(name: str, made: Tensor, wanted: Tensor) -> Tensor:
    """Return what a translation has made if it can be held against the answers.

    Of other shapes, torch would compare each with all others, with no more than a warning.
    """
    if not isinstance(made, Tensor) or made.shape != wanted.shape:
        shape = list(made.shape) if isinstance(made, Tensor) else type(made).__name__
        raise ValueError(f"{name} makes {shape} where the answers are {list(wanted.shape)}.")
    return made


@torch.no_grad()
def world_distance(made: Tensor, real: Tensor) -> float:
    """How far translations are, as a crowd, from the world that they should belong to.

    A cycle can be perfect and each picture its own negative; here that is seen. The energy distance
    (Székely and Rizzo, 2013) between what is left of the pictures at 4 x 4 pixels, over the mean
    distance of two pictures of that world: 0 if no crowd can be told from the other.

    Args:
        made: `[N, C, H, W]` in [-1, 1]; it is nan where these are.
        real: `[M, C, H, W]`; N and M at least 2.

    Raises:
        ValueError, TypeError: if they are other than that.
    """
    check_floats("made", made, "[N, C, H, W]", finite=False)
    check_floats("real", real, "[M, C, H, W]")
    if made.shape[1] != real.shape[1] or min(len(made), len(real)) < 2:
        raise ValueError(
            f"made has shape {list(made.shape)} and real {list(real.shape)}; both have to be two "
            "pictures or more, with the same channels."
        )
    check_together("made", made, "real", real)
    check_scale("made", made, most=2.0, nan=True, warn=False)
    check_scale("real", real, most=2.0, warn=False)
    x, y = (adaptive_avg_pool2d(pictures, 4).flatten(1) for pictures in (made, real))  # (N, 16 C)
    within_x, within_y = mean_between(x, x), mean_between(y, y)
    return float((2 * torch.cdist(x, y).mean() - within_x - within_y) / (within_y + 1e-12))


def mean_between(x: Tensor, y: Tensor) -> Tensor:
    """The mean distance of two different rows of the same points `[N, F]`."""
    n = len(x)
    return torch.cdist(x, y).sum() / (n * (n - 1))
