"""A classifier of pictures: which class is a picture, and what are its features?

One network, trained on the digits of MNIST and again on the clothes of Fashion-MNIST. The weights
are in the repository; data/train_classifier.py makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from gan_helpers.checks import (
    brief,
    check_callable,
    check_choice,
    check_device,
    check_int,
    check_is,
    check_scale,
    kind_of,
    plain,
)
from gan_helpers.datasets.images import SETS
from gan_helpers.weights import read_weights

SIZES = (16, 28)
N_FEATURES = 64


class DigitClassifier(nn.Module):
    """Two convolutions and two linear layers, after LeNet (LeCun et al., 1998).

    Args:
        size: edge of a picture, 16 or 28.

    Raises:
        ValueError: if there is no such size.
    """

    def __init__(self, size: int = 28) -> None:
        super().__init__()
        self.size = check_size(size)
        with torch.random.fork_rng(devices=[]):  # first weights do not move the random state
            self.body = nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1),
                nn.MaxPool2d(2),  # (N, 16, size/2, size/2)
                nn.ReLU(),  # after the maximum: the same, of a quarter of the numbers
                nn.Conv2d(16, 32, 3, padding=1),
                nn.MaxPool2d(2),  # (N, 32, size/4, size/4)
                nn.ReLU(),
                nn.Flatten(),
                nn.Linear(32 * (size // 4) ** 2, N_FEATURES),
                nn.ReLU(),
            )
            self.out = nn.Linear(N_FEATURES, 10)

    def features(self, x: Tensor) -> Tensor:
        """x `[N, 1, size, size]` in [-1, 1] -> what the last layer sees, `[N, 64]`, 0 or more.

        Raises:
            ValueError: if x has another shape, or is surely not in [-1, 1]; the message tells how
                it is brought there. NaN passes: what a GAN makes that has blown up has features
                that are NaN.
            TypeError: if x is no tensor of floats.
        """
        self.check_pictures(x)
        return self.body(x)

    def check_pictures(self, x: object) -> None:
        """Raise if these are no pictures for this classifier, see `features`."""
        if not isinstance(x, Tensor):
            raise TypeError(
                f"x is {kind_of(x)}; it has to be a float tensor [N, 1, {self.size}, {self.size}] "
                f"in [-1, 1]. torch.as_tensor(x) makes a tensor of an array."
            )
        if x.dim() != 4 or x.shape[1:] != (1, self.size, self.size):
            raise ValueError(
                f"x has shape {list(x.shape)}; this classifier needs [N, 1, {self.size}, "
                f"{self.size}]. load_classifier(size) has one for each size of {SIZES}."
            )
        if not x.is_floating_point():
            raise TypeError(
                f"x is {x.dtype}; it has to be float in [-1, 1]. Bytes are brought there by "
                f"x / 127.5 - 1."
            )
        if x.dtype != (own := self.out.weight.dtype):
            raise TypeError(f"x is {x.dtype}, the classifier works in {own}; use x.to({own}).")
        if len(x) and not self.training:  # in training they come from a data set, by the thousand
            check_scale("x", x, nan=True, warn=False)

    def textures(self, x: Tensor) -> Tensor:
        """What the convolutions see, wherever it is: `[N, 64]`, for x `[N, 1, size, size]`.

        The mean and the standard deviation over the picture of each map of the second layer:
        strokes and surfaces, where `features` are what tells the classes apart. Errors as there.
        """
        self.check_pictures(x)
        maps = self.body[:6](x)  # (N, 32, size/4, size/4)
        return torch.cat([maps.mean((2, 3)), maps.std((2, 3))], 1)

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, 1, size, size]` in [-1, 1] -> the logits of the ten classes, `[N, 10]`."""
        return self.out(self.features(x))


def check_size(size: object) -> int:
    """Return `size` if there is a classifier for pictures of that size."""
    edge = plain(size)
    if isinstance(edge, bool) or not isinstance(edge, int) or edge not in SIZES:
        raise ValueError(f"size = {brief(size)} has no classifier; choose one of {SIZES}.")
    return edge


def file_name(size: int, dataset: str = "digits") -> str:
    """The name of the weights for pictures of that size of that data set."""
    check_choice("dataset", dataset, SETS)
    return f"{dataset}_classifier_{check_size(size)}.safetensors"


def load_classifier(
    size: int = 28,
    device: str | torch.device = "cpu",
    root: str | Path | None = None,
    dataset: str = "digits",
) -> DigitClassifier:
    """The trained classifier for pictures of that size: in eval mode, its weights frozen.

    Args:
        size: edge of a picture, 16 or 28.
        device: where it is to work.
        root: the folder to look in; by default where the embedded data are.
        dataset: a name in `images.SETS`: "digits", or "fashion" for clothes.

    Raises:
        ValueError: if there is no such size, data set or device.
        FileNotFoundError, OSError: if the weights are missing or damaged; the message says how to
            get them back.
    """
    file, device = file_name(size, dataset), check_device(device)
    classifier = DigitClassifier(size)
    read_weights(file, {"": classifier}, root, noted=False)  # any of your own will do
    return classifier.to(device).eval().requires_grad_(False)


@torch.no_grad()
def in_batches(function: Callable[[Tensor], Tensor], x: Tensor, size: int = 1000) -> Tensor:
    """`function(x)` a batch at a time, so that 60,000 pictures need little memory.

    Without gradients.

    Args:
        function: from `[N, ...]` to `[N, ...]`, each row by itself, e.g. `classifier.features`.
        x: `[N, ...]`.
        size: rows in a batch, 1 or more.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_callable("function", function, "a function, [N, ...] -> [N, ...]")
    if check_is("x", x, Tensor, "a tensor [N, ...]").dim() == 0:
        raise ValueError("x has shape []; it has to be [N, ...].")
    size = check_int("size", size, 1, 10**9)
    return torch.cat([function(batch) for batch in x.split(size)])


def classify(classifier: DigitClassifier, x: Tensor) -> tuple[Tensor, Tensor]:
    """What the classifier sees in each picture, and how sure of it it is.

    Args:
        classifier: as loaded by `load_classifier`.
        x: pictures `[N, 1, size, size]` in [-1, 1], on the device of the classifier.

    Returns:
        (class `[N]`, int64; its probability according to the classifier `[N]`, 0.1 to 1).

    Raises:
        ValueError: if x has another shape, is not finite, or is surely not in [-1, 1]; the message
            tells how it is brought there.
        TypeError: if x is no tensor of floats.

    Warns:
        UserWarning: if x has no value below 0, but might be in [-1, 1] all the same.
    """
    check_is("classifier", classifier, DigitClassifier, "a classifier; load_classifier() gives one")
    if isinstance(x, Tensor) and not x.isfinite().all():  # NaN would look like a 0
        raise ValueError("x holds NaN or infinity; the pictures have to be in [-1, 1].")
    classifier.check_pictures(x)
    if len(x):
        check_scale("x", x)
    confidence, digit = in_batches(classifier, x).softmax(-1).max(-1)
    return digit, confidence
