"""One GAN, and one visible step: D k times, then G (Goodfellow et al., 2014, algorithm 1)."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gan_helpers.adam import LeanAdam
from gan_helpers.chance import Rng, draw
from gan_helpers.checks import (
    brief,
    check_bool,
    check_callable,
    check_choice,
    check_device,
    check_event_shape,
    check_fields,
    check_fits,
    check_floats,
    check_has,
    check_int,
    check_is,
    check_number,
    check_rng,
    check_seed,
    check_text,
)
from gan_helpers.losses import Loss, get_loss
from gan_helpers.models import ConvDiscriminator, ConvGenerator, Discriminator, Generator
from gan_helpers.regularizers import (
    clip_weights,
    gradient_penalty,
    per_gan,
    r1_penalty,
    set_spectral_norm,
)


class Data(Protocol):
    """Anything that real samples can be drawn from."""

    @property
    def event_shape(self) -> tuple[int, ...]: ...

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """`n` samples, `[n, *event_shape]`."""


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
        check_fields(self, ("gradient_penalty", "r1"), check_number, 0, 1000)
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
EXTRAS = ("gradient_penalty", "r1", "clip", "spectral_norm", "unroll")
#: Numbers that may differ from GAN to GAN where an `Ensemble` trains several in one stack.
FREE = ("lr_D", "lr_G", "gradient_penalty", "r1", "clip")


Own = TypeVar("Own", bound="GAN")


class GAN:
    """Two networks, their two optimizers, and the random numbers that drive them.

    The same seed gives the same numbers on the same machine; nothing here touches the global
    random state.

    Args:
        experiment: what is trained, and how.
        event_shape: shape of one sample, `(d,)` or `(C, H, W)`.
        seed: initial weights and everything drawn while training.
        device: where to train, e.g. "cpu" or "cuda".

    Raises:
        ValueError, TypeError: if an argument is not as above, or there is no such device here.
    """

    batch_axis = 0  # of samples; behind the ensemble's axis where there is one
    settings: type[Experiment] = Experiment  # what it is trained by, no subclass of it

    def __init__(
        self,
        experiment: Experiment,
        event_shape: tuple[int, ...],
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        self.check_settings(experiment)
        self.event_shape = event_shape = check_event_shape(event_shape)
        init_rng = torch.Generator().manual_seed(check_seed(seed))
        device = check_device(device)
        G, D = self.make_networks(experiment, event_shape, init_rng)
        self.G, self.D = G.to(device), D.to(device)
        betas = (experiment.beta1, experiment.beta2)
        self.opt_G = make_adam(self.G, experiment.lr_G, betas)
        self.opt_D = make_adam(self.D, experiment.lr_D, betas)
        average = get_ema_multi_avg_fn(experiment.ema)
        self.G_ema = (
            AveragedModel(self.G, multi_avg_fn=average, use_buffers=True)
            if experiment.ema
            else None
        )
        self.rng: Any = torch.Generator(device).manual_seed(
            int(torch.randint(2**62, (), generator=init_rng))
        )
        self.step = 0  # G's updates so far
        self.configure(experiment)

    @classmethod
    def for_data(
        cls: type[Own],
        experiment: Any,
        data: Any,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> Own:
        """A GAN that can be trained on these data, see above."""
        return cls(experiment, data.event_shape, seed, device)

    def make_networks(
        self, experiment: Experiment, event_shape: tuple[int, ...], rng: torch.Generator
    ) -> tuple[nn.Module, nn.Module]:
        """(G, D), with initial weights drawn from `rng`."""
        return make_networks(experiment, event_shape, rng)

    def check_settings(self, experiment: object) -> None:
        """Raise a TypeError if it is no experiment of the kind that this GAN is trained by."""
        if type(experiment) is not self.settings:  # it would not do what a subclass asks for
            own = self.settings.__name__
            raise TypeError(
                f"experiment = {brief(experiment)} is of the class {type(experiment).__name__}; "
                f"{type(self).__name__} is trained by {own}(…)."
            )

    def check_change(self, experiment: Experiment) -> None:
        """Raise if the GAN cannot be trained on under these settings, see `configure`."""
        self.check_settings(experiment)
        old = getattr(self, "experiment", experiment)
        if changed := new_networks(old, experiment):
            raise ValueError(
                f"experiment: {', '.join(changed)} cannot change while training; make a new GAN."
            )

    def configure(self, experiment: Experiment) -> None:
        """Train on under other settings, with the weights kept.

        Raises:
            ValueError: if networks would have to change (see `Experiment.architecture`).
            TypeError: if it is no experiment.
        """
        self.check_change(experiment)
        self.experiment, self.loss = experiment, get_loss(experiment.loss)
        self.uses = frozenset(name for name in EXTRAS if getattr(experiment, name))
        set_spectral_norm(self.D, experiment.spectral_norm)
        for optimizer, lr in ((self.opt_G, experiment.lr_G), (self.opt_D, experiment.lr_D)):
            for group in optimizer.param_groups:
                group["lr"], group["betas"] = lr, (experiment.beta1, experiment.beta2)

    def sample_z(self, n: int, rng: Rng | None = None) -> Tensor:
        """z ~ N(0, I), `[n, latent_dim]`; from the GAN's own generator unless another is given.

        Args:
            n: 0 to 10^7.
            rng: another source of chance; of any device, and the z are where it is.
        """
        n = check_int("n", n, 0, 10**7)
        if rng is None:
            rng = self.rng
        elif not isinstance(rng, torch.Generator):
            check_rng(rng, next(self.G.parameters()))  # one for each GAN of a stack
        return draw(Tensor.normal_, (n, self.experiment.latent_dim), rng)

    @torch.no_grad()
    def sample(self, z: Tensor) -> Tensor:
        """What the reader is shown: G(z), by the averaged weights where an average is kept.

        Args:
            z: `[N, latent_dim]`; where G is a multilayer perceptron, with any axes in front.

        Raises:
            ValueError, TypeError: if z is no such tensor, or not finite.
        """
        self.check_z(z)
        G = self.G if self.G_ema is None else self.G_ema
        with looking_at(G):
            return G(z)

    def check_z(self, z: object) -> None:
        """Raise if `z` is nothing that G can be asked for, see `sample`."""
        e = self.experiment
        more = "..." if e.network == "mlp" and type(self) is GAN else "N"
        check_fits("z", check_floats("z", z, f"[{more}, {e.latent_dim}]"), self.G, "G")

    def update_D(self, data: Any) -> Tensor:
        """One update of D only, see `step_D`; k of these and one `update_G` are a round."""
        n = self.experiment.batch_size
        return step_D(self, data.sample(n, self.rng), self.sample_z(n))

    def update_G(self, data: Any) -> Tensor:
        """One update of G only, see `step_G`."""
        n = self.experiment.batch_size
        x_real = data.sample(n, self.rng) if self.experiment.unroll else None
        return step_G(self, self.sample_z(n), x_real)

    def copy(self: Own) -> Own:
        """An independent GAN in the same state, with the same future."""
        memo: dict[int, Any] = {id(self.rng): self.rng.clone_state()}
        for optimizer in (self.opt_G, self.opt_D):
            for state in optimizer.state.values():
                # A view, as in the ensemble, would be copied with all that it is a part of.
                memo |= {id(tensor): tensor.clone() for tensor in state.values()}
        twin = type(self).__new__(type(self))
        twin.__dict__ = copy.deepcopy(self.__dict__, memo)
        return twin


def new_networks(old: Any, new: Any) -> list[str]:
    """The settings for which a change from `old` to `new` needs new networks."""
    return [name for name in old.architecture if getattr(old, name) != getattr(new, name)]


@contextmanager
def looking_at(net: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while: running statistics stay as training left them."""
    check_is("net", net, nn.Module, "a network")
    training = net.training
    net.eval()
    try:
        yield
    finally:
        net.train(training)


def make_networks(
    experiment: Experiment,
    event_shape: tuple[int, ...],
    rng: torch.Generator,
    more_z: int = 0,
    more_x: int = 0,
    n_out: int = 1,
) -> tuple[nn.Module, nn.Module]:
    """(G, D) for samples of that shape, with initial weights drawn from `rng`.

    Args:
        experiment, event_shape, rng: as for `GAN`.
        more_z: numbers that G gets behind z.
        more_x: numbers that D gets behind x; channels behind those of a picture.
        n_out: numbers that D gives for each sample.

    Raises:
        ValueError, TypeError: if an argument is not as above; "conv" is for square pictures only.
    """
    e = check_is("experiment", experiment, Experiment, "an Experiment, e.g. Experiment()")
    event_shape = check_event_shape(event_shape)
    check_is("rng", rng, torch.Generator, "a generator, e.g. torch.Generator().manual_seed(0)")
    more_z, more_x = check_int("more_z", more_z, 0, 10**6), check_int("more_x", more_x, 0, 10**6)
    n_z = e.latent_dim + more_z
    if e.network == "mlp":
        seen = (event_shape[0] + more_x, *event_shape[1:])
        return (
            Generator(n_z, event_shape, e.width, e.depth, rng),
            Discriminator(seen, e.width, e.depth, rng, e.pac, n_out),
        )
    if len(event_shape) != 3 or event_shape[1] != event_shape[2] or event_shape[1] % 4:
        raise ValueError(
            f"network = 'conv' needs square pictures [C, H, W] with an edge divisible by 4, "
            f"not samples of shape {list(event_shape)}; use network = 'mlp'."
        )
    channels, size, _ = event_shape
    return (
        ConvGenerator(n_z, size, e.width, channels, rng),
        ConvDiscriminator(size, e.width, channels + more_x, rng, e.pac, n_out),
    )


def faded(experiment: Any, step: int, steps: int) -> Any:
    """The experiment with the learning rates it has at `step`: they fall to 0 in the second half.

    Args:
        experiment: an `Experiment`, or anything else with an `lr_D` and an `lr_G`.
        step: 0 to `steps`.
        steps: of the whole training, 1 or more.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_has("experiment", experiment, ("lr_D", "lr_G"), "settings with an lr_D and an lr_G")
    steps = check_int("steps", steps, 1, 10**9)
    step = check_int("step", step, 0, steps)
    left = min(1.0, 2 * (1 - step / steps))
    return replace(experiment, lr_D=left * experiment.lr_D, lr_G=left * experiment.lr_G)


def make_adam(net: nn.Module, lr: float, betas: tuple[float, float]) -> torch.optim.Adam:
    """Adam (Kingma and Ba, 2015) in one kernel: tiny networks are bound by overhead.

    Args:
        net: whose parameters it updates.
        lr: learning rate, 0 or more.
        betas: of its two averages, each in [0, 1[.
    """
    check_is("net", net, nn.Module, "a network")
    lr = check_number("lr", lr, 0)
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise TypeError(f"betas = {betas!r} has to be two numbers, e.g. (0.5, 0.9).")
    # torch takes no whole numbers here.
    beta1, beta2 = (check_number(f"betas[{k}]", b, 0, 0.99999) for k, b in enumerate(betas))
    device = next(net.parameters()).device.type
    return LeanAdam(
        net.parameters(),
        lr=lr,
        betas=(beta1, beta2),
        fused=device in ("cpu", "cuda"),
        capturable=device == "cuda",  # a step can be part of a CUDA graph
    )


def train_step(gan: GAN, data: Data) -> tuple[Tensor, Tensor]:
    """One round of the game: k updates of D, then one of G. Returns both losses."""
    n = gan.experiment.batch_size
    for _ in range(gan.experiment.d_steps):
        x_real = data.sample(n, gan.rng)
        loss_D = step_D(gan, x_real, gan.sample_z(n))
    loss_G = step_G(gan, gan.sample_z(n), x_real)
    return loss_D, loss_G


def step_D(gan: GAN, x_real: Tensor, z: Tensor) -> Tensor:
    """One update of D; G stands still. Returns D's loss without its penalties.

    Args:
        x_real: `[N, *event_shape]`.
        z: `[N, latent_dim]`.
    """
    with torch.no_grad():  # no gradient reaches G
        x_fake = gan.G(z)
    both = torch.cat([x_real, x_fake], gan.batch_axis)  # one pass: D never mixes samples
    d_real, d_fake = gan.D(both).chunk(2, dim=-1)  # (N,), (N,) logits
    loss = gan.loss.discriminator(d_real, d_fake)
    descend(add_penalties(loss, gan, x_real, x_fake), gan.opt_D)
    if gan.experiment.clip is not None:
        clip_weights(gan.D, gan.experiment.clip)
    return loss.detach()


def step_G(gan: GAN, z: Tensor, x_real: Tensor | None = None) -> Tensor:
    """One update of G; D stands still. Returns G's loss.

    Args:
        z: `[N, latent_dim]`.
        x_real: `[N, *event_shape]`, only needed where G looks ahead (`unroll`).
    """
    x_fake = gan.G(z)
    D = look_ahead(gan, x_real, x_fake) if "unroll" in gan.uses else gan.D
    loss = gan.loss.generator(D(x_fake))
    descend(loss, gan.opt_G)
    if gan.G_ema is not None:
        gan.G_ema.update_parameters(gan.G)
    gan.step += 1
    return loss.detach()


# The two steps above are written out for who reads them first; other kinds of GANs end theirs so.


def finish_D(
    loss: Tensor,
    gan: GAN,
    x_real: Tensor,
    x_fake: Tensor,
    D: Callable[[Tensor], Tensor] | None = None,
) -> None:
    """Follow the gradient of D's loss, with the penalties and limits that are asked for."""
    descend(add_penalties(loss, gan, x_real, x_fake, D), gan.opt_D)
    if gan.experiment.clip is not None:
        clip_weights(gan.D, gan.experiment.clip)


def finish_G(loss: Tensor, gan: GAN) -> None:
    """Follow the gradient of G's loss, and keep the moving average up to date."""
    descend(loss, gan.opt_G)
    if gan.G_ema is not None:
        gan.G_ema.update_parameters(gan.G)
    gan.step += 1


def descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """One step down the gradient of `loss`, for the optimizer's own parameters and no others."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    gradients = torch.autograd.grad(loss, parameters, torch.ones_like(loss))
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient.stride() != parameter.stride():  # the fused Adam goes by memory, not by index
            gradient = torch.empty_like(parameter).copy_(gradient)
        parameter.grad = gradient
    optimizer.step()


def add_penalties(
    loss: Tensor,
    gan: GAN,
    x_real: Tensor,
    x_fake: Tensor,
    D: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """D's loss with the penalties that the experiment asks for; by default there are none.

    D: gives the logits, where they are not simply what the GAN's D returns for x.
    """
    e, D = gan.experiment, D or gan.D
    if "gradient_penalty" in gan.uses:
        n_axes = x_real.dim() - len(gan.event_shape)  # 1, and one more for a stack
        term = gradient_penalty(D, x_real, x_fake, gan.rng, n_axes, e.one_sided)
        loss = loss + e.gradient_penalty * term
    if "r1" in gan.uses:
        loss = loss + e.r1 * r1_penalty(D, x_real)
    return loss


def look_ahead(gan: GAN, x_real: Tensor | None, x_fake: Tensor) -> Callable[[Tensor], Tensor]:
    """D as it will be after `unroll` more updates against these samples.

    G's gradient goes through the updates: it learns what D's answer to its move will be. Metz et
    al. (2017), eq. (7) to (9); an update is Adam's without momentum, its step sizes held fixed.

    Args:
        x_real, x_fake: `[N, *event_shape]`.
    """
    if x_real is None:
        raise ValueError("with unroll, step_G needs x_real: what D will learn from.")
    names, weights = zip(*gan.D.named_parameters(), strict=True)
    squares = [mean_square(gan.opt_D, w) for w in weights]

    def D(x: Tensor) -> Tensor:
        return functional_call(gan.D, dict(zip(names, weights, strict=True)), (x,))

    for _ in range(gan.experiment.unroll):
        loss = gan.loss.discriminator(D(x_real), D(x_fake))
        gradients = torch.autograd.grad(loss, weights, torch.ones_like(loss), create_graph=True)
        updated = []
        for w, g, square in zip(weights, gradients, squares, strict=True):
            # The gradient itself bounds its scale: no weight moves by more than the rate.
            size = torch.maximum(square, g.detach().square()).sqrt() + 1e-8
            updated.append(w - per_gan(gan.experiment.lr_D, w) * g / size)
        weights = tuple(updated)
    return D


def mean_square(optimizer: torch.optim.Adam, weight: Tensor) -> Tensor:
    """Adam's running mean of the squared gradient, corrected for its start; 0 before that."""
    state = optimizer.state.get(weight)
    if not state or state["step"] == 0:
        return torch.zeros_like(weight)
    beta2 = optimizer.param_groups[0]["betas"][1]
    return state["exp_avg_sq"] / (1 - beta2 ** state["step"])


def gradient_norm(net: nn.Module) -> float:
    """The length of the gradient of the last update, over all parameters together."""
    check_is("net", net, nn.Module, "a network")
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    if not gradients:
        return 0.0
    return float(torch.stack([g.norm() for g in gradients]).norm())


def push_on_G(gan: GAN, z: Tensor) -> float:
    """The length of the gradient that G's next update would follow; nothing is updated.

    z: `[N, latent_dim]`.
    """
    loss = gan.loss.generator(gan.D(gan.G(z)))
    gradients = torch.autograd.grad(loss, list(gan.G.parameters()))
    return float(torch.stack([g.norm() for g in gradients]).norm())


def choose_device(
    step_on: Callable[[str], Callable[[], tuple[Tensor, Tensor]]],
    candidates: list[str] | None = None,
    steps: int = 20,
) -> tuple[str, dict[str, float]]:
    """Where a step is quickest, measured: tiny networks are often slower on a GPU.

    Args:
        step_on: gives, for a device, a function that takes a step there and returns both losses.
        candidates: the devices to try; by default the CPU and what accelerator there is.
        steps: how many steps to time on each.

    Returns:
        The device, and the seconds per step of each one tried (empty if there is no choice).

    Raises:
        ValueError, TypeError: if an argument is not as above, or there is no such device here.
    """
    check_callable("step_on", step_on, "a function (device) -> step")
    steps = check_int("steps", steps, 1, 10**6)
    if candidates is None:
        candidates = ["cpu"]
        candidates += ["cuda"] if torch.cuda.is_available() else []
        candidates += ["mps"] if torch.backends.mps.is_available() else []
    if not isinstance(candidates, (list, tuple)) or not candidates:
        raise TypeError(f'candidates = {candidates!r} has to be a list of devices, e.g. ["cpu"].')
    for k, candidate in enumerate(candidates):
        check_text(f"candidates[{k}]", candidate)
    if len(candidates) == 1:
        check_device(candidates[0], "candidates[0]")  # the others are, where a step is made there
        return candidates[0], {}
    seconds = {}
    for device in candidates:
        step = step_on(device)
        for timed in range(2):  # the first round warms up
            start = time.perf_counter()
            for _ in range(steps):
                loss_D, _ = step()
            float(loss_D)  # waits for the device
            if timed:
                seconds[device] = (time.perf_counter() - start) / steps
    return min(seconds, key=seconds.__getitem__), seconds
