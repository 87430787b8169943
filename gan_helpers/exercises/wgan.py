"""The exercises of 12.4.3."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gan_helpers.exercises.judging import SPACE, Case, Mistakes, close, exercise, try_loss

Map = Callable[[Tensor], Tensor]


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
    if close(answer, 2 * math.log(2), abs_tol=0.01):
        yield "ja", "log 4は2 JSDで、式(12.28)に出てくる値です。増える量ではありません。"
        yield "en", "log 4 is 2 JSD, the value in (12.28), and not by how much it grows."
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
    slopes = [torch.tensor(s) for s in ([0.0, 0.5, 1.0, 2.0, 4.0], [3.0, 0.2, 1.4])]
    cases = [Case((s.requires_grad_(),), (s,)) for s in slopes]
    tried = try_loss(answer, "s [N] -> penalty", cases)
    if tried.gives(lambda s: (s - 1).square().mean()):
        yield "ja", "それは両側のペナルティです。傾きが1より小さいところでは0にします。"
        yield "en", "That is the two-sided one; slopes below 1 should cost nothing."
    if tried.gives(lambda s: (s - 1).relu().mean()):
        yield "ja", "超えた分を2乗してから平均してください。"
        yield "en", "Square the excess before you average."
    if tried.gives(lambda s: (s - 1).relu().square().sum()):
        yield "ja", "平均にしてください。合計では、罰の重さがバッチサイズで変わります。"
        yield "en", "Average instead of summing, or its weight depends on the batch size."
    if tried.gives(lambda s: (s - 1).mean().relu().square()):
        yield "ja", "平均より先に、サンプルごとにmax(0, s − 1)をとります。"
        yield "en", "Take max(0, s − 1) of each sample before you average."
    if not tried.gives(one_sided):
        yield "ja", "max(0, s − 1)は(s - 1).relu()と書けます。それを2乗して平均します。"
        yield "en", "max(0, s − 1) is (s - 1).relu(); square it and average."
    yield from tried.lacks_gradient(one_sided)


def one_sided(s: Tensor) -> Tensor:
    """E[max(0, s - 1)^2]."""
    return (s - 1).relu().square().mean()


@exercise
def check_critic_loss(
    answer: Callable[[Map, Tensor, Tensor, Tensor], Tensor],
) -> Mistakes:
    """12.4.3: the critic's loss with gradient penalty; Gulrajani et al. (2017), eq. (3)."""
    rng, cases = torch.Generator().manual_seed(0), []
    for n, d in ((6, 2), (5, 3)):
        weights = torch.rand(d, generator=rng).requires_grad_()
        x_real, x_fake = torch.randn(2, n, d, generator=rng)
        epsilon = torch.rand(n, 1, generator=rng)
        cases.append(Case((critic_with(weights), x_real, x_fake, epsilon), (weights,)))
    tried = try_loss(answer, "(critic, x_real, x_fake, epsilon) -> loss", cases)

    def wanted(critic: Map, x_real: Tensor, x_fake: Tensor, epsilon: Tensor) -> Tensor:
        return gap(critic, x_real, x_fake) + 10 * penalty(critic, x_real, x_fake, epsilon)

    if tried.gives(lambda critic, x_real, x_fake, _: gap(critic, x_real, x_fake)):
        yield "ja", "ペナルティがありません。傾きはいくらでも急になれます。"
        yield "en", "There is no penalty: the slope may become as steep as it likes."
    if tried.gives(lambda c, r, f, e: 10 * penalty(c, r, f, e) - gap(c, r, f)):
        yield "ja", "点数の差の符号が逆です。criticは本物の点数を上げ、偽物の点数を下げます。"
        yield "en", "The scores have the wrong sign: the critic raises the real, lowers the fake."
    if tried.gives(lambda c, r, f, e: gap(c, r, f) - 10 * penalty(c, r, f, e)):
        yield "ja", "ペナルティの符号が逆です。損失は小さくするものなので、罰は足します。"
        yield "en", "The penalty has the wrong sign: a loss is lowered, so a fine is added."
    if tried.gives(lambda c, r, f, e: gap(c, r, f) + penalty(c, r, f, e)):
        yield "ja", "重みλ = 10が掛かっていません。"
        yield "en", "The penalty lacks its weight λ = 10."
    if tried.gives(lambda c, r, f, e: wanted(c, r, f, 1 - e)):
        yield "ja", "ε = 1で本物、ε = 0で偽物になるように混ぜます。"
        yield "en", "The mixture has to be the real sample at ε = 1, the fake one at ε = 0."
    if tried.gives(
        lambda c, r, f, e: wanted(c, r, f, torch.ones_like(e)),
        lambda c, r, f, e: wanted(c, r, f, torch.zeros_like(e)),
    ):
        yield "ja", "傾きを測るのは、本物と偽物をεで混ぜた点の上です。"
        yield "en", "The slope is measured between real and fake, where ε mixes them."
    if tried.gives(lambda c, r, f, e: gap(c, r, f) + 10 * penalty(c, r, f, e, together=True)):
        yield "ja", "ノルムがバッチ全体のものです。勾配のノルムはサンプルごとにとります。"
        yield "en", "That is one norm for the whole batch; take the norm of each sample's gradient."
    if not tried.gives(wanted):
        yield (
            "ja",
            "E[D(x_fake)] − E[D(x_real)] に、混ぜた点での 10 E[(‖∇D‖ − 1)²] を足します。"
            "勾配はtorch.autograd.gradで求まります。",
        )
        yield (
            "en",
            "To E[D(x_fake)] − E[D(x_real)] add 10 E[(‖∇D‖ − 1)²] at the mixed points; "
            "torch.autograd.grad gives the gradient.",
        )
    for lang, words in tried.lacks_gradient(wanted):
        more = {
            "ja": "ペナルティの勾配もcriticの重みに届くように、create_graph=Trueを付けます。",
            "en": "create_graph=True lets the penalty's gradient reach the critic's weights.",
        }
        yield lang, words + SPACE[lang] + more[lang]


def critic_with(weights: Tensor) -> Map:
    """A critic whose slope differs from place to place: `[N, d] -> [N]`."""
    return lambda x: (weights * x.square() + x).sum(-1)


def gap(critic: Map, x_real: Tensor, x_fake: Tensor) -> Tensor:
    """Minus the estimate of the distance (12.29)."""
    return critic(x_fake).mean() - critic(x_real).mean()


def penalty(
    critic: Map, x_real: Tensor, x_fake: Tensor, epsilon: Tensor, together: bool = False
) -> Tensor:
    """E[(|grad D| - 1)^2] at epsilon x_real + (1 - epsilon) x_fake; `together`: of one norm."""
    x = (epsilon * x_real + (1 - epsilon) * x_fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.norm(dim=None if together else -1) - 1).square().mean()
