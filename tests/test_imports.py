"""Imports go one way: a module knows only those in the rows above its own."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from assemble import read_source

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gan_helpers"
#: The floors; on each, modules and packages whose files may know each other.
LAYERS = [
    {"adam", "checks", "chance", "files", "processes", "threads", "datasets.files"},
    {"cluster", "weights"},
    {"losses", "models", "regularizers", "augmentation.transforms"},
    {"datasets", "experiment"},
    {"classifier", "training", "translation.networks"},
    {"cuda_graph", "remedies", "critic", "conditional.training", "augmentation.training"},
    {"ensemble", "translation.training"},
    {"translation.pix2pix", "translation.cyclegan"},
    {"translation.clouds", "translation.tasks"},
    {"metrics", "plots", "transport"},
    {"conditional.judge", "augmentation.judge", "translation.judge"},
    {"conditional.pretrained", "augmentation.pretrained", "translation.pretrained"},
    {"saved"},
    {"lab.engine"},
    {"evidence", "exercises"},
    {"lab"},
]
FILES = sorted(PACKAGE.rglob("*.py"))


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imported(path):
    """The modules of gan_helpers that a file imports, at the top or inside of a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import hides where a name is from"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else node.module)
    return {name for name in found if name.split(".")[0] == "gan_helpers"}


def place(name):
    """(floor, what stands there) of a module; one that has no place has to be given one."""
    words = name.split(".")[1:]
    for k in (2, 1):  # a part of a package may stand lower than its rest
        part = ".".join(words[:k])
        for floor, parts in enumerate(LAYERS):
            if part in parts:
                return floor, part
    raise AssertionError(f"{name} is on no floor of LAYERS")


#: Packages themselves: a docstring each.
PACKAGES = ("augmentation", "conditional", "datasets", "translation")


@pytest.mark.parametrize("name", sorted({*MODULES} - {"gan_helpers"}))
def test_imports_go_one_way(name):
    if name.removeprefix("gan_helpers.") in PACKAGES:
        assert imported(MODULES[name]) == set()
        return
    floor, part = place(name)
    for other in imported(MODULES[name]) - {"gan_helpers"}:
        below, neighbour = place(other)
        inside = neighbour == part  # their order is tested below
        assert inside or below < floor, f"{name} imports {other}"


def test_no_circles():
    graph = {name: imported(path) - {name} for name, path in MODULES.items()}
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


def test_the_package_itself_imports_nothing():
    assert imported(PACKAGE / "__init__.py") == set()
    code = "import sys, gan_helpers; print('torch' in sys.modules)"
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "False\n"


def test_no_import_star():
    texts = {path.name: path.read_text(encoding="utf-8") for path in FILES}
    for folder in ("tests", "notebooks", "benchmarks"):
        texts |= {p.name: p.read_text(encoding="utf-8") for p in (ROOT / folder).glob("*.py")}
    for path in (ROOT / "notebooks" / "source").glob("*.md"):
        cells = read_source(path.read_text(encoding="utf-8"))
        texts |= {f"{path.name} {i}": c.source for i, c in enumerate(cells)}
    star = re.compile(r"^\s*from .* import \*", re.MULTILINE)
    assert not [name for name, text in texts.items() if star.search(text)]


def test_no_file_is_long():
    """Of one task each: what grows beyond this has two."""
    texts = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.css")]
    excepted = {"scenes.py", "public.py"}  # paintings, and what guards downloads
    lengths = {p.name: p.read_text(encoding="utf-8").count("\n") for p in texts}
    assert {name: n for name, n in lengths.items() if n > 450 and name not in excepted} == {}
