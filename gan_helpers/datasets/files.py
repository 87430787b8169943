"""Where the data that come with the notebooks lie."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
#: The folders to look in: that of an installed package, that of a checkout.
EMBEDDED = (PACKAGE / "_data", PACKAGE.parent / "data")


def find_embedded(name: str, root: str | Path | None = None) -> Path:
    """Where a file of the repository's data/ lies.

    Args:
        name: of the file.
        root: the folder to look in; by default `EMBEDDED`.

    Raises:
        FileNotFoundError: if it is missing; the message says how to get it back.
        TypeError: if `root` is no path.
    """
    if root is not None and not isinstance(root, (str, Path)):
        raise TypeError(f"root = {root!r} is a {type(root).__name__}; it has to be a path.")
    folders = EMBEDDED if root is None else (Path(root).expanduser(),)
    path = next((f / name for f in folders if (f / name).is_file()), None)
    if path is None:
        looked = ", ".join(map(str, folders))
        raise FileNotFoundError(f"{name} is missing; looked in {looked}. {get_back(name)}")
    return path


def get_back(name: str) -> str:
    """How a missing or damaged file is got back, as a sentence."""
    return f"`git checkout -- data/{name}` in the repository brings it back."
