"""The labs of the slides show what their slide says, as often as it says, or it says how long."""

import ast
import re
from dataclasses import fields, replace

import pytest
import torch
from test_deck import is_lab

import deck
from assemble import assemble, number_of
from gan_helpers.datasets.points import WORLDS_1D, ring
from gan_helpers.evidence import load_evidence
from gan_helpers.evidence.collect import RUNS
from gan_helpers.evidence.presets import ENOUGH, SHOWN
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.choices import default_experiment
from gan_helpers.lab.engine.classes import default_conditional

LABS = [(slide.number, place) for slide in deck.slides("en") for place in slide.places if place.lab]
COUNTS = {"en": r"(\d+) of 20 seeds", "ja": r"(?:20個のシードのうち|、)(\d+)個で"}
TIMES = {"en": r"\d+ (?:s|min)\b", "ja": r"\d+(?:秒|分)"}


def times_it_holds(lab):
    found = load_evidence()[SHOWN[lab].row]["found"]
    return int(SHOWN[lab].holds({name: torch.tensor(v) for name, v in found.items()}).sum())


def notes(lang, number):
    return deck.slides(lang)[number - 1].text.split("<!--")[-1]


@pytest.mark.parametrize("lab", SHOWN)
def test_it_shows_what_its_slide_says_in_nearly_every_seed(lab):
    assert times_it_holds(lab) >= ENOUGH
    assert lab in [place.lab for _, place in LABS]


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("number", sorted({number for number, _ in LABS}))
def test_the_slide_says_how_often_or_how_long(number, lang):
    labs = [place.lab for n, place in LABS if n == number]
    said = [int(count) for count in re.findall(COUNTS[lang], notes(lang, number))]
    assert said == [times_it_holds(lab) for lab in labs if lab in SHOWN]
    if not set(labs) <= SHOWN.keys():
        assert re.search(TIMES[lang], notes(lang, number))


def cell_of(place):
    """The code of the lab in its notebook, below its heading."""
    here = ""
    for cell in assemble(place.name, "en").cells:
        if cell.cell_type == "markdown":
            here = number_of(cell.source) or here
        elif here == place.number and "Lab(" in cell.source:
            return next(node for node in ast.walk(ast.parse(cell.source)) if is_lab(node))
    raise AssertionError(f"{place.lab} is not in its notebook")


@pytest.mark.parametrize("lab", [lab for lab, shown in SHOWN.items() if "presets" in shown.row])
def test_the_evidence_is_of_what_the_lab_trains(lab):
    (place,) = (place for _, place in LABS if place.lab == lab)
    start = default_experiment(WORLDS_1D["two_gaussians_1d"]()) if "1d" in lab else Experiment()
    if "condition" in lab:
        start = default_conditional(ring())
    known = {f.name for f in fields(start)}
    keywords = {k.arg: k.value for k in cell_of(place).keywords if k.arg in known}
    settings = {name: ast.literal_eval(value) for name, value in keywords.items()}
    assert RUNS[SHOWN[lab].row].experiment == replace(start, **settings)
