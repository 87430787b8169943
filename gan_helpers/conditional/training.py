"""Conditional GANs: G(z, y) is told what to make, and D is given y, or has to find it out.

The code of a class is one-of-K: `[N, K]` floats, 1 at the class and 0 elsewhere. G gets it behind
z. Three discriminators make use of it:

    cGAN        D(x, y): the code is joined to x, for pictures as K channels. Mirza and Osindero
                (2014); eq. (12.30) of the book.
    AC-GAN      D(x) gives two answers: real or not, and which class. Odena et al. (2017);
                eq. (12.31) of the book.
    projection  D(x, y): the logit is that of D(x) plus the class score of y. Miyato and Koyama
                (2018), eq. (3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from gan_helpers.checks import (
    brief,
    check_bool,
    check_choice,
    check_fields,
    check_fits,
    check_floats,
    check_int,
    check_number,
)
from gan_helpers.experiment import Experiment
from gan_helpers.threads import suited
from gan_helpers.training import (
    GAN,
    Data,
    finish_D,
    finish_G,
    looking_at,
    make_networks,
    partners,
)


class LabelledData(Data, Protocol):
    """Anything that real samples can be drawn from together with their classes."""

    @property
    def n_classes(self) -> int: ...

    def sample_pairs(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` samples `[n, *event_shape]`, and the class of each, int64 `[n]`."""


def one_of_K(y: Tensor | Sequence[int] | int, n_classes: int) -> Tensor:
    """The code of each class, float32 `[N, K]`: 1 at the class and 0 elsewhere.

    Args:
        y: classes from 0 to K - 1, whole numbers `[N]` or a single one; or codes `[N, K]` already,
            which may mix classes: no weight below 0, and each row with the sum 1.
        n_classes: K.

    Raises:
        TypeError: if classes are not whole numbers.
        ValueError: if there is no such class, or if a code is none.
    """
    K = check_int("n_classes", n_classes, 1, 10**6)
    allowed = f"Give classes, whole numbers from 0 to {K - 1}, or one-of-{K} codes [N, {K}]."
    try:
        given = torch.atleast_1d(torch.as_tensor(y))
    except (TypeError, ValueError, RuntimeError):  # words, None, lists of unequal length
        raise TypeError(f"y = {brief(y)} is neither classes nor codes. {allowed}") from None
    no_number = given.is_complex() or given.dtype == torch.bool
    if no_number or (given.dim() == 1 and given.is_floating_point()):
        raise TypeError(f"y holds classes of type {given.dtype}. {allowed}")
    if given.dim() == 1:
        classes = given.long()
        if (outside := (classes < 0) | (classes >= K)).any():
            wrong = int(classes[outside][0])
            raise ValueError(f"y holds {wrong}; there is no such class. {allowed}")
        return one_hot(classes, K).float()
    if given.dim() != 2 or given.shape[1] != K:
        raise ValueError(f"y has shape {list(given.shape)}. {allowed}")
    codes = given.float()
    bad = (codes < 0).any(1) | ~((codes.sum(1) - 1).abs() < 1e-4)  # NaN is bad as well
    if bad.any():
        i = int(bad.nonzero()[0])
        raise ValueError(
            f"y[{i}] = {[round(v, 4) for v in codes[i].tolist()]} is no code: its weights have to "
            f"be at least 0, with the sum 1. {allowed}"
        )
    return codes


# --- the networks --------------------------------------------------------------------------------


def join(x: Tensor, y: Tensor) -> Tensor:
    """[x, y]: a code `[N, K]` behind a vector `[N, d]`; behind a picture `[N, C, H, W]` K channels.

    A channel is the same number everywhere: 1 if the picture is of this class, else 0.
    """
    if x.dim() == 4:
        y = y[..., None, None].expand(-1, -1, *x.shape[2:])  # (N, K, H, W)
    return torch.cat([x, y], dim=1)


class ConditionalGenerator(nn.Module):
    """x = G(z, y): a generator of [z, y]."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """z `[N, latent_dim]`, codes y `[N, K]` -> x `[N, *event_shape]`."""
        return self.net(join(z, y))


class JoiningDiscriminator(nn.Module):
    """The logit of D(x, y): a discriminator of [x, y]."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x `[N, *event_shape]`, codes y `[N, K]` -> logits `[N]`."""
        return self.net(join(x, y))


class ClassifyingDiscriminator(nn.Module):
    """D(x) with two heads on one body: the logit of "real", and a score for each class."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x `[N, *event_shape]` -> logits `[N]`, class scores `[N, K]` (softmax: p(C_k | x))."""
        both = self.net(x)  # (N, 1 + K)
        return both[:, 0], both[:, 1:]


class ProjectingDiscriminator(ClassifyingDiscriminator):
    """The logit of D(x, y): the score of the class that was asked for is added."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        """x `[N, *event_shape]`, codes y `[N, K]` -> logits `[N]`."""
        logits, scores = super().forward(x)
        return logits + (scores * y).sum(1)


DISCRIMINATORS: dict[str, type[nn.Module]] = {
    "cgan": JoiningDiscriminator,
    "acgan": ClassifyingDiscriminator,
    "projection": ProjectingDiscriminator,
}


@dataclass(frozen=True)
class Conditional(Experiment):
    """What is trained with classes, and how.

    Raises:
        ValueError, TypeError: if a field is out of its range; the message names the field.
    """

    architecture: ClassVar[tuple[str, ...]] = (*Experiment.architecture, "condition")
    left_out: ClassVar[tuple[str, ...]] = ("unroll", "pac")

    _: KW_ONLY
    condition: str  # how D makes use of y: "cgan", "acgan" or "projection"
    class_weight: float = 1.0  # of L_c beside L_s in an AC-GAN
    class_on_fake: bool = True  # let its D learn the classes from generated samples, too

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("condition", self.condition, DISCRIMINATORS)
        check_fields(self, ("class_weight",), check_number, 0, 1000)
        check_fields(self, ("class_on_fake",), check_bool)

    @property
    def idle(self) -> frozenset[str]:
        """The fields that do nothing under these settings: L_c is an AC-GAN's."""
        return frozenset(() if self.condition == "acgan" else ("class_weight", "class_on_fake"))


class ConditionalGAN(GAN):
    """A GAN whose G, and perhaps D, is told the class y.

    Args:
        experiment: what is trained, and how; its `condition` says how D makes use of y.
        event_shape: shape of one sample, `(d,)` or `(C, H, W)`.
        n_classes: K.
        seed, device: as for `GAN`.
    """

    settings = Conditional
    experiment: Conditional

    def __init__(
        self,
        experiment: Conditional,
        event_shape: tuple[int, ...],
        seed: int = 0,
        device: str | torch.device = "cpu",
        *,
        n_classes: int = 10,
    ) -> None:
        self.n_classes = check_int("n_classes", n_classes, 2, 10**4)
        super().__init__(experiment, event_shape, seed, device)

    @classmethod
    def for_data(
        cls,
        experiment: Conditional,
        data: LabelledData,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> ConditionalGAN:
        """A GAN that can be trained on these data, with their classes."""
        return cls(experiment, data.event_shape, seed, device, n_classes=data.n_classes)

    def make_networks(
        self, experiment: Any, event_shape: tuple[int, ...], rng: torch.Generator
    ) -> tuple[nn.Module, nn.Module]:
        K, make_D = self.n_classes, DISCRIMINATORS[experiment.condition]
        joins = make_D is JoiningDiscriminator
        more_x, n_out = (K, 1) if joins else (0, 1 + K)
        G, D = make_networks(experiment, event_shape, rng, K, more_x, n_out)
        return ConditionalGenerator(G), make_D(D)

    @torch.no_grad()
    def sample(self, z: Tensor, y: Any = None) -> Tensor:
        """G(z, y), by the averaged weights where an average is kept.

        Args:
            z: `[N, latent_dim]`.
            y: classes `[N]`, one for all, or codes `[N, K]`, see `one_of_K`.

        Raises:
            ValueError, TypeError: if z is no such tensor, or not finite; see `codes` for y.
        """
        if y is None:
            raise TypeError("a conditional GAN needs y, the classes of what it is to make.")
        self.check_z(z)
        codes = self.codes(y, z)
        G = self.G if self.G_ema is None else self.G_ema
        with looking_at(G):
            return G(z, codes)

    def update_D(self, data: LabelledData) -> Tensor:
        """One update of D only; k of these and one `update_G` are a round."""
        step_D, _ = STEPS[self.experiment.condition]
        return step_D(self, *draw_batch(self, data))

    def update_G(self, data: LabelledData) -> Tensor:
        """One update of G only."""
        _, step_G = STEPS[self.experiment.condition]
        x_real, y, z = draw_batch(self, data)
        return step_G(self, y, z, x_real)

    def codes(self, y: Any, samples: Tensor) -> Tensor:
        """`y` as one code for each of the samples, `[N, K]`.

        Raises:
            ValueError, TypeError: see `one_of_K`; or if there are not as many y as samples.
        """
        check_floats("samples", samples, "[..., N]", finite=False)
        codes = one_of_K(y, self.n_classes).to(samples.device)
        if len(codes) not in (1, len(samples)):
            raise ValueError(
                f"y holds {len(codes)} classes for {len(samples)} samples; give one for each of "
                "them, or one for all."
            )
        return codes.expand(len(samples), -1)

    def logits(self, x: Tensor, y: Any) -> Tensor:
        """D's logits of "real", and of fitting `y` where D is told: `[N]`; NaN where x is.

        Args:
            x: `[N, *event_shape]`.
            y: as for `sample`.
        """
        shape = ", ".join(map(str, self.event_shape))
        check_fits("x", check_floats("x", x, f"[N, {shape}]", finite=False), self.D, "D")
        if isinstance(self.D, ProjectingDiscriminator | JoiningDiscriminator):
            return self.D(x, self.codes(y, x))
        return self.D(x)[0]


# --- one visible step ----------------------------------------------------------------------------


@suited
def train_step(gan: ConditionalGAN, data: LabelledData) -> tuple[Tensor, Tensor]:
    """One round of the game: k updates of D, then one of G. Returns both losses."""
    step_D, step_G = STEPS[gan.experiment.condition]
    for _ in range(gan.experiment.d_steps):
        loss_D = step_D(gan, *draw_batch(gan, data))
    x_real, y, z = draw_batch(gan, data)
    return loss_D, step_G(gan, y, z, x_real)


def draw_batch(gan: ConditionalGAN, data: LabelledData) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs (x, y) of the data, the y as codes, and as many z."""
    n = gan.experiment.batch_size
    x_real, y = data.sample_pairs(n, gan.rng)
    return x_real, one_of_K(y, gan.n_classes), gan.sample_z(n)


def step_D(gan: ConditionalGAN, x_real: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """One update of a D that is told y. Returns its loss, minus the value of the game (12.30).

    The fakes are made for the same y, so that real and generated pairs agree in how often each
    class occurs.

    Args:
        x_real: `[N, *event_shape]`; y: their codes `[N, K]`; z: `[N, latent_dim]`.
    """
    with torch.no_grad():  # no gradient reaches G
        x_fake = gan.G(z, y)
    both = gan.D(torch.cat([x_real, x_fake]), torch.cat([y, y]))  # one pass
    d_real, d_fake = both.chunk(2)  # (N,), (N,) logits
    loss = gan.loss.discriminator(d_real, d_fake)
    finish_D(loss, gan, x_real, x_fake, lambda x: gan.D(x, y))
    return loss.detach()


def step_G(gan: ConditionalGAN, y: Tensor, z: Tensor, x_real: Tensor | None = None) -> Tensor:
    """One update of G against a D that is told y. Returns G's loss.

    Args:
        y: codes `[N, K]`; z: `[N, latent_dim]`.
        x_real: real samples of these classes, only needed where G's loss compares with them.
    """
    d_fake = gan.D(gan.G(z, y), y)  # (N,) logits
    loss = gan.loss.generator(*partners(gan, x_real, lambda x: gan.D(x, y)), d_fake)
    finish_G(loss, gan)
    return loss.detach()


def step_D_acgan(gan: ConditionalGAN, x_real: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """One update of an AC-GAN's D: it lowers L_c - L_s. Returns that.

    Args:
        x_real: `[N, *event_shape]`; y: their codes `[N, K]`; z: `[N, latent_dim]`.
    """
    with torch.no_grad():
        x_fake = gan.G(z, y)
    logits, scores = gan.D(torch.cat([x_real, x_fake]))  # one pass
    (d_real, d_fake), (c_real, c_fake) = logits.chunk(2), scores.chunk(2)
    L_s = -gan.loss.discriminator(d_real, d_fake)  # (12.31)
    L_c = cross_entropy(c_real, y)
    if gan.experiment.class_on_fake:
        L_c = L_c + cross_entropy(c_fake, y)
    loss = gan.experiment.class_weight * L_c - L_s
    finish_D(loss, gan, x_real, x_fake, lambda x: gan.D(x)[0])
    return loss.detach()


def step_G_acgan(gan: ConditionalGAN, y: Tensor, z: Tensor, x_real: Tensor | None = None) -> Tensor:
    """One update of an AC-GAN's G: it lowers L_c + L_s, L_s in its own form. Returns that.

    Args:
        y: codes `[N, K]`; z: `[N, latent_dim]`.
        x_real: as for `step_G`.
    """
    d_fake, c_fake = gan.D(gan.G(z, y))  # (N,) logits, (N, K) scores
    L_s = gan.loss.generator(*partners(gan, x_real, lambda x: gan.D(x)[0]), d_fake)
    L_c = cross_entropy(c_fake, y)
    loss = gan.experiment.class_weight * L_c + L_s
    finish_G(loss, gan)
    return loss.detach()


STEPS: dict[str, tuple[Callable[..., Tensor], Callable[..., Tensor]]] = {
    "cgan": (step_D, step_G),
    "acgan": (step_D_acgan, step_G_acgan),
    "projection": (step_D, step_G),
}
