"""Train the GANs on a hundred digits that come with the notebooks.

    uv run python data/train_few.py

Two processes, about a minute each. Writes `few_none_16.safetensors` and `few_both_16.safetensors`
beside this file. The same seed gives the same weights on the same machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from gan_helpers.augmentation.judge import FewJudge
from gan_helpers.augmentation.pretrained import KINDS, SEED, SIZE, STEPS, N, save, train, trained_on
from gan_helpers.classifier import load_classifier
from gan_helpers.datasets.images import load_few, load_mnist
from gan_helpers.processes import Incomplete, work

COMMAND = "uv run python data/train_few.py"


def make(augment: str, folder: Path, steps: int = STEPS) -> str:
    """Train one kind, write its weights into `folder`, and say what was reached."""
    torch.set_num_threads(1)  # so that the weights do not depend on the number of cores
    start = time.perf_counter()
    gan = train(
        augment, steps, partial(tqdm, desc=augment, unit="step", leave=False, mininterval=1)
    )
    judge = FewJudge(load_classifier(SIZE), trained_on(), load_mnist("test", SIZE), 5000)
    found = judge.copies(gan, load_few("digits", N, SIZE, SEED, "test")).numbers()
    reached = {"frechet": round(judge(gan).frechet, 1)}
    reached |= {name: round(value, 3) for name, value in found.items()}
    path = save(gan, folder, {**reached, "seed": SEED, "steps": steps, "command": COMMAND})
    return f"{path.name}: {reached}, {time.perf_counter() - start:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    jobs = parser.parse_args().jobs

    def show(_: str, line: str) -> None:
        print(line, flush=True)

    try:
        work(partial(make, folder=Path(__file__).parent), {k: k for k in KINDS}, show, jobs)
    except Incomplete as why:
        print(why, file=sys.stderr)
        sys.exit(why.status)


if __name__ == "__main__":
    main()
