"""CycleGAN: from A to B and back without a single pair.

Zhu et al. (2017), "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks". Two generators, two discriminators; what goes there and back has to be what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from gan_helpers.checks import check_int
from gan_helpers.threads import at_once, suited
from gan_helpers.training import follow, parameters_of, partners
from gan_helpers.translation.training import (
    Translation,
    Translator,
    TwoWorlds,
    check_given,
    count_G,
    make_generator,
    make_patch_D,
    translate,
)


class History:
    """Earlier translations, from which D's fakes are drawn, so that D does not forget.

    Shrivastava et al. (2017), section 2.3: half of the pictures returned are new, half are older
    ones, whose places the new ones take.

    Args:
        size: how many are kept, 0 to 10,000; 0 passes everything through.
    """

    def __init__(self, size: int) -> None:
        self.size = check_int("size", size, 0, 10_000)
        self.kept: Tensor | None = None

    def __call__(self, fake: Tensor, rng: torch.Generator) -> Tensor:
        """New ones in, `[N, C, H, W]`; as many out, some of them older."""
        fake = fake.detach()
        if not self.size:
            return fake
        if self.kept is None or len(self.kept) < self.size:
            self.kept = fake if self.kept is None else torch.cat([self.kept, fake])
            self.kept = self.kept[: self.size].clone()
            return fake
        device = rng.device
        older = torch.rand(len(fake), generator=rng, device=device) < 0.5  # (N,)
        place = torch.randperm(self.size, generator=rng, device=device)[: len(fake)]
        older = older[: len(place)]  # a batch larger than the store: the rest is new
        out = fake.clone()
        out[: len(place)][older] = self.kept[place[older]]
        self.kept[place[older]] = fake[: len(place)][older]
        return out


class CycleGAN(Translator):
    """G = (A to B, B to A), D = (is it of A?, is it of B?). See `Translator`."""

    left_out = ("l1", "conditional")
    G: nn.ModuleDict
    D: nn.ModuleDict
    make_G: Callable[..., nn.Module] = staticmethod(make_generator)
    make_D: Callable[..., nn.Module] = staticmethod(make_patch_D)
    check_given: Callable[..., None] = staticmethod(check_given)

    def configure(self, experiment: Translation) -> None:
        """Train on under other settings, with the weights kept; see `Translator.configure`."""
        super().configure(experiment)
        if not hasattr(self, "fakes_a"):
            self.fakes_a, self.fakes_b = History(experiment.history), History(experiment.history)
        self.fakes_a.size = self.fakes_b.size = experiment.history

    def make_networks(
        self, experiment: Translation, channels: tuple[int, int], rng: torch.Generator
    ) -> tuple[nn.Module, nn.Module]:
        e, (n_a, n_b) = experiment, channels
        G = nn.ModuleDict(
            {"ab": self.make_G(e, n_a, n_b, rng), "ba": self.make_G(e, n_b, n_a, rng)}
        )
        D = nn.ModuleDict({"a": self.make_D(e, n_a, rng), "b": self.make_D(e, n_b, rng)})
        return G, D

    def update_D(self, data: TwoWorlds) -> Tensor:
        """One update of both D only, see `step_both_D`; after one of G on what it has made."""
        batch, self.batch = self.batch, ()
        if not batch:
            a, b = data.sample(self.experiment.batch_size, self.rng)
            with torch.no_grad(), self.precision():
                batch = a, b, self.G["ba"](b), self.G["ab"](a)
        return step_both_D(self, *batch)

    def update_G(self, data: TwoWorlds) -> Tensor:
        """One update of both G only, see `step_both_G`."""
        a, b = data.sample(self.experiment.batch_size, self.rng)
        loss, fake_a, fake_b = step_both_G(self, a, b)
        self.batch = a, b, fake_a, fake_b
        return loss

    def to_b(self, a: Tensor) -> Tensor:
        """a `[N, C_a, H, W]` as pictures of B, `[N, C_b, H, W]` in [-1, 1].

        Raises:
            ValueError, TypeError: if a is no such tensor, or surely not in [-1, 1].
        """
        self.check_given("a", a, self.channels[0])
        return translate(self.shown["ab"], a, "a")  # type: ignore[index]

    def to_a(self, b: Tensor) -> Tensor:
        """b `[N, C_b, H, W]` as pictures of A, `[N, C_a, H, W]` in [-1, 1]; errors: see `to_b`."""
        self.check_given("b", b, self.channels[1])
        return translate(self.shown["ba"], b, "b")  # type: ignore[index]


@suited
def cycle_step(gan: CycleGAN, data: TwoWorlds) -> tuple[Tensor, Tensor]:
    """One update of both G, then one of both D on what these G made. Returns both losses."""
    a, b = data.sample(gan.experiment.batch_size, gan.rng)
    loss_G, fake_a, fake_b = step_both_G(gan, a, b)
    return step_both_D(gan, a, b, fake_a, fake_b), loss_G


def step_both_G(gan: CycleGAN, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One update of both G. Returns their loss, and what they made: of A and of B.

    Eq. (3) of Zhu et al. (2017), and the identity loss of their section 5.2.

    Args:
        a: `[N, C_a, H, W]`; b: `[N, C_b, H, W]`; no one belongs to the other.
    """
    ab, ba, D = gan.G["ab"], gan.G["ba"], gan.D
    ways = (
        partial(one_direction, gan, ab, ba, D["b"], a, b),
        partial(one_direction, gan, ba, ab, D["a"], b, a),
    )
    (loss_ab, fake_b), (loss_ba, fake_a) = descend_both(ways, gan, gan.opt_G)
    count_G(gan)
    return loss_ab + loss_ba, fake_a, fake_b


def one_direction(
    gan: CycleGAN, G: nn.Module, back: nn.Module, D: nn.Module, x: Tensor, there: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss of one direction, and what G makes of x: deceive D, come back, and change nothing
    that is `there` already."""
    e = gan.experiment
    with gan.precision():
        fake = G(x)
        real = partners(gan, there, lambda x: D(x).flatten())  # for losses that compare
        loss = e.adversarial * gan.loss.generator(*real, D(fake).flatten())  # of all patches
        if e.cycle:
            loss = loss + e.cycle * l1_loss(back(fake), x)
        if e.cycle * e.identity and x.shape[1] == there.shape[1]:
            loss = loss + e.cycle * e.identity * l1_loss(G(there), there)
    return loss, fake


def step_both_D(gan: CycleGAN, a: Tensor, b: Tensor, fake_a: Tensor, fake_b: Tensor) -> Tensor:
    """One update of both D: is this picture of that world? Returns the sum of their losses.

    Args:
        a: `[N, C_a, H, W]`; b: `[N, C_b, H, W]`; fake_a, fake_b: translations of the same shapes.
    """
    fake_a, fake_b = gan.fakes_a(fake_a, gan.rng), gan.fakes_b(fake_b, gan.rng)
    both = partial(judge, gan, gan.D["a"], a, fake_a), partial(judge, gan, gan.D["b"], b, fake_b)
    (half_a,), (half_b,) = descend_both(both, gan, gan.opt_D)
    return 2 * (half_a + half_b)


def judge(gan: CycleGAN, D: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor]:
    """Half of the loss of one D, as in the paper."""
    with gan.precision():
        d_real, d_fake = D(torch.cat([real, fake.to(real)])).chunk(2)  # (N, P) logits each
        return (gan.loss.discriminator(d_real.flatten(), d_fake.flatten()) / 2,)


def descend_both(
    halves: Sequence[Callable[[], tuple[Tensor, ...]]],
    gan: CycleGAN,
    optimizer: torch.optim.Optimizer,
) -> list[tuple[Tensor, ...]]:
    """One step down the gradient of the sum of two losses, each found on a core of its own.

    Args:
        halves: each returns its loss, and what else it has made.

    Returns:
        What they return, without gradients.
    """
    parameters = parameters_of(optimizer)

    def gradients(half: Callable[[], tuple[Tensor, ...]]) -> tuple[Any, ...]:
        made = half()
        found = torch.autograd.grad(made[0], parameters, allow_unused=True, materialize_grads=True)
        return found, tuple(one.detach() for one in made)

    (down_a, made_a), (down_b, made_b) = at_once([partial(gradients, h) for h in halves], [gan])
    follow(map(torch.add, down_a, down_b), optimizer)
    return [made_a, made_b]
