"""Recorded steps, with a stand-in for the recording where there is no GPU."""

import warnings

import pytest
import torch

from gan_helpers import cuda_graph as graph
from gan_helpers.cuda_graph import WARM_UP, RecordedStep
from gan_helpers.datasets.points import ring
from gan_helpers.ensemble import Ensemble
from gan_helpers.experiment import Experiment
from gan_helpers.training import GAN, train_step

SMALL = Experiment(batch_size=16, width=8, depth=1)


class Graph:
    """Replays by running the step again, as the real one does on the GPU."""

    def __init__(self, gan, data):
        self.gan, self.data, self.replays = gan, data, 0
        self.losses = torch.zeros(()), torch.zeros(())

    def replay(self):
        step = self.gan.step
        for held, new in zip(self.losses, train_step(self.gan, self.data), strict=True):
            held.copy_(new)
        self.gan.step, self.replays = step, self.replays + 1


def test_after_the_warm_up_steps_are_replayed_and_counted(monkeypatch):
    made = []

    def record(gan, data):
        made.append(Graph(gan, data))
        gan.step += 1  # as the recorded step_G does
        return made[-1], made[-1].losses

    monkeypatch.setattr(graph, "record", record)
    data, gan, alone = ring(), GAN(SMALL, (2,)), GAN(SMALL, (2,))
    step = RecordedStep(gan, data)
    for _ in range(10):
        losses, expected = step(), train_step(alone, data)
    assert len(made) == 1 and made[0].replays == 10 - WARM_UP
    assert gan.step == alone.step == 10
    assert losses == expected
    assert all(map(torch.equal, gan.G.parameters(), alone.G.parameters()))


def test_what_cannot_be_recorded_goes_on_and_says_so_once(monkeypatch):
    def record(gan, data):
        gan.step += 1
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(graph, "record", record)
    data, gan = ring(), GAN(SMALL, (2,))
    step = RecordedStep(gan, data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(10):
            step()
    assert ["step by step: operation not permitted" in str(w.message) for w in caught] == [True]
    assert gan.step == 10


def test_on_the_cpu_nothing_is_recorded():
    ensemble = Ensemble([GAN(SMALL, (2,), seed) for seed in range(3)])
    for _ in range(WARM_UP + 2):
        ensemble.step(ring())
    assert ensemble._recorded == {}


@pytest.mark.gpu
def test_recorded_on_a_gpu_is_as_step_by_step():
    data = ring().to("cuda")
    ensemble = Ensemble([GAN(SMALL, (2,), seed, "cuda") for seed in range(3)])
    alone = [GAN(SMALL, (2,), seed, "cuda") for seed in range(3)]
    for _ in range(20):
        ensemble.step(data)
        for gan in alone:
            train_step(gan, data)
    assert all(step.graph is not None for step, _ in ensemble._recorded.values())
    for a, b in zip(ensemble.members, alone, strict=True):
        z = b.sample_z(64, torch.Generator("cuda").manual_seed(0))
        torch.testing.assert_close(a.sample(z), b.sample(z), atol=1e-3, rtol=1e-3)
