"""The classifiers whose weights are in data/, and the distance that uses their features."""

import hashlib
import importlib.util
import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, strategies as st
from safetensors import safe_open

from gan_helpers.classifier import (
    N_FEATURES,
    SIZES,
    DigitClassifier,
    classify,
    file_name,
    in_batches,
    load_classifier,
)
from gan_helpers.datasets import files as embedded
from gan_helpers.datasets.images import FASHION_CLASSES, SETS, load_fashion, load_mnist
from gan_helpers.metrics import frechet_distance

DATA = Path(__file__).resolve().parent.parent / "data"


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def written(path):
    """What the training noted in the file."""
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["training"])


@pytest.fixture(scope="module")
def training():
    """data/train_classifier.py; a script beside the data, in no package."""
    spec = importlib.util.spec_from_file_location("train_classifier", DATA / "train_classifier.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.fixture(scope="module", params=SIZES)
def size(request):
    return request.param


@pytest.fixture(scope="module")
def digits(size):
    return load_classifier(size)


@pytest.fixture(scope="module")
def test_set(size):
    return load_mnist("test", size)


@pytest.fixture(scope="module")
def clothes(size):
    return load_classifier(size, dataset="fashion")


@pytest.fixture(scope="module")
def clothes_test_set(size):
    return load_fashion("test", size)


# --- the shipped weights -----------------------------------------------------------------------


def test_99_percent_of_the_whole_test_set(digits, test_set, training):
    digit, confidence = classify(digits, test_set.x)
    right = digit == test_set.y
    assert right.double().mean() >= 0.99
    assert digit.dtype == torch.int64 and digit.shape == confidence.shape == (10_000,)
    assert confidence.min() >= 0.1 and confidence.max() <= 1
    assert confidence[right].mean() > confidence[~right].mean() + 0.1  # it knows when it guesses
    for y in range(10):
        assert right[test_set.y == y].double().mean() > 0.975  # no digit is left behind

    check_written("digits", digits.size, right, training)


def check_written(dataset, size, right, training):
    about = written(DATA / file_name(size, dataset))
    # Pictures on the border, which another machine may round to the other side: three of 10,000
    # digits, five of 5,000 clothes, of which more are near it.
    tolerance = {"digits": 0.0003, "fashion": 0.001}[dataset]
    assert about["test_accuracy"] == pytest.approx(right.double().mean().item(), abs=tolerance)
    assert about["seed"] == training.SEED and about["steps"] == training.STEPS[dataset][size]
    assert about["command"] == training.COMMAND


def test_nine_of_ten_clothes(clothes, clothes_test_set, training):
    label, confidence = classify(clothes, clothes_test_set.x)
    right = label == clothes_test_set.y
    assert right.double().mean() >= {16: 0.88, 28: 0.9}[clothes.size]
    assert confidence[right].mean() > confidence[~right].mean() + 0.1
    of = [right[clothes_test_set.y == y].double().mean().item() for y in range(10)]
    assert FASHION_CLASSES[of.index(min(of))] == "shirt"
    assert min(of) == pytest.approx(0.71, abs=0.02)  # as data/README.md says
    assert sorted(of)[1] > 0.75  # the others are well ahead of it
    check_written("fashion", clothes.size, right, training)


def test_clothes_have_features_of_their_own(clothes, digits, clothes_test_set):
    features = in_batches(clothes.features, clothes_test_set.x[:1000])
    assert features.shape == (1000, N_FEATURES) and not clothes.training
    assert (features > 0).any(0).double().mean() > 0.6  # measured: 49 and 40 of 64
    assert not torch.equal(digits.features(clothes_test_set.x[:9]), features[:9])
    assert not any(p.requires_grad for p in clothes.parameters())


def test_trousers_are_far_from_all_clothes():
    """The distance sees classes that are missing, as it does for digits."""
    clothes, train = load_classifier(16, dataset="fashion"), load_fashion("train", 16)
    real = features_of(clothes, train.x, 5000, 1)
    floor = frechet_distance(real, in_batches(clothes.features, load_fashion("test", 16).x))
    trousers = frechet_distance(real, in_batches(clothes.features, train.of_class(1).x))
    assert trousers > 20 * floor


@pytest.mark.parametrize("dataset", SETS)
def test_the_readme_tells_of_the_files(size, dataset):
    text = (DATA / "README.md").read_text(encoding="utf-8")
    name = file_name(size, dataset)
    (row,) = re.findall(rf"(?m)^\| `{re.escape(name)}` .*$", text)
    content = (DATA / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() in row
    assert f"{written(DATA / name)['test_accuracy']:.2%}".replace("%", " %") in row
    assert len(content) < 500_000


def test_features_are_what_the_last_layer_sees(digits, test_set):
    x = test_set.x[:32]
    features = digits.features(x)
    assert features.shape == (32, N_FEATURES) and features.min() >= 0
    assert torch.equal(digits.out(features), digits(x))
    used = (digits.features(test_set.x[:1000]) > 0).any(0).float().mean()
    assert used > 0.6  # measured: 48 and 44 of 64; the others are off for every digit


def test_loaded_to_be_used_not_trained(digits):
    assert not digits.training
    assert not any(p.requires_grad for p in digits.parameters())
    x = torch.zeros(2, 1, digits.size, digits.size, requires_grad=True)
    assert digits(x).requires_grad  # but a gradient can pass, to pictures that a G made
    assert not classify(digits, x)[1].requires_grad


def test_batches_do_not_change_the_answer(digits, test_set):
    x = test_set.x[:70]
    whole = digits.features(x)
    assert torch.allclose(in_batches(digits.features, x, size=32), whole, atol=1e-4)
    assert in_batches(digits.features, x[:0]).shape == (0, N_FEATURES)


@pytest.mark.parametrize("n", [1, 100])
def test_pictures_of_another_scale_are_not_judged(digits, test_set, n):
    """They would be: 68 % and 93 % of them right, and all with full confidence."""
    in_bytes = (test_set.x[:n] + 1) * 127.5
    for judge in (
        partial(classify, digits),
        digits,
        digits.features,
        digits.textures,
        partial(in_batches, digits.features),
    ):
        with pytest.raises(ValueError, match=r"x ranges from 0 to .*x / 127\.5 - 1"):
            judge(in_bytes)
        with pytest.raises(ValueError, match=r"x has no value below 0: .*2 \* x - 1"):
            judge(in_bytes / 255)
        judge(test_set.x[:n])


def test_features_of_what_has_blown_up_are_nan(digits):
    x = torch.full((2, 1, digits.size, digits.size), float("nan"))
    assert digits.features(x).isnan().all()


def test_digits_of_28_are_the_default():
    assert load_classifier().size == 28 and file_name(28) == "digits_classifier_28.safetensors"
    x = torch.zeros(2, 1, 28, 28)
    assert torch.equal(load_classifier()(x), load_classifier(28, "cpu", None, "digits")(x))


@pytest.mark.gpu
def test_on_a_gpu(digits, test_set):
    digit, _ = classify(load_classifier(digits.size, "cuda"), test_set.x[:500].cuda())
    assert digit.is_cuda and (digit.cpu() == classify(digits, test_set.x[:500])[0]).all()


# --- the distance ------------------------------------------------------------------------------


def scipy_distance(a, b):
    """The formula as usually written, with the root of a matrix that is not symmetric."""
    a, b = a.double().numpy(), b.double().numpy()
    A, B = np.cov(a.T), np.cov(b.T)
    root = scipy.linalg.sqrtm(A @ B).real
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(A + B - 2 * root)


def test_frechet_distance_is_that_of_scipy():
    mix = torch.randn(2, 6, 6, generator=seeded(1))
    a = torch.randn(50, 6, generator=seeded(2)) @ mix[0]
    b = torch.randn(40, 6, generator=seeded(3)) @ mix[1] + 1
    distance = frechet_distance(a, b)
    assert distance.dtype == torch.float64 and distance.shape == ()
    assert float(distance) == pytest.approx(scipy_distance(a, b), rel=1e-8)
    assert float(frechet_distance(b, a)) == pytest.approx(float(distance), rel=1e-8)


@given(
    st.lists(st.tuples(*[st.floats(0.1, 5)] * 2, st.floats(-5, 5)), min_size=1, max_size=4),
)
def test_frechet_distance_of_equal_axes_in_closed_form(axes):
    """Covariances with the same axes: the sum of (s_a - s_b)^2 + (mu_a - mu_b)^2."""
    s_a, s_b, shift = torch.tensor(axes, dtype=torch.float64).T  # (F,) each
    n = len(axes)
    corners = torch.cat([torch.eye(n), -torch.eye(n)]).double()  # (2 n, n), covariance ~ 1
    corners = corners * ((2 * n - 1) / 2) ** 0.5  # now exactly 1
    wanted = ((s_a - s_b) ** 2 + shift**2).sum()
    assert torch.allclose(frechet_distance(corners * s_a, corners * s_b + shift), wanted)


def test_equal_sets_are_at_0(digits, test_set):
    f = digits.features(test_set.x[:1000])
    assert 0 <= float(frechet_distance(f, f)) < 1e-4
    assert 0 <= float(frechet_distance(f, f.flip(0))) < 1e-4  # the order says nothing
    one = torch.full((5, 3), 2.0)
    assert float(frechet_distance(one, one)) == 0  # no spread at all
    assert float(frechet_distance(one, one + 1)) == pytest.approx(3)


def features_of(digits, x, n, seed):
    """The features of n of the pictures, drawn without replacement."""
    return in_batches(digits.features, x[torch.randperm(len(x), generator=seeded(seed))[:n]])


def test_the_floor_is_low_and_noise_is_far():
    """5,000 digits to train on and 5,000 to test on are as good as samples can be.

    At 28 x 28 the evidence has the floor.
    """
    digits, train = load_classifier(16), load_mnist("train", 16)
    real = features_of(digits, train.x, 5000, 1)
    floor = frechet_distance(real, features_of(digits, load_mnist("test", 16).x, 5000, 2))
    noise = torch.rand(1000, 1, 16, 16, generator=seeded(3)) * 2 - 1
    assert floor < 3  # measured: 1.5 to 2.1, of five pairs
    assert frechet_distance(real, in_batches(digits.features, noise)) > 100 * floor
    ones = frechet_distance(real, features_of(digits, train.of_class(1).x, 5000, 4))
    assert ones > 50 * floor  # every picture is good, and nine digits are missing


def test_few_samples_inflate_the_distance(digits):
    """As the docstring says. The two halves of the test set would not do: one is harder to read."""
    x = load_mnist("train", digits.size).x
    pairs = [features_of(digits, x, 200, seed).split(100) for seed in range(5)]
    few = sum(float(frechet_distance(a, b)) for a, b in pairs) / 5
    assert few == pytest.approx({16: 55, 28: 70}[digits.size], rel=0.2)


# --- training ----------------------------------------------------------------------------------


def test_a_short_training(training, tmp_path, monkeypatch):
    """60 steps instead of thousands; the same seed gives the same file."""
    state = torch.get_rng_state()
    digits = training.load_mnist("test", 16)
    test = replace(digits, x=digits.x[:2000], y=digits.y[:2000])
    monkeypatch.setattr(training, "load_mnist", lambda split, size: test)  # less to load
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    reached = training.make(16, tmp_path / "a", seed=5, steps=60)
    training.make(16, tmp_path / "b", seed=5, steps=60)
    assert torch.equal(torch.get_rng_state(), state)
    assert reached > 0.6  # chance: 0.1
    a, b = (tmp_path / name / file_name(16) for name in ("a", "b"))
    assert a.read_bytes() == b.read_bytes()
    assert written(a) == {
        "test_accuracy": reached,
        "seed": 5,
        "steps": 60,
        "command": "uv run python data/train_classifier.py",
    }
    own = load_classifier(16, root=tmp_path / "a")
    assert training.accuracy(own, test) == reached


def test_a_short_training_on_clothes(training, tmp_path, monkeypatch):
    """The same function, with the other pictures, into the other file."""
    monkeypatch.setattr(training, "load_mnist", lambda split, size: pytest.fail("read digits"))
    reached = training.make(16, tmp_path, seed=5, steps=60, dataset="fashion")
    assert reached > 0.5  # chance: 0.1
    assert [path.name for path in tmp_path.iterdir()] == ["fashion_classifier_16.safetensors"]
    own = load_classifier(16, root=tmp_path, dataset="fashion")
    assert training.accuracy(own, load_fashion("test", 16)) == reached
    assert written(tmp_path / file_name(16, "fashion"))["steps"] == 60


def test_one_data_set_can_be_trained_alone(training, monkeypatch, capsys):
    made = []
    monkeypatch.setattr(
        training, "make", lambda size, _, dataset: made.append((dataset, size)) or 0
    )
    monkeypatch.setattr(training.torch, "set_num_threads", lambda n: None)
    for options, sets in (([], ["digits", "fashion"]), (["--only", "fashion"], ["fashion"])):
        monkeypatch.setattr("sys.argv", ["train_classifier.py", *options])
        training.main()
        assert made == [(dataset, size) for dataset in sets for size in SIZES]
        made.clear()
    assert "fashion 28 x 28, seed 0: test" in capsys.readouterr().out


def test_shifts_are_whole_pixels(training):
    x = torch.full((200, 1, 5, 5), -1.0)
    x[:, 0, 2, 2] = torch.arange(200) / 200
    moved = training.shifted(x, 1, seeded())
    where = (moved > -1).nonzero()  # (200, 4): picture, channel, row, column
    assert torch.equal(where[:, 0], torch.arange(200))  # none lost, none twice
    assert torch.equal(moved.amax((1, 2, 3)), x[:, 0, 2, 2])
    assert len(where[:, 2:].unique(dim=0)) == 9 and (where[:, 2:] - 2).abs().max() == 1


def test_validation_does_not_see_the_test_pictures(training, monkeypatch):
    def only_train(split, size):
        assert split == "train"
        return load_mnist("train", size)

    monkeypatch.setattr(training, "load_mnist", only_train)
    monkeypatch.setattr(training, "STEPS", {"digits": {16: 30}})
    assert training.validate(16, 11) > 0.3
    assert training.SEED not in training.VALIDATION_SEEDS


def test_the_global_random_state_is_left_alone(digits, test_set):
    before = torch.get_rng_state()
    load_classifier(digits.size)
    DigitClassifier(digits.size)
    classify(digits, test_set.x[:10])
    frechet_distance(digits.features(test_set.x[:10]), digits.features(test_set.x[10:20]))
    assert torch.equal(torch.get_rng_state(), before)


# --- bad input ---------------------------------------------------------------------------------


def test_missing_weights_are_named_with_the_way_back(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "EMBEDDED", (tmp_path / "nowhere",))
    with pytest.raises(FileNotFoundError, match=r"classifier_16\.safetensors is missing.*nowhere"):
        load_classifier(16)
    with pytest.raises(FileNotFoundError, match="git checkout -- data/digits_classifier_28"):
        load_classifier(root=tmp_path)
    with pytest.raises(FileNotFoundError, match="git checkout -- data/fashion_classifier_16"):
        load_classifier(16, dataset="fashion")


def test_damaged_weights_are_named_with_the_way_back(tmp_path):
    path = tmp_path / file_name(16)
    content = (DATA / file_name(16)).read_bytes()
    for wrong in (b"", content[:1000], b"x" * 1000, (DATA / file_name(28)).read_bytes()):
        path.write_bytes(wrong)
        with pytest.raises(OSError, match=f"(?s){re.escape(str(path))} is damaged.*git checkout"):
            load_classifier(16, root=tmp_path)
    path = tmp_path / file_name(16, "fashion")
    path.write_bytes(b"")
    with pytest.raises(OSError, match=f"(?s){re.escape(str(path))} is damaged.*data/fashion_"):
        load_classifier(16, root=tmp_path, dataset="fashion")


X = torch.zeros(3, 1, 28, 28)
F = torch.arange(12.0).view(4, 3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: load_classifier(32), ValueError, r"size = 32 has no classifier.*\(16, 28\)"),
        (lambda: load_classifier("28"), ValueError, "size = '28'"),
        (lambda: load_classifier(28.0), ValueError, "size = 28.0"),
        (lambda: DigitClassifier(True), ValueError, "size = True"),
        (
            lambda: load_classifier(dataset="mnist"),
            ValueError,
            "dataset = 'mnist'.*digits, fashion",
        ),
        (lambda: load_classifier(dataset=None), ValueError, "dataset = None"),
        (lambda: load_classifier(32, dataset="fashion"), ValueError, "size = 32 has no classifier"),
        (lambda: classify(load_classifier(16), X), ValueError, r"\[3, 1, 28, 28\].*1, 16, 16"),
        (lambda: classify(load_classifier(), X[:, 0]), ValueError, r"x has shape \[3, 28, 28\]"),
        (lambda: classify(load_classifier(), X.byte()), TypeError, "x is torch.uint8.*127.5"),
        (lambda: classify(load_classifier(), X / 0), ValueError, "x holds NaN or infinity"),
        (lambda: classify(load_classifier(), X.numpy()), TypeError, "x is numpy float32"),
        (lambda: classify(load_classifier(), X.double()), TypeError, r"x\.to\(torch.float32\)"),
        (lambda: classify(None, X), TypeError, "classifier = None .*load_classifier"),
        (lambda: in_batches(None, X), TypeError, "function = None"),
        (lambda: in_batches(torch.neg, X, 0), ValueError, "size = 0"),
        (lambda: frechet_distance(F[:1], F), ValueError, r"a has shape \[1, 3\].*at least 2"),
        (lambda: frechet_distance(F, F[:0]), ValueError, r"b has shape \[0, 3\]"),
        (lambda: frechet_distance(F, F[0]), ValueError, r"b has shape \[3\]"),
        (lambda: frechet_distance(F, F[:, :2]), ValueError, "a has 3 features, b has 2"),
        (lambda: frechet_distance(F / 0, F), ValueError, "a holds NaN or infinity"),
        (lambda: frechet_distance(F, F.log()), ValueError, "b holds NaN or infinity"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
