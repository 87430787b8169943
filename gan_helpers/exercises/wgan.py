"""The exercises of 12.4.3."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gan_helpers.exercises.judging import Mistakes, close, exercise


@exercise
def check_distance_by_hand(answer: float) -> Mistakes:
    """12.4.3: W1 between {3, 0, 1} and {2, 7, 0} is (0 + 1 + 4) / 3."""
    if close(answer, 3.0, abs_tol=0.01):
        yield (
            "ja",
            "書かれた順に対応させると3ですが、もっと安い運び方があります。"
            "両方を小さい順に並べてから対応させます。",
        )
        yield (
            "en",
            "3 is the cost of pairing them as they are written; there is a cheaper "
            "way. Sort both first.",
        )
    if close(answer, 5.0, abs_tol=0.01):
        yield "ja", "それは距離の合計です。確率は1点あたり1/3なので、平均をとります。"
        yield "en", "That is the sum; each point carries a probability of 1/3, so average."
    if not close(answer, 5 / 3, abs_tol=0.01):
        yield "ja", "小さい順に0, 1, 3と0, 2, 7です。差の絶対値を平均します。"
        yield "en", "Sorted they are 0, 1, 3 and 0, 2, 7; average the absolute differences."


@exercise
def check_what_jsd_sees(answer: float) -> Mistakes:
    """12.4.3: between strips that do not overlap JSD is log 2, however far they are apart."""
    if close(answer, math.log(2), abs_tol=0.01):
        yield "ja", "log 2はJSDの値そのものです。問われているのは、どれだけ増えるかです。"
        yield "en", "log 2 is the JSD itself; the question is by how much it grows."
    if not close(answer, 0.0, abs_tol=1e-6):
        yield (
            "ja",
            "Wasserstein距離のほうを考えていませんか。重ならない分布のJSDは、"
            "どれだけ離れていてもlog 2です。",
        )
        yield "en", "You may be thinking of W1. Without overlap the JSD is log 2 at any distance."


@exercise
def check_penalised_slope(answer: float) -> Mistakes:
    """12.4.3: at a distance of 3 and lambda = 10 the best slope is 1 + 3 / 20."""
    if close(answer, 1.0, abs_tol=1e-3):
        yield (
            "ja",
            "ペナルティは「ちょうど1」を強制しません。1を少し超えて得をする分と、"
            "罰とがつり合います。",
        )
        yield (
            "en",
            "The penalty does not enforce 1; it balances what is gained by exceeding it a little.",
        )
    if close(answer, 1.3, abs_tol=1e-3):
        yield "ja", "2乗を微分すると2が出ます。3 − 2λ(f′ − 1) = 0を解いてください。"
        yield "en", "The square brings a factor 2: solve 3 − 2λ(f′ − 1) = 0."
    if not close(answer, 1.15, abs_tol=1e-3):
        yield "ja", "3 f′ − λ(f′ − 1)²を最大にするf′を、微分して求めてください。"
        yield "en", "Find the f′ that maximises 3 f′ − λ(f′ − 1)² by its derivative."


@exercise
def check_one_sided(answer: Callable[[Tensor], Tensor]) -> Mistakes:
    """12.4.3: the one-sided penalty E[max(0, s - 1)^2] of slopes s, `[N]` -> scalar."""
    s = torch.tensor([0.0, 0.5, 1.0, 2.0, 4.0])

    def gives(wanted: float) -> bool:
        return math.isclose(float(answer(s)), wanted, abs_tol=1e-4)

    if gives(float((s - 1).square().mean())):
        yield "ja", "それは両側のペナルティです。傾きが1より小さいところでは0にします。"
        yield "en", "That is the two-sided one; slopes below 1 should cost nothing."
    if gives(float((s - 1).relu().mean())):
        yield "ja", "超えた分を2乗してから平均してください。"
        yield "en", "Square the excess before you average."
    if gives(float((s - 1).relu().square().sum())):
        yield "ja", "平均にしてください。合計では、罰の重さがバッチサイズで変わります。"
        yield "en", "Average instead of summing, or its weight depends on the batch size."
    if not gives(float((s - 1).relu().square().mean())):
        yield "ja", "max(0, s − 1)は(s - 1).relu()と書けます。それを2乗して平均します。"
        yield "en", "max(0, s − 1) is (s - 1).relu(); square it and average."
