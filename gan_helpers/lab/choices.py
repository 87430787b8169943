"""What a lab is made of by default: data by their names, and settings that suit them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gan_helpers.checks import check_choice
from gan_helpers.distributions import WORLDS, WORLDS_1D
from gan_helpers.images import Images, load_fashion, load_few, load_mnist
from gan_helpers.lab.record import TrainStep
from gan_helpers.tasks import TASKS, Task, load_task
from gan_helpers.training import Experiment

PICTURES: dict[str, Callable[[], Images]] = {
    "digits": partial(load_mnist, size=16),
    "fashion": partial(load_fashion, size=16),
    "digits_28": partial(load_mnist, size=28),  # to be trained on a GPU
}
#: Name -> a few pictures, for `AugmentedSession`.
FEW: dict[str, Callable[[], Images]] = {
    f"{kind}_{n}": partial(load_few, kind, n)
    for kind, sizes in (("digits", (50, 100, 500, 5000)), ("shoes", (99, 501)))
    for n in sizes
}
WORLD_NAMES = (*WORLDS, *WORLDS_1D, *PICTURES, *FEW)


def as_data(data: Any) -> Any:
    """The data of that name, or the reader's own as it is."""
    if isinstance(data, str):
        check_choice("data", data, WORLD_NAMES)
        return (WORLDS | WORLDS_1D | PICTURES | FEW)[data]()
    for needed in ("event_shape", "sample", "to"):
        if not hasattr(data, needed):
            raise TypeError(
                f"data = {type(data).__name__} has no {needed}; give one of "
                f"{', '.join(WORLD_NAMES)}, a Mixture (for points: from_points) or Images."
            )
    return data


def default_experiment(data: Any) -> Experiment:
    """Settings with which a plain GAN learns this kind of data in a minute on a laptop."""
    if len(data.event_shape) == 3:
        return Experiment(
            network="conv", latent_dim=64, batch_size=32, beta1=0.5, beta2=0.999, ema=0.995
        )
    if data.event_shape == (1,):  # D close to its optimum, as in the paper's figure 1
        return Experiment(latent_dim=1, d_steps=3, lr_D=3e-3, lr_G=5e-4)
    return Experiment()


def own_fields(settings: type[Experiment]) -> tuple[str, ...]:
    """What a kind of GAN can be told and a plain one cannot."""
    common = {f.name for f in fields(Experiment)}
    return tuple(f.name for f in fields(settings) if f.name not in common)


def as_task(data: Any) -> Task:
    """The translation of that name, or the reader's own as it is."""
    if not isinstance(data, (str, Task)):
        raise TypeError(
            f"data = {type(data).__name__} cannot be translated; give a Task, or one's name: "
            f"{', '.join(TASKS)}."
        )
    return data if isinstance(data, Task) else load_task(check_choice("data", data, TASKS))


def as_any(data: Any) -> Any:
    """The data or the translation of that name, or the reader's own as they are."""
    if isinstance(data, str):
        check_choice("data", data, (*WORLD_NAMES, *TASKS))
    translated = isinstance(data, Task) or (isinstance(data, str) and data in TASKS)
    return as_task(data) if translated else as_data(data)


def check_samples(x: Any, shape: tuple[int, ...]) -> Tensor:
    """Raise an error unless data of the reader's own gave samples of this shape; returns them."""
    if not isinstance(x, Tensor) or x.dtype != torch.float32:
        kind = str(getattr(x, "dtype", type(x).__name__))
        raise TypeError(f"data.sample gives {kind}; it has to be a float32 tensor {list(shape)}.")
    if x.shape != shape:
        raise ValueError(f"data.sample gives shape {list(x.shape)}; it has to be {list(shape)}.")
    return x


def check_step(train_step: Any) -> TrainStep:
    """Raise a TypeError unless it is a function; returns it."""
    if not callable(train_step):
        raise TypeError(f"train_step = {train_step!r} has to be a function (gan, data).")
    return train_step
