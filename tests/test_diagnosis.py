"""What the lab says a GAN suffers from: each test on both sides of its threshold, and real runs."""

import math
import re
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings, strategies as st

from gan_helpers.augmentation.training import Augmented
from gan_helpers.evidence import load_evidence
from gan_helpers.evidence.diagnosis import STATES, WELL, alarms, said_of, verdicts
from gan_helpers.experiment import Experiment
from gan_helpers.lab import Lab
from gan_helpers.lab.engine.diagnosis import (
    EVERY,
    HELD,
    LEAST,
    SIGNS,
    Finding,
    Seen,
    Watch,
    diagnose,
)
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.labels import TEXT
from gan_helpers.lab.verdict import in_words
from gan_helpers.losses import LOSSES, Loss, discriminator_cross_entropy
from gan_helpers.remedies import ILLNESSES

SOURCE = Path(__file__).parents[1] / "notebooks" / "source"
WGAN = Experiment(loss="wasserstein")
EIGHT = [1 / 16] * 8  # half of the samples are good, on all modes
ONE = [0.9, *[0.0] * 7]


def seen(e=None, steps=500, shares=EIGHT, **measured):
    """A GAN that learns, but for what is given: numbers for a whole curve, or fields of `Seen`."""
    usual = {"loss_D": 1.2, "loss_G": 0.8, "grad_D": 1.0, "grad_G": 1.0, "w1": math.nan}
    own = {k: measured.pop(k) for k in ("pictures", "first_w1", "by_class", "p") if k in measured}
    curves = {name: [value] * LEAST for name, value in (usual | measured).items()}
    return Seen(e or Experiment(), steps, curves, [shares] * LEAST if shares else [], **own)


def said(*args, **kwargs):
    found = diagnose(seen(*args, **kwargs))
    return found.name if found else ""


# --- both sides of each threshold ----------------------------------------------------------------

AHEAD = {"loss_D": 1e-4, "shares": [0.0] * 8}
CLIPPED = replace(WGAN, clip=0.001)
REAL = Augmented(augment="real")
FLIPPED = Augmented(augment="both", transforms=("flip",))
HEART = {"d_train": 3.0, "d_held": -1.0, "d_fake": -0.5, "shares": None, "steps": 1000}
TEN = {"shares": None, "steps": 1000}
PICTURES = {"pictures": True, "steps": 2000}
SIDES = {
    "gone": [
        ({**AHEAD, "grad_G": 1e-9}, "gone"),
        ({**AHEAD, "grad_G": 9e-6}, "gone"),
        ({**AHEAD, "grad_G": 1.1e-5}, "overwhelmed"),
        ({**AHEAD, "grad_G": 1e-9, "loss_D": 0.011}, ""),
        ({**AHEAD, "grad_G": 1e-9, "steps": 99}, ""),
    ],
    "overwhelmed": [
        ({**AHEAD, "grad_G": 30.0}, "overwhelmed"),
        ({**AHEAD, "grad_G": 30.0, "loss_D": 0.02}, ""),
        ({**AHEAD, "grad_G": 30.0, "shares": [0.11, *[0.0] * 7]}, ""),
        ({**AHEAD, "grad_G": 30.0, "shares": None}, ""),  # nobody knows how good they are
        ({**AHEAD, "grad_G": 30.0, "pictures": True, "shares": [0.61, *[0.04] * 9]}, "overwhelmed"),
        ({**AHEAD, "grad_G": 30.0, "pictures": True, "shares": [0.59, *[0.04] * 9]}, ""),
    ],
    "collapsed": [
        ({"shares": ONE}, "collapsed"),
        ({"shares": [0.15] * 4 + [0.0] * 4}, "collapsed"),
        ({"shares": [0.12] * 5 + [0.0] * 3}, ""),
        ({"shares": [0.49, *[0.0] * 7]}, ""),
        ({"shares": [0.9]}, "well"),  # there is but one mode
    ],
    "unsettled": [
        ({"shares": [0.05, *[0.0] * 7], "loss_D": 1.38}, "unsettled"),
        ({"shares": [0.0] * 8, "loss_D": 1.26}, "unsettled"),
        ({"shares": [0.0] * 8, "loss_D": 1.24}, ""),
        ({"shares": [0.03] * 3 + [0.0] * 5, "loss_D": 1.38}, ""),
        ({"shares": [0.11, *[0.0] * 7], "loss_D": 1.38}, ""),
        ({"shares": [0.0] * 8, "loss_D": 1.38, "steps": 399}, ""),
        ({"shares": [0.0] * 8, "loss_D": 1.38, "e": Experiment(lr_G=1e-4)}, ""),
    ],
    "starved": [
        ({"e": CLIPPED, "grad_G": 1e-8, "loss_D": -1e-8, "w1": 1.5}, "starved"),
        ({"e": CLIPPED, "grad_G": 1e-4, "loss_D": -1e-4, "w1": 1.5, "shares": None}, ""),
        ({"e": WGAN, "grad_G": 1e-8, "loss_D": -1e-8, "w1": 1.5, "shares": None}, ""),
    ],
    "exploded": [
        ({"e": WGAN, "loss_D": -200.0, "w1": 1.9, "shares": None}, "exploded"),
        ({"e": WGAN, "loss_D": 200.0, "w1": 1.9, "shares": None}, "exploded"),
        ({"e": WGAN, "loss_D": -200.0, "w1": 2.1, "shares": None}, ""),
        ({"e": WGAN, "loss_D": -200.0, "w1": 0.0, "shares": None}, ""),
        ({"e": WGAN, "loss_D": -200.0, "shares": None}, ""),
    ],
    "narrow": [
        ({**PICTURES, "shares": [0.61, *[0.04] * 9]}, "narrow"),
        ({**PICTURES, "shares": [0.59, *[0.04] * 9]}, ""),
        ({**PICTURES, "shares": [0.61, *[0.04] * 9], "steps": 1400}, ""),
    ],
    "ignored": [
        ({**TEN, "agreement": 0.12, "by_class": [0.12] * 10}, "ignored"),
        ({**TEN, "agreement": 0.21, "by_class": [0.21] * 10}, ""),
        ({**TEN, "agreement": 0.12, "by_class": [0.12] * 10, "steps": 700}, ""),
        ({**TEN, "agreement": 0.12}, ""),
    ],
    "missing": [
        ({**TEN, "agreement": 0.85, "by_class": [0.95] * 9 + [0.02]}, "missing"),
        ({**TEN, "agreement": 0.85, "by_class": [0.95] * 9 + [0.24]}, "missing"),
        ({**TEN, "agreement": 0.85, "by_class": [0.95] * 9 + [0.26]}, ""),
        ({**TEN, "agreement": 0.75, "by_class": [0.95] * 8 + [0.02] * 2}, ""),
    ],
    "leaking": [
        ({"e": REAL, "p": 1.0, "shares": None}, "leaking"),
        ({"e": REAL, "p": 0.0, "shares": None}, ""),
        ({"e": replace(REAL, transforms=()), "p": 1.0, "shares": None}, ""),
        ({"e": replace(REAL, augment="both"), "p": 1.0, "shares": None}, ""),
    ],
    "mirrored": [
        ({"e": FLIPPED, "p": 1.0, "shares": None}, "mirrored"),
        ({"e": FLIPPED, "p": 0.5, "shares": None}, ""),
    ],
    "at_its_limit": [
        ({"e": Augmented(augment="both", ada=0.3), "p": 1.0, "shares": None}, "at_its_limit"),
        ({"e": Augmented(augment="both", ada=0.3), "p": 0.9, "shares": None}, ""),
        ({"e": Augmented(augment="both"), "p": 1.0, "shares": None}, ""),
    ],
    "by_heart": [
        (HEART, "by_heart"),
        ({**HEART, "d_fake": -1.1}, ""),
        ({**HEART, "d_train": 0.9}, ""),
    ],
    "well": [
        ({}, "well"),
        ({"shares": [0.15 / 8 + 1e-3] * 8}, "well"),
        ({"shares": [0.15 / 8 - 1e-3] * 8}, ""),
        ({"shares": [0.1] * 7 + [0.0]}, ""),
        ({"e": WGAN, "w1": 0.7, "first_w1": 1.5, "shares": None}, "well_by_distance"),
        ({"e": WGAN, "w1": 0.8, "first_w1": 1.5, "shares": None}, ""),
        ({**TEN, "agreement": 0.93, "by_class": [0.93] * 10}, "well_in_classes"),
        ({**TEN, "agreement": 0.89, "by_class": [0.89] * 10}, ""),
        ({**PICTURES, "shares": [0.1] * 10}, "well_in_pictures"),
        ({**PICTURES, "shares": [0.125] * 8 + [0.0] * 2}, ""),
        ({**TEN, "d_train": 0.3, "d_held": 0.2}, "well_with_few"),
        ({**TEN, "d_train": 0.8, "d_held": 0.2}, ""),
    ],
}


@pytest.mark.parametrize(
    ("measured", "name"), [side for sides in SIDES.values() for side in sides], ids=str
)
def test_both_sides_of_each_threshold(measured, name):
    assert said(**measured) == name


def test_each_sign_is_said_by_a_test_above():
    said_above = {name for sides in SIDES.values() for _, name in sides}
    assert said_above | {"reversed"} == {*SIGNS, ""}


def test_a_reversed_sign_is_told_before_anything_is_measured():
    def wrong(d_fake):
        return -LOSSES["non_saturating"].generator(d_fake)

    e = Experiment(loss=Loss("wrong", discriminator_cross_entropy, wrong))
    found = diagnose(Seen(e, 0))
    assert found.name == "reversed" and found.numbers == {"which": ("generator",)}
    assert diagnose(Seen(Experiment(), 0)) is None


def test_a_gan_that_wanders_from_mode_to_mode_is_not_well():
    half = [0.05] * 4 + [0.0] * 4
    more = [0.04] * 5 + [0.0] * 3  # and the other way round: all of them in turn
    for row, name in ((half, ""), (more, "well")):
        found = diagnose(replace(seen(), shares=[row, row[::-1]] * (LEAST // 2)))
        assert (found.name if found else "") == name


# --- what cannot be told is not said -------------------------------------------------------------

NUMBERS = st.one_of(st.just(math.nan), st.just(math.inf), st.floats(-1e6, 1e6))


@given(st.sampled_from(["loss_D", "grad_G", "w1", "d_train"]), st.integers(0, LEAST - 1))
def test_with_a_nan_among_them_nothing_is_told_by_these_numbers(name, where):
    patients = (
        seen(**AHEAD, grad_G=1e-9),
        seen(CLIPPED, grad_G=1e-8, loss_D=-1e-8, w1=1.5, shares=None),
        seen(WGAN, loss_D=-200.0, w1=1.5, shares=None),
        seen(**HEART),
    )
    for patient in patients:
        if name in patient.curves:
            patient.curves[name][where] = math.nan
    ill = [found.name for found in map(diagnose, patients) if found and found.ill]
    judged_by = {
        "gone": ("loss_D", "grad_G"),
        "starved": ("grad_G",),
        "exploded": ("loss_D", "w1"),
        "by_heart": ("d_train",),
    }
    assert ill == [one for one, by in judged_by.items() if name not in by]


@settings(deadline=None)
@given(st.integers(0, LEAST - 1), st.integers(0, 10**6))
def test_too_few_points_say_nothing(n, steps):
    patient = seen(steps=steps, shares=ONE)
    curves = {name: values[:n] for name, values in patient.curves.items()}
    assert diagnose(replace(patient, curves=curves)) is None
    assert diagnose(replace(patient, curves={})) is None


@settings(deadline=None)
@given(st.lists(st.lists(NUMBERS, min_size=8, max_size=8), min_size=5, max_size=5))
def test_any_numbers_give_a_verdict_or_none(values):
    names = ("loss_D", "grad_G", "w1", "agreement", "d_held")
    for e in (Experiment(), WGAN, Augmented(augment="both", ada=0.5)):
        for shares in ([], [[math.nan] * 8] * LEAST, [[0.0] * 8] * LEAST):
            found = diagnose(Seen(e, 5000, dict(zip(names, values, strict=True)), shares))
            assert found is None or all(
                math.isfinite(x) for x in found.numbers.values() if isinstance(x, float)
            )


# --- said for a while ----------------------------------------------------------------------------


def test_it_is_said_once_it_has_been_seen_for_a_while_and_no_longer_than_that():
    watch, ill = Watch(), Finding("collapsed", {"good": 0.9})
    for _ in range(HELD - 1):
        watch.hear(ill)
        assert watch.said is None
    watch.hear(None)  # once in between
    for _ in range(HELD):
        assert watch.said is None
        watch.hear(ill)
    assert watch.said is ill
    newer = Finding("collapsed", {"good": 0.95})
    watch.hear(newer)
    assert watch.said is newer  # with the numbers of now
    for _ in range(HELD):
        assert watch.said is newer
        watch.hear(None)
    assert watch.said is None


def test_what_the_settings_alone_tell_is_said_at_once():
    watch = Watch()
    watch.hear(Finding("reversed", {"which": ("generator",)}))
    assert watch.said.name == "reversed"


def test_it_does_not_flicker():
    watch, ill = Watch(), Finding("collapsed", {})
    for k in range(50):
        watch.hear(ill if k % 2 else None)
    assert watch.said is None


def looks(session):
    """How often a session is looked at in 200 steps."""
    n = 0

    def count(found):
        nonlocal n
        n += 1

    session.watch.hear = count
    session.run(200)
    return n


def test_it_is_looked_at_now_and_then_and_not_at_each_step():
    assert looks(Session(Experiment(width=8, depth=1, batch_size=16))) == 200 // EVERY


def test_a_change_a_rewind_and_a_fork_begin_anew():
    session = Session(Experiment(width=8, depth=1, batch_size=16))
    session.run(100)
    session.watch.said = Finding("collapsed", {})
    assert session.fork().watch.said is None
    assert session.fork().watch.since == 100
    with pytest.raises(ValueError, match="lr_D"):
        session.change(lr_D=-1)
    assert session.watch.said  # nothing has changed
    session.change(lr_D=1e-4)
    assert session.watch.said is None and session.watch.since == 100
    session.watch.said = Finding("collapsed", {})
    session.rewind(50)
    assert session.watch.said is None and session.watch.since == 50
    session.watch.said = Finding("collapsed", {})
    session.reset()
    assert session.watch.said is None and session.watch.since == 0


def test_a_loss_that_cannot_be_asked_is_trained_and_nothing_is_said_of_it():
    def touchy(d_real, d_fake):
        if d_real.numel() and bool((d_real == d_real[0]).all()):
            raise ValueError("all alike")
        return discriminator_cross_entropy(d_real, d_fake)

    own = Loss("touchy", touchy, LOSSES["non_saturating"].generator)
    session = Session(Experiment(loss=own, width=8, depth=1, batch_size=16))
    session.run(4 * EVERY)
    assert session.trouble is None and session.at == 4 * EVERY
    assert session.watch.looked == 4 * EVERY and session.watch.said is None


def test_looking_changes_nothing_in_training():
    e = Experiment(width=8, depth=1, batch_size=16)
    one, other = Session(e), Session(e)
    other.watch = SimpleNamespace(look=lambda session: None)
    for session in (one, other):
        session.run(120)
    assert one.last_losses == other.last_losses


# --- as the lab says it --------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_each_sign_has_its_words_with_its_numbers(lang):
    cases = [measured for sides in SIDES.values() for measured, name in sides if name]
    for found in (diagnose(seen(**measured)) for measured in cases):
        words = TEXT[lang][f"ill_{found.name}"]
        numbers = {name: in_words(value, name) for name, value in found.numbers.items()}
        assert "{" not in words.format(**numbers)
        assert all("{" + name + "}" in words for name in found.numbers)


def test_numbers_are_said_as_a_reader_reads_them():
    assert in_words(1.23e-9) == "1×10⁻⁹" and in_words(25_000.0) == "2×10⁴"
    assert in_words(0.5) == "0.5" and in_words(0.0) == "0" and in_words(12) == "12"
    assert in_words(0.934, "good") == "93 %" and in_words(("generator", "discriminator"))


def test_each_sign_names_a_section_that_is_there(notebook_headings):
    for name, sign in SIGNS.items():
        assert bool(sign.place[0]) == sign.ill, name
        if sign.ill:
            notebook, section = sign.place
            assert section in notebook_headings(notebook), f"{name}: {sign.place}"


@pytest.fixture(scope="module")
def notebook_headings():
    def headings(notebook):
        text = (SOURCE / f"{notebook}.md").read_text(encoding="utf-8")
        return set(re.findall(r"^#{2,3} ([\d.]+) ", text, re.MULTILINE))

    return headings


@pytest.fixture
def collapsed_lab():
    lab = Lab("ring", device="cpu", width=8, depth=1, batch_size=16)
    lab.session.watch.said = diagnose(seen(shares=ONE))
    lab.run(0)
    yield lab
    lab.close()


def wait_until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    assert holds()


def test_the_lab_says_it_and_puts_the_remedy_beside_the_untreated(collapsed_lab):
    lab = collapsed_lab
    assert "90 %" in lab.verdict.line.value and "1 of 8" in lab.verdict.line.value
    assert "12.4.2_difficulties.ipynb#cell-id=section-3'" in lab.verdict.line.value
    assert lab.verdict.button.layout.display is None
    assert lab.verdict.button.description == "Try R1 beside it"
    lab.verdict.button.click()
    wait_until(lambda: lab.comparison)
    wait_until(lambda: not lab.verdict.line.value)  # side by side nothing is said
    assert list(lab.comparison.sessions) == ["untreated", "R1"]
    untreated, treated = lab.comparison.sessions.values()
    assert (untreated.experiment.r1, treated.experiment.r1) == (0.0, 0.1)
    lab.pick("R1")
    assert lab.session.experiment.r1 == 0.1 and not lab.verdict.line.value


def test_a_remedy_in_force_is_not_offered_and_none_beside_the_remedies(collapsed_lab):
    lab = collapsed_lab
    found = lab.session.watch.said
    lab.change(r1=0.1)
    lab.session.watch.said = found
    lab.run(0)
    assert lab.verdict.button.description == "Try spectral norm beside it"
    lab.with_remedies = True
    lab.run(0)
    assert lab.verdict.line.value and lab.verdict.button.layout.display == "none"


def test_numbers_stay_while_it_plays(collapsed_lab):
    lab, text = collapsed_lab, collapsed_lab.verdict.line.value
    for anew in (False, True):
        lab.verdict.show(diagnose(seen(shares=[0.6, *[0.0] * 7])), None, anew)
        assert (lab.verdict.line.value == text) is not anew


def test_a_lab_may_be_told_to_say_nothing():
    lab = Lab("ring", device="cpu", width=8, depth=1, batch_size=16, diagnosis=False)
    lab.session.watch.said = diagnose(seen(shares=ONE))
    lab.run(0)
    assert not lab.verdict.line.value and lab.verdict.box.layout.display == "none"
    with pytest.raises(TypeError, match="diagnosis"):
        Lab("ring", diagnosis="no")


# --- real runs -----------------------------------------------------------------------------------


def test_collapsed_gans_are_called_so_and_healthy_young_ones_are_not():
    """Three seeds each; in the evidence it is nearly every one of ten or twenty."""
    small = Experiment(batch_size=32, width=32)
    names = []
    for seed in range(3):
        session = Session(replace(small, **ILLNESSES["mode_collapse"]), "ring", seed)
        session.run(200)
        names.append(session.watch.said.name if session.watch.said else "")
        session = Session(small, "ring", seed)
        for _ in range(4):
            session.run(50)
            assert session.watch.said is None or not session.watch.said.ill
    assert names.count("collapsed") >= 1 and {*names} <= {"collapsed", ""}


def test_the_evidence_says_how_often_it_is_right():
    """On seeds that no threshold was set on; to say nothing of a known state is wrong, too."""
    rows = load_evidence()
    wrong, n_well = alarms(rows)
    assert n_well >= 100 and wrong <= 0.05 * n_well
    table = verdicts(rows)
    assert {*table} == {WELL, *(name for name, sign in SIGNS.items() if sign.ill)}
    for name, heard in table.items():
        if name != WELL:
            assert heard[name] >= 0.9 * heard.total() > 0, (name, heard)
            assert heard[WELL] == 0
    gans = sum(heard.total() for heard in table.values())
    right = sum(heard[name] for name, heard in table.items())
    silent = sum(heard[""] for heard in table.values())
    assert gans >= 200 and right >= 0.9 * gans
    assert right >= 0.95 * (gans - silent)  # of what is said


def test_each_way_of_being_well_is_said_of_some_that_are():
    said = {name for row in load_evidence().values() for name in row["found"]}
    heard = {name.removeprefix("said_").rpartition("_")[0] for name in said if "said_" in name}
    assert heard >= {name for name, sign in SIGNS.items() if not sign.ill}


def test_states_between_are_no_states():
    points = {"good": 0.3, "held": 0.7, "modes": 0.8, "push": 1.0, "loss_D": 1.0, "w1": 1.0}
    pictures = {
        "most": 0.4,
        "sure": 4,
        "tells": 0.9,
        "agreement": 0.6,
        "worst": 0.2,
        "second": 0.5,
        "knows": 0.8,
    }
    few = {"takes": 0.5, "trace": 0.05, "mirrored": 0.3, "p": 0.5, "too_sure": 0.1, "frechet": 1.0}
    signs = {"gain_D": 0.1, "gain_G": 0.1}
    end = points | {"w1_before": 1.4} | pictures | few | {"frechet_before": 1.4} | signs
    assert not [name for name, so in STATES.items() if so(end)]
    row = {"run": {"seeds": [1, 2]}, "found": {"said_well_by_distance_40": [0.0, 1.0]}}
    assert said_of(row, 40) == ["", "well_by_distance"] and said_of(row, 50) == ["", ""]
