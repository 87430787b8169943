"""The evidence: what is kept, what is run again, and the claims in a reduced form."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache, partial

import pytest
import torch

from gan_helpers import evidence
from gan_helpers.classifier import classify, load_classifier
from gan_helpers.conditional import pretrained
from gan_helpers.datasets.files import EMBEDDED
from gan_helpers.datasets.images import load_few, load_mnist
from gan_helpers.evidence import (
    __main__ as command,
    augmentation,
    collect as module,
    conditional,
    diagnosis_pictures,
    difficulties,
    load_evidence,
    mean_and_error,
    pairs,
    read_rows,
    study,
    translation,
    wgan,
)
from gan_helpers.evidence.__main__ import main
from gan_helpers.evidence.collect import RUNS, collect
from gan_helpers.evidence.judging import SEEDS
from gan_helpers.evidence.wgan import correlation
from gan_helpers.lab.engine.choices import default_experiment
from gan_helpers.processes import Incomplete
from gan_helpers.translation import tasks

#: Seeds; pictures take their time.
AT_LEAST = {"digits": 10, "classes": 10, "class weight": 10, "class ring": 10, "shipped": 3}
AT_LEAST |= {"signs": 10, "real digits": 10, "stacked digits": 10}
AT_LEAST |= {
    "shoes": 3,
    "shoes longer": 3,
    "without": 3,
    "cycle": 3,
    "landscapes": 3,
    "matching": 10,
}
AT_LEAST |= {"copies": 10, "few landscapes": 10, "diagnosis": 10}
AT_LEAST |= {"few none": 5, "few both": 5, "few ways": 5, "leak": 5, "mirror": 5}
AT_LEAST |= {"diagnosis of pictures": 5}

SIGNED = ("correlation", "estimate", "between", "pattern", "pattern_noisy", "pattern_honest")
SIGNED += ("gain_D", "gain_G", "too_sure")


def tiny(name, **changes):
    """A run of the evidence that takes no time."""
    run = RUNS[name]
    small = {"width": 8, "depth": 1, "batch_size": 16}
    if hasattr(run, "experiment"):
        changes["experiment"] = replace(run.experiment, **small)
    less = {"steps": 20, "fork": 10, "lead": 10, "every": 5, "n": 100}
    changes |= {k: min(getattr(run, k), v) for k, v in less.items() if hasattr(run, k)}
    if hasattr(run, "marks"):
        changes["marks"] = (2,)
    return replace(run, seeds=(0, 1), **changes)


def short(name, **changes):
    """A run as it is, over a few seeds that the evidence does not use."""
    return replace(RUNS[name], seeds=(300, 301, 302), **changes).measure()


# --- the file ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    return load_evidence()


def test_every_run_is_in_the_file_with_the_settings_of_today(shipped):
    assert set(shipped) == set(RUNS)
    for name, run in RUNS.items():
        assert shipped[name]["run"] == run.settings(), f"{name}: python -m gan_helpers.evidence"


def test_every_row_has_a_value_for_each_of_its_seeds(shipped):
    assert len(SEEDS) >= 20
    for name, row in shipped.items():
        assert row["seconds"] > 0
        assert row["found"], name
        seeds = row["run"]["seeds"]
        assert len(seeds) >= AT_LEAST.get(row["run"]["study"], 20) and set(seeds) <= set(SEEDS)
        for quantity, values in row["found"].items():
            assert len(values) == len(seeds)
            logit = quantity.startswith(("d_train", "d_held", "d_fake"))
            signed = quantity in SIGNED or "_L_" in quantity or logit
            assert signed or all(value >= 0 for value in values)


def test_what_the_notebook_says_is_in_the_file(shipped):
    lead = study(shipped, "lead")
    ratios = lead["non_saturating"]["push_1000"] / lead["saturating"]["push_1000"]
    assert ratios.min() > 1000
    when = {name: found["modes"].mean() for name, found in study(shipped, "when").items()}
    assert when["ring, balanced"] > 7.5 and when["ring, slow D"] < 4
    assert when["grid, balanced"] > when["grid, slow D"] + 8
    assert when["ring, D ahead"] < 2 and when["grid, D ahead"] < 5
    after = {name: found["modes"].mean() for name, found in study(shipped, "after a lead").items()}
    assert all(after[f"saturating, {name}"] > 7.5 for name in ("SN", "R1", "GP"))
    assert after["maximum_likelihood"] < 2
    assert after["maximum_likelihood"] < after["saturating"] < after["non_saturating"] < 8
    slow = study(shipped, "slow D")
    for name in ("ttur", "unroll", "pac"):
        assert (slow[name]["modes"] >= 7).all(), name
    for name in ("untreated", "spectral_norm", "gradient_penalty"):
        assert slow[name]["modes"].mean() < 3, name
    for name in ("maximum_likelihood", "r1"):  # hardly any seed
        assert (slow[name]["modes"] >= 7).sum() <= 4, name
    assert slow["ttur"]["modes_before"].mean() < 1
    collapsed = study(shipped, "collapsed")
    assert (collapsed["r1"]["modes_before"] <= 4).sum() >= 18
    for name in ("r1", "spectral_norm", "gradient_penalty", "pac"):  # the first three smooth D
        assert (collapsed[name]["modes"] == 8).all(), name
    assert (collapsed["balanced"]["modes"] == 8).sum() < 10
    assert (slow["equal rates"]["modes"] == 8).all()
    for name in ("untreated", "ttur", "equal rates"):
        assert collapsed[name]["modes"].mean() < 3, name


def test_what_the_notebook_says_of_losses_of_pairs_is_in_the_file(shipped):
    ring, grid, digits = (
        {game: found["modes"] for game, found in study(shipped, name).items()}
        for name in ("pairs, D ahead", "pairs, grid", "stacked digits")
    )
    games = ("R1", "R1 + R2")
    for loss in ("non-saturating", "relativistic"):
        assert ring[loss].max() < 8 and digits[loss].mean() < 10  # the loss alone does not help
        assert all((ring[f"{loss}, {game}"] == 8).all() for game in games)
        assert all((grid[f"{loss}, {game}"] == 25).sum() >= 19 for game in games)
        assert digits[f"{loss}, R1"].mean() > 5 * digits[loss].mean()
        gain = digits[f"{loss}, R1 + R2"] - digits[f"{loss}, R1"]
        assert gain.mean() > 2 * gain.std() / len(gain) ** 0.5
    assert 1.5 < ring["relativistic"].mean() < 2.5
    assert [int((grid[loss] == 25).sum()) for loss in ("non-saturating", "relativistic")] == [
        14,
        19,
    ]
    lead = digits["relativistic, R1 + R2"] - digits["non-saturating, R1 + R2"]
    assert 0 < lead.mean() < 2 * lead.std() / len(lead) ** 0.5  # not decided by ten seeds
    for name in ("pairs, D ahead", "pairs, grid"):
        good = {game: found["good"].mean() for game, found in study(shipped, name).items()}
        for loss in ("non-saturating", "relativistic"):
            assert good[f"{loss}, R1 + R2"] < good[f"{loss}, R1"] + 0.005
    assert all((modes < 100).all() for modes in digits.values())


def test_what_the_notebook_on_wgan_says_is_in_the_file(shipped):
    between = study(shipped, "between")
    for shift in (1, 2, 4):
        heavy, light, D = (
            between[f"{name}, shift {shift}"]
            for name in ("penalty 100", "penalty 10", "standard D")
        )
        assert ((heavy["estimate"] / shift - 1).abs() < 0.05).all()
        assert ((heavy["between"] - 1).abs() < 0.1).all() and (D["at_fake"] < 1e-3).all()
        assert ((light["between"] - (1 + shift / 20)).abs() < 0.02).all()
    trapped = [found for name, found in between.items() if name.startswith("two-sided")]
    assert sum(int((found["estimate"] < 0).sum()) for found in trapped) > 0
    meaning = {name: found["correlation"] for name, found in study(shipped, "meaning").items()}
    assert meaning["WGAN-GP"].mean() >= 0.8
    assert meaning["non-saturating, same rates, R1"].mean() >= 0.8
    assert meaning["non-saturating"].mean() < 0.3
    assert meaning["WGAN, c = 0.3"].mean() < meaning["WGAN, c = 0.01"].mean()
    lead = {n: found["correlation"].mean() for n, found in study(shipped, "critic's lead").items()}
    assert lead["n_critic 1"] < lead["n_critic 2"] < lead["n_critic 10"]
    lost = study(shipped, "critic's lead")["n_critic 1, equal rates"]["modes"]
    assert (lost < 8).sum() > 10  # WGAN-GP loses modes as well, in most seeds
    digits = {name: found["correlation"] for name, found in study(shipped, "digits").items()}
    assert digits["WGAN-GP"].min() > 0.5
    assert digits["WGAN-GP"].mean() > digits["non-saturating"].mean() + 0.2


def test_the_published_protocol_is_reached(shipped):
    ring, grid = (study(shipped, f"published_{world}")["R1"] for world in ("ring", "grid"))
    assert (ring["modes"] == 8).sum() >= 19 and ring["good"].mean() >= 0.85
    assert grid["modes"].mean() >= 24.8 and grid["good"].mean() >= 0.65


# --- the claims, run again in a reduced form -----------------------------------------------------


def test_the_gradient_dies_with_the_saturating_loss_only():
    flat, steep = (short(f"lead/{name}", lead=300) for name in ("saturating", "non_saturating"))
    assert min(s / f for s, f in zip(steep["push_300"], flat["push_300"], strict=True)) > 1000


def test_the_estimate_of_a_penalised_critic_is_the_distance():
    found = short("between/penalty 100, shift 2", steps=600)
    assert all(abs(value / 2 - 1) < 0.05 for value in found["estimate"])
    assert max(short("between/standard D, shift 2", steps=600)["at_fake"]) < 1e-3


def test_what_12_4_4_says_is_in_the_file(shipped):
    classes = study(shipped, "classes")
    cgan, acgan, projection = (classes[name] for name in ("cGAN", "AC-GAN", "projection"))
    assert acgan["agreement_500"].mean() > cgan["agreement_500"].mean() + 0.1
    for n in (1000, 2000, 3000, 4000, 5000):
        assert acgan[f"agreement_{n}"].mean() > cgan[f"agreement_{n}"].mean()
        assert acgan[f"variety_{n}"].mean() < cgan[f"variety_{n}"].mean()
        assert acgan[f"frechet_{n}"].mean() > cgan[f"frechet_{n}"].mean()
    assert cgan["agreement_4000"].min() >= 0.95 and acgan["agreement_4000"].mean() >= 0.98
    assert cgan["variety_4000"].min() > 0.85 > acgan["variety_4000"].mean()
    assert projection["agreement_2000"].min() > cgan["agreement_4000"].mean()
    assert projection["frechet_2000"].mean() < cgan["frechet_4000"].mean()
    assert projection["variety_2000"].mean() > acgan["variety_2000"].mean()
    on_real = classes["AC-GAN, L_c on real"]
    assert on_real["agreement_2000"].mean() > acgan["agreement_2000"].mean() + 0.02
    assert abs(on_real["variety_2000"].mean() - acgan["variety_2000"].mean()) < 0.05
    weights = study(shipped, "class weight")
    rows = [weights[name] for name in sorted(weights, key=float)]
    agreement, variety = (
        [float(row[f"{q}_2000"].mean()) for row in rows] for q in ("agreement", "variety")
    )
    assert agreement == sorted(agreement) and variety == sorted(variety, reverse=True)
    points = study(shipped, "class ring")["cGAN"]
    assert points["agreement_1000"].min() > 0.9 and points["spread_1000"].max() < 0.6
    assert points["agreement_3000"].mean() < 0.94  # it falls
    alone = study(shipped, "class ring")["one mode, no condition"]
    assert all(0.15 < alone[f"spread_{n}"].median() < 0.25 for n in (1000, 3000))
    assert (alone["agreement_3000"] < 0.7).sum() == 2  # some miss the blob
    signs = study(shipped, "signs")["AC-GAN"]
    assert (signs["D_L_s"] > 0).all()
    assert all((signs[name] < 0).all() for name in ("D_L_c", "G_L_s"))
    assert (signs["G_L_c"] < 0).sum() == 9 and signs["G_L_c"].max() < 5e-6  # the text says so
    floor = study(shipped, "real digits")["28 x 28"]["frechet"]
    assert 1.5 < floor.mean() < 3.5
    for kind in study(shipped, "shipped").values():
        assert kind["agreement"].min() >= 0.98 and kind["frechet"].max() <= 15


def test_what_12_4_5_says_is_in_the_file(shipped):
    shoes = study(shipped, "shoes")
    l1, cgan, both = (shoes[name] for name in ("L1 alone", "cGAN alone", "cGAN + 10 L1"))
    assert (l1["error"] < both["error"]).all() and (both["error"] < cgan["error"]).all()
    assert (both["error"] < 1.1 * l1["error"]).all()
    assert (l1["sharpness"] < both["sharpness"]).all()
    assert both["frechet"].mean() < l1["frechet"].mean()
    assert (both["texture"] < 0.6 * l1["texture"]).all()
    assert (cgan["texture"] > 2 * l1["texture"]).all()
    longer = study(shipped, "shoes longer")
    l1, both = (longer[name] for name in ("L1 alone", "cGAN + 10 L1"))
    assert (both["texture"] <= 0.5 * l1["texture"]).all()
    assert (both["error"] < 1.1 * l1["error"]).all()
    points = study(shipped, "matching")
    assert (points["cycle"]["returned"] > 0.99).all()
    alone = points["no cycle"]["returned"]
    assert alone.mean() < 0.25 and (alone > 0.99).sum() == 1
    for world in ("cycle", "landscapes"):
        found = study(shipped, world)
        on, off = found["U-Net"], found["no cycle"]
        assert (on["cycle"] <= 0.5 * off["cycle"]).all()
        assert (on["hidden"] < off["hidden"]).all()
    animals = study(shipped, "cycle")["U-Net"]
    assert (animals["pattern"] > animals["pattern_noisy"] + 0.05).all()
    assert (animals["pattern"] > animals["pattern_honest"] + 0.3).all()


def test_the_evidence_of_few_pictures_is_of_what_the_lab_does():
    assert (
        vars(default_experiment(load_few("digits", 50))).items() <= vars(augmentation.PLAIN).items()
    )


def test_what_12_4_6_says_is_in_the_file(shipped):
    none, ways, leak = (study(shipped, name) for name in ("few none", "few ways", "leak"))
    few, augmented, real = none["100"], ways["both"], ways["real only"]
    at_best = torch.stack([few[f"frechet_{n}"] for n in range(500, 4001, 500)]).amin(0)
    assert (few["frechet_4000"] > 1.5 * at_best).all()  # the U
    assert (augmented["frechet_4000"] <= 0.5 * few["frechet_4000"]).all()
    assert (augmented["frechet_4000"] < at_best).all()
    gap, held = (row["d_train_4000"] - row["d_held_4000"] for row in (few, augmented))
    assert (held <= 0.05 * gap.mean()).all()
    assert (few["d_held_4000"] < few["d_fake_4000"]).all()  # real, but not one of the hundred
    # What leaks: five times as much as in either of the others, at the least.
    for name in ("brightness", "translate"):
        trace = leak["real only"][f"trace_{name}"]
        for other in (few, leak["both"]):
            assert (trace >= 5 * other[f"trace_{name}"].max()).all() and trace.min() > 0.05
    assert (real["trace_translate"] > 5 * augmented["trace_translate"].max()).all()
    assert (real["frechet_4000"] > 2 * augmented["frechet_4000"].mean()).all()
    settled = {target: ways[f"ADA {target}"] for target in (0.3, 0.6)}
    assert settled[0.6]["p_4000"].max() < 0.3 < 0.65 < settled[0.3]["p_4000"].min()
    far = [row["frechet_4000"].mean() for row in (settled[0.3], augmented, settled[0.6], few)]
    assert far == sorted(far) and far[2] < 0.6 * far[3]
    assert ways["consistency"]["frechet_4000"].mean() < 0.5 * few["frechet_4000"].mean()
    many, unhelped = study(shipped, "few both")["5000"], none["5000"]
    assert (many["frechet_4000"] > 1.2 * unhelped["frechet_4000"].mean()).all()  # it hurts
    copies = study(shipped, "copies")
    copying, own, unseen = (copies[name] for name in ("none", "both", "real digits"))
    assert abs(unseen["copied"].mean() - 0.5) < 0.03 and unseen["precision"].min() > 0.8
    assert copying["copied_4000"].min() > 0.85 and 0.6 < own["copied_4000"].mean() < 0.7
    assert (own["copied_4000"] < copying["copied_4000"]).all()
    assert copying["recall_500"].max() < 0.02 and copying["precision_500"].mean() > 0.8
    assert (copying["recall_4000"] < copying["recall_2000"]).all()
    assert (own["recall_4000"] > copying["recall_4000"]).all()
    assert own["recall_4000"].mean() > 2 * copying["recall_4000"].mean()
    assert (own["precision_4000"] < copying["precision_4000"]).all()  # not to copy is hard
    assert abs(copying["precision_4000"].mean() - unseen["precision"].mean()) < 0.03
    scenes = study(shipped, "few landscapes")
    for name in ("corner", "saturation", "rotate"):
        trace = scenes["real only"][f"trace_{name}"]
        for other in (scenes["none"], scenes["both"]):
            assert (trace >= 5 * other[f"trace_{name}"].max()).all() and trace.min() > 0.05
    flips = study(shipped, "mirror")
    always, half = (flips[f"both, p = {p}"]["mirrored"] for p in ("1", "0.5"))
    assert (always > half).all() and always.mean() > 0.4 > 0.2 > half.mean()
    assert (half > flips["nothing"]["mirrored"]).all()


def test_correlation_is_pearsons_and_knows_its_limits():
    a = torch.tensor([1.0, 2.0, 4.0, torch.nan])
    assert correlation(a, 3 * a + 1) == pytest.approx(1)
    assert correlation(a, -a) == pytest.approx(-1)
    assert correlation(a, torch.ones(4)) == 0.0
    assert correlation(a[:2], a[:2]) == 0.0  # two points always lie on a line


# --- how it is collected -------------------------------------------------------------------------


@pytest.fixture
def few_pictures(monkeypatch):
    """Two hundred digits and small networks are enough where numbers do not matter."""

    def few(*args, **kwargs):
        digits = load_mnist(*args, **kwargs)
        return replace(digits, x=digits.x[:200], y=digits.y[:200])

    small = replace(pretrained.RECIPE, width=8, batch_size=16)
    for place in (conditional, difficulties, pairs, pretrained, wgan):
        monkeypatch.setattr(place, "load_mnist", few)
    monkeypatch.setattr(pairs, "load_stacked", pairs.StackedDigits)
    monkeypatch.setattr(pairs, "N_STACKED", 60)
    for name, number in (("N_SCENES", 8), ("N_TEST", 12)):
        monkeypatch.setattr(tasks, name, number)
    load_a_few = cache(lambda name: fewer(tasks.load_task(name)))
    monkeypatch.setattr(translation, "load_once", load_a_few)
    for name, number in (("N_JUDGED", 60), ("N_TRACED", 40)):
        monkeypatch.setattr(augmentation, name, number)
    monkeypatch.setattr(augmentation, "load_test", lambda: few("test", size=16))
    for name, number in (("N_FRESH", 40), ("N_HELD", 100), ("N_ON", 3)):
        monkeypatch.setattr(diagnosis_pictures, name, number)
    monkeypatch.setattr(diagnosis_pictures, "load_digits", lambda split="train": few(split, 16))
    monkeypatch.setattr(conditional, "PER_CLASS", 20)
    monkeypatch.setattr(pretrained, "RECIPE", small)
    monkeypatch.setattr(pretrained, "judge", partial(pretrained.judge, per_class=20))


def fewer(task):
    """The same task with a dozen pictures to test on."""
    return replace(task, test=replace(task.test, a=task.test.a[:12], b=task.test.b[:12]))


#: A run of each kind in each study; the others of that kind differ in their settings only.
ONE_OF_EACH = {(run.study, type(run)): name for name, run in RUNS.items()}.values()


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_every_study_can_be_measured(name, shipped, few_pictures):
    run = tiny(name)
    found = run.measure()
    assert found and all(len(values) == 2 for values in found.values())
    # The same quantities as in the file, but for what a tiny run does not get to or is not told.
    plain, in_file = (
        {re.sub(r"_\d+$", "", q) for q in quantities if not q.startswith("said_")}
        for quantities in (found, shipped[name]["found"])
    )
    assert plain == in_file


def test_pairs_of_digits_are_read_in_both_channels():
    digits = load_mnist("test", size=16)
    read, sure = classify(load_classifier(16), digits.x)
    clearest = [int((sure * (read == k)).argmax()) for k in range(10)]
    one_of_each = digits.x[clearest, 0]  # (10, 16, 16)
    every = torch.cartesian_prod(torch.arange(10), torch.arange(10))  # (100, 2)
    found = pairs.read_pairs(one_of_each[every])
    assert found == pytest.approx({"modes": 100, "good": 1, "kl": 0}, abs=1e-6)
    same = pairs.read_pairs(one_of_each[every[37]].expand(50, -1, -1, -1))
    assert same["modes"] == 1 and same["kl"] == pytest.approx(math.log(100), abs=1e-4)
    real = pairs.read_pairs(pairs.StackedDigits().sample(pairs.N_STACKED, seeded()))
    assert real["modes"] == 100 and real["good"] > 0.95 and real["kl"] < 0.03
    noise = torch.rand(50, 2, 16, 16, generator=seeded()) * 2 - 1
    assert pairs.read_pairs(noise)["modes"] < 5  # however sure the classifier is of some
    assert pairs.read_pairs(noise * torch.nan)["modes"] == 0


def seeded():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def here(monkeypatch):
    """Runs are done in this process; what was asked for."""
    asked = []

    def work_here(function, tasks, keep, jobs):
        failures = {}
        for name, run in tasks.items():
            asked.append(run.steps)
            try:
                keep(name, function(run))
            except Exception as error:
                failures[name] = str(error)
        if failures:
            raise Incomplete(failures, 0, None)

    monkeypatch.setattr(module, "work", work_here)
    return asked


def named(*runs):
    return {run.name: run for run in runs}


def test_what_is_done_is_kept_and_what_has_changed_is_run_again(tmp_path, here):
    path, run = tmp_path / "evidence.json", tiny("when/ring, balanced")
    collect(path, named(run))
    first = path.read_text(encoding="utf-8")
    collect(path, named(run))
    assert here == [20] and path.read_text(encoding="utf-8") == first
    done = collect(path, named(replace(run, steps=5)))
    assert here == [20, 5]
    assert read_rows(path) == json.loads(json.dumps(done))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_only_what_is_asked_for_is_measured_and_again_where_that_is_asked(tmp_path, here):
    path = tmp_path / "evidence.json"
    runs = named(tiny("when/ring, balanced"), tiny("lead/hinge", lead=30))
    collect(path, runs)
    of_today = named(*(replace(run, steps=run.steps + 1) for run in runs.values()))
    here.clear()
    rows = collect(path, of_today, studies=["when"])
    assert here == [21] and list(rows) == list(runs)
    assert rows["lead/hinge"]["run"] == runs["lead/hinge"].settings(), "it is stale, and stays"
    collect(path, of_today, studies=["when"])
    assert here == [21]
    assert collect(path, of_today, studies=["when"], again=True).keys() == runs.keys()
    assert here == [21, 21]


def test_what_is_measured_for_the_evidence_is_rounded_and_timed():
    found, seconds = module.timed(tiny("when/ring, balanced"))
    assert seconds >= 0 and all(len(values) == 2 for values in found.values())
    assert all(float(f"{v:.4g}") == v for values in found.values() for v in values)


def test_a_row_that_fails_leaves_the_others_and_its_own_of_before(tmp_path, here):
    path = tmp_path / "evidence.json"
    runs = named(*(tiny("when/ring, balanced", variant=v) for v in "abc"))
    before = collect(path, runs)
    broken = replace(runs["when/b"], steps=-1, world="nowhere")
    runs |= named(broken, tiny("when/ring, balanced", variant="d"))
    with pytest.raises(Incomplete, match=r"1 failed; .*\n- when/b: "):
        collect(path, runs)
    rows = read_rows(path)
    assert list(rows) == ["when/a", "when/b", "when/c", "when/d"]
    assert rows["when/b"] == json.loads(json.dumps(before["when/b"]))


def test_a_row_that_could_not_be_written_comes_with_the_next(tmp_path, here, monkeypatch, capsys):
    path, disk = tmp_path / "evidence.json", []
    write = module.replace_file

    def full_at_first(path, content):
        disk.append(content)
        if len(disk) in (1, 3, 4):
            raise OSError("No room.")
        write(path, content)

    monkeypatch.setattr(module, "replace_file", full_at_first)
    runs = named(*(tiny("when/ring, balanced", variant=v) for v in "abc"))
    collect(path, named(*list(runs.values())[:2]))
    assert list(read_rows(path)) == ["when/a", "when/b"] and len(disk) == 2
    assert "No room. Tried again after the next row." in capsys.readouterr().err
    with pytest.raises(OSError, match="No room"):
        collect(path, runs)
    assert list(read_rows(path)) == ["when/a", "when/b"] and len(disk) == 4


def cut(path):
    path.write_bytes((EMBEDDED[1] / evidence.FILE).read_bytes()[:50_000])


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_bytes(b"[]"),
        lambda path: path.write_bytes(b'{"a/b": {"run": {}}}'),
    ],
    ids=["cut", "empty", "no text", "a list", "no row"],
)
def test_a_damaged_file_is_named_and_left_alone(tmp_path, monkeypatch, capsys, damage):
    path = tmp_path / evidence.FILE
    damage(path)
    content = path.read_bytes()
    monkeypatch.setattr(evidence, "EMBEDDED", (tmp_path,))
    says = f"{re.escape(str(path))} is damaged: .*`git checkout -- data/evidence.json`"
    with pytest.raises(OSError, match=says):
        load_evidence()
    monkeypatch.setattr(command, "EMBEDDED", (tmp_path, tmp_path))
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 1 and re.search(says, capsys.readouterr().err)
    assert path.read_bytes() == content


def test_failures_are_listed_at_the_end(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "EMBEDDED", (tmp_path, tmp_path))
    for error, status, says in (
        (Incomplete({"lead/x": "ValueError: no"}, 0, None), 1, "- lead/x: ValueError: no"),
        (Incomplete({}, 7, signal.SIGINT), 130, "interrupted by SIGINT, 7 not finished"),
        (Incomplete({}, 7, signal.SIGTERM), 143, "interrupted by SIGTERM"),
        (KeyboardInterrupt(), 130, "interrupted; what is finished is kept"),
        (OSError(13, "Permission denied"), 1, "cannot be written: Permission denied."),
    ):
        monkeypatch.setattr(command, "collect", raiser(error))
        with pytest.raises(SystemExit) as ended:
            main([])
        assert ended.value.code == status and says in capsys.readouterr().err


def raiser(error):
    def fail(*args, **options):
        raise error

    return fail


def test_only_a_checkout_makes_evidence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "EMBEDDED", (tmp_path, tmp_path / "none"))
    with pytest.raises(SystemExit):
        main([])
    assert "none is missing; the evidence is made in a checkout" in capsys.readouterr().err


def test_two_commands_do_not_write_the_same_file(tmp_path, here):
    path = tmp_path / evidence.FILE
    code = (
        "import sys; from pathlib import Path; from gan_helpers.files import locked\n"
        "with locked(Path(sys.argv[1])): print(flush=True); sys.stdin.read()"
    )
    program = [sys.executable, "-c", code, str(tmp_path / f".{evidence.FILE}.running")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(program, **pipes) as other:
        other.stdout.readline()
        with pytest.raises(OSError, match=r"Another command is writing .*evidence\.json; wait"):
            collect(path, named(tiny("when/ring, balanced")))
        other.stdin.close()
    assert not here and not path.exists()


COMMAND = """
import sys
from dataclasses import replace
from pathlib import Path
from gan_helpers.evidence import __main__ as command
from gan_helpers.evidence.collect import RUNS
command.EMBEDDED = (Path(sys.argv[1]),) * 2
small = {"seeds": (0, 1)}
quick = replace(RUNS["when/ring, balanced"], variant="quick", steps=20, **small)
endless = [replace(quick, variant=v, steps=10**6) for v in ("endless", "endless too")]
broken = replace(quick, variant="broken", world="nowhere")
command.RUNS = {run.name: run for run in (broken, quick, *endless)}
if __name__ == "__main__":
    command.main([])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has other signals")
@pytest.mark.parametrize("number", ["SIGINT", "SIGKILL"])
def test_the_command_is_ended_while_it_trains(tmp_path, number):
    """With the real runs; `endurance_files.py` has the same many times, with runs of no weight."""
    script, file = tmp_path / "command.py", tmp_path / evidence.FILE
    script.write_text(COMMAND, encoding="utf-8")
    with open(tmp_path / "log", "w", encoding="utf-8") as log:
        begin = [sys.executable, str(script), str(tmp_path)]
        program = subprocess.Popen(begin, stdout=log, stderr=log, start_new_session=True)
    end = time.monotonic() + 300
    while not file.exists():
        assert time.monotonic() < end and program.poll() is None
        time.sleep(0.1)
    send = os.killpg if number == "SIGINT" else os.kill  # a terminal sends it to all
    send(program.pid, getattr(signal, number))
    sent = time.monotonic()
    status = program.wait(30)
    while members(program.pid):
        assert time.monotonic() - sent < 30
        time.sleep(0.05)
    assert list(read_rows(file)) == ["when/quick"]
    said = (tmp_path / "log").read_text(encoding="utf-8")
    if number == "SIGKILL":
        assert status == -signal.SIGKILL
    else:
        assert status == 128 + getattr(signal, number)
        assert f"interrupted by {number}, 2 not finished" in said
        assert "1 failed" in said and "- when/broken: " in said and "goes on from there" in said


def members(group):
    """Whether a group has processes."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_unknown_studies_are_named(capsys, shipped):
    with pytest.raises(SystemExit):
        main(["nonsense"])
    assert "nonsense is unknown; choose from" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--jobs", "0"])
    assert "--jobs 0 is out of range; it has to be 1 or more" in capsys.readouterr().err
    with pytest.raises(ValueError, match="study = 'x' is unknown; choose one of"):
        study(shipped, "x")


def test_a_missing_file_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.setattr(evidence, "EMBEDDED", (tmp_path,))
    with pytest.raises(FileNotFoundError, match=r"python -m gan_helpers\.evidence"):
        load_evidence()
    assert any(folder.is_dir() for folder in EMBEDDED)


def test_mean_and_standard_error():
    mean, error = mean_and_error(torch.tensor([1.0, 3.0]))
    assert (mean, error) == (2.0, 1.0)
