"""From the source text of a section to its notebook in one language, not yet executed.

A section is one file in `source/`, jupytext's Markdown. Prose stands in pairs, Japanese first:

    <!-- #region tags=["ja"] -->
    日本語の文章
    <!-- #endregion -->

    <!-- #region tags=["en"] -->
    English prose
    <!-- #endregion -->

or, where one text serves both, in a region with `tags=["ja", "en"]`. The first pair is the title;
links, the table of its slides and `first_cell.py` are added to it by themselves, and below a
heading the slides of the deck that lead there (see `deck.py`). A heading begins a cell, and one
with a number can be linked to: `12.4.3_wgan.ipynb#cell-id=section-4-3`. A line `{{slides}}`,
`{{script}}` or `{{notation}}` in prose becomes that table. Code stands once, between ```python and
```, perhaps with tags, as in ```python tags=["solution", "nbval-ignore-output"]:

    solution              folded in JupyterLab and Colab; executed and tested like all others
    advanced              folded as well: code for those who want to know how it is done
    long                  more than 15 lines that are not blank, at most 25
    nbval-ignore-output   the output may differ between machines; all others are compared by tests
    raises-exception      the error is what the reader should see

A line `{{source gan_helpers.training.train_step}}` in code becomes that function as it stands in
the package, without its docstring; `{{source NAME summary}}` keeps the docstring's first
paragraph, `{{source NAME docstring}}` all of it.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import sys
import textwrap
from hashlib import sha256
from pathlib import Path

import jupytext
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import deck
from gan_helpers.lab.labels import WORDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LANGUAGES = {"ja": "日本語版", "en": "English edition"}
RUN_AGAIN = {  # what stands in place of a lab when the notebook is opened the next day
    "ja": "ラボの画面が出ないときや「model not found」と出るときは、先頭の2つのセルとラボのセルを"
    "実行してください。",
    "en": "Where a lab does not appear, or says “model not found”: run the first two cells of "
    "code, then the lab's own.",
}
INDEX = "12.4_index"
TO_INDEX = {"ja": "目次", "en": "Index"}
SLIDES = {"ja": "スライドとの対応", "en": "Where the slides are treated"}
MENTION = r"^(#+ .+\n)(?:\n+\*(?:スライド：|Slides?: ).*\n)?"  # a heading, and slides named by hand
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # JupyterLab's way, Colab's way


class SourceError(ValueError):
    """A source text that cannot become a notebook in both languages."""


def sections() -> list[str]:
    """The names of all sections, in the order of the book, and of the index."""
    return sorted(path.stem for path in (HERE / "source").glob("*.md"))


def assemble(name: str, lang: str) -> NotebookNode:
    """The notebook of section `name` in language `lang`, without outputs."""
    cells = read_source((HERE / "source" / f"{name}.md").read_text(encoding="utf-8"))
    wanted = [c for c in cells if c.cell_type == "code" or lang in c.metadata.tags]
    title, *rest = [part for c in wanted for part in parts(finish(c))]
    title.source += f"\n\n{links(name, lang)}"
    if name != INDEX:  # it has no lab
        title.source += f"\n\n*{RUN_AGAIN[lang]}*"
    if (table := deck.table(lang, name)).count("\n") > 1:
        summary = f"<summary>{SLIDES[lang]}</summary>"
        title.source += f"\n\n<details open>{summary}\n\n{table}\n\n</details>"
    for cell in rest:
        if cell.cell_type == "markdown":
            cell.source = name_slides(expand(cell.source, lang), name, lang)
    notebook = new_notebook(cells=[title, first_cell(lang), *rest])
    notebook.metadata.kernelspec = {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    notebook.metadata.language_info = {"name": "python"}
    seen: dict[str, int] = {}
    for cell in notebook.cells:  # ids that change only where the text does
        digest = sha256((cell.cell_type + cell.source).encode()).hexdigest()[:10]
        seen[digest] = seen.get(digest, 0) + 1
        at = number_of(cell.source) if cell.cell_type == "markdown" else ""
        cell.id = f"section-{at.replace('.', '-')}" if at else f"{digest}-{seen[digest]}"
    return notebook


def parts(cell: NotebookNode) -> list[NotebookNode]:
    """The cell, cut in front of its headings, so that a link leads to the heading itself."""
    if cell.cell_type == "code":
        return [cell]
    texts = re.split(r"^(?=##+ )", cell.source, flags=re.MULTILINE)
    return [new_markdown_cell(text.strip()) for text in texts if text.strip()]


def number_of(prose: str) -> str:
    """The number of the section that begins here, e.g. "4.3"; "" if there is none."""
    found = re.match(r"##+ (\d+(?:\.\d+)?) ", prose)
    return found[1] if found else ""


def name_slides(prose: str, name: str, lang: str) -> str:
    """The same with the slides that lead here named below its heading, instead of by hand."""
    line = deck.mention(lang, name, number_of(prose)) if number_of(prose) else ""
    named = f"\n{line}\n" if line else ""
    return re.sub(MENTION, lambda m: m[1] + named, prose + "\n").strip()


def expand(prose: str, lang: str) -> str:
    """The same with tables in place of their names."""
    tables = {"slides": deck.table, "script": deck.script, "notation": notation}
    pattern = r"^\{\{(slides|script|notation)\}\}$"
    return re.sub(pattern, lambda m: tables[m[1]](lang), prose, flags=re.MULTILINE)


#: Code in the tables of symbols -> its words in figures and controls, where they have other keys.
IN_THE_LAB = {
    "x_real": "real",
    "x_fake": "fake",
    "D(x).sigmoid()": "map_verdict",
    "d_fake.sigmoid()": "map_verdict",
    "push_on_G(gan, z)": "grad_norms",
    "SpectralNorm": "spectral_norm",
    "wasserstein_distance(x, y)": "w1",
    "D(x)": "critic",
    "slopes(D, x)": "map_slope",
    "slopes(D, x).max()": "slope",
    "y": "pick_class",
    "L_c": "class_weight",
    "a": "input",
    "b": "answer",
    "gan.G(a)": "G(input)",
    "gan.T(x)": "augment",
    "gan.p": "p",
    "gan.r_t": "ada",
}


def notation(lang: str) -> str:
    """The tables of symbols of all sections in one, with the words of the lab."""
    head = {
        "ja": ("節", "記号", "コード", "用語", "英語", "図と操作の言葉"),
        "en": (
            "section",
            "symbol",
            "in the code",
            "term",
            "textbook's term",
            "in figures, controls",
        ),
    }[lang]
    rows: list[tuple[str, ...]] = []
    for name in sections():
        text = (HERE / "source" / f"{name}.md").read_text(encoding="utf-8")
        tables = re.findall(
            rf"^\| {head[1]} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, flags=re.MULTILINE
        )
        for line in "".join(tables[:1]).splitlines():
            cells = [part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]]
            keys = [IN_THE_LAB.get(code, code) for code in re.findall(r"`([^`]+)`", cells[1])]
            words = dict.fromkeys(WORDS[key][lang == "ja"] for key in keys if key in WORDS)
            rows.append((name.split("_")[0], *cells, deck.join(list(words), lang)))
    return deck.markdown(head, rows)


def read_source(text: str) -> list[NotebookNode]:
    """The cells of a source text: code, and prose whose tags name its languages.

    Raises:
        SourceError: if prose belongs to no language, or lacks its partner in the other one.
    """
    cells = [c for c in jupytext.reads(text, fmt="md").cells if c.source.strip()]
    waiting = None  # Japanese prose whose English partner has to come next
    for cell in cells:
        tags = cell.metadata.setdefault("tags", [])
        start = repr(cell.source[:50])
        if cell.cell_type == "markdown" and not set(tags) & set(LANGUAGES):
            raise SourceError(f"Prose outside of a ja or en region: {start}")
        if waiting is not None and tags != ["en"]:
            raise SourceError(f"No English directly after the Japanese {waiting.source[:50]!r}")
        if waiting is None and tags == ["en"]:
            raise SourceError(f"No Japanese directly before the English {start}")
        if waiting is not None and outline(waiting.source) != outline(cell.source):
            raise SourceError(
                f"Headings, equations, pictures or folds differ between the languages: {start}"
            )
        waiting = cell if tags == ["ja"] else None
    if waiting is not None:
        raise SourceError(f"No English directly after the Japanese {waiting.source[:50]!r}")
    if not cells or not cells[0].source.startswith("# "):
        raise SourceError("A source begins with its title, a heading of level 1 in each language.")
    return cells


def outline(prose: str) -> list[str]:
    """What a translation keeps: levels of headings, displayed equations, pictures, folds."""
    return re.findall(r"^#+ |^\$\$|!\[|</?details>", prose, flags=re.MULTILINE)


def finish(cell: NotebookNode) -> NotebookNode:
    """The cell as it stands in the notebook: helper sources put in, some code folded."""
    if cell.cell_type == "markdown":
        return new_markdown_cell(cell.source)
    tags = list(cell.metadata.tags)
    metadata: dict[str, object] = {"tags": tags} if tags else {}
    if {"solution", "advanced"} & set(tags):
        metadata |= FOLDED
    pattern = r"^\{\{source (\S+)(?: (summary|docstring))?\}\}$"
    source = re.sub(pattern, lambda m: source_of(m[1], m[2]), cell.source, flags=re.MULTILINE)
    if "{{source" in source:
        raise SourceError(f"Write {{{{source NAME}}}} on a line of its own in: {source[:80]!r}")
    return new_code_cell(source, metadata=metadata)


def source_of(name: str, keep: str | None = None) -> str:
    """The source of a function or class; `keep` = "summary" or "docstring" keeps that of it.

    Args:
        name: dotted, e.g. "gan_helpers.training.train_step".
    """
    try:
        text = inspect.getsource(pkgutil.resolve_name(name)).rstrip()
    except (ImportError, AttributeError, TypeError, OSError) as error:
        raise SourceError(f"{{{{source {name}}}}}: no function or class ({error})") from error
    node = ast.parse(text).body[0]
    assert isinstance(node, (ast.FunctionDef, ast.ClassDef))
    docstring = ast.get_docstring(node)
    if docstring is None or keep == "docstring" or len(node.body) == 1:
        return text
    lines, place = text.splitlines(), node.body[0]
    before, after = lines[: place.lineno - 1], lines[place.end_lineno :]
    before = [line for line in before if line != "@suited"]  # cores are not what a cell is about
    if keep == "summary":
        summary = docstring.split("\n\n")[0]
        before += textwrap.indent(f'"""{summary}"""', "    ").splitlines()
    return "\n".join(before + (after if keep else drop_blank(after)))


def drop_blank(lines: list[str]) -> list[str]:
    """Without the blank lines at the start, which set the docstring apart."""
    return drop_blank(lines[1:]) if lines and not lines[0].strip() else lines


def repository() -> str:
    """[project.urls] Repository of pyproject.toml; "" while there is none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository", "").removesuffix("/").removesuffix(".git")


def first_cell(lang: str) -> NotebookNode:
    """The cell that makes a notebook run where it was opened; editions differ in its words only."""
    code = (HERE / "first_cell.py").read_text(encoding="utf-8")
    code = code.split('"""\n\n', 1)[1]  # the docstring is for those who edit the cell
    for other in set(LANGUAGES) - {lang}:
        code = re.sub(f".*  # {other}\n", "", code)
    code = re.sub(f"  # {lang}$", "", code.strip(), flags=re.MULTILINE)
    if url := repository():  # known, so that the field need not say what it is for
        code = re.sub('ADDRESS = "".*', f'ADDRESS = "{url}"  # @param {{"type":"string"}}', code)
    return new_code_cell(code, metadata={"tags": ["long"], **FOLDED})


def links(name: str, lang: str) -> str:
    """To index and other edition; to Colab and Binder, once the repository has an address."""
    other = next(code for code in LANGUAGES if code != lang)
    found = [f"[{LANGUAGES[other]}](../{other}/{name}.ipynb)", *cloud_links(name, lang)]
    if name != INDEX:
        found.insert(0, f"[{TO_INDEX[lang]}]({INDEX}.ipynb)")
    return " · ".join(found)


def page_of(name: str) -> str:
    """The file name of a notebook's page on the web edition; a folder opens with the index."""
    return "index" if name == INDEX else name


def cloud_links(name: str, lang: str) -> list[str]:
    """Links to the notebook on Colab, Binder and the web edition, for a repository on GitHub."""
    if "github.com/" not in (url := repository()):
        return []
    project, path = url.split("github.com/")[-1], f"notebooks/{lang}/{name}.ipynb"
    return [
        f"[Colab](https://colab.research.google.com/github/{project}/blob/main/{path})",
        f"[Binder](https://mybinder.org/v2/gh/{project}/main?urlpath=lab/tree/{path})",
        f"[Web]({web_address(name, lang)})",
    ]


def web_address(name: str, lang: str) -> str:
    """Of the notebook's page on GitHub Pages."""
    owner, _, place = repository().split("github.com/")[-1].partition("/")
    return f"https://{owner}.github.io/{place}/{lang}/{page_of(name)}.html"


def readme(lang: str) -> tuple[Path, str]:
    """The README of a language, and its text with the table of notebooks brought up to date."""
    path = ROOT / ("README.md" if lang == "en" else f"README.{lang}.md")
    rows = []
    for name in sorted(sections(), key=lambda name: name != INDEX):  # it comes first
        title = assemble(name, lang).cells[0].source.splitlines()[0].removeprefix("# ")
        editions = [f"[{LANGUAGES[code]}](notebooks/{code}/{name}.ipynb)" for code in LANGUAGES]
        rows.append(f"| {title} | {' · '.join(editions + cloud_links(name, lang))} |")
    begin, end = "<!-- notebooks: written by notebooks/build.py -->\n", "<!-- /notebooks -->"
    head, rest = path.read_text(encoding="utf-8").split(begin)
    table = "| | |\n|---|---|\n" + "\n".join(rows) + "\n"
    return path, head + begin + "\n" + table + "\n" + end + rest.split(end)[1]
