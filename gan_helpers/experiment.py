"""What is trained, and how: the settings of a GAN."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from gan_helpers.checks import (
    check_bool,
    check_choice,
    check_fields,
    check_has,
    check_int,
    check_number,
)
from gan_helpers.losses import Loss, get_loss


@dataclass(frozen=True)
class Experiment:
    """What is trained, and how. Vary it with `dataclasses.replace`.

    A GAN with more to it has settings of its own, a subclass.

    Raises:
        ValueError, TypeError: if a field is out of its range; the message names the field.
    """

    #: A change of one of these needs new networks; every other field can change in mid-training.
    architecture: ClassVar[tuple[str, ...]] = (
        *("latent_dim", "width", "depth", "network", "ema", "pac"),
    )
    #: Fields that the step of this kind of GAN does not know; they stay as they are by default.
    left_out: ClassVar[tuple[str, ...]] = ()

    loss: str | Loss = "non_saturating"  # what G can still learn from while D is winning
    d_steps: int = 1  # k of algorithm 1: D's updates before each of G's, 1 to 100
    batch_size: int = 128  # samples per update, 2 to 4096
    lr_D: float = 1e-3  # Adam's step sizes; different ones are the two-timescale update rule
    lr_G: float = 1e-3
    beta1: float = 0.5  # less momentum than Adam's 0.9: the opponent moves (DCGAN)
    beta2: float = 0.9
    gradient_penalty: float = 0.0  # weight lambda of (|grad D| - 1)^2; WGAN-GP uses 10
    one_sided: bool = False  # let that penalty be for slopes above 1 only
    r1: float = 0.0  # weight of |grad D|^2 at real samples
    r2: float = 0.0  # the same at generated samples
    clip: float | None = None  # D's weights are put back into [-clip, clip]; None is off
    spectral_norm: bool = False  # divide D's weights by their largest singular value
    unroll: int = 0  # updates of D that G looks ahead, 0 to 20; costs as many passes through D
    pac: int = 1  # samples that D judges together, so that it sees a lack of variety (PacGAN)
    ema: float = 0.0  # decay of the moving average of G's weights; 0 is off
    latent_dim: int = 2  # length of z
    width: int = 64  # units per layer, or channels
    depth: int = 3  # hidden layers of the multilayer perceptrons
    network: str = "mlp"  # or "conv", for pictures

    def __post_init__(self) -> None:
        get_loss(self.loss)
        check_fields(self, ("d_steps",), check_int, 1, 100)
        check_fields(self, ("batch_size",), check_int, 2, 4096)
        check_fields(self, ("lr_D", "lr_G"), check_number, 0, 1)
        check_fields(self, ("beta1", "beta2", "ema"), check_number, 0, 0.99999)
        check_fields(self, ("gradient_penalty", "r1", "r2"), check_number, 0, 1000)
        if self.clip is not None:
            check_fields(self, ("clip",), check_number, 0, 10, low_allowed=False)
        check_fields(self, ("one_sided", "spectral_norm"), check_bool)
        check_fields(self, ("unroll",), check_int, 0, 20)
        check_fields(self, ("pac",), check_int, 1, 16)
        if self.pac not in (1, 2, 4, 8, 16) or self.batch_size % self.pac:
            raise ValueError(
                f"pac = {self.pac} has to be 1, 2, 4, 8 or 16, and to divide batch_size = "
                f"{self.batch_size}."
            )
        check_fields(self, ("latent_dim",), check_int, 1, 1024)
        check_fields(self, ("width",), check_int, 2, 1024)
        check_fields(self, ("depth",), check_int, 1, 8)
        check_choice("network", self.network, ("mlp", "conv"))
        for name in self.left_out:
            value, default = getattr(self, name), getattr(Experiment, name)
            if value != default:
                raise ValueError(
                    f"{name} = {value!r} is for plain GANs only; leave it at {default!r} in "
                    f"{type(self).__name__}(…)."
                )

    @property
    def idle(self) -> frozenset[str]:
        """The fields that do nothing under these settings, as far as no other field says so."""
        return frozenset()


#: What a step does only where it is asked to.
EXTRAS = ("gradient_penalty", "r1", "r2", "clip", "spectral_norm", "unroll")

#: Numbers that may differ from GAN to GAN where an `Ensemble` trains several in one stack.
FREE = ("lr_D", "lr_G", "gradient_penalty", "r1", "r2", "clip")


def new_networks(old: Any, new: Any) -> list[str]:
    """The settings for which a change from `old` to `new` needs new networks."""
    return [name for name in old.architecture if getattr(old, name) != getattr(new, name)]


def faded(experiment: Any, step: int, steps: int, begin: float = 0.5) -> Any:
    """The experiment with the learning rates it has at `step`: in the end they fall to 0.

    Args:
        experiment: an `Experiment`, or anything else with an `lr_D` and an `lr_G`.
        step: 0 to `steps`.
        steps: of the whole training, 1 or more.
        begin: the share of them after which the rates begin to fall, 0 to 0.99.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_has("experiment", experiment, ("lr_D", "lr_G"), "settings with an lr_D and an lr_G")
    left = share_left(step, steps, begin)
    return replace(experiment, lr_D=left * experiment.lr_D, lr_G=left * experiment.lr_G)


def share_left(step: int, steps: int, begin: float = 0.5) -> float:
    """How much of the learning rates is left at `step`, 1 to 0; arguments as for `faded`."""
    steps = check_int("steps", steps, 1, 10**9)
    step = check_int("step", step, 0, steps)
    begin = check_number("begin", begin, 0, 0.99)
    return min(1.0, (1 - step / steps) / (1 - begin))
