"""What few pictures do to a GAN: how much D overfits, how good G is, and what leaked into it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from gan_helpers.checks import (
    check_choice,
    check_floats,
    check_has,
    check_int,
    check_is,
    check_scale,
    check_seed,
    check_together,
)
from gan_helpers.classifier import DigitClassifier, in_batches
from gan_helpers.datasets.images import Images
from gan_helpers.metrics import frechet_distance, precision_and_recall
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


@dataclass(frozen=True)
class CopyReport:
    """Whether a GAN makes pictures of its own, or those it was trained on again.

    Attributes:
        precision, recall: of the features, see `metrics.precision_and_recall`. Poor pictures have a
            low precision; copies a high one, and a low recall.
        copied: share of the pictures that are nearer to the training pictures than to as many
            others, see `copied`; 0.5 is no copying.

    All of it is nan where pictures are.
    """

    precision: float
    recall: float
    copied: float

    def numbers(self) -> dict[str, float]:
        """The same as a dictionary."""
        return asdict(self)


class FewJudge:
    """Judges GANs by the same held-out pictures and the same noise.

    Args:
        classifier: trained on data like these.
        train: what the GANs learn from.
        held: real pictures that they never see. Of both, D is asked about the first 500, so shuffle
            what is sorted.
        n: generated pictures that are judged, 2 to 10^6.
        seed: of their noise.

    Raises:
        ValueError, TypeError: if an argument is not as above, or the classifier is for pictures of
            another size.
    """

    def __init__(
        self, classifier: DigitClassifier, train: Images, held: Images, n: int = 500, seed: int = 0
    ) -> None:
        check_has("classifier", classifier, ("features",), "a classifier (load_classifier)")
        for name, images in (("train", train), ("held", held)):
            check_is(name, images, Images, "Images, e.g. load_mnist('test', 16)")
        if train.event_shape != held.event_shape:
            raise ValueError(
                f"train has pictures of shape {train.event_shape}, held of {held.event_shape}."
            )
        self.n, self.seed = check_int("n", n, 2, 10**6), check_seed(seed)
        self.classifier = classifier
        self.features = in_batches(classifier.features, held.x)  # (M, F)
        self.x_train, self.x_held = train.x[:500], held.x[:500]
        self.train = train

    def __call__(self, gan: GAN) -> FewReport:
        """What `gan` makes and says now; its averaged weights where there are some.

        Raises:
            ValueError, TypeError: if it is no GAN of pictures like these.
        """
        x_fake = make(gan, self.n, self.seed)
        if not x_fake.isfinite().all():
            return FewReport(*[math.nan] * 4)
        frechet = frechet_distance(in_batches(self.classifier.features, x_fake), self.features)
        with looking_at(gan.D), torch.no_grad():
            logits = [float(gan.D(x).mean()) for x in (self.x_train, self.x_held, x_fake[:500])]
        return FewReport(float(frechet), *logits)

    def copies(self, gan: GAN, other: Images) -> CopyReport:
        """Does `gan` copy what it is trained on?

        Args:
            gan: as it is now.
            other: as many real pictures as it is trained on, chosen like these, and unseen.

        Raises:
            ValueError, TypeError: if an argument is not as above.
        """
        check_is("other", other, Images, "Images, e.g. load_few('digits', 100, split='test')")
        if len(other) != len(self.train):
            raise ValueError(
                f"other has {len(other)} pictures, the GAN is trained on {len(self.train)}; half "
                "of all would be nearer to the one as to the other only if they were as many."
            )
        x_fake = make(gan, self.n, self.seed)
        if not x_fake.isfinite().all():
            return CopyReport(*[math.nan] * 3)
        features = in_batches(self.classifier.features, x_fake)
        m = min(self.n, len(self.features))  # as many of the one as of the other, at random
        order = torch.randperm(len(self.features), generator=torch.Generator().manual_seed(0))[:m]
        precision, recall = precision_and_recall(self.features[order], features[:m])
        nearer = copied(x_fake, self.train.x, other.x)
        return CopyReport(float(precision), float(recall), nearer)


def make(gan: GAN, n: int, seed: int = 0) -> Tensor:
    """`n` generated pictures from noise of their own, `[n, C, H, W]`.

    Args:
        gan: as it is now.
        n: 1 to 10^6.
        seed: of the noise.
    """
    check_has("gan", gan, ("G", "sample", "sample_z"), "a GAN")
    n, seed = check_int("n", n, 1, 10**6), check_seed(seed)
    device = next(gan.G.parameters()).device
    z = gan.sample_z(n, torch.Generator(device).manual_seed(seed))
    return torch.cat([gan.sample(part) for part in z.split(500)])


def copied(x: Tensor, train: Tensor, other: Tensor) -> float:
    """The share of pictures nearer to a training picture than to each of as many others.

    By the distance from the nearest of each, pixel by pixel; a draw counts half. Where nothing is
    copied it is about 0.5, for both are real pictures. A picture need not be a copy to count, so
    look at the nearest ones as well (`metrics.nearest_images`).

    Args:
        x: generated pictures `[N, C, H, W]`.
        train: what the GAN is trained on `[M, C, H, W]`.
        other: as many real pictures that it has never seen `[M, C, H, W]`.

    Returns:
        0 to 1; nan where generated pictures are.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_of_one_size(x, train, "train")
    check_of_one_size(x, other, "other")
    if len(train) != len(other):
        raise ValueError(f"train has {len(train)} pictures, other has {len(other)}; take as many.")
    if not x.isfinite().all():
        return math.nan
    near, near_other = nearest_of_each(x, train, other)
    return float((near < near_other).float().mean() + (near == near_other).float().mean() / 2)


def nearest_of_each(x: Tensor, *sets: Tensor) -> list[Tensor]:
    """How far pictures `[N, C, H, W]` are from the nearest of each set, pixel by pixel, `[N]`."""
    return [
        torch.cat([torch.cdist(part.flatten(1), y.flatten(1)).amin(1) for part in x.split(500)])
        for y in sets
    ]


# --- what leaked ---------------------------------------------------------------------------------


def background(x: Tensor) -> Tensor:
    """The median pixel of each picture, `[N]`; black (-1) for a digit, NaN where a pixel is.

    x: `[N, C, H, W]` in [-1, 1], or a little out of it if transformed.
    """
    check_transformed("x", x)
    return x.flatten(1).median(1).values


def off_centre(x: Tensor) -> Tensor:
    """How far the centre of mass is from the middle, in pixels, `[N]`; NaN where a pixel is.

    x: `[N, C, H, W]` in [-1, 1], or a little out of it if transformed.
    """
    check_transformed("x", x)
    mass = (x + 1).clamp(min=0).mean(1)  # (N, H, W)
    total = mass.sum((1, 2)) + 1e-9
    parts = []
    for axis, n in ((1, x.shape[2]), (2, x.shape[3])):
        place = torch.arange(n, device=x.device) - (n - 1) / 2
        parts.append((mass.sum(3 - axis) * place).sum(1) / total)
    return torch.stack(parts).norm(dim=0)


def paleness(x: Tensor) -> Tensor:
    """How little colour is in each picture, `[N]`: 0 for grey ones, less for colourful ones.

    Minus the mean over the pixels of the largest less the smallest channel; without an eighth of
    the edge on each side, where black comes in if it is turned. NaN where such a pixel is.

    x: `[N, C, H, W]` in [-1, 1], or a little out of it if transformed.
    """
    check_transformed("x", x)
    rim = [n // 8 for n in x.shape[-2:]]
    x = x[..., rim[0] : x.shape[-2] - rim[0], rim[1] : x.shape[-1] - rim[1]]
    return -(x.amax(1) - x.amin(1)).mean((1, 2))


def corner(x: Tensor) -> Tensor:
    """How dark the darkest corner is, `[N]`: 1 for black, -1 for a channel at its most.

    x: `[N, C, H, W]` in [-1, 1], or a little out of it if transformed; NaN where a corner is.
    """
    check_transformed("x", x)
    corners = x[..., [0, 0, -1, -1], [0, -1, 0, -1]]  # (N, C, 4)
    return -corners.amax(1).amin(1)


def slant(x: Tensor) -> Tensor:
    """By how many degrees the way from the green to the blue is off the vertical, `[N]`, 0 to 180.

    The way up where the sky is blue and the ground is green: that of the mean gradient of blue less
    green. NaN where a pixel is, 0 where there is no such way.

    x: `[N, 3, H, W]` in [-1, 1], or a little out of it if transformed.
    """
    check_transformed("x", check_floats("x", x, "[N, 3, H, W]", finite=False))
    blue = x[:, 2] - x[:, 1]  # (N, H, W)
    across = (torch.arange(x.shape[3], device=x.device) - (x.shape[3] - 1) / 2).expand_as(blue)
    up = ((x.shape[2] - 1) / 2 - torch.arange(x.shape[2], device=x.device))[:, None].expand_as(blue)
    right, above = ((blue * way).sum((1, 2)) / way.square().sum((1, 2)) for way in (across, up))
    return torch.atan2(right, above).abs() * 180 / math.pi


def check_transformed(name: str, x: object) -> None:
    """Raise if these are no pictures in [-1, 1], transformed or not; NaN passes."""
    check_scale(name, check_floats(name, x, "[N, C, H, W]", finite=False), most=3.0, nan=True)


def check_of_one_size(x: Tensor, real: Tensor, name: str = "real") -> None:
    """Raise if generated pictures `x` and real ones cannot be compared; only x may hold NaN."""
    check_transformed("x", x)
    check_transformed(name, check_floats(name, real, "[N, C, H, W]"))
    if x.shape[1:] != real.shape[1:]:
        raise ValueError(
            f"x has shape {list(x.shape)}, {name} has {list(real.shape)}; both have to be pictures "
            "of one size."
        )
    check_together("x", x, name, real)


#: Transform -> a number that tells its trace, and by how much it has to exceed that of real ones.
TRACES = {
    "brightness": (background, 0.1),  # of digits, as the next
    "translate": (off_centre, 1.0),
    "saturation": (paleness, 0.02),  # of landscapes, as the next; contrast leaves it, too
    "rotate": (slant, 0.0),
    "corner": (corner, 0.25),  # where black comes in as they are turned
}


def traced(x: Tensor, real: Tensor, name: str) -> float:
    """The share of pictures in which a transform has left its trace.

    A picture counts if its number lies above that of 99.9 % of the real pictures, by more than the
    margin in `TRACES`: its background is no longer black, say, or it is a pixel farther off its
    centre.

    Args:
        x: generated pictures `[N, C, H, W]`.
        real: real ones, not transformed `[M, C, H, W]`.
        name: a row of `TRACES`.

    Returns:
        0 to 1; nan where generated pictures are.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_choice("trace", name, TRACES)
    check_of_one_size(x, real)
    if not x.isfinite().all():
        return math.nan
    measure, margin = TRACES[name]
    bound = measure(real).quantile(0.999) + margin
    return float((measure(x) > bound).float().mean())


def mirrored(x: Tensor, real: Tensor) -> float:
    """The share of pictures that look more like a mirrored real one than like a real one.

    By the distance from the nearest of each, pixel by pixel. Symmetric ones, e.g. a digit 8, count
    about half the time, so compare with the share of other real pictures.

    x: generated pictures `[N, C, H, W]`; real: real ones `[M, C, H, W]`. It is nan where x is.
    """
    check_of_one_size(x, real)
    if not x.isfinite().all():
        return math.nan
    near, near_mirrored = nearest_of_each(x, real, real.flip(-1))
    return float((near_mirrored < near).float().mean())
