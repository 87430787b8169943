"""What is refused changes nothing, and what goes wrong leaves a lab that goes on."""

import gc
import math
import os
import signal
import threading
import time
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from lab_threads import threads, wait_for
from test_translating import PAIRED, SMALL as SMALL_TRANSLATION, UNPAIRED

from gan_helpers import training
from gan_helpers.conditional.training import Conditional
from gan_helpers.experiment import Experiment
from gan_helpers.lab import driven, hosts, in_cell
from gan_helpers.lab.driven import Driven
from gan_helpers.lab.engine.augmenting import AugmentedSession
from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.comparison import Comparison, variants_of
from gan_helpers.lab.engine.look import Detail
from gan_helpers.lab.engine.record import Timeline, n_bytes, whole_steps
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.engine.translating import TranslationSession
from gan_helpers.lab.engine.worker import Worker
from gan_helpers.lab.in_cell import Cell
from gan_helpers.lab.sketch import DrawLab
from gan_helpers.lab.view import Lab
from gan_helpers.translation import pix2pix

SMALL = {"width": 8, "depth": 1, "batch_size": 16}


class Raising:
    """Data whose samples cannot be had."""

    event_shape = (3,)

    def sample(self, n, rng):
        raise RuntimeError("no samples today")

    def to(self, device):
        return self


class WrongShape(Raising):
    def sample(self, n, rng):
        return torch.zeros(n, 2)


class Numpy(Raising):
    def sample(self, n, rng):
        return np.zeros((n, 3), np.float32)


def weights(session):
    return torch.cat([p.detach().flatten() for p in session.gan.G.parameters()])


# --- a refused command leaves the future as it was ---------------------------------------------

REFUSED = {
    "network": lambda s: s.change(network="conv"),
    "rate": lambda s: s.change(lr_D=-1.0),
    "unknown": lambda s: s.change(lr=1.0),
    "half of it": lambda s: s.change(lr_D=1e-4, lr_G="fast"),
    "step": lambda s: s.change(train_step=5),
    "seed": lambda s: s.reset(1.5),
    "rewind": lambda s: s.rewind(-1),
    "raising data": lambda s: s.change(data=Raising()),
    "data of a wrong shape": lambda s: s.change(data=WrongShape()),
    "data of numpy": lambda s: s.change(data=Numpy()),
    "no data": lambda s: s.change(data=3),
    "loss": lambda s: s.change(loss="wgan"),
    "steps": lambda s: s.run(-1),
}
ALLOWED = {
    "step": lambda s: s.run(2),
    "half": lambda s: s.half_step(),
    "hinge": lambda s: s.change(loss="hinge"),
    "norm": lambda s: s.change(spectral_norm=True, r1=0.1),
    "width": lambda s: s.change(width=4),
    "grid": lambda s: s.change(data="grid"),
    "seed": lambda s: s.reset(3),
    "rewind": lambda s: s.rewind(0),
}
MAKE = {
    "plain": lambda: Session(Experiment(**SMALL), "ring"),
    "side by side": lambda: Comparison(
        Session(Experiment(**SMALL), "ring"), {"a": {"lr_D": 1e-4}, "b": {"loss": "hinge"}}
    ),
    "classes": lambda: ClassSession(Conditional(condition="cgan", **SMALL), "ring"),
}


def state_of(trainee):
    """All that its future depends on."""
    sessions = getattr(trainee, "sessions", {"": trainee}).values()
    return [
        (s.at, s.seed, s.experiment, s.data, s.train_step, s.trouble, s.gan.experiment, weights(s))
        for s in sessions
    ]


def same(one, other):
    return all(
        torch.equal(a[-1], b[-1]) and a[:3] == b[:3] and a[4:7] == b[4:7]
        for a, b in zip(one, other, strict=True)
    )


@settings(max_examples=25)
@given(
    st.sampled_from(sorted(MAKE)),
    st.lists(st.tuples(st.sampled_from(sorted(ALLOWED)), st.sampled_from(sorted(REFUSED)))),
)
def test_a_refused_command_leaves_the_future_as_it_was(kind, commands):
    disturbed, calm = MAKE[kind](), MAKE[kind]()
    for good, bad in commands:
        ALLOWED[good](calm), ALLOWED[good](disturbed)
        with pytest.raises((ValueError, TypeError, RuntimeError)):
            REFUSED[bad](disturbed)
        assert same(state_of(disturbed), state_of(calm))
    disturbed.run(2), calm.run(2)
    assert same(state_of(disturbed), state_of(calm))


@pytest.mark.parametrize("bad", sorted(REFUSED.keys() - {"network", "raising data", "rewind"}))
def test_on_few_pictures_too(bad):
    session = AugmentedSession(
        training.Experiment(network="conv", width=8, batch_size=8), "digits_50"
    )
    session.run(1)
    before = state_of(session)
    with pytest.raises((ValueError, TypeError)):
        REFUSED[bad](session)
    assert same(state_of(session), before)
    session.run(1)
    assert session.trouble is None


def test_a_lab_beside_a_comparison_refuses_as_a_whole():
    lab = Lab("ring", compare={"a": {"lr_D": 1e-4}, "b": {"lr_D": 1e-3}}, **SMALL)
    before = state_of(lab.comparison), state_of(lab.session)
    for bad in ({"network": "conv"}, {"lr_G": -1.0}, {"data": Raising()}):
        with pytest.raises((ValueError, TypeError, RuntimeError)):
            lab.change(**bad)
    with pytest.raises(TypeError, match=r"seed = 1\.5"):
        lab.reset(1.5)
    assert same(state_of(lab.comparison), before[0]) and same(state_of(lab.session), before[1])
    lab.run(2)
    lab.close()


@pytest.mark.parametrize("task", [PAIRED, UNPAIRED], ids=["pix2pix", "CycleGAN"])
def test_a_translation_refuses_as_a_whole(task):
    disturbed, calm = (TranslationSession(SMALL_TRANSLATION, task) for _ in range(2))
    for s in (disturbed, calm):
        s.run(2)
    for bad in ({"data": "horses"}, {"l1": -1.0}, {"train_step": 5}, {"l": 1.0}, {"width": 0}):
        with pytest.raises((ValueError, TypeError)):
            disturbed.change(**bad)
    with pytest.raises(TypeError, match="seed"):
        disturbed.reset(1.5)
    for s in (disturbed, calm):
        s.run(2)
    assert disturbed.history.rows == calm.history.rows and disturbed.experiment == calm.experiment


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"compare": ["loss"]}, r"compare = \['loss'\] is a list; give a name"),
        ({"experiment": {"lr_D": 1}}, r"experiment = \{'lr_D': 1\} is a dict; give an Experiment"),
        ({"gan": "cgan"}, "gan = 'cgan' is a str; give a GAN"),
        ({"train_step": 5}, "train_step = 5 has to be a function"),
        ({"distance": "x"}, "distance = 'x'"),
        ({"remedies": "yes"}, "remedies = 'yes'"),
    ],
)
def test_what_is_easily_mistaken_is_named(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Lab("ring", **arguments)


def test_no_comparison_is_asked_for_by_name():
    lab = Lab("ring", **SMALL)
    with pytest.raises(TypeError, match="compare = None is a NoneType; give a name"):
        lab.compare(None)
    lab.close()


# --- whatever is raised becomes a trouble that can be mended -----------------------------------


@pytest.fixture
def lab():
    lab = Lab("ring", **SMALL)
    yield lab
    lab.close()
    wait_for(lambda: threads() == [])


def test_a_step_with_too_many_losses_is_a_trouble_and_the_lab_lives_on():
    def three(gan, data):
        a, b = pix2pix.train_step(gan, data)
        return a, b, b

    lab = Lab(PAIRED, experiment=SMALL_TRANSLATION, train_step=three)
    lab.play()
    wait_for(lambda: lab.session.trouble is not None and not lab.worker.playing)
    assert "too many values to unpack" in lab.session.trouble.detail
    lab.change(train_step=pix2pix.train_step)
    lab.reset()
    lab.play()
    wait_for(lambda: lab.session.at > 1)
    lab.close()
    wait_for(lambda: threads() == [])


@pytest.mark.parametrize("what", ["tensor", "generator", "file"])
def test_what_cannot_be_copied_costs_the_timeline_and_not_the_lab(lab, what):
    def keeping(gan, data):
        losses = training.train_step(gan, data)
        if gan.step == 30:
            gan.kept = {
                "tensor": lambda: gan.G(gan.sample_z(2)),  # with a gradient
                "generator": lambda: (k for k in range(3)),
                "file": lambda: open(os.devnull, encoding="utf-8"),  # noqa: SIM115
            }[what]()
        return losses

    lab.change(train_step=keeping)
    lab.run(120)
    assert lab.session.at == 120 and lab.session.trouble is None
    assert "cannot be copied" in lab.message.value
    with pytest.raises(ValueError, match="this GAN cannot be copied"):
        lab.compare("loss")
    lab.rewind(0)  # what was kept before
    lab.change(train_step=training.train_step)
    lab.run(60)
    assert [m.step for m in lab.session.timeline.moments] == [0, 50]
    kept = getattr(lab.session.gan, "kept", None)
    assert kept is None


@pytest.mark.parametrize("method", ["step", "half_step", "frame"])
@pytest.mark.parametrize("driver", ["thread", "page"])
def test_an_error_that_nobody_expects_leaves_a_worker_that_obeys(method, driver):
    session = Session(Experiment(**SMALL), "ring")
    told, broken, inner = [], [True], getattr(session, method)

    def wrapped(*arguments):
        if broken:
            raise ZeroDivisionError("from nowhere")
        return inner(*arguments)

    setattr(session, method, wrapped)
    worker = Worker(session, lambda: session.frame(), report=told.append, driver=driver)
    worker.rate = 2.0 if method == "half_step" else 1000.0
    worker.play()
    if driver == "page":
        worker.answer()
    wait_for(lambda: (told or session.trouble) and not worker.playing)
    if method != "frame":
        assert "ZeroDivisionError: from nowhere" in str(session.trouble)
    broken.clear()
    worker.post(session.reset)
    worker.play()
    for _ in range(3 * (driver == "page")):
        worker.answer()
    wait_for(lambda: session.at + session.d_updates > 0)
    worker.close()
    wait_for(lambda: threads() == [])


def test_a_report_that_fails_does_not_end_the_thread():
    def failing(error):
        raise RuntimeError("nobody listens")

    session = Session(Experiment(**SMALL), "ring")
    worker = Worker(session, report=failing)
    done = threading.Event()
    worker.post(lambda: 1 / 0)
    worker.post(done.set)
    assert done.wait(60)
    worker.close()


def test_nan_in_half_steps_before_the_first_update_of_G_is_noticed():
    class Nan(Raising):
        event_shape = (2,)

        def sample(self, n, rng):
            return torch.full((n, 2), math.nan)

    session = Session(Experiment(**SMALL), Nan())
    session.step_D()
    assert session.trouble.what == "loss_D" and session.trouble.step == 0
    healthy = Session(Experiment(**SMALL), "ring")
    healthy.step_D()
    healthy.step_G()
    assert healthy.trouble is None


def test_beta1_may_be_an_int_wherever_it_comes_from():
    lab = Lab("ring", beta1=0, **SMALL)
    lab.compare("beta1")
    lab.reset()
    lab.run(2)
    lab.compare("one")
    lab.change(width=16)
    lab.run(2)
    values = [next(iter(v.values())) for v in variants_of("beta1", lab.session).values()]
    assert values == [0.0, 0.5, 0.9] and all(isinstance(value, float) for value in values)
    lab.close()


# --- interrupts --------------------------------------------------------------------------------


def interrupted(times):
    """What happens in a step after so many interrupts."""
    seen = []

    def step():
        with whole_steps():
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
            seen.append("it goes on")

    with pytest.raises(KeyboardInterrupt):
        step()
    return seen


def test_an_interrupt_waits_for_the_end_of_the_step():
    seen = interrupted(times=1)
    assert seen and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_does_not_wait():
    seen = interrupted(times=2)
    assert not seen and signal.getsignal(signal.SIGINT) is signal.default_int_handler


# --- memory ------------------------------------------------------------------------------------


def test_the_timeline_is_bounded_by_what_it_takes():
    session = Session(Experiment(**SMALL), "ring")
    session.detail = Detail(interval=1, memory=10 * n_bytes(session.gan))
    session.reset()
    session.run(100)
    moments = session.timeline.moments
    assert sum(n_bytes(m.gan) for m in moments) <= 12 * n_bytes(session.gan)
    assert moments[0].step == 0 and moments[-1].step > 50
    huge = Timeline(memory=0)
    huge.keep(session)
    assert huge.capacity == 2  # the beginning, and the last


@pytest.mark.parametrize(
    "make",
    [
        lambda: Lab("ring", compare="loss", **SMALL),
        lambda: Lab("ring", condition="cgan", **SMALL),
        lambda: Lab(PAIRED, experiment=SMALL_TRANSLATION),
        lambda: DrawLab(torch.neg),
    ],
    ids=["ring", "classes", "translation", "drawing"],
)
def test_a_closed_lab_is_freed(make):
    lab = make()
    if isinstance(lab, Driven):
        lab.run(2)
    seen = [weakref.ref(part) for part in (lab, lab.box, lab.box.children[0])]
    lab.close()
    wait_for(lambda: threads() == [])
    del lab
    gc.collect()
    assert [ref() for ref in seen] == [None] * 3


def test_a_closed_lab_can_still_be_shown(lab):
    lab.run(2)
    lab.close()
    bundle = lab._repr_mimebundle_()
    assert "image/png" in bundle and hosts.WIDGET not in bundle


# --- cells -------------------------------------------------------------------------------------


def run_again(monkeypatch, cell):
    count = [0]

    def current():
        count[0] += 1
        return cell, count[0]

    monkeypatch.setattr(in_cell, "current_cell", current)


def views(lab, count):
    lab._on_pulse_message(lab.pulse, {"type": "views", "page": "a", "count": count}, [])


def test_the_same_cell_run_again_ends_its_lab(monkeypatch):
    run_again(monkeypatch, Cell("id", known=True))
    old = Lab("ring", **SMALL)
    views(old, 1)
    new = Lab("ring", **SMALL)
    assert old.worker.closed and not new.worker.closed
    new.close()


def test_a_sheet_to_draw_on_ends_with_its_cell_too(monkeypatch):
    run_again(monkeypatch, Cell("DrawLab(f)", known=False))
    seen, unseen = DrawLab(torch.neg), DrawLab(torch.neg)
    assert seen.box.comm is None  # nobody had seen it
    unseen._on_message(unseen.canvas, {"type": "here", "view": "a"}, [])
    last = DrawLab(torch.neg)
    assert unseen.box.comm is not None
    unseen._on_message(unseen.canvas, {"type": "gone", "view": "a"}, [])
    assert unseen.box.comm is None and last.box.comm is not None
    last.close()


def test_two_cells_with_the_same_text_leave_each_other_alone(monkeypatch):
    run_again(monkeypatch, Cell("Lab('ring')", known=False))
    one = Lab("ring", **SMALL)
    views(one, 1)
    other = Lab("ring", **SMALL)
    assert not one.worker.closed  # it is seen, in a cell of its own
    views(one, 0)
    assert one.worker.closed and not other.worker.closed  # its output has gone: it was run again
    other.close()


def test_who_sees_no_stage_is_told_what_is_missing(lab, monkeypatch):
    monkeypatch.setattr(driven, "NO_STAGE_AFTER", 0.2)
    lab.play_button.click()
    wait_for(lambda: "pip install anywidget" in lab.message.value)
    lab.pause()


def test_who_sees_the_stage_is_not_told_so(lab, monkeypatch):
    monkeypatch.setattr(driven, "NO_STAGE_AFTER", 0.0)
    views(lab, 1)
    lab.play_button.click()
    wait_for(lambda: lab.session.at > 10)
    time.sleep(0.1)
    assert "anywidget" not in lab.message.value
    lab.pause()
