"""The pictures that the deck lacks, for its slides, as PNG and SVG.

    uv run python notebooks/slide_figures.py [folder]

writes `how_gan_trained` (12.4.1), `noise_to_x`, `conditional_gan` and `acgan` (12.4.4) into
`notebooks/images/slides`, or into the folder given. They hold symbols only, so one file serves both
languages.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import torch
from matplotlib.figure import Figure
from torch import Tensor
from tqdm import trange

from gan_helpers import plots
from gan_helpers.conditional.pretrained import load_pretrained
from gan_helpers.conditional.training import one_of_K
from gan_helpers.lab.engine.session import Session

STEPS_1D = (0, 20, 60, 1500)
STEPS_DIGITS = 3000


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


FIGURES: dict[str, Callable[[], Figure]] = {
    "how_gan_trained": how_gan_trained,
    "noise_to_x": noise_to_x,
    "conditional_gan": conditional_gan,
    "acgan": acgan,
}


def save(fig: Figure, name: str, folder: Path) -> list[Path]:
    """Write one figure as PNG (200 dpi) and SVG; returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{kind}" for kind in ("png", "svg")]
    for path in paths:
        undated = {"Date": None} if path.suffix == ".svg" else {}  # the same picture, the same file
        fig.savefig(path, dpi=200, bbox_inches="tight", metadata=undated)
    return paths


def main() -> None:
    default = Path(__file__).parent / "images" / "slides"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    torch.set_num_threads(1)  # tiny networks
    for name, make in FIGURES.items():
        for path in save(make(), name, folder):
            print(path)


if __name__ == "__main__":
    main()
