"""`LeanAdam` against `torch.optim.Adam`: every bit the same, also where it cannot take its way."""

import copy
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from gan_helpers import adam
from gan_helpers.adam import LeanAdam, lists_for_kernel
from gan_helpers.datasets.points import ring
from gan_helpers.ensemble import Ensemble
from gan_helpers.training import GAN, Experiment, make_adam, train_step

SHAPES = ((3, 2), (3,), (), (1, 5), (2, 3, 4))
KINDS = (torch.optim.Adam, LeanAdam)
OTHERS = {
    "weight_decay": {"weight_decay": 0.1},
    "maximize": {"maximize": True},
    "eps": {"eps": 1e-3},
    "amsgrad": {"amsgrad": True},
    "not fused": {"fused": False},
    "one after the other": {"fused": False, "foreach": False},
    "lr as a tensor": {"lr": torch.tensor(1e-2)},
}


def make(kind, shapes=SHAPES, seed=0, **more):
    """An optimizer of that kind on parameters of those shapes."""
    rng = torch.Generator().manual_seed(seed)
    parameters = [nn.Parameter(torch.randn(shape, generator=rng)) for shape in shapes]
    return kind(parameters, **{"lr": 1e-2, "betas": (0.5, 0.9), "fused": True} | more)


def pair(**more):
    return make(torch.optim.Adam, **more), make(LeanAdam, **more)


def parameters(optimizer):
    return [p for group in optimizer.param_groups for p in group["params"]]


def give_gradients(optimizers, rng, scale=1.0):
    for own in zip(*map(parameters, optimizers), strict=True):
        gradient = scale * torch.randn(own[0].shape, generator=rng)
        for p in own:
            p.grad = gradient.clone()


def step_together(optimizers, n, seed=1):
    rng = torch.Generator().manual_seed(seed)
    for _ in range(n):
        give_gradients(optimizers, rng)
        for optimizer in optimizers:
            optimizer.step()


def assert_same(torchs, ours):
    """Parameters and all that is kept of them, bit by bit."""
    for p, q in zip(parameters(torchs), parameters(ours), strict=True):
        assert torch.equal(p.view(-1).view(torch.int32), q.view(-1).view(torch.int32))
        kept, own = torchs.state.get(p, {}), ours.state.get(q, {})
        assert kept.keys() == own.keys()
        for name, tensor in kept.items():
            assert own[name].dtype == tensor.dtype
            assert torch.equal(
                own[name].view(-1).view(torch.int32), tensor.view(-1).view(torch.int32)
            )


@pytest.fixture
def slow_steps(monkeypatch):
    """How often torch's own step was taken, `.n`."""
    count, torch_step = SimpleNamespace(n=0), adam.torch_step

    def counted(*args):
        count.n += 1
        return torch_step(*args)

    monkeypatch.setattr(adam, "torch_step", counted)
    return count


@settings(deadline=None, max_examples=25)
@given(
    shapes=st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=1, max_size=6),
    seed=st.integers(0, 10**6),
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 0.99999), st.floats(0, 0.99999)),
        min_size=1,
        max_size=5,
    ),
    scale=st.sampled_from((1e-30, 1e-4, 1.0, 1e20)),
)
def test_200_steps_are_those_of_torch_whatever_the_settings_become(shapes, seed, changes, scale):
    both = pair(shapes=shapes, seed=seed)
    rng = torch.Generator().manual_seed(seed)
    for lr, *betas in changes:
        for optimizer in both:
            optimizer.param_groups[0].update(lr=lr, betas=tuple(betas))
        for _ in range(200 // len(changes)):
            give_gradients(both, rng, scale)
            for optimizer in both:
                optimizer.step()
        assert_same(*both)


def test_only_the_first_step_is_torchs_own(slow_steps):
    step_together([make(LeanAdam)], 5)
    assert slow_steps.n == 1


@pytest.mark.parametrize("more", OTHERS.values(), ids=OTHERS)
def test_other_settings(more):
    both = pair(**more)
    step_together(both, 20)
    assert_same(*both)


@pytest.mark.parametrize("name", ["amsgrad", "not fused", "lr as a tensor"])
def test_what_needs_more_than_the_kernel_is_left_to_torch(name, slow_steps):
    step_together([make(LeanAdam, **OTHERS[name])], 5)
    assert slow_steps.n == 5


def test_without_the_kernel_it_is_torchs_step(monkeypatch, slow_steps):
    monkeypatch.setattr(adam, "KERNEL", None)
    both = pair()
    step_together(both, 5)
    assert_same(*both)
    assert slow_steps.n == 5


def test_a_parameter_without_gradient_stays():
    both = pair()
    step_together(both, 3)
    rng = torch.Generator().manual_seed(2)
    for _ in range(3):
        give_gradients(both, rng)
        for optimizer in both:
            parameters(optimizer)[1].grad = None
            optimizer.step()
    assert_same(*both)
    counts = [float(both[1].state[p]["step"]) for p in parameters(both[1])]
    assert counts == [6, 3, 6, 6, 6]


def test_a_parameter_that_never_had_a_gradient_has_no_state():
    both = pair()
    give_gradients(both, torch.Generator().manual_seed(0))
    for optimizer in both:
        parameters(optimizer)[0].grad = None
        optimizer.step()
        optimizer.step()
    assert_same(*both)
    assert len(both[1].state) == len(SHAPES) - 1


def test_a_second_group_is_updated_with_settings_of_its_own():
    both = pair()
    for optimizer in both:
        optimizer.add_param_group({"params": [nn.Parameter(torch.ones(4))], "lr": 0.5})
    step_together(both, 5)
    assert_same(*both)


def test_double_precision_and_sparse_gradients_are_left_to_torch():
    optimizer = make(LeanAdam)
    step_together([optimizer], 2)
    assert lists_for_kernel(optimizer) is not None
    parameters(optimizer)[0].grad = torch.eye(3)[:, :2].to_sparse()
    with pytest.raises(RuntimeError, match="sparse"):
        optimizer.step()
    doubles = [kind([nn.Parameter(torch.ones(3).double())], fused=True) for kind in KINDS]
    for p in map(parameters, doubles):
        p[0].grad = torch.arange(3.0).double()
    for _ in range(3):
        for optimizer in doubles:
            optimizer.step()
    (p,), (q,) = map(parameters, doubles)
    assert torch.equal(p, q)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_gradient_that_is_not_finite_does_what_it_does_in_torch(value):
    both = pair()
    step_together(both, 3)
    for optimizer in both:
        parameters(optimizer)[0].grad[1, 1] = value
        optimizer.step()
    assert parameters(both[1])[0][1, 1].isnan()
    step_together(both, 3)
    assert_same(*both)


def test_a_closure_is_called_and_its_loss_returned(slow_steps):
    both = pair()
    step_together(both, 2)

    def loss_of(optimizer):
        def closure():
            optimizer.zero_grad()
            loss = sum(p.square().sum() for p in parameters(optimizer))
            loss.backward()
            return loss

        return closure

    losses = [optimizer.step(loss_of(optimizer)) for optimizer in both]
    assert torch.equal(*losses) and slow_steps.n == 2
    assert_same(*both)


def test_hooks_are_called_once_a_step_in_order():
    optimizer, seen = make(LeanAdam), []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    step_together([optimizer], 3)
    assert seen == ["before", "after"] * 3


def test_hooks_on_all_optimizers_are_called():
    optimizer, seen = make(LeanAdam), []
    step_together([optimizer], 2)
    handle = register_optimizer_step_post_hook(lambda *_: seen.append(1))
    try:
        step_together([optimizer], 3)
    finally:
        handle.remove()
    step_together([optimizer], 1)
    assert seen == [1] * 3


def test_what_a_gradient_scaler_leaves_is_heeded():
    both = pair()
    step_together(both, 2)
    for optimizer in both:
        optimizer.grad_scale, optimizer.found_inf = torch.tensor(4.0), torch.tensor(0.0)
    step_together(both, 2)
    for optimizer in both:
        optimizer.found_inf = torch.tensor(1.0)  # this step is to be left out
    step_together(both, 1)
    assert_same(*both)


def test_learning_rate_schedules_work():
    both = pair()
    rates = [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9) for optimizer in both]
    for _ in range(5):
        step_together(both, 2)
        for rate in rates:
            rate.step()
    assert_same(*both)


def test_state_goes_to_torchs_adam_and_back():
    both = pair()
    step_together(both, 5)
    states = [copy.deepcopy(optimizer.state_dict()) for optimizer in both]
    assert states[0]["param_groups"] == states[1]["param_groups"]
    both[0].load_state_dict(states[1])
    both[1].load_state_dict(states[0])
    step_together(both, 5)
    assert_same(*both)


def test_state_that_is_replaced_counts_from_then_on(slow_steps):
    both = pair()
    step_together(both, 5)
    for optimizer in both:
        for p in parameters(optimizer):
            state = optimizer.state[p]
            state["step"] = state["step"].clone()
            optimizer.state[p] = state | {"exp_avg": torch.full_like(p.data, 0.25)}
    step_together(both, 5)
    assert_same(*both)
    assert slow_steps.n == 1


def test_parameters_that_are_replaced_are_updated():
    both = pair()
    step_together(both, 2)
    for optimizer in both:
        optimizer.param_groups[0]["params"] = [nn.Parameter(torch.ones(2, 2))]
    step_together(both, 3)
    assert_same(*both)


def test_a_deep_copy_goes_its_own_way():
    one = make(LeanAdam)
    step_together([one], 3)
    twin = copy.deepcopy(one)
    assert type(twin) is LeanAdam and twin.state_dict().keys() == one.state_dict().keys()
    step_together([twin], 4)
    before = [p.clone() for p in parameters(one)]
    assert not torch.equal(before[0], parameters(twin)[0])
    step_together([one], 4)
    assert_same(one, twin)


def test_views_are_updated_in_place_and_their_neighbours_stay():
    """As in an ensemble, where a member's weights are a part of the stack's."""
    whole = [torch.zeros(3, 4, 2), torch.zeros(3, 4, 2)]
    both = []
    for kind, stack in zip(KINDS, whole, strict=True):
        p = nn.Parameter(torch.empty(4, 2))
        p.data = stack[1]
        both.append(kind([p], lr=1e-2, fused=True))
    step_together(both, 10)
    assert_same(*both)
    assert torch.equal(*whole) and whole[1][1].all() and not whole[1][::2].any()


@pytest.mark.parametrize("settings", [{}, {"unroll": 2}, {"r1": 0.1, "ema": 0.9}, {"d_steps": 2}])
def test_a_gan_trains_as_with_torchs_adam(settings):
    e = Experiment(batch_size=16, width=8, depth=2, **settings)
    gan, twin, data = GAN(e, (2,)), GAN(e, (2,)), ring()
    for name in ("opt_G", "opt_D"):
        (group,) = getattr(twin, name).param_groups
        group = {key: group[key] for key in ("params", "lr", "betas", "fused")}
        setattr(twin, name, torch.optim.Adam([group]))
    for k in range(100):
        if k == 50:
            changed = Experiment(**vars(e) | {"lr_D": 3e-3, "beta1": 0.0, "beta2": 0.99})
            gan.configure(changed)
            twin.configure(changed)
        losses = train_step(gan, data), train_step(twin, data)
        assert torch.equal(torch.stack(losses[0]), torch.stack(losses[1]))
    assert_same(twin.opt_G, gan.opt_G)
    assert_same(twin.opt_D, gan.opt_D)


def test_an_ensemble_trains_as_with_torchs_adam(monkeypatch):
    def trained():
        experiments = [Experiment(batch_size=16, width=8, depth=2, lr_D=lr) for lr in (1e-3, 2e-3)]
        gans = [GAN(e, (2,), seed=k) for k, e in enumerate(experiments)]
        data = ring()
        for gan in gans:
            train_step(gan, data)
        together = Ensemble(gans)
        for _ in range(20):
            together.step(data)
        copied = gans[1].copy()
        together.release()
        for gan in (*gans, copied):
            train_step(gan, data)
        return [
            p.detach()
            for gan in (*gans, copied)
            for p in (*gan.G.parameters(), *gan.D.parameters())
        ]

    ours = trained()
    monkeypatch.setattr(adam, "KERNEL", None)
    for p, q in zip(ours, trained(), strict=True):
        assert torch.equal(p, q)


def test_make_adam_makes_it():
    optimizer = make_adam(nn.Linear(2, 3), 1e-3, (0.5, 0.9))
    assert type(optimizer) is LeanAdam and optimizer.param_groups[0]["fused"]
