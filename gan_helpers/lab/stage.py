"""The stage of the live lab: a canvas that shows the frames it is sent, and the frames' format."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import traitlets

from gan_helpers.lab.labels import TEXT
from gan_helpers.lab.listening import Listening

HERE = Path(__file__).parent
DTYPES: dict[str, np.dtype[Any]] = {
    "f4": np.dtype("<f4"),
    "u1": np.dtype("u1"),
}  # the two that the canvas can read in place

LABELS = TEXT["en"]  # defaults; `labels` of other languages override them by key


class Stage(Listening):
    """The canvas of the lab: draws the last frame, sends back what the reader draws and types.

    Messages to Python (`on_msg`), each a dict with a "type":
    "shown" (n: every frame up to n is drawn or skipped), "strokes" (strokes: polylines of [x, y] in
    the range of the frame), "key" (action: toggle, step, step_D, step_G, reset), "pick" (member:
    the one of several GANs that was clicked), "views" (count), "deaf" (see `Listening`).
    """

    _esm = HERE / "stage.js"
    _css = HERE / "stage.css"

    frame = traitlets.Bytes(b"").tag(sync=True)  # of pack_frame; empty shows a placeholder
    labels = traitlets.Dict(dict(LABELS)).tag(sync=True)
    drawing = traitlets.Bool(False).tag(sync=True)  # set back to False by the canvas when done
    size = traitlets.Int(400, min=120, max=2000).tag(sync=True)  # edge of the stage, CSS pixels
    # Each reply makes the frames behind it wait: in JupyterLab 18 frames a second with a reply to
    # every frame and two on their way, 29 with a reply to every fourth and eight on their way.
    # The canvas never waits longer than 0.2 s.
    ack_every = traitlets.Int(1, min=1).tag(sync=True)

    @traitlets.validate("labels")
    def _complete_labels(self, proposal: dict[str, Any]) -> dict[str, str]:
        return {**LABELS, **proposal["value"]}


def pack_frame(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """One frame as bytes: uint32 length of the header | JSON header | the arrays' bytes.

    Of several GANs side by side (kind "many") the header has `members`, each the header of a frame
    with a `name` and perhaps the words of a `trouble`; the arrays of member k are called "k/heat",
    "k/fake", …, and those without a prefix belong to all. `strip` [M, T] is the share of generated
    samples on each of M modes, 0 to 255, at the T `steps` of the curves, which are equally spaced.

    header: what JSON can say; NaN and infinities become null. arrays: float32 or uint8, any shape;
    each begins at a multiple of 4 bytes, so that JavaScript can look at it without copying.
    Raises TypeError for any other dtype.
    """
    entries: dict[str, dict[str, Any]] = {}
    payload = bytearray()
    for name, array in arrays.items():
        code = {"f": "f4", "u": "u1"}.get(array.dtype.kind, "")
        if array.dtype.itemsize != (DTYPES[code].itemsize if code else 0):
            raise TypeError(
                f"arrays[{name!r}] has dtype {array.dtype}, but a frame carries float32 or uint8; "
                "convert it with .astype"
            )
        entries[name] = {"dtype": code, "shape": list(array.shape), "offset": len(payload)}
        payload += array.astype(DTYPES[code], copy=False).tobytes()
        payload += bytes(-len(payload) % 4)
    text = json.dumps(_null_unless_finite({**header, "arrays": entries}), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + payload


def unpack_frame(frame: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a packed frame: the inverse of `pack_frame`, for tests and for looking.

    Raises ValueError for bytes that are cut short.
    """
    start = 4 + struct.unpack_from("<I", frame)[0] if len(frame) >= 4 else 4
    if len(frame) < start:
        raise ValueError(f"frame has {len(frame)} bytes, but its header ends at byte {start}")
    header = json.loads(frame[4:start])
    arrays = {}
    for name, entry in header.pop("arrays").items():
        dtype, count = DTYPES[entry["dtype"]], math.prod(entry["shape"])
        begin = start + entry["offset"]
        part = frame[begin : begin + count * dtype.itemsize]
        if len(part) < count * dtype.itemsize:
            raise ValueError(f"frame has {len(frame)} bytes, but array {name!r} needs more")
        arrays[name] = np.frombuffer(part, dtype).reshape(entry["shape"])
    return header, arrays


def _null_unless_finite(value: Any) -> Any:
    # JSON knows no NaN: one in a meter would make the whole frame unreadable.
    if isinstance(value, Mapping):
        return {key: _null_unless_finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_null_unless_finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
