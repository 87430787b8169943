"""Train the conditional GANs that come with the notebooks.

    uv run python data/train_conditional.py

One process for each kind, about ten minutes on two cores. Looks at the test pictures of
MNIST once, at the end, and writes `cgan_28.safetensors` and `acgan_28.safetensors` beside this
file. The same seed gives the same weights on the same machine.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from gan_helpers.conditional.pretrained import KINDS, SEED, SIZE, STEPS, judge, save, train
from gan_helpers.datasets.images import load_mnist
from gan_helpers.processes import Incomplete, work

COMMAND = "uv run python data/train_conditional.py"


def make(condition: str, folder: Path, seed: int = SEED, steps: int = STEPS) -> str:
    """Train one kind, write its weights into `folder`, and say what was reached."""
    torch.set_num_threads(1)  # so that the weights do not depend on the number of cores
    start = time.perf_counter()
    bar = partial(tqdm, desc=condition, unit="step", leave=False, mininterval=1)
    gan = train(condition, load_mnist("train", SIZE), seed, steps, bar)
    found, digits = judge(gan).numbers(), {"agreement": 4, "variety": 3, "frechet": 2}
    reached = {name: round(found[name], n) for name, n in digits.items()}
    path = save(gan, folder, {**reached, "seed": seed, "steps": steps, "command": COMMAND})
    return f"{path.name}: {reached}, {time.perf_counter() - start:.0f} s"


def main() -> None:
    def show(_: str, line: str) -> None:
        print(line, flush=True)

    function = partial(make, folder=Path(__file__).parent)
    try:
        work(function, {kind: kind for kind in KINDS}, show, len(KINDS))
    except Incomplete as why:
        print(why, file=sys.stderr)
        sys.exit(why.status)


if __name__ == "__main__":
    main()
