"""Adam (Kingma and Ba, 2015) without ballast: torch's own kernel, called without detours.

A step of `torch.optim.Adam(fused=True)` for networks as small as ours spends three quarters of its
time on the way to the kernel: it asks for accelerators, sorts tensors by device, opens a range for
the profiler. Here the same kernel gets the same numbers directly; whatever is out of the ordinary
is left to torch's own step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import optimizer as torch_optimizer

KERNEL: Any = getattr(torch, "_fused_adam_", None)  # what `torch.optim.Adam` itself calls
#: Hooks of all optimizers; torch has no public name for them.
FOR_ALL = [
    getattr(torch_optimizer, f"_global_optimizer_{when}_hooks", {}) for when in ("pre", "post")
]
ONE = torch.ones((), dtype=torch.float32)  # added to each counter of steps
#: Kinds of Adam that need more than the kernel's arguments below.
OTHER_KINDS = ("amsgrad", "capturable", "differentiable", "decoupled_weight_decay")


class LeanAdam(torch.optim.Adam):
    """`torch.optim.Adam(fused=True)`: the same numbers, for small networks in a third of the time.

    It keeps nothing of its own, so that `state`, `param_groups` and `state_dict` are those of
    torch, and may be changed from outside at any time.
    """

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update by the gradients in `.grad`; see `torch.optim.Adam.step`."""
        lists = None if closure is not None or is_accompanied(self) else lists_for_kernel(self)
        if lists is None:
            return torch_step(self, closure)
        group = self.param_groups[0]
        beta1, beta2 = group["betas"]
        with torch.no_grad():
            torch._foreach_add_(lists.steps, [ONE] * len(lists.steps))
            KERNEL(
                lists.parameters,
                lists.gradients,
                lists.means,
                lists.squares,
                [],  # the largest squares, which only AMSGrad keeps
                lists.steps,
                lr=group["lr"],
                beta1=beta1,
                beta2=beta2,
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=group["maximize"],
            )
        return None

    step.hooked = True  # type: ignore[attr-defined]  # hooks are called by `torch_step`


class Lists(NamedTuple):
    """What the kernel reads and writes, each a list with one tensor per parameter."""

    parameters: list[Tensor]
    gradients: list[Tensor]
    means: list[Tensor]  # running ones of the gradient
    squares: list[Tensor]  # running ones of its square
    steps: list[Tensor]  # updates so far, each a number


def lists_for_kernel(optimizer: torch.optim.Adam) -> Lists | None:
    """The lists, made anew for each step; None where torch's own step has more to do."""
    group, *others = optimizer.param_groups
    if others or not group["params"] or not is_ordinary(group):
        return None
    lists = Lists([], [], [], [], [])
    for p in group["params"]:
        gradient, state = p.grad, optimizer.state.get(p)
        if gradient is None or gradient.is_sparse or not state:  # no state before the first step
            return None
        if not p.is_cpu or p.dtype is not torch.float32:  # the kernel takes tensors of one kind
            return None
        lists.parameters.append(p)
        lists.gradients.append(gradient)
        lists.means.append(state["exp_avg"])
        lists.squares.append(state["exp_avg_sq"])
        lists.steps.append(state["step"])
    return lists


def is_ordinary(group: dict[str, Any]) -> bool:
    """Whether the kernel's arguments say all about the settings of a group of parameters."""
    return (
        KERNEL is not None
        and group["fused"]
        and not any(map(group.get, OTHER_KINDS))
        and not any(isinstance(value, Tensor) for value in (group["lr"], *group["betas"]))
    )


def is_accompanied(optimizer: torch.optim.Adam) -> bool:
    """Whether anything else takes part in a step: hooks, or a gradient scaler."""
    return bool(
        optimizer._optimizer_step_pre_hooks
        or optimizer._optimizer_step_post_hooks
        or any(FOR_ALL)
        or getattr(optimizer, "grad_scale", None) is not None
        or getattr(optimizer, "found_inf", None) is not None
    )


def torch_step(optimizer: torch.optim.Adam, closure: Callable[[], Any] | None) -> Any:
    """The step of torch's own Adam, with hooks."""
    step = torch.optim.Adam.step
    if not hasattr(step, "hooked"):  # torch does this when it makes its first Adam
        step = torch.optim.Optimizer.profile_hook_step(step)
    return step(optimizer, closure)
