"""The labs on other pages than a present JupyterLab on its own machine.

A connection like Colab's, Notebook 6 with the versions of Colab, Notebook 7, and what a reader can
do with an output: scroll it away, show it twice, save it.
"""

from contextlib import suppress
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import nbformat
import pytest
from colab_environment import colab_python
from jupyter_browser import Notebook7, jupyter, notebook_6, write_notebook
from lossy_socket import lose_what_nobody_asked_for
from nbformat.reader import NotJSONError
from test_browser import BRIGHTNESS, SETUP, OnPage, assert_it_gives_pictures, drag, show
from test_colab import IMPORTS, LABS

from assemble import ROOT
from build import WIDGET

SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "full"},  # only cells in view
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
}
LOSSES = """
def losses(lab):
    several = getattr(lab, "comparison", None)
    curves = [s.history.arrays() for s in (several.sessions.values() if several else [lab.session])]
    return repr([(curve["loss_D"].tolist(), curve["loss_G"].tolist()) for curve in curves])
"""
FIRST_CELL = f"import sys; sys.path.append({str(ROOT)!r})\n{SETUP}{IMPORTS}{LOSSES}"
PAGE = "\nhow = {'driver': 'page'}"
RING = f"lab = {LABS['plane']}\nlab"
VIEW_BESIDE = "[...jupyterapp.shell.widgets('main')].find((one) => !one.sessionContext)"
STATE = "application/vnd.jupyter.widget-state+json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hosts")


@pytest.fixture(scope="module")
def jupyterlab(folder):
    with jupyter(folder, settings=SETTINGS) as server:
        yield server


def opened(server, browser, folder, name, setup=FIRST_CELL, **options):
    """A new notebook: its first cell is run, three more are empty."""
    write_notebook(folder / f"{name}.ipynb", [setup, "", "", ""])
    notebook = server.open(browser, f"{name}.ipynb", **options)
    notebook.run_cell(0)
    return notebook


@pytest.fixture(scope="module")
def lossy(jupyterlab, browser, folder):
    """In JupyterLab, behind a connection on which a thread's pictures are lost."""
    options = {"setup": FIRST_CELL + PAGE, "prepare": lose_what_nobody_asked_for}
    return opened(jupyterlab, browser, folder, "lossy", **options)


@pytest.fixture(scope="module")
def windowed(jupyterlab, browser, folder):
    """In JupyterLab, on a page that holds only the cells in view."""
    return opened(jupyterlab, browser, folder, "windowed")


@pytest.fixture(scope="module")
def new(browser, folder):
    """In Notebook 7."""
    with jupyter(folder, opened=Notebook7) as server:
        notebook = opened(server, browser, folder, "new")
        notebook.complaints.clear()  # Notebook 7.6 has one of its own while it loads
        yield notebook


@pytest.fixture(scope="module")
def old(browser, folder, tmp_path_factory):
    """In Notebook 6, with the versions of Colab."""
    with notebook_6(folder, colab_python(tmp_path_factory)) as server:
        yield opened(server, browser, folder, "old")


@pytest.fixture
def host(request):
    """One of these; after the test its console has to be free of errors."""
    notebook = request.getfixturevalue(request.param)
    yield notebook
    notebook.assert_no_complaints()


def on(*names):
    return pytest.mark.parametrize("host", names, indirect=True)


# --- a connection like Colab's -------------------------------------------------------------------

ASKED_AND_UNASKED = """
import ipywidgets as W

box = W.VBox([button := W.Button(description="Ask"), words := W.Label()])
button.on_click(lambda _: setattr(words, "value", "asked"))

def tell():
    heard.wait()
    time.sleep(1)
    words.value = "unasked"

heard = threading.Event()
threading.Thread(target=tell).start()
box"""


@pytest.mark.parametrize(
    ("host", "unasked"), [("lossy", ""), ("windowed", "unasked")], indirect=["host"]
)
def test_only_what_the_page_has_asked_for_gets_through(host, unasked):
    host.run_cell(1, ASKED_AND_UNASKED)
    words = host.cell(1).locator(".widget-label")
    host.ask("heard.set()")
    host.page.wait_for_timeout(3000)  # and no question meanwhile
    assert host.ask("words.value") == "unasked"
    assert words.inner_text() == unasked
    host.cell(1).get_by_role("button", name="Ask").click()
    host.until(lambda: words.inner_text() == "asked")


@on("lossy")
def test_a_lab_whose_pictures_are_lost_lets_the_page_drive(host):
    lab = show(host, "lab = Lab('ring', driver='thread')\nlab")
    moves(lab)
    assert lab.ask("(lab.worker.driver, threads())") == ("page", 0)


@on("lossy", "old")
def test_a_lab_leaves_as_a_file_and_comes_back_and_is_told_as_code(host, tmp_path):
    """Only what answers the click arrives; ipywidgets 7 has another kind of upload."""
    lab, path = show(host, RING), tmp_path / "run.safetensors"
    host.ask("lab.run(20)")
    lab.save_to(path)
    host.ask("lab.run(5)")
    after = host.ask("lab.session.last_losses")
    for _ in range(2):  # the same file again is news, too
        lab.open_file(path)
        lab.says("Going on from run.safetensors, at step 20")
        lab.wait(lambda: lab.step == 20)
        host.ask("lab.run(5)")
        assert host.ask("lab.session.last_losses") == after
    lab.button("As code").click()
    area = lab.part.locator(".widget-textarea textarea:visible").first  # not the editor of the cell
    lab.wait(lambda: "lab.run(25)" in area.input_value())
    lab.button("Copy").click()
    lab.says("The code is on the clipboard")


@on("lossy", "old")
@pytest.mark.parametrize("kind", ["plane", "few pictures", "translation"])
def test_a_lab_gives_pictures_and_films(host, kind, tmp_path):
    """The film is drawn by a thread; what it has to say waits for the page's questions."""
    lab = show(host, f"lab = {LABS[kind]}\nlab")
    host.ask("lab.run(20)")
    name = {"plane": "ring", "few pictures": "digits_50", "translation": "own"}[kind]
    assert_it_gives_pictures(lab, f"{name}-20", tmp_path)


# --- all kinds of labs ---------------------------------------------------------------------------


def moves(lab):
    """Played for some steps, the picture has changed; then it is paused."""
    picture = lab.stage.locator("[data-ui=picture]:visible").last
    start, before = lab.step, lab.picture_of(picture)
    lab.button("Play").click()
    lab.wait(lambda: lab.step > start + 20)
    lab.changes(before, picture)
    lab.button("Pause").click()
    lab.button("Play").wait_for()
    lab.wait(lambda: lab.step == lab.ask("lab.worker.session.at"))


def goes_on(lab):
    now = lab.step
    lab.wait(lambda: lab.step > now + 20)


def stops(lab):
    lab.wait(lambda: not lab.ask("lab.worker.playing"))
    assert lab.ask("lab.session.at") > 0


def assert_it_learned_what_a_cell_would_have(lab, kind):
    """The same seed gives the same losses, whoever drives."""
    lab.notebook.run_cell(2, f"fresh = {LABS[kind]}\nfresh.run(lab.worker.session.at)")
    assert lab.ask("losses(fresh)") == lab.ask("losses(lab)")


both = on("lossy", "old")


@both
@pytest.mark.parametrize(
    "kind", ["plane", "line", "pictures", "classes", "few pictures", "translation"]
)
def test_a_lab_plays(host, kind):
    lab = show(host, f"lab = {LABS[kind]}\nlab")
    moves(lab)
    assert host.ask("how.get('driver') in (None, lab.worker.driver)")
    assert_it_learned_what_a_cell_would_have(lab, kind)
    if kind != "few pictures":
        lab.choose("loss", "hinge")
        lab.says("loss = hinge")


@both
def test_a_picture_follows_the_mouse(host):
    host.run_cell(1, f"lab = {LABS['drawing']}\nlab")
    sheet, answer = (host.cell(1).locator(f".drawlab-{of} canvas") for of in ("own", "answers"))
    sheet.wait_for()
    host.until(lambda: host.ask("lab.canvas.heard"))
    sheet.scroll_into_view_if_needed()
    before = answer.evaluate(BRIGHTNESS)
    drag(host.page, sheet, [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9)])
    host.until(lambda: answer.evaluate(BRIGHTNESS) < before)


@both
def test_the_folded_groups_have_their_titles(host):
    lab = show(host, f"lab = {LABS['few pictures']}\nlab")
    for title in ("Training", "Regularization", "Augmentation"):
        lab.part.get_by_text(title, exact=True).wait_for()


# --- what a reader can do with an output ---------------------------------------------------------


@on("new")
def test_a_lab_plays_in_notebook_7(host):
    moves(show(host, RING))


@on("windowed")
def test_a_lab_that_was_scrolled_away_plays(host):
    lab = show(host, RING)
    lab.play()
    lab.stage.hover()
    for cell in (2, 3):  # the page holds the cells in view, and the active one
        host.run_cell(cell, "print(100 * 'line\\n')")
    host.page.mouse.wheel(0, 10_000)
    lab.stage.wait_for(state="hidden")
    host.page.wait_for_timeout(3000)  # longer than a page waits for pictures
    before = lab.ask("lab.session.at")
    lab.wait(lambda: lab.ask("lab.session.at") > before)
    host.page.mouse.wheel(0, -10_000)
    lab.stage.wait_for()
    goes_on(lab)
    lab.pause()
    moves(lab)
    for cell in (2, 3):
        host.run_cell(cell, "")


@on("windowed", "lossy", "old")
def test_a_lab_plays_as_long_as_one_of_its_views_is_there(host):
    lab = show(host, RING)
    host.run_cell(2, "display(lab)")
    other = OnPage(host, host.cell(2))
    other.play()
    host.run_cell(1, "")
    assert not lab.stage.count()
    host.page.wait_for_timeout(1000)  # what the page has to say about it has been said by then
    goes_on(other)
    host.run_cell(2, "")
    stops(other)


@on("windowed")
def test_a_view_beside_the_notebook_is_one_of_them(host):
    lab = show(host, RING)
    host.command("notebook:create-output-view")
    beside = OnPage(host, host.page.locator(".jp-LinkedOutputView"))
    beside.stage.wait_for()
    lab.part.click(position={"x": 1, "y": 1})  # commands and questions go to what has the focus
    beside.play()
    goes_on(beside)
    goes_on(lab)
    host.page.evaluate(f"{VIEW_BESIDE}.close()")
    beside.stage.wait_for(state="detached")
    host.page.wait_for_timeout(1000)
    goes_on(lab)
    host.command("notebook:clear-cell-output")
    stops(lab)


@pytest.mark.parametrize(
    ("host", "save"),
    [("windowed", "docmanager:save"), ("old", "widgets:save-with-widgets")],
    indirect=["host"],
)
def test_a_notebook_is_saved_with_its_widgets_as_github_wants_it(host, save, folder):
    show(host, RING)
    host.command(save)
    path = folder / PurePosixPath(urlsplit(host.page.url).path).name

    def saved():
        with suppress(NotJSONError):  # half written
            notebook = nbformat.read(path, as_version=4)
            return notebook if "widgets" in notebook.metadata else None

    notebook = host.until(saved)
    nbformat.validate(notebook)
    about = notebook.metadata.widgets[STATE]
    assert (about.version_major, about.version_minor) == (2, 0)
    (output,) = notebook.cells[1].outputs
    assert output.data[WIDGET]["model_id"] in about.state
