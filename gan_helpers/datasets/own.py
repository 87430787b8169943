"""The reader's own pictures as files: found, read, cut to squares of one size, sorted by folder."""

from __future__ import annotations

import io
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from gan_helpers.checks import brief, check_bool, check_int, kind_of
from gan_helpers.datasets.photos import LUMA
from gan_helpers.models import check_square

#: Path, with "/" between folders -> what reads the file.
Files = dict[str, Callable[[], bytes]]

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
LEAST = 8  # pictures; a GAN learns fewer by heart at once
MOST_BYTES = 4 * 10**9  # that the pictures take as float32
MOST_IN_ZIP = 2 * 10**8  # bytes of a single file, unpacked
GREYNESS = 8  # of 255: by how much the channels of a grey picture differ, as JPEG rounds


def read_pictures(
    files: Files, size: int, channels: int | None, labels: bool
) -> tuple[Tensor, Tensor | None, tuple[str, ...]]:
    """All pictures among the files, float32 `[N, C, size, size]` in [-1, 1], by their names.

    See `Images.from_folder`. Returns the pictures, their classes `[N]` or None, and the names of
    the classes.
    """
    size, channels = check_square(size), check_channels(channels)
    check_bool("labels", labels)
    found = pictures_among(files)
    if labels:
        classes_of(found)  # raises before all is read
    check_room(len(found), size, channels or 3)
    pixels, broken = read_all(found, size)
    tell_of_broken(broken, len(found))
    if len(pixels) < LEAST:
        raise ValueError(
            f"{len(pixels)} pictures can be read; a GAN needs {LEAST} at least, and some hundreds "
            "to make anything of its own. Add more pictures."
        )
    classes, y = classes_of(name for name in found if name not in broken) if labels else ((), None)
    x = torch.from_numpy(with_channels(np.stack(pixels), channels)).float().div_(127.5).sub_(1)
    return x, y, classes


def check_channels(channels: object) -> int | None:
    """Return `channels` if it is 1, 3 or None."""
    if channels is not None and check_int("channels", channels, 1, 3) == 2:
        raise ValueError("channels = 2 is unknown; choose 1 (grey), 3 (colour), or None to look.")
    return channels  # type: ignore[return-value]


def check_room(n: int, size: int, channels: int) -> None:
    """Raise a ValueError if the pictures would fill the memory."""
    each = 4 * channels * size**2
    if n * each > MOST_BYTES:
        raise ValueError(
            f"{n:,} pictures of {size} x {size} take {n * each / 1e9:.1f} GB; there is room for "
            f"{MOST_BYTES // each:,} of that size. Choose a smaller size, e.g. "
            f"size={max(size // 8 * 4, 4)}"
            ", or fewer pictures."
        )


# --- where they are ------------------------------------------------------------------------------


def files_in(folder: str | Path) -> Files:
    """All files below a folder, or in a .zip; nothing is read yet.

    Raises:
        FileNotFoundError, NotADirectoryError: if there is no such folder.
        TypeError: if it is no path.
    """
    if not isinstance(folder, (str, Path)):
        raise TypeError(f"folder = {brief(folder)} is a {kind_of(folder)}; it has to be a path.")
    place = Path(folder).expanduser()
    if place.suffix.lower() == ".zip" and place.is_file():
        return unzipped(place.name, place.read_bytes())
    if not place.exists():
        raise FileNotFoundError(
            f"folder = {str(folder)!r}: there is none of that name in {Path.cwd()}. Give the path "
            "of a folder with pictures, or of a .zip of one."
        )
    if not place.is_dir():
        raise NotADirectoryError(
            f"folder = {str(folder)!r} is a file; give the folder that it lies in, or a .zip."
        )
    paths = (path for path in place.rglob("*") if path.is_file())
    return {path.relative_to(place).as_posix(): path.read_bytes for path in paths}


def uploaded(files: object) -> Files:
    """Files from memory: name -> bytes, or what an `ipywidgets.FileUpload` holds (7 or 8)."""
    named: Iterable[tuple[Any, Any]] = ()
    if isinstance(files, Mapping):
        named = files.items()  # in ipywidgets 7, name -> {"content": …, "metadata": …}
    elif isinstance(files, (list, tuple)) and all(isinstance(file, Mapping) for file in files):
        named = [(file.get("name"), file) for file in files]
    found: Files = {}
    for name, content in named:
        content = content.get("content") if isinstance(content, Mapping) else content
        if not isinstance(name, str) or not isinstance(content, (bytes, bytearray, memoryview)):
            raise TypeError(f"files holds {brief(name)} -> {kind_of(content)}. {WANTED}")
        whole = bytes(content)
        inner = name.lower().endswith(".zip")
        found |= unzipped(name, whole) if inner else {name: partial(bytes, whole)}
    if not found:
        raise (ValueError if isinstance(files, (Mapping, tuple, list)) else TypeError)(
            f"files = {brief(files)} holds no file. {WANTED}"
        )
    return found


WANTED = (
    "Give what google.colab.files.upload() returns, the value of an ipywidgets.FileUpload, or a "
    "dictionary, name -> bytes."
)


def unzipped(name: str, content: bytes) -> Files:
    """The files of a .zip; each is unpacked when it is read.

    Raises:
        ValueError: if it is none.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise ValueError(f"files: {name} cannot be unpacked: {error}. Pack it again.") from error

    def unpack(entry: zipfile.ZipInfo) -> bytes:
        if entry.file_size > MOST_IN_ZIP:
            raise ValueError(f"unpacked it has {entry.file_size / 1e9:.1f} GB")
        return archive.read(entry)

    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    return {e.filename.replace("\\", "/"): partial(unpack, e) for e in entries}


def pictures_among(files: Files) -> Files:
    """The files with a picture's name, sorted, without the folders that all of them lie in."""
    seen = {name: read for name, read in files.items() if not is_hidden(name)}
    found = {n: read for n, read in sorted(seen.items()) if n.lower().endswith(SUFFIXES)}
    if not found:
        others = sorted({Path(name).suffix.lower() or "no suffix" for name in seen})
        there = f"only files with {', '.join(others[:8])}" if others else "no file at all"
        raise ValueError(
            f"folder or files: there is no picture, {there}. Pictures end in "
            f"{', '.join(SUFFIXES)}; save others in one of these formats."
        )
    while all("/" in name for name in found) and len({n.split("/")[0] for n in found}) == 1:
        found = {name.partition("/")[2]: read for name, read in found.items()}
    return found


def is_hidden(name: str) -> bool:
    """Whether a file, or a folder that it lies in, is none of the reader's making."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def classes_of(names: Iterable[str]) -> tuple[tuple[str, ...], Tensor | None]:
    """The names of the classes, sorted, and the class of each picture `[N]`: its first folder.

    There are none where no picture lies in a folder, or all in one.

    Raises:
        ValueError: if some do and some do not.
    """
    parts = [name.split("/") for name in names]
    loose = [part[0] for part in parts if len(part) == 1]
    folders = sorted({part[0] for part in parts if len(part) > 1})
    if loose and folders:
        raise ValueError(
            f"folder or files: {brief_list(loose)} lie beside the sub-folders "
            f"{brief_list(folders)}. A sub-folder is a class, so put each picture into one; or "
            "take all of them without classes: labels=False."
        )
    if len(folders) < 2:
        return (), None
    y = torch.tensor([folders.index(part[0]) for part in parts])
    return tuple(unicodedata.normalize("NFC", folder) for folder in folders), y


def brief_list(names: list[str]) -> str:
    """The first few of them."""
    more = f" and {len(names) - 3} more" if len(names) > 4 else ""
    return ", ".join(names[: 3 if more else 4]) + more


# --- what is in them -----------------------------------------------------------------------------


def read_all(files: Files, size: int) -> tuple[list[np.ndarray], dict[str, str]]:
    """The pictures that can be read, `[size, size, 3]` bytes each; name -> why one cannot."""
    from tqdm.auto import tqdm

    pixels, broken = [], {}
    for name, read in tqdm(files.items(), unit="picture", leave=False, delay=1):
        try:
            pixels.append(read_picture(read(), size))
        except Exception as error:  # what decoders raise of a broken file is anything
            broken[name] = str(error) or type(error).__name__
    return pixels, broken


def tell_of_broken(broken: Mapping[str, str], n: int) -> None:
    """Warn of the files that are left out; raise a ValueError if these are all."""
    if not broken:
        return
    why = next(iter(broken.values()))
    named = f"{brief_list(list(broken))} (the first: {why[:100]})"
    if len(broken) == n:
        raise ValueError(
            f"folder or files: none of the {n} pictures can be read: {named}. Open one in another "
            "program; if it is whole, save it as PNG or JPEG."
        )
    warnings.warn(
        f"{len(broken)} of {n} pictures cannot be read and are left out: {named}.", stacklevel=4
    )


def read_picture(content: bytes, size: int) -> np.ndarray:
    """The middle square of a picture, scaled to `[size, size, 3]` bytes with antialiasing.

    Turned as its camera says; the transparent is white. Of what moves, the first frame.
    """
    with Image.open(io.BytesIO(content)) as file:
        file.draft(None, (2 * size, 2 * size))  # decodes a JPEG no finer than is needed
        picture = ImageOps.exif_transpose(file)
        if picture.mode.startswith("I"):  # 16 bits a pixel, of which `convert` would cut most off
            high = np.asarray(picture).astype(np.int64) >> 8
            picture = Image.fromarray(high.clip(0, 255).astype(np.uint8))
        if "A" in picture.mode or "a" in picture.mode or "transparency" in picture.info:
            picture = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        square = (size, size)
        return np.asarray(ImageOps.fit(picture.convert("RGB"), square, Image.Resampling.LANCZOS))


def with_channels(pixels: np.ndarray, channels: int | None) -> np.ndarray:
    """Bytes `[N, S, S, 3]` as `[N, C, S, S]`; None: grey if all are, else colour."""
    if channels is None:
        spread = pixels.max(-1) - pixels.min(-1)  # (N, S, S)
        channels = 1 if spread.max() <= GREYNESS else 3
    if channels == 3:
        return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return (pixels @ np.array(LUMA, dtype=np.float32)).round().astype(np.uint8)[:, None]
