"""The engine of the lab on translation: pix2pix or CycleGAN in training, without a screen.

Like `session`, for pictures that become pictures.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_helpers import cyclegan, translation
from gan_helpers.checks import check_choice, check_int
from gan_helpers.lab.choices import check_step
from gan_helpers.lab.record import History, Trouble, first_line, one_core, own_line, whole_steps
from gan_helpers.losses import check_loss, get_loss
from gan_helpers.pairs import Pairs
from gan_helpers.tasks import Task, load_task
from gan_helpers.translation import ARCHITECTURE, Translation
from gan_helpers.translation_metrics import (
    cycle_error,
    hidden_pair_error,
    judge_translation,
    world_distance,
)

TrainStep = Callable[[Any, Any], tuple[Tensor, Tensor]]
N_SHOWN, N_MEASURED = 10, 50  # pictures of the test set that are shown, and measured by


class TranslationSession:
    """A pix2pix or a CycleGAN in training; which of them, the task decides.

    Args:
        task: a name in `tasks.TASKS`, or pictures of your own.
        experiment: what is trained, and how; by default as suits the task.
        seed: of the weights and of everything drawn while training.
        device: "cpu", "cuda", …
        train_step: the reader's own step, `(gan, data) -> (loss_D, loss_G)`.

    Raises:
        ValueError, TypeError: if an argument is unknown or out of range.
    """

    n_shown = 1  # see `Worker`

    def __init__(
        self,
        task: str | Task = "shoes",
        experiment: Translation | None = None,
        seed: int = 0,
        device: str = "cpu",
        train_step: TrainStep | None = None,
    ) -> None:
        self.device = device
        self.own_step = None if train_step is None else check_step(train_step)
        self.seed = check_int("seed", seed, 0, 2**63 - 1)
        self._take(as_task(task))
        if experiment is not None and not isinstance(experiment, Translation):
            raise TypeError(
                f"experiment = {experiment!r:.100} is a {type(experiment).__name__}; give a "
                "Translation(…), or its fields one by one."
            )
        self.experiment = experiment or self.task.experiment
        check_loss(get_loss(self.experiment.loss))
        self._begin()

    def _take(self, task: Task) -> None:
        """Learn from its pictures, and choose those that are shown."""
        self.task, self.data = task, task.train.to(self.device)
        n = min(N_MEASURED, len(task.test.a), len(task.test.b))
        self.test = replace(task.test, a=task.test.a[:n], b=task.test.b[:n]).to(self.device)

    # --- what moves it -------------------------------------------------------------------------

    def reset(self, seed: int | None = None) -> None:
        """Start again from fresh weights: the same ones, unless a new seed is given."""
        twin = copy.copy(self)
        if seed is not None:
            twin.seed = check_int("seed", seed, 0, 2**63 - 1)
        twin._begin()
        vars(self).update(vars(twin))

    def _begin(self) -> None:
        kind = translation.Pix2Pix if self.task.paired else cyclegan.CycleGAN
        self.gan: Any = kind(self.experiment, self.task.channels, self.seed, self.device)
        self.history = History(names=("loss_D", "loss_G", *self._measured()))
        self.trouble: Trouble | None = None

    @property
    def train_step(self) -> TrainStep:
        """The reader's own step, or the one of this kind of GAN."""
        if self.own_step is not None:
            return self.own_step
        return translation.train_step if self.task.paired else cyclegan.cycle_step

    @property
    def at(self) -> int:
        """G's updates so far."""
        return self.gan.step

    def step(self) -> None:
        """One update of D and of G. Does nothing after a stop."""
        if self.trouble:
            return
        try:
            with whole_steps(), one_core():
                loss_D, loss_G = self.train_step(self.gan, self.data)
                self._note({"loss_D": float(loss_D), "loss_G": float(loss_G)})
        except Exception as error:  # the reader's own code may raise anything
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Stop because of an error in the code that trains."""
        self.trouble = Trouble("error", self.at, first_line(error), own_line(error))

    def _note(self, losses: dict[str, float]) -> None:
        for name, loss in losses.items():
            if not math.isfinite(loss):
                self.trouble = Trouble(name, self.at, str(loss))
                return
        if self.at % self.history.stride == 0:
            self.history.add(self.at, (*losses.values(), *self._measured().values()))

    half_step = step  # the two updates share their pictures

    def run(self, n_steps: int) -> None:
        """`n_steps` steps, or as many as there are before something blows up."""
        for _ in range(check_int("n_steps", n_steps, 0, 10**9)):
            self.step()

    def change(self, **settings: Any) -> bool:
        """Change fields of the experiment, `task` or `train_step`; the weights are kept.

        Another task brings the settings that suit it.

        Returns:
            Whether training had to start again, because the networks themselves changed.

        Raises:
            ValueError, TypeError: if a setting is unknown or out of range; nothing has changed.
        """
        known = [*(f.name for f in fields(Translation)), "task", "train_step"]
        for name in settings:
            check_choice("setting", name, known)
        task, own_step = settings.pop("task", None), settings.pop("train_step", self.own_step)
        if own_step is not None:
            check_step(own_step)
        chosen = None if task is None else as_task(task)
        twin, old = copy.copy(self), self.experiment
        twin.own_step = own_step
        twin.experiment = replace(chosen.experiment if chosen else old, **settings)
        if twin.experiment.loss is not old.loss:
            check_loss(get_loss(twin.experiment.loss))
        restart = chosen or any(
            getattr(twin.experiment, n) != getattr(old, n) for n in ARCHITECTURE
        )
        if chosen:
            twin._take(chosen)
        if restart:
            twin._begin()
        vars(self).update(vars(twin))  # only now: what is refused has changed nothing
        if not restart:
            self.gan.configure(self.experiment)
            if self.trouble and self.trouble.what == "error":  # the weights are sound: try again
                self.trouble = None
        return bool(restart)

    # --- what is seen of it --------------------------------------------------------------------

    def _measured(self) -> dict[str, float]:
        """How good it is on pictures that it does not learn from; 0 to 2."""
        with one_core():
            if self.task.paired:
                assert isinstance(self.test, Pairs)  # as `Task` makes sure
                report = judge_translation(self.gan.translate, self.test)
                return {"error": report.error, "sharpness": report.sharpness}
            found = {"cycle_error": cycle_error(self.gan, self.test)}
            found["world"] = world_distance(self.gan.to_b(self.test.a), self.test.b)
            if isinstance(self.test, Pairs):
                found["hidden_error"] = hidden_pair_error(self.gan, self.test)
            return found

    @torch.no_grad()
    def rows(self) -> dict[str, Tensor]:
        """What is shown, row by row: name -> pictures `[N, C, H, W]` in [-1, 1] on the CPU."""
        gan, a, b = self.gan, self.test.a[:N_SHOWN], self.test.b[:N_SHOWN]
        with one_core():
            if self.task.paired:
                rows = {"input": a, "output": gan.translate(a), "answer": b}
            else:
                there_b, there_a = gan.to_b(a), gan.to_a(b)
                rows = {"a": a, "to_b": there_b, "back_to_a": gan.to_a(there_b)}
                rows |= {"b": b, "to_a": there_a, "back_to_b": gan.to_b(there_a)}
        return {name: x.float().nan_to_num().cpu() for name, x in rows.items()}

    def curves(self) -> dict[str, np.ndarray]:
        """`steps` `[T]`, and beside them the losses and what is measured, `[T]` each."""
        return self.history.arrays()


def as_task(task: str | Task) -> Task:
    """The task of that name, or the reader's own as it is."""
    chosen = load_task(task) if isinstance(task, str) else task
    if not isinstance(chosen, Task):
        raise TypeError(f"task = {type(task).__name__}; it has to be a Task, or one's name.")
    return chosen
