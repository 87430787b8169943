"""The labs of 12.4.5, with a real mouse in a real JupyterLab: drawn lines, learned pictures.

Chromium is needed; without it these tests are skipped, or fail where REQUIRE_BROWSER=1.
"""

import pytest
from jupyter_browser import jupyter, write_notebook

SETUP = """
import torch
from torch.nn.functional import avg_pool2d
from gan_helpers.lab.sketch import DrawLab

def blur(lines):
    return avg_pool2d(lines, 3, stride=1, padding=1)

def in_colour(lines):
    return torch.cat([-lines, blur(lines), -blur(lines)], dim=1)

cross = -torch.ones(1, 1, 28, 28)
cross[..., 4:24, 14] = cross[..., 14, 4:24] = 1
"""
LAB = """
lab = DrawLab({"blur": blur, "colour": in_colour}, examples=torch.cat([cross, -cross.flip(-1)]))
lab
"""
LEARNING = """
from gan_helpers.lab.translating import Task
from gan_helpers.lab.translation_lab import TranslationLab
from gan_helpers.worlds import draw_pairs

few = Task("few maps", draw_pairs("maps", 60), draw_pairs("maps", 20, seed=1))
lab = TranslationLab(few)
lab
"""
INK = "int((lab.lines > 0).sum())"
ANSWER = "float(lab.answers['blur'].mean())"
# What the eye sees: the mean brightness of a canvas.
BRIGHTNESS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value) => sum + value, 0) / data.length;
}"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory, browser):
    folder = tmp_path_factory.mktemp("translation")
    write_notebook(folder / "labs.ipynb", [SETUP, LAB, LEARNING])
    with jupyter(folder) as server:
        notebook = server.open(browser, "labs.ipynb", width=1100, height=760)
        notebook.run_cell(0)
        yield notebook


def drag(page, sheet, points, button="left"):
    """Press at the first point, release at the last; points are in fractions of the sheet."""
    box = sheet.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down(button=button)
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up(button=button)


def test_a_picture_follows_the_mouse(notebook):
    page = notebook.page
    notebook.run_cell(1)
    sheet = page.locator(".drawlab-own canvas")
    answer = page.locator(".drawlab-answers canvas").first
    sheet.wait_for()
    notebook.until(lambda: notebook.ask("lab.canvas.heard"))
    sheet.scroll_into_view_if_needed()

    def becomes(ink):
        notebook.until(lambda: notebook.ask(INK) == ink)

    def button(name):
        return page.locator(".drawlab-tools").get_by_role("button", name=name, exact=True)

    def seen():
        return answer.evaluate(BRIGHTNESS)

    becomes(39)  # the cross
    notebook.until(lambda: seen() > 0)
    at_first, looks_at_first = notebook.ask(ANSWER), seen()

    drag(page, sheet, [(0.1, 0.06), (0.9, 0.06), (0.9, 0.4)])
    notebook.until(lambda: notebook.ask(INK) > 50)
    notebook.until(lambda: notebook.ask(ANSWER) > at_first)
    notebook.until(lambda: seen() > looks_at_first)
    notebook.until(lambda: notebook.ask(INK) == 39 + 23 + 10)  # to the stroke's end

    page.keyboard.press("Control+z")  # the sheet has the focus
    becomes(39)
    assert notebook.ask(ANSWER) == at_first
    notebook.until(lambda: abs(seen() - looks_at_first) < 1e-6)
    page.keyboard.press("Control+Shift+z")
    becomes(72)

    drag(page, sheet, [(0.1, 0.06), (0.7, 0.06)], button="right")  # erases
    notebook.until(lambda: notebook.ask(INK) < 60)
    assert page.locator(".lm-Menu:visible").count() == 0

    button("Clear").click()
    becomes(0)
    button("Start from a real line drawing").click()
    becomes(28 * 28 - 39)
    button("Undo").press("Enter")
    becomes(0)
    assert notebook.complaints == []


def test_pictures_change_while_G_learns(notebook):
    notebook.run_cell(2)
    lab = notebook.cell(2)
    made = lab.locator("img").nth(1)  # the row of G(input)
    made.wait_for()
    notebook.until(lambda: lab.locator("img").count() == 3)
    at_first = made.get_attribute("src")

    def button(name):  # by its text: its icon would be part of the name of its role
        return lab.locator(f"button:text-is('{name}')")

    def says(words):
        notebook.until(lambda: words in lab.locator("[role=status]").inner_text())

    button("Play").click()
    notebook.until(lambda: made.get_attribute("src") != at_first)
    notebook.until(lambda: lab.locator("polyline").count() == 4)
    lab.get_by_label("the GAN's loss", exact=True).uncheck()
    says("the GAN's loss = 0")
    assert notebook.ask("lab.session.experiment.adversarial") == 0
    button("Pause").click()
    button("Play").wait_for()
    button("Reset").click()
    notebook.until(lambda: lab.get_by_text("step 0", exact=True).count())
    assert made.get_attribute("src") == at_first
    assert notebook.complaints == []
