"""A session in a file: its GAN, and all that is shown of it. Of the timeline only the present."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gan_helpers.datasets.points import Mixture
from gan_helpers.lab.engine.augmenting import AugmentedSession
from gan_helpers.lab.engine.classes import ClassSession, Look
from gan_helpers.lab.engine.course import Course, Leg, leg_of
from gan_helpers.lab.engine.record import History, Trouble
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.engine.translating import TranslationSession
from gan_helpers.losses import LOSSES, get_loss
from gan_helpers.saved import (
    DAMAGE,
    SHAPES,
    Tensors,
    damaged,
    pack,
    part,
    put,
    say_settings,
    settings_from,
    take,
    unpack,
)

SESSIONS: dict[str, type[Session]] = {
    kind.__name__: kind for kind in (Session, ClassSession, AugmentedSession, TranslationSession)
}
SIMPLE = ("seed", "device", "distance", "map", "world", "phase", "d_updates")


@dataclass(frozen=True)
class Own:
    """What a file cannot hold, and the reader gives again; None where there is nothing to give.

    Args:
        data: a name, or the data themselves.
        loss: a `Loss`.
        train_step: a function (gan, data).
        device: where to go on; None for where it was.
    """

    data: Any = None
    loss: Any = None
    train_step: Any = None
    device: str | None = None


def pack_session(session: Session, tensors: Tensors) -> dict[str, Any]:
    """What JSON can say of a session, by the parts of the file; the rest goes into `tensors`.

    Raises:
        ValueError, TypeError: if its GAN cannot be saved, see `save_gan`.
    """
    history, loss = session.history, get_loss(session.experiment.loss)
    lengths = torch.tensor([len(row) for row in history.shares], dtype=torch.int64)
    put(torch.tensor(history.rows, dtype=torch.float64), "history.rows", tensors)
    shares = np.concatenate([np.zeros(0, np.uint8), *history.shares])
    put(torch.from_numpy(shares), "history.shares", tensors)
    put(lengths, "history.lengths", tensors)
    said = {
        "kind": type(session).__name__,
        **{name: getattr(session, name) for name in SIMPLE},
        "last_losses": list(session.last_losses),
        "trouble": asdict(session.trouble) if session.trouble else None,
        "look": asdict(session.look) if isinstance(session, ClassSession) else None,
        "data": say_data(session, tensors),
        "history": {"stride": history.stride, "names": list(history.names)},
        "train_step": leg_of(session).train_step,
        "own_loss": "" if LOSSES.get(loss.name) is loss else loss.name,
        "course": say_course(session),
    }
    return {"gan": pack(session.gan, tensors), "lab": said}


def unpack_session(about: Mapping[str, Any], tensors: Tensors, file: str, own: Own) -> Session:
    """The session that `pack_session` was given.

    Args:
        about, tensors: what is in the file.
        file: its path or name, for messages.
        own: what the reader gives again.

    Raises:
        OSError: if there is no lab in the file, or it is damaged.
        ValueError: if something is missing that the reader has to give.
        ValueError, TypeError: if what is given does not fit.
    """
    said = part(about, "lab", file)
    try:
        missing, called = missing_of(said, own)
    except DAMAGE as error:
        raise damaged(file, error) from error
    if missing:
        raise not_given(file, missing, called)
    gan = unpack(about["gan"], tensors, Path(file).name, own.loss, own.device)
    try:
        kind, device = SESSIONS[said["kind"]], str(gan.rng.device)
        known = own.data if own.data is not None else take_data(said, tensors)
        history, course = take_history(said, kind, tensors), take_course(said, gan, own.loss)
        simple = {name: said[name] for name in SIMPLE}
    except DAMAGE as error:
        raise damaged(file, error) from error
    session = kind(
        gan.experiment, known, simple.pop("seed"), device, own.train_step, simple.pop("distance")
    )
    check_fit(session, gan, file)
    session.gan = gan
    session._start_here()
    session.history = history
    session.last_losses = tuple(said["last_losses"])
    session.trouble = Trouble(**said["trouble"]) if said["trouble"] else None
    session.map, session.phase, session.d_updates = (
        simple[name] for name in ("map", "phase", "d_updates")
    )
    if isinstance(session, ClassSession):
        session.ask(**asdict(Look(**said["look"])))
    if course is None:
        session.course = Course.from_here(session, given=True)
    else:
        *before, last = course.legs
        here = {"data": session.data, "world": session.world}
        legs = [
            replace(leg, **here) if leg.world and leg.world == last.world else leg for leg in before
        ]
        session.course = replace(course, legs=(*legs, replace(last, **here)))
    return session


def missing_of(said: Mapping[str, Any], own: Own) -> tuple[list[str], list[str]]:
    """What the reader has to give again, and what loss and step were called."""
    loss, step = said["own_loss"], said["train_step"]
    wanted = {
        "data": not said["world"] and said["data"] is None and own.data is None,
        "loss": bool(loss) and own.loss is None,
        "train_step": bool(step) and own.train_step is None,
    }
    return [name for name, needed in wanted.items() if needed], [n for n in (loss, step) if n]


def not_given(file: str, missing: list[str], called: list[str]) -> ValueError:
    """The error that says what to give again."""
    names = f" (called {' and '.join(map(repr, called))})" if called else ""
    call = f"Lab.load({Path(file).name!r}, {', '.join(f'{name}=…' for name in missing)})"
    return ValueError(
        f"{file} was made with {', '.join(missing)} of your own{names}, which a file does not "
        f"hold; give them again: {call}."
    )


def check_fit(session: Session, gan: Any, file: str) -> None:
    """Raise a ValueError if the GAN has been made for other data than the session has."""
    was, now = ([type(g), *(getattr(g, n, None) for n in SHAPES)] for g in (gan, session.gan))
    if was != now:
        made_for = {name: getattr(gan, name) for name in SHAPES if hasattr(gan, name)}
        words = ", ".join(f"{name} = {value}" for name, value in made_for.items())
        raise ValueError(
            f"{file}: its {type(gan).__name__} was made for data with {words}; these are others."
        )


# --- its parts ---------------------------------------------------------------------------------


def say_data(session: Session, tensors: Tensors) -> dict[str, Any] | None:
    """A mixture of the reader's own; None for data with a name, and for what the reader keeps."""
    data = session.data
    if session.world or not isinstance(data, Mixture):
        return None
    names = ("name", "means", "stds", "weights", "has_modes")
    return {name: put(getattr(data, name), f"data.{name}", tensors) for name in names}


def take_data(said: Mapping[str, Any], tensors: Tensors) -> Any:
    """The name of the data, or the mixture."""
    if said["data"] is None:
        return said["world"]
    return Mixture(**{k: take(value, tensors, "cpu") for k, value in said["data"].items()})


def take_history(said: Mapping[str, Any], kind: type[Session], tensors: Tensors) -> History:
    """The curves."""
    names, rows = said["history"]["names"], tensors["history.rows"].tolist()
    history = History(names=kind.curves)
    history.stride = int(said["history"]["stride"])
    for step, *values in rows:
        known = dict(zip(names, values, strict=True))
        history.rows.append((int(step), *(known.get(name, np.nan) for name in history.names)))
    shares = tensors["history.shares"].split(tensors["history.lengths"].tolist())
    history.shares = [row.numpy() for row in shares]
    return history


def say_course(session: Session) -> dict[str, Any] | None:
    """How it came to be where it is; None where a loss is in it that nobody could give again."""
    course, now = session.course, session.experiment.loss
    for leg in course.legs:
        loss = get_loss(leg.experiment.loss)
        if LOSSES.get(loss.name) is not loss and loss is not now:
            return None
    names = ("step", "world", "train_step")
    legs = [
        {n: getattr(leg, n) for n in names} | {"settings": say_settings(leg.experiment)}
        for leg in course.legs
    ]
    return {"legs": legs, "given": course.given, "apart": course.apart}


def take_course(said: Mapping[str, Any], gan: Any, loss: Any) -> Course | None:
    """The course that was told; `loss` is that of the reader's own."""
    if (course := said["course"]) is None:
        return None
    legs = []
    for leg in course["legs"]:
        settings = dict(leg.pop("settings"))
        own = loss if isinstance(settings["loss"], dict) else None
        legs.append(Leg(**leg, experiment=settings_from(gan.settings, settings, own)))
    return Course(tuple(legs), course["given"], course["apart"])
