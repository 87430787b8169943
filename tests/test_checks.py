"""One voice for all arguments: what passes, as what, and what the message says."""

import importlib
import math
import pkgutil
import warnings
from dataclasses import MISSING, fields, is_dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

import gan_helpers
from gan_helpers.augmentation.training import Augmented, AugmentedGAN
from gan_helpers.checks import (
    check_bool,
    check_device,
    check_event_shape,
    check_floats,
    check_has,
    check_int,
    check_number,
    check_scale,
    check_shape,
    plain,
)
from gan_helpers.datasets.points import ring
from gan_helpers.experiment import Experiment
from gan_helpers.training import GAN, make_adam, train_step
from gan_helpers.translation.training import Translation


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "one",
    [1, 1.0, np.float64(1), np.float32(1), np.int8(1), np.array(1.0), torch.tensor(1.0)],
)
def test_a_number_is_a_float_from_there_on(one):
    assert type(check_number("x", one, 0, 2)) is float and check_number("x", one, 0, 2) == 1


@pytest.mark.parametrize("three", [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3)])
def test_a_whole_number_is_an_int_from_there_on(three):
    assert type(check_int("n", three, 0, 9)) is int and check_int("n", three, 0, 9) == 3


@pytest.mark.parametrize("yes", [True, np.True_, torch.tensor(True), np.array(True)])
def test_a_truth_is_a_bool_and_no_number(yes):
    assert check_bool("on", yes) is True
    for check in (check_number, check_int):
        with pytest.raises(TypeError, match=r"^on = .* is a \w+; it has to be a \w+"):
            check("on", yes, 0, 9)


@pytest.mark.parametrize(
    "wrong", [3.0, np.float64(3), torch.tensor(3.0), "3", None, 3j, [3], np.array([3]), b"3"]
)
def test_what_is_no_whole_number_is_refused(wrong):
    with pytest.raises(TypeError, match=r"^n = .*; it has to be a whole number in \[0, 9\]\.$"):
        check_int("n", wrong, 0, 9)
    for zero_or_one in (0, 1, 1.0, "True", None):
        with pytest.raises(TypeError, match=r"^on = .*; it has to be True or False\.$"):
            check_bool("on", zero_or_one)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, 10**400, -1, 10, np.float64(10)])
def test_what_is_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match=r"^x = .* is out of range; .* \[0, 9\]\.$") as error:
        check_number("x", wrong, 0, 9)
    assert len(str(error.value)) < 140  # even of a number with 401 digits


def test_only_what_has_no_axes_is_plain():
    for value in ([1], "1", None, torch.zeros(1), np.zeros(1)):
        assert plain(value) is value


# --- settings ----------------------------------------------------------------------------------


def settings():
    """All dataclasses of settings: frozen, and every field has a default."""
    found = set()
    for info in pkgutil.walk_packages(gan_helpers.__path__, "gan_helpers."):
        if info.name.startswith(("gan_helpers.evidence", "gan_helpers.lab")):
            continue  # rows of runs, and what is seen of a lab
        module = importlib.import_module(info.name)
        found |= {
            kind
            for kind in vars(module).values()
            if isinstance(kind, type)
            and is_dataclass(kind)
            and kind.__dataclass_params__.frozen
            and kind.__module__ == module.__name__
            and all(f.default != MISSING for f in fields(kind))
        }
    return sorted(found, key=lambda kind: kind.__name__)


def test_the_settings_are_found():
    assert {Experiment, Augmented, Translation} <= set(settings())


@pytest.mark.parametrize("kind", settings())
def test_fields_are_of_their_declared_type_whoever_sets_them(kind):
    own = kind()
    for f in fields(kind):
        value = getattr(own, f.name)
        if f.type.split(" | ")[0] == "float":
            for given in (0, 1):
                for as_what in (int, np.int64, np.float32, torch.tensor):
                    try:
                        changed = replace(own, **{f.name: as_what(given)})
                    except ValueError:
                        continue  # out of its range
                    assert type(getattr(changed, f.name)) is float, (f.name, as_what)
        if f.type == "int":
            for as_what in (np.int64, torch.tensor):
                changed = replace(own, **{f.name: as_what(value)})
                assert type(getattr(changed, f.name)) is int
            for wrong in (float(value), bool(value), str(value)):
                with pytest.raises(TypeError, match=f"{f.name} = "):
                    replace(own, **{f.name: wrong})
        if f.type == "bool":
            assert type(getattr(replace(own, **{f.name: np.bool_(value)}), f.name)) is bool
            with pytest.raises(TypeError, match=f"{f.name} = "):
                replace(own, **{f.name: int(value)})


@pytest.mark.parametrize("beta", ["beta1", "beta2", "ema", "lr_D", "clip"])
def test_whole_numbers_train(beta):
    """Today's torch takes no 0 for Adam's betas, only 0.0."""
    e = replace(Experiment(batch_size=8, width=4, depth=1), **{beta: 1 if beta == "clip" else 0})
    gan = GAN(e, (2,))
    train_step(gan, ring())
    gan.configure(replace(e, beta1=0, beta2=np.int64(0)))
    train_step(gan, ring())
    assert all(type(b) is float for b in gan.opt_D.param_groups[0]["betas"])
    assert all(type(b) is float for b in make_adam(gan.G, 0, (0, 0)).param_groups[0]["betas"])


def test_a_gan_wants_settings_of_its_own_kind():
    with pytest.raises(TypeError, match=r"AugmentedGAN is trained by Augmented\(…\)"):
        AugmentedGAN(Experiment(), (2,))
    with pytest.raises(TypeError, match="experiment = Translation"):
        GAN(Translation(), (2,))


# --- devices -----------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["gpu", "", "meta", "cuda:99", "GPU", torch.device("cuda:99")])
def test_a_device_that_is_not_here_is_named_with_those_that_are(device):
    with pytest.raises(ValueError, match=r"^device = '.*' cannot be used here; choose one of cpu"):
        check_device(device)
    with pytest.raises(ValueError, match="device = "):
        GAN(Experiment(), (2,), device=device)
    with pytest.raises(ValueError, match="device = "):
        ring().to(device)


@pytest.mark.parametrize("device", [None, 0, True, 1.5, ["cpu"]])
def test_what_is_no_device_at_all(device):
    with pytest.raises(TypeError, match=r"^device = .* has to be a text, e\.g\. 'cpu'"):
        check_device(device)


def test_a_device_that_is_here_passes():
    assert check_device("cpu") == check_device(torch.device("cpu")) == torch.device("cpu")


# --- tensors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "right", "wrong"),
    [
        ("[N, 2]", [(1, 2), (5, 2)], [(2,), (5, 3), (0, 2), (1, 5, 2), ()]),
        ("[..., N, d]", [(1, 1), (3, 4, 5)], [(3,), (3, 0), ()]),
        ("[...]", [(), (3,), (2, 2)], [(0,)]),
        ("[N, 3, H, W]", [(1, 3, 4, 5)], [(1, 1, 4, 5), (3, 4, 5)]),
    ],
)
def test_shapes_are_read_as_they_are_written(shape, right, wrong):
    for one in right:
        check_shape("x", torch.zeros(one), shape)
        check_shape("x", np.zeros(one), shape)
    for one in wrong:
        with pytest.raises(ValueError, match=r"x has shape .*; it has to be \["):
            check_shape("x", torch.zeros(one), shape)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (np.zeros((3, 2)), r"x is numpy float64; .*torch\.as_tensor\(x, dtype=torch\.float32\)"),
        (torch.zeros(3, 2, dtype=torch.int64), r"x is torch\.int64; .*torch\.as_tensor"),
        ([[1.0, 2.0]], "x is list; .*as_tensor"),
        (None, r"x is NoneType; it has to be a float32 or float64 tensor \[N, 2\]\.$"),
        (torch.zeros(3, 2, dtype=torch.float16), r"x is torch\.float16"),
    ],
)
def test_what_is_no_tensor_of_floats_is_told_how_to_become_one(wrong, says):
    with pytest.raises(TypeError, match=says):
        check_floats("x", wrong, "[N, 2]")


def test_infinite_values_are_refused_unless_they_are_let_pass():
    x = torch.tensor([[0.0, math.nan]])
    with pytest.raises(ValueError, match="x holds NaN or infinity"):
        check_floats("x", x, "[N, 2]")
    assert check_floats("x", x, "[N, 2]", finite=False) is x


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        (2, TypeError),
        ("2", TypeError),
        ((), ValueError),
        ((1, 2), ValueError),
        ((0,), ValueError),
        ((2.0,), TypeError),
        ((True,), TypeError),
        ((10**6, 10**6, 1), ValueError),
    ],
)
def test_what_is_no_shape_of_a_sample(shape, error):
    with pytest.raises(error, match="event_shape"):
        check_event_shape(shape)
    with pytest.raises(error, match="event_shape"):
        GAN(Experiment(), shape)


def test_shapes_of_a_sample():
    assert check_event_shape([np.int64(2)]) == (2,)
    assert check_event_shape(torch.Size([1, 16, 16])) == (1, 16, 16)


def test_properties_are_not_evaluated_to_see_whether_they_are_there():
    class Dear:
        @property
        def dear(self):
            raise RuntimeError("evaluated")

    thing = Dear()
    thing.own = 1
    assert check_has("thing", thing, ("dear", "own"), "a dear thing") is thing
    net = nn.Sequential()
    assert check_has("net", net, ("forward", "training"), "a network") is net
    for wrong in (Dear, None, object()):
        with pytest.raises(TypeError, match=r"thing = .* not a dear thing"):
            check_has("thing", wrong, ("dear",), "a dear thing")


# --- the scale of pictures ---------------------------------------------------------------------


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_what_a_G_makes_is_never_taken_for_another_scale(network):
    """Untrained ones, and ones with weights so large that tanh saturates."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(40):
            gan = GAN(Experiment(network=network, width=8, latent_dim=4), (1, 8, 8), seed)
            x = gan.sample(gan.sample_z(16))
            check_scale("x", x)
            for p in gan.G.parameters():
                p.data *= 20
            check_scale("x", gan.sample(gan.sample_z(16)), warn=False)


def test_an_all_bright_saturated_batch_is_let_through():
    x = torch.ones(4, 1, 8, 8)
    x[:, :, :4] = 0.4
    with pytest.warns(UserWarning, match="no value below 0"):
        check_scale("x", x)


def test_nan_passes_only_where_it_may():
    x = torch.full((2, 1, 4, 4), math.nan)
    check_scale("x", x, nan=True)
    with pytest.raises(ValueError, match="x ranges from nan"):
        check_scale("x", x)


def test_transformed_pictures_may_leave_the_scale_a_little():
    x = torch.rand(9, 1, 4, 4, generator=seeded()) * 4 - 2
    check_scale("x", x, most=3.0)
    with pytest.raises(ValueError, match=r"2 \* x - 1.*x\.clamp\(-1, 1\)"):
        check_scale("x", x)
