"""Which kind of GAN a lab shows, and what it offers for that kind beside what it offers for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from torch import Tensor

from gan_helpers.checks import check_choice
from gan_helpers.datasets.images import Images
from gan_helpers.lab.engine.augmenting import AugmentedSession
from gan_helpers.lab.engine.choices import FEW, PICTURES
from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.engine.translating import TranslationSession
from gan_helpers.translation.tasks import TASKS, Task

MOST_FEW = 5000  # pictures with which D may learn them by heart


@dataclass(frozen=True)
class Mode:
    """A kind of GAN in the lab.

    Args:
        session: the engine.
        worlds: the data, in place of those for all.
    """

    session: type[Session] = Session
    worlds: tuple[str, ...] = ()
    size: int = 400  # edge of the picture, CSS pixels

    @property
    def settings(self) -> type[Any]:
        """What its GANs are trained by."""
        settings: type[Any] = self.session.trains.settings
        return settings

    def has(self, names: Iterable[str]) -> bool:
        """Whether all of these are settings of its GANs."""
        return {f.name for f in fields(self.settings)}.issuperset(names)

    def experiment(self, data: Any, base: Any, settings: Mapping[str, Any]) -> Any:
        """What is trained: what suits the data, or `base`, with these settings."""
        start = vars(base or self.session.suits(data))
        return self.settings(**{**start, **settings})

    def step_on(
        self, experiment: Any, data: Any, device: str
    ) -> Callable[[], tuple[Tensor, Tensor]]:
        """A step on a device, to be timed."""
        there = data.to(device)
        gan = self.session.gan_for(there).for_data(experiment, there, device=device)
        return partial(self.session.standard_step, gan, there)


PLAIN = Mode()
CLASSES = Mode(ClassSession, worlds=(*PICTURES, "ring"))
AUGMENTED = Mode(AugmentedSession, worlds=(*FEW, *PICTURES))
TRANSLATED = Mode(TranslationSession, worlds=tuple(TASKS), size=560)
MODES = (PLAIN, CLASSES, AUGMENTED, TRANSLATED)


def mode_of(data: Any, base: Any, settings: Mapping[str, Any]) -> Mode:
    """The kind of GAN that has these settings; where it is open, what suits the data.

    Raises:
        ValueError: if there is no such setting, or no kind of GAN that has all of them.
    """
    translated = isinstance(data, Task)
    modes = [mode for mode in MODES if (mode is TRANSLATED) == translated]
    known = dict.fromkeys(f.name for mode in modes for f in fields(mode.settings))
    for name in settings:
        check_choice("setting", name, known)
    able = [mode for mode in modes if mode.has(settings)]
    if base is not None:  # a plain experiment can be the beginning of any other
        able = [mode for mode in able if issubclass(mode.settings, type(base))]
    if not able:
        given = ", ".join([*([type(base).__name__] if base else []), *settings])
        raise ValueError(f"no kind of GAN has all of these settings: {given}; leave some out.")
    few = isinstance(data, Images) and len(data) <= MOST_FEW
    return AUGMENTED if few and AUGMENTED in able else able[0]
