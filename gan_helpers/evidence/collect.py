"""Making the evidence: every run once, its result kept as soon as it is there.

An interrupted command goes on where it was; a row whose settings have changed is run again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from gan_helpers.evidence import augmentation, conditional, difficulties, translation, wgan
from gan_helpers.evidence.judging import Row

SECTIONS: tuple[Any, ...] = (difficulties, wgan, conditional, translation, augmentation)
RUNS: dict[str, Row] = {run.name: run for section in SECTIONS for run in section.rows()}


def collect(path: Path, runs: Mapping[str, Row], jobs: int = 2) -> dict[str, Any]:
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


def timed(run: Row) -> tuple[dict[str, list[float]], float]:
    """What was measured, and the seconds it took."""
    start = time.perf_counter()
    torch.set_num_threads(1)
    found = run.measure()
    rounded = {name: [float(f"{v:.4g}") for v in values] for name, values in found.items()}
    return rounded, round(time.perf_counter() - start, 1)
