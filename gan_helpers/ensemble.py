"""K GANs in lock-step: the lines of `training`, run once for all of them.

A stack of GANs holds one tensor `[K, ...]` where a GAN holds one `[...]`; to the functions of
`training` it *is* a GAN. Members that take other lines (another number of D-steps, a penalty that
the others do without) form stacks of their own, so that nobody pays for what it does not use.
Learning rates, weights of penalties, losses and seeds may differ within a stack.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import groupby
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from gan_helpers.adam import LeanAdam
from gan_helpers.chance import draw
from gan_helpers.checks import brief
from gan_helpers.cuda_graph import RecordedStep
from gan_helpers.datasets.points import Mixture
from gan_helpers.experiment import FREE, Experiment
from gan_helpers.losses import Loss
from gan_helpers.models import MLP, StackedMLP
from gan_helpers.regularizers import SpectralNorm, per_gan, set_spectral_norm
from gan_helpers.threads import Work
from gan_helpers.training import GAN, Data, train_step


class Ensemble:
    """GANs that train at the same time, each as it would alone.

    Args:
        members: one or more GANs on one device. They stay usable by themselves: their weights are
            views into the stacks.

    Raises:
        ValueError, TypeError: if members are none, no plain GANs, or on several devices.
    """

    def __init__(self, members: Sequence[GAN]) -> None:
        if not isinstance(members, (list, tuple)):
            raise TypeError(f"members = {brief(members)} has to be a list of GANs.")
        if not members:
            raise ValueError("members is empty; an ensemble needs at least one GAN.")
        if wrong := [gan for gan in members if not isinstance(gan, GAN)]:
            raise TypeError(f"members holds {brief(wrong[0])}; each has to be a GAN.")
        if other := next((gan for gan in members if type(gan) is not GAN), None):
            raise TypeError(
                f"{type(other).__name__} has a step of its own; an ensemble takes that of "
                "`training`, so its members have to be plain GANs."
            )
        if len(devices := {str(gan.rng.device) for gan in members}) > 1:
            raise ValueError(f"members are on {', '.join(sorted(devices))}; take one device.")
        if len({id(gan) for gan in members}) < len(members):
            raise ValueError("members holds a GAN twice; gan.copy() is another one.")
        self.members = list(members)
        self.device: torch.device = self.members[0].rng.device
        self._recorded: dict[int, tuple[RecordedStep, Data]] = {}
        self.stacks: list[tuple[list[int], Any]] = []  # places, and a Stack or a single GAN
        self._pack()

    def step(self, data: Data) -> tuple[Tensor, Tensor]:
        """One round of the game for everyone. Returns D's and G's losses, `[K]` and `[K]`."""
        losses = [torch.stack(self._step_one(gan, data)).view(2, -1) for _, gan in self.stacks]
        loss_D, loss_G = torch.cat(losses, 1)[:, self._places]
        return loss_D, loss_G

    def _step_one(self, gan: Any, data: Data) -> tuple[Tensor, Tensor]:
        """A step of one stack; on CUDA from its recording."""
        if self.device.type != "cuda":
            return train_step(gan, adapted(data, gan))
        recorded, of = self._recorded.get(id(gan), (None, None))
        if recorded is None or of is not data:
            recorded = RecordedStep(gan, adapted(data, gan))
            self._recorded[id(gan)] = recorded, data
        return recorded()

    def hand_out_gradients(self) -> None:
        """Give each member its part of the last gradients, e.g. for `training.gradient_norm`."""
        for _, gan in self.stacks:
            if isinstance(gan, Stack):
                gan.hand_out_gradients()

    def release(self) -> None:
        """Let the members be trained one by one; then a new ensemble is needed."""
        for gan in self.members:
            own_counters(gan)
        self.stacks = []

    def configure(self, experiments: Sequence[Experiment]) -> None:
        """Train on under other settings, one experiment for each member.

        Raises:
            ValueError, TypeError: if these are not as many experiments, or networks would have to
                change; nothing is changed then.
        """
        if not isinstance(experiments, (list, tuple)):
            raise TypeError(f"experiments = {brief(experiments)} has to be a list of experiments.")
        if len(experiments) != len(self.members):
            raise ValueError(
                f"experiments holds {len(experiments)} of them for {len(self.members)} members."
            )
        for gan, experiment in zip(self.members, experiments, strict=True):
            gan.check_change(experiment)
        for gan, experiment in zip(self.members, experiments, strict=True):
            if gan.experiment is not experiment:
                gan.configure(experiment)
        self._pack()

    def _pack(self) -> None:
        """Put members that take the same lines into one stack; keep the stacks that still hold."""
        lines = [lines_of(gan) for gan in self.members]
        # Equal losses side by side, so that each is asked once.
        keys = [(lines[k], progress(gan), gan.loss.name) for k, gan in enumerate(self.members)]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        old = {tuple(places): gan for places, gan in self.stacks if isinstance(gan, Stack)}
        self.stacks, self._recorded = [], {}  # what was recorded had the old settings
        for _, group in groupby(order, key=lambda k: keys[k][:2]):
            places = list(group)
            stack = old.get(tuple(places))
            if stack is None or stack.lines != lines[places[0]]:
                gans = [self.members[k] for k in places]
                for gan in gans:
                    own_counters(gan)
                self.stacks.append((places, Stack(gans) if len(gans) > 1 else gans[0]))
            else:
                stack.configure_from_members()
                self.stacks.append((places, stack))
        self._places = torch.tensor(order, device=self.device).argsort()


class Stack:
    """K GANs in the place of one. Samples are `[K, N, ...]`, logits and losses `[K, N]` and `[K]`.

    It has what the step of `training` asks a GAN for, and nothing else: each member has its own
    settings and its own copy.

    Args:
        members: GANs with equal `lines_of` and equal `progress`.
    """

    batch_axis = 1
    work: Work = "stack"

    def __init__(self, members: Sequence[GAN]) -> None:
        self.members, self.lines = list(members), lines_of(members[0])
        self.event_shape = members[0].event_shape
        self.rng = [gan.rng for gan in members]
        Gs, Ds = [gan.G for gan in members], [gan.D for gan in members]
        self.G, self.D = stack_networks(Gs), stack_networks(Ds)
        self.opt_G = stack_optimizers([gan.opt_G for gan in members], Gs, self.G)
        self.opt_D = stack_optimizers([gan.opt_D for gan in members], Ds, self.D)
        self.G_ema: Any = None
        if members[0].G_ema is not None:
            self.G_ema = stack_averages([m.G_ema for m in members], self.G)
        self.configure_from_members()

    def configure_from_members(self) -> None:
        """Take over the settings of the members: `[K]` where they are free to differ."""
        device, first = next(self.G.parameters()).device, self.members[0]
        self.uses = first.uses
        free = {
            name: torch.tensor([getattr(m.experiment, name) for m in self.members], device=device)
            for name in FREE
            if name in (*self.uses, "lr_D", "lr_G")
        }
        self.experiment: Any = SimpleNamespace(**vars(first.experiment) | free)
        self.loss = mix([m.loss for m in self.members])
        set_spectral_norm(self.D, first.experiment.spectral_norm)
        for optimizer, rates in ((self.opt_G, free["lr_G"]), (self.opt_D, free["lr_D"])):
            optimizer.set_rates(rates)

    def sample_z(self, n: int) -> Tensor:
        """z ~ N(0, I) for each member, from its own generator: `[K, n, latent_dim]`."""
        return draw(Tensor.normal_, (n, self.experiment.latent_dim), self.rng)

    def hand_out_gradients(self) -> None:
        for net in "GD":
            own = [getattr(gan, net).parameters() for gan in self.members]
            for whole, *parts in zip(getattr(self, net).parameters(), *own, strict=True):
                for k, part in enumerate(parts):
                    part.grad = whole.grad[k]

    @property
    def step(self) -> int:
        return self.members[0].step

    @step.setter
    def step(self, step: int) -> None:
        for gan in self.members:
            gan.step = step


class OneByOne:
    """Data for a stack, from data that knows one generator at a time."""

    def __init__(self, data: Data) -> None:
        self.data, self.event_shape = data, data.event_shape

    def sample(self, n: int, rng: Sequence[torch.Generator]) -> Tensor:
        """`[K, n, *event_shape]`."""
        return torch.stack([self.data.sample(n, own) for own in rng])


class StackedAdam(LeanAdam):
    """Adam on stacked parameters, with a learning rate for each GAN.

    Adam's direction does not depend on the rate, so all take the step of the largest rate in one
    kernel, and those with a smaller rate then go back along it.
    """

    share: Tensor | None = None  # of the largest rate, [K]; None where all rates are equal

    def set_rates(self, rates: Tensor) -> None:
        """One learning rate for each GAN, `[K]`."""
        self.param_groups[0]["lr"] = float(rates.max())
        self.share = None if bool((rates == rates[0]).all()) else rates / rates.max()

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        if self.share is None:
            super().step()
            return
        parameters = self.param_groups[0]["params"]
        with torch.no_grad():
            before = [p.clone() for p in parameters]
            super().step()
            for p, old in zip(parameters, before, strict=True):
                p.copy_(torch.lerp(old, p, per_gan(self.share.to(p), p)))

    step.hooked = True  # type: ignore[attr-defined]  # as in `LeanAdam`


def adapted(data: Data, gan: GAN | Stack) -> Any:
    """Data that a GAN, or a stack of them, can be trained on."""
    return data if isinstance(data, Mixture) or not isinstance(gan, Stack) else OneByOne(data)


def lines_of(gan: GAN) -> str:
    """Which lines of code a GAN's step runs through; those that agree can be stacked."""
    settings = vars(gan.experiment)
    fixed = {name: value for name, value in settings.items() if name not in (*FREE, "loss")}
    states = (*gan.D.state_dict().items(), *gan.G.state_dict().items())
    alone = gan.experiment.network != "mlp" or not can_be_stacked(gan.loss)
    shapes = [(name, tuple(tensor.shape)) for name, tensor in states]
    # Another pass through D leaves no trace, but for the power iteration of a spectral norm.
    passes = gan.loss.sees_real and gan.experiment.spectral_norm
    return repr((id(gan) * alone, fixed, sorted(gan.uses), passes, shapes))


def progress(gan: GAN) -> tuple[int, ...]:
    """How many updates there were; Adam and the moving average correct for it."""
    counts = [gan.step]
    for optimizer in (gan.opt_G, gan.opt_D):
        states = list(optimizer.state.values())
        counts.append(int(states[0]["step"]) if states else 0)
    return tuple(counts)


def own_counters(gan: GAN) -> None:
    """Give a GAN that leaves a stack its own counters; its weights are its own already."""
    for optimizer in (gan.opt_G, gan.opt_D):
        for state in optimizer.state.values():
            state["step"] = state["step"].clone()
    if gan.G_ema is not None:
        gan.G_ema.n_averaged.data = gan.G_ema.n_averaged.clone()


def can_be_stacked(loss: Loss) -> bool:
    """Whether a reader's own loss gives one number per GAN for logits `[K, N]`."""
    d = torch.linspace(-1, 1, 6).reshape(2, 3)
    try:
        for_G = loss.generator(d, d) if loss.sees_real else loss.generator(d)
        return loss.discriminator(d, d).shape == for_G.shape == (2,)
    except Exception:  # whatever their code may raise: alone it may work
        return False


def mix(losses: Sequence[Loss]) -> Loss:
    """The losses of K GANs as one: each sees its own logits. Equal ones are asked once."""
    runs: list[tuple[Loss, slice]] = []
    start = 0
    for _, group in groupby(losses, key=id):
        n = len(same := list(group))
        runs.append((same[0], slice(start, start + n)))
        start += n
    if len(runs) == 1:
        return losses[0]

    def discriminator(d_real: Tensor, d_fake: Tensor) -> Tensor:
        return torch.cat([loss.discriminator(d_real[at], d_fake[at]) for loss, at in runs])

    def generator(d_fake: Tensor) -> Tensor:
        return torch.cat([loss.generator(d_fake[at]) for loss, at in runs])

    def of_pairs(d_real: Tensor, d_fake: Tensor) -> Tensor:
        return torch.cat(
            [
                loss.generator(*(d_real[at],) * loss.sees_real, d_fake[at])  # if it asks for them
                for loss, at in runs
            ]
        )

    some = any(loss.sees_real for loss in losses)
    return Loss("mixed", discriminator, of_pairs if some else generator)


# --- stacking: the members' tensors become views of the stack's -----------------------------------
#
# So a member can be looked at, sampled, copied and changed while its stack trains, and nothing is
# carried back and forth. Not the parameters are replaced but their `.data`: optimizers, and whoever
# else holds a parameter, go on holding it. What counts updates is one tensor for all, which is
# right as only GANs of equal progress share a stack (`lines_of`, `progress`).


def stack_networks(nets: Sequence[nn.Module]) -> nn.Module:
    """One network of stacked layers; the members' weights become views of its own."""
    stacked = copy.deepcopy(nets[0])
    for layer in list(stacked.modules()):
        for name, child in layer.named_children():
            if isinstance(child, MLP):
                setattr(layer, name, StackedMLP(child, len(nets)).to(next(child.parameters())))
    if any(isinstance(module, SpectralNorm) for module in nets[0].modules()):
        set_spectral_norm(stacked, True)
    tie(stacked, nets)
    return stacked


def tie(stacked: nn.Module, nets: Sequence[nn.Module]) -> None:
    """Fill the stack from the members, and make their tensors views of it."""
    states = [net.state_dict(keep_vars=True) for net in nets]
    for name, whole in stacked.state_dict(keep_vars=True).items():
        parts = [state[name] for state in states]
        if name == "n_averaged":  # one counter for all
            whole.data = parts[0].data
        else:
            whole.data = torch.stack([part.data for part in parts])  # a copy, filled from them
        for k, part in enumerate(parts):
            part.data = whole.data if name == "n_averaged" else whole.data[k]


def stack_averages(averages: Sequence[Any], G: nn.Module) -> AveragedModel:
    """The moving averages of the members' G as one."""
    decay = averages[0].multi_avg_fn
    stacked = AveragedModel(G, multi_avg_fn=decay, use_buffers=True)
    tie(stacked, averages)
    return stacked


def stack_optimizers(
    optimizers: Sequence[torch.optim.Adam], nets: Sequence[nn.Module], stacked: nn.Module
) -> StackedAdam:
    """One Adam for the stacked network; the members' averages become views of its own."""
    group = optimizers[0].param_groups[0]
    optimizer = StackedAdam(
        stacked.parameters(),
        **{name: group[name] for name in ("betas", "eps", "fused", "capturable")},
    )
    members = [dict(net.named_parameters()) for net in nets]
    for name, whole in stacked.named_parameters():
        states = []
        for own, parameters in zip(optimizers, members, strict=True):
            part = parameters[name]
            states.append(own.state[part] or first_state(part))
            own.state[part] = states[-1]
        mean, square = (
            torch.stack([state[key] for state in states]) for key in ("exp_avg", "exp_avg_sq")
        )
        count = states[0]["step"]  # one counter for all
        optimizer.state[whole] = {"step": count, "exp_avg": mean, "exp_avg_sq": square}
        for k, state in enumerate(states):
            state.update(step=count, exp_avg=mean[k], exp_avg_sq=square[k])
    return optimizer


def first_state(parameter: Tensor) -> dict[str, Tensor]:
    """What Adam knows before its first step."""
    return {
        "step": torch.zeros((), device=parameter.device),
        "exp_avg": torch.zeros_like(parameter.data),
        "exp_avg_sq": torch.zeros_like(parameter.data),
    }
