"""The lab as the reader sees it: what is done between two steps, and the picture after it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from types import NoneType
from typing import Any

from gan_helpers import training
from gan_helpers.checks import check_bool, check_choice
from gan_helpers.conditional.training import ConditionalGAN
from gan_helpers.datasets.points import from_drawing
from gan_helpers.experiment import Experiment
from gan_helpers.lab.console import OWN
from gan_helpers.lab.engine.choices import as_any, choose_device
from gan_helpers.lab.engine.comparison import SEED, Comparison, variants_of
from gan_helpers.lab.engine.controls import groups_of
from gan_helpers.lab.engine.look import Detail
from gan_helpers.lab.engine.modes import mode_of
from gan_helpers.lab.engine.record import Timeline, TrainStep, Trouble
from gan_helpers.lab.filming import Filming, for_figures
from gan_helpers.lab.hosts import bundle
from gan_helpers.lab.labels import labels
from gan_helpers.lab.outward import Outward
from gan_helpers.lab.stage import FrameStream, Stage
from gan_helpers.losses import get_loss, reversed_losses
from gan_helpers.remedies import REMEDIES
from gan_helpers.translation.training import Translation

ACK_EVERY = 4  # frames: answering each one costs the browser half of its frames per second
IN_FLIGHT = 2 * ACK_EVERY  # frames sent and not yet drawn; more would pile up in a slow browser
ABANDONED = 180.0  # seconds of silence after which nobody looks (a hidden page answers each minute)
PATIENCE = 0.5  # seconds to wait for a browser that does not answer
CHUNK = 25  # updates of D between two pictures while it runs ahead


class Lab(Outward, Filming):
    """A GAN that trains before your eyes.

    Show it by making it the last expression of a cell. Running the cell again ends the old lab.

    Args:
        data: a world's name ("ring", "grid", "spiral", "moons", "two_gaussians", "digits", …), or
            a `Mixture` or `Images` of your own. What is translated is a `Task`, or one's name:
            "shoes", "colours", "maps" (pix2pix), "animals", "landscapes", "sneakers" (CycleGAN).
            With few pictures ("digits_50", "digits_100",
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
        unfold: which group of settings is open, "basics", "remedies", "classes",
            "augmentation" or "translation"; none by default.
        diagnosis: whether a line below the message says which illness the lab sees, if any.
        gan: a conditional GAN to begin with, e.g. one that comes with the notebooks.
        tour: whether it offers its tour of one minute to who has not seen it yet; a button starts
            it at any time. It is a tour of points on a plane.
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
        experiment: Experiment | Translation | None = None,
        train_step: TrainStep | None = None,
        compare: str | Mapping[str, Mapping[str, Any]] | None = None,
        remedies: bool = False,
        distance: bool | None = None,
        unfold: str | None = None,
        diagnosis: bool = True,
        gan: ConditionalGAN | None = None,
        tour: bool = False,
        driver: str | None = None,
        **settings: Any,
    ) -> None:
        self.lang, self.text = lang, labels(lang)
        chosen = as_any(data)
        check_kind("experiment", experiment, Experiment, Translation, NoneType)
        check_kind("gan", gan, ConditionalGAN, NoneType)
        check_kind("compare", compare, str, Mapping, NoneType)
        check_bool("remedies", remedies)
        self.diagnosis = check_bool("diagnosis", diagnosis)
        self._offers_tour = check_bool("tour", tour)
        base = gan.experiment if gan is not None and experiment is None else experiment
        self.mode = mode_of(chosen, base, settings)
        self.mode.session.shape_of(chosen)  # raises where it cannot use these data
        full = self.mode.experiment(chosen, base, settings)
        self.seconds_per_step: dict[str, float] = {}
        if device is None:
            trial = partial(self.mode.step_on, full, chosen)
            device, self.seconds_per_step = choose_device(trial)
        world = data if isinstance(data, str) else ""
        self.session = self.mode.session(full, chosen, seed, device, train_step, distance, world)
        if gan is not None:
            self.session.adopt(gan)
        self.rows = groups_of(self.mode.settings)
        self.unfolded = None if unfold is None else check_choice("unfold", unfold, self.rows)
        self.comparison: Comparison | None = None
        self.compared, self.with_remedies = "one", remedies
        self.treated = {}
        self.lead = 0  # updates that D is ahead of a G that stands still
        self._unled: training.GAN | None = None
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

    # --- what the page says --------------------------------------------------------------------

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
        elif kind == "copied":
            self.worker.post(lambda: self._say("copied" if content["done"] else "not_copied"))
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
        if "data" in new:
            self._say("loading")  # it may take some seconds
        make = session.try_change(**new)
        if self.comparison:
            self.comparison.change(**new)
        restarted = make()
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
                number = str(value) if field == SEED else self._number(value or 0)
                return f"{self.text[field]} {number}"
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
        if on and self._in_force(name):
            self._say("in_force", name=self.text[f"remedy_{name}"])
            return
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
        self._say("rewound", step=self.shown.at)

    def _new_stage(self, **traits: Any) -> Stage:
        look = {"size": self.mode.size, "tour": self._offers_tour, **traits}
        stage = Stage(labels=self.text, ack_every=ACK_EVERY, **look)
        stage.on_msg(self._on_stage_message)
        return stage

    def _renew_stage(self, deaf: Stage) -> None:
        """Put another stage in place of one that hears nothing any more."""
        if deaf is not self.stage:  # two views of it may have said so
            return
        self.stage = self._new_stage(patience=2 * deaf.patience, size=deaf.size)
        self._drawing.unlink()
        self._link_drawing()
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
            self._say_what_it_has()
            self._say_what_is_wrong()

    @property
    def _sent(self) -> int:
        """The number of the last picture that was sent."""
        return self._frames.n

    def _ready(self) -> bool:
        waiting = self._sent - self._shown
        return waiting < IN_FLIGHT or time.monotonic() - self._sent_at > PATIENCE

    def _say_what_is_wrong(self) -> None:
        if trouble := self.shown.trouble:
            self._say_trouble(trouble)
        timeline = self.session.timeline
        if timeline.lost and timeline is not self._mourned:
            self._mourned = timeline
            self._say("no_way_back", detail=timeline.lost)

    def _say_trouble(self, trouble: Trouble) -> None:
        key = "error" if trouble.what == "error" else "stopped"
        words = {"what": self._word(trouble.what), "detail": trouble.detail}
        self._say_text(self.text[key].format(step=trouble.step, **words), trouble.line, alarm=True)

    # --- in the notebook -----------------------------------------------------------------------

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget, and its last picture for front-ends that cannot run it."""
        from gan_helpers.plots import frame_png

        return bundle(self.box, **{"image/png": frame_png(*for_figures(self._picture))})


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
