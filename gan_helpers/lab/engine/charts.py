"""The charts beside a picture: a session says which, and `stage.js` draws what it is told.

A chart is a dictionary, as JSON can say it:

    id      names it, as a part of the page
    kind    "curves" over the steps, "strip" (which mode, when), "histogram", "profile" (over
            layers) or "bars" (one for each class)
    title   a key of the lab's words, or ""
    of      the array that it shows, where it shows one; without it there is no chart
    lines   of curves: `of` an array [T], `colour` "real", "fake" or "fg", `name` a key or the word
            itself, perhaps `sign` -1 and `percent`
    scale   of curves: {} fits them; "zero" keeps 0 in it; "log" is of decades (`least`, `lowest`,
            `highest` are exponents); "by" caps it by another array; `low`, `high` and `ticks` fix
            it; "ends" leaves only its ends as ticks, "shared" makes it one for all side by side
"""

from __future__ import annotations

from typing import Any

Chart = dict[str, Any]


def line(of: str, colour: str, name: str, **more: Any) -> dict[str, Any]:
    """A curve."""
    return {"of": of, "colour": colour, "name": name, **more}


def curves(id: str, title: str, *lines: dict[str, Any], **scale: Any) -> Chart:
    """Curves over the steps."""
    return {"id": id, "kind": "curves", "title": title, "lines": lines, "scale": scale}


LOSSES = curves("loss", "losses", line("loss_D", "fg", "D"), line("loss_G", "fake", "G"))
GRADIENTS = curves(
    "grad", "grad_norms", line("grad_D", "fg", "D"), line("grad_G", "fake", "G"), log=True
)
#: Beside others a gradient that explodes must not flatten theirs.
PUSH = curves(
    *("grad", "grad_norms", line("grad_G", "fake", "G", now="grad_G_now")),
    log=True,
    least=-5,
    lowest=-8,
    highest=3,
    ends=True,
    shared=True,
)
STRIP: Chart = {"id": "strip", "kind": "strip", "title": "strip", "of": "strip"}
LAYERS: Chart = {"id": "layers", "kind": "profile", "title": "layers", "of": "layers"}
CLASSES: tuple[Chart, ...] = (
    curves(
        *("history", ""),
        line("agreement", "fg", "agreement", percent=True),
        line("variety", "fake", "variety"),
        low=0, high=1.2, ticks=(0, 0.5, 1),
    ),
    {"id": "by_class", "kind": "bars", "title": "by_class", "of": "by_class", "marks": "agreed",
     "names": ("agreement", "variety"), "most": 1.5},
)  # fmt: skip
FEW: tuple[Chart, ...] = (
    curves("quality", "frechet", line("frechet", "fake", ""), zero=True, shared=True),
    curves(
        *("verdicts", "verdicts"),
        line("d_train", "real", "d_train"),
        line("d_held", "fg", "d_held"),
        line("d_fake", "fake", "fake"),
        shared=True,
    ),
)

#: What is measured of a translation -> its chart, from 0 on and one scale for all side by side.
MEASURED: dict[str, Chart] = {
    name: curves(name, name, line(name, colour, ""), zero=True, shared=True)
    for name, colour in (
        *(("answer_error", "fake"), ("sharpness", "fg")),
        *(("cycle_error", "fg"), ("world", "fake"), ("hidden_error", "real")),
    )
}


def distance(critic: bool) -> Chart:
    """The exact Wasserstein distance, and a critic's estimate of it.

    An estimate that explodes must not flatten the distance beside it.
    """
    estimate = line("loss_D", "fg", "estimate", sign=-1)
    return curves("dist", "distance", *[estimate] * critic, line("w1", "real", "W₁"), by="w1")


def weights(to: float) -> Chart:
    """How D's weights are distributed over [-to, to]."""
    return {"id": "weights", "kind": "histogram", "title": "weights", "of": "weights", "to": to}
