"""Makes the picture of the lab in each README: `uv run python notebooks/lab_picture.py`.

A new notebook, one cell, "Play", and some seconds later a photograph; once in each language.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))
from jupyter_browser import chromium, jupyter, write_notebook

from gan_helpers.lab.labels import labels

CELL = 'from gan_helpers.lab import Lab\n\nLab("ring", lang="{lang}")'
TARGETS = {"en": HERE / "images" / "lab.png", "ja": HERE / "images" / "lab.ja.png"}
STEPS = 2000  # by then G covers the ring, and still moves
LARGEST = 300_000  # bytes


def photograph(lang: str, steps: int = STEPS) -> Image.Image:
    """The lab of a fresh notebook after that many steps, sharp on dense screens too."""
    play, pause = (f"button:text-is('{labels(lang)[name]}')" for name in ("play", "pause"))
    with tempfile.TemporaryDirectory() as folder:
        write_notebook(Path(folder) / "lab.ipynb", [CELL.format(lang=lang)])
        with jupyter(folder) as server, chromium() as browser:
            opened = server.open(browser, "lab.ipynb", width=1140, height=1200, scale=1.25)
            opened.command("notebook:run-all-cells")
            opened.page.locator(play).click()
            counter = opened.page.locator(".gan-step b")
            opened.until(lambda: int(counter.inner_text().replace(",", "")) >= steps)
            opened.page.locator(pause).click()
            opened.page.locator(play).wait_for()
            opened.page.mouse.move(0, 0)
            return Image.open(io.BytesIO(opened.page.locator(".widget-vbox").first.screenshot()))


def main() -> None:
    for lang, target in TARGETS.items():
        picture = photograph(lang).convert("RGB")
        target.parent.mkdir(exist_ok=True)
        picture.save(target, optimize=True)
        where, size = target.relative_to(HERE.parent), target.stat().st_size
        print(f"{where}: {picture.width} x {picture.height}, {size:,} bytes")
        assert size <= LARGEST, f"more than {LARGEST:,} bytes"


if __name__ == "__main__":
    main()
