"""The engine of the lab on translation: it trains as the plain steps do, and looking is free."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gan_helpers.datasets.pairs import Pairs, Unpaired
from gan_helpers.lab.engine.comparison import Comparison, variants_of
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.engine.translating import N_MEASURED, TranslationSession
from gan_helpers.translation import cyclegan, pix2pix, tasks
from gan_helpers.translation.cyclegan import CycleGAN
from gan_helpers.translation.pix2pix import Pix2Pix
from gan_helpers.translation.tasks import TASKS, Task
from gan_helpers.translation.training import Translation

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
    session = TranslationSession(SMALL, task, seed=3)
    if task.paired:
        gan, step = Pix2Pix(SMALL, (1, 3), 3), pix2pix.train_step
    else:
        gan, step = CycleGAN(SMALL, (1, 1), 3), cyclegan.cycle_step
    for _ in range(6):
        session.step()
        session.frame()  # looking changes nothing
        losses = step(gan, task.train)
    assert session.at == gan.step == 6
    assert same(weights(session), [*gan.G.parameters(), *gan.D.parameters()])
    session.run(4)
    curves = session.history.arrays()
    assert curves["steps"].tolist() == [5, 10]
    assert all(len(values) == 2 for values in curves.values())
    assert curves["loss_D"][0] != float(losses[0])  # step 5, not 6


@each_task
def test_two_half_steps_are_a_step(task):
    whole, halves = (TranslationSession(SMALL, task) for _ in range(2))
    whole.run(3)
    phases = []
    for _ in range(6):
        halves.half_step()
        phases.append(halves.phase)
    assert phases == (["D", "G"] if task.paired else ["G", "D"]) * 3
    assert halves.at == 3 and same(weights(whole), weights(halves))


@each_task
def test_each_player_can_move_alone(task):
    session = TranslationSession(SMALL, task)
    n_G = len(list(session.gan.G.parameters()))
    start = weights(session)
    session.step_D()
    session.step_D()
    moved = weights(session)
    assert session.at == 0 and same(moved[:n_G], start[:n_G]) and not same(moved, start)
    session.step_G()
    after = weights(session)
    assert session.at == 1 and same(after[n_G:], moved[n_G:]) and not same(after, moved)
    assert session.trouble is None and session.push_on_G() > 0


def test_without_the_gans_loss_d_stands_still():
    session = TranslationSession(replace(SMALL, adversarial=0.0), PAIRED)
    n_G = len(list(session.gan.G.parameters()))
    start = weights(session)
    session.step_D()
    assert same(weights(session), start)
    session.run(6)
    assert same(weights(session)[n_G:], start[n_G:]) and session.trouble is None
    assert session.last_losses[0] == 0


@each_task
def test_reset_begins_again(task):
    session = TranslationSession(SMALL, task)
    start = weights(session)
    session.run(3)
    assert not same(weights(session), start)
    session.reset()
    assert session.at == 0 and same(weights(session), start) and not session.history.rows
    session.reset(1)
    assert session.seed == 1 and not same(weights(session), start)


@each_task
def test_a_rewound_one_goes_on_as_if_nothing_had_happened_since(task):
    session = TranslationSession(SMALL, task)
    session.timeline.interval = 2
    session.run(6)
    later = weights(session)
    session.rewind(2)
    assert session.at == 2 and not same(weights(session), later)
    session.run(4)
    assert same(weights(session), later)


@each_task
def test_a_fork_leaves_its_origin_alone(task):
    session, calm = (TranslationSession(SMALL, task) for _ in range(2))
    session.run(2)
    twin = session.fork(lr_G=1e-2)
    twin.run(3)
    calm.run(2)
    assert same(weights(session), weights(calm)) and twin.at == 5
    assert len(twin.rows()[next(iter(twin.rows()))]) == 4  # less room, fewer pictures


@pytest.mark.parametrize(
    ("task", "what", "n"),
    [(PAIRED, "terms", 3), (UNPAIRED, "cycles", 3), (PAIRED, "l1", 4), (UNPAIRED, "loss", 7)],
)
def test_they_stand_side_by_side(task, what, n):
    origin = TranslationSession(SMALL, task)
    origin.run(1)
    many = Comparison(origin, variants_of(what, origin))
    many.run(2)
    many.half_step()
    many.half_step()
    header, arrays = many.frame()
    assert many.at == 4 and len(header["members"]) == n == many.n_shown
    assert all(not member["trouble"] for member in header["members"])
    outputs = [arrays[f"{k}/row_1"] for k in range(n)]
    assert all(not np.array_equal(outputs[0], other) for other in outputs[1:])
    assert np.array_equal(arrays["0/row_0"], arrays[f"{n - 1}/row_0"])
    many.change(batch_size=3)
    assert {s.experiment.batch_size for s in many.sessions.values()} == {3}


def test_only_what_differs_in_something_is_compared():
    paired, unpaired = (TranslationSession(SMALL, task) for task in (PAIRED, UNPAIRED))
    for session, wrong in ((paired, "cycles"), (paired, "cycle"), (unpaired, "l1")):
        with pytest.raises(ValueError, match=f"compare = '{wrong}' is unknown"):
            variants_of(wrong, session)
    for session in (paired, unpaired):
        with pytest.raises(ValueError, match="compare = 'remedy' is unknown"):
            variants_of("remedy", session)


def test_what_is_shown_of_pairs():
    session = TranslationSession(SMALL, PAIRED)
    rows = session.rows()
    assert list(rows) == ["input", "G(input)", "answer"]
    assert torch.equal(rows["input"], PAIRED.test.a) and torch.equal(rows["answer"], PAIRED.test.b)
    assert torch.equal(rows["G(input)"], session.gan.translate(PAIRED.test.a))
    header, arrays = session.frame()
    assert header["kind"] == "rows" and header["rows"] == list(rows)
    assert arrays["row_0"].shape == (6, 16, 16) and arrays["row_1"].shape == (6, 16, 16, 3)
    seen = torch.from_numpy(arrays["row_1"]).permute(0, 3, 1, 2) / 127.5 - 1
    assert (seen - rows["G(input)"]).abs().max() <= 1 / 127.5 + 1e-6
    assert [m["id"] for m in header["meters"]] == ["d_real", "d_fake"]
    assert all(0 < m["value"] < 1 for m in header["meters"])
    assert [c["id"] for c in header["charts"]] == ["loss", "answer_error", "sharpness"]


def test_what_is_shown_of_heaps():
    session = TranslationSession(SMALL, UNPAIRED)
    rows = session.rows()
    assert list(rows) == ["A", "A → B", "A → B → A", "B", "B → A", "B → A → B"]
    torch.testing.assert_close(rows["A → B → A"], session.gan.to_a(rows["A → B"]))
    torch.testing.assert_close(rows["B → A → B"], session.gan.to_b(rows["B → A"]))
    assert "hidden_error" in session.report()
    test = Unpaired("test", pictures(6), pictures(3))
    blind = TranslationSession(SMALL, replace(UNPAIRED, test=test))
    assert "hidden_error" not in blind.report() and len(blind.rows()["A"]) == 3
    session.run(5)
    measured = session.history.arrays()
    assert all(np.isfinite(measured[name]).all() for name in session.report())
    assert np.isnan(measured["sharpness"]).all()


def test_a_change_keeps_the_weights_where_it_can():
    session = TranslationSession(SMALL, PAIRED)
    session.run(2)
    trained = weights(session)
    assert session.change(l1=0.0, lr_G=1e-3, loss="hinge") is False
    assert session.at == 2 and same(weights(session), trained)
    assert session.gan.experiment.l1 == 0 and session.gan.loss.name == "hinge"
    assert session.change(conditional=False) is True  # another D
    assert session.at == 0 and session.experiment.l1 == 0
    assert session.change(data=UNPAIRED) is True
    assert isinstance(session.gan, CycleGAN) and session.experiment == UNPAIRED.experiment
    assert session.absent == {"l1", "conditional"}
    session.run(2)
    assert session.trouble is None and session.at == 2


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"lambda_": 1}, ValueError, "setting = 'lambda_' is unknown to a Pix2Pix; choose one of"),
        ({"cycle": -1}, ValueError, "cycle = -1"),
        ({"width": 4.5}, TypeError, r"width = 4\.5"),
        ({"loss": "nonsense"}, ValueError, "nonsense"),
        ({"data": "cats"}, ValueError, "data = 'cats' is unknown; choose one of shoes"),
        ({"data": PAIRS}, TypeError, "data = Pairs cannot be translated; give a Task"),
        ({"train_step": 3}, TypeError, "has to be a function"),
    ],
)
def test_a_wrong_setting_changes_nothing(wrong, error, words):
    session = TranslationSession(SMALL, PAIRED)
    session.run(1)
    before = weights(session)
    with pytest.raises(error, match=words):
        session.change(**wrong)
    assert session.experiment == SMALL and same(weights(session), before)
    assert session.data.name == "pairs"
    session.run(1)
    assert session.at == 2 and session.trouble is None


def test_a_wrong_setting_beside_another_task_changes_nothing():
    session = TranslationSession(SMALL, PAIRED)
    with pytest.raises(ValueError, match="l1"):
        session.change(data=UNPAIRED, l1=-1.0)
    assert session.data.name == "pairs"


def test_pairs_need_answers_to_be_tested_by():
    with pytest.raises(TypeError, match="test has to be Pairs"):
        Task("pairs", PAIRS, UNPAIRED.train)


def test_what_cannot_be_translated_is_refused():
    with pytest.raises(TypeError, match="Task has no event_shape"):
        Session(data=PAIRED)
    with pytest.raises(ValueError, match="data = 'ring' is unknown; choose one of shoes"):
        TranslationSession(SMALL, "ring")
    with pytest.raises(TypeError, match=r"give Translation\(…\)"):
        TranslationSession({"l1": 0.0}, PAIRED)


def test_an_error_in_the_readers_step_stops_it_until_it_is_mended():
    def broken(gan, data):
        raise KeyError("no such thing")

    session = TranslationSession(SMALL, PAIRED, train_step=broken)
    session.run(5)
    assert session.at == 0 and session.trouble.what == "error"
    assert "no such thing" in session.trouble.detail and "raise KeyError" in session.trouble.line
    session.change(train_step=pix2pix.train_step)
    session.run(2)
    assert session.trouble is None and session.at == 2


def test_a_loss_that_blows_up_stops_it():
    def blown_up(gan, data):
        gan.step += 1
        return torch.tensor(1.0), torch.tensor(float("nan"))

    session = TranslationSession(SMALL, PAIRED, train_step=blown_up)
    session.run(5)
    assert session.at == 1 and session.trouble.what == "loss_G"


@pytest.mark.parametrize("name", TASKS)
def test_every_task_can_be_learned(name, monkeypatch):
    monkeypatch.setattr(tasks, "N_SCENES", 8)
    monkeypatch.setattr(tasks, "N_TEST", 12)
    session = TranslationSession(data=name)
    task = session.data
    assert task.name == name and session.experiment == task.experiment
    assert task.paired == (name in ("shoes", "colours", "maps"))
    for world in (task.train, task.test):
        assert world.a.shape[1:] == (task.channels[0], 32, 32)
        assert world.b.shape[1:] == (task.channels[1], 32, 32)
    session.step()
    assert session.trouble is None and session.at == 1
    assert all(len(x) == session.detail.across for x in session.rows().values())
    assert len(session.test.a) <= N_MEASURED
