"""The public data sets of pix2pix and CycleGAN: downloaded once, checked, unpacked, read.

Two programs may ask for the same one at the same time: the second waits, and finds it there.

The archives come over plain HTTP, so that only their checksums tell whether they are the right
ones. Where the numbers of `PUBLIC` come from:

- sizes and SHA-256 of the CycleGAN archives: tensorflow/datasets on GitHub,
  tensorflow_datasets/url_checksums/cycle_gan.txt. They name the earlier address of the archives.
- sizes of the pix2pix archives: what the server itself announced, as wget noted it in public
  notebooks (facades on 2022-03-21, maps on 2023-06-14). No SHA-256 of them was found in a public
  source. That of the first archive that could be unpacked is noted beside it, and from then on
  later damage is noticed; whether that first one was the right one, only its size tells.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from gan_helpers.checks import check_bool, check_choice, check_int
from gan_helpers.datasets.images import CACHE
from gan_helpers.datasets.pairs import Pairs, Unpaired
from gan_helpers.files import in_a_sentence, locked, write_beside

PIX2PIX = "http://efrosgans.eecs.berkeley.edu/pix2pix/datasets"
CYCLEGAN = "http://efrosgans.eecs.berkeley.edu/cyclegan/datasets"
TIMEOUT = 30  # seconds without a byte
CHUNK = 2**18
#: The most that is unpacked. The archives hold up to 0.25 GB, and up to 2,740 pictures.
MAX_BYTES = 5 * 2**30
MAX_MEMBERS = 50_000
#: The most that a picture may have. The largest of the archives have 1200 x 600.
MAX_PIXELS = 2**24
#: errno -> what to do about it.
ADVICE = {
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "Pass a folder that you may write to as root, e.g. root='public_data'.",
    ),
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT),
        "Make room, or pass a folder on another disk as root. What has been downloaded is kept; "
        "calling again goes on from there.",
    ),
    **dict.fromkeys(
        (errno.EEXIST, errno.ENOTDIR, errno.EISDIR),
        "Move away what is in the way, or pass another folder as root.",
    ),
}
#: What tarfile and zipfile raise at contents that are no archive, or not a whole one.
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    ValueError,
)

#: What Pillow raises at contents that are no picture, or too large a one.
UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True)
class PublicSet:
    """One data set, and how its archive is laid out.

    Args:
        name: of the set, and of the folder in its archive.
        url: of the archive, .tar.gz or .zip.
        layout: "paired", where A and B are the halves of one JPEG and a split has one folder;
            "unpaired", where a split has two, e.g. trainA and trainB.
        splits: what there is to choose from.
        size_bytes, sha256: of the archive; None where no public source tells.
        a_on_left: which half of a paired JPEG is A.
    """

    name: str
    url: str
    layout: str
    splits: tuple[str, ...]
    size_bytes: int | None = None
    sha256: str | None = None
    a_on_left: bool = False

    @property
    def archive(self) -> str:
        """The file name of the archive."""
        return self.url.rpartition("/")[2]

    def folders(self, split: str) -> tuple[str, ...]:
        """The folders of a split."""
        return (split,) if self.layout == "paired" else (f"{split}A", f"{split}B")


#: A becomes B. Left in the paired files is the photo, B; right is A, the labels or the map.
PUBLIC = {
    "facades": PublicSet(
        "facades", f"{PIX2PIX}/facades.tar.gz", "paired", ("train", "val", "test"), 30_168_306
    ),
    "maps": PublicSet("maps", f"{PIX2PIX}/maps.tar.gz", "paired", ("train", "val"), 250_242_400),
    "horse2zebra": PublicSet(
        "horse2zebra",
        f"{CYCLEGAN}/horse2zebra.zip",
        "unpaired",
        ("train", "test"),
        116_867_962,
        "a74d9d392eecca9966b51287a76ca126af473d9de4f3e8fc0e9cda08fa1730a1",
    ),
    "summer2winter_yosemite": PublicSet(
        "summer2winter_yosemite",
        f"{CYCLEGAN}/summer2winter_yosemite.zip",
        "unpaired",
        ("train", "test"),
        132_640_856,
        "167fe1726807a9d22bd106b4a6c0bd7953b688af924ac1bf967439c4961e49f9",
    ),
}


def load_public(
    name: str,
    split: str = "train",
    size: int = 256,
    root: str | Path | None = None,
    download: bool = True,
    base: str | None = None,
    bar: bool = True,
    limit: int | None = None,
) -> Pairs | Unpaired:
    """A public data set as float32 `[N, 3, size, size]` in [-1, 1], for A and for B.

    Paired, Isola et al. (2017): "facades" (labels -> photo) and "maps" (map -> aerial photo).
    Unpaired, Zhu et al. (2017): "horse2zebra" and "summer2winter_yosemite". The archives have 30
    to 250 MB, stay where they are, and need as much again unpacked. In memory a picture of size
    256 has 0.8 MB: all 1,096 pairs of "maps" have 1.7 GB.

    Args:
        name: one of `PUBLIC`.
        split: "train"; also "val" and "test" of facades, "val" of maps, "test" of the others.
        size: edge of a picture, 16 to 1024; the files have 256, those of maps 600.
        root: the folder for archive and pictures; by default the user's cache. What is unpacked
            there already is used without the network.
        download: whether an archive that is missing may be downloaded.
        base: another address of the folder the archive is in, of a mirror.
        bar: show progress.
        limit: only the first so many pictures, in the order of their names.

    Raises:
        ConnectionError: if the archive cannot be downloaded; the message says how to do it by hand.
        FileNotFoundError: if it is missing and `download` is False.
        OSError: if the download broke off (calling again goes on from there), the archive is
            damaged, unsafe to unpack or without the pictures, a picture is no JPEG or too large,
            or the folder cannot be used; the message says what to do.
        ValueError, TypeError: if an argument is out of its range.
    """
    public = PUBLIC[check_choice("name", name, PUBLIC)]
    check_choice("split", split, public.splits)
    size = check_int("size", size, 16, 1024)
    download, bar = check_bool("download", download), check_bool("bar", bar)
    if limit is not None:
        limit = check_int("limit", limit, 1, 10**6)
    if root is not None and not isinstance(root, (str, Path)):
        raise TypeError(f"root = {root!r} is a {type(root).__name__}; it has to be a path.")
    if base is not None and not re.match(r"https?://", str(base)):
        raise ValueError(f"base = {base!r} has to begin with http:// or https://.")
    folder = CACHE if root is None else own_folder(root)
    pictures = folder / name
    url = public.url if base is None else f"{base.rstrip('/')}/{public.archive}"
    advice = f"Delete {pictures} and call again."
    read = partial(read_jpegs, size=size, advice=advice, bar=bar)
    with in_sentences(public, folder):
        if not pictures.is_dir():
            get_pictures(public, url, folder, download, bar)
        files = [jpegs(pictures / part, advice)[:limit] for part in public.folders(split)]
        sides = [read(side, halves=2 if public.layout == "paired" else 1) for side in files]
    title = f"{name} {split} {size}x{size}"
    if public.layout == "paired":
        left, right = sides[0]
        return Pairs(title, *((left, right) if public.a_on_left else (right, left)))
    return Unpaired(title, *(side[0] for side in sides))


# --- folders -----------------------------------------------------------------------------------


def own_folder(root: str | Path) -> Path:
    """The folder that a reader named."""
    try:
        return Path(root).expanduser()
    except RuntimeError as error:  # of a user whom the system does not know
        raise ValueError(f"root = {str(root)!r} is no folder: {error}") from error


@contextmanager
def in_sentences(public: PublicSet, folder: Path) -> Iterator[None]:
    """What the system says of files becomes a sentence that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # a sentence already
            raise
        where = error.filename or folder
        advice = ADVICE.get(error.errno, "Call again, or pass another folder as root.")
        raise in_a_sentence(error, f"{public.name} could not use {where}", advice) from error


def get_pictures(public: PublicSet, url: str, folder: Path, download: bool, bar: bool) -> None:
    """Download and unpack, unless somebody else just does; then wait for that."""

    def say_so() -> None:
        if bar:
            print(f"{public.name} is being downloaded or unpacked by another program; waiting.")

    archive, pictures = folder / public.archive, folder / public.name
    check_places(archive, pictures)
    if not (download or archive.is_file()):
        raise FileNotFoundError(
            f"{public.name} is missing: there is neither the folder {pictures} nor {archive}. "
            f"download=True fetches it from {url}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / f".{public.name}.lock", say_so) as held:
        if held:  # nobody is unpacking: what is there, a killed program has left
            for path in folder.glob(f".{public.name}-*"):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
        if not pictures.is_dir():
            get_archive(archive, public, url, bar)
            unpack(archive, public, pictures)


def check_places(archive: Path, pictures: Path) -> None:
    """Raise an OSError, before anything is downloaded, if something else is in the way."""
    folder = archive.parent
    for path in (pictures, folder, *folder.absolute().parents):
        if (path.is_symlink() or path.exists()) and not path.is_dir():
            raise NotADirectoryError(
                f"{path} is a file, where {pictures} needs a folder. Move or delete it, or pass "
                f"another folder as root."
            )
    for path in (archive, part_of(archive), note_of(archive)):
        if path.is_dir():
            raise IsADirectoryError(
                f"{path} is a folder, where a file is needed. Move or delete it, or pass another "
                f"folder as root."
            )


# --- downloading -------------------------------------------------------------------------------


def get_archive(archive: Path, public: PublicSet, url: str, bar: bool) -> None:
    """Have the verified archive; downloaded if there is none."""
    if archive.is_file():
        check_archive(archive, public, note_of(archive))
        return
    part = part_of(archive)
    try:
        fetch(url, part, public.size_bytes, bar)
    except ConnectionError as error:
        raise ConnectionError(
            f"{public.name} could not be downloaded from {url}: {error}. The embedded data sets "
            f"(load_mnist, load_fashion) need no download. Or get the archive in another way, put "
            f"it at {archive}, and call again."
        ) from error
    check_archive(part, public, note_of(archive))
    os.replace(part, archive)


def part_of(archive: Path) -> Path:
    """Where that of an archive is which has arrived so far."""
    return archive.with_name(f"{archive.name}.part")


def fetch(url: str, part: Path, size_bytes: int | None, bar: bool) -> None:
    """Download into `part`, from where it ends; what has arrived stays, whatever happens.

    Raises:
        ConnectionError: if the server does not answer, or not with the file.
        OSError: if the download broke off, or is of another file.
    """
    have = part.stat().st_size if part.is_file() else 0
    if have and have == size_bytes:
        return
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == 416 and have:  # nothing is left to send; the checks tell if it is whole
            return
        raise ConnectionError(f"the server answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise ConnectionError(str(getattr(error, "reason", error))) from error
    broken: Exception | None = None
    with response:
        resumed = response.status == 206
        if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise OSError(f"{url} sent another range than asked; call again to start anew.")
        start = have if resumed else 0  # 200 is the file from its beginning, whatever was asked
        total = size_bytes if response.length is None else start + response.length
        if size_bytes not in (None, total):
            raise OSError(f"{url} is another file: {total:,} bytes, expected {size_bytes:,}.")
        progress = tqdm(
            desc=part.stem, total=total, initial=start, unit="B", unit_scale=True, **hide(bar)
        )
        with progress, open(part, "ab" if resumed else "wb") as file:
            while True:
                try:
                    chunk = response.read(CHUNK)
                except (OSError, HTTPException) as error:  # of the line; one of the disk passes on
                    broken = error
                    break
                if not chunk:
                    break
                file.write(chunk)
                progress.update(len(chunk))
            file.flush()
            os.fsync(file.fileno())
    have = part.stat().st_size
    if broken or (total is not None and have < total):
        whole = "an unknown number" if total is None else f"{total:,}"
        raise OSError(
            f"{url} broke off after {have:,} of {whole} bytes. They are kept in {part}; calling "
            f"again goes on from there."
        ) from broken


def hide(bar: bool) -> dict[str, Any]:
    """For tqdm. disable=False would overrule the environment's TQDM_DISABLE."""
    return {} if bar else {"disable": True}


def note_of(archive: Path) -> Path:
    """Where the SHA-256 of an archive is noted for which no public source tells it."""
    return archive.with_name(f"{archive.name}.sha256")


def check_archive(path: Path, public: PublicSet, note: Path) -> None:
    """Remove the archive and raise an OSError if it is not what it has to be."""
    size, expected, origin, fault = path.stat().st_size, public.sha256, "", ""
    if expected is None and note.is_file():
        expected = read_note(note)
        origin = f", as {note} noted of the first one; was that wrong, delete the note too"
    if public.size_bytes not in (None, size):
        fault = f"it has {size:,} bytes, expected {public.size_bytes:,}"
    elif expected and (actual := sha256_of(path)) != expected:
        fault = f"its SHA-256 is {actual}, expected {expected}{origin}"
    if fault:
        path.unlink()
        raise OSError(
            f"{path} is damaged: {fault}. It has been removed; call again to download it."
        )


def read_note(note: Path) -> str:
    """The SHA-256 that was noted of the first archive."""
    text = note.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise OSError(f"{note} is damaged: it holds no SHA-256. Delete it and call again.")
    return text


def sha256_of(path: Path) -> str:
    """The checksum of a file as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


def remember(archive: Path, public: PublicSet) -> None:
    """Note the SHA-256 of an archive that could be unpacked, if nothing else tells it."""
    note = note_of(archive)
    if public.sha256 is None and not note.is_file():
        beside = note.with_name(f".{public.name}-{token_hex(4)}")
        write_beside(note, beside, f"{sha256_of(archive)}\n".encode("ascii"))


# --- unpacking ---------------------------------------------------------------------------------


def unpack(archive: Path, public: PublicSet, target: Path) -> None:
    """Unpack into a folder beside `target`, and rename that when it is complete.

    Raises:
        OSError: if a member is unsafe, the archive damaged, or a folder of pictures missing.
    """
    beside = target.with_name(f".{public.name}-{token_hex(4)}")
    try:
        beside.mkdir()
        unpack_into(beside, archive, public)
        for folder in (folder for split in public.splits for folder in public.folders(split)):
            jpegs(beside / folder, f"{archive} lacks them: delete it and call again.")
        remember(archive, public)
        if hasattr(os, "sync"):  # else a power cut could leave the new name and no pictures
            os.sync()
        rename_unless_there(beside, target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def rename_unless_there(beside: Path, target: Path) -> None:
    """Rename a folder; where there are no locks, another program may have been faster."""
    try:
        os.rename(beside, target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(beside, ignore_errors=True)


def unpack_into(folder: Path, archive: Path, public: PublicSet) -> None:
    """Unpack what the archive has in its folder of pictures.

    Only the bytes of plain files are taken; owners, modes and links are not.
    """
    bytes_left, members_left = MAX_BYTES, MAX_MEMBERS
    try:
        with closing(members(archive)) as found:
            for name, kind, size, open_member in found:
                bytes_left, members_left = bytes_left - size, members_left - 1
                fault = unsafe(name, kind, size)
                if bytes_left < 0:
                    fault = f"brings the sum of the sizes over {MAX_BYTES:,} bytes"
                elif members_left < 0:
                    fault = f"is one more than {MAX_MEMBERS:,} members"
                if fault:
                    raise OSError(
                        f"{archive} was not unpacked: its member {name!r} {fault}. Delete it; "
                        f"it is not the archive of {public.name}."
                    )
                # No colons: Windows has none in names, and those of Yosemite are dates.
                inside = PurePosixPath(name.replace(":", "_")).parts
                if kind == "folder" or inside[:1] != (public.name,) or len(inside) == 1:
                    continue
                path = folder.joinpath(*inside[1:])
                path.parent.mkdir(parents=True, exist_ok=True)
                with open_member() as source, open(path, "wb") as copy:
                    shutil.copyfileobj(source, copy)
    except DAMAGED as error:
        archive.unlink()
        raise OSError(
            f"{archive} is damaged: {error}. It has been removed; call again to download it."
        ) from error


def members(
    archive: Path,
) -> Generator[tuple[str, str, int, Callable[[], IO[bytes]]], None, None]:
    """What is in an archive: (path, "file" or "folder" or what else it is, size, how to open)."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as box:
            for info in box.infolist():
                mode = stat.S_IFMT(info.external_attr >> 16)  # 0 if packed without one
                kind = "folder" if info.is_dir() else "file"
                if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
                    kind = "symbolic link" if mode == stat.S_IFLNK else "special file"
                yield info.filename, kind, info.file_size, partial(box.open, info)
        return
    # gzip by its own module and not "r|gz", which leaves out gzip's checksum
    with gzip.open(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            kinds = {
                "file": member.isreg(),
                "folder": member.isdir(),
                "symbolic link": member.issym(),
                "hard link": member.islnk(),
            }
            kind = next((kind for kind, it_is in kinds.items() if it_is), "special file")
            yield member.name, kind, member.size, partial(open_in_tar, tar, member)
        stream.read(2**20)  # to the end, where the checksum is


def open_in_tar(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    """The contents of a plain file; tarfile has None for what has no contents."""
    source = tar.extractfile(member)
    assert source is not None
    return source


def unsafe(name: str, kind: str, size: int) -> str:
    """Why a member is not to be unpacked, or "" if nothing is against it."""
    if kind not in ("file", "folder"):
        return f"is a {kind}"
    if size < 0:  # which tar can write, and which would make room for more
        return "has a negative size"
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in re.split(r"[/\\]", name):
        return "leads out of the folder"
    if "\\" in name or "\0" in name or not name:
        return "has a character in its name that paths do not have"
    return ""


# --- reading -----------------------------------------------------------------------------------


def jpegs(folder: Path, advice: str) -> list[Path]:
    """The JPEG files of a folder in the order of their names, 1 or more."""
    found = (path for path in folder.glob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    files = sorted(path for path in found if not path.name.startswith("."))  # as macOS adds them
    if not files:
        raise OSError(f"{folder} holds no JPEG. {advice}")
    return files


def check_pixels(width: int, height: int) -> None:
    """Raise a ValueError before a picture that is too large takes up the memory."""
    if width * height > MAX_PIXELS:
        raise ValueError(f"it has {width} x {height} pixels, more than {MAX_PIXELS:,}")


def read_jpegs(files: list[Path], halves: int, size: int, advice: str, bar: bool) -> list[Tensor]:
    """JPEG files -> for each of 1 or 2 halves, from the left, `[N, 3, size, size]` in [-1, 1]."""
    xs = [torch.empty(len(files), 3, size, size) for _ in range(halves)]
    for i, path in enumerate(tqdm(files, desc=files[0].parent.name, **hide(bar))):
        try:
            # No other format, whatever the name says: some start programs, some swell.
            with Image.open(path, formats=["JPEG"]) as picture:
                check_pixels(*picture.size)
                pixels = picture.convert("RGB")  # some are grey
            width = pixels.width // halves
            for half, x in enumerate(xs):
                # Cut first: the resampling would else blend the halves at their seam.
                cut = pixels.crop((half * width, 0, (half + 1) * width, pixels.height))
                cut = cut.resize((size, size), Image.Resampling.BICUBIC)  # antialiased
                x[i] = torch.from_numpy(np.array(cut)).permute(2, 0, 1)  # (3, size, size)
        except UNREADABLE as error:
            raise OSError(f"{path} cannot be read as a picture: {error}. {advice}") from error
    return [x.div_(127.5).sub_(1) for x in xs]
