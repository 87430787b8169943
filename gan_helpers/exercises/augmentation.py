"""The exercises of 12.4.6."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import softplus

from gan_helpers.classifier import classify, load_classifier
from gan_helpers.datasets.images import load_mnist
from gan_helpers.exercises.judging import (
    SPACE,
    Case,
    Mistakes,
    Tried,
    call_each,
    close,
    digits,
    exercise,
    tensor,
)

LOGITS = (2.0, 0.5, -1.0, 3.0)  # of four real pictures
Map = Callable[[Tensor], Tensor]


@exercise
def check_mirrored(answer: Collection[int]) -> Mistakes:
    """12.4.6: the digits that a mirror leaves readable as themselves: 0, 1 and 8."""
    given = digits(answer)
    if given & {2, 3, 4, 5, 6, 7, 9}:
        yield "ja", "左右が決まっている数字が入っています。鏡に映しても、同じ数字に見えますか。"
        yield "en", "One of these has a left and a right: in a mirror it is not itself."
    if given != {0, 1, 8}:
        yield "ja", "まだあります。左右対称な数字を探してください。"
        yield "en", "There are more: look for digits whose left is like their right."


@exercise
def check_quarter_turns(answer: float) -> Mistakes:
    """12.4.6: turns by 0 to 3 quarters, applied with p = 0.6, leave 0.55 as they were."""
    if close(answer, 0.4, abs_tol=1e-6):
        yield "ja", "変換が選ばれても、4回に1回は0度の回転です。"
        yield "en", "Even when the transform is applied, one turn in four is by 0 degrees."
    if close(answer, 0.25, abs_tol=1e-6):
        yield "ja", "それはp = 1のときの答えです。p = 0.6なら、変換しない画像もあります。"
        yield "en", "That would be so with p = 1; with p = 0.6 some are left alone."
    if not close(answer, 0.55, abs_tol=1e-6):
        yield "ja", "変換しない割合（1 − p）に、変換しても0度だった割合を足します。"
        yield "en", "Add the share that is not transformed, 1 − p, to that turned by 0."


@exercise
def check_heuristic(answer: float) -> Mistakes:
    """12.4.6: r_t of the logits 2, 0.5, -1, 3 is the mean of their signs, 0.5."""
    mean = sum(LOGITS) / len(LOGITS)
    if close(answer, mean, abs_tol=1e-6):
        yield "ja", "それはロジットの平均です。r_tでは、先に符号（+1か−1）にします。"
        yield "en", "That is the mean of the logits; for r_t take their signs first."
    if close(answer, 0.75, abs_tol=1e-6):
        yield "ja", "それは「本物」と答えた割合です。符号の平均では、外れは-1です。"
        yield "en", "That is the share called real; among the signs the others are -1."
    if not close(answer, 0.5, abs_tol=1e-6):
        yield "ja", "4つの符号（+1か−1）を足し、4で割ります。"
        yield "en", "Add the four signs, +1 or −1, and divide by 4."


@exercise
def check_augmented_loss(
    answer: Callable[[Map, Map, Tensor, Tensor], Sequence[Tensor]],
) -> Mistakes:
    """12.4.6: both losses with T before D everywhere (DiffAugment), non-saturating."""
    rng, cases = torch.Generator().manual_seed(0), []
    steep = torch.tensor(3.0, requires_grad=True)

    def D(x: Tensor) -> Tensor:
        return steep * x.mean((1, 2, 3)) - 1

    def T(x: Tensor) -> Tensor:
        return 0.5 * x + 0.3

    for n, size in ((6, 4), (5, 8)):
        x_real, x_fake = torch.rand(2, n, 1, size, size, generator=rng)
        cases.append(Case((D, T, x_real, x_fake.requires_grad_()), (x_fake,)))
    wanted = "(D, T, x_real, x_fake) -> (loss_D, loss_G)"
    pairs = call_each(answer, wanted, [case.given for case in cases])
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        yield "ja", "2つの損失の組(loss_D, loss_G)を返してください。"
        yield "en", "Return the pair of losses (loss_D, loss_G)."
    losses_D, losses_G = (
        [tensor(loss, ()) for loss in losses] for losses in zip(*pairs, strict=True)
    )
    loss_D = Tried(losses_D, [Case(case.given, (steep,)) for case in cases])
    loss_G = Tried(losses_G, cases)
    if loss_D.gives(lambda D, T, real, fake: game(D, real, fake)):
        yield "ja", "Dの損失に変換が入っていません。"
        yield "en", "There is no transform in the loss of D."
    if loss_D.gives(lambda D, T, real, fake: game(D, T(real), fake)):
        yield "ja", "Dの損失で変換したのは本物だけです。これでは変換が生成画像に漏れます。"
        yield "en", "In the loss of D only the real ones are transformed: that leaks."
    if not loss_D.gives(both):
        yield "ja", "Dの損失は、D(T(x_real))とD(T(x_fake))の交差エントロピーです。"
        yield "en", "The loss of D is the cross-entropy of D(T(x_real)) and D(T(x_fake))."
    yield from loss_D.lacks_gradient(both)
    if loss_G.gives(lambda D, T, real, fake: softplus(-D(fake)).mean()):
        yield "ja", "Gの損失でも、Dに見せる前に変換します。"
        yield "en", "In the loss of G, too, D has to see T(x_fake)."
    if loss_G.gives(lambda D, T, real, fake: -softplus(D(T(fake))).mean()):
        yield "ja", "それは飽和する損失です。Gの損失は-log D(T(x_fake))の平均にします。"
        yield "en", "That is the saturating loss; let G's be the mean of -log D(T(x_fake))."
    if not loss_G.gives(fooled):
        yield "ja", "Gの損失は、-log D(T(x_fake))の平均です（非飽和の損失）。"
        yield "en", "The loss of G is the mean of -log D(T(x_fake)) (non-saturating)."
    for lang, words in loss_G.lacks_gradient(fooled):
        more = {
            "ja": "勾配はDとTを通って、そのままGに届かなければなりません。",
            "en": "It has to reach G through D and T, as it is.",
        }
        yield lang, words + SPACE[lang] + more[lang]


def game(D: Map, x_real: Tensor, x_fake: Tensor) -> Tensor:
    """-E[log D(x_real)] - E[log(1 - D(x_fake))]."""
    return softplus(-D(x_real)).mean() + softplus(D(x_fake)).mean()


def both(D: Map, T: Map, x_real: Tensor, x_fake: Tensor) -> Tensor:
    """The loss of D where both are transformed."""
    return game(D, T(x_real), T(x_fake))


def fooled(D: Map, T: Map, x_real: Tensor, x_fake: Tensor) -> Tensor:
    """The non-saturating loss of G where both are transformed."""
    return softplus(-D(T(x_fake))).mean()


@exercise
def check_flipped(answer: Collection[int]) -> Mistakes:
    """12.4.6: the digits that the classifier takes for themselves when they are flipped."""
    given, kept = digits(answer), kept_when_flipped()
    survive = {digit for digit, share in enumerate(kept) if share > 0.5}
    if wrong := given - survive:
        yield (
            "ja",
            f"{len(wrong)}種類は、反転すると半分も残りません。反転しても元の数字と読まれた割合"
            f"は、{shares_of(kept, wrong)}です。その数字を鏡に映すと、何に似ていますか。",
        )
        yield (
            "en",
            f"Fewer than half survive for {len(wrong)} of these. Still read as themselves: "
            f"{shares_of(kept, wrong)}. What does that digit look like in a mirror?",
        )
    if survive - given:
        yield (
            "ja",
            f"挙げた数字は、どれも生き残ります（{shares_of(kept, given)}）。ほかに"
            f"{len(survive - given)}種類あります。分類器が選べる答えは10種類だけです。",
        )
        yield (
            "en",
            f"All of these survive ({shares_of(kept, given)}), and {len(survive - given)} more "
            "do: the classifier has only ten answers to choose from.",
        )
    every = shares_of(kept, range(10))
    return {"ja": f"元の数字と読まれた割合：{every}", "en": f"Read as themselves: {every}"}


def shares_of(kept: Sequence[float], which: Collection[int]) -> str:
    """Digits and their shares, as a reader is told them."""
    return ", ".join(f"{d}: {100 * kept[d]:.0f} %" for d in sorted(which)) or "–"


@cache
def kept_when_flipped() -> tuple[float, ...]:
    """For each digit of MNIST's test set (28 x 28), the share that is read as it when flipped."""
    test = load_mnist("test", size=28)
    read, _ = classify(load_classifier(28), test.x.flip(-1))
    return tuple(float((read[test.y == d] == d).float().mean()) for d in range(10))
