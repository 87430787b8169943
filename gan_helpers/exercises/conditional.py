"""The exercises of 12.4.4."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from gan_helpers.exercises.judging import Case, Mistakes, close, exercise, number, try_loss


@exercise
def check_disobedient(answer: float) -> Mistakes:
    """12.4.4: against perfect pictures of any of ten digits D* = 1 / (1 + 1/10) where it fits."""

    if close(answer, 0.5, abs_tol=2e-3):
        yield (
            "ja",
            "1/2になるのは、Gの画像が完璧で、指定にも従う場合です。ここではq(x|y)が"
            "p(x|y)と違います。",
        )
        yield "en", "1/2 is for a perfect G that obeys as well; here q(x|y) is not p(x|y)."
    if close(answer, 0.1, abs_tol=2e-3) or close(answer, 1 / 11, abs_tol=2e-3):
        yield "ja", "偽物である確率のほうを答えていませんか。D*は本物である確率です。"
        yield "en", "That looks like the side of the fakes; D* is the probability of real."
    if close(answer, 0.9, abs_tol=2e-3):
        yield "ja", "惜しいです。q(x|y) = p(x) = p(x|y)/10をD* = p/(p + q)に代入します。"
        yield "en", "Close: put q(x|y) = p(x) = p(x|y)/10 into D* = p/(p + q)."
    if not close(answer, 10 / 11, abs_tol=2e-3):
        yield (
            "ja",
            "Gは指定を無視するのでq(x|y) = p(x)です。これをp(x|y)で表し、"
            "D* = p/(p + q)に代入します。",
        )
        yield (
            "en",
            "As G does not listen, q(x|y) = p(x). Write it in terms of p(x|y), and "
            "put it into D* = p/(p + q).",
        )


@exercise
def check_channels(answer: int) -> Mistakes:
    """12.4.4: three channels of a colour picture and one for each of 100 classes."""
    if number(answer) in (4, 101):
        yield "ja", "カラー画像のチャンネルは3つで、クラスの数だけさらに増えます。"
        yield "en", "A colour picture has three channels, and each class adds one."
    if number(answer) == 100:
        yield "ja", "画像そのもののチャンネルを忘れています。"
        yield "en", "You have left out the picture's own channels."
    if number(answer) != 103:
        yield (
            "ja",
            "画像のチャンネルの後ろに、クラスの数だけチャンネルをつなぎます。"
            "画像の大きさは関係ありません。",
        )
        yield (
            "en",
            "As many channels as there are classes come behind those of the picture; "
            "its size does not matter.",
        )


@exercise
def check_double_softmax(answer: float) -> Mistakes:
    """12.4.4: the least cross-entropy of probabilities taken for scores, log(e + 9) - 1."""
    if close(answer, 0.0, abs_tol=1e-3):
        yield (
            "ja",
            "0になるのは、スコアをそのまま渡した場合です。ここでは[1, 0, …, 0]が、"
            "もう一度ソフトマックス関数を通ります。",
        )
        yield (
            "en",
            "0 is for scores without a softmax of one's own; here [1, 0, …, 0] goes "
            "through a second one.",
        )
    if close(answer, math.log(10), abs_tol=5e-3):
        yield "ja", "log 10は、何も分からない分類器の損失です。"
        yield "en", "log 10 is the loss of a classifier that knows nothing."
    if close(answer, math.e / (math.e + 9), abs_tol=5e-3):
        yield "ja", "それは正しいクラスの「確率」です。損失はその−logです。"
        yield "en", "That is the 'probability' of the right class; the loss is its −log."
    if not close(answer, math.log(math.e + 9) - 1, abs_tol=5e-3):
        yield "ja", "[1, 0, …, 0]をソフトマックス関数に通し、正しいクラスの−logを求めます。"
        yield "en", "Put [1, 0, …, 0] through a softmax, and take −log of the right class."


@exercise
def check_matching_aware(answer: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Mistakes:
    """12.4.4: D's loss with two kinds of fakes; Reed et al. (2016), algorithm 1."""
    rng, cases = torch.Generator().manual_seed(0), []
    for n in (16, 5):
        logits = torch.randn(3, n, generator=rng).requires_grad_().unbind()
        cases.append(Case(logits, logits))
    tried = try_loss(answer, "(d_real, d_fake, d_wrong) -> loss", cases)

    def wanted(d_real: Tensor, d_fake: Tensor, d_wrong: Tensor) -> Tensor:
        return real(d_real) + (fake(d_fake) + fake(d_wrong)) / 2

    if tried.gives(lambda r, f, w: real(r) + fake(f)):
        yield "ja", "d_wrongが使われていません。間違ったラベルの組も「偽」として見せます。"
        yield "en", "d_wrong is not used; pairs with a wrong label are fakes, too."
    if tried.gives(lambda r, f, w: real(r) + fake(f) + fake(w)):
        yield "ja", "「偽」の重みが2倍になっています。2種類を半分ずつにしてください。"
        yield "en", "The fakes weigh twice as much; let each kind have half of the weight."
    if tried.gives(lambda r, f, w: (real(r) + real(w)) / 2 + fake(f)):
        yield "ja", "d_wrongを本物の側に入れています。画像は本物でも、組としては偽です。"
        yield "en", "d_wrong is on the side of the real ones; the picture is real, the pair is not."
    if not tried.gives(wanted):
        yield (
            "ja",
            "softplus(-d_real)の平均に、softplus(d_fake)の平均とsoftplus(d_wrong)の"
            "平均を、半分ずつ足します。",
        )
        yield (
            "en",
            "Add half of each mean, of softplus(d_fake) and softplus(d_wrong), to "
            "that of softplus(-d_real).",
        )
    yield from tried.lacks_gradient(wanted)


def real(logits: Tensor) -> Tensor:
    """-E[log D]."""
    return softplus(-logits).mean()


def fake(logits: Tensor) -> Tensor:
    """-E[log(1 - D)]."""
    return softplus(logits).mean()
