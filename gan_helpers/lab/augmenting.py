"""The engine of the lab on few pictures: D may see them transformed, overfitting is measured."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gan_helpers import augmented
from gan_helpers.augmented import Augmented, AugmentedGAN
from gan_helpers.classifier import SIZES, load_classifier
from gan_helpers.few_metrics import FewJudge, FewReport
from gan_helpers.images import Images, load_fashion, load_mnist
from gan_helpers.lab.session import CURVES, Session, TrainStep, default_experiment, one_core
from gan_helpers.training import Experiment

JUDGED_EVERY = 50  # steps
N_HELD = 3000  # real pictures to compare with, none of them trained on
TEST = {"digits": load_mnist, "fashion": load_fashion}


class AugmentedSession(Session):
    """A GAN in training on few pictures, see `Session`. Its data are `Images`."""

    trains = AugmentedGAN
    standard_step: TrainStep = staticmethod(augmented.train_step)  # type: ignore[assignment]
    curves = (*CURVES, "frechet", "d_train", "d_held", "d_fake")
    gan: AugmentedGAN
    experiment: Augmented
    judge: FewJudge | None = None
    _known: Any = None  # the data that the judge knows
    _judged: tuple[Any, FewReport | None] = (None, None)  # when it was last asked, and its answer
    n_modes = 0
    measures_distance = False

    # --- what moves it -------------------------------------------------------------------------

    @classmethod
    def suits(cls, data: Any, like: Experiment | None = None) -> Augmented:
        """Settings that suit the data, with the transforms of another experiment."""
        own = vars(like) if isinstance(like, Augmented) else {}
        return Augmented(**own | vars(default_experiment(data)))

    @classmethod
    def shape_of(cls, data: Any) -> tuple[int, ...]:
        if len(data.event_shape) != 3:
            raise ValueError(
                f"samples of shape {list(data.event_shape)} cannot be augmented; take pictures, "
                "e.g. data = 'digits_100'."
            )
        return data.event_shape

    def _checked(self, experiment: Experiment) -> Experiment:
        """A plain experiment becomes one without transforms."""
        plain = type(experiment) is Experiment
        return super()._checked(Augmented(**vars(experiment)) if plain else experiment)

    def rewind(self, step: int) -> None:
        """Go back to the last moment kept at or before `step`, see `Session.rewind`."""
        super().rewind(step)
        self._judged = (None, None)  # it may be of a future that will not be

    # --- what is seen of it --------------------------------------------------------------------

    def _counter_of(self, data: Any) -> None:
        """Its own judge says more."""

    def _prepare_previews(self) -> None:
        super()._prepare_previews()
        if self._known is not self.data:  # a reset and a fork keep the judge
            self.judge, self._known = judge_of(self.data), self.data
        self._judged = (None, None)

    def report(self) -> FewReport | None:
        """Overfitting and quality, measured anew every 50 updates; None without a classifier."""
        now = self.at // JUDGED_EVERY, self.d_updates // JUDGED_EVERY
        if self.judge is not None and self._judged[0] != now:
            with one_core():
                self._judged = now, self.judge(self.gan)
        return self._judged[1]

    def _measured(self) -> dict[str, float]:
        report = self.report()
        return report.numbers() if report else {}

    def _add_to_frame(
        self, header: dict[str, Any], arrays: dict[str, Tensor], x_fake: Tensor
    ) -> None:
        header["few"] = self.judge is not None
        if report := self.report():
            header["meters"][:0] = [
                {"id": "frechet", "value": report.frechet},
                {"id": "gap", "value": report.gap},
            ]
        if self.experiment.ada and self.experiment.augment != "none":  # else p transforms nothing
            header["meters"].append({"id": "ada_p", "value": self.gan.p})


def judge_of(data: Any) -> FewJudge | None:
    """A judge with the classifier that knows these data, if there is one.

    It holds out pictures of the test set: data of the test set itself would be judged too kindly.
    """
    size = data.event_shape[-1]
    if not isinstance(data, Images) or data.dataset not in TEST or size not in SIZES:
        return None
    if data.y is None:
        return None
    held = TEST[data.dataset]("test", size=size)
    if data.event_shape != held.event_shape or not torch.isin(data.y.cpu(), held.y).all():
        return None  # no such pictures, or of other classes
    held = held.of_class(*data.y.unique().tolist())
    # MNIST's test pictures are sorted by who wrote them.
    some = torch.randperm(len(held), generator=torch.Generator().manual_seed(0))[:N_HELD]
    held = Images(held.name, held.x[some], held.y[some], held.dataset).to(data.x.device)
    return FewJudge(load_classifier(size, data.x.device, dataset=data.dataset), data, held)
