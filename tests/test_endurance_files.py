"""A few of the interrupts of `endurance_files.py`, which does as many as one likes."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("endurance_files.py")


@pytest.mark.skipif(sys.platform != "linux", reason="needs the list of processes of Linux")
@pytest.mark.parametrize(("kind", "n"), [("evidence", 8), ("download", 12), ("save", 20)])
def test_interrupts_lose_nothing_and_leave_nothing_running(kind, n):
    done = subprocess.run(
        # No test fails for being slow; the whole is done with five seconds.
        [sys.executable, str(SCRIPT), kind, "--n", str(n), "--seed", "1", "--limit", "60"],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{kind}: {n} interrupts") or kind == "save"
    assert "; 0 faults" in done.stdout
