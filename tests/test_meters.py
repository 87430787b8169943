"""Meters that do not mislead: collapse of digits, classes that are never made, reversed signs."""

import math
from dataclasses import replace

import pytest
import torch
from lab_threads import threads, wait_for
from test_translating import SMALL as SMALL_TRANSLATION, UNPAIRED

from gan_helpers.classifier import load_classifier
from gan_helpers.conditional.training import Conditional
from gan_helpers.datasets.images import load_mnist
from gan_helpers.datasets.points import gaussians_1d
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.augmenting import AugmentedSession
from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.seen import N_COUNTED, ClassCounter, counter_of
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.engine.translating import TranslationSession
from gan_helpers.lab.view import Lab
from gan_helpers.losses import LOSSES, reversed_losses
from gan_helpers.translation.judge import world_distance
from gan_helpers.translation.tasks import load_task

PICTURES = {"network": "conv", "width": 8, "batch_size": 8, "latent_dim": 8}


@pytest.fixture(scope="module")
def digits():
    return load_mnist("test", size=16)


class Recorded:
    """A GAN whose pictures are known."""

    def __init__(self, x):
        self.x = x

    def sample_z(self, n, rng):
        return torch.zeros(n, 1)

    def sample(self, z):
        return self.x[: len(z)]


def pictures_of(digits, k, n):
    return digits.x[digits.y == k][:n]


def meters_of(session):
    return {m["id"]: m for m in session.frame()[0]["meters"]}


def test_a_collapse_of_digits_is_counted(digits):
    counter = ClassCounter(load_classifier(16), torch.arange(10))
    fives = pictures_of(digits, 5, 191)
    mixed = torch.cat([fives, *(pictures_of(digits, k, 1) for k in range(9))])
    shares = counter(Recorded(mixed))
    seen, commonest = counter.meters(shares)
    assert seen["value"] <= 3 and seen["of"] == 10  # the classifier errs now and then
    assert commonest["name"] == "5" and commonest["value"] == pytest.approx(191 / 200, abs=0.03)
    even = torch.cat([pictures_of(digits, k, N_COUNTED // 10) for k in range(10)])
    seen, commonest = counter.meters(counter(Recorded(even)))
    assert seen["value"] == 10 and commonest["value"] < 0.15
    broken = counter(Recorded(torch.full((N_COUNTED, 1, 16, 16), torch.nan)))
    assert broken.isnan().all()


def test_only_the_classes_of_the_data_are_counted(digits):
    counter = counter_of(digits.of_class(0, 7))
    assert counter.classes.tolist() == [0, 7]
    shares = counter(Recorded(torch.cat([pictures_of(digits, 7, 150), pictures_of(digits, 3, 50)])))
    seen, commonest = counter.meters(shares)
    assert seen["value"] == 1 and commonest["name"] == "7" and commonest["value"] < 0.8


def test_a_plain_lab_of_digits_shows_them():
    session = Session(Experiment(**PICTURES), "digits")
    session.run(60)
    header, arrays = session.frame()
    assert {"seen", "commonest"} <= {m["id"] for m in header["meters"]} and not header["first_mode"]
    assert arrays["strip"].shape == (10, len(arrays["steps"]))
    assert (arrays["strip"].sum(0) > 200).all()  # of 255: what is read is one of them
    before = session.gan.copy()
    session.frame(), session.run(1)
    before_rng, twin = session.gan.rng.get_state(), Session(Experiment(**PICTURES), "digits")
    twin.run(61)  # counting has not touched the training
    assert torch.equal(twin.gan.rng.get_state(), before_rng) and before.step == 60


def test_points_keep_their_modes_and_few_pictures_their_own_meters():
    header, _ = Session(Experiment(width=8, depth=1, batch_size=8), "ring").frame()
    assert header["first_mode"] == 1 and "modes" in {m["id"] for m in header["meters"]}
    few = AugmentedSession(Experiment(**PICTURES), "digits_50")
    assert "seen" not in meters_of(few) and "frechet" in meters_of(few)


def test_p_of_ada_is_shown_only_where_it_does_something():
    few = AugmentedSession(Experiment(**PICTURES), "digits_50")
    few.change(ada=0.6, augment="both")
    assert "ada_p" in meters_of(few)
    few.change(augment="none")
    assert "ada_p" not in meters_of(few)


def test_the_agreement_of_the_digit_that_is_looked_at():
    session = ClassSession(Conditional(condition="cgan", **PICTURES), "digits")
    session.run(2)
    report = session.report()
    assert report.by_class.shape == (10,)
    assert float(report.by_class.mean()) == pytest.approx(report.agreement, abs=1e-6)
    _, arrays = session.frame()
    assert arrays["agreed"] == pytest.approx(report.by_class.numpy())
    session.ask(digit=3)
    meter = meters_of(session)["agreement"]
    assert meter["name"] == f"(3: {100 * float(report.by_class[3]):.0f} %)"


@pytest.mark.parametrize("task", ["animals", "landscapes"])
def test_a_negative_of_every_picture_is_far_from_the_other_world(task):
    test = load_task(task).test
    a, b, more = test.a[:50], test.b[:50], test.b[50:100]
    assert abs(world_distance(more, b)) < 0.05
    assert world_distance(-a, b) > world_distance(a, b) > 0.5
    assert world_distance(torch.full_like(a, torch.nan), b) != world_distance(a, b)


@pytest.mark.parametrize(
    ("made", "real", "message"),
    [
        (torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8), "the same channels"),
        (torch.zeros(1, 1, 8, 8), torch.zeros(2, 1, 8, 8), "two pictures or more"),
        ([0.0], torch.zeros(2, 1, 8, 8), "made is list"),
    ],
)
def test_worlds_that_cannot_be_compared_are_refused(made, real, message):
    with pytest.raises((ValueError, TypeError), match=message):
        world_distance(made, real)


def test_the_lab_on_unpaired_pictures_measures_it():
    session = TranslationSession(SMALL_TRANSLATION, UNPAIRED)
    session.run(5)
    _, arrays = session.frame()
    assert len(arrays["world"]) == len(arrays["steps"]) > 0
    assert bool((arrays["world"] >= 0).all())


# --- reversed signs ------------------------------------------------------------------------------

PLAIN = LOSSES["non_saturating"]
UPHILL_G = replace(PLAIN, name="uphill", generator=lambda d: -PLAIN.generator(d))
UPHILL_D = replace(PLAIN, name="uphill", discriminator=lambda a, b: -PLAIN.discriminator(a, b))


@pytest.mark.parametrize("name", LOSSES)
def test_no_sign_of_ours_is_reversed(name):
    assert reversed_losses(LOSSES[name]) == []


def test_reversed_signs_are_found():
    assert reversed_losses(UPHILL_G) == ["generator"]
    assert reversed_losses(UPHILL_D) == ["discriminator"]


def test_a_lab_warns_of_a_reversed_sign_and_trains_all_the_same():
    lab = Lab("ring", loss=UPHILL_G, width=8, depth=1, batch_size=16)
    assert "Is a sign reversed? The loss of G" in lab.message.value
    lab.run(3)
    assert lab.session.at == 3
    lab.change(loss="hinge")
    assert "reversed" not in lab.message.value
    lab.change(loss=UPHILL_D)
    assert "The loss of D" in lab.message.value
    lab.close()
    wait_for(lambda: threads() == [])


@pytest.mark.parametrize("std", [1e-3, 3e-3, 0.3])
def test_densities_narrower_than_the_grid_can_be_watched(std):
    data = gaussians_1d([-1.0, 0.5], [std, std])
    session = Session(Experiment(width=8, depth=1, batch_size=8, latent_dim=1), data)
    session.run(2)
    assert 0 <= meters_of(session)["jsd"]["value"] <= math.log(2) + 1e-6
