"""What Colab runs, as far as it goes: its versions of everything but torch, which is the project's.

Python is Colab's 3.13 where uv finds one and has torch for it in its cache: that takes a second,
but 5 GB and 20 s from a quick network. Else, as in CI, whose machine has no 3.13, it is the Python
that runs the tests, and torch comes from the project's own environment.
"""

import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock
from jupyter_browser import unavailable

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = {
    "ipykernel": "6.17.1",
    "ipython": "7.34.0",
    "ipywidgets": "7.7.1",
    "traitlets": "5.7.1",
    "anywidget": "0.9.21",
    "numpy": "2.1.3",
    "matplotlib": "3.10.0",
}
PYTHON = (3, 13)
CLASSIC = "notebook==6.5.*"  # the last with a page of its own that shows widgets 7
TORCH = ("torch", "torchvision")
WITH_TORCH = ("scipy", "safetensors", "tqdm")
UV = shutil.which("uv")


def colab_python(tmp_path_factory):
    """Its interpreter; it is made once for all tests that run side by side."""
    shared = tmp_path_factory.getbasetemp()
    if shared.name.startswith("popen-"):  # of one of xdist's workers
        shared = shared.parent
    venv = shared / "colab"
    python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    with FileLock(shared / "colab.lock"):
        if not (venv / "ready").exists():
            make(venv, python)
            (venv / "ready").touch()
    return python


def make(venv, python):
    if not has_torch_of_its_own(venv, python):
        shutil.rmtree(venv, ignore_errors=True)
        own = [UV, "venv", "-q", "-p", sys.executable] if UV else [sys.executable, "-m", "venv"]
        must(*own, venv)
        # After the environment's own packages, and as plain folders: the project's .pth files, one
        # of which leads to gan_helpers, are not read, so that the first cell has something to do.
        (site,) = venv.glob("[Ll]ib/**/site-packages")
        paths = sorted({sysconfig.get_path(name) for name in ("purelib", "platlib")})
        (site / "project.pth").write_text("\n".join(paths), "utf-8")
    install = [UV, "pip", "install", "-p", python] if UV else [python, "-m", "pip", "install"]
    must(*install, "-q", *(f"{name}=={exact}" for name, exact in VERSIONS.items()), CLASSIC)
    must(python, "-c", "import matplotlib.font_manager")  # lists fonts here, not in a cell's stderr


def has_torch_of_its_own(venv, python):
    """Make it of Colab's Python, if that and torch for it are at hand; whether they were."""
    if not UV or sys.version_info[:2] == PYTHON:
        return False
    find = [UV, "python", "find", "--system", "--no-python-downloads", "{}.{}".format(*PYTHON)]
    found = call(*find)
    wanted = [*(f"{name}=={version(name)}" for name in TORCH), *WITH_TORCH]
    links = ["--offline", "--link-mode", "symlink"]  # nothing is copied
    return (
        found.returncode == 0
        and call(UV, "venv", "-q", "-p", found.stdout.strip(), venv).returncode == 0
        and call(UV, "pip", "install", "-q", *links, "-p", python, *wanted).returncode == 0
    )


def must(*command):
    done = call(*command)
    if done.returncode:
        unavailable(f"Colab's environment cannot be made: {done.stderr}")


def call(*command):
    return subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
