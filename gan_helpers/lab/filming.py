"""What a lab gives away for slides: a figure of its present state, a film of its run."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
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

SECONDS = 8.0  # that a film takes
DPI = 200  # pixels an inch of a picture
ONE, SEVERAL = 640, 1000  # pixels across a film, of one GAN and of several


class Filming(Console):
    """A lab whose pictures can be taken along."""

    _filmed: tuple[int, int] | None = None  # pictures drawn, and of how many, while a film is made

    def figure(self, path: str | Path | None = None, *, dpi: int = DPI) -> Figure:
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
            replace_file(target, as_file(figure, target.suffix.lower()[1:], dpi))
        return figure

    def film(self, path: str | Path, *, seconds: float = SECONDS, width: int | None = None) -> Path:
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
        width = check_int("width", self._film_width if width is None else width, 100, 4000)
        if target.suffix.lower() == ".mp4":
            find_ffmpeg()  # raises now, and not in the end
        from tqdm.auto import tqdm

        with self.worker.lock:
            frames = frames_of(self.shown)
        if len(frames) < 2:
            raise ValueError(
                f"there is nothing to film: the lab is at step {self.shown.at}, where it began. "
                "Let it train first, e.g. lab.run(1000)."
            )
        pictures = list(self._pictures(tqdm(frames, unit="picture", leave=False), width))
        replace_file(target, encode(pictures, seconds, target.suffix.lower()))
        return target

    @property
    def _film_width(self) -> int:
        return SEVERAL if self.comparison else ONE

    def _pictures(self, frames: Iterable[Callable[[], Frame]], width: int) -> Iterator[Image.Image]:
        """One after the other; a moment is looked at between two steps."""
        for frame in frames:
            with self.worker.lock:
                seen = frame()
            yield as_picture(figure_of(seen), width)

    # --- the row of tools ----------------------------------------------------------------------

    def _add_tools(self) -> None:
        t, post = self.text, self.worker.post
        for kind in ("png", "svg"):
            name, take = f"picture_{kind}", partial(post, partial(self._take_picture, kind))
            self.tools.append(self._button(name, take, t[f"{name}_hint"], icon="camera"))
        begin = partial(post, self._begin_film)
        self.film_button = self._button("film_gif", begin, t["film_gif_hint"], icon="film")
        self.tools.append(self.film_button)

    # --- commands: run between two steps -------------------------------------------------------

    def _take_picture(self, kind: str) -> None:
        """Let the page save what is seen now."""
        content = as_file(figure_of(self.shown.frame()), kind, DPI)
        self._say("taken", name=self._give(kind, content, self.shown.at))

    def _begin_film(self) -> None:
        """Have the run up to now filmed while the lab goes on; one film at a time."""
        if self._filmed:
            done, n = self._filmed
            self._say("still_filming", done=done, n=n)
            return
        frames = frames_of(self.shown)
        if len(frames) < 2:
            self._say("nothing_to_film")
            return
        self._say("filming", n=len(frames))
        self._show_progress((0, len(frames)))
        self.worker.do_aside(partial(self._shoot, frames, self._film_width, self.shown.at))

    # --- aside from the steps ------------------------------------------------------------------

    def _shoot(self, frames: list[Callable[[], Frame]], width: int, step: int) -> None:
        """Draw a film and let the page save it; ends with the lab."""
        pictures, tell = [], self.worker.pass_on
        try:
            for picture in self._pictures(frames, width):
                if self.worker.closed:
                    return
                pictures.append(picture)
                tell(partial(self._show_progress, (len(pictures), len(frames))))
            content = encode(pictures, SECONDS, ".gif")
            tell(partial(self._give_film, content, len(frames), step))
        finally:
            tell(partial(self._show_progress, None))

    def _show_progress(self, filmed: tuple[int, int] | None) -> None:
        """How far the film is, on its button: a message would be read out for each picture."""
        self._filmed = filmed
        words = self.text["film_gif"]
        self.film_button.description = words if filmed is None else "{} / {}".format(*filmed)

    def _give_film(self, content: bytes, n: int, step: int) -> None:
        name = self._give("gif", content, step)
        self._say("filmed", n=n, name=name, size=f"{len(content) / 1e6:.1f}")


def as_file(figure: Figure, kind: str, dpi: int) -> bytes:
    """A figure as a file of that kind, "png", "svg" or "pdf"."""
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=dpi)
    return file.getvalue()


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
