"""The lab on translation: its controls, its words, and the pictures it sends."""

import io
import re
import time

import numpy as np
import pytest
import torch
from lab_threads import threads, wait_for
from PIL import Image
from test_translating import PAIRED, SMALL, UNPAIRED

from gan_helpers.lab import translation_lab as module
from gan_helpers.lab.translation_lab import CHOICES, TEXT, TranslationLab, chart, strip_png
from gan_helpers.tasks import TASKS


@pytest.fixture
def lab():
    lab = TranslationLab(PAIRED, experiment=SMALL)
    yield lab
    lab.close()
    wait_for(lambda: not threads())


def test_both_languages_say_the_same():
    en, ja = TEXT["en"], TEXT["ja"]
    assert list(en) == list(ja)
    assert {*TASKS, *CHOICES} <= set(en)
    for key, words in en.items():
        assert set(re.findall(r"{\w+}", words)) == set(re.findall(r"{\w+}", ja[key]))


def test_it_plays_and_pauses(lab):
    before = lab.rows.children[1].children[1].value
    lab.play_button.click()
    wait_for(lambda: lab.session.at > 3)
    assert lab.play_button.description == "Pause"
    lab.play_button.click()
    wait_for(lambda: lab.play_button.description == "Play")
    at = lab.session.at
    assert lab.rows.children[1].children[1].value != before
    lab.buttons["step"].click()
    wait_for(lambda: lab.session.at == at + 1)
    lab.buttons["reset"].click()
    wait_for(lambda: lab.session.at == 0)
    lab.buttons["new_seed"].click()
    wait_for(lambda: lab.session.seed == 1)


def test_controls_change_the_settings_and_follow_them(lab):
    lab.settings["l1"].value = 0.0
    wait_for(lambda: lab.session.experiment.l1 == 0.0)
    wait_for(lambda: "weight λ of L1 = 0 from step 0 on." in lab.message.value)
    lab.settings["adversarial"].value = False
    wait_for(lambda: lab.session.experiment.adversarial == 0.0)
    lab.loss.value = "hinge"
    wait_for(lambda: lab.session.experiment.loss == "hinge")
    lab.settings["conditional"].value = False
    wait_for(lambda: not lab.session.experiment.conditional)
    wait_for(lambda: "New networks" in lab.message.value)
    lab.change(l1=2.5, adversarial=1.0, conditional=True)
    assert lab.settings["l1"].value == 2.5 and lab.settings["adversarial"].value is True
    assert lab.session.experiment.loss == "hinge"


def test_a_picture_amid_steps_does_not_put_back_what_was_just_touched(lab, monkeypatch):
    waiting = []
    monkeypatch.setattr(lab.worker, "post", waiting.append)  # the thread is busy with a step
    lab.settings["adversarial"].value = False
    lab.worker._show(amid_steps=True)
    assert lab.settings["adversarial"].value is False
    for command in waiting:
        command()
    lab.worker._show()
    assert lab.session.experiment.adversarial == 0.0
    assert lab.settings["adversarial"].value is False


def test_showing_it_changes_none_of_its_settings():
    odd = {"l1": 7.0, "lr_D": 3.3e-4, "history": 50, "loss": "hinge"}
    lab = TranslationLab(UNPAIRED, experiment=SMALL, **odd)
    assert all(getattr(lab.session.experiment, name) == value for name, value in odd.items())
    assert lab.task.value == "own"
    lab.close()


def test_only_what_matters_is_offered(lab):
    def offered():
        return {name for name, w in lab.settings.items() if w.layout.display != "none"}

    assert offered() == {"adversarial", "l1", "conditional", "lr_D", "lr_G"}
    assert len(lab.rows.children) == 3
    lab.change(task=UNPAIRED)
    assert offered() == {"adversarial", "cycle", "identity", "history", "lr_D", "lr_G"}
    assert [row.children[0].value for row in lab.rows.children][:3] == ["A", "A → B", "A → B → A"]


def test_what_is_wrong_is_said(lab):
    lab.worker.post(lambda: lab._apply({"l1": -1.0}))
    wait_for(lambda: "l1 = -1" in lab.message.value)
    with pytest.raises(ValueError, match="lang = 'fr' is unknown"):
        TranslationLab(PAIRED, lang="fr")

    def broken(gan, data):
        raise KeyError("<no such thing>")

    lab.change(train_step=broken)
    lab.play()
    wait_for(lambda: "&lt;no such thing&gt;" in lab.message.value)
    wait_for(lambda: lab.play_button.description == "Play")


def test_it_trains_in_the_cell_as_well(lab):
    lab.run(7)
    assert lab.session.at == 7 and "step 7" in lab.at.value
    lab.reset(5)
    assert lab.session.at == 0 and lab.session.seed == 5


def test_a_lab_that_nobody_touches_pauses(lab, monkeypatch):
    lab.play()
    wait_for(lambda: lab.session.at > 0)
    monkeypatch.setattr(module, "UNTOUCHED", 0.0)
    lab._heard_at = time.monotonic() - 1
    wait_for(lambda: "nobody has touched" in lab.message.value)
    wait_for(lambda: not lab.worker.playing)


def test_pictures_arrive_as_they_are():
    x = torch.rand(3, 3, 16, 16) * 2 - 1
    seen = np.asarray(Image.open(io.BytesIO(strip_png(x))))
    times = seen.shape[0] // 16
    assert seen.shape == (16 * times, (3 * 17 - 1) * times, 3) and seen.shape[0] >= 64
    small = seen[::times, ::times]
    for k in range(3):
        own = small[:, 17 * k : 17 * k + 16] / 127.5 - 1
        assert np.abs(own - x[k].permute(1, 2, 0).numpy()).max() <= 1 / 127.5
    grey = np.asarray(Image.open(io.BytesIO(strip_png(x[:, :1]))))
    assert (grey[..., 0] == grey[..., 2]).all()


def test_the_chart_keeps_to_its_frame():
    steps = np.array([5.0, 10.0, 15.0])
    curves = [("<b>", np.array([-1.0, np.nan, 2.0])), ("c", np.array([0.0, 0.5, 1.0]))]
    svg = chart("a & b", steps, curves, ("red", "blue"), width=200, height=80)
    assert "&lt;b&gt;" in svg and "a &amp; b" in svg and "nan" not in svg.replace("■", "")
    lines = re.findall(r"points='([^']*)'", svg)
    assert [len(line.split()) for line in lines] == [2, 3]
    for x, y in (map(float, p.split(",")) for line in lines for p in line.split()):
        assert 0 <= x <= 200 and 0 <= y <= 80
    assert "polyline" in chart("empty", np.zeros(0), [("c", np.zeros(0))], ("red",))


def test_a_picture_stands_in_for_it(lab):
    bundle = lab._repr_mimebundle_()
    assert bundle["text/plain"].startswith("This is a live lab")
    width, height = Image.open(io.BytesIO(bundle["image/png"])).size
    assert width > 400 and height > 100
