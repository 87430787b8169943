"""How fast it is: `uv run python benchmarks/run.py [part …] [--quick]`. The parts:

steps       a training step against the step as tutorials write it (reference.py)
ensemble    K GANs in lock-step against K times that step, with one loss and with all of them
translation a step of pix2pix against its authors' way; the paper's networks where a GPU is
augment     what the transforms of 12.4.6 add to a step
view        frames per second, what the live view costs the training, how long a reader waits
            (view.py; in a real browser, so it needs Chromium)
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

import torch

from benchmarks import view
from benchmarks.reference import Pix2PixReference, Reference
from gan_helpers.augmentation import training as augmented
from gan_helpers.augmentation.training import Augmented, AugmentedGAN
from gan_helpers.augmentation.transforms import TRANSFORMS
from gan_helpers.datasets.images import load_few
from gan_helpers.datasets.pairs import Pairs
from gan_helpers.datasets.points import ring
from gan_helpers.ensemble import Ensemble
from gan_helpers.experiment import Experiment
from gan_helpers.losses import LOSSES
from gan_helpers.training import GAN, train_step
from gan_helpers.translation.networks import PAPER_UNET
from gan_helpers.translation.pix2pix import Pix2Pix, train_step as translation_step
from gan_helpers.translation.tasks import PAIRED

ROOT = Path(__file__).resolve().parent.parent
SIZES = ((64, 32), (128, 64), (256, 128))  # (batch, width)
ENSEMBLES = ((8, 128, 64, 5.0), (32, 64, 32, 18.0))  # (K, batch, width, ratio to reach)
MIXED_RATIO = 1.4  # what mixed losses may cost
AUGMENT_RATIO = 1.15  # what transforms may make of a step of pictures, 28 x 28, batch 64
STEP_RATIO, IMPORT_SECONDS, NOTEBOOK_SECONDS = 1.4, 1.0, 120.0  # what they have to reach
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
    """A plain step (both losses read, as the lab does) against the reference."""
    threads, rows = torch.get_num_threads(), []
    try:
        for n_threads in sorted({1, threads}):
            torch.set_num_threads(n_threads)
            for batch, width in SIZES:
                steppers = contestants(batch, width)
                times = race(steppers, *((2, 5) if quick else (60, 25)))
                row = [f"{batch} / {width}", f"{n_threads}"]
                row += [f"{1e3 * f(times[name]):.2f}" for name in steppers for f in (median, min)]
                row += [f"{ratio(times, name, 'ours'):.2f}" for name in list(steppers)[1:]]
                target = STEP_RATIO if (batch, width) == SIZES[0] else 0.0
                rows.append([*row, against(ratio(times, "reference", "ours"), low=target)])
    finally:
        torch.set_num_threads(threads)
    table(
        "batch / width|threads|ours, ms: median|best|reference: median|best|"
        "reusing the fakes: median|best|reference : ours|reusing : ours|target",
        rows,
    )


def ensemble(quick: bool) -> None:
    """Throughput per GAN: K steps of the reference against one of the ensemble."""
    threads, rows, data = torch.get_num_threads(), [], ring()
    try:
        for n_threads in sorted({1, threads}):
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
                low = target if n_threads == threads else 0.0  # the target is for all cores
                words = f"{against(gain, low=low)}, mixed {against(cost, high=MIXED_RATIO)}"
                rows.append([*row, f"{gain:.1f}", f"{cost:.2f}", words])
    finally:
        torch.set_num_threads(threads)
    table(
        "K, batch / width|threads|median ms: one loss|mixed losses|reference|"
        "K reference : ours|mixed : one|target",
        rows,
    )


def translation(quick: bool) -> None:
    """pix2pix: small networks on the CPU, on a GPU those of the paper in mixed precision."""
    cases = [("cpu", size, replace(PAIRED, batch_size=16)) for size in (32, 64)]
    if torch.cuda.is_available():
        paper = replace(PAIRED, **PAPER_UNET, width_D=64, n_strided=3, norm_D="instance")
        cases.append(("cuda", 256, replace(paper, batch_size=4, mixed_precision=True)))
    rows = []
    for device, size, e in cases:
        rng = torch.Generator().manual_seed(0)
        a, b = (torch.rand(2, 32, 3, size, size, generator=rng) * 2 - 1).to(device)
        data = Pairs("noise", a, b)
        gan = Pix2Pix(e, (3, 3), device=device)
        reference = Pix2PixReference(gan)

        def ours(gan: Pix2Pix = gan, data: Pairs = data) -> None:
            loss_D, loss_G = translation_step(gan, data)
            loss_D.item(), loss_G.item()

        def theirs(reference: Pix2PixReference = reference, data: Pairs = data) -> None:
            reference.step(data)

        times = race({"ours": ours, "reference": theirs}, *((2, 1) if quick else (15, 3)))
        gain = ratio(times, "reference", "ours")
        words = [f"{1e3 * f(times[n]):.1f}" for n in ("ours", "reference") for f in (median, min)]
        goal = against(gain, low=1.0)
        rows.append([f"{device}, {size} x {size}, {e.batch_size}", *words, f"{gain:.2f}", goal])
    header = "device, size, batch|ours, ms: median|best|reference: median|best|reference : ours"
    table(f"{header}|target", rows)


def augment(quick: bool) -> None:
    """A step on pictures of 28 x 28 with transforms of all of them, against one without."""
    data, threads = load_few("digits", 100, size=28), torch.get_num_threads()
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
        torch.set_num_threads(threads)
    rows = []
    for name in steppers:
        cost = ratio(times, name, "none")
        goal = AUGMENT_RATIO if name == "default" else float("inf")
        words = [f"{1e3 * f(times[name]):.2f}" for f in (median, min)]
        rows.append([name, *words, f"{cost:.3f}", against(cost, high=goal)])
    table("transforms|median ms|best|step : without|target", rows)


def stepper(k: int, experiments: Sequence[Experiment]) -> Callable[[], object]:
    """One step of K GANs on the ring, with these experiments in turn; both losses are read."""
    data = ring()
    gans = [GAN(experiments[i % len(experiments)], data.event_shape, seed=i) for i in range(k)]
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


PARTS: dict[str, Callable[[bool], None]] = {
    "steps": steps,
    "ensemble": ensemble,
    "translation": translation,
    "augment": augment,
    "view": live_view,
    "imports": imports,
    "notebooks": notebooks,
}


# --- what they are made of ---------------------------------------------------------------------


def contestants(batch: int, width: int) -> dict[str, Callable[[], object]]:
    """The same game on the ring, two hidden layers, by three ways of writing a step."""
    data = ring()
    gan = GAN(Experiment(batch_size=batch, width=width, depth=2), data.event_shape)
    reference, reusing = Reference(gan), Reference(gan, reuse=True)

    def ours() -> None:
        loss_D, loss_G = train_step(gan, data)
        loss_D.item(), loss_G.item()

    return {
        "ours": ours,
        "reference": lambda: reference.step(data),
        "reusing": lambda: reusing.step(data),
    }


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
