"""The lab on few pictures: what it measures, what its controls change, three side by side."""

import numpy as np
import pytest
import torch
from lab_threads import wait_for

from gan_helpers.augmentation import training as augmented
from gan_helpers.augmentation.training import Augmented, AugmentedGAN
from gan_helpers.augmentation.transforms import GREY
from gan_helpers.datasets.images import Images, load_few, load_mnist
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.augmenting import AugmentedSession
from gan_helpers.lab.engine.choices import FEW
from gan_helpers.lab.engine.modes import AUGMENTED, CLASSES, PLAIN
from gan_helpers.lab.stage import unpack_frame
from gan_helpers.lab.view import Lab
from gan_helpers.training import GAN

SMALL = {"width": 8, "latent_dim": 8, "batch_size": 8}


@pytest.fixture
def lab():
    lab = Lab("digits_50", **SMALL)
    yield lab
    lab.close()


def shown(lab):
    return unpack_frame(lab.stage.frame)


def test_few_pictures_bring_the_controls_of_augmentation(lab):
    assert lab.mode is AUGMENTED and isinstance(lab.session, AugmentedSession)
    shown = {n for n, button in lab.transforms.items() if button.layout.display != "none"}
    assert shown == set(GREY)
    on = {name for name, button in lab.transforms.items() if button.value}
    assert on == set(Augmented().transforms) and lab.augment.value == "none"
    assert {"strength", "p", "ada", "consistency"} <= set(lab.settings)


def test_other_labs_do_not_have_them_unless_they_are_asked_for():
    for settings, mode in (({}, PLAIN), ({"augment": "both"}, AUGMENTED)):
        lab = Lab("digits", **SMALL, **settings)
        assert lab.mode is mode
        assert ("consistency" in lab.settings) == (mode is AUGMENTED)
        lab.close()


def test_the_controls_change_the_training_and_say_so(lab):
    lab.augment.value = "both"
    wait_for(lambda: lab.session.gan.experiment.augment == "both")
    wait_for(lambda: "transform = both" in lab.message.value)
    lab.transforms["flip"].value = True
    wait_for(lambda: set(lab.session.experiment.transforms) == {"flip", "translate", "cutout"})
    for button in lab.transforms.values():
        button.value = False
    wait_for(lambda: lab.session.experiment.transforms == ())
    wait_for(lambda: "by = off" in lab.message.value)
    lab.change(transforms=("rotate",), augment="real")
    assert lab.transforms["rotate"].value and not lab.transforms["flip"].value
    assert lab.augment.value == "real"
    lab.data.value = "digits_100"
    wait_for(lambda: len(lab.session.data) == 100)


def test_what_is_measured_is_shown_and_written_down(lab):
    lab.run(20)
    header, arrays = shown(lab)
    report = lab.session.report()
    meters = {meter["id"]: meter["value"] for meter in header["meters"]}
    assert meters["frechet"] > 0 and "quality" in [chart["id"] for chart in header["charts"]]
    assert meters["gap"] == pytest.approx(report.d_train - report.d_held)
    assert len(arrays["steps"]) == 4
    for name in ("frechet", "d_train", "d_held", "d_fake"):
        assert np.isfinite(arrays[name]).all(), name
    assert "ada_p" not in meters
    lab.change(augment="both", ada=0.6)
    assert {meter["id"] for meter in shown(lab)[0]["meters"]} > {"ada_p"}


def test_looking_does_not_change_training():
    alone = AugmentedGAN(
        Augmented(network="conv", **SMALL, augment="both", beta1=0.5, beta2=0.999, ema=0.995),
        (1, 16, 16),
    )
    session = AugmentedSession(alone.experiment, "digits_50")
    for _ in range(6):
        augmented.train_step(alone, session.data)
        session.step()
        session.frame()
    pairs = zip(alone.G.state_dict().values(), session.gan.G.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_half_steps_are_a_step():
    session = AugmentedSession(
        Augmented(network="conv", **SMALL, augment="both", ada=0.1, consistency=1.0), "digits_50"
    )
    session.gan.p = 0.5
    twin = session.fork()
    session.step()
    twin.half_step()
    twin.half_step()
    assert twin.at == session.at == 1 and twin.gan.p == session.gan.p != 0.5
    for net in "GD":
        a, b = (getattr(s.gan, net).state_dict() for s in (twin, session))
        assert all(torch.equal(a[name], b[name]) for name in a)


def test_three_ways_stand_side_by_side_from_the_same_start():
    lab = Lab("digits_50", **SMALL, compare="augment")
    sessions = list(lab.comparison.sessions.values())
    assert [s.experiment.augment for s in sessions] == list(augmented.WAYS)
    assert list(lab.comparison.sessions) == ["none", "real only", "both"]
    start = [s.gan.G.state_dict()["net.0.weight"] for s in sessions]
    assert torch.equal(start[0], start[1]) and torch.equal(start[0], start[2])
    lab.run(5)
    header, arrays = shown(lab)
    assert [m["step"] for m in header["members"]] == [5, 5, 5]
    assert all(member["charts"][0]["id"] == "quality" for member in header["members"])
    assert not np.array_equal(arrays["0/grid"], arrays["2/grid"])
    lab.change(transforms=("brightness",), strength=0.5)  # for all of them
    assert all(s.experiment.transforms == ("brightness",) for s in sessions)
    lab.pick("both")
    assert lab.session.experiment.augment == "both" and lab.session.at == 5
    lab.close()


def test_each_transform_can_stand_beside_the_others():
    lab = Lab("digits_50", **SMALL, augment="both", compare="transforms")
    assert list(lab.comparison.sessions)[:2] == ["flip", "rotation"]
    assert [s.experiment.transforms for s in lab.comparison.sessions.values()] == [
        (name,) for name in GREY
    ]
    lab.run(1)
    lab.close()


def test_a_rewound_past_repeats_itself():
    session = AugmentedSession(
        Augmented(network="conv", **SMALL, augment="both", ada=0.6), "digits_50"
    )
    session.run(55)
    after = session.gan.G.state_dict()["net.0.weight"].clone(), session.gan.p
    session.rewind(50)
    assert session.at == 50 and session.report() is not None
    session.run(5)
    assert torch.equal(session.gan.G.state_dict()["net.0.weight"], after[0])
    assert session.gan.p == after[1]


def test_held_out_pictures_are_of_the_test_set_and_of_the_same_classes():
    session = AugmentedSession(data="shoes_99")
    assert session.judge.x_held.shape[1:] == (1, 16, 16)
    shoes = load_few("shoes", 1500, split="test").x
    known = {x.numpy().tobytes() for x in shoes}
    assert all(x.numpy().tobytes() in known for x in session.judge.x_held)
    test = {x.numpy().tobytes() for x in load_mnist("test", size=16).x}
    digits = AugmentedSession(data="digits_50")
    assert all(x.numpy().tobytes() in test for x in digits.judge.x_held)


@pytest.mark.parametrize("name", FEW)
def test_every_world_of_few_pictures_opens(name):
    n = int(name.split("_")[1])
    session = AugmentedSession(Augmented(network="conv", **SMALL), name)
    assert len(session.data) == n and session.data.dataset in ("digits", "fashion")
    session.step()
    assert session.frame()[0]["kind"] == "images"


def test_points_and_unknown_transforms_are_refused(lab):
    with pytest.raises(ValueError, match="cannot be augmented"):
        AugmentedSession(data="ring")
    with pytest.raises(ValueError, match="transforms = 'blur'"):
        lab.change(transforms=("blur",))
    with pytest.raises(ValueError, match="unroll = 3 is for plain GANs only"):
        lab.change(unroll=3)
    assert lab.session.experiment.unroll == 0
    assert "unroll" not in lab.settings and "pac" not in lab.settings
    with pytest.raises(ValueError, match="means nothing with loss = 'wasserstein'"):
        lab.change(ada=0.6, loss="wasserstein")
    lab.run(1)


@pytest.mark.parametrize("world", ["fashion", "digits_28", "shoes_501"])
def test_data_can_be_changed_to_other_pictures_and_back(lab, world):
    lab.change(data=world)
    assert lab.data.value == world
    lab.run(60)
    lab.rewind(55)
    assert lab.data.value == lab.world == world
    lab.data.value = "digits_100"
    wait_for(lambda: len(lab.session.data) == 100)
    lab.rewind(0)  # to before the change, unless it made new networks
    assert lab.data.value == lab.world != "own"


def test_a_plain_lab_takes_few_pictures_and_a_lab_with_classes_does():
    lab = Lab("digits", **SMALL)
    lab.change(data="digits_50")
    assert lab.data.value == "own" and len(lab.session.data) == 50
    lab.run(1)
    lab.close()
    lab = Lab("digits_100", condition="cgan", **SMALL)
    assert lab.mode is CLASSES and lab.session.data.n_classes == 10
    lab.close()


def test_pictures_without_a_classifier_train_without_a_judge(lab):
    x = torch.rand(20, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for own in (
        Images("own", x, torch.arange(20) % 2),
        Images("own", x, torch.arange(20), "digits"),  # classes that no test picture has
        Images("own", x, torch.arange(20) % 2, "cats"),
    ):
        lab.change(data=own)
        assert lab.session.judge is None and lab.data.value == "own"
        lab.run(5)
        assert "quality" not in [chart["id"] for chart in shown(lab)[0]["charts"]]


def test_remedies_that_cannot_be_are_not_offered():
    lab = Lab("digits_50", **SMALL, remedies=True, compare="remedy")
    assert "unroll" not in lab.remedies and "r1" in lab.remedies
    assert len(lab.comparison.sessions) == len(lab.remedies) + 1 - 1  # non-saturating it is already
    lab.compare("one")
    lab.remedies["r1"].value = True
    wait_for(lambda: lab.session.experiment.r1 > 0 and "r1" in lab.treated)
    lab.close()


def test_comparing_transforms_makes_a_difference_where_nothing_was_transformed(lab):
    for what in ("transforms", "p"):
        lab.compare(what)
        assert all(s.experiment.augment == "both" for s in lab.comparison.sessions.values())
        lab.compare("one")


def test_a_list_of_transforms_will_do_and_one_without_a_button_is_kept(lab):
    lab.change(transforms=["rotate", "saturation"], augment="both")
    assert "by = rotation + saturation" in lab.message.value
    lab.transforms["flip"].value = True
    wait_for(lambda: "flip" in lab.session.experiment.transforms)
    assert set(lab.session.experiment.transforms) == {"flip", "rotate", "saturation"}


def test_the_gap_is_measured_anew_while_D_runs_ahead(lab):
    lab.run(5)
    before = lab.session.report()
    for _ in range(60):
        lab.session.step_D()
    assert lab.session.report().d_fake < before.d_fake - 1  # D has learned to see it


def test_a_GAN_of_another_kind_is_not_adopted(lab):
    with pytest.raises(ValueError, match="trains a AugmentedGAN; the GAN given is a GAN"):
        lab.session.adopt(GAN(Experiment(network="conv", width=8), (1, 16, 16)))


def test_a_step_of_ones_own_can_be_compared(lab):
    lab.change(train_step=lambda gan, data: augmented.train_step(gan, data))
    lab.compare("lr_D")
    lab.run(2)
    assert lab.comparison.at == 2 and not lab.comparison.trouble
