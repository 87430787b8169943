"""The controls around the stage: made from tables, they only leave commands for the worker.

What they show follows the session's state.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ipywidgets as W

from gan_helpers.augmentation.training import WAYS
from gan_helpers.augmentation.transforms import GREY, TRANSFORMS
from gan_helpers.conditional.training import DISCRIMINATORS
from gan_helpers.datasets.points import WORLDS, WORLDS_1D
from gan_helpers.lab.activity import Activity
from gan_helpers.lab.driven import Driven
from gan_helpers.lab.engine.augmenting import AugmentedSession
from gan_helpers.lab.engine.choices import PICTURES
from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.controls import CONTROLS, compared_of
from gan_helpers.lab.engine.look import MAPS
from gan_helpers.lab.engine.modes import AUGMENTED, CLASSES, PLAIN, Mode
from gan_helpers.lab.engine.worker import MAX_PER_SECOND
from gan_helpers.lab.hosts import folded, hint
from gan_helpers.lab.picker import Picker
from gan_helpers.lab.stage import Stage
from gan_helpers.lab.verdict import Verdict
from gan_helpers.losses import LOSSES, get_loss
from gan_helpers.remedies import REMEDIES

RATES = (1, 10, 100, 1000)
OWN = "own"
LEADS = (0, 10, 30, 100, 300, 1000, 3000)  # updates that D can be ahead


class Console(Driven):
    """A lab's controls. Whoever has them says what is done when one is touched."""

    mode: Mode
    stage: Stage
    comparison: Any  # what the session has split into, or None
    shown: Any  # the one of both that is seen
    compared: str  # what stands side by side, "one" for nothing
    rows: dict[str, list[str]]  # heading -> the settings below it
    unfolded: str | None  # which of them is open from the start
    with_remedies: bool
    diagnosis: bool  # whether the lab says what it sees
    treated: dict[str, dict[str, Any]]  # remedy -> what it has replaced
    wanted_lead = 0  # updates that D shall be ahead of a G that stands still
    _unled: Any  # the GAN before them

    @property
    def world(self) -> str:
        """What the data are called."""
        return self.session.world or OWN

    def _ask(self, look: dict[str, Any]) -> None:
        """Let the GAN make what the reader asks for."""
        raise NotImplementedError

    def _compare(self, what: str | Mapping[str, Mapping[str, Any]]) -> None:
        """Split into several."""
        raise NotImplementedError

    def _variant(self, name: str, settings: Mapping[str, Any]) -> str:
        """What a variant is called in the reader's language."""
        raise NotImplementedError

    def _show_map(self, name: str) -> None:
        """Let the colours mean something else."""
        raise NotImplementedError

    def _treat(self, name: str, on: bool) -> None:
        """Apply a remedy, or take it off."""
        raise NotImplementedError

    def _run_ahead(self, lead: int) -> None:
        """Bring D ahead of G."""
        raise NotImplementedError

    def _add_tools(self) -> None:
        """Put what leads out of the lab into its row."""

    def _give(self, suffix: str, content: bytes, step: int) -> str:
        """Let the page save a file of that kind; its name."""
        name = f"{self.world}-{step}.{suffix}"
        self.stage.send({"type": "download", "name": name}, [content])
        return name

    def _rewind(self, step: int) -> None:
        """Go back."""
        raise NotImplementedError

    # --- made once -----------------------------------------------------------------------------

    def _build_controls(self) -> None:
        t, button = self.text, self._button
        self.play_button = button("play", self._toggle, icon="play", button_style="primary")
        self.buttons = {
            name: button(name, partial(self._act, name), t[f"{name}_hint"])
            for name in ("step", "step_D", "step_G", "reset", "new_seed")
        }
        rates = [(t[f"rate_{rate}"], float(rate)) for rate in RATES]
        self.rate = W.Dropdown(options=rates, value=MAX_PER_SECOND, description=t["rate"])
        self.rate.observe(lambda change: setattr(self.worker, "rate", change["new"]), "value")
        worlds = (*WORLDS, *PICTURES) if self.session.kind != "1d" else tuple(WORLDS_1D)
        worlds = self.mode.worlds or worlds
        own = [(t["own_data"], OWN)]
        self.data = W.Dropdown(
            options=[(t.get(name, name.replace("_", " ")), name) for name in worlds] + own,
            value=self.world if self.world in worlds else OWN,
            description=t["data"],
        )
        self.data.observe(self._on_data, "value")
        self.draw_button = W.ToggleButton(
            description=t["draw"], tooltip=t["draw_hint"], icon="pencil"
        )
        no_drawing = self.mode is not PLAIN or self.session.kind == "1d"
        self.draw_button.layout.display = "none" if no_drawing else None
        self._link_drawing()
        loss_names = [(t.get(name, name.replace("_", " ")), name) for name in LOSSES]
        self.loss = W.Dropdown(
            options=[*loss_names, (t["own_loss"], OWN)], value=self._loss(), description=t["loss"]
        )
        self.loss.observe(self._on_loss, "value")
        self.compare_with = W.Dropdown(
            options=self._comparisons(),
            value="one",
            description=t["compare"],
            **hint(t["compare_hint"]),
            style={"description_width": "initial"},
        )
        self.compare_with.observe(self._on_compare, "value")
        self.map = W.Dropdown(
            options=[(t[f"map_{name}"], name) for name in MAPS],
            description=t["map"],
            **hint(t["map_hint"]),
        )
        self.map.observe(self._on_map, "value")
        self.more: list[W.Widget] = []  # what only this mode has, in a row of its own
        self.tools: list[W.Widget] = []  # what leads out of the lab: files, code, pictures
        self._add_tools()
        if self.mode is PLAIN and self.session.kind == "2d":
            self.tools.append(self._tour_button())
        if self.mode is CLASSES:
            self._build_class_controls()
        elif self.mode is AUGMENTED:
            self._build_augmentation_controls()
        self.remedies = {
            name: W.ToggleButton(description=t[f"remedy_{name}"], tooltip=t[f"{name}_hint"])
            for name, settings in REMEDIES.items()
            if name != "pac" and self.session.can(**settings)  # that needs new networks
        }
        for name, button_ in self.remedies.items():
            button_.layout.width = "auto"
            button_.observe(partial(self._on_remedy, name), "value")
        self.lead_slider = W.SelectionSlider(
            options=LEADS,
            description=t["lead"],
            **hint(t["lead_hint"]),
            continuous_update=False,
            style={"description_width": "initial"},
        )
        self.lead_slider.layout.width = "29em"
        self.lead_slider.observe(self._on_lead, "value")
        offered = [name for row in self.rows.values() for name in row]
        self.settings = {name: self._setting(name) for name in offered}
        self.time = W.SelectionSlider(
            options=(0,), description=t["time"], continuous_update=False, **hint(t["time_hint"])
        )
        self.time.layout.width = "98%"
        self.time.observe(self._on_time, "value")
        self.message, self.activity = W.HTML(), Activity(t)
        self._say("ready")
        self.verdict = Verdict(t, self._variant, self._beside)
        self.verdict.box.layout.display = None if self.diagnosis else "none"
        self.box = self._arrange()

    def _build_class_controls(self) -> None:
        t = self.text
        self.condition = W.Dropdown(
            options=[(t[name], name) for name in DISCRIMINATORS],
            description=t["condition"],
            **hint(t["condition_hint"]),
        )
        self.condition.observe(
            lambda change: self._post_change({"condition": change["new"]}), "value"
        )
        self.picker = Picker(t, lambda **look: self.worker.post(lambda: self._ask(look)))
        self.more = [self.picker.box]

    def _build_augmentation_controls(self) -> None:
        t = self.text
        self.augment = W.Dropdown(
            options=[(t[f"augment_{name}"], name) for name in WAYS],
            description=t["augment"],
            **hint(t["augment_hint"]),
        )
        self.augment.observe(lambda change: self._post_change({"augment": change["new"]}), "value")
        self.transforms = {
            name: W.ToggleButton(description=t[f"transform_{name}"], tooltip=t["transforms_hint"])
            for name in TRANSFORMS
        }
        for button in self.transforms.values():
            button.layout.width = "auto"
            button.observe(lambda _: self._on_transforms(), "value")
        wrap = W.Layout(flex_flow="row wrap", align_items="center")
        words = W.Label(t["transforms"])
        self.more = [W.Box([self.augment, words, *self.transforms.values()], layout=wrap)]

    def _link_drawing(self) -> None:
        """Let the stage be drawn on while the button is down."""
        self._drawing = W.link((self.draw_button, "value"), (self.stage, "drawing"))

    def _comparisons(self) -> list[tuple[str, str]]:
        """What can stand side by side, as options."""
        compared = ("one", *compared_of(self.mode.settings, self.session.absent), OWN)
        return [(self.text[f"compare_{name}"], name) for name in compared]

    def _button(self, name: str, act: Callable[[], None], hint: str = "", **look: Any) -> W.Button:
        button = W.Button(description=self.text[name], tooltip=hint, **look)
        button.layout.width = "auto"
        button.on_click(lambda _: act())
        return button

    def _tour_button(self) -> W.Button:
        """The page knows it by its class and starts the tour: no kernel has to answer."""
        button = self._button("tour", lambda: None, self.text["tour_hint"], icon="map-signs")
        return button.add_class("gan-at-tour")

    def _setting(self, name: str) -> W.Widget:
        row, value, look = CONTROLS[name], self._shown_value(name), {"description": self.text[name]}
        widget: W.Widget
        if row.options:
            options = [(self._number(v), v) for v in nearby(row.options, value)]
            widget = W.SelectionSlider(options=options, value=value, **look)
        else:
            widget = W.Checkbox(value=value, indent=False, **look)
        widget.style.description_width, widget.layout.width = "18em", "36em"

        def post(change: dict[str, Any]) -> None:
            off = row.off if row.options else False
            self._post_change({name: change["new"] or off})

        widget.observe(post, "value")
        return widget

    def _shown_value(self, name: str) -> Any:
        value = getattr(self.session.experiment, name)
        return 0.0 if value is None else value

    def _number(self, value: float) -> str:
        return f"{value:g}" if value else self.text["off"]

    def _arrange(self) -> W.VBox:
        wrap = W.Layout(flex_flow="row wrap", align_items="center")
        buttons = W.Box([self.play_button, *self.buttons.values(), self.rate], layout=wrap)
        kind = [self.condition] if self.mode is CLASSES else []
        choices = [self.data, self.draw_button, *kind, self.loss, self.compare_with, self.map]
        choices = W.Box(choices, layout=wrap)
        shown = W.Layout(flex_flow="row wrap", display=None if self.with_remedies else "none")
        cures = W.Box([W.Label(self.text["cures"]), *self.remedies.values()], layout=shown)
        rows = {row: [self.settings[name] for name in names] for row, names in self.rows.items()}
        rows["basics"].append(self.lead_slider)
        opened = None if self.unfolded is None else list(rows).index(self.unfolded)
        groups = folded({self.text[row]: widgets for row, widgets in rows.items()}, wrap, opened)
        lines = W.Layout(flex_flow="row wrap", align_items="baseline")
        said = W.Box([self.activity.line, self.message], layout=lines)
        self.message.layout.flex = "1 1 16em"  # a longer one has more lines, beside the activity
        top = [W.Box([buttons, choices], layout=wrap), cures, *self.more, said]
        top += [self.verdict.box, self.pulse]
        tools = [W.Box(self.tools, layout=wrap)] if self.tools else []
        for aside in (self.buttons["new_seed"], self.rate, self.data, self.draw_button, self.time):
            aside.add_class("gan-aside")  # not seen in full screen, unless it is asked for
        for aside in (groups, *tools):
            aside.add_class("gan-aside")
        pointed = {"play": self.play_button, "loss": self.loss, "draw": self.draw_button}
        for name, part in {**self.buttons, **pointed, "time": self.time}.items():
            part.add_class(f"gan-at-{name}")  # by which the tour finds them
        box = W.VBox([*top, self.stage, self.time, groups, *tools])
        return box.add_class("gan-lab")

    # --- what a touched control does: it leaves a command --------------------------------------

    def _act(self, name: str) -> None:
        def command() -> None:
            self.worker.playing = self.worker.playing and name in ("reset", "new_seed")
            if name == "new_seed":
                self.shown.reset(self.shown.seed + 1)
            else:
                getattr(self.shown, name)()
            self._say("ready") if name in ("reset", "new_seed") else None

        self.worker.post(command)

    def _post_change(self, settings: dict[str, Any]) -> None:
        if not self._syncing:
            self.worker.post(lambda: self._apply(settings))

    def _on_transforms(self) -> None:
        on = [name for name, button in self.transforms.items() if button.value]
        others = [n for n in self.session.experiment.transforms if n not in self.transforms]
        self._post_change({"transforms": (*on, *others)})

    def _on_loss(self, change: dict[str, Any]) -> None:
        if change["new"] != OWN:
            self._post_change({"loss": change["new"]})

    def _on_data(self, change: dict[str, Any]) -> None:
        if change["new"] != OWN:
            self._post_change({"data": change["new"]})

    def _on_time(self, change: dict[str, Any]) -> None:
        step = change["new"]
        if not self._syncing and step != self.time.options[-1]:
            self.worker.post(lambda: self._rewind(step))

    def _on_compare(self, change: dict[str, Any]) -> None:
        what = change["new"]
        if not self._syncing and what != OWN:
            self.worker.post(lambda: self._compare(what))

    def _on_map(self, change: dict[str, Any]) -> None:
        if not self._syncing:
            self.worker.post(lambda: self._show_map(change["new"]))

    def _on_remedy(self, name: str, change: dict[str, Any]) -> None:
        if not self._syncing:
            self.worker.post(lambda: self._treat(name, change["new"]))

    def _beside(self, name: str, settings: Mapping[str, Any]) -> None:
        """What the verdict offers: the GAN as it is, and beside it with a remedy."""
        self.worker.post(lambda: self._compare({"untreated": {}, name: settings}))

    def _in_force(self, name: str) -> bool:
        """Whether a remedy would change nothing, as its settings are in use already."""
        e = self.session.experiment
        return all(getattr(e, field) == value for field, value in REMEDIES[name].items())

    def _on_lead(self, change: dict[str, Any]) -> None:
        if not self._syncing:
            self.wanted_lead = change["new"]
            self.worker.post(lambda: self._run_ahead(change["new"]))

    # --- what is shown follows the session -----------------------------------------------------

    def _sync_controls(self, timeline: Any) -> None:
        playing = self.worker.playing
        self._syncing_thread = threading.get_ident()
        try:
            self.play_button.description = self.text["pause" if playing else "play"]
            self.play_button.icon = "pause" if playing else "play"
            if self.worker.settled:
                self._sync_settings()
            if self.worker.inbox.empty():
                still = self._unled is not None and self._unled.step == self.session.at
                self.lead_slider.value = self.wanted_lead if still else 0
            self.time.readout = not playing  # it moves only when it is paused
            if not playing and self.worker.inbox.empty():
                steps = sorted({*(int(s) for s in timeline), self.shown.at})
                if list(self.time.options) != steps:
                    self.time.options = steps
                self.time.value = self.shown.at
            self.time.disabled = playing
        finally:
            self._syncing_thread = 0

    def _sync_settings(self) -> None:
        """Bring in line what commands alone can change."""
        self.loss.value = self._loss()
        self.data.value = self.world if self.world in dict(self.data.options).values() else OWN
        self._offer_comparisons()
        if isinstance(self.session, ClassSession):
            self.condition.value = self.session.experiment.condition
            self.picker.show(self.session.look, self._classes(), self.session.kind == "images")
        if isinstance(self.session, AugmentedSession):
            self.augment.value = self.session.experiment.augment
            for name, button in self.transforms.items():
                button.value = name in self.session.experiment.transforms
                acts = name in GREY or self.session.data.event_shape[0] == 3
                button.layout.display = None if acts else "none"
        steep = self.session.measures_distance and self.session.kind == "2d"
        self.map.layout.display = None if steep else "none"
        self.map.value = self.session.map
        for name, button in self.remedies.items():
            button.value = name in self.treated
            button.icon = "check" if self._in_force(name) else ""
            button.disabled = self.comparison is not None
        self.lead_slider.disabled = self.comparison is not None
        for name, widget in self.settings.items():
            value = self._shown_value(name)
            widget.disabled = name in self.session.experiment.idle
            widget.layout.display = "none" if name in self.session.absent else None
            if widget.value != value:
                if isinstance(widget, W.SelectionSlider):
                    options = nearby([v for _, v in widget.options], value)
                    widget.options = [(self._number(v), v) for v in options]
                widget.value = value

    def _say_what_it_has(self) -> None:
        """Bring the verdict in line; side by side, and beside the remedies, nothing is offered."""
        found = None if self.comparison or not self.diagnosis else self.session.watch.said
        offered = None
        if found and not self.with_remedies:
            offered = next(filter(self._would_change, found.remedies.items()), None)
        self.verdict.show(found, offered, anew=not self.worker.playing)

    def _would_change(self, remedy: tuple[str, Mapping[str, Any]]) -> bool:
        """Whether a remedy is possible here, and not in force."""
        e, (_, settings) = self.session.experiment, remedy
        new = any(getattr(e, name, value) != value for name, value in settings.items())
        return new and self.session.can(**settings)

    def _offer_comparisons(self) -> None:
        options = self._comparisons()
        if list(self.compare_with.options) != options:
            self.compare_with.options = options
        self.compare_with.value = self.compared

    def _classes(self) -> list[str]:
        """What the classes are called."""
        data = self.session.data
        named = getattr(data, "dataset", "")  # some sets have words for theirs
        own = dict(enumerate(getattr(data, "classes", ())))
        names = [self.text.get(f"{named}_class_{k}", own.get(k, "")) for k in range(data.n_classes)]
        return [f"{k} {name}".strip() for k, name in enumerate(names)]

    def _loss(self) -> str:
        loss = get_loss(self.session.experiment.loss)
        return loss.name if LOSSES.get(loss.name) is loss else OWN

    def _word(self, name: Any, of: str = "") -> str:
        """A setting, or a value of one, in the reader's language where there is a word for it."""
        if isinstance(name, tuple):
            return " + ".join(self.text[f"transform_{one}"] for one in name) or self.text["off"]
        name = getattr(name, "name", getattr(name, "__name__", name))
        plain = f"{name:g}" if isinstance(name, float) else str(name)
        return self.text.get(f"{of}_{name}", self.text.get(name, plain))


def nearby(options: Any, value: Any) -> list[Any]:
    """The options of a slider, with the present value among them."""
    if value in options:
        return list(options)
    return sorted([*options, value])
