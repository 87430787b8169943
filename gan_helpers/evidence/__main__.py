"""The command line: `python -m gan_helpers.evidence [study …] [--jobs 2 | --scheduler tcp://…]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gan_helpers.datasets.files import EMBEDDED
from gan_helpers.evidence import FILE, read_rows
from gan_helpers.evidence.collect import RUNS, collect
from gan_helpers.processes import Incomplete


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the studies, all of them by default.

    Raises:
        SystemExit: with status 1 if a run failed, 2 if an argument is unknown, 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(description="Measure what the notebooks claim.")
    parser.add_argument("study", nargs="*", help="only these; all of them by default")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--jobs", type=int, default=2, help="processes here (default 2)")
    who.add_argument("--scheduler", metavar="ADDRESS", help="of a cluster of dask, to work there")
    options = parser.parse_args(arguments)
    known = {run.study for run in RUNS.values()}
    if unknown := set(options.study) - known:
        parser.error(f"{', '.join(unknown)} is unknown; choose from {', '.join(sorted(known))}")
    if options.jobs < 1:
        parser.error(f"--jobs {options.jobs} is out of range; it has to be 1 or more")
    path = EMBEDDED[1] / FILE
    try:
        measure(path, options.study, options.jobs, options.scheduler)
    except Incomplete as why:
        end(f"{why}\nThe same command goes on from there.", why.status)
    except KeyboardInterrupt:  # before or after the runs
        end("interrupted; what is finished is kept, and the same command goes on from there", 130)
    except OSError as error:
        said = error.errno is None  # by a sentence of ours
        end(str(error) if said else f"{path} cannot be written: {error.strerror or error}.", 1)


def measure(path: Path, studies: Sequence[str], jobs: int, scheduler: str | None = None) -> None:
    """Do what is left of these studies, or of all; the rows of the others stay."""
    if not path.parent.is_dir():
        raise OSError(
            f"{path.parent} is missing; the evidence is made in a checkout of the repository, "
            f"not in an installed package."
        )
    kept = read_rows(path) if path.exists() else {}
    chosen = {n: r for n, r in RUNS.items() if not studies or n in kept or r.study in studies}
    collect(path, chosen, jobs, scheduler)


def end(why: str, status: int) -> None:
    """Say why, and end the program with that status."""
    print(why, file=sys.stderr)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
