"""The evidence for what the notebooks say: `python -m gan_helpers.evidence [--jobs 2]`.

Every claim about chance is a row of `RUNS`: what is trained, for how long, and over which seeds.
The results are kept in data/evidence.json after each run, so an interrupted command goes on where
it was; a row whose settings have changed is run again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, fields, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from gan_helpers.distributions import WORLDS, Mixture, grid, ring
from gan_helpers.embedded import EMBEDDED
from gan_helpers.ensemble import Ensemble
from gan_helpers.metrics import mode_coverage
from gan_helpers.remedies import ILLNESSES, REMEDIES
from gan_helpers.training import GAN, Experiment, push_on_G, step_D

FILE = "evidence.json"
SEEDS = tuple(range(200, 220))  # none of them was used to choose a setting
N_JUDGED = 2500  # samples, as in VEEGAN and PacGAN

#: Ring and grid of VEEGAN and PacGAN, scaled so that the outermost mode lies at 1.5.
PUBLISHED_WORLDS: dict[str, Callable[[], Mixture]] = {
    "published_ring": lambda: ring(std=0.01 * 1.5),
    "published_grid": lambda: grid(std=0.05 * 1.5 / 4),
}
#: The recipe that was found for them: the rates fall to 0 in the second half.
STEADY = Experiment(lr_D=2e-3, lr_G=2e-3, beta1=0.5, beta2=0.9, ema=0.999)


@dataclass(frozen=True)
class Run:
    """One row of the evidence.

    Args:
        study: which question it belongs to.
        variant: which answer to it is tried.
        steps: G's updates.
        world: a name in `WORLDS` or `PUBLISHED_WORLDS`.
        experiment: what is trained at first.
        fork: step from which on `then` holds.
        then: settings of the experiment that change at the fork.
        decay: whether the learning rates fall linearly to 0 in the second half.
        lead: updates of D against a frozen G, in place of any training of G.
        seeds: of weights, noise and data.
    """

    study: str
    variant: str
    steps: int = 0
    world: str = "ring"
    experiment: Experiment = field(default_factory=Experiment)
    fork: int = 0
    then: dict[str, Any] = field(default_factory=dict)
    decay: bool = False
    lead: int = 0
    seeds: tuple[int, ...] = SEEDS

    @property
    def name(self) -> str:
        return f"{self.study}/{self.variant}"

    def settings(self) -> dict[str, Any]:
        """Everything that the numbers depend on, as JSON can say it."""
        default = Experiment()
        changed = {
            f.name: value
            for f in fields(Experiment)
            if (value := getattr(self.experiment, f.name)) != getattr(default, f.name)
        }
        return json.loads(json.dumps({**asdict(self), "experiment": changed}))


def rows() -> Iterator[Run]:
    """All runs, the longest first, so that two processes end at about the same time."""
    for world, r1, steps in (("published_grid", 0.005, 24_000), ("published_ring", 0.1, 15_000)):
        for variant, weight in (("R1", r1), ("no remedy", 0.0)):
            e = replace(STEADY, r1=weight)
            yield Run(world, variant, steps, world, e, decay=True)
    ill = replace(Experiment(), **ILLNESSES["mode_collapse"])
    for name in ("unroll", *(n for n in REMEDIES if n not in ("unroll", "pac", "non_saturating"))):
        yield Run("cures", name, 4500, experiment=ill, fork=1500, then=REMEDIES[name])
    yield Run("cures", "untreated", 4500, experiment=ill)
    yield Run("cures", "saturating", 4500, experiment=ill, fork=1500, then={"loss": "saturating"})
    yield Run("cures", "pac", 4500, experiment=replace(ill, **REMEDIES["pac"]))
    for world in ("ring", "grid"):
        for variant, e in (("balanced", Experiment()), ("slow D", ill)):
            yield Run("when", f"{world}, {variant}", 3000, world, e)
    blind = replace(Experiment(), **ILLNESSES["vanishing_gradient"])
    for name, then in LEADING.items():
        yield Run("lead", name, experiment=replace(blind, **then), lead=1000)
        yield Run("after a lead", name, 1500, experiment=replace(blind, **then), lead=500)


#: What G learns by while D is far ahead.
LEADING: dict[str, dict[str, Any]] = {
    "saturating": {},
    "non_saturating": {"loss": "non_saturating"},
    "maximum_likelihood": {"loss": "maximum_likelihood"},
    "least_squares": {"loss": "least_squares"},
    "hinge": {"loss": "hinge"},
    "wasserstein": {"loss": "wasserstein", "gradient_penalty": 1.0},
    "saturating, SN": {"spectral_norm": True},
}

RUNS: dict[str, Run] = {run.name: run for run in rows()}


# --- one run -----------------------------------------------------------------------------------


def measure(run: Run) -> dict[str, list[float]]:
    """Train an ensemble of one GAN for each seed, and judge every one of them.

    Returns:
        name of the quantity -> its value for each seed: `modes` and `good` at the end,
        `modes_before` at the fork, `push_0`, `push_1` … where D runs ahead (see `leads`).
    """
    torch.set_num_threads(1)
    data = (WORLDS | PUBLISHED_WORLDS)[run.world]()
    gans = [GAN(run.experiment, data.event_shape, seed) for seed in run.seeds]
    ensemble = Ensemble(gans)
    found: dict[str, list[float]] = {}
    if run.lead:
        found |= run_ahead(ensemble, data, run.lead)
    e = run.experiment
    for step in range(run.steps):
        if step == run.fork and run.then:
            found["modes_before"] = judge(gans, data)[0]
            e = replace(e, **run.then)
            ensemble.configure([e] * len(gans))
        if run.decay and step >= run.steps // 2 and step % 50 == 0:
            left = 2 * (1 - step / run.steps)
            faded = replace(e, lr_D=left * e.lr_D, lr_G=left * e.lr_G)
            ensemble.configure([faded] * len(gans))
        ensemble.step(data)
    if run.steps:
        found["modes"], found["good"] = judge(gans, data)
    return found


def leads(most: int) -> list[int]:
    """At which leads the push on G is measured: 0, 10, 30, 100, … `most`."""
    return [n for n in (0, 10, 30, 100, 300, 1000) if n <= most]


def run_ahead(ensemble: Ensemble, data: Mixture, most: int) -> dict[str, list[float]]:
    """Train D alone, and measure the gradient that G would get."""
    found = {}
    for n in range(most + 1):
        if n in leads(most):
            found[f"push_{n}"] = [
                push_on_G(gan, gan.sample_z(512, torch.Generator().manual_seed(1)))
                for gan in ensemble.members
            ]
        for _, gan in ensemble.stacks:
            size = gan.experiment.batch_size
            step_D(gan, data.sample(size, gan.rng), gan.sample_z(size))
    return found


def judge(gans: Sequence[GAN], data: Mixture) -> tuple[list[float], list[float]]:
    """Modes covered and share of good samples, for each GAN, by `N_JUDGED` samples."""
    modes, good = [], []
    for gan in gans:
        z = gan.sample_z(N_JUDGED, torch.Generator().manual_seed(1))
        covered, share = mode_coverage(gan.sample(z), data)
        modes.append(float(covered))
        good.append(float(share))
    return modes, good


# --- all of them -------------------------------------------------------------------------------


def collect(path: Path, runs: dict[str, Run], jobs: int = 2) -> dict[str, Any]:
    """Do what is not done yet, and keep each result as soon as it is there."""
    from tqdm import tqdm

    done = json.loads(path.read_text()) if path.exists() else {}
    done = {n: row for n, row in done.items() if n in runs and row["run"] == runs[n].settings()}
    left = [run for name, run in runs.items() if name not in done]
    spawn = get_context("spawn")  # a forked process would share torch's threads
    with (
        ProcessPoolExecutor(jobs, mp_context=spawn) as pool,
        tqdm(total=len(runs), initial=len(done)) as bar,
    ):
        waiting = {pool.submit(timed, run): run for run in left}
        try:
            for future in as_completed(waiting):
                run = waiting[future]
                found, seconds = future.result()
                done[run.name] = {"run": run.settings(), "seconds": seconds, "found": found}
                ordered = {name: done[name] for name in runs if name in done}
                text = ",\n".join(f"{json.dumps(n)}: {json.dumps(r)}" for n, r in ordered.items())
                path.write_text(f"{{\n{text}\n}}\n")
                bar.set_postfix_str(f"{run.name} {seconds:.0f} s")
                bar.update()
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True, wait=False)
            print("interrupted; what is done is kept, and the same command goes on from there")
    return done


def timed(run: Run) -> tuple[dict[str, list[float]], float]:
    """What was measured, and the seconds it took."""
    start = time.perf_counter()
    found = measure(run)
    rounded = {name: [float(f"{v:.4g}") for v in values] for name, values in found.items()}
    return rounded, round(time.perf_counter() - start, 1)


def load_evidence() -> dict[str, Any]:
    """The evidence that comes with the notebooks: name of the run -> settings and what was found.

    Raises:
        FileNotFoundError: if the file is missing.
    """
    path = next((f / FILE for f in EMBEDDED if (f / FILE).is_file()), None)
    if path is None:
        raise FileNotFoundError(f"{FILE} is missing; python -m gan_helpers.evidence makes it.")
    return json.loads(path.read_text())


def study(evidence: dict[str, Any], name: str) -> dict[str, dict[str, torch.Tensor]]:
    """One study of the evidence: variant -> quantity -> its value for each seed, `[S]`."""
    chosen = {key: row for key, row in evidence.items() if key.split("/")[0] == name}
    if not chosen:
        known = sorted({key.split("/")[0] for key in evidence})
        raise ValueError(f"study = {name!r} is unknown; choose one of {', '.join(known)}.")
    return {
        key.split("/")[1]: {n: torch.tensor(v) for n, v in row["found"].items()}
        for key, row in chosen.items()
    }


def mean_and_error(values: torch.Tensor) -> tuple[float, float]:
    """The mean over seeds and its standard error. values: `[S]`, S at least 2."""
    return float(values.mean()), float(values.std() / len(values) ** 0.5)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("study", nargs="*", help="only these; all of them by default")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    options = parser.parse_args(arguments)
    known = {run.study for run in RUNS.values()}
    if unknown := set(options.study) - known:
        parser.error(f"{', '.join(unknown)} is unknown; choose from {', '.join(sorted(known))}")
    path = EMBEDDED[1] / FILE
    if options.study:
        kept = json.loads(path.read_text()) if path.exists() else {}
        done = {n: r for n, r in RUNS.items() if n in kept or r.study in options.study}
        collect(path, done, options.jobs)
    else:
        collect(path, RUNS, options.jobs)


if __name__ == "__main__":
    main()
