"""Right answers pass, typical wrong ones get the hint that helps, in both languages."""

import math
import re

import matplotlib.pyplot as plt
import pytest
import torch
from exercise_answers import RIGHT, WRONG

from assemble import assemble, sections
from gan_helpers import exercises
from gan_helpers.exercises import difficulties
from gan_helpers.exercises.judging import RIGHT as RIGHT_WORDS, STOPPED

CHECKS = {name: getattr(exercises, name) for name in exercises.__all__ if name[:6] == "check_"}
#: Whose answer is a function; its result has to carry a gradient, but for the first two.
FUNCTIONS = [name for name, answers in RIGHT.items() if callable(answers[0])]
WITH_GRADIENT = sorted({*FUNCTIONS} - {"check_optimal_logit", "check_two_G_updates"})
each_check = pytest.mark.parametrize("name", CHECKS)


def all_of(table):
    return [(name, *answer) for name, answers in table.items() for answer in answers]


def rejected(name, answer, capsys):
    """What is said about a wrong answer, in English and in Japanese."""
    said = []
    for lang in ("en", "ja"):
        assert CHECKS[name](answer, lang) is False, f"{answer} passes"
        said.append(capsys.readouterr().out.strip())
    en, ja = said
    assert len(en) > 20 and len(ja) > 10, "no sentence"
    assert re.search("[ぁ-ん]", ja), "no Japanese"
    assert not re.search("[ぁ-ん]", en), "no English"
    return said


def test_every_check_has_answers_here():
    assert set(CHECKS) == set(RIGHT) == set(WRONG)
    assert all(len(wrong) >= 3 for wrong in WRONG.values())


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, all_ in RIGHT.items() for a in all_])
def test_right_answers_pass(name, answer, lang, capsys):
    if name == "check_cure" and lang == "ja":
        pytest.skip("the same training as in English")
    assert CHECKS[name](answer, lang) is True
    assert capsys.readouterr().out.startswith(RIGHT_WORDS[lang])


@pytest.mark.parametrize(("name", "answer", "en", "ja"), all_of(WRONG))
def test_wrong_answers_get_the_hint_that_helps(name, answer, en, ja, capsys):
    said = rejected(name, answer, capsys)
    assert re.search(en, said[0])
    assert re.search(ja, said[1])


@each_check
def test_no_answer_yet_is_no_error(name, capsys):
    assert CHECKS[name](None, "en") is False
    assert "No answer yet" in capsys.readouterr().out


def test_an_unknown_language_is_named():
    with pytest.raises(ValueError, match="lang = 'de'"):
        exercises.check_gradient_ratio(1.0, "de")


# --- what is no answer ---------------------------------------------------------------------------

NO_ANSWERS = {
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "huge": 10**400,
    "nan of torch": torch.tensor(math.nan),
    "nans": (math.nan, math.nan),
    "a word": "no such thing",
    "nothing": "",
    "True": True,
    "complex": 1j,
    "[]": [],
    "{}": {},
    "[[]]": [[]],
    "words": ["a", "b"],
    "a tensor": torch.zeros(3, 2),
    "object": object(),
    "a class": dict,
}


@each_check
@pytest.mark.parametrize("what", NO_ANSWERS)
def test_what_is_no_answer_gets_a_sentence(name, what, capsys):
    en, ja = rejected(name, NO_ANSWERS[what], capsys)
    if what != "a class":  # can be called, and what comes of it is its own error
        assert not en.startswith(STOPPED["en"][:10]), en
        assert not ja.startswith(STOPPED["ja"][:5]), ja


def raises(*_):
    raise KeyError("oops")


@each_check
def test_code_that_raises_gets_a_sentence(name, capsys):
    en, ja = rejected(name, raises, capsys)
    if name in FUNCTIONS:
        assert en == "Your code stops with KeyError: 'oops'"
        assert "KeyError" in ja


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    "result",
    [None, 0, 0.5, math.nan, "loss", [], (0.0, 0.0), (math.nan, math.nan), torch.tensor(math.nan)],
    ids=str,
)
def test_functions_of_constants_are_rejected(name, result, capsys):
    rejected(name, lambda *_: result, capsys)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_the_wrong_arguments_are_rejected(name, capsys):
    for wrong in (lambda: 0.5, lambda a, b, c, d, e, f: a):
        en, _ = rejected(name, wrong, capsys)
        assert "TypeError" in en


# --- gradients -----------------------------------------------------------------------------------


def by(change):
    """A right function whose result, or each of its two, is changed."""

    def of(function):
        def changed(*given):
            result = function(*given)
            return tuple(map(change, result)) if isinstance(result, tuple) else change(result)

        return changed

    return of


CUTS = {
    "detach": by(lambda loss: loss.detach()),
    "no_grad": lambda function: torch.no_grad()(function),
    "item": by(lambda loss: loss.tolist()),
    "a thousandth": by(lambda loss: loss.detach() + 0.001 * (loss - loss.detach())),
    "reversed": by(lambda loss: 2 * loss.detach() - loss),
    "numpy": by(lambda loss: torch.from_numpy(loss.detach().numpy())),
}


@pytest.mark.parametrize("name", WITH_GRADIENT)
@pytest.mark.parametrize("cut", CUTS)
def test_right_values_without_their_gradient_are_rejected(name, cut, capsys):
    for function in RIGHT[name]:
        en, ja = rejected(name, CUTS[cut](function), capsys)
        assert re.search("gradient", en)
        assert re.search("勾配", ja)


# --- the exercises in the notebooks --------------------------------------------------------------


def cells_of(name):
    return [cell for cell in assemble(name, "en").cells if cell.cell_type == "code"]


def test_every_check_stands_in_a_notebook():
    """Once with None, and once or more with a solution that is folded."""
    asked, solved = [], set()
    for name in sections():
        for cell in cells_of(name):
            found = re.findall(r"exercises\.(check_\w+)\(", cell.source)
            if "solution" in cell.metadata.get("tags", []):
                solved |= set(found)
            else:
                asked += found
                assert not found or " = None" in cell.source
    assert sorted(asked) == sorted(CHECKS)
    assert solved == set(CHECKS)


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("name", sections())
def test_published_solutions_pass(name, lang, capsys, monkeypatch):
    if lang == "ja":  # the same trainings as in English
        monkeypatch.setattr(difficulties, "STEPS_TREATED", 1)
        monkeypatch.setattr(difficulties, "ENOUGH_MODES", 0)
        monkeypatch.setattr(difficulties, "ENOUGH_GOOD", 0.0)
    _, imports, *rest = cells_of(name)
    names = {"LANG": lang}
    exec(imports.source, names)
    for cell in rest:
        if "solution" in cell.metadata.get("tags", []):
            exec(cell.source, names)
            said = capsys.readouterr().out
            assert RIGHT_WORDS[lang] in said, cell.source
    plt.close("all")


# --- the ill GANs --------------------------------------------------------------------------------


def test_the_illnesses_show_in_the_curves():
    """So that an exercise about them can be answered; nothing of it is written down."""
    curves = {name: {k: torch.tensor(v) for k, v in c.items()}
              for name, c in exercises.train_patients().items()}  # fmt: skip
    ill = {difficulties.illness_of(e): curves[name]
           for name, (e, _) in difficulties.PATIENTS.items()}  # fmt: skip
    assert ill["vanishing_gradient"]["gradient"].max() < 1e-4
    assert ill["mode_collapse"]["gradient"][-20:].min() > 0.1
    assert ill["mode_collapse"]["spread"][-20:].max() < 0.3
    assert ill["non_convergence"]["gradient"].min() > 1e-4
    wild = ill["non_convergence"]["spread"]
    assert wild.max() > 1.0 and wild[wild.argmax() :].min() < wild.max() / 2
