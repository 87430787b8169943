"""The evidence for what the notebooks say: what was found, as it comes with them.

Every claim about chance is a row of data/evidence.json: what was trained, for how long, over which
seeds, and what came out for each of them. `python -m gan_helpers.evidence` makes the rows again.
"""

from __future__ import annotations

import json
from typing import Any

import torch

from gan_helpers.embedded import EMBEDDED

FILE = "evidence.json"


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
