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

WEIGHTED_LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def input_gradient_norm(D: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The length of D's gradient at each sample, differentiable again.

    Args:
        D: maps `[..., N, *event]` to logits `[..., N]`.
        x: where to measure, `[..., N, *event]`.

    Returns:
        `[..., N]`. The norm is taken over one sample's own coordinates.
    """
    x = x.detach().requires_grad_()
    logits = D(x)  # (..., N)
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.flatten(start_dim=logits.ndim).norm(dim=-1)  # (..., N)


def gradient_penalty(
    D: Callable[[Tensor], Tensor],
    x_real: Tensor,
    x_fake: Tensor,
    rng: torch.Generator | None = None,
    batch_dims: int = 1,
) -> Tensor:
    """E[(||grad D(x_hat)|| - 1)^2] at random points between real and fake samples.

    Gulrajani et al. (2017), eq. (3), without its weight lambda.

    Args:
        D: the critic, `[..., N, *event] -> [..., N]`.
        x_real, x_fake: `[..., N, *event]`, of the same shape.
        rng: draws one interpolation weight per sample.
        batch_dims: how many leading axes count samples (2 where an ensemble's axis comes first).

    Returns:
        One number per GAN, `[...]`.
    """
    if x_real.shape != x_fake.shape:
        raise ValueError(
            f"x_real {tuple(x_real.shape)} and x_fake {tuple(x_fake.shape)} differ in shape; "
            "the penalty pairs them sample by sample."
        )
    per_sample = x_real.shape[:batch_dims] + (1,) * (x_real.ndim - batch_dims)
    weight = torch.rand(per_sample, generator=rng, device=x_real.device, dtype=x_real.dtype)
    x_hat = torch.lerp(x_fake, x_real, weight)
    return (input_gradient_norm(D, x_hat) - 1).square().mean(-1)


def r1_penalty(D: Callable[[Tensor], Tensor], x_real: Tensor) -> Tensor:
    """E[||grad D(x)||^2] at the real samples. Mescheder et al. (2018), eq. (9), without gamma/2."""
    return input_gradient_norm(D, x_real).square().mean(-1)


@torch.no_grad()
def clip_weights(net: nn.Module, c: float) -> None:
    """Put every parameter of `net` back into [-c, c]. Section 12.4.3; Arjovsky et al. (2017)."""
    for parameter in net.parameters():
        parameter.clamp_(-c, c)


class SpectralNorm(nn.Module):
    """W / sigma(W), sigma being the largest singular value, tracked by power iteration.

    Miyato et al. (2018), algorithm 1. Unlike torch's own version it draws no global random
    numbers.
    """

    u: Tensor

    def __init__(self, weight: Tensor, warm_up: int = 20) -> None:
        super().__init__()
        rows = weight.flatten(1)  # (out, in)
        # Any start that is not orthogonal to the leading singular vector converges to it.
        self.register_buffer("u", normalize(rows.detach().sum(1), dim=0))  # (out,)
        self.on = True
        for _ in range(warm_up):
            self.iterate(rows)

    @torch.no_grad()
    def iterate(self, rows: Tensor) -> Tensor:
        """One power iteration; returns the right singular vector `[in]`."""
        v = normalize(rows.T @ self.u, dim=0)
        self.u.copy_(normalize(rows @ v, dim=0))
        return v

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with its largest singular value divided out, of the same shape."""
        if not self.on:
            return weight
        rows = weight.flatten(1)
        with torch.no_grad():  # looking (eval mode) must not move u
            v = self.iterate(rows) if self.training else normalize(rows.T @ self.u, dim=0)
        # The clone keeps the graph valid when a later forward pass moves u on.
        return weight / (self.u.clone() @ rows @ v)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Start from the weight as it is."""
        return weight


def set_spectral_norm(net: nn.Module, on: bool) -> None:
    """Switch spectral normalization of all linear and convolution layers on or off.

    The trained weights stay the optimizer's own parameters, so it can be switched in mid-training.
    """
    for layer in list(net.modules()):
        plain = isinstance(layer, WEIGHTED_LAYERS) and not parametrize.is_parametrized(layer)
        if on and plain:
            parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight))  # type: ignore[arg-type]
        elif isinstance(layer, SpectralNorm):
            # Never removed again: torch would take it from every copy of the network, too.
            layer.on = on
