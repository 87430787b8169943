"""pix2pix: each input has its answer.

Isola et al. (2017), "Image-to-Image Translation with Conditional Adversarial Networks".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from gan_helpers.threads import suited
from gan_helpers.training import descend, partners
from gan_helpers.translation.training import (
    Translation,
    Translator,
    TwoWorlds,
    check_given,
    finish_G,
    make_generator,
    make_patch_D,
    translate,
)


class Pix2Pix(Translator):
    """A conditional GAN whose condition is a picture, and an L1 loss. See `Translator`."""

    left_out = ("cycle", "identity", "history")

    def make_networks(
        self, experiment: Translation, channels: tuple[int, int], rng: torch.Generator
    ) -> tuple[nn.Module, nn.Module]:
        n_a, n_b = channels
        seen = n_a + n_b if experiment.conditional else n_b
        return make_generator(experiment, n_a, n_b, rng), make_patch_D(experiment, seen, rng)

    def update_D(self, data: TwoWorlds) -> Tensor:
        """One update of D only, if it takes part, see `step_D`; G's next one has these pairs."""
        self.batch = a, b = data.sample(self.experiment.batch_size, self.rng)
        if not self.experiment.adversarial:
            return torch.zeros(())
        with torch.no_grad():
            fake = generate(self, a)
        return step_D(self, a, b, fake)

    def update_G(self, data: TwoWorlds) -> Tensor:
        """One update of G only, see `step_G`."""
        batch, self.batch = self.batch, ()
        a, b = batch or data.sample(self.experiment.batch_size, self.rng)
        return step_G(self, a, b, generate(self, a))

    def translate(self, a: Tensor) -> Tensor:
        """a `[N, C_a, H, W]` in [-1, 1] -> the pictures that it becomes, `[N, C_b, H, W]`.

        Raises:
            ValueError, TypeError: if a is no such tensor, or surely not in [-1, 1].
        """
        check_given("a", a, self.channels[0])
        return translate(self.shown, a, "a")


@suited
def train_step(gan: Pix2Pix, data: TwoWorlds) -> tuple[Tensor, Tensor]:
    """One update of D, if it takes part, then one of G, on the same pairs. Returns both losses."""
    a, b = data.sample(gan.experiment.batch_size, gan.rng)
    fake = generate(gan, a)  # once for both
    adversarial = gan.experiment.adversarial
    loss_D = step_D(gan, a, b, fake.detach()) if adversarial else torch.zeros(())
    return loss_D, step_G(gan, a, b, fake)


def generate(gan: Pix2Pix, a: Tensor) -> Tensor:
    """G(a) in training, `[N, C_b, H, W]`."""
    with gan.precision():
        return gan.G(a)


def verdicts(gan: Pix2Pix, a: Tensor, b: Tensor) -> Tensor:
    """D's logits of "b is the real answer to a", one for each patch of each picture: `[N * P]`."""
    seen = torch.cat([a, b], 1) if gan.experiment.conditional else b  # (N, C_a + C_b, H, W)
    return gan.D(seen).flatten()


def step_D(gan: Pix2Pix, a: Tensor, b: Tensor, fake: Tensor) -> Tensor:
    """One update of D: a pair of the data is real, a pair with a translation is not.

    Eq. (1) of Isola et al. (2017), halved as they do; Adam hardly notices a factor.

    Args:
        a: `[N, C_a, H, W]`; b: their answers, and fake: G(a) without gradient, `[N, C_b, H, W]`.
    """
    with gan.precision():
        both = verdicts(gan, torch.cat([a, a]), torch.cat([b, fake]))  # one pass
        d_real, d_fake = both.chunk(2)  # (N * P,), (N * P,) logits
        loss = gan.loss.discriminator(d_real, d_fake)
    descend(loss / 2, gan.opt_D)
    return loss.detach()


def step_G(gan: Pix2Pix, a: Tensor, b: Tensor, fake: Tensor) -> Tensor:
    """One update of G: deceive D, and stay close to the answer. Returns the sum.

    Eq. (4) of Isola et al. (2017): the GAN's loss + lambda times L1.

    Args:
        a: `[N, C_a, H, W]`; b: their answers, and fake: G(a) with its gradient, `[N, C_b, H, W]`.
    """
    e = gan.experiment
    with gan.precision():
        loss = e.l1 * l1_loss(fake, b)
        if e.adversarial:
            real = partners(gan, b, lambda b: verdicts(gan, a, b))  # for losses that compare
            loss = loss + e.adversarial * gan.loss.generator(*real, verdicts(gan, a, fake))
    finish_G(loss, gan)
    return loss.detach()
