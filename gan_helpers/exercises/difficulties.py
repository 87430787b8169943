"""The exercises of 12.4.2."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gan_helpers.exercises.judging import close, judge


def check_stuck_slope(answer: float | None, lang: str = "en") -> bool:
    """12.4.2: the slope of E[log(1 - D)] over the logit is -D, so about -1e-4 at D = 1e-4."""
    return judge(
        lang,
        answer,
        [
            (
                lambda: close(answer, -1.0, rel_tol=0.02),
                {
                    "ja": "それは非飽和の損失（−log D）の傾き、−(1 − D)です。",
                    "en": "That is the slope of the non-saturating loss, −(1 − D).",
                },
            ),
            (
                lambda: close(answer, 1e-4, rel_tol=0.02),
                {
                    "ja": "符号が逆です。ロジットが増えるほどDは1に近づき、log(1 − D)は減ります。",
                    "en": "The sign is off: a larger logit makes log(1 − D) smaller.",
                },
            ),
            (
                lambda: not close(answer, -1e-4, rel_tol=0.02),
                {
                    "ja": "log(1 − D) = −softplus(d)をdで微分すると−σ(d)、つまり−Dです。",
                    "en": "log(1 − D) = −softplus(d) has the slope −σ(d), that is −D.",
                },
            ),
        ],
    )


def check_best_answer(answer: str | None, lang: str = "en") -> bool:
    """12.4.2: against a fixed D the best G puts all of its samples on D's maximum."""
    return judge(
        lang,
        answer,
        [
            (
                lambda: str(answer).strip().lower() == "a",
                {
                    "ja": "それはDも動くときのゴールです。ここではDは動きません。",
                    "en": "That is the goal where D moves as well; here D stands still.",
                },
            ),
            (
                lambda: str(answer).strip().lower() != "b",
                {
                    "ja": "損失は平均です。1つのサンプルにとっていちばん良い場所は、"
                    "ほかのサンプルにとっても同じです。",
                    "en": "The loss is a mean: the best place for one sample is the best "
                    "place for every other.",
                },
            ),
        ],
    )


def check_spectral_norm(answer: float | None, lang: str = "en") -> bool:
    """12.4.2: the largest singular value of [[3, 0], [4, 5]] is sqrt(45)."""
    best = math.sqrt(45)
    return judge(
        lang,
        answer,
        [
            (
                lambda: close(answer, math.sqrt(50), rel_tol=0.005),
                {
                    "ja": "それは成分の2乗和の平方根（フロベニウスノルム）です。",
                    "en": "That is the root of the sum of squares, the Frobenius norm.",
                },
            ),
            (
                lambda: close(answer, 5.0, rel_tol=0.005),
                {
                    "ja": "それは固有値です。最も伸びる向きは、固有ベクトルの向きとは限りません。",
                    "en": "That is an eigenvalue; the greatest stretch need not be along an "
                    "eigenvector.",
                },
            ),
            (
                lambda: not close(answer, best, rel_tol=0.005),
                {
                    "ja": "WᵀWの最大固有値の平方根です。"
                    "torch.linalg.matrix_norm(W, ord=2)でも求まります。",
                    "en": "It is the root of the largest eigenvalue of WᵀW; "
                    "torch.linalg.matrix_norm with ord=2 finds it, too.",
                },
            ),
        ],
    )


def check_pack(answer: Callable[[Tensor, int], Tensor] | None, lang: str = "en") -> bool:
    """12.4.2: packing m samples side by side, [N, d] -> [N / m, m d]."""
    x = torch.arange(24.0).reshape(12, 2)
    wanted = x.reshape(4, 6)

    def packed() -> Tensor:
        assert answer is not None
        return answer(x, 3)

    return judge(
        lang,
        answer,
        [
            (
                lambda: packed().shape != wanted.shape,
                {
                    "ja": "12個の点[12, 2]を3個ずつまとめると、形は[4, 6]になります。",
                    "en": "12 points [12, 2] in packs of 3 have the shape [4, 6].",
                },
            ),
            (
                lambda: not torch.equal(packed(), wanted),
                {
                    "ja": "1つの行には、隣り合う3個の点の座標が順に並びます。",
                    "en": "A row holds the coordinates of three neighbours, one after another.",
                },
            ),
        ],
    )
