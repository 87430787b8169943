"""The exercises of 12.4.2."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from gan_helpers.checks import brief
from gan_helpers.datasets.points import ring
from gan_helpers.ensemble import Ensemble
from gan_helpers.exercises.judging import (
    Case,
    Mistakes,
    NoAnswer,
    Tried,
    call_each,
    close,
    exercise,
    tensor,
    word,
)
from gan_helpers.experiment import Experiment
from gan_helpers.metrics import mode_coverage
from gan_helpers.remedies import ILLNESSES
from gan_helpers.training import GAN, gradient_norm, step_D, train_step

SMALL = Experiment(batch_size=64)  # of which the ill GANs of these exercises are variants


@exercise
def check_stuck_slope(answer: float) -> Mistakes:
    """12.4.2: the slope of E[log(1 - D)] over the logit is -D, so about -1e-4 at D = 1e-4."""
    if close(answer, -1.0, rel_tol=0.02):
        yield "ja", "それは非飽和の損失（−log D）の傾き、−(1 − D)です。"
        yield "en", "That is the slope of the non-saturating loss, −(1 − D)."
    if close(answer, 1e-4, rel_tol=0.02):
        yield "ja", "符号が逆です。ロジットが増えるほどDは1に近づき、log(1 − D)は減ります。"
        yield "en", "The sign is off: a larger logit makes log(1 − D) smaller."
    if not close(answer, -1e-4, rel_tol=0.02):
        yield "ja", "log(1 − D) = −softplus(d)をdで微分すると−σ(d)、つまり−Dです。"
        yield "en", "log(1 − D) = −softplus(d) has the slope −σ(d), that is −D."


@exercise
def check_best_answer(answer: str) -> Mistakes:
    """12.4.2: against a fixed D the best G puts all of its samples on D's maximum."""
    given = word(answer, ("a", "b", "c"))
    if given == "a":
        yield "ja", "それはDも動くときのゴールです。ここではDは動きません。"
        yield "en", "That is the goal where D moves as well; here D stands still."
    if given != "b":
        yield (
            "ja",
            "損失は平均です。1つのサンプルにとっていちばん良い場所は、"
            "ほかのサンプルにとっても同じです。",
        )
        yield (
            "en",
            "The loss is a mean: the best place for one sample is the best place for every other.",
        )


@exercise
def check_spectral_norm(answer: float) -> Mistakes:
    """12.4.2: the largest singular value of [[3, 0], [4, 5]] is sqrt(45)."""
    best = math.sqrt(45)
    if close(answer, math.sqrt(50), rel_tol=0.005):
        yield "ja", "それは成分の2乗和の平方根（フロベニウスノルム）です。"
        yield "en", "That is the root of the sum of squares, the Frobenius norm."
    if close(answer, 5.0, rel_tol=0.005):
        yield "ja", "それは固有値です。最も伸びる向きは、固有ベクトルの向きとは限りません。"
        yield "en", "That is an eigenvalue; the greatest stretch need not be along an eigenvector."
    if not close(answer, best, rel_tol=0.005):
        yield (
            "ja",
            "WᵀWの最大固有値の平方根です。torch.linalg.matrix_norm(W, ord=2)でも求まります。",
        )
        yield (
            "en",
            "It is the root of the largest eigenvalue of WᵀW; "
            "torch.linalg.matrix_norm with ord=2 finds it, too.",
        )


@exercise
def check_pack(answer: Callable[[Tensor, int], Tensor]) -> Mistakes:
    """12.4.2: packing m samples side by side, [N, d] -> [N / m, m d]."""
    rng, cases = torch.Generator().manual_seed(0), []
    for n, d, m in ((12, 2, 3), (10, 3, 5)):
        x = torch.randn(n, d, generator=rng).requires_grad_()
        cases.append(Case((x, m), (x,)))
    packs = call_each(answer, "(x, m) -> packs [N / m, m * d]", [case.given for case in cases])
    shapes = [list(getattr(pack, "shape", ())) for pack in packs]
    if shapes[0] not in ([], [4, 6]):
        yield "ja", "12個の点[12, 2]を3個ずつまとめると、形は[4, 6]になります。"
        yield "en", "12 points [12, 2] in packs of 3 have the shape [4, 6]."
    if shapes[1] not in ([], [2, 15]):
        yield "ja", "10個の点[10, 3]を5個ずつまとめると、形は[2, 15]です。数はxとmから求めます。"
        yield "en", "10 points [10, 3] in packs of 5 have the shape [2, 15]: go by x and m."
    tried = Tried([tensor(packs[0], (4, 6)), tensor(packs[1], (2, 15))], cases)
    if not tried.gives(in_packs):
        yield "ja", "1つの行には、隣り合うm個の点の座標が順に並びます。"
        yield "en", "A row holds the coordinates of m neighbours, one after another."
    yield from tried.lacks_gradient(in_packs)


def in_packs(x: Tensor, m: int) -> Tensor:
    """m neighbours in a row."""
    return x.reshape(len(x) // m, -1)


# --- which illness is it? ------------------------------------------------------------------------

#: Three GANs, and how many updates D is ahead of G when it begins.
PATIENTS = {
    "A": (replace(SMALL, **ILLNESSES["non_convergence"]), 0),
    "B": (replace(SMALL, **ILLNESSES["vanishing_gradient"]), 1000),
    "C": (replace(SMALL, **ILLNESSES["mode_collapse"]), 0),
}


@cache
def train_patients() -> dict[str, dict[str, list[float]]]:
    """Three short trainings, each with another illness of 12.4.2, and what is measured of them.

    Returns:
        "A", "B" and "C" -> `step`, `gradient` (norm of the gradient that reaches G), and `spread`
        (root-mean-square distance of the generated samples from their mean).
    """
    return {name: followed(experiment, lead) for name, (experiment, lead) in PATIENTS.items()}


def followed(experiment: Experiment, lead: int) -> dict[str, list[float]]:
    """A training of 200 steps on the ring, see `train_patients`."""
    data, gan = ring(), GAN(experiment, (2,), seed=5)
    z, n = gan.sample_z(500, torch.Generator().manual_seed(0)), experiment.batch_size
    for _ in range(lead):
        step_D(gan, data.sample(n, gan.rng), gan.sample_z(n))
    curves: dict[str, list[float]] = {"step": [], "gradient": [], "spread": []}
    for step in range(1, 201):
        train_step(gan, data)
        if step % 5 == 0:
            x = gan.sample(z)
            curves["step"].append(step)
            curves["gradient"].append(gradient_norm(gan.G))
            curves["spread"].append(float((x - x.mean(0)).square().sum(1).mean().sqrt()))
    return curves


def illness_of(experiment: Experiment) -> str:
    """Which illness these settings bring about on the ring, see section 1 of 12.4.2."""
    if experiment.d_steps * experiment.lr_D < experiment.lr_G:
        return "non_convergence"  # D cannot follow G
    return "vanishing_gradient" if experiment.loss == "saturating" else "mode_collapse"


@exercise
def check_diagnosis(answer: Mapping[str, str]) -> Mistakes:
    """12.4.2: which illness has each of `train_patients`, going by its two curves."""
    if not isinstance(answer, Mapping) or set(answer) != set(PATIENTS):
        yield "ja", f"{', '.join(PATIENTS)}のそれぞれに病名を付けた辞書で答えてください。"
        yield "en", f"Answer with a dictionary that names an illness for {', '.join(PATIENTS)}."
    given = {name: word(answer[name], ILLNESSES) for name in PATIENTS}
    if len(set(given.values())) < len(given):
        yield "ja", "3つのGANの病気は、3つとも違います。"
        yield "en", "No two of the three have the same illness."
    true = {name: illness_of(experiment) for name, (experiment, _) in PATIENTS.items()}
    if sick := [name for name in PATIENTS if given[name] != true[name]]:
        words = SIGNS[true[sick[-1]]]  # the one that is told most easily comes last
        yield "ja", f"{sick[-1]}の病気は{given[sick[-1]]}ではありません。{words['ja']}"
        yield "en", f"{sick[-1]} does not have {given[sick[-1]]}. {words['en']}"


#: What gives an illness away.
SIGNS = {
    "vanishing_gradient": {
        "ja": "Gに届く勾配が何桁も小さいままなら、Gは動けません。",
        "en": "Where the gradient at G stays many orders of magnitude down, G cannot move.",
    },
    "mode_collapse": {
        "ja": "勾配は届いているのに、広がりが1つの山ほどしかなく、しかも変わりません。",
        "en": "There is a gradient, and still the spread is that of one blob, and stays so.",
    },
    "non_convergence": {
        "ja": "広がりが大きくなったり小さくなったりして、いつまでも定まりません。",
        "en": "The spread swings up and down, and nothing settles.",
    },
}


# --- one setting that cures ----------------------------------------------------------------------

COLLAPSING = replace(SMALL, **ILLNESSES["mode_collapse"])
SEEDS = range(300, 305)
STEPS_ILL, STEPS_TREATED = 150, 300
ENOUGH_MODES, ENOUGH_GOOD = 38, 0.10  # of 5 x 8; points scattered evenly reach all 40, and 0.05
#: What may be set, and the most of it where more would take long.
CHOICES: dict[str, float] = {
    **dict.fromkeys(("loss", "lr_D", "lr_G", "beta1", "beta2"), math.inf),
    **dict.fromkeys(("gradient_penalty", "r1", "clip", "spectral_norm"), math.inf),
    "d_steps": 10,
    "unroll": 5,
}


@exercise
def check_cure(answer: Mapping[str, Any]) -> Mistakes:
    """12.4.2: one setting that brings a collapsed GAN back to all modes of the ring."""
    experiment, data = treated(answer), ring()
    gans = [gan.copy() for gan in collapsed()]
    ensemble = Ensemble(gans)
    ensemble.configure([experiment] * len(gans))
    for _ in range(STEPS_TREATED):
        ensemble.step(data)
    x = torch.stack([g.sample(g.sample_z(2500, torch.Generator().manual_seed(1))) for g in gans])
    covered, share = mode_coverage(x, data)  # (5,), (5,)
    good, modes = float(share.mean()), ", ".join(str(int(m)) for m in covered)
    ja = f"5つのシードで捉えた山は{modes}（8つのうち）、良いサンプルは{100 * good:.0f}％です。"
    en = f"Modes of 8, over five seeds: {modes}; good samples: {100 * good:.0f} %."
    if covered.sum() < ENOUGH_MODES and set(answer) & {"d_steps", "lr_D"}:
        yield "ja", f"{ja}崩壊の原因を取り除いても、崩壊したGANが元に戻るとは限りません。"
        yield "en", f"{en} Taking back what made it collapse need not bring it back."
    if covered.sum() < ENOUGH_MODES and "loss" in answer:
        yield "ja", f"{ja}損失を変えても、Dの崖はそのままです。抜け出せるかどうかは運まかせです。"
        yield "en", f"{en} Another loss leaves D's cliff as it is; to get away is a matter of luck."
    if covered.sum() < ENOUGH_MODES:
        yield "ja", f"{ja}残りの山の上で、Dは平らです。そこに坂を作る設定はどれですか。"
        yield "en", f"{en} D is flat on the other blobs. Which setting gives it a slope there?"
    if good < ENOUGH_GOOD:
        yield "ja", f"{ja}散らばっただけで、山の上に来ていません。もっと弱くしてみてください。"
        yield "en", f"{en} They are scattered rather than on the blobs: try less of it."
    return {"ja": ja, "en": en}


def treated(answer: object) -> Experiment:
    """The settings of the ill GANs with that one changed.

    Raises:
        NoAnswer: if it is not one setting, or has no effect or no such value.
    """
    if not isinstance(answer, Mapping) or len(answer) != 1 or not set(answer) <= set(CHOICES):
        names = ", ".join(CHOICES)
        raise NoAnswer(
            f'設定を1つだけ、辞書で答えてください。例：{{"lr_G": 1e-4}}。選べるのは{names}です。',
            f'Answer with one setting in a dictionary, e.g. {{"lr_G": 1e-4}}; one of {names}.',
        )
    ((name, value),) = answer.items()
    try:
        experiment = replace(COLLAPSING, **answer)
    except (TypeError, ValueError) as error:
        raise NoAnswer(
            f"Experimentは{name} = {brief(value)}を受け取れません：{error}",
            f"Experiment does not take {name} = {brief(value)}: {error}",
        ) from error
    if CHOICES[name] < math.inf and value > CHOICES[name]:
        raise NoAnswer(
            f"{name}は、ここでは{CHOICES[name]}までにしてください。時間がかかりすぎます。",
            f"Let {name} be {CHOICES[name]} at most: more would take long here.",
        )
    if experiment == COLLAPSING:
        raise NoAnswer(
            f"崩壊したGANは、はじめから{name} = {brief(value)}です。",
            f"The collapsed GANs have {name} = {brief(value)} already.",
        )
    return experiment


@cache
def collapsed() -> tuple[GAN, ...]:
    """Five GANs that have collapsed on the ring, each with another seed."""
    gans, data = [GAN(COLLAPSING, (2,), seed) for seed in SEEDS], ring()
    ensemble = Ensemble(gans)
    for _ in range(STEPS_ILL):
        ensemble.step(data)
    ensemble.release()
    return tuple(gans)
