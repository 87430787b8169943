"""Looking at the lab's thread from the outside, and waiting for what it does."""

import threading
import time

from jupyter_browser import PATIENCE


def threads():
    return [t for t in threading.enumerate() if t.name == "gan-lab"]


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)
