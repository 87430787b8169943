"""The tasks of 12.4.5: what is learned, what it is tested by. Each is tried in test_translating."""

import pytest
import torch

from gan_helpers.datasets.pairs import Pairs, Unpaired
from gan_helpers.translation import tasks
from gan_helpers.translation.tasks import Task, load_task, shoe_features


@pytest.fixture
def few_scenes(monkeypatch):
    monkeypatch.setattr(tasks, "N_SCENES", 8)
    monkeypatch.setattr(tasks, "N_TEST", 12)


@pytest.mark.parametrize("name", ["animals", "landscapes"])
def test_training_never_sees_a_pair(name, few_scenes):
    """What is trained on as A is no scene that is trained on as B, nor one of the test's."""
    task = load_task(name)
    assert isinstance(task.train, Unpaired) and isinstance(task.test, Pairs)
    answers = tasks.draw_pairs(name, 2 * tasks.N_SCENES)  # the same scenes with their answers
    assert torch.equal(task.train.a, answers.a[:8]) and torch.equal(task.train.b, answers.b[8:])
    for a in task.test.a:
        assert not (task.train.a == a).all((1, 2, 3)).any()


def test_larger_scenes_and_wrong_names(few_scenes):
    assert load_task("maps", 64).train.b.shape == (8, 3, 64, 64)
    with pytest.raises(ValueError, match="task = 'zoo' is unknown; choose one of shoes, colours"):
        load_task("zoo")
    with pytest.raises(ValueError, match="size"):
        load_task("shoes", 30)


def test_pix2pix_is_tested_by_pairs():
    x = torch.zeros(2, 1, 8, 8)
    with pytest.raises(TypeError, match="test has to be Pairs"):
        Task("mixed up", Pairs("p", x, x), Unpaired("u", x, x))


def test_features_look_at_shoes_without_their_border():
    x = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    framed = x.clone()
    framed[..., :2] = framed[..., -2:] = 1.0
    assert torch.equal(shoe_features(x), shoe_features(framed))
    assert shoe_features(x).shape == (3, 64)
