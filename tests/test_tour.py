"""The tour of one minute, in a real browser: it waits, its numbers are true, it is offered once."""

import re

import pytest
from jupyter_browser import jupyter, write_notebook
from test_browser import SETUP, show
from test_view import SMALL

from gan_helpers.lab import Lab

OFFERED = "lab = Lab('ring', lang='{}', tour=True)\nlab"
UNASKED = "lab = Lab('ring')\nlab"
FORGET = "localStorage.removeItem('gan-lab-tour')"


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    write_notebook(folder / "lab.ipynb", [SETUP, "", ""])
    with jupyter(folder) as server:
        notebook = server.open(browser, "lab.ipynb", width=1300, height=1100)
        notebook.run_cell(0)
        yield notebook


@pytest.fixture
def notebook(opened):
    """For a reader who is new; after the test the console has to be free of errors."""
    opened.page.evaluate(FORGET)
    yield opened
    opened.assert_no_complaints()


class Tour:
    """What is seen of it."""

    def __init__(self, lab):
        self.lab, self.card = lab, lab.part.locator(".gan-tour")

    def button(self, name):
        return self.card.get_by_role("button", name=name, exact=True)

    def at(self, count):
        self.lab.wait(lambda: self.card.inner_text().count(f"{count} / 8"))

    def says(self, words):
        self.lab.wait(lambda: words in self.card.locator("p").inner_text())

    def numbers(self):
        return re.findall(r"\b0\.\d+", self.card.locator("p").inner_text())

    def points_at(self, name):
        self.lab.wait(lambda: self.lab.part.locator(f".gan-pointed.gan-at-{name}").count() == 1)


def test_the_whole_tour_by_the_mouse(notebook):
    lab = show(notebook, OFFERED.format("en"))
    tour = Tour(lab)
    tour.says("New here?")
    tour.button("Start").click()
    tour.at(1)
    shown = {m["id"]: m["value"] for m in lab.ask("lab._picture[0]['meters']")}
    said = [float(number) for number in tour.numbers()]
    assert said == pytest.approx([shown["d_real"], shown["d_fake"]], abs=1e-3)
    tour.button("Next").click()
    tour.says("which way G is pushed")
    tour.button("Next").click()
    tour.points_at("step_D")
    assert tour.button("Skip").is_visible() and not tour.button("Next").is_visible()
    lab.button("D only").click()
    tour.says("Only D has learned")
    assert tour.numbers() != [f"{number:g}" for number in said]  # D says something else now
    tour.button("Next").click()
    tour.points_at("step_G")
    lab.button("G only").click()
    tour.says("followed the arrows")
    tour.button("Next").click()
    tour.points_at("play")
    lab.button("Play").click()
    tour.says("on their way")
    tour.button("Next").click()
    tour.points_at("loss")
    lab.choose("loss", "hinge")
    tour.says("under another loss")
    tour.button("Next").click()
    tour.points_at("draw")
    tour.button("Next").click()
    tour.points_at("time")
    assert not tour.button("Next").is_visible()
    tour.button("Finish").click()
    tour.card.wait_for(state="hidden")
    assert lab.part.locator(".gan-pointed").count() == 0


def test_it_goes_by_the_keyboard_in_japanese(notebook):
    lab = show(notebook, OFFERED.format("ja"))
    tour = Tour(lab)
    tour.button("始める").press("Enter")
    tour.at(1)
    tour.says("青い点が本物")
    press = notebook.page.keyboard.press
    for key, count in (("ArrowRight", 2), ("Enter", 3), ("ArrowRight", 4), ("ArrowLeft", 3)):
        press(key)
        tour.at(count)
    assert lab.step == 0  # the arrow has not made a step as well
    assert "{" not in tour.card.inner_text() and "「Dだけ」" in tour.card.inner_text()
    press("Escape")
    tour.card.wait_for(state="hidden")
    press("ArrowRight")  # the stage has the focus
    lab.wait(lambda: lab.step == 1)


@pytest.mark.parametrize("how", ["No, thanks", "Start"])
def test_it_offers_itself_until_it_was_taken_or_dismissed(notebook, how):
    tour = Tour(show(notebook, OFFERED.format("en")))
    tour.says("New here?")
    tour.button(how).click()
    tour = Tour(show(notebook, OFFERED.format("en")))
    tour.card.wait_for(state="hidden")
    tour.lab.button("Tour").click()  # asked for, it comes again
    tour.at(1)


def test_unasked_it_keeps_still_and_elsewhere_says_why(notebook):
    lab = show(notebook, UNASKED)
    tour = Tour(lab)
    assert tour.card.is_hidden()
    lab.choose("side by side", "D-steps")
    lab.wait(lambda: lab.stage.locator(".gan-panel").count() == 4)
    lab.button("Tour").click()
    tour.says("choose “ring of 8”")
    tour.button("End the tour").click()
    tour.card.wait_for(state="hidden")


@pytest.mark.parametrize(("data", "there"), [("ring", True), ("two_gaussians_1d", False)])
def test_only_points_on_a_plane_have_it(data, there):
    lab = Lab(data, **SMALL)
    words = [getattr(tool, "description", "") for tool in lab.tools]
    lab.close()
    assert ("Tour" in words) is there


def test_a_tour_is_wanted_or_not():
    with pytest.raises(TypeError, match="tour = 1"):
        Lab(tour=1)
