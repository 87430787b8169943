"""The lab in a real JupyterLab and a real browser, on two kernels.

Callbacks of widgets run on a thread of their own in ipykernel 7 and on the main one in ipykernel 6.
Chromium is needed; without it these tests are skipped, or fail where REQUIRE_BROWSER=1.
"""

import io
import os
import shutil
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib.image
import nbformat
import numpy as np
import pytest
import torch
from jupyter_browser import jupyter, unavailable, write_notebook
from PIL import Image
from torch.nn.functional import interpolate

from benchmarks.view import one_round, side_by_side
from gan_helpers.classifier import classify, load_classifier

ROOT = Path(__file__).resolve().parent.parent
KERNELS = {"7": "python3", "6": "ipykernel6"}  # major version of ipykernel -> name of the kernel
SETUP = """
import threading
import time
import gan_helpers.lab.view as view
from gan_helpers.lab import Lab

view.ABANDONED = 3600  # seconds: a page may take minutes to load

def threads():
    return [thread.name for thread in threading.enumerate()].count("gan-lab")
"""
RING = "lab = Lab('ring')\nlab"
FEW = """
from gan_helpers.translation.tasks import Task
from gan_helpers.datasets.scenes import draw_pairs

few = Task("few maps", draw_pairs("maps", 60), draw_pairs("maps", 20, seed=1))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def page(folder, browser):
    """An empty notebook in JupyterLab; loading it takes longer than most tests."""
    write_notebook(folder / "lab.ipynb", [SETUP, "", ""])
    with jupyter(folder, kernels={KERNELS["6"]: python_of(folder / "venv")}) as server:
        yield server.open(browser, "lab.ipynb")


def python_of(venv):
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.fixture(scope="module")
def old_kernel(folder):
    """An environment with ipykernel 6 in front of everything the project's own has."""
    venv = folder / "venv"
    uv = shutil.which("uv")
    pip = [python_of(venv), "-m", "pip", "install"]
    make = [uv, "venv", "-p", sys.executable] if uv else [sys.executable, "-m", "venv"]
    install = [uv, "pip", "install", "-p", python_of(venv)] if uv else pip
    for command in ([*make, venv], [*install, "-q", "ipykernel>=6.29,<7"]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
        if done.returncode:
            unavailable(f"ipykernel 6 cannot be installed: {done.stderr}")
    (site,) = venv.glob("[Ll]ib/**/site-packages")
    paths = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    lines = [f"import site; site.addsitedir({path!r})" for path in sorted(paths)]
    (site / "project.pth").write_text("\n".join(lines), "utf-8")


@pytest.fixture(scope="module", params=KERNELS)
def opened(request, page):
    """The notebook, set up on one of the kernels."""
    if request.param == "6":
        request.getfixturevalue("old_kernel")
        page.change_kernel(KERNELS["6"])
    page.run_cell(0)
    assert page.ask("__import__('ipykernel').__version__").split(".")[0] == request.param
    return page


@pytest.fixture
def notebook(opened):
    """The notebook; after the test its console has to be free of errors."""
    yield opened
    opened.assert_no_complaints()


# --- a lab on the page -------------------------------------------------------------------------


class OnPage:
    """The first lab of some part of the page: what a reader can see and touch of it."""

    def __init__(self, notebook, part):
        self.notebook, self.part = notebook, part
        self.stage = part.locator(".gan-stage").first
        self.message = part.locator("[role=status]").first

    def button(self, name):
        """By its text: its icon would be part of the name of its role."""
        return self.part.locator(f"button:text-is('{name}')").first

    def choose(self, name, option):
        self.part.get_by_label(name, exact=True).first.select_option(option)

    @property
    def step(self):
        """What the stage shows; on a page just opened its counter is empty until the first draw."""
        counter = self.stage.locator(".gan-step b")
        return int(self.wait(lambda: counter.inner_text()).replace(",", ""))

    def picture(self):
        return self.picture_of(self.stage.locator(".gan-picture"))

    def picture_of(self, element):
        return matplotlib.image.imread(io.BytesIO(element.screenshot()))

    def changes(self, before, element=None, share=0.01, by=0.1):
        """Wait until this share of the element's pixels (the picture's) looks different.

        How soon depends on what is shown: a GAN that has collapsed moves little in twenty steps.
        """
        element = element or self.stage.locator(".gan-picture")

        def differs():
            after = self.picture_of(element)
            height = min(len(before), len(after))  # beginning amid a pixel, one row more or less
            return (np.abs(after[:height] - before[:height]).max(axis=-1) > by).mean() > share

        self.wait(differs)

    def save_to(self, path, name="Save"):
        """Press it; what the page gives away comes to this path. Returns its download."""
        with self.notebook.page.expect_download() as download:
            self.button(name).click()
        download.value.save_as(path)
        return download.value

    def open_file(self, path):
        """Choose it by the button, and wait until the lab goes on from there."""
        with self.notebook.page.expect_file_chooser() as chooser:
            self.button("Open").click()
        chooser.value.set_files(path)
        self.says(f"Going on from {path.name}")

    def wait(self, condition):
        return self.notebook.until(condition)

    def says(self, words):
        self.wait(lambda: words in self.message.inner_text())

    def play(self):
        self.button("Play").click()
        start = self.step
        self.wait(lambda: self.step > start)

    def pause(self):
        """Pause, and wait until the page shows the step at which the model stands."""
        self.button("Pause").click()
        self.button("Play").wait_for()
        self.wait(lambda: self.step == self.ask("lab.session.gan.step"))

    def ask(self, expression):
        return self.notebook.ask(expression)


def show(notebook, source=RING):
    """A fresh lab in the second cell; the one that was there is ended by this."""
    notebook.run_cell(1, source)
    lab = OnPage(notebook, notebook.cell(1))
    lab.wait(lambda: lab.stage.count() and lab.step >= 0)
    return lab


def assert_it_moves(lab):
    """Played, it counts its steps, and the picture changes visibly."""
    start, before = lab.step, lab.picture()  # in this order: the step waits for the first picture
    lab.play()
    lab.wait(lambda: lab.step > start + 20)
    lab.changes(before)


def drag(page, sheet, points, button="left"):
    """Press at the first point, release at the last; points are in fractions of the sheet."""
    box = sheet.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down(button=button)
    for place in places[1:]:
        page.mouse.move(*place, steps=10)
    page.mouse.up(button=button)


# --- the tests ---------------------------------------------------------------------------------

# For what does not depend on the thread that callbacks run on.
one_kernel_is_enough = pytest.mark.parametrize("opened", ["7"], indirect=True)


@one_kernel_is_enough
def test_the_first_lab_of_a_notebook_plays(notebook):
    """After that notebook's own first cells; that all its cells run is what nbval tests."""
    built = nbformat.read(ROOT / "notebooks/en/12.4.1_basic_gan.ipynb", as_version=4)
    sources = [cell.source for cell in built.cells if cell.cell_type == "code"]
    first = next(source for source in sources if source.startswith("lab = Lab("))
    assert_it_moves(show(notebook, "\n".join([*sources[:2], first])))


@one_kernel_is_enough
@pytest.mark.parametrize("world", ["two_gaussians_1d", "digits"])  # the ring is played below
def test_every_kind_of_lab_plays(notebook, world):
    assert_it_moves(show(notebook, f"lab = Lab({world!r})\nlab"))


@one_kernel_is_enough
def test_showing_a_lab_changes_none_of_its_settings(notebook):
    source = "lab = Lab('ring', lr_D=2e-3, d_steps=12)\nset_up = lab.session.experiment\nlab"
    lab = show(notebook, source)
    for title in ("Training", "Regularization"):
        lab.part.get_by_text(title, exact=True).click()
    lab.button("Step").click()  # what the browser has to say about the controls comes before this
    lab.wait(lambda: lab.step == 1)
    assert lab.ask("lab.session.experiment == set_up")


def test_the_loss_is_switched_while_it_plays(notebook):
    lab = show(notebook)
    lab.play()
    before = lab.step
    lab.choose("loss", "hinge")
    lab.says("loss = hinge")
    assert lab.ask("lab.session.experiment.loss") == "hinge"
    assert lab.ask("lab.session.gan.step") >= before  # with the weights it had
    now = lab.step
    lab.wait(lambda: lab.step > now)  # and it plays on


@one_kernel_is_enough
def test_a_drawing_becomes_the_data(notebook):
    lab = show(notebook)
    lab.play()
    lab.part.get_by_role("button", name="Draw your own").click()
    notebook.page.locator(".gan-stage.drawing").wait_for()
    for y in (0.3, 0.7):  # two level lines
        drag(notebook.page, lab.stage.locator(".gan-sketch"), [(0.2, y), (0.8, y)])
    lab.button("Done").click()
    lab.says("Your drawing is the data now")
    assert lab.ask("lab.session.data.has_modes") is False
    # The stage is [-2, 2] wide and high: the lines lie at y = 0.8 and -0.8, x from -1.2 to 1.2.
    means = np.array(lab.ask("lab.session.data.means.tolist()"))
    assert np.abs(np.abs(means[:, 1]) - 0.8).max() < 0.05
    assert np.abs([means[:, 0].min() + 1.2, means[:, 0].max() - 1.2]).max() < 0.1
    assert (means[:, 1] > 0).any() and (means[:, 1] < 0).any()
    selected = lab.part.get_by_label("data", exact=True).first.locator("option:checked")
    lab.wait(lambda: selected.get_attribute("value") == "your own")
    now = lab.step
    lab.wait(lambda: lab.step > now)


@one_kernel_is_enough
def test_a_lab_leaves_as_a_file_and_comes_back(notebook, tmp_path):
    lab, path = show(notebook), tmp_path / "run.safetensors"
    lab.ask("lab.run(50)")
    assert lab.save_to(path).suggested_filename == "ring-50.safetensors"
    lab.says("Step 50 is saved as ring-50.safetensors")
    lab.ask("lab.run(10)")
    after = lab.ask("lab.session.last_losses")
    lab.open_file(path)
    lab.says("Going on from run.safetensors, at step 50")
    lab.wait(lambda: lab.step == 50)
    lab.ask("lab.run(10)")
    assert lab.ask("lab.session.last_losses") == after
    lab.play()


def assert_it_gives_pictures(lab, name, folder):
    """By a click each: a picture of the present, and a film of the run up to it."""
    png = folder / "now.png"
    assert lab.save_to(png, "Picture (PNG)").suggested_filename == f"{name}.png"
    assert matplotlib.image.imread(png).std() > 0.05  # something is drawn on it
    lab.says(f"The picture is saved as {name}.png")
    assert lab.save_to(folder / "now.svg", "Picture (SVG)").suggested_filename == f"{name}.svg"
    assert ET.parse(folder / "now.svg").getroot().tag.endswith("svg")
    film = folder / "run.gif"
    assert lab.save_to(film, "Film (GIF)").suggested_filename == f"{name}.gif"
    lab.says("The film of 2 pictures is saved as")
    with Image.open(film) as pictures:
        assert pictures.n_frames == 2 and pictures.width in (640, 1000)
    lab.button("Film (GIF)").wait_for()


GIVING = {
    "ring-20": "Lab('ring')",
    "moons-20": "Lab('moons', compare='lr_D')",
    "own-20": "Lab(few)",
}


@one_kernel_is_enough
@pytest.mark.parametrize("name", GIVING)
def test_a_lab_gives_pictures_and_films(notebook, name, tmp_path):
    lab = show(notebook, f"{FEW if 'few' in GIVING[name] else ''}lab = {GIVING[name]}\nlab")
    lab.button("Film (GIF)").click()
    lab.says("There is nothing to film yet")
    lab.ask("lab.run(20)")
    assert_it_gives_pictures(lab, name, tmp_path)


@one_kernel_is_enough
def test_a_film_is_made_while_the_lab_plays(notebook, tmp_path):
    lab = show(notebook)
    lab.ask("lab.run(1000)")
    lab.play()
    with notebook.page.expect_download() as download:
        lab.button("Film (GIF)").click()
        lab.says("A film of")
        lab.part.locator("button:has-text(' / ')").click()  # it says how far it is
        lab.says("The film is not ready yet")
        now = lab.step
        lab.wait(lambda: lab.step > now)
    download.value.save_as(tmp_path / "run.gif")
    lab.says("pictures is saved as ring-")
    with Image.open(tmp_path / "run.gif") as pictures:
        assert pictures.n_frames > 20
    lab.pause()


@one_kernel_is_enough
def test_a_lab_is_told_as_code_that_runs(notebook):
    lab = show(notebook, "lab = Lab('ring', lr_D=5e-4)\nlab")
    lab.ask("[lab.run(20), lab.change(r1=0.1), lab.run(10)]")
    losses = lab.ask("lab.session.last_losses")
    lab.button("As code").click()
    area = lab.part.locator("textarea").first
    lab.wait(lambda: "if step == 20:" in area.input_value())
    lab.button("Copy").click()
    lab.says("The code is on the clipboard")
    notebook.run_cell(2, area.input_value())
    assert lab.ask("(float(loss_D), float(loss_G))") == losses
    assert lab.ask("lab.session.last_losses") == losses  # of the new lab


@one_kernel_is_enough
def test_single_steps_reset_and_seeds(notebook):
    lab = show(notebook)
    weights = "[float(p.sum()) for p in lab.session.gan.{}.parameters()]"
    G, D = lab.ask(weights.format("G")), lab.ask(weights.format("D"))
    lab.button("D only").click()
    lab.wait(lambda: "D learns" in lab.stage.locator(".gan-phase").inner_text())
    assert lab.ask(weights.format("G")) == G and lab.ask(weights.format("D")) != D
    changed_D = lab.ask(weights.format("D"))
    lab.button("G only").click()
    lab.wait(lambda: lab.step == 1)
    assert lab.ask(weights.format("G")) != G and lab.ask(weights.format("D")) == changed_D
    lab.button("Step").click()
    lab.wait(lambda: lab.step == 2)
    lab.button("Reset").click()
    lab.wait(lambda: lab.step == 0)
    assert lab.ask(weights.format("G")) == G and lab.ask(weights.format("D")) == D
    lab.button("New seed").click()
    lab.wait(lambda: "seed 1" in lab.part.inner_text())
    assert lab.ask("lab.session.seed") == 1 and lab.ask(weights.format("G")) != G


@one_kernel_is_enough
def test_the_stage_obeys_the_keyboard(notebook):
    lab = show(notebook)
    lab.stage.focus()
    press = notebook.page.keyboard.press
    press("ArrowRight")
    lab.wait(lambda: lab.step == 1)
    press("d")
    lab.wait(lambda: lab.ask("lab.session.d_updates") == 1)
    press("g")
    lab.wait(lambda: lab.step == 2)
    press("Space")
    lab.wait(lambda: lab.step > 10)
    press("Space")
    lab.button("Play").wait_for()
    press("r")
    lab.wait(lambda: lab.step == 0)
    assert len(notebook.cells()) == 3  # JupyterLab has not taken "d" or "r" for its own


@one_kernel_is_enough
def test_rewinding_by_the_slider_gives_the_same_future(notebook):
    lab = show(notebook)
    lab.play()
    lab.wait(lambda: lab.step > 120)
    lab.pause()
    end = lab.step
    weights = "[float(p.sum()) for p in lab.session.gan.G.parameters()]"
    future = lab.ask(weights)
    slider = lab.part.get_by_role("slider").first
    slider.focus()
    notebook.page.keyboard.press("ArrowLeft")
    lab.says("Back at step")
    lab.wait(lambda: lab.step < end)
    assert lab.step % 50 == 0 and lab.step == lab.ask("lab.session.gan.step")
    lab.ask(f"lab.run({end} - lab.session.gan.step)")
    assert lab.ask(weights) == future


@one_kernel_is_enough
def test_an_error_in_the_readers_step_is_shown_with_its_line(notebook):
    source = "def broken(gan, data):\n    return gan.no_such_thing\n\nlab.change(train_step=broken)"
    lab = show(notebook)
    lab.play()
    notebook.run_cell(2, source)
    lab.says("no_such_thing")
    assert "line 2: return gan.no_such_thing" in lab.message.inner_text()
    lab.button("Play").wait_for()
    notebook.run_cell(
        2, "from gan_helpers.training import train_step\nlab.change(train_step=train_step)"
    )
    lab.play()  # mended, it goes on


@one_kernel_is_enough
def test_running_the_cell_again_ends_the_old_lab(notebook):
    show(notebook).play()
    assert notebook.ask("threads()") == 1
    notebook.run_cell(2, "old = lab")
    lab = show(notebook)
    assert notebook.ask("old.worker.closed") is True
    assert notebook.ask("old.box.comm is None")  # a page loaded anew has not to load it
    lab.wait(lambda: lab.ask("threads()") == 0)
    lab.play()
    assert lab.ask("threads()") == 1
    lab.pause()
    lab.wait(lambda: lab.ask("threads()") == 0)


@one_kernel_is_enough
def test_a_lab_that_nobody_sees_pauses(notebook):
    lab = show(notebook)
    lab.play()
    notebook.command("notebook:clear-cell-output")
    lab.wait(lambda: lab.ask("threads()") == 0)
    assert lab.ask("lab.session.gan.step") > 0 and not lab.ask("lab.worker.playing")


@one_kernel_is_enough
def test_the_lab_of_a_closed_page_pauses_and_is_found_again(notebook):
    lab = show(notebook)
    lab.play()
    notebook.command("docmanager:save")
    address = notebook.page.url
    notebook.ask("setattr(view, 'ABANDONED', 1)")
    notebook.page.goto("about:blank")
    notebook.page.wait_for_timeout(10_000)  # nobody is there who could be asked meanwhile
    notebook.page.goto(address)
    notebook.wait_for_kernel()
    assert notebook.ask("(lab.worker.playing, threads())") == (False, 0)
    assert notebook.ask("lab.session.gan.step") > 0
    notebook.ask("setattr(view, 'ABANDONED', 3600)")
    lab.play()
    lab.pause()


def test_an_interrupt_pauses_the_lab_and_keeps_the_model(notebook):
    lab = show(notebook)
    lab.play()
    notebook.run_cell(2, "time.sleep(3600)", wait=False)
    start = lab.step
    lab.wait(lambda: lab.step > start)  # it plays while the cell runs
    before = lab.step
    notebook.page.locator("[data-command='notebook:interrupt-kernel']").first.click()
    lab.says("Interrupted: the lab is paused")
    lab.button("Play").wait_for()
    lab.wait(lambda: lab.ask("threads()") == 0)
    assert lab.ask("lab.session.gan.step") >= before
    lab.play()  # from there
    lab.pause()


@one_kernel_is_enough
def test_a_page_that_was_too_busy_to_listen_gets_its_lab(notebook):
    """anywidget gives up on a model that is not loaded after two seconds; here, at once."""
    notebook.page.evaluate("""() => {
        const { timeout } = AbortSignal;
        AbortSignal.timeout = () => {
            AbortSignal.timeout = timeout;
            return Object.assign(new EventTarget(), {
                addEventListener: (_, giveUp) => giveUp(),
            });
        };
    }""")
    notebook.given_up.clear()
    lab = show(notebook)
    assert notebook.given_up
    assert_it_moves(lab)


@one_kernel_is_enough
def test_the_benchmark_measures_what_the_view_costs(notebook):
    seen = one_round(notebook, pairs=1, seconds=4.0)
    assert {name: len(values) for name, values in seen.items() if len(values) > 1} == {"control": 4}
    assert min(min(values) for name, values in seen.items() if name != "slowdown") > 0
    assert seen["drawn"][0] < 40  # the lab sends at most 30 frames a second
    fps, size = side_by_side(notebook, seconds=10.0)
    assert fps > 0 and 0 < size < 30_000


# --- section 12.4.2: collapse and cure, side by side ---------------------------------------------

COLLAPSE = "lab = Lab('ring', remedies=True, d_steps=10, lr_D=1e-2)\nlab"
MODES = "[m['value'] for m in lab.session.frame()[0]['meters'] if m['id'] == 'modes'][0]"


@one_kernel_is_enough
def test_modes_collapse_and_a_click_brings_them_back(notebook):
    lab = show(notebook, COLLAPSE)
    lab.ask("lab.run(400)")  # as if played, but for the pictures, which take their time
    assert lab.ask(MODES) <= 4  # of 8; in 18 of 20 seeds
    lab.play()
    lab.button("R1").click()
    lab.says("R1 weight = 0.1")
    lab.pause()
    lab.ask("lab.run(300)")

    def modes_shown():
        return int(lab.stage.locator("[data-id=modes] .gan-value").inner_text().split()[0])

    lab.wait(lambda: modes_shown() >= 7)


@one_kernel_is_enough
def test_the_illness_is_named_and_the_remedy_put_beside_it(notebook):
    lab = show(notebook, "lab = Lab('ring', d_steps=10, lr_D=1e-2)\nlab")
    verdict = lab.part.locator(".widget-html [aria-live=polite]")
    assert verdict.count() == 0
    lab.play()
    lab.wait(lambda: verdict.count() and "Mode collapse" in verdict.inner_text())
    assert verdict.locator("a").get_attribute("href").endswith("#cell-id=section-3")
    lab.pause()
    lab.part.locator("button:has-text('Try R1 beside it')").click()
    panels = lab.stage.locator(".gan-panel")
    lab.wait(lambda: panels.count() == 2)
    lab.wait(lambda: verdict.count() == 0)  # side by side nothing is said
    assert panels.locator("[data-ui=name]").all_inner_texts() == ["untreated", "R1"]
    panels.nth(1).click()
    lab.says("“R1” goes on alone")
    assert lab.ask("lab.session.experiment.r1") == 0.1


@one_kernel_is_enough
def test_a_fork_side_by_side_plays_and_a_click_keeps_one(notebook):
    lab = show(notebook, COLLAPSE)
    lab.ask("lab.run(300)")
    lab.choose("side by side", "the remedies")
    panels = lab.stage.locator(".gan-panel")
    lab.wait(lambda: panels.count() == 7)
    lab.says("Split at step 300 into 7 GANs")
    before = lab.picture_of(panels.nth(2))  # spectral norm: D is another one at once
    lab.button("Play").click()
    lab.wait(lambda: lab.step > 305)
    lab.changes(before, panels.nth(2))
    lab.button("Pause").click()
    lab.button("Play").wait_for()
    titles = panels.locator("[data-ui=name]").all_inner_texts()
    assert titles[0] == "untreated" and "TTUR" in titles and len(set(titles)) == 7
    panels.nth(titles.index("TTUR")).click()
    lab.says("“TTUR” goes on alone")
    lab.wait(lambda: panels.count() == 0)
    assert lab.ask("lab.session.experiment.lr_D") == 4e-3
    assert_it_moves(lab)
    lab.button("Pause").click()


@one_kernel_is_enough
def test_the_arrows_die_when_D_runs_ahead(notebook):
    lab = show(notebook, "lab = Lab('ring', loss='saturating')\nlab")
    lab.part.get_by_text("Training", exact=True).click()
    norm = "lab.session.push_on_G()"
    before = lab.ask(norm)
    lab.ask("setattr(lab.lead_slider, 'value', 1000)")
    lab.says("D is 1000 updates ahead")
    assert lab.ask(norm) < before / 1000
    lab.choose("loss", "non-saturating")
    lab.says("loss = non-saturating")
    assert lab.ask(norm) > before


# --- section 12.4.3: the clipping parameter is dragged -------------------------------------------

CRITIC = """
lab = Lab('ring', loss='wasserstein', clip=0.1, d_steps=5, lr_G=2e-4, unfold='remedies')
lab"""


@one_kernel_is_enough
def test_the_clipping_parameter_is_dragged_and_the_critic_follows(notebook):
    lab = show(notebook, CRITIC)
    charts = {
        name: lab.stage.locator(f".gan-side .gan-{name} canvas") for name in ("weights", "layers")
    }
    lab.play()
    lab.wait(lambda: lab.step > 20)
    before = {name: lab.picture_of(chart) for name, chart in charts.items()}
    slope = lab.stage.locator("[data-id=slope] .gan-value")
    steep = float(slope.inner_text())
    slider = lab.part.locator(".widget-hslider", has_text="clip weights")
    slider.get_by_role("slider").focus()
    for c in (0.03, 0.01, 0.003, 0.001):  # from 0.1; the slider has to follow each key
        notebook.page.keyboard.press("ArrowLeft")
        lab.says(f"clip weights to [−c, c] = {c}")
    now = lab.step
    lab.wait(lambda: lab.step > now + 10)
    lab.wait(
        lambda: float(slope.inner_text()) < steep / 100
    )  # no critic is steep with such weights
    for name, chart in charts.items():
        lab.changes(before[name], chart, share=0.005)
    lab.pause()  # in the middle of a step weights may have moved and not been clipped yet
    largest = "max(float(p.detach().abs().max()) for p in lab.session.gan.D.parameters())"
    assert lab.ask(largest) <= 0.001 + 1e-9


@one_kernel_is_enough
def test_the_colours_show_the_slope(notebook):
    lab = show(notebook, CRITIC)
    lab.button("Step").click()
    lab.wait(lambda: lab.step == 1)
    before = lab.picture()
    lab.choose("colours", "D's slope")
    legend = lab.stage.locator(".gan-legend")
    lab.wait(lambda: "|∇D(x)|" in legend.inner_text())
    lab.changes(before, share=0.05, by=0.05)
    assert lab.ask("lab.session.map") == "slope"


# --- section 12.4.4: ask for a digit --------------------------------------------------------------

TRAINED = """
from gan_helpers.conditional.pretrained import load_pretrained
lab = Lab('digits_28', gan=load_pretrained('cgan'))
lab"""


def read_from(picture, size=28, across=10):
    """What the classifier reads in the pictures of a screenshot of the stage."""
    grey = torch.tensor(picture[..., :3]).mean(-1)
    cell = grey.shape[0] / across
    margin = max(0.08 * cell, 2.5)
    cut = []
    for row in range(across):
        for column in range(across):
            (y0, y1), (x0, x1) = (
                (round(k * cell + margin), round((k + 1) * cell - margin)) for k in (row, column)
            )
            cut.append(interpolate(grey[None, None, y0:y1, x0:x1], (size, size), mode="area"))
    digit, _ = classify(load_classifier(size), 2 * torch.cat(cut) - 1)
    return digit


@one_kernel_is_enough
def test_pick_a_seven_and_see_sevens(notebook):
    lab = show(notebook, TRAINED)
    lab.button("7").click()
    lab.wait(lambda: (read_from(lab.picture()) == 7).float().mean() > 0.8)
    lab.button("2").click()
    lab.wait(lambda: (read_from(lab.picture()) == 2).float().mean() > 0.8)
    assert lab.step == lab.ask("lab.session.gan.step") > 1000  # nothing was trained for it
    assert lab.ask("threads()") <= 1


@one_kernel_is_enough
def test_z_is_moved_and_a_digit_becomes_another(notebook):
    lab = show(notebook, TRAINED)
    lab.button("4").click()
    lab.wait(lambda: (read_from(lab.picture()) == 4).float().mean() > 0.8)
    before = lab.picture()
    slider = lab.part.locator(".widget-hslider", has_text="move z").get_by_role("slider")
    slider.focus()
    for _ in range(5):
        notebook.page.keyboard.press("ArrowRight")
    lab.changes(before, share=0.02, by=0.3)
    lab.wait(lambda: (read_from(lab.picture()) == 4).float().mean() > 0.8)
    lab.choose("change into", "9")
    lab.wait(lambda: lab.ask("lab.session.look.to") == 9)
    lab.wait(lambda: lab.ask("lab.stage.frame != b''"))
    first, last = lab.ask("[lab.session.y_preview[k].tolist() for k in (0, 9)]")
    assert (first[4], last[9]) == (1, 1)


# --- section 12.4.6: few pictures ----------------------------------------------------------------


@one_kernel_is_enough
def test_transforms_are_switched_while_three_ways_train(notebook):
    lab = show(notebook, "lab = Lab('digits_50', compare='augment', width=16)\nlab")
    panels = lab.stage.locator(".gan-panel")
    lab.wait(lambda: panels.count() == 3)
    titles = panels.locator("[data-ui=name]").all_inner_texts()
    assert titles == ["none", "real only", "both"]
    picture = panels.nth(2).locator(".gan-frame canvas")
    before = lab.picture_of(picture)
    lab.play()
    for name in ("brightness", "shift", "cutout"):  # the last two were on
        lab.button(name).click()
    lab.wait(lambda: lab.ask("lab.session.experiment.transforms") == ("brightness",))
    lab.says("by = brightness")
    start = lab.step
    lab.wait(lambda: lab.step > start + 10)
    lab.changes(before, picture)
    for chart in ("quality", "verdicts"):  # something is drawn in them
        canvas = panels.nth(0).locator(f".gan-{chart} canvas")
        assert lab.picture_of(canvas)[..., :3].std() > 0.01
    assert "held-out" in panels.nth(0).inner_text()
    lab.button("Pause").click()
    lab.button("Play").wait_for()
    panels.nth(2).click()
    lab.wait(lambda: panels.count() == 0)
    assert lab.ask("lab.session.experiment.augment") == "both"
    lab.wait(lambda: lab.part.get_by_label("transform", exact=True).input_value())
    assert lab.stage.locator(".gan-verdicts canvas").first.is_visible()
    lab.choose("transform", "real only")
    lab.says("transform = real only")


# --- section 12.4.5: drawn lines, learned pictures ------------------------------------------------

SHEET = """
import torch
from torch.nn.functional import avg_pool2d
from gan_helpers.lab.sketch import DrawLab

def blur(lines):
    return avg_pool2d(lines, 3, stride=1, padding=1)

def in_colour(lines):
    return torch.cat([-lines, blur(lines), -blur(lines)], dim=1)

cross = -torch.ones(1, 1, 28, 28)
cross[..., 4:24, 14] = cross[..., 14, 4:24] = 1

lab = DrawLab({"blur": blur, "colour": in_colour}, examples=torch.cat([cross, -cross.flip(-1)]))
lab"""
SHOES = """
from gan_helpers.lab.sketch import DrawLab
from gan_helpers.translation.pretrained import load_translator

lab = DrawLab(load_translator("shoes").translate, edge=32)
lab"""
BRIGHT = "int((lab.answers['answer'] > -0.5).sum())"
TRANSLATION = f"""{FEW}
lab = Lab(few, unfold="translation")
lab"""
INK = "int((lab.lines > 0).sum())"
ANSWER = "float(lab.answers['blur'].mean())"
# What the eye sees: the mean brightness of a canvas.
BRIGHTNESS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value) => sum + value, 0) / data.length;
}"""


@one_kernel_is_enough
def test_a_picture_follows_the_mouse(notebook):
    page = notebook.page
    notebook.run_cell(1, SHEET)
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


@one_kernel_is_enough
def test_a_stroke_changes_the_shoe(notebook):
    """The trained pix2pix of 12.4.5, asked by the mouse."""
    page = notebook.page
    notebook.run_cell(1, SHOES)
    sheet = page.locator(".drawlab-own canvas")
    sheet.wait_for()
    notebook.until(lambda: notebook.ask("lab.canvas.heard"))
    sheet.scroll_into_view_if_needed()
    blank = notebook.ask(BRIGHT)  # of an empty sheet: hardly anything
    outline = [(0.2, 0.65), (0.3, 0.4), (0.5, 0.42), (0.85, 0.6), (0.85, 0.68), (0.2, 0.68)]
    drag(page, sheet, outline)
    notebook.until(lambda: notebook.ask(BRIGHT) > blank + 50)


@one_kernel_is_enough
def test_pictures_change_while_G_learns(notebook):
    lab = show(notebook, TRANSLATION)
    assert_it_moves(lab)
    assert lab.stage.locator(".gan-side canvas").count() == 3
    slider = lab.part.locator(".widget-hslider", has_text="weight of the GAN's loss")
    slider.get_by_role("slider").focus()
    notebook.page.keyboard.press("ArrowLeft")
    lab.says("weight of the GAN's loss = 0")
    assert lab.ask("lab.session.experiment.adversarial") == 0
    lab.choose("side by side", "L1, GAN, both")
    panels = lab.stage.locator(".gan-panel")
    lab.wait(lambda: panels.count() == 3)
    panels.nth(1).click()
    lab.wait(lambda: lab.ask("lab.session.experiment.l1") == 0)
    lab.button("Reset").click()
    lab.wait(lambda: lab.step == 0)


# --- a figure with sliders ---------------------------------------------------------------------

PATH = """
from matplotlib.figure import Figure
from gan_helpers.lab.dials import Dials

def draw(steps, slope):
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.plot([0, steps], [0, slope * steps])
    axes.set(xlim=(0, 10), ylim=(0, 20))
    return figure

lab = Dials(draw, play="steps", steps=range(1, 11), slope=(1.0, 2.0))
lab
"""


def test_a_figure_with_sliders_is_drawn_anew_and_plays(notebook):
    notebook.run_cell(1, PATH)
    cell = notebook.cell(1)
    figure = cell.locator(".widget-image, img").first
    figure.wait_for()

    def seen():
        return figure.get_attribute("src")

    first = seen()
    handle = cell.locator(".noUi-handle").nth(1)  # of the slope
    handle.focus()
    handle.press("ArrowRight")
    notebook.until(lambda: seen() != first)
    steeper = seen()
    assert notebook.ask("lab.values['slope'][lab.sliders['slope'].index]") == 2.0
    cell.locator(".widget-play button").first.click()
    pictures = {steeper}
    notebook.until(lambda: pictures.add(seen()) or len(pictures) > 3)  # the path grows
    cell.locator(".widget-play button").first.click()
