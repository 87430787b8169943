"""Which classes a GAN makes that nobody asks for one: mode collapse among pictures."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gan_helpers.classifier import SIZES, load_classifier
from gan_helpers.datasets.images import Images

N_COUNTED = 200  # pictures that are read
RARE = 0.2  # of its fair share: what is rarer does not count as seen


class ClassCounter:
    """Counts what a classifier reads in pictures of a GAN, always of the same noise.

    Args:
        classifier: of pictures like these, `[N, 1, H, W]` -> `[N, K]`.
        classes: which of its classes the data have, `[M]`.
        seed: of the noise.
    """

    def __init__(self, classifier: Any, classes: Tensor, seed: int = 0) -> None:
        self.classifier, self.classes, self.seed = classifier, classes, seed

    @torch.no_grad()
    def __call__(self, gan: Any) -> Tensor:
        """The share of each of the classes, `[M]`, 0 to 1; nan where pictures are."""
        rng = torch.Generator(self.classes.device).manual_seed(self.seed)
        x = gan.sample(gan.sample_z(N_COUNTED, rng))
        if not x.isfinite().all():
            return torch.full((len(self.classes),), torch.nan)
        read = self.classifier(x).argmax(1)  # (N,)
        return (read[:, None] == self.classes).float().mean(0).cpu()

    def meters(self, shares: Tensor) -> list[dict[str, Any]]:
        """How many classes are seen, and which is made most."""
        fair = 1 / len(shares)
        most = int(shares.argmax())
        return [
            {"id": "seen", "value": int((shares >= RARE * fair).sum()), "of": len(shares)},
            {
                "id": "commonest",
                "name": str(int(self.classes[most])),
                "value": float(shares[most]),
                "unit": "%",
            },
        ]


def counter_of(data: Any) -> ClassCounter | None:
    """A counter with the classifier that knows these data, if there is one."""
    if not isinstance(data, Images) or not data.dataset or data.event_shape[-1] not in SIZES:
        return None
    if data.y is None:
        return None
    classifier = load_classifier(data.event_shape[-1], data.x.device, dataset=data.dataset)
    return ClassCounter(classifier, data.y.unique())
