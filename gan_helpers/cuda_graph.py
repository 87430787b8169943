"""A training step as a CUDA graph: one launch in the place of several hundred tiny ones."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gan_helpers.checks import check_has
from gan_helpers.training import GAN, train_step

WARM_UP = 3  # steps before the recording, so that everything is allocated


class RecordedStep:
    """`train_step` of one GAN, or one stack of them, on one data set.

    The first steps run as they are, then one is recorded and from there on replayed. Settings are
    part of the recording: when they change, a new one is needed. What cannot be recorded goes on
    step by step, and a warning says why.

    Args:
        gan: one GAN, or a stack.
        data: what it learns, with `sample(n, rng)`.
    """

    def __init__(self, gan: GAN, data: Any) -> None:
        self.gan = check_has("gan", gan, ("sample_z", "opt_G", "opt_D"), "a GAN")
        self.data = check_has("data", data, ("sample",), "data with sample(n, rng), e.g. ring()")
        self.done = 0
        self.graph: Any = None
        self.losses: tuple[Tensor, Tensor] | None = None
        self.possible = True

    def __call__(self) -> tuple[Tensor, Tensor]:
        """One round of the game. Returns both losses."""
        self.done += 1
        if self.possible and self.done > WARM_UP and self.graph is None:
            self._try_to_record()
        if self.graph is None or self.losses is None:
            return train_step(self.gan, self.data)
        self.graph.replay()
        self.gan.step += 1
        return self.losses

    def _try_to_record(self) -> None:
        step = self.gan.step
        try:
            self.graph, self.losses = record(self.gan, self.data)
        except RuntimeError as error:  # e.g. a loss that asks for a number in between
            self.possible = False
            reason = str(error).splitlines()[0]
            warnings.warn(f"no CUDA graph, training goes on step by step: {reason}", stacklevel=3)
        self.gan.step = step  # recording runs through Python, but trains nothing


def record(gan: GAN, data: Any) -> tuple[Any, tuple[Tensor, Tensor]]:
    """The graph of one step, and the tensors that hold its losses after each replay."""
    graph = torch.cuda.CUDAGraph()
    own: Sequence[torch.Generator] = gan.rng if isinstance(gan.rng, list) else [gan.rng]
    for rng in own:
        graph.register_generator_state(rng)
    torch.cuda.synchronize()
    with torch.cuda.graph(graph):
        losses = train_step(gan, data)
    return graph, losses
