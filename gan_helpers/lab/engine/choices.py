"""What a lab is made of by default: data by their names, and settings that suit them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gan_helpers.checks import check_callable, check_choice, check_device, check_int, check_text
from gan_helpers.datasets.images import SETS, Images, load_few, load_mnist
from gan_helpers.datasets.points import WORLDS, WORLDS_1D
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.record import TrainStep
from gan_helpers.translation.tasks import TASKS, Task, load_task

PICTURES: dict[str, Callable[[], Images]] = {
    **{name: partial(load, size=16) for name, load in SETS.items()},
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


def choose_device(
    step_on: Callable[[str], Callable[[], tuple[Tensor, Tensor]]],
    candidates: list[str] | None = None,
    steps: int = 20,
) -> tuple[str, dict[str, float]]:
    """Where a step is quickest, measured: tiny networks are often slower on a GPU.

    Args:
        step_on: gives, for a device, a function that takes a step there and returns both losses.
        candidates: the devices to try; by default the CPU and what accelerator there is.
        steps: how many steps to time on each.

    Returns:
        The device, and the seconds per step of each one tried (empty if there is no choice).

    Raises:
        ValueError, TypeError: if an argument is not as above, or there is no such device here.
    """
    check_callable("step_on", step_on, "a function (device) -> step")
    steps = check_int("steps", steps, 1, 10**6)
    if candidates is None:
        candidates = ["cpu"]
        candidates += ["cuda"] if torch.cuda.is_available() else []
        candidates += ["mps"] if torch.backends.mps.is_available() else []
    if not isinstance(candidates, (list, tuple)) or not candidates:
        raise TypeError(f'candidates = {candidates!r} has to be a list of devices, e.g. ["cpu"].')
    for k, candidate in enumerate(candidates):
        check_text(f"candidates[{k}]", candidate)
    if len(candidates) == 1:
        check_device(candidates[0], "candidates[0]")  # the others are, where a step is made there
        return candidates[0], {}
    seconds = {}
    for device in candidates:
        step = step_on(device)
        for timed in range(2):  # the first round warms up
            start = time.perf_counter()
            for _ in range(steps):
                loss_D, _ = step()
            float(loss_D)  # waits for the device
            if timed:
                seconds[device] = (time.perf_counter() - start) / steps
    return min(seconds, key=seconds.__getitem__), seconds
