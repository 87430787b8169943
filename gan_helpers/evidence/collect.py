"""Making the evidence: every run once, its result kept as soon as it is there.

An interrupted command goes on where it was; a row whose settings have changed is run again. One
that fails does no harm to the others.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from gan_helpers.cluster import Cluster
from gan_helpers.evidence import (
    augmentation,
    conditional,
    diagnosis,
    diagnosis_pictures,
    difficulties,
    pairs,
    presets,
    read_rows,
    translation,
    wgan,
)
from gan_helpers.evidence.judging import Row
from gan_helpers.files import locked, replace_file, tidy
from gan_helpers.processes import work

SECTIONS: tuple[Any, ...] = (
    *(difficulties, diagnosis, diagnosis_pictures, pairs),
    *(wgan, conditional, translation, augmentation, presets),
)
RUNS: dict[str, Row] = {run.name: run for section in SECTIONS for run in section.rows()}


def collect(
    path: Path,
    runs: Mapping[str, Row],
    jobs: int = 2,
    scheduler: str | None = None,
    *,
    studies: Collection[str] = (),
    again: bool = False,
) -> dict[str, Any]:
    """Do what is not done yet, and keep each result as soon as it is there.

    A row whose settings have changed stays as it was until its new result is there.

    Args:
        path: of the file.
        runs: name -> run; rows of others leave the file.
        jobs: processes.
        scheduler: of a cluster that does the runs in place of processes here; its address.
        studies: whose rows are asked for; all by default.
        again: whether those that are done already are asked for, too.

    Returns:
        All rows.

    Raises:
        Incomplete: if some failed, or it was interrupted; all other rows are kept.
        OSError: if the file is damaged, cannot be written, or another command is writing it; if
            there is no such scheduler.
    """
    from tqdm import tqdm

    with locked(path.with_name(f".{path.name}.running"), refuse(path)):
        tidy(path)
        done = read_rows(path) if path.exists() else {}
        done = {name: row for name, row in done.items() if name in runs}
        asked = {name: run for name, run in runs.items() if not studies or run.study in studies}

        def is_done(name: str, run: Row) -> bool:
            return not again and name in done and bool(done[name]["run"] == run.settings())

        left = {name: run for name, run in asked.items() if not is_done(name, run)}
        with tqdm(total=len(asked), initial=len(asked) - len(left)) as bar:
            unwritten: list[str] = []

            def keep(name: str, measured: tuple[dict[str, list[float]], float]) -> None:
                found, seconds = measured
                done[name] = {"run": runs[name].settings(), "seconds": seconds, "found": found}
                unwritten.append(name)
                try:
                    write()
                except OSError as error:  # a full disk, say; the next row comes with this one
                    bar.write(f"{error} Tried again after the next row.", sys.stderr)
                bar.set_postfix_str(f"{name} {seconds:.0f} s")
                bar.update()

            def write() -> None:
                write_rows(path, {name: done[name] for name in runs if name in done})
                unwritten.clear()

            try:
                if scheduler is None:
                    work(timed, left, keep, jobs)
                else:
                    Cluster(scheduler, timed, left, keep).work()
            finally:
                if unwritten:
                    write()
    return done


def refuse(path: Path) -> Callable[[], None]:
    """What to do if another command writes the same file; each would undo the other's rows."""

    def raise_error() -> None:
        raise OSError(f"Another command is writing {path}; wait until it is done, or interrupt it.")

    return raise_error


def write_rows(path: Path, rows: Mapping[str, Any]) -> None:
    """Replace the file, a line for each row."""
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    replace_file(path, f"{{\n{text}\n}}\n".encode())


def timed(run: Row) -> tuple[dict[str, list[float]], float]:
    """What was measured, and the seconds it took."""
    start = time.perf_counter()
    torch.set_num_threads(1)
    found = run.measure()
    rounded = {name: [float(f"{v:.4g}") for v in values] for name, values in found.items()}
    return rounded, round(time.perf_counter() - start, 1)
