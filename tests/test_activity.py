"""What the lab says it is doing, beside its messages."""

import pytest
from lab_threads import threads, wait_for
from test_view import SMALL

from gan_helpers.lab import Lab, activity
from gan_helpers.lab.activity import Activity, two_digits
from gan_helpers.lab.labels import labels


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when they are told to."""

    class Clock:
        now = 100.0
        monotonic = classmethod(lambda cls: cls.now)

    monkeypatch.setattr(activity, "time", Clock)
    return Clock


@pytest.fixture
def lab():
    lab = Lab(**SMALL)
    yield lab
    lab.close()


def said(activity):
    return activity.line.value.removeprefix("<span class='gan-activity'>").removesuffix(" ·</span>")


def test_it_says_how_fast_it_trains_once_a_second(clock):
    doing, changes = Activity(labels("en")), []
    doing.line.observe(lambda change: changes.append(change["new"]), "value")
    doing.note(False, 0)
    assert said(doing) == ""
    for picture in range(1, 121):  # thirty a second, and four steps between two of them
        clock.now += 1 / 30
        doing.note(True, 4 * picture)
    assert said(doing) == "120 steps/s"
    assert len(changes) <= 5
    doing.note(False, 480)
    assert said(doing) == "paused at step 480"
    doing.note(False, 480, stopped=True)  # a message says why
    assert said(doing) == ""


def test_few_steps_make_no_rate(clock):
    """In slow motion there is a step every other second."""
    doing = Activity(labels("en"))
    doing.note(True, 0)
    for second in range(1, 13):
        clock.now += 1
        doing.note(True, second // 2)
        assert said(doing) == ("playing" if second < 10 else "0.5 steps/s")


def test_a_new_start_is_no_rate_below_zero(clock):
    doing = Activity(labels("ja"))
    doing.note(True, 500)
    clock.now += 1
    doing.note(True, 0)
    assert said(doing) == "再生中"


@pytest.mark.parametrize(
    ("rate", "words"), [(0.5, "0.5"), (9.99, "10"), (112.4, "110"), (1049, "1,000")]
)
def test_a_rate_has_two_digits(rate, words):
    assert two_digits(rate) == words


def test_ready_is_what_a_lab_says_before_it_plays(lab):
    assert "ready" in lab.message.value and said(lab.activity) == ""
    lab.play()
    wait_for(lambda: lab.session.at > 5 and "ready" not in lab.message.value)
    lab.pause()
    wait_for(lambda: said(lab.activity) == f"paused at step {lab.session.at}" and threads() == [])
    assert "ready" not in lab.message.value
    lab.reset()
    assert "ready" in lab.message.value and said(lab.activity) == ""


def test_the_last_change_is_said_again_when_it_plays(lab):
    lab.run(10)
    lab.change(loss="hinge")
    lab._run_ahead(3)
    assert "D is 3 updates ahead" in lab.message.value
    lab.play()
    wait_for(lambda: "loss = hinge from step 10" in lab.message.value)
    lab.pause()
    wait_for(lambda: threads() == [])
    lab.rewind(0)
    assert "Back at step 0" in lab.message.value
    lab.play()
    wait_for(lambda: "Back" not in lab.message.value)
    assert "hinge" not in lab.message.value  # it came later


def test_an_alarm_stays_while_it_plays(lab):
    lab.worker.post(lambda: lab._say_text("something is wrong", alarm=True))
    lab.play()
    wait_for(lambda: lab.session.at > 20)
    assert "something is wrong" in lab.message.value
