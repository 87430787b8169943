"""Looking at the lab's thread from the outside, and waiting for what it does."""

import threading
import time


def threads():
    return [t for t in threading.enumerate() if t.name == "gan-lab"]


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)
