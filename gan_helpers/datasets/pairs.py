"""Two worlds of pictures, A and B: in pairs that belong together, or each by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gan_helpers.checks import (
    check_device,
    check_int,
    check_rng,
    check_scale,
    check_text,
    kind_of,
)


def check_pictures(name: str, x: object) -> Tensor:
    """Return `x` if it holds pictures, float32 `[N, C, H, W]` in [-1, 1]; C is 1 or 3.

    A NumPy array of float32 or float64 becomes a tensor.

    Raises:
        TypeError: if it is no float32 tensor and no such array.
        ValueError: if it has another shape or range; NaN is out of range. The message tells how
            pictures in [0, 1] or from 0 to 255 are brought to [-1, 1].

    Warns:
        UserWarning: if x has no value below 0, but might be in [-1, 1] all the same.
    """
    if isinstance(x, np.ndarray) and x.dtype in (np.float32, np.float64):
        x = torch.tensor(x, dtype=torch.float32)  # a copy: the array may be changed later
    if not isinstance(x, Tensor) or x.dtype != torch.float32:
        raise TypeError(
            f"{name} is {kind_of(x)}; it has to be a float32 tensor of pictures in [-1, 1], or a "
            "NumPy array of float32 or float64. Bytes are brought there by x / 127.5 - 1."
        )
    if x.dim() != 4 or 0 in x.shape or x.shape[1] not in (1, 3):
        raise ValueError(
            f"{name} has shape {list(x.shape)}; it has to be [N, C, H, W], with C = 1 for grey "
            "and 3 for colour."
        )
    check_scale(name, x, stacklevel=6)
    return x


def put_pictures(data: Pairs | Unpaired) -> tuple[Tensor, Tensor]:
    """Check both worlds, and let them be tensors from there on."""
    check_text("name", data.name)
    for name in ("a", "b"):
        object.__setattr__(data, name, check_pictures(name, getattr(data, name)))
    if data.a.device != data.b.device:
        raise ValueError(f"a is on {data.a.device}, b on {data.b.device}; use a.to(b.device).")
    return data.a, data.b


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pictures with the answer beside them: `a[i]` is to become `b[i]`.

    Args:
        name: what the reader sees.
        a: inputs, float32 `[N, C_a, H, W]` in [-1, 1].
        b: what they are to become, float32 `[N, C_b, H, W]` in [-1, 1].

    Raises:
        ValueError, TypeError: if one has the wrong type, shape or range, or they do not fit.
    """

    name: str
    a: Tensor
    b: Tensor

    def __post_init__(self) -> None:
        a, b = put_pictures(self)
        if len(a) != len(b) or a.shape[2:] != b.shape[2:]:
            raise ValueError(
                f"a has shape {list(a.shape)}, b has {list(b.shape)}; pairs have to be as many, "
                "and of one size."
            )

    def __len__(self) -> int:
        return len(self.a)

    def sample(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` pairs drawn with replacement: (a `[n, C_a, H, W]`, b `[n, C_b, H, W]`)."""
        chosen = draw_indices(self.a, n, rng)
        return self.a[chosen], self.b[chosen]

    def to(self, device: str | torch.device) -> Pairs:
        """The same pictures on another device; a ValueError if there is no such device here."""
        device = check_device(device)
        return replace(self, a=self.a.to(device), b=self.b.to(device))


@dataclass(frozen=True, eq=False)
class Unpaired:
    """Two heaps of pictures; nothing says which of one belongs to which of the other.

    Args:
        name: what the reader sees.
        a: float32 `[N, C_a, H, W]` in [-1, 1].
        b: float32 `[M, C_b, H, W]` in [-1, 1]; as many as there are.

    Raises:
        ValueError, TypeError: if one has the wrong type, shape or range, or they do not fit.
    """

    name: str
    a: Tensor
    b: Tensor

    def __post_init__(self) -> None:
        a, b = put_pictures(self)
        if a.shape[2:] != b.shape[2:]:
            raise ValueError(
                f"a has shape {list(a.shape)}, b has {list(b.shape)}; both have to be of one size."
            )

    def sample(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` of each, drawn one without the other: (a `[n, C_a, H, W]`, b `[n, C_b, H, W]`)."""
        return self.a[draw_indices(self.a, n, rng)], self.b[draw_indices(self.b, n, rng)]

    def to(self, device: str | torch.device) -> Unpaired:
        """The same pictures on another device; a ValueError if there is no such device here."""
        device = check_device(device)
        return replace(self, a=self.a.to(device), b=self.b.to(device))


def draw_indices(x: Tensor, n: int, rng: torch.Generator) -> Tensor:
    """`n` places in x, with replacement, `[n]`; n from 1 to 10^6, rng on the device of x."""
    n = check_int("n", n, 1, 10**6)
    return torch.randint(len(x), (n,), generator=rng, device=check_rng(rng, x))
