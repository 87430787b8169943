"""Static figures. They take arrays and an `Axes`, return the `Axes`, and never train.

Words inside figures are short and English or symbols, so that they serve both editions and need
no Japanese font.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.patches import FancyBboxPatch
from PIL import Image
from torch import Tensor

from gan_helpers.checks import (
    MEND,
    check_bool,
    check_int,
    check_is,
    check_number,
    check_shape,
    kind_of,
)

REAL, FAKE, VERDICT = "#0f7c8f", "#d95f1e", "#33415c"
HEAT = LinearSegmentedColormap.from_list("verdict", ["#f4a97c", "#ffffff", "#7cc3cf"])


def draw_frame(header: dict[str, Any], arrays: dict[str, np.ndarray], ax: Axes) -> Axes:
    """One state of the lab, as `Session.frame` gives it.

    Raises:
        ValueError, TypeError: if it is no such frame; so for `draw_many`, `draw_1d`, `draw_2d` and
            `draw_images`.
    """
    check_frame(header, arrays, ax)
    if header["kind"] == "many":
        return draw_many(header, arrays, ax)
    draw = {"1d": draw_1d, "2d": draw_2d, "images": draw_images, "rows": draw_translations}
    draw[header["kind"]](header, arrays, ax)
    words = [f"step {header['step']}"]
    watched = "weights" in arrays  # a critic: how far, in place of how good
    for meter in header["meters"]:
        told = ("modes", "good", "jsd", "agreement", "variety", "frechet", "gap")
        if meter["id"] in (("modes", "w1") if watched else told):
            words.append(meter_text(meter))
    ax.set_title(" · ".join(words), fontsize=9)
    return ax


def draw_many(header: dict[str, Any], arrays: dict[str, np.ndarray], ax: Axes) -> Axes:
    """Several GANs side by side, in place of `ax`."""
    check_frame(header, arrays, ax, "many")
    members = header["members"]
    columns = min(len(members), 4)
    spec: Any = ax.get_subplotspec()
    cells = spec.subgridspec(-(-len(members) // columns), columns)
    ax.axis("off")
    figure = ax.get_figure()
    assert figure is not None
    for k, (member, cell) in enumerate(zip(members, cells, strict=False)):
        own = {n.split("/")[1]: a for n, a in arrays.items() if n.startswith(f"{k}/")}
        panel = draw_frame(member, arrays | own, figure.add_subplot(cell))
        # A number stands in for a name that the font of figures may lack.
        name = member["name"].replace("_", " ") if member["name"].isascii() else f"{k + 1}"
        panel.set_title(f"{readable(name)}\n{panel.get_title().split(' · ', 1)[-1]}", fontsize=8)
    return ax


def draw_strip(steps: Any, shares: Tensor | np.ndarray, ax: Axes) -> Axes:
    """Which mode, when: the share of samples on each mode over time.

    Args:
        steps: `[T]`.
        shares: `[M, T]`, from 0 to 1.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_axes(ax)
    steps, shares = numbers("steps", steps, "[T]"), numbers("shares", shares, "[M, T]")
    if len(steps) != shares.shape[1]:
        raise ValueError(f"steps has {len(steps)} entries, shares has {shares.shape[1]} columns.")
    if not (shares.min() >= 0 and shares.max() <= 1):  # NaN fails both
        raise ValueError(
            f"shares ranges from {shares.min():g} to {shares.max():g}; it has to be in [0, 1]."
        )
    ramp = LinearSegmentedColormap.from_list("share", ["#ffffff", FAKE, "#5a2206"])
    extent = (float(steps[0]), float(steps[-1]), len(shares) + 0.5, 0.5)
    ax.imshow(
        np.sqrt(shares), aspect="auto", cmap=ramp, vmin=0, vmax=1, extent=extent,
        interpolation="nearest",
    )  # fmt: skip
    ax.set(xlabel="step", ylabel="mode")
    return ax


def meter_text(meter: dict[str, Any]) -> str:
    """`modes 7/8`, `good 63 %`, `JSD 0.12`."""
    if not isinstance(meter, Mapping) or not {"id", "value"} <= set(meter):
        raise TypeError(f"meter = {meter!r} has to be a meter of a frame, with id and value.")
    if "of" in meter:
        return f"{meter['id']} {meter['value']}/{meter['of']}"
    if meter.get("unit") == "%":
        return f"{meter['id']} {100 * meter['value']:.0f} %"
    if meter["id"] in ("variety", "gap"):
        return f"{meter['id']} {round(meter['value'], 2) + 0.0:.2f}"  # never -0.00
    if meter["id"] == "frechet":
        return f"Fréchet {meter['value']:.0f}"
    return f"{meter['id'].upper()} {meter['value']:.3f}"


def draw_2d(header: dict[str, Any], arrays: dict[str, np.ndarray], ax: Axes) -> Axes:
    """Real and generated points over D's verdict, with the way G is pushed."""
    check_frame(header, arrays, ax, "2d")
    ax.imshow(
        arrays["heat"] / 255, extent=header["range"], cmap=HEAT, vmin=0, vmax=1, aspect="equal"
    )
    for name, colour, label in (("real", REAL, "real"), ("fake", FAKE, "generated")):
        low, high = np.array(header["range"]).reshape(2, 2).T  # (2,) each: x and y
        inside = ((arrays[name] > low) & (arrays[name] < high)).all(axis=1)
        x, y = arrays[name][inside].T
        ax.scatter(x, y, s=5, color=colour, alpha=0.7, lw=0, label=label)
        x, y = arrays[name][~inside].clip(low + 0.06, high - 0.06).T  # hollow, at the border
        ax.scatter(x, y, s=14, marker="D", facecolors="none", edgecolors=colour, lw=0.7)
    pushed = arrays["push"].any(axis=1)  # those with an arrow
    start, push = arrays["fake"][pushed], arrays["push"][pushed]
    length = np.linalg.norm(push, axis=1, keepdims=True)
    # Log-compressed: 1e-4 and below is a dot, 10 is long.
    shown = push / (length + 1e-12) * 0.09 * np.clip(np.log10(length + 1e-12) + 4, 0, 5)
    ends = np.stack([start, start + shown], axis=1)  # (n, 2 ends, 2)
    ax.add_collection(LineCollection(list(ends), colors="#7a2f06", linewidths=0.7))
    ax.set(xlim=header["range"][:2], ylim=header["range"][2:], xticks=[], yticks=[])
    return ax


def draw_transport(
    x: Tensor | np.ndarray, y: Tensor | np.ndarray, match: Tensor | np.ndarray, ax: Axes
) -> Axes:
    """How mass is moved: a line from each generated sample to the real one it is carried to.

    Args:
        x: generated samples `[N, 2]`; y: real ones `[N, 2]`.
        match: which y each x goes to, `[N]`.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_axes(ax)
    x, y = (
        torch.as_tensor(numbers(name, points, "[N, 2]")) for name, points in (("x", x), ("y", y))
    )
    match = torch.as_tensor(numbers("match", match, "[N]", whole=True))
    if len(match) != len(x) or match.min() < 0 or match.max() >= len(y):
        raise ValueError(
            f"match holds {len(match)} places from {int(match.min())} to {int(match.max())}, for "
            f"{len(x)} samples x and {len(y)} samples y; see `optimal_assignment`."
        )
    ways = torch.stack([x, y[match]], dim=1).numpy()  # (N, 2 ends, 2)
    ax.add_collection(LineCollection(list(ways), colors="0.55", linewidths=0.6, zorder=1))
    for points, colour, label in ((x, FAKE, "generated"), (y, REAL, "real")):
        across, up = points.T.numpy()
        ax.scatter(across, up, s=8, color=colour, label=label, zorder=2)
    ax.set(aspect="equal", xticks=[], yticks=[])
    return ax


def draw_landscape(
    values: Tensor | np.ndarray,
    ax: Axes,
    points: Tensor | np.ndarray | None = None,
    reach: float = 2.0,
) -> Axes:
    """A critic's scores over the plane as level lines.

    Args:
        values: `[R, R]` on [-reach, reach]^2, the first row at the bottom, R at least 2; finite.
        points: real samples to lay over them, `[N, 2]`.
        reach: above 0.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_axes(ax)
    values = torch.as_tensor(numbers("values", values, "[R, R]", finite=True))
    if len(values) < 2 or len(values) != values.shape[1]:
        raise ValueError(f"values has shape {list(values.shape)}; it has to be [R, R], R >= 2.")
    if points is not None:
        points = torch.as_tensor(numbers("points", points, "[N, 2]"))
    reach = check_number("reach", reach, 0, low_allowed=False)
    line = np.linspace(-reach, reach, len(values))
    ax.contourf(line, line, values.numpy(), levels=14, cmap=HEAT)
    ax.contour(line, line, values.numpy(), levels=14, colors="0.3", linewidths=0.4)
    if points is not None:
        across, up = points.T.numpy()
        ax.scatter(across, up, s=2, color=REAL, lw=0)
    ax.set(aspect="equal", xticks=[], yticks=[], xlim=(-reach, reach), ylim=(-reach, reach))
    return ax


def draw_1d(header: dict[str, Any], arrays: dict[str, np.ndarray], ax: Axes) -> Axes:
    """Figure 1 of Goodfellow et al. (2014): densities, D, and the lines z -> G(z) below."""
    check_frame(header, arrays, ax, "1d")
    x, top = arrays["x"], 1.25 * header["range"][3]
    ax.fill_between(x, arrays["q"], color=FAKE, alpha=0.3, lw=0)
    ax.plot(x, arrays["q"], color=FAKE, lw=1.4, label="q (G)")
    ax.plot(x, arrays["p"], color=REAL, lw=1.8, ls=(0, (1, 1)), label="p (data)")
    D, best = ("critic", "f*") if header["critic"] else ("D", "D*")
    ax.plot(x, arrays["D"] * top / 1.25, color=VERDICT, lw=1.4, ls="--", label=D)
    ax.plot(x, arrays["D_star"] * top / 1.25, color=VERDICT, lw=0.9, ls=":", label=best)
    z_line, x_line = -0.62 * top, -0.18 * top
    z = arrays["z"] / 3 * (x[-1] - x[0]) / 2 + (x[-1] + x[0]) / 2  # z spans the same width
    lines = np.stack(
        [np.c_[z, np.full_like(z, z_line)], np.c_[arrays["gz"], np.full_like(z, x_line)]], axis=1
    )
    ax.add_collection(LineCollection(list(lines), colors=FAKE, linewidths=0.5, alpha=0.6))
    for height, name in ((z_line, "z"), (x_line, "x")):
        ax.axhline(height, color="0.35", lw=1)
        ax.text(x[-1], height, f" {name}", va="center", fontsize=9, clip_on=False)
    ax.set(xlim=(x[0], x[-1]), ylim=(1.12 * z_line, top), xticks=[], yticks=[])
    return ax


def draw_images(header: dict[str, Any], arrays: dict[str, np.ndarray], ax: Axes) -> Axes:
    """A grid of pictures: the first ones from fixed noise, never a choice."""
    check_frame(header, arrays, ax, "images")
    names = header.get("columns", ())
    columns = len(names) or math.ceil(math.sqrt(len(arrays["grid"])))
    return draw_picture_grid(from_bytes(arrays["grid"]), ax, columns, names)


def draw_translations(header: dict[str, Any], arrays: dict[str, np.ndarray], ax: Axes) -> Axes:
    """Rows of pictures that belong together, and what each row is."""
    check_frame(header, arrays, ax, "rows")
    rows = [from_bytes(arrays[f"row_{k}"]) for k in range(len(header["rows"]))]
    columns, height = len(rows[0]), rows[0].shape[2]
    colour = [x.repeat(3 // x.shape[1], 1) for x in rows]
    draw_picture_grid(np.concatenate(colour), ax, columns)
    ax.set_yticks((np.arange(len(rows)) + 0.5) * height - 0.5, list(map(readable, header["rows"])))
    ax.tick_params(left=True, length=0)
    return ax


def from_bytes(pictures: np.ndarray) -> np.ndarray:
    """Bytes `[n, H, W]` or `[n, H, W, 3]`, as in a frame -> `[n, C, H, W]` in [-1, 1]."""
    colour = pictures[..., None] if pictures.ndim == 3 else pictures
    return colour.transpose(0, 3, 1, 2) / 127.5 - 1


def draw_picture_grid(
    x: Tensor | np.ndarray, ax: Axes, columns: int = 8, names: Sequence[Any] = ()
) -> Axes:
    """Pictures side by side.

    Args:
        x: `[n, C, H, W]`, C = 1 (grey) or 3 (colour), or `[n, H, W]`, from -1 (black) to 1.
        columns: how many stand in a row, 1 or more.
        names: what is written above each column, if anything.

    Raises:
        ValueError, TypeError: if an argument is not as above; whole numbers, and pictures from 0 to
            255, are refused with the formula that mends it.
    """
    check_axes(ax)
    columns = check_int("columns", columns, 1, 10**6)
    names = names.tolist() if isinstance(names, (Tensor, np.ndarray)) else names
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"names = {names!r} has to be a list of names, one for each column.")
    names = list(map(str, names))
    pictures = as_pictures(x)
    n, height, width, *colours = pictures.shape
    rows = -(-n // columns)
    padded = np.zeros((rows * columns, height, width, *colours), dtype=np.float32)
    padded[:n] = pictures
    sheet = padded.reshape(rows, columns, height, width, *colours).swapaxes(1, 2)
    sheet = sheet.reshape(rows * height, columns * width, *colours)
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    if any(names):
        ax.set_xticks((np.arange(len(names)) + 0.5) * width - 0.5, list(map(readable, names)))
        ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0, pad=1)
    return ax


def draw_rows(
    rows: Mapping[str, Tensor | np.ndarray], zoom: float = 0.85, fig: Figure | None = None
) -> Figure:
    """Rows of as many pictures each, with their names on the left.

    Args:
        rows: name -> `[n, C, H, W]` in [-1, 1]; at least one.
        zoom: edge of a picture in inches, above 0, at most 100.
        fig: what it is drawn on; by default a new figure of pyplot.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    if not isinstance(rows, Mapping):
        raise TypeError(f"rows is {kind_of(rows)}; it has to be a dictionary, name -> pictures.")
    if not rows:
        raise ValueError("rows is empty; it has to hold a row of pictures at least.")
    for name, x in rows.items():
        as_pictures(x, f"rows[{name!r}]")
    zoom = check_number("zoom", zoom, 0, 100, low_allowed=False)
    if fig is not None:
        check_is("fig", fig, Figure, "a figure of matplotlib")
    n, margin = max(len(x) for x in rows.values()), 1.3
    fig = fig or plt.figure()
    fig.set_size_inches(margin + zoom * n, zoom * len(rows))
    left = margin / (margin + zoom * n)
    fig.subplots_adjust(left=left, right=0.995, top=0.99, bottom=0.01, hspace=0.04)
    axes = fig.subplots(len(rows), 1, squeeze=False)[:, 0]
    for ax, (name, x) in zip(axes, rows.items(), strict=True):
        draw_picture_grid(x, ax, columns=n)
        ax.set_ylabel(readable(name), rotation=0, ha="right", va="center", fontsize=9)
    return fig


def as_pictures(x: Tensor | np.ndarray, name: str = "x") -> np.ndarray:
    """Pictures in [-1, 1], on any device, in [0, 1]: the colours come last, if there are some.

    `[n, 1, H, W]` or `[n, H, W]` -> `[n, H, W]`; `[n, 3, H, W]` -> `[n, H, W, 3]`. What transforms
    lead a little out of [-1, 1] is let through, and so is NaN.

    Raises:
        TypeError: if x holds no floats.
        ValueError: if x has another shape, or leaves [-3, 3].
    """
    pictures = numbers(name, x)
    if pictures.dtype.kind != "f":
        raise TypeError(f"{name} is {kind_of(x)}; pictures are floats in [-1, 1]. {MEND}")
    fits = pictures.ndim == 3 or (pictures.ndim == 4 and pictures.shape[1] in (1, 3))
    if not fits or 0 in pictures.shape:
        raise ValueError(
            f"{name} has shape {list(pictures.shape)}; it has to be [n, 1, H, W], [n, H, W], or "
            "[n, 3, H, W] for colour."
        )
    if not np.isnan(pictures).all() and (size := np.nanmax(np.abs(pictures))) > 3:
        raise ValueError(f"{name} goes up to {size:g}; pictures are in [-1, 1]. {MEND}")
    if pictures.ndim == 4:
        pictures = pictures[:, 0] if pictures.shape[1] == 1 else pictures.transpose(0, 2, 3, 1)
    return (pictures + 1) / 2


def numbers(
    name: str, x: Any, shape: str = "[...]", *, whole: bool = False, finite: bool = False
) -> np.ndarray:
    """`x`, a tensor on any device, an array or a list, as an array of real numbers of that shape.

    Args:
        name: of the argument.
        x: what was given.
        shape: see `checks.check_shape`.
        whole: whether they have to be whole numbers.
        finite: whether NaN and infinity are refused.

    Raises:
        ValueError, TypeError: if it is none.
    """
    values = x.detach().cpu() if isinstance(x, Tensor) else x
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):  # ragged lists
        array = np.asarray(None)
    if array.dtype.kind not in ("iu" if whole else "iuf"):
        kind = "whole numbers" if whole else "real numbers"
        raise TypeError(f"{name} is {kind_of(x)}; it has to be {kind} of shape {shape}.")
    check_shape(name, array, shape)
    if finite and not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; all values have to be finite.")
    return array


#: Between two dollars, as Pandoc has it: no space inside of them, no digit behind the second.
FORMULA = re.compile(r"(?<!\\)\$(?=\S)[^$]*(?<=\S)\$(?!\d)")


def readable(name: object) -> str:
    """A reader's own name as it is drawn: `$` stands for itself unless it encloses a formula.

    Between two of them matplotlib expects one, and what is none would keep the figure from being
    drawn.
    """
    return "\n".join(map(readable_line, str(name).split("\n")))


def readable_line(line: str) -> str:
    """`readable` for a single line."""
    dollar = re.compile(r"(?<!\\)\$")
    try:
        if dollar.search(FORMULA.sub("", line)):
            raise ValueError("a dollar that belongs to no formula")
        if "$" in line:
            MathTextParser("path").parse(line)
    except ValueError:
        return dollar.sub(r"\\$", line)
    return line


def check_axes(ax: object) -> None:
    """Raise a TypeError if nothing can be drawn on it."""
    check_is("ax", ax, Axes, "Axes of matplotlib, e.g. plt.subplots()[1]")


#: Kind of a frame -> what its header and its arrays have to hold.
FRAMES: dict[str, tuple[set[str], set[str]]] = {
    "1d": ({"range", "critic"}, {"x", "p", "q", "D", "D_star", "z", "gz"}),
    "2d": ({"range"}, {"heat", "real", "fake", "push"}),
    "images": (set(), {"grid"}),
    "rows": ({"rows"}, {"row_0"}),
    "many": ({"members"}, set()),
}


def check_frame(header: object, arrays: object, ax: object, kind: str | None = None) -> None:
    """Raise if this is no frame of that kind, or of any kind; the message names what is missing."""
    check_axes(ax)
    for name, part in (("header", header), ("arrays", arrays)):
        if not isinstance(part, Mapping):
            raise TypeError(f"{name} is {kind_of(part)}; draw what session.frame() returns.")
    assert isinstance(header, Mapping) and isinstance(arrays, Mapping)  # for mypy
    own = header.get("kind")
    if not isinstance(own, str) or own not in FRAMES or own != (kind or own):
        wanted = kind or ", ".join(FRAMES)
        raise ValueError(f"header has kind = {own!r}; what is drawn here is {wanted}.")
    needed = FRAMES[own]
    more = {"step", "meters"} if kind is None and own != "many" else set()
    for name, part, wanted_keys in (
        ("header", header, needed[0] | more),
        ("arrays", arrays, needed[1]),
    ):
        if missing := sorted(wanted_keys - set(part)):
            raise ValueError(
                f"{name} lacks {', '.join(missing)}; draw what session.frame() returns."
            )


def draw_frames(frames: Sequence[tuple[dict[str, Any], dict[str, np.ndarray]]]) -> Figure:
    """A strip of states, one panel each, with one legend.

    frames: at least one, as `Session.frame` gives them, or `Session.film`.
    """
    if not isinstance(frames, (list, tuple)) or not frames:
        raise TypeError(f"frames is {kind_of(frames)}; it has to be a list of frames.")
    for k, frame in enumerate(frames):
        if not isinstance(frame, (list, tuple)) or len(frame) != 2:
            raise TypeError(f"frames[{k}] is {kind_of(frame)}; a frame is a pair (header, arrays).")
    size = (2.8 * len(frames), 3.1)
    fig, axes = plt.subplots(1, len(frames), figsize=size, squeeze=False, layout="constrained")
    for (header, arrays), ax in zip(frames, axes[0], strict=True):
        draw_frame(header, arrays, ax)
    handles, names = axes[0, 0].get_legend_handles_labels()
    if handles:
        fig.legend(
            handles,
            names,
            loc="outside lower center",
            ncols=len(names),
            frameon=False,
            markerscale=2,
        )
    return fig


def frame_png(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """The picture that stands in for the lab where widgets do not run."""
    if not isinstance(header, Mapping):
        raise TypeError(f"header is {kind_of(header)}; draw what session.frame() returns.")
    members = header.get("members", ())
    n = len(members)
    size = (9.0, 5.2) if n > 4 else (9.0, 3.6) if n > 2 else (4.2, 4.4)
    rows = (members[0] if members else header).get("rows", ())
    if rows and not members:
        size = (7.4, 0.6 + 0.8 * len(rows))
    fig = Figure(figsize=size, dpi=80, layout="constrained")
    draw_frame(header, arrays, fig.subplots())
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    return fewer_colours(buffer) if rows else buffer.getvalue()


def fewer_colours(png: io.BytesIO) -> bytes:
    """The same picture in 128 colours: photographs take a fifth of the room so."""
    few = Image.open(png).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small = io.BytesIO()
    few.save(small, format="png", optimize=True)
    return small.getvalue()


def draw_curves(steps: Any, curves: dict[str, Any], ax: Axes, log: bool = False) -> Axes:
    """Named curves over training steps, with the legend outside of the data.

    Args:
        steps: `[T]`.
        curves: name -> `[T]`; NaN leaves a gap.
        ax: what they are drawn on.
        log: whether the axis of the values is logarithmic.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_axes(ax)
    steps = numbers("steps", steps, "[T]")
    if not isinstance(curves, Mapping) or not curves:
        raise TypeError(f"curves is {kind_of(curves)}; it has to be a dictionary, name -> values.")
    curves = {name: numbers(f"curves[{name!r}]", own, "[T]") for name, own in curves.items()}
    if wrong := [name for name, own in curves.items() if len(own) != len(steps)]:
        raise ValueError(
            f"curves[{wrong[0]!r}] has {len(curves[wrong[0]])} values for {len(steps)} steps."
        )
    log = check_bool("log", log)
    colours = {"D": REAL, "G": FAKE, "$W_1$": REAL, "estimate": VERDICT}
    for name, values in curves.items():
        ax.plot(steps, values, label=readable(name), lw=1.3, color=colours.get(name))
    ax.set(xlabel="step", yscale="log" if log else "linear")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False, fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def draw_generator_diagram(z: Tensor | np.ndarray, x: Tensor | np.ndarray) -> Figure:
    """noise -> G -> x, with real noise and the picture that a trained G makes of it.

    Args:
        z: latent vectors `[n, L]`, L divisible by 4.
        x: what G makes of them, `[n, 1, H, W]` in [-1, 1].

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    z = numbers("z", z, "[n, L]", finite=True)
    n = check_diagram(z, x=as_pictures(x))
    _, ax = plt.subplots(figsize=(6.5, 1.0 * n + 0.5))
    for i, y in enumerate(range(n - 1, -1, -1)):
        place_noise(z, i, (0, 2.4, y), ax)
        place_picture(x, i, (6.6, y), ax)
        for start, end in ((2.55, 3.55), (5.45, 6.45)):
            place_arrow(start, end, y + 0.5, ax)
    place_box("$G$", (3.75, n), FAKE, ax)
    titles = ((1.2, r"$\mathbf{z} \sim N(0, I)$"), (7.0, r"$\mathbf{x} = G(\mathbf{z})$"))
    return finish_diagram(titles, n, 8.2, ax)


def draw_conditional_diagram(
    z: Tensor | np.ndarray,
    y: Tensor | np.ndarray,
    x: Tensor | np.ndarray,
    d: Tensor | np.ndarray,
    scores: Tensor | np.ndarray | None = None,
) -> Figure:
    """[z, y] -> G -> x, and then (x, y) -> D; or x -> D with two answers, if there are scores.

    Args:
        z: latent vectors `[n, L]`, L divisible by 4; y: codes `[n, K]`.
        x: what G makes of them, `[n, 1, H, W]` in [-1, 1].
        d: D's verdict on them, from 0 to 1, `[n]`.
        scores: of an AC-GAN, p(C_k | x), `[n, K]`.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    z = numbers("z", z, "[n, L]", finite=True)
    y, d = numbers("y", y, "[n, K]", finite=True), numbers("d", d, "[n]", finite=True)
    if scores is not None:
        scores = numbers("scores", scores, "[n, K]", finite=True)
    n = check_diagram(z, x=as_pictures(x), y=y, d=d, scores=y if scores is None else scores)
    shift = 0.9 if scores is None else 0.0
    _, ax = plt.subplots(figsize=(10.6, 1.0 * n + 0.5))
    for i, row in enumerate(range(n - 1, -1, -1)):
        place_noise(z, i, (0, 2.4, row), ax)
        place_bars(y, i, (2.55, row), REAL, ax)
        place_picture(x, i, (6.6, row), ax)
        arrows = [
            (3.4, 3.95),
            (5.85, 6.45),
            (7.55 + shift, 8.1 + shift),
            (9.9 + shift, 10.4 + shift),
        ]
        for start, end in arrows:
            place_arrow(start, end, row + 0.5, ax)
        if scores is None:
            place_bars(y, i, (7.5, row), REAL, ax)
        else:
            place_bars(scores, i, (11.5, row), VERDICT, ax)
        ax.text(10.5 + shift, row + 0.5, f"{float(d[i]):.2f}", va="center", fontsize=13)
    place_box("$G$", (4.15, n), FAKE, ax)
    place_box("$D$", (8.25 + shift, n), VERDICT, ax)
    both = r"$D(\mathbf{x}, \mathbf{y})$" if scores is None else r"$D(\mathbf{x})$"
    titles = [(1.2, r"$\mathbf{z}$"), (2.9, r"$\mathbf{y}$"), (7.0, r"$\mathbf{x}$")]
    titles += [(7.0 + 0.9, r"$\mathbf{y}$")] if scores is None else [(11.9, r"$p(C_k|\mathbf{x})$")]
    return finish_diagram([*titles, (10.8 + shift, both)], n, 12.5, ax)


def check_diagram(z: np.ndarray, **others: np.ndarray) -> int:
    """How many rows a diagram has, if there are as many of all that it shows."""
    if z.shape[1] % 4:
        raise ValueError(f"z has shape {list(z.shape)}; L has to be divisible by 4.")
    for name, values in others.items():
        if len(values) != len(z):
            raise ValueError(f"{name} has {len(values)} rows, z has {len(z)}.")
    return len(z)


# --- the parts of a diagram: rows of height 1, row 0 at the bottom -------------------------------


def place_noise(z: Any, i: int, place: tuple[float, float, float], ax: Axes) -> None:
    """One latent vector as four rows of colours; place: left, right, row."""
    noise = torch.as_tensor(z).cpu().numpy()
    left, right, row = place
    limit, extent = np.abs(noise).max(), (left, right, row + 0.1, row + 0.9)
    ax.imshow(noise[i].reshape(4, -1), extent=extent, cmap="PuOr_r", vmin=-limit, vmax=limit)


def place_picture(x: Any, i: int, place: tuple[float, float], ax: Axes) -> None:
    """One picture; place: left, row."""
    extent = (place[0], place[0] + 0.8, place[1] + 0.1, place[1] + 0.9)
    ax.imshow(as_pictures(x)[i], extent=extent, cmap="gray", vmin=0, vmax=1)


def place_bars(y: Any, i: int, place: tuple[float, float], colour: str, ax: Axes) -> None:
    """One code, or one set of probabilities, a bar for each class; place: left, row."""
    shares = torch.as_tensor(y).cpu().numpy()[i]
    left, row, width = place[0], place[1] + 0.25, 0.75 / len(shares)
    at = left + (np.arange(len(shares)) + 0.5) * width
    ax.bar(at, 0.55 * shares, 0.8 * width, bottom=row, color=colour)
    ax.plot((left, left + 0.75), (row, row), color="0.4", lw=0.8)
    top = int(shares.argmax())
    ax.text(at[top], row - 0.03, str(top), ha="center", va="top", fontsize=9, color=colour)


def place_arrow(start: float, end: float, height: float, ax: Axes) -> None:
    """From left to right."""
    arrow = {"arrowstyle": "-|>", "color": "0.25", "lw": 1.4}
    ax.annotate("", xy=(end, height), xytext=(start, height), arrowprops=arrow)


def place_box(name: str, place: tuple[float, int], colour: str, ax: Axes) -> None:
    """A network beside all rows; place: left, number of rows."""
    left, n = place
    box = FancyBboxPatch((left, 0.15), 1.5, n - 0.3, boxstyle="round,pad=0.1")
    box.set(facecolor={FAKE: "#fbe3d3", VERDICT: "#e3e7ee"}[colour], edgecolor=colour)
    ax.add_patch(box)
    ax.text(left + 0.75, n / 2, name, ha="center", va="center", fontsize=24, color=colour)


def finish_diagram(titles: Sequence[tuple[float, str]], n: int, width: float, ax: Axes) -> Figure:
    """Titles above, each at its place, and no axes."""
    for centre, words in titles:
        ax.text(centre, n + 0.12, words, ha="center", va="bottom", fontsize=12)
    ax.set(xlim=(-0.1, width), ylim=(-0.05, n + 0.6), aspect="equal")
    ax.axis("off")
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure
