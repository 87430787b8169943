"""Build the notebooks: `uv run python notebooks/build.py [--check|--links|--force] [section …]`.

Every text in `source/` (assemble.py says how one is written) becomes `ja/NAME.ipynb` and
`en/NAME.ipynb`, executed from top to bottom. A notebook is executed again only if its cells, the
package `gan_helpers` or this code changed; `section` is the beginning of a name, e.g. 12.4.1.

    --force   execute all the same
    --check   build nothing; exit with status 1 if the cells of a built notebook are not those of
              its source
    --links   execute nothing; renew the title with its links and the first code cell of each
              notebook, and the tables of the READMEs: after `Repository` in pyproject.toml changed.
              Outputs stay. A notebook whose other cells are not those of its source is left alone,
              and the status is 1

The build fails where a cell raises, warns or prints to stderr, shows a widget without a picture
beside it, or shows what is true on this machine only (a path, the address of an object).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from hashlib import sha256
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from assemble import HERE, LANGUAGES, ROOT, assemble, readme, sections

MAX_BYTES = 2_000_000  # what GitHub still shows at once
WIDGET = "application/vnd.jupyter.widget-view+json"
THIS_MACHINE = [str(ROOT), str(Path.home()), sys.prefix, sys.base_prefix, " at 0x", "/tmp/"]


class BuildError(RuntimeError):
    """A notebook whose outputs should not be published."""


def built_path(name: str, lang: str) -> Path:
    """Where the built notebook lies."""
    return HERE / lang / f"{name}.ipynb"


def stale(name: str, lang: str) -> str:
    """Why the built notebook is not the one that its source asks for; "" if it is."""
    path = built_path(name, lang)
    if not path.exists():
        return "is missing"
    built = nbformat.read(path, as_version=4)
    if any(c.cell_type == "code" and c.execution_count is None for c in built.cells):
        return "has cells that were not executed"
    if essence(built) != essence(assemble(name, lang)):
        return "has other cells than its source"
    return ""


def renew_links(name: str, lang: str) -> str:
    """Renew the title and the first code cell of a built notebook, without executing it.

    Returns:
        why that cannot be done; "" if it was.
    """
    path, new = built_path(name, lang), assemble(name, lang)
    if not path.exists():
        return "is missing: build it"
    built = nbformat.read(path, as_version=4)
    kinds, new_kinds = ([cell.cell_type for cell in n.cells[:2]] for n in (built, new))
    if kinds != new_kinds or essence(built)[2:] != essence(new)[2:]:
        return "has other cells than its source: build it"
    for cell, renewed in zip(built.cells[:2], new.cells[:2], strict=True):
        cell.update(id=renewed.id, source=renewed.source, metadata=renewed.metadata)
    write(built, path)
    return ""


def essence(notebook: NotebookNode) -> list[tuple[str, str, str, str]]:
    """All that the source decides about a notebook."""
    return [
        (c.cell_type, c.id, c.source, json.dumps(c.metadata, sort_keys=True))
        for c in notebook.cells
    ]


def fingerprint() -> str:
    """Of the code that decides what the outputs look like, beside the cells themselves."""
    files = [*sorted((ROOT / "gan_helpers").rglob("*.py")), Path(__file__)]
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def execute(notebook: NotebookNode, folder: Path, label: str) -> None:
    """Run all cells in a fresh kernel, and leave outputs that can be published."""
    import matplotlib.font_manager  # noqa: F401  builds its cache here, not in a cell's stderr

    os.environ["TQDM_DISABLE"] = "1"  # a progress bar is not an output to keep
    n = len(notebook.cells)

    def show(cell: NotebookNode, cell_index: int) -> None:
        if sys.stdout.isatty():
            print(f"\r{label}  cell {cell_index + 1}/{n}", end="", flush=True)

    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_start=show,
        extra_arguments=["--log-level=ERROR"],
    )
    metadata = dict(notebook.metadata)
    client.execute()
    notebook.metadata = nbformat.from_dict(metadata)  # without this machine's Python version
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not is_progress_bar(output)]
        for output in cell.get("outputs", []):
            try:
                tidy(output)
            except BuildError as error:
                where = f"{label}, cell {index + 1}: {cell.source[:60]!r}"
                raise BuildError(f"{where} {error}") from None


def is_progress_bar(output: NotebookNode) -> bool:
    """Whether tqdm drew it; its widget does not heed TQDM_DISABLE."""
    data = output.get("data", {})
    return WIDGET in data and "%|" in data.get("text/plain", "")


def tidy(output: NotebookNode) -> None:
    """Make an output fit to be published.

    Raises:
        BuildError: if it cannot be.
    """
    if output.get("name") == "stderr":
        raise BuildError(f"printed to stderr: {output.text}")
    data = output.get("data", {})
    if WIDGET in data:  # without a kernel behind it, it would show an error instead of the picture
        del data[WIDGET]
        if not {"image/png", "text/html"} & set(data):
            raise BuildError("shows a widget without a picture (image/png) beside it.")
    words = {kind: value for kind, value in output.items() if kind != "data"}
    words |= {kind: value for kind, value in data.items() if not kind.startswith("image/")}
    text = json.dumps(words, ensure_ascii=False)
    for piece in THIS_MACHINE:
        if piece in text:
            raise BuildError(f"shows {piece!r}, which is true on this machine only.")


def build(name: str, lang: str) -> None:
    """Execute one notebook and write it."""
    label, start = f"{name} {lang}", time.perf_counter()
    notebook, path = assemble(name, lang), built_path(name, lang)
    path.parent.mkdir(exist_ok=True)
    execute(notebook, path.parent, label)
    notebook.metadata.gan_helpers = {"fingerprint": fingerprint()}
    size = write(notebook, path)
    seconds = time.perf_counter() - start
    back = "\r" if sys.stdout.isatty() else ""
    print(f"{back}{label}  {len(notebook.cells)} cells, {size / 1000:.0f} kB, {seconds:.0f} s")


def write(notebook: NotebookNode, path: Path) -> int:
    """Write a notebook; its size in bytes.

    Raises:
        BuildError: if it is too large.
    """
    nbformat.validate(notebook)
    text = nbformat.writes(notebook) + "\n"
    size = len(text.encode())
    if size > MAX_BYTES:
        raise BuildError(f"{path.parent.name}/{path.name} has {size:,} bytes, over {MAX_BYTES:,}.")
    path.write_text(text, encoding="utf-8")
    return size


def up_to_date(name: str, lang: str) -> bool:
    """Whether executing the notebook again could not change it."""
    if stale(name, lang):
        return False
    metadata = nbformat.read(built_path(name, lang), as_version=4).metadata
    return metadata.get("gan_helpers", {}).get("fingerprint") == fingerprint()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Build the notebooks from notebooks/source.")
    parser.add_argument("section", nargs="*", help="beginning of a name, e.g. 12.4.1")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--check", action="store_true", help="only say what is stale")
    way.add_argument("--links", action="store_true", help="renew links and first cells only")
    way.add_argument("--force", action="store_true", help="execute what is up to date as well")
    options = parser.parse_args()
    wanted = [n for n in sections() if not options.section or n.startswith(tuple(options.section))]
    if not wanted:
        parser.error(f"no section begins with {options.section}; there are {sections()}")
    problems = 0
    for name in wanted:
        for lang in LANGUAGES:
            if options.check or options.links:
                reason = stale(name, lang) if options.check else renew_links(name, lang)
                print(f"{name} {lang}  {reason or 'up to date'}")
                problems += bool(reason)
            elif options.force or not up_to_date(name, lang):
                build(name, lang)
            else:
                print(f"{name} {lang}  up to date")
    for lang in LANGUAGES:
        path, text = readme(lang)
        if text == path.read_text(encoding="utf-8"):
            continue
        print(f"{path.name}: table of notebooks {'is stale' if options.check else 'written'}")
        problems += options.check
        if not options.check:
            path.write_text(text, encoding="utf-8")
    return int(problems > 0)


if __name__ == "__main__":
    sys.exit(main())
