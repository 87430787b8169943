"""Photographs, and the grey pictures that are to be coloured.

They come with the repository; data/README.md says who took them and who may use them.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from gan_helpers.checks import (
    check_choice,
    check_floats,
    check_int,
    check_seed,
)
from gan_helpers.datasets.files import find_embedded, get_back
from gan_helpers.datasets.pairs import Pairs

SPLITS = ("train", "test")

#: The photographs in data/ and their SHA-256. data/README.md repeats them.
PHOTOS = {
    "photo_astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "photo_chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "photo_china.jpg": "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    "photo_coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "photo_flower.jpg": "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
    "photo_rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
}

#: How bright the eye finds red, green and blue (ITU-R BT.601, the grey of JPEG).
LUMA = (0.299, 0.587, 0.114)

#: A crop whose grey levels have a smaller standard deviation shows sky or a blurred background.
FLAT = 0.1


def luma(x: Tensor) -> Tensor:
    """The grey of a colour picture, 0.299 R + 0.587 G + 0.114 B: `[..., 3, H, W]` -> 1 channel.

    NaN where x is.
    """
    check_floats("x", x, "[..., 3, H, W]", finite=False)
    weights = torch.tensor(LUMA, dtype=x.dtype, device=x.device)[:, None, None]
    return (x * weights).sum(-3, keepdim=True).clamp(-1, 1)  # 1 may round to a little more


def load_photo_patches(split: str = "train", size: int = 32, n: int = 4000, seed: int = 0) -> Pairs:
    """Square crops of six photographs: a is grey `[n, 1, size, size]`, b the same in colour.

    A crop takes a photograph, an edge, a place and perhaps a mirror by chance, all evenly; edges
    are from `size` to a third of the photograph's short edge, scaled down with antialiasing. One
    whose grey levels have a standard deviation below `FLAT` is drawn again. The left quarter of
    each photograph is for the test split alone, so no pixel is in both. With fewer crops, they are
    the first ones of many.

    Args:
        split: "train" or "test".
        size: edge of a crop, 8 to 64.
        n: how many, 1 to 10^5.
        seed: 0 or more; the same one gives the same crops.

    Raises:
        FileNotFoundError, OSError: if a photograph is missing or damaged.
        ValueError, TypeError: if an argument is out of its range.
    """
    check_choice("split", split, SPLITS)
    size = check_int("size", size, 8, 64)
    n = check_int("n", n, 1, 10**5)
    rng = torch.Generator().manual_seed(check_seed(seed))
    photos = [read_photo(name) for name in PHOTOS]
    crops: list[Tensor] = []
    while len(crops) < n:
        crop = draw_crop(photos, split, size, rng)
        if luma(crop).std() >= FLAT:
            crops.append(crop)
    b = torch.stack(crops)  # (n, 3, size, size)
    return Pairs(f"photographs {split} {size}x{size}", luma(b), b)


def draw_crop(photos: list[Tensor], split: str, size: int, rng: torch.Generator) -> Tensor:
    """One crop `[3, size, size]` of a photograph `[3, H, W]`, from the part of `split`."""
    chance = torch.rand(5, generator=rng).tolist()  # each in [0, 1[
    photo = photos[int(chance[0] * len(photos))]
    height, width = photo.shape[1:]
    quarter = width // 4
    part = photo[:, :, :quarter] if split == "test" else photo[:, :, quarter:]
    longest = min(min(height, width) // 3, quarter)  # of one scale in both parts
    edge = size + int(chance[1] * (longest - size + 1))
    top = int(chance[2] * (height - edge + 1))
    left = int(chance[3] * (part.shape[2] - edge + 1))
    crop = part[None, :, top : top + edge, left : left + edge]
    # Cut before scaling, so that the filter sees nothing of the other part.
    crop = interpolate(crop, (size, size), mode="bilinear", antialias=True)[0].clamp(-1, 1)
    return crop.flip(-1) if chance[4] < 0.5 else crop


def read_photo(name: str) -> Tensor:
    """One of `PHOTOS`, float32 `[3, H, W]` in [-1, 1].

    Raises:
        FileNotFoundError, OSError: if it is missing or damaged.
    """
    path = find_embedded(name)
    if (actual := hashlib.sha256(path.read_bytes()).hexdigest()) != PHOTOS[name]:
        raise OSError(
            f"{path} is damaged: its SHA-256 is {actual}, expected {PHOTOS[name]}. {get_back(name)}"
        )
    with Image.open(path) as photo:
        pixels = torch.from_numpy(np.array(photo.convert("RGB")))  # (H, W, 3) bytes
    return pixels.permute(2, 0, 1).float().div_(127.5).sub_(1).contiguous()
