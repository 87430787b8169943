"""The exercises of 12.4.1."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gan_helpers.datasets.points import gaussians_1d, ring
from gan_helpers.exercises.judging import Mistakes, close, exercise, number
from gan_helpers.experiment import Experiment
from gan_helpers.losses import LOSSES
from gan_helpers.metrics import optimal_discriminator
from gan_helpers.training import GAN


@exercise
def check_value_at_equality(answer: float) -> Mistakes:
    """12.4.1: the value of the game (12.28) for q = p and the optimal D is -log 4."""
    if close(answer, math.log(4), abs_tol=1e-3):
        yield "ja", "符号が逆です。確率は1より小さいので、その対数は負になります。"
        yield "en", "The sign is off: the logarithm of a probability is negative."
    if close(answer, -math.log(2), abs_tol=1e-3):
        yield "ja", "それは項1つ分の値です。式(12.28)には項が2つあります。"
        yield "en", "That is one of the terms; (12.28) has two."
    if not close(answer, -math.log(4), abs_tol=1e-3):
        yield "ja", "qとpが等しければ、D*(x)はどこでも1/2です。これを両方の項に代入します。"
        yield "en", "For q = p, D*(x) is 1/2 everywhere; put that into both terms."


@exercise
def check_optimal_logit(answer: Callable[[Tensor], Tensor]) -> Mistakes:
    """12.4.1: for p = N(0, 1) and q = N(1, 1) the logit of D* is 1/2 - x."""
    x = torch.linspace(-4, 4, 81)
    p, q = (gaussians_1d([mean], 1.0).prob(x[:, None]) for mean in (0.0, 1.0))
    best = optimal_discriminator(p, q)

    def differs_from(target: Tensor) -> bool:
        return not torch.allclose(answer(x), target, atol=1e-3)

    if not differs_from(best):
        yield "ja", "それは確率D*です。求めるのは、シグモイド関数に通す前の値です。"
        yield "en", "That is the probability D*; wanted is the value before the sigmoid."
    if not differs_from(-best.logit()):
        yield "ja", "符号が逆です。xが小さいほど本物らしいので、そこで正になります。"
        yield "en", "The sign is off: small x are more likely real, so it is positive there."
    if differs_from(best.logit()):
        yield "ja", "ロジットはlog p(x) − log q(x)です。2つの指数部の差を計算します。"
        yield "en", "The logit is log p(x) − log q(x): subtract the two exponents."


@exercise
def check_linear_generator(answer: tuple[float, float]) -> Mistakes:
    """12.4.1: G(z) = a z + b makes N(1, 0.5^2) for b = 1 and a = 0.5 or -0.5."""
    if len(answer) != 2:
        raise ValueError(f"answer has {len(answer)} entries; it has to be (a, b).")
    a, b = map(number, answer)
    if not abs(b - 1) <= 1e-6:  # nan is wrong, too
        yield "ja", "zの平均は0なので、G(z)の平均はbです。"
        yield "en", "z has mean 0, so the mean of G(z) is b."
    if abs(abs(a) - 0.25) < 1e-6:
        yield "ja", "0.25は分散です。zに掛けるのは標準偏差です。"
        yield "en", "0.25 is the variance; z is multiplied by the standard deviation."
    if not abs(abs(a) - 0.5) <= 1e-6:
        yield "ja", "zの標準偏差は1なので、G(z)の標準偏差は|a|です。"
        yield "en", "z has standard deviation 1, so that of G(z) is |a|."


@exercise
def check_gradient_ratio(answer: float) -> Mistakes:
    """12.4.1: at the logit -6, the non-saturating slope is e^6 times the saturating one."""
    d = torch.tensor([-6.0], requires_grad=True, dtype=torch.float64)
    slopes = [
        float(torch.autograd.grad(LOSSES[name].generator(d), d)[0])
        for name in ("non_saturating", "saturating")
    ]
    ratio = slopes[0] / slopes[1]
    if close(answer, 1 / ratio, rel_tol=0.02):
        yield "ja", "割り算が逆です。急なほうの傾きを、緩やかなほうの傾きで割ります。"
        yield "en", "The other way round: divide the steep one by the flat one."
    if not close(answer, ratio, rel_tol=0.02):
        yield "ja", "傾きはそれぞれ−(1 − D)と−Dです。D = σ(−6)を代入して割ります。"
        yield "en", "The slopes are −(1 − D) and −D; put in D = σ(−6) and divide."


@exercise
def check_two_G_updates(answer: Callable[[GAN, Any], Any]) -> Mistakes:
    """12.4.1: a step with one update of D, then two of G."""
    gan = GAN(Experiment(width=8, depth=1, batch_size=8), (2,))
    updates = {"D": 0, "G": 0}
    for name, optimizer in (("D", gan.opt_D), ("G", gan.opt_G)):
        optimizer.register_step_post_hook(
            lambda *_, name=name: updates.__setitem__(name, updates[name] + 1)
        )
    result = answer(gan, ring())
    if updates["D"] != 1:
        yield "ja", "Dの更新は、1ステップにつき1回にしてください。"
        yield "en", "D has to be updated once in each step."
    if updates["G"] != 2:
        yield "ja", "Gの更新がちょうど2回になっていません。step_Gを2回呼びます。"
        yield "en", "G was not updated exactly twice: call step_G two times."
    if not (isinstance(result, tuple) and len(result) == 2):
        yield "ja", "最後に、loss_Dとloss_Gの組を返してください。"
        yield "en", "Return the pair loss_D, loss_G at the end."
