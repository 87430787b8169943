"""The evidence for what the notebooks say: what was found, as it comes with them.

Every claim about chance is a row of data/evidence.json: what was trained, for how long, over which
seeds, and what came out for each of them. `python -m gan_helpers.evidence --again` does it anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from gan_helpers.datasets.files import EMBEDDED, get_back

FILE = "evidence.json"


def load_evidence() -> dict[str, Any]:
    """The evidence that comes with the notebooks: name of the run -> settings and what was found.

    Raises:
        FileNotFoundError, OSError: if the file is missing or damaged; the message says how to get
            it back.
    """
    path = next((f / FILE for f in EMBEDDED if (f / FILE).is_file()), None)
    if path is None:
        raise FileNotFoundError(f"{FILE} is missing; python -m gan_helpers.evidence makes it.")
    return read_rows(path)


def read_rows(path: Path) -> dict[str, Any]:
    """The rows of a file of evidence.

    Raises:
        OSError: if it is damaged; the message says how to get it back.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(rows, dict):
            raise ValueError(f"it holds a {type(rows).__name__} instead of rows with names")
        for name, row in rows.items():
            if not isinstance(row, dict) or not {"run", "seconds", "found"} <= row.keys():
                raise ValueError(f"its row {name!r} is not run, seconds and found")
    except ValueError as error:  # no text, no JSON, or other JSON
        raise OSError(f"{path} is damaged: {error}. {get_back(FILE)}") from error
    return rows


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
