"""Figures: what they draw is what they were given, nothing is trained, nothing is clipped."""

import io
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

import slide_figures
from gan_helpers import plots
from gan_helpers.datasets.images import Images
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.comparison import Comparison
from gan_helpers.lab.engine.session import Session


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def tiny_pictures():
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(40, 1, 8, 8, generator=rng) * 2 - 1
    return Images("noise", x, torch.arange(40) % 10)


SESSIONS = {"1d": "two_gaussians_1d", "2d": "ring", "images": tiny_pictures()}


@pytest.mark.parametrize("kind", SESSIONS)
def test_every_kind_of_frame_becomes_a_png(kind):
    header, arrays = Session(data=SESSIONS[kind]).frame()
    assert header["kind"] == kind
    png = plots.frame_png(header, arrays)
    picture = plt.imread(io.BytesIO(png))
    assert png[:4] == b"\x89PNG" and picture.std() > 0.02  # not an empty sheet
    assert len(png) < 200_000


@pytest.mark.parametrize("kind", SESSIONS)
def test_a_strip_has_a_panel_for_each_moment(kind):
    frames = Session(data=SESSIONS[kind]).film([0, 2, 4])
    fig = plots.draw_frames(frames)
    titles = [ax.get_title() for ax in fig.axes]
    assert [t.split(" ·")[0] for t in titles] == ["step 0", "step 2", "step 4"]


def test_no_text_leaves_the_figure():
    """Labels and legends lie inside the canvas: nothing is cut off."""
    for kind in SESSIONS:
        fig = plots.draw_frames(Session(data=SESSIONS[kind]).film([0, 2]))
        fig.canvas.draw()
        width, height = fig.canvas.get_width_height()
        texts = [t for ax in fig.axes for t in (ax.title, *ax.texts)]
        texts += [t for legend in fig.legends for t in legend.get_texts()]
        assert texts
        for text in texts:
            box = text.get_window_extent()
            assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1


def test_the_picture_grid_keeps_order_and_values():
    x = torch.linspace(-1, 1, 5)[:, None, None, None].expand(5, 1, 2, 3)
    ax = plots.draw_picture_grid(x, Figure().subplots(), columns=2)
    sheet = np.asarray(ax.images[0].get_array())
    assert sheet.shape == (6, 6)  # 3 rows of height 2, 2 columns of width 3
    np.testing.assert_allclose(sheet[::2, ::3].flatten()[:5], [0, 0.25, 0.5, 0.75, 1])


def test_the_picture_grid_keeps_colours():
    x = torch.rand(5, 3, 4, 6, generator=torch.Generator().manual_seed(0)) * 2 - 1
    ax = plots.draw_picture_grid(x, Figure().subplots(), columns=3)
    (image,) = ax.get_images()
    sheet = torch.as_tensor(np.asarray(image.get_array()))  # (2 * 4, 3 * 6, 3)
    assert sheet.shape == (8, 18, 3)
    torch.testing.assert_close(sheet[4:, 6:12], (x[4].permute(1, 2, 0) + 1) / 2)
    assert not sheet[4:, 12:].any()  # where there is no picture


def test_meters_read_as_a_person_would_write_them():
    assert plots.meter_text({"id": "modes", "value": 7, "of": 8}) == "modes 7/8"
    assert plots.meter_text({"id": "good", "value": 0.634, "unit": "%"}) == "good 63 %"
    assert plots.meter_text({"id": "jsd", "value": 0.1234}) == "JSD 0.123"


SLIDE_IMAGES = Path(slide_figures.__file__).parent / "images" / "slides"


def test_slide_figures_are_written_as_png_and_svg(tmp_path):
    short = {
        "how_gan_trained": lambda: slide_figures.how_gan_trained((0, 1)),
        "mode_collapse": lambda: slide_figures.mode_collapse((0, 1, 1)),
        "critic": lambda: slide_figures.critic(1),
        "noise_to_x": lambda: slide_figures.noise_to_x(1),
    }
    for name, make in (slide_figures.FIGURES | short).items():
        png, svg = slide_figures.save(make(), name, tmp_path)
        assert plt.imread(png).shape[0] > 300
        assert ET.parse(svg).getroot().tag.endswith("svg")
        assert all((SLIDE_IMAGES / path.name).exists() for path in (png, svg))


def test_a_slide_figure_is_the_same_file_again(tmp_path):
    made = [slide_figures.save(slide_figures.clipping(), "x", tmp_path / n) for n in "ab"]
    for first, second in zip(*made, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_several_gans_are_drawn_side_by_side_even_with_japanese_names():
    fork = Comparison(Session(data="ring"), {"fast D": {"lr_D": 1e-2}, "速い": {"lr_G": 1e-2}})
    fork.run(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that is missing
        assert plots.frame_png(*fork.frame())[:4] == b"\x89PNG"
    figure = plt.figure()
    plots.draw_frame(*fork.frame(), figure.subplots())
    titles = [ax.get_title().split("\n")[0] for ax in figure.axes]
    assert titles == ["", "fast D", "2"]


DOLLARS = (
    *("cost: 5$", "$", "$$", "$_$", "$5 or $6", "$5-$6", "{$}$", r"$\foo$", r"\$5 $_$", "a$\n$$"),
)


@pytest.mark.parametrize("name", DOLLARS)
def test_a_dollar_in_a_name_stands_for_itself(name):
    """matplotlib takes what is between two of them for a formula, and raises if it is none."""
    fork = Comparison(Session(data="ring"), {name: {"lr_D": 1e-2}, "b": {"lr_G": 1e-2}})
    assert plots.frame_png(*fork.frame())[:4] == b"\x89PNG"
    pictures = -torch.ones(2, 1, 4, 4)
    figures = [plots.draw_rows({name: pictures})]
    for draw in (
        lambda ax: plots.draw_picture_grid(pictures, ax, 2, [name, ""]),
        lambda ax: plots.draw_curves(range(2), {name: [1.0, 2.0]}, ax),
    ):
        figures.append(plt.figure())
        draw(figures[-1].subplots())
    for figure in figures:
        figure.savefig(io.BytesIO())
    drawn = figures[0].axes[0].yaxis.label
    text, is_formula = zip(*map(drawn._preprocess_math, drawn.get_text().split("\n")), strict=True)
    assert not any(is_formula) and "\n".join(text) == name.replace(r"\$", "$")


@pytest.mark.parametrize("name", ["$W_1$", r"$\lambda = 10$, $k$ = 3", "plain", 7])
def test_a_formula_stays_one(name):
    assert plots.readable(name) == str(name)


def test_pictures_of_another_scale_are_not_drawn_as_white():
    x = torch.rand(3, 1, 4, 4) * 255
    for wrong, error in ((x, ValueError), (x.byte(), TypeError), (x.byte().numpy(), TypeError)):
        with pytest.raises(error, match=r"x / 127\.5 - 1"):
            plots.draw_picture_grid(wrong, plt.figure().subplots())
    plots.draw_picture_grid(x / 255 * 3.5 - 1.75, plt.figure().subplots())  # transformed ones are


def test_a_frame_that_is_none_is_told_what_it_lacks():
    ax = plt.figure().subplots()
    with pytest.raises(ValueError, match="arrays lacks fake, heat, push, real"):
        plots.draw_frame({"kind": "2d", "step": 0, "meters": [], "range": [-2, 2, -2, 2]}, {}, ax)
    with pytest.raises(ValueError, match="kind = '3d'; what is drawn here is 1d, 2d, images, rows"):
        plots.draw_frame({"kind": "3d"}, {}, ax)


def test_samples_beyond_the_stage_wait_at_its_border_hollow():
    header, arrays = Session(data="ring").frame()
    arrays["fake"] = arrays["fake"] * 0 + np.float32(9)
    ax = plots.draw_2d(header, arrays, plt.figure().subplots())
    inside, beyond = ax.collections[2:4]
    assert len(inside.get_offsets()) == 0 and beyond.get_offsets().max() < 2
    assert len(beyond.get_facecolors()) == 0


def test_a_strip_has_a_row_for_each_mode():
    shares = torch.zeros(8, 5)
    shares[3, 2] = 1.0
    (image,) = plots.draw_strip(range(0, 50, 10), shares, plt.figure().subplots()).images
    assert image.get_array().shape == (8, 5) and list(image.get_extent()) == [0.0, 40.0, 8.5, 0.5]
    assert image.get_array()[3, 2] == 1


def test_every_way_of_the_transport_is_a_line():
    x, y = torch.zeros(3, 2), torch.tensor([[1.0, 0], [0, 1], [1, 1]])
    ax = plots.draw_transport(x, y, torch.tensor([2, 0, 1]), plt.figure().subplots())
    (ways,) = (lines for lines in ax.collections if isinstance(lines, LineCollection))
    ends = np.stack([segment[1] for segment in ways.get_segments()])
    np.testing.assert_array_equal(ends, y[[2, 0, 1]].numpy())


def test_a_landscape_is_the_right_way_up():
    line = torch.linspace(-2, 2, 21)
    height = line[:, None].expand(21, 21)  # rises with y, and the first row is at the bottom
    ax = plots.draw_landscape(height, plt.figure().subplots(), torch.zeros(4, 2))
    assert ax.get_ylim() == (-2, 2) and not ax.yaxis_inverted()
    filled = ax.collections[0]
    lowest, highest = (filled.get_paths()[i].get_extents() for i in (0, -1))
    assert lowest.y1 < highest.y0


def test_a_critic_is_titled_by_its_distance():
    critic = Session(Experiment(loss="wasserstein"), "ring").frame()
    words = plots.draw_frame(*critic, plt.figure().subplots()).get_title()
    assert "W1" in words and "good" not in words
    line = Session(Experiment(loss="wasserstein", latent_dim=1), "one_gaussian_1d").frame()
    names = plots.draw_1d(*line, plt.figure().subplots()).get_legend_handles_labels()[1]
    assert {"critic", "f*"} <= set(names)


def test_rows_are_named_and_as_long_as_the_longest():
    rows = {"grey": -torch.ones(3, 1, 8, 8), "colour": torch.ones(2, 3, 8, 8)}
    axes = plots.draw_rows(rows).axes
    assert [ax.get_ylabel() for ax in axes] == ["grey", "colour"]
    assert [ax.images[0].get_array().shape for ax in axes] == [(8, 24), (8, 24, 3)]
