"""A figure with sliders: drawn anew for each value, whatever the reader's code does."""

import pytest
from matplotlib.figure import Figure

from gan_helpers.lab.dials import Dials


def line(slope=1.0, clip=None):
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], [0, slope if clip is None else min(slope, clip)])
    return figure


def test_each_value_has_its_picture():
    lab = Dials(line, slope=(1.0, 2.0), clip=(None, 0.5))
    first = bytes(lab.picture.value)
    assert first.startswith(b"\x89PNG") and lab._repr_mimebundle_()["image/png"] == first
    lab.sliders["slope"].index = 1
    second = bytes(lab.picture.value)
    lab.sliders["clip"].index = 1
    assert len({first, second, bytes(lab.picture.value)}) == 3
    lab.sliders["slope"].index = lab.sliders["clip"].index = 0
    assert lab.picture.value == first
    assert [label for label, _ in lab.sliders["clip"].options] == ["off", "0.5"]
    lab.close()


def test_the_picture_is_told_in_words():
    def titled(slope):
        figure = line(slope)
        figure.axes[0].set_title(rf"$\lambda$ = {slope}")
        return figure

    lab = Dials(titled, slope=(1.0, 2.0))
    lab.sliders["slope"].index = 1
    assert lab.names.picture == "figure for slope = 2: lambda = 2.0"
    lab.close()


def test_a_button_plays_one_of_them():
    lab = Dials(line, play="slope", slope=(1.0, 2.0, 3.0), clip=(None, 1.0))
    assert (lab.button.min, lab.button.max) == (0, 2)
    assert lab.sliders["slope"].index == lab.button.value == 2  # the whole, until it is played
    assert lab.box.children[0].children[0] is lab.button
    lab.close()
    assert lab.link.comm is lab.button.comm is None  # what is left open would refer to the closed


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "draw raised ZeroDivisionError"), ("ja", "エラー")]
)
def test_an_error_is_told_and_the_last_picture_stays(lang, words):
    lab = Dials(lambda x: line(1 / x), lang=lang, x=(1.0, 0.0))
    picture = lab.picture.value
    lab.sliders["x"].index = 1
    assert words in lab.message.value and lab.picture.value == picture
    lab.sliders["x"].index = 0
    assert lab.message.value == ""
    lab.close()


def test_what_is_no_figure_is_named():
    lab = Dials(lambda x: x, x=(1, 2))
    assert "draw returned 1" in lab.message.value
    lab.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"draw": 3, "x": (1, 2)}, "draw = 3"),
        ({"draw": line}, "dials: give at least one"),
        ({"draw": line, "slope": (1.0,)}, "slope = "),
        ({"draw": line, "slope": "ab"}, "slope = "),
        ({"draw": line, "slope": (1.0, 2.0), "play": "clip"}, "play"),
        ({"draw": line, "slope": (1.0, 2.0), "lang": "fr"}, "lang"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Dials(**arguments)
