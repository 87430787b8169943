"""The first cell of a notebook, run where `gan_helpers` is not installed.

A fresh virtual environment stands in for Colab. Its torch and matplotlib are empty packages: what
counts is that they are found, and left alone.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assemble import first_cell

ROOT = Path(__file__).resolve().parent.parent
UV = shutil.which("uv")
pytestmark = pytest.mark.skipif(UV is None, reason="needs uv, which makes the environments")


def call(*command, cwd, **extra_environment):
    names = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT")
    environment = {k: v for k, v in os.environ.items() if k not in names} | extra_environment
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )


def stub(site_packages, name, version="2.4.0"):
    """An installed package with nothing in it."""
    (site_packages / name).mkdir()
    (site_packages / name / "__init__.py").write_text(f"__version__ = {version!r}\n")
    info = site_packages / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "INSTALLER").write_text("elsewhere\n")
    (info / "RECORD").write_text(f"{name}/__init__.py,,\n")


def files_of(site_packages, name):
    found = [path for folder in site_packages.glob(f"{name}*") for path in folder.rglob("*")]
    found = [path for path in found if "__pycache__" not in path.parts]
    return {path: (path.stat().st_mtime_ns, path.is_dir() or path.read_bytes()) for path in found}


@pytest.fixture
def kernel(tmp_path):
    """Makes a Python without gan_helpers, but with the given empty packages: (python, site)."""

    def make(*stubs, pip=False):
        folder = tmp_path / "venv"
        options = ["--seed"] if pip else []
        done = call(UV, "venv", "--python", sys.executable, *options, folder, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        (site,) = folder.rglob("site-packages")
        for name in stubs:
            stub(site, name)
        return scripts / "python", site

    return make


@pytest.fixture
def repository(tmp_path):
    """A git repository that holds this package, and nothing that takes long to copy."""
    folder = tmp_path / "repository"
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "gan_helpers", folder / "gan_helpers", ignore=skip)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    (folder / "data").mkdir()
    (folder / "data" / "stand-in.txt").write_text("data\n")
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "all")):
        done = call("git", *command, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def run_cell(monkeypatch, python, folder, url=""):
    """Run the first cell as its notebook would, in `folder`; what the cell leaves is printed."""
    monkeypatch.setattr("assemble.repository", lambda: url)
    folder.mkdir(parents=True, exist_ok=True)
    after = "\nimport gan_helpers, torch, anywidget; print(gan_helpers.__file__)"
    return call(python, "-c", first_cell("en").source + after, cwd=folder)


@pytest.mark.parametrize("pip", [False, True], ids=["uv", "pip"])
def test_installs_what_is_missing_once(kernel, repository, tmp_path, monkeypatch, pip):
    python, site = kernel("torch", "matplotlib", pip=pip)
    before = files_of(site, "torch")
    assert before
    content = tmp_path / "content"

    done = run_cell(monkeypatch, python, content, repository.as_uri())
    assert done.returncode == 0, done.stderr
    said, where = done.stdout.splitlines()
    assert said == "Added to this kernel: gan_helpers anywidget"
    assert Path(where) == site / "gan_helpers" / "__init__.py"
    assert (site / "gan_helpers" / "_data" / "stand-in.txt").exists()
    assert not list(site.glob("torchvision*")), "an installation with dependencies"
    assert files_of(site, "torch") == before

    done = run_cell(monkeypatch, python, content, repository.as_uri())
    assert done.stdout.splitlines() == [where], "the second run does nothing and says nothing"
    assert files_of(site, "torch") == before


def test_in_a_clone_nothing_is_installed(kernel, repository, monkeypatch):
    python, site = kernel("torch", "matplotlib", "anywidget")
    before = sorted(site.iterdir())
    done = run_cell(monkeypatch, python, repository / "notebooks" / "ja")
    assert done.returncode == 0, done.stderr
    said, where = done.stdout.splitlines()
    assert said == f"Added to this kernel: {repository}"
    assert Path(where) == repository / "gan_helpers" / "__init__.py"
    assert sorted(site.iterdir()) == before


def test_without_a_repository_it_says_what_to_do(kernel, tmp_path, monkeypatch):
    python, site = kernel("torch", "matplotlib")
    before = sorted(site.iterdir())
    done = run_cell(monkeypatch, python, tmp_path / "content")
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].endswith("Open this notebook in a clone of its repository.")
    assert sorted(site.iterdir()) == before, "nothing may be installed before the question is open"


def test_in_the_project_it_does_nothing(monkeypatch):
    done = run_cell(monkeypatch, sys.executable, ROOT / "notebooks" / "en")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(ROOT / "gan_helpers" / "__init__.py")]
