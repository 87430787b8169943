"""The code of a lab: run, it gives the same numbers, with a lab and without one."""

import contextlib
import io

import pytest
import torch
from test_saved import CONV, OWN_LOSS, SMALL, pictures, same_state
from test_translating import PAIRED, SMALL as SMALL_TRANSLATION, UNPAIRED

from gan_helpers import training
from gan_helpers.datasets.points import from_drawing, from_points, ring
from gan_helpers.lab.view import Lab

SMALL_PICTURES = {k: v for k, v in CONV.items() if k != "network"}
LABS = {
    "points": lambda: Lab("ring", seed=3, **SMALL),
    "1-D": lambda: Lab("two_gaussians_1d", **SMALL),
    "spectral norm and average": lambda: Lab("ring", spectral_norm=True, ema=0.9, **SMALL),
    "a critic": lambda: Lab("grid", loss="wasserstein", clip=0.1, distance=True, **SMALL),
    "pictures": lambda: Lab("digits", **SMALL_PICTURES),
    "cgan": lambda: Lab("ring", condition="cgan", remedies=True, **SMALL),
    "acgan": lambda: Lab("ring", condition="acgan", unfold="classes", **SMALL),
    "augmented": lambda: Lab(
        "digits_50", augment="real", transforms=("cutout",), ada=0.3, **SMALL_PICTURES
    ),
}
SPLIT = {"slow": {"lr_D": 1e-4}, "fast": {"lr_D": 1e-2}, "hinge": {"loss": "hinge"}}


def run(code, **names):
    """What the code leaves, run as in a cell; it prints its losses."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(code, "cell", "exec"), names)
    return names


def assert_same_numbers(lab, **names):
    """Both ways of its code lead to where the lab is."""
    found = run(lab.as_code(), **names)
    session, again = lab.session, found["lab"].session
    assert same_state(found["gan"], session.gan) and same_state(again.gan, session.gan)
    assert (float(found["loss_D"]), float(found["loss_G"])) == session.last_losses
    assert again.last_losses == session.last_losses and again.world == session.world
    assert again.experiment == found["gan"].experiment == session.experiment
    assert type(again) is type(session)
    found["lab"].close()
    lab.close()


@pytest.mark.parametrize("kind", LABS)
def test_the_code_gives_the_same_numbers(kind):
    lab = LABS[kind]()
    lab.run(3)
    lab.change(lr_D=3e-4)
    lab.run(2)
    assert_same_numbers(lab)


@pytest.mark.parametrize("task", [PAIRED, UNPAIRED], ids=["pix2pix", "CycleGAN"])
def test_of_translations_too(task):
    lab = Lab(task, experiment=SMALL_TRANSLATION)
    lab.run(2)
    lab.change(adversarial=0.5, history=2)
    lab.run(3)
    assert "# data: your own" in lab.as_code()
    assert_same_numbers(lab, data=task)


def test_a_task_by_its_name():
    page = Lab("shoes").as_code()
    assert 'lab = Lab("shoes")' in page and 'data = load_task("shoes")' in page
    assert "Translation(batch_size=16, lr_D=0.001," in page


def test_what_is_changed_on_the_way_is_told():
    lab = Lab("ring", **SMALL)
    lab.change(r1=0.1)  # nothing was trained before it
    lab.run(20)
    lab.change(spectral_norm=True)
    lab.change(lr_G=2e-3)
    lab.run(10)
    lab.change(data="moons", loss="hinge")
    lab.run(10)
    lab.change(r1=0.0)
    code = lab.as_code()
    assert "replace(gan.experiment, lr_G=0.002, spectral_norm=True)" in code
    assert "    if step == 30:\n" in code and "        data = moons()" in code
    assert code.count("if step ==") == 2 and "r1=0.1" in code
    assert_same_numbers(lab)


def test_what_was_gone_back_over_is_not_told():
    lab = Lab("ring", **SMALL)
    lab.run(50)
    lab.change(lr_D=3e-4, data="grid")
    lab.run(60)
    lab.rewind(50)
    lab.run(5)
    code = lab.as_code()
    assert "grid" not in code and "if step" not in code
    assert_same_numbers(lab)


def test_a_new_beginning_forgets_what_was_before():
    lab = Lab("ring", **SMALL)
    lab.run(20)
    lab.change(lr_D=3e-4)
    lab.change(width=4)
    lab.reset(7)
    lab.run(5)
    code = lab.as_code()
    assert "if step" not in code and "seed=7" in code and "lr_D=0.0003" in code
    assert_same_numbers(lab)


def test_rounds_in_slow_motion_are_rounds():
    lab = Lab("ring", d_steps=2, **SMALL)
    lab.run(2)
    for _ in range(6):
        lab.session.half_step()
    assert "Left out" not in lab.as_code()
    assert_same_numbers(lab)


@pytest.mark.parametrize("method", ["step_G", "step_D"])
def test_what_belongs_to_no_round_is_left_out_and_said(method):
    lab = Lab("ring", **SMALL)
    lab.run(4)
    getattr(lab.session, method)()
    lab.run(3)
    assert "# Left out: from step 4 on, D or G was updated alone" in lab.as_code()
    lab.rewind(0)
    assert "Left out" not in lab.as_code()
    lab.run(2)
    assert_same_numbers(lab)


def test_half_of_a_round_is_left_out_and_said():
    lab = Lab("ring", **SMALL)
    lab.run(4)
    lab.session.half_step()
    assert "# Left out: the half of a round after step 4." in lab.as_code()
    lab.session.half_step()
    assert_same_numbers(lab)


def test_a_change_amid_a_round_is_said():
    lab = Lab("ring", **SMALL)
    lab.session.half_step()
    lab.change(lr_G=1e-4)
    assert "# Left out: from step 0 on" in lab.as_code()


# --- side by side --------------------------------------------------------------------------------


def assert_same_side_by_side(lab, **names):
    found = run(lab.as_code(), **names)
    for name, session in lab.comparison.sessions.items():
        assert same_state(found["gans"][name], session.gan), name
        again = found["lab"].comparison.sessions[name]
        assert same_state(again.gan, session.gan) and again.last_losses == session.last_losses
    found["lab"].close()
    lab.close()


@pytest.mark.parametrize("start", [0, 7])
@pytest.mark.parametrize("condition", [{}, {"condition": "cgan"}], ids=["stacked", "one by one"])
def test_side_by_side(start, condition):
    lab = Lab("ring", seed=2, **condition, **SMALL)
    lab.run(start)
    lab.change(r1=0.1)
    lab.compare(SPLIT)
    lab.run(5)
    lab.change(lr_G=2e-3)
    lab.run(3)
    code = lab.as_code()
    assert ("Ensemble" in code) == (not condition)
    assert "for gan in gans.values():" in code
    assert_same_side_by_side(lab)


@pytest.mark.parametrize("what", ["seed", "loss"])
def test_what_the_lab_offers_side_by_side(what):
    lab = Lab("ring", **SMALL)
    lab.run(3)
    lab.compare(what)
    lab.run(3)
    assert_same_side_by_side(lab)


def test_side_by_side_from_the_start_again():
    lab = Lab("ring", **SMALL)
    lab.run(5)
    lab.compare(SPLIT)
    lab.run(5)
    lab.reset(4)
    lab.run(3)
    assert_same_side_by_side(lab)


def test_one_of_several_has_the_past_of_all():
    lab = Lab("ring", **SMALL)
    lab.run(5)
    lab.compare(SPLIT)
    lab.run(5)
    lab.pick("fast")
    lab.run(2)
    code = lab.as_code()
    assert "if step == 5:" in code and "lr_D=0.01" in code
    found = run(code)
    # One of a stack and one alone add in another order: to the last bit they need not agree.
    for one, other in zip(found["gan"].G.parameters(), lab.session.gan.G.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-4)


# --- what is the reader's own --------------------------------------------------------------------


def mine(gan, data):
    return training.train_step(gan, data)


def test_what_is_of_ones_own_is_a_name():
    lab = Lab(pictures(), loss=OWN_LOSS, train_step=mine, augment="both", **SMALL_PICTURES)
    lab.run(2)
    code = lab.as_code()
    for said in (
        "# data: your own, to be defined before.",
        "# mine: a loss of your own, to be defined before.",
        "# mine: a step of your own, to be defined before.",
        "loss=mine",
        "train_step=mine",
    ):
        assert said in code
    lab.close()


@pytest.mark.parametrize("data", [ring(3), from_points([(0, 0), (0.1, 0.7), (-1, 1)])])
def test_few_points_are_told_in_numbers(data):
    lab = Lab(data, **SMALL)
    lab.run(3)
    assert "Mixture(" in lab.as_code()
    assert_same_numbers(lab)


def test_many_points_are_a_name():
    data = from_drawing([[(-1, -1), (1, 1)], [(0, 1)], [(-1.5, 1.5), (1.5, -1.5)]])
    lab = Lab(data, **SMALL)
    lab.run(3)
    assert "# data: your own" in lab.as_code()
    assert_same_numbers(lab, data=data)


def test_a_step_of_ones_own_from_some_step_on():
    lab = Lab("ring", **SMALL)
    lab.run(2)
    lab.change(train_step=mine)
    lab.run(2)
    assert "take_step = mine" in lab.as_code()
    assert_same_numbers(lab, mine=mine)


def test_why_one_stopped_is_said():
    lab = Lab("ring", **SMALL)
    lab.run(2)
    next(lab.session.gan.D.parameters()).data.fill_(float("nan"))
    lab.run(2)
    assert "# gan stopped at step" in lab.as_code()


def test_in_japanese():
    lab = Lab("ring", lang="ja", **SMALL)
    lab.run(2)
    code = lab.as_code()
    assert "# ラボを使わずに、同じ数値を計算する。" in code and 'lang="ja"' in code
    assert_same_numbers(lab)


def test_a_loaded_lab_knows_its_past(tmp_path):
    lab = Lab("ring", **SMALL)
    lab.run(4)
    lab.change(r1=0.1)
    lab.run(4)
    lab.save(tmp_path / "run.safetensors")
    again = Lab.load(tmp_path / "run.safetensors")
    assert again.as_code() == lab.as_code()
    again.run(3)
    assert_same_numbers(again)
