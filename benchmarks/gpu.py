"""Everything that a GPU is for, tried on one: `uv run python benchmarks/gpu.py [--out TABLE.md]`.

At most eight minutes, without a network, and nothing is left behind but the table, which is made
for the README:

tests      those that need a GPU
labs       the engine of every kind of lab: it trains there, and what it shows is finite
ensemble   64 GANs in lock-step, in one CUDA graph, against a plain loop over 64 GANs
steps      each kind of step against the step as others write it; pix2pix as in its paper

Without a GPU the same is run through on the CPU, in small; the table says so.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.cases import CASES, ON_A_GPU
from benchmarks.run import machine, race, ratio, rows_of, stepper
from gan_helpers.datasets.points import ring
from gan_helpers.experiment import Experiment
from gan_helpers.lab import Lab
from gan_helpers.training import GAN, train_step

ROOT = Path(__file__).resolve().parent.parent
MINUTES = 8.0
K, AIM = 64, 50.0  # GANs in one graph, and how many times faster they have to be
#: A lab of each kind: its data and settings.
LABS: dict[str, dict[str, Any]] = {
    "line": {"data": "two_gaussians"},
    "plane": {"data": "ring"},
    "critic": {"data": "ring", "loss": "wasserstein"},
    "side by side": {"data": "ring", "compare": "loss"},
    "pictures": {"data": "digits"},
    "classes": {"data": "digits", "condition": "acgan"},
    "few pictures": {"data": "digits_100", "augment": "both"},
    "pix2pix": {"data": "shoes"},
    "CycleGAN": {"data": "animals"},
}
Rows = list[list[str]]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Try a GPU, and print a table.")
    parser.add_argument("--out", type=Path, help="a file for the table; it is printed anyway")
    options = parser.parse_args(arguments)
    os.environ["TQDM_DISABLE"] = "1"  # no progress bars
    device, end = "cuda" if torch.cuda.is_available() else "cpu", time.monotonic() + 60 * MINUTES
    rows: Rows = []
    for name, part in PARTS.items():
        if time.monotonic() > end:
            rows.append([name, "left out", f"after {MINUTES:g} minutes"])
            continue
        try:
            rows += part(device)
        except Exception as error:  # one that fails must not hide what the others find
            rows.append([name, "FAILED", f"{type(error).__name__}: {error}".partition("\n")[0]])
        print(f"{name}: done", flush=True)
    text = "\n".join(lines(device, rows))
    print(f"\n{text}")
    if options.out is not None:
        options.out.write_text(f"{text}\n", encoding="utf-8")
    if any(row[1] == "FAILED" for row in rows):
        sys.exit(1)


def lines(device: str, rows: Rows) -> list[str]:
    """The table in Markdown, with the machine above it."""
    where = torch.cuda.get_device_name() if device == "cuda" else "no GPU: the CPU, in small"
    head = [f"{where}; {machine()}", "", "| what | result | |", "|---|---|---|"]
    return head + [f"| {' | '.join(row)} |" for row in rows]


def tests(device: str) -> Rows:
    """The tests marked for a GPU, in a process of their own."""
    options = ["-m", "gpu", "-q", "-n", "0", "-p", "no:nbval", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, "-o", "addopts=", str(ROOT / "tests")]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, encoding="utf-8")
    last = done.stdout.strip().splitlines()[-1].strip("= ")
    return [["tests", "passed" if done.returncode == 0 else "FAILED", last]]


def labs(device: str) -> Rows:
    """Each kind of lab trains, and shows something."""
    rows = []
    for name, settings in LABS.items():
        lab = Lab(device=device, **settings)
        try:
            lab.run(2)
            steps = 30 if device == "cuda" else 2
            start = time.perf_counter()
            lab.run(steps)
            seconds = time.perf_counter() - start
            frames = lab.session.frame()[1]
            trained = next(lab.session.gan.G.parameters()).device.type
            fine = lab.session.trouble is None and trained == device and len(frames) > 0
            rows.append(
                [f"lab: {name}", "ok" if fine else "FAILED", f"{steps / seconds:.0f} steps/s"]
            )
        finally:
            lab.close()
    return rows


def ensemble(device: str) -> Rows:
    """K GANs of the size that notebooks compare, in lock-step and one after the other."""
    data, e = ring().to(device), Experiment(batch_size=64, width=32, depth=2)
    k = K if device == "cuda" else 8
    alone = [GAN(e, data.event_shape, seed=i, device=device) for i in range(k)]

    def loop() -> None:
        for gan in alone:
            loss_D, loss_G = train_step(gan, data)
            loss_D.item(), loss_G.item()

    together = stepper(k, [e], device)
    for _ in range(5):
        together()  # the graph is recorded
    times = race({"ours": together, "loop": loop}, 10, 3)
    gain, ms = ratio(times, "loop", "ours"), 1e3 * median(times["ours"])
    words = "" if device != "cuda" else f" (aim {AIM:g}: {'ok' if gain >= AIM else 'MISSED'})"
    return [
        [f"{k} GANs in lock-step", f"{gain:.1f} × a loop over them{words}", f"{ms:.2f} ms a step"]
    ]


def steps(device: str) -> Rows:
    """Our step against the others', game by game."""
    rows = []
    for case in ON_A_GPU if device == "cuda" else CASES:
        for name, on, ms, _, theirs, _, gain, _ in rows_of(case, device, quick=device != "cuda"):
            what = f"{name}, on {on}"
            rows.append([what, f"{gain} × as fast as others write it", f"{ms} and {theirs} ms"])
    return rows


PARTS: dict[str, Callable[[str], Rows]] = {
    "tests": tests,
    "labs": labs,
    "ensemble": ensemble,
    "steps": steps,
}

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:  # compiled kernels and the like
        os.environ.setdefault("CUDA_CACHE_PATH", folder)
        main()
