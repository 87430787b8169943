"""The stage of the live lab: a canvas that shows the frames it is sent, and the frames' format."""

from __future__ import annotations

import json
import math
import re
import struct
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import traitlets

from gan_helpers.lab.labels import TEXT
from gan_helpers.lab.listening import Listening

HERE = Path(__file__).parent
#: Code of a type in a frame -> how its numbers are stored. "f2" comes back as float32.
DTYPES: dict[str, np.dtype[Any]] = {
    "f4": np.dtype("<f4"),
    "f2": np.dtype("<f2"),
    "u1": np.dtype("u1"),
}
DEFLATED = struct.pack("<I", 0)  # where the length of the header would be
# What is drawn at once, on a stage of some hundred pixels: the eye needs no more.
COARSE = frozenset(
    ("real", "fake", "push", "z", "gz", "x", "p", "q", "D", "D_star", "verdict", "weights")
)
GREYS = 8  # between two greys of a small picture that is seen for a thirtieth of a second

LABELS = TEXT["en"]  # defaults; `labels` of other languages override them by key


def bundled(*names: str) -> str:
    """Several of the page's scripts as one module, in this order: a widget has a single one."""
    own_imports = re.compile(r"^import \{[^}]*\} from \"\./\w+\.js\";\n", re.MULTILINE)
    texts = [(HERE / f"{name}.js").read_text(encoding="utf-8") for name in names]
    return "\n".join(own_imports.sub("", text) for text in texts)


class Stage(Listening):
    """The canvas of the lab: draws the last frame, sends back what the reader draws and types.

    Messages to Python (`on_msg`), each a dict with a "type":
    "shown" (n: every frame up to n is drawn or skipped), "strokes" (strokes: polylines of [x, y] in
    the range of the frame), "key" (action: toggle, step, step_D, step_G, reset), "pick" (member:
    the one of several GANs that was clicked), "views" (page, count: how many views that page has
    now), "whole" (a frame with all that it shows is needed), "copied" (done: whether it could),
    "deaf" (see `Listening`).
    Messages to the page: "download" (name; one buffer: the file), "copy" (text).
    """

    # As text: of a path anywidget would keep the widget for ever, to follow changes of the file.
    _esm = bundled(
        *("frames", "ink", "pictures", "legend", "diagrams", "pad", "errands", "naming"),
        *("screen", "presenting", "tour", "stage"),
    )
    _css = "\n".join(
        (HERE / f"{name}.css").read_text(encoding="utf-8")
        for name in ("stage", "presenting", "tour")
    )

    key = traitlets.Unicode().tag(sync=True)  # its own; by it a page counts its views
    frame = traitlets.Bytes(b"").tag(sync=True)  # of FrameStream; empty shows a placeholder
    labels = traitlets.Dict(dict(LABELS)).tag(sync=True)
    drawing = traitlets.Bool(False).tag(sync=True)  # set back to False by the canvas when done
    tour = traitlets.Bool(False).tag(sync=True)  # whether it offers itself
    size = traitlets.Int(400, min=120, max=2000).tag(sync=True)  # edge of the stage, CSS pixels
    # Each reply makes the frames behind it wait: in JupyterLab 18 frames a second with a reply to
    # every frame and two on their way, 29 with a reply to every fourth and eight on their way.
    # The canvas never waits longer than 0.2 s.
    ack_every = traitlets.Int(1, min=1).tag(sync=True)

    @traitlets.default("key")
    def _new_key(self) -> str:
        return uuid4().hex

    @traitlets.validate("labels")
    def _complete_labels(self, proposal: dict[str, Any]) -> dict[str, str]:
        return {**LABELS, **proposal["value"]}


def pack_frame(
    header: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    coarse: Collection[str] = (),
    begin: Mapping[str, int] | None = None,
) -> bytes:
    """One frame as bytes: uint32 length of the header | JSON header | the arrays' bytes.

    Of several GANs side by side (kind "many") the header has `members`, each the header of a frame
    with a `name` and perhaps the words of a `trouble`; the arrays of member k are called "k/heat",
    "k/fake", …, and those without a prefix belong to all. `strip` [M, T] is the share of generated
    samples on each of M modes, 0 to 255, at the T `steps` of the curves, which are equally spaced.

    header: what JSON can say; NaN and infinities become null. arrays: float32 or uint8, any shape;
    each begins at a multiple of 4 bytes, so that JavaScript can look at it without copying.
    coarse: names of float32 arrays to send in two bytes a number (error below 0.05 %).
    begin: name -> how many entries of the last axis stand before these, in the frame before.
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
        if code == "f4" and name in coarse:
            code, array = "f2", array.clip(-65504, 65504)  # else they would become infinite
        entries[name] = {"dtype": code, "shape": list(array.shape), "offset": len(payload)}
        if begin and begin.get(name):
            entries[name]["begin"] = begin[name]
        payload += array.astype(DTYPES[code], copy=False).tobytes()
        payload += bytes(-len(payload) % 4)
    text = _as_json({**header, "arrays": entries})
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + payload


def unpack_frame(
    frame: bytes, before: Mapping[str, np.ndarray] | None = None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a packed frame: the inverse of `pack_frame`, for tests and for looking.

    before: the arrays of the frame before, where this one brings only what is new.
    Raises ValueError for bytes that are cut short, or news of an array that is not in `before`.
    """
    if frame.startswith(DEFLATED):
        frame = zlib.decompress(frame[len(DEFLATED) :])
    start = 4 + struct.unpack_from("<I", frame)[0] if len(frame) >= 4 else 4
    if len(frame) < start:
        raise ValueError(f"frame has {len(frame)} bytes, but its header ends at byte {start}")
    header = json.loads(frame[4:start])
    arrays = dict(before or {}) if "base" in header else {}
    for name, entry in header.pop("arrays").items():
        dtype, count = DTYPES[entry["dtype"]], math.prod(entry["shape"])
        begin = start + entry["offset"]
        part = frame[begin : begin + count * dtype.itemsize]
        if len(part) < count * dtype.itemsize:
            raise ValueError(f"frame has {len(frame)} bytes, but array {name!r} needs more")
        array = np.frombuffer(part, dtype).reshape(entry["shape"])
        array = array.astype(np.float32) if entry["dtype"] == "f2" else array
        if n := entry.get("begin"):
            if name not in arrays or arrays[name].shape[-1] < n:
                raise ValueError(f"array {name!r} goes on after {n} numbers that are missing")
            array = np.concatenate([arrays[name][..., :n], array], axis=-1)
        arrays[name] = array
    return header, arrays


class FrameStream:
    """The frames of one stage, one after the other, each with only what is new since the last.

    A frame with a `base` in its header builds on the frame of that number `n`: arrays and charts
    that it does not have are as they were, arrays with a `begin` go on after what was there. A page
    that has not got its base needs a whole one.
    """

    def __init__(self) -> None:
        self.n = 0  # of the last frame
        self._arrays: dict[str, np.ndarray] = {}  # as they were in it
        self._charts: list[Any] = []

    def pack(
        self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], whole: bool = False
    ) -> bytes:
        """The next frame; a whole one is exact and not deflated."""
        before, self._arrays = self._arrays, dict(arrays)
        old, self._charts = self._charts, charts_of(header)
        self.n += 1
        header = {**header, "n": self.n}
        if whole or not before or not before.keys() <= arrays.keys():
            return pack_frame(header, arrays)
        begin = {name: _known(before.get(name), array) for name, array in arrays.items()}
        news = {
            name: array[..., begin[name] :]
            for name, array in arrays.items()
            if not begin[name] or array.shape[-1] > begin[name]
        }
        coarse = {name for name in news if name.split("/")[-1] in COARSE}
        for name in news:
            if news[name].dtype == np.uint8 and news[name].ndim > 2:  # pictures
                news[name] = news[name] // GREYS * GREYS + GREYS // 2
        if old == self._charts:  # the page knows them
            header = without_charts(header)
        frame = pack_frame({**header, "base": self.n - 1}, news, coarse, begin)
        return DEFLATED + zlib.compress(frame, 1)


def charts_of(header: Mapping[str, Any]) -> list[Any]:
    """The charts of a GAN, or of each of several."""
    return [header.get("charts"), *(charts_of(head) for head in header.get("members", ()))]


def without_charts(header: Mapping[str, Any]) -> dict[str, Any]:
    """The same header, but for them."""
    rest = {name: value for name, value in header.items() if name != "charts"}
    if "members" in rest:
        rest["members"] = [without_charts(head) for head in rest["members"]]
    return rest


def _known(old: np.ndarray | None, new: np.ndarray) -> int:
    """How many entries of the last axis are as they were, all of the old ones or none."""
    if old is None or old.dtype != new.dtype or old.shape[:-1] != new.shape[:-1]:
        return 0
    n: int = old.shape[-1] if old.ndim else 0
    return n if n and old.tobytes() == new[..., :n].tobytes() else 0


def _as_json(header: Mapping[str, Any]) -> bytes:
    # JSON knows no NaN: one in a meter would make the whole frame unreadable.
    try:
        return json.dumps(header, allow_nan=False).encode()
    except (TypeError, ValueError):  # seldom, so only then each value is looked at
        return json.dumps(_null_unless_finite(header), allow_nan=False).encode()


def _null_unless_finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _null_unless_finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_null_unless_finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
