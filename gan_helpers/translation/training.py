"""Pictures to pictures: settings, networks and optimizers, whether there are answers or not."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gan_helpers.checks import (
    brief,
    check_bool,
    check_choice,
    check_device,
    check_fields,
    check_fits,
    check_floats,
    check_int,
    check_is,
    check_number,
    check_scale,
    check_seed,
)
from gan_helpers.experiment import new_networks
from gan_helpers.losses import Loss, get_loss
from gan_helpers.threads import Work
from gan_helpers.training import descend, looking_at, make_adam
from gan_helpers.translation.networks import GENERATORS, NORMS, PatchDiscriminator


class TwoWorlds(Protocol):
    """Anything that pictures of A and of B can be drawn from, see `datasets.pairs`."""

    def sample(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` pictures of each: a `[n, C_a, H, W]`, b `[n, C_b, H, W]`."""


@dataclass(frozen=True)
class Translation:
    """What is trained to translate, and how. Vary it with `dataclasses.replace`.

    Raises:
        ValueError, TypeError: if a field is out of its range; the message names the field.
    """

    #: A change of one of these needs new networks; every other field can change in mid-training.
    architecture: ClassVar[tuple[str, ...]] = (
        *("generator", "width", "depth", "width_D", "n_strided", "norm", "norm_D", "dropout"),
        *("ema", "conditional", "skips"),
    )
    left_out: ClassVar[tuple[str, ...]] = ()

    loss: str | Loss = "non_saturating"
    adversarial: float = 1.0  # weight of the GAN's term in G's loss; 0 leaves D out of it
    l1: float = 10.0  # lambda of pix2pix: weight of the distance from the answer
    conditional: bool = True  # pix2pix: D sees the input beside the picture (a cGAN)
    cycle: float = 10.0  # lambda of CycleGAN: weight of the way there and back
    identity: float = 0.5  # CycleGAN: weight, times `cycle`, of leaving alone what is there already
    history: int = 50  # CycleGAN: earlier translations from which D's fakes are drawn; 0 is off
    batch_size: int = 32
    lr_D: float = 2.5e-4
    lr_G: float = 5e-4
    beta1: float = 0.5
    beta2: float = 0.999
    generator: str = "unet"  # or "resnet"
    width: int = 24  # channels of the generator's first layer
    depth: int = 2  # of a U-Net: halvings; of a ResNet: blocks
    skips: bool = True  # of a U-Net: the ways past its bottleneck
    width_D: int = 32  # channels of the first layer of D
    n_strided: int = 1  # D's halvings: patches of 16, 34, 70 pixels
    norm: str = "none"  # of the generator
    norm_D: str = "none"  # with one, D cannot see how bright a picture is as a whole
    dropout: float = 0.0  # the noise of a U-Net, kept on when it translates, as in the paper
    ema: float = 0.0  # decay of the moving average of G's weights; 0 is off
    mixed_precision: bool = False  # on a GPU: convolutions in bfloat16

    def __post_init__(self) -> None:
        get_loss(self.loss)
        check_fields(self, ("adversarial", "l1", "cycle", "identity"), check_number, 0, 1000)
        check_fields(self, ("conditional", "skips", "mixed_precision"), check_bool)
        check_fields(self, ("history",), check_int, 0, 10_000)
        check_fields(self, ("batch_size",), check_int, 1, 4096)
        check_fields(self, ("lr_D", "lr_G"), check_number, 0, 1)
        check_fields(self, ("beta1", "beta2", "ema"), check_number, 0, 0.99999)
        check_choice("generator", self.generator, GENERATORS)
        check_fields(self, ("width", "width_D"), check_int, 2, 1024)
        check_fields(self, ("depth",), check_int, 1, 20)
        check_fields(self, ("n_strided",), check_int, 1, 5)
        for name in ("norm", "norm_D"):
            check_choice(name, getattr(self, name), NORMS)
        check_fields(self, ("dropout",), check_number, 0, 0.9)

    @property
    def idle(self) -> frozenset[str]:
        """The fields that do nothing under these settings."""
        return frozenset() if self.generator == "unet" else frozenset({"skips"})


Own = TypeVar("Own", bound="Translator")


class Translator:
    """Generators and discriminators between two worlds, their optimizers, and their chance.

    The same seed gives the same numbers on the same machine; nothing here touches the global
    random state, but for the dropout of a generator that has some.

    Args:
        experiment: what is trained, and how.
        channels: of the pictures in A and in B.
        seed: initial weights and everything drawn while training.
        device: where to train, e.g. "cpu" or "cuda".

    Raises:
        ValueError, TypeError: if an argument is not as above, or there is no such device here.
    """

    settings = Translation
    work: ClassVar[Work] = "pictures"  # what a step consists of
    #: Fields that the step of this kind does not know; they do nothing.
    left_out: tuple[str, ...] = ()

    def __init__(
        self,
        experiment: Translation,
        channels: tuple[int, int] = (1, 1),
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        check_translation(experiment)
        channels = check_channels(channels)
        rng = torch.Generator().manual_seed(check_seed(seed))
        self.device = device = check_device(device)
        self.experiment, self.channels = experiment, channels
        self.G, self.D = self.make_networks(experiment, channels, rng)
        for net in (self.G, self.D):  # convolutions are quickest with the channels innermost
            net.to(device).to(memory_format=torch.channels_last)
        betas = (experiment.beta1, experiment.beta2)
        self.opt_G = make_adam(self.G, experiment.lr_G, betas)
        self.opt_D = make_adam(self.D, experiment.lr_D, betas)
        average = get_ema_multi_avg_fn(experiment.ema)
        self.G_ema = AveragedModel(self.G, multi_avg_fn=average) if experiment.ema else None
        self.rng: Any = torch.Generator(device).manual_seed(
            int(torch.randint(2**62, (), generator=rng))
        )
        self.step = 0  # G's updates so far
        self.batch: tuple[Tensor, ...] = ()  # of half a round, for its other half
        self.configure(experiment)

    @classmethod
    def for_data(
        cls: type[Own],
        experiment: Translation,
        data: Any,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> Own:
        """One that can learn this translation, see above; `data` has `channels`."""
        return cls(experiment, data.channels, seed, device)

    def make_networks(
        self, experiment: Translation, channels: tuple[int, int], rng: torch.Generator
    ) -> tuple[nn.Module, nn.Module]:
        """(G, D), with initial weights drawn from `rng`."""
        raise NotImplementedError

    def configure(self, experiment: Translation) -> None:
        """Train on under other settings, with the weights kept.

        Raises:
            ValueError: if networks would have to change (see `Translation.architecture`).
            TypeError: if it is no `Translation`.
        """
        check_translation(experiment)
        if changed := new_networks(self.experiment, experiment):
            raise ValueError(
                f"{', '.join(changed)} cannot change while training; make a new one instead."
            )
        self.experiment, self.loss = experiment, get_loss(experiment.loss)
        for optimizer, lr in ((self.opt_G, experiment.lr_G), (self.opt_D, experiment.lr_D)):
            for group in optimizer.param_groups:
                group["lr"], group["betas"] = lr, (experiment.beta1, experiment.beta2)

    def update_D(self, data: TwoWorlds) -> Tensor:
        """One update of D only. Beside one of G it is a round, with the same pictures."""
        raise NotImplementedError

    def update_G(self, data: TwoWorlds) -> Tensor:
        """One update of G only."""
        raise NotImplementedError

    @property
    def shown(self) -> nn.Module:
        """The generator that the reader is shown: by averaged weights where there are some."""
        return self.G if self.G_ema is None else self.G_ema.module

    def precision(self) -> Any:
        """The context of a step: mixed precision where it is asked for, and there is a GPU."""
        if self.experiment.mixed_precision and self.device.type == "cuda":
            return torch.autocast("cuda", torch.bfloat16)
        return nullcontext()

    def copy(self: Own) -> Own:
        """An independent one in the same state, with the same future."""
        twin = type(self).__new__(type(self))
        twin.__dict__ = copy.deepcopy(self.__dict__, {id(self.rng): self.rng.clone_state()})
        return twin


def check_translation(experiment: object) -> None:
    """Raise a TypeError if it is no `Translation`."""
    check_is("experiment", experiment, Translation, "a Translation, e.g. Translation()")


def check_channels(channels: object) -> tuple[int, int]:
    """`channels` as two numbers, of the pictures in A and in B."""
    if not isinstance(channels, (tuple, list)) or len(channels) != 2:
        raise TypeError(
            f"channels = {brief(channels)} has to be two whole numbers, of A and of B, e.g. (1, 3)."
        )
    n_a, n_b = (check_int(f"channels[{k}]", n, 1, 10**4) for k, n in enumerate(channels))
    return n_a, n_b


def check_given(name: str, x: object, n_channels: int) -> None:
    """Raise if a translator of pictures with so many channels cannot be given `x`; NaN passes.

    A little out of [-1, 1] is let through, for the noise that `cycle_error` adds half-way.
    """
    given = check_floats(name, x, f"[N, {n_channels}, H, W]", finite=False)
    check_scale(name, given, most=2.0, nan=True, warn=False)


@torch.no_grad()
def translate(G: nn.Module, x: Tensor, name: str = "x") -> Tensor:
    """What G makes of the pictures: `[N, C, H, W]` -> `[N, C', H, W]` in [-1, 1]; NaN where x is.

    Args:
        G: the generator; x: the pictures.
        name: what they are called in messages.

    Raises:
        ValueError, TypeError: if G is no network, or x no tensor of floats.
    """
    check_is("G", G, nn.Module, "a network")
    check_fits(name, check_floats(name, x, "[..., N]", finite=False), G, "G")
    if any(isinstance(layer, nn.Dropout) for layer in G.modules()):
        return G(x)  # its noise: the papers leave it on
    with looking_at(G):
        return G(x)


def make_generator(e: Translation, n_in: int, n_out: int, rng: torch.Generator) -> nn.Module:
    """The generator that the experiment asks for."""
    if e.generator == "resnet":
        return GENERATORS["resnet"](n_in, n_out, e.width, e.depth, e.norm, rng=rng)
    return GENERATORS["unet"](n_in, n_out, e.width, e.depth, e.norm, e.dropout, rng, e.skips)


def make_patch_D(e: Translation, n_in: int, rng: torch.Generator) -> PatchDiscriminator:
    """The discriminator that the experiment asks for."""
    return PatchDiscriminator(n_in, e.width_D, e.n_strided, e.norm_D, rng)


def finish_G(loss: Tensor, gan: Translator) -> None:
    """Follow the gradient of G's loss, and keep the moving average up to date."""
    descend(loss, gan.opt_G)
    count_G(gan)


def count_G(gan: Translator) -> None:
    """G has been updated: keep its moving average up to date."""
    if gan.G_ema is not None:
        gan.G_ema.update_parameters(gan.G)
    gan.step += 1
