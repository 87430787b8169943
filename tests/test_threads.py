"""How many cores a step gets, and several GANs at once: the numbers are the same."""

import os
import signal
import threading
import time
from dataclasses import replace

import pytest
import torch

from gan_helpers import threads, training
from gan_helpers.conditional.training import Conditional, ConditionalGAN, train_step
from gan_helpers.datasets.images import load_mnist
from gan_helpers.datasets.pairs import Unpaired
from gan_helpers.datasets.points import ring
from gan_helpers.ensemble import Ensemble
from gan_helpers.experiment import Experiment
from gan_helpers.threads import abreast, at_once, for_pictures, suited, threads_for
from gan_helpers.training import GAN
from gan_helpers.translation.clouds import PointCycleGAN
from gan_helpers.translation.cyclegan import CycleGAN, cycle_step
from gan_helpers.translation.training import Translation

PICTURES = Experiment(network="conv", width=8, batch_size=8, latent_dim=4)
SMALL = Translation(width=4, width_D=4, depth=2, batch_size=4, loss="least_squares")


@pytest.fixture
def with_cores(monkeypatch):
    """A machine with so many cores, whose process may use them all."""
    before = torch.get_num_threads()

    def choose(n):
        monkeypatch.setattr(threads, "cores", lambda: n)
        torch.set_num_threads(n)

    yield choose
    torch.set_num_threads(before)


@pytest.mark.parametrize(("n", "wanted"), [(1, 1), (2, 1), (3, 2), (4, 3), (5, 4), (64, 4)])
def test_pictures_leave_a_core_alone_and_points_take_one(with_cores, n, wanted):
    with_cores(n)
    assert for_pictures() == wanted
    assert threads_for(GAN(PICTURES, (1, 16, 16))) == wanted
    assert threads_for(CycleGAN(SMALL)) == wanted
    assert threads_for(GAN(Experiment(), (2,))) == threads_for(PointCycleGAN()) == 1


def test_no_more_cores_than_the_process_may_use(monkeypatch):
    monkeypatch.setattr(threads.psutil, "cpu_count", lambda logical: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3}, raising=False)
    count = threads.cores.__wrapped__  # it is counted once
    assert count() == 1
    monkeypatch.setattr(threads.psutil, "cpu_count", lambda logical: None)  # not known
    assert count() == 1


@pytest.mark.parametrize(("n_set", "seen"), [(4, 3), (3, 3), (1, 1)])
def test_a_step_has_its_threads_and_gives_the_number_back(with_cores, n_set, seen):
    with_cores(4)
    torch.set_num_threads(n_set)  # fewer, where somebody knows what else is running
    gan = GAN(PICTURES, (1, 16, 16))
    assert suited(lambda gan: torch.get_num_threads())(gan) == seen
    with pytest.raises(ZeroDivisionError):
        suited(lambda gan: 1 / 0)(gan)
    assert torch.get_num_threads() == n_set


def test_every_round_of_the_game_takes_the_threads_that_suit(with_cores):
    with_cores(2)
    seen = set()

    class Watched:
        event_shape = (2,)

        def sample(self, n, rng):
            seen.add(torch.get_num_threads())
            return ring().sample(n, rng)

    training.train_step(GAN(Experiment(), (2,)), Watched())
    assert seen == {1} and torch.get_num_threads() == 2


def test_a_stack_may_have_all_cores_and_its_numbers_do_not_depend_on_them(with_cores):
    found = []
    for n in (1, 2):
        with_cores(n)
        ensemble = Ensemble([GAN(Experiment(), (2,), seed=i) for i in range(4)])
        (_, stack) = ensemble.stacks[0]
        assert threads_for(stack) == n
        for _ in range(20):
            ensemble.step(ring())
        found.append(torch.cat([weights(gan) for gan in ensemble.members]))
    assert torch.equal(*found)


def weights(gan):
    return torch.cat([p.flatten() for net in (gan.G, gan.D) for p in net.parameters()])


def two_kinds():
    return [
        ConditionalGAN(Conditional(**vars(PICTURES), condition=c), (1, 16, 16))
        for c in ("cgan", "acgan")
    ]


def test_abreast_the_numbers_are_those_of_one_after_the_other(with_cores):
    data = load_mnist("test", size=16)
    with_cores(1)
    alone = two_kinds()
    for _ in range(3):
        expected = abreast(train_step, alone, data)
    with_cores(2)
    together = two_kinds()
    for _ in range(3):
        losses = abreast(train_step, together, data)
    assert losses == expected
    assert all(torch.equal(weights(a), weights(b)) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize(("n", "at_a_time"), [(1, 1), (2, 2), (3, 1), (8, 2)])
def test_as_many_at_once_as_there_are_cores(with_cores, n, at_a_time):
    """With three cores a GAN takes two of them, and nothing is left for another."""
    with_cores(n)
    gans = [GAN(PICTURES, (1, 16, 16), seed=i) for i in range(4)]
    running, most, lock = set(), [], threading.Lock()

    def step(gan, seconds):
        with lock:
            running.add(id(gan))
            most.append(len(running))
        time.sleep(seconds)
        with lock:
            running.remove(id(gan))
        return id(gan)

    assert abreast(step, gans, 0.05) == [id(gan) for gan in gans]
    assert max(most) == at_a_time


def test_points_go_one_after_the_other(with_cores):
    with_cores(8)
    names = abreast(lambda gan: threading.current_thread(), [GAN(Experiment(), (2,))] * 2)
    assert set(names) == {threading.current_thread()}


def test_who_is_in_the_pool_does_not_wait_for_it(with_cores):
    """GANs abreast, each of which would like to do two things at once itself."""
    with_cores(2)
    x = torch.rand(8, 1, 16, 16) * 2 - 1
    data = Unpaired("noise", x, x.flip(0))
    gans = [CycleGAN(replace(SMALL, cycle=c)) for c in (10.0, 0.0)]
    alone = [gan.copy() for gan in gans]
    losses = abreast(cycle_step, gans, data)
    assert losses == [cycle_step(gan, data) for gan in alone]
    assert all(torch.equal(weights(a), weights(b)) for a, b in zip(alone, gans, strict=True))


def test_an_error_is_told_when_all_have_ended(with_cores):
    with_cores(2)
    ended = []

    def slow():
        time.sleep(0.2)
        ended.append(True)

    with pytest.raises(ZeroDivisionError):
        at_once([lambda: 1 / 0, slow], [GAN(PICTURES, (1, 16, 16))])
    assert ended


@pytest.mark.skipif(os.name == "nt", reason="a signal to oneself")
def test_an_interrupt_waits_for_the_steps_under_way(with_cores):
    with_cores(2)
    ended = []

    def slow():
        time.sleep(0.5)
        ended.append(True)

    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        at_once([slow, slow], [GAN(PICTURES, (1, 16, 16))])
    assert len(ended) == 2


def test_nothing_to_do():
    assert abreast(train_step, [], None) == []
