"""Right answers pass, typical wrong ones get the hint that helps, in both languages."""

import math
import re

import pytest
import torch
from torch.nn.functional import l1_loss, mse_loss, softplus

from gan_helpers import exercises
from gan_helpers.exercises.judging import RIGHT as RIGHT_WORDS
from gan_helpers.training import step_D, step_G, train_step

CHECKS = {name: getattr(exercises, name) for name in exercises.__all__}


def two_G(gan, data):
    n = gan.experiment.batch_size
    loss_D = step_D(gan, data.sample(n, gan.rng), gan.sample_z(n))
    step_G(gan, gan.sample_z(n))
    return loss_D, step_G(gan, gan.sample_z(n))


def losses_by(see_real, see_fake, see_in_G=None):
    """Both losses, with D seeing the pictures in these ways."""
    see_in_G = see_in_G or see_fake

    def losses(D, T, real, fake):
        loss_D = softplus(-D(see_real(T, real))).mean() + softplus(D(see_fake(T, fake))).mean()
        return loss_D, softplus(-D(see_in_G(T, fake))).mean()

    return losses


RIGHT = {
    "check_value_at_equality": [-math.log(4), -1.3863],
    "check_optimal_logit": [lambda x: 0.5 - x, lambda x: (1 - 2 * x) / 2],
    "check_linear_generator": [(0.5, 1.0), (-0.5, 1.0)],
    "check_gradient_ratio": [math.exp(6), 403],
    "check_two_G_updates": [two_G],
    "check_stuck_slope": [-1e-4, -0.0001],
    "check_best_answer": ["b", " B "],
    "check_spectral_norm": [math.sqrt(45), 6.708],
    "check_pack": [lambda x, m: x.reshape(len(x) // m, -1), lambda x, m: x.view(-1, m).view(4, 6)],
    "check_distance_by_hand": [5 / 3, 1.667],
    "check_what_jsd_sees": [0, 0.0],
    "check_penalised_slope": [1.15],
    "check_one_sided": [
        lambda s: (s - 1).relu().square().mean(),
        lambda s: ((s - 1).clamp(min=0) ** 2).mean(),
    ],
    "check_disobedient": [10 / 11, 0.909],
    "check_channels": [103],
    "check_double_softmax": [math.log(math.e + 9) - 1, 1.461],
    "check_matching_aware": [
        lambda real, fake, wrong: (
            softplus(-real).mean() + (softplus(fake).mean() + softplus(wrong).mean()) / 2
        ),
        lambda real, fake, wrong: (
            softplus(-real).mean() + softplus(torch.cat([fake, wrong])).mean()
        ),
    ],
    "check_patch_width": [34],
    "check_least_l1": [1, 1.0],
    "check_cycle_loss": [
        lambda ab, ba, a, b: l1_loss(ba(ab(a)), a) + l1_loss(ab(ba(b)), b),
        lambda ab, ba, a, b: (ba(ab(a)) - a).abs().mean() + (ab(ba(b)) - b).abs().mean(),
    ],
    "check_negatives": [0, 0.0],
    "check_mirrored": [{0, 1, 8}, [8, 1, 0], (0, 1, 8)],
    "check_quarter_turns": [0.55, 1 - 0.6 + 0.6 / 4],
    "check_heuristic": [0.5, 2 / 4],
    "check_augmented_loss": [
        lambda D, T, real, fake: (
            softplus(-D(T(real))).mean() + softplus(D(T(fake.detach()))).mean(),
            softplus(-D(T(fake))).mean(),
        ),
    ],
}
WRONG = {
    "check_value_at_equality": [
        (math.log(4), "sign"),
        (-math.log(2), "one of the terms"),
        (0.0, "both terms"),
    ],
    "check_optimal_logit": [
        (lambda x: torch.sigmoid(0.5 - x), "before the sigmoid"),
        (lambda x: x - 0.5, "sign"),
        (lambda x: -x, "log p"),
        (lambda x: x.nothing, "AttributeError"),
    ],
    "check_linear_generator": [
        ((0.5, 0.0), "mean of G"),
        ((0.25, 1.0), "variance"),
        ((2.0, 1.0), r"\|a\|"),
    ],
    "check_gradient_ratio": [(math.exp(-6), "other way round"), (6.0, "slopes")],
    "check_two_G_updates": [
        (train_step, "exactly twice"),
        (lambda gan, data: (train_step(gan, data), train_step(gan, data)), "updated once"),
        (lambda gan, data: (two_G(gan, data), None)[1], "Return the pair"),
        (lambda gan, data: nothing, "NameError"),  # noqa: F821
    ],
    "check_distance_by_hand": [(3.0, "as they are written"), (5.0, "average"), (1.0, "Sorted")],
    "check_what_jsd_sees": [(0.693, "JSD itself"), (9.9, "W1")],
    "check_penalised_slope": [(1.0, "balances"), (1.3, "factor 2"), (2.0, "derivative")],
    "check_one_sided": [
        (lambda s: (s - 1).square().mean(), "two-sided"),
        (lambda s: (s - 1).relu().mean(), "Square the excess"),
        (lambda s: (s - 1).relu().square().sum(), "Average instead"),
        (lambda s: s.mean(), "relu"),
    ],
    "check_stuck_slope": [(-0.9999, "non-saturating"), (1e-4, "sign"), (0.5, "softplus")],
    "check_best_answer": [("a", "stands still"), ("c", "mean")],
    "check_spectral_norm": [(math.sqrt(50), "Frobenius"), (5.0, "eigenvalue"), (8.0, "root of")],
    "check_pack": [
        (lambda x, m: x, "shape"),
        (lambda x, m: x.reshape(m, -1, 2).transpose(0, 1).reshape(-1, m * 2), "neighbours"),
        (lambda x, m: x.oops(), "AttributeError"),
    ],
    "check_disobedient": [
        (0.5, "obeys as well"),
        (0.1, "side of the fakes"),
        (0.9, "Close"),
        (0.7, "does not listen"),
    ],
    "check_channels": [(4, "three channels"), (100, "own channels"), (32, "size does not matter")],
    "check_double_softmax": [
        (0.0, "second one"),
        (math.log(10), "knows nothing"),
        (0.232, "is its −log"),
        (2.0, "through a softmax"),
    ],
    "check_matching_aware": [
        (lambda real, fake, wrong: softplus(-real).mean() + softplus(fake).mean(), "not used"),
        (
            lambda real, fake, wrong: (
                softplus(-real).mean() + softplus(fake).mean() + softplus(wrong).mean()
            ),
            "twice as much",
        ),
        (
            lambda real, fake, wrong: (
                (softplus(-real).mean() + softplus(-wrong).mean()) / 2 + softplus(fake).mean()
            ),
            "the pair is not",
        ),
        (lambda real, fake, wrong: real.mean(), "half of each mean"),
    ],
    "check_patch_width": [(13, "strides are missing"), (70, "count them"), (20, "last layer")],
    "check_least_l1": [(0.4, "squared"), (0.0, "there is less"), (-1.0, "a larger c")],
    "check_cycle_loss": [
        (lambda ab, ba, a, b: l1_loss(ba(ab(a)), a), "one way only"),
        (lambda ab, ba, a, b: l1_loss(ab(a), b) + l1_loss(ba(b), a), "no pairs"),
        (lambda ab, ba, a, b: mse_loss(ba(ab(a)), a) + mse_loss(ab(ba(b)), b), "squared"),
        (lambda ab, ba, a, b: a.mean(), "Add the L1"),
    ],
    "check_negatives": [(2.0, "There and back")],
    "check_mirrored": [
        ({0, 8, 10}, "from 0 to 9"),
        (8, "from 0 to 9"),
        ({0, 1, 2, 8}, "left and a right"),
        ({0, 8}, "There are more"),
    ],
    "check_quarter_turns": [(0.4, "one turn in four"), (0.25, "with p = 1"), (0.9, "not transf")],
    "check_heuristic": [(1.125, "mean of the logits"), (0.75, "called real"), (0.0, "four signs")],
    "check_augmented_loss": [
        (losses_by(lambda T, x: x, lambda T, x: x), "no transform in the loss of D"),
        (losses_by(lambda T, x: T(x), lambda T, x: x), "that leaks"),
        (lambda D, T, real, fake: (D(real).mean(), D(fake).mean()), "cross-entropy of D"),
        (losses_by(lambda T, x: T(x), lambda T, x: T(x), lambda T, x: x), "In the loss of G"),
        (losses_by(lambda T, x: T(x), lambda T, x: T(x), lambda T, x: -T(x)), "the mean of -log"),
        (
            losses_by(lambda T, x: T(x), lambda T, x: T(x), lambda T, x: T(x).detach()),
            "no gradient reaches G",
        ),
    ],
}


def test_every_check_has_answers_here():
    assert set(CHECKS) == set(RIGHT) == set(WRONG)


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, all_ in RIGHT.items() for a in all_])
def test_right_answers_pass(name, answer, lang, capsys):
    assert CHECKS[name](answer, lang)
    assert capsys.readouterr().out.strip() == RIGHT_WORDS[lang]


@pytest.mark.parametrize(
    ("name", "answer", "hint"), [(n, *w) for n, ws in WRONG.items() for w in ws]
)
def test_wrong_answers_get_the_hint_that_helps(name, answer, hint, capsys):
    assert not CHECKS[name](answer, "en")
    out = capsys.readouterr().out
    assert re.search(hint, out)
    assert not CHECKS[name](answer, "ja")
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("name", CHECKS)
def test_no_answer_yet_is_no_error(name, capsys):
    assert not CHECKS[name](None, "en")
    assert "No answer yet" in capsys.readouterr().out


def test_an_unknown_language_is_named():
    with pytest.raises(ValueError, match="lang = 'de'"):
        exercises.check_gradient_ratio(1.0, "de")


@pytest.mark.parametrize(
    ("name", "answer", "says"),
    [
        ("check_linear_generator", 0.5, "TypeError"),
        ("check_linear_generator", (0.5, 1.0, 2.0), r"3 entries; it has to be \(a, b\)"),
        ("check_linear_generator", (math.nan, math.nan), "mean of G"),
        ("check_what_jsd_sees", math.nan, "Without overlap"),
        ("check_least_l1", True, "True is a bool, not a number"),
        ("check_channels", "103", "'103' is a str, not a number"),
        ("check_patch_width", [34], r"\[34\] is a list, not a number"),
        ("check_best_answer", 2, "best place"),
    ],
)
def test_what_is_no_answer_is_not_right_and_raises_nothing(name, answer, says, capsys):
    assert not CHECKS[name](answer, "en")
    assert re.search(says, capsys.readouterr().out)
