"""How good is a translation? Beside the answers where there are some, beside itself elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from gan_helpers.classifier import in_batches
from gan_helpers.cyclegan import CycleGAN
from gan_helpers.metrics import frechet_distance
from gan_helpers.pairs import Pairs, Unpaired


def roughness(x: Tensor) -> Tensor:
    """How much neighbouring pixels differ: the mean of |right - left| and |below - above|.

    x: `[N, C, H, W]`, H and W at least 2.
    """
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
    """
    made = in_batches(translate, data.a, 250)
    frechet = float("nan")
    if features is not None and made.isfinite().all():
        frechet = float(frechet_distance(in_batches(features, made), in_batches(features, data.b)))
    error, sharpness = l1_loss(made, data.b), roughness(made) / roughness(data.b)
    return TranslationReport(float(error), float(sharpness), frechet)


@torch.no_grad()
def cycle_error(gan: CycleGAN, data: Unpaired | Pairs, noise: float = 0.0, seed: int = 0) -> float:
    """How far pictures are from themselves after the way there and back: the mean of both worlds.

    Args:
        gan: both generators.
        data: pictures of A and of B.
        noise: standard deviation of noise added half-way. A little of it harms a cycle that hides
            what it needs for the way back in the translation (Chu et al., 2017).
        seed: of the noise.

    Returns:
        The mean absolute difference, 0 to 2.
    """
    rng = torch.Generator().manual_seed(seed)

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

    data: the hidden pairs. Returns the mean absolute difference, 0 to 2.
    """
    there = l1_loss(in_batches(gan.to_b, data.a, 250), data.b)
    return float(there + l1_loss(in_batches(gan.to_a, data.b, 250), data.a)) / 2
