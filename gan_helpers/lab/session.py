"""The engine of the lab: a GAN in training that can be stepped, changed, watched and rewound.

It has no screen and no thread. Whoever drives it calls its methods between steps, never during
one; the same calls in the same order give the same numbers.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_helpers import training
from gan_helpers.checks import brief, check_bool, check_int
from gan_helpers.critic import layer_gradients, slopes, weight_histogram
from gan_helpers.distributions import Mixture
from gan_helpers.images import Images
from gan_helpers.lab.choices import as_data, check_samples, check_step, default_experiment, describe
from gan_helpers.lab.record import (
    CURVES,
    NO_MODES,
    History,
    Timeline,
    TrainStep,
    Trouble,
    first_line,
    kept,
    one_core,
    own_line,
    whole_steps,
)
from gan_helpers.lab.seen import counter_of
from gan_helpers.losses import check_loss, get_loss
from gan_helpers.metrics import (
    jensen_shannon,
    mode_counts,
    mode_coverage,
    normal_quantiles,
    optimal_discriminator,
    pushforward_density,
)
from gan_helpers.training import GAN, Experiment, looking_at, new_networks
from gan_helpers.transport import optimal_critic, wasserstein_distance

Frame = tuple[dict[str, Any], dict[str, np.ndarray]]
Scale = Callable[[Tensor], Tensor]  # logits -> 0 (fake) to 1 (real)
Drawn = tuple[list[dict[str, Any]], list[float], dict[str, Tensor]]  # meters, range, arrays

MAPS = ("verdict", "slope")  # what the colours behind the samples can show
STEEPEST = 2.0  # the slope at the end of the scale of colours; 1 is its middle
STAGE = 2.0  # 2-D worlds live in [-STAGE, STAGE]^2
JUDGED_EVERY = 50  # updates
N_GRID, N_STRIP = 200, 128  # bins of a density; samples that count for the strip of modes


@dataclass(frozen=True)
class Detail:
    """How finely a GAN is shown."""

    points: int = 512
    pictures: int = 64
    heat: int = 48  # edge of the map of D's verdict
    every: int = 8  # which of the points get an arrow; more arrows would hide them
    moved: int = 256  # samples between which the Wasserstein distance is measured
    interval: int = 50  # steps between two moments that can be gone back to
    memory: int = 256_000_000  # bytes that these moments take, at most


PANEL = Detail(
    points=256, pictures=16, heat=32, moved=128, interval=200, memory=32_000_000
)  # one of several, side by side


class Session:
    """A GAN in training.

    Args:
        experiment: what is trained, and how.
        data: the name of a world (see `WORLD_NAMES`), or anything with `event_shape` and `sample`.
        seed: of the weights and of everything drawn while training.
        device: "cpu", "cuda", …
        train_step: the reader's own round of the game, `(gan, data) -> (loss_D, loss_G)`, in place
            of `standard_step`.
        distance: whether to measure the Wasserstein distance and look inside of the critic; by
            default where the loss is (12.29).
    """

    trains: type[GAN] = GAN
    standard_step: TrainStep = staticmethod(training.train_step)
    curves: tuple[str, ...] = CURVES  # what is written down over time
    judge_of: Callable[[Any], Any] = staticmethod(counter_of)  # data -> what judges a GAN, or None
    judge: Any = None
    _judged: Any = None  # the data that the judge knows

    def __init__(
        self,
        experiment: Experiment | None = None,
        data: str | Mixture | Images = "ring",
        seed: int = 0,
        device: str = "cpu",
        train_step: TrainStep | None = None,
        distance: bool | None = None,
    ) -> None:
        self.device, self.map = device, MAPS[0]
        self.train_step = self.standard_step if train_step is None else check_step(train_step)
        self.distance = None if distance is None else check_bool("distance", distance)
        self.detail = Detail()
        self.seed = check_int("seed", seed, 0, 2**63 - 1)
        self.data = as_data(data).to(device)
        if experiment is not None and not isinstance(experiment, Experiment):
            raise TypeError(
                f"experiment = {experiment!r:.100} is a {type(experiment).__name__}; give an "
                "Experiment(…), or its fields one by one."
            )
        self.experiment = self._checked(experiment or self.suits(self.data))
        self.shape_of(self.data)  # raises where this kind of session cannot use them
        check_loss(get_loss(self.experiment.loss))
        self._begin()

    # --- what moves it -------------------------------------------------------------------------

    def reset(self, seed: int | None = None) -> None:
        """Start again from fresh weights: the same ones, unless a new seed is given."""
        twin = copy.copy(self)
        if seed is not None:
            twin.seed = check_int("seed", seed, 0, 2**63 - 1)
        twin._begin()
        self._become(twin)

    def _begin(self) -> None:
        self.gan = self._new_gan()
        self.history = History(names=self.curves)
        self.trouble: Trouble | None = None
        self.last_losses = (math.nan, math.nan)
        self._start_here()

    def _become(self, twin: Session) -> None:
        """Take over what was tried on a twin, so that whatever is refused changes nothing here."""
        vars(self).update(vars(twin))

    def _new_gan(self) -> GAN:
        """A GAN with fresh weights."""
        return self.trains.for_data(self.experiment, self.data, self.seed, self.device)

    def adopt(self, gan: GAN) -> None:
        """Go on from a GAN that has been trained elsewhere; `reset` will start from fresh weights.

        Raises:
            ValueError: if its settings cannot be shown here, or its networks do not fit the data.
        """
        if type(gan) is not type(self.gan):
            raise ValueError(
                f"this lab trains a {type(self.gan).__name__}; the GAN given is a "
                f"{type(gan).__name__}."
            )
        for net in "GD":
            own, new = (getattr(g, net).state_dict() for g in (self.gan, gan))
            if {n: w.shape for n, w in own.items()} != {n: w.shape for n, w in new.items()}:
                raise ValueError(
                    f"the networks of this GAN do not fit these data and settings: its {net} has "
                    "other layers."
                )
        twin = copy.copy(self)
        twin.gan, twin.experiment = gan, gan.experiment
        twin._start_here()
        self._become(twin)

    def _start_here(self) -> None:
        """The present is the beginning of time."""
        self.timeline = Timeline(self.detail.interval, memory=self.detail.memory)
        self.phase = ""  # the half-step just taken, "D" or "G"
        self.d_updates = 0  # of D alone, since G's last one
        self._prepare_previews()
        self.timeline.keep(self)

    def fork(self, detail: Detail = PANEL, **settings: Any) -> Session:
        """Another session that goes on from exactly these weights, under other settings.

        Raises:
            ValueError, TypeError: if a setting is unknown, out of range, or needs new networks
                although this GAN has been trained.
        """
        new = [name for name in settings if name in ("data", *self.experiment.architecture)]
        if new and self.at:
            raise ValueError(
                f"{', '.join(new)} needs new networks, and these have been trained for {self.at} "
                "steps; reset first."
            )
        twin = copy.copy(self)
        try:
            twin.gan, twin.detail = self.gan.copy(), detail
        except Exception as error:
            raise ValueError(
                f"this GAN cannot be copied ({first_line(error)}); what a step of your own keeps "
                "has to be numbers, or tensors without a gradient."
            ) from error
        twin.history = copy.deepcopy(self.history)
        twin._start_here()
        if settings:
            twin.change(**settings)
        return twin

    n_shown = 1  # GANs in a frame

    @property
    def at(self) -> int:
        """G's updates so far."""
        return self.gan.step

    def step(self) -> tuple[float, float]:
        """One round of the game; returns the losses of D and G. Does nothing after a stop."""
        self._guarded(lambda: self.train_step(self.gan, self.data))
        self.phase, self.d_updates = "", 0
        return self.last_losses

    def step_D(self) -> None:
        """One update of D only. k of these and one `step_G` are one `step`."""
        self._guarded(lambda: (self.gan.update_D(self.data), self.last_losses[1]), of="D")
        self.phase, self.d_updates = "D", self.d_updates + 1

    def step_G(self) -> None:
        """One update of G only."""
        self._guarded(lambda: (self.last_losses[0], self.gan.update_G(self.data)), of="G")
        self.phase, self.d_updates = "G", 0

    def half_step(self) -> None:
        """D k times, then G: the same updates as `step`, one at a time."""
        if self.d_updates < self.experiment.d_steps:
            self.step_D()
        else:
            self.step_G()

    def run(self, n_steps: int) -> None:
        """`n_steps` rounds, or as many as there are before something blows up."""
        for _ in range(check_int("n_steps", n_steps, 0, 10**9)):
            if self.trouble:
                break
            self.step()

    def film(self, steps: Iterable[int]) -> list[Frame]:
        """Train on, and keep what is to be seen at each of these steps."""
        frames = []
        for step in steps:
            self.run(max(step - self.gan.step, 0))
            frames.append(self.frame())
        return frames

    def change(self, **settings: Any) -> bool:
        """Change fields of the experiment, `data` or `train_step`; the weights are kept.

        Returns:
            Whether training had to start again, because the networks themselves changed.

        Raises:
            ValueError, TypeError: if a setting is unknown or out of range; nothing has changed.
        """
        return self.try_change(**settings)()

    def try_change(self, **settings: Any) -> Callable[[], bool]:
        """Try a change without making it; what is returned makes it, and does not fail."""
        self._check_names(settings)
        twin, data = copy.copy(self), self.data
        if "train_step" in settings:
            twin.train_step = check_step(settings.pop("train_step"))
        if "data" in settings:
            data = twin.data = as_data(settings.pop("data")).to(self.device)
        new_shape = self.shape_of(data) != self.shape_of(self.data)
        kept = self.experiment
        if new_shape:  # other networks, so other rates; the game stays
            kept = replace(self.suits(data, kept), loss=kept.loss)
        twin.experiment = self._checked(replace(kept, **settings))
        if twin.experiment.loss is not self.experiment.loss:
            check_loss(get_loss(twin.experiment.loss))
        restart = new_shape or bool(new_networks(self.experiment, twin.experiment))
        if restart:
            twin._begin()
        elif data is not self.data:
            twin._prepare_previews()
        if self.trouble and self.trouble.what == "error":  # the weights are sound: try again
            twin.trouble = None

        def make() -> bool:
            self._become(twin)
            if not restart:
                self.gan.configure(self.experiment)
            return restart

        return make

    def can(self, **settings: Any) -> bool:
        """Whether an experiment with these settings can be shown here."""
        try:
            self._checked(replace(self.experiment, **settings))
        except (TypeError, ValueError):
            return False
        return True

    @classmethod
    def shape_of(cls, data: Any) -> tuple[int, ...]:
        """What networks for these data depend on; raises where they cannot be shown here."""
        return data.event_shape

    def _check_names(self, settings: Iterable[str]) -> None:
        """Raise a ValueError if there is no such setting in this kind of session."""
        known = [*(f.name for f in fields(self.experiment)), "data", "train_step"]
        for name in settings:
            if name not in known:
                raise ValueError(
                    f"setting = {name!r} is unknown to a {self.trains.__name__}; choose one of "
                    f"{', '.join(known)}. For another kind of GAN start a new lab: Lab(data, "
                    f"{name}=…)."
                )

    @classmethod
    def suits(cls, data: Any, like: Experiment | None = None) -> Experiment:
        """Settings that suit the data; what only this kind of GAN has stays `like` another's."""
        return default_experiment(data)

    def _checked(self, experiment: Experiment) -> Experiment:
        """Raise a TypeError if this kind of session cannot show such an experiment."""
        if type(experiment) is not self.trains.settings:
            raise TypeError(
                f"experiment = {brief(experiment)} is of the class {type(experiment).__name__}; "
                f"{type(self).__name__} shows a {self.trains.__name__}, which is trained by "
                f"{self.trains.settings.__name__}(…)."
            )
        return experiment

    def rewind(self, step: int) -> None:
        """Go back to the last moment kept at or before `step`, with the settings of that moment."""
        moment = self.timeline.back_to(check_int("step", step, 0, 10**12))
        self.gan, self.experiment = moment.gan.copy(), moment.gan.experiment
        data_changed, self.data = moment.data is not self.data, moment.data
        self.train_step = moment.train_step
        self.history.forget_after(self.gan.step)
        self.trouble, self.phase, self.d_updates = None, "", 0
        self._kept.clear()  # it may be of a future that will not be
        if data_changed:
            self._prepare_previews()

    def _guarded(self, update: Callable[[], tuple[Any, Any]], of: str = "DG") -> None:
        """Run an update; an error in it or a number that blew up becomes the trouble."""
        if self.trouble:
            return
        before = self.at
        try:
            with whole_steps(), one_core():
                loss_D, loss_G = update()
                losses = float(loss_D), float(loss_G)
                self.note(losses, self.at != before, of)
        except Exception as error:  # the reader's own code may raise anything
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Stop because of an error in the code that trains."""
        detail = f"{type(error).__name__}: {error}"
        self.trouble = Trouble("error", self.at, detail, own_line(error))

    def note(self, losses: tuple[float, float], moved: bool = True, of: str = "DG") -> None:
        """Write down how an update went. moved: whether it was one of G. of: whose it was."""
        try:
            self._note(losses, moved, of)
        except Exception as error:  # what measures may stumble over what the reader made
            self.fail(error)

    def _note(self, losses: tuple[float, float], moved: bool, of: str) -> None:
        self.last_losses = losses
        values = dict(zip(CURVES[:2], losses, strict=True))
        due = moved and self.at % self.history.stride == 0
        if due:
            values["grad_D"] = training.gradient_norm(self.gan.D)
            values["grad_G"] = training.gradient_norm(self.gan.G)
        self._stop_unless_finite({n: v for n, v in values.items() if n[-1] in of}, self.at - moved)
        if due and not self.trouble:
            values |= self._measured()
            row = [values.get(name, math.nan) for name in self.curves]
            self.history.add(self.at, row, self._shares())
        if moved and not self.trouble:
            self.timeline.offer(self)

    def _measured(self) -> dict[str, float]:
        """What else is written down with the losses."""
        self._kept.pop("recent_w1", None)  # of this very step, whether anybody looked before or not
        return {"w1": self.recent_w1()}

    def _fakes(self) -> Tensor:
        """What G makes of the preview noise."""
        return self.gan.sample(self.z_preview)

    def _shares(self) -> np.ndarray:
        """Share of generated samples on each mode, 0 to 255, `[M]`; empty without modes."""
        if not self.n_modes:
            return NO_MODES
        with one_core():
            if self.judge:
                shares = 255 * self.report().nan_to_num(0.0)
            else:
                counts = mode_counts(self.gan.sample(self.z_preview[:N_STRIP]), self.data)
                shares = 255 * counts / len(self.z_preview[:N_STRIP])
        return shares.ceil().to(torch.uint8).cpu().numpy()  # one sample is seen, too

    @kept(lambda session: JUDGED_EVERY)
    def report(self) -> Any:
        """What the judge says of the GAN; None where there is no judge.

        Here that is the share of each class of pictures, `[M]`, see `ClassCounter`.
        """
        if self.judge is None:
            return None
        with one_core():
            return self.judge(self.gan)

    @property
    def measures_distance(self) -> bool:
        """Whether the Wasserstein distance is watched; between pictures it would say little."""
        wanted = self.gan.loss.estimates_distance if self.distance is None else self.distance
        return bool(wanted) and self.kind != "images"

    def w1(self) -> float:
        """The exact distance between preview samples of G and of the data; nan if not watched."""
        if not self.measures_distance:
            return math.nan
        n = self.detail.moved
        with one_core():
            x_fake = self.gan.sample(self.z_preview[:n])
            finite = bool(x_fake.isfinite().all())
            return float(wasserstein_distance(x_fake, self.x_preview[:n])) if finite else math.nan

    @kept(lambda session: session.history.stride)
    def recent_w1(self) -> float:
        """`w1`, measured no more often than the curves are."""
        return self.w1()

    @property
    def n_modes(self) -> int:
        """How many modes there are to find, 0 where there are none to count."""
        if self.judge:
            return len(self.judge.classes)
        return self.data.n_modes or 0 if isinstance(self.data, Mixture) else 0

    def _stop_unless_finite(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                self.trouble = Trouble(name, step, f"{value} ({describe(self.experiment)})")
                return

    # --- what is seen of it --------------------------------------------------------------------

    def _prepare_previews(self) -> None:
        """Fixed noise and fixed real samples of their own: looking does not change training."""
        rng = torch.Generator(self.device).manual_seed(self.seed + 1)
        images = isinstance(self.data, Images)
        n = self.detail.pictures if images else self.detail.points
        self.heat: Tensor | None = None
        self.z_preview = self.gan.sample_z(n, rng)
        self.x_preview = check_samples(self.data.sample(n, rng), (n, *self.data.event_shape))
        self.steepest = math.nan  # the largest slope of D, as last looked for
        self.inside: tuple[tuple[Tensor, float], Tensor] | None = None  # its weights and layers
        self._kept: dict[str, tuple[int, Any]] = {}  # what was measured, and when, see `kept`
        if self._judged is not self.data:  # a reset and a fork keep the judge
            self.judge, self._judged = self.judge_of(self.data), self.data
        if self.data.event_shape == (2,):
            line = torch.linspace(-STAGE, STAGE, self.detail.heat, device=self.device)
            y, x = torch.meshgrid(line.flip(0), line, indexing="ij")  # row 0 is the top
            self.grid = torch.stack([x, y], dim=-1).reshape(-1, 2)  # (48 * 48, 2)

    @property
    def kind(self) -> str:
        """Which stage shows it: "1d", "2d" or "images"."""
        return {(1,): "1d", (2,): "2d"}.get(self.data.event_shape, "images")

    def frame(self, anew: bool = True) -> Frame:
        """A snapshot of everything that is shown: (header, arrays), see `stage.pack_frame`.

        anew: whether to look anew at the dear parts, what D says everywhere and of real samples
            and how it pushes, or to show what was seen last.
        """
        if anew:
            self.heat = None  # `_frame_2d` looks
        with one_core():
            return self._frame(anew or self.heat is None)

    def _frame(self, anew: bool) -> Frame:
        x_fake = self._fakes()
        if not x_fake.isfinite().all() and not self.trouble:
            self.trouble = Trouble("samples", self.gan.step, f"nan ({describe(self.experiment)})")
        x_fake = x_fake.nan_to_num(0.0, 0.0, 0.0)
        with looking_at(self.gan.D):
            if anew:
                self._said = self._real_logits(), self._push(x_fake)
            (d_real, push), d_fake = self._said, self._fake_logits(x_fake)
            verdict = self._scale(d_real, d_fake)
            draw = {"1d": self._frame_1d, "2d": self._frame_2d, "images": self._frame_images}
            meters, extent, arrays = draw[self.kind](x_fake, push, verdict)
        if self.kind == "images":
            arrays["verdict"] = verdict(d_fake).repeat_interleave(self.experiment.pac)
        critic = self.gan.loss.estimates_distance
        if self.measures_distance:
            meters.append({"id": "w1", "value": self.recent_w1()})
            if critic:
                meters.append({"id": "estimate", "value": float(d_real.mean() - d_fake.mean())})
            meters.append({"id": "slope", "value": self.steepest})
        else:
            for name, logits in (("d_real", d_real), ("d_fake", d_fake)):
                meters.append({"id": name, "value": float(verdict(logits).mean())})
        scale = "probability" if self.gan.loss.is_probability else "relative"
        header = {
            "kind": self.kind,
            "step": self.gan.step,
            "phase": self.phase,
            "range": extent,
            "verdict": "slope" if self.sloped else scale,
            "critic": critic,
            "first_mode": int(isinstance(self.data, Mixture)),  # digits are counted from 0
            "meters": meters,
        }
        self._add_to_frame(header, arrays, x_fake)
        if self.measures_distance:
            if anew or self.inside is None:
                self.inside = weight_histogram(self.gan.D), layer_gradients(self.gan.D, x_fake)
            (arrays["weights"], header["weights_to"]), arrays["layers"] = self.inside
        shown = {name: value.cpu().numpy() for name, value in arrays.items()}
        timeline = np.array([m.step for m in self.timeline.moments], dtype=np.float32)
        return header, shown | self.history.arrays(self.n_modes) | {"timeline": timeline}

    def _add_to_frame(
        self, header: dict[str, Any], arrays: dict[str, Tensor], x_fake: Tensor
    ) -> None:
        """Put in what only some kinds of sessions show; nothing here."""

    def _push(self, x_fake: Tensor) -> Tensor:
        """The way G's loss pushes some of the fake samples, as if each were alone; else 0."""
        push = torch.zeros_like(x_fake)
        if self.kind != "images":
            x = x_fake[self.arrows].detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.gan.loss.generator(self._logits(x)), x)
            push[self.arrows] = -gradient * len(x)
        return push

    @torch.no_grad()
    def _real_logits(self) -> Tensor:
        return self._logits(self.x_preview)

    @torch.no_grad()
    def _fake_logits(self, x_fake: Tensor) -> Tensor:
        return self._logits(x_fake)

    def _logits(self, x: Tensor) -> Tensor:
        """What D says of real or generated previews."""
        return self.gan.D(x)

    def push_on_G(self) -> float:
        """How strongly G would be pushed now: the norm of its gradient on the preview noise."""
        with one_core():
            return training.push_on_G(self.gan, self.z_preview)

    @property
    def arrows(self) -> slice:
        """Which of the preview samples get an arrow."""
        return slice(None, None, self.detail.every)

    def _verdict_at(self, x: Tensor) -> Tensor:
        """D's logits at any points; where D judges several at once, the others are real ones."""
        pac = self.gan.experiment.pac
        if pac == 1:
            return self.gan.D(x)
        others = self.x_preview[: pac - 1].expand(len(x), -1, *x.shape[1:])
        return self.gan.D(torch.cat([x[:, None], others], 1).flatten(0, 1))

    def _scale(self, d_real: Tensor, d_fake: Tensor) -> Scale:
        """Logits -> 0 (fake) to 1 (real); a critic's scores are shown relative to each other."""
        if self.gan.loss.is_probability:
            return torch.sigmoid
        middle = (d_real.mean() + d_fake.mean()) / 2
        spread = torch.cat([d_real, d_fake]).std() + 1e-12
        return lambda logits: torch.sigmoid(2 * (logits - middle) / spread)

    @property
    def sloped(self) -> bool:
        """Whether the colours show D's slope, not its verdict."""
        return self.map == "slope" and self.kind == "2d" and self.measures_distance

    def _look_at_D(self, verdict: Scale) -> Tensor:
        """What D says on all of the stage, or how steep it is there, as colours; uint8 `[P]`."""
        # In pieces that fit the processor's cache: half the time of one large batch.
        steep = torch.zeros(0)
        if self.measures_distance:
            points = self.grid if self.sloped else self.grid[::5]
            steep = torch.cat([slopes(self._verdict_at, part) for part in points.split(768)])
            self.steepest = float(steep.max())
        with torch.no_grad():
            if self.sloped:
                shares = steep / STEEPEST
            else:
                logits = [self._verdict_at(part) for part in self.grid.split(768)]
                shares = verdict(torch.cat(logits))
        return (255 * shares.clamp(0, 1)).to(torch.uint8)

    def _frame_2d(self, x_fake: Tensor, push: Tensor, verdict: Scale) -> Drawn:
        if self.heat is None:
            self.heat = self._look_at_D(verdict)
        meters: list[dict[str, Any]] = []
        if isinstance(self.data, Mixture):
            modes, good = mode_coverage(x_fake, self.data)
            if self.data.n_modes is not None:
                meters.append({"id": "modes", "value": int(modes), "of": self.data.n_modes})
            meters.append({"id": "good", "value": float(good), "unit": "%"})
        arrays = {
            "heat": self.heat.unflatten(0, (self.detail.heat, self.detail.heat)),
            "real": self.x_preview,
            "fake": x_fake,
            "push": push,
        }
        return meters, [-STAGE, STAGE, -STAGE, STAGE], arrays

    @torch.no_grad()
    def _frame_1d(self, x_fake: Tensor, push: Tensor, verdict: Scale) -> Drawn:
        extent = stage_1d(self.x_preview)
        edges = torch.linspace(extent[0], extent[1], N_GRID + 1, device=self.device)
        x = (edges[1:] + edges[:-1]) / 2  # (200,)
        if self.experiment.latent_dim == 1:  # exactly
            z = normal_quantiles(1023).float().to(self.device)[:, None]
            g = self.gan.sample(z)[:, 0]
        else:  # from many samples
            rng = torch.Generator(self.device).manual_seed(self.seed + 2)
            g = self.gan.sample(self.gan.sample_z(8192, rng))[:, 0].sort().values
        # What lies off the stage counts at its border: a JSD that dropped it would flatter G.
        q = pushforward_density(g.nan_to_num().clamp(x[0], x[-1]), edges)
        p = self.data.prob(x[:, None]) if isinstance(self.data, Mixture) else torch.zeros_like(x)
        dx = (extent[1] - extent[0]) / N_GRID
        # A density narrower than the grid has a sum above 1 there.
        mass = (p.sum() * dx).clamp_min(1.0)
        meters = [{"id": "jsd", "value": float(jensen_shannon(p / mass, q, dx))}]
        scores = self._verdict_at(x[:, None])
        self.steepest = float(scores.diff().abs().max() / dx)
        arrays = {"x": x, "p": p, "q": q, "D": verdict(scores), "D_star": self._best_D(p, q, dx)}
        arrays |= {"gz": x_fake[self.arrows, 0], "push": push[self.arrows, 0]}
        arrays |= {"z": self.z_preview[self.arrows, 0]}
        return meters, [*extent, 0.0, float(p.max())], arrays

    def _best_D(self, p: Tensor, q: Tensor, dx: float) -> Tensor:
        """The D that is best against these densities, where it is known; from 0 to 1, `[B]`."""
        if self.gan.loss.estimates_distance:
            best = optimal_critic(p, q, dx)
            both = (p + q) / (p + q).sum()  # its scores are scaled as `_scale` does the critic's
            middle = (best * both).sum()
            spread = ((best - middle).square() * both).sum().sqrt() + 1e-12
            return torch.sigmoid(2 * (best - middle) / spread)
        has_mass = p + q > 1e-3 * p.max()  # D* is shown where there is something to judge
        return optimal_discriminator(p, q).where(has_mass, torch.nan)

    def _meters_of_pictures(self) -> list[dict[str, Any]]:
        return self.judge.meters(self.report()) if self.judge else []

    def _frame_images(self, x_fake: Tensor, push: Tensor, verdict: Scale) -> Drawn:
        grey = x_fake.mean(1)  # (n, H, W)
        meters = self._meters_of_pictures()
        return meters, [], {"grid": ((grey + 1) * 127.5).clamp(0, 255).to(torch.uint8)}


def stage_1d(x: Tensor) -> tuple[float, float]:
    """Room for the data with a margin of a third on either side."""
    low, high = float(x.min()), float(x.max())
    margin = (high - low) / 3 + 1e-3
    return low - margin, high + margin
