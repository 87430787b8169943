"""The line in which a lab says what it sees: which illness, by which numbers, and what may help."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as W

from gan_helpers.lab.engine.diagnosis import Finding
from gan_helpers.lab.hosts import on_colab

SHARES = ("good", "agreement", "chance", "rate", "most")  # numbers that are said in percent
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LINK = "color: var(--jp-content-link-color, #1565c0); font-weight: 400"
Variant = tuple[str, Mapping[str, Any]]  # its name, and the settings that differ


class Verdict:
    """A line of text and a button, without words while there is nothing to say.

    Args:
        text: the words of the reader's language.
        named: what a variant is called in this language.
        beside: called with the name and the settings of a remedy, to put it beside the untreated.
    """

    def __init__(
        self,
        text: Mapping[str, str],
        named: Callable[[str, Mapping[str, Any]], str],
        beside: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self.text, self.named = text, named
        self.line = W.HTML()
        self.button = W.Button(tooltip=text["try_beside_hint"], icon="columns")
        self.button.layout.width, self.button.layout.display = "auto", "none"
        self.button.on_click(lambda _: beside(*self.remedy) if self.remedy else None)
        # As high as the button from the start: the stage below it must not jump.
        row = W.Layout(flex_flow="row wrap", align_items="center", min_height="34px")
        self.box = W.Box([self.line, self.button], layout=row).add_class("gan-verdict")
        self.said: Finding | None = None
        self.remedy: Variant | None = None

    def show(self, found: Finding | None, remedy: Variant | None, anew: bool) -> None:
        """Say what was found.

        Args:
            found: None for nothing.
            remedy: what the button offers.
            anew: whether to say the numbers of now; else they stay while the name does, so that
                nobody has a line read out to him again and again.
        """
        if found is None or self.said is None or found.name != self.said.name or anew:
            self.said = found
            self.line.value = self._line(found) if found else ""
        self.remedy = remedy if found else None
        if self.remedy:
            name = self.named(*self.remedy)
            self.button.description = self.text["try_beside"].format(name=name)
        self.button.layout.display = None if self.remedy else "none"

    def _line(self, found: Finding) -> str:
        numbers = {name: in_words(value, name) for name, value in found.numbers.items()}
        words = html.escape(self.text[f"ill_{found.name}"].format(**numbers))
        name, section = found.place
        if name:
            at = f"{name}.ipynb#cell-id=section-{section.replace('.', '-')}"
            where = self.text["treated_in"].format(notebook=name.split("_")[0], section=section)
            where = html.escape(where)
            link = f"<a href='{at}' target='_blank' style='{LINK}'>{where}</a>"
            words += f" {where if on_colab() else link}"  # where no other notebook lies beside it
        style = "font-weight: 600" if found.ill else "opacity: .6"
        return f"<span role='status' aria-live='polite' style='{style}'>{words}</span>"


def in_words(value: Any, name: str = "") -> str:
    """A number as a line of text has it: 3, 0.25, 1.2×10⁻⁹; names joined by a plus."""
    if isinstance(value, tuple):
        return " + ".join(value)
    if name in SHARES:
        return f"{100 * value:.0f} %"
    if isinstance(value, float) and value and not 0.001 <= abs(value) < 10_000:
        digits, power = f"{value:.0e}".split("e")
        return f"{digits}×10{str(int(power)).translate(SUPERSCRIPT)}"
    return f"{value:.2g}" if isinstance(value, float) else str(value)
