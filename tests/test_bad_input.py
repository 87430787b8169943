"""Every public function, given what it cannot use: a sentence that names it, or a sensible answer.

`ROWS` has good arguments for each public function, class and method of the package's own modules.
For each argument, each of many bad values takes the good one's place. There are two ways out: a
result without NaN and infinity, or a TypeError or ValueError that our own code has raised (a
`raise` of gan_helpers, not of torch or NumPy) and whose message names the argument. What an
annotation rules out, e.g. True for an int, has to be refused.
"""

from __future__ import annotations

import dis
import importlib
import inspect
import io
import math
import pkgutil
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

import gan_helpers
from gan_helpers import exercises
from gan_helpers.augmentation.judge import FewJudge
from gan_helpers.augmentation.training import Augmented, AugmentedGAN
from gan_helpers.augmentation.transforms import TRANSFORMS
from gan_helpers.classifier import load_classifier
from gan_helpers.conditional.judge import ClassJudge
from gan_helpers.conditional.training import Conditional, ConditionalGAN
from gan_helpers.datasets.images import Images
from gan_helpers.datasets.own import LEAST, Files
from gan_helpers.datasets.pairs import Pairs, Unpaired
from gan_helpers.datasets.points import Mixture, ring
from gan_helpers.datasets.scenes import Scenes
from gan_helpers.ensemble import Ensemble
from gan_helpers.experiment import Experiment
from gan_helpers.losses import LOSSES
from gan_helpers.models import MLP
from gan_helpers.training import GAN, train_step
from gan_helpers.translation.clouds import POINTS, PointCycleGAN, ring_and_rows
from gan_helpers.translation.cyclegan import CycleGAN
from gan_helpers.translation.pix2pix import Pix2Pix
from gan_helpers.translation.tasks import Task
from gan_helpers.translation.training import Translation

PACKAGE = Path(gan_helpers.__file__).parent
SOURCES = Path(__file__).parents[1] / "notebooks" / "source"
#: Modules of the table. Those of the files, of the lab and of the evidence have tests of their own.
MODULES = (
    *(
        "adam",
        "chance",
        "checks",
        "classifier",
        "critic",
        "cuda_graph",
        "ensemble",
        "losses",
        "metrics",
    ),
    *("experiment", "metrics", "models", "regularizers", "remedies", "training", "transport"),
    *("plots.axes", "plots.curves", "plots.diagrams", "plots.frames", "plots.pictures"),
    *("datasets.arrays", "datasets.idx", "datasets.images", "datasets.own"),
    *("datasets.pairs", "datasets.photos", "datasets.points"),
    *("datasets.scenes", "datasets.shoes"),
    *("conditional.judge", "conditional.training"),
    *("augmentation.judge", "augmentation.training", "augmentation.transforms"),
    *("translation.clouds", "translation.cyclegan", "translation.judge", "translation.networks"),
    *("translation.pix2pix", "translation.tasks", "translation.training"),
    *(f"exercises.{m.name}" for m in pkgutil.iter_modules(exercises.__path__)),
)


@dataclass
class Row:
    """How something is called.

    Args:
        good: makes arguments that it can use, anew for each call.
        says: argument -> how the message calls it, where that is another word.
        nan: arguments whose NaN, infinity or None comes out as such, as the docstring says.
        also: other exceptions that are right for bad values.
        of: makes what a method is called on.
        call: calls it, where that takes more than its name.
        judged: whether what is wrong may be judged so instead of being refused.
        skip: arguments that are not tried, and why.
    """

    good: Callable[[], dict[str, Any]]
    says: dict[str, str] = field(default_factory=dict)
    nan: tuple[str, ...] = ()
    also: tuple[type[Exception], ...] = ()
    of: Callable[[], Any] | None = None
    call: Callable[..., Any] | None = None
    judged: bool = False
    skip: dict[str, str] = field(default_factory=dict)


def words(text: str) -> list[str]:
    return text.split()


def args(**given: Any) -> dict[str, Any]:
    return given


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 6, channels: int = 1, size: int = 16, seed: int = 0) -> Tensor:
    """Noise in [-1, 1]."""
    return torch.rand(n, channels, size, size, generator=seeded(seed)) * 2 - 1


def images(n: int = 12, size: int = 16) -> Images:
    return Images("noise", pictures(n, 1, size), torch.arange(n) % 3)


def pairs() -> Pairs:
    return Pairs("noise", pictures(3), pictures(3, seed=1))


RING, CLOUDS = ring(), ring_and_rows()
SMALL = Experiment(batch_size=8, width=4, depth=1)
CONV = Experiment(network="conv", batch_size=8, width=4, latent_dim=4)
WAYS = Translation(width=4, depth=1, width_D=4, batch_size=2, history=2)
classifier = cache(partial(load_classifier, 16))
P = torch.full((10,), 0.1)
axes = cache(lambda: Figure().subplots())


def gan() -> GAN:
    return GAN(SMALL, (2,))


def a_step_on(device: str) -> Callable[[], Any]:
    trained, data = GAN(SMALL, (2,), device=device), RING.to(device)
    return lambda: train_step(trained, data)


def conditional() -> ConditionalGAN:
    return ConditionalGAN(Conditional(**vars(SMALL), condition="cgan"), (2,), n_classes=3)


def of_digits() -> ConditionalGAN:
    return ConditionalGAN(
        Conditional(network="conv", batch_size=8, width=4, condition="cgan"),
        (1, 16, 16),
        n_classes=3,
    )


def task() -> Task:
    return Task("own", pairs(), pairs(), WAYS)


def cycle() -> CycleGAN:
    return CycleGAN(WAYS)


def fields_of(kind: type, **given: Any) -> dict[str, Any]:
    """All fields of settings, so that each is tried."""
    settings = kind(**given)
    return {f.name: getattr(settings, f.name) for f in fields(settings)}


def answers(answer: Any) -> Row:
    """An exercise: whatever the reader answers is judged, in one of two languages."""
    return Row(lambda: {"answer": answer, "lang": "en"}, judged=True)


def drawn() -> Files:
    """Files with a grey picture each."""
    files = io.BytesIO()
    Image.new("L", (9, 9), 100).save(files, "png")
    return dict.fromkeys([f"{k}.png" for k in range(LEAST)], files.getvalue)


def frame_of(kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A frame as the lab makes it, by hand."""
    header: dict[str, Any] = {"kind": kind, "step": 3, "meters": [], "range": [-2, 2, -2, 2]}
    header |= {"critic": False, "rows": ["input"]}
    line = np.linspace(-2, 2, 5, dtype=np.float32)
    points = np.stack([line, line], 1)
    arrays = {
        "1d": dict.fromkeys(("x", "p", "q", "D", "D_star", "z", "gz"), line),
        "2d": {"heat": np.zeros((4, 4)), "real": points, "fake": points, "push": points},
        "images": {"grid": np.zeros((4, 8, 8), np.uint8)},
        "rows": {"row_0": np.zeros((4, 8, 8), np.uint8)},
    }[kind]
    return header, arrays


def frame(kind: str) -> dict[str, Any]:
    header, arrays = frame_of(kind)
    return {"header": header, "arrays": arrays, "ax": axes()}


def many() -> dict[str, Any]:
    header, arrays = frame_of("images")
    parts = {f"{k}/{name}": array for k in range(2) for name, array in arrays.items()}
    members = [header | {"name": f"{k}"} for k in range(2)]
    head = {"kind": "many", "step": 3, "phase": "", "members": members}
    return {"header": head, "arrays": parts, "ax": Figure().subplots()}


def net(n_in: int = 2, n_out: int = 1) -> nn.Module:
    return MLP(n_in, n_out, 4, 1)


def D() -> Callable[[Tensor], Tensor]:
    """A critic of points."""
    inner = net()
    return lambda x: inner(x).squeeze(-1)


def mean_mix(d_real: Tensor, d_fake: Tensor) -> Tensor:
    return d_fake.mean(-1) - d_real.mean(-1)


DENSITIES = {"p": P, "q": P.flip(0), "dx": 1.0}
EXERCISES = {
    "augmentation.check_augmented_loss": answers(lambda D, T, x, y: (D(x).mean(), D(y).mean())),
    "augmentation.check_flipped": answers({0, 1}),
    "augmentation.check_heuristic": answers(0.4),
    "augmentation.check_mirrored": answers({0, 1}),
    "augmentation.check_quarter_turns": answers(0.4),
    "basic_gan.check_gradient_ratio": answers(6.0),
    "basic_gan.check_linear_generator": answers((0.5, 1.0)),
    "basic_gan.check_optimal_logit": answers(lambda x: x),
    "basic_gan.check_two_G_updates": answers(lambda gan, data: (0.0, 0.0)),
    "basic_gan.check_value_at_equality": answers(0.5),
    "conditional.check_channels": answers(4),
    "conditional.check_disobedient": answers(0.5),
    "conditional.check_double_softmax": answers(0.5),
    "conditional.check_matching_aware": answers(lambda a, b, c: a.mean()),
    "difficulties.check_best_answer": answers("a"),
    "difficulties.check_cure": answers({"width": 8}),
    "difficulties.check_diagnosis": answers(dict.fromkeys("ABC", "mode_collapse")),
    "difficulties.check_pack": answers(lambda x, m: x),
    "difficulties.check_spectral_norm": answers(5.0),
    "difficulties.check_stuck_slope": answers(-1.0),
    "translation.check_cycle_loss": answers(lambda ab, ba, a, b: (a - b).mean()),
    "translation.check_least_l1": answers(0.4),
    "translation.check_negatives": answers(1.0),
    "translation.check_patch_width": answers(13),
    "wgan.check_critic_loss": answers(lambda critic, x, y, e: critic(x).mean()),
    "wgan.check_distance_by_hand": answers(3.0),
    "wgan.check_one_sided": answers(lambda s: s.mean()),
    "wgan.check_penalised_slope": answers(1.0),
    "wgan.check_what_jsd_sees": answers(0.5),
}

ROWS: dict[str, Row] = {
    # --- one GAN
    "experiment.Experiment": Row(lambda: fields_of(Experiment)),
    "training.GAN": Row(lambda: args(experiment=SMALL, event_shape=(2,), seed=0, device="cpu")),
    "training.GAN.check_settings": Row(lambda: args(experiment=SMALL), of=gan),
    "training.GAN.check_change": Row(lambda: args(experiment=SMALL), of=gan),
    "training.GAN.configure": Row(lambda: args(experiment=SMALL), of=gan),
    "training.GAN.sample_z": Row(lambda: args(n=5, rng=seeded()), of=gan),
    "training.GAN.sample": Row(lambda: args(z=torch.zeros(5, 2)), of=gan),
    "training.GAN.check_z": Row(lambda: args(z=torch.zeros(5, 2)), of=gan),
    "training.GAN.copy": Row(dict, of=gan),
    "training.looking_at": Row(lambda: args(net=net())),
    "training.make_networks": Row(
        lambda: args(experiment=SMALL, event_shape=(2,), rng=seeded(), more_z=1, more_x=1, n_out=1)
    ),
    "experiment.share_left": Row(lambda: args(step=1, steps=4, begin=0.25)),
    "experiment.faded": Row(lambda: args(experiment=SMALL, step=1, steps=4, begin=0.25)),
    "training.make_adam": Row(lambda: args(net=net(), lr=1e-3, betas=(0.5, 0.9))),
    "training.gradient_norm": Row(lambda: args(net=net())),
    "models.MLP": Row(lambda: args(n_in=2, n_out=1, width=4, depth=1)),
    "models.Generator": Row(
        lambda: args(latent_dim=2, event_shape=(2,), width=4, depth=1, rng=seeded())
    ),
    "models.Discriminator": Row(
        lambda: args(event_shape=(2,), width=4, depth=1, rng=seeded(), pac=1, n_out=1)
    ),
    "models.ConvGenerator": Row(
        lambda: args(latent_dim=2, size=8, width=4, channels=1, rng=seeded())
    ),
    "models.ConvDiscriminator": Row(
        lambda: args(size=8, width=4, channels=1, rng=seeded(), pac=1, n_out=1)
    ),
    "models.initialise": Row(lambda: args(net=net(), rng=seeded())),
    "losses.Loss": Row(
        lambda: args(
            name="own",
            discriminator=mean_mix,
            generator=lambda d: -d.mean(-1),
            is_probability=False,
            estimates_distance=False,
            boundary=0.5,
        )
    ),
    "losses.get_loss": Row(lambda: args(loss="hinge")),
    "losses.reversed_losses": Row(lambda: args(loss=LOSSES["hinge"])),
    "losses.check_loss": Row(lambda: args(loss=LOSSES["hinge"])),
    "regularizers.SpectralNorm": Row(
        lambda: args(weight=torch.eye(3), stacked=0, warm_up=3), nan=("weight",)
    ),
    "regularizers.set_spectral_norm": Row(lambda: args(net=net(), on=True)),
    "remedies.with_remedy": Row(
        lambda: args(experiment=SMALL, name="ttur"), says={"name": "remedy"}
    ),
    "critic.slopes": Row(lambda: args(D=D(), x=torch.rand(5, 2)), nan=("x",)),
    "critic.weight_histogram": Row(lambda: args(D=net(), bins=5)),
    "ensemble.Ensemble": Row(lambda: args(members=[gan(), gan()])),
    "ensemble.Ensemble.configure": Row(
        lambda: args(experiments=[SMALL, SMALL]),
        of=lambda: Ensemble([gan(), gan()]),
        says={"experiments": "experiments?"},
    ),
    "ensemble.Ensemble.hand_out_gradients": Row(dict, of=lambda: Ensemble([gan()])),
    "ensemble.Ensemble.release": Row(dict, of=lambda: Ensemble([gan()])),
    "cuda_graph.RecordedStep": Row(lambda: args(gan=gan(), data=RING)),
    # --- what is measured
    "metrics.mode_coverage": Row(lambda: args(x=torch.rand(5, 2), mixture=RING, radius=3.0)),
    "metrics.mode_counts": Row(lambda: args(x=torch.rand(5, 2), mixture=RING, radius=3.0)),
    "metrics.optimal_discriminator": Row(lambda: args(p=P, q=P)),
    "metrics.kl_divergence": Row(lambda: args(**DENSITIES)),
    "metrics.jensen_shannon": Row(lambda: args(**DENSITIES)),
    "metrics.total_variation": Row(lambda: args(**DENSITIES)),
    "metrics.game_value": Row(lambda: args(**DENSITIES, logits=torch.zeros(10))),
    "metrics.normal_quantiles": Row(lambda: args(n=5)),
    "metrics.pushforward_density": Row(
        lambda: args(g=torch.linspace(-1, 1, 9), edges=torch.linspace(-2, 2, 5))
    ),
    "metrics.nearest_images": Row(lambda: args(x=pictures(3), images=pictures(5))),
    "metrics.frechet_distance": Row(lambda: args(a=torch.rand(5, 2), b=torch.rand(6, 2))),
    "metrics.precision_and_recall": Row(
        lambda: args(real=torch.rand(5, 2), fake=torch.rand(6, 2), k=3)
    ),
    "transport.wasserstein_distance": Row(lambda: args(x=torch.rand(5, 2), y=torch.rand(5, 2))),
    "transport.optimal_assignment": Row(lambda: args(x=torch.rand(5, 2), y=torch.rand(5, 2))),
    "transport.check_samples": Row(
        lambda: args(x=torch.rand(5, 2), y=torch.rand(5, 2), most=1e15),
        skip={"most": "of wasserstein_distance"},
    ),
    "transport.cumulative": Row(lambda: args(p=P, dx=0.1)),
    "transport.wasserstein_of_densities": Row(lambda: args(**DENSITIES)),
    "classifier.check_size": Row(lambda: args(size=16)),
    "classifier.file_name": Row(lambda: args(size=16, dataset="digits")),
    "classifier.DigitClassifier": Row(lambda: args(size=16)),
    "classifier.DigitClassifier.features": Row(
        lambda: args(x=pictures(3)), of=classifier, nan=("x",)
    ),
    "classifier.DigitClassifier.textures": Row(
        lambda: args(x=pictures(3)), of=classifier, nan=("x",)
    ),
    "classifier.DigitClassifier.check_pictures": Row(
        lambda: args(x=pictures(3)), of=classifier, nan=("x",)
    ),
    "classifier.load_classifier": Row(
        lambda: args(size=16, device="cpu", root=None, dataset="digits"),
        also=(OSError,),
    ),
    "classifier.in_batches": Row(
        lambda: args(function=lambda x: x, x=torch.rand(5, 2), size=2), nan=("x",)
    ),
    "classifier.classify": Row(lambda: args(classifier=classifier(), x=pictures(3))),
    "conditional.judge.ClassJudge": Row(
        lambda: args(classifier=classifier(), real=images(), per_class=2, seed=0)
    ),
    "conditional.judge.ClassJudge.__call__": Row(
        lambda: args(gan=of_digits()), of=lambda: ClassJudge(classifier(), images(), 2)
    ),
    "augmentation.judge.FewJudge": Row(
        lambda: args(classifier=classifier(), train=images(), held=images(), n=2, seed=0)
    ),
    "augmentation.judge.FewJudge.__call__": Row(
        lambda: args(gan=GAN(CONV, (1, 16, 16))),
        of=lambda: FewJudge(classifier(), images(), images(), 2),
    ),
    "augmentation.judge.FewJudge.copies": Row(
        lambda: args(gan=GAN(CONV, (1, 16, 16)), other=images()),
        of=lambda: FewJudge(classifier(), images(), images(), 4),
    ),
    "augmentation.judge.copied": Row(
        lambda: args(x=pictures(3), train=pictures(4), other=pictures(4, seed=1)), nan=("x",)
    ),
    "augmentation.judge.paleness": Row(lambda: args(x=pictures(3, 3)), nan=("x",)),
    "augmentation.judge.corner": Row(lambda: args(x=pictures(3, 3)), nan=("x",)),
    "augmentation.judge.slant": Row(lambda: args(x=pictures(3, 3)), nan=("x",)),
    "augmentation.judge.make": Row(lambda: args(gan=gan(), n=3, seed=0)),
    "augmentation.judge.background": Row(lambda: args(x=pictures(3)), nan=("x",)),
    "augmentation.judge.off_centre": Row(lambda: args(x=pictures(3)), nan=("x",)),
    "augmentation.judge.traced": Row(
        lambda: args(x=pictures(3), real=pictures(4), name="translate"),
        nan=("x",),
        says={"name": "trace"},
    ),
    "augmentation.judge.mirrored": Row(lambda: args(x=pictures(3), real=pictures(4)), nan=("x",)),
    "translation.judge.roughness": Row(lambda: args(x=pictures(3)), nan=("x",)),
    "translation.judge.judge_translation": Row(
        lambda: args(translate=torch.neg, data=pairs(), features=lambda x: x.flatten(1)[:, :4]),
        nan=("features",),
    ),
    "translation.judge.cycle_error": Row(
        lambda: args(gan=cycle(), data=pairs(), noise=0.01, seed=0)
    ),
    "translation.judge.hidden_pair_error": Row(lambda: args(gan=cycle(), data=pairs())),
    "translation.judge.world_distance": Row(
        lambda: args(made=pictures(3), real=pictures(4, seed=1)), nan=("made",)
    ),
    # --- worlds and pictures
    "datasets.points.Mixture": Row(lambda: fields_of(Mixture, **vars(ring(3)))),
    "datasets.points.Mixture.sample": Row(lambda: args(n=5, rng=seeded()), of=ring),
    "datasets.points.Mixture.sample_pairs": Row(lambda: args(n=5, rng=seeded()), of=ring),
    "datasets.points.Mixture.log_prob": Row(lambda: args(x=torch.rand(5, 2)), of=ring, nan=("x",)),
    "datasets.points.Mixture.prob": Row(lambda: args(x=torch.rand(5, 2)), of=ring, nan=("x",)),
    "datasets.points.Mixture.of_class": Row(lambda: args(y=3), of=ring),
    "datasets.points.Mixture.to": Row(lambda: args(device="cpu"), of=ring),
    "datasets.points.gaussians_1d": Row(
        lambda: args(means=[0.0, 1.0], stds=[0.5, 0.5], weights=[1, 2], name="two")
    ),
    "datasets.points.ring": Row(lambda: args(n_modes=8, radius=1.5, std=0.05)),
    "datasets.points.grid": Row(lambda: args(side=3, extent=1.5, std=0.05)),
    "datasets.points.spiral": Row(lambda: args(turns=2.0, std=0.05)),
    "datasets.points.moons": Row(lambda: args(std=0.05)),
    "datasets.points.two_gaussians": Row(lambda: args(distance=2.0, std=0.05)),
    "datasets.points.from_points": Row(lambda: args(points=[(0, 0), (1, 1)], std=0.05)),
    "datasets.points.from_drawing": Row(lambda: args(strokes=[[(0, 0), (1, 1)]], std=0.05)),
    "datasets.points.mixture": Row(
        lambda: args(
            name="own", means=np.zeros((3, 2)), stds=0.1, weights=np.ones(3), has_modes=True
        )
    ),
    "datasets.images.Images": Row(
        lambda: args(
            name="own",
            x=pictures(4),
            y=torch.arange(4),
            dataset="digits",
            classes=("a", "b", "c", "d"),
            sure=True,
        )
    ),
    "datasets.images.Images.sample": Row(lambda: args(n=5, rng=seeded()), of=images),
    "datasets.images.Images.sample_pairs": Row(lambda: args(n=5, rng=seeded()), of=images),
    "datasets.images.Images.of_class": Row(
        lambda: args(digits=1), call=lambda digits: images().of_class(digits)
    ),
    "datasets.images.Images.few": Row(lambda: args(n=3, seed=0), of=images),
    "datasets.images.Images.to": Row(lambda: args(device="cpu"), of=images),
    "datasets.images.load_mnist": Row(
        lambda: args(split="test", size=16, root=None, download=False), also=(OSError,)
    ),
    "datasets.images.load_fashion": Row(lambda: args(split="test", size=16)),
    "datasets.images.load_few": Row(
        lambda: args(kind="digits", n=10, size=16, seed=0, split="test")
    ),
    "datasets.images.check_size": Row(lambda: args(size=16)),
    "datasets.arrays.as_pictures": Row(lambda: args(x=pictures(3)), nan=("x",)),
    "datasets.arrays.as_stack": Row(
        lambda: args(x=pictures(3), value_range=(-1, 1), layout="NCHW", size=8)
    ),
    "datasets.own.files_in": Row(lambda: args(folder=SOURCES), also=(OSError,)),
    "datasets.own.uploaded": Row(lambda: args(files={"a.png": b"whole"})),
    "datasets.own.read_pictures": Row(
        lambda: args(files=drawn(), size=8, channels=1, labels=True),
        skip={"files": "as files_in and uploaded give them"},
    ),
    "datasets.pairs.Pairs": Row(lambda: args(name="own", a=pictures(3), b=pictures(3))),
    "datasets.pairs.Pairs.sample": Row(lambda: args(n=2, rng=seeded()), of=pairs),
    "datasets.pairs.Pairs.to": Row(lambda: args(device="cpu"), of=pairs),
    "datasets.pairs.Unpaired": Row(lambda: args(name="own", a=pictures(3), b=pictures(4))),
    "datasets.pairs.Unpaired.sample": Row(
        lambda: args(n=2, rng=seeded()), of=lambda: Unpaired("own", pictures(3), pictures(4))
    ),
    "datasets.pairs.Unpaired.to": Row(
        lambda: args(device="cpu"), of=lambda: Unpaired("own", pictures(3), pictures(4))
    ),
    "datasets.photos.luma": Row(lambda: args(x=pictures(3, 3)), nan=("x",)),
    "datasets.photos.load_photo_patches": Row(lambda: args(split="test", size=8, n=2, seed=0)),
    "datasets.shoes.load_footwear": Row(lambda: args(split="test", size=28)),
    "datasets.shoes.load_shoes_unpaired": Row(lambda: args(split="test", size=28)),
    "datasets.shoes.check_shoe_size": Row(lambda: args(size=28)),
    "datasets.shoes.edges": Row(lambda: args(x=pictures(3), inner=True)),
    "datasets.scenes.draw_pairs": Row(lambda: args(kind="maps", n=2, size=16, seed=0)),
    "datasets.scenes.draw_unpaired": Row(lambda: args(kind="animals", n=2, size=16, seed=0)),
    "datasets.scenes.draw_few": Row(lambda: args(kind="maps", n=2, size=16, seed=0)),
    "datasets.scenes.Scenes": Row(lambda: args(name="own", x=pictures(3, 3))),
    "datasets.scenes.Scenes.sample": Row(
        lambda: args(n=2, rng=seeded()), of=lambda: Scenes("own", pictures(3, 3))
    ),
    "datasets.scenes.draw_scenes": Row(lambda: args(kind="maps", start=0, stop=2, size=16, seed=0)),
    "datasets.scenes.scene_table": Row(lambda: args(n=2, seed=0)),
    "translation.clouds.Clouds": Row(lambda: args(name="own", a=ring(), b=ring())),
    "translation.clouds.Clouds.sample": Row(lambda: args(n=5, rng=seeded()), of=ring_and_rows),
    "translation.clouds.ring_and_rows": Row(dict),
    "translation.clouds.PointCycleGAN": Row(
        lambda: args(experiment=POINTS, channels=(2, 2), seed=0)
    ),
    "translation.clouds.matching": Row(lambda: args(gan=PointCycleGAN(), data=CLOUDS, n=3, seed=0)),
    "translation.clouds.returned": Row(lambda: args(gan=PointCycleGAN(), data=CLOUDS, n=3, seed=0)),
    "translation.clouds.points_of_A": Row(lambda: args(data=CLOUDS, n=3, seed=0)),
    "translation.clouds.nearest_blobs": Row(lambda: args(x=torch.rand(16, 2), world=RING)),
    "translation.clouds.one_to_one": Row(lambda: args(shares=torch.eye(3))),
    # --- other GANs
    "conditional.training.Conditional": Row(lambda: fields_of(Conditional, condition="cgan")),
    "conditional.training.one_of_K": Row(lambda: args(y=torch.tensor([0, 2]), n_classes=3)),
    "conditional.training.ConditionalGAN": Row(
        lambda: args(
            experiment=Conditional(width=4, depth=1, condition="cgan"),
            event_shape=(2,),
            n_classes=3,
            seed=0,
            device="cpu",
        )
    ),
    "conditional.training.ConditionalGAN.sample": Row(
        lambda: args(z=torch.zeros(3, 2), y=torch.tensor([0, 1, 2])),
        of=conditional,
        says={"z": "z|samples"},
    ),
    "conditional.training.ConditionalGAN.codes": Row(
        lambda: args(y=torch.tensor([0, 1, 2]), samples=torch.zeros(3, 2)), of=conditional
    ),
    "conditional.training.ConditionalGAN.logits": Row(
        lambda: args(x=torch.zeros(3, 2), y=torch.tensor([0, 1, 2])),
        of=conditional,
        nan=("x",),
        says={"x": "x|samples"},
    ),
    "augmentation.transforms.Transform": Row(
        lambda: args(apply=TRANSFORMS["flip"].apply, n_random=1)
    ),
    "augmentation.transforms.augment": Row(
        lambda: args(x=pictures(3), names=["flip", "cutout"], rng=seeded(), strength=1.0, p=1.0),
        nan=("x",),
        says={"names": "names|transform"},
    ),
    "augmentation.transforms.check_pictures": Row(
        lambda: args(x=pictures(3), rng=seeded()), nan=("x",)
    ),
    "augmentation.training.Augmented": Row(lambda: fields_of(Augmented)),
    "augmentation.training.AugmentedGAN": Row(
        lambda: args(experiment=Augmented(width=4), event_shape=(2,), seed=0, device="cpu")
    ),
    "augmentation.training.AugmentedGAN.configure": Row(
        lambda: args(experiment=Augmented(width=4)),
        of=lambda: AugmentedGAN(Augmented(width=4), (2,)),
    ),
    "augmentation.training.AugmentedGAN.T": Row(
        lambda: args(x=pictures(3)),
        of=lambda: AugmentedGAN(Augmented(width=4), (1, 16, 16)),
        nan=("x",),
    ),
    "translation.networks.normalization": Row(lambda: args(norm="instance", channels=3)),
    "translation.networks.UNet": Row(
        lambda: args(
            n_in=1, n_out=1, width=4, depth=2, norm="none", dropout=0.1, rng=seeded(), skips=True
        )
    ),
    "translation.networks.ResNet": Row(
        lambda: args(n_in=1, n_out=1, width=4, blocks=1, norm="none", kernel=3, rng=seeded())
    ),
    "translation.networks.PatchDiscriminator": Row(
        lambda: args(n_in=1, width=4, n_strided=1, norm="none", rng=seeded())
    ),
    "translation.training.Translation": Row(lambda: fields_of(Translation)),
    "translation.pix2pix.Pix2Pix": Row(
        lambda: args(experiment=WAYS, channels=(1, 1), seed=0, device="cpu")
    ),
    "translation.pix2pix.Pix2Pix.translate": Row(
        lambda: args(a=pictures(3)), of=lambda: Pix2Pix(WAYS), nan=("a",)
    ),
    "translation.training.Translator.configure": Row(
        lambda: args(experiment=WAYS), of=lambda: Pix2Pix(WAYS)
    ),
    "translation.training.Translator.precision": Row(dict, of=lambda: Pix2Pix(WAYS)),
    "translation.training.Translator.copy": Row(dict, of=lambda: Pix2Pix(WAYS)),
    "translation.training.translate": Row(
        lambda: args(G=nn.Tanh(), x=pictures(3), name="x"),
        nan=("x",),
        skip={"name": "of the argument"},
    ),
    "translation.training.check_translation": Row(lambda: args(experiment=WAYS)),
    "translation.training.check_channels": Row(lambda: args(channels=(1, 3))),
    "translation.cyclegan.History": Row(lambda: args(size=3)),
    "translation.cyclegan.CycleGAN": Row(
        lambda: args(experiment=WAYS, channels=(1, 1), seed=0, device="cpu")
    ),
    "translation.cyclegan.CycleGAN.configure": Row(lambda: args(experiment=WAYS), of=cycle),
    "translation.cyclegan.CycleGAN.to_a": Row(lambda: args(b=pictures(3)), of=cycle, nan=("b",)),
    "translation.cyclegan.CycleGAN.to_b": Row(lambda: args(a=pictures(3)), of=cycle, nan=("a",)),
    "translation.tasks.Task": Row(
        lambda: args(name="own", train=pairs(), test=pairs(), experiment=WAYS)
    ),
    "translation.tasks.Task.sample": Row(lambda: args(n=3, rng=seeded()), of=task),
    "translation.tasks.Task.to": Row(lambda: args(device="cpu"), of=task),
    "translation.tasks.load_task": Row(
        lambda: args(name="sneakers", size=28), says={"name": "task"}
    ),
    "translation.tasks.shoe_features": Row(lambda: args(x=pictures(3, size=32)), nan=("x",)),
    "translation.tasks.shoe_textures": Row(lambda: args(x=pictures(3, size=32)), nan=("x",)),
    # --- figures
    "plots.frames.draw_frame": Row(lambda: frame("images")),
    "plots.frames.draw_many": Row(many),
    "plots.frames.draw_1d": Row(lambda: frame("1d")),
    "plots.frames.draw_2d": Row(lambda: frame("2d")),
    "plots.frames.draw_images": Row(lambda: frame("images")),
    "plots.frames.draw_translations": Row(lambda: frame("rows")),
    "plots.frames.draw_frames": Row(lambda: args(frames=[frame_of("images")])),
    "plots.frames.frame_figure": Row(
        lambda: args(header=frame_of("images")[0], arrays=frame_of("images")[1])
    ),
    "plots.frames.frame_png": Row(
        lambda: args(header=frame_of("images")[0], arrays=frame_of("images")[1])
    ),
    "plots.frames.meter_text": Row(lambda: args(meter={"id": "jsd", "value": 0.5})),
    "plots.curves.draw_strip": Row(
        lambda: args(steps=range(4), shares=torch.rand(3, 4), ax=axes())
    ),
    "plots.curves.draw_transport": Row(
        lambda: args(x=torch.rand(3, 2), y=torch.rand(3, 2), match=torch.arange(3), ax=axes())
    ),
    "plots.curves.draw_landscape": Row(
        lambda: args(values=torch.rand(4, 4), ax=axes(), points=torch.rand(3, 2), reach=2.0)
    ),
    "plots.pictures.draw_picture_grid": Row(
        lambda: args(x=pictures(4), ax=axes(), columns=2, names=["a", "b"])
    ),
    "plots.pictures.draw_rows": Row(lambda: args(rows={"a": pictures(2)}, zoom=0.5, fig=Figure())),
    "plots.pictures.as_pictures": Row(
        lambda: args(x=pictures(2), name="x"), nan=("x",), skip={"name": "of the argument"}
    ),
    "plots.curves.draw_curves": Row(
        lambda: args(steps=range(3), curves={"D": [1.0, 2.0, 3.0]}, ax=axes(), log=False)
    ),
    "plots.diagrams.draw_generator_diagram": Row(lambda: args(z=torch.rand(1, 8), x=pictures(1))),
    "plots.diagrams.draw_conditional_diagram": Row(
        lambda: args(
            z=torch.rand(1, 8), y=torch.eye(3)[:1], x=pictures(1), d=torch.rand(1), scores=None
        )
    ),
    "plots.axes.readable": Row(lambda: args(name="$W_1$")),
    **{f"exercises.{name}": row for name, row in EXERCISES.items()},
}

# --- what has no row -----------------------------------------------------------------------------

#: Shown in a notebook line by line, as what a step is: no line of it may be about anything else.
SHOWN = words(
    """
    augmentation.transforms.brightness augmentation.transforms.cutout augmentation.training.adapt
    augmentation.training.consistency augmentation.training.step_D augmentation.training.step_G
    augmentation.training.train_step conditional.judge.within_class_variance
    conditional.training.ClassifyingDiscriminator conditional.training.ConditionalGenerator
    conditional.training.JoiningDiscriminator conditional.training.ProjectingDiscriminator
    conditional.training.join conditional.training.step_D conditional.training.step_D_acgan
    conditional.training.step_G conditional.training.step_G_acgan conditional.training.train_step
    critic.layer_gradients critic.train_critic translation.cyclegan.cycle_step
    translation.cyclegan.judge translation.cyclegan.one_direction
    translation.cyclegan.step_both_D translation.cyclegan.step_both_G
    losses.discriminator_cross_entropy losses.discriminator_wasserstein
    losses.generator_maximum_likelihood losses.generator_non_saturating
    losses.generator_saturating losses.generator_wasserstein regularizers.clip_weights
    regularizers.gradient_penalty regularizers.input_gradient_norm regularizers.r1_penalty
    training.look_ahead training.push_on_G training.step_D training.step_G training.train_step
    translation.pix2pix.step_D translation.pix2pix.step_G translation.pix2pix.train_step
    translation.pix2pix.verdicts translation.networks.receptive_field transport.area_between
    transport.optimal_critic
    """
)

#: Why nothing else tries them, and what.
NOT_TRIED: dict[str, str] = {
    "inside of every training step, and of what is shown there": """
        adam.LeanAdam adam.LeanAdam.step adam.Lists adam.is_accompanied adam.is_ordinary
        adam.lists_for_kernel adam.torch_step
        augmentation.transforms.contrast augmentation.transforms.flip
        augmentation.transforms.resample augmentation.transforms.rotate
        augmentation.transforms.saturation augmentation.transforms.translate
        augmentation.training.AugmentedGAN.update_D augmentation.training.AugmentedGAN.update_G
        chance.draw conditional.training.ConditionalGAN.update_D
        conditional.training.ConditionalGAN.update_G conditional.training.draw_batch
        translation.cyclegan.History.__call__ ensemble.Ensemble.step
        cuda_graph.RecordedStep.__call__ losses.discriminator_hinge
        losses.discriminator_least_squares losses.generator_least_squares
        losses.discriminator_relativistic losses.generator_relativistic regularizers.r2_penalty
        training.partners training.GAN.keep_real training.GAN.kept_real
        regularizers.SpectralNorm.iterate regularizers.SpectralNorm.right
        regularizers.SpectralNorm.right_inverse regularizers.SpectralNorm.rows
        translation.cyclegan.CycleGAN.update_D translation.cyclegan.CycleGAN.update_G
        translation.pix2pix.Pix2Pix.update_D translation.pix2pix.Pix2Pix.update_G
        translation.training.Translator.update_D translation.training.Translator.update_G
        regularizers.per_gan training.add_penalties training.descend training.finish_D
        training.follow training.parameters_of translation.cyclegan.descend_both
        translation.pix2pix.generate translation.training.count_G
        training.finish_G training.GAN.update_D training.GAN.update_G training.mean_square
        translation.training.finish_G""",
    "a check itself; its messages are in test_checks and in all tests of those who use it": """
        checks.brief checks.check_bool checks.check_callable checks.check_choice
        checks.check_densities checks.check_device checks.check_event_shape checks.check_fields
        checks.check_fits checks.check_floats checks.check_has checks.check_int checks.check_is
        checks.check_masses checks.check_number checks.check_rng checks.check_same_grid
        checks.check_scale checks.check_seed checks.check_shape checks.check_text
        checks.check_together checks.kind_of checks.most_of checks.plain metrics.check_features
        translation.clouds.PointCycleGAN.check_given datasets.points.as_array
        datasets.points.check_on_stage datasets.points.check_std exercises.judging.call
        exercises.judging.call_each exercises.judging.close exercises.judging.digits
        exercises.judging.exercise exercises.judging.number exercises.judging.tensor
        exercises.judging.word exercises.difficulties.treated augmentation.judge.check_of_one_size
        augmentation.judge.check_transformed datasets.arrays.as_classes models.check_square
        models.check_units datasets.pairs.check_pictures datasets.pairs.put_pictures
        plots.axes.check_axes plots.diagrams.check_diagram plots.frames.check_frame
        plots.axes.numbers translation.training.check_given translation.judge.check_made
        translation.networks.check_edges""",
    "a part of the self-checks, which tests/test_exercises.py tries with all answers": """
        exercises.augmentation.both exercises.augmentation.fooled exercises.augmentation.game
        exercises.augmentation.shares_of exercises.basic_gan.Watched
        exercises.basic_gan.Watched.real_reached_D exercises.basic_gan.Watched.sample
        exercises.conditional.fake exercises.conditional.real exercises.difficulties.followed
        exercises.difficulties.illness_of exercises.difficulties.in_packs exercises.judging.Case
        exercises.judging.Case.gradients exercises.judging.NoAnswer exercises.judging.Tried
        exercises.judging.Tried.gives exercises.judging.Tried.lacks_gradient
        exercises.judging.first_words exercises.judging.try_loss exercises.wgan.critic_with
        exercises.wgan.gap exercises.wgan.one_sided exercises.wgan.penalty""",
    "made by the package of what is checked already: the stacks of an Ensemble": """
        ensemble.OneByOne ensemble.OneByOne.sample ensemble.Stack
        ensemble.Stack.configure_from_members ensemble.Stack.hand_out_gradients
        ensemble.Stack.sample_z ensemble.StackedAdam ensemble.StackedAdam.set_rates
        ensemble.StackedAdam.step ensemble.adapted ensemble.can_be_stacked ensemble.first_state
        ensemble.lines_of ensemble.mix ensemble.own_counters ensemble.progress
        ensemble.stack_averages ensemble.stack_networks ensemble.stack_optimizers ensemble.tie
        cuda_graph.record models.StackedLinear models.StackedMLP models.bare""",
    "called by a constructor with settings and a generator that it has checked": """
        models.Doubling translation.clouds.PointCycleGAN.make_D
        translation.clouds.PointCycleGAN.make_G conditional.training.ConditionalGAN.make_networks
        translation.cyclegan.CycleGAN.make_networks training.GAN.make_networks
        translation.pix2pix.Pix2Pix.make_networks translation.training.Translator
        translation.training.Translator.make_networks translation.training.make_generator
        translation.training.make_patch_D translation.networks.ResidualBlock""",
    "reads files whose names the package knows": """
        datasets.photos.draw_crop datasets.photos.read_photo datasets.idx.fetch
        datasets.idx.file_names datasets.idx.raw_folder datasets.idx.read_split
        datasets.idx.read_verified datasets.idx.sha256 datasets.images.to_images
        datasets.images.to_size""",
    "a part of `as_stack` or `read_pictures`": """
        datasets.arrays.as_labels datasets.arrays.as_names datasets.arrays.as_numbers
        datasets.arrays.checked_range datasets.arrays.cut datasets.arrays.laid_out
        datasets.arrays.unclear datasets.arrays.value_range_of datasets.own.brief_list
        datasets.own.check_channels datasets.own.check_room datasets.own.classes_of
        datasets.own.is_hidden datasets.own.pictures_among datasets.own.read_all
        datasets.own.read_picture datasets.own.tell_of_broken datasets.own.unzipped
        datasets.own.with_channels""",
    "a part of `edges`": """
        datasets.shoes.all_of datasets.shoes.any_of datasets.shoes.draw
        datasets.shoes.fill_small_holes datasets.shoes.flood datasets.shoes.inner_lines
        datasets.shoes.neighbours datasets.shoes.thin datasets.shoes.without_specks""",
    "a part of `draw_scenes`": """
        datasets.scenes.Sheet datasets.scenes.Sheet.chance datasets.scenes.Sheet.inside
        datasets.scenes.Sheet.noise datasets.scenes.Sheet.number datasets.scenes.Sheet.numbers
        datasets.scenes.another datasets.scenes.band datasets.scenes.between
        datasets.scenes.colours datasets.scenes.crest datasets.scenes.joined datasets.scenes.limb
        datasets.scenes.lot datasets.scenes.over datasets.scenes.paint_animal
        datasets.scenes.paint_hut datasets.scenes.paint_landscape datasets.scenes.paint_map
        datasets.scenes.paint_tree datasets.scenes.pick datasets.scenes.ramp datasets.scenes.rgb
        datasets.scenes.turned""",
    "a part of the diagrams": """
        plots.diagrams.finish_diagram plots.diagrams.place_arrow plots.diagrams.place_bars
        plots.diagrams.place_box plots.diagrams.place_noise plots.diagrams.place_picture""",
    "a part of another one, which checks: `from_drawing`, `load_task`, `world_distance` …": """
        datasets.points.along metrics.relative_entropy metrics.in_balls
        datasets.pairs.draw_indices augmentation.judge.nearest_of_each
        plots.axes.readable_line plots.pictures.fewer_colours plots.pictures.from_bytes
        losses.is_distance losses.is_relative losses.takes_two
        translation.tasks.colours translation.tasks.scenes
        translation.tasks.shoes translation.tasks.sneakers translation.judge.mean_between""",
    "a result, made by who judges": """
        conditional.judge.ClassReport conditional.judge.ClassReport.numbers
        augmentation.judge.FewReport augmentation.judge.FewReport.numbers
        augmentation.judge.CopyReport augmentation.judge.CopyReport.numbers
        translation.judge.TranslationReport translation.judge.TranslationReport.numbers""",
    "by whoever has two experiments of one kind": """
        experiment.new_networks""",
    "says what others have to offer": """
        conditional.training.LabelledData conditional.training.LabelledData.sample_pairs
        training.Data training.Data.sample translation.training.TwoWorlds
        translation.training.TwoWorlds.sample""",
}
EXCLUDED = {name: why for why, names in NOT_TRIED.items() for name in names.split()}


def public(module: str) -> dict[str, Any]:
    """What a module offers: functions, classes and their methods, but for a network's forward."""
    whole = importlib.import_module(f"gan_helpers.{module}")
    found = {}
    for name, thing in vars(whole).items():
        if name.startswith("_") or getattr(thing, "__module__", "") != whole.__name__:
            continue
        if inspect.isfunction(thing) or inspect.isclass(thing):
            found[f"{module}.{name}"] = thing
        if inspect.isclass(thing):
            for key, own in vars(thing).items():
                method = own.__func__ if isinstance(own, staticmethod) else own
                told = not key.startswith("_") or key == "__call__"
                own_function = inspect.isfunction(method) and method.__module__ == whole.__name__
                if told and own_function and key != "forward":
                    found[f"{module}.{name}.{key}"] = method
    return found


PUBLIC = {name: thing for module in MODULES for name, thing in public(module).items()}


def test_every_public_function_has_a_row_or_a_reason():
    known = [*ROWS, *SHOWN, *EXCLUDED]
    assert sorted(known) == sorted(set(known))
    assert set(PUBLIC) - set(known) == set(), "has neither: give it a row in ROWS"
    assert set(known) - set(PUBLIC) == set(), "is no longer there"


def test_what_is_called_shown_is_shown():
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.md"))
    shown = set(re.findall(r"\{\{source gan_helpers\.([\w.]+)", text))
    assert set(SHOWN) <= shown


def test_what_notebooks_import_is_tried():
    """Only what is shown beside it, or stands in a step, may go untried there."""
    inside = "inside of every training step, and of what is shown there"
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.md"))
    imports = re.findall(r"(?m)^from gan_helpers\.(\w+) import ([\w, ]+)", text)
    names = {f"{module}.{name}" for module, given in imports for name in given.split(", ")}
    untried = {name for name in names & set(EXCLUDED) if EXCLUDED[name] != inside}
    protocols = {
        "conditional.training.LabelledData",
        "training.Data",
        "translation.training.TwoWorlds",
    }
    assert untried <= protocols


@pytest.mark.parametrize("name", ROWS)
def test_the_good_arguments_are_good_and_complete(name):
    row, thing = ROWS[name], PUBLIC[name]
    given = row.good()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = call(name, given)
    assert sane(result)
    parameters = inspect.signature(thing).parameters.values()
    plain = {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    assert plain - {"self"} <= set(given), "arguments that nobody tries"


def call(name: str, given: Mapping[str, Any]) -> Any:
    row = ROWS[name]
    if row.call:
        return row.call(**given)
    if row.of:
        return getattr(row.of(), name.split(".")[-1])(**given)
    result = PUBLIC[name](**given)
    if hasattr(result, "__enter__") and not isinstance(result, Tensor):
        with result:
            pass
    return result


# --- the bad values ------------------------------------------------------------------------------


def tensors_like(good: Tensor) -> dict[str, Any]:
    """The good one, spoiled in each way."""
    bad: dict[str, Any] = {
        "an array": good.detach().numpy(),
        "a list": good.tolist(),
        "whole": (3 * good).to(torch.int64),
        "bytes": (3 * good).abs().to(torch.uint8),
        "truths": good > 0,
        "complex": good.to(torch.complex64),
        "half": good.to(torch.float16),
        "double": good.double(),
        "negative": -good.abs() - 1,
        "none of it": good[:0],
        "one axis more": good[None],
        "one axis less": good[0] if good.ndim else good,
        "one entry": good.flatten()[:1],
        "longer": torch.cat([good, good]),
        "wider": torch.cat([good, good], -1),
        "huge": good * 1e30 if good.is_floating_point() else good + 10**12,
        "with a gradient": good.clone().requires_grad_() if good.is_floating_point() else good,
    }
    if good.is_floating_point():
        for value in (math.nan, math.inf, -math.inf):
            spoiled = good.clone()
            spoiled.view(-1)[-1] = value
            bad[f"one {value}"] = spoiled
    return bad


def numbers_like(good: float) -> dict[str, Any]:
    return {
        "its text": str(good),
        "in a list": [good],
        "of NumPy": np.float64(good) if isinstance(good, float) else np.int64(good),
        "single": np.float32(good) if isinstance(good, float) else np.int32(good),
        "a tensor": torch.tensor(good),
        "a tensor of one": torch.tensor([good]),
        "an array of one": np.array([good]),
        "above": good + 1e6 if isinstance(good, float) else good + 10**6,
        "below": -good - 1,
    }


ANYTHING: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "False": lambda: False,
    "0": lambda: 0,
    "-1": lambda: -1,
    "1.5": lambda: 1.5,
    "-0.5": lambda: -0.5,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "-inf": lambda: -math.inf,
    "10**30": lambda: 10**30,
    "10**400": lambda: 10**400,
    "1j": lambda: 1j,
    "nothing": lambda: "",
    "gpu": lambda: "gpu",
    "cuda:99": lambda: "cuda:99",
    "meta": lambda: "meta",
    "a word": lambda: "no such thing",
    "bytes": lambda: b"bytes",
    "[]": list,
    "()": tuple,
    "{}": dict,
    "[None]": lambda: [None],
    "['x']": lambda: ["x"],
    "ragged": lambda: [[1.0], [1.0, 2.0]],
    "(-1, 2)": lambda: (-1, 2),
    "(0,)": lambda: (0,),
    "(2.0,)": lambda: (2.0,),
    "{'x': 1}": lambda: {"x": 1},
    "object()": object,
    "a module": lambda: math,
    "np.bool_": lambda: np.bool_(True),
    "np.nan": lambda: np.float64("nan"),
    "array": lambda: np.zeros((3, 2)),
    "array of words": lambda: np.array(["a", "b"]),
    "array without axes": lambda: np.array(0.5),
    "tensor without axes": lambda: torch.tensor(0.5),
    "truth without axes": lambda: torch.tensor(True),
    "zeros (3, 2)": lambda: torch.zeros(3, 2),
    "zeros (3,)": lambda: torch.zeros(3),
    "zeros (2, 3, 4, 5, 6)": lambda: torch.zeros(2, 3, 4, 5, 6),
    "zeros (0, 2)": lambda: torch.zeros(0, 2),
    "whole (3, 2)": lambda: torch.zeros(3, 2, dtype=torch.int64),
    "another device": lambda: torch.device("cuda:99"),
    "another generator's seed": lambda: np.random.default_rng(0),
}


def bad_values(good: Any) -> dict[str, Any]:
    """What takes the place of a good value."""
    values = {what: make() for what, make in ANYTHING.items()}
    if isinstance(good, Tensor):
        values |= tensors_like(good)
    if isinstance(good, np.ndarray):
        values |= tensors_like(torch.as_tensor(good))
    if isinstance(good, (int, float)) and not isinstance(good, bool):
        values |= numbers_like(good)
    if isinstance(good, str):
        values |= {"upper case": good.upper() + "?", "in a list": [good]}
    return values


def has_to_be_refused(value: Any, annotation: str) -> bool:
    """Whether an annotation rules the value out: no True for an int, no word for a float."""
    kinds = [part.strip() for part in annotation.split("|")]
    if value is None:
        return "None" not in kinds and "Any" not in kinds and "object" not in kinds
    value = value.item() if isinstance(value, (np.generic, Tensor)) and not value.shape else value
    value = value.item() if isinstance(value, np.ndarray) and not value.shape else value
    allowed: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
        "str": (str,),
        "Tensor": (Tensor, np.ndarray),
        "torch.Generator": (torch.Generator,),
    }
    kinds = [kind for kind in kinds if kind != "None"]
    if not all(kind in allowed for kind in kinds):
        return False
    fits = any(isinstance(value, allowed[kind]) for kind in kinds)
    if isinstance(value, bool):
        fits = "bool" in kinds
    if isinstance(value, float) and not math.isfinite(value):
        fits = False
    return not fits


def sane(result: Any) -> bool:
    """Whether there is neither NaN nor infinity in it, as far as numbers can be seen."""
    if isinstance(result, (float, np.floating)):
        return math.isfinite(result)
    if isinstance(result, Tensor):
        return bool(result.isfinite().all())
    if isinstance(result, np.ndarray):
        return result.dtype.kind not in "fc" or bool(np.isfinite(result).all())
    if isinstance(result, nn.Module):
        return all(map(sane, result.state_dict().values()))
    if isinstance(result, GAN):
        return sane(result.G) and sane(result.D)
    if isinstance(result, Mapping):
        return all(map(sane, result.values()))
    if isinstance(result, (tuple, list)):
        return all(map(sane, result))
    if is_dataclass(result) and not isinstance(result, type):
        return all(sane(getattr(result, f.name)) for f in fields(result))
    return True


def has_no_answer(value: Any) -> bool:
    """Whether NaN, infinity, or what is next to it, is in it."""
    if isinstance(value, np.ndarray):
        value = torch.as_tensor(value) if value.dtype.kind == "f" else torch.zeros(1)
    return value is None or (isinstance(value, Tensor) and not bool((value.abs() < 1e20).all()))


def raised_by_us(error: Exception) -> bool:
    """Whether a `raise` of gan_helpers raised it, not a function of torch that was called there."""
    trace = error.__traceback__
    assert trace is not None
    while trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    here = [i.opname for i in dis.get_instructions(code) if i.offset == trace.tb_lasti]
    return Path(code.co_filename).is_relative_to(PACKAGE) and here == ["RAISE_VARARGS"]


def brief(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:110]


def verdict(name: str, argument: str, what: str, annotation: str) -> str:
    """What is wrong with how a bad value is met; "" if nothing is."""
    row = ROWS[name]
    given = row.good()
    value = given[argument] = bad_values(given[argument])[what]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = call(name, given)
    except row.also:
        return ""
    except (TypeError, ValueError) as error:
        if not raised_by_us(error):
            return f"raw {type(error).__name__}: {brief(error)}"
        told = row.says.get(argument, argument)
        found = re.search(rf"\b({told})\b", str(error))
        return "" if found else f"does not name it: {brief(error)}"
    except Exception as error:
        return (
            f"raw {type(error).__name__}: {str(error).splitlines()[0][:110] if str(error) else ''}"
        )
    if has_to_be_refused(value, annotation):
        if row.judged and result is False:  # and a sentence was printed
            return ""
        return f"accepted, as {annotation}"
    if not sane(result) and not (argument in row.nan and has_no_answer(value)):
        return "a result with NaN or infinity"
    return ""


def tried(name: str) -> list[tuple[str, str]]:
    """(argument, which bad value)."""
    row = ROWS[name]
    given = row.good()
    return [(a, what) for a in given if a not in row.skip for what in bad_values(given[a])]


@pytest.mark.parametrize("name", [name for name in ROWS if ROWS[name].good()])
def test_bad_values_are_named_or_met(name):
    parameters = inspect.signature(PUBLIC[name]).parameters
    wrong = []
    for argument, what in tried(name):
        known = parameters.get(argument)
        annotation = str(known.annotation) if known else ""
        if found := verdict(name, argument, what, annotation):
            wrong.append(f"{argument} = {what}: {found}")
    plt.close("all")
    assert not wrong, "\n".join([f"{len(wrong)} of {len(tried(name))}:", *wrong])
