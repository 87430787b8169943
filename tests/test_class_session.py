"""The lab's engine in class mode: what is asked for is shown, and asking changes no training."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lab_threads import wait_for
from torch import nn

from gan_helpers.conditional.pretrained import STEPS, load_pretrained
from gan_helpers.conditional.training import (
    DISCRIMINATORS,
    ClassifyingDiscriminator,
    Conditional,
    ConditionalGAN,
    one_of_K,
    train_step,
)
from gan_helpers.datasets.images import Images, load_mnist
from gan_helpers.datasets.points import gaussians_1d, grid, ring
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.classes import MIXED, ClassSession, Look
from gan_helpers.lab.engine.look import JUDGED_EVERY, STAGE
from gan_helpers.lab.engine.modes import CLASSES
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.stage import unpack_frame
from gan_helpers.lab.view import Lab
from gan_helpers.metrics import mode_coverage
from gan_helpers.training import GAN

SMALL = Conditional(condition="cgan", width=16, depth=2, batch_size=16)
PICTURES = replace(SMALL, network="conv", latent_dim=8, width=8, batch_size=8, ema=0.9)
#: All classes; one; the way from one to another.
LOOKS = [{}, {"digit": 3}, {"digit": 3, "to": 7}]


def small(condition="cgan", data="ring", seed=0, **settings):
    return ClassSession(replace(SMALL, condition=condition, **settings), data, seed)


@pytest.fixture(scope="module")
def digits():
    """Few enough to be quick, with every class; the classifier knows them."""
    data = load_mnist("train", size=16)
    return Images(data.name, data.x[:500], data.y[:500], data.dataset)


def tiny_pictures(n_classes=10):
    """Noise, which no classifier knows."""
    x = torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Images("noise", x, torch.arange(60) % n_classes)


def weights(session):
    nets = (session.gan.G, session.gan.D)
    return torch.cat([p.detach().flatten() for net in nets for p in net.parameters()])


def losses(session, n):
    return [session.step() for _ in range(n)]


def meters_of(session):
    return {m["id"]: m["value"] for m in session.frame()[0]["meters"]}


def same(one, other):
    (header, a), (header_too, b) = one, other
    return header == header_too and all(np.array_equal(a[k], b[k], True) for k in a | b)


# --- the three looks at pictures -----------------------------------------------------------------


@pytest.mark.parametrize("condition", DISCRIMINATORS)
@pytest.mark.parametrize("look", LOOKS)
def test_a_frame_says_what_was_asked_for_and_what_is_read(digits, condition, look):
    session = ClassSession(replace(PICTURES, condition=condition), digits)
    session.run(3)
    session.ask(**look)
    header, arrays = session.frame()
    assert header["kind"] == "images" and header["step"] == 3
    assert arrays["grid"].shape == (100, 16, 16) and arrays["grid"].dtype == np.uint8
    assert arrays["verdict"].shape == arrays["asked"].shape == arrays["read"].shape == (100,)
    assert arrays["by_class"].shape == (10,)
    x = session.gan.sample(session.z_preview, session.y_preview)
    read = session.judge.classifier(x).argmax(1)
    assert arrays["asked"].dtype == arrays["read"].dtype == np.uint8
    assert np.array_equal(arrays["read"], read)
    report = session.report()
    shown = {m["id"]: m["value"] for m in header["meters"]}
    assert list(shown) == ["agreement", "variety", "d_real", "d_fake"]
    assert shown["agreement"] == report.agreement
    assert shown["variety"] == float(report.variety.mean())
    logits = session.gan.logits(x, session.y_preview).detach()
    assert arrays["verdict"] == pytest.approx(logits.sigmoid().numpy(), abs=1e-6)
    x, y = (part[: session.detail.pictures] for part in session.real_pairs)
    d_real = session.gan.logits(x, y).detach().sigmoid().mean()  # each with its own class
    assert shown["d_real"] == pytest.approx(float(d_real), abs=1e-6)


def test_all_classes_stand_in_columns_each_row_the_same_z(digits):
    session = ClassSession(PICTURES, digits)
    header, arrays = session.frame()
    assert header["columns"] == list("0123456789")
    assert arrays["asked"].reshape(10, 10).tolist() == [list(range(10))] * 10
    z = session.z_preview.view(10, 10, -1)
    assert (z == z[:, :1]).all() and len(z[:, 0].unique(dim=0)) == 10


def test_one_class_is_shown_with_many_z(digits):
    session = ClassSession(PICTURES, digits)
    session.ask(digit=3)
    header, arrays = session.frame()
    assert header["columns"] == [""] * 10
    assert (arrays["asked"] == 3).all()
    assert len(session.z_preview.unique(dim=0)) == 100


def test_a_class_turns_into_another_from_column_to_column(digits):
    session = ClassSession(PICTURES, digits)
    session.ask(digit=3, to=8)
    header, arrays = session.frame()
    assert header["columns"] == ["3", *[""] * 8, "8"]
    assert arrays["asked"].reshape(10, 10).tolist() == [[3, *[MIXED] * 8, 8]] * 10
    y = session.y_preview.view(10, 10, 10)
    for column in range(10):
        expected = torch.zeros(10)
        expected[3], expected[8] = 1 - column / 9, column / 9
        torch.testing.assert_close(y[:, column], expected.expand(10, -1))
    z = session.z_preview.view(10, 10, -1)
    assert (z == z[:, :1]).all()
    session.ask(to=3)  # from a class to itself: nothing is mixed
    assert (session.frame()[1]["asked"] == 3).all()
    session.ask(digit=None)  # a way without a beginning is none
    assert session.frame()[0]["columns"] == list("0123456789")


@pytest.mark.parametrize("data", ["ring", "pictures"])
@pytest.mark.parametrize("look", LOOKS)
def test_z_goes_once_around_its_circle(data, look):
    session = small() if data == "ring" else ClassSession(PICTURES, tiny_pictures())
    session.ask(**look)
    at = {}
    for turn in (0, 0.25, 0.5, 0.75, 1):
        session.ask(turn=turn)
        at[turn] = session.z_preview
    torch.testing.assert_close(at[1], at[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(at[0.5], -at[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(at[0.75], -at[0.25], atol=1e-5, rtol=0)
    session.ask(turn=0.125)  # a mean of two numbers of N(0, 1) that is N(0, 1) again
    torch.testing.assert_close(session.z_preview, (at[0] + at[0.25]) / 2**0.5, atol=1e-5, rtol=0)
    session.ask(turn=0)
    first = session.frame()
    session.ask(turn=1)
    name, limit = ("fake", 1e-5) if data == "ring" else ("grid", 1)
    difference = np.abs(session.frame()[1][name].astype(float) - first[1][name])
    assert difference.max() <= limit


@pytest.mark.parametrize("look", LOOKS)
def test_the_same_seed_gives_the_same_frame(digits, look):
    frames = []
    for seed in (1, 1, 2):
        session = ClassSession(PICTURES, digits, seed)
        session.run(5)
        session.ask(**look, turn=0.3)
        frames.append(session.frame())
    assert same(frames[0], frames[1]) and not same(frames[0], frames[2])


def test_without_a_classifier_nothing_is_read():
    session = ClassSession(PICTURES, tiny_pictures())
    session.run(5)
    header, arrays = session.frame()
    assert session.report() is None
    assert header["columns"] == list("0123456789") and arrays["grid"].shape == (100, 8, 8)
    assert not {"asked", "read", "by_class"} & arrays.keys()
    assert [m["id"] for m in header["meters"]] == ["d_real", "d_fake"]
    assert np.isnan(arrays["agreement"]).all() and len(arrays["agreement"]) == 1


@pytest.mark.parametrize("n_classes", [2, 3, 5, 15])
def test_few_classes_and_more_than_fit(n_classes):
    session = ClassSession(PICTURES, tiny_pictures(n_classes))
    n = {2: 8, 3: 6, 5: 5, 15: 12}[n_classes]
    for look in ({}, {"digit": n_classes - 1}, {"digit": n_classes - 1, "to": 0}):
        session.ask(**look)
        header, arrays = session.frame()
        assert len(header["columns"]) == n and len(arrays["grid"]) == n * n


def test_few_classes_have_several_columns_each_the_same_z_for_all(digits):
    session = ClassSession(PICTURES, tiny_pictures(2))
    assert session.frame()[0]["columns"] == list("00001111")
    z = session.z_preview.view(8, 2, 4, -1)
    assert (z == z[:, :1]).all() and len(z[:, 0].flatten(0, 1).unique(dim=0)) == 32
    y = session.y_preview.argmax(1).view(8, 2, 4)
    assert (y == torch.tensor([0, 1])[:, None]).all()


# --- asking --------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", DISCRIMINATORS)
@pytest.mark.parametrize("settings", [{}, {"spectral_norm": True}])
def test_looking_and_asking_do_not_change_training(digits, condition, settings):
    for experiment, data, n in ((SMALL, "ring", 12), (PICTURES, digits, 4)):
        e = replace(experiment, condition=condition, **settings)
        watched, unwatched = ClassSession(e, data), ClassSession(e, data)
        seen = []
        for i in range(n):
            watched.ask(digit=[None, 2, 5][i % 3], to=[None, 7][i % 2], turn=i / n)
            watched.frame()
            watched.report()
            seen.append(watched.step())
        assert seen == losses(unwatched, n)
        assert torch.equal(weights(watched), weights(unwatched))


@pytest.mark.parametrize(
    ("look", "error", "message"),
    [
        ({"digit": 10}, ValueError, "digit = 10"),
        ({"digit": -1}, ValueError, "digit = -1"),
        ({"digit": 1.0}, TypeError, r"digit = 1\.0"),
        ({"digit": "3"}, TypeError, "digit = '3'"),
        ({"digit": True}, TypeError, "digit = True"),
        ({"to": 10}, ValueError, "to = 10"),
        ({"turn": 1.01}, ValueError, r"turn = 1\.01"),
        ({"turn": float("nan")}, ValueError, "turn = nan"),
        ({"turn": None}, TypeError, "turn = None"),
        ({"digit": 2, "turn": -0.1}, ValueError, r"turn = -0\.1"),
        ({"number": 3}, TypeError, "number"),
    ],
)
def test_what_cannot_be_asked_for_is_named_and_changes_nothing(look, error, message):
    session = ClassSession(PICTURES, tiny_pictures())
    session.ask(digit=4, turn=0.5)
    before = session.frame()
    with pytest.raises(error, match=message):
        session.ask(**look)
    assert session.look == Look(4, None, 0.5)
    assert same(session.frame(), before)


def test_what_was_asked_for_stays_until_there_is_no_such_class():
    session = small(data=grid())
    session.ask(digit=20, turn=0.5)
    session.run(3)
    session.reset()
    assert session.look == Look(20, None, 0.5)
    session.change(width=8)
    assert session.look.digit == 20
    assert session.change(data="ring") is True
    assert session.look == Look()
    session.frame()


# --- what moves it -------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", DISCRIMINATORS)
@pytest.mark.parametrize("d_steps", [1, 3])
def test_in_one_go_in_updates_and_in_half_steps_the_same(condition, d_steps):
    by_hand, in_one_go, updates, halves = (small(condition, d_steps=d_steps) for _ in range(4))
    losses(by_hand, 20)
    in_one_go.run(20)
    for _ in range(20):
        for _ in range(d_steps):
            updates.step_D()
        updates.step_G()
    for _ in range(20 * (d_steps + 1)):
        halves.half_step()
    for other in (in_one_go, updates, halves):
        assert other.last_losses == by_hand.last_losses
        assert torch.equal(weights(other), weights(by_hand))
        assert other.frame()[1]["loss_D"].tolist() == by_hand.frame()[1]["loss_D"].tolist()


def test_a_session_trains_as_the_plain_loop_does():
    session = small("acgan", seed=3)
    gan, data = ConditionalGAN(session.experiment, (2,), 3, n_classes=8), ring()
    for _ in range(10):
        assert session.step() == tuple(map(float, train_step(gan, data)))


@pytest.mark.parametrize("condition", DISCRIMINATORS)
def test_a_rewound_run_has_the_same_future(condition):
    session = small(condition)
    session.run(100)
    future = losses(session, 30)
    session.ask(digit=5)
    session.rewind(120)
    assert session.at == 100 and session.look.digit == 5  # what is asked for is no part of time
    assert losses(session, 30) == future
    session.frame()


def test_reset_gives_the_same_future_and_a_new_seed_another():
    session = small()
    first = losses(session, 10)
    session.reset()
    assert losses(session, 10) == first
    session.reset(seed=1)
    assert losses(session, 10) != first


def test_another_kind_starts_again_and_a_weight_does_not():
    session = small("cgan")
    session.run(5)
    assert session.change(condition="acgan") is True
    assert session.at == 0 and isinstance(session.gan.D, ClassifyingDiscriminator)
    session.run(5)
    for settings in ({"class_weight": 0.1}, {"class_on_fake": False}):
        twin = session.fork()
        assert session.change(**settings) is False
        assert losses(session, 3) != losses(twin, 3)  # it acts
    assert session.trouble is None


def test_at_its_start_it_forks_into_another_kind():
    session = small("cgan")
    session.ask(digit=2)
    twin = session.fork(condition="acgan")
    assert isinstance(twin, ClassSession) and isinstance(twin.gan.D, ClassifyingDiscriminator)
    assert session.experiment.condition == "cgan" and twin.look.digit == 2
    twin.ask(digit=6)
    assert session.look.digit == 2
    assert losses(twin, 3) == losses(small("acgan"), 3)
    assert session.at == 0
    session.run(1)
    with pytest.raises(ValueError, match=r"condition needs new networks.*1 steps; reset first"):
        session.fork(condition="acgan")


@pytest.mark.parametrize("settings", [{}, {"loss": "hinge"}, {"lr_G": 1e-4}])
def test_a_fork_goes_on_from_exactly_these_weights(settings):
    session = small("projection")
    session.run(5)
    twin = session.fork(**settings)
    assert torch.equal(weights(twin), weights(session))
    assert (losses(twin, 5) == losses(session, 5)) == (not settings)


# --- what does not fit ---------------------------------------------------------------------------


def test_no_condition_is_refused_and_changes_nothing():
    session, untouched = small(), small()
    session.run(5)
    with pytest.raises(ValueError, match=r"condition = 'none'.*cgan, acgan, projection"):
        session.change(condition="none")
    with pytest.raises(ValueError, match="condition = 'wgan' is unknown"):
        session.change(condition="wgan")
    with pytest.raises(ValueError, match="unroll = 5 is for plain GANs only"):
        session.change(unroll=5)
    session.run(5)
    untouched.run(10)
    assert torch.equal(weights(session), weights(untouched))
    with pytest.raises(TypeError, match=r"Experiment; ClassSession shows .* Conditional\(…\)"):
        ClassSession(Experiment(), "ring")


def test_a_session_without_classes_refuses_a_condition():
    with pytest.raises(TypeError, match="class Conditional; Session shows a GAN"):
        Session(SMALL, "ring")
    session, untouched = (Session(Experiment(width=16), "ring") for _ in range(2))
    with pytest.raises(ValueError, match=r"'condition' is unknown to a GAN.*Lab\(data, condition="):
        session.change(condition="acgan")
    session.run(2), untouched.run(2)
    assert torch.equal(weights(session), weights(untouched))


def test_data_without_classes_are_refused():
    class Points:
        event_shape = (2,)

        def sample(self, n, rng):
            return torch.zeros(n, 2)

        def to(self, device):
            return self

    with pytest.raises(TypeError, match="Points has no sample_pairs, so no classes"):
        ClassSession(SMALL, Points())
    session = small()
    with pytest.raises(TypeError, match="Points has no sample_pairs"):
        session.change(data=Points())
    assert session.data.name == "ring"
    session.frame()


@pytest.mark.parametrize(
    "data", [ring(1), gaussians_1d([-1.0, 1.0], 0.3)], ids=["one class", "a line"]
)
def test_what_cannot_be_shown_in_classes_is_refused_and_changes_nothing(data):
    with pytest.raises(ValueError, match="two classes or more"):
        ClassSession(SMALL, data)
    session = small()
    with pytest.raises(ValueError, match="two classes or more"):
        session.change(data=data)
    assert session.K == 8 and session.kind == "2d"
    session.frame()


def test_two_digits_of_ten_train_without_a_judge(digits):
    """The classifier could not say how varied the real pictures of the other digits are."""
    session = ClassSession(PICTURES, digits.of_class(3, 7))
    session.run(2)
    assert session.report() is None and session.trouble is None
    assert "read" not in session.frame()[1]


# --- points: y picks the game --------------------------------------------------------------------


@pytest.mark.parametrize("condition", DISCRIMINATORS)
def test_one_class_of_points_is_shown_with_D_told_that_class(condition):
    session = small(condition)
    session.run(50)
    heat = {}
    for k in (None, 0, 3):
        session.ask(digit=k)
        header, arrays = session.frame()
        heat[k] = arrays["heat"]
        y = k or 0
        assert header["kind"] == "2d" and "columns" not in header and "strip" not in arrays
        fake = session.gan.sample(session.z_preview, y)
        assert np.array_equal(arrays["fake"], fake)
        nearest = torch.cdist(torch.tensor(arrays["real"]), session.data.means).argmin(1)
        assert len(nearest) > 300 and (nearest == y).all()
        _, share = mode_coverage(fake, session.data.of_class(y))
        shown = {m["id"]: m["value"] for m in header["meters"]}
        assert list(shown) == ["agreement", "d_real", "d_fake"]
        assert shown["agreement"] == float(share)
        with torch.no_grad():
            d = session.gan.logits(torch.tensor([[-STAGE, STAGE]]), y).sigmoid()
            d_real = session.gan.logits(torch.tensor(arrays["real"]), y).sigmoid().mean()
        assert arrays["heat"][0, 0] == pytest.approx(255 * float(d), abs=1.5)
        assert shown["d_real"] == pytest.approx(float(d_real), abs=1e-5)
    assert (heat[None] == heat[0]).all()
    assert (heat[0] == heat[3]).all() == (condition == "acgan")  # whose D is not told


@pytest.mark.parametrize("condition", DISCRIMINATORS)
def test_arrows_are_the_way_G_is_pushed_when_asked_for_this_class(condition):
    session = small(condition)
    session.run(20)
    session.ask(digit=5)
    _, arrays = session.frame()
    every = session.detail.every
    x = torch.tensor(arrays["fake"][::every], requires_grad=True)
    loss = -session.gan.logits(x, 5).sigmoid().log()  # of each sample by itself
    (slope,) = torch.autograd.grad(loss.sum(), x)
    assert arrays["push"][::every] == pytest.approx(-slope.numpy(), abs=1e-5)
    assert not np.delete(arrays["push"], np.s_[::every], axis=0).any()


def test_the_push_on_G_is_the_gradient_for_the_class_asked_for():
    session = small()
    session.run(10)
    found = {}
    for k in (1, 6):
        session.ask(digit=k)
        G, D, n = session.gan.G, session.gan.D, len(session.z_preview)
        y = one_of_K([k] * n, 8)
        loss = -D(G(session.z_preview, y), y).sigmoid().log().mean()
        gradients = torch.autograd.grad(loss, list(G.parameters()))
        expected = torch.cat([g.flatten() for g in gradients]).norm()
        found[k] = session.push_on_G()
        assert found[k] == pytest.approx(float(expected), rel=1e-4)
    assert found[1] != found[6]


@pytest.mark.parametrize("condition", DISCRIMINATORS)
@pytest.mark.parametrize("experiment", [SMALL, PICTURES], ids=["points", "pictures"])
def test_looking_at_the_push_on_G_does_not_change_training(condition, experiment):
    """It moves neither the running statistics of G nor the power iteration of D."""
    data = "ring" if experiment is SMALL else tiny_pictures()
    e = replace(experiment, condition=condition, spectral_norm=True, ema=0)
    a, b = ClassSession(e, data), ClassSession(e, data)
    a.push_on_G()
    for one, other in zip(a.gan.G.buffers(), b.gan.G.buffers(), strict=True):
        assert torch.equal(one, other)
    assert losses(a, 3) == losses(b, 3)


def test_the_agreement_of_points_is_with_the_class_asked_for():
    class AlwaysTheFirst(nn.Module):
        def forward(self, z, y):
            return ring().means[0] + 0.05 * z

    session = small()
    session.gan.G = AlwaysTheFirst()
    assert meters_of(session)["agreement"] == pytest.approx(0.989, abs=0.02)  # within 3 stds
    session.ask(digit=3)
    assert meters_of(session)["agreement"] == 0


# --- the report ----------------------------------------------------------------------------------


def counted(session):
    """The steps at which the session asks its judge, from now on."""
    judge, calls = session.judge, []

    class Counting:
        classifier = judge.classifier

        def __call__(self, gan):
            calls.append(gan.step)
            return judge(gan)

    session.judge = Counting()
    return calls


def test_a_report_holds_for_50_steps(digits):
    session = ClassSession(PICTURES, digits)
    calls = counted(session)
    first = session.report()
    session.run(JUDGED_EVERY - 1)
    session.frame()
    assert session.report() is first and calls == [0]
    session.step()
    assert session.report() is not first and calls == [0, 50]
    session.rewind(0)
    again = session.report()
    assert calls == [0, 50, 0]
    assert again.agreement == first.agreement and torch.equal(again.variety, first.variety)
    curves = session.history.arrays()
    assert len(curves["agreement"]) == len(curves["variety"]) == 0


def test_a_report_of_a_future_that_was_undone_is_not_shown_in_another(digits):
    session = ClassSession(PICTURES, digits)
    calls = counted(session)
    session.run(55)
    session.rewind(50)
    session.change(lr_G=0.1)
    session.run(5)
    session.report()
    assert calls == [5, 55, 55]


def test_reports_are_written_down_with_the_losses(digits):
    session = ClassSession(PICTURES, digits)
    session.run(20)
    arrays, report = session.frame()[1], session.report()
    assert arrays["agreement"].tolist() == pytest.approx([report.agreement] * 4)
    assert arrays["variety"].tolist() == pytest.approx([float(report.variety.mean())] * 4)


def test_asking_does_not_cost_a_new_report(digits):
    session = ClassSession(PICTURES, digits)
    calls = counted(session)
    for k in range(10):
        session.ask(digit=k)
        session.frame()
    assert calls == [0]


# --- what goes wrong -----------------------------------------------------------------------------


def test_a_GAN_that_was_trained_elsewhere_goes_on_here(digits):
    gan = ConditionalGAN.for_data(PICTURES, digits, seed=5)
    for _ in range(3):
        train_step(gan, digits)
    twin, session = gan.copy(), ClassSession(PICTURES, digits)
    session.adopt(gan)
    assert session.at == 3 and np.isfinite(session.report().agreement)
    assert session.step() == tuple(map(float, train_step(twin, digits)))
    session.rewind(0)
    assert session.at == 3
    session.reset()
    assert session.at == 0


def test_an_error_in_the_readers_step_stops_and_training_can_go_on():
    def broken(gan, data):
        if gan.step == 3:
            return undefined_name  # noqa: F821
        return train_step(gan, data)

    session = ClassSession(SMALL, "ring", train_step=broken)
    session.run(10)
    assert session.trouble.what == "error" and session.trouble.step == 3
    assert "return undefined_name" in session.trouble.line
    session.change(train_step=train_step)
    session.run(7)
    assert session.trouble is None and session.at == 10


def test_a_GAN_that_does_not_fit_is_refused_and_changes_nothing():
    session, untouched = small(), small()
    for gan in (
        ConditionalGAN(SMALL, (2,), n_classes=5, seed=1),
        ConditionalGAN(replace(SMALL, width=8), (2,), n_classes=8, seed=1),
        GAN(Experiment(width=16, depth=2, batch_size=16), (2,), seed=1),
    ):
        with pytest.raises(
            ValueError,
            match=r"do not fit these data|the GAN given is a GAN\.",
        ):
            session.adopt(gan)
    assert torch.equal(weights(session), weights(untouched))


def blown_up(data):
    session = ClassSession(SMALL if data == "ring" else PICTURES, data)
    with torch.no_grad():
        for G in (session.gan.G, session.gan.G_ema):
            for p in G.parameters() if G else ():
                p.fill_(torch.nan)
    return session


def test_points_that_blew_up_can_still_be_looked_at():
    session = blown_up("ring")
    header, _ = session.frame()
    assert session.trouble.what == "samples" and header["kind"] == "2d"


def test_pictures_that_blew_up_can_still_be_looked_at(digits):
    session = blown_up(digits)
    header, _ = session.frame()
    assert session.trouble.what == "samples" and header["kind"] == "images"
    assert np.isnan(session.report().agreement)  # it does not flatter


ACTIONS = [
    lambda s, rng: s.run(int(rng.integers(1, 4))),
    lambda s, rng: s.step_D(),
    lambda s, rng: s.step_G(),
    lambda s, rng: s.half_step(),
    lambda s, rng: s.ask(digit=[None, *range(8)][rng.integers(9)]),
    lambda s, rng: s.ask(to=[None, *range(8)][rng.integers(9)]),
    lambda s, rng: s.ask(turn=float(rng.random())),
    lambda s, rng: s.change(condition=str(rng.choice(list(DISCRIMINATORS)))),
    lambda s, rng: s.change(class_weight=float(10 ** rng.uniform(-2, 1))),
    lambda s, rng: s.change(class_on_fake=bool(rng.integers(2))),
    lambda s, rng: s.change(loss=str(rng.choice(["saturating", "hinge", "wasserstein"]))),
    lambda s, rng: s.change(lr_D=float(10 ** rng.uniform(-5, -2))),
    lambda s, rng: s.change(d_steps=int(rng.integers(1, 4))),
    lambda s, rng: s.change(spectral_norm=bool(rng.integers(2))),
    lambda s, rng: s.change(gradient_penalty=float(rng.choice([0, 1, 10]))),
    lambda s, rng: s.change(r1=float(rng.choice([0, 0.1]))),
    lambda s, rng: s.change(clip=[None, 0.01, 1.0][rng.integers(3)]),
    lambda s, rng: s.change(data=str(rng.choice(["ring", "grid"]))),
    lambda s, rng: s.change(data=tiny_pictures()),
    lambda s, rng: s.rewind(int(rng.integers(0, 100))),
    lambda s, rng: s.frame(),
    lambda s, rng: s.push_on_G(),
    lambda s, rng: s.fork().frame(),
    lambda s, rng: s.trouble and s.reset(int(rng.integers(9))),
]


def test_hundreds_of_random_events_leave_it_sound():
    session, rng = small(), np.random.default_rng(7)
    for _ in range(400):
        ACTIONS[rng.integers(len(ACTIONS))](session, rng)
        assert session.trouble is not None or weights(session).isfinite().all()
    assert session.trouble is None or session.trouble.what != "error"
    session.frame()


# --- in the lab ----------------------------------------------------------------------------------


@pytest.fixture
def lab():
    lab = Lab("digits", condition="cgan", width=8, batch_size=16)
    yield lab
    lab.close()


def shown(lab):
    return unpack_frame(lab.stage.frame)


def test_a_lab_with_a_condition_offers_the_classes(lab):
    assert isinstance(lab.session, ClassSession) and lab.mode is CLASSES
    names = [name for name, _ in lab.picker.digit.options]
    assert names == [lab.text["pick_all"], *"0123456789"]
    assert lab.picker.digit.value == -1 and lab.session.look == Look()
    assert lab.picker.box.layout.display != "none"
    assert lab.picker.to.layout.display == "none"  # there is no way from all of them
    assert (shown(lab)[1]["asked"].reshape(10, 10) == range(10)).all()


def test_the_controls_say_what_to_show(lab):
    before = weights(lab.session).clone()
    lab.picker.digit.value = 7
    wait_for(lambda: (shown(lab)[1]["asked"] == 7).all())
    assert lab.session.look == Look(7)
    wait_for(lambda: lab.picker.to.layout.display is None)
    lab.picker.to.value = 2
    wait_for(lambda: shown(lab)[0]["columns"] == ["7", *[""] * 8, "2"])
    assert lab.session.look == Look(7, 2)
    lab.picker.turn.value = 0.25
    wait_for(lambda: lab.session.look == Look(7, 2, 0.25))
    lab.picker.to.value = lab.picker.digit.value = -1
    wait_for(lambda: lab.session.look == Look(turn=0.25))
    assert lab.session.at == 0 and torch.equal(weights(lab.session), before)


def test_a_lab_without_a_condition_does_not_ask():
    lab = Lab(width=8, depth=1, batch_size=16)
    try:
        assert not isinstance(lab.session, ClassSession) and lab.mode is not CLASSES
    finally:
        lab.close()


def test_a_trained_one_is_shown_at_its_last_step():
    gan = load_pretrained("cgan")
    data = load_mnist("train", size=28)
    some = Images(data.name, data.x[:500], data.y[:500], data.dataset)
    session = ClassSession(gan.experiment, some)
    session.adopt(gan)
    session.ask(digit=7)
    header, arrays = session.frame()
    assert header["step"] == session.at == STEPS == 18_000
    assert (arrays["read"] == 7).mean() > 0.9
    assert session.report().agreement > 0.97
