"""The exercises of 12.4.1."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gan_helpers.datasets.points import Mixture, gaussians_1d, ring
from gan_helpers.exercises.judging import Mistakes, call, call_each, close, exercise, number, tensor
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
    several = torch.linspace(-4, 4, 81), torch.linspace(-1, 3, 7)
    results = call_each(answer, "x [N] -> logit [N]", [(x,) for x in several])
    tried = [tensor(result, x.shape) for result, x in zip(results, several, strict=True)]
    logits = []
    for x in several:
        p, q = (gaussians_1d([mean], 1.0).prob(x[:, None]) for mean in (0.0, 1.0))
        logits.append(optimal_discriminator(p, q).logit())

    def is_(shape: Callable[[Tensor], Tensor]) -> bool:
        pairs = zip(tried, logits, strict=True)
        return all(torch.allclose(given, shape(best), atol=1e-3) for given, best in pairs)

    if is_(torch.sigmoid):
        yield "ja", "それは確率D*です。求めるのは、シグモイド関数に通す前の値です。"
        yield "en", "That is the probability D*; wanted is the value before the sigmoid."
    if is_(torch.neg):
        yield "ja", "符号が逆です。xが小さいほど本物らしいので、そこで正になります。"
        yield "en", "The sign is off: small x are more likely real, so it is positive there."
    if not is_(lambda best: best):
        yield "ja", "ロジットはlog p(x) − log q(x)です。2つの指数部の差を計算します。"
        yield "en", "The logit is log p(x) − log q(x): subtract the two exponents."


@exercise
def check_linear_generator(answer: tuple[float, float]) -> Mistakes:
    """12.4.1: G(z) = a z + b makes N(1, 0.5^2) for b = 1 and a = 0.5 or -0.5."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        yield "ja", "2つの数の組(a, b)で答えてください。例：(2.0, 0.0)"
        yield "en", "Answer with a pair of numbers (a, b), e.g. (2.0, 0.0)."
    a, b = map(number, answer)
    if abs(b - 1) > 1e-6:
        yield "ja", "zの平均は0なので、G(z)の平均はbです。"
        yield "en", "z has mean 0, so the mean of G(z) is b."
    if abs(abs(a) - 0.25) < 1e-6:
        yield "ja", "0.25は分散です。zに掛けるのは標準偏差です。"
        yield "en", "0.25 is the variance; z is multiplied by the standard deviation."
    if abs(abs(a) - 0.5) > 1e-6:
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
    if close(answer, -ratio, rel_tol=0.02):
        yield "ja", "2つの傾きはどちらも負なので、比は正になります。"
        yield "en", "Both slopes are negative, so their ratio is positive."
    if close(answer, math.log(ratio), rel_tol=0.02):
        yield "ja", "6は比の対数です。σ(−6)は、およそe^(−6)です。"
        yield "en", "6 is the logarithm of the ratio; σ(−6) is about e^(−6)."
    if not close(answer, ratio, rel_tol=0.02):
        yield "ja", "傾きはそれぞれ−(1 − D)と−Dです。D = σ(−6)を代入して割ります。"
        yield "en", "The slopes are −(1 − D) and −D; put in D = σ(−6) and divide."


@exercise
def check_two_G_updates(answer: Callable[[GAN, Any], Any]) -> Mistakes:
    """12.4.1: a step with one update of D, then two of G, each on samples of its own."""
    seen = Watched(GAN(Experiment(width=8, depth=1, batch_size=8), (2,)), ring())
    result = call(answer, "(gan, data) -> (loss_D, loss_G)", seen.gan, seen)
    if seen.updates.count("D") != 1:
        yield "ja", "Dの更新は、1ステップにつき1回にしてください。"
        yield "en", "D has to be updated once in each step."
    if seen.updates.count("G") != 2:
        yield "ja", "Gの更新がちょうど2回になっていません。step_Gを2回呼びます。"
        yield "en", "G was not updated exactly twice: call step_G two times."
    if seen.updates[0] != "D":
        yield "ja", "順番が違います。Dを先に更新し、その答えを使ってGを更新します。"
        yield "en", "The order is off: D is updated first, and G learns from its new verdict."
    if not seen.real_reached_D():
        yield "ja", "Dが、データから引いた本物を見ていません。x_realはdata.sampleで引きます。"
        yield "en", "D has not seen samples of the data: draw x_real by data.sample."
    if len(seen.z) < 3 or not all(len(z) == 8 and z.std(0).min() > 0 for z in seen.z):
        yield "ja", "zが乱数になっていません。gan.sample_z(n)で、バッチサイズ個を引きます。"
        yield "en", "z is not noise: draw a batch of it by gan.sample_z(n)."
    if torch.equal(*seen.z[-2:]):
        yield "ja", "Gの2回の更新が同じzを使っています。更新のたびに引き直します。"
        yield "en", "Both updates of G use the same z; draw it anew for each."
    if not (isinstance(result, tuple) and len(result) == 2):
        yield "ja", "最後に、loss_Dとloss_Gの組を返してください。"
        yield "en", "Return the pair loss_D, loss_G at the end."
    loss_D, loss_G = map(number, result)
    if loss_D < loss_G:  # log 4 and log 2, before any training
        yield "ja", "2つの損失が逆です。loss_D、loss_Gの順に返してください。"
        yield "en", "The losses have changed places: return loss_D, then loss_G."


class Watched:
    """Data and a GAN that remember what they are used for, in the order of the updates.

    Args:
        gan: a fresh one.
        data: what it learns from.
    """

    def __init__(self, gan: GAN, data: Mixture) -> None:
        self.gan, self.data, self.event_shape = gan, data, data.event_shape
        self.updates: list[str] = []  # "D" or "G"
        self.z: list[Tensor] = []  # what G was asked for before each update
        self._real: list[Tensor] = []
        self._seen: dict[str, list[Tensor]] = {"D": [], "G": []}
        for name, net, optimizer in (("D", gan.D, gan.opt_D), ("G", gan.G, gan.opt_G)):
            net.register_forward_pre_hook(
                lambda _, inputs, name=name: self._seen[name].append(inputs[0].detach().clone())
            )
            optimizer.register_step_post_hook(lambda *_, name=name: self._updated(name))

    def _updated(self, name: str) -> None:
        self.updates.append(name)
        self.z += self._seen["G"][-1:]

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Samples of the data, remembered."""
        self._real.append(self.data.sample(n, rng))
        return self._real[-1]

    def real_reached_D(self) -> bool:
        """Whether all samples of one draw are among what D was shown."""
        shown = torch.cat([torch.empty(0, 2), *self._seen["D"]])
        return any(bool((x[:, None] == shown).all(-1).any(-1).all()) for x in self._real)
