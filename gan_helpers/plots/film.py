"""Figures as pictures, and pictures one after the other as GIF or MP4."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from gan_helpers.checks import brief

FILMS = (".gif", ".mp4")
FIGURES = (".png", ".svg", ".pdf")
HOLD = 1.0  # seconds for which the last picture stays longer
FASTEST = 0.02  # seconds a picture; what is shorter, browsers show for a tenth of a second


def check_target(path: object, suffixes: Sequence[str]) -> Path:
    """`path`, if a file of such a kind can be written there.

    Raises:
        TypeError, ValueError: if it is no path, or of another kind.
        FileNotFoundError: if its folder is missing.
    """
    allowed = f"a path that ends in {', '.join(suffixes[:-1])} or {suffixes[-1]}"
    if not isinstance(path, (str, Path)):
        raise TypeError(f"path = {brief(path)} is a {type(path).__name__}; it has to be {allowed}.")
    target = Path(path).expanduser()
    if target.suffix.lower() not in suffixes:
        raise ValueError(f"path = {str(path)!r} is of no kind known here; it has to be {allowed}.")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"path = {str(path)!r}: the folder {target.parent} is missing; make it first, or "
            "choose another."
        )
    return target


def find_ffmpeg() -> str:
    """The program that makes MP4.

    Raises:
        ValueError: if there is none; the message says how to get it, and what goes without.
    """
    if program := shutil.which("ffmpeg"):
        return program
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise ValueError(
            "path ends in .mp4, which takes ffmpeg, and there is none here: install it (`pip "
            "install imageio-ffmpeg`, or ffmpeg itself), or choose .gif, which needs nothing."
        ) from error
    found: str = imageio_ffmpeg.get_ffmpeg_exe()
    return found


def as_picture(figure: Figure, width: int) -> Image.Image:
    """A figure in pixels, `width` of them across."""
    figure.set_dpi(width / figure.get_size_inches()[0])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def encode(pictures: Sequence[Image.Image], seconds: float, suffix: str) -> bytes:
    """The pictures as a film of that kind, each for the same time, the last one a while longer.

    Args:
        pictures: of one size, two or more.
        seconds: that they take together.
        suffix: one of `FILMS`.
    """
    each = max(seconds / len(pictures), FASTEST)
    return gif(pictures, each) if suffix == ".gif" else mp4(pictures, each)


def gif(pictures: Sequence[Image.Image], each: float) -> bytes:
    """As a GIF that begins again and again; `each` is the time of a picture in seconds."""
    hundredths = [round(100 * each)] * (len(pictures) - 1) + [round(100 * (each + HOLD))]
    first, *others = (picture.quantize(dither=Image.Dither.NONE) for picture in pictures)
    file = io.BytesIO()
    more = {"append_images": others, "duration": [10 * h for h in hundredths], "loop": 0}
    first.save(file, "gif", save_all=True, **more)
    return file.getvalue()


def mp4(pictures: Sequence[Image.Image], each: float) -> bytes:
    """As an MP4 that presentations play; `each` is the time of a picture in seconds.

    Raises:
        ValueError: if there is no ffmpeg.
        OSError: if it fails.
    """
    width, height = pictures[0].size
    even = "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white"  # as H.264 wants it
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "film.mp4"
        command = [
            *(find_ffmpeg(), "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"),
            *("-s", f"{width}x{height}", "-r", f"{1 / each:.4f}", "-i", "-"),
            *("-vf", f"{even},tpad=stop_mode=clone:stop_duration={HOLD}"),
            *("-pix_fmt", "yuv420p", "-movflags", "+faststart", str(target)),
        ]
        raw = b"".join(picture.tobytes() for picture in pictures)
        done = subprocess.run(command, input=raw, capture_output=True, check=False)
        if done.returncode or not target.is_file():
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no word"]
            raise OSError(f"ffmpeg made no film: {said[0]}. Choose .gif, which does without it.")
        return target.read_bytes()
