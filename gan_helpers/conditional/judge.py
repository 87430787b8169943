"""Does a conditional GAN make what was asked for, and in how many ways?

Both questions are put to a classifier: `agreement` to its verdict, `variety` to the features
behind it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_helpers.checks import check_has, check_int, check_is, check_seed
from gan_helpers.classifier import DigitClassifier, in_batches
from gan_helpers.conditional.training import ConditionalGAN
from gan_helpers.datasets.images import Images
from gan_helpers.metrics import frechet_distance


def within_class_variance(features: Tensor, y: Tensor, n_classes: int) -> Tensor:
    """How much the samples of a class differ: the sum of their features' variances, `[K]`.

    Args:
        features: `[N, F]`; y: the classes `[N]`, at least two samples of each.
        n_classes: K.
    """
    groups = [features[y == k] for k in range(n_classes)]
    if fewest := [k for k, group in enumerate(groups) if len(group) < 2]:
        raise ValueError(f"class {fewest[0]} has fewer than 2 samples, so it has no variance.")
    return torch.stack([group.var(0).sum() for group in groups])


@dataclass(frozen=True)
class ClassReport:
    """How well a conditional GAN does what it is told.

    Attributes:
        agreement: share of the samples that the classifier takes for the class asked for, 0 to 1.
        variety: variance of the features within each class, generated over real, `[K]`; 1 is as
            varied as the data.
        frechet: distance of the features, generated from real; depends on how many there are.
        by_class: the agreement of each class, `[K]`; a class that G cannot make is seen here alone.

    All of it is nan where pictures are.
    """

    agreement: float
    variety: Tensor
    frechet: float
    by_class: Tensor

    def numbers(self) -> dict[str, float]:
        """The same as single numbers: `variety` is the mean over the classes."""
        variety = float(self.variety.mean())
        return {"agreement": self.agreement, "variety": variety, "frechet": self.frechet}


class ClassJudge:
    """Judges conditional GANs, always by the same real pictures and the same noise.

    Args:
        classifier: trained on data like these.
        real: what is compared with; a test set, where there is one.
        per_class: generated pictures of each class, 2 to 10^5.
        seed: of their noise.

    Raises:
        ValueError, TypeError: if an argument is not as above, the classifier is for pictures of
            another size, or a class has fewer than two of them.
    """

    def __init__(
        self, classifier: DigitClassifier, real: Images, per_class: int = 50, seed: int = 0
    ) -> None:
        check_has("classifier", classifier, ("features", "out"), "a classifier (load_classifier)")
        check_is("real", real, Images, "Images, e.g. load_mnist('test', 16)")
        self.classifier, self.seed = classifier, check_seed(seed)
        self.per_class = check_int("per_class", per_class, 2, 10**5)
        self.features = in_batches(classifier.features, real.x)  # (M, F)
        self.K = real.n_classes
        self.variance = within_class_variance(self.features, real.y, self.K)  # (K,)

    def __call__(self, gan: ConditionalGAN) -> ClassReport:
        """What `gan` makes now, judged; its averaged weights where there are some.

        Raises:
            ValueError, TypeError: if it is no conditional GAN of pictures and classes like these.
        """
        check_has("gan", gan, ("sample", "sample_z"), "a ConditionalGAN")
        y = torch.arange(self.K).repeat(self.per_class).to(self.features.device)  # (N,)
        rng = torch.Generator(y.device).manual_seed(self.seed)
        z = gan.sample_z(len(y), rng)
        parts = zip(z.split(500), y.split(500), strict=True)
        features = torch.cat([self.classifier.features(gan.sample(*part)) for part in parts])
        if not features.isfinite().all():  # the GAN has blown up
            unknown = torch.full((self.K,), math.nan)
            return ClassReport(math.nan, unknown, math.nan, unknown)
        right = (self.classifier.out(features).argmax(1) == y).float()
        by_class = right.view(self.per_class, self.K).mean(0)  # y runs through the classes
        variance = within_class_variance(features, y, self.K)
        frechet = frechet_distance(features, self.features)
        return ClassReport(float(right.mean()), variance / self.variance, float(frechet), by_class)
