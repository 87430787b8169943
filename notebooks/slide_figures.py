"""The pictures of the deck and of the index, as PNG and SVG.

    uv run python notebooks/slide_figures.py [--folder notebooks/images/slides] [name …]

writes those named, or all: `how_gan_trained` (12.4.1), `vanishing_gradient`, `mode_collapse`,
`remedies` (12.4.2), `critic`, `clipping` (12.4.3), `noise_to_x`, `conditional_gan`, `acgan`
(12.4.4), `pix2pix`, `cyclegan` (12.4.5), `few_pictures` and `transforms` (12.4.6). They hold
symbols and short English terms only, so one file serves both languages.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import softplus
from tqdm import trange

from gan_helpers import plots
from gan_helpers.augmentation.transforms import TRANSFORMS, augment
from gan_helpers.conditional.pretrained import load_pretrained
from gan_helpers.conditional.training import one_of_K
from gan_helpers.critic import train_critic
from gan_helpers.datasets.images import load_mnist
from gan_helpers.datasets.points import gaussians_1d
from gan_helpers.evidence import load_evidence, study
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.session import Session
from gan_helpers.losses import discriminator_cross_entropy
from gan_helpers.models import Discriminator
from gan_helpers.remedies import ILLNESSES, REMEDIES
from gan_helpers.translation.cyclegan import CycleGAN
from gan_helpers.translation.pix2pix import Pix2Pix
from gan_helpers.translation.pretrained import load_translator
from gan_helpers.translation.tasks import load_task

STEPS_1D = (0, 20, 60, 1500)
STEPS_COLLAPSE = (0, 500, 300)  # before, collapsed, and so many more with R1
STEPS_CRITIC = 600
STEPS_DIGITS = 3000
GREY = "0.6"


def how_gan_trained(steps: tuple[int, ...] = STEPS_1D) -> Figure:
    """Figure 1 of the GAN paper, from a real training: p, q, D, D* and the lines z -> G(z)."""
    return plots.draw_frames(Session(data="one_gaussian_1d", seed=0).film(steps))


def noise_to_x(steps: int = STEPS_DIGITS) -> Figure:
    """noise -> G -> x, with the first three samples of a G trained on MNIST at 16 x 16."""
    session = Session(data="digits", seed=0)
    for _ in trange(steps, leave=False):
        session.step()
    z = session.z_preview[:3]
    return plots.draw_generator_diagram(z, session.gan.sample(z))


def conditional_gan() -> Figure:
    """[z, y] -> G -> x, (x, y) -> D, by the cGAN that comes with the notebooks."""
    gan, z, y = load_pretrained("cgan"), *asked()
    x = gan.sample(z, y)
    return plots.draw_conditional_diagram(z, y, x, gan.logits(x, y).detach().sigmoid())


def acgan() -> Figure:
    """[z, y] -> G -> x -> D with two answers, by the AC-GAN that comes with the notebooks."""
    gan, z, y = load_pretrained("acgan"), *asked()
    x = gan.sample(z, y)
    d, scores = gan.D(x)
    return plots.draw_conditional_diagram(z, y, x, d.detach().sigmoid(), scores.detach().softmax(1))


def asked() -> tuple[Tensor, Tensor]:
    """Three z, and the codes of 7, 7 and 2."""
    return torch.randn(3, 64, generator=torch.Generator().manual_seed(1)), one_of_K([7, 7, 2], 10)


def vanishing_gradient() -> Figure:
    """G's losses over D's logit, and the gradient that reaches G as D runs ahead (20 seeds)."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3), layout="constrained")
    d = torch.linspace(-6, 4, 201)
    losses = {r"$\log(1 - D)$": -softplus(d), r"$-\log D$": softplus(-d)}
    lead = study(load_evidence(), "lead")
    names = ("saturating", "non_saturating")
    ahead = [int(name.split("_")[1]) for name in lead[names[0]] if name.startswith("push_")]
    for (label, loss), name, colour in zip(
        losses.items(), names, (GREY, plots.VERDICT), strict=True
    ):
        left.plot(d, loss, color=colour, label=label)
        push = torch.stack([lead[name][f"push_{n}"] for n in ahead])  # (T, 20)
        x = [n + 1 for n in ahead]
        right.loglog(x, push.median(1).values, "o-", color=colour, label=name.replace("_", "-"))
        right.fill_between(x, push.amin(1), push.amax(1), color=colour, alpha=0.15, lw=0)
    left.set(xlabel=r"$D(G(\mathbf{z}))$, spaced by its logit", ylabel="loss of $G$")
    left.set_xticks([-5, -2.5, 0, 2.5], ["0.007", "0.08", "0.5", "0.92"])
    right.set(xlabel="updates of $D$ + 1", ylabel="gradient norm at $G$")
    for ax in (left, right):
        ax.legend(frameon=False)
    return fig


def mode_collapse(steps: tuple[int, int, int] = STEPS_COLLAPSE) -> Figure:
    """A ring before training, collapsed, and with R1 from there on."""
    session = Session(Experiment(**ILLNESSES["mode_collapse"]), "ring", seed=0)
    frames = session.film(steps[:2])
    session.change(**REMEDIES["r1"])
    session.run(steps[2])
    return plots.draw_frames([*frames, session.frame()])


def remedies() -> Figure:
    """Modes covered after each remedy, in two illnesses; a dot for each of 20 seeds."""
    fig, axes = plt.subplots(2, 1, figsize=(5.2, 5.6), layout="constrained")
    for ax, state in zip(axes, ("collapsed", "slow D"), strict=True):
        cures = study(load_evidence(), state)
        order = sorted(cures, key=lambda name: float(cures[name]["modes"].mean()))
        for row, name in enumerate(order):
            modes = cures[name]["modes"]
            ax.barh(row, modes.mean(), color=plots.FAKE, alpha=0.5)
            ax.scatter(modes, row + torch.linspace(-0.3, 0.3, len(modes)), s=5, color="0.35")
        ax.set_yticks(range(len(order)), [name.replace("_", " ") for name in order])
        ax.set(title=state, xlim=(0, 8.3))
    axes[1].set_xlabel("modes covered, of 8")
    return fig


def critic(steps: int = STEPS_CRITIC) -> Figure:
    """Figure 2 of the WGAN paper: between two heaps D is flat, and the critic is a slope."""
    real, fake = gaussians_1d([1.0], 0.1), gaussians_1d([-1.0], 0.1)
    rngs = [torch.Generator().manual_seed(1) for _ in range(4)]
    D, f = (Discriminator((1,), width=32, rng=rng) for rng in rngs[:2])
    train_critic(D, real, fake, steps, rngs[2], loss=discriminator_cross_entropy)
    train_critic(f, real, fake, steps, rngs[3], penalty=100.0)
    x = torch.linspace(-2, 2, 401)[:, None]
    verdict, score = (net(x).detach() for net in (D, f))
    fig, ax = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
    for world, colour, label in ((real, plots.REAL, "real"), (fake, plots.FAKE, "generated")):
        ax.fill_between(x[:, 0], world.prob(x) / 4, color=colour, alpha=0.3, lw=0, label=label)
    ax.plot(x, verdict.sigmoid(), color=GREY, label="$D$, a probability")
    ax.plot(x, score - score.mean(), color=plots.VERDICT, label="critic")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


def clipping() -> Figure:
    """How closely the critic's estimate follows the exact distance; a dot for each of 20 seeds."""
    rows = study(load_evidence(), "meaning")
    shown = [name for name in rows if name.startswith("WGAN")] + ["non-saturating"]
    fig, ax = plt.subplots(figsize=(5.2, 2.8), layout="constrained")
    for row, name in enumerate(reversed(shown)):
        values = rows[name]["correlation"]
        ax.barh(row, values.mean(), color=plots.FAKE, alpha=0.5)
        ax.scatter(values, row + torch.linspace(-0.3, 0.3, len(values)), s=5, color="0.35")
    ax.set_yticks(range(len(shown)), list(reversed(shown)))
    ax.set(xlabel="correlation of $-L_D$ with the exact $W_1$", xlim=(-1.05, 1.05))
    return fig


def pix2pix(n: int = 6) -> Figure:
    """Lines, what three losses make of them, and the answers; by the networks that come along."""
    shoes = load_task("shoes").test
    files = {"L1": "shoes_l1", "cGAN": "shoes_cgan", "cGAN + L1": "shoes"}
    made = {}
    for name, file in files.items():
        gan = load_translator(file)
        assert isinstance(gan, Pix2Pix)
        made[name] = gan.translate(shoes.a[:n])
    return plots.draw_rows({"input": shoes.a[:n], **made, "answer": shoes.b[:n]})


def cyclegan(n: int = 3) -> Figure:
    """There and back, of horses and of summer; by the networks that come along."""
    rows: dict[str, list[Tensor]] = {"A": [], "A → B": [], "A → B → A": []}
    for task in ("animals", "landscapes"):
        a, gan = load_task(task).test.a[:n], load_translator(task)
        assert isinstance(gan, CycleGAN)
        there = gan.to_b(a)
        for row, x in zip(rows.values(), (a, there, gan.to_a(there)), strict=True):
            row.append(x)
    return plots.draw_rows({name: torch.cat(row) for name, row in rows.items()})


def few_pictures() -> Figure:
    """The Fréchet distance while it trains on 100 digits: nothing, real only, both (5 seeds)."""
    study_of = {"none": ("few none", "100"), "real only": ("few ways", "real only")}
    study_of["both"] = ("few ways", "both")
    fig, ax = plt.subplots(figsize=(5.2, 2.8), layout="constrained")
    colours = (GREY, plots.FAKE, plots.REAL)
    for (label, (name, variant)), colour in zip(study_of.items(), colours, strict=True):
        found = study(load_evidence(), name)[variant]
        steps = sorted(int(key.split("_")[1]) for key in found if key.startswith("frechet_"))
        far = torch.stack([found[f"frechet_{n}"] for n in steps])  # (T, 5)
        ax.plot(steps, far.mean(1), color=colour, label=label)
        ax.fill_between(steps, far.amin(1), far.amax(1), color=colour, alpha=0.15, lw=0)
    ax.set(xlabel="step", ylabel="Fréchet distance", ylim=(0, 400))
    ax.legend(frameon=False)
    return fig


def transforms(n: int = 8) -> Figure:
    """One digit under each transform."""
    one = load_mnist("test", size=16).x[:1].expand(n, -1, -1, -1)
    rng = torch.Generator().manual_seed(0)
    shown = [name for name in TRANSFORMS if name != "saturation"]  # nothing, without colours
    return plots.draw_rows({name: augment(one, [name], rng) for name in shown})


FIGURES: dict[str, Callable[[], Figure]] = {
    "how_gan_trained": how_gan_trained,
    "vanishing_gradient": vanishing_gradient,
    "mode_collapse": mode_collapse,
    "remedies": remedies,
    "critic": critic,
    "clipping": clipping,
    "noise_to_x": noise_to_x,
    "conditional_gan": conditional_gan,
    "acgan": acgan,
    "pix2pix": pix2pix,
    "cyclegan": cyclegan,
    "few_pictures": few_pictures,
    "transforms": transforms,
}


def save(fig: Figure, name: str, folder: Path) -> list[Path]:
    """Write one figure as PNG (200 dpi) and SVG; returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{kind}" for kind in ("png", "svg")]
    for path in paths:
        undated = {"Date": None} if path.suffix == ".svg" else {}  # the same picture, the same file
        with matplotlib.rc_context({"svg.hashsalt": name}):
            fig.savefig(path, dpi=200, bbox_inches="tight", metadata=undated)
    plt.close(fig)
    return paths


def main() -> None:
    """The command line."""
    default = Path(__file__).parent / "images" / "slides"
    parser = argparse.ArgumentParser(description="Write the pictures of the deck and the index.")
    parser.add_argument("name", nargs="*", help=f"of {', '.join(FIGURES)}; all by default")
    parser.add_argument("--folder", type=Path, default=default, help="where to write them")
    options = parser.parse_args()
    if unknown := set(options.name) - set(FIGURES):
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(FIGURES)}")
    torch.set_num_threads(1)  # tiny networks
    for name in options.name or FIGURES:
        for path in save(FIGURES[name](), name, options.folder):
            print(path)


if __name__ == "__main__":
    main()
