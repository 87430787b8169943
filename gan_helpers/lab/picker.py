"""The controls by which the reader asks a conditional GAN for a class, for another z, for a way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as W

from gan_helpers.lab.engine.classes import Look
from gan_helpers.lab.hosts import hint

ALL = -1  # in place of None, which a widget takes for "nothing chosen"


class Picker:
    """A row of controls: which class, the way to another one, and a turn of z.

    Args:
        text: the words of the lab.
        ask: told what the reader wants, as fields of `Look`.
    """

    def __init__(self, text: dict[str, str], ask: Callable[..., None]) -> None:
        self.text, self.ask = text, ask
        self._showing_thread = 0  # whose changes are not the reader's
        self.digit = W.ToggleButtons(
            options=[("0", 0)], description=text["pick_class"], style={"button_width": "auto"}
        )
        self.to = W.Dropdown(options=[("–", ALL)], description=text["pick_to"])
        self.to.layout.width = "16em"
        self.turn = W.FloatSlider(
            min=0.0,
            max=1.0,
            step=0.01,
            readout=False,
            description=text["pick_z"],
            **hint(text["pick_z_hint"]),
        )
        self.digit.observe(lambda change: self._ask(digit=change["new"]), "value")
        self.to.observe(lambda change: self._ask(to=change["new"]), "value")
        self.turn.observe(lambda change: self._ask(turn=change["new"]), "value")
        wrap = W.Layout(flex_flow="row wrap", align_items="center")
        self.box = W.Box([self.digit, self.to, self.turn], layout=wrap)

    def _ask(self, **look: Any) -> None:
        if threading.get_ident() != self._showing_thread:
            self.ask(**{name: None if value == ALL else value for name, value in look.items()})

    def show(self, look: Look, names: Sequence[str], all_at_once: bool) -> None:
        """Bring the controls in line with what is shown; this asks for nothing.

        names: of the classes. all_at_once: whether all of them can be looked at side by side.
        """
        classes = [(name, k) for k, name in enumerate(names)]
        every = [(self.text["pick_all"], ALL)] if all_at_once else []
        self._showing_thread = threading.get_ident()
        try:
            for widget, options in (
                (self.digit, [*every, *classes]),
                (self.to, [("–", ALL), *classes]),
            ):
                if list(widget.options) != options:
                    widget.options = options
            first = ALL if all_at_once else 0
            self.digit.value = first if look.digit is None else look.digit
            self.to.value = ALL if look.to is None else look.to
            self.to.layout.display = None if all_at_once and look.digit is not None else "none"
            self.turn.value = look.turn
        finally:
            self._showing_thread = 0
