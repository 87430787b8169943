"""Labs under stress: `uv run python tests/endurance.py [commands|controls|play|interrupts …]`.

    commands    20,000 random commands to engines of all kinds, sound and unsound ones
    controls    5,000 events on the controls of all kinds of labs, by both drivers
    play        30 minutes of play of each kind: memory and pictures per second
    interrupts  1,000 interrupts at random moments of `run`, and of play driven by the page

All of them unless some are named; `--share 0.01` does a hundredth of each, `--seed 1` others,
`--kind plane` plays one kind of lab only. Only ValueError and TypeError with words of ours may be
raised, each state can be gone on from, nothing is NaN without a trouble, no thread is left.
tests/test_endurance.py does a small share of it.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

os.environ["TQDM_DISABLE"] = "1"  # a thousand progress bars tell nobody anything

import torch
from ipywidgets import Accordion, Box, SelectionSlider, Widget
from traitlets import TraitError

import gan_helpers
from gan_helpers.conditional.training import Conditional
from gan_helpers.datasets.points import ring
from gan_helpers.datasets.scenes import draw_pairs
from gan_helpers.experiment import Experiment
from gan_helpers.lab import hosts
from gan_helpers.lab.driven import Driven
from gan_helpers.lab.engine.augmenting import AugmentedSession
from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.comparison import Comparison
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.engine.translating import TranslationSession
from gan_helpers.lab.view import Lab
from gan_helpers.losses import LOSSES
from gan_helpers.translation.tasks import Task
from gan_helpers.translation.training import Translation

SMALL = {"width": 8, "depth": 1, "batch_size": 8}
PICTURES = {"network": "conv", "width": 8, "batch_size": 8, "latent_dim": 8}
OURS = Path(gan_helpers.__file__).parent
AGAIN = 60  # commands to one engine before the next one

# --- engines -----------------------------------------------------------------------------------


def few_maps(paired: bool) -> Task:
    pairs = draw_pairs("maps", 16)
    return Task("few maps", pairs if paired else pairs.unpaired(), pairs)


def engines() -> dict[str, Callable[[], Any]]:
    """Small ones of each kind."""
    translation = Translation(width=4, batch_size=2)
    plain = lambda world: lambda: Session(Experiment(**SMALL), world)  # noqa: E731
    return {
        "plane": plain("ring"),
        "line": plain("two_gaussians_1d"),
        "pictures": lambda: Session(Experiment(**PICTURES), "digits"),
        "side by side": lambda: Comparison(plain("ring")(), {n: {"loss": n} for n in LOSSES}),
        "seeds": lambda: Comparison(plain("grid")(), {f"{k}": {"seed": k} for k in range(3)}),
        "classes": lambda: ClassSession(Conditional(condition="cgan", **SMALL), "ring"),
        "few": lambda: AugmentedSession(Experiment(**PICTURES), "digits_50"),
        "pix2pix": lambda: TranslationSession(translation, few_maps(True)),
    }


METHODS = ("step", "step", "half_step", "step_D", "step_G", "run", "change", "change", "change")
METHODS += ("reset", "rewind", "frame", "push_on_G", "fork", "ask")
ODD = (None, -1, 0, 1.5, float("nan"), float("inf"), "", "ring", [], {}, "cuda:9", 10**20, True)
GOOD: dict[str, tuple[Any, ...]] = {
    "loss": tuple(LOSSES),
    "lr_D": (1e-4, 1e-3, 1e-2, 0.5),
    "lr_G": (1e-4, 1e-3, 1e-2, 0.5),
    "d_steps": (1, 2, 5),
    "batch_size": (4, 8, 16),
    "width": (4, 8),
    "beta1": (0, 0.0, 0.5),
    "r1": (0, 0.1),
    "gradient_penalty": (0.0, 1.0),
    "spectral_norm": (False, True),
    "clip": (None, 0.01),
    "unroll": (0, 1),
    "pac": (1, 2),
    "network": ("mlp", "conv"),
    "condition": ("cgan", "acgan", "none"),
    "augment": ("none", "real", "both"),
    "ada": (0.0, 0.6),
    "l1": (0.0, 10.0),
    "data": ("ring", "spiral", "digits", "two_gaussians_1d", "digits_50", ring(5)),
    "seed": (1, 2),
}


def command(rng: random.Random) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """A method, and its arguments, one of four of which makes no sense."""
    method = rng.choice(METHODS)
    odd = rng.random() < 0.25
    if method in ("change", "fork"):
        names = rng.sample([*GOOD], rng.choice((0, 1, 1, 2)) if method == "fork" else 1)
        values = {name: rng.choice(ODD if odd else GOOD[name]) for name in names}
        return method, (), values if rng.random() < 0.95 else {**values, "no_such_thing": 1}
    if method == "ask":
        what = rng.choice(("digit", "to", "turn"))
        return method, (), {what: rng.choice(ODD if odd else (None, 1, 0.5))}
    if method in ("run", "reset", "rewind"):
        fine = {"run": (0, 1, 3), "reset": (None, 1, 2), "rewind": (0, 40, 10**6)}[method]
        return method, (rng.choice(ODD[:-3] if odd else fine),), {}
    return method, (), {}


def raised_by_us(error: BaseException) -> bool:
    """Whether words of ours say what was wrong."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return isinstance(error, (ValueError, TypeError)) and Path(frame.filename).is_relative_to(OURS)


def sound(engine: Any) -> bool:
    """No NaN without a trouble."""
    members = getattr(engine, "sessions", {"": engine}).values()
    weights = [p for s in members if not s.trouble for p in parameters(s.gan)]
    return all(bool(p.isfinite().all()) for p in weights)


def parameters(gan: Any) -> Iterator[torch.Tensor]:
    for part in vars(gan).values():
        if isinstance(part, torch.nn.Module):
            yield from part.parameters()


def commands(n: int, seed: int) -> Counter[str]:
    """Random commands to engines of each kind in turn; how each of them ended."""
    rng, seen = random.Random(seed), Counter[str]()
    make, engine = engines(), None
    for k in range(n):
        if k % AGAIN == 0:
            kind = [*make][k // AGAIN % len(make)]
            engine = make[kind]()
        method, arguments, keywords = command(rng)
        if not hasattr(engine, method):
            continue
        try:
            getattr(engine, method)(*arguments, **keywords)
            seen["done"] += 1
        except Exception as error:
            if not raised_by_us(error):
                raise AssertionError(f"{kind}.{method}(*{arguments}, **{keywords})") from error
            seen[type(error).__name__] += 1
        assert sound(engine), f"NaN after {kind}.{method}(*{arguments}, **{keywords})"
        if engine.trouble:
            seen["trouble"] += 1
            assert engine.trouble.what != "error", str(engine.trouble)
            engine.reset()
            engine.change(lr_D=1e-3, lr_G=1e-3)
    engine.reset()
    engine.run(1)
    return seen


# --- controls ----------------------------------------------------------------------------------


def labs(driver: str | None = None) -> dict[str, Callable[[], Driven]]:
    how: dict[str, Any] = {"driver": driver}
    few = few_maps(True)
    return {
        "plane": lambda: Lab("ring", remedies=True, **how, **SMALL),
        "line": lambda: Lab("two_gaussians_1d", **how, **SMALL),
        "critic": lambda: Lab("ring", loss="wasserstein", clip=0.1, **how, **SMALL),
        "pictures": lambda: Lab("digits", **how, **PICTURES),
        "classes": lambda: Lab("ring", condition="cgan", **how, **SMALL),
        "few": lambda: Lab("digits_50", compare="augment", **how, **PICTURES),
        "translation": lambda: Lab(few, experiment=Translation(width=4), **how),
    }


def controls_of(lab: Driven) -> list[Widget]:
    """All that the reader can touch."""
    found = {
        w.model_id: w for w in hosts.parts_of([lab.box]) if not isinstance(w, (Box, Accordion))
    }
    return [w for w in found.values() if hasattr(w, "click") or hasattr(w, "options")
            or type(getattr(w, "value", None)) in (bool, float)]  # fmt: skip


def touch(lab: Driven, widget: Widget, rng: random.Random) -> None:
    """What a reader's hand does to a control."""
    if hasattr(widget, "click"):
        widget.click()
    elif hasattr(widget, "options"):
        options = [o[1] if isinstance(o, tuple) else o for o in widget.options]
        large = {"digits_28", "fashion", "digits_5000", "landscapes", "animals", "sneakers"}
        allowed = [o for o in options if o not in large]
        if isinstance(widget, SelectionSlider):  # what takes long is no mistake
            allowed = [o for o in allowed if not (isinstance(o, int) and o > 128)] or options[:1]
        widget.value = rng.choice(allowed or options)
    elif isinstance(widget.value, bool):
        widget.value = not widget.value
    else:
        widget.value = rng.uniform(widget.min, widget.max)


def page_says(lab: Driven, rng: random.Random, asked: int) -> None:
    """A message of the page's, of both kinds of widgets."""
    next_one = {"type": "next", "view": "a", "asked": asked, "lost": False}
    lab._on_pulse_message(lab.pulse, next_one, [])
    if isinstance(lab, Lab):
        words = [{"type": "shown", "n": lab._sent}, {"type": "whole"},
                 {"type": "key", "action": rng.choice(("toggle", "step_D", "step_G", "reset"))},
                 {"type": "strokes", "strokes": rng.choice([[], [[[0, 0], [1, 1]]]])}]  # fmt: skip
        lab._on_stage_message(lab.stage, rng.choice(words), [])


def controls(n: int, seed: int) -> Counter[str]:
    """Random events on the controls of each kind of lab in turn; how many of which."""
    rng, seen = random.Random(seed), Counter[str]()
    todo = [(driver, kind) for driver in hosts.DRIVERS for kind in labs()]
    for driver, kind in todo:
        lab = labs(driver)[kind]()
        for k in range(max(n // len(todo), 1)):
            if rng.random() < 0.2:
                page_says(lab, rng, k)
            else:
                with suppress(TraitError):  # options have changed between look and touch
                    touch(lab, rng.choice(controls_of(lab)), rng)
            seen[f"{kind}, {driver}"] += 1
        calm(lab)
        trouble = lab.worker.session.trouble
        assert not trouble or trouble.what != "error", f"{kind}: {trouble}"
        lab.reset()
        lab.run(1)
        assert lab.worker.session.at == 1 or lab.worker.session.trouble, kind
        lab.close()
    assert threads() == []
    return seen


def calm(lab: Driven) -> None:
    lab.pause()
    end = time.monotonic() + 600
    while threads() and time.monotonic() < end:
        time.sleep(0.01)
    assert threads() == [], "a thread is left"


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "gan-lab"]


# --- hours of play -----------------------------------------------------------------------------


def megabytes() -> float:
    """What this process holds, without what only waits to be given back."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    statm = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(statm[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def play(minutes: float, kinds: Container[str] = ()) -> dict[str, tuple[float, float, float]]:
    """Of each kind, or these: MB grown since half-time, pictures a second before it and after."""
    seen = {}
    for kind, make in labs().items():
        if kinds and kind not in kinds:
            continue
        lab, halves = make(), []
        if isinstance(lab, Lab):  # so that moments come and go all the time
            lab.session.timeline.interval, lab.session.timeline.capacity = 1, 16
        watching = [True]
        reader = threading.Thread(target=acknowledge, args=(lab, watching))
        reader.start()
        lab.play()
        for _ in range(2):
            before, start, n = megabytes(), time.monotonic(), lab.pulse.state["n"]
            sent = getattr(lab, "_sent", n)
            time.sleep(30 * minutes)
            now = getattr(lab, "_sent", lab.pulse.state["n"])
            rate = (now - sent) / (time.monotonic() - start)
            halves.append((megabytes() - before, rate))
        watching.clear()
        reader.join()
        calm(lab)
        trouble = lab.worker.session.trouble
        assert not trouble, f"{kind}: {trouble}"
        lab.close()
        (_, early), (growth, late) = halves
        seen[kind] = growth, early, late
        print(f"{kind}: {growth:+.1f} MB, {early:.1f} and {late:.1f} pictures/s", flush=True)
    return seen


def acknowledge(lab: Driven, watching: list[bool]) -> None:
    """A page that has seen each picture."""
    while watching:
        if isinstance(lab, Lab):
            lab._on_stage_message(lab.stage, {"type": "shown", "n": lab._sent}, [])
        lab._on_pulse_message(lab.pulse, {"type": "got", "n": lab.pulse.state["n"]}, [])
        time.sleep(0.01)


# --- interrupts --------------------------------------------------------------------------------


@contextmanager
def interrupt_after(seconds: float) -> Iterator[None]:
    """Ctrl-C, at a moment that nobody knows."""
    timer = threading.Timer(seconds, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def interrupts(n: int, seed: int) -> Counter[str]:
    """Ctrl-C at random moments of training; nothing may be lost, and all goes on."""
    rng, seen = random.Random(seed), Counter[str]()
    hard = {"spectral_norm": True, "unroll": 2, "gradient_penalty": 1.0, "r1": 0.1}
    make = {
        "run": lambda: Lab("ring", **SMALL),
        "run with all remedies": lambda: Lab("ring", **hard, **SMALL),
        "run side by side": lambda: Lab("ring", compare="loss", **SMALL),
        "run of a translation": labs()["translation"],
        "page": lambda: Lab("ring", driver="page", **SMALL),
    }
    for kind, new in make.items():
        lab = new()
        for k in range(max(n // len(make), 1)):
            before = lab.worker.session.at
            try:
                with interrupt_after(rng.uniform(0.0, 0.05)):
                    if kind == "page":
                        lab.play()
                        for asked in range(10**6):
                            page_asks(lab, asked)
                            if not lab.worker.playing:
                                raise KeyboardInterrupt
                    lab.run(10**6)
            except KeyboardInterrupt:
                seen[kind] += 1
            session = lab.worker.session
            assert session.at >= before and sound(session) and not session.trouble, kind
            if k % 10 == 0:
                lab.run(2)
                assert not session.trouble and session.at >= before + 2, (
                    f"{kind}: {session.trouble}"
                )
        lab.close()
    assert threads() == []
    return seen


def page_asks(lab: Driven, asked: int) -> None:
    content = {"type": "next", "view": "a", "asked": asked, "lost": False}
    lab._on_pulse_message(lab.pulse, content, [])


# --- the command line --------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description="Labs under stress.")
    parser.add_argument("part", nargs="*", help="commands, controls, play, interrupts")
    parser.add_argument("--share", type=float, default=1.0, help="of what would be done, 0 to 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", action="append", choices=labs(), help="of lab to play, only it")
    options = parser.parse_args()
    parts: dict[str, Callable[[], object]] = {
        "commands": lambda: commands(round(20_000 * options.share), options.seed),
        "controls": lambda: controls(round(5_000 * options.share), options.seed),
        "play": lambda: play(30 * options.share, options.kind or ()),
        "interrupts": lambda: interrupts(round(1_000 * options.share), options.seed),
    }
    if unknown := set(options.part) - set(parts):
        parser.error(f"there is no {', '.join(unknown)}; choose from {', '.join(parts)}")
    for name in options.part or parts:
        start, before = time.monotonic(), megabytes()
        seen = parts[name]()
        seconds, growth = time.monotonic() - start, megabytes() - before
        print(f"{name}: {seen} in {seconds:.0f} s, {growth:+.0f} MB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
