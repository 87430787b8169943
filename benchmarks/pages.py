"""How long a reader of the web edition waits, and how large it is; in a real browser."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections import defaultdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.view import harness

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
LOADED = """() => [...performance.getEntriesByType("navigation"),
    ...performance.getEntriesByType("resource")].reduce((sum, e) => sum + e.decodedBodySize, 0)"""
# From when a player comes into view until it has moved, being started as soon as that can be.
FIRST_MOVE = """(player) => new Promise((resolve) => {
  const start = performance.now();
  let first = "";
  player.scrollIntoView({ block: "center" });
  const look = () => {
    const shown = player.querySelector("output")?.textContent;
    if (shown && !first) {
      first = shown;
      player.querySelector("[data-ui=play]").click();
    } else if (shown && shown !== first) {
      return requestAnimationFrame(() => resolve((performance.now() - start) / 1000));
    }
    requestAnimationFrame(look);
  };
  look();
})"""
# Pictures that the stage draws in a second at the highest speed, at which sixty are due.
PICTURES = """(player) => new Promise((resolve) => {
  let [drawn, first, last] = [0, 0, 0];
  const [play, time] = ["play", "time"].map((ui) => player.querySelector(`[data-ui=${ui}]`));
  player.querySelector("[data-ui=back]").click();
  player.querySelector("[data-ui=speed]").value = "4";
  new MutationObserver(() => {
    last = performance.now();
    first ? drawn++ : (first = last);
  }).observe(player.querySelector(".gan-step b"), { childList: true });
  const look = () => (+time.value === +time.max
    ? resolve((1000 * drawn) / (last - first)) : requestAnimationFrame(look));
  play.click();
  look();
})"""
# From a move of the pen until every network has answered it.
STROKE = """() => {
  const canvases = [...document.querySelectorAll("[data-network=shoes] canvas")].slice(-3);
  const seen = () => canvases.map((c) => c.getContext("2d")
    .getImageData(0, 0, c.width, c.height).data.join());
  const before = seen();
  window.answered = new Promise((resolve) => addEventListener("pointermove", () => {
    const start = performance.now();
    const look = () => (seen().every((data, i) => data !== before[i])
      ? resolve(performance.now() - start) : requestAnimationFrame(look));
    look();
  }, { once: true, capture: true }));
}"""


def measure(pages: int | None = None, strokes: int = 10) -> dict[str, list[float]]:
    """Make the site and open its English pages, the first ones of them where `pages` says so."""
    sys.path.insert(0, str(NOTEBOOKS))
    import website
    from assemble import page_of, sections

    found: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        website.SITE, website.WORK = Path(folder, "site"), Path(folder, "work")
        start = time.perf_counter()
        website.make()
        found["make"].append(time.perf_counter() - start)
        files = [path.stat().st_size for path in website.SITE.rglob("*") if path.is_file()]
        found["site"].append(sum(files) / 1e6)
        found["recording"] = [p.stat().st_size / 1e3 for p in website.WEB.glob("recordings/*.gz")]
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=website.SITE))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        names = [page_of(name) for name in sections()][:pages]
        with harness().chromium() as browser:
            for name in names:
                look_at(browser, f"http://127.0.0.1:{server.server_port}/en/{name}.html", found)
            shoes = next(page_of(name) for name in sections() if name.startswith("12.4.5"))
            draw(browser, f"http://127.0.0.1:{server.server_port}/en/{shoes}.html", found, strokes)
        server.shutdown()
    return dict(found)


class Quiet(SimpleHTTPRequestHandler):
    """A plain file server."""

    def log_message(self, *args: Any) -> None:
        """Nothing."""


def opened(browser: Any, address: str) -> Any:
    """A page that nobody has opened before, with its equations."""
    page = browser.new_context(viewport={"width": 1300, "height": 900}).new_page()
    page.goto(address)
    page.wait_for_function("window.MathJax?.startup?.promise?.then(() => true)")
    return page


def look_at(browser: Any, address: str, found: dict[str, list[float]]) -> None:
    """How much a page loads, and how its players move."""
    page = opened(browser, address)
    found["page"].append(page.evaluate(LOADED) / 1e6)
    for player in page.locator(".gan-player").all():
        found["first move"].append(player.evaluate(FIRST_MOVE))
        player.locator("[data-ui=play]").click()
        found["pictures"].append(player.evaluate(PICTURES))
    page.context.close()


def draw(browser: Any, address: str, found: dict[str, list[float]], strokes: int) -> None:
    """How long the networks take to answer."""
    page = opened(browser, address)
    place = page.locator("[data-network=shoes]")
    place.scroll_into_view_if_needed()
    sheet = place.locator("canvas").first
    sheet.wait_for()
    page.wait_for_timeout(1000)
    box = sheet.bounding_box()
    page.mouse.move(box["x"] + 15, box["y"] + 20)
    page.mouse.down()
    for k in range(strokes):
        page.evaluate(STROKE)
        page.mouse.move(box["x"] + 15 + 20 * (k + 1), box["y"] + 20 + 30 * (k % 2))
        found["stroke"].append(page.evaluate("answered"))
    page.mouse.up()
    page.context.close()
