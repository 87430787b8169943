"""The page drives: its questions are answered by steps and pictures; it notices what is lost."""

import json
import subprocess
import threading
import time
from pathlib import Path

import pytest
import torch
from jupyter_browser import PATIENCE
from lab_threads import threads, wait_for
from test_translating import PAIRED, SMALL as SMALL_TRANSLATION

from gan_helpers.experiment import Experiment
from gan_helpers.lab import hosts, pulse
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.engine.worker import LONGEST_ANSWER, MAX_PER_SECOND, Worker
from gan_helpers.lab.stage import unpack_frame
from gan_helpers.lab.view import Lab
from gan_helpers.training import train_step

SMALL = {"width": 8, "depth": 1, "batch_size": 16}
SCRIPT = Path(pulse.__file__).with_suffix(".js")


def ask(lab, asked=1, lost=False, view="a"):
    """What the page would ask."""
    content = {"type": "next", "view": view, "asked": asked, "lost": lost}
    lab._on_pulse_message(lab.pulse, content, [])


def weights(lab):
    return torch.cat([p.detach().flatten() for p in lab.session.gan.G.parameters()])


@pytest.fixture(params=["ring", "comparison", "cgan", "few", "translation"])
def driven(request):
    """A lab of each kind that the page drives."""
    make = {
        "ring": lambda: Lab("ring", driver="page", **SMALL),
        "comparison": lambda: Lab("ring", driver="page", compare="loss", **SMALL),
        "cgan": lambda: Lab("ring", driver="page", condition="cgan", **SMALL),
        "few": lambda: Lab("digits_50", driver="page", width=8, batch_size=8),
        "translation": lambda: Lab(PAIRED, driver="page", experiment=SMALL_TRANSLATION),
    }
    lab = make[request.param]()
    yield lab
    lab.close()


# --- driven by the page ------------------------------------------------------------------------


def test_it_moves_by_questions_alone_and_without_a_thread(driven):
    driven.play()
    assert driven.worker.playing and driven.pulse.state["running"]
    before = driven.worker.session.at
    for k in range(1, 4):
        ask(driven, k)
        assert driven.pulse.state["asked"] == k and driven.pulse.state["view"] == "a"
    assert driven.worker.session.at >= before + 3
    driven.pause()
    at = driven.worker.session.at
    assert not driven.pulse.state["running"]
    ask(driven, 4)
    assert driven.worker.session.at == at and threads() == []


def test_a_command_is_obeyed_at_once(driven):
    here = []
    driven.worker.post(lambda: here.append(threading.current_thread()))
    assert here == [threading.current_thread()]
    driven.change(lr_D=2e-3)
    assert driven.session.experiment.lr_D == 2e-3


def test_an_answer_is_bounded(driven):
    driven.play()
    driven.worker._answered_at = 0.0  # long ago: as on a slow connection
    start = time.perf_counter()
    calls, step = [], driven.worker.session.step
    driven.worker.session.step = lambda: (calls.append(time.perf_counter() - start), step())
    ask(driven)
    assert calls and calls[-1] <= LONGEST_ANSWER + 0.05  # no step begins after its time


def test_the_numbers_are_the_same_whoever_drives():
    labs = {driver: Lab("ring", driver=driver, **SMALL) for driver in hosts.DRIVERS}
    by_thread, by_page = labs["thread"], labs["page"]
    by_thread.play()
    wait_for(lambda: by_thread.session.at > 50)
    by_thread.pause()
    wait_for(lambda: threads() == [])
    by_page.play()
    while by_page.session.at < by_thread.session.at:
        ask(by_page)
    by_page.pause()
    most = max(by_thread.session.at, by_page.session.at)
    by_run = Lab("ring", **SMALL)
    by_run.run(most)
    for lab in (by_thread, by_page):
        lab.run(most - lab.session.at)
        assert torch.equal(weights(lab), weights(by_run))
        assert lab.session.history.rows == by_run.session.history.rows
        lab.close()
    by_run.close()


@pytest.mark.parametrize(
    ("rate", "steps", "wait"), [(1.0, 1, 1.0), (10.0, 1, 0.1), (100.0, 5, 0.05)]
)
def test_slow_motion_tells_the_page_when_to_ask(rate, steps, wait):
    lab = Lab("ring", driver="page", **SMALL)
    lab.rate.value = rate
    lab.play()
    assert lab.pulse.state["wait"] == pytest.approx(wait)
    calls = []
    for name in ("step", "half_step"):
        method = getattr(lab.session, name)
        setattr(lab.session, name, lambda method=method: (calls.append(1), method()))
    ask(lab)
    assert len(calls) == steps
    lab.rate.value = MAX_PER_SECOND
    lab.pause()
    assert lab.pulse.state["wait"] == 0
    lab.close()


def test_an_interrupt_amid_an_answer_pauses_and_says_so():
    def interrupted(gan, data):
        if gan.step == 5:
            raise KeyboardInterrupt
        return train_step(gan, data)

    lab = Lab("ring", driver="page", train_step=interrupted, **SMALL)
    lab.play()
    for k in range(6):
        ask(lab, k)
    assert lab.session.at == 5 and not lab.worker.playing
    assert "Interrupted" in lab.message.value and not lab.pulse.state["running"]
    lab.change(train_step=train_step)
    lab.play()
    ask(lab)
    assert lab.session.at > 5
    lab.close()


def test_a_command_that_leaves_a_command_is_obeyed_in_order():
    worker, seen = Worker(Session(Experiment(**SMALL), "ring"), driver="page"), []
    worker.post(lambda: (worker.post(lambda: seen.append("second")), seen.append("first")))
    assert seen == ["first", "second"] and (worker.due, worker.done) == (2, 2)


def test_a_kernel_without_threads_is_driven_by_the_page(monkeypatch):
    def none_here(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_here)
    lab = Lab("ring", driver="thread", **SMALL)
    lab.play()
    assert lab.worker.driver == "page" and lab.pulse.state["driver"] == "page"
    ask(lab)
    assert lab.session.at > 0
    lab.close()


@pytest.mark.parametrize("make", [lambda **k: Lab("ring", **k), lambda **k: Lab(PAIRED, **k)])
def test_an_unknown_driver_is_refused(make):
    with pytest.raises(ValueError, match="driver = 'pages'"):
        make(driver="pages")


# --- what a thread sends and does not arrive -------------------------------------------------


@pytest.fixture
def lab():
    lab = Lab("ring", **SMALL)
    yield lab
    lab.close()
    wait_for(lambda: threads() == [])


def test_the_page_takes_over_when_nothing_arrives(lab, monkeypatch):
    sent = []
    lab.play()
    wait_for(lambda: lab.session.at > 5)
    monkeypatch.setattr(lab.loss, "send_state", lambda key=None: sent.append(key))
    ask(lab, 7, lost=True)
    assert lab.worker.driver == lab.pulse.state["driver"] == "page"
    assert lab.pulse.state["asked"] == 7 and lab.pulse.state["running"]
    assert sent[0] is None  # all of it: what it was sent before is lost as well
    header, arrays = unpack_frame(lab.stage.frame)
    assert "base" not in header and {"real", "fake", "heat"} <= arrays.keys()
    wait_for(lambda: threads() == [])
    at = lab.session.at
    ask(lab, 8)
    assert lab.session.at > at
    lab.loss.value = "hinge"
    assert lab.session.experiment.loss == "hinge"  # at once


def test_the_thread_goes_on_while_its_pictures_arrive(lab):
    lab.play()
    wait_for(lambda: lab.session.at > 5)
    for k in range(3):
        ask(lab, k)
        assert lab.pulse.state["asked"] == k
    assert lab.worker.driver == "thread" and lab.worker.playing


def test_what_is_left_to_do_is_told_at_once(lab, monkeypatch):
    monkeypatch.setattr(lab.worker, "_start_thread", lambda: None)
    due = lab.pulse.due
    lab.loss.value = "hinge"
    assert lab.pulse.due == due + 1 > lab.pulse.state["done"]


def test_beats_are_few_while_the_thread_plays(lab):
    before, start = lab.pulse.state["n"], time.monotonic()
    lab.play()
    wait_for(lambda: time.monotonic() - start > 1.5)
    beats = lab.pulse.state["n"] - before
    assert 2 <= beats <= 2 + (time.monotonic() - start) / pulse.BEAT


def test_a_pulse_that_hears_nothing_gets_a_successor(lab):
    deaf = lab.pulse
    lab._on_pulse_message(deaf, {"type": "views", "page": "a", "count": 1}, [])
    assert deaf.heard == 1
    for _ in range(2):
        lab._on_pulse_message(deaf, {"type": "deaf"}, [])
    assert lab.pulse is not deaf and deaf.comm is None and lab.pulse in lab.box.children
    assert lab.pulse.patience == 2 * deaf.patience and lab.pulse.state["driver"] == "thread"


def test_it_pauses_when_the_last_view_has_gone(driven):
    def views(page, count):
        content = {"type": "views", "page": page, "count": count}
        driven._on_pulse_message(driven.pulse, content, [])

    views("a", 1), views("b", 1)
    driven.play()
    views("a", 0)
    assert driven.worker.playing
    views("b", 0)
    assert not driven.worker.playing


# --- the page's side of it ---------------------------------------------------------------------


@pytest.mark.usefixtures("node")
def test_the_page_asks_as_the_state_says(tmp_path):
    (tmp_path / "pulse.mjs").write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
    code = """import { questions, expects } from "./pulse.mjs";
    const page = { driver: "page", running: true, wait: 0, done: 2 };
    const slow = { ...page, wait: 0.5 }, thread = { ...page, driver: "thread" };
    const still = { ...page, running: false };
    console.log(JSON.stringify([
      [questions(page, 0, 10), questions(page, 1, 10), questions(page, 2, 10)],
      [questions(slow, 0, 100), questions(slow, 0, 600), questions(slow, 1, 600)],
      [questions(thread, 0, 1e4), questions(still, 0, 1e4)],
      [expects(page, 1, 2), expects(page, 0, 2), expects(page, 0, 3)],
      [expects(thread, 0, 2), expects({ ...thread, running: false }, 0, 2),
       expects({ ...thread, running: false }, 0, 3)]]))"""
    (tmp_path / "test.mjs").write_text(code, encoding="utf-8")
    done = subprocess.run(
        ["node", tmp_path / "test.mjs"], capture_output=True, encoding="utf-8", timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    full, slow, none, page, thread = json.loads(done.stdout)
    assert full == [{"now": 2, "later": 0}, {"now": 1, "later": 0}, {"now": 0, "later": 0}]
    assert slow == [{"now": 0, "later": 400}, {"now": 1, "later": 0}, {"now": 0, "later": 0}]
    assert none == [{"now": 0, "later": 0}] * 2
    assert page == [True, False, True] and thread == [True, False, True]
