"""Take the photographs out of two Python packages, byte for byte.

    pip download --no-deps scikit-image==0.26.0 scikit-learn==1.9.1
    uv run python data/make_photos.py scikit_image-*.whl scikit_learn-*.whl

Both packages bring sample pictures; these six are the colour photographs among them that anybody
may pass on, each under the licence in README.md. A wheel is a zip file, so nothing is installed.
They are small enough to stay as they were published: no pixel is changed.

Writes `photo_*` beside this file, and prints the checksums for README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from pathlib import Path

from gan_helpers.files import replace_file

#: Which of the wheels holds a photograph, and where in it.
SOURCES = {
    "photo_astronaut.png": ("scikit_image", "skimage/data/astronaut.png"),
    "photo_chelsea.png": ("scikit_image", "skimage/data/chelsea.png"),
    "photo_china.jpg": ("scikit_learn", "sklearn/datasets/images/china.jpg"),
    "photo_coffee.png": ("scikit_image", "skimage/data/coffee.png"),
    "photo_flower.jpg": ("scikit_learn", "sklearn/datasets/images/flower.jpg"),
    "photo_rocket.jpg": ("scikit_image", "skimage/data/rocket.jpg"),
}


def make(wheels: list[Path], folder: Path) -> None:
    """Write the photographs into `folder`, from the wheels in any order.

    Raises:
        ValueError: if the wheel of one of the two packages is missing.
        KeyError: if a wheel has no such file; it names it.
    """
    for name, (package, inside) in SOURCES.items():
        wheel = next((path for path in wheels if path.name.startswith(f"{package}-")), None)
        if wheel is None:
            raise ValueError(f"no wheel of {package} is given; {name} comes out of it.")
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(inside)
        replace_file(folder / name, content)
        print(f"{hashlib.sha256(content).hexdigest()}  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wheels", type=Path, nargs="+", help="of scikit-image and of scikit-learn")
    make(parser.parse_args().wheels, Path(__file__).parent)


if __name__ == "__main__":
    main()
