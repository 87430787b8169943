"""The built notebooks are what their sources say, in both languages, and fit to be published.

That they run, and print what they printed when built, is tested by nbval: pytest collects the
Japanese edition itself (see `testpaths` and `addopts` in pyproject.toml), with less training (see
`shortening`). The English one is the same code, with the same outputs; it was executed when it was
built.
"""

import ast
import builtins
import inspect
import json
import pkgutil
import re
import shutil
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from shortening import SHORTER, shortened

from assemble import (
    FOLDED,
    HERE as NOTEBOOKS,
    INDEX,
    LANGUAGES,
    SourceError,
    assemble,
    finish,
    name_slides,
    number_of,
    parts,
    read_source,
    readme,
    sections,
    source_of,
)
from build import MAX_BYTES, WIDGET, BuildError, built_path, execute, main, stale, tidy

EDITIONS = [(name, lang) for name in sections() for lang in LANGUAGES]
each_edition = pytest.mark.parametrize(("name", "lang"), EDITIONS)


def built(name, lang):
    return nbformat.read(built_path(name, lang), as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# --- the built notebooks


@each_edition
def test_built_from_its_source(name, lang):
    reason = stale(name, lang)
    assert not reason, f"{name} {lang} {reason}: run `uv run python notebooks/build.py`"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_readme_lists_all_notebooks(lang):
    path, text = readme(lang)
    assert text == path.read_text(encoding="utf-8"), "run `uv run python notebooks/build.py`"


@pytest.mark.parametrize("name", sections())
def test_what_is_cut_short_is_there_and_nothing_else_changes(name):
    cells = [cell.source for cell in code_cells(built(name, "ja"))]
    for long, short in SHORTER[name.split("_")[0]].items():
        assert sum(source.count(long) for source in cells) == 1, long
        assert short not in "\n".join(cells)
    for source in cells:
        changed = shortened(source, name)
        ast.parse(changed)
        assert changed.count("\n") == source.count("\n")


def test_no_notebook_without_a_source():
    found = {(path.stem, path.parent.name) for path in NOTEBOOKS.glob("??/*.ipynb")}
    assert found == set(EDITIONS)


@pytest.mark.parametrize("name", sections())
def test_editions_differ_in_the_words_of_the_first_cell(name):
    ours, theirs = (code_cells(built(name, lang)) for lang in LANGUAGES)
    assert [cell.source for cell in ours[1:]] == [cell.source for cell in theirs[1:]]
    lines = zip(*(c.source.splitlines() for c in (ours[0], theirs[0])), strict=True)
    lang, *words = [pair for pair in lines if pair[0] != pair[1] and "@title" not in pair[0]]
    assert lang == ('LANG = "ja"  # @param ["ja", "en"]', 'LANG = "en"  # @param ["ja", "en"]')
    assert len(words) <= 4
    for ja, en in words:
        assert without_words(ja) == without_words(en)
        assert re.search("[ぁ-ん]", ja) and en.isascii(), "words of another language"


def without_words(line):
    """A line of code without what stands between quotation marks, but for names in braces."""
    strings = re.findall('"[^"]*"', line)
    return re.sub('"[^"]*"', '""', line), [re.findall(r"\{(\w+)", text) for text in strings]


@pytest.mark.parametrize("name", sections())
def test_labs_and_solutions_need_only_the_first_two_cells(name):
    """So that a reader can jump to any of them; a name that is missing would be an error."""
    first, imports, *rest = code_cells(assemble(name, "en"))
    known = {*bound(first.source), *bound(imports.source), *dir(builtins), "display"}
    for cell in rest:
        tree = ast.parse(cell.source)
        calls = {node.func.id for node in ast.walk(tree) if is_call(node)}
        is_lab = calls & {"Lab", "DrawLab"}
        if is_lab or "solution" in cell.metadata.get("tags", []):
            used = {n.id for n in ast.walk(tree) if is_name(n, ast.Load)}
            assert used - bound(cell.source) <= known, cell.source


def is_call(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def is_name(node, context):
    return isinstance(node, ast.Name) and isinstance(node.ctx, context)


def bound(source):
    """The names that code gives a meaning."""
    tree = ast.parse(source)
    imported = (ast.Import, ast.ImportFrom)
    names = {n.id for n in ast.walk(tree) if is_name(n, ast.Store)}
    names |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    names |= {n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    aliases = [alias for n in ast.walk(tree) if isinstance(n, imported) for alias in n.names]
    return names | {(alias.asname or alias.name).split(".")[0] for alias in aliases}


@each_edition
def test_the_first_cell_is_folded_under_a_title(name, lang):
    cell = code_cells(built(name, lang))[0]
    assert cell.metadata.items() >= FOLDED.items()
    assert cell.source.startswith({"ja": "# @title 準備", "en": "# @title Setup"}[lang])
    assert not cell.outputs


@pytest.mark.parametrize("name", sections())
def test_editions_print_the_same(name):
    """But for words in the reader's language, and what may differ from run to run."""
    compared = 0
    for ours, theirs in zip(*(code_cells(built(name, lang)) for lang in LANGUAGES), strict=True):
        assert bool(ours.outputs) == bool(theirs.outputs), ours.source
        if "LANG" in ours.source or "nbval-ignore-output" in ours.metadata.get("tags", []):
            continue
        first, second = ([words_of(o) for o in cell.outputs] for cell in (ours, theirs))
        assert first == second, ours.source
        compared += bool(first)
    assert compared > (3 if name == INDEX else 5)


def words_of(output):
    """All of an output but its pictures."""
    data = {k: v for k, v in output.get("data", {}).items() if not k.startswith("image/")}
    return output.get("text"), data


@each_edition
def test_cells_are_short(name, lang):
    for cell in code_cells(built(name, lang)):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        limit = 25 if "long" in cell.metadata.get("tags", []) else 15
        assert len(lines) <= limit, f"{len(lines)} lines:\n{cell.source}"


@each_edition
def test_fit_to_be_published(name, lang):
    path = built_path(name, lang)
    assert path.stat().st_size <= MAX_BYTES
    notebook = built(name, lang)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    home = re.compile(r"/(home|Users|root|tmp|work)/|\b[A-Z]:\\\\|site-packages| at 0x[0-9a-f]{6}")
    for cell in code_cells(notebook):
        assert "execution" not in cell.metadata, "time stamps change with every build"
        for output in cell.outputs:
            assert output.get("name") != "stderr"
            assert WIDGET not in output.get("data", {})
            text = json.dumps(words_of(output), ensure_ascii=False)
            assert not home.search(text), f"what is true on one machine only: {home.search(text)}"


@each_edition
def test_outputs_are_compared_unless_they_may_differ(name, lang):
    """A cell whose output is not compared says so for one reason: numbers, words or timings."""
    for cell in code_cells(built(name, lang)):
        if "nbval-ignore-output" not in cell.metadata.get("tags", []):
            continue
        compared = [o for o in cell.outputs if o.get("name") == "stdout" or "text/plain" in o.data]
        assert compared, f"nothing to ignore, pictures are not compared anyway:\n{cell.source}"


# --- how a source becomes a notebook

TITLE = """\
<!-- #region tags=["ja"] -->
# 題
<!-- #endregion -->

<!-- #region tags=["en"] -->
# Title
<!-- #endregion -->

"""
JA = '<!-- #region tags=["ja"] -->\n{}\n<!-- #endregion -->\n\n'
EN = '<!-- #region tags=["en"] -->\n{}\n<!-- #endregion -->\n\n'


def test_a_source_is_read_as_it_is_documented():
    both = JA.replace('"ja"', '"ja", "en"').format("$$ x $$")
    fence = '```python tags=["solution"]\nx = 1\n```\n'
    cells = read_source(TITLE + both + fence)
    assert [c.cell_type for c in cells] == ["markdown"] * 3 + ["code"]
    solution = finish(cells[-1])
    assert solution.source == "x = 1"
    assert solution.metadata["jupyter"]["source_hidden"] is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TITLE + JA.format("文"), "No English directly after"),
        (TITLE + EN.format("words"), "No Japanese directly before"),
        (TITLE + JA.format("文") + "```python\nx = 1\n```\n", "No English directly after"),
        (TITLE + JA.format("文") + JA.format("文"), "No English directly after"),
        (TITLE + "words\n", "outside of a ja or en region"),
        (TITLE + JA.format("## 文") + EN.format("# words"), "differ between the languages"),
        (TITLE + JA.format("文\n\n$$ x $$") + EN.format("words"), "differ between the languages"),
        (JA.format("文") + EN.format("words"), "begins with its title"),
        ("", "begins with its title"),
    ],
)
def test_a_source_lacking_a_language_is_refused(text, message):
    with pytest.raises(SourceError, match=message):
        read_source(text)


def test_a_heading_begins_a_cell_that_can_be_linked_to():
    cell = new_markdown_cell("before\n\n## 2 Title\n\nwords\n\n### 2.1 $D$\n\n### no number")
    texts = [part.source for part in parts(cell)]
    assert texts == ["before", "## 2 Title\n\nwords", "### 2.1 $D$", "### no number"]
    assert [number_of(text) for text in texts] == ["", "2", "2.1", ""]
    for name in sections():
        ids = [[c.id for c in assemble(name, lang).cells if c.id.startswith("section-")]
               for lang in LANGUAGES]  # fmt: skip
        assert ids[0] == ids[1] and len(set(ids[0])) == len(ids[0]) > 4


def test_slides_are_named_below_a_heading_in_place_of_those_named_by_hand():
    line = "*Slide 6: Mode collapse*"
    for by_hand in ("", "\n*Slide: モード崩壊 (mode collapse)*\n"):
        prose = f"## 3 Mode collapse\n{by_hand}\nwords"
        assert name_slides(prose, "12.4.2_difficulties", "en") == (
            f"## 3 Mode collapse\n\n{line}\n\nwords"
        )
    assert name_slides("## 6 Exercises\n\nwords", "12.4.2_difficulties", "en").count("*") == 0


@pytest.mark.parametrize("module", ["gan_helpers.losses", "gan_helpers.training"])
def test_the_source_shown_is_the_code_that_runs(module):
    functions = inspect.getmembers(
        pkgutil.resolve_name(module),
        lambda x: inspect.isfunction(x) and x.__module__ == module,
    )
    assert functions
    for name, function in functions:
        whole = ast.parse(inspect.getsource(function)).body[0]
        summary = ast.get_docstring(whole).split("\n\n")[0]
        assert source_of(f"{module}.{name}", "docstring") == inspect.getsource(function).rstrip()
        kept = ast.parse(source_of(f"{module}.{name}", "summary")).body[0]
        assert ast.get_docstring(kept) == summary
        assert list(map(ast.dump, kept.body[1:])) == list(map(ast.dump, whole.body[1:]))
        bare = ast.parse(source_of(f"{module}.{name}")).body[0]
        assert list(map(ast.dump, bare.body)) == list(map(ast.dump, whole.body[1:]))


def test_sources_are_put_into_cells():
    line = "{{source gan_helpers.training.train_step}}"
    cell = new_code_cell(f"x = 1\n\n\n{line}\n", metadata={"tags": []})
    assert finish(cell).source == f"x = 1\n\n\n{source_of('gan_helpers.training.train_step')}\n"
    for wrong in (f"x = 1  # {line}", "{{source gan_helpers.training.no_such_step}}"):
        with pytest.raises(SourceError, match="source"):
            finish(new_code_cell(wrong, metadata={"tags": []}))


def test_links_follow_the_repository(monkeypatch):
    name = sections()[0]
    monkeypatch.setattr("assemble.repository", lambda: "")
    assert "[Colab](" not in assemble(name, "en").cells[0].source
    monkeypatch.setattr("assemble.repository", lambda: "https://github.com/a/b")
    title, first, *_ = assemble(name, "en").cells
    assert f"/github/a/b/blob/main/notebooks/en/{name}.ipynb" in title.source
    assert f"/gh/a/b/main?urlpath=lab/tree/notebooks/en/{name}.ipynb" in title.source
    assert 'ADDRESS = "https://github.com/a/b"  # @param {"type":"string"}\n' in first.source
    assert f"/gh/a/b/main?urlpath=lab/tree/notebooks/ja/{name}.ipynb" in readme("ja")[1]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of one section's notebooks and of the READMEs, for a repository with an address."""
    name = sections()[0]
    for lang in LANGUAGES:
        (tmp_path / "notebooks" / lang).mkdir(parents=True)
        shutil.copy(built_path(name, lang), tmp_path / "notebooks" / lang)
    for readme_file in NOTEBOOKS.parent.glob("README*.md"):
        shutil.copy(readme_file, tmp_path)
    address = '[project.urls]\nRepository = "https://github.com/a/b.git"\n'
    (tmp_path / "pyproject.toml").write_text("[project]\n" + address, "utf-8")
    monkeypatch.setattr("assemble.ROOT", tmp_path)
    monkeypatch.setattr("build.HERE", tmp_path / "notebooks")
    monkeypatch.setattr("build.execute", lambda *_: pytest.fail("a kernel"))
    monkeypatch.setattr(sys, "argv", ["build.py", "--links", name])
    return tmp_path


def test_links_are_renewed_without_executing(project):
    name = sections()[0]
    before = {lang: built(name, lang) for lang in LANGUAGES}
    assert main() == 0
    for lang in LANGUAGES:
        path = project / "notebooks" / lang / f"{name}.ipynb"
        text = path.read_text(encoding="utf-8")
        old, new = before[lang], nbformat.reads(text, as_version=4)
        assert f"colab.research.google.com/github/a/b/blob/main/notebooks/{lang}" in text
        assert f"https://a.github.io/b/{lang}/" in text
        assert 'ADDRESS = "https://github.com/a/b"' in new.cells[1].source
        assert new.cells[2:] == old.cells[2:]
        assert new.metadata == old.metadata, "the fingerprint of the code that it was executed by"
        for kept in ("outputs", "execution_count"):
            assert new.cells[1][kept] == old.cells[1][kept]
        assert not stale(name, lang)
        assert f"/github/a/b/blob/main/notebooks/{lang}/{name}.ipynb" in readme(lang)[0].read_text(
            encoding="utf-8"
        )
        assert main() == 0
        assert path.read_text(encoding="utf-8") == text


def test_links_of_a_notebook_that_needs_building_are_left_alone(project, capsys):
    name = sections()[0]
    path = project / "notebooks" / "en" / f"{name}.ipynb"
    notebook = built(name, "en")
    notebook.cells[5].source += " "
    nbformat.write(notebook, path)
    before = path.read_bytes()
    (project / "notebooks" / "ja" / path.name).unlink()
    assert main() == 1
    ja, en = capsys.readouterr().out.splitlines()[:2]
    assert ja == f"{name} ja  is missing: build it"
    assert en == f"{name} en  has other cells than its source: build it"
    assert path.read_bytes() == before


# --- what the build lets through


def display(**data):
    return new_output("display_data", data={k.replace("__", "/"): v for k, v in data.items()})


def test_a_widget_leaves_its_picture():
    output = display(image__png="", text__plain="Lab")
    output.data[WIDGET] = {"model_id": "1"}
    tidy(output)
    assert set(output.data) == {"image/png", "text/plain"}


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (new_output("stream", name="stderr", text="UserWarning: …"), "stderr: UserWarning"),
        (new_output("display_data", data={WIDGET: {}, "text/plain": "Button()"}), "picture"),
        (display(text__plain="<object at 0x7f0000000000>"), "this machine"),
        (display(text__html=f"<b>{NOTEBOOKS.parent}</b>"), "this machine"),
    ],
)
def test_the_build_refuses(output, message):
    with pytest.raises(BuildError, match=message):
        tidy(output)


def test_executing_twice_gives_the_same_notebook(tmp_path):
    def notebook():
        plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
        bar = "from tqdm import tqdm\nfor i in tqdm(range(2)):\n    print(i)"
        cells = [new_code_cell(plot, id="a"), new_code_cell(bar, id="b")]
        result = new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
        execute(result, tmp_path, "test")
        return result

    once = notebook()
    assert once == notebook()
    assert "image/png" in once.cells[0].outputs[0].data
    assert once.cells[1].outputs == [new_output("stream", name="stdout", text="0\n1\n")]


def test_a_warning_fails_the_build(tmp_path):
    cell = new_code_cell("import warnings\nwarnings.warn('careful')")
    with pytest.raises(BuildError, match="careful"):
        execute(new_notebook(cells=[cell]), tmp_path, "test")
