"""Networks from picture to picture: sizes, what a patch is, the architectures of the papers."""

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

from gan_helpers.translation.networks import (
    PAPER_PATCH,
    PAPER_RESNET,
    PAPER_UNET,
    PatchDiscriminator,
    ResNet,
    UNet,
    receptive_field,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def n_parameters(net):
    return sum(p.numel() for p in net.parameters())


@given(
    st.integers(1, 3),
    st.sampled_from([(1, 3), (3, 1), (1, 1)]),
    st.integers(1, 3),
    st.sampled_from(["none", "instance"]),
)
@settings(max_examples=12)
def test_pictures_keep_their_size(depth, channels, times, norm):
    n_in, n_out = channels
    edge = 4 * times * 2**depth
    x = torch.rand(2, n_in, edge, edge) * 2 - 1
    for net in (
        UNet(n_in, n_out, 4, depth, norm, rng=seeded()),
        UNet(n_in, n_out, 4, depth, norm, rng=seeded(), skips=False),
        ResNet(n_in, n_out, 4, 1, norm, rng=seeded()),
    ):
        y = net(x)
        assert y.shape == (2, n_out, edge, edge)
        assert y.abs().max() <= 1


@pytest.mark.parametrize("edge", [28, 32])
def test_the_defaults_serve_the_sizes_of_the_notebook(edge):
    assert UNet()(torch.zeros(1, 1, edge, edge)).shape == (1, 1, edge, edge)
    assert PatchDiscriminator()(torch.zeros(3, 2, edge, edge)).shape[0] == 3


@pytest.mark.parametrize(("make", "factor"), [(lambda: UNet(depth=3), 8), (lambda: ResNet(1), 4)])
def test_a_size_that_cannot_be_halved_is_named(make, factor):
    with pytest.raises(ValueError, match=rf"divisible by {factor}, e\.g\. \d+ x \d+"):
        make()(torch.zeros(1, 1, 30, 30))


def test_lines_pass_beside_the_bottleneck():
    """With the bottleneck silenced a U-Net still knows where a line was."""
    net = UNet(1, 1, 8, 2, rng=seeded())
    with torch.no_grad():
        for p in net.up[0].parameters():
            p.zero_()  # nothing comes up from the bottleneck
    x = torch.full((1, 1, 16, 16), -1.0)
    line = x.clone()
    line[..., 4] = 1
    change = (net(line) - net(x)).abs().sum((0, 1, 2))  # (W,)
    assert change[2:8].sum() > 0
    assert change[10:].sum() == 0


def test_without_skips_all_goes_through_the_bottleneck():
    net = UNet(1, 1, 8, 2, rng=seeded(), skips=False)
    a, other = torch.rand(2, 1, 1, 16, 16, generator=seeded()) * 2 - 1
    assert not torch.equal(net(a), net(other))
    with torch.no_grad():
        for p in net.up[0].parameters():
            p.zero_()
    assert torch.equal(net(a), net(other))
    assert sum(p.numel() for p in net.parameters()) < sum(
        p.numel() for p in UNet(1, 1, 8, 2).parameters()
    )


def test_one_seed_one_network_and_no_other_chance():
    before = torch.random.get_rng_state()
    for make in (UNet, ResNet, PatchDiscriminator):
        one, same, other = (make(rng=seeded(s)).state_dict() for s in (0, 0, 1))
        assert all(torch.equal(one[k], same[k]) for k in one)
        assert any(not torch.equal(one[k], other[k]) for k in one)
    assert torch.equal(before, torch.random.get_rng_state())


# --- patches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_strided", "edge"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_receptive_field(n_strided, edge):
    """70 x 70 is what Isola et al. (2017) say of three."""
    D = PatchDiscriminator(3, 2, n_strided)
    assert receptive_field(D) == (edge, 2**n_strided)


@pytest.mark.parametrize("n_strided", [1, 2])
def test_receptive_field_is_where_the_gradient_is(n_strided):
    """The pixels that move the middle logit are a square of just that edge."""
    D = PatchDiscriminator(1, 4, n_strided, rng=seeded()).double()
    size = 96
    x = torch.rand(1, 1, size, size, dtype=torch.float64, generator=seeded(), requires_grad=True)
    logits = D.net(x)
    middle = logits.shape[-1] // 2
    (gradient,) = torch.autograd.grad(logits[0, 0, middle, middle], x)
    rows = gradient[0, 0].abs().sum(1).nonzero()
    columns = gradient[0, 0].abs().sum(0).nonzero()
    edge, _ = receptive_field(D)
    assert len(rows) == len(columns) == edge


def test_a_picture_is_judged_by_itself():
    """No normalization over the batch: neighbours do not change a verdict."""
    for norm in ("none", "instance"):
        D = PatchDiscriminator(1, 4, 1, norm, rng=seeded())
        x = torch.rand(4, 1, 16, 16, generator=seeded())
        torch.testing.assert_close(D(x)[:1], D(x[:1]))
        assert not any(isinstance(layer, nn.BatchNorm2d) for layer in D.modules())


# --- the papers' networks ------------------------------------------------------------------------


def on_meta(make):
    """Shapes without numbers: 54 million weights would take seconds to draw."""
    with torch.device("meta"):
        return make()


def test_the_paper_s_unet():
    """Encoder C64-C128-C256-C512-C512-C512-C512-C512, decoder CD512-... (their section 6.1.1)."""
    net = on_meta(lambda: UNet(3, 3, **PAPER_UNET))
    down = [layer[0].out_channels for layer in net.down]
    assert down == [64, 128, 256, 512, 512, 512, 512, 512]
    up = [(layer[0].in_channels, layer[0].out_channels) for layer in net.up]
    assert up == [
        (512, 512), (1024, 512), (1024, 512), (1024, 512),
        (1024, 256), (512, 128), (256, 64), (128, 3),
    ]  # fmt: skip
    assert [any(isinstance(m, nn.Dropout) for m in layer) for layer in net.up] == [True] * 3 + [
        False
    ] * 5
    assert 54.3e6 < n_parameters(net) < 54.5e6


def test_the_paper_s_resnet_and_patches():
    net = on_meta(lambda: ResNet(3, 3, **PAPER_RESNET))
    # c7s1-64, d128, d256, nine R256, u128, u64, c7s1-3: the transposed convolutions are 4 wide
    # here, so that neighbouring pixels get equally many terms; 3 wide it is 11.4 million.
    assert 11.3e6 < n_parameters(net) < 11.8e6
    D = on_meta(lambda: PatchDiscriminator(6, **PAPER_PATCH))
    assert receptive_field(D) == (70, 8)
    assert D(torch.empty(1, 6, 256, 256, device="meta")).shape == (1, 30 * 30)
    assert 2.76e6 < n_parameters(D) < 2.78e6


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: UNet(depth=0), "depth = 0"),
        (lambda: UNet(dropout=1.0), "dropout = 1"),
        (lambda: UNet(norm="batch"), "choose one of none, instance"),
        (lambda: ResNet(blocks=0), "blocks = 0"),
        (lambda: ResNet(kernel=4), "kernel = 4 is even"),
        (lambda: PatchDiscriminator(n_strided=0), "n_strided = 0"),
    ],
)
def test_wrong_settings_are_named(make, says):
    with pytest.raises(ValueError, match=says):
        make()
