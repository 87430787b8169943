"""Code as text: lines, what they import, and what they say of data, settings and steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from gan_helpers.datasets.points import WORLDS_1D, Mixture
from gan_helpers.lab.engine.choices import FEW, PICTURES, WORLDS
from gan_helpers.lab.engine.course import Leg
from gan_helpers.losses import LOSSES, get_loss
from gan_helpers.translation.tasks import TASKS, load_task

MOST_NUMBERS = 60  # of a mixture that is told in full
WIDTH = 88  # of a line


@dataclass
class Page:
    """Lines of code.

    Attributes:
        text: the words of the reader's language.
        lines: so far.
        imports: module -> names.
        notes: what the lines cannot say.
    """

    text: Mapping[str, str]
    lines: list[str] = field(default_factory=list)
    imports: dict[str, set[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def use(self, thing: Any) -> str:
        """The name of a function or class, which is imported."""
        self.imports.setdefault(thing.__module__, set()).add(thing.__name__)
        return str(thing.__name__)

    def note(self, key: str, **values: Any) -> None:
        """Say something in a comment, once."""
        if (sentence := self.text[key].format(**values)) not in self.notes:
            self.notes.append(sentence)

    def put(self, *lines: str, indent: int = 0) -> None:
        """More lines."""
        every = [part for line in lines for part in line.split("\n")]
        self.lines += [" " * indent + line for line in every]

    def as_text(self) -> str:
        """Imports, notes and lines."""
        froms = {
            module: f"from {module} import {', '.join(sorted(names))}"
            if names
            else f"import {module}"
            for module, names in sorted(self.imports.items())
        }
        ours = [line for module, line in froms.items() if module.startswith("gan_helpers")]
        others = [line for module, line in froms.items() if not module.startswith("gan_helpers")]
        notes = [f"# {note}" for note in self.notes]
        parts = (notes, others, ours, self.lines)
        return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def call(what: str, words: Iterable[str]) -> str:
    """A call in one line, or an argument on each."""
    words = list(words)
    line = f"{what}({', '.join(words)})"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{what}(", *(f"    {word}," for word in words), ")"])


def settings_word(page: Page, experiment: Any) -> str:
    """What makes this experiment: what differs from the defaults of its class."""
    e = experiment
    differ = [f.name for f in fields(e) if f.default is MISSING or getattr(e, f.name) != f.default]
    return call(page.use(type(e)), keywords(page, e, differ))


def keywords(page: Page, experiment: Any, names: Iterable[str]) -> list[str]:
    """Fields of an experiment, as arguments of a call."""
    return [f"{n}={value_word(page, n, getattr(experiment, n))}" for n in names]


def value_word(page: Page, name: str, value: Any) -> str:
    """A value of a field; a loss of the reader's own by its name."""
    if name != "loss":
        return plain_word(value)
    loss = get_loss(value)
    return (
        plain_word(loss.name)
        if LOSSES.get(loss.name) is loss
        else own_word(page, "loss", loss.name)
    )


def plain_word(value: Any) -> str:
    """A number, a word, or a tuple of them."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return f"({', '.join(map(plain_word, value))}{',' * (len(value) == 1)})"
    return repr(value)


def own_word(page: Page, what: str, name: str) -> str:
    """What is the reader's own, as a name; a comment says so. what: "loss", "step" or "data"."""
    word = name if name.isidentifier() else f"own_{what}"
    page.note(f"code_own_{what}", name=word)
    return word


def changed(before: Any, now: Any) -> list[str]:
    """The fields that differ between two experiments."""
    return [f.name for f in fields(now) if getattr(before, f.name) != getattr(now, f.name)]


def data_word(page: Page, leg: Leg) -> str:
    """What makes the data, without a lab."""
    if not leg.world:
        return mixture_word(page, leg.data)
    if leg.world in TASKS:
        return f"{page.use(load_task)}({plain_word(leg.world)})"
    return maker_word(page, leg.world, (WORLDS | WORLDS_1D | PICTURES | FEW)[leg.world])


def maker_word(page: Page, name: str, make: Callable[[], Any]) -> str:
    """The call that makes a world."""
    if isinstance(make, partial):
        words = [
            *map(plain_word, make.args),
            *(f"{k}={plain_word(v)}" for k, v in make.keywords.items()),
        ]
        return f"{page.use(make.func)}({', '.join(words)})"
    if make.__name__.isidentifier():
        return f"{page.use(make)}()"
    page.imports.setdefault(make.__module__, set()).add("WORLDS_1D")
    return f"WORLDS_1D[{plain_word(name)}]()"


def mixture_word(page: Page, data: Any) -> str:
    """A mixture of few numbers in full; other data of the reader's own as a name."""
    if not isinstance(data, Mixture) or data.means.numel() > MOST_NUMBERS:
        return own_word(page, "data", "data")
    page.imports.setdefault("torch", set())
    words = [plain_word(data.name), *map(tensor_word, (data.means, data.stds, data.weights))]
    more = [] if data.has_modes else ["has_modes=False"]
    return f"{page.use(Mixture)}({', '.join([*words, *more])})"


def tensor_word(x: Tensor) -> str:
    """A tensor of float32, in as few digits as tell each number."""
    numbers = np.array2string(
        x.cpu().numpy(), separator=", ", threshold=10**6, max_line_width=10**6, floatmode="unique"
    )
    return f"torch.tensor({' '.join(numbers.split())})"
