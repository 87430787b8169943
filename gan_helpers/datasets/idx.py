"""The IDX files of MNIST and Fashion-MNIST: found, checked, and fetched where they are missing."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

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
