"""The GANs on a hundred digits that come with the notebooks."""

import json
import re

import pytest
import torch
from safetensors import safe_open

from gan_helpers.augmentation.judge import FewJudge
from gan_helpers.augmentation.pretrained import (
    KINDS,
    RECIPE,
    SEED,
    SIZE,
    STEPS,
    N,
    file_name,
    load_few_gan,
    save,
    train,
    trained_on,
)
from gan_helpers.augmentation.training import train_step
from gan_helpers.classifier import load_classifier
from gan_helpers.datasets.files import find_embedded
from gan_helpers.datasets.images import load_few, load_mnist
from gan_helpers.evidence import augmentation, load_evidence

each_kind = pytest.mark.parametrize("augment", KINDS)


def told(augment):
    with safe_open(find_embedded(file_name(augment)), "pt") as opened:
        return json.loads(opened.metadata()["training"])


@each_kind
def test_the_trained_ones_are_the_first_of_the_evidence(augment):
    about, found = told(augment), load_evidence()[f"copies/{augment}"]["found"]
    assert (about["seed"], about["steps"]) == (SEED, STEPS)
    assert about["command"] == "uv run python data/train_few.py"
    for name, rounded in (("precision", 1e-3), ("recall", 1e-3), ("copied", 1e-3)):
        assert about[name] == pytest.approx(found[f"{name}_{STEPS}"][0], abs=rounded)
    assert RECIPE == augmentation.PLAIN and augmentation.SEEDS[0] == SEED


@each_kind
def test_what_comes_with_the_notebooks_is_what_the_file_says(augment):
    gan, about = load_few_gan(augment), told(augment)
    assert gan.experiment.augment == augment and gan.step == STEPS
    judge = FewJudge(load_classifier(SIZE), trained_on(), load_mnist("test", SIZE), 2000)
    report = judge.copies(gan, load_few("digits", N, SIZE, SEED, "test"))
    assert report.copied == pytest.approx(about["copied"], abs=0.03)  # fewer pictures
    assert (report.copied > 0.8) == (augment == "none")


@each_kind
def test_what_was_saved_comes_back(augment, tmp_path):
    gan = train(augment, steps=2)
    path = save(gan, tmp_path, {"steps": 2})
    again = load_few_gan(augment, root=tmp_path)
    assert path.name == file_name(augment) and again.step == 2
    z = gan.sample_z(10)
    assert torch.equal(again.sample(z), gan.sample(z))
    losses = train_step(again, trained_on())  # it can be trained on
    assert all(loss.isfinite() for loss in losses) and again.step == 3


def test_no_other_kind_and_no_damage(tmp_path):
    with pytest.raises(ValueError, match=r"augment = 'real'.*none, both"):
        load_few_gan("real")
    name = re.escape(file_name("none"))
    with pytest.raises(FileNotFoundError, match=f"{name} is missing.*git checkout -- data/{name}"):
        load_few_gan("none", root=tmp_path)
    (tmp_path / file_name("none")).write_bytes(b"no weights")
    with pytest.raises(OSError, match="is damaged"):
        load_few_gan("none", root=tmp_path)
