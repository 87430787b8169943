"""What the sources of the notebooks say: it renders, and nothing is left out."""

import re

import pytest
from markdown_it import MarkdownIt

from assemble import LANGUAGES, ROOT, assemble, sections
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
