"""The games: each loss is a pair of functions of logits, and one row of `LOSSES`.

A logit is what D returns, before any sigmoid: D(x) = sigmoid(logit). Three identities turn the
printed formulas into code that neither overflows nor loses its gradient to rounding:

    log D(x)         = -softplus(-logit)
    log (1 - D(x))   = -softplus(logit)
    D / (1 - D)      = exp(logit)

Shapes: logits `[..., N]` in, one number per GAN out, `[...]`. For a single GAN that is `[N]` in
and a scalar out. Both functions are *minimised*; an expectation is the mean over the batch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from gan_helpers.checks import (
    check_bool,
    check_callable,
    check_choice,
    check_fields,
    check_is,
    check_number,
    check_text,
)


@dataclass(frozen=True)
class Loss:
    """A game: what D minimises, and what G minimises.

    Args:
        name: what the reader sees.
        discriminator: `(d_real [..., N], d_fake [..., N]) -> [...]`.
        generator: `(d_fake [..., N]) -> [...]`, or `(d_real [..., N], d_fake [..., N]) -> [...]`
            where G's loss compares the two; which of them is found out when the loss is made
            (`sees_real`).
        is_probability: whether sigmoid(logit) estimates the probability of "real" (False for a
            critic, whose scores have no fixed scale).
        estimates_distance: whether minus D's loss is a critic's estimate of the Wasserstein
            distance (12.29); None tries that on a few logits.
        boundary: the logit at which real and generated samples are equally likely; means nothing
            where D's loss is such an estimate.

    Raises:
        TypeError: if a field is of another kind, or the generator's loss takes neither one
            argument nor two; `check_loss` tries the functions themselves.
    """

    name: str
    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[..., Tensor]
    is_probability: bool = True
    estimates_distance: bool | None = None
    boundary: float = 0.0
    sees_real: bool = field(init=False)  # whether G's loss takes the logits of real samples, too
    is_relative: bool = field(init=False)  # whether only differences of logits count in D's loss

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_callable("discriminator", self.discriminator, "a function (d_real, d_fake) -> loss")
        what = "a function (d_fake) -> loss, or (d_real, d_fake) -> loss"
        check_callable("generator", self.generator, what)
        object.__setattr__(self, "sees_real", takes_two(self.generator))
        object.__setattr__(self, "is_relative", is_relative(self.discriminator))
        if self.estimates_distance is None:
            object.__setattr__(self, "estimates_distance", is_distance(self.discriminator))
        check_fields(self, ("is_probability", "estimates_distance"), check_bool)
        check_fields(self, ("boundary",), check_number)

    @property
    def sign_is_verdict(self) -> bool:
        """Whether a logit above 0 says "real", and one below 0 "generated"."""
        return self.boundary == 0 and not self.is_relative and not self.estimates_distance


def is_distance(discriminator: Callable[[Tensor, Tensor], Tensor]) -> bool:
    """Whether a loss of D is minus the critic's estimate of the Wasserstein distance (12.29)."""
    d_real, d_fake = torch.tensor([0.5, 2.0, -1.0]), torch.tensor([3.0, -0.5, 0.25])
    try:
        return bool(torch.allclose(discriminator(d_real, d_fake), d_fake.mean() - d_real.mean()))
    except Exception:  # the reader's own code; `check_loss` says what is wrong with it
        return False


def is_relative(discriminator: Callable[[Tensor, Tensor], Tensor]) -> bool:
    """Whether a loss of D stays what it is when a constant is added to all logits."""
    d_real, d_fake = torch.tensor([0.5, 2.0, -1.0]), torch.tensor([3.0, -0.5, 0.25])
    try:
        shifted = discriminator(d_real + 1.5, d_fake + 1.5)
        return bool(torch.allclose(discriminator(d_real, d_fake), shifted, atol=1e-5))
    except Exception:  # as above
        return False


def takes_two(generator: Callable[..., Tensor]) -> bool:
    """Whether a loss of G asks for (d_real, d_fake), and not for d_fake alone.

    Arguments with a default are the reader's own business and do not count.

    Raises:
        TypeError: if it asks for neither.
    """
    try:
        parameters = inspect.signature(generator).parameters.values()
    except (TypeError, ValueError):  # built in, with no signature to be read
        return False
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    places = [p for p in parameters if p.kind in by_place]
    needed = sum(p.default is p.empty for p in places)
    enough = bool(places) or any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if needed > 2 or not enough:
        raise TypeError(
            f"generator asks for {needed} arguments; it has to be a function (d_fake) -> loss, or "
            "(d_real, d_fake) -> loss."
        )
    return needed == 2


def discriminator_cross_entropy(d_real: Tensor, d_fake: Tensor) -> Tensor:
    """Minus the value of the game: -E[log D(x)] - E[log(1 - D(G(z)))].

    Eq. (12.28) of the book; Goodfellow et al. (2014), eq. (1).
    """
    return softplus(-d_real).mean(-1) + softplus(d_fake).mean(-1)


def generator_saturating(d_fake: Tensor) -> Tensor:
    """E[log(1 - D(G(z)))], which is flat where D(G(z)) is near 0.

    Eq. (12.28) of the book; Goodfellow et al. (2014), eq. (1).
    """
    return -softplus(d_fake).mean(-1)


def generator_non_saturating(d_fake: Tensor) -> Tensor:
    """-E[log D(G(z))], which is steep where D(G(z)) is near 0.

    Goodfellow et al. (2014), section 3.
    """
    return softplus(-d_fake).mean(-1)


def generator_maximum_likelihood(d_fake: Tensor) -> Tensor:
    """-E[D(G(z)) / (1 - D(G(z)))]: for the optimal D its gradient is that of KL(p || q).

    Goodfellow (2016), "NIPS 2016 Tutorial", eq. (14), without its factor 1/2.
    """
    return -torch.exp(d_fake).mean(-1)


def discriminator_least_squares(d_real: Tensor, d_fake: Tensor) -> Tensor:
    """1/2 E[(D(x) - 1)^2] + 1/2 E[D(G(z))^2], D without sigmoid. Mao et al. (2017), eq. (9)."""
    return 0.5 * (d_real - 1).square().mean(-1) + 0.5 * d_fake.square().mean(-1)


def generator_least_squares(d_fake: Tensor) -> Tensor:
    """1/2 E[(D(G(z)) - 1)^2], D without sigmoid. Mao et al. (2017), eq. (9)."""
    return 0.5 * (d_fake - 1).square().mean(-1)


def discriminator_hinge(d_real: Tensor, d_fake: Tensor) -> Tensor:
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]. Lim and Ye (2017); Miyato et al. (2018)."""
    return relu(1 - d_real).mean(-1) + relu(1 + d_fake).mean(-1)


def discriminator_wasserstein(d_real: Tensor, d_fake: Tensor) -> Tensor:
    """-(E[D(x)] - E[D(G(z))]): minus the critic's estimate of the Wasserstein distance.

    Eq. (12.29) of the book; Arjovsky et al. (2017), eq. (3).
    """
    return d_fake.mean(-1) - d_real.mean(-1)


def generator_wasserstein(d_fake: Tensor) -> Tensor:
    """-E[D(G(z))]. Eq. (12.29) of the book; the hinge loss uses it too."""
    return -d_fake.mean(-1)


def discriminator_relativistic(d_real: Tensor, d_fake: Tensor) -> Tensor:
    """-E[log sigmoid(D(x) - D(G(z)))]: in each pair the real one has to come out ahead.

    Jolicoeur-Martineau (2018), RSGAN; the best D is log p/q, up to a constant.
    """
    return softplus(d_fake - d_real).mean(-1)


def generator_relativistic(d_real: Tensor, d_fake: Tensor) -> Tensor:
    """-E[log sigmoid(D(G(z)) - D(x))]: the generated one of a pair has to come out ahead.

    Jolicoeur-Martineau (2018), RSGAN; with R1 and R2 it is the game of Huang et al. (2024).
    """
    return softplus(d_real - d_fake).mean(-1)


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss("saturating", discriminator_cross_entropy, generator_saturating),
        Loss("non_saturating", discriminator_cross_entropy, generator_non_saturating),
        Loss("maximum_likelihood", discriminator_cross_entropy, generator_maximum_likelihood),
        Loss(
            "least_squares",
            discriminator_least_squares,
            generator_least_squares,
            is_probability=False,
            boundary=0.5,
        ),
        Loss("hinge", discriminator_hinge, generator_wasserstein, is_probability=False),
        Loss("wasserstein", discriminator_wasserstein, generator_wasserstein, is_probability=False),
        Loss(
            "relativistic",
            discriminator_relativistic,
            generator_relativistic,
            is_probability=False,
        ),
    )
}


def get_loss(loss: str | Loss) -> Loss:
    """The loss of that name, or the reader's own `Loss` as it is.

    Raises:
        ValueError: if the name is not one of `LOSSES`.
    """
    return loss if isinstance(loss, Loss) else LOSSES[check_choice("loss", loss, LOSSES)]


def check_loss(loss: Loss) -> None:
    """Try a loss on a few logits, so that a slip in the reader's own code is named before training.

    Raises:
        TypeError, ValueError: if a function does not return one finite number that depends on
            the logits. What the functions themselves raise is passed on.
    """
    check_is("loss", loss, Loss, "a Loss, e.g. get_loss('hinge')")
    d_real = torch.linspace(-1, 1, 8, requires_grad=True)
    d_fake = torch.linspace(-1.5, 1, 8, requires_grad=True)
    seen_by_G = (d_real, d_fake) if loss.sees_real else (d_fake,)
    calls = {
        "discriminator": (loss.discriminator(d_real, d_fake), (d_real, d_fake)),
        "generator": (loss.generator(*seen_by_G), seen_by_G),
    }
    for name, (value, inputs) in calls.items():
        where = f"the {name} loss of {loss.name!r}"
        if not isinstance(value, Tensor):
            raise TypeError(f"{where} returned {value!r}; it has to return a tensor, e.g. a mean.")
        if value.shape != ():
            raise ValueError(
                f"{where} returned shape {list(value.shape)} for 8 logits; it has to return one "
                "number: end it with .mean(-1)."
            )
        if not value.isfinite():
            raise ValueError(f"{where} is {float(value.detach())} for logits between -1.5 and 1.")
        if value.grad_fn is None:
            raise ValueError(f"{where} does not depend on the logits, so there is no gradient.")
        *_, for_fake = torch.autograd.grad(value, inputs, allow_unused=True)
        if name == "generator" and for_fake is None:
            raise ValueError(
                f"{where} does not depend on d_fake, the logits of what G makes, so G would learn "
                "nothing; its arguments are (d_real, d_fake), in this order."
            )


def reversed_losses(loss: Loss) -> list[str]:
    """Which of a loss's two functions rise with what they should fall with: a sign is wrong.

    D should have a smaller loss when it tells real from generated samples than when it takes one
    for the other; G when D takes what it makes for real. Other losses may be meant, so that this is
    a reason for a warning and not for an error.

    Returns:
        Some of "discriminator", "generator".

    Raises:
        TypeError: if it is no `Loss`.
    """
    check_is("loss", loss, Loss, "a Loss, e.g. get_loss('hinge')")
    real, fake = torch.full((8,), 2.0), torch.full((8,), -2.0)  # logits
    with torch.no_grad():
        right, wrong = loss.discriminator(real, fake), loss.discriminator(fake, real)
        if loss.sees_real:
            fooled, caught = loss.generator(fake, real), loss.generator(real, fake)
        else:
            fooled, caught = loss.generator(real), loss.generator(fake)
    found = {"discriminator": right > wrong, "generator": fooled > caught}
    return [name for name, is_reversed in found.items() if is_reversed]
