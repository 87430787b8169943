"""The first cell of a notebook, run where `gan_helpers` is not installed.

A fresh virtual environment stands in for Colab. Its torch and matplotlib are empty packages: what
counts is that they are found, and left alone.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from assemble import LANGUAGES, first_cell

ROOT = Path(__file__).resolve().parent.parent
UV = shutil.which("uv")


def call(*command, cwd, **extra_environment):
    names = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT")
    environment = {k: v for k, v in os.environ.items() if k not in names} | extra_environment
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=900,
    )


def stub(site_packages, name, version="2.4.0"):
    """An installed package with nothing in it."""
    (site_packages / name).mkdir()
    (site_packages / name / "__init__.py").write_text(f"__version__ = {version!r}\n", "utf-8")
    info = site_packages / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8"
    )
    (info / "INSTALLER").write_text("elsewhere\n", "utf-8")
    (info / "RECORD").write_text(f"{name}/__init__.py,,\n", "utf-8")


def files_of(site_packages, name):
    found = [path for folder in site_packages.glob(f"{name}*") for path in folder.rglob("*")]
    found = [path for path in found if "__pycache__" not in path.parts]
    return {path: (path.stat().st_mtime_ns, path.is_dir() or path.read_bytes()) for path in found}


@pytest.fixture
def kernel(tmp_path):
    """Makes a Python without gan_helpers, but with the given empty packages: (python, site)."""

    if UV is None:
        pytest.skip("needs uv, which makes the environments")

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
    (folder / "data" / "stand-in.txt").write_text("data\n", "utf-8")
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "all")):
        done = call("git", *command, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def zipped(repository):
    """The zip of it that GitHub's "Download ZIP" gives: one folder NAME-main on top."""
    top = repository.rename(repository.with_name("GAN-main"))
    return Path(shutil.make_archive(str(top), "zip", top.parent, top.name))


def cell(lang="en", address=""):
    """The code of the first cell, with the address that a reader put in."""
    return first_cell(lang).source.replace('ADDRESS = ""', f"ADDRESS = {str(address)!r}")


def run_cell(python, folder, code):
    """Run the first cell as its notebook would, in `folder`; what the cell leaves is printed."""
    folder.mkdir(parents=True, exist_ok=True)
    after = "\nimport gan_helpers, torch, anywidget; print(gan_helpers.__file__)"
    return call(python, "-c", code + after, cwd=folder, PYTHONIOENCODING="utf-8")


# --- where nothing is known, or the build put the repository's address into the cell


@pytest.mark.parametrize("pip", [False, True], ids=["uv", "pip"])
def test_installs_what_is_missing_once(kernel, repository, tmp_path, monkeypatch, pip):
    python, site = kernel("torch", "matplotlib", pip=pip)
    before = files_of(site, "torch")
    assert before
    content = tmp_path / "content"
    monkeypatch.setattr("assemble.repository", repository.as_uri)

    done = run_cell(python, content, cell())
    assert done.returncode == 0, done.stderr
    said, where = done.stdout.splitlines()
    assert said == "Ready. Added to this kernel: gan_helpers, anywidget"
    assert Path(where) == site / "gan_helpers" / "__init__.py"
    assert (site / "gan_helpers" / "_data" / "stand-in.txt").exists()
    assert not list(site.glob("torchvision*")), "an installation with dependencies"
    assert files_of(site, "torch") == before

    done = run_cell(python, content, cell())
    assert done.stdout.splitlines() == [where], "the second run does nothing and says nothing"
    assert files_of(site, "torch") == before


def test_in_a_clone_nothing_is_installed(kernel, repository, monkeypatch):
    python, site = kernel("torch", "matplotlib", "anywidget")
    before = sorted(site.iterdir())
    monkeypatch.setattr("assemble.repository", lambda: "https://github.com/OWNER/NAME")
    done = run_cell(python, repository / "notebooks" / "ja", cell("ja"))
    assert done.returncode == 0, done.stderr
    said, where = done.stdout.splitlines()
    assert said == f"準備ができました。このカーネルに加えたもの：{repository}"
    assert Path(where) == repository / "gan_helpers" / "__init__.py"
    assert sorted(site.iterdir()) == before


def test_in_the_project_it_does_nothing():
    done = run_cell(
        sys.executable, ROOT / "notebooks" / "en", cell(address="https://wrong.example")
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(ROOT / "gan_helpers" / "__init__.py")]


# --- what a reader may put in as ADDRESS


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """The command that an address becomes, where gan_helpers only is missing."""

    def ask(address):
        commands = []
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr("importlib.util.find_spec", lambda m: m != "gan_helpers" or commands)
            patch.setattr("subprocess.run", lambda command: commands.append(command) or True)
            exec(cell(address=address), {})
        (command,) = commands
        assert command[:-1] == [sys.executable, "-m", "pip", "install", "-q", "--no-deps"]
        return command[-1]

    return ask


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("https://github.com/OWNER/NAME", "git+https://github.com/OWNER/NAME"),
        (" https://github.com/OWNER/NAME.git\n", "git+https://github.com/OWNER/NAME"),
        ("https://www.github.com/OWNER/NAME/", "git+https://github.com/OWNER/NAME"),
        ("https://github.com/OWNER/NAME?tab=readme-ov-file", "git+https://github.com/OWNER/NAME"),
        ("https://github.com/OWNER/NAME#the-lab", "git+https://github.com/OWNER/NAME"),
        ("https://github.com/OWNER/NAME/issues/1", "git+https://github.com/OWNER/NAME"),
        ("https://github.com/OWNER/my.name-1", "git+https://github.com/OWNER/my.name-1"),
        ("https://github.com/OWNER/github/tree/dev", "git+https://github.com/OWNER/github@dev"),
        ("https://github.com/OWNER/NAME/tree/dev", "git+https://github.com/OWNER/NAME@dev"),
        ("https://github.com/OWNER/NAME/tree/dev/data?x", "git+https://github.com/OWNER/NAME@dev"),
        (
            "https://github.com/OWNER/NAME/blob/main/notebooks/ja/12.4.1_basic_gan.ipynb",
            "git+https://github.com/OWNER/NAME@main",
        ),
        (
            "https://colab.research.google.com/github/OWNER/NAME/blob/main/a.ipynb#scrollTo=x",
            "git+https://github.com/OWNER/NAME@main",
        ),
        ("github.com/OWNER/NAME", "git+https://github.com/OWNER/NAME"),
        ("OWNER/NAME", "git+https://github.com/OWNER/NAME"),
        ("git@github.com:OWNER/NAME.git", "git+https://github.com/OWNER/NAME"),
        ("git+https://github.com/OWNER/NAME@v1", "git+https://github.com/OWNER/NAME@v1"),
        ("https://gitlab.com/OWNER/NAME.git", "git+https://gitlab.com/OWNER/NAME.git"),
        ("ssh://git@host.example/NAME", "git+ssh://git@host.example/NAME"),
        ("NAME-main.zip", "NAME-main.zip"),
        ("https://host.example/NAME.zip?dl=1", "https://host.example/NAME.zip?dl=1"),
        (
            "https://github.com/OWNER/NAME/archive/refs/heads/main.zip",
            "https://github.com/OWNER/NAME/archive/refs/heads/main.zip",
        ),
    ],
)
def test_what_an_address_becomes(asked, address, source):
    assert asked(address) == source


@pytest.mark.parametrize("inside", ["", "notebooks/en/12.4.1_basic_gan.ipynb"])
def test_a_folder_is_used_as_it_is(kernel, repository, tmp_path, inside):
    python, site = kernel("torch", "matplotlib", "anywidget")
    before = sorted(site.iterdir())
    done = run_cell(python, tmp_path / "content", cell(address=repository / inside))
    assert done.returncode == 0, done.stderr
    said, where = done.stdout.splitlines()
    assert said == f"Ready. Added to this kernel: {repository}"
    assert Path(where) == repository / "gan_helpers" / "__init__.py"
    assert sorted(site.iterdir()) == before


@pytest.mark.parametrize("pip", [False, True], ids=["uv", "pip"])
def test_a_zip_is_installed(kernel, zipped, tmp_path, pip):
    python, site = kernel("torch", "matplotlib", "anywidget", pip=pip)
    code = cell("ja", address=zipped)
    done = run_cell(python, tmp_path / "content", code)
    assert done.returncode == 0, done.stderr
    said, where = done.stdout.splitlines()
    assert said == "準備ができました。このカーネルに加えたもの：gan_helpers"
    assert Path(where) == site / "gan_helpers" / "__init__.py"
    assert (site / "gan_helpers" / "_data" / "stand-in.txt").exists()
    done = run_cell(python, tmp_path / "content", code)
    assert done.stdout.splitlines() == [where]


def test_on_colab_the_drive_is_mounted_where_it_is_needed(kernel, repository, tmp_path):
    python, _ = kernel("torch", "matplotlib", "anywidget")
    drive = tmp_path / "content" / "drive"
    colab = f"""
        import shutil, sys, types

        def mount(point):
            print("mounted", point)
            shutil.copytree({str(repository)!r}, point + "/MyDrive/GAN")

        colab = sys.modules["google.colab"] = types.ModuleType("google.colab")
        colab.drive = types.SimpleNamespace(mount=mount)
    """
    code = dedent(colab) + cell(address="/content/drive/MyDrive/GAN")
    code = code.replace("/content/drive", str(drive))
    done = run_cell(python, tmp_path / "content", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"mounted {drive}",
        f"Ready. Added to this kernel: {drive}/MyDrive/GAN",
        f"{drive}/MyDrive/GAN/gan_helpers/__init__.py",
    ]
    done = run_cell(python, tmp_path / "content", code)
    assert done.returncode == 0 and "mounted" not in done.stdout, done.stderr


# --- what is missing or wrong is said in one sentence, and nothing is installed

MISSING = {
    "ja": "gan_helpers が見つかりません（このセルの ADDRESS：{}）。ADDRESS に教材のGitHub",
    "en": "gan_helpers was not found (ADDRESS in this cell: {}). Set ADDRESS to the GitHub ",
}


@pytest.mark.parametrize(("lang", "empty"), [("ja", "空欄"), ("en", "empty")])
def test_without_an_address_it_says_what_to_do(kernel, tmp_path, lang, empty):
    python, site = kernel("torch", "matplotlib")
    before = sorted(site.iterdir())
    done = run_cell(python, tmp_path / "content", cell(lang))
    assert done.returncode != 0
    assert MISSING[lang].format(empty) in done.stderr.splitlines()[-1]
    assert "pip" not in done.stderr, "nothing to ask pip for"
    assert sorted(site.iterdir()) == before, "nothing may be installed before the question is open"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("address", ["file:///no/repository", "/content/drive/MyDrive/NAME", "."])
def test_a_wrong_address_is_named(kernel, tmp_path, lang, address):
    python, site = kernel("torch", "matplotlib")
    before = sorted(site.iterdir())
    done = run_cell(python, tmp_path / "content", cell(lang, address))
    assert done.returncode != 0
    assert MISSING[lang].format(address) in done.stderr.splitlines()[-1]
    assert sorted(site.iterdir()) == before


def test_another_project_is_a_wrong_address(kernel, tmp_path):
    python, _ = kernel("torch", "matplotlib", pip=True)
    (tmp_path / "other" / "other").mkdir(parents=True)
    (tmp_path / "other" / "other" / "__init__.py").write_text("", "utf-8")
    (tmp_path / "other" / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "other"\nversion = "1"\n',
        "utf-8",
    )
    address = shutil.make_archive(str(tmp_path / "other"), "zip", tmp_path, "other")
    done = run_cell(python, tmp_path / "content", cell(address=address))
    assert MISSING["en"].format(address) in done.stderr.splitlines()[-1]


def test_what_else_cannot_be_installed_is_named(monkeypatch):
    commands = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name != "anywidget")
    monkeypatch.setattr("subprocess.run", lambda command: commands.append(command) or True)
    with pytest.raises(Exception, match="anywidget was not found"):
        exec(cell(), {})
    assert commands == [[sys.executable, "-m", "pip", "install", "-q", "anywidget"]]


@pytest.mark.parametrize(("lang", "empty"), [("ja", "空欄"), ("en", "empty")])
def test_ipython_shows_the_sentence_in_place_of_a_traceback(tmp_path, lang, empty):
    hide = "import importlib.util as u\nu.find_spec = lambda name: name != 'gan_helpers'\n"
    (tmp_path / "cell.py").write_text(hide + cell(lang), encoding="utf-8")
    run = 'print(get_ipython().run_cell(open("cell.py", encoding="utf-8").read()).success)'
    done = call(
        *(sys.executable, "-m", "IPython", "--no-banner", "-c", run),
        cwd=tmp_path,
        IPYTHONDIR=str(tmp_path),
        PYTHONIOENCODING="utf-8",
    )
    said, success = (done.stdout + done.stderr).strip().splitlines()
    assert said.startswith(MISSING[lang].format(empty))
    assert success == "False", 'what stops "Run all"'
