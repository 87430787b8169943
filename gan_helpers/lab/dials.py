"""A figure to play with: it is drawn anew whenever one of its numbers changes."""

from __future__ import annotations

import html
import io
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import ipywidgets as W
import traitlets
from matplotlib.figure import Figure

from gan_helpers.checks import brief, check_callable, check_choice
from gan_helpers.lab.hosts import bundle
from gan_helpers.lab.in_cell import InCell
from gan_helpers.lab.stage import bundled

TEXT = {
    "en": {
        "failed": "draw raised {error}",
        "picture": "figure for {dials}",
        "play": "Play",
        "pause": "Pause",
        "stop": "Back to the start",
        "repeat": "Repeat",
    },
    "ja": {
        "failed": "drawの中でエラーが起きました：{error}",
        "picture": "{dials}のときの図",
        "play": "再生",
        "pause": "一時停止",
        "stop": "先頭に戻す",
        "repeat": "繰り返す",
    },
}
BEAT = 150  # milliseconds from value to value, where a button plays them


class Names(anywidget.AnyWidget):
    """Nothing to be seen: it gives the widgets beside it the names that they leave out."""

    _esm = bundled("naming", "dials")

    words = traitlets.Dict().tag(sync=True)  # what the buttons that play are called
    picture = traitlets.Unicode("").tag(sync=True)  # what the figure shows, in words


class Dials(InCell):
    """A figure with a slider for each of its numbers.

    Show it by making it the last expression of a cell.

    Args:
        draw: takes a number for each slider, by its name, and returns a matplotlib `Figure`.
        lang: language of messages, "ja" or "en".
        play: the slider that a play button moves, from its first value to its last and so on; it
            begins with the last. By default there is none.
        **dials: name -> the values that it offers; it begins with the first.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """

    def __init__(
        self,
        draw: Callable[..., Figure],
        lang: str = "en",
        play: str | None = None,
        **dials: Sequence[Any],
    ) -> None:
        self.text = TEXT[check_choice("lang", lang, TEXT)]
        self.draw = check_callable("draw", draw, "a function that returns a figure")
        if not dials:
            raise TypeError("dials: give at least one, e.g. rate=(0.1, 0.2).")
        for name, values in dials.items():
            if isinstance(values, str) or not isinstance(values, Sequence) or len(values) < 2:
                raise TypeError(f"{name} = {brief(values)} has to be a list of two values or more.")
        self._busy = threading.Lock()  # ipykernel 7 has a thread for callbacks
        self.values = dials
        self.sliders = {
            name: W.SelectionSlider(
                options=[(say(value), k) for k, value in enumerate(values)], description=name
            )
            for name, values in dials.items()
        }
        as_drawn = W.Layout(align_self="flex-start", max_width="100%")  # not as wide as the page
        self.picture, self.message = W.Image(format="png", layout=as_drawn), W.HTML()
        self.names = Names(words=self.text)
        row: list[W.Widget] = list(self.sliders.values())
        if play is not None:
            slider = self.sliders[check_choice("play", play, self.sliders)]
            slider.index = last = len(dials[play]) - 1
            self.button = W.Play(max=last, value=last, interval=BEAT)
            # ipywidgets 7 has another name for it.
            repeat = "repeat" if self.button.has_trait("repeat") else "_repeat"
            setattr(self.button, repeat, True)
            self.link = W.jslink((self.button, "value"), (slider, "index"))  # closed with the rest
            row.insert(list(self.sliders).index(play), self.button)
        wrap = W.Layout(flex_flow="row wrap")
        self.box = W.VBox([W.Box(row, layout=wrap), self.picture, self.message, self.names])
        self.box.add_class("gan-dials")
        for slider in self.sliders.values():
            slider.observe(self._turned, "value")
        self._turned()
        self._settle_in_cell()

    def _turned(self, change: object = None) -> None:
        """Draw what the sliders say now."""
        with self._busy:
            try:
                numbers = {name: self.values[name][s.index] for name, s in self.sliders.items()}
                figure = self.draw(**numbers)
                picture = as_png(figure)
            except Exception as error:  # the reader's own code may raise anything
                words = self.text["failed"].format(error=f"{type(error).__name__}: {error}")
                self.message.value = f"<span role='status'>{html.escape(words)}</span>"
                return
            self.picture.value, self.message.value = picture, ""
            self.names.picture = self._in_words(figure)

    def _in_words(self, figure: Figure) -> str:
        """The numbers of a figure, and its titles, as they can be read out."""
        dials = ", ".join(f"{name} = {s.label}" for name, s in self.sliders.items())
        titles = [re.sub(r"[$\\{}]", "", title) for ax in figure.axes if (title := ax.get_title())]
        return ": ".join([self.text["picture"].format(dials=dials), *titles])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget, and its picture for front-ends that cannot run it."""
        return bundle(self.box, **{"image/png": bytes(self.picture.value)})


def say(value: object) -> str:
    """A value, as it stands beside its slider."""
    return "off" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def as_png(figure: object) -> bytes:
    """The picture of a figure."""
    if not isinstance(figure, Figure):
        raise TypeError(f"draw returned {brief(figure)}; it has to be a matplotlib Figure.")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return file.getvalue()
