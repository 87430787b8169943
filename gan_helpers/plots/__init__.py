"""Static figures. They take arrays and an `Axes`, return the `Axes`, and never train.

Words inside figures are short and English or symbols, so that they serve both editions and need
no Japanese font.
"""

from gan_helpers.plots.axes import FAKE, HEAT, REAL, VERDICT, readable
from gan_helpers.plots.curves import draw_curves, draw_landscape, draw_strip, draw_transport
from gan_helpers.plots.diagrams import draw_conditional_diagram, draw_generator_diagram
from gan_helpers.plots.frames import (
    draw_1d,
    draw_2d,
    draw_frame,
    draw_frames,
    draw_images,
    draw_many,
    draw_translations,
    frame_figure,
    frame_png,
    meter_text,
)
from gan_helpers.plots.pictures import as_pictures, draw_picture_grid, draw_rows

__all__ = [
    "FAKE",
    "HEAT",
    "REAL",
    "VERDICT",
    "as_pictures",
    "draw_1d",
    "draw_2d",
    "draw_conditional_diagram",
    "draw_curves",
    "draw_frame",
    "draw_frames",
    "draw_generator_diagram",
    "draw_images",
    "draw_landscape",
    "draw_many",
    "draw_picture_grid",
    "draw_rows",
    "draw_strip",
    "draw_translations",
    "draw_transport",
    "frame_figure",
    "frame_png",
    "meter_text",
    "readable",
]
