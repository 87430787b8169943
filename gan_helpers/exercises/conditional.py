"""The exercises of 12.4.4."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from gan_helpers.exercises.judging import close, judge, number


def check_disobedient(answer: float | None, lang: str = "en") -> bool:
    """12.4.4: against perfect pictures of any of ten digits D* = 1 / (1 + 1/10) where it fits."""

    return judge(
        lang,
        answer,
        [
            (
                lambda: close(answer, 0.5, abs_tol=2e-3),
                {
                    "ja": "1/2になるのは、Gの画像が完璧で、頼みも聞く場合です。ここではq(x|y)が"
                    "p(x|y)と違います。",
                    "en": "1/2 is for a perfect G that obeys as well; here q(x|y) is not p(x|y).",
                },
            ),
            (
                lambda: close(answer, 0.1, abs_tol=2e-3) or close(answer, 1 / 11, abs_tol=2e-3),
                {
                    "ja": "偽物である確率のほうを答えていませんか。D*は本物である確率です。",
                    "en": "That looks like the side of the fakes; D* is the probability of real.",
                },
            ),
            (
                lambda: close(answer, 0.9, abs_tol=2e-3),
                {
                    "ja": "惜しいです。q(x|y) = p(x) = p(x|y)/10をD* = p/(p + q)に代入します。",
                    "en": "Close: put q(x|y) = p(x) = p(x|y)/10 into D* = p/(p + q).",
                },
            ),
            (
                lambda: not close(answer, 10 / 11, abs_tol=2e-3),
                {
                    "ja": "Gは頼みを無視するのでq(x|y) = p(x)です。これをp(x|y)で表し、"
                    "D* = p/(p + q)に代入します。",
                    "en": "As G does not listen, q(x|y) = p(x). Write it in terms of p(x|y), and "
                    "put it into D* = p/(p + q).",
                },
            ),
        ],
    )


def check_channels(answer: int | None, lang: str = "en") -> bool:
    """12.4.4: three channels of a colour picture and one for each of 100 classes."""
    return judge(
        lang,
        answer,
        [
            (
                lambda: number(answer) in (4, 101),
                {
                    "ja": "カラー画像のチャンネルは3つで、クラスの数だけさらに増えます。",
                    "en": "A colour picture has three channels, and each class adds one.",
                },
            ),
            (
                lambda: number(answer) == 100,
                {
                    "ja": "画像そのもののチャンネルを忘れています。",
                    "en": "You have left out the picture's own channels.",
                },
            ),
            (
                lambda: number(answer) != 103,
                {
                    "ja": "画像のチャンネルの後ろに、クラスの数だけチャンネルをつなぎます。"
                    "画像の大きさは関係ありません。",
                    "en": "As many channels as there are classes come behind those of the picture; "
                    "its size does not matter.",
                },
            ),
        ],
    )


def check_double_softmax(answer: float | None, lang: str = "en") -> bool:
    """12.4.4: the least cross-entropy of probabilities taken for scores, log(e + 9) - 1."""
    return judge(
        lang,
        answer,
        [
            (
                lambda: close(answer, 0.0, abs_tol=1e-3),
                {
                    "ja": "0になるのは、スコアをそのまま渡した場合です。ここでは[1, 0, …, 0]が、"
                    "もう一度ソフトマックス関数を通ります。",
                    "en": "0 is for scores without a softmax of one's own; here [1, 0, …, 0] goes "
                    "through a second one.",
                },
            ),
            (
                lambda: close(answer, math.log(10), abs_tol=5e-3),
                {
                    "ja": "log 10は、何も分からない分類器の損失です。",
                    "en": "log 10 is the loss of a classifier that knows nothing.",
                },
            ),
            (
                lambda: close(answer, math.e / (math.e + 9), abs_tol=5e-3),
                {
                    "ja": "それは正しいクラスの「確率」です。損失はその−logです。",
                    "en": "That is the 'probability' of the right class; the loss is its −log.",
                },
            ),
            (
                lambda: not close(answer, math.log(math.e + 9) - 1, abs_tol=5e-3),
                {
                    "ja": "[1, 0, …, 0]をソフトマックス関数に通し、正しいクラスの−logを求めます。",
                    "en": "Put [1, 0, …, 0] through a softmax, and take −log of the right class.",
                },
            ),
        ],
    )


def check_matching_aware(
    answer: Callable[[Tensor, Tensor, Tensor], Tensor] | None, lang: str = "en"
) -> bool:
    """12.4.4: D's loss with two kinds of fakes; Reed et al. (2016), algorithm 1."""
    rng = torch.Generator().manual_seed(0)
    d_real, d_fake, d_wrong = torch.randn(3, 16, generator=rng)
    real, fake, wrong = (
        softplus(-d_real).mean(),
        softplus(d_fake).mean(),
        softplus(d_wrong).mean(),
    )

    def gives(wanted: Tensor) -> bool:
        assert answer is not None
        return math.isclose(float(answer(d_real, d_fake, d_wrong)), float(wanted), abs_tol=1e-4)

    return judge(
        lang,
        answer,
        [
            (
                lambda: gives(real + fake),
                {
                    "ja": "d_wrongが使われていません。間違ったラベルの組も「偽」として見せます。",
                    "en": "d_wrong is not used; pairs with a wrong label are fakes, too.",
                },
            ),
            (
                lambda: gives(real + fake + wrong),
                {
                    "ja": "「偽」の重みが2倍になっています。2種類を半分ずつにしてください。",
                    "en": "The fakes weigh twice as much; let each kind have half of the weight.",
                },
            ),
            (
                lambda: gives((real + softplus(-d_wrong).mean()) / 2 + fake),
                {
                    "ja": "d_wrongを本物の側に入れています。画像は本物でも、組としては偽です。",
                    "en": "d_wrong is on the side of the real ones; the picture is real, the pair "
                    "is not.",
                },
            ),
            (
                lambda: not gives(real + (fake + wrong) / 2),
                {
                    "ja": "softplus(-d_real)の平均に、softplus(d_fake)の平均とsoftplus(d_wrong)の"
                    "平均を、半分ずつ足します。",
                    "en": "Add half of each mean, of softplus(d_fake) and softplus(d_wrong), to "
                    "that of softplus(-d_real).",
                },
            ),
        ],
    )
