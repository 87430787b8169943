"""The exercises of 12.4.1."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gan_helpers.distributions import gaussians_1d, ring
from gan_helpers.exercises.judging import close, judge, number
from gan_helpers.losses import LOSSES
from gan_helpers.metrics import optimal_discriminator
from gan_helpers.training import GAN, Experiment


def check_value_at_equality(answer: float | None, lang: str = "en") -> bool:
    """12.4.1: the value of the game (12.28) for q = p and the optimal D is -log 4."""
    return judge(
        lang,
        answer,
        [
            (
                lambda: close(answer, math.log(4), abs_tol=1e-3),
                {
                    "ja": "符号が逆です。確率は1より小さいので、その対数は負になります。",
                    "en": "The sign is off: the logarithm of a probability is negative.",
                },
            ),
            (
                lambda: close(answer, -math.log(2), abs_tol=1e-3),
                {
                    "ja": "それは項1つ分の値です。式(12.28)には項が2つあります。",
                    "en": "That is one of the terms; (12.28) has two.",
                },
            ),
            (
                lambda: not close(answer, -math.log(4), abs_tol=1e-3),
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

    def given(k: int) -> float:
        assert answer is not None
        a_and_b = tuple(answer)
        if len(a_and_b) != 2:
            raise ValueError(f"answer has {len(a_and_b)} entries; it has to be (a, b).")
        return number(a_and_b[k])

    return judge(
        lang,
        answer,
        [
            (
                lambda: not abs(given(1) - 1) <= 1e-6,  # nan is wrong, too
                {
                    "ja": "zの平均は0なので、G(z)の平均はbです。",
                    "en": "z has mean 0, so the mean of G(z) is b.",
                },
            ),
            (
                lambda: abs(abs(given(0)) - 0.25) < 1e-6,
                {
                    "ja": "0.25は分散です。zに掛けるのは標準偏差です。",
                    "en": "0.25 is the variance; z is multiplied by the standard deviation.",
                },
            ),
            (
                lambda: not abs(abs(given(0)) - 0.5) <= 1e-6,
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
                lambda: close(answer, 1 / ratio, rel_tol=0.02),
                {
                    "ja": "割り算が逆です。急なほうの傾きを、緩やかなほうの傾きで割ります。",
                    "en": "The other way round: divide the steep one by the flat one.",
                },
            ),
            (
                lambda: not close(answer, ratio, rel_tol=0.02),
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
