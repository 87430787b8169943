"""What keeps D tame: gradient penalties, weight clipping, spectral normalization.

The penalties add one number per GAN to D's loss; clipping acts on the weights after D's step;
spectral normalization acts on the weights inside D's forward pass.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

from gan_helpers.chance import Rng, draw
from gan_helpers.checks import check_bool, check_floats, check_int, check_is


def input_gradient_norm(D: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The length of D's gradient at each sample, differentiable again.

    Args:
        D: maps `[..., N, *event]` to logits `[..., N]`.
        x: where to measure, `[..., N, *event]`.

    Returns:
        `[..., N]`. The norm is taken over the coordinates of what has one logit: a sample, or
        the samples that a packing D judges together.
    """
    x = x.detach().requires_grad_()
    logits = D(x)  # (..., N)
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.reshape(*logits.shape, -1).norm(dim=-1)  # (..., N)


def gradient_penalty(
    D: Callable[[Tensor], Tensor],
    x_real: Tensor,
    x_fake: Tensor,
    rng: Rng | None = None,
    batch_dims: int = 1,
    one_sided: bool = False,
) -> Tensor:
    """E[(||grad D(x_hat)|| - 1)^2] at random points between real and fake samples.

    Gulrajani et al. (2017), eq. (3), without its weight lambda; one-sided, Petzka et al. (2018),
    eq. (8).

    Args:
        D: the critic, `[..., N, *event] -> [..., N]`.
        x_real, x_fake: `[..., N, *event]`, of the same shape.
        rng: draws one interpolation weight per sample; one generator, or one for each GAN.
        batch_dims: how many leading axes count samples (2 where an ensemble's axis comes first).
        one_sided: whether only slopes above 1 cost something, as "1-Lipschitz" has it.

    Returns:
        One number per GAN, `[...]`.
    """
    if x_real.shape != x_fake.shape:
        raise ValueError(
            f"x_real {tuple(x_real.shape)} and x_fake {tuple(x_fake.shape)} differ in shape; "
            "the penalty pairs them sample by sample."
        )
    one_rng = rng is None or isinstance(rng, torch.Generator)
    per_sample = x_real.shape[:batch_dims] if one_rng else x_real.shape[1:batch_dims]
    weight = draw(Tensor.uniform_, (*per_sample, *(1,) * (x_real.ndim - batch_dims)), rng).to(
        x_real
    )
    x_hat = torch.lerp(x_fake, x_real, weight)
    excess = input_gradient_norm(D, x_hat) - 1  # (..., N)
    return (excess.relu() if one_sided else excess).square().mean(-1)


def r1_penalty(D: Callable[[Tensor], Tensor], x_real: Tensor) -> Tensor:
    """E[||grad D(x)||^2] at the real samples. Mescheder et al. (2018), eq. (9), without gamma/2."""
    return input_gradient_norm(D, x_real).square().mean(-1)


def r2_penalty(D: Callable[[Tensor], Tensor], x_fake: Tensor) -> Tensor:
    """E[||grad D(x)||^2] at generated samples. Mescheder et al. (2018), eq. (10), as above."""
    return input_gradient_norm(D, x_fake).square().mean(-1)


@torch.no_grad()
def clip_weights(net: nn.Module, c: float | Tensor) -> None:
    """Put every parameter of `net` back into [-c, c]. Section 12.4.3; Arjovsky et al. (2017).

    c: positive; `[K]` for networks that are stacked.
    """
    for parameter in net.parameters():
        bound = torch.as_tensor(per_gan(c, parameter)).to(parameter)  # c, or one for each GAN
        parameter.clamp_(-bound, bound)


def per_gan(value: float | Tensor, like: Tensor) -> float | Tensor:
    """A number for all GANs as it is; one for each, `[K]`, shaped to meet a tensor `[K, ...]`."""
    return value.view(-1, *(1,) * (like.ndim - 1)) if isinstance(value, Tensor) else value


class SpectralNorm(nn.Module):
    """W / sigma(W), sigma being the largest singular value, tracked by power iteration.

    Miyato et al. (2018), algorithm 1. Unlike torch's own version it draws no global random
    numbers.

    Args:
        weight: `[out, ...]`, or `[K, out, ...]` where K layers are stacked.
        stacked: how many leading axes count layers, 0 or 1.
        warm_up: iterations before the first use, 0 to 1000.

    Raises:
        ValueError, TypeError: if an argument is out of its range.
    """

    u: Tensor

    def __init__(self, weight: Tensor, stacked: int = 0, warm_up: int = 20) -> None:
        super().__init__()
        self.stacked, self.on = check_int("stacked", stacked, 0, 1), True
        # What training has made infinite passes: the GAN is shown as it is.
        check_floats("weight", weight, "[..., out, in]", finite=False)
        if weight.dim() < 2 + self.stacked:
            raise ValueError(
                f"weight has shape {list(weight.shape)}; a stack of matrices is [K, out, in]."
            )
        check_int("warm_up", warm_up, 0, 1000)
        rows = self.rows(weight.detach())
        # Any start that is not orthogonal to the leading singular vector converges to it.
        self.register_buffer("u", normalize(rows.sum(-1), dim=-1))  # (..., out)
        for _ in range(warm_up):
            self.iterate(rows)

    def rows(self, weight: Tensor) -> Tensor:
        """The weight as a matrix, `[..., out, in]`."""
        return weight.flatten(self.stacked + 1)

    def right(self, rows: Tensor) -> Tensor:
        """The right singular vector that belongs to u, `[..., in]`."""
        return normalize((self.u[..., None, :] @ rows).squeeze(-2), dim=-1)

    @torch.no_grad()
    def iterate(self, rows: Tensor) -> Tensor:
        """One power iteration; returns the right singular vector."""
        v = self.right(rows)
        self.u.copy_(normalize((rows @ v[..., None]).squeeze(-1), dim=-1))
        return v

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with its largest singular value divided out, of the same shape."""
        if not self.on:
            return weight
        rows = self.rows(weight)
        with torch.no_grad():  # looking (eval mode) must not move u
            v = self.iterate(rows) if self.training else self.right(rows)
        # The clone keeps the graph valid when a later forward pass moves u on.
        sigma = self.u.clone()[..., None, :] @ rows @ v[..., None]  # (..., 1, 1)
        return (rows / sigma).view_as(weight)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Start from the weight as it is."""
        return weight


def set_spectral_norm(net: nn.Module, on: bool) -> None:
    """Switch spectral normalization of all linear and convolution layers on or off.

    The trained weights stay the optimizer's own parameters, so it can be switched in mid-training.
    """
    check_is("net", net, nn.Module, "a network")
    check_bool("on", on)
    for layer in list(net.modules()):
        weight = layer._parameters.get("weight")  # None where it is parametrized already
        if on and weight is not None and weight.ndim > 1:
            norm = SpectralNorm(weight, getattr(layer, "stacked", 0))
            parametrize.register_parametrization(layer, "weight", norm)
        elif isinstance(layer, SpectralNorm):
            # Never removed again: torch would take it from every copy of the network, too.
            layer.on = on
