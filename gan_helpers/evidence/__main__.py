"""The command line: `python -m gan_helpers.evidence [study …] [--jobs 2]`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from gan_helpers.embedded import EMBEDDED
from gan_helpers.evidence import FILE
from gan_helpers.evidence.collect import RUNS, collect


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the studies, all of them by default."""
    parser = argparse.ArgumentParser(description="Measure what the notebooks claim.")
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
