"""Answers to the exercises: right ones, and wrong ones with what their hint has to speak of."""

import math

import torch
from torch.nn.functional import l1_loss, mse_loss, softplus

from gan_helpers.training import step_D, step_G, train_step

# --- functions that a reader might write ---------------------------------------------------------


def two_G(gan, data):
    n = gan.experiment.batch_size
    loss_D = step_D(gan, data.sample(n, gan.rng), gan.sample_z(n))
    step_G(gan, gan.sample_z(n))
    return loss_D, step_G(gan, gan.sample_z(n))


def G_first(gan, data):
    """G, G, D on zeros, with one z."""
    z = gan.sample_z(8)
    step_G(gan, z)
    loss_G = step_G(gan, z)
    return step_D(gan, torch.zeros(8, 2), z), loss_G


def on(draw_x, draw_z):
    """D, G, G on x and z drawn in these ways; z of each update by its number."""

    def step(gan, data):
        loss_D = step_D(gan, draw_x(gan, data), draw_z(gan, 0))
        step_G(gan, draw_z(gan, 1))
        return loss_D, step_G(gan, draw_z(gan, 2))

    return step


def sampled(gan, data):
    return data.sample(8, gan.rng)


def losses_by(see_real, see_fake, see_in_G=None):
    """Both losses, with D seeing the pictures in these ways."""
    see_in_G = see_in_G or see_fake

    def losses(D, T, real, fake):
        loss_D = softplus(-D(see_real(T, real))).mean() + softplus(D(see_fake(T, fake))).mean()
        return loss_D, softplus(-D(see_in_G(T, fake))).mean()

    return losses


def transformed(T, x):
    return T(x)


def untouched(T, x):
    return x


def almost_detached(T, x):
    """Of the right value, with a thousandth of the gradient."""
    x = T(x)
    return x.detach() + 0.001 * (x - x.detach())


def penalised(
    weight=10.0,
    sign=1,
    fine=1,
    mix=lambda r, f, e: e * r + (1 - e) * f,
    norm=lambda g: g.norm(dim=1),
    create_graph=True,
):
    """The critic's loss with gradient penalty, right unless something is changed."""

    def critic_loss(critic, x_real, x_fake, epsilon):
        x_hat = mix(x_real, x_fake, epsilon).requires_grad_()
        (g,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=create_graph)
        gap = critic(x_fake).mean() - critic(x_real).mean()
        return sign * gap + fine * weight * (norm(g) - 1).square().mean()

    return critic_loss


def matching(d_real, d_fake, d_wrong):
    return softplus(-d_real).mean() + (softplus(d_fake).mean() + softplus(d_wrong).mean()) / 2


def cycle(ab, ba, a, b):
    return l1_loss(ba(ab(a)), a) + l1_loss(ab(ba(b)), b)


def cycle_cut(ab, ba, a, b):
    """No gradient to the first generator of each way."""
    return l1_loss(ba(ab(a).detach()), a) + l1_loss(ab(ba(b).detach()), b)


def one_sided(s):
    return (s - 1).relu().square().mean()


def one_sided_in_place(s):
    s -= 1
    return s.relu().square().mean()


def pack(x, m):
    return x.reshape(len(x) // m, -1)


def pack_in_place(x, m):
    packs = pack(x, m).clone()
    x *= 0
    return packs


# --- right ones ----------------------------------------------------------------------------------

RIGHT = {
    "check_value_at_equality": [-math.log(4), -1.3863],
    "check_optimal_logit": [lambda x: 0.5 - x, lambda x: (1 - 2 * x) / 2],
    "check_linear_generator": [(0.5, 1.0), (-0.5, 1.0), [0.5, 1]],
    "check_gradient_ratio": [math.exp(6), 403],
    "check_two_G_updates": [two_G, on(sampled, lambda gan, _: gan.sample_z(8))],
    "check_stuck_slope": [-1e-4, -0.0001],
    "check_best_answer": ["b", " B "],
    "check_spectral_norm": [math.sqrt(45), 6.708],
    "check_pack": [pack, lambda x, m: x.unflatten(0, (-1, m)).flatten(1)],
    "check_diagnosis": [
        {"A": "non_convergence", "B": "vanishing_gradient", "C": "mode_collapse"},
    ],
    "check_cure": [{"r1": 0.1}, {"spectral_norm": True}, {"gradient_penalty": 1.0}],
    "check_distance_by_hand": [5 / 3, 1.667],
    "check_what_jsd_sees": [0, 0.0],
    "check_penalised_slope": [1.15],
    "check_one_sided": [one_sided, lambda s: ((s - 1).clamp(min=0) ** 2).mean()],
    "check_critic_loss": [
        penalised(),
        penalised(mix=lambda r, f, e: torch.lerp(f, r, e)),
        penalised(norm=lambda g: g.square().sum(1).sqrt()),
    ],
    "check_disobedient": [10 / 11, 0.909],
    "check_channels": [103],
    "check_double_softmax": [math.log(math.e + 9) - 1, 1.461],
    "check_matching_aware": [
        matching,
        lambda real, fake, wrong: (
            softplus(-real).mean() + softplus(torch.cat([fake, wrong])).mean()
        ),
    ],
    "check_patch_width": [34],
    "check_least_l1": [1, 1.0],
    "check_cycle_loss": [
        cycle,
        lambda ab, ba, a, b: (ba(ab(a)) - a).abs().mean() + (ab(ba(b)) - b).abs().mean(),
    ],
    "check_negatives": [0, 0.0],
    "check_mirrored": [{0, 1, 8}, [8, 1, 0], (0, 1, 8)],
    "check_flipped": [{0, 1, 4, 8}, [8, 4, 1, 0]],
    "check_quarter_turns": [0.55, 1 - 0.6 + 0.6 / 4],
    "check_heuristic": [0.5, 2 / 4],
    "check_augmented_loss": [
        losses_by(transformed, transformed),
        losses_by(transformed, lambda T, x: T(x.detach()), transformed),
    ],
}

# --- wrong ones: the answer, and a word of the hint in English and in Japanese -------------------

WRONG = {
    "check_value_at_equality": [
        (math.log(4), "sign", "符号"),
        (-math.log(2), "one of the terms", "項1つ分"),
        (0.0, "both terms", "両方の項"),
    ],
    "check_optimal_logit": [
        (lambda x: torch.sigmoid(0.5 - x), "before the sigmoid", "シグモイド"),
        (lambda x: x - 0.5, "sign", "符号"),
        (lambda x: -x, "log p", "log p"),
        (lambda x: x.nothing, "AttributeError", "AttributeError"),
        (lambda x: torch.tensor(0.5), "shape", "形"),
        (lambda x: 0.5 - torch.linspace(-4, 4, 81), "shape", "形"),
        (lambda x: (0.5 - x).tolist(), "stay a tensor", "テンソルのまま"),
        (lambda x: (0.5 - x) / 0, "division", "割り算"),
    ],
    "check_linear_generator": [
        ((0.5, 0.0), "mean of G", "平均"),
        ((0.25, 1.0), "variance", "分散"),
        ((2.0, 1.0), r"\|a\|", r"\|a\|"),
        (0.5, "pair of numbers", "2つの数の組"),
        ((0.5, 1.0, 2.0), "pair of numbers", "2つの数の組"),
        ((math.nan, math.nan), "nan", "nan"),
        ("ab", "pair of numbers", "2つの数の組"),
    ],
    "check_gradient_ratio": [
        (math.exp(-6), "other way round", "逆"),
        (6.0, "logarithm", "対数"),
        (-403.0, "positive", "正"),
        (100.0, "slopes", "傾き"),
    ],
    "check_two_G_updates": [
        (train_step, "exactly twice", "2回"),
        (lambda gan, data: (train_step(gan, data), train_step(gan, data)), "updated once", "1回"),
        (lambda gan, data: (two_G(gan, data), None)[1], "Return the pair", "組を返して"),
        (lambda gan, data: nothing, "NameError", "NameError"),  # noqa: F821
        (G_first, "order", "順番"),
        (on(lambda *_: torch.zeros(8, 2), lambda gan, _: gan.sample_z(8)), "data.sample", "本物"),
        (on(sampled, lambda *_: torch.zeros(8, 2)), "noise", "乱数"),
        (on(sampled, lambda *_: torch.arange(16.0).view(8, 2)), "same z", "同じz"),
        (lambda gan, data: two_G(gan, data)[::-1], "changed places", "逆"),
        (lambda gan, data: ("D", *two_G(gan, data)[1:]), "not a number", "数ではありません"),
    ],
    "check_stuck_slope": [
        (-0.9999, "non-saturating", "非飽和"),
        (1e-4, "sign", "符号"),
        (0.5, "softplus", "softplus"),
    ],
    "check_best_answer": [
        ("a", "stands still", "動きません"),
        ("c", "mean", "平均"),
        ("d", "one of 'a', 'b', 'c'", "どれか"),
    ],
    "check_spectral_norm": [
        (math.sqrt(50), "Frobenius", "フロベニウス"),
        (5.0, "eigenvalue", "固有値"),
        (8.0, "root of", "平方根"),
    ],
    "check_pack": [
        (lambda x, m: x, "shape", "形"),
        (
            lambda x, m: x.reshape(m, -1, x.shape[1]).transpose(0, 1).reshape(len(x) // m, -1),
            "neighbours",
            "隣り合う",
        ),
        (lambda x, m: x.oops(), "AttributeError", "AttributeError"),
        (lambda x, m: x.reshape(4, 6), "stops at another", "大きさを変えると"),
        (lambda x, m: x[:, :1].repeat(1, 6)[:4], "by x and m", "xとm"),
        (lambda x, m: pack(x, m).detach(), "gradient", "勾配"),
        (lambda x, m: pack(x, m).tolist(), "stay a tensor", "テンソルのまま"),
        (pack_in_place, "changes the tensor", "書き換え"),
    ],
    "check_diagnosis": [
        (
            {"A": "mode_collapse", "B": "vanishing_gradient", "C": "non_convergence"},
            "one blob",
            "山",
        ),
        (
            {"A": "vanishing_gradient", "B": "non_convergence", "C": "mode_collapse"},
            "orders of magnitude",
            "何桁",
        ),
        (dict.fromkeys("ABC", "mode_collapse"), "No two", "3つとも違います"),
        ({"A": "cold", "B": "flu", "C": "mode_collapse"}, "none of them", "どれでも"),
        ("BAC", "dictionary", "辞書"),
    ],
    "check_cure": [
        ("r1", "one setting", "設定を1つだけ"),
        ({"r1": 0.1, "lr_D": 1e-3}, "one setting", "設定を1つだけ"),
        ({"width": 8}, "one setting", "設定を1つだけ"),
        ({"r1": math.nan}, "does not take r1", "受け取れません"),
        ({"loss": "magic"}, "does not take loss", "受け取れません"),
        ({"d_steps": 10}, "already", "はじめから"),
        ({"d_steps": 100}, "10 at most", "10まで"),
        ({"d_steps": 1}, "Taking back", "原因を取り除いても"),
        ({"loss": "hinge"}, "Another loss", "損失を変えても"),
    ],
    "check_distance_by_hand": [
        (3.0, "as they are written", "書かれた順"),
        (5.0, "average", "平均"),
        (1.0, "Sorted", "小さい順"),
    ],
    "check_what_jsd_sees": [
        (0.693, "JSD itself", "JSDの値そのもの"),
        (1.386, "2 JSD", "2 JSD"),
        (9.9, "W1", "Wasserstein"),
    ],
    "check_penalised_slope": [
        (1.0, "balances", "つり合い"),
        (1.3, "factor 2", "2乗を微分"),
        (2.0, "derivative", "微分して"),
    ],
    "check_one_sided": [
        (lambda s: (s - 1).square().mean(), "two-sided", "両側"),
        (lambda s: (s - 1).relu().mean(), "Square the excess", "2乗してから"),
        (lambda s: (s - 1).relu().square().sum(), "Average instead", "平均にして"),
        (lambda s: s.mean(), "relu", "relu"),
        (lambda s: (s - 1).mean().relu().square(), "each sample", "サンプルごと"),
        (lambda s: (s - 1).relu().square(), "shape", "形"),
        (lambda s: one_sided(s).item(), "stay a tensor", "テンソルのまま"),
        (lambda s: one_sided(s.detach()), "no gradient", "勾配が正しく"),
        (lambda s: torch.tensor(2.0), "relu", "relu"),
        (one_sided_in_place, "changes the tensor", "書き換え"),
    ],
    "check_critic_loss": [
        (penalised(weight=0.0), "no penalty", "ペナルティがありません"),
        (penalised(weight=1.0), "λ = 10", "λ = 10"),
        (penalised(sign=-1), "scores have the wrong sign", "点数の差の符号"),
        (penalised(fine=-1), "penalty has the wrong sign", "ペナルティの符号"),
        (penalised(mix=lambda r, f, e: e * f + (1 - e) * r), "at ε = 1", "ε = 1"),
        (penalised(mix=lambda r, f, e: r.clone()), "between real and fake", "混ぜた点"),
        (penalised(norm=lambda g: g.norm()), "whole batch", "バッチ全体"),
        (penalised(norm=lambda g: g.square().sum(1)), "autograd.grad", "autograd.grad"),
        (penalised(create_graph=False), "create_graph=True", "create_graph=True"),
        (lambda *given: penalised()(*given).item(), "stay a tensor", "テンソルのまま"),
        (lambda c, r, f, e: c(f) - c(r), "shape", "形"),
    ],
    "check_disobedient": [
        (0.5, "obeys as well", "指定にも従う"),
        (0.1, "side of the fakes", "偽物である確率"),
        (0.9, "Close", "惜しい"),
        (0.7, "does not listen", "無視"),
    ],
    "check_channels": [
        (4, "three channels", "3つ"),
        (100, "own channels", "画像そのもの"),
        (32, "size does not matter", "大きさは関係"),
    ],
    "check_double_softmax": [
        (0.0, "second one", "もう一度"),
        (math.log(10), "knows nothing", "何も分からない"),
        (0.232, "is its −log", "−log"),
        (2.0, "through a softmax", "ソフトマックス"),
    ],
    "check_matching_aware": [
        (
            lambda real, fake, wrong: softplus(-real).mean() + softplus(fake).mean(),
            "not used",
            "使われていません",
        ),
        (
            lambda real, fake, wrong: (
                softplus(-real).mean() + softplus(fake).mean() + softplus(wrong).mean()
            ),
            "twice as much",
            "2倍",
        ),
        (
            lambda real, fake, wrong: (
                (softplus(-real).mean() + softplus(-wrong).mean()) / 2 + softplus(fake).mean()
            ),
            "the pair is not",
            "組としては偽",
        ),
        (lambda real, fake, wrong: real.mean(), "half of each mean", "半分ずつ"),
        (lambda *d: matching(*d).item(), "stay a tensor", "テンソルのまま"),
        (lambda r, f, w: matching(r, f, w.detach()), "no gradient", "勾配が正しく"),
        (lambda *d: torch.tensor(math.nan), "nan", "nan"),
    ],
    "check_patch_width": [
        (13, "strides are missing", "ストライドが抜けて"),
        (70, "count them", "確かめて"),
        (20, "last layer", "最後の層"),
        ([34], "not a number", "数ではありません"),
    ],
    "check_least_l1": [
        (0.4, "squared", "2乗"),
        (0.0, "there is less", "もっと小さく"),
        (-1.0, "a larger c", "cを増やす"),
        (True, "not a number", "数ではありません"),
    ],
    "check_cycle_loss": [
        (lambda ab, ba, a, b: l1_loss(ba(ab(a)), a), "one way only", "片道"),
        (lambda ab, ba, a, b: l1_loss(ab(a), b) + l1_loss(ba(b), a), "shape|no pairs", "形|ペア"),
        (
            lambda ab, ba, a, b: mse_loss(ba(ab(a)), a) + mse_loss(ab(ba(b)), b),
            "squared",
            "2乗",
        ),
        (lambda ab, ba, a, b: a.mean(), "Add the L1", "L1を求め"),
        (cycle_cut, "no gradient", "勾配が正しく"),
        (lambda *given: cycle(*given).item(), "stay a tensor", "テンソルのまま"),
        (lambda ab, ba, a, b: 1.5 + 0 * ab(a).mean(), "Add the L1", "L1を求め"),
    ],
    "check_negatives": [
        (2.0, "one way", "片道"),
        (-1.0, "not negative", "負にはなりません"),
        (0.5, "There and back", "行って戻る"),
    ],
    "check_mirrored": [
        ({0, 8, 10}, "from 0 to 9", "0から9"),
        (8, "from 0 to 9", "0から9"),
        ({0, 1, 2, 8}, "left and a right", "左右が決まって"),
        ({0, 8}, "There are more", "まだあります"),
        ("018", "from 0 to 9", "0から9"),
        ({0, (1, 8)}, "from 0 to 9", "0から9"),
    ],
    "check_flipped": [
        ({0, 1, 8}, "1 more", "1種類"),
        ({0, 1, 4, 8, 9}, "9: 21 %", "9: 21 %"),
        (set(range(10)), "6 of these", "6種類"),
        ("0148", "from 0 to 9", "0から9"),
    ],
    "check_quarter_turns": [
        (0.4, "one turn in four", "4回に1回"),
        (0.25, "with p = 1", "p = 1"),
        (0.9, "not transf", "変換しない割合"),
    ],
    "check_heuristic": [
        (1.125, "mean of the logits", "ロジットの平均"),
        (0.75, "called real", "「本物」と答えた割合"),
        (0.0, "four signs", "4つの符号"),
    ],
    "check_augmented_loss": [
        (losses_by(untouched, untouched), "no transform in the loss of D", "Dの損失に変換"),
        (losses_by(transformed, untouched), "that leaks", "漏れます"),
        (
            lambda D, T, real, fake: (D(real).mean(), D(fake).mean()),
            "cross-entropy of D",
            "交差エントロピー",
        ),
        (losses_by(transformed, transformed, untouched), "In the loss of G", "Gの損失でも"),
        (
            losses_by(transformed, transformed, lambda T, x: -T(x)),
            "the mean of -log",
            "平均です",
        ),
        (
            lambda D, T, real, fake: (
                losses_by(transformed, transformed)(D, T, real, fake)[0],
                -softplus(D(T(fake))).mean(),
            ),
            "saturating",
            "飽和する",
        ),
        (
            losses_by(transformed, transformed, lambda T, x: T(x).detach()),
            "reach G",
            "Gに届かなければ",
        ),
        (losses_by(transformed, transformed, almost_detached), "reach G", "Gに届かなければ"),
        (lambda D, T, real, fake: D(T(real)).mean(), "pair of losses", "組"),
        (
            lambda *given: tuple(
                loss.item() for loss in losses_by(transformed, transformed)(*given)
            ),
            "stay a tensor",
            "テンソルのまま",
        ),
    ],
}
