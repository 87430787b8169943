"""How fast it is: `uv run python benchmarks/run.py [part …] [--quick]`. The parts:

steps       each kind of training step against the step as others write it (reference.py)
ensemble    K GANs in lock-step against K times that step, with one loss and with all of them
augment     what the transforms of 12.4.6 add to a step
view        frames per second, what the live view costs the training, how long a reader waits
            (view.py; in a real browser, so it needs Chromium)
pages       size of the web edition, and how long a reader waits there (pages.py; takes what
            notebooks/website.py takes, and Chromium)
imports     seconds that each import adds
notebooks   run time of every notebook, from top to bottom

Without a name all are measured. What is compared takes turns, round by round, so that a machine
that is busy for a while slows down all alike. --quick only tries whether everything works.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import torch

from benchmarks import pages, view
from benchmarks.cases import CASES, ON_A_GPU, Case
from benchmarks.reference import Reference
from gan_helpers import threads
from gan_helpers.augmentation import training as augmented
from gan_helpers.augmentation.training import Augmented, AugmentedGAN
from gan_helpers.augmentation.transforms import TRANSFORMS
from gan_helpers.datasets.images import load_few
from gan_helpers.datasets.points import ring
from gan_helpers.ensemble import Ensemble
from gan_helpers.experiment import Experiment
from gan_helpers.losses import LOSSES
from gan_helpers.training import GAN

ROOT = Path(__file__).resolve().parent.parent
ENSEMBLES = ((8, 128, 64, 6.0), (32, 64, 32, 22.0))  # (K, batch, width, ratio to reach)
MIXED_RATIO = 1.4  # what mixed losses may cost
AUGMENT_RATIO = 1.15  # what transforms may make of a step of pictures, 28 x 28, batch 64
IMPORT_SECONDS, NOTEBOOK_SECONDS = 1.0, 80.0  # what they have to reach
IMPORTS = (
    "import torch",
    "import gan_helpers",
    "from gan_helpers.training import GAN, Experiment",
    "from gan_helpers.lab import Lab",
    "GAN(Experiment(), (2,))  # torch loads the rest of itself with the first optimizer",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure, and print tables.")
    parser.add_argument("part", nargs="*", help=f"{', '.join(PARTS)}; all of them by default")
    parser.add_argument("--quick", action="store_true", help="a try; the numbers mean little")
    options = parser.parse_args(arguments)
    if unknown := [part for part in options.part if part not in PARTS]:
        parser.error(f"{', '.join(unknown)} is unknown; choose from {', '.join(PARTS)}")
    print(machine())
    for part in options.part or PARTS:
        print(f"\n{part}", flush=True)
        PARTS[part](options.quick)


def machine() -> str:
    """What the numbers were measured on."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [ln for ln in info.read_text("utf-8").splitlines() if ln.startswith("model name")]
        cpu = names[0].split(":")[1].strip() if names else cpu
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{cpu}, {os.cpu_count()} cores{load}; Python {platform.python_version()}, "
        f"torch {torch.__version__} with {torch.get_num_threads()} threads"
    )


# --- the parts ---------------------------------------------------------------------------------


def steps(quick: bool) -> None:
    """Every game by our step against what a reader would use instead, on one core and on all."""
    rows = [
        row
        for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else []))
        for case in (CASES if device == "cpu" else ON_A_GPU)
        for row in rows_of(case, device, quick)
    ]
    header = "game, batch / width|on|ours, ms: median|best|theirs: median|best|theirs : ours"
    table(f"{header}|target", rows)


def rows_of(case: Case, device: str, quick: bool) -> list[list[str]]:
    """One row for each number of cores; on a GPU one."""
    rows, before = [], torch.get_num_threads()
    for n in sorted({1, threads.cores()}) if device == "cpu" else [before]:
        torch.set_num_threads(n)
        with patch.object(threads, "cores", lambda n=n: n):  # as on a machine with so many
            ours, theirs = case.make(device)
            times = race({"ours": ours, "theirs": theirs}, *amount(ours, quick))
        torch.set_num_threads(before)
        gain = ratio(times, "theirs", "ours")
        words = [f"{1e3 * f(times[who]):.2f}" for who in times for f in (median, min)]
        on = device if device != "cpu" else f"{n} core{'s' * (n > 1)}"
        low = case.low if n == 1 else 0.0
        rows.append([case.name, on, *words, f"{gain:.2f}", against(gain, low=low)])
    return rows


def amount(step: Callable[[], object], quick: bool) -> tuple[int, int]:
    """Rounds, and steps in each, so that a case takes some seconds."""
    if quick:
        return 2, 1
    step()
    start = time.perf_counter()
    step()
    return 25, max(1, round(0.05 / (time.perf_counter() - start)))


def ensemble(quick: bool) -> None:
    """Throughput per GAN: K steps of the reference against one of the ensemble."""
    all_threads, rows, data = torch.get_num_threads(), [], ring()
    try:
        for n_threads in sorted({1, all_threads}):
            torch.set_num_threads(n_threads)
            for k, batch, width, target in ENSEMBLES:
                e = Experiment(batch_size=batch, width=width, depth=2)
                reference = Reference(GAN(e, data.event_shape))
                steppers: dict[str, Callable[[], object]] = {
                    "one loss": stepper(k, [e]),
                    "mixed": stepper(k, [replace(e, loss=name) for name in LOSSES]),
                    "reference": partial(reference.step, data),
                }
                times = race(steppers, *((2, 5) if quick else (40, 15)))
                row = [f"{k}, {batch} / {width}", f"{n_threads}"]
                row += [f"{1e3 * median(times[name]):.2f}" for name in steppers]
                gain = k * ratio(times, "reference", "one loss")
                cost = ratio(times, "mixed", "one loss")
                low = target if n_threads == all_threads else 0.0  # the target is for all cores
                words = f"{against(gain, low=low)}, mixed {against(cost, high=MIXED_RATIO)}"
                rows.append([*row, f"{gain:.1f}", f"{cost:.2f}", words])
    finally:
        torch.set_num_threads(all_threads)
    table(
        "K, batch / width|threads|median ms: one loss|mixed losses|reference|"
        "K reference : ours|mixed : one|target",
        rows,
    )


def augment(quick: bool) -> None:
    """A step on pictures of 28 x 28 with transforms of all of them, against one without."""
    data, before = load_few("digits", 100, size=28), torch.get_num_threads()
    plain = Augmented(network="conv", latent_dim=64, batch_size=64)
    chosen = {
        "default": plain.transforms,
        **{name: (name,) for name in TRANSFORMS},
        "all": tuple(TRANSFORMS),
    }
    experiments = {"none": plain} | {
        name: replace(plain, augment="both", transforms=names) for name, names in chosen.items()
    }
    gans = {name: AugmentedGAN(e, data.event_shape) for name, e in experiments.items()}
    torch.set_num_threads(1)
    try:
        steppers = {name: partial(augmented.train_step, gan, data) for name, gan in gans.items()}
        times = race(steppers, *((2, 2) if quick else (25, 4)))
    finally:
        torch.set_num_threads(before)
    rows = []
    for name in steppers:
        cost = ratio(times, name, "none")
        goal = AUGMENT_RATIO if name == "default" else float("inf")
        words = [f"{1e3 * f(times[name]):.2f}" for f in (median, min)]
        rows.append([name, *words, f"{cost:.3f}", against(cost, high=goal)])
    table("transforms|median ms|best|step : without|target", rows)


def stepper(k: int, experiments: Sequence[Experiment], device: str = "cpu") -> Callable[[], object]:
    """One step of K GANs on the ring, with these experiments in turn; both losses are read."""
    data: Any = ring().to(device)
    gans = [
        GAN(experiments[i % len(experiments)], data.event_shape, seed=i, device=device)
        for i in range(k)
    ]
    together = Ensemble(gans)

    def step() -> None:
        loss_D, loss_G = together.step(data)
        loss_D.tolist(), loss_G.tolist()

    return step


def imports(quick: bool) -> None:
    """Each import on top of those above it, in fresh processes, with the byte-code cached."""
    lines = ["from time import perf_counter as now", "t = [now()]"]
    lines += [f"{line}\nt.append(now())" for line in IMPORTS]
    code = "\n".join([*lines, "print(*(b - a for a, b in zip(t, t[1:])))"])
    env = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    rounds = []
    for _ in range(2 if quick else 6):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", check=True)
        rounds.append([float(word) for word in done.stdout.split()])
    seconds = list(zip(*rounds[1:], strict=True))  # the first one wrote the byte-code
    rows = [summary(line, s) for line, s in zip(IMPORTS, seconds, strict=True)]
    added = [sum(s) for s in zip(*seconds[1:4], strict=True)]
    rows.append(summary("all of gan_helpers on top of torch", added, high=IMPORT_SECONDS))
    table("seconds|median|best|target", rows)


def notebooks(quick: bool) -> None:
    """Every English notebook, in a fresh kernel; the Japanese ones run the same code."""
    paths = sorted((ROOT / "notebooks" / "en").glob("*.ipynb"))
    rows = []
    for path in paths[:1] if quick else paths:
        seconds, slowest, cell = execute(path)
        worst = f"{slowest:.1f} s in cell {cell + 1}"
        rows.append([path.stem, f"{seconds:.1f}", worst, against(seconds, high=NOTEBOOK_SECONDS)])
    table("notebook|seconds|slowest|target", rows)


def live_view(quick: bool) -> None:
    """The lab in JupyterLab."""
    if not view.available():
        print("skipped: no Chromium (or no playwright) was found here")
        return
    seen = view.measure(rounds=1, pairs=1, seconds=1.0) if quick else view.measure()
    rows = [
        summary("frames drawn per second", seen["drawn"], low=24.0, best=max),
        summary("frames acknowledged per second", seen["acknowledged"], low=24.0, best=max),
        summary("steps per second, watched", seen["watched"], best=max),
        summary("steps per second, unseen", seen["unseen"], best=max),
        summary("slow-down by the view, %", seen["slowdown"], high=15.0),
        summary("bytes of a frame", seen["bytes"], high=8000),
        summary("lab's cell run → first frame drawn, s", seen["first"], high=2.0),
        summary("control touched → setting changed, s", seen["control"], high=0.3, best=max),
        summary("frames drawn per second, 8 GANs", seen["eight"], low=10.0, best=max),
        summary("bytes of a frame, 8 GANs", seen["eight bytes"], high=30_000),
        summary("frames drawn per second, page drives", seen["page"], low=10.0, best=max),
        summary("bytes of a frame, page drives", seen["page bytes"], high=8000),
        summary("… control touched → changed, s", seen["page control"], high=0.5, best=max),
    ]
    table("view|median|best (control: worst)|target", rows)


def web_pages(quick: bool) -> None:
    """The web edition on a local server."""
    if not view.available():
        print("skipped: no Chromium (or no playwright) was found here")
        return
    seen = pages.measure(pages=1, strokes=2) if quick else pages.measure()
    rows = [
        summary("made in, s", seen["make"], high=180.0),
        summary("the site, MB", seen["site"], high=40.0),
        summary("largest page before its players load, MB", [max(seen["page"])], high=3.0),
        summary("largest recording, kB", [max(seen["recording"])], high=1500.0),
        summary("slowest player in view → moves, s", [max(seen["first move"])], high=2.0),
        summary("pictures drawn per second at 4×", seen["pictures"], low=30.0, best=max),
        summary("stroke → all networks have answered, ms", seen["stroke"], high=100.0, best=max),
    ]
    table("web edition|median|best (stroke: worst)|target", rows)


PARTS: dict[str, Callable[[bool], None]] = {
    "steps": steps,
    "ensemble": ensemble,
    "augment": augment,
    "view": live_view,
    "pages": web_pages,
    "imports": imports,
    "notebooks": notebooks,
}


# --- what they are made of ---------------------------------------------------------------------


def race(
    steppers: Mapping[str, Callable[[], object]],
    rounds: int,
    n: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds per call of each, one number a round; they take turns of `n` calls."""
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for done in range(rounds + 1):
        for name, step in steppers.items():
            start = clock()
            for _ in range(n):
                step()
            if done:  # the first round warms up
                times[name].append((clock() - start) / n)
    return times


def ratio(times: dict[str, list[float]], slow: str, fast: str) -> float:
    """How many times faster: the median over rounds, each of which compares neighbours in time."""
    return median(a / b for a, b in zip(times[slow], times[fast], strict=True))


def execute(path: Path) -> tuple[float, float, int]:
    """Run a notebook: its seconds, with the kernel's start; those of its slowest cell; and which
    one that is."""
    import nbformat
    from nbclient import NotebookClient

    starts, cells = {}, {}

    def begin(cell: object, cell_index: int) -> None:
        starts[cell_index] = time.perf_counter()

    def end(cell: object, cell_index: int, execute_reply: object) -> None:
        cells[cell_index] = time.perf_counter() - starts[cell_index]

    client = NotebookClient(
        nbformat.read(path, as_version=4),
        timeout=600,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_execute=begin,
        on_cell_executed=end,
    )
    start = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - start
    slowest = max(cells, key=cells.__getitem__)
    return seconds, cells[slowest], slowest


def summary(
    name: str,
    values: Iterable[float],
    low: float = 0.0,
    high: float = float("inf"),
    best: Callable[[Iterable[float]], float] = min,
) -> list[str]:
    """A row of a table: median, best, and the median against its target."""
    values = list(values)
    middle = median(values)
    return [name, number(middle), number(best(values)), against(middle, low, high)]


def number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def against(value: float, low: float = 0.0, high: float = float("inf")) -> str:
    """A target and whether the value reaches it; "" where there is none."""
    words = [f"≥ {low:g}"] * (low > 0) + [f"≤ {high:g}"] * (high < float("inf"))
    return " ".join([*words, "ok" if low <= value <= high else "MISSED"]) if words else ""


def table(header: str, rows: list[list[str]]) -> None:
    """Columns wide enough for their words; the first one and the last one begin at the left."""
    lines = [header.split("|"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        words = [
            word.ljust(width) if i in (0, len(line) - 1) else word.rjust(width)
            for i, (word, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(words).rstrip(), flush=True)


if __name__ == "__main__":
    main()
