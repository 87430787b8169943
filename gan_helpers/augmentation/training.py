"""GANs on few pictures: D sees T(x) in place of x, for real pictures alone or for all (12.4.6).

Zhao et al. (2020), "Differentiable Augmentation for Data-Efficient GAN Training" (DiffAugment);
Karras et al. (2020), "Training Generative Adversarial Networks with Limited Data" (ADA);
Zhao et al. (2021), "Improved Consistency Regularization for GANs" (bCR).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from gan_helpers.augmentation.transforms import TRANSFORMS, augment
from gan_helpers.checks import brief, check_choice, check_fields, check_number
from gan_helpers.experiment import Experiment
from gan_helpers.losses import get_loss
from gan_helpers.threads import suited
from gan_helpers.training import GAN, Data, finish_D, finish_G, partners

#: What D sees transformed.
WAYS = ("none", "real", "both")
#: Pictures that the probability p of ADA needs from 0 to 1, all of them overfitted.
ADA_PICTURES = 5_000


@dataclass(frozen=True)
class Augmented(Experiment):
    """What is trained with transformed pictures, and how.

    Raises:
        ValueError, TypeError: if a field is out of its range; the message names the field.
    """

    left_out: ClassVar[tuple[str, ...]] = ("unroll", "pac")

    augment: str = "none"  # what D sees transformed: "none", "real" (it leaks), or "both"
    transforms: Sequence[str] = ("translate", "cutout")  # names of `transforms.TRANSFORMS`
    strength: float = 1.0  # of the transforms, 0 to 1
    p: float = 1.0  # probability of each transform for each picture, where ADA is off
    ada: float = 0.0  # adapt p so that the heuristic r_t is this; 0 is off, ADA's own value is 0.6
    consistency: float = 0.0  # weight of (D(T(x)) - D(x))^2 in D's loss; bCR uses 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("augment", self.augment, WAYS)
        if not isinstance(self.transforms, (list, tuple, set, frozenset)):
            raise TypeError(f"transforms = {brief(self.transforms)} has to be a tuple of names.")
        object.__setattr__(self, "transforms", tuple(self.transforms))
        for name in self.transforms:
            check_choice("transforms", name, TRANSFORMS)
        check_fields(self, ("strength", "p"), check_number, 0, 1)
        check_fields(self, ("ada",), check_number, 0, 0.99)
        check_fields(self, ("consistency",), check_number, 0, 1000)
        if self.ada and not get_loss(self.loss).sign_is_verdict:
            raise ValueError(
                f"ada = {self.ada} goes by the sign of D's logit, which means nothing with loss = "
                f"{get_loss(self.loss).name!r}; take another loss, or ada = 0."
            )

    @property
    def idle(self) -> frozenset[str]:
        """The fields that do nothing under these settings: nothing is transformed."""
        nothing = self.augment == "none" and not self.consistency
        return frozenset(("transforms", "strength", "p") if nothing else ())


class AugmentedGAN(GAN):
    """A GAN with transforms, see `GAN`. `p` is what ADA has made of the experiment's."""

    settings = Augmented
    experiment: Augmented
    p: float
    r_t = 0.0  # ADA's heuristic: the running mean of the sign of D's logit at real pictures

    @property
    def batch_axis(self) -> int:  # type: ignore[override]
        """The plain step joins its samples along it; here that would leave T out."""
        raise TypeError(
            "an AugmentedGAN is trained by the `train_step` of augmentation.training; that of a "
            "plain GAN would show D the pictures as they are."
        )

    def configure(self, experiment: Experiment) -> None:
        """Train on under other settings, with the weights kept; see `GAN.configure`."""
        old: Any = getattr(self, "experiment", None)
        super().configure(experiment)
        e = self.experiment
        if old is None or (e.ada > 0) != (old.ada > 0):
            self.p = 0.0 if e.ada else e.p
        elif not e.ada:
            self.p = e.p

    def update_D(self, data: Any) -> Tensor:
        """One update of D only; k of these and one `update_G` are a round."""
        x_real = self.keep_real(data.sample(self.experiment.batch_size, self.rng))
        return step_D(self, x_real, self.sample_z(len(x_real)))

    def update_G(self, data: Any) -> Tensor:
        """One update of G only."""
        x_real = self.kept_real(data)
        return step_G(self, self.sample_z(self.experiment.batch_size), x_real)

    def T(self, x: Tensor) -> Tensor:
        """x under the experiment's transforms, with new chance at each call. x: `[N, C, H, W]`."""
        e = self.experiment
        return augment(x, e.transforms, self.rng, e.strength, self.p)


@suited
def train_step(gan: AugmentedGAN, data: Data) -> tuple[Tensor, Tensor]:
    """One round of the game: k updates of D, then one of G. Returns both losses."""
    n = gan.experiment.batch_size
    for _ in range(gan.experiment.d_steps):
        x_real = data.sample(n, gan.rng)
        loss_D = step_D(gan, x_real, gan.sample_z(n))
    return loss_D, step_G(gan, gan.sample_z(n), x_real)


def step_D(gan: AugmentedGAN, x_real: Tensor, z: Tensor) -> Tensor:
    """One update of D; G stands still. Returns D's loss without its penalties.

    Args:
        x_real: `[N, C, H, W]`.
        z: `[N, latent_dim]`.
    """
    e = gan.experiment
    with torch.no_grad():  # no gradient reaches G
        x_fake = gan.G(z)
    seen_real = x_real if e.augment == "none" else gan.T(x_real)
    seen_fake = gan.T(x_fake) if e.augment == "both" else x_fake
    d_real, d_fake = gan.D(torch.cat([seen_real, seen_fake])).chunk(2)  # (N,), (N,) logits
    loss = gan.loss.discriminator(d_real, d_fake)
    penalty = consistency(gan, x_real) + consistency(gan, x_fake) if e.consistency else 0.0
    finish_D(loss + penalty, gan, seen_real, seen_fake)
    adapt(gan, d_real.detach())
    return loss.detach()


def step_G(gan: AugmentedGAN, z: Tensor, x_real: Tensor | None = None) -> Tensor:
    """One update of G; D stands still. Returns G's loss.

    Args:
        z: `[N, latent_dim]`.
        x_real: `[N, C, H, W]`, only needed where G's loss compares with them.
    """
    x_fake = gan.G(z)
    way = gan.experiment.augment
    seen = gan.T(x_fake) if way == "both" else x_fake
    real = partners(gan, x_real, lambda x: gan.D(x if way == "none" else gan.T(x)))
    loss = gan.loss.generator(*real, gan.D(seen))  # its gradient reaches G through T
    finish_G(loss, gan)
    return loss.detach()


def consistency(gan: AugmentedGAN, x: Tensor) -> Tensor:
    """lambda E[(D(T(x)) - D(x))^2]: what D's verdict changes by when x is transformed.

    Zhao et al. (2021), algorithm 1 (bCR), where it is added for real and for generated pictures.

    x: `[N, C, H, W]`.
    """
    d, d_seen = gan.D(torch.cat([x, gan.T(x)])).chunk(2)  # (N,), (N,)
    return gan.experiment.consistency * (d_seen - d).square().mean()


def adapt(gan: AugmentedGAN, d_real: Tensor) -> None:
    """ADA: more transforms while D is too sure of the real pictures, fewer while it is not.

    The measure is r_t = E[sign D(T(x))]: 0 while D cannot tell, 1 when it knows all training
    pictures by heart. Karras et al. (2020), eq. (1).

    d_real: logits of what D has just seen, `[N]`.
    """
    gan.r_t += 0.1 * (float(d_real.sign().mean()) - gan.r_t)
    if gan.experiment.ada:
        step = len(d_real) / ADA_PICTURES
        wanted = gan.p + (step if gan.r_t > gan.experiment.ada else -step)
        gan.p = min(max(wanted, 0.0), 1.0)
