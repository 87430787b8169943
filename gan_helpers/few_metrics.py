"""What few pictures do to a GAN: how much D overfits, how good G is, and what leaked into it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from gan_helpers.checks import check_choice
from gan_helpers.classifier import DigitClassifier, in_batches
from gan_helpers.images import Images
from gan_helpers.metrics import frechet_distance
from gan_helpers.training import GAN, looking_at


@dataclass(frozen=True)
class FewReport:
    """How well a GAN does on few pictures.

    Attributes:
        frechet: distance of the features, generated from held-out; depends on how many there are.
        d_train, d_held, d_fake: D's mean logit at training pictures, at real ones that it has never
            seen, and at generated ones, none of them transformed.

    All of it is nan where pictures are.
    """

    frechet: float
    d_train: float
    d_held: float
    d_fake: float

    @property
    def gap(self) -> float:
        """How much better D knows what it was trained on: 0 without overfitting."""
        return self.d_train - self.d_held

    def numbers(self) -> dict[str, float]:
        """The same as a dictionary, without the gap."""
        return asdict(self)


class FewJudge:
    """Judges GANs by the same held-out pictures and the same noise.

    Args:
        classifier: trained on data like these.
        train: what the GANs learn from.
        held: real pictures that they never see. Of both, D is asked about the first 500, so shuffle
            what is sorted.
        n: generated pictures that are judged.
        seed: of their noise.
    """

    def __init__(
        self, classifier: DigitClassifier, train: Images, held: Images, n: int = 500, seed: int = 0
    ) -> None:
        self.classifier, self.n, self.seed = classifier, n, seed
        self.features = in_batches(classifier.features, held.x)  # (M, F)
        self.x_train, self.x_held = train.x[:500], held.x[:500]

    def __call__(self, gan: GAN) -> FewReport:
        """What `gan` makes and says now; its averaged weights where there are some."""
        x_fake = make(gan, self.n, self.seed)
        if not x_fake.isfinite().all():
            return FewReport(*[math.nan] * 4)
        frechet = frechet_distance(in_batches(self.classifier.features, x_fake), self.features)
        with looking_at(gan.D), torch.no_grad():
            logits = [float(gan.D(x).mean()) for x in (self.x_train, self.x_held, x_fake[:500])]
        return FewReport(float(frechet), *logits)


def make(gan: GAN, n: int, seed: int = 0) -> Tensor:
    """`n` generated pictures from noise of their own, `[n, C, H, W]`."""
    device = next(gan.G.parameters()).device
    z = gan.sample_z(n, torch.Generator(device).manual_seed(seed))
    return torch.cat([gan.sample(part) for part in z.split(500)])


# --- what leaked ---------------------------------------------------------------------------------


def background(x: Tensor) -> Tensor:
    """The median pixel of each picture, `[N]`; black (-1) for a digit. x: `[N, C, H, W]`."""
    return x.flatten(1).median(1).values


def off_centre(x: Tensor) -> Tensor:
    """How far the centre of mass is from the middle, in pixels, `[N]`. x: `[N, C, H, W]`."""
    mass = (x + 1).clamp(min=0).mean(1)  # (N, H, W)
    total = mass.sum((1, 2)) + 1e-9
    parts = []
    for axis, n in ((1, x.shape[2]), (2, x.shape[3])):
        place = torch.arange(n, device=x.device) - (n - 1) / 2
        parts.append((mass.sum(3 - axis) * place).sum(1) / total)
    return torch.stack(parts).norm(dim=0)


#: Transform -> a number that tells its trace, and by how much it has to exceed that of real ones.
TRACES = {"brightness": (background, 0.1), "translate": (off_centre, 1.0)}


def traced(x: Tensor, real: Tensor, name: str) -> float:
    """The share of pictures in which a transform has left its trace.

    A picture counts if its number lies above that of 99.9 % of the real pictures, by more than the
    margin in `TRACES`: its background is no longer black, or it is a pixel farther off its centre.

    Args:
        x: generated pictures `[N, C, H, W]`.
        real: real ones, not transformed `[M, C, H, W]`.
        name: a row of `TRACES`.
    """
    check_choice("trace", name, TRACES)
    measure, margin = TRACES[name]
    bound = measure(real).quantile(0.999) + margin
    return float((measure(x) > bound).float().mean())


def mirrored(x: Tensor, real: Tensor) -> float:
    """The share of pictures that look more like a mirrored real one than like a real one.

    By the distance from the nearest of each, pixel by pixel. Symmetric ones, e.g. a digit 8, count
    about half the time, so compare with the share of other real pictures.

    x: generated pictures `[N, C, H, W]`; real: real ones `[M, C, H, W]`.
    """
    near, near_mirrored = (
        torch.cat([torch.cdist(part.flatten(1), y.flatten(1)).amin(1) for part in x.split(500)])
        for y in (real, real.flip(-1))
    )
    return float((near_mirrored < near).float().mean())
