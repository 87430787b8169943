"""The exercises of 12.4.2."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gan_helpers.exercises.judging import Mistakes, close, exercise


@exercise
def check_stuck_slope(answer: float) -> Mistakes:
    """12.4.2: the slope of E[log(1 - D)] over the logit is -D, so about -1e-4 at D = 1e-4."""
    if close(answer, -1.0, rel_tol=0.02):
        yield "ja", "それは非飽和の損失（−log D）の傾き、−(1 − D)です。"
        yield "en", "That is the slope of the non-saturating loss, −(1 − D)."
    if close(answer, 1e-4, rel_tol=0.02):
        yield "ja", "符号が逆です。ロジットが増えるほどDは1に近づき、log(1 − D)は減ります。"
        yield "en", "The sign is off: a larger logit makes log(1 − D) smaller."
    if not close(answer, -1e-4, rel_tol=0.02):
        yield "ja", "log(1 − D) = −softplus(d)をdで微分すると−σ(d)、つまり−Dです。"
        yield "en", "log(1 − D) = −softplus(d) has the slope −σ(d), that is −D."


@exercise
def check_best_answer(answer: str) -> Mistakes:
    """12.4.2: against a fixed D the best G puts all of its samples on D's maximum."""
    if str(answer).strip().lower() == "a":
        yield "ja", "それはDも動くときのゴールです。ここではDは動きません。"
        yield "en", "That is the goal where D moves as well; here D stands still."
    if str(answer).strip().lower() != "b":
        yield (
            "ja",
            "損失は平均です。1つのサンプルにとっていちばん良い場所は、"
            "ほかのサンプルにとっても同じです。",
        )
        yield (
            "en",
            "The loss is a mean: the best place for one sample is the best place for every other.",
        )


@exercise
def check_spectral_norm(answer: float) -> Mistakes:
    """12.4.2: the largest singular value of [[3, 0], [4, 5]] is sqrt(45)."""
    best = math.sqrt(45)
    if close(answer, math.sqrt(50), rel_tol=0.005):
        yield "ja", "それは成分の2乗和の平方根（フロベニウスノルム）です。"
        yield "en", "That is the root of the sum of squares, the Frobenius norm."
    if close(answer, 5.0, rel_tol=0.005):
        yield "ja", "それは固有値です。最も伸びる向きは、固有ベクトルの向きとは限りません。"
        yield "en", "That is an eigenvalue; the greatest stretch need not be along an eigenvector."
    if not close(answer, best, rel_tol=0.005):
        yield (
            "ja",
            "WᵀWの最大固有値の平方根です。torch.linalg.matrix_norm(W, ord=2)でも求まります。",
        )
        yield (
            "en",
            "It is the root of the largest eigenvalue of WᵀW; "
            "torch.linalg.matrix_norm with ord=2 finds it, too.",
        )


@exercise
def check_pack(answer: Callable[[Tensor, int], Tensor]) -> Mistakes:
    """12.4.2: packing m samples side by side, [N, d] -> [N / m, m d]."""
    x = torch.arange(24.0).reshape(12, 2)
    wanted = x.reshape(4, 6)
    packed = answer(x, 3)
    if packed.shape != wanted.shape:
        yield "ja", "12個の点[12, 2]を3個ずつまとめると、形は[4, 6]になります。"
        yield "en", "12 points [12, 2] in packs of 3 have the shape [4, 6]."
    if not torch.equal(packed, wanted):
        yield "ja", "1つの行には、隣り合う3個の点の座標が順に並びます。"
        yield "en", "A row holds the coordinates of three neighbours, one after another."
