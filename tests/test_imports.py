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
LAYERS = [
    {"adam", "checks", "chance", "embedded", "files", "processes"},
    {"weights"},
    {
        "augment",
        "classifier",
        "distributions",
        "images",
        "models",
        "losses",
        "pairs",
        "regularizers",
    },
    {"image_pairs", "public_data", "training", "translators", "worlds"},
    {"augmented", "graph", "remedies", "critic", "conditional", "translation"},
    {"ensemble", "cyclegan"},
    {"clouds", "tasks"},
    {"metrics", "plots", "transport"},
    {"class_metrics", "few_metrics", "translation_metrics"},
    {"pretrained", "pretrained_translators"},
    {"lab", "exercises", "evidence"},
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


def layer(name):
    """The row of a module; a module that is in none has to be given one in `LAYERS`."""
    (row,) = [i for i, names in enumerate(LAYERS) if name.split(".")[1] in names]
    return row


@pytest.mark.parametrize("name", [name for name in MODULES if name != "gan_helpers"])
def test_imports_go_one_way(name):
    own = name.split(".")[1]
    for other in imported(MODULES[name]) - {"gan_helpers"}:
        inside = other.split(".")[1] == own  # the lab's own files; their order is tested below
        assert inside or layer(other) < layer(name), f"{name} imports {other}"


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
