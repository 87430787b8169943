"""The engine of the lab on translation: pix2pix or CycleGAN in training, without a screen.

Like `session`, for pictures that become pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_helpers import cyclegan, translation
from gan_helpers.checks import check_choice, check_int
from gan_helpers.image_pairs import load_footwear, load_photo_patches, load_shoes_unpaired
from gan_helpers.lab.session import History, Trouble, one_core, own_line
from gan_helpers.losses import check_loss, get_loss
from gan_helpers.pairs import Pairs, Unpaired
from gan_helpers.translation import ARCHITECTURE, Translation
from gan_helpers.translation_metrics import cycle_error, hidden_pair_error, judge_translation
from gan_helpers.worlds import draw_pairs, draw_unpaired

TrainStep = Callable[[Any, Any], tuple[Tensor, Tensor]]
N_SHOWN, N_MEASURED = 10, 50  # pictures of the test set that are shown, and measured by
N_SCENES = 2000  # of a world of scenes, to train on


@dataclass(frozen=True)
class Task:
    """Pictures to learn from, and others to be looked at.

    Args:
        name: what the reader sees.
        train: `Pairs` are learned by pix2pix, `Unpaired` heaps by CycleGAN.
        test: pictures of the same two worlds; for CycleGAN, `Pairs` are answers it is never shown.
    """

    name: str
    train: Pairs | Unpaired
    test: Pairs | Unpaired

    def __post_init__(self) -> None:
        if isinstance(self.train, Pairs) and not isinstance(self.test, Pairs):
            raise TypeError("test has to be Pairs, where train is: pix2pix is told the answers.")

    @property
    def paired(self) -> bool:
        """Whether training is told the answers."""
        return isinstance(self.train, Pairs)


def scenes(kind: str) -> Task:
    """Maps in pairs; animals and landscapes without, with hidden answers to test by."""
    draw = draw_pairs if kind == "maps" else draw_unpaired
    return Task(kind, draw(kind, N_SCENES), draw_pairs(kind, 200, seed=1))


#: Name -> task. The first three come in pairs.
TASKS: dict[str, Callable[[], Task]] = {
    "shoes": lambda: Task("shoes", load_footwear("train"), load_footwear("test")),
    "colours": lambda: Task("colours", load_photo_patches("train"), load_photo_patches("test")),
    "maps": partial(scenes, "maps"),
    "animals": partial(scenes, "animals"),
    "landscapes": partial(scenes, "landscapes"),
    "sneakers": lambda: Task("sneakers", load_shoes_unpaired("train"), load_shoes_unpaired("test")),
}


class TranslationSession:
    """A pix2pix or a CycleGAN in training; which of them, the task decides.

    Args:
        task: a name in `TASKS`, or pictures of your own.
        experiment: what is trained, and how.
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
        self.device, self.own_step = device, train_step
        self.seed = check_int("seed", seed, 0, 2**63 - 1)
        self.experiment = experiment or Translation()
        check_loss(get_loss(self.experiment.loss))
        self._take(task)
        self.reset()

    def _take(self, task: str | Task) -> None:
        """Load the pictures, and choose those that are shown."""
        chosen = TASKS[check_choice("task", task, TASKS)]() if isinstance(task, str) else task
        if not isinstance(chosen, Task):
            raise TypeError(f"task = {type(task).__name__}; it has to be a Task, or one's name.")
        self.task = chosen
        self.data = chosen.train.to(self.device)
        test = chosen.test
        n = min(N_MEASURED, len(test.a), len(test.b))
        self.test = replace(test, a=test.a[:n], b=test.b[:n]).to(self.device)

    # --- what moves it -------------------------------------------------------------------------

    def reset(self, seed: int | None = None) -> None:
        """Start again from fresh weights: the same ones, unless a new seed is given."""
        if seed is not None:
            self.seed = check_int("seed", seed, 0, 2**63 - 1)
        channels = self.data.a.shape[1], self.data.b.shape[1]
        kind = translation.Pix2Pix if self.task.paired else cyclegan.CycleGAN
        self.gan: Any = kind(self.experiment, channels, self.seed, self.device)
        self.history = History(names=("loss_D", "loss_G", *self._measured()))
        self.trouble: Trouble | None = None

    @property
    def train_step(self) -> TrainStep:
        """The reader's own step, or the one of this kind of GAN."""
        if self.own_step is not None:
            return self.own_step
        return translation.train_step if self.task.paired else cyclegan.train_step

    @property
    def at(self) -> int:
        """G's updates so far."""
        return self.gan.step

    def step(self) -> None:
        """One update of D and of G. Does nothing after a stop."""
        if self.trouble:
            return
        try:
            with one_core():
                losses = [float(loss) for loss in self.train_step(self.gan, self.data)]
        except Exception as error:  # the reader's own code may raise anything
            what = f"{type(error).__name__}: {error}"
            self.trouble = Trouble("error", self.at, what, own_line(error))
            return
        for name, loss in zip(("loss_D", "loss_G"), losses, strict=True):
            if not math.isfinite(loss):
                self.trouble = Trouble(name, self.at, str(loss))
                return
        if self.at % self.history.stride == 0:
            self.history.add(self.at, (*losses, *self._measured().values()))

    half_step = step  # the two updates share their pictures

    def run(self, n_steps: int) -> None:
        """`n_steps` steps, or as many as there are before something blows up."""
        for _ in range(check_int("n_steps", n_steps, 0, 10**9)):
            self.step()

    def change(self, **settings: Any) -> bool:
        """Change fields of the experiment, `task` or `train_step`; the weights are kept.

        Returns:
            Whether training had to start again, because the networks themselves changed.

        Raises:
            ValueError, TypeError: if a setting is unknown or out of range; nothing has changed.
        """
        known = [*(f.name for f in fields(Translation)), "task", "train_step"]
        for name in settings:
            check_choice("setting", name, known)
        task, own_step = settings.pop("task", None), settings.pop("train_step", self.own_step)
        if own_step is not None and not callable(own_step):
            raise TypeError(f"train_step = {own_step!r} has to be a function (gan, data).")
        experiment = replace(self.experiment, **settings)
        if experiment.loss is not self.experiment.loss:
            check_loss(get_loss(experiment.loss))
        old = self.experiment
        restart = any(getattr(experiment, n) != getattr(old, n) for n in ARCHITECTURE)
        if task is not None:
            self._take(task)
        self.experiment, self.own_step = experiment, own_step
        if restart or task is not None:
            self.reset()
            return True
        self.gan.configure(experiment)
        if self.trouble and self.trouble.what == "error":  # the weights are sound: try again
            self.trouble = None
        return False

    # --- what is seen of it --------------------------------------------------------------------

    def _measured(self) -> dict[str, float]:
        """How good it is on pictures that it does not learn from; 0 to 2."""
        with one_core():
            if self.task.paired:
                assert isinstance(self.test, Pairs)  # as `Task` makes sure
                report = judge_translation(self.gan.translate, self.test)
                return {"error": report.error, "sharpness": report.sharpness}
            found = {"cycle_error": cycle_error(self.gan, self.test)}
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
