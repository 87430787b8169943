"""The one thread that trains: it obeys between steps, at once, and leaves nothing behind."""

import threading
import time

import pytest
from jupyter_browser import PATIENCE
from lab_threads import threads, wait_for

from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.engine.worker import Worker
from gan_helpers.training import train_step

SMALL = Experiment(width=8, depth=1, batch_size=8)


@pytest.fixture
def session():
    return Session(SMALL, "ring")


def test_no_thread_until_something_is_to_be_done_and_none_after(session):
    worker = Worker(session)
    assert threads() == []
    worker.play()
    wait_for(lambda: session.gan.step > 10)
    worker.pause()
    wait_for(lambda: threads() == [])
    stopped = session.gan.step
    worker.play()  # and it can be woken again
    wait_for(lambda: session.gan.step > stopped)
    worker.close()
    assert threads() == []


def test_commands_run_on_the_thread_in_their_order(session):
    worker, seen = Worker(session), []
    for i in range(50):
        worker.post(lambda i=i: seen.append((i, threading.current_thread().name)))
    wait_for(lambda: len(seen) == 50)
    assert seen == [(i, "gan-lab") for i in range(50)]
    worker.close()


def test_a_command_never_falls_into_a_step(session):
    inside = []

    def slow_step(gan, data):
        inside.append(True)
        time.sleep(0.002)
        losses = train_step(gan, data)
        inside.clear()
        return losses

    session.change(train_step=slow_step)
    worker, overlaps, done = Worker(session), [], threading.Event()
    worker.play()
    for _ in range(100):
        worker.post(lambda: overlaps.append(bool(inside)))
    worker.post(done.set)
    assert done.wait(PATIENCE)
    worker.close()
    assert len(overlaps) == 100 and not any(overlaps)


def test_a_command_acts_before_the_next_step_while_it_plays(session):
    worker = Worker(session, publish=session.frame)
    worker.play()
    wait_for(lambda: session.gan.step > 0)
    for _ in range(20):
        acted = []
        worker.post(lambda acted=acted: acted.append(session.gan.step))
        latest = session.gan.step  # there may be a step under way
        wait_for(lambda acted=acted: acted)
        assert acted[0] <= latest + 1
    worker.close()


def test_an_error_in_a_command_is_reported_and_the_thread_goes_on(session):
    errors = []
    worker = Worker(session, report=errors.append)
    worker.post(lambda: session.change(lr_D=-1.0))
    after = threading.Event()
    worker.post(after.set)
    assert after.wait(10)
    worker.close()
    assert len(errors) == 1 and "lr_D = -1.0" in str(errors[0])


def test_closing_is_final_and_can_be_repeated(session):
    worker = Worker(session)
    worker.play()
    wait_for(lambda: session.gan.step > 0)
    worker.close()
    worker.close()
    steps = session.gan.step
    worker.play()
    assert threads() == [] and session.gan.step == steps


def test_run_needs_no_thread_and_shows_progress(session):
    worker, told = Worker(session), []
    worker.run(30, told.append)
    assert session.gan.step == 30 and told[-1] == 30 and threads() == []


def test_an_interrupt_keeps_what_was_learned(session):
    def interrupted(gan, data):
        if gan.step == 5:
            raise KeyboardInterrupt
        return train_step(gan, data)

    session.change(train_step=interrupted)
    worker = Worker(session)
    with pytest.raises(KeyboardInterrupt):
        worker.run(30)
    assert session.gan.step == 5
    session.change(train_step=train_step)
    worker.run(5)
    assert session.gan.step == 10 and session.trouble is None


def test_it_stops_playing_when_something_blows_up(session):
    def blown(gan, data):
        loss_D, loss_G = train_step(gan, data)
        return loss_D * (float("nan") if gan.step > 3 else 1), loss_G

    session.change(train_step=blown)
    worker = Worker(session)
    worker.play()
    wait_for(lambda: session.trouble is not None and not worker.playing)
    assert session.trouble.what == "loss_D"
    worker.close()


@pytest.mark.parametrize("rate", [10.0, 100.0])
def test_slow_rates_are_kept(session, rate):
    """No more steps than the rate allows (plus one under way), however long they take."""
    worker = Worker(session)
    worker.rate = rate
    worker.play()
    wait_for(lambda: session.gan.step > 0)
    start, before = time.monotonic(), session.gan.step
    wait_for(lambda: session.gan.step >= before + 5)
    taken, spent = session.gan.step - before, time.monotonic() - start
    worker.close()
    assert taken <= rate * spent + 1


def test_a_picture_is_settled_when_it_follows_the_last_command(session):
    worker, told = Worker(session), []
    worker.publish = lambda: told.append((worker.playing, worker.settled))
    worker.play()
    wait_for(lambda: len(told) > 3)
    worker.pause()
    wait_for(lambda: threads() == [])
    assert told[0] == (True, True) and told[1] == (True, False)  # the click, then steps
    assert told[-1] == (False, True)
    worker.close()
