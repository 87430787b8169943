"""The engine of the lab on few pictures: D may see them transformed, overfitting is measured."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gan_helpers.augmentation import training as augmented
from gan_helpers.augmentation.judge import FewJudge
from gan_helpers.augmentation.training import Augmented, AugmentedGAN
from gan_helpers.classifier import SIZES, load_classifier
from gan_helpers.datasets.images import SETS, Images
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine import charts
from gan_helpers.lab.engine.choices import default_experiment, own_fields
from gan_helpers.lab.engine.record import CURVES, TrainStep
from gan_helpers.lab.engine.session import JudgedSession

N_HELD = 3000  # real pictures to compare with, none of them trained on


def judge_of(data: Any) -> FewJudge | None:
    """A judge with the classifier that knows these data, if there is one.

    It holds out pictures of the test set: data of the test set itself would be judged too kindly.
    """
    size = data.event_shape[-1]
    if not isinstance(data, Images) or data.dataset not in SETS or size not in SIZES:
        return None
    if data.y is None:
        return None
    held = SETS[data.dataset]("test", size=size)
    if data.event_shape != held.event_shape or not torch.isin(data.y.cpu(), held.y).all():
        return None  # no such pictures, or of other classes
    held = held.of_class(*data.y.unique().tolist())
    # MNIST's test pictures are sorted by who wrote them.
    some = torch.randperm(len(held), generator=torch.Generator().manual_seed(0))[:N_HELD]
    held = Images(held.name, held.x[some], held.y[some], held.dataset).to(data.x.device)
    return FewJudge(load_classifier(size, data.x.device, dataset=data.dataset), data, held)


class AugmentedSession(JudgedSession):
    """A GAN in training on few pictures, see `Session`. Its data are `Images`."""

    trains = AugmentedGAN
    standard_step: TrainStep = staticmethod(augmented.train_step)  # type: ignore[assignment]
    curves = (*CURVES, "frechet", "d_train", "d_held", "d_fake")
    gan: AugmentedGAN
    experiment: Augmented
    judge: FewJudge | None
    judge_of = staticmethod(judge_of)
    judged_charts = charts.FEW
    keeps = ("loss", *own_fields(Augmented))

    # --- what moves it -------------------------------------------------------------------------

    @classmethod
    def suits(cls, data: Any) -> Augmented:
        """Settings that suit the data, without transforms."""
        return Augmented(**vars(default_experiment(data)))

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

    # --- what is seen of it --------------------------------------------------------------------

    def _add_to_frame(
        self, header: dict[str, Any], arrays: dict[str, Tensor], x_fake: Tensor
    ) -> None:
        if report := self.report():
            header["meters"][:0] = [
                {"id": "frechet", "value": report.frechet},
                {"id": "gap", "value": report.gap},
            ]
        if self.experiment.ada and self.experiment.augment != "none":  # else p transforms nothing
            header["meters"].append({"id": "ada_p", "value": self.gan.p})
