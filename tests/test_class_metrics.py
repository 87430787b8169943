"""Agreement and variety against generators whose answers are known: real pictures, or one only.

And of the conditional GANs that come with the notebooks.
"""

import json
import re

import pytest
import torch
from hypothesis import given, strategies as st
from safetensors import safe_open

from gan_helpers.classifier import in_batches, load_classifier
from gan_helpers.conditional.judge import ClassJudge, within_class_variance
from gan_helpers.conditional.pretrained import (
    KINDS,
    SEED,
    STEPS,
    file_name,
    load_pretrained,
    save,
    train,
)
from gan_helpers.conditional.training import Conditional, ConditionalGAN, train_step
from gan_helpers.datasets.files import EMBEDDED
from gan_helpers.datasets.images import Images, load_fashion, load_mnist
from gan_helpers.evidence import load_evidence


@pytest.fixture(scope="module")
def digits():
    return load_mnist("test", size=16)


@pytest.fixture(scope="module")
def judge(digits):
    return ClassJudge(load_classifier(16), digits, per_class=100)


class Shows:
    """Stands in for a GAN: shows real pictures, picked by the noise.

    shown: the class that it shows when asked for y.
    """

    def __init__(self, data, shown=lambda y: y):
        self.shown = shown
        self.pictures = [data.x[data.y == k] for k in range(data.n_classes)]
        self.noise = []

    def sample_z(self, n, rng):
        self.noise.append(torch.rand(n, 1, generator=rng))
        return self.noise[-1]

    def pick(self, z, y):
        return int(z * len(self.pictures[y]))

    def sample(self, z, y):
        asked = [self.shown(k) for k in y.tolist()]
        return torch.stack(
            [self.pictures[k][self.pick(u, k)] for u, k in zip(z[:, 0], asked, strict=True)]
        )


class ShowsOne(Shows):
    """Always the same picture of a class."""

    def pick(self, z, y):
        return 0


class ShowsAll(Shows):
    """The pictures of a class one after the other, whatever the noise."""

    def sample_z(self, n, rng):
        self.rest = [iter(pictures) for pictures in self.pictures]
        return super().sample_z(n, rng)

    def sample(self, z, y):
        return torch.stack([next(self.rest[k]) for k in y.tolist()])


# --- variance ------------------------------------------------------------------------------------


def test_variance_within_a_class_by_hand():
    features = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 1.0], [1.0, 3.0], [7.0, 5.0]])
    y = torch.tensor([0, 0, 1, 1, 1])
    # Class 0: (0, 2) has the variance 2. Class 1: (1, 1, 7) has 12, (1, 3, 5) has 4.
    assert within_class_variance(features, y, 2).tolist() == [2.0, 16.0]


@given(scale=st.floats(0.1, 10), seed=st.integers(0, 2**32))
def test_variance_ignores_where_a_class_lies_and_in_which_order(scale, seed):
    rng = torch.Generator().manual_seed(seed)
    features = torch.randn(30, 4, dtype=torch.float64, generator=rng)
    y = torch.arange(30) % 3
    plain = within_class_variance(features, y, 3)
    centres = 10 * torch.randn(3, 4, dtype=torch.float64, generator=rng)
    torch.testing.assert_close(within_class_variance(features + centres[y], y, 3), plain)
    torch.testing.assert_close(within_class_variance(scale * features, y, 3), scale**2 * plain)
    order = torch.randperm(30, generator=rng)
    torch.testing.assert_close(within_class_variance(features[order], y[order], 3), plain)


@pytest.mark.parametrize(("y", "k"), [([0, 0, 1, 2, 2], 1), ([0, 0, 2, 2, 2], 1), ([0] * 5, 1)])
def test_a_class_with_less_than_two_samples_has_no_variance(y, k):
    with pytest.raises(ValueError, match=f"class {k} has fewer than 2 samples"):
        within_class_variance(torch.zeros(5, 2), torch.tensor(y), 3)


# --- the judge -----------------------------------------------------------------------------------


def test_all_real_pictures_agree_as_often_as_the_classifier_is_right():
    """The test pictures themselves, each once: every number is exact."""
    data = load_fashion("test", size=16)
    classifier = load_classifier(16, dataset="fashion")
    report = ClassJudge(classifier, data, per_class=500)(ShowsAll(data))
    right = (in_batches(classifier, data.x).argmax(1) == data.y).float().mean()
    assert report.agreement == pytest.approx(float(right), abs=1e-6)
    torch.testing.assert_close(report.variety, torch.ones(10), rtol=1e-3, atol=0)
    assert report.frechet == pytest.approx(0, abs=1e-3)


def test_real_pictures_agree_and_are_as_varied_as_the_data(judge, digits):
    report = judge(Shows(digits))
    right = (in_batches(judge.classifier, digits.x).argmax(1) == digits.y).float().mean()
    assert report.agreement == pytest.approx(float(right), abs=0.012)  # 4 deviations of 1,000
    assert float(report.variety.mean()) == pytest.approx(1, abs=0.08)
    assert ((report.variety > 0.7) & (report.variety < 1.3)).all()


def test_one_picture_of_each_class_agrees_without_variety(judge, digits):
    report = judge(ShowsOne(digits))
    assert report.agreement > 0.8
    assert float(report.variety.max()) < 1e-6
    assert report.frechet > 5 * judge(Shows(digits)).frechet


def test_the_wrong_class_does_not_agree_however_varied(judge, digits):
    report = judge(Shows(digits, lambda y: (y + 1) % 10))
    assert report.agreement < 0.03
    right, wrong = judge.variance, judge.variance.roll(-1)  # of the class that is shown instead
    torch.testing.assert_close(report.variety, wrong / right, rtol=0.3, atol=0)


def test_one_class_whatever_is_asked_for_agrees_by_chance(judge, digits):
    assert judge(Shows(digits, lambda y: 3)).agreement == pytest.approx(0.1, abs=0.01)


def test_every_call_uses_the_same_noise(judge, digits):
    gan = Shows(digits)
    first, again = judge(gan), judge(gan)
    assert torch.equal(*gan.noise) and len(gan.noise[0]) == 1000
    assert first.agreement == again.agreement and first.frechet == again.frechet
    assert torch.equal(first.variety, again.variety)
    ClassJudge(judge.classifier, digits, per_class=100, seed=1)(gan)
    assert not torch.equal(gan.noise[1], gan.noise[2])


def test_being_judged_does_not_change_a_gan(judge):
    experiment = Conditional(network="conv", condition="cgan", latent_dim=8, width=8, ema=0.9)
    gan = ConditionalGAN(experiment, (1, 16, 16))
    gan.sample_z(3)
    before, twin = torch.get_rng_state(), gan.copy()
    first, again = judge(gan), judge(gan)
    assert first.agreement == again.agreement and torch.equal(first.variety, again.variety)
    assert 0 <= first.agreement <= 1 and (first.variety >= 0).all()
    assert torch.equal(gan.sample_z(5), twin.sample_z(5))
    for a, b in ((gan.G, twin.G), (gan.G_ema, twin.G_ema)):
        for one, other in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
            assert torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_real_pictures_have_to_show_every_class(digits):
    few = Images("few", digits.x[:3], torch.tensor([0, 0, 1]))
    with pytest.raises(ValueError, match="class 1 has fewer than 2"):
        ClassJudge(load_classifier(16), few)


# --- the GANs that come with the notebooks -------------------------------------------------------


def shipped(condition):
    """The file of the weights."""
    return next(f / file_name(condition) for f in EMBEDDED if (f / file_name(condition)).is_file())


def told(condition):
    """What the file says of how it was made."""
    with safe_open(shipped(condition), "pt") as file:
        return json.loads(file.metadata()["training"])


def all_weights(gan):
    """Of G as it is shown, and of D."""
    G = gan.G if gan.G_ema is None else gan.G_ema.module
    return [*G.state_dict().values(), *gan.D.state_dict().values()]


def equal(one, other):
    return all(map(torch.equal, all_weights(one), all_weights(other)))


@pytest.fixture(scope="module")
def some_digits():
    data = load_mnist("train", size=28)
    return Images(data.name, data.x[:300], data.y[:300], data.dataset)


@pytest.fixture(scope="module")
def judge_28():
    """As `pretrained.judge`, for all of them."""
    return ClassJudge(load_classifier(28), load_mnist("test", size=28), per_class=500)


@pytest.mark.parametrize("condition", KINDS)
def test_the_trained_ones_draw_what_they_are_asked_for(condition, judge_28):
    gan = load_pretrained(condition)
    assert gan.experiment.condition == condition and gan.step == STEPS
    # As many as the file tells of, by the same noise: only rounding may differ.
    report, about = judge_28(gan), told(condition)
    assert report.agreement > 0.97
    assert report.agreement == pytest.approx(about["agreement"], abs=0.001)
    assert float(report.variety.mean()) == pytest.approx(about["variety"], abs=0.002)
    assert report.frechet == pytest.approx(about["frechet"], rel=0.01)


@pytest.mark.parametrize("condition", KINDS)
def test_the_file_says_how_it_was_made(condition):
    about = told(condition)
    assert (about["seed"], about["steps"]) == (SEED, STEPS)
    assert about["command"] == "uv run python data/train_conditional.py"
    assert about["agreement"] > 0.97
    found = load_evidence()[f"shipped/{condition}"]["found"]  # its first seed is the shipped one
    for name, rounded in (("agreement", 1e-4), ("variety", 1e-3), ("frechet", 1e-2)):
        assert about[name] == pytest.approx(found[name][0], abs=rounded)
    assert shipped(condition).stat().st_size <= 5e6


@pytest.mark.parametrize("condition", KINDS)
def test_what_was_saved_comes_back(condition, some_digits, tmp_path):
    gan = train(condition, some_digits, seed=0, steps=2)
    path = save(gan, tmp_path, {"steps": 2})
    again = load_pretrained(condition, root=tmp_path)
    assert path.name == file_name(condition) and again.step == 2
    z, y = gan.sample_z(10), torch.arange(10)
    assert torch.equal(again.sample(z, y), gan.sample(z, y))
    assert torch.equal(again.logits(some_digits.x[:9], 3), gan.logits(some_digits.x[:9], 3))
    content = path.read_bytes()
    save(gan, tmp_path, {"steps": 2})
    assert path.read_bytes() == content  # so that git sees no change where there is none
    losses = train_step(again, some_digits)  # it can be trained on
    assert all(loss.isfinite() for loss in losses) and again.step == 3


def test_the_same_seed_trains_the_same_weights(some_digits):
    before = torch.get_rng_state()
    one, same, other = (train("cgan", some_digits, seed, steps=2) for seed in (0, 0, 1))
    assert equal(one, same) and not equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_there_is_no_other_kind(tmp_path):
    for kind in ("projection", "none", None, 3):
        with pytest.raises(ValueError, match=f"condition = {kind!r}.*cgan, acgan"):
            load_pretrained(kind)


@pytest.mark.parametrize("condition", KINDS)
def test_missing_weights_are_named_with_the_way_back(condition, tmp_path):
    name = re.escape(file_name(condition))
    with pytest.raises(FileNotFoundError, match=f"{name} is missing.*git checkout -- data/{name}"):
        load_pretrained(condition, root=tmp_path)


def test_damaged_weights_are_named_with_the_way_back(tmp_path):
    path, content = tmp_path / file_name("cgan"), shipped("cgan").read_bytes()
    for wrong in (b"", content[:1000], content[:-1], b"x" * 1000, shipped("acgan").read_bytes()):
        path.write_bytes(wrong)
        with pytest.raises(OSError, match=f"(?s){re.escape(str(path))} is damaged.*git checkout"):
            load_pretrained("cgan", root=tmp_path)
