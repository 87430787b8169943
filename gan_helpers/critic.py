"""A critic by itself: how it is trained between two fixed distributions, and a look inside."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gan_helpers.chance import Rng
from gan_helpers.checks import check_callable, check_floats, check_int, check_is
from gan_helpers.datasets.points import Mixture
from gan_helpers.losses import discriminator_wasserstein
from gan_helpers.regularizers import clip_weights, gradient_penalty, input_gradient_norm
from gan_helpers.training import descend


def train_critic(
    D: nn.Module,
    real: Mixture,
    fake: Mixture,
    steps: int,
    rng: Rng,
    clip: float | None = None,
    penalty: float = 0.0,
    one_sided: bool = True,
    lr: float = 2e-3,
    loss: Callable[[Tensor, Tensor], Tensor] = discriminator_wasserstein,
) -> None:
    """The inner max of (12.29): D learns, and both distributions stand still.

    Args:
        D: the critic, changed in place.
        real, fake: what the samples are drawn from.
        steps: updates, with batches of 128.
        rng: the source of chance; K of them where D is a stack of K critics.
        clip: put the weights back into [-clip, clip] after each update.
        penalty: weight of the gradient penalty.
        one_sided: whether the penalty is for slopes above 1 only.
        lr: learning rate of Adam, here without momentum; it falls linearly to 0.
        loss: what D minimises; another one than (12.29) for comparison.
    """
    optimizer = torch.optim.Adam(D.parameters(), lr, betas=(0.0, 0.9), fused=True)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
        x_real, x_fake = real.sample(128, rng), fake.sample(128, rng)
        total = loss(D(x_real), D(x_fake))
        if penalty:
            n_axes = x_real.ndim - 1  # that count samples: 1, or 2 for a stack of critics
            term = gradient_penalty(D, x_real, x_fake, rng, n_axes, one_sided)
            total = total + penalty * term
        descend(total, optimizer)
        if clip:
            clip_weights(D, clip)


def slopes(D: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The length of D's gradient at each point, `[N, *event]` -> `[N]`; NaN where x is.

    Raises:
        ValueError, TypeError: if D is no function, or x no such tensor.
    """
    check_callable("D", D, "a critic, [N, *event] -> logits [N]")
    check_floats("x", x, "[..., N]", finite=False)
    try:
        return input_gradient_norm(D, x).detach()
    except torch.cuda.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise ValueError(
            f"x, {x.dtype} of shape {list(x.shape)} on {x.device}, is nothing that D takes: "
            f"{str(error).splitlines()[0]}"
        ) from error


def layer_gradients(D: nn.Module, x: Tensor) -> Tensor:
    """How much of the score's gradient arrives at each layer, from the input to the last hidden.

    Gulrajani et al. (2017), figure 1 (b).

    Args:
        D: the critic; x: where to ask, `[N, *event]`.

    Returns:
        The mean over x of the norm of d score / d (what the layer sees), `[layers]`.
    """
    seen = [x.detach().requires_grad_()]
    *hidden, _ = (m for m in D.modules() if isinstance(m, (nn.Linear, nn.Conv2d)))
    hooks = [m.register_forward_hook(lambda _, __, out: seen.append(out)) for m in hidden]
    try:
        score = D(seen[0]).sum()
    finally:
        for hook in hooks:
            hook.remove()
    gradients = torch.autograd.grad(score, seen)
    return torch.stack([g.flatten(1).norm(dim=1).mean() for g in gradients])


def weight_histogram(D: nn.Module, bins: int = 41) -> tuple[Tensor, float]:
    """How D's parameters are spread.

    Args:
        D: a network with parameters.
        bins: 1 to 10^5.

    Returns:
        (share of them in each bin `[bins]`, sum 1; the largest size of any, where the bins end).
    """
    parameters = list(check_is("D", D, nn.Module, "a network").parameters())
    if not parameters:
        raise ValueError("D has no parameters, so there is nothing to spread.")
    bins = check_int("bins", bins, 1, 10**5)
    weights = torch.cat([p.detach().flatten() for p in parameters])
    limit = float(weights.abs().max().nan_to_num(1.0, 1.0)) or 1.0
    counts = torch.histc(weights.float().cpu(), bins, -limit, limit)
    return counts / max(len(weights), 1), limit
