"""Tasks for the tests of a cluster; without torch, so that a process has them soon."""

import os
import time
from pathlib import Path


def nap(task):
    """Say in a folder who has begun; then what the name of the task says."""
    folder, name = task
    before = list(Path(folder).glob(f"{name} *"))
    Path(folder, f"{name} {os.getpid()} {os.getppid()}").touch()
    if name == "bad":
        raise ValueError("it is bad")
    if name.startswith("long") or (name == "again" and not before):
        time.sleep(600)
    return name.upper()
