"""The engine of the lab on translation: pix2pix or CycleGAN in training; the task decides which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gan_helpers.datasets.pairs import Pairs
from gan_helpers.lab.engine import charts
from gan_helpers.lab.engine.charts import Chart
from gan_helpers.lab.engine.choices import as_task
from gan_helpers.lab.engine.look import PANEL, Frame, as_pixels, push_of
from gan_helpers.lab.engine.record import CURVES, TrainStep, kept
from gan_helpers.lab.engine.session import Session
from gan_helpers.threads import threads_of
from gan_helpers.training import looking_at, partners
from gan_helpers.translation.cyclegan import CycleGAN
from gan_helpers.translation.judge import (
    cycle_error,
    hidden_pair_error,
    judge_translation,
    world_distance,
)
from gan_helpers.translation.pix2pix import Pix2Pix, verdicts
from gan_helpers.translation.pretrained import step_of
from gan_helpers.translation.tasks import Task
from gan_helpers.translation.training import Translation, Translator

N_MEASURED = 50  # pictures of the test set that it is measured by


def train_step(gan: Any, data: Task) -> tuple[Tensor, Tensor]:
    """A round of whichever game it is. Returns the losses of D and of G."""
    losses: tuple[Tensor, Tensor] = step_of(gan)(gan, data)
    return losses


class TranslationSession(Session):
    """A pix2pix or a CycleGAN in training, see `Session`. Its data are a `Task`, or one's name.

    What is seen and measured are pictures of the test set.
    """

    trains = Translator
    standard_step: TrainStep = staticmethod(train_step)
    load: Callable[[Any], Any] = staticmethod(as_task)
    keeps = ()  # another task brings all of its settings
    curves = (*CURVES[:4], *charts.MEASURED)
    n_modes = 0
    measures_distance = False
    kind = "rows"
    gan: Any
    data: Task
    experiment: Translation

    # --- what moves it -------------------------------------------------------------------------

    @classmethod
    def gan_for(cls, data: Task) -> type[Translator]:
        """pix2pix where training is told the answers, else CycleGAN."""
        return Pix2Pix if data.paired else CycleGAN

    @classmethod
    def suits(cls, data: Task) -> Translation:
        """The settings of the task."""
        return data.experiment

    @classmethod
    def shape_of(cls, data: Task) -> tuple[Any, ...]:
        """Another task needs new networks, for there is nothing that they could go on with."""
        return (data.name, data.paired, *data.channels, *data.train.a.shape[2:])

    @property
    def turn(self) -> str:
        """Whose update comes next: pix2pix begins with D, CycleGAN with G, as their rounds do."""
        first, second = ("D", "G") if self.data.paired else ("G", "D")
        return second if self.phase == first else first

    @property
    def amid_round(self) -> bool:
        return self.phase == ("D" if self.data.paired else "G")

    # --- what is seen of it --------------------------------------------------------------------

    def _prepare_previews(self) -> None:
        test = self.data.test
        n = min(N_MEASURED, len(test.a), len(test.b))
        self.test = replace(test, a=test.a[:n], b=test.b[:n])
        self._kept: dict[str, tuple[int, Any]] = {}

    def _measured(self) -> dict[str, float]:
        self._kept.pop("report", None)  # of this very step, whether anybody looked before or not
        return self.report()

    @kept(lambda session: session.history.stride)
    def report(self) -> dict[str, float]:
        """How good it is on pictures that it does not learn from; each is 0 to 2."""
        with threads_of(self.gan):
            if self.data.paired:
                assert isinstance(self.test, Pairs)  # as `Task` makes sure
                found = judge_translation(self.gan.translate, self.test)
                return {"answer_error": found.error, "sharpness": found.sharpness}
            cycle = {"cycle_error": cycle_error(self.gan, self.test)}
            cycle["world"] = world_distance(self.gan.to_b(self.test.a), self.test.b)
            if isinstance(self.test, Pairs):
                cycle["hidden_error"] = hidden_pair_error(self.gan, self.test)
            return cycle

    @torch.no_grad()
    def rows(self) -> dict[str, Tensor]:
        """What is shown, row by row: name -> pictures `[N, C, H, W]` in [-1, 1]."""
        gan, n = self.gan, self.detail.across
        a, b = self.test.a[:n], self.test.b[:n]
        with threads_of(gan):
            if self.data.paired:
                return {"input": a, "G(input)": gan.translate(a), "answer": b}
            there_b, there_a = gan.to_b(a), gan.to_a(b)
            rows = {"A": a, "A → B": there_b, "A → B → A": gan.to_a(there_b)}
            return rows | {"B": b, "B → A": there_a, "B → A → B": gan.to_b(there_a)}

    def push_on_G(self) -> float:
        """How strongly D would push G now: the norm of the gradient of the GAN's loss alone."""
        gan, a, b = self.gan, self.test.a, self.test.b
        with threads_of(gan), looking_at(gan.G), looking_at(gan.D):
            if self.data.paired:
                real = partners(gan, b, lambda b: verdicts(gan, a, b))
                loss = gan.loss.generator(*real, verdicts(gan, a, gan.G(a)))
            else:
                ways = ("a", a, gan.G["ba"](b)), ("b", b, gan.G["ab"](a))
                loss = sum(self._adversarial(*way) for way in ways)
            return push_of(loss, gan.G)

    def _adversarial(self, world: str, x: Tensor, fake: Tensor) -> Tensor:
        """The GAN's loss for what is to be of a world, beside real pictures of that world."""

        def D(x: Tensor) -> Tensor:
            return self.gan.D[world](x).flatten()

        loss: Tensor = self.gan.loss.generator(*partners(self.gan, x, D), D(fake))
        return loss

    def frame(self, anew: bool = True) -> Frame:
        """A snapshot of everything that is shown, see `Looking.frame`."""
        rows = self.rows()
        header = {"rows": list(rows), "meters": self._meters(rows), "charts": self._charts()}
        return self._framed(header, {f"row_{k}": as_pixels(x) for k, x in enumerate(rows.values())})

    @torch.no_grad()
    def _meters(self, rows: dict[str, Tensor]) -> list[dict[str, Any]]:
        """What D says of the rows, patch by patch: of real pictures, and of what G makes."""
        gan = self.gan
        with threads_of(gan), looking_at(gan.D):
            if self.data.paired:
                real, fake = (verdicts(gan, rows["input"], rows[n]) for n in ("answer", "G(input)"))
            else:
                real, fake = (
                    torch.cat([gan.D[world](rows[n]).flatten() for world, n in names])
                    for names in ((("a", "A"), ("b", "B")), (("a", "B → A"), ("b", "A → B")))
                )
        scale = self._scale(real, fake)
        return [
            {"id": "d_real", "value": float(scale(real).mean())},
            {"id": "d_fake", "value": float(scale(fake).mean())},
        ]

    def _charts(self) -> list[Chart]:
        measured = [charts.MEASURED[name] for name in self.report()]
        return measured if self.detail == PANEL else [charts.LOSSES, *measured]
