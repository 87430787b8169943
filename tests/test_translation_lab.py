"""The lab on translation: it offers what the others do, and the pictures arrive as they are."""

import io

import numpy as np
import pytest
import torch
from lab_threads import threads, wait_for
from PIL import Image
from test_translating import PAIRED, SMALL, UNPAIRED

from gan_helpers.lab import Lab
from gan_helpers.lab.engine.controls import controls_of
from gan_helpers.lab.stage import FrameStream, unpack_frame
from gan_helpers.translation.training import Translation


@pytest.fixture
def lab():
    lab = Lab(PAIRED, experiment=SMALL)
    yield lab
    lab.close()
    wait_for(lambda: not threads())


def made(lab):
    """The row of what G makes, as the page has got it last."""
    return lab._picture[1]["row_1"]


def test_it_plays_and_pauses(lab):
    before = made(lab)
    lab.play_button.click()
    wait_for(lambda: lab.session.at > 3)
    assert lab.play_button.description == "Pause"
    lab.play_button.click()
    wait_for(lambda: lab.play_button.description == "Play")
    at = lab.session.at
    assert not np.array_equal(made(lab), before)
    lab.buttons["step"].click()
    wait_for(lambda: lab.session.at == at + 1)
    lab.buttons["step_D"].click()
    wait_for(lambda: lab.session.phase == "D")
    lab.buttons["step_G"].click()
    wait_for(lambda: lab.session.at == at + 2)
    lab.buttons["reset"].click()
    wait_for(lambda: lab.session.at == 0)
    lab.buttons["new_seed"].click()
    wait_for(lambda: lab.session.seed == 1)


def test_controls_change_the_settings_and_follow_them(lab):
    lab.settings["l1"].value = 0.0
    wait_for(lambda: lab.session.experiment.l1 == 0.0)
    wait_for(lambda: "weight λ of L1 = 0 from step 0" in lab.message.value)
    lab.settings["adversarial"].value = 0.0
    wait_for(lambda: lab.session.experiment.adversarial == 0.0)
    lab.loss.value = "hinge"
    wait_for(lambda: lab.session.experiment.loss == "hinge")
    lab.settings["conditional"].value = False
    wait_for(lambda: not lab.session.experiment.conditional)
    wait_for(lambda: "networks have changed" in lab.message.value)
    lab.change(l1=2.5, adversarial=1.0, conditional=True)
    assert lab.settings["l1"].value == 2.5 and lab.settings["adversarial"].value == 1.0
    assert lab.session.experiment.loss == "hinge"


def test_showing_it_changes_none_of_its_settings():
    odd = {"l1": 7.0, "lr_D": 3.3e-4, "history": 33, "loss": "hinge", "width": 5}
    lab = Lab(UNPAIRED, **odd)
    assert all(getattr(lab.session.experiment, name) == value for name, value in odd.items())
    assert lab.data.value == "own"
    lab.close()


def offered(lab):
    return {name for name, w in lab.settings.items() if w.layout.display != "none"}


def test_only_what_matters_is_offered(lab):
    common = {"adversarial", "lr_D", "lr_G", "beta1", "batch_size", "width"}
    assert offered(lab) == common | {"l1", "conditional", "skips"}
    assert len(lab._picture[0]["rows"]) == 3
    compared = [name for _, name in lab.compare_with.options]
    assert "terms" in compared and "cycles" not in compared
    lab.change(data=UNPAIRED)
    assert offered(lab) == common | {"cycle", "identity", "history", "skips"}
    assert lab._picture[0]["rows"][:3] == ["A", "A → B", "A → B → A"]
    compared = [name for _, name in lab.compare_with.options]
    assert "terms" not in compared and "cycles" in compared
    assert set(lab.settings) == set(controls_of(Translation))
    assert lab.draw_button.layout.display == "none"


def test_it_goes_on_side_by_side_and_one_is_kept(lab):
    lab.run(2)
    lab.compare_with.value = "terms"
    wait_for(lambda: lab.comparison is not None)
    lab.run(2)
    header, arrays = lab._picture
    assert [m["name"] for m in header["members"]] == ["L1", "cGAN", "L1 + cGAN"]
    assert arrays["0/row_1"].shape[0] == 4
    lab.pick("cGAN")
    assert lab.session.at == 4 and lab.session.experiment.l1 == 0.0
    assert lab.comparison is None and lab._picture[1]["row_1"].shape[0] == 6


def test_the_timeline_leads_back(lab):
    lab.session.timeline.interval = 2
    lab.run(4)
    later = made(lab)
    lab.rewind(2)
    assert lab.session.at == 2 and not np.array_equal(made(lab), later)
    assert lab.time.value == 2
    lab.run(2)
    assert np.array_equal(made(lab), later)


def test_d_can_run_ahead(lab):
    lab.lead_slider.value = 10
    wait_for(lambda: "D is 10 updates ahead" in lab.message.value)
    assert lab.session.at == 0


def test_what_is_wrong_is_said(lab):
    lab.worker.post(lambda: lab._apply({"l1": -1.0}))
    wait_for(lambda: "l1 = -1" in lab.message.value)
    with pytest.raises(ValueError, match="lang = 'fr' is unknown"):
        Lab(PAIRED, lang="fr")
    with pytest.raises(ValueError, match="setting = 'r1' is unknown; choose one of loss"):
        Lab(PAIRED, r1=0.1)
    with pytest.raises(ValueError, match="setting = 'l1' is unknown; choose one of loss"):
        Lab("ring", l1=0.1)

    def broken(gan, data):
        raise KeyError("<no such thing>")

    lab.change(train_step=broken)
    lab.play()
    wait_for(lambda: "&lt;no such thing&gt;" in lab.message.value)
    wait_for(lambda: lab.play_button.description == "Play")


def test_an_experiment_of_another_kind_is_refused():
    from gan_helpers.experiment import Experiment

    with pytest.raises(ValueError, match="no kind of GAN has all of these settings: Experiment"):
        Lab(PAIRED, experiment=Experiment())
    with pytest.raises(ValueError, match="no kind of GAN has all of these settings: Translation"):
        Lab("ring", experiment=Translation())


def test_it_trains_in_the_cell_as_well(lab):
    lab.run(7)
    assert lab.session.at == 7 and lab._picture[0]["step"] == 7
    lab.reset(5)
    assert lab.session.at == 0 and lab.session.seed == 5


def test_a_picture_without_news_does_not_travel_again(lab):
    stream = FrameStream()
    lab.run(1)
    first = stream.pack(*lab.session.frame())
    _, seen = unpack_frame(first)
    lab.run(1)
    header, arrays = lab.session.frame()
    second = stream.pack(header, arrays)
    _, then = unpack_frame(second, seen)
    assert len(second) < len(first)
    assert np.array_equal(then["row_0"], arrays["row_0"])  # exactly: it has not changed
    assert np.abs(then["row_1"].astype(int) - arrays["row_1"]).max() <= 4


def test_colours_arrive_as_they_are():
    lab = Lab(PAIRED, experiment=SMALL)
    answers = lab._picture[1]["row_2"]
    wanted = (127.5 * (PAIRED.test.b + 1)).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    assert np.array_equal(answers, wanted.numpy())
    lab.close()


@pytest.mark.parametrize("compare", [None, "terms"])
def test_a_picture_stands_in_for_it(compare):
    lab = Lab(PAIRED, experiment=SMALL, compare=compare)
    bundle = lab._repr_mimebundle_()
    seen = Image.open(io.BytesIO(bundle["image/png"]))
    assert seen.width > 400 and seen.height > 150
    lab.close()
