"""What the live view costs, in a real JupyterLab and a real browser."""

from __future__ import annotations

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent / "tests"
IMPORTS = "import time\nfrom gan_helpers.lab import Lab"
LAB = 'lab = Lab("ring")\nlab'
BY_PAGE = 'lab = Lab("ring", driver="page")\nlab'
EIGHT = """lab = Lab("ring", loss="wasserstein", d_steps=5, lr_G=2e-4, beta1=0.0, compare="clip")
lab"""
TOOLS = """
applied, apply = [], lab._apply

def logged(settings):
    try:
        return apply(settings)
    finally:
        applied.append(time.time())

lab._apply = logged
sizes, pack = [], lab._frames.pack

def weighed(*picture):
    frame = pack(*picture)
    sizes.append(len(frame))
    return frame

lab._frames.pack = weighed

def weight():
    # The mean of the pictures' bytes, since last asked.
    taken, sizes[:] = sizes.copy(), []
    return sum(taken) / max(len(taken), 1)

def state():
    return time.perf_counter(), lab.session.gan.step, lab._shown

def unseen(seconds):
    with lab.worker.lock:
        start, before = time.perf_counter(), lab.session.gan.step
        while time.perf_counter() < start + seconds:
            lab.session.run(20)
        return (lab.session.gan.step - before) / (time.perf_counter() - start)
"""
# The stage writes the step's number whenever it draws a frame.
STEP = "document.querySelector('[data-ui=step]')"
IS_DRAWN = rf"() => /\d/.test({STEP}?.textContent) && Date.now()"
COUNT_FRAMES = f"""() => {{
  window.drawn = new Set();
  const note = () => window.drawn.add({STEP}?.textContent); // null: the cell was run again
  new MutationObserver(note).observe({STEP}, {{ childList: true, subtree: true }});
}}"""
CHOOSE = """label => {
  const has = (select) => [...select.options].some((option) => option.value === label);
  const select = [...document.querySelectorAll("select")].find(has);
  const now = Date.now();
  select.value = label;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  return now;
}"""


def available() -> bool:
    """Whether there is a browser, and what drives it."""
    return find_spec("playwright") is not None and bool(harness().CHROMIUM)


def harness() -> Any:
    """The tests' JupyterLab and browser."""
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))
    import jupyter_browser

    return jupyter_browser


def measure(rounds: int = 3, pairs: int = 3, seconds: float = 4.0) -> dict[str, list[float]]:
    """The lab with its default settings on the ring: each round in a fresh kernel.

    Args:
        rounds: how many kernels.
        pairs: how often, in each, it is watched and then trains unseen.
        seconds: how long it does either.

    Returns:
        Per pair: "drawn" and "acknowledged" frames per second, "watched" and "unseen" steps per
        second, "slowdown" in per cent, "bytes" of a frame. Per round: seconds from running the
        lab's cell to the "first" frame drawn. Per change: seconds until a touched "control" has its
        effect. Once: frames per second drawn and bytes of a frame of "eight" critics side by side,
        and of the ring driven by the "page", with its controls.
    """
    seen: dict[str, list[float]] = {}
    tools = harness()
    with tempfile.TemporaryDirectory() as folder:
        for i in range(rounds):
            tools.write_notebook(Path(folder) / f"{i}.ipynb", [IMPORTS, "", ""])
        with tools.jupyter(folder) as server, tools.chromium() as browser:
            for i in range(rounds):
                notebook = server.open(browser, f"{i}.ipynb")
                notebook.run_cell(0)
                for name, values in one_round(notebook, pairs, seconds).items():
                    seen.setdefault(name, []).extend(values)
                if i == rounds - 1:
                    seen |= one_of_each(notebook, seconds)
                notebook.page.context.close()
                for kernel in server.api("kernels"):
                    server.api(f"kernels/{kernel['id']}", "DELETE")
    return seen


def one_round(notebook: Any, pairs: int, seconds: float) -> dict[str, list[float]]:
    """What `measure` measures in a kernel, with a lab in the notebook's second cell."""
    seen: dict[str, list[float]] = {"first": [first_frame(notebook, LAB)]}
    notebook.run_cell(2, TOOLS)
    notebook.page.evaluate(COUNT_FRAMES)
    for _ in range(pairs):
        for name, value in watch(notebook, seconds).items():
            seen.setdefault(name, []).append(value)
    return {**seen, "control": touch(notebook)}


def one_of_each(notebook: Any, seconds: float) -> dict[str, list[float]]:
    """Eight GANs, and a lab that the page drives, each with its frames per second and bytes."""
    eight, eight_bytes = side_by_side(notebook, seconds)
    page, page_bytes = frames_of(notebook, BY_PAGE, seconds)
    seen = {"eight": [eight], "eight bytes": [eight_bytes], "page": [page]}
    return {**seen, "page bytes": [page_bytes], "page control": touch(notebook)}


def side_by_side(notebook: Any, seconds: float) -> tuple[float, float]:
    """Of eight values of the clipping parameter in training, see `frames_of`."""
    return frames_of(notebook, EIGHT, seconds)


def frames_of(notebook: Any, source: str, seconds: float) -> tuple[float, float]:
    """Frames drawn per second while a lab plays, and the bytes of one, on average."""
    first_frame(notebook, source)
    notebook.run_cell(2, TOOLS)
    notebook.page.evaluate(COUNT_FRAMES)
    notebook.ask("lab.play()")
    notebook.page.wait_for_timeout(1000)
    notebook.ask("weight()")
    before, start = notebook.page.evaluate("[window.drawn.size, Date.now()]")
    notebook.page.wait_for_timeout(1000 * seconds)
    after, end = notebook.page.evaluate("[window.drawn.size, Date.now()]")
    mean = notebook.ask("weight()")
    notebook.ask("lab.pause()")
    return 1000 * (after - before) / (end - start), mean


def first_frame(notebook: Any, source: str) -> float:
    """Seconds from running the lab's cell until its stage shows something."""
    notebook.run_cell(1, "")  # no stage is left on the page
    start = notebook.page.evaluate("Date.now()")
    notebook.run_cell(1, source, wait=False)
    drawn = notebook.page.wait_for_function(IS_DRAWN)
    return (drawn.json_value() - start) / 1000


def watch(notebook: Any, seconds: float) -> dict[str, float]:
    """Play for a while, then train unseen for as long."""
    notebook.ask("lab.play()")
    notebook.page.wait_for_timeout(300)  # it is in full swing
    drawn_before = notebook.page.evaluate("window.drawn.size")
    notebook.ask("weight()")
    before = notebook.ask("state()")
    notebook.page.wait_for_timeout(1000 * seconds)
    after, mean = notebook.ask("(state(), weight())")
    drawn_after = notebook.page.evaluate("window.drawn.size")
    notebook.ask("lab.pause()")
    notebook.page.wait_for_timeout(700)  # the thread has ended
    duration, n_steps, shown = (b - a for a, b in zip(before, after, strict=True))
    unseen, watched = notebook.ask(f"unseen({seconds})"), n_steps / duration
    return {
        "drawn": (drawn_after - drawn_before) / duration,
        "acknowledged": shown / duration,
        "watched": watched,
        "unseen": unseen,
        "bytes": mean,
        "slowdown": 100 * (1 - watched / unseen),
    }


def touch(notebook: Any) -> list[float]:
    """Seconds from choosing another loss, while it trains, until training uses it."""
    labels = {name: label for label, name in notebook.ask("list(lab.loss.options)")}
    notebook.ask("lab.play()")
    delays = []
    for name in ("hinge", "least_squares", "saturating", "non_saturating"):
        notebook.page.wait_for_timeout(500)
        n = notebook.ask("len(applied)")
        start = notebook.page.evaluate(CHOOSE, labels[name])
        notebook.page.wait_for_timeout(500)  # looking every moment would be in its way
        for _ in range(50):
            if notebook.ask("len(applied)") > n:
                break
            notebook.page.wait_for_timeout(200)
        else:
            raise TimeoutError(f"choosing the loss {name} had no effect within 10 seconds")
        delays.append(notebook.ask("applied")[n] - start / 1000)
    assert notebook.ask("lab.session.gan.loss.name") == name
    notebook.ask("lab.pause()")
    return delays
