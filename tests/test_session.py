"""The lab's engine: determinism, changes in mid-training, rewinding, stops, and random handling."""

import math
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from gan_helpers.datasets.images import Images
from gan_helpers.datasets.points import WORLDS, WORLDS_1D, from_points, gaussians_1d
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.choices import default_experiment
from gan_helpers.lab.engine.look import STAGE, STEEPEST
from gan_helpers.lab.engine.record import Trouble
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.engine.worker import Worker
from gan_helpers.losses import LOSSES, Loss
from gan_helpers.training import train_step
from gan_helpers.transport import wasserstein_distance

SMALL = Experiment(width=16, depth=2, batch_size=16)


def small(data="ring", distance=None, **kwargs):
    return Session(replace(SMALL, **kwargs), data, distance=distance)


def weights(session):
    nets = (session.gan.G, session.gan.D)
    return torch.cat([p.detach().flatten() for net in nets for p in net.parameters()])


def losses(session, n):
    return [session.step() for _ in range(n)]


def tiny_pictures():
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(40, 1, 8, 8, generator=rng) * 2 - 1
    return Images("noise", x, torch.arange(40) % 10)


# --- the same seed gives the same losses ---------------------------------------------------------


@pytest.mark.parametrize("d_steps", [1, 3])
def test_by_hand_in_one_go_and_in_half_steps_the_same(d_steps):
    by_hand, in_one_go, halves = (small(d_steps=d_steps) for _ in range(3))
    losses(by_hand, 40)
    in_one_go.run(40)
    for _ in range(40):
        for _ in range(d_steps):
            halves.step_D()
        halves.step_G()
    assert by_hand.last_losses == in_one_go.last_losses == halves.last_losses
    assert torch.equal(weights(by_hand), weights(halves))
    for a, b in zip(by_hand.history.rows, halves.history.rows, strict=True):
        assert a == b


@pytest.mark.parametrize("rate", [1.0, 1000.0])
def test_played_in_the_view_the_same(rate):
    """Played by the worker's thread at full speed, or by its half-steps."""
    played, stepped = small(d_steps=2), small(d_steps=2)
    enough = threading.Event()
    worker = Worker(played, publish=lambda: played.gan.step >= 20 and enough.set())
    if rate == 1.0:
        while played.gan.step < 20:
            worker.session.half_step()
    else:
        worker.play()
        assert enough.wait(30)
        worker.close()
    stepped.run(played.gan.step)
    assert stepped.last_losses == played.last_losses
    assert torch.equal(weights(stepped), weights(played))


@pytest.mark.parametrize("data", ["ring", "digits"])
def test_the_number_of_cores_changes_nothing(data):
    """Sums split over threads round differently; the session always uses one."""
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            session = Session(data=data)
            session.run(5)
            assert torch.get_num_threads() == threads  # the reader's setting is given back
            results.append((session.last_losses, weights(session)))
    finally:
        torch.set_num_threads(before)
    assert results[0][0] == results[1][0] and torch.equal(results[0][1], results[1][1])


def test_looking_does_not_change_training():
    watched, unwatched = small(spectral_norm=True), small(spectral_norm=True)
    for _ in range(30):
        watched.step()
        watched.frame()
    unwatched.run(30)
    assert torch.equal(weights(watched), weights(unwatched))


def test_reset_gives_the_same_future_and_a_new_seed_another():
    session = small()
    first = losses(session, 10)
    session.reset()
    assert losses(session, 10) == first
    session.reset(seed=1)
    assert losses(session, 10) != first


# --- what can change while it trains -------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_is_switched_with_the_weights_kept(name):
    session = small(lr_G=1e-4, lr_D=1e-4)
    session.run(10)
    before = weights(session)
    assert session.change(loss=name) is False
    assert torch.equal(weights(session), before)
    session.run(10)
    assert session.gan.step == 20 and session.trouble is None


@pytest.mark.parametrize("world", WORLDS)
def test_every_world_can_take_over(world):
    session = small()
    session.run(5)
    assert session.change(data=world) is False
    session.run(5)
    header, arrays = session.frame()
    assert header["kind"] == "2d" and arrays["real"].shape == (512, 2)


def test_new_networks_start_again_and_say_so():
    session = small()
    session.run(5)
    assert session.change(width=8) is True
    assert session.gan.step == 0
    assert session.change(data="two_gaussians_1d") is True
    session.run(3)
    assert session.kind == "1d" and session.trouble is None
    assert session.change(data=tiny_pictures()) is True
    session.run(3)
    assert session.kind == "images" and session.trouble is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "w-gan"}, "loss = 'w-gan'"),
        ({"lr_D": -1.0}, "lr_D = -1.0"),
        ({"speed": 3}, "setting = 'speed'"),
        ({"data": "circle"}, "data = 'circle'"),
        ({"data": torch.zeros(3, 2)}, "from_points"),
        ({"train_step": 3}, "train_step = 3"),
        ({"loss": Loss("mine", lambda r, f: 1.0, lambda f: f.mean())}, "has to return a tensor"),
    ],
)
def test_a_refused_change_changes_nothing(change, message):
    session, untouched = small(), small()
    session.run(5)
    with pytest.raises((TypeError, ValueError), match=message):
        session.change(**change)
    untouched.run(10)
    session.run(5)
    assert torch.equal(weights(session), weights(untouched))


def test_the_readers_own_loss_and_step_train():
    hinge = LOSSES["hinge"]
    own = Loss("my hinge", lambda r, f: hinge.discriminator(r, f), lambda f: -f.mean(-1))
    calls = []

    def my_step(gan, data):
        calls.append(gan.step)
        return train_step(gan, data)

    session, builtin = small(loss=own), small(loss="hinge")
    session.change(train_step=my_step)
    session.run(10)
    builtin.run(10)
    assert calls == list(range(10))
    assert torch.equal(weights(session), weights(builtin))


# --- what goes wrong -----------------------------------------------------------------------------


def test_an_error_in_the_readers_step_stops_with_its_line_and_training_can_go_on():
    def broken(gan, data):
        if gan.step == 3:
            return undefined_name  # noqa: F821
        return train_step(gan, data)

    session = Session(SMALL, "ring", train_step=broken)
    session.run(10)
    assert session.trouble and session.trouble.what == "error" and session.trouble.step == 3
    assert "undefined_name" in session.trouble.detail
    assert "return undefined_name" in session.trouble.line
    session.change(train_step=train_step)
    session.run(7)
    assert session.trouble is None and session.gan.step == 10


DEEP = {"depth": 8, "width": 32, "d_steps": 50}  # a score with 9 factors, all of which grow


@pytest.mark.parametrize(
    ("loss", "lr", "more"),
    [("maximum_likelihood", "lr_G", {"d_steps": 5}), ("wasserstein", "lr_D", DEEP)],
)
def test_what_blows_up_is_named_with_step_and_setting(loss, lr, more):
    session = Session(replace(SMALL, loss=loss, **{lr: 1.0}, **more), "ring")
    session.run(3000)
    trouble = session.trouble
    assert isinstance(trouble, Trouble) and trouble.what in ("loss_D", "loss_G", "grad_D", "grad_G")
    assert loss in trouble.detail and f"{lr}=1" in trouble.detail
    steps = session.gan.step
    session.run(5)
    assert session.gan.step == steps  # it stays stopped
    session.frame()  # and can still be looked at
    session.rewind(0)
    assert session.trouble is None
    session.change(loss="hinge", lr_D=1e-3, lr_G=1e-3)
    session.run(5)
    assert session.trouble is None and weights(session).isfinite().all()


def test_a_nan_in_the_data_stops_it():
    class Broken:
        event_shape = (2,)

        def sample(self, n, rng):
            return torch.full((n, 2), math.nan)

        def to(self, device):
            return self

    session = Session(SMALL, Broken())
    session.run(3)
    assert session.trouble.what == "loss_D" and session.trouble.step == 0


# --- rewinding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [{}, {"spectral_norm": True}, {"gradient_penalty": 1.0}])
def test_a_rewound_run_has_the_same_future(extra):
    session = small(**extra)
    session.run(100)
    future = losses(session, 60)
    session.rewind(120)
    assert session.gan.step == 100  # the last moment kept before 120
    assert losses(session, 60) == future
    assert [row[0] for row in session.history.rows] == list(range(5, 161, 5))


def test_rewinding_brings_back_the_settings_of_that_moment():
    session = small()
    session.run(100)
    session.change(loss="hinge", data="grid", spectral_norm=True)
    session.run(100)
    session.rewind(50)
    assert session.experiment.loss == "non_saturating" and session.data.name == "ring"
    assert session.frame()[0]["step"] == 50
    reference = small()
    reference.run(90)
    session.run(40)
    assert session.last_losses == reference.last_losses


def test_the_timeline_stays_small_and_keeps_the_beginning():
    session = small(width=2, depth=1)
    session.timeline.interval, session.timeline.capacity = 1, 8
    session.run(300)
    steps = [m.step for m in session.timeline.moments]
    assert len(steps) <= 9 and steps[0] == 0 and steps == sorted(set(steps))
    assert steps[-1] > 300 - 2 * session.timeline.interval


def test_history_is_thinned_not_cut():
    session = small(width=2, depth=1)
    session.history.capacity = 20
    session.run(1000)
    steps = session.history.arrays()["steps"]
    assert len(steps) <= 21 and steps[0] <= 100 and steps[-1] >= 900


# --- frames --------------------------------------------------------------------------------------


def test_arrows_are_the_way_G_is_pushed():
    """Minus the gradient of G's loss at each sample, as if it were alone: finite differences."""
    session = small()
    session.run(20)
    _, arrays = session.frame()
    x, push = torch.tensor(arrays["fake"][::64]), arrays["push"][::64]
    h = 1e-3
    for i in range(len(x)):
        for axis in range(2):
            up, down = x[i].clone(), x[i].clone()
            up[axis] += h
            down[axis] -= h
            with torch.no_grad():
                values = session.gan.loss.generator(session.gan.D(torch.stack([up, down]))[:, None])
            slope = float(values[0] - values[1]) / (2 * h)
            assert push[i, axis] == pytest.approx(-slope, abs=2e-3)


def test_an_old_heat_map_can_be_shown_again():
    session = small()
    _, first = session.frame()
    session.run(20)
    _, again = session.frame(anew=False)
    _, new = session.frame()
    assert (again["heat"] == first["heat"]).all() and (again["fake"] == new["fake"]).all()
    assert (new["heat"] != first["heat"]).any()
    session.change(data="grid")
    assert session.frame(anew=False)[1]["heat"].shape == (48, 48)


def test_heat_map_is_D_from_the_top_down():
    session = small()
    _, arrays = session.frame()
    with torch.no_grad():
        top_left = torch.sigmoid(session.gan.D(torch.tensor([[-2.0, 2.0]])))
    assert arrays["heat"].shape == (48, 48) and arrays["heat"].dtype == np.uint8
    assert arrays["heat"][0, 0] == pytest.approx(255 * float(top_left), abs=1.5)


@pytest.mark.parametrize("world", WORLDS_1D)
def test_figure_1_has_densities_that_integrate_to_one(world):
    session = Session(data=world)
    header, arrays = session.frame()
    dx = arrays["x"][1] - arrays["x"][0]
    assert float(arrays["p"].sum() * dx) == pytest.approx(1, abs=0.03)
    assert float(arrays["q"].sum() * dx) == pytest.approx(1, abs=0.03)
    shown = np.isfinite(arrays["D_star"])
    assert shown.mean() > 0.2 and ((arrays["p"] > 0.01) <= shown).all()
    assert arrays["D_star"][shown].min() >= 0 and arrays["D_star"][shown].max() <= 1
    assert 0 <= header["meters"][0]["value"] <= math.log(2) + 1e-3


def test_samples_off_the_stage_are_not_dropped_from_the_divergence():
    session = Session(data="one_gaussian_1d")
    with torch.no_grad():
        session.gan.G.net.out.bias.fill_(100.0)  # everything far to the right
    header, arrays = session.frame()
    dx = arrays["x"][1] - arrays["x"][0]
    assert float(arrays["q"].sum() * dx) == pytest.approx(1, abs=1e-3)
    assert header["meters"][0]["value"] == pytest.approx(math.log(2), abs=0.01)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_verdict_lies_between_fake_and_real(loss):
    session = small(loss=loss, lr_D=1e-4, lr_G=1e-4, distance=False)
    session.run(10)
    header, _ = session.frame()
    meters = {m["id"]: m["value"] for m in header["meters"]}
    assert 0 <= meters["d_fake"] <= 1 and 0 <= meters["d_real"] <= 1


# --- the distance, and the inside of a critic ----------------------------------------------------

INSIDE = {"w1", "weights", "layers"}


def meters_of(session):
    return {m["id"]: m["value"] for m in session.frame()[0]["meters"]}


@pytest.mark.parametrize("world", ["ring", "two_gaussians_1d"])
def test_a_critic_is_shown_with_the_exact_distance_and_from_inside(world):
    session = small(world, loss="wasserstein", clip=0.1)
    session.run(20)
    header, arrays = session.frame()
    assert arrays.keys() >= INSIDE and header["critic"]
    n = session.detail.moved
    x = session.gan.sample(session.z_preview[:n])
    exact = float(wasserstein_distance(x, session.x_preview[:n]))
    shown = meters_of(session)
    assert shown["w1"] == pytest.approx(exact) == pytest.approx(float(arrays["w1"][-1]))
    with torch.no_grad():
        real, fake = (
            session.gan.D(session.x_preview),
            session.gan.D(session.gan.G(session.z_preview)),
        )
    assert shown["estimate"] == pytest.approx(float(real.mean() - fake.mean()), abs=1e-6)
    (weights,) = [chart for chart in header["charts"] if chart["id"] == "weights"]
    assert weights["to"] <= 0.1 + 1e-7 and arrays["weights"].sum() == pytest.approx(1)
    assert len(arrays["layers"]) == 1 + SMALL.depth and (arrays["layers"] > 0).all()


def test_the_steepest_slope_bounds_what_is_seen_on_the_stage():
    session = small(loss="wasserstein", gradient_penalty=1.0)
    session.run(50)
    session.map = "slope"
    header, arrays = session.frame()
    assert header["verdict"] == "slope"
    steepest = meters_of(session)["slope"]
    # Every difference on the stage is at most the steepest slope times the distance.
    with torch.no_grad():
        score = session.gan.D(session.grid).reshape(session.detail.heat, -1)
    step = 2 * STAGE / (session.detail.heat - 1)
    assert float(score.diff(dim=1).abs().max()) <= 1.1 * steepest * step
    assert arrays["heat"].max() == min(255, int(255 * steepest / STEEPEST))


def test_the_distance_is_watched_where_it_is_asked_for_and_costs_nothing_elsewhere():
    assert not INSIDE & small().frame()[1].keys() - {"w1"}
    assert math.isnan(small().w1())
    asked = small(distance=True)
    assert {"w1", "slope"} <= meters_of(asked).keys() and "estimate" not in meters_of(asked)
    hidden = small(loss="wasserstein", distance=False)
    assert {"d_real", "d_fake"} <= meters_of(hidden).keys()
    asked.change(loss="wasserstein")
    assert "estimate" in meters_of(asked)
    twin = asked.fork(loss="hinge")
    assert "w1" in meters_of(twin)


def test_the_best_critic_is_drawn_where_the_distance_is_estimated():
    session = small("one_gaussian_1d", loss="wasserstein", gradient_penalty=1.0)
    _, arrays = session.frame()
    x, best = arrays["x"], arrays["D_star"]
    assert ((best >= 0) & (best <= 1)).all()
    means = [(x * arrays[name]).sum() / arrays[name].sum() for name in "pq"]
    rises = np.sign(best[np.abs(x - means[0]).argmin()] - best[np.abs(x - means[1]).argmin()])
    assert rises > 0  # higher where the data are


def test_the_ring_is_learned():
    """All 8 modes and most samples good, in each of 5 seeds that were not used to choose this."""
    for seed in range(20, 25):
        session = Session(data="ring", seed=seed)
        session.run(1500)
        meters = {m["id"]: m["value"] for m in session.frame()[0]["meters"]}
        assert meters["modes"] >= 7 and meters["good"] > 0.4


# --- thrown about --------------------------------------------------------------------------------

ACTIONS = [
    lambda s, rng: s.run(int(rng.integers(1, 4))),
    lambda s, rng: s.step_D(),
    lambda s, rng: s.step_G(),
    lambda s, rng: s.change(loss=str(rng.choice(list(LOSSES)))),
    lambda s, rng: s.change(lr_D=float(10 ** rng.uniform(-5, -1))),
    lambda s, rng: s.change(lr_G=float(10 ** rng.uniform(-5, -1))),
    lambda s, rng: s.change(d_steps=int(rng.integers(1, 4))),
    lambda s, rng: s.change(batch_size=int(rng.integers(2, 64))),
    lambda s, rng: s.change(spectral_norm=bool(rng.integers(2))),
    lambda s, rng: s.change(gradient_penalty=float(rng.choice([0, 1, 10]))),
    lambda s, rng: s.change(r1=float(rng.choice([0, 0.1]))),
    lambda s, rng: s.change(clip=[None, 0.01, 1.0][rng.integers(3)]),
    lambda s, rng: s.change(width=int(rng.choice([4, 8]))),
    lambda s, rng: s.change(data=str(rng.choice([*WORLDS, *WORLDS_1D]))),
    lambda s, rng: s.change(data=from_points(rng.uniform(-1, 1, (5, 2)))),
    lambda s, rng: s.rewind(int(rng.integers(0, 300))),
    lambda s, rng: s.frame(),
    lambda s, rng: s.trouble and s.reset(int(rng.integers(9))),
]


def test_a_thousand_random_events_leave_it_sound():
    before = threading.active_count()
    session, rng = small(), np.random.default_rng(7)
    for _ in range(1000):
        ACTIONS[rng.integers(len(ACTIONS))](session, rng)
        assert session.trouble is not None or weights(session).isfinite().all()
    if session.trouble:
        assert session.trouble.what != "error"
    assert threading.active_count() == before


def test_a_thousand_random_events_on_the_thread():
    before = threading.active_count()
    errors = []
    session, rng = small(), np.random.default_rng(8)
    worker = Worker(session, publish=session.frame, report=errors.append)
    done = threading.Event()
    for i in range(1000):
        action = ACTIONS[rng.integers(len(ACTIONS))]
        seed = int(rng.integers(2**31))
        worker.post(lambda a=action, s=seed: a(session, np.random.default_rng(s)))
        if i % 10 == 0:
            worker.play() if rng.integers(2) else worker.pause()
    worker.pause()
    worker.post(done.set)
    assert done.wait(120)
    worker.close()
    assert errors == []
    assert threading.active_count() == before


@given(seed=st.integers(0, 2**32), steps=st.integers(0, 12))
@settings(max_examples=15)
def test_any_seed_any_length(seed, steps):
    session = Session(SMALL, "two_gaussians", seed=seed)
    session.run(steps)
    assert session.gan.step == steps and session.trouble is None


def test_default_settings_fit_the_data():
    assert default_experiment(gaussians_1d([0.0], [1.0])).latent_dim == 1
    assert default_experiment(tiny_pictures()).network == "conv"
