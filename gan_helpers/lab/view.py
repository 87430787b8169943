"""The lab as the reader sees it: the stage, the controls around it, and the worker behind them.

The controls only leave commands for the worker; what they show follows the session's state.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import NoneType
from typing import Any

import ipywidgets as W

from gan_helpers import training
from gan_helpers.augment import GREY
from gan_helpers.augmented import WAYS
from gan_helpers.checks import check_bool, check_choice
from gan_helpers.conditional import DISCRIMINATORS, ConditionalGAN
from gan_helpers.distributions import WORLDS, WORLDS_1D, from_drawing
from gan_helpers.lab.augmenting import AugmentedSession
from gan_helpers.lab.choices import PICTURES, as_data
from gan_helpers.lab.classes import ClassSession
from gan_helpers.lab.comparison import Comparison, variants_of
from gan_helpers.lab.controls import CONTROLS, compared_of, groups_of
from gan_helpers.lab.driven import Driven
from gan_helpers.lab.hosts import bundle, folded, hint
from gan_helpers.lab.labels import labels
from gan_helpers.lab.look import MAPS, Detail
from gan_helpers.lab.modes import AUGMENTED, CLASSES, PLAIN, mode_of
from gan_helpers.lab.picker import Picker
from gan_helpers.lab.record import Timeline, TrainStep, Trouble
from gan_helpers.lab.stage import FrameStream, Stage
from gan_helpers.lab.worker import MAX_PER_SECOND
from gan_helpers.losses import LOSSES, get_loss, reversed_losses
from gan_helpers.remedies import REMEDIES
from gan_helpers.training import Experiment

RATES = (1, 10, 100, 1000)
OWN = "own"
ACK_EVERY = 4  # frames: answering each one costs the browser half of its frames per second
IN_FLIGHT = 2 * ACK_EVERY  # frames sent and not yet drawn; more would pile up in a slow browser
ABANDONED = 180.0  # seconds of silence after which nobody looks (a hidden page answers each minute)
PATIENCE = 0.5  # seconds to wait for a browser that does not answer
LEADS = (0, 10, 30, 100, 300, 1000, 3000)  # updates that D can be ahead
CHUNK = 25  # updates of D between two pictures while it runs ahead


class Lab(Driven):
    """A GAN that trains before your eyes.

    Show it by making it the last expression of a cell. Running the cell again ends the old lab.

    Args:
        data: a world's name ("ring", "grid", "spiral", "moons", "two_gaussians", "digits", …), or
            a `Mixture` or `Images` of your own. With few pictures ("digits_50", "digits_100",
            "digits_500", "digits_5000", "shoes_99", "shoes_501", or at most 5,000 of your own) the
            lab offers augmentation.
        lang: language of the controls, "ja" or "en".
        seed: the same seed gives the same training.
        device: where to train; None measures what is quickest.
        experiment: all settings at once; by default what suits the data.
        train_step: your own step, `(gan, data) -> (loss_D, loss_G)`.
        compare: what stands side by side from the start: "loss", "remedy", "seed", "lr_D", …, or
            the variants themselves, name -> settings that differ.
        remedies: whether there is a button for each remedy of section 12.4.2.
        distance: whether to measure the Wasserstein distance and to look inside of the critic; by
            default where the loss is (12.29).
        unfold: which group of settings is open, "basics", "remedies", "classes" or
            "augmentation"; none by default.
        gan: a conditional GAN to begin with, e.g. one that comes with the notebooks.
        driver: "thread" of the kernel's, or "page" where the page asks for each picture; by default
            what works where the notebook is open. The numbers are the same.
        **settings: single fields of the experiment, e.g. `loss="saturating"`; with a `condition`
            ("cgan", "acgan", "projection") the lab is in class mode, with a field of `Augmented`,
            e.g. `augment="both"`, it offers augmentation.

    Raises:
        ValueError, TypeError: if a setting is unknown or out of range.
    """

    def __init__(
        self,
        data: Any = "ring",
        *,
        lang: str = "en",
        seed: int = 0,
        device: str | None = None,
        experiment: Experiment | None = None,
        train_step: TrainStep | None = None,
        compare: str | Mapping[str, Mapping[str, Any]] | None = None,
        remedies: bool = False,
        distance: bool | None = None,
        unfold: str | None = None,
        gan: ConditionalGAN | None = None,
        driver: str | None = None,
        **settings: Any,
    ) -> None:
        self.text = labels(lang)
        chosen = as_data(data)
        check_kind("experiment", experiment, Experiment, NoneType)
        check_kind("gan", gan, ConditionalGAN, NoneType)
        check_kind("compare", compare, str, Mapping, NoneType)
        check_bool("remedies", remedies)
        base = gan.experiment if gan is not None and experiment is None else experiment
        self.mode = mode_of(chosen, base, settings)
        self.mode.session.shape_of(chosen)  # raises where it cannot use these data
        full = self.mode.experiment(chosen, base, settings)
        self.seconds_per_step: dict[str, float] = {}
        if device is None:
            trial = partial(self.mode.step_on, replace(full, d_steps=1), chosen)
            device, self.seconds_per_step = training.choose_device(trial)
        self.session = self.mode.session(full, chosen, seed, device, train_step, distance)
        if gan is not None:
            self.session.adopt(gan)
        self.rows = groups_of(self.mode.settings)
        self.unfolded = None if unfold is None else check_choice("unfold", unfold, self.rows)
        self.comparison: Comparison | None = None
        self.compared, self.with_remedies = "one", remedies
        self.treated: dict[str, dict[str, Any]] = {}  # remedy -> what it has replaced
        self.lead = self.wanted_lead = 0  # updates that D is ahead of a G that stands still
        self._unled: training.GAN | None = None  # the GAN before them
        self.world = data if isinstance(data, str) else OWN
        self._names = [(weakref.ref(self.session.data), self.world)]  # what data are called
        self._drive(self.session, driver)
        self._frames, self._whole_due = FrameStream(), False
        self._mourned: Timeline | None = None  # of which the reader knows that it is lost
        self._shown, self._sent_at = 0, 0.0
        self.stage = self._new_stage()
        self._build_controls()
        if compare is not None:
            self._compare(compare)
        self._warn_of_signs()
        self._settle_in_cell()
        self._publish_and_beat()

    # --- from a cell ---------------------------------------------------------------------------

    def rewind(self, step: int) -> None:
        """Back to the last moment kept at or before `step`."""
        with self.worker.lock:
            self._rewind(step)
        self._publish_and_beat()

    def compare(self, what: str | Mapping[str, Mapping[str, Any]]) -> None:
        """Let the GAN go on side by side under several settings, from exactly these weights.

        Args:
            what: "loss", "remedy", "seed", "lr_D", "d_steps", …; or the variants themselves,
                name -> settings that differ, e.g. `{"slow D": {"lr_D": 1e-4}, "fast D": {…}}`; or
                "one" to go back to where they parted.
        """
        with self.worker.lock:
            self._compare(what)
        self._publish_and_beat()

    def pick(self, name: str) -> None:
        """Go on with one of the GANs side by side, alone."""
        names = list(self.comparison.sessions) if self.comparison else []
        with self.worker.lock:
            self._pick(names.index(check_choice("name", name, names)))
        self._publish_and_beat()

    @property
    def shown(self) -> Any:
        """What the lab shows and trains: the session, or the comparison that it has split into."""
        return self.comparison or self.session

    # --- the controls --------------------------------------------------------------------------

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
        self._drawing = W.link((self.draw_button, "value"), (self.stage, "drawing"))
        loss_names = [(t.get(name, name.replace("_", " ")), name) for name in LOSSES]
        self.loss = W.Dropdown(
            options=[*loss_names, (t["own_loss"], OWN)], value=self._loss(), description=t["loss"]
        )
        self.loss.observe(self._on_loss, "value")
        compared = ("one", *compared_of(self.mode.settings))
        names = [(n, t[f"compare_{n}"]) for n in compared]
        self.compare_with = W.Dropdown(
            options=[(words, name) for name, words in names] + [(t["compare_own"], OWN)],
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
        self.message = W.HTML()
        self._say("ready")
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
            for name in GREY  # `Images` have no colours
        }
        for button in self.transforms.values():
            button.layout.width = "auto"
            button.observe(lambda _: self._on_transforms(), "value")
        wrap = W.Layout(flex_flow="row wrap", align_items="center")
        words = W.Label(t["transforms"])
        self.more = [W.Box([self.augment, words, *self.transforms.values()], layout=wrap)]

    def _button(self, name: str, act: Callable[[], None], hint: str = "", **look: Any) -> W.Button:
        button = W.Button(description=self.text[name], tooltip=hint, **look)
        button.layout.width = "auto"
        button.on_click(lambda _: act())
        return button

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
        top = [buttons, choices, cures, *self.more, self.message, self.pulse]
        return W.VBox([*top, self.stage, self.time, groups])

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

    def _on_lead(self, change: dict[str, Any]) -> None:
        if not self._syncing:
            self.wanted_lead = change["new"]
            self.worker.post(lambda: self._run_ahead(change["new"]))

    def _on_stage_message(self, stage: Stage, content: dict[str, Any], _: Any) -> None:
        if stage is not self.stage:  # it has a successor
            return
        self._heard_at = time.monotonic()
        kind = content.get("type")
        if kind == "shown":
            self._shown = max(self._shown, int(content["n"]))
        elif kind == "strokes":
            strokes = content["strokes"]
            self.worker.post(lambda: self._draw(strokes))
            self.draw_button.value = False
        elif kind == "key":
            action = content["action"]
            self._toggle() if action == "toggle" else self._act(action)
        elif kind == "pick":
            self.worker.post(lambda: self._pick(content["member"]))
        elif kind == "views":
            stage.heard += 1  # the page waits for this
            self._note_views(content.get("page", ""), content["count"])
        elif kind == "whole":
            self._whole_due = True
            if not self.worker.playing:
                self.worker.post(lambda: None)  # after which everything is shown
        elif kind == "deaf":
            self.worker.post(lambda: self._renew_stage(stage))

    # --- commands: run between two steps -------------------------------------------------------

    def _apply(self, settings: dict[str, Any]) -> None:
        """Change settings; what is wrong with them is shown, and training goes on unharmed."""
        session = self.session
        current = dict(vars(session.experiment))
        current["data"] = self.world
        new = {k: v for k, v in settings.items() if k not in current or current[k] != v}
        if not new:
            return
        make = session.try_change(**new)
        if self.comparison:
            self.comparison.change(**new)
        restarted = make()
        if "data" in new:
            self.world = new["data"] if isinstance(new["data"], str) else OWN
            self._names.append((weakref.ref(session.data), self.world))
        if restarted:
            self._say("restarted")
        else:
            values = {k: getattr(session.experiment, k, v) for k, v in new.items()}
            what = ", ".join(f"{self._word(k)} = {self._word(v, of=k)}" for k, v in values.items())
            self._say("changed", what=what, step=self.shown.at)
        if "loss" in new:
            self._warn_of_signs()

    def _warn_of_signs(self) -> None:
        """A loss of the reader's own with a reversed sign drives its player the wrong way."""
        if wrong := reversed_losses(get_loss(self.session.experiment.loss)):
            which = " + ".join(self.text[f"loss_{name}"] for name in wrong)
            self._say_text(self.text["reversed"].format(which=which), alarm=True)

    def _draw(self, strokes: list[list[tuple[float, float]]]) -> None:
        data = from_drawing(strokes)
        before = self.session.kind
        self._apply({"data": data})
        self._say("drawn" if self.session.kind == before else "drawn_anew", n=len(data.means))

    def _compare(self, what: str | Mapping[str, Mapping[str, Any]]) -> None:
        """Split into variants; "one" goes back to the GAN that they all came from."""
        check_kind("compare", what, str, Mapping)
        if what == "one":
            self.comparison, self.compared = None, "one"
            self._say("rejoined", step=self.session.at)
        else:
            origin = self.session
            variants = variants_of(what, origin) if isinstance(what, str) else what
            named = {self._variant(name, own): own for name, own in variants.items()}
            self.comparison = Comparison(origin, named)
            self.compared = what if isinstance(what, str) else OWN
            same_weights = origin.at and what != "seed"
            self._say("forked" if same_weights else "side_by_side", n=len(named), step=origin.at)
        self.worker.session = self.shown

    def _variant(self, name: str, settings: Mapping[str, Any]) -> str:
        """What a variant is called in the reader's language."""
        for key in (f"remedy_{name}", name):
            if key in self.text:
                return self.text[key]
        if len(settings) == 1:
            ((field, value),) = settings.items()
            if field in self.text and name.startswith(field):
                return f"{self.text[field]} {self._number(value or 0)}"
        return name

    def _pick(self, member: int) -> None:
        """The chosen one of several goes on alone, with its settings and its past."""
        if self.comparison is None:  # a second click came too late
            return
        name, chosen = list(self.comparison.sessions.items())[member]
        self.session = chosen.fork(Detail())
        self.comparison, self.compared, self.treated = None, "one", {}
        self.worker.session = self.session
        self._say("picked", name=name, step=self.session.at)

    def _ask(self, look: dict[str, Any]) -> None:
        """Let the GAN, or all of them, make what the reader asks for."""
        for session in self._everyone:
            session.ask(**look)

    def _show_map(self, name: str) -> None:
        """Let the colours mean D's verdict, or its slope."""
        for session in self._everyone:
            session.map = name

    @property
    def _everyone(self) -> list[Any]:
        """The session, and those it has split into."""
        return [self.session, *(self.comparison.sessions.values() if self.comparison else ())]

    def _treat(self, name: str, on: bool) -> None:
        """Apply a remedy to the GAN as it is, or take it off again."""
        before = {k: getattr(self.session.experiment, k) for k in REMEDIES[name]}
        self._apply(REMEDIES[name] if on else self.treated.pop(name, {}))
        if on:
            self.treated[name] = before

    def _run_ahead(self, lead: int) -> None:
        """Bring D `lead` updates ahead of a G that stands still; fewer than now starts anew."""
        self.worker.playing = False
        session = self.session
        unled = self._unled
        if unled is None or self.lead == 0 or session.at != unled.step:
            self.lead, unled = 0, session.gan.copy()
        self._unled = unled
        if lead < self.lead:
            self.lead, session.gan = 0, unled.copy()
            session.gan.configure(session.experiment)
        while self.lead < lead and not session.trouble and self.worker.inbox.empty():
            for _ in range(min(CHUNK, lead - self.lead)):
                session.step_D()
                self.lead += 1
            self._say("led", n=self.lead, norm=f"{session.push_on_G():.1e}")
            self._publish()
        self._say("led", n=self.lead, norm=f"{session.push_on_G():.1e}")

    def _rewind(self, step: int) -> None:
        self.worker.playing = False
        self.shown.rewind(step)
        names = [name for data, name in self._names if data() is self.session.data]
        self.world = names[-1] if names else OWN
        self._say("rewound", step=self.shown.at)

    def _new_stage(self, **traits: Any) -> Stage:
        stage = Stage(labels=self.text, ack_every=ACK_EVERY, **traits)
        stage.on_msg(self._on_stage_message)
        return stage

    def _renew_stage(self, deaf: Stage) -> None:
        """Put another stage in place of one that hears nothing any more."""
        if deaf is not self.stage:  # two views of it may have said so
            return
        self.stage = self._new_stage(patience=2 * deaf.patience, size=deaf.size)
        self._drawing.unlink()
        self._drawing = W.link((self.draw_button, "value"), (self.stage, "drawing"))
        self._put_in_place(deaf, self.stage)
        self._shown = self._sent  # nothing is on its way to the new one

    def _hand_over(self) -> None:
        super()._hand_over()
        self._whole_due = True

    # --- what is shown follows the session -----------------------------------------------------

    def _publish(self) -> None:
        """Send the picture and bring the controls in line; called between two steps."""
        with self.worker.lock:
            silence = time.monotonic() - self._heard_at
            if any(self._views.values()) and silence > ABANDONED:  # a closed page says nothing
                self.worker.playing = False  # before the picture, which whoever comes back will see
            # While it plays, every second picture shows what D said at the one before.
            anew = not self.worker.playing or self._sent % 2 == 0
            header, arrays = self.shown.frame(anew)
            header["running"] = self.worker.playing
            self._sent_at = time.monotonic()
            whole = self._whole_due or not (self.worker.amid_steps and self.worker.playing)
            self._whole_due = False
            self.stage.frame = self._frames.pack(header, arrays, whole)
            self._picture = header, arrays
            self._sync_controls(arrays["timeline"])

    @property
    def _sent(self) -> int:
        """The number of the last picture that was sent."""
        return self._frames.n

    def _ready(self) -> bool:
        waiting = self._sent - self._shown
        return waiting < IN_FLIGHT or time.monotonic() - self._sent_at > PATIENCE

    def _sync_controls(self, timeline: Any) -> None:
        playing, trouble = self.worker.playing, self.shown.trouble
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
        if trouble:
            self._say_trouble(trouble)
        timeline = self.session.timeline
        if timeline.lost and timeline is not self._mourned:
            self._mourned = timeline
            self._say("no_way_back", detail=timeline.lost)

    def _sync_settings(self) -> None:
        """Bring in line what commands alone can change."""
        self.loss.value = self._loss()
        self.data.value = self.world if self.world in dict(self.data.options).values() else OWN
        self.compare_with.value = self.compared
        if isinstance(self.session, ClassSession):
            self.condition.value = self.session.experiment.condition
            self.picker.show(self.session.look, self._classes(), self.session.kind == "images")
        if isinstance(self.session, AugmentedSession):
            self.augment.value = self.session.experiment.augment
            for name, button in self.transforms.items():
                button.value = name in self.session.experiment.transforms
        steep = self.session.measures_distance and self.session.kind == "2d"
        self.map.layout.display = None if steep else "none"
        self.map.value = self.session.map
        for name, button in self.remedies.items():
            button.value = name in self.treated
            button.disabled = self.comparison is not None
        self.lead_slider.disabled = self.comparison is not None
        for name, widget in self.settings.items():
            value = self._shown_value(name)
            widget.disabled = name in self.session.experiment.idle
            if widget.value != value:
                if isinstance(widget, W.SelectionSlider):
                    options = nearby([v for _, v in widget.options], value)
                    widget.options = [(self._number(v), v) for v in options]
                widget.value = value

    def _classes(self) -> list[str]:
        """What the classes are called."""
        data = self.session.data
        named = getattr(data, "dataset", "") == "fashion"
        names = [self.text[f"fashion_{k}"] if named else "" for k in range(data.n_classes)]
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

    def _say_trouble(self, trouble: Trouble) -> None:
        key = "error" if trouble.what == "error" else "stopped"
        words = {"what": self._word(trouble.what), "detail": trouble.detail}
        self._say_text(self.text[key].format(step=trouble.step, **words), trouble.line, alarm=True)

    # --- in the notebook -----------------------------------------------------------------------

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget, and its last picture for front-ends that cannot run it."""
        from gan_helpers.plots import frame_png

        return bundle(self.box, **{"image/png": frame_png(*self._picture)})


def nearby(options: Any, value: Any) -> list[Any]:
    """The options of a slider, with the present value among them."""
    if value in options:
        return list(options)
    return sorted([*options, value])


WANTED = {
    "experiment": "an Experiment(…); single fields are keywords, e.g. lr_D=1e-4",
    "gan": "a GAN, e.g. load_pretrained('cgan'); to train one, say condition='cgan'",
    "compare": "a name, e.g. 'loss', or variants, {name: {field: value}}",
}


def check_kind(name: str, value: Any, *kinds: type) -> None:
    """Raise a TypeError for an argument that is easily mistaken."""
    if not isinstance(value, kinds):
        found = f"{name} = {value!r:.100} is a {type(value).__name__}"
        raise TypeError(f"{found}; give {WANTED[name]}.")
