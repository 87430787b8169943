"""The engine of the lab on translation: it trains as the plain steps do, and looking is free."""

from dataclasses import replace

import pytest
import torch

from gan_helpers import cyclegan, tasks, translation
from gan_helpers.cyclegan import CycleGAN
from gan_helpers.lab import translating
from gan_helpers.lab.translating import TranslationSession
from gan_helpers.pairs import Pairs, Unpaired
from gan_helpers.tasks import TASKS, Task
from gan_helpers.translation import Pix2Pix, Translation

SMALL = Translation(width=4, width_D=4, batch_size=4)


def pictures(n, channels=1, seed=0):
    return torch.rand(n, channels, 16, 16, generator=torch.Generator().manual_seed(seed)) * 2 - 1


PAIRS = Pairs("pairs", pictures(12), pictures(12, 3, 1))
PAIRED = Task("pairs", PAIRS, Pairs("test", pictures(6, 1, 2), pictures(6, 3, 3)))
UNPAIRED = Task("heaps", Unpaired("heaps", pictures(12), pictures(9, 1, 1)), PAIRED.test)
UNPAIRED = replace(UNPAIRED, test=Pairs("hidden", pictures(6, 1, 2), pictures(6, 1, 3)))
each_task = pytest.mark.parametrize("task", [PAIRED, UNPAIRED], ids=["pairs", "heaps"])


def weights(session):
    nets = (session.gan.G, session.gan.D)
    return [p.detach().clone() for net in nets for p in net.parameters()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@each_task
def test_it_trains_as_the_plain_step_does(task):
    session = TranslationSession(task, SMALL, seed=3)
    if task.paired:
        gan, step = Pix2Pix(SMALL, (1, 3), 3), translation.train_step
    else:
        gan, step = CycleGAN(SMALL, (1, 1), 3), cyclegan.cycle_step
    for _ in range(6):
        session.step()
        session.rows()  # looking changes nothing
        losses = step(gan, task.train)
    assert session.at == gan.step == 6
    assert same(weights(session), [*gan.G.parameters(), *gan.D.parameters()])
    session.run(4)
    curves = session.curves()
    assert curves["steps"].tolist() == [5, 10]
    assert all(len(values) == 2 for values in curves.values())
    assert curves["loss_D"][0] != float(losses[0])  # step 5, not 6


@each_task
def test_reset_begins_again(task):
    session = TranslationSession(task, SMALL)
    start = weights(session)
    session.run(3)
    assert not same(weights(session), start)
    session.reset()
    assert session.at == 0 and same(weights(session), start) and not session.history.rows
    session.reset(1)
    assert session.seed == 1 and not same(weights(session), start)


def test_what_is_shown_of_pairs():
    session = TranslationSession(PAIRED, SMALL)
    rows = session.rows()
    assert list(rows) == ["input", "output", "answer"]
    assert torch.equal(rows["input"], PAIRED.test.a) and torch.equal(rows["answer"], PAIRED.test.b)
    assert torch.equal(rows["output"], session.gan.translate(PAIRED.test.a))
    assert set(session.curves()) == {"steps", "loss_D", "loss_G", "error", "sharpness"}


def test_what_is_shown_of_heaps():
    session = TranslationSession(UNPAIRED, SMALL)
    rows = session.rows()
    assert list(rows) == ["a", "to_b", "back_to_a", "b", "to_a", "back_to_b"]
    torch.testing.assert_close(rows["back_to_a"], session.gan.to_a(rows["to_b"]))
    torch.testing.assert_close(rows["back_to_b"], session.gan.to_b(rows["to_a"]))
    assert "hidden_error" in session.curves()
    test = Unpaired("test", pictures(6), pictures(3))
    blind = TranslationSession(replace(UNPAIRED, test=test), SMALL)
    assert "hidden_error" not in blind.curves() and len(blind.rows()["a"]) == 3


def test_a_change_keeps_the_weights_where_it_can():
    session = TranslationSession(PAIRED, SMALL)
    session.run(2)
    trained = weights(session)
    assert session.change(l1=0.0, lr_G=1e-3, loss="hinge") is False
    assert session.at == 2 and same(weights(session), trained)
    assert session.gan.experiment.l1 == 0 and session.gan.loss.name == "hinge"
    assert session.change(conditional=False) is True  # another D
    assert session.at == 0 and session.experiment.l1 == 0
    assert session.change(task=UNPAIRED) is True
    assert isinstance(session.gan, CycleGAN) and session.experiment == UNPAIRED.experiment
    session.run(2)
    assert session.trouble is None and session.at == 2


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"lambda_": 1}, ValueError, "setting = 'lambda_' is unknown; choose one of"),
        ({"cycle": -1}, ValueError, "cycle = -1"),
        ({"width": 4.5}, TypeError, "width = 4.5"),
        ({"loss": "nonsense"}, ValueError, "nonsense"),
        ({"task": "cats"}, ValueError, "task = 'cats' is unknown; choose one of shoes"),
        ({"task": PAIRS}, TypeError, "task = Pairs; it has to be a Task"),
        ({"train_step": 3}, TypeError, "has to be a function"),
    ],
)
def test_a_wrong_setting_changes_nothing(wrong, error, words):
    session = TranslationSession(PAIRED, SMALL)
    session.run(1)
    before = weights(session)
    with pytest.raises(error, match=words):
        session.change(**wrong)
    assert session.experiment == SMALL and session.task is PAIRED and same(weights(session), before)
    session.run(1)
    assert session.at == 2 and session.trouble is None


def test_a_wrong_setting_beside_another_task_changes_nothing():
    session = TranslationSession(PAIRED, SMALL)
    with pytest.raises(ValueError, match="l1"):
        session.change(task=UNPAIRED, l1=-1.0)
    assert session.task is PAIRED


def test_pairs_need_answers_to_be_tested_by():
    with pytest.raises(TypeError, match="test has to be Pairs"):
        Task("pairs", PAIRS, UNPAIRED.train)


def test_an_error_in_the_readers_step_stops_it_until_it_is_mended():
    def broken(gan, data):
        raise KeyError("no such thing")

    session = TranslationSession(PAIRED, SMALL, train_step=broken)
    session.run(5)
    assert session.at == 0 and session.trouble.what == "error"
    assert "no such thing" in session.trouble.detail and "raise KeyError" in session.trouble.line
    session.change(train_step=None)
    session.run(2)
    assert session.trouble is None and session.at == 2


def test_a_loss_that_blows_up_stops_it():
    def blown_up(gan, data):
        gan.step += 1
        return torch.tensor(1.0), torch.tensor(float("nan"))

    session = TranslationSession(PAIRED, SMALL, train_step=blown_up)
    session.run(5)
    assert session.at == 1 and session.trouble.what == "loss_G"


@pytest.mark.parametrize("name", TASKS)
def test_every_task_can_be_learned(name, monkeypatch):
    monkeypatch.setattr(tasks, "N_SCENES", 8)
    monkeypatch.setattr(tasks, "N_TEST", 12)
    session = TranslationSession(name)
    task = session.task
    assert task.name == name and session.experiment == task.experiment
    assert task.paired == (name in ("shoes", "colours", "maps"))
    for world in (task.train, task.test):
        assert world.a.shape[1:] == (task.channels[0], 32, 32)
        assert world.b.shape[1:] == (task.channels[1], 32, 32)
    session.step()
    assert session.trouble is None and session.at == 1
    assert all(len(x) == translating.N_SHOWN for x in session.rows().values())
