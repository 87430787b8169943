"""MNIST and Fashion-MNIST as tensors: from the repository itself, without a download.

MNIST is complete; of Fashion-MNIST there is a part, which data/make_fashion.py made.
"""

from __future__ import annotations

import hashlib
import os
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from gan_helpers.checks import (
    brief,
    check_bool,
    check_choice,
    check_device,
    check_int,
    check_rng,
    check_scale,
    check_seed,
    check_text,
    kind_of,
    plain,
)
from gan_helpers.datasets.files import EMBEDDED

#: SHA-256 of the unpacked files, wherever they come from. data/README.md repeats them.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
FASHION_SHA256 = {
    "fashion-train-images-idx3-ubyte": (
        "857ec38dfc0c1725a61f0c579d77e0f2d39eb41a87e3b0c39271a08797c4d523"
    ),
    "fashion-train-labels-idx1-ubyte": (
        "a08ec8612f1e9754131045a4b360f271068042c79bc9d0fe801ac8eebdc3b1bc"
    ),
    "fashion-test-images-idx3-ubyte": (
        "70e18f87694c3d29ea1e66c0f97977872d5938063df17cb954eab483d3b1e195"
    ),
    "fashion-test-labels-idx1-ubyte": (
        "e18e6fe44bbeb980f85a745210a0a269a8bb7b98201e0f223576115fd7d5dc6c"
    ),
}
PREFIX = {"train": "train", "test": "t10k"}
SIZES = (16, 28, 32)

#: The classes of Fashion-MNIST, in the order of their numbers.
FASHION_CLASSES = (
    "T-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)

#: The numbers of those that are shoes.
SHOES = tuple(map(FASHION_CLASSES.index, ("sandal", "sneaker", "ankle boot")))

#: Where a download goes.
CACHE = Path(os.path.expanduser("~/.cache/gan_helpers"))


@dataclass(frozen=True, eq=False)
class Images:
    """Grey pictures, with a class each where classes are used; black is -1, white is 1.

    Colour pictures `[N, 3, H, W]` go with `pairs.Pairs` and `pairs.Unpaired` (12.4.5);
    `photos.luma` makes grey ones of them.

    Args:
        name: what the reader sees.
        x: the pictures `[N, 1, H, W]` in [-1, 1]: a float32 tensor, or a NumPy array of float32 or
            float64, which becomes one.
        y: their classes `[N]`, 0 or more: an int64 tensor, or a NumPy array of whole numbers, which
            becomes one. None where no class is used.
        dataset: which classifier knows them, a name in `SETS`; "" where there is none.

    Raises:
        ValueError, TypeError: if an array has the wrong type, shape or range. The message tells how
            pictures in [0, 1] or from 0 to 255 are brought to [-1, 1].

    Warns:
        UserWarning: if x has no value below 0, but might be in [-1, 1] all the same.
    """

    name: str
    x: Tensor
    y: Any = None  # an int64 tensor [N], or None
    dataset: str = ""

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_text("dataset", self.dataset)
        object.__setattr__(self, "x", as_pictures(self.x))
        if self.x.dim() != 4 or self.x.shape[1] != 1 or 0 in self.x.shape:
            raise ValueError(
                f"x has shape {list(self.x.shape)}; it has to be [N, 1, H, W] with N, H, W >= 1. "
                "[N, H, W] becomes that by x[:, None]; colour goes with Pairs and Unpaired, and "
                "datasets.photos.luma(x) makes grey of it."
            )
        check_scale("x", self.x, stacklevel=4)
        if self.y is not None:
            object.__setattr__(self, "y", as_classes(self.y, self.x))

    def __len__(self) -> int:
        return len(self.x)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one picture, `(1, H, W)`."""
        return tuple(self.x.shape[1:])

    @cached_property
    def n_classes(self) -> int:
        """K, where the classes are 0 to K - 1.

        Raises:
            ValueError: if the pictures have no classes.

        Warns:
            UserWarning: if some of these classes have no picture.
        """
        counts = self._classes().bincount()
        if empty := (counts == 0).nonzero()[:, 0].tolist():
            warnings.warn(
                f"y holds classes up to {len(counts) - 1}, so there are {len(counts)} of them, but "
                f"no picture of {brief(empty)}. To count only those that are there: "
                f"Images(name, data.x, data.y.unique(return_inverse=True)[1]).",
                stacklevel=3,
            )
        return len(counts)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """`n` pictures drawn with replacement, `[n, 1, H, W]`.

        Args:
            n: 1 to 10^6.
            rng: the source of chance, on the device of the pictures.
        """
        return self.x[self._draw(n, rng)]

    def sample_pairs(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` pictures drawn with replacement `[n, 1, H, W]`, and their classes `[n]`.

        Args: as for `sample`.

        Raises:
            ValueError: if the pictures have no classes.
        """
        y, chosen = self._classes(), self._draw(n, rng)
        return self.x[chosen], y[chosen]

    def _classes(self) -> Tensor:
        if self.y is None:
            raise ValueError(
                f"y is None: {self.name!r} has no classes. Give them: Images(name, x, y), y [N]."
            )
        return self.y

    def _draw(self, n: int, rng: torch.Generator) -> Tensor:
        n = check_int("n", n, 1, 10**6)
        device = check_rng(rng, self.x)
        return torch.randint(len(self.x), (n,), generator=rng, device=device)

    def of_class(self, *digits: int) -> Images:
        """Only the pictures of these classes, in their order.

        Raises:
            ValueError, TypeError: if no class is given, or one that no picture has.
        """
        y = self._classes()
        present = y.unique().tolist()
        for digit in digits:
            if check_int("digits", digit, 0, 2**31) not in present:
                raise ValueError(f"digits = {digit!r} has no picture here; there are {present}.")
        if not digits:
            raise ValueError(f"digits is empty; give at least one of {present}.")
        chosen = torch.isin(y, torch.tensor(digits, device=y.device))  # (N,)
        name = f"{self.name}, only {' '.join(map(str, digits))}"
        return Images(name, self.x[chosen], y[chosen], self.dataset)

    def few(self, n: int, seed: int = 0) -> Images:
        """`n` of the pictures, as many of each class, drawn without replacement.

        Args:
            n: a multiple of the number of classes that are present; any number without classes.
            seed: the same one gives the same pictures; with a larger n, more of the same.

        Raises:
            ValueError, TypeError: if n is no such number, or a class has too few pictures.
        """
        y = torch.zeros(len(self.x), dtype=torch.int64) if self.y is None else self.y
        present, counts = y.unique(return_counts=True)
        most = int(counts.min()) * len(present)
        n = check_int("n", n, len(present), most)
        if n % len(present):
            raise ValueError(f"n = {n} has to be a multiple of {len(present)}, one for each class.")
        rng = torch.Generator().manual_seed(check_seed(seed))
        chosen = []
        for k in present:
            of_k = (y == k).nonzero()[:, 0].cpu()
            chosen.append(of_k[torch.randperm(len(of_k), generator=rng)[: n // len(present)]])
        order = torch.stack(chosen, 1).flatten()  # the classes take turns
        few_y = None if self.y is None else self.y[order]
        return Images(f"{n} of {self.name}", self.x[order], few_y, self.dataset)

    def to(self, device: str | torch.device) -> Images:
        """The same pictures on another device.

        Raises:
            ValueError, TypeError: if there is no such device here.
        """
        device = check_device(device)
        return replace(self, x=self.x.to(device), y=None if self.y is None else self.y.to(device))


def as_pictures(x: object) -> Tensor:
    """`x` as a float32 tensor, if it is one, or a NumPy array of float32 or float64.

    Whole numbers are refused: nothing says whether 1 is white or nearly black.
    """
    if isinstance(x, np.ndarray) and x.dtype in (np.float32, np.float64):
        return torch.tensor(x, dtype=torch.float32)  # a copy: the array may be changed later
    if not isinstance(x, Tensor) or x.dtype != torch.float32:
        raise TypeError(
            f"x is {kind_of(x)}; it has to be a torch.float32 tensor in [-1, 1], or a NumPy array "
            "of float32 or float64. Bytes are brought there by x / 127.5 - 1, a float64 tensor "
            "becomes one by x.float()."
        )
    return x


def as_classes(y: object, x: Tensor) -> Tensor:
    """`y` as an int64 tensor, one class from 0 on for each picture of `x`."""
    if isinstance(y, np.ndarray) and y.dtype.kind in "iu":
        y = torch.tensor(y.astype(np.int64), device=x.device)
    if not isinstance(y, Tensor) or y.dtype != torch.int64:
        raise TypeError(
            f"y is {kind_of(y)}; it has to be a torch.int64 tensor or a NumPy array of whole "
            "numbers, e.g. torch.tensor([0, 1]); None where no class is used."
        )
    if y.shape != x.shape[:1]:
        raise ValueError(
            f"y has shape {list(y.shape)}; it has to be [{len(x)}], one class for each picture of "
            "x."
        )
    if y.device != x.device:
        raise ValueError(f"y is on {y.device}, x on {x.device}; use y.to(x.device).")
    if (lowest := int(y.min())) < 0:
        raise ValueError(f"y holds {lowest}; classes are whole numbers from 0.")
    if (highest := int(y.max())) >= 10**6:
        raise ValueError(f"y holds {highest}; classes are counted from 0, up to a million of them.")
    return y


def load_mnist(
    split: str = "train",
    size: int = 28,
    root: str | Path | None = None,
    download: bool = False,
) -> Images:
    """MNIST, 60,000 handwritten digits to train on or 10,000 to test on. LeCun et al. (1998).

    Args:
        split: "train" or "test".
        size: edge of a picture. 28 is the original; 32 has a black border of 2; 16 averages each
            2 x 2 pixels of that, the size at which image GANs live on a laptop.
        root: the folder to look in, for the files of data/ or those of torchvision's
            `datasets.MNIST(root)`. By default the embedded files, then the download folder.
        download: let torchvision fetch what is missing or damaged, into `root` or the user's cache.

    Raises:
        FileNotFoundError: if a file is missing; the message names it and the way to get it back.
        OSError: if a file is damaged, likewise.
        ConnectionError: if the download fails.
        ValueError, TypeError: if an argument is out of its range.
    """
    check_choice("split", split, PREFIX)
    check_size(size)
    check_bool("download", download)
    if root is not None and not isinstance(root, (str, Path)):
        raise TypeError(f"root = {brief(root)} is a {type(root).__name__}; it has to be a path.")
    target = CACHE if root is None else Path(root).expanduser()
    folders = (*(EMBEDDED if root is None else ()), target, raw_folder(target))
    try:
        files = read_split(PREFIX[split], folders)
    except OSError:
        if not download:
            raise
        fetch(split, target)
        files = read_split(PREFIX[split], (raw_folder(target),))
    return to_images(f"MNIST {split}", *files, size, "digits")


def load_fashion(split: str = "train", size: int = 28) -> Images:
    """Fashion-MNIST, pictures of clothes: 20,000 to train on, 5,000 to test on. Xiao et al. (2017).

    Each of the ten `FASHION_CLASSES` has as many pictures as the others, in any first 10 n as well.

    Args:
        split: "train" or "test"; not those of the publication, see data/README.md.
        size: edge of a picture, 16, 28 or 32, made as those of `load_mnist`.

    Raises:
        FileNotFoundError: if a file is missing; the message names it and the way to get it back.
        OSError: if a file is damaged, likewise.
        ValueError: if there is no such split or size.
    """
    check_choice("split", split, PREFIX)
    check_size(size)
    files = read_split(f"fashion-{split}", EMBEDDED)
    return to_images(f"Fashion-MNIST {split}", *files, size, "fashion")


def load_few(kind: str, n: int, size: int = 16, seed: int = 0, split: str = "train") -> Images:
    """`n` pictures to train on, as many of each class; see `Images.few`.

    Args:
        kind: "digits" (of `load_mnist`), or "shoes" (sandals, sneakers and ankle boots of
            `load_fashion`).
        n: a multiple of 10 for digits, of 3 for shoes.
        size: edge of a picture.
        seed: which of all pictures they are.
        split: "train" or "test".
    """
    if check_choice("kind", kind, ("digits", "shoes")) == "digits":
        return load_mnist(split, size).few(n, seed)
    return load_fashion(split, size).of_class(*SHOES).few(n, seed)


#: Sets of pictures with classes: name -> loads them, `(split, size)`. The trained classifiers have
#: these names, too.
SETS: dict[str, Callable[..., Images]] = {"digits": load_mnist, "fashion": load_fashion}


def check_size(size: object) -> None:
    """Raise a ValueError if there are no pictures of that size."""
    edge = plain(size)
    if isinstance(edge, bool) or not isinstance(edge, int) or edge not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise ValueError(f"size = {brief(size)} is unknown; choose one of {sizes}.")


def to_images(name: str, images: bytes, labels: bytes, size: int, dataset: str) -> Images:
    """The contents of two IDX files as pictures of that size; the size joins the name."""
    pixels = torch.tensor(np.frombuffer(images, np.uint8, offset=16)).view(-1, 1, 28, 28)
    y = torch.tensor(np.frombuffer(labels, np.uint8, offset=8)).long()  # (N,)
    return Images(f"{name} {size}x{size}", to_size(pixels, size), y, dataset)


def to_size(pixels: Tensor, size: int) -> Tensor:
    """Bytes `[N, 1, 28, 28]` -> float32 `[N, 1, size, size]` in [-1, 1], size 16, 28 or 32."""
    x = pixels.float()
    if size == 16:
        x = avg_pool2d(x, 2)  # (N, 1, 14, 14); the border of 2 pools to a border of 1
    x = x.div_(127.5).sub_(1)
    border = (size - x.shape[-1]) // 2
    return pad(x, [border] * 4, value=-1.0) if border else x


# --- files -------------------------------------------------------------------------------------


def file_names(prefix: str) -> tuple[str, str]:
    """The classical names of the two IDX files of a split."""
    return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"


def read_split(prefix: str, folders: tuple[Path, ...]) -> tuple[bytes, bytes]:
    """The verified contents of the two IDX files of a split: (images, labels)."""
    images, labels = file_names(prefix)
    return read_verified(images, folders), read_verified(labels, folders)


def read_verified(name: str, folders: tuple[Path, ...]) -> bytes:
    """The contents of the first such file, plain or gzipped, if they have the right SHA-256."""
    expected = {**SHA256, **FASHION_SHA256}[name]
    candidates = [folder / (name + end) for folder in folders for end in ("", ".gz")]
    path = next((path for path in candidates if path.is_file()), None)
    fetched = "; load_mnist(..., download=True) fetches it" if name in SHA256 else ""
    get_back = f"`git checkout -- data/{name}.gz` in the repository brings it back{fetched}."
    if path is None:
        looked = ", ".join(str(folder) for folder in folders)
        raise FileNotFoundError(f"{name}.gz is missing; looked in {looked}. {get_back}")
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = zlib.decompress(content, wbits=31)  # 31: with the header of gzip
        except zlib.error as error:
            raise OSError(f"{path} is damaged: {error}. Delete it; {get_back}") from error
    if (actual := sha256(content)) != expected:
        raise OSError(
            f"{path} is damaged: the SHA-256 of its contents is {actual}, expected "
            f"{expected}. Delete it; {get_back}"
        )
    return content


def sha256(content: bytes) -> str:
    """The checksum as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def raw_folder(root: Path) -> Path:
    """Where torchvision keeps the files under its `root`."""
    return root / "MNIST" / "raw"


def fetch(split: str, root: Path) -> None:
    """Let torchvision download the split into `root`/MNIST/raw."""
    from torchvision.datasets import MNIST  # takes a second to import, and is rarely needed

    for name in file_names(PREFIX[split]):  # torchvision keeps what is there, whatever it holds
        path = raw_folder(root) / name
        if path.is_file() and sha256(path.read_bytes()) != SHA256[name]:
            path.unlink()
    try:
        MNIST(root, train=split == "train", download=True)
    except (OSError, RuntimeError) as error:
        raise ConnectionError(f"MNIST could not be downloaded into {root}: {error}") from error
