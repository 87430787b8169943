"""The deck: its slides are those of both languages, and lead where they say."""

import ast
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import nbformat
import pytest
from jupyter_browser import PATIENCE, jupyter, unavailable
from markdown_it import MarkdownIt

import deck
from assemble import HERE, INDEX, LANGUAGES, assemble, number_of, sections

assemble = cache(assemble)

TITLES = [  # of the deck that the study group began with, slide by slide
    "12.4 敵対的生成ネットワーク (GAN)",
    "12.4.1 基本的なGAN",
    "仕組み",
    "GANの目的関数と学習",
    "12.4.2 学習の困難さ",
    "モード崩壊 (mode collapse)",
    "モード崩壊への対応策",
    "12.4.3 Wasserstein-GAN (WGAN)",
    "12.4.4 条件付きGAN (conditional GAN)",
    "conditional GANの定式化",
    "AC-GAN (auxiliary classifier GAN)",
    "学習",
    "12.4.5 pix2pix と CycleGAN",
    "CycleGAN",
    "12.4.6 GANのためのデータ拡張",
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
each_language = pytest.mark.parametrize("lang", LANGUAGES)


def equations(text):
    return re.findall(r"\$\$(.+?)\$\$", text, flags=re.DOTALL)


def links(lang):
    """All links of the deck and of the notebooks, (where they stand, what they lead to)."""
    for slide in deck.slides(lang):
        yield from ((deck.SLIDES, target) for target in LINK.findall(slide.text))
    for name in sections():
        for cell in assemble(name, lang).cells:
            if cell.cell_type == "markdown":
                targets = LINK.findall(cell.source) + re.findall(r'src="([^"]+)"', cell.source)
                yield from ((HERE / lang, target) for target in targets)


def anchors(path):
    """What `#cell-id=` can lead to in the notebook of this path, as JupyterLab looks for it."""
    return {cell.id for cell in assemble(path.stem, path.parent.name).cells}


def called(code):
    """Function, arguments and settings of a call."""
    (node,) = (n for n in ast.walk(ast.parse(code)) if is_lab(n))
    settings = {k.arg: ast.dump(k.value) for k in node.keywords}
    return node.func.id, [ast.dump(a) for a in node.args], settings


def is_lab(node):
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("Lab", "DrawLab")
    )


def labs_below(name, number):
    """The labs between a heading and the next one."""
    found, here = [], ""
    for cell in assemble(name, "en").cells:
        if cell.cell_type == "markdown":
            here = number_of(cell.source) or here
        elif here == number and any(is_lab(node) for node in ast.walk(ast.parse(cell.source))):
            found.append(called(cell.source))
    return found


def test_titles_follow_the_seed():
    assert [slide.title for slide in deck.slides("ja")[: len(TITLES)]] == TITLES


def test_both_languages_have_the_same_slides():
    for ours, theirs in zip(*map(deck.slides, LANGUAGES), strict=True):
        assert ours.places == theirs.places
        assert ours.figures == theirs.figures
        assert ours.minutes == theirs.minutes
        assert bool(ours.beforehand) == bool(theirs.beforehand)
        assert equations(ours.text) == equations(theirs.text)
        kinds = [[t.type for t in MarkdownIt("commonmark").enable("table").parse(s.text)]
                 for s in (ours, theirs)]  # fmt: skip
        assert kinds[0] == kinds[1], ours.title


@each_language
def test_an_hour_is_planned(lang):
    assert sum(slide.minutes for slide in deck.slides(lang)) == 60


@each_language
def test_the_gaps_of_the_seed_are_filled(lang):
    text = deck.source(lang).read_text(encoding="utf-8")
    assert "TODO" not in text and "samplepath" not in text
    assert {"ja": "**$D$ の対数尤度**", "en": "**the log-likelihood of $D$**"}[lang] in text
    for number in range(28, 32):
        assert rf"\tag{{12.{number}}}" in text


@each_language
def test_what_is_linked_is_there(lang):
    leads = list(links(lang))
    assert len(leads) > 150
    for folder, target in leads:
        if target.startswith("https://"):
            continue
        path, _, fragment = target.partition("#")
        assert (folder / path).resolve().exists(), target
        if fragment:
            assert fragment.removeprefix("cell-id=") in anchors((folder / path).resolve()), target


@each_language
def test_a_lab_stands_where_its_slide_says(lang):
    labs = [place for slide in deck.slides(lang) for place in slide.places if place.lab]
    assert len(labs) > 10
    for place in labs:
        function, arguments, settings = called(place.lab)
        assert any(
            function == f and arguments == a[: len(arguments)] and settings.items() <= s.items()
            for f, a, s in labs_below(place.name, place.number)
        ), f"{place.lab} is not in section {place.number} of {place.name}"


@each_language
def test_every_figure_is_shown_and_small(lang):
    used = {figure for slide in deck.slides(lang) for figure in slide.figures}
    files = {path.name: path for path in (HERE / "images" / "slides").iterdir()}
    assert {Path(name).stem for name in used} == {Path(name).stem for name in files}
    assert all(path.stat().st_size < 500_000 for path in files.values())


@pytest.mark.parametrize("name", [name for name in sections() if name != INDEX])
def test_sections_name_their_slides(name):
    for lang in LANGUAGES:
        cells = {number_of(c.source): c.source for c in assemble(name, lang).cells
                 if c.cell_type == "markdown"}  # fmt: skip
        for slide in deck.slides(lang):
            for place in slide.places:
                if place.name == name:
                    mention = cells[place.number].splitlines()[2]
                    assert mention.startswith("*") and slide.title in mention


@each_language
def test_times_in_the_index_are_those_of_the_notebooks(lang):
    (overview,) = (c.source for c in assemble(INDEX, lang).cells if c.id == "section-1")
    for name in (name for name in sections() if name != INDEX):
        row = next(line for line in overview.splitlines() if f"]({name}.ipynb)" in line)
        minutes = re.search(r"(\d+)(?:分| min)", row.rsplit("|", 2)[1])[1]
        assert re.search(rf"{minutes} ?(?:分|minutes)", assemble(name, lang).cells[0].source)


def test_the_command_writes_html_and_pdf_with_links_to_jupyterlab(tmp_path, monkeypatch):
    """Without Marp: what it would be given, and where."""
    for path in deck.SLIDES.glob("12.4_gan.*.md"):
        shutil.copy(path, tmp_path)
    seen = []

    def run(command, **options):
        seen.append((command, Path(command[-1]).read_text(encoding="utf-8")))
        made = Path(command[command.index("--output") + 1])
        if made.suffix == ".html":
            made.write_text("<body></body>", encoding="utf-8")

    monkeypatch.setattr(deck, "SLIDES", tmp_path)
    monkeypatch.setattr(deck.subprocess, "run", run)
    deck.make("en", "http://localhost:9999/lab/tree", png=False)
    made = [command[command.index("--output") + 1] for command, _ in seen]
    assert made == [str(tmp_path / f"12.4_gan.en.{kind}") for kind in ("html", "pdf")]
    for _, text in seen:
        assert "](http://localhost:9999/lab/tree/en/12.4_index.ipynb)" in text
        assert "](../en/" not in text
    (tmp_path / "12.4_gan.en.html").unlink()
    assert len(list(tmp_path.iterdir())) == 2, "what was written on the way is gone"


@each_language
def test_the_html_replays_labs_from_a_disk(browser, tmp_path, monkeypatch, lang):
    """With Marp."""
    if not (shutil.which("npx") or shutil.which("uvx")):
        unavailable("neither npx nor uv on PATH, which fetch Marp", promised="REQUIRE_NODE")
    slides = shutil.copytree(deck.SLIDES, tmp_path / "slides")
    (tmp_path / "images").symlink_to(HERE / "images")
    monkeypatch.setattr(deck, "SLIDES", slides)
    try:
        deck.make_html(lang, deck.ADDRESS)
    except (OSError, subprocess.CalledProcessError) as error:
        unavailable(f"Marp did not run: {error}", promised="REQUIRE_NODE")
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page, wrong = context.new_page(), []
    page.set_default_timeout(1000 * PATIENCE)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: m.type == "error" and wrong.append(m.text))
    page.goto(f"{(slides / f'12.4_gan.{lang}.html').as_uri()}#1")
    all_slides = page.evaluate(SLIDES_WITH_LABS)
    labs = [place for slide in deck.slides(lang) for place in slide.places if place.lab]
    assert len([found for found in all_slides if found]) == len(labs)
    for number, name in enumerate(all_slides, 1):
        if not name.startswith("lab-"):
            continue
        page.goto(f"{page.url.split('#')[0]}#{number}")
        player = page.locator(f"#{name}.ready")
        last = player.locator(".gan-choices button").last
        if last.is_visible():
            last.click()
        player.locator("[data-ui=play]").click()
        page.wait_for_function(
            "name => document.querySelector(`#${name} input`).value > 1", arg=name
        )
        page.keyboard.press(" ")  # pauses, and turns no slide
        assert page.url.endswith(f"#{number}") and player.is_visible()
        assert player.evaluate("e => e.getBoundingClientRect().bottom") <= 720, name
    assert wrong == []
    context.close()


SLIDES_WITH_LABS = """[...document.querySelectorAll("svg[data-marpit-svg]")].map((slide) => {
    const place = slide.querySelector("section.lab .gan-player, section.lab .gan-network");
    return place ? place.id || place.dataset.network : "";
})"""


def test_a_link_of_the_index_leads_to_the_section(browser, tmp_path):
    """In JupyterLab; without outputs, which would still move the cells while they load."""
    (tmp_path / "ja").mkdir()
    for name in (INDEX, "12.4.3_wgan"):
        nbformat.write(assemble(name, "ja"), tmp_path / "ja" / f"{name}.ipynb")
    with jupyter(tmp_path) as server:
        index = server.open(browser, f"ja/{INDEX}.ipynb")
        index.page.locator('a[href*="12.4.3_wgan.ipynb"][href$="section-4-3"]').first.click()
        index.page.wait_for_function(AT_THE_HEADING)


AT_THE_HEADING = """() => {
    if (jupyterapp.shell.currentWidget?.title.label !== '12.4.3_wgan.ipynb') return false;
    const { node } = jupyterapp.shell.currentWidget.content;
    const heading = [...node.querySelectorAll('h3')].find(h => h.textContent.startsWith('4.3 '));
    const top = heading?.getBoundingClientRect().top;
    return top > 0 && top < window.innerHeight;
}"""
