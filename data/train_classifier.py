"""Train the classifiers: `uv run python data/train_classifier.py [--only fashion] [--validate]`.

Trains on the training pictures of MNIST (60,000) and of Fashion-MNIST (20,000), at 16 x 16 and at
28 x 28, looks at the test pictures once, at the end, and writes `*_classifier_*.safetensors` beside
this file.

    --only       one data set, "digits" or "fashion", instead of both.
    --validate   write nothing, and leave the test pictures alone: train with other seeds on all but
                 the last 5,000 training pictures, and count on these. The settings were chosen so.
"""

from __future__ import annotations

import argparse
import time
from itertools import product
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad
from tqdm import trange

from gan_helpers.classifier import SIZES, DigitClassifier, classify, file_name
from gan_helpers.datasets.images import SETS, Images, load_fashion, load_mnist
from gan_helpers.models import initialise
from gan_helpers.weights import write_weights

COMMAND = "uv run python data/train_classifier.py"
SEED, VALIDATION_SEEDS = 0, (11, 12)
STEPS = {"digits": {16: 6000, 28: 2500}, "fashion": {16: 4000, 28: 3000}}
SHIFT = {16: 1, 28: 2}  # pixels; a small picture has no room for more
BATCH, LR = 128, 1e-2


def load(dataset: str, split: str, size: int) -> Images:
    """The pictures of a split of a data set."""
    return (load_mnist if dataset == "digits" else load_fashion)(split, size)


def shifted(x: Tensor, most: int, rng: torch.Generator) -> Tensor:
    """Each picture of `[N, 1, H, W]` moved by -most to most pixels each way; black comes in."""
    n, _, height, width = x.shape
    down, right = torch.randint(2 * most + 1, (2, n, 1), generator=rng)  # (N, 1) each
    rows, columns = down + torch.arange(height), right + torch.arange(width)  # (N, H), (N, W)
    padded = pad(x[:, 0], [most] * 4, value=-1.0)  # (N, H + 2 most, W + 2 most)
    return padded[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None]][:, None]


def train(data: Images, seed: int, steps: int) -> DigitClassifier:
    """A classifier for the pictures of `data`; the same seed gives the same weights."""
    size = data.x.shape[-1]
    rng = torch.Generator().manual_seed(seed)
    classifier = DigitClassifier(size)
    initialise(classifier, rng)
    classifier.to(memory_format=torch.channels_last)  # twice as fast on a CPU
    optimizer = torch.optim.AdamW(classifier.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=steps)
    batches: list[Tensor] = []
    for _ in trange(steps, desc=f"{size} x {size}", unit="step", leave=False):
        if not batches:  # another epoch; what does not fill a batch is left out
            order = torch.randperm(len(data), generator=rng)
            batches = [b for b in order.split(BATCH) if len(b) == BATCH]
        chosen = batches.pop()
        logits = classifier(shifted(data.x[chosen], SHIFT[size], rng))  # (BATCH, 10)
        loss = cross_entropy(logits, data.y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return classifier.eval()


def accuracy(classifier: DigitClassifier, data: Images) -> float:
    """The share of pictures that are classified as what they are."""
    return (classify(classifier, data.x)[0] == data.y).double().mean().item()


def make(
    size: int, folder: Path, seed: int = SEED, steps: int | None = None, dataset: str = "digits"
) -> float:
    """Train, write the weights into `folder`, and return the accuracy on the test pictures."""
    steps = STEPS[dataset][size] if steps is None else steps
    classifier = train(load(dataset, "train", size), seed, steps)
    reached = accuracy(classifier, load(dataset, "test", size))
    about = {"test_accuracy": reached, "seed": seed, "steps": steps, "command": COMMAND}
    write_weights(folder / file_name(size, dataset), {"": classifier}, about)
    return reached


def validate(size: int, seed: int, dataset: str = "digits") -> float:
    """The accuracy on 5,000 of the training pictures that were not trained on."""
    data = load(dataset, "train", size)
    n = len(data) - 5000
    classifier = train(Images("first", data.x[:n], data.y[:n]), seed, STEPS[dataset][size])
    return accuracy(classifier, Images("last", data.x[n:], data.y[n:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=SETS, help="one data set instead of both")
    parser.add_argument("--validate", action="store_true", help="write nothing, see the head")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # so that the weights do not depend on the number of cores
    for dataset, size in product([arguments.only] if arguments.only else SETS, SIZES):
        for seed in VALIDATION_SEEDS if arguments.validate else (SEED,):
            start = time.perf_counter()
            if arguments.validate:
                reached, where = validate(size, seed, dataset), "validation"
            else:
                reached, where = make(size, Path(__file__).parent, dataset=dataset), "test"
            seconds = time.perf_counter() - start
            print(f"{dataset} {size} x {size}, seed {seed}: {where} {reached:.2%}, {seconds:.0f} s")


if __name__ == "__main__":
    main()
