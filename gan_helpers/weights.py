"""Weights in files of data/: written with a note on their training, read with helpful errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from gan_helpers.embedded import find_embedded, get_back


def write_weights(path: Path, nets: Mapping[str, nn.Module], about: Mapping[str, Any]) -> Path:
    """Write the weights of several networks into one safetensors file. Returns its path.

    Args:
        path: of the file.
        nets: name -> network.
        about: how they were made, as JSON can say it; `steps` among it.
    """
    from safetensors.torch import save  # imported here: not needed by who has nothing to write

    weights = {
        f"{name}.{key}": value.contiguous()
        for name, net in nets.items()
        for key, value in net.state_dict().items()
    }
    # In one text: safetensors writes several in an order that is another each time.
    path.write_bytes(save(weights, {"training": json.dumps(about)}))
    return path


def read_weights(
    file: str, nets: Mapping[str, nn.Module], root: str | Path | None = None
) -> dict[str, Any]:
    """Load what `write_weights` has written into networks of the same kind.

    Args:
        file: its name.
        nets: name -> network.
        root: the folder to look in; by default where the embedded data are.

    Returns:
        The note on their training.

    Raises:
        FileNotFoundError, OSError: if the weights are missing or damaged; the message says how to
            get them back.
    """
    # Imported here: it adds nothing to the start of who does not need it.
    from safetensors import SafetensorError, safe_open

    path = find_embedded(file, root)
    try:
        with safe_open(path, "pt") as opened:
            weights = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
            about = json.loads(opened.metadata()["training"])
        int(about["steps"])
        for name, net in nets.items():
            start = f"{name}."
            own = {k.removeprefix(start): w for k, w in weights.items() if k.startswith(start)}
            net.load_state_dict(own)
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise OSError(f"{path} is damaged: {error}. {get_back(path.name)}") from error
    return about
