"""What is asked of conda, of pip and of the reader is the same everywhere."""

import os
import re
import stat
import sys
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}


def bounds(requirements):
    parsed = [Requirement(text) for text in requirements]
    return {CONDA_NAMES.get(r.name, r.name): r.specifier for r in parsed}


def test_conda_asks_for_what_pip_asks_for():
    conda = bounds(line for line in ENVIRONMENT["dependencies"] if isinstance(line, str))
    assert conda.pop("pip") == SpecifierSet()
    assert conda.pop("python") == SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert conda == bounds(PYPROJECT["project"]["dependencies"])


def test_conda_takes_the_package_from_the_clone_and_all_else_from_conda_forge():
    (pip,) = (line["pip"] for line in ENVIRONMENT["dependencies"] if isinstance(line, dict))
    assert pip == ["-e ."]
    assert ENVIRONMENT["channels"] == ["conda-forge"]


def test_the_torch_that_is_there_is_good_enough():
    """Colab's torch must never be replaced: no upper bounds, and lower ones of 2024."""
    wanted = bounds(PYPROJECT["project"]["dependencies"])
    for name, version in (("torch", "2.4.0"), ("torchvision", "0.19.0")):
        assert version in wanted[name]
        assert {clause.operator for clause in wanted[name]} == {">="}


def test_what_is_optional_is_there_for_the_tests():
    wanted = bounds(PYPROJECT["project"]["optional-dependencies"]["cluster"])
    assert wanted.items() <= bounds(PYPROJECT["dependency-groups"]["dev"]).items()


def test_the_readmes_begin_with_the_same_two_commands():
    blocks = []
    for name in ("README.md", "README.ja.md"):
        block = (ROOT / name).read_text(encoding="utf-8").split("```")[1]
        blocks.append([line.split("#")[0].strip() for line in block.splitlines()[1:]])
    start, test = blocks[0]
    assert blocks[0] == blocks[1]
    assert start == "pip install uv && uv run jupyter lab notebooks"
    assert test == "pip install uv && uv run pytest"


def test_ci_ends_with_the_command_of_the_readme():
    script = ROOT / ".ci" / "run"
    commands = script.read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in commands
    assert commands[-1].endswith("uv run pytest")
    if os.name == "posix":
        assert script.stat().st_mode & stat.S_IXUSR


def test_files_and_names_in_the_guides_are_there():
    """`ARCHITECTURE.md` and `CONTRIBUTING.md` name files and what is in them."""
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("gan_helpers", "tests", "notebooks", "benchmarks")
        for pattern in ("*.py", "*.js")
        for path in (ROOT / folder).rglob(pattern)
    )
    for guide in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
        text = (ROOT / guide).read_text(encoding="utf-8")
        for name in re.findall(r"`([\w./]+\.(?:py|js|md))`", text):
            package = ROOT / "gan_helpers"
            places = (ROOT, ROOT / "notebooks", package, package / "lab")
            assert any((place / name).exists() for place in places), f"{guide} names {name}"
        for name in re.findall(r"`([A-Za-z_]\w+)`", text):
            assert name in code, f"{guide} names {name}"
