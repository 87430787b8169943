"""The ensemble computes what its members would compute alone."""

from dataclasses import replace

import pytest
import torch

from gan_helpers.datasets.images import Images
from gan_helpers.datasets.points import grid, ring
from gan_helpers.ensemble import Ensemble, Stack, mix
from gan_helpers.experiment import Experiment
from gan_helpers.losses import LOSSES, Loss
from gan_helpers.training import GAN, gradient_norm, train_step

SMALL = Experiment(batch_size=16, width=8, depth=2)


@pytest.fixture
def float64():
    """Double precision, so that a difference is a mistake and not rounding."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def make(experiments, seeds=None, data=None):
    shape = (data or ring()).event_shape
    seeds = seeds or range(len(experiments))
    return [GAN(e, shape, seed) for e, seed in zip(experiments, seeds, strict=True)]


def everything(gan):
    """All numbers of a GAN: weights, buffers, Adam's averages, the moving average of G."""
    tensors = [*gan.G.state_dict().values(), *gan.D.state_dict().values()]
    for optimizer in (gan.opt_G, gan.opt_D):
        for group in optimizer.param_groups:
            for p in group["params"]:
                tensors += list(optimizer.state[p].values())
    if gan.G_ema is not None:
        tensors += list(gan.G_ema.state_dict().values())
    return [t.double() for t in tensors]


def assert_equal(ours, alone, tolerance=1e-5):
    assert ours.step == alone.step
    for a, b in zip(everything(ours), everything(alone), strict=True):
        torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance)
    assert torch.equal(ours.rng.get_state(), alone.rng.get_state())


def race(experiments, data=None, n_steps=20, seeds=None):
    """The same GANs in an ensemble and one by one."""
    data = data or ring()
    ensemble = Ensemble(make(experiments, seeds, data))
    alone = make(experiments, seeds, data)
    for _ in range(n_steps):
        losses_D, losses_G = ensemble.step(data)
        expected = [train_step(gan, data) for gan in alone]
    for k, (loss_D, loss_G) in enumerate(expected):
        torch.testing.assert_close(losses_D[k].double(), loss_D.double(), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(losses_G[k].double(), loss_G.double(), atol=1e-5, rtol=1e-5)
        assert_equal(ensemble.members[k], alone[k])
    return ensemble


VARIANTS = {
    "one_loss": [SMALL] * 3,
    "all_losses": [replace(SMALL, loss=name) for name in LOSSES],
    "rates": [replace(SMALL, lr_D=d, lr_G=g) for d, g in ((1e-3, 1e-2), (5e-3, 1e-3), (0.0, 1e-3))],
    "gradient_penalty": [replace(SMALL, gradient_penalty=w) for w in (0.1, 1.0, 10.0)],
    "one_sided": [replace(SMALL, gradient_penalty=1.0, one_sided=s) for s in (True, True, False)],
    "r1": [replace(SMALL, r1=w) for w in (0.01, 1.0)],
    "clip": [replace(SMALL, loss="wasserstein", clip=c) for c in (0.01, 0.1, 0.3)],
    "spectral_norm": [replace(SMALL, spectral_norm=True, lr_D=lr) for lr in (1e-3, 5e-3)],
    "d_steps": [replace(SMALL, d_steps=k) for k in (1, 3, 3, 1)],
    "unroll": [replace(SMALL, unroll=2, lr_D=lr) for lr in (1e-3, 1e-4)],
    "pac": [replace(SMALL, pac=4, gradient_penalty=g) for g in (0.0, 0.0, 1.0, 1.0)],
    "ema": [replace(SMALL, ema=0.9)] * 2,
    "sizes": [SMALL, replace(SMALL, width=12), replace(SMALL, batch_size=32), SMALL],
    "momentum": [replace(SMALL, beta1=b) for b in (0.0, 0.5, 0.5, 0.9)],
    "remedies": [
        SMALL,
        replace(SMALL, loss="maximum_likelihood"),
        replace(SMALL, spectral_norm=True),
        replace(SMALL, lr_D=4e-3),
        replace(SMALL, gradient_penalty=1.0),
        replace(SMALL, r1=0.1),
        replace(SMALL, pac=2),
        replace(SMALL, unroll=1),
    ],
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.usefixtures("float64")
def test_a_member_computes_what_the_plain_step_computes(name):
    race(VARIANTS[name])


@pytest.mark.usefixtures("float64")
def test_equal_seeds_see_the_same_noise_and_data():
    losses = [replace(SMALL, loss=name) for name in ("saturating", "non_saturating", "hinge")]
    ensemble = race(losses, seeds=[7, 7, 7])
    states = [gan.rng.get_state() for gan in ensemble.members]
    assert all(torch.equal(state, states[0]) for state in states)


@pytest.mark.usefixtures("float64")
def test_other_data_and_pictures():
    race([SMALL] * 2, grid())
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(40, 1, 8, 8, generator=rng).float()
    pictures = Images("noise", x, torch.zeros(40, dtype=torch.int64))
    race([SMALL] * 2, pictures, n_steps=10)  # a multilayer perceptron on pictures
    conv = replace(SMALL, network="conv", latent_dim=4, ema=0.9)
    ensemble = race([conv] * 2, pictures, n_steps=5)  # no stacked form: one after the other
    assert not any(isinstance(gan, Stack) for _, gan in ensemble.stacks)


def test_those_that_take_the_same_lines_share_a_stack():
    sizes = {
        name: sorted(len(places) for places, _ in Ensemble(make(e)).stacks)
        for name, e in VARIANTS.items()
    }
    assert sizes["all_losses"] == [len(LOSSES)]
    assert sizes["rates"] == sizes["gradient_penalty"] == sizes["clip"] == [3]
    assert sizes["d_steps"] == sizes["pac"] == [2, 2]
    assert sizes["remedies"] == [1, 1, 1, 1, 1, 3]


@pytest.mark.usefixtures("float64")
def test_settings_change_while_it_trains():
    data = ring()
    ensemble, alone = Ensemble(make([SMALL] * 3)), make([SMALL] * 3)
    plans = [
        [SMALL, replace(SMALL, loss="saturating"), replace(SMALL, lr_G=5e-3)],
        [replace(SMALL, gradient_penalty=1.0), replace(SMALL, d_steps=2), SMALL],
        [replace(SMALL, spectral_norm=True)] * 3,
        [SMALL] * 3,
    ]
    for plan in plans:
        ensemble.configure(plan)
        for gan, experiment in zip(alone, plan, strict=True):
            gan.configure(experiment)
        for _ in range(10):
            ensemble.step(data)
            for gan in alone:
                train_step(gan, data)
    for a, b in zip(ensemble.members, alone, strict=True):
        assert_equal(a, b)


@pytest.mark.usefixtures("float64")
def test_a_fork_goes_on_from_exactly_these_weights():
    data = ring()
    (origin,) = make([SMALL])
    for _ in range(10):
        train_step(origin, data)
    losses = [replace(SMALL, loss=name) for name in ("saturating", "wasserstein")]
    ensemble, alone = Ensemble([origin.copy() for _ in losses]), [origin.copy() for _ in losses]
    ensemble.configure(losses)
    for gan, experiment in zip(alone, losses, strict=True):
        gan.configure(experiment)
    for _ in range(20):
        ensemble.step(data)
        for gan in alone:
            train_step(gan, data)
    for a, b in zip(ensemble.members, alone, strict=True):
        assert_equal(a, b)
    assert origin.step == 10


def test_a_member_can_be_looked_at_and_copied_out():
    data = ring()
    ensemble = Ensemble(make([replace(SMALL, spectral_norm=True, ema=0.9)] * 4))
    for _ in range(5):
        ensemble.step(data)
    twin = ensemble.members[2].copy()
    z = twin.sample_z(64, torch.Generator().manual_seed(1))
    before = twin.sample(z)
    assert torch.equal(before, ensemble.members[2].sample(z))
    storage = next(iter(twin.opt_D.state.values()))["exp_avg"].untyped_storage()
    assert storage.nbytes() < 8 * 8 * 8 * 4  # its own share, not that of all four
    for _ in range(5):
        ensemble.step(data)
    assert torch.equal(before, twin.sample(z))
    assert not torch.equal(before, ensemble.members[2].sample(z))
    train_step(twin, data)  # it goes on alone


def test_a_member_that_blows_up_does_not_touch_the_others():
    experiments = [SMALL, replace(SMALL, loss="wasserstein", lr_D=1.0, lr_G=1.0), SMALL]
    data = ring()
    ensemble, alone = Ensemble(make(experiments)), make(experiments)
    with torch.no_grad():
        ensemble.members[1].D.net.out.weight.fill_(torch.nan)
    for _ in range(5):
        losses_D, _ = ensemble.step(data)
        train_step(alone[0], data)
        train_step(alone[2], data)
    assert losses_D.isnan().tolist() == [False, True, False]
    z = alone[0].sample_z(32, torch.Generator().manual_seed(1))
    for k in (0, 2):
        torch.testing.assert_close(ensemble.members[k].sample(z), alone[k].sample(z))


def test_a_readers_own_loss_trains_in_the_ensemble_too():
    def whole_mean(d_real, d_fake):  # .mean() instead of .mean(-1): fine for one GAN only
        return (d_fake - d_real).mean()

    own = Loss("own", whole_mean, lambda d_fake: -d_fake.mean())
    ensemble = race([replace(SMALL, loss=own), SMALL, SMALL], n_steps=5)
    assert sorted(len(places) for places, _ in ensemble.stacks) == [1, 2]


@pytest.mark.usefixtures("float64")
def test_gradients_are_handed_out():
    data, ensemble, alone = ring(), Ensemble(make([SMALL] * 2)), make([SMALL] * 2)
    ensemble.step(data)
    ensemble.hand_out_gradients()
    for a, b in zip(ensemble.members, alone, strict=True):
        train_step(b, data)
        for net in "GD":
            ours, theirs = gradient_norm(getattr(a, net)), gradient_norm(getattr(b, net))
            assert ours == pytest.approx(theirs, abs=1e-9) and ours > 0


def test_mixed_losses_ask_each_loss_once():
    calls = []

    def counted(name):
        def generator(d_fake):
            calls.append((name, len(d_fake)))
            return LOSSES[name].generator(d_fake)

        return replace(LOSSES[name], generator=generator)

    a, b = counted("hinge"), counted("saturating")
    d = torch.linspace(-2, 2, 20).reshape(5, 4)
    mixed = mix([a, a, b, b, b]).generator(d)
    assert calls == [("hinge", 2), ("saturating", 3)]
    torch.testing.assert_close(mixed[:2], LOSSES["hinge"].generator(d[:2]))
    torch.testing.assert_close(mixed[2:], LOSSES["saturating"].generator(d[2:]))


def test_an_empty_ensemble_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Ensemble([])


@pytest.mark.parametrize(
    ("members", "error", "says"),
    [
        (make([SMALL])[0], TypeError, "members = <gan_helpers.* has to be a list of GANs"),
        ([None], TypeError, "members holds None"),
        (make([SMALL]) * 2, ValueError, r"a GAN twice; gan\.copy\(\)"),
    ],
)
def test_members_that_are_none_are_named(members, error, says):
    with pytest.raises(error, match=says):
        Ensemble(members)


def test_settings_for_too_few_or_with_other_networks_change_nothing():
    ensemble = Ensemble(make([SMALL, SMALL]))
    with pytest.raises(ValueError, match="experiments holds 1 of them for 2 members"):
        ensemble.configure([SMALL])
    faster = replace(SMALL, lr_D=1e-2)
    with pytest.raises(ValueError, match="width cannot change"):
        ensemble.configure([faster, replace(SMALL, width=9)])
    assert [gan.experiment for gan in ensemble.members] == [SMALL, SMALL]
