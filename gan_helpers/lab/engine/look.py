"""What is seen of a GAN in training: samples, what D says of them, what is measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan_helpers import training
from gan_helpers.critic import layer_gradients, slopes, weight_histogram
from gan_helpers.datasets.images import Images
from gan_helpers.datasets.points import Mixture
from gan_helpers.lab.engine import charts
from gan_helpers.lab.engine.charts import Chart
from gan_helpers.lab.engine.choices import check_samples
from gan_helpers.lab.engine.controls import describe
from gan_helpers.lab.engine.record import (
    NO_MODES,
    History,
    Timeline,
    Trouble,
    kept,
)
from gan_helpers.lab.engine.seen import counter_of
from gan_helpers.metrics import (
    jensen_shannon,
    mode_counts,
    mode_coverage,
    normal_quantiles,
    optimal_discriminator,
    pushforward_density,
)
from gan_helpers.threads import threads_of
from gan_helpers.training import looking_at
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
    across: int = 8  # pictures in a row, where they are translated
    heat: int = 48  # edge of the map of D's verdict
    every: int = 8  # which of the points get an arrow; more arrows would hide them
    moved: int = 256  # samples between which the Wasserstein distance is measured
    interval: int = 50  # steps between two moments that can be gone back to
    memory: int = 256_000_000  # bytes that these moments take, at most


PANEL = Detail(
    points=256, pictures=16, across=4, heat=32, moved=128, interval=200, memory=32_000_000
)  # one of several, side by side


class Looking:
    """What is seen of a session; `Session` is what moves it. Looking changes nothing in training.

    Each kind of session says what its G makes (`_fakes`), what its D says (`_logits`,
    `_verdict_at`), what is measured (`judge_of`, `_measured`) and what else is shown
    (`_add_to_frame`).
    """

    gan: Any
    data: Any
    world: str  # what the data are called, "" for the reader's own
    experiment: Any
    detail: Detail
    device: str
    seed: int
    map: str
    distance: bool | None
    history: History
    timeline: Timeline
    trouble: Trouble | None
    phase: str
    d_updates: int
    judge_of: Callable[[Any], Any] = staticmethod(counter_of)  # data -> what judges a GAN, or None
    judge: Any = None
    _judged: Any = None  # the data that the judge knows

    @property
    def at(self) -> int:
        """G's updates so far."""
        return self.gan.step

    # --- measured now and then -----------------------------------------------------------------

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
        with threads_of(self.gan):
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
        with threads_of(self.gan):
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
        with threads_of(self.gan):
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

    # --- the picture ---------------------------------------------------------------------------

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
        with threads_of(self.gan):
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
        loss = self.gan.loss
        scale = "probability" if loss.is_probability else "relative"
        if loss.is_relative and not critic:
            scale = "centred"
        header = {
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
            (arrays["weights"], _), arrays["layers"] = self.inside
        header["charts"] = self._charts()
        return self._framed(header, arrays)

    def _framed(self, header: dict[str, Any], arrays: dict[str, Tensor]) -> Frame:
        """Put in what every frame has."""
        about = {"kind": self.kind, "step": self.gan.step, "phase": self.phase}
        shown = {name: value.cpu().numpy() for name, value in arrays.items()}
        timeline = np.array([m.step for m in self.timeline.moments], dtype=np.float32)
        past = self.history.arrays(self.n_modes) | {"timeline": timeline}
        return about | header, shown | past

    def _charts(self) -> list[Chart]:
        """What stands beside the picture, or below a small one; see `charts`."""
        small, strip = self.detail == PANEL, [charts.STRIP] * bool(self.n_modes)
        if not self.measures_distance or self.inside is None:
            return [charts.PUSH, *strip] if small else [charts.LOSSES, charts.GRADIENTS, *strip]
        critic = bool(self.gan.loss.estimates_distance)  # minus its loss is the estimate
        loss = [] if critic or small else [charts.LOSSES]
        (_, limit), _ = self.inside
        inside = [charts.weights(limit), charts.LAYERS]
        more = [] if small else [charts.GRADIENTS]  # no room for everything
        found = [*loss, charts.distance(critic), *more, *inside]
        return found if small else [*found, *strip]

    def _add_to_frame(
        self, header: dict[str, Any], arrays: dict[str, Tensor], x_fake: Tensor
    ) -> None:
        """Put in what only some kinds of sessions show; nothing here."""

    def _push(self, x_fake: Tensor) -> Tensor:
        """The way G's loss pushes some of the fake samples, as if each were alone; else 0."""
        push = torch.zeros_like(x_fake)
        if self.kind != "images":
            x = x_fake[self.arrows].detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self._loss_of_G(self._logits(x)), x)
            push[self.arrows] = -gradient * len(x)
        return push

    def _loss_of_G(self, d_fake: Tensor) -> Tensor:
        """G's loss for these logits; one that compares pairs, over all real previews in turn."""
        loss: Any = self.gan.loss
        if not loss.sees_real:
            return loss.generator(d_fake)
        d_real, n = self._real_logits(), len(d_fake)
        turns = max(len(d_real) // n, 1)
        partners = d_real[torch.arange(turns * n, device=d_real.device) % len(d_real)]
        return sum(loss.generator(one, d_fake) for one in partners.split(n)) / turns

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
        with threads_of(self.gan):
            return training.push_on_G(self.gan, self.z_preview, self.x_preview)

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
        return self._meters_of_pictures(), [], {"grid": as_pixels(x_fake)}


def push_of(loss: Tensor, G: nn.Module) -> float:
    """How strongly a loss pushes G: the norm of its gradient."""
    gradients = torch.autograd.grad(loss, list(G.parameters()))
    return float(torch.stack([g.norm() for g in gradients]).norm())


def as_pixels(x: Tensor) -> Tensor:
    """Pictures `[N, C, H, W]` in [-1, 1] as bytes `[N, H, W, 3]`; `[N, H, W]` unless C is 3."""
    pixels = x.permute(0, 2, 3, 1) if x.shape[1] == 3 else x.mean(1)
    return (127.5 * (pixels.float().nan_to_num() + 1)).clamp(0, 255).to(torch.uint8)


def stage_1d(x: Tensor) -> tuple[float, float]:
    """Room for the data with a margin of a third on either side."""
    low, high = float(x.min()), float(x.max())
    margin = (high - low) / 3 + 1e-3
    return low - margin, high + margin
