"""The engine of the lab: a GAN in training that can be stepped, changed, watched and rewound.

It has no screen and no thread. Whoever drives it calls its methods between steps, never during
one; the same calls in the same order give the same numbers.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any

from gan_helpers import training
from gan_helpers.checks import brief, check_bool, check_int
from gan_helpers.datasets.images import Images
from gan_helpers.datasets.points import Mixture
from gan_helpers.experiment import Experiment, new_networks
from gan_helpers.lab.engine.charts import Chart
from gan_helpers.lab.engine.choices import as_data, check_step, default_experiment
from gan_helpers.lab.engine.controls import describe
from gan_helpers.lab.engine.course import Course
from gan_helpers.lab.engine.diagnosis import Watch
from gan_helpers.lab.engine.look import MAPS, PANEL, Detail, Frame, Looking
from gan_helpers.lab.engine.record import (
    CURVES,
    History,
    Moment,
    Timeline,
    TrainStep,
    Trouble,
    first_line,
    own_line,
    whole_steps,
)
from gan_helpers.losses import check_loss, get_loss
from gan_helpers.threads import threads_of
from gan_helpers.training import GAN


class Session(Looking):
    """A GAN in training.

    Args:
        experiment: what is trained, and how.
        data: the name of a world (see `WORLD_NAMES`), or anything with `event_shape` and `sample`.
        seed: of the weights and of everything drawn while training.
        device: "cpu", "cuda", …
        train_step: the reader's own round of the game, `(gan, data) -> (loss_D, loss_G)`, in place
            of `standard_step`.
        distance: whether to measure the Wasserstein distance and look inside of the critic; by
            default where the loss is (12.29).
        world: the name of the data, where they are given themselves.
    """

    trains: type[Any] = GAN
    standard_step: TrainStep = staticmethod(training.train_step)
    load: Callable[[Any], Any] = staticmethod(as_data)  # a name, or the data themselves -> data
    keeps: tuple[str, ...] = ("loss",)  # settings that stay where others follow other data
    curves: tuple[str, ...] = CURVES  # what is written down over time

    def __init__(
        self,
        experiment: Experiment | None = None,
        data: str | Mixture | Images = "ring",
        seed: int = 0,
        device: str = "cpu",
        train_step: TrainStep | None = None,
        distance: bool | None = None,
        world: str = "",
    ) -> None:
        self.device, self.map = device, MAPS[0]
        self.train_step = self.standard_step if train_step is None else check_step(train_step)
        self.distance = None if distance is None else check_bool("distance", distance)
        self.detail = Detail()
        self.seed = check_int("seed", seed, 0, 2**63 - 1)
        self.data, self.world = self.load(data).to(device), data if isinstance(data, str) else world
        own = self.trains.settings
        if experiment is not None and not isinstance(experiment, (Experiment, own)):
            raise TypeError(
                f"experiment = {experiment!r:.100} is a {type(experiment).__name__}; give "
                f"{own.__name__}(…), or its fields one by one."
            )
        self.shape_of(self.data)  # raises where this kind of session cannot use them
        self.experiment = self._checked(experiment or self.suits(self.data))
        check_loss(get_loss(self.experiment.loss))
        self._begin()

    # --- what moves it -------------------------------------------------------------------------

    def reset(self, seed: int | None = None) -> None:
        """Start again from fresh weights: the same ones, unless a new seed is given."""
        twin = copy.copy(self)
        if seed is not None:
            twin.seed = check_int("seed", seed, 0, 2**63 - 1)
        twin._begin()
        self._become(twin)

    def _begin(self) -> None:
        self.gan = self._new_gan()
        self.history = History(names=self.curves)
        self.trouble: Trouble | None = None
        self.last_losses = (math.nan, math.nan)
        self.course = Course.from_here(self)
        self._start_here()

    def _become(self, twin: Session) -> None:
        """Take over what was tried on a twin, so that whatever is refused changes nothing here."""
        vars(self).update(vars(twin))

    def _new_gan(self) -> Any:
        """A GAN with fresh weights."""
        kind = self.gan_for(self.data)
        return kind.for_data(self.experiment, self.data, self.seed, self.device)

    def adopt(self, gan: GAN) -> None:
        """Go on from a GAN that has been trained elsewhere; `reset` will start from fresh weights.

        Raises:
            ValueError: if its settings cannot be shown here, or its networks do not fit the data.
        """
        if type(gan) is not type(self.gan):
            raise ValueError(
                f"this lab trains a {type(self.gan).__name__}; the GAN given is a "
                f"{type(gan).__name__}."
            )
        for net in "GD":
            own, new = (getattr(g, net).state_dict() for g in (self.gan, gan))
            if {n: w.shape for n, w in own.items()} != {n: w.shape for n, w in new.items()}:
                raise ValueError(
                    f"the networks of this GAN do not fit these data and settings: its {net} has "
                    "other layers."
                )
        twin = copy.copy(self)
        twin.gan, twin.experiment = gan, gan.experiment
        twin.course = Course.from_here(twin, given=True)
        twin._start_here()
        self._become(twin)

    def _start_here(self) -> None:
        """The present is the beginning of time."""
        self.timeline = Timeline(self.detail.interval, memory=self.detail.memory)
        self.phase = ""  # the half-step just taken, "D" or "G"
        self.d_updates = 0  # of D alone, since G's last one
        self.watch = Watch(self.at)  # over what it has, if anything
        self._prepare_previews()
        self.timeline.keep(self)

    def fork(self, detail: Detail = PANEL, **settings: Any) -> Session:
        """Another session that goes on from exactly these weights, under other settings.

        Raises:
            ValueError, TypeError: if a setting is unknown, out of range, or needs new networks
                although this GAN has been trained.
        """
        new = [name for name in settings if name in ("data", *self.experiment.architecture)]
        if new and self.at:
            raise ValueError(
                f"{', '.join(new)} needs new networks, and these have been trained for {self.at} "
                "steps; reset first."
            )
        twin = copy.copy(self)
        try:
            twin.gan, twin.detail = self.gan.copy(), detail
        except Exception as error:
            raise ValueError(
                f"this GAN cannot be copied ({first_line(error)}); what a step of your own keeps "
                "has to be numbers, or tensors without a gradient."
            ) from error
        twin.history = copy.deepcopy(self.history)
        twin.keep_order()
        twin._start_here()
        if settings:
            twin.change(**settings)
        return twin

    n_shown = 1  # GANs in a frame

    def step(self) -> tuple[float, float]:
        """One round of the game; returns the losses of D and G. Does nothing after a stop."""
        self.keep_order()
        self._guarded(lambda: self.train_step(self.gan, self.data))
        self.phase, self.d_updates = "", 0
        return self.last_losses

    def step_D(self) -> None:
        """One update of D only. k of these and one `step_G` are one `step`."""
        self.keep_order("D")
        self._guarded(lambda: (self.gan.update_D(self.data), self.last_losses[1]), of="D")
        self.phase, self.d_updates = "D", self.d_updates + 1

    def step_G(self) -> None:
        """One update of G only."""
        self.keep_order("G")
        self._guarded(lambda: (self.last_losses[0], self.gan.update_G(self.data)), of="G")
        self.phase, self.d_updates = "G", 0

    @property
    def turn(self) -> str:
        """Whose update comes next, "D" or "G"; D has k of them before each of G's."""
        return "D" if self.d_updates < self.experiment.d_steps else "G"

    @property
    def amid_round(self) -> bool:
        """Whether a round has begun by single updates and has not ended."""
        return self.phase == "D"

    def keep_order(self, of: str = "") -> None:
        """Note where the next update, of D, of G or a whole round, is not what rounds would do."""
        ahead = getattr(self.experiment, "unroll", 0)  # G alone draws what D will learn from
        rounds = self.train_step is self.standard_step and not ahead
        if not (of == self.turn and rounds if of else not self.amid_round):
            self.course = self.course.broken(self)

    def half_step(self) -> None:
        """The same updates as `step`, one at a time."""
        self.step_D() if self.turn == "D" else self.step_G()

    def run(self, n_steps: int) -> None:
        """`n_steps` rounds, or as many as there are before something blows up."""
        for _ in range(check_int("n_steps", n_steps, 0, 10**9)):
            if self.trouble:
                break
            self.step()

    def film(self, steps: Iterable[int]) -> list[Frame]:
        """Train on, and keep what is to be seen at each of these steps."""
        frames = []
        for step in steps:
            self.run(max(step - self.gan.step, 0))
            frames.append(self.frame())
        return frames

    def change(self, **settings: Any) -> bool:
        """Change fields of the experiment, `data` or `train_step`; the weights are kept.

        Returns:
            Whether training had to start again, because the networks themselves changed.

        Raises:
            ValueError, TypeError: if a setting is unknown or out of range; nothing has changed.
        """
        return self.try_change(**settings)()

    def try_change(self, **settings: Any) -> Callable[[], bool]:
        """Try a change without making it; what is returned makes it, and does not fail."""
        self._check_names(settings)
        twin, data = copy.copy(self), self.data
        if "train_step" in settings:
            twin.train_step = check_step(settings.pop("train_step"))
        if "data" in settings:
            given = settings.pop("data")
            data = twin.data = self.load(given).to(self.device)
            twin.world = given if isinstance(given, str) else ""
        new_shape = self.shape_of(data) != self.shape_of(self.data)
        start = self.experiment
        if new_shape:  # other networks, so other rates; the game stays
            start = replace(self.suits(data), **{n: getattr(start, n) for n in self.keeps})
        twin.experiment = self._checked(replace(start, **settings))
        if twin.experiment.loss is not self.experiment.loss:
            check_loss(get_loss(twin.experiment.loss))
        restart = new_shape or bool(new_networks(self.experiment, twin.experiment))
        if restart:
            twin._begin()
        else:
            twin.watch = Watch(self.at)
            if data is not self.data:
                twin._prepare_previews()
        if self.trouble and self.trouble.what == "error":  # the weights are sound: try again
            twin.trouble = None

        def make() -> bool:
            self._become(twin)
            if not restart:
                self.gan.configure(self.experiment)
                self.course = self.course.on(self)
            return restart

        return make

    def can(self, **settings: Any) -> bool:
        """Whether an experiment with these settings can be shown here."""
        try:
            self._checked(replace(self.experiment, **settings))
        except (TypeError, ValueError):
            return False
        return True

    @classmethod
    def shape_of(cls, data: Any) -> tuple[int, ...]:
        """What networks for these data depend on; raises where they cannot be shown here."""
        shape: tuple[int, ...] = data.event_shape
        return shape

    def _check_names(self, settings: Iterable[str]) -> None:
        """Raise a ValueError if there is no such setting in this kind of session."""
        known = [*(f.name for f in fields(self.experiment)), "data", "train_step"]
        for name in settings:
            if name not in known:
                raise ValueError(
                    f"setting = {name!r} is unknown to a {type(self.gan).__name__}; choose one of "
                    f"{', '.join(known)}. For another kind of GAN start a new lab: Lab(data, "
                    f"{name}=…)."
                )

    @property
    def absent(self) -> frozenset[str]:
        """Settings that do nothing in this kind of GAN, whatever the others are."""
        return frozenset(getattr(self.gan, "left_out", ()))

    @classmethod
    def gan_for(cls, data: Any) -> type[Any]:
        """The kind of GAN that learns these data."""
        return cls.trains

    @classmethod
    def suits(cls, data: Any) -> Any:
        """Settings that suit the data."""
        return default_experiment(data)

    def _checked(self, experiment: Any) -> Any:
        """Raise a TypeError if this kind of session cannot show such an experiment."""
        if type(experiment) is not self.trains.settings:
            raise TypeError(
                f"experiment = {brief(experiment)} is of the class {type(experiment).__name__}; "
                f"{type(self).__name__} shows a {self.trains.__name__}, which is trained by "
                f"{self.trains.settings.__name__}(…)."
            )
        return experiment

    def rewind(self, step: int) -> None:
        """Go back to the last moment kept at or before `step`, with the settings of that moment."""
        moment = self.timeline.back_to(check_int("step", step, 0, 10**12))
        self._become(self.as_of(moment))
        self.history.forget_after(self.gan.step)
        self.course = self.course.back_to(self)

    def as_of(self, moment: Moment) -> Session:
        """A twin as this session was at a moment; to be looked at, as they share their past."""
        twin = copy.copy(self)
        twin.gan, twin.experiment = moment.gan.copy(), moment.gan.experiment
        twin.data, twin.train_step, twin.world = moment.data, moment.train_step, moment.world
        twin.trouble, twin.phase, twin.d_updates = None, "", 0
        twin.watch = Watch(twin.at)
        twin._kept = {}  # what was measured may be of a future that will not be
        if twin.data is not self.data:
            twin._prepare_previews()
        return twin

    def _guarded(self, update: Callable[[], tuple[Any, Any]], of: str = "DG") -> None:
        """Run an update; an error in it or a number that blew up becomes the trouble."""
        if self.trouble:
            return
        before = self.at
        try:
            with whole_steps(), threads_of(self.gan):
                loss_D, loss_G = update()
                losses = float(loss_D), float(loss_G)
                self.note(losses, self.at != before, of)
        except Exception as error:  # the reader's own code may raise anything
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Stop because of an error in the code that trains."""
        detail = f"{type(error).__name__}: {error}"
        self.trouble = Trouble("error", self.at, detail, own_line(error))
        self.course = self.course.broken(self)  # perhaps half of a step was done

    def note(self, losses: tuple[float, float], moved: bool = True, of: str = "DG") -> None:
        """Write down how an update went. moved: whether it was one of G. of: whose it was."""
        try:
            self._note(losses, moved, of)
        except Exception as error:  # what measures may stumble over what the reader made
            self.fail(error)

    def _note(self, losses: tuple[float, float], moved: bool, of: str) -> None:
        self.last_losses = losses
        values = dict(zip(CURVES[:2], losses, strict=True))
        due = moved and self.at % self.history.stride == 0
        if due:
            values["grad_D"] = training.gradient_norm(self.gan.D)
            values["grad_G"] = training.gradient_norm(self.gan.G)
        self._stop_unless_finite({n: v for n, v in values.items() if n[-1] in of}, self.at - moved)
        if due and not self.trouble:
            values |= self._measured()
            row = [values.get(name, math.nan) for name in self.curves]
            self.history.add(self.at, row, self._shares())
            self.watch.look(self)
        if moved and not self.trouble:
            self.timeline.offer(self)

    def _stop_unless_finite(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                self.trouble = Trouble(name, step, f"{value} ({describe(self.experiment)})")
                return


class JudgedSession(Session):
    """A session whose judge says more of its GAN than points and distances do."""

    n_modes = 0
    measures_distance = False
    judged_charts: tuple[Chart, ...] = ()  # of what the judge reports

    def _measured(self) -> dict[str, float]:
        report = self.report()
        return report.numbers() if report else {}

    def _meters_of_pictures(self) -> list[dict[str, Any]]:
        return []  # `_add_to_frame` has those of the report

    def _charts(self) -> list[Chart]:
        if self.judge is None:
            return super()._charts()
        beside = [] if self.detail == PANEL else super()._charts()
        return [*beside, *self.judged_charts]
