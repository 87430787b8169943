"""The lab in front of others: full screen, the list of keys, and what it says that it does."""

import pytest
from jupyter_browser import jupyter, write_notebook
from test_browser import FEW, SETUP, drag, show

FULL = "document.fullscreenElement?.matches('.gan-lab, .drawlab') ?? false"
RING = "lab = Lab('ring', lang='{}')\nlab"
HEIGHT = 1080
DRAWING = """import torch
from gan_helpers.lab.sketch import DrawLab
lab = DrawLab({"L1": torch.neg, "cGAN": torch.neg})
lab"""
SMALLEST = """(area) => Math.min(...[...area.querySelectorAll("*")]
  .filter((part) => part.checkVisibility() && [...part.childNodes].some(
    ({ nodeType, data }) => nodeType === 3 && data.trim()))
  .map((part) => parseFloat(getComputedStyle(part).fontSize) * part.currentCSSZoom))"""
SEEN = """(lab) => [...lab.querySelectorAll("button, select, .gan-side, .gan-picture")]
  .filter((part) => part.checkVisibility()).map((part) => part.getBoundingClientRect())
  .every(({ top, bottom }) => top >= 0 && bottom <= innerHeight)"""


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presenting")
    write_notebook(folder / "lab.ipynb", [SETUP, "", ""])
    with jupyter(folder) as server:
        notebook = server.open(browser, "lab.ipynb", width=1920, height=HEIGHT)
        notebook.run_cell(0)
        yield notebook


@pytest.fixture
def notebook(opened):
    """After the test its console has to be free of errors."""
    yield opened
    opened.page.evaluate("document.fullscreenElement && document.exitFullscreen()")
    opened.assert_no_complaints()


def full(notebook, wanted=True):
    notebook.until(lambda: notebook.page.evaluate(FULL) == wanted)


def named(area, name):
    return area.get_by_role("button", name=name)


def test_the_lab_fills_the_screen_and_goes_on(notebook):
    lab = show(notebook, RING.format("en"))
    lab.play()
    before = lab.stage.locator(".gan-picture").bounding_box()["height"]
    named(lab.stage, "Full screen").click()
    full(notebook)
    picture = lab.stage.locator(".gan-picture")
    lab.wait(lambda: picture.bounding_box()["height"] > 1.5 * before > HEIGHT / 4)
    lab.wait(lambda: lab.part.locator(".gan-lab").evaluate(SEEN))  # without scrolling
    assert lab.button("Pause").is_visible() and lab.part.get_by_label("loss").first.is_visible()
    assert not lab.button("New seed").is_visible()
    charts = lab.stage.locator(".gan-side").bounding_box()
    assert charts["x"] > picture.bounding_box()["x"] + picture.bounding_box()["width"]
    sharp = "c => [c.width, c.getBoundingClientRect().width]"
    lab.wait(lambda: abs(float.__sub__(*map(float, picture.evaluate(sharp)))) < 3)
    now = lab.step
    lab.wait(lambda: lab.step > now + 20)
    named(lab.stage, "Leave full screen").click()
    full(notebook, False)
    lab.wait(lambda: abs(picture.bounding_box()["height"] - before) < 1)
    assert lab.button("New seed").is_visible()


def test_type_can_be_read_from_the_back_row(notebook):
    lab = show(notebook, RING.format("ja"))
    lab.stage.focus()
    notebook.page.keyboard.press("f")
    full(notebook)
    area = lab.part.locator(".gan-lab")
    lab.wait(lambda: area.evaluate(SMALLEST) >= HEIGHT / 50)  # 22 of 1,080 pixels


def test_a_drawing_fills_the_screen_too(notebook):
    notebook.run_cell(1, DRAWING)
    area = notebook.cell(1).locator(".drawlab")
    frames = area.locator(".drawlab-frame")
    notebook.until(lambda: frames.count() == 3 and notebook.ask("lab.canvas.heard"))
    size = frames.first.bounding_box()["height"]
    named(area, "Full screen").click()
    full(notebook)
    named(area, "Leave full screen").wait_for()
    notebook.until(lambda: frames.first.bounding_box()["height"] > 2 * size)
    notebook.until(lambda: area.evaluate(SMALLEST) >= HEIGHT / 50)
    ends = area.locator("> *").evaluate_all("parts => parts.map(p => p.getBoundingClientRect())")
    assert max(end["bottom"] for end in ends) <= HEIGHT  # without scrolling
    drag(notebook.page, frames.first, [(0.2, 0.5), (0.8, 0.5)])
    notebook.until(lambda: notebook.ask("int((lab.lines > 0).sum())") == 18)
    notebook.page.keyboard.press("Escape")
    full(notebook, False)
    notebook.until(lambda: frames.first.bounding_box()["height"] == size)
    notebook.page.keyboard.press("f")  # the sheet has the focus
    full(notebook)
    notebook.page.keyboard.press("f")
    full(notebook, False)
    assert len(notebook.cells()) == 3


def test_keys_act_after_a_click_and_jupyterlab_keeps_out(notebook):
    lab = show(notebook, RING.format("en"))
    press = notebook.page.keyboard.press
    lab.stage.focus()
    press("f")
    full(notebook)
    lab.button("Step").click()
    lab.wait(lambda: lab.step == 1)
    press("d")
    press("d")  # in JupyterLab, the cell would be gone
    lab.wait(lambda: lab.ask("lab.session.d_updates") == 2)
    press("c")
    lab.button("New seed").wait_for()
    press("c")
    lab.button("New seed").wait_for(state="hidden")
    press("Escape")
    full(notebook, False)
    assert len(notebook.cells()) == 3


def test_several_side_by_side_fit_the_screen(notebook):
    lab = show(notebook, RING.format("en"))
    lab.choose("side by side", "the losses")
    panels = lab.stage.locator(".gan-panel")
    lab.wait(lambda: panels.count() == 7)
    lab.stage.focus()
    notebook.page.keyboard.press("f")
    full(notebook)
    below = "panels => Math.max(...panels.map(p => p.getBoundingClientRect().bottom))"
    lab.wait(lambda: HEIGHT / 2 < panels.evaluate_all(below) <= HEIGHT)
    edge = panels.first.locator(".gan-frame")
    lab.wait(lambda: edge.bounding_box()["width"] > HEIGHT / 5)
    panels.nth(1).click()
    lab.wait(lambda: panels.count() == 0)
    lab.wait(lambda: lab.stage.locator(".gan-picture").bounding_box()["height"] > HEIGHT / 2)


SPLIT = """lab = Lab('ring', lang='en', compare={
  'plain': {}, 'a name that is so long that it has to go on in a second line of its panel': {
    'loss': 'wasserstein', 'clip': 0.1}, 'hinge': {'loss': 'hinge'}})
lab"""


def test_stages_side_by_side_stand_at_one_height(notebook):
    lab = show(notebook, SPLIT)
    lab.stage.focus()
    notebook.page.keyboard.press("f")
    full(notebook)
    panels = lab.stage.locator(".gan-panel")
    lab.wait(lambda: panels.nth(1).locator(".gan-tile").count() > 2)  # the critic has more numbers
    tops = "parts => parts.map((part) => Math.round(part.getBoundingClientRect().top))"

    def aligned(part):
        return len(set(panels.locator(f"> {part}").evaluate_all(tops))) == 1

    lab.wait(lambda: all(map(aligned, (".gan-frame", ".gan-meters", ".gan-meters + div"))))


def test_rows_of_pictures_take_the_width_there_is(notebook):
    lab = show(notebook, f"{FEW}lab = Lab(few)\nlab")
    lab.stage.focus()
    notebook.page.keyboard.press("f")
    full(notebook)
    picture = lab.stage.locator(".gan-picture")
    lab.wait(lambda: picture.bounding_box()["width"] > 1920 / 2)
    lab.wait(lambda: lab.part.locator(".gan-lab").evaluate(SEEN))


@pytest.mark.parametrize(("lang", "title"), [("en", "Keys"), ("ja", "キー操作")])
def test_keys_are_listed_in_the_readers_language(notebook, lang, title):
    lab = show(notebook, RING.format(lang))
    card = lab.stage.get_by_role("dialog", name=title)
    press = notebook.page.keyboard.press
    lab.stage.focus()
    for close in ("?", "Escape"):
        press("?")
        card.wait_for()
        assert card.locator("tr").count() == 10 and "key_" not in card.inner_text()
        press(close)
        card.wait_for(state="hidden")
    press("ArrowRight")  # the stage has its focus back
    lab.wait(lambda: lab.step == 1)
    named(lab.stage, title).click()
    card.get_by_role("button").press("Enter")
    card.wait_for(state="hidden")
    assert lab.step == 1


@pytest.mark.parametrize("driver", ["thread", "page"])
def test_the_line_says_what_it_does(notebook, driver):
    lab = show(notebook, f"lab = Lab('ring', driver='{driver}')\nlab")
    lab.says("ready")
    line = lab.part.locator(".gan-activity")
    lab.play()
    lab.wait(lambda: line.count() and "steps/s" in line.inner_text())
    assert "ready" not in lab.message.inner_text()
    assert line.locator("xpath=ancestor::*[@role='status' or @aria-live]").count() == 0
    lab.choose("loss", "hinge")
    lab.says("loss = hinge from step")
    lab.pause()
    lab.wait(lambda: line.inner_text() == f"paused at step {lab.step} ·")
    assert "loss = hinge" in lab.message.inner_text()
