"""The self-checks of the exercises: each says what is wrong, and returns whether it is right.

An answer that is still None is no error, so that a notebook runs from top to bottom.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gan_helpers.checks import check_choice
from gan_helpers.distributions import gaussians_1d, ring
from gan_helpers.losses import LOSSES
from gan_helpers.metrics import optimal_discriminator
from gan_helpers.training import GAN, Experiment

Words = dict[str, str]

NOT_YET: Words = {
    "ja": "まだ答えがありません。このセルのNoneを答えに書き換え、もう一度実行してください。",
    "en": "No answer yet: put it in place of the None in this cell and run it again.",
}
RIGHT: Words = {"ja": "正解です。", "en": "Right."}


def judge(lang: str, answer: Any, mistakes: list[tuple[Callable[[], Any], Words]]) -> bool:
    """Print what is wrong with an answer, in the reader's language.

    Args:
        lang: "ja" or "en".
        answer: the reader's answer; None is not judged.
        mistakes: (whether this mistake was made, what to say about it), tried in this order.

    Returns:
        Whether there is an answer and none of the mistakes was made.
    """
    check_choice("lang", lang, RIGHT)
    if answer is None:
        print(NOT_YET[lang])
        return False
    for made, words in mistakes:
        try:
            wrong = bool(made())
        except Exception as error:  # whatever the reader's code may raise
            print(f"{type(error).__name__}: {error}")
            return False
        if wrong:
            print(words[lang])
            return False
    print(RIGHT[lang])
    return True


def check_value_at_equality(answer: float | None, lang: str = "en") -> bool:
    """12.4.1: the value of the game (12.28) for q = p and the optimal D is -log 4."""
    return judge(
        lang,
        answer,
        [
            (
                lambda: math.isclose(answer or 0.0, math.log(4), abs_tol=1e-3),
                {
                    "ja": "符号が逆です。確率は1より小さいので、その対数は負になります。",
                    "en": "The sign is off: the logarithm of a probability is negative.",
                },
            ),
            (
                lambda: math.isclose(answer or 0.0, -math.log(2), abs_tol=1e-3),
                {
                    "ja": "それは項1つ分の値です。式(12.28)には項が2つあります。",
                    "en": "That is one of the terms; (12.28) has two.",
                },
            ),
            (
                lambda: not math.isclose(answer or 0.0, -math.log(4), abs_tol=1e-3),
                {
                    "ja": "qとpが等しければ、D*(x)はどこでも1/2です。これを両方の項に代入します。",
                    "en": "For q = p, D*(x) is 1/2 everywhere; put that into both terms.",
                },
            ),
        ],
    )


def check_optimal_logit(answer: Callable[[Tensor], Tensor] | None, lang: str = "en") -> bool:
    """12.4.1: for p = N(0, 1) and q = N(1, 1) the logit of D* is 1/2 - x."""
    x = torch.linspace(-4, 4, 81)
    p, q = (gaussians_1d([mean], 1.0).prob(x[:, None]) for mean in (0.0, 1.0))
    best = optimal_discriminator(p, q)

    def differs_from(target: Tensor) -> bool:
        return not torch.allclose(answer(x), target, atol=1e-3) if answer else True

    return judge(
        lang,
        answer,
        [
            (
                lambda: not differs_from(best),
                {
                    "ja": "それは確率D*です。求めるのは、シグモイド関数に通す前の値です。",
                    "en": "That is the probability D*; wanted is the value before the sigmoid.",
                },
            ),
            (
                lambda: not differs_from(-best.logit()),
                {
                    "ja": "符号が逆です。xが小さいほど本物らしいので、そこで正になります。",
                    "en": "The sign is off: small x are more likely real, so it is positive there.",
                },
            ),
            (
                lambda: differs_from(best.logit()),
                {
                    "ja": "ロジットはlog p(x) − log q(x)です。2つの指数部の差を計算します。",
                    "en": "The logit is log p(x) − log q(x): subtract the two exponents.",
                },
            ),
        ],
    )


def check_linear_generator(answer: tuple[float, float] | None, lang: str = "en") -> bool:
    """12.4.1: G(z) = a z + b makes N(1, 0.5^2) for b = 1 and a = 0.5 or -0.5."""
    a, b = answer or (0.0, 0.0)
    return judge(
        lang,
        answer,
        [
            (
                lambda: abs(b - 1) > 1e-6,
                {
                    "ja": "zの平均は0なので、G(z)の平均はbです。",
                    "en": "z has mean 0, so the mean of G(z) is b.",
                },
            ),
            (
                lambda: abs(abs(a) - 0.25) < 1e-6,
                {
                    "ja": "0.25は分散です。zに掛けるのは標準偏差です。",
                    "en": "0.25 is the variance; z is multiplied by the standard deviation.",
                },
            ),
            (
                lambda: abs(abs(a) - 0.5) > 1e-6,
                {
                    "ja": "zの標準偏差は1なので、G(z)の標準偏差は|a|です。",
                    "en": "z has standard deviation 1, so that of G(z) is |a|.",
                },
            ),
        ],
    )


def check_gradient_ratio(answer: float | None, lang: str = "en") -> bool:
    """12.4.1: at the logit -6, the non-saturating slope is e^6 times the saturating one."""
    d = torch.tensor([-6.0], requires_grad=True, dtype=torch.float64)
    slopes = [
        float(torch.autograd.grad(LOSSES[name].generator(d), d)[0])
        for name in ("non_saturating", "saturating")
    ]
    ratio = slopes[0] / slopes[1]
    return judge(
        lang,
        answer,
        [
            (
                lambda: math.isclose(answer or 0.0, 1 / ratio, rel_tol=0.02),
                {
                    "ja": "割り算が逆です。急なほうの傾きを、緩やかなほうの傾きで割ります。",
                    "en": "The other way round: divide the steep one by the flat one.",
                },
            ),
            (
                lambda: not math.isclose(answer or 0.0, ratio, rel_tol=0.02),
                {
                    "ja": "傾きはそれぞれ−(1 − D)と−Dです。D = σ(−6)を代入して割ります。",
                    "en": "The slopes are −(1 − D) and −D; put in D = σ(−6) and divide.",
                },
            ),
        ],
    )


def check_two_G_updates(answer: Callable[[GAN, Any], Any] | None, lang: str = "en") -> bool:
    """12.4.1: a step with one update of D, then two of G."""
    gan = GAN(Experiment(width=8, depth=1, batch_size=8), (2,))
    updates = {"D": 0, "G": 0}
    for name, optimizer in (("D", gan.opt_D), ("G", gan.opt_G)):
        optimizer.register_step_post_hook(
            lambda *_, name=name: updates.__setitem__(name, updates[name] + 1)
        )
    result: list[Any] = []

    def fails() -> bool:
        assert answer is not None
        result.append(answer(gan, ring()))
        return False

    return judge(
        lang,
        answer,
        [
            (fails, {"ja": "", "en": ""}),
            (
                lambda: updates["D"] != 1,
                {
                    "ja": "Dの更新は、1ステップにつき1回にしてください。",
                    "en": "D has to be updated once in each step.",
                },
            ),
            (
                lambda: updates["G"] != 2,
                {
                    "ja": "Gの更新がちょうど2回になっていません。step_Gを2回呼びます。",
                    "en": "G was not updated exactly twice: call step_G two times.",
                },
            ),
            (
                lambda: not (isinstance(result[0], tuple) and len(result[0]) == 2),
                {
                    "ja": "最後に、loss_Dとloss_Gの組を返してください。",
                    "en": "Return the pair loss_D, loss_G at the end.",
                },
            ),
        ],
    )


def check_stuck_slope(answer: float | None, lang: str = "en") -> bool:
    """12.4.2: the slope of E[log(1 - D)] over the logit is -D, so about -1e-4 at D = 1e-4."""
    return judge(
        lang,
        answer,
        [
            (
                lambda: math.isclose(answer or 0.0, -1.0, rel_tol=0.02),
                {
                    "ja": "それは非飽和の損失−log Dの傾き−(1 − D)です。",
                    "en": "That is the slope of the non-saturating loss, −(1 − D).",
                },
            ),
            (
                lambda: math.isclose(answer or 0.0, 1e-4, rel_tol=0.02),
                {
                    "ja": "符号が逆です。ロジットが増えるほどDは1に近づき、log(1 − D)は減ります。",
                    "en": "The sign is off: a larger logit makes log(1 − D) smaller.",
                },
            ),
            (
                lambda: not math.isclose(answer or 0.0, -1e-4, rel_tol=0.02),
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
        answer and answer.strip().lower(),
        [
            (
                lambda: answer.strip().lower() == "a",  # type: ignore[union-attr]
                {
                    "ja": "それはDも動くときのゴールです。ここではDは動きません。",
                    "en": "That is the goal where D moves as well; here D stands still.",
                },
            ),
            (
                lambda: answer.strip().lower() != "b",  # type: ignore[union-attr]
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
                lambda: math.isclose(answer or 0.0, math.sqrt(50), rel_tol=0.005),
                {
                    "ja": "それは成分の2乗和の平方根（フロベニウスノルム）です。",
                    "en": "That is the root of the sum of squares, the Frobenius norm.",
                },
            ),
            (
                lambda: math.isclose(answer or 0.0, 5.0, rel_tol=0.005),
                {
                    "ja": "それは固有値です。固有ベクトルの向きで最も伸びるとは限りません。",
                    "en": "That is an eigenvalue; the greatest stretch need not be along an "
                    "eigenvector.",
                },
            ),
            (
                lambda: not math.isclose(answer or 0.0, best, rel_tol=0.005),
                {
                    "ja": "WᵀWの最大固有値の平方根です。matrix_norm(W, ord=2)でも求まります。",
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
