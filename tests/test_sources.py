"""What the sources of the notebooks say: it renders, and its numbers come from somewhere."""

import re

import nbformat
import pytest
from markdown_it import MarkdownIt

from assemble import LANGUAGES, ROOT, assemble, sections
from build import built_path
from gan_helpers.losses import LOSSES

EDITIONS = [(name, lang) for name in sections() for lang in LANGUAGES]
each_edition = pytest.mark.parametrize(("name", "lang"), EDITIONS)


def prose(name, lang):
    return [cell.source for cell in assemble(name, lang).cells if cell.cell_type == "markdown"]


# --- what the reader would see as stars


def literal_stars(text):
    """What CommonMark leaves of `**` that was meant to be bold."""
    waiting, found = MarkdownIt("commonmark").enable("table").parse(text), []
    while waiting:
        token = waiting.pop()
        waiting += token.children or []
        if token.type in ("text", "html_block", "html_inline") and "**" in token.content:
            found.append(token.content)
    return found


def test_bold_that_does_not_render_is_found():
    assert not literal_stars("**近道**（スキップ接続）があり")
    assert literal_stars("各段階に**近道（スキップ接続）**があり")


@each_edition
def test_bold_renders_in_notebooks(name, lang):
    assert [found for text in prose(name, lang) for found in literal_stars(text)] == []


@pytest.mark.parametrize("path", ["README.md", "README.ja.md", "CONTRIBUTING.md"])
def test_bold_renders_in_documents(path):
    assert literal_stars((ROOT / path).read_text(encoding="utf-8")) == []


# --- what has to be complete


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_game_stands_in_the_table_of_12_4_1(lang):
    text = "\n".join(prose("12.4.1_basic_gan", lang))
    rows = set(re.findall(r"^\| `(\w+)`.* \| .* \| .* \|$", text, flags=re.MULTILINE))
    assert rows == set(LOSSES), "add it to the table of games in section 4 of 12.4.1"


# --- decimals and percentages: printed by a cell, set in its code, or named here with a reason

FCN = "Isola et al. (2017), table 1"
HAND = "worked out where it stands"
SLIDER = "an end of a slider"
SETTING = "a setting of the runs, see gan_helpers/evidence"
WITHOUT_CELL = {
    "12.4.2": {
        "99": "data/README.md: how often the classifier is right",
        "0.01": "standard deviation of the published ring",
        "0.05": "standard deviation of the published grid",
        "98.9": "1 - exp(-9 / 2): within three standard deviations in the plane",
        **dict.fromkeys(("0.002", "0.999", "0.005", "0.02", "0.9"), SETTING),
        **dict.fromkeys(("14", "15"), "bounds for 20 of 20: 1 - 0.05^(1/20), and 3/20"),
    },
    "12.4.3": {"0.001": SLIDER},
    "12.4.4": {"0.000004": "evidence: signs/AC-GAN, G_L_c of seed 205"},
    "12.4.5": {
        **dict.fromkeys(
            ["0.42", "0.15", "0.11", "0.22", "0.05", "0.01", "0.57", "0.16", "0.64", "0.20"], FCN
        ),
        **dict.fromkeys(["0.66", "0.23", "0.17", "0.80", "0.26", "0.21"], FCN),
        **dict.fromkeys(("0.7", "0.4"), HAND),
    },
    "12.4.6": {
        "99.9": "what is called off centre, see gan_helpers/augmentation/judge.py",
        "0.8": "Karras et al. (2020); and where p is read off a figure",
        **dict.fromkeys(("0.4", "0.55"), HAND),
    },
}


def claims(text, headings):
    """Decimals and percentages outside of code and formulas, but for numbers of sections."""
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|arXiv:\S+", " ", text, flags=re.DOTALL)
    for found in re.finditer(r"(?<![\d.])(?:\d+\.\d+(?!\.?\d)|\d+(?= ?[%％]))", text):
        if found[0] not in headings and not found[0].startswith("12."):  # (12.28), 12.4
            yield found[0], text[max(found.start() - 30, 0) : found.end() + 15]


def headings():
    """The numbers of all sections, e.g. "2.3"."""
    text = "\n".join(text for name in sections() for text in prose(name, "en"))
    return set(re.findall(r"^#+ (\d+(?:\.\d+)?) ", text, flags=re.MULTILINE))


def printed(name, lang):
    """All numbers that cells print or set."""
    notebook = nbformat.read(built_path(name, lang), as_version=4)
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    texts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in outputs]
    texts += [cell.source for cell in assemble(name, lang).cells if cell.cell_type == "code"]
    return set(re.findall(r"\d+(?:\.\d+)?", "\n".join(texts)))


def rounded(number, decimals):
    return f"{float(number):.{decimals}f}"


@each_edition
def test_numbers_in_prose_come_from_a_cell(name, lang):
    """A number that a cell prints by chance passes, too: what fails here comes from nowhere."""
    known, sections_ = printed(name, lang), headings()
    reasons = WITHOUT_CELL.get(name.split("_")[0], {})
    nowhere = []
    for text in prose(name, lang):
        for number, where in claims(text, sections_):
            decimals = len(number.partition(".")[2])
            if number not in reasons and number not in {rounded(n, decimals) for n in known}:
                nowhere.append((number, where))
    assert nowhere == []


def test_a_number_from_nowhere_is_found():
    text = "Of these 93.7 % are good (section 2.3, $c = 0.3$), a correlation of 0.14."
    assert [number for number, _ in claims(text, {"2.3"})] == ["93.7", "0.14"]


@pytest.mark.parametrize("section", WITHOUT_CELL)
def test_no_reason_is_left_for_a_number_that_is_gone(section):
    name, sections_ = next(n for n in sections() if n.startswith(section)), headings()
    texts = [text for lang in LANGUAGES for text in prose(name, lang)]
    assert WITHOUT_CELL[section].keys() <= {n for t in texts for n, _ in claims(t, sections_)}
