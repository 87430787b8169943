"""What a lab gives away: a figure of its present state, a film of its run."""

import io
import stat
import sys
import threading
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
from lab_threads import wait_for
from matplotlib.figure import Figure
from PIL import Image, ImageSequence
from test_translating import PAIRED, UNPAIRED

from gan_helpers.datasets.images import Images
from gan_helpers.datasets.points import ring
from gan_helpers.lab.engine.past import frames_of
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.filming import figure_of
from gan_helpers.lab.hosts import DRIVERS
from gan_helpers.lab.view import Lab
from gan_helpers.plots.film import as_picture, encode

POINTS = {"width": 8, "depth": 1, "batch_size": 16}
CONV = {"width": 8, "batch_size": 8, "latent_dim": 8}


def pictures(n=30):
    x = np.random.default_rng(0).integers(0, 256, (n, 8, 8), dtype=np.uint8)
    return Images.from_arrays(x, np.arange(n) % 2)


#: Each kind of lab, and how many pictures its film has: moments are kept at steps 0 and 50, side
#: by side at the first one only, and the present is at step 60.
LABS = {
    "points": (lambda lang: Lab("ring", lang=lang, **POINTS), 3),
    "1-D": (lambda lang: Lab("one_gaussian_1d", lang=lang, **POINTS), 3),
    "critic": (lambda lang: Lab("ring", lang=lang, loss="wasserstein", **POINTS), 3),
    "few": (lambda lang: Lab(pictures(), lang=lang, **CONV), 3),
    "classes": (lambda lang: Lab(pictures(), lang=lang, condition="cgan", **CONV), 3),
    "pix2pix": (lambda lang: Lab(PAIRED, lang=lang), 3),
    "CycleGAN": (lambda lang: Lab(UNPAIRED, lang=lang), 3),
    "side by side": (lambda lang: Lab("ring", lang=lang, compare="d_steps", **POINTS), 2),
}


@pytest.fixture
def lab():
    lab = Lab(**POINTS)
    lab.run(60)
    yield lab
    lab.close()


def shots(path):
    """The pictures of a film."""
    with Image.open(path) as file:
        return [
            np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(file)
        ]


@pytest.mark.parametrize("kind", LABS)
def test_a_film_of_each_kind_of_lab(kind, tmp_path):
    make, n = LABS[kind]
    lab = make("ja" if kind in ("side by side", "few") else "en")
    lab.run(60)
    path = lab.film(tmp_path / "run.gif", seconds=2, width=300)
    seen = shots(path)
    now = np.asarray(as_picture(lab.figure(), 300)).astype(int)
    lab.close()
    assert len(seen) == n and {x.shape for x in seen} == {now.shape} and now.shape[1] == 300
    for one, next_one in pairwise(seen):
        assert np.abs(one - next_one).max() > 50  # the step, at least, is another
    apart = [np.abs(x - now).mean() for x in seen]
    assert np.argmin(apart) == n - 1 and apart[-1] < 5  # GIF has 256 colours
    assert path == tmp_path / "run.gif" and list(tmp_path.iterdir()) == [path]


def test_a_moment_is_shown_as_it_was():
    session = Session(data=ring(), seed=1)
    at_50 = session.film([50])[0]
    session.run(60)
    frames = [make() for make in frames_of(session)]
    assert [header["step"] for header, _ in frames] == [0, 50, 100, 110]
    for name in ("fake", "real", "heat", "push"):
        assert np.array_equal(frames[1][1][name], at_50[1][name])
    assert frames[1][0]["meters"] == at_50[0]["meters"]


def test_filming_changes_no_training(tmp_path):
    filmed, plain = (Lab("ring", compare="loss", **POINTS) for _ in range(2))
    for lab in (filmed, plain):
        lab.run(30)
    filmed.film(tmp_path / "run.gif", width=200), filmed.figure()
    for lab in (filmed, plain):
        lab.run(30)
    for one, other in zip(
        *(lab.comparison.sessions.values() for lab in (filmed, plain)), strict=True
    ):
        assert one.last_losses == other.last_losses
    filmed.close(), plain.close()


def test_the_data_of_a_moment_are_those_that_it_had():
    session = Session(data="ring", seed=0)
    session.run(50)
    session.change(data="moons")
    session.run(10)
    first, *_, now = (make()[1]["real"] for make in frames_of(session))
    session.rewind(0)
    assert np.array_equal(first, session.frame()[1]["real"]) and not np.array_equal(first, now)


def test_side_by_side_each_is_shown_at_its_last_moment():
    lab = Lab("ring", compare={"a": {}, "b": {"lr_D": 1e-4}}, **POINTS)
    lab.run(410)
    frames = [make() for make in frames_of(lab.comparison)]
    assert [header["step"] for header, _ in frames] == [0, 200, 400, 410]
    assert [m["step"] for m in frames[1][0]["members"]] == [200, 200]
    figure = figure_of(frames[1])
    assert figure.get_suptitle() == "step 200"
    lab.close()


def test_times_of_a_film(lab, tmp_path):
    lab.film(tmp_path / "run.gif", seconds=3, width=100)
    with Image.open(tmp_path / "run.gif") as file:
        times = [frame.info["duration"] for frame in ImageSequence.Iterator(file)]
        assert times == [1000, 1000, 2000] and file.info["loop"] == 0


def test_a_film_is_made_while_the_lab_plays(tmp_path):
    lab = Lab(**POINTS)
    lab.run(60)
    lab.play()
    wait_for(lambda: lab.session.at > 70)
    assert len(shots(lab.film(tmp_path / "run.gif", width=100))) >= 3
    before = lab.session.at
    wait_for(lambda: lab.session.at > before)
    lab.close()


def test_an_interrupt_leaves_the_old_file(lab, tmp_path, monkeypatch):
    path = lab.film(tmp_path / "run.gif", width=100)
    old = path.read_bytes()
    lab.run(50)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gan_helpers.lab.filming.as_picture", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lab.film(path)
    assert path.read_bytes() == old and list(tmp_path.iterdir()) == [path]


# --- by a click ----------------------------------------------------------------------------------


class Page:
    """What a page gets from a lab's stage, and its questions where it drives."""

    def __init__(self, lab, monkeypatch):
        self.lab, self.files, self.senders = lab, {}, set()
        monkeypatch.setattr(lab.stage, "send", self.receive)

    def receive(self, content, buffers):
        assert content["type"] == "download"
        self.files[content["name"]] = io.BytesIO(buffers[0])
        self.senders.add(threading.current_thread())

    def waits_for(self, condition):
        """Ask as long as it is told to; where a thread sends, just look."""
        wait_for(lambda: condition() or (self.lab.worker.driver == "page" and self.asks()))

    def asks(self):
        assert self.lab.pulse.state["running"], "it was told that nothing more would come"
        self.lab._on_pulse_message(
            self.lab.pulse, {"type": "next", "view": "a", "asked": 1, "lost": False}, []
        )


@pytest.fixture(params=DRIVERS)
def clicked(request, monkeypatch):
    lab = Lab(driver=request.param, **POINTS)
    yield Page(lab, monkeypatch)
    lab.close()


def press(lab, name):
    """The button of that name in the lab's language."""
    next(b for b in lab.tools if b.description == lab.text[name]).click()


@pytest.mark.parametrize("playing", [False, True])
def test_one_film_is_made_beside_the_lab(clicked, playing):
    lab = clicked.lab
    lab.run(100)
    if playing:
        lab.play()
    press(lab, "film_gif")
    clicked.waits_for(lambda: "A film of" in lab.message.value)
    clicked.waits_for(lambda: " / " in lab.film_button.description)
    at, n = lab.session.at, int(lab.film_button.description.split()[-1])
    lab.film_button.click()
    clicked.waits_for(lambda: f"of {n} pictures. Ask" in lab.message.value)
    clicked.waits_for(lambda: clicked.files)
    clicked.waits_for(lambda: lab.film_button.description == "Film (GIF)")
    assert (lab.session.at > at) == playing
    assert f"The film of {n} pictures is saved as ring-" in lab.message.value
    ((name, file),) = clicked.files.items()
    assert len(shots(file)) == n and name.startswith("ring-") and name.endswith(".gif")
    if lab.worker.driver == "page":  # what another thread sends would be lost
        assert clicked.senders == {threading.current_thread()}
        lab.pause()
        assert lab.pulse.state["running"] is False
    wait_for(lambda: aside() == [])


def aside():
    return [t for t in threading.enumerate() if t.name == "gan-lab-aside"]


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_nothing_to_film_is_said_in_a_sentence(lang, monkeypatch):
    lab = Lab(lang=lang, driver="page", **POINTS)
    page = Page(lab, monkeypatch)
    press(lab, "film_gif")
    assert lab.text["nothing_to_film"] in lab.message.value
    press(lab, "picture_png"), press(lab, "picture_svg")
    assert list(page.files) == ["ring-0.png", "ring-0.svg"] and aside() == []
    with Image.open(page.files["ring-0.png"]) as picture:
        assert picture.width == round(200 * lab.figure().get_size_inches()[0])
    assert ET.parse(page.files["ring-0.svg"]).getroot().tag.endswith("svg")
    lab.close()


def test_a_closed_lab_ends_its_film(clicked, monkeypatch):
    lab, drawn, go = clicked.lab, threading.Event(), threading.Event()

    def slow(figure, width):
        drawn.set()
        assert go.wait(20)
        return as_picture(figure, width)

    monkeypatch.setattr("gan_helpers.lab.filming.as_picture", slow)
    lab.run(100)
    press(lab, "film_gif")
    assert drawn.wait(20)
    lab.close()
    go.set()
    wait_for(lambda: aside() == [])
    assert clicked.files == {}


def test_a_film_that_fails_says_why_and_can_be_made_again(clicked, monkeypatch):
    lab = clicked.lab
    lab.run(100)
    with monkeypatch.context() as patch:
        patch.setattr("gan_helpers.lab.filming.encode", lambda *_: 1 / 0)
        press(lab, "film_gif")
        clicked.waits_for(lambda: "ZeroDivisionError" in lab.message.value)
    clicked.waits_for(lambda: lab.film_button.description == "Film (GIF)")
    wait_for(lambda: aside() == [])
    press(lab, "film_gif")
    clicked.waits_for(lambda: clicked.files)


def test_without_threads_it_is_made_at_once(monkeypatch):
    lab = Lab(driver="page", **POINTS)
    lab.run(100)
    page = Page(lab, monkeypatch)

    def none(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    press(lab, "film_gif")
    assert list(page.files) == ["ring-100.gif"] and "The film of" in lab.message.value
    lab.close()


# --- MP4 -----------------------------------------------------------------------------------------

FAKE = """#!{python}
import json, pathlib, sys
raw = sys.stdin.buffer.read()
pathlib.Path(sys.argv[-1]).write_text(json.dumps([len(raw), sys.argv[1:-1]]), "utf-8")
{more}
"""


@pytest.fixture
def fake_ffmpeg(tmp_path, monkeypatch):
    """A program of that name, which writes down what it was given."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def make(more=""):
        program = folder / "ffmpeg"
        program.write_text(FAKE.format(python=sys.executable, more=more), encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IEXEC)

    monkeypatch.setenv("PATH", str(folder))
    make()
    return make


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_ffmpeg_gets_all_pictures(lab, tmp_path, fake_ffmpeg):
    written = lab.film(tmp_path / "run.mp4", seconds=3, width=301).read_text("utf-8")
    size, *_ = shots(lab.film(tmp_path / "run.gif", width=301))
    assert written.startswith(f"[{3 * size.size},")
    assert f'"{size.shape[1]}x{size.shape[0]}"' in written and '"1.0000"' in written
    fake_ffmpeg("sys.exit('Unknown encoder')")
    old = (tmp_path / "run.mp4").read_bytes()
    with pytest.raises(OSError, match=r"ffmpeg made no film: Unknown encoder\. Choose \.gif"):
        lab.film(tmp_path / "run.mp4")
    assert (tmp_path / "run.mp4").read_bytes() == old


def test_without_ffmpeg_it_is_said_before_anything_is_drawn(lab, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr("gan_helpers.lab.filming.as_picture", lambda *_: pytest.fail("drawn"))
    with pytest.raises(ValueError, match=r"path ends in \.mp4, which takes ffmpeg.*choose \.gif"):
        lab.film(tmp_path / "run.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_real_mp4():
    colours = [Image.new("RGB", (101, 75), c) for c in ("red", "lime", "blue")]
    content = encode(colours, 1.5, ".mp4")
    assert content[4:8] == b"ftyp" and len(content) > 500


# --- figures -------------------------------------------------------------------------------------


def test_figures_of_the_present(lab, tmp_path):
    figure = lab.figure(tmp_path / "now.png", dpi=100)
    assert isinstance(figure, Figure)
    with Image.open(tmp_path / "now.png") as picture:
        assert picture.size == tuple(round(100 * edge) for edge in figure.get_size_inches())
    lab.figure(str(tmp_path / "now.SVG"))
    root = ET.fromstring((tmp_path / "now.SVG").read_text("utf-8"))
    assert root.tag.endswith("svg") and len(list(root.iter())) > 100
    lab.figure(tmp_path / "now.pdf")
    assert (tmp_path / "now.pdf").read_bytes().startswith(b"%PDF")
    assert f"step {lab.session.at}" in figure.axes[0].get_title()
    assert {p.name for p in tmp_path.iterdir()} == {"now.png", "now.SVG", "now.pdf"}


def test_what_is_refused(lab, tmp_path, monkeypatch):
    def refused(says, make, *args, error=ValueError, **told):
        with pytest.raises(error, match=says):
            make(*args, **told)

    ends = r"it has to be a path that ends in \.gif or \.mp4"
    refused(f"path = 'run.avi' is of no kind known here; {ends}", lab.film, "run.avi")
    refused(r"ends in \.png, \.svg or \.pdf", lab.figure, tmp_path / "now.gif")
    refused("path = 3 is a int", lab.film, 3, error=TypeError)
    refused("path = None is a NoneType", lab.film, None, error=TypeError)
    missing = tmp_path / "no" / "run.gif"
    refused("the folder .*no is missing; make it first", lab.film, missing, error=FileNotFoundError)
    good = tmp_path / "run.gif"
    refused("seconds = 0 is out of range", lab.film, good, seconds=0)
    refused("width = 5 is out of range", lab.film, good, width=5)
    refused("dpi = 5.5 is a float", lab.figure, dpi=5.5, error=TypeError)
    fresh = Lab(**POINTS)
    refused("nothing to film: the lab is at step 0.*lab.run", fresh.film, good)
    fresh.close()
    assert list(tmp_path.iterdir()) == []
