"""The command line: `python -m gan_helpers.evidence [study …] [--again] [--jobs 2 | …]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gan_helpers.datasets.files import EMBEDDED
from gan_helpers.evidence import FILE
from gan_helpers.evidence.collect import RUNS, collect
from gan_helpers.processes import Incomplete

GOES_ON = "The same command goes on from there."
BEGINS_ANEW = "The same command begins anew; to go on, name the studies that are left."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the studies, all of them by default.

    Raises:
        SystemExit: with status 1 if a run failed, 2 if an argument is unknown, 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(description="Measure what the notebooks claim.")
    parser.add_argument("study", nargs="*", help="only these; all of them by default")
    parser.add_argument("--again", action="store_true", help="also what is in the file already")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--jobs", type=int, default=2, help="processes here (default 2)")
    who.add_argument("--scheduler", metavar="ADDRESS", help="of a cluster of dask, to work there")
    options = parser.parse_args(arguments)
    known = {run.study for run in RUNS.values()}
    if unknown := set(options.study) - known:
        parser.error(f"{', '.join(unknown)} is unknown; choose from {', '.join(sorted(known))}")
    if options.jobs < 1:
        parser.error(f"--jobs {options.jobs} is out of range; it has to be 1 or more")
    path, then = EMBEDDED[1] / FILE, BEGINS_ANEW if options.again else GOES_ON
    try:
        check_folder(path.parent)
        asked = {"studies": options.study, "again": options.again}
        collect(path, RUNS, options.jobs, options.scheduler, **asked)
    except Incomplete as why:
        end(f"{why}\n{then}", why.status)
    except KeyboardInterrupt:  # before or after the runs
        end(f"interrupted; what is finished is kept. {then}", 130)
    except OSError as error:
        said = error.errno is None  # by a sentence of ours
        end(str(error) if said else f"{path} cannot be written: {error.strerror or error}.", 1)


def check_folder(folder: Path) -> None:
    """Raise an OSError if there is no such folder."""
    if not folder.is_dir():
        raise OSError(
            f"{folder} is missing; the evidence is made in a checkout of the repository, "
            f"not in an installed package."
        )


def end(why: str, status: int) -> None:
    """Say why, and end the program with that status."""
    print(why, file=sys.stderr)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
