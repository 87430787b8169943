"""One GAN, and one visible step: D k times, then G (Goodfellow et al., 2014, algorithm 1)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gan_helpers.adam import LeanAdam
from gan_helpers.chance import Rng, draw
from gan_helpers.checks import (
    brief,
    check_device,
    check_event_shape,
    check_fits,
    check_floats,
    check_int,
    check_is,
    check_number,
    check_rng,
    check_seed,
)
from gan_helpers.experiment import EXTRAS, Experiment, new_networks
from gan_helpers.losses import get_loss
from gan_helpers.models import ConvDiscriminator, ConvGenerator, Discriminator, Generator
from gan_helpers.regularizers import (
    clip_weights,
    gradient_penalty,
    per_gan,
    r1_penalty,
    r2_penalty,
    set_spectral_norm,
)
from gan_helpers.threads import Work, suited


class Data(Protocol):
    """Anything that real samples can be drawn from."""

    @property
    def event_shape(self) -> tuple[int, ...]: ...

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """`n` samples, `[n, *event_shape]`."""


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
        self.last_real: tuple[int, Tensor] | None = None  # see `keep_real`
        self.configure(experiment)

    @property
    def work(self) -> Work:
        """What a step consists of, which says how many cores it is worth."""
        return "pictures" if self.experiment.network == "conv" else "points"

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
        self.experiment, self.loss, self.last_real = experiment, get_loss(experiment.loss), None
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
        x_real = self.keep_real(data.sample(n, self.rng))
        return step_D(self, x_real, self.sample_z(n))

    def update_G(self, data: Any) -> Tensor:
        """One update of G only, see `step_G`."""
        n, x_real = self.experiment.batch_size, self.kept_real(data)
        if x_real is None and self.experiment.unroll:
            x_real = data.sample(n, self.rng)
        return step_G(self, self.sample_z(n), x_real)

    def keep_real(self, x_real: Tensor) -> Tensor:
        """Remember what D is being shown, if G's loss will ask for it; returned as it is."""
        self.last_real = (self.step, x_real) if self.loss.sees_real else None
        return x_real

    def kept_real(self, data: Any) -> Tensor | None:
        """What D has just been shown, or new samples, for a loss of G that asks for them."""
        if not self.loss.sees_real:
            return None
        last, self.last_real = self.last_real, None
        if last and last[0] == self.step:  # of this round
            return last[1]
        return data.sample(self.experiment.batch_size, self.rng)

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


@suited
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
        x_real: `[N, *event_shape]`, only needed where G looks ahead (`unroll`), or where its loss
            compares real and generated samples.
    """
    x_fake = gan.G(z)
    D = look_ahead(gan, x_real, x_fake) if "unroll" in gan.uses else gan.D
    loss = gan.loss.generator(*partners(gan, x_real, D), D(x_fake))
    descend(loss, gan.opt_G)
    if gan.G_ema is not None:
        gan.G_ema.update_parameters(gan.G)
    gan.step += 1
    return loss.detach()


def partners(
    gan: Any, x_real: Tensor | None, D: Callable[[Tensor], Tensor] | None = None
) -> tuple[Tensor, ...]:
    """The logits of the real samples, if G's loss compares with them; nothing for other losses.

    Args:
        gan: any kind of GAN, with a `loss`.
        x_real: what D judges beside what G makes.
        D: gives the logits, where they are not simply what the GAN's D returns for x.

    Raises:
        ValueError: if the loss asks for real samples and there are none.
    """
    if not gan.loss.sees_real:
        return ()
    if x_real is None:
        raise ValueError(
            f"with loss = {gan.loss.name!r} G's update needs x_real as well: this loss compares "
            "generated with real samples. Give step_G those of D's last update, or take "
            "loss = 'non_saturating'."
        )
    depends_on_G = getattr(gan.experiment, "unroll", 0) > 0
    with torch.set_grad_enabled(depends_on_G):
        return ((D or gan.D)(x_real),)


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
    gradients = torch.autograd.grad(loss, parameters_of(optimizer), torch.ones_like(loss))
    follow(gradients, optimizer)


def parameters_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """All that it updates."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def follow(gradients: Iterable[Tensor], optimizer: torch.optim.Optimizer) -> None:
    """One step of the optimizer down these gradients, one for each of its parameters."""
    for parameter, gradient in zip(parameters_of(optimizer), gradients, strict=True):
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
    if "r2" in gan.uses:
        loss = loss + e.r2 * r2_penalty(D, x_fake)
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


def push_on_G(gan: GAN, z: Tensor, x_real: Tensor | None = None) -> float:
    """The length of the gradient that G's next update would follow; nothing is updated.

    Args:
        z: `[N, latent_dim]`.
        x_real: `[N, *event_shape]`, only needed where G's loss compares with them.
    """
    loss = gan.loss.generator(*partners(gan, x_real), gan.D(gan.G(z)))
    gradients = torch.autograd.grad(loss, list(gan.G.parameters()))
    return float(torch.stack([g.norm() for g in gradients]).norm())
