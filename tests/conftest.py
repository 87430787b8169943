"""What all tests share: figures without a screen, notebooks run as built, a browser."""

import importlib.util
import os
import shutil
import signal
import warnings

import matplotlib
import pytest
import torch
from hypothesis import HealthCheck, settings
from jupyter_browser import CHROMIUM, PATIENCE, chromium, unavailable
from nbval.plugin import IPyNbCell
from shortening import shortened

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it opens its cache without naming an encoding
    import matplotlib.font_manager

# A script that starts the tests in the background makes them, and all that they start, deaf to it.
signal.signal(signal.SIGINT, signal.default_int_handler)
matplotlib.use("agg")
os.environ.pop("MPLBACKEND", None)  # kernels choose their own, which shows figures inline
os.environ["TQDM_DISABLE"] = "1"  # as in notebooks/build.py: no progress bars in stderr
# Here and in kernels: the networks are tiny, and threads of a busy machine wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"

# No test fails for being slow: on a busy machine any example may take long.
settings.register_profile(
    "patient", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

# `-W error::EncodingWarning` with PYTHONWARNDEFAULTENCODING=1 is about our files in this process;
# kernels would print what libraries are warned of.
OF_OTHERS = pytest.mark.filterwarnings(
    "ignore::EncodingWarning:(jupyter|ipykernel|nbclient|nbformat|nbval|matplotlib)"
)
os.environ.setdefault("PYTHONWARNINGS", "ignore::EncodingWarning")

LONGEST = ("test_browser", "notebooks/", "test_evidence")  # else one of them is waited for alone


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: [name not in item.nodeid for name in LONGEST])  # keeps files whole
    for item in items:
        item.add_marker(OF_OTHERS)
        if "gpu" in item.keywords and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="no GPU here"))
        if isinstance(item, IPyNbCell):
            item.cell.source = shortened(item.cell.source, item.path.stem)
            item.output_timeout = PATIENCE  # else 5 seconds


@pytest.fixture(scope="session")
def node():
    """Node.js, which runs the page's code without a page."""
    if not shutil.which("node"):
        unavailable("no Node.js on PATH (node)", promised="REQUIRE_NODE")


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        unavailable("no Chromium on PATH (chromium, chromium-browser or google-chrome)")
    if not importlib.util.find_spec("playwright"):
        unavailable("no playwright: uv sync --group browser")
    with chromium() as browser:
        yield browser
