"""The lab in front of others: full screen, the list of keys, and what it says that it does."""

import pytest
from jupyter_browser import jupyter, write_notebook
from test_browser import SETUP, show

FULL = "document.fullscreenElement?.classList.contains('gan-lab') ?? false"
RING = "lab = Lab('ring', lang='{}')\nlab"
HEIGHT = 1080
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


def named(lab, name):
    return lab.stage.get_by_role("button", name=name)


def test_the_lab_fills_the_screen_and_goes_on(notebook):
    lab = show(notebook, RING.format("en"))
    lab.play()
    before = lab.stage.locator(".gan-picture").bounding_box()["height"]
    named(lab, "Full screen").click()
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
    named(lab, "Leave full screen").click()
    full(notebook, False)
    lab.wait(lambda: abs(picture.bounding_box()["height"] - before) < 1)
    assert lab.button("New seed").is_visible()


def test_type_can_be_read_from_the_back_row(notebook):
    lab = show(notebook, RING.format("ja"))
    small = """(lab) => Math.min(...[...lab.querySelectorAll("*")]
      .filter((part) => part.checkVisibility() && [...part.childNodes].some(
        ({ nodeType, data }) => nodeType === 3 && data.trim()))
      .map((part) => parseFloat(getComputedStyle(part).fontSize) * part.currentCSSZoom))"""
    lab.stage.focus()
    notebook.page.keyboard.press("f")
    full(notebook)
    area = lab.part.locator(".gan-lab")
    lab.wait(lambda: area.evaluate(small) >= HEIGHT / 50)  # 22 of 1,080 pixels


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
    named(lab, title).click()
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
