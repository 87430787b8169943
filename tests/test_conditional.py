"""Conditional GANs: codes, networks, steps against the equations by hand, and what is learned."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

from gan_helpers.conditional.training import (
    DISCRIMINATORS,
    STEPS,
    ClassifyingDiscriminator,
    Conditional,
    ConditionalGAN,
    ConditionalGenerator,
    JoiningDiscriminator,
    ProjectingDiscriminator,
    draw_batch,
    join,
    one_of_K,
    step_D,
    step_D_acgan,
    step_G_acgan,
    train_step,
)
from gan_helpers.datasets.images import Images
from gan_helpers.datasets.points import gaussians_1d, grid, ring
from gan_helpers.experiment import Experiment
from gan_helpers.losses import LOSSES, discriminator_cross_entropy
from gan_helpers.metrics import optimal_discriminator
from gan_helpers.models import Discriminator

RING = ring()
K = RING.n_classes
SMALL = Conditional(condition="cgan", width=16, depth=2, batch_size=16)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def small(condition="cgan", seed=0, **settings):
    return ConditionalGAN(replace(SMALL, condition=condition, **settings), (2,), seed, n_classes=K)


def exact(condition="cgan", seed=0, **settings):
    """In double precision, so that only mathematics may differ."""
    gan = small(condition, seed, **settings)
    gan.G.double(), gan.D.double()
    return gan


def batch(gan, seed=9):
    """x, the codes y and z, the same ones each time."""
    x, y = RING.sample_pairs(16, seeded(seed))
    return x.double(), one_of_K(y, K).double(), gan.sample_z(16, seeded(seed + 1)).double()


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def losses_of(gan, n, data=RING):
    return [tuple(map(float, train_step(gan, data))) for _ in range(n)]


# --- codes ---------------------------------------------------------------------------------------


def test_codes_are_rows_of_the_identity():
    code = one_of_K([2, 0, 2], 3)
    assert code.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1]]
    assert code.dtype == torch.float32
    assert one_of_K(1, 3).tolist() == [[0, 1, 0]]  # a single class is a batch of one


@given(data=st.data(), n_classes=st.integers(1, 300))
def test_argmax_reads_a_code(data, n_classes):
    y = data.draw(st.lists(st.integers(0, n_classes - 1), min_size=1, max_size=20))
    code = one_of_K(y, n_classes)
    assert code.shape == (len(y), n_classes) and (code.sum(1) == 1).all()
    assert code.argmax(1).tolist() == y
    assert torch.equal(one_of_K(code, n_classes), code)


@pytest.mark.parametrize("sign", ["int", "uint"])
@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_whole_numbers_of_any_type_are_classes(sign, bits):
    y = torch.tensor([0, 9, 4], dtype=getattr(torch, f"{sign}{bits}"))
    assert torch.equal(one_of_K(y, 10), torch.eye(10)[[0, 9, 4]])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8])
def test_more_classes_than_the_type_of_the_labels_can_count(dtype):
    """Compared in the labels' own type, K = 300 would be 44."""
    assert one_of_K(torch.tensor([100], dtype=dtype), 300).argmax(1).tolist() == [100]


def test_codes_may_mix_classes():
    mixed = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.0, 1.0]])
    assert torch.equal(one_of_K(mixed, 3), mixed)
    assert torch.equal(one_of_K(mixed.tolist(), 3), mixed)
    assert one_of_K(mixed.double(), 3).dtype == torch.float32
    assert torch.equal(one_of_K(torch.eye(3, dtype=torch.int64), 3), torch.eye(3))


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([0, 10], ValueError, r"y holds 10; there is no such class.*from 0 to 9"),
        (10, ValueError, r"y holds 10.*from 0 to 9"),
        ([3, -1], ValueError, r"y holds -1; there is no such class.*from 0 to 9"),
        ([3.0], TypeError, r"type torch\.float32.*whole numbers from 0 to 9"),
        (3.0, TypeError, r"type torch\.float32"),
        ([True, False], TypeError, r"type torch\.bool.*whole numbers"),
        (torch.eye(9), ValueError, r"y has shape \[9, 9\].*\[N, 10\]"),
        (torch.zeros(2, 2, 10), ValueError, r"y has shape \[2, 2, 10\]"),
        (torch.full((2, 10), 0.2), ValueError, r"y\[0\] = \[0\.2, .*with the sum 1"),
        (torch.zeros(1, 10), ValueError, r"y\[0\].*with the sum 1"),
        (torch.tensor([[1.5, -0.5] + [0.0] * 8]), ValueError, r"y\[0\] = \[1\.5, -0\.5.*at least"),
        (torch.full((1, 10), torch.nan), ValueError, r"y\[0\] = \[nan"),
        ([], TypeError, "whole numbers"),
    ],
)
def test_what_is_no_class_is_named(y, error, message):
    with pytest.raises(error, match=message):
        one_of_K(y, 10)


def test_the_bad_row_is_named():
    codes = torch.eye(10)
    codes[4, 4] = 0.5
    with pytest.raises(ValueError, match=r"y\[4\] = "):
        one_of_K(codes, 10)


# --- networks ------------------------------------------------------------------------------------


def test_a_code_stands_behind_a_vector():
    x, y = torch.randn(5, 2, generator=seeded()), one_of_K([0, 1, 2, 0, 1], 3)
    assert torch.equal(join(x, y), torch.cat([x, y], 1))


def test_a_code_stands_behind_a_picture_as_even_channels():
    x, y = torch.randn(4, 3, 6, 5, generator=seeded()), torch.rand(4, 7, generator=seeded(1))
    both = join(x, y)
    assert both.shape == (4, 3 + 7, 6, 5)
    assert torch.equal(both[:, :3], x)
    for n in range(4):
        for k in range(7):
            assert (both[n, 3 + k] == y[n, k]).all()


def test_each_network_does_what_its_equation_says():
    x, z = torch.randn(5, 2, generator=seeded()), torch.randn(5, 3, generator=seeded(1))
    y = one_of_K([0, 1, 2, 3, 0], 4)
    net = nn.Linear(3 + 4, 2)
    assert torch.equal(ConditionalGenerator(net)(z, y), net(torch.cat([z, y], 1)))
    net = nn.Linear(2 + 4, 1)
    assert torch.equal(JoiningDiscriminator(net)(x, y), net(torch.cat([x, y], 1)))
    net = nn.Linear(2, 1 + 4)
    logits, scores = ClassifyingDiscriminator(net)(x)
    assert logits.shape == (5,) and scores.shape == (5, 4)
    assert torch.equal(torch.cat([logits[:, None], scores], 1), net(x))
    of_y = scores[torch.arange(5), y.argmax(1)]
    torch.testing.assert_close(ProjectingDiscriminator(net)(x, y), logits + of_y)
    half = torch.full((5, 4), 0.25)
    torch.testing.assert_close(ProjectingDiscriminator(net)(x, half), logits + scores.mean(1))


@pytest.mark.parametrize("condition", DISCRIMINATORS)
@pytest.mark.parametrize(
    ("network", "shape"), [("mlp", (2,)), ("mlp", (1, 8, 8)), ("conv", (1, 8, 8))]
)
def test_shapes_and_that_D_judges_each_sample_by_itself(condition, network, shape):
    """No normalization over the batch, and no sigmoid or softmax at the end."""
    gan = ConditionalGAN(replace(SMALL, condition=condition, network=network), shape, n_classes=5)
    y = one_of_K(torch.arange(9) % 5, 5)
    assert gan.G(gan.sample_z(9), y).shape == (9, *shape)
    x = 30 * torch.randn(9, *shape, generator=seeded(3))
    D = (lambda i: gan.D(x[i])) if condition == "acgan" else lambda i: gan.D(x[i], y[i])
    as_rows = torch.column_stack if condition == "acgan" else lambda logits: logits[:, None]
    together = as_rows(D(slice(None)))
    assert together.shape == (9, 6 if condition == "acgan" else 1)
    alone = torch.cat([as_rows(D(slice(i, i + 1))) for i in range(9)])
    torch.testing.assert_close(together, alone)
    assert together.min() < 0 or together.max() > 1
    assert not any("Norm" in type(m).__name__ for m in gan.D.modules())


def test_scores_are_raw():
    """Popular code applies a softmax here, and cross_entropy another one behind it."""
    _, scores = small("acgan").D(RING.sample(100, seeded()))
    assert scores.min() < 0
    assert ((scores.sum(1) - 1).abs() > 1e-2).all()


def test_an_answer_that_is_sure_costs_next_to_nothing():
    """With two softmaxes in a row L_c could not fall below log(1 + (K - 1) / e) = 1.27."""
    gan = small("acgan", lr_D=1e-2)
    for _ in range(300):
        step_D_acgan(gan, *draw_batch(gan, RING))
    x, y = RING.sample_pairs(1000, seeded())
    assert float(class_loss(gan.D(x)[1], one_of_K(y, K)).detach()) < 0.3


# --- steps ---------------------------------------------------------------------------------------

#: What D and G minimise, by the printed equations.
BY_HAND = {
    "saturating": (
        lambda real, fake: -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean(),
        lambda fake: (1 - fake.sigmoid()).log().mean(),
    ),
    "non_saturating": (
        lambda real, fake: -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean(),
        lambda fake: -fake.sigmoid().log().mean(),
    ),
    "wasserstein": (
        lambda real, fake: fake.mean() - real.mean(),
        lambda fake: -fake.mean(),
    ),
}


def class_loss(scores, y):
    """-E[log p(C_k | x)], the softmax written out."""
    p = scores.exp() / scores.exp().sum(1, keepdim=True)
    return -(y * p.log()).sum(1).mean()


def losses_by_hand(gan, x, y, z):
    """(12.30) for a D that is told y; for an AC-GAN (12.31): L_c - L_s for D, L_c + L_s for G."""
    e, x_fake = gan.experiment, gan.G(z, y)
    value_D, value_G = BY_HAND[e.loss]
    if e.condition != "acgan":
        return value_D(gan.D(x, y), gan.D(x_fake, y)), value_G(gan.D(x_fake, y))
    (d_real, c_real), (d_fake, c_fake) = gan.D(x), gan.D(x_fake)
    L_c = class_loss(c_real, y) + (class_loss(c_fake, y) if e.class_on_fake else 0)
    of_D = e.class_weight * L_c + value_D(d_real, d_fake)
    return of_D, e.class_weight * class_loss(c_fake, y) + value_G(d_fake)


def moved_by(gan, who, *args):
    """What a step returns, and the gradient that it followed, seen from how far it went."""
    net = getattr(gan, who)
    before = weights(net)
    setattr(gan, f"opt_{who}", torch.optim.SGD(net.parameters(), lr=1.0))
    returned = STEPS[gan.experiment.condition][who == "G"](gan, *args)
    return returned, before - weights(net)


def gradient(loss, net):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))])


@pytest.mark.parametrize("loss", BY_HAND)
@pytest.mark.parametrize(
    ("condition", "more"),
    [
        ("cgan", {}),
        ("projection", {}),
        ("acgan", {}),
        ("acgan", {"class_on_fake": False}),
        ("acgan", {"class_weight": 0.3}),
        ("acgan", {"class_weight": 0}),
    ],
)
def test_a_step_returns_the_printed_loss_and_follows_its_gradient(condition, more, loss):
    gan = exact(condition, loss=loss, **more)
    x, y, z = batch(gan)
    for who, args in (("D", (x, y, z)), ("G", (y, z))):
        expected = losses_by_hand(gan, x, y, z)[who == "G"]
        slope = gradient(expected, getattr(gan, who))
        returned, moved = moved_by(gan, who, *args)
        torch.testing.assert_close(returned, expected.detach())
        assert not returned.requires_grad
        torch.testing.assert_close(moved, slope)


@pytest.mark.parametrize("condition", DISCRIMINATORS)
def test_each_half_moves_one_network_only(condition):
    gan = small(condition)
    update_D, update_G = STEPS[condition]
    reached = []
    gan.D.register_forward_pre_hook(lambda D, args: reached.append(args[0].requires_grad))
    G, D = weights(gan.G), weights(gan.D)
    update_D(gan, *draw_batch(gan, RING))
    assert torch.equal(weights(gan.G), G) and not torch.equal(weights(gan.D), D)
    assert reached == [False]  # the fakes were detached: no gradient can reach G
    D = weights(gan.D)
    update_G(gan, *draw_batch(gan, RING)[1:])
    assert torch.equal(weights(gan.D), D) and not torch.equal(weights(gan.G), G)
    assert gan.step == 1


@pytest.mark.parametrize("condition", DISCRIMINATORS)
def test_a_round_is_k_updates_of_D_then_one_of_G(condition):
    gan, twin = (small(condition, d_steps=3) for _ in range(2))
    update_D, update_G = STEPS[condition]
    for _ in range(5):
        for _ in range(3):
            loss_D = update_D(twin, *draw_batch(twin, RING))
        loss_G = update_G(twin, *draw_batch(twin, RING)[1:])
        assert train_step(gan, RING) == (loss_D, loss_G)
    assert gan.step == 5
    updates = [{float(state["step"]) for state in o.state.values()} for o in (gan.opt_D, gan.opt_G)]
    assert updates == [{15.0}, {5.0}]


@pytest.mark.parametrize("condition", DISCRIMINATORS)
@pytest.mark.parametrize("name", LOSSES)
def test_same_seed_same_losses(condition, name):
    rates = {"loss": name, "lr_G": 1e-4, "lr_D": 1e-4}
    runs = [losses_of(small(condition, seed, **rates), 8) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("condition", DISCRIMINATORS)
@pytest.mark.parametrize("settings", [{}, {"spectral_norm": True}, {"ema": 0.9}])
def test_a_copy_has_the_same_future_and_does_not_touch_the_original(condition, settings):
    gan = small(condition, **settings)
    losses_of(gan, 5)
    now, twin = weights(gan.G), gan.copy()
    future = losses_of(twin, 5)
    assert torch.equal(weights(gan.G), now)
    assert losses_of(gan, 5) == future


@pytest.mark.parametrize("condition", DISCRIMINATORS)
def test_nothing_touches_the_global_random_state(condition):
    before = torch.get_rng_state()
    gan = small(condition, spectral_norm=True, gradient_penalty=1.0, ema=0.9)
    losses_of(gan, 3)
    gan.sample(gan.sample_z(4), 1)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("condition", DISCRIMINATORS)
@pytest.mark.parametrize("ema", [0, 0.9])
def test_pictures_train_and_looking_does_not_change_their_future(condition, ema):
    x = torch.rand(40, 1, 8, 8, generator=seeded()) * 2 - 1
    data = Images("noise", x, torch.arange(40) % 5)
    experiment = replace(SMALL, network="conv", condition=condition, ema=ema)
    gan = ConditionalGAN.for_data(experiment, data)
    losses_of(gan, 3, data)
    twin = gan.copy()
    z = gan.sample_z(4, seeded())
    shown = gan.sample(z, [0, 1, 2, 3])
    torch.testing.assert_close(gan.sample(z[:1], 0), shown[:1])  # by the running statistics
    for a, b in ((gan.G, twin.G), (gan.G_ema, twin.G_ema)):
        for one, other in zip(a.buffers(), b.buffers(), strict=True) if a else ():
            assert torch.equal(one, other)
    assert losses_of(gan, 3, data) == losses_of(twin, 3, data)


@pytest.mark.parametrize("condition", DISCRIMINATORS)
def test_the_average_of_weights_follows_its_formula(condition):
    gan = small(condition, ema=0.9)
    train_step(gan, RING)  # the average starts as a copy
    expected = weights(gan.G)
    for _ in range(4):
        train_step(gan, RING)
        expected = 0.9 * expected + 0.1 * weights(gan.G)
    torch.testing.assert_close(weights(gan.G_ema.module), expected, rtol=1e-5, atol=1e-6)


# --- AC-GAN: who raises and who lowers what ------------------------------------------------------


@torch.no_grad()
def terms(gan, x, y, z):
    """L_s of (12.31), which D raises and G lowers, and L_c on all samples and on fakes."""
    (d_real, c_real), (d_fake, c_fake) = gan.D(x), gan.D(gan.G(z, y))
    L_s = d_real.sigmoid().log().mean() + (1 - d_fake.sigmoid()).log().mean()
    on_fakes = class_loss(c_fake, y)
    return torch.stack([L_s, class_loss(c_real, y) + on_fakes, on_fakes])


def test_D_raises_L_s_and_lowers_L_c_and_G_lowers_both():
    """One small step on a fixed batch. Where the terms are at odds only their sum is certain."""
    signs = []
    for seed in range(20):
        gan = small("acgan", seed, loss="saturating", width=32, batch_size=64)
        losses_of(gan, 100)
        gan.G.double(), gan.D.double()
        x, y, z = (t.double() for t in draw_batch(gan, RING))
        before, twin = terms(gan, x, y, z), gan.copy()
        twin.opt_D = torch.optim.SGD(twin.D.parameters(), lr=1e-3)
        gan.opt_G = torch.optim.SGD(gan.G.parameters(), lr=1e-3)
        step_D_acgan(twin, x, y, z)
        step_G_acgan(gan, y, z)
        by_D, by_G = terms(twin, x, y, z) - before, terms(gan, x, y, z) - before
        assert by_D[1] - by_D[0] < 0
        assert by_G[2] + by_G[0] < 0
        signs.append([by_D[0] > 0, by_D[1] < 0, by_G[0] < 0, by_G[2] < 0])
    counts = torch.tensor(signs).sum(0)
    assert (counts >= 17).all(), counts  # by chance alone: once in 800


# --- penalties and limits ------------------------------------------------------------------------


def logit(gan, x, y):
    return gan.D(x)[0] if gan.experiment.condition == "acgan" else gan.D(x, y)


def slopes_at(gan, x, y):
    """|grad D| at each sample alone, by x only: y stays what it is."""
    found = []
    for i in range(len(x)):
        at = x[i : i + 1].clone().requires_grad_()
        (slope,) = torch.autograd.grad(logit(gan, at, y[i : i + 1]).sum(), at, create_graph=True)
        found.append(slope.norm())
    return torch.stack(found)


@pytest.mark.parametrize("condition", DISCRIMINATORS)
@pytest.mark.parametrize("penalty", ["r1", "gradient_penalty"])
def test_D_follows_the_gradient_of_its_penalty_with_y_held_fixed(condition, penalty):
    gan = exact(condition, loss="wasserstein", **{penalty: 3.0})
    x, y, z = batch(gan)
    rng = gan.rng.clone_state()
    if penalty == "r1":
        extra = slopes_at(gan, x, y).square().mean()
    else:
        share = torch.rand(16, 1, generator=rng).double()
        x_hat = share * x + (1 - share) * gan.G(z, y).detach()
        extra = (slopes_at(gan, x_hat, y) - 1).square().mean()
    plain = losses_by_hand(gan, x, y, z)[0]
    slope = gradient(plain + 3 * extra, gan.D)
    returned, moved = moved_by(gan, "D", x, y, z)
    torch.testing.assert_close(returned, plain.detach())  # the loss is told without its penalty
    torch.testing.assert_close(moved, slope)


@pytest.mark.parametrize("condition", DISCRIMINATORS)
def test_slopes_by_hand_are_those_of_finite_differences(condition):
    gan = exact(condition)
    x, y, _ = batch(gan)
    steps = 1e-6 * torch.eye(2).double()
    with torch.no_grad():
        both = [(logit(gan, x + s, y) - logit(gan, x - s, y)) / 2e-6 for s in steps]
    found = slopes_at(gan, x, y).detach()
    torch.testing.assert_close(found, torch.stack(both, 1).norm(dim=1), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("condition", DISCRIMINATORS)
def test_clipping_comes_after_the_update(condition):
    gan = small(condition, loss="wasserstein", clip=0.02)
    losses_of(gan, 3)
    assert weights(gan.D).abs().max() <= 0.02 + 1e-9


@pytest.mark.parametrize("condition", DISCRIMINATORS)
def test_spectral_norm_of_every_layer_is_one(condition):
    gan = small(condition, spectral_norm=True, lr_D=1e-4)
    losses_of(gan, 50)
    layers = [m for m in gan.D.modules() if isinstance(m, nn.Linear)]
    assert len(layers) == 3
    for layer in layers:
        largest = torch.linalg.matrix_norm(layer.weight.detach(), ord=2)
        assert float(largest) == pytest.approx(1, abs=0.02)


# --- settings, and what is asked for -------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"condition": "infogan"}, ValueError, "condition = 'infogan'.*cgan, acgan, projection"),
        ({"condition": None}, ValueError, "condition = None"),
        ({"class_weight": -1}, ValueError, "class_weight = -1"),
        ({"class_weight": "much"}, TypeError, "class_weight = 'much'"),
        ({"class_on_fake": 1}, TypeError, "class_on_fake = 1"),
        ({"unroll": 2}, ValueError, "unroll = 2 is for plain GANs only"),
        ({"condition": "acgan", "pac": 4}, ValueError, "pac = 4 is for plain GANs only"),
    ],
)
def test_bad_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        Conditional(**{"condition": "cgan", **settings})


def test_a_condition_is_needed_and_more_than_one_class():
    with pytest.raises(ValueError, match=r"condition = 'none'.*cgan, acgan, projection"):
        Conditional(condition="none")
    with pytest.raises(TypeError, match=r"ConditionalGAN is trained by Conditional\(…\)"):
        ConditionalGAN(Experiment(), (2,))
    with pytest.raises(TypeError, match="condition"):
        Conditional()
    with pytest.raises(TypeError):
        ConditionalGAN(SMALL, (2,), 0, "cpu", 3)  # 3 classes would be easily taken for a seed
    with pytest.raises(ValueError, match="n_classes = 1"):
        ConditionalGAN(SMALL, (2,), n_classes=1)


def test_the_condition_cannot_change_in_place():
    with pytest.raises(ValueError, match="condition cannot change"):
        small().configure(replace(SMALL, condition="acgan"))


def test_a_sample_needs_a_class_that_there_is():
    gan = ConditionalGAN(SMALL, (2,), n_classes=10)
    z = gan.sample_z(3)
    with pytest.raises(TypeError, match="needs y"):
        gan.sample(z)
    with pytest.raises(ValueError, match="y holds 10"):
        gan.sample(z, 10)
    with pytest.raises(ValueError, match="y holds 10"):
        gan.sample(z, [0, 1, 10])


def test_one_class_for_all_one_for_each_or_a_mixture():
    gan = small()
    z = gan.sample_z(3)
    seven = gan.sample(z, 7)
    assert seven.shape == (3, 2) and not seven.requires_grad
    assert torch.equal(seven, gan.sample(z, [7, 7, 7]))
    assert torch.equal(seven, gan.sample(z, torch.eye(K)[7:8]))
    assert torch.equal(seven, gan.G(z, one_of_K([7, 7, 7], K)))
    each = gan.sample(z, [7, 0, 1])
    torch.testing.assert_close(each[0], seven[0])
    assert not torch.equal(each[1], seven[1])
    assert gan.sample(z, torch.full((3, K), 1 / K)).shape == (3, 2)


def test_samples_are_made_by_the_average_where_there_is_one():
    gan = small(ema=0.9)
    losses_of(gan, 5)
    z, y = gan.sample_z(3), one_of_K([1, 2, 3], K)
    assert torch.equal(gan.sample(z, y), gan.G_ema.module(z, y))
    assert not torch.equal(gan.sample(z, y), gan.G(z, y))


def test_logits_are_those_of_D_told_y_where_it_wants_to_know():
    x, y = RING.sample_pairs(5, seeded())
    for condition in DISCRIMINATORS:
        gan = small(condition)
        torch.testing.assert_close(gan.logits(x, y), logit(gan, x, one_of_K(y, K)))
        torch.testing.assert_close(gan.logits(x, 3), logit(gan, x, one_of_K([3] * 5, K)))
        depends = not torch.equal(gan.logits(x, 3), gan.logits(x, 4))
        assert depends == (condition != "acgan")


# --- what is learned -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_the_best_D_is_that_of_each_class(seed):
    """D*(x, y) = p(x|y) / (p(x|y) + q(x|y)), for a frozen G that makes the class next to y.

    Over all classes p(x) = q(x), so a D that ignored y could only say 1/2.
    """
    world = ring(8, radius=1.0, std=0.4)  # neighbours overlap
    wrong = world.means.roll(-1, 0)
    gan = ConditionalGAN(
        Conditional(condition="cgan", width=32, depth=2, batch_size=512, lr_D=3e-3),
        (2,),
        seed,
        n_classes=8,
    )
    gan.G = lambda z, y: y @ wrong + 0.4 * z
    for step in range(1000):
        if step == 600:
            gan.opt_D.param_groups[0]["lr"] = 3e-4
        step_D(gan, *draw_batch(gan, world))
    x_real, y = world.sample_pairs(4000, seeded(99))
    code = one_of_K(y, 8)
    for x in (x_real, gan.G(gan.sample_z(4000, seeded(98)), code)):
        density = torch.stack([world.of_class(k).prob(x) for k in range(8)], 1)  # (N, K)
        p, q = (density * code).sum(1), (density.roll(-1, 1) * code).sum(1)
        best = optimal_discriminator(p, q)
        assert float((best - 0.5).abs().mean()) > 0.3
        with torch.no_grad():
            found = gan.D(x, code).sigmoid()
        assert float((found - best).abs().mean()) <= 0.03


@pytest.mark.parametrize("seed", range(2))
def test_the_best_D_knows_which_fakes_ignore_y(seed):
    """D*(x, y) = p(x|y) / (p(x|y) + p(x)): the fakes are real points, whatever y was asked for.

    The rate falls at the end: at 3e-3 all of D's answers still go up and down together.
    """
    world, rng = ring(std=0.3), seeded(seed)
    D = JoiningDiscriminator(Discriminator((2 + K,), 64, 3, rng))
    optimizer = torch.optim.Adam(D.parameters(), 3e-3)
    for step in range(700):
        optimizer.param_groups[0]["lr"] = 3e-3 if step < 600 else 3e-4
        x, y = world.sample_pairs(512, rng)
        code, x_fake = one_of_K(y, K), world.sample(512, rng)
        optimizer.zero_grad()
        discriminator_cross_entropy(D(x, code), D(x_fake, code)).backward()
        optimizer.step()
    x, right = world.sample_pairs(4000, seeded(99))
    density = torch.stack([world.of_class(k).prob(x) for k in range(K)], 1)  # (N, K)
    for y in (right, torch.randint(K, (4000,), generator=seeded(98))):
        best = optimal_discriminator(density[torch.arange(4000), y], world.prob(x))
        assert float((best - 0.5).abs().mean()) > 0.3  # a D that ignored y would be this far off
        with torch.no_grad():
            found = D(x, one_of_K(y, K)).sigmoid()
        assert float((found - best).abs().mean()) < 0.05


def test_the_class_asked_for_is_made():
    """Within three standard deviations of it. A G that ignored y would get 1/8 right.

    Of ten more seeds the evidence tells.
    """
    gan = ConditionalGAN(Conditional(condition="cgan"), (2,), seed=0, n_classes=K)
    for _ in range(1000):
        train_step(gan, RING)
    y = torch.arange(K).repeat_interleave(200)
    x = gan.sample(gan.sample_z(len(y), seeded(1)), y).view(K, 200, 2)
    near = (x - RING.means[:, None]).norm(dim=-1) <= 3 * RING.stds[:, None]
    assert (near.float().mean(1) > 0.4).all() and float(near.float().mean()) > 0.7


# --- data with classes ---------------------------------------------------------------------------


@given(n=st.integers(1, 100), seed=st.integers(0, 2**32))
@settings(max_examples=20)
def test_samples_are_the_first_of_the_pairs(n, seed):
    pictures = Images("any", torch.linspace(-1, 1, 7).view(-1, 1, 1, 1), torch.arange(7) % 3)
    for data in (RING, grid(), gaussians_1d([-1, 1], 0.3, [1, 3]), pictures):
        x, y = data.sample_pairs(n, seeded(seed))
        assert torch.equal(x, data.sample(n, seeded(seed)))
        assert y.shape == (n,) and y.dtype == torch.int64
        assert int(y.min()) >= 0 and int(y.max()) < data.n_classes


def test_the_class_of_a_point_is_its_component():
    x, y = RING.sample_pairs(2000, seeded())
    assert torch.equal(torch.cdist(x, RING.means).argmin(1), y)  # 15 stds apart
    lopsided = gaussians_1d([-1, 0, 1], [0.01, 0.02, 0.03], [1, 2, 5])
    x, y = lopsided.sample_pairs(20_000, seeded())
    torch.testing.assert_close(y.bincount() / 20_000, lopsided.weights, atol=0.015, rtol=0)
    for k in range(3):
        assert float(x[y == k].mean()) == pytest.approx(k - 1, abs=0.002)
        assert float(x[y == k].std()) == pytest.approx(0.01 * (k + 1), rel=0.05)


def test_one_class_of_a_mixture_is_its_component_alone():
    one = gaussians_1d([-1.0, 1.0], [0.3, 0.5], [1, 3]).of_class(1)
    assert one.n_classes == 1 and one.means.tolist() == [[1.0]]
    x = torch.linspace(-2, 3, 11)[:, None]
    normal = torch.exp(-0.5 * ((x - 1) / 0.5) ** 2) / (0.5 * math.sqrt(2 * math.pi))
    torch.testing.assert_close(one.prob(x), normal[:, 0])
    for bad, error in ((K, ValueError), (-1, ValueError), (1.0, TypeError)):
        with pytest.raises(error, match=f"y = {bad}"):
            RING.of_class(bad)


def test_the_class_of_a_picture_is_its_own():
    y = torch.tensor([4, 0, 2, 2])
    data = Images("any", (y / 4).view(-1, 1, 1, 1), y)
    assert data.n_classes == 5
    x, classes = data.sample_pairs(200, seeded())
    assert torch.equal((4 * x.flatten()).long(), classes)
    assert set(classes.tolist()) == {0, 2, 4}


def test_as_many_classes_as_samples_or_one_for_all():
    gan = ConditionalGAN(Conditional(condition="cgan", width=8, depth=1), (2,), n_classes=8)
    z = gan.sample_z(5)
    assert gan.sample(z, 3).shape == gan.sample(z, [0, 1, 2, 3, 4]).shape == (5, 2)
    for wrong in ([0, 1, 2], [0] * 6):
        with pytest.raises(ValueError, match=f"{len(wrong)} classes for 5 samples"):
            gan.sample(z, wrong)
        with pytest.raises(ValueError, match=f"{len(wrong)} classes for 5 samples"):
            gan.logits(torch.zeros(5, 2), wrong)


@pytest.mark.parametrize("wrong", [None, "3", [[1, 0], [1]], torch.eye(3, dtype=torch.bool)])
def test_what_is_neither_class_nor_code(wrong):
    with pytest.raises(TypeError, match="whole numbers from 0 to 2"):
        one_of_K(wrong, 3)
