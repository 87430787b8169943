"""What a lab gives away for slides: a figure of its present state, a film of its run."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from gan_helpers.checks import check_int, check_number
from gan_helpers.files import replace_file
from gan_helpers.lab.console import Console
from gan_helpers.lab.engine.look import Frame
from gan_helpers.lab.engine.past import frames_of
from gan_helpers.lab.labels import in_english
from gan_helpers.plots.film import FIGURES, FILMS, as_picture, check_target, encode, find_ffmpeg
from gan_helpers.plots.frames import frame_figure


class Filming(Console):
    """A lab whose pictures can be taken along."""

    def figure(self, path: str | Path | None = None, *, dpi: int = 200) -> Figure:
        """What is seen now, as a figure; written to a file where one is named.

        Args:
            path: a .png, .svg or .pdf; its folder has to exist. The last two stay sharp at any
                size.
            dpi: pixels an inch of a .png, 20 to 1200.

        Raises:
            ValueError, TypeError, OSError: if an argument is not as above, or the file cannot be
                written.
        """
        dpi = check_int("dpi", dpi, 20, 1200)
        target = None if path is None else check_target(path, FIGURES)
        with self.worker.lock:
            frame = self.shown.frame()
        figure = figure_of(frame)
        if target is not None:
            file = io.BytesIO()
            figure.savefig(file, format=target.suffix.lower()[1:], dpi=dpi)
            replace_file(target, file.getvalue())
        return figure

    def film(self, path: str | Path, *, seconds: float = 8.0, width: int | None = None) -> Path:
        """The run up to now as a film: the moments that the timeline has kept, and the present.

        An interrupt leaves no file, and an older one as it was. The lab may play on meanwhile.

        Args:
            path: a .gif, or an .mp4 where there is ffmpeg; its folder has to exist.
            seconds: how long the film is, 0.1 to 600; its last picture stays a second longer.
            width: of a picture, 100 to 4000 pixels; by default 640, and 1000 for several GANs.

        Returns:
            The path.

        Raises:
            ValueError, TypeError, OSError: if an argument is not as above, there is nothing to
                film yet, or the file cannot be written.
        """
        target = check_target(path, FILMS)
        seconds = check_number("seconds", seconds, 0.1, 600)
        if width is None:
            width = 1000 if self.comparison else 640
        width = check_int("width", width, 100, 4000)
        if target.suffix.lower() == ".mp4":
            find_ffmpeg()  # raises now, and not in the end
        replace_file(target, encode(self._pictures(width), seconds, target.suffix.lower()))
        return target

    def _pictures(self, width: int) -> list[Image.Image]:
        """Each kept moment, and the present; a moment is looked at between two steps."""
        from tqdm.auto import tqdm

        with self.worker.lock:
            frames = frames_of(self.shown)
        if len(frames) < 2:
            raise ValueError(
                f"there is nothing to film: the lab is at step {self.shown.at}, where it began. "
                "Let it train first, e.g. lab.run(1000)."
            )
        pictures = []
        for frame in tqdm(frames, unit="picture", leave=False):
            with self.worker.lock:
                seen = frame()
            pictures.append(as_picture(figure_of(seen), width))
        return pictures


def figure_of(frame: Frame) -> Figure:
    """A frame as a figure with its step, which several GANs side by side have in common."""
    header, arrays = for_figures(frame)
    figure = frame_figure(header, arrays)
    if "members" in header:
        figure.suptitle(f"step {header['step']}", fontsize=9)
    return figure


def for_figures(frame: Frame) -> Frame:
    """A frame with the names of several GANs in words that figures can show."""
    header, arrays = frame
    if "members" in header:
        members = [{**head, "name": in_english(head["name"])} for head in header["members"]]
        header = {**header, "members": members}
    return header, arrays
