"""Weights in files of data/: written with a note on their training, read with helpful errors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from gan_helpers.datasets.files import find_embedded, get_back
from gan_helpers.files import replace_file

#: SHA-256 of the files that come with the notebooks; data/README.md says where they are from.
SHA256 = {
    "digits_classifier_16.safetensors": (
        "ce8dbdabe15cea075579cf40d091910ed9e19f6a8ae6812cdd669f8898368384"
    ),
    "digits_classifier_28.safetensors": (
        "70bc5093b54ab120110442cc9c60e9cc7f8beee288d62cef840cea0fae6e2b9f"
    ),
    "fashion_classifier_16.safetensors": (
        "03fba62314630bbb8503d52d27fc9837a0e9965566b55d9779c09325f84f3572"
    ),
    "fashion_classifier_28.safetensors": (
        "a864c640eaaac819305d9174671750ef72d1675e1b45d777fafb2435588f4bb1"
    ),
    "cgan_28.safetensors": "26f39aabfb632d33c0d90c34ff0b2a46222b8bf5cf6ce97d7f5fee1fc3bf6454",
    "acgan_28.safetensors": "9dcaca43e437dd139a8022ef7b803f1784224ef69ea23cc0f0714512f89ff6cd",
    "few_none_16.safetensors": "04b7cdf2cd55aab40aeeabbd829d23d1e58b4d694513fafd417564596c75f738",
    "few_both_16.safetensors": "ab8b70fca7aff39f9afd31f8f2c37c25d503ecf7b5fc2ac8fb297b1a4f67b194",
    "shoes_translator.safetensors": (
        "dc01dc577d7ef39f03eb13ff090e796d2440590a64b0864764065c905620bea5"
    ),
    "shoes_l1_translator.safetensors": (
        "3bee93ae794f2b5b8efc9698499777a963fc306be4b5377d4d0fce33029421e6"
    ),
    "shoes_cgan_translator.safetensors": (
        "c6e99c4b150d5e78f81c1dd1afba714b9e554da52e0e252310be21ded4e1cc6f"
    ),
    "colours_translator.safetensors": (
        "3c6f922041ef69c04e171dac3ec9232fecc09f321a4a61c3f19b595708f01762"
    ),
    "maps_translator.safetensors": (
        "093700c7742ebafa5bb40fec3bf75bf1e8e7dd472644942ada9adb787fc31393"
    ),
    "animals_translator.safetensors": (
        "6d6fab178031b6580c418ae85d49e9e48388988b560d170ba54d8f80ee237dbb"
    ),
    "landscapes_translator.safetensors": (
        "fe9506d408e090fb563a453df884f65743b7f526a9e5e5518dcbb35ddb884593"
    ),
    "sneakers_translator.safetensors": (
        "ceff88ee5aca6a9b93fcdc8123a47321bfa29bd3b63382f9ab4059b5c87df94b"
    ),
}
OWN = "sha256"  # where a file that is written here has its own, in its metadata


def write_weights(path: Path, nets: Mapping[str, nn.Module], about: Mapping[str, Any]) -> Path:
    """Write the weights of several networks into one safetensors file. Returns its path.

    The file is replaced as a whole, and holds its own SHA-256.

    Args:
        path: of the file.
        nets: name -> network; "" for one whose weights keep the names they have.
        about: how they were made, as JSON can say it; `steps` among it.

    Raises:
        OSError: if it cannot be written; the message says why.
    """
    from safetensors.torch import save  # imported here: not needed by who has nothing to write

    weights = {
        f"{prefix(name)}{key}": value.contiguous()
        for name, net in nets.items()
        for key, value in net.state_dict().items()
    }
    # In one text: safetensors writes several in an order that is another each time.
    return replace_file(path, signed(save(weights, {"training": json.dumps(about)})))


def read_weights(
    file: str, nets: Mapping[str, nn.Module], root: str | Path | None = None, noted: bool = True
) -> dict[str, Any]:
    """Load what `write_weights` has written into networks of the same kind.

    Args:
        file: its name.
        nets: name -> network, as in `write_weights`.
        root: the folder to look in; by default where the embedded data are.
        noted: whether a note on the training has to be there.

    Returns:
        The note on their training.

    Raises:
        FileNotFoundError, OSError: if the weights are missing or damaged; the message says how to
            get them back.
    """
    # Imported here: it adds nothing to the start of who does not need it.
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = find_embedded(file, root)
    content = path.read_bytes()
    try:
        check_sum(path.name, content, embedded=root is None)
        weights, about = load(content), note_of(content)
        if noted and not isinstance(about.get("steps"), int):
            raise ValueError("it does not say how many steps it was trained")
        for name, net in nets.items():
            start = prefix(name)
            own = {k.removeprefix(start): w for k, w in weights.items() if k.startswith(start)}
            net.load_state_dict(own)
    except (SafetensorError, RuntimeError, ValueError) as error:  # ... other layers, other text
        raise OSError(f"{path} is damaged: {error}. {get_back(path.name)}") from error
    return about


def write_gan(path: Path, gan: Any, about: Mapping[str, Any]) -> Path:
    """Write G, by its averaged weights, and D; the rest as for `write_weights`."""
    G = gan.G if gan.G_ema is None else gan.G_ema.module
    return write_weights(path, {"G": G, "D": gan.D}, about)


def read_gan(file: str, gan: Any, root: str | Path | None = None) -> None:
    """Load the networks of a GAN, which can be trained on then; the rest as for `read_weights`."""
    gan.step = int(read_weights(file, {"G": gan.G, "D": gan.D}, root)["steps"])
    if gan.G_ema is not None:
        gan.G_ema.module.load_state_dict(gan.G.state_dict())
        gan.G_ema.n_averaged += 1  # so that training goes on averaging from here


def prefix(name: str) -> str:
    """What the names of a network's weights begin with in the file."""
    return f"{name}." if name else ""


# --- checksums ---------------------------------------------------------------------------------


def check_sum(name: str, content: bytes, embedded: bool) -> None:
    """Raise a ValueError if a file of weights is not what it was when it was saved.

    A file that was written here is checked by what it says of itself, wherever it lies, so that
    weights which a reader has trained may take the place of those that come with the notebooks.
    Another one has to be of `SHA256`, unless the reader named its folder.
    """
    header, start = header_of(content)
    own = header.get("__metadata__", {}).pop(OWN, None)
    if own is not None:
        actual, expected = digest(header, content[start:]), own
        said = "as it says itself"
    elif embedded and name in SHA256:
        actual, expected = hashlib.sha256(content).hexdigest(), SHA256[name]
        said = "that of the one that comes with the notebooks; root=... loads one of your own"
    else:
        return
    if actual != expected:
        raise ValueError(f"its SHA-256 is {actual}, expected {expected}, {said}")


def signed(content: bytes) -> bytes:
    """A safetensors file with its own SHA-256 in its metadata."""
    header, start = header_of(content)
    data = content[start:]
    header["__metadata__"][OWN] = digest(header, data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + data


def digest(header: Mapping[str, Any], data: bytes) -> str:
    """SHA-256 of a header without one, and of the numbers."""
    return hashlib.sha256(json.dumps(header).encode() + data).hexdigest()


def header_of(content: bytes) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file, {} if it is none, and where the numbers begin."""
    end = 8 + int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8:end])
    except ValueError:
        return {}, end
    whole = isinstance(header, dict) and isinstance(header.get("__metadata__", {}), dict)
    return (header if whole else {}), end


def note_of(content: bytes) -> dict[str, Any]:
    """The note on the training, {} if there is none."""
    note = json.loads(header_of(content)[0].get("__metadata__", {}).get("training", "{}"))
    return note if isinstance(note, dict) else {}
