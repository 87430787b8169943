"""The engine of the lab in class mode: a conditional GAN, and what the reader asks it to make."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gan_helpers.checks import check_int, check_number
from gan_helpers.classifier import SIZES, load_classifier
from gan_helpers.conditional import training as conditional
from gan_helpers.conditional.judge import ClassJudge
from gan_helpers.conditional.training import Conditional, ConditionalGAN, one_of_K
from gan_helpers.datasets.images import Images
from gan_helpers.datasets.points import Mixture
from gan_helpers.lab.engine import charts
from gan_helpers.lab.engine.choices import default_experiment, own_fields
from gan_helpers.lab.engine.look import push_of
from gan_helpers.lab.engine.record import TrainStep
from gan_helpers.lab.engine.session import JudgedSession
from gan_helpers.metrics import mode_coverage
from gan_helpers.threads import threads_of
from gan_helpers.training import looking_at

MANY = 12  # classes that can stand beside each other
ACROSS = 8  # pictures in a row, about, where there are fewer classes
JUDGED_REAL = 3000  # pictures that the variety is compared with
PER_CLASS = 50  # pictures judged of each class
MIXED = 255  # in place of a class: it lies between two


def judge_of(data: Any) -> ClassJudge | None:
    """A judge with the classifier that knows these data, if there is one."""
    if not isinstance(data, Images) or not data.dataset or data.event_shape[-1] not in SIZES:
        return None
    device = data.x.device
    classifier = load_classifier(data.event_shape[-1], device, dataset=data.dataset)
    some = Images(data.name, data.x[:JUDGED_REAL], data.y[:JUDGED_REAL])
    if int(some.y.bincount(minlength=data.n_classes).min()) < 2:
        return None  # only some of the classes are there
    return ClassJudge(classifier, some, PER_CLASS)


@dataclass(frozen=True)
class Look:
    """What the reader asks for.

    Args:
        digit: the class to show; None for all of them, a column each.
        to: the class that the columns lead to from `digit`; None for no such way.
        turn: where on its circle each z is, 0 to 1.
    """

    digit: int | None = None
    to: int | None = None
    turn: float = 0.0


class ClassSession(JudgedSession):
    """A conditional GAN in training, see `Session`.

    Its data need `sample_pairs` and `n_classes`.
    """

    trains = ConditionalGAN
    standard_step: TrainStep = staticmethod(conditional.train_step)  # type: ignore[assignment]
    gan: ConditionalGAN
    experiment: Conditional
    look = Look()
    judge: ClassJudge | None
    judge_of = staticmethod(judge_of)
    judged_charts = charts.CLASSES
    keeps = ("loss", *own_fields(Conditional))

    def ask(self, **look: Any) -> None:
        """Show something else: fields of `Look`.

        Raises:
            ValueError, TypeError: if there is no such class, or `turn` is not in [0, 1].
        """
        new = replace(self.look, **look)
        for name in ("digit", "to"):
            if getattr(new, name) is not None:
                check_int(name, getattr(new, name), 0, self.K - 1)
        check_number("turn", new.turn, 0, 1)
        self.look = new
        self._place_previews()

    @property
    def K(self) -> int:
        """How many classes there are."""
        return self.data.n_classes

    # --- what moves it -------------------------------------------------------------------------

    @classmethod
    def suits(cls, data: Any) -> Conditional:
        """Settings that suit the data, of a cGAN."""
        return default_conditional(data)

    @classmethod
    def shape_of(cls, data: Any) -> tuple[int, ...]:
        for needed in ("sample_pairs", "n_classes"):
            if not hasattr(data, needed):
                raise TypeError(f"data = {type(data).__name__} has no {needed}, so no classes.")
        if data.n_classes < 2 or data.event_shape == (1,):
            raise ValueError(
                f"data with n_classes = {data.n_classes} and samples of shape "
                f"{list(data.event_shape)} cannot be shown here; take points in the plane or "
                "pictures, of two classes or more."
            )
        return (*data.event_shape, data.n_classes)

    # --- what is seen of it --------------------------------------------------------------------

    def _prepare_previews(self) -> None:
        super()._prepare_previews()
        rng = torch.Generator(self.device).manual_seed(self.seed + 1)
        n = len(self.z_preview) if self.kind == "2d" else len(self._columns()) ** 2
        self.circles = self.gan.sample_z(2 * n, rng).unflatten(0, (2, n))  # two points on each
        x, y = self.data.sample_pairs(4096, rng)
        self.real_pairs = x, y
        if any(k is not None and k >= self.K for k in (self.look.digit, self.look.to)):
            self.look = Look()  # other data, fewer classes
        self._place_previews()

    def _columns(self) -> Tensor:
        """The class that each column of pictures shows; several in turn for one, where few are."""
        classes = torch.arange(min(self.K, MANY))
        return classes.repeat_interleave(max(1, ACROSS // self.K))

    def _place_previews(self) -> None:
        """Bring z, y and the real samples in line with what is asked for."""
        self.heat = None
        look, (a, b) = self.look, self.circles
        angle = 2 * math.pi * look.turn  # all points of the circle are N(0, I) alike
        z = math.cos(angle) * a + math.sin(angle) * b
        x_real, y_real = self.real_pairs
        if self.kind == "2d":
            self.y_preview = one_of_K(look.digit or 0, self.K).to(z)  # (1, K)
            x_real = x_real[y_real == (look.digit or 0)][: self.detail.points]
            self.z_preview, self.x_preview = z, x_real
            self.y_real = self.y_preview
            return
        columns = self._columns()
        n = len(columns)
        if look.digit is None:  # columns for each class, the same z for all classes of a row
            each = int((columns == 0).sum())
            codes, z = one_of_K(columns, self.K), z[: n * each].unflatten(0, (n, 1, each))
            z = z.expand(-1, n // each, -1, -1).flatten(0, 2)  # (n * n, latent_dim)
        elif look.to is None:
            codes = one_of_K(look.digit, self.K).expand(n, -1)
        else:
            share = torch.linspace(0, 1, n)[:, None]
            start, end = one_of_K(look.digit, self.K), one_of_K(look.to, self.K)
            codes, z = (1 - share) * start + share * end, z[:n].repeat_interleave(n, 0)
        self.z_preview, self.y_preview = z, codes.repeat(n, 1).to(z)  # (n * n, ...)
        self.x_preview = x_real[: self.detail.pictures]
        self.y_real = one_of_K(y_real[: self.detail.pictures], self.K)

    def _fakes(self) -> Tensor:
        return self.gan.sample(self.z_preview, self.y_preview)

    def _logits(self, x: Tensor) -> Tensor:
        return self.gan.logits(x, self.y_real if x is self.x_preview else self.y_preview)

    def _verdict_at(self, x: Tensor) -> Tensor:
        return self.gan.logits(x, self.y_preview)

    def push_on_G(self) -> float:
        """How strongly G would be pushed now: the norm of its gradient on the preview noise."""
        y = self.y_preview.expand(len(self.z_preview), -1)
        with threads_of(self.gan), looking_at(self.gan.G), looking_at(self.gan.D):
            loss = self._loss_of_G(self._logits(self.gan.G(self.z_preview, y)))
            return push_of(loss, self.gan.G)

    def _add_to_frame(
        self, header: dict[str, Any], arrays: dict[str, Tensor], x_fake: Tensor
    ) -> None:
        look, meters = self.look, header["meters"]
        if isinstance(self.data, Mixture):  # exactly: how much of it lies where it should
            meters[:] = [m for m in meters if m["id"] not in ("modes", "good")]
            _, share = mode_coverage(x_fake, self.data.of_class(look.digit or 0))
            meters.insert(0, {"id": "agreement", "value": float(share), "unit": "%"})
            return
        names = [str(k) for k in self._columns().tolist()]
        if look.digit is not None:
            names = [""] * len(names)
            if look.to is not None:
                names[0], names[-1] = str(look.digit), str(look.to)
        header["columns"] = names
        if self.judge is None or (report := self.report()) is None:
            return
        asked = self.y_preview.argmax(1)
        asked[self.y_preview.amax(1) < 1] = MIXED
        arrays["asked"] = asked.to(torch.uint8)
        arrays["read"] = self.judge.classifier(x_fake).argmax(1).to(torch.uint8)
        arrays["by_class"], arrays["agreed"] = report.variety, report.by_class
        found = report.numbers()
        agreement = {"id": "agreement", "value": found["agreement"], "unit": "%"}
        if look.digit is not None:  # and of what is looked at
            of_it = float(report.by_class[look.digit])
            agreement["name"] = f"({look.digit}: {100 * of_it:.0f} %)"
        meters[:0] = [
            agreement,
            {"id": "variety", "value": found["variety"]},
        ]


def default_conditional(data: Any, condition: str = "cgan") -> Conditional:
    """Settings with which a conditional GAN learns this kind of data in minutes on a laptop."""
    e = Conditional(**vars(default_experiment(data)), condition=condition)
    # Without momentum G does what it is told after half as many steps.
    return replace(e, lr_G=2 * e.lr_D, beta1=0.0) if e.network == "conv" else e
