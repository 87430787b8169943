"""MNIST and Fashion-MNIST as tensors: from the repository itself, without a download.

MNIST is complete; of Fashion-MNIST there is a part, which data/make_fashion.py made.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, replace
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
    plain,
)
from gan_helpers.datasets import own
from gan_helpers.datasets.arrays import as_classes, as_labels, as_names, as_pictures, as_stack
from gan_helpers.datasets.files import EMBEDDED
from gan_helpers.datasets.idx import PREFIX, fetch, raw_folder, read_split

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
    """Pictures, grey or in colour, with a class each where classes are used; -1 is black, 1 white.

    Those of your own are read by `from_folder`, `from_files` and `from_arrays`.

    Args:
        name: what the reader sees.
        x: the pictures `[N, C, H, W]` in [-1, 1], C = 1 or 3: a float32 tensor, or a NumPy array of
            float32 or float64, which becomes one.
        y: their classes `[N]`, 0 or more: an int64 tensor, or a NumPy array of whole numbers, which
            becomes one. None where no class is used.
        dataset: which classifier knows them, a name in `SETS`; "" where there is none.
        classes: what the classes are called, in their order; () where they are numbers.
        sure: x is in [-1, 1], even if nothing in it is darker than grey.

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
    classes: tuple[str, ...] = ()
    sure: InitVar[bool] = False

    def __post_init__(self, sure: bool) -> None:
        check_text("name", self.name)
        check_text("dataset", self.dataset)
        object.__setattr__(self, "x", as_pictures(self.x))
        if self.x.dim() != 4 or self.x.shape[1] not in (1, 3) or 0 in self.x.shape:
            raise ValueError(
                f"x has shape {list(self.x.shape)}; it has to be [N, C, H, W] with C = 1 (grey) or "
                "3 (colour) and N, H, W >= 1. Images.from_arrays(x) finds out which axis is which."
            )
        if self.dataset and self.x.shape[1] == 3:
            raise ValueError(f"dataset = {self.dataset!r} knows grey pictures alone; leave it out.")
        check_scale("x", self.x, sure=check_bool("sure", sure), stacklevel=4)
        if self.y is not None:
            object.__setattr__(self, "y", as_classes(self.y, self.x))
        object.__setattr__(self, "classes", as_names(self.classes, self.y))

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        size: int = 16,
        *,
        channels: int | None = None,
        labels: bool = True,
        name: str | None = None,
    ) -> Images:
        """Your own pictures: PNG, JPEG, WebP, BMP and GIF, of any size.

        Of each the middle square is taken, turned as its camera says, and scaled to `size` with
        antialiasing; what is transparent becomes white. Sub-folders are classes, in the order of
        their names. Hidden files and files of other kinds are passed over.

        Args:
            folder: where they lie, or a .zip of such a folder.
            size: edge of a picture, a multiple of 4, 4 to 1024. At 16 a laptop shows a GAN learn
                within a minute; at 32 there is four times as much to compute.
            channels: 1 for grey, 3 for colour; by default grey if all pictures are.
            labels: False takes all pictures without classes, however deep they lie.
            name: what the reader sees; by default that of the folder.

        Raises:
            OSError: if there is no such folder.
            ValueError, TypeError: if no picture can be read, there are fewer than 8, some lie
                beside the sub-folders, or an argument is out of its range.

        Warns:
            UserWarning: of files that cannot be read; they are left out.
        """
        x, y, classes = own.read_pictures(own.files_in(folder), size, channels, labels)
        name = Path(folder).resolve().stem if name is None else name
        return cls(name, x, y, classes=classes, sure=True)

    @classmethod
    def from_files(
        cls,
        files: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        size: int = 16,
        *,
        channels: int | None = None,
        labels: bool = True,
        name: str = "uploaded",
    ) -> Images:
        """Pictures that were uploaded, see `from_folder`. A .zip among them is unpacked.

        Args:
            files: name -> bytes, as `google.colab.files.upload()` returns them, or the value of an
                `ipywidgets.FileUpload`.
            size, channels, labels, name: as for `from_folder`.
        """
        x, y, classes = own.read_pictures(own.uploaded(files), size, channels, labels)
        return cls(name, x, y, classes=classes, sure=True)

    @classmethod
    def from_arrays(
        cls,
        x: np.ndarray | Tensor,
        y: Any = None,
        *,
        value_range: tuple[float, float] | None = None,
        layout: str | None = None,
        size: int | None = None,
        classes: tuple[str, ...] = (),
        name: str = "own",
    ) -> Images:
        """Pictures from an array or a tensor of numbers, in any usual layout and range.

        Args:
            x: `[N, H, W]`, `[N, H, W, C]` or `[N, C, H, W]`, C = 1 (grey) or 3 (colour).
            y: their classes `[N]`, whole numbers from 0, or names.
            value_range: (black, white); by default (0, 255) for bytes, and what is found for
                floats: (-1, 1), (0, 1) or (0, 255).
            layout: "NHW", "NHWC" or "NCHW"; by default the one that fits.
            size: take the middle squares and scale them to this edge, a multiple of 4; by default
                they stay as they are.
            classes, name: as for `Images`.

        Raises:
            ValueError, TypeError: if an argument is not as above, or what is to be found is not
                clear; the message says what to give.
        """
        x = as_stack(x, value_range, layout, size)
        y, classes = as_labels(y, classes, x.device)
        return cls(name, x, y, classes=classes, sure=True)

    def __len__(self) -> int:
        return len(self.x)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one picture, `(C, H, W)`."""
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
        """`n` pictures drawn with replacement, `[n, C, H, W]`.

        Args:
            n: 1 to 10^6.
            rng: the source of chance, on the device of the pictures.
        """
        return self.x[self._draw(n, rng)]

    def sample_pairs(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` pictures drawn with replacement `[n, C, H, W]`, and their classes `[n]`.

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
        return replace(self, name=name, x=self.x[chosen], y=y[chosen], sure=True)

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
        return replace(self, name=f"{n} of {self.name}", x=self.x[order], y=few_y, sure=True)

    def to(self, device: str | torch.device) -> Images:
        """The same pictures on another device.

        Raises:
            ValueError, TypeError: if there is no such device here.
        """
        device = check_device(device)
        y = None if self.y is None else self.y.to(device)
        return replace(self, x=self.x.to(device), y=y, sure=True)


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
