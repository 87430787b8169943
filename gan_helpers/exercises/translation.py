"""The exercises of 12.4.5."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from gan_helpers.exercises.judging import Case, Mistakes, close, exercise, number, try_loss

Map = Callable[[Tensor], Tensor]


@exercise
def check_patch_width(answer: int) -> Mistakes:
    """12.4.5: four convolutions of 4 x 4, the first two with stride 2, see patches of 34."""
    if number(answer) == 13:
        yield (
            "ja",
            "ストライドが抜けています。ストライドsの層では、それより後の層の1画素が、"
            "s画素おきに並びます。",
        )
        yield (
            "en",
            "The strides are missing: below a layer of stride s, pixels that were "
            "neighbours lie s apart.",
        )
    if number(answer) in (16, 70):
        yield "ja", "ストライド2の層は2つです。層の数を確かめてください。"
        yield "en", "Two of the layers have stride 2; count them again."
    if number(answer) != 34:
        yield "ja", "最後の層の1画素から逆にたどります。層ごとに、幅rがs(r − 1) + 4に広がります。"
        yield "en", "Begin at the last layer with one pixel; each layer makes r to s (r − 1) + 4."


@exercise
def check_least_l1(answer: float) -> Mistakes:
    """12.4.5: what is nearest by L1 to 1 (with probability 0.7) and -1 (0.3) is the median, 1."""

    if close(answer, 0.4, abs_tol=1e-3):
        yield "ja", "0.4は平均です。平均が最もよいのは、差の2乗を損失にする場合です。"
        yield "en", "0.4 is the mean, which is best where the difference is squared."
    if close(answer, 0.0, abs_tol=1e-3):
        yield "ja", "0では、どちらの場合も差が1です。L1の期待値は1で、もっと小さくできます。"
        yield "en", "At 0 the difference is 1 either way, so L1 is 1; there is less."
    if not close(answer, 1.0, abs_tol=1e-3):
        yield (
            "ja",
            "値cを選んだときのL1の期待値は0.7(1 − c) + 0.3(c + 1)です。"
            "cを増やすと、どうなりますか。",
        )
        yield (
            "en",
            "With the value c, L1 is 0.7 (1 − c) + 0.3 (c + 1) on average. What "
            "does a larger c do to it?",
        )


@exercise
def check_cycle_loss(answer: Callable[[Map, Map, Tensor, Tensor], Tensor]) -> Mistakes:
    """12.4.5: eq. (2) of Zhu et al. (2017), both ways there and back."""
    rng, cases = torch.Generator().manual_seed(0), []
    scale, share = (torch.tensor(v, requires_grad=True) for v in (2.0, 1 / 3))

    def ab(x: Tensor) -> Tensor:
        return scale * x + 1

    def ba(x: Tensor) -> Tensor:
        return share * x

    for shape in ((4, 1, 8, 8), (3, 2, 4, 4)):
        a, b = torch.rand(2, *shape, generator=rng)
        cases.append(Case((ab, ba, a, b), (scale, share)))
    tried = try_loss(answer, "(ab, ba, a, b) -> loss", cases)

    def wanted(ab: Map, ba: Map, a: Tensor, b: Tensor) -> Tensor:
        return l1_loss(ba(ab(a)), a) + l1_loss(ab(ba(b)), b)

    if tried.gives(
        lambda ab, ba, a, b: l1_loss(ba(ab(a)), a), lambda ab, ba, a, b: l1_loss(ab(ba(b)), b)
    ):
        yield "ja", "片道分しかありません。AからもBからも、行って戻ります。"
        yield "en", "That is one way only; go there and back from A and from B."
    if tried.gives(lambda ab, ba, a, b: l1_loss(ab(a), b) + l1_loss(ba(b), a)):
        yield (
            "ja",
            "aとbはペアではないので、変換した画像と比べる相手がありません。"
            "戻ってきた画像と比べます。",
        )
        yield (
            "en",
            "a and b are no pairs, so there is nothing to hold a translation "
            "against; take what has come back.",
        )
    if tried.gives(lambda ab, ba, a, b: mse_loss(ba(ab(a)), a) + mse_loss(ab(ba(b)), b)):
        yield "ja", "差を2乗しています。論文が使うのは差の絶対値（L1）です。"
        yield "en", "The differences are squared; the paper takes their absolute values."
    if not tried.gives(wanted):
        yield "ja", "ba(ab(a))とa、ab(ba(b))とbのL1を求め、足します。"
        yield "en", "Add the L1 between ba(ab(a)) and a to that between ab(ba(b)) and b."
    yield from tried.lacks_gradient(wanted)


@exercise
def check_negatives(answer: float) -> Mistakes:
    """12.4.5: two generators that both turn pictures into negatives have a cycle loss of 0."""
    if number(answer) < 0:
        yield "ja", "絶対値の平均なので、負にはなりません。"
        yield "en", "It is a mean of absolute values, so it is not negative."
    if close(answer, 2.0, abs_tol=1e-6) or close(answer, 4.0, abs_tol=1e-6):
        yield "ja", "それは片道で、画像とそのネガとの差です。比べるのは、戻ってきた画像です。"
        yield "en", "That is one way, a picture beside its negative; take what has come back."
    if not close(answer, 0.0, abs_tol=1e-6):
        yield "ja", "行って戻ると −(−x) = x です。元の画像との差はいくつですか。"
        yield "en", "There and back it is −(−x) = x. How far is that from the picture?"
