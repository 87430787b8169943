"""Who sees little, or uses no mouse: names of all controls, their order, contrasts, and keys."""

import re
from itertools import pairwise

import pytest
from jupyter_browser import jupyter, write_notebook
from test_browser import SETUP, OnPage, show

LABS = {
    "plane": "Lab('ring', remedies=True, loss='wasserstein', unfold='basics')",
    "classes": "Lab('ring', condition='acgan', unfold='classes')",
    "pictures": "Lab('digits_50', width=8, unfold='augmentation')",
    "panels": "Lab('ring', compare='lr_D', remedies=True)",
    "japanese": "Lab('two_gaussians_1d', lang='ja', unfold='remedies')",
}
#: What is no Lab: how it is made, which roles it has at least, and how many controls.
OTHERS = {
    "drawing": ("DrawLab({'L1': torch.neg, 'cGAN': torch.neg}, examples=-blank)", "image", 9),
    "dials": ("Dials(figure, play='slope', slope=(1.0, 2.0), clip=(None, 0.5))", "slider", 5),
    "dials in Japanese": ("Dials(figure, lang='ja', slope=(1.0, 2.0), clip=(0, 1))", "slider", 3),
}
MORE = (
    SETUP
    + """
import torch
from matplotlib.figure import Figure
from gan_helpers.lab.dials import Dials
from gan_helpers.lab.sketch import DrawLab

blank = torch.full((2, 1, 28, 28), -1.0)

def figure(slope, clip):
    it = Figure(figsize=(2, 1))
    it.subplots().plot([0, 1], [0, slope])
    return it
"""
)
LAB = ".gan-lab, .drawlab, .gan-dials"
CONTROLS = (  # roles that have to have a name
    "button", "checkbox", "combobox", "group", "image", "img", "listbox", "radio", "slider",
    "spinbutton", "switch", "textbox", "dialog", "Canvas", "application",
)  # fmt: skip
#: Text that is seen, with its contrast: colours are laid over each other down to what is opaque.
FAINT = """(lab) => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((v, i) => a * v + (1 - a) * below[i]);
  const light = (colour) => colour.map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  function behind(el) {
    const layers = [];
    for (; el; el = el.parentElement) {
      layers.push(rgba(getComputedStyle(el).backgroundColor));
      if (layers.at(-1)[3] > 0.99) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  }
  const opacity = (el) => (el ? getComputedStyle(el).opacity * opacity(el.parentElement) : 1);
  const ratio = (el) => {
    const back = behind(el);
    const [r, g, b, a] = rgba(getComputedStyle(el).color);
    const [x, y] = [light(over([r, g, b, a * opacity(el)], back)), light(back)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const large = (el) => {
    const { fontSize, fontWeight } = getComputedStyle(el);
    return parseFloat(fontSize) >= (fontWeight >= 700 ? 18.66 : 24);
  };
  const texts = [...lab.querySelectorAll("*")].filter((el) => el.checkVisibility()
    && !el.closest(":disabled, .jupyter-widgets-disconnected, [disabled], [aria-disabled=true]")
    && [...el.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim()));
  return [texts.length, texts.map((el) => [ratio(el), large(el), el.textContent.trim()])
    .filter(([found, large]) => found < (large ? 3 : 4.5))];
}"""
#: Colours of what is drawn, on what they are drawn on.
DRAWN = """(stage) => {
  const style = getComputedStyle(stage);
  const light = (name) => style.getPropertyValue(`--${name}`).match(/[\\d.]+/g).slice(0, 3)
    .map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (x, y) => (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  return Object.fromEntries(["real", "fake", "fg", "muted"]
    .map((name) => [name, ratio(light(name), light("bg"))]));
}"""


@pytest.fixture(scope="module", params=["Light", "Dark"])
def opened(request, browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("accessible")
    write_notebook(folder / "lab.ipynb", [MORE, "", ""])
    with jupyter(folder, theme=f"JupyterLab {request.param}") as server:
        notebook = server.open(browser, "lab.ipynb")
        notebook.run_cell(0)
        yield notebook


@pytest.fixture
def notebook(opened):
    """After the test its console has to be free of errors."""
    yield opened
    opened.assert_no_complaints()


def shown(notebook, kind):
    """Such a lab, when all its controls are there."""
    lab = show(notebook, f"lab = {LABS[kind]}\nlab")
    lab.wait(lambda: lab.part.locator("[class*='Collapse-header'][role=button]").count())
    return lab


def other(notebook, kind):
    """Something else to play with, when all its names are there."""
    notebook.run_cell(1, f"lab = {OTHERS[kind][0]}\nlab")
    part = notebook.cell(1)
    named = "[aria-pressed]" if kind == "drawing" else "[role=slider][aria-label='clip']"
    notebook.until(lambda: part.locator(named).count())
    return OnPage(notebook, part)


def controls(notebook, lab):
    """Role and name of each control, as the browser tells them to a screen reader."""
    session = notebook.page.context.new_cdp_session(notebook.page)
    document = session.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    lab.part.locator(LAB).evaluate("lab => lab.id = 'the-lab'")
    query = {"nodeId": document, "selector": "#the-lab"}
    node = session.send("DOM.querySelector", query)["nodeId"]
    answer = session.send("Accessibility.queryAXTree", {"nodeId": node})
    said = [n for n in answer["nodes"] if not n["ignored"]]
    pairs = [(n["role"]["value"], n.get("name", {}).get("value", "").strip()) for n in said]
    return [(role, name) for role, name in pairs if role in CONTROLS]


@pytest.mark.parametrize("kind", LABS)
def test_every_control_has_a_name(notebook, kind):
    lab = shown(notebook, kind)
    found = controls(notebook, lab)
    assert len(found) > 15 and {"button", "slider", "combobox"} <= {role for role, _ in found}
    assert [role for role, name in found if not re.search(r"\w", name)] == []  # no icon alone


@pytest.mark.parametrize("kind", OTHERS)
def test_so_has_every_control_beside_the_labs(notebook, kind):
    found = controls(notebook, other(notebook, kind))
    _, role, least = OTHERS[kind]
    assert len(found) >= least and role in {role for role, _ in found}
    assert [role for role, name in found if not re.search(r"\w", name)] == []  # no icon alone


@pytest.mark.parametrize("kind", OTHERS)
def test_words_beside_the_labs_can_be_read(notebook, kind):
    n, faint = other(notebook, kind).part.locator(LAB).evaluate(FAINT)
    assert n >= 4 and faint == []


@pytest.mark.parametrize("kind", LABS)
def test_words_can_be_read(notebook, kind):
    lab = shown(notebook, kind)
    lab.button({"japanese": "1ステップ"}.get(kind, "Step")).click()
    lab.wait(lambda: lab.step == 1)
    n, faint = lab.part.locator(".gan-lab").evaluate(FAINT)
    assert n > 30 and faint == []
    drawn = lab.stage.evaluate(DRAWN)
    assert min(drawn.values()) > 3 and drawn["muted"] > 4.5


def test_a_slider_says_its_value(notebook):
    lab = shown(notebook, "plane")
    slider = lab.part.get_by_role("slider", name="learning rate of D", exact=True)
    slider.focus()
    before = slider.get_attribute("aria-valuetext")
    assert float(before) == lab.ask("lab.session.experiment.lr_D")
    notebook.page.keyboard.press("ArrowRight")
    lab.wait(lambda: float(slider.get_attribute("aria-valuetext")) > float(before))


def test_a_group_is_opened_by_the_keyboard(notebook):
    lab = shown(notebook, "plane")
    header = lab.part.get_by_role("button", name="Regularization")
    for key, there in (("Enter", "true"), ("Space", "false")):
        header.focus()
        notebook.page.keyboard.press(key)
        lab.wait(lambda there=there: header.get_attribute("aria-expanded") == there)
    assert len(notebook.cells()) == 3 and lab.step == 0


def by_tab(notebook):
    """Where Tab leads from what has the focus: its top, whether it is the stage, its name."""
    where = f"""() => {{
      const [it, lab] = [document.activeElement, document.querySelector("{LAB}")];
      const top = it.getBoundingClientRect().top - lab.getBoundingClientRect().top;
      return lab.contains(it) ? [top, it.className.includes("gan-stage"),
        it.textContent || it.ariaLabel || it.title] : null;
    }}"""
    passed = []
    while (now := notebook.page.evaluate(where)) and len(passed) < 80:
        passed.append(now)
        notebook.page.keyboard.press("Tab")
    assert len(passed) < 80, "there is no way out"
    return passed


def test_tab_leads_through_the_drawing(notebook):
    lab = other(notebook, "drawing")
    lab.button("Pen").focus()
    tools = ["Pen", "Eraser", "Undo", "Redo", "Clear", "Start from a real line drawing"]
    *first, screen, sheet = [name for *_, name in by_tab(notebook)]
    assert first == tools and "Full screen" in screen and sheet.startswith("your drawing")


def test_tab_leads_through_the_dials(notebook):
    lab = other(notebook, "dials")
    lab.part.locator(".widget-play button").first.focus()
    names = [name for *_, name in by_tab(notebook)]
    assert names == ["Play", "Back to the start", "Repeat", "slope", "clip"]


def test_the_keyboard_draws(notebook):
    lab = other(notebook, "drawing")
    page, ink = notebook.page, "int((lab.lines > 0).sum())"
    notebook.until(lambda: lab.ask("lab.canvas.heard"))
    lab.button("Clear").click()
    notebook.until(lambda: lab.ask(ink) == 0)
    lab.part.get_by_role("application").focus()
    page.keyboard.press("ArrowLeft")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowDown")
    notebook.until(lambda: lab.ask(ink) == 6)
    assert lab.ask("(lab.lines > 0).nonzero()[:, 2:].tolist()") == [[y, 13] for y in range(14, 20)]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    notebook.until(lambda: lab.ask(ink) == 7)
    page.keyboard.press("Control+z")
    notebook.until(lambda: lab.ask(ink) == 6)
    page.keyboard.press("Control+z")  # a stroke is one
    notebook.until(lambda: lab.ask(ink) == 0)
    assert len(notebook.cells()) == 3


def test_tab_leads_from_play_row_by_row_and_out_again(notebook):
    lab = shown(notebook, "plane")
    lab.button("Play").focus()
    passed = by_tab(notebook)
    assert passed[0][2] == "Play" and [stage for _, stage, _ in passed].count(True) == 1
    tops = [top for top, stage, _ in passed if not stage]
    assert all(later > earlier - 40 for earlier, later in pairwise(tops))


def test_space_presses_a_button_of_the_stage(notebook):
    lab = shown(notebook, "panels")
    panels = lab.stage.locator(".gan-panel")
    panels.nth(2).focus()
    notebook.page.keyboard.press("Space")
    lab.says("goes on alone")
    lab.wait(lambda: panels.count() == 0)


def test_nothing_moves_by_itself(notebook):
    """So there is nothing to stop for who prefers reduced motion."""
    lab = shown(notebook, "plane")
    assert notebook.page.evaluate("document.getAnimations().length") == 0
    before = lab.stage.screenshot()
    notebook.page.wait_for_timeout(1000)
    assert lab.stage.screenshot() == before
