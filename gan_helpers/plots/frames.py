"""States of a lab as figures."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from gan_helpers.checks import (
    kind_of,
)
from gan_helpers.plots.axes import FAKE, HEAT, REAL, VERDICT, check_axes, readable
from gan_helpers.plots.pictures import draw_picture_grid, fewer_colours, from_bytes


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


def frame_figure(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Figure:
    """A state of the lab as a figure by itself; several GANs side by side if it has them."""
    if not isinstance(header, Mapping):
        raise TypeError(f"header is {kind_of(header)}; draw what session.frame() returns.")
    members = header.get("members", ())
    n = len(members)
    size = (9.0, 5.2) if n > 4 else (9.0, 3.6) if n > 2 else (4.2, 4.4)
    rows = (members[0] if members else header).get("rows", ())
    if rows and not members:
        size = (7.4, 0.6 + 0.8 * len(rows))
    fig = Figure(figsize=size, layout="constrained")
    draw_frame(header, arrays, fig.subplots())
    return fig


def frame_png(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """The picture that stands in for the lab where widgets do not run."""
    buffer = io.BytesIO()
    frame_figure(header, arrays).savefig(buffer, format="png", dpi=80)
    return fewer_colours(buffer) if header["kind"] == "rows" else buffer.getvalue()
