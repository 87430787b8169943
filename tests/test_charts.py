"""The charts that sessions describe, as far as it can be told without a page."""

import json

import numpy as np
import pytest

from gan_helpers.conditional.training import Conditional
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine import charts
from gan_helpers.lab.engine.augmenting import AugmentedSession
from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.comparison import Comparison
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.labels import TEXT
from gan_helpers.lab.stage import FrameStream, unpack_frame

SMALL = {"width": 8, "depth": 1, "batch_size": 8}
PICTURES = {"network": "conv", "width": 8, "batch_size": 8, "latent_dim": 8}
CRITIC = {"loss": "wasserstein", "clip": 0.1}
SESSIONS = {
    "points": lambda: Session(Experiment(**SMALL), "ring"),
    "a line": lambda: Session(Experiment(**SMALL, latent_dim=1), "two_gaussians_1d"),
    "no modes": lambda: Session(Experiment(**SMALL), "spiral"),
    "pictures": lambda: Session(Experiment(**PICTURES), "digits"),
    "critic": lambda: Session(Experiment(**SMALL, **CRITIC), "ring"),
    "distance": lambda: Session(Experiment(**SMALL), "ring", distance=True),
    "classes": lambda: ClassSession(Conditional(condition="cgan", **PICTURES), "digits"),
    "classes of points": lambda: ClassSession(Conditional(condition="cgan", **SMALL), "ring"),
    "few": lambda: AugmentedSession(Experiment(**PICTURES), "digits_50"),
}
BESIDE = {
    "points": ["loss", "grad", "strip"],
    "a line": ["loss", "grad", "strip"],
    "no modes": ["loss", "grad"],
    "pictures": ["loss", "grad", "strip"],
    "critic": ["dist", "grad", "weights", "layers", "strip"],
    "distance": ["loss", "dist", "grad", "weights", "layers", "strip"],
    "classes": ["loss", "grad", "history", "by_class"],
    "classes of points": ["loss", "grad"],
    "few": ["loss", "grad", "quality", "verdicts"],
}
SMALL_ONES = {
    "points": ["grad", "strip"],
    "critic": ["dist", "weights", "layers"],
    "classes": ["history", "by_class"],
    "few": ["quality", "verdicts"],
}


def words_of(chart):
    lines = [line["name"] for line in chart.get("lines", ())]
    return {chart["title"], *lines, *chart.get("names", ())} - {"", "D", "G", "W₁"}


@pytest.mark.parametrize("kind", SESSIONS)
def test_a_frame_describes_charts_of_what_is_in_it(kind):
    session = SESSIONS[kind]()
    session.run(5)
    header, arrays = session.frame()
    assert [chart["id"] for chart in header["charts"]] == BESIDE[kind]
    json.dumps(header["charts"], allow_nan=False)
    for chart in header["charts"]:
        shown = [chart[key] for key in ("of", "marks") if key in chart]
        for name in [*shown, *(line["of"] for line in chart.get("lines", ()))]:
            assert arrays[name].size, f"{chart['id']} shows {name}"
        assert chart.get("scale", {}).get("by", "steps") in arrays
        assert all(words_of(chart) <= set(TEXT[lang]) for lang in TEXT)


@pytest.mark.parametrize("kind", SMALL_ONES)
def test_side_by_side_there_is_room_for_fewer(kind):
    both = Comparison(SESSIONS[kind](), {"a": {}, "b": {"lr_D": 1e-4}})
    both.run(5)
    for member in both.frame()[0]["members"]:
        assert [chart["id"] for chart in member["charts"]] == SMALL_ONES[kind]


def test_charts_travel_once_and_again_when_they_change():
    stream, arrays = FrameStream(), {"steps": np.ones(2, np.float32)}
    one, other = {"charts": [charts.LOSSES]}, {"charts": [charts.GRADIENTS]}
    heads = [one, one, other, other, {"members": [one, other]}, {"members": [one, other]}]
    seen = [unpack_frame(stream.pack(head, arrays))[0] for head in heads]
    told = ["charts" in head or "charts" in head.get("members", [{}])[0] for head in seen]
    assert told == [True, False, True, False, True, False]
    assert (
        "charts"
        in unpack_frame(stream.pack({"members": [one, other]}, arrays, whole=True))[0]["members"][0]
    )
