"""The exercises of 12.4.6."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor
from torch.nn.functional import softplus

from gan_helpers.exercises.judging import Mistakes, close, exercise

LOGITS = (2.0, 0.5, -1.0, 3.0)  # of four real pictures
Map = Callable[[Tensor], Tensor]


@exercise
def check_mirrored(answer: Collection[int]) -> Mistakes:
    """12.4.6: the digits that a mirror leaves readable as themselves: 0, 1 and 8."""
    if not isinstance(answer, Collection) or not set(answer) <= set(range(10)):
        yield "ja", "0から9の数字の集合で答えてください。例：{2, 5}"
        yield "en", "Answer with a set of digits from 0 to 9, e.g. {2, 5}."
    if set(answer) & {2, 3, 4, 5, 6, 7, 9}:
        yield "ja", "左右が決まっている数字が入っています。鏡に映しても、同じ数字に見えますか。"
        yield "en", "One of these has a left and a right: in a mirror it is not itself."
    if set(answer) != {0, 1, 8}:
        yield "ja", "まだあります。左右対称な数字を探してください。"
        yield "en", "There are more: look for digits whose left is like their right."


@exercise
def check_quarter_turns(answer: float) -> Mistakes:
    """12.4.6: turns by 0 to 3 quarters, applied with p = 0.6, leave 0.55 as they were."""
    if close(answer, 0.4, abs_tol=1e-6):
        yield "ja", "変換が選ばれても、4回に1回は0度の回転です。"
        yield "en", "Even when the transform is applied, one turn in four is by 0 degrees."
    if close(answer, 0.25, abs_tol=1e-6):
        yield "ja", "それはp = 1のときの答えです。p = 0.6なら、変換しない画像もあります。"
        yield "en", "That would be so with p = 1; with p = 0.6 some are left alone."
    if not close(answer, 0.55, abs_tol=1e-6):
        yield "ja", "変換しない割合（1 − p）に、変換しても0度だった割合を足します。"
        yield "en", "Add the share that is not transformed, 1 − p, to that turned by 0."


@exercise
def check_heuristic(answer: float) -> Mistakes:
    """12.4.6: r_t of the logits 2, 0.5, -1, 3 is the mean of their signs, 0.5."""
    mean = sum(LOGITS) / len(LOGITS)
    if close(answer, mean, abs_tol=1e-6):
        yield "ja", "それはロジットの平均です。r_tでは、先に符号（+1か−1）にします。"
        yield "en", "That is the mean of the logits; for r_t take their signs first."
    if close(answer, 0.75, abs_tol=1e-6):
        yield "ja", "それは「本物」と答えた割合です。符号の平均では、外れは-1です。"
        yield "en", "That is the share called real; among the signs the others are -1."
    if not close(answer, 0.5, abs_tol=1e-6):
        yield "ja", "4つの符号（+1か−1）を足し、4で割ります。"
        yield "en", "Add the four signs, +1 or −1, and divide by 4."


@exercise
def check_augmented_loss(
    answer: Callable[[Map, Map, Tensor, Tensor], Sequence[Tensor]],
) -> Mistakes:
    """12.4.6: both losses with T before D everywhere (DiffAugment), non-saturating."""
    rng = torch.Generator().manual_seed(0)
    x_real, x_fake = torch.rand(2, 6, 1, 4, 4, generator=rng)
    x_fake.requires_grad_()

    def D(x: Tensor) -> Tensor:
        return 3 * x.mean((1, 2, 3)) - 1

    def T(x: Tensor) -> Tensor:
        return 0.5 * x + 0.3

    def game(seen_real: Tensor, seen_fake: Tensor) -> float:
        return float((softplus(-D(seen_real)).mean() + softplus(D(seen_fake)).mean()).detach())

    def is_D(value: float) -> bool:
        return math.isclose(float(loss_D.detach()), value, abs_tol=1e-5)

    def is_G(x: Tensor) -> bool:
        wanted = float(softplus(-D(x)).mean().detach())
        return math.isclose(float(loss_G.detach()), wanted, abs_tol=1e-5)

    loss_D, loss_G = answer(D, T, x_real, x_fake)
    if is_D(game(x_real, x_fake)):
        yield "ja", "Dの損失に変換が入っていません。"
        yield "en", "There is no transform in the loss of D."
    if is_D(game(T(x_real), x_fake)):
        yield "ja", "Dの損失で変換したのは本物だけです。これでは変換が生成画像に漏れます。"
        yield "en", "In the loss of D only the real ones are transformed: that leaks."
    if not is_D(game(T(x_real), T(x_fake))):
        yield "ja", "Dの損失は、D(T(x_real))とD(T(x_fake))の交差エントロピーです。"
        yield "en", "The loss of D is the cross-entropy of D(T(x_real)) and D(T(x_fake))."
    if is_G(x_fake):
        yield "ja", "Gの損失でも、Dに見せる前に変換します。"
        yield "en", "In the loss of G, too, D has to see T(x_fake)."
    if not is_G(T(x_fake)):
        yield "ja", "Gの損失は、-log D(T(x_fake))の平均です（非飽和の損失）。"
        yield "en", "The loss of G is the mean of -log D(T(x_fake)) (non-saturating)."
    if not loss_G.requires_grad or not torch.autograd.grad(loss_G, x_fake)[0].any():
        yield (
            "ja",
            "値は合っていますが、勾配がGに届きません。"
            "Gの損失ではdetachやno_gradを使わないでください。",
        )
        yield "en", "The value is right, but no gradient reaches G: no detach there."
