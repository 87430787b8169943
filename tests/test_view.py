"""The lab's controls, touched from Python: they leave commands, and show what the session does."""

import sys
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest
import torch
from ipywidgets import Accordion, Widget
from lab_threads import threads, wait_for
from test_translating import PAIRED, UNPAIRED
from traitlets import TraitError

from gan_helpers.datasets.points import from_points
from gan_helpers.experiment import Experiment
from gan_helpers.lab import view
from gan_helpers.lab.engine.choices import WORLD_NAMES
from gan_helpers.lab.engine.controls import CONTROLS, compared_of
from gan_helpers.lab.filming import for_figures
from gan_helpers.lab.labels import TEXT, in_english, labels
from gan_helpers.lab.stage import unpack_frame
from gan_helpers.lab.view import IN_FLIGHT, OWN, PATIENCE, Lab
from gan_helpers.losses import LOSSES, Loss
from gan_helpers.remedies import REMEDIES
from gan_helpers.training import train_step
from gan_helpers.translation.cyclegan import CycleGAN
from gan_helpers.translation.tasks import TASKS

SMALL = {"width": 8, "depth": 1, "batch_size": 16}


@pytest.fixture
def lab():
    lab = Lab(**SMALL)
    yield lab
    lab.close()


def message(lab, kind, content):
    """What the canvas would send."""
    lab._on_stage_message(lab.stage, {"type": kind, **content}, [])


def frame(lab):
    return unpack_frame(lab.stage.frame)


def test_a_stage_that_hears_nothing_gets_a_successor(lab):
    deaf, place = lab.stage, list(lab.box.children).index(lab.stage)
    deaf.size = 300
    message(lab, "views", {"count": 1})
    assert deaf.heard == 1  # the answer that a page waits for
    for _ in range(2):  # two views of it
        lab._on_stage_message(deaf, {"type": "deaf"}, [])
    wait_for(lambda: lab.stage is not deaf and lab.stage.frame)
    assert lab.box.children[place] is lab.stage and deaf not in lab.box.children
    assert lab.stage.patience == 2 * deaf.patience and deaf.comm is None
    assert lab.stage.size == 300
    lab._on_stage_message(deaf, {"type": "key", "action": "step"}, [])  # from the past
    message(lab, "key", {"action": "step"})
    wait_for(lambda: frame(lab)[0]["step"] == 1)
    lab.draw_button.value = True
    assert lab.stage.drawing


def test_both_languages_have_every_word():
    assert set(TEXT["ja"]) == set(TEXT["en"])
    assert all(words.strip() for language in TEXT.values() for words in language.values())
    for key, words in TEXT["en"].items():  # the same blanks to fill
        assert words.count("{") == TEXT["ja"][key].count("{"), key
    with pytest.raises(ValueError, match="lang = 'fr'"):
        labels("fr")


def test_every_loss_is_offered_under_its_name_in_both_languages(lab):
    offered = [value for _, value in lab.loss.options]
    assert offered == [*LOSSES, OWN]
    assert {*LOSSES, *WORLD_NAMES, *TASKS} <= set(TEXT["en"])


def test_it_opens_without_a_thread_and_with_a_picture(lab):
    assert threads() == []
    header, arrays = frame(lab)
    assert header["step"] == 0 and header["kind"] == "2d" and not header["running"]
    assert arrays["heat"].shape == (48, 48)


def test_the_bundle_holds_the_widget_and_a_picture(lab):
    bundle = lab._repr_mimebundle_()
    assert bundle["image/png"][:4] == b"\x89PNG"
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_showing_a_lab_again_does_not_touch_the_model(lab, monkeypatch):
    """It may be training on its own thread: the picture is the last one that was published."""

    def touched(*args):
        raise AssertionError("the session was asked for a frame")

    monkeypatch.setattr(lab.session, "frame", touched)
    assert lab._repr_mimebundle_()["image/png"][:4] == b"\x89PNG"


def test_a_closed_lab_leaves_no_widget_open():
    def still_open():
        return set(Widget.get_manager_state()["state"])

    before = still_open()
    lab = Lab(remedies=True, **SMALL)
    lab.compare("seed")
    assert len(still_open()) > len(before) + 50
    lab.close()
    assert still_open() == before
    lab.run(1)  # the session is there all the same
    assert lab.comparison.at == 1


def test_run_needs_no_thread(lab):
    lab.run(20)
    assert lab.session.gan.step == 20 and threads() == []
    assert frame(lab)[0]["step"] == 20


def test_play_and_pause_by_the_button(lab):
    lab.play_button.click()
    wait_for(lambda: lab.session.gan.step > 20)
    assert lab.play_button.description == "Pause"
    lab.play_button.click()
    wait_for(lambda: lab.play_button.description == "Play" and threads() == [])
    assert frame(lab)[0]["step"] == lab.session.gan.step


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_dropdown_acts_and_says_so(lab, name):
    if name == "non_saturating":
        lab.change(loss="hinge")
    lab.loss.value = name
    wait_for(lambda: lab.session.gan.loss is LOSSES[name])
    wait_for(lambda: f"loss = {TEXT['en'][name]}" in lab.message.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("d_steps", 4, 4),
        ("lr_D", 1e-4, 1e-4),
        ("lr_G", 1e-2, 1e-2),
        ("beta1", 0.9, 0.9),
        ("batch_size", 64, 64),
        ("spectral_norm", True, True),
        ("gradient_penalty", 1.0, 1.0),
        ("one_sided", True, True),
        ("r1", 0.1, 0.1),
        ("r2", 0.1, 0.1),
        ("clip", 0.01, 0.01),
        ("unroll", 3, 3),
        ("pac", 4, 4),
        ("width", 16, 16),
        ("class_weight", 3.0, 3.0),
        ("class_on_fake", False, False),
        ("strength", 0.5, 0.5),
        ("p", 0.25, 0.25),
        ("ada", 0.6, 0.6),
        ("consistency", 10.0, 10.0),
        ("adversarial", 0.0, 0.0),
        ("l1", 100.0, 100.0),
        ("conditional", False, False),
        ("skips", False, False),
        ("cycle", 30.0, 30.0),
        ("identity", 1.0, 1.0),
        ("history", 0, 0),
    ],
)
def test_every_setting_acts(name, value, expected):
    own = {
        "classes": SMALL | {"condition": "acgan"},
        "augmentation": SMALL | {"data": "digits_50"},
        "translation": {"data": PAIRED if name in CycleGAN.left_out else UNPAIRED},
    }
    lab = Lab(**own.get(CONTROLS[name].group, SMALL))
    lab.settings[name].value = value
    wait_for(lambda: getattr(lab.session.gan.experiment, name) == expected)
    lab.close()


def test_every_setting_has_its_test():
    (mark,) = (m for m in test_every_setting_acts.pytestmark if m.name == "parametrize")
    assert {row[0] for row in mark.args[1]} == {name for name, row in CONTROLS.items() if row.group}


def test_regularizers_can_be_switched_off_again(lab):
    lab.settings["clip"].value = 0.01
    wait_for(lambda: lab.session.experiment.clip == 0.01)
    lab.settings["clip"].value = 0.0
    wait_for(lambda: lab.session.experiment.clip is None)


def test_controls_follow_changes_from_a_cell(lab):
    lab.change(loss="hinge", lr_D=3e-4, r1=0.07, d_steps=2, data="grid")
    assert lab.loss.value == "hinge" and lab.data.value == "grid"
    assert lab.settings["lr_D"].value == 3e-4 and lab.settings["d_steps"].value == 2
    assert lab.settings["r1"].value == 0.07  # although it was not among the slider's values
    time.sleep(0.1)
    assert threads() == []  # and moving them left no commands


def test_a_picture_amid_steps_does_not_put_back_what_was_just_touched(lab, monkeypatch):
    waiting = []
    monkeypatch.setattr(lab.worker, "post", waiting.append)  # the thread is busy with a step
    rate = lab.settings["lr_D"].options[0][1]
    lab.settings["lr_D"].value = rate
    lab.loss.value = "hinge"
    options = lab.settings["lr_D"].options
    lab.worker._show(amid_steps=True)
    assert lab.settings["lr_D"].value == rate and lab.loss.value == "hinge"
    assert lab.settings["lr_D"].options is options  # new ones would take the keyboard's focus away
    for command in waiting:
        command()
    lab.worker._show()
    assert lab.session.experiment.lr_D == lab.settings["lr_D"].value == rate
    assert lab.session.experiment.loss == lab.loss.value == "hinge"
    lab.session.change(lr_D=1e-3)  # what a command changed is shown
    lab.worker._show()
    assert lab.settings["lr_D"].value == 1e-3


def test_a_bad_setting_from_a_cell_raises_and_changes_nothing(lab):
    with pytest.raises(ValueError, match="lr_D = -1"):
        lab.change(lr_D=-1.0)
    with pytest.raises(ValueError, match="setting = 'speed'"):
        Lab(speed=3)
    lab.run(3)
    assert lab.session.experiment.lr_D == 1e-3 and lab.session.gan.step == 3


def test_a_drawing_becomes_the_data(lab):
    lab.run(5)
    message(lab, "strokes", {"strokes": [[[-1, 0], [1, 0]], [[0, -1], [0, 1]]]})
    wait_for(lambda: lab.data.value == OWN)
    assert lab.session.data.name == "drawing" or lab.session.data.n_modes is None
    assert lab.session.gan.step >= 5  # the weights were kept
    assert "drawing" in lab.message.value


@pytest.mark.parametrize("strokes", [[], [[]], [[["x", "y"]]], [[[9, 9]]], "nonsense", [[[0.0]]]])
def test_a_bad_drawing_is_refused_beside_the_lab(lab, strokes):
    message(lab, "strokes", {"strokes": strokes})
    wait_for(lambda: "Error" in lab.message.value)
    assert lab.session.data.name == "ring"
    lab.run(3)
    assert lab.session.trouble is None


@pytest.mark.parametrize(
    ("action", "steps"), [("step", 1), ("step_D", 0), ("step_G", 1), ("reset", 0)]
)
def test_keys(lab, action, steps):
    message(lab, "key", {"action": action})
    wait_for(lambda: frame(lab)[0]["n"] > 1)
    assert lab.session.gan.step == steps


def test_a_hidden_lab_pauses(lab):
    lab.play()
    wait_for(lambda: lab.session.gan.step > 5)
    message(lab, "views", {"count": 0})
    wait_for(lambda: threads() == [])
    assert not lab.worker.playing


def test_a_lab_that_hears_nothing_pauses_and_shows_that_it_has(lab, monkeypatch):
    monkeypatch.setattr(view, "ABANDONED", 0.2)  # seconds
    message(lab, "views", {"count": 1})
    lab.play()
    wait_for(lambda: threads() == [])
    assert not lab.worker.playing and lab.play_button.description == "Play"
    assert not frame(lab)[0]["running"]


def test_frames_wait_for_a_slow_browser(lab):
    """Without acknowledgement only a few are under way, however fast it trains."""
    lab._shown, start = 0, time.monotonic()
    lab.play()
    wait_for(lambda: lab.session.gan.step > 60 and time.monotonic() - start > 1)
    sent, seconds = lab._sent, time.monotonic() - start
    lab.pause()
    assert sent <= IN_FLIGHT + 2 + seconds / PATIENCE


def test_the_time_slider_rewinds_and_the_future_repeats(lab):
    lab.run(120)
    future = lab.session.last_losses
    lab.run(30)
    assert list(lab.time.options)[:3] == [0, 50, 100]
    lab.time.value = 100
    wait_for(lambda: lab.session.gan.step == 100)
    wait_for(lambda: "100" in lab.message.value)
    lab.run(20)
    assert lab.session.last_losses == future


def test_rewinding_brings_the_controls_back(lab):
    lab.run(100)
    lab.change(loss="hinge", data="grid")
    lab.run(50)
    lab.rewind(50)
    assert lab.loss.value == "non_saturating" and lab.data.value == "ring"


def test_new_seed_and_reset(lab):
    lab.run(5)
    lab.buttons["new_seed"].click()
    wait_for(lambda: lab.session.seed == 1 and lab.session.gan.step == 0)
    wait_for(lambda: "seed 1" in lab.message.value)
    lab.reset(seed=4)
    assert lab.session.seed == 4


def test_own_loss_step_and_data(lab):
    def own_step(gan, data):
        return train_step(gan, data)

    hinge = LOSSES["hinge"]
    lab.change(loss=Loss("mine", hinge.discriminator, hinge.generator), train_step=own_step)
    lab.change(data=from_points([[0.0, 0.0], [1.0, 1.0]]))
    assert lab.loss.value == OWN and lab.data.value == OWN
    lab.run(5)
    assert lab.session.trouble is None and lab.session.gan.step == 5


def test_an_error_in_own_code_is_shown_with_its_line(lab):
    def broken(gan, data):
        raise KeyError("no such thing")

    lab.change(train_step=broken)
    lab.play()
    wait_for(lambda: "no such thing" in lab.message.value)
    assert "raise KeyError" in lab.message.value and not lab.worker.playing
    lab.change(train_step=train_step)
    lab.run(3)
    assert lab.session.gan.step == 3


def test_a_blow_up_is_shown_with_step_and_setting(lab):
    def blown(gan, data):
        loss_D, loss_G = train_step(gan, data)
        return loss_D, loss_G * (float("inf") if gan.step > 4 else 1)

    lab.change(train_step=blown, loss="wasserstein")
    lab.play()
    wait_for(lambda: "Stopped at step 4" in lab.message.value)
    assert "the loss of G became" in lab.message.value and "loss=wasserstein" in lab.message.value
    lab.change(train_step=train_step)
    message(lab, "key", {"action": "reset"})
    wait_for(lambda: lab.session.gan.step == 0 and lab.session.trouble is None)


def test_markup_in_messages_is_shown_as_text(lab):
    def broken(gan, data):
        raise ValueError("<script>alert(1)</script>")

    lab.change(train_step=broken)
    lab.run(1)
    assert "<script>" not in lab.message.value and "&lt;script&gt;" in lab.message.value


def test_on_colab_widgets_are_enabled(monkeypatch):
    enabled = []
    output = SimpleNamespace(enable_custom_widget_manager=lambda: enabled.append(True))
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace(output=output))
    Lab(**SMALL).close()
    assert enabled == [True]


def test_japanese_lab():
    lab = Lab("two_gaussians_1d", lang="ja")
    assert lab.play_button.description == TEXT["ja"]["play"]
    assert frame(lab)[0]["kind"] == "1d"
    lab.run(2)
    lab.close()


def test_japanese_names_of_several_gans_are_english_in_the_picture_that_stands_in():
    lab = Lab("ring", lang="ja", compare="lr_D")
    lab.compare("seed")
    assert list(lab.comparison.sessions)[:2] == ["シード 0", "シード 1"]
    header, arrays = for_figures(lab._picture)
    assert [member["name"] for member in header["members"]][:2] == ["seed 0", "seed 1"]
    assert not arrays.keys() - lab._picture[1].keys()
    lab.close()


@pytest.mark.parametrize(
    ("name", "english"),
    [("最尤推定", "maximum likelihood"), ("Dの学習率 0.001", "learning rate of D 0.001"),
     ("重みを[−c, c]に制限 なし", "clip weights to [−c, c] off"), ("わたしの案 2", "わたしの案 2")],
)  # fmt: skip
def test_words_of_the_lab_in_english(name, english):
    assert in_english(name) == english


def test_hundreds_of_random_touches_leave_it_sound(lab):
    rng = torch.Generator().manual_seed(3)

    def pick(options):
        return options[int(torch.randint(len(options), (), generator=rng))]

    def touch_setting():
        name = pick(list(lab.settings))
        widget = lab.settings[name]
        if hasattr(widget, "options"):
            widget.value = pick([v for _, v in widget.options])
        elif isinstance(widget.value, bool):
            widget.value = not widget.value
        elif name == "d_steps":
            widget.value = pick([1, 2, 3])
        else:
            widget.value = pick([1e-5, 1e-4, 1e-3, 1e-2])

    touches = [
        touch_setting,
        lab.play_button.click,
        lambda: lab.buttons[pick(list(lab.buttons))].click(),
        lambda: setattr(lab.loss, "value", pick(list(LOSSES))),
        lambda: setattr(lab.data, "value", pick(["ring", "grid", "moons", "spiral"])),
        lambda: setattr(lab.rate, "value", pick([1.0, 10.0, 100.0, 1000.0])),
        lambda: setattr(lab.time, "value", pick(list(lab.time.options))),
        lambda: message(lab, "key", {"action": pick(["toggle", "step", "step_D", "reset"])}),
        lambda: message(lab, "strokes", {"strokes": pick([[], [[[0, 0], [1, 1]]]])}),
        lambda: message(lab, "shown", {"n": lab._sent}),
    ]
    for _ in range(300):
        with suppress(TraitError):  # the time slider moved on between look and touch
            pick(touches)()
    lab.pause()
    wait_for(lambda: threads() == [])
    if lab.session.trouble:
        assert lab.session.trouble.what != "error", lab.session.trouble
        message(lab, "key", {"action": "reset"})
        wait_for(lambda: lab.session.trouble is None)
    lab.run(3)
    weights = torch.cat([p.flatten() for p in lab.session.gan.G.parameters()])
    assert weights.isfinite().all() or lab.session.trouble


# --- side by side ------------------------------------------------------------------------------


@pytest.mark.parametrize("what", compared_of(Experiment))
def test_whatever_can_be_compared_stands_side_by_side(lab, what):
    lab.run(3)
    lab.compare_with.value = what
    wait_for(lambda: lab.comparison is not None)
    lab.run(2)
    header, arrays = frame(lab)
    assert header["kind"] == "many" and header["step"] == (2 if what == "seed" else 5)
    assert 2 <= len(header["members"]) <= 8
    names = [member["name"] for member in header["members"]]
    assert len(set(names)) == len(names) and all(names)
    assert all(f"{k}/fake" in arrays for k in range(len(names))) and "real" in arrays
    lab.compare_with.value = "one"
    wait_for(lambda: lab.comparison is None and frame(lab)[0]["kind"] == "2d")
    assert lab.session.gan.step == 3  # where they parted


def test_a_click_keeps_one(lab):
    lab.run(2)
    lab.compare({"slow": {"lr_D": 1e-4}, "fast": {"lr_D": 1e-2}})
    lab.run(3)
    chosen = lab.comparison.sessions["fast"]
    expected = chosen.gan.sample(chosen.z_preview)
    message(lab, "pick", {"member": 1})
    wait_for(lambda: lab.comparison is None)
    assert lab.session.experiment.lr_D == 1e-2 and lab.session.at == 5
    torch.testing.assert_close(lab.session.gan.sample(chosen.z_preview), expected)
    wait_for(lambda: lab.compare_with.value == "one" and "fast" in lab.message.value)
    message(lab, "pick", {"member": 0})  # a second click, too late
    lab.run(1)
    assert lab.session.at == 6


def test_play_pause_and_settings_act_on_all(lab):
    lab.compare("loss")
    lab.play()
    wait_for(lambda: lab.shown.at > 20)
    lab.settings["lr_D"].value = 5e-3
    wait_for(lambda: all(s.experiment.lr_D == 5e-3 for s in lab.comparison.sessions.values()))
    lab.loss.value = "hinge"  # what differs stays different
    wait_for(lambda: lab.session.experiment.loss == "hinge")
    assert len({s.gan.loss.name for s in lab.comparison.sessions.values()}) == len(LOSSES)
    lab.pause()
    wait_for(lambda: threads() == [])
    steps = {s.at for s in lab.comparison.sessions.values()}
    assert steps == {frame(lab)[0]["step"]}


def test_time_reset_and_new_seed_act_on_all(lab):
    lab.compare({"a": {"lr_G": 1e-4}, "b": {"lr_G": 1e-3}})
    lab.run(220)
    lab.rewind(210)
    assert {s.at for s in lab.comparison.sessions.values()} == {200}
    lab.reset()
    assert {s.at for s in lab.comparison.sessions.values()} == {0}
    lab.buttons["new_seed"].click()
    wait_for(lambda: {s.seed for s in lab.comparison.sessions.values()} == {1})
    lab.compare("seed")
    assert [s.seed for s in lab.comparison.sessions.values()] == list(range(1, 9))


def test_what_cannot_be_compared_is_refused(lab):
    lab.run(1)
    for wrong, words in (
        ("colour", "compare = 'colour'"),
        ({"only": {}}, "1 variants"),
        ({"a": {}, "b": {"pac": 4}}, "needs new networks"),
        ({"a": {}, "b": {"lr": 1}}, "setting = 'lr'"),
    ):
        with pytest.raises(ValueError, match=words):
            lab.compare(wrong)
    assert lab.comparison is None


# --- remedies and a lead for D -----------------------------------------------------------------


def test_a_remedy_is_a_click_and_can_be_taken_off_again():
    lab = Lab(remedies=True, **SMALL)
    before = lab.session.experiment
    for name, button in lab.remedies.items():  # a click at a time: controls follow each of them
        button.value = True
        wait_for(lambda name=name: has(lab, name) and threads() == [])
        button.value = False
        wait_for(lambda: lab.session.experiment == before and threads() == [])
    assert lab.session.at == 0
    lab.close()


def test_a_remedy_that_is_in_use_already_says_so_and_changes_nothing():
    lab = Lab(remedies=True, r1=0.1, **SMALL)
    before = lab.session.experiment
    in_use = {name for name, button in lab.remedies.items() if button.icon == "check"}
    assert in_use == {"r1", "non_saturating"}  # the latter is the default
    lab.remedies["r1"].value = True
    wait_for(lambda: "R1 is in use already" in lab.message.value and threads() == [])
    assert lab.session.experiment == before and not lab.treated
    wait_for(lambda: not lab.remedies["r1"].value)
    lab.change(r1=0.0)
    assert lab.remedies["r1"].icon == ""
    lab.close()


def test_only_the_remedies_are_hidden_where_they_are_not_asked_for(lab):
    hidden = [box for box in lab.box.children if box.layout.display == "none"]
    assert [set(lab.remedies.values()) <= set(box.children) for box in hidden] == [True]


def has(lab, name):
    e = lab.session.experiment
    return all(getattr(e, field) == value for field, value in REMEDIES[name].items())


def test_D_can_be_brought_ahead_and_back(lab):
    weights = [p.clone() for p in lab.session.gan.D.parameters()]
    frozen = [p.clone() for p in lab.session.gan.G.parameters()]
    lab.lead_slider.value = 100
    wait_for(lambda: "100 updates ahead" in lab.message.value)
    ahead = [p.clone() for p in lab.session.gan.D.parameters()]
    assert not any(map(torch.equal, ahead, weights)) and lab.session.at == 0
    lab.lead_slider.value = 0
    wait_for(lambda: "D is 0 updates ahead" in lab.message.value)
    assert all(map(torch.equal, lab.session.gan.D.parameters(), weights))
    lab.lead_slider.value = 100  # the same numbers again
    wait_for(lambda: "100 updates ahead" in lab.message.value)
    assert all(map(torch.equal, lab.session.gan.D.parameters(), ahead))
    assert all(map(torch.equal, lab.session.gan.G.parameters(), frozen))
    lab.run(1)
    assert lab.lead_slider.value == 0  # from here on it is a new lead


# --- section 12.4.3: the distance and the inside of a critic --------------------------------------


def test_the_colours_follow_their_control_and_the_control_the_session():
    lab = Lab("ring", loss="wasserstein", width=8, depth=1)
    assert lab.map.layout.display is None
    lab.map.value = "slope"
    wait_for(lambda: unpack_frame(lab.stage.frame)[0]["verdict"] == "slope")
    lab.compare("clip")
    lab.map.value = "verdict"
    wait_for(lambda: all(s.map == "verdict" for s in lab.comparison.sessions.values()))
    lab.compare("one")
    lab.session.map = "slope"
    lab.run(1)
    assert lab.map.value == "slope"
    lab.change(loss="hinge")  # no distance to be watched, so no slope to be shown
    assert lab.map.layout.display == "none"
    assert unpack_frame(lab.stage.frame)[0]["verdict"] == "relative"
    lab.close()


@pytest.mark.parametrize("asked", [None, True, False])
def test_the_distance_is_watched_where_it_is_asked_for(asked):
    lab = Lab("ring", distance=asked, width=8, depth=1)
    assert lab.session.measures_distance is bool(asked)
    lab.change(loss="wasserstein")
    assert lab.session.measures_distance is (asked is not False)
    lab.close()


def test_a_group_of_settings_can_be_open_from_the_start():
    def groups(lab):
        (found,) = [part for part in lab.box.children if isinstance(part, Accordion)]
        return found

    opened = groups(Lab("ring", unfold="remedies"))
    assert opened.titles[opened.selected_index] == TEXT["en"]["remedies"]
    assert groups(Lab("ring")).selected_index is None
    with pytest.raises(
        ValueError, match="unfold = 'all' is unknown; choose one of basics, remedies"
    ):
        Lab("ring", unfold="all")
