"""Random numbers for one GAN from its generator, or for K GANs from one generator each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

#: One generator, or one for each of K GANs that train in lock-step.
Rng = torch.Generator | Sequence[torch.Generator]


def draw(fill: Callable[..., Tensor], shape: Sequence[int], rng: Rng | None) -> Tensor:
    """`[*shape]` from one generator; from K of them `[K, *shape]`, row k as the kth alone gives it.

    Args:
        fill: `Tensor.uniform_` for numbers in [0, 1[, or `Tensor.normal_` for N(0, 1).
        shape: what one GAN needs.
        rng: on the device where the numbers are wanted; None is PyTorch's own generator.
    """
    if rng is None or isinstance(rng, torch.Generator):
        device = None if rng is None else rng.device
        return fill(torch.empty(shape, device=device), generator=rng)
    numbers = torch.empty(len(rng), *shape, device=rng[0].device)
    for row, own in zip(numbers.unbind(), rng, strict=True):
        fill(row, generator=own)
    return numbers
