"""What all self-checks share: an answer, the mistakes it may hold, and what to say about them."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gan_helpers.checks import brief, check_choice, plain

#: Language and what to say; perhaps returns what to add to "Right", for each language.
Mistakes = Generator[tuple[str, str], None, Any]

NOT_YET = {
    "ja": "まだ答えがありません。このセルのNoneを答えに書き換え、もう一度実行してください。",
    "en": "No answer yet: put it in place of the None in this cell and run it again.",
}
RIGHT = {"ja": "正解です。", "en": "Right."}
SPACE = {"ja": "", "en": " "}  # between sentences
STOPPED = {
    "ja": "あなたのコードは、{kind}で止まりました：{what}",
    "en": "Your code stops with {kind}: {what}",
}

CUT_OFF = {
    "ja": "勾配を求めようとしましたが、計算のつながりが切れています。"
    "detachやno_gradを使っていませんか。",
    "en": "A gradient is asked for that has been cut off: is there a detach or a no_grad?",
}


class NoAnswer(Exception):
    """What is given cannot be judged; says what is wanted instead, in each language."""

    def __init__(self, ja: str, en: str) -> None:
        super().__init__(en)
        self.words = {"ja": ja, "en": en}


def exercise(check: Callable[[Any], Mistakes]) -> Callable[..., bool]:
    """A self-check, made of a function that says what is wrong with an answer.

    Args:
        check: `answer` -> for each mistake that it holds, the worst first, what to say about it:
            ("ja", words) and ("en", words). Whatever the reader's code raises is shown. What it
            returns, words for each language, is said of an answer that is right.

    Returns:
        `(answer, lang)` -> whether there is an answer, and nothing is wrong with it. It prints the
        first thing that is, in the reader's language, "ja" or "en".
    """

    def judged(answer: Any, lang: str = "en") -> bool:
        check_choice("lang", lang, RIGHT)
        if answer is None:
            print(NOT_YET[lang])
            return False
        more: list[str] = []
        words: str | None
        try:
            words, more = first_words(check(answer), lang)
        except NoAnswer as error:
            words = error.words[lang]
        except Exception as error:  # whatever the reader's code may raise
            cut_off = "does not require grad" in str(error)
            words = (CUT_OFF if cut_off else STOPPED)[lang]
            words = words.format(kind=type(error).__name__, what=error)
        print(words or SPACE[lang].join([RIGHT[lang], *more]))
        return words is None

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(judged, name, getattr(check, name))
    return judged


def first_words(mistakes: Mistakes, lang: str) -> tuple[str | None, list[str]]:
    """What to say about the first mistake, None without one; and what to add then."""
    while True:
        try:
            spoken, words = next(mistakes)
        except StopIteration as end:
            return None, [end.value[lang]] if end.value else []
        if spoken == lang:
            return words, []


# --- numbers, words, sets ------------------------------------------------------------------------


def close(answer: float, value: float, **tolerance: float) -> bool:
    """Whether the answer is the value, within `abs_tol` or `rel_tol`."""
    return math.isclose(number(answer), value, **tolerance)


def number(answer: object) -> float:
    """The answer as a number; True is none.

    Raises:
        NoAnswer: if it is none, or not finite.
    """
    given = plain(answer)
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        kind = type(answer).__name__
        raise NoAnswer(
            f"数を1つ答えてください。{brief(answer)}は{kind}で、数ではありません。",
            f"Answer with one number; {brief(answer)} is a {kind}, not a number.",
        )
    try:
        value = float(given)
    except OverflowError:  # a whole number of more than 308 digits
        value = math.inf
    if not math.isfinite(value):
        raise NoAnswer(
            "nanやinfは答えになりません。0での割り算や、0以下の数の対数が途中にありませんか。",
            "nan and inf are no answers: look for a division by 0, or the logarithm of 0 or less.",
        )
    return value


def word(answer: object, allowed: Iterable[str]) -> str:
    """The answer in lower case, if it is one of the words allowed.

    Raises:
        NoAnswer: if it is none of them.
    """
    given, allowed = str(answer).strip().lower(), list(allowed)
    if not isinstance(answer, str) or given not in allowed:
        names = ", ".join(map(repr, allowed))
        raise NoAnswer(
            f"{names}のどれか1つを答えてください。{brief(answer)}は、どれでもありません。",
            f"Answer with one of {names}; {brief(answer)} is none of them.",
        )
    return given


SETS = (set, frozenset, list, tuple)


def digits(answer: object) -> set[int]:
    """The answer as a set of digits.

    Raises:
        NoAnswer: if it is none.
    """
    given = [plain(each) for each in answer] if isinstance(answer, SETS) else [-1]
    if not all(isinstance(d, int) and not isinstance(d, bool) and 0 <= d <= 9 for d in given):
        raise NoAnswer(
            "0から9の数字の集合で答えてください。例：{2, 5}",
            "Answer with a set of digits from 0 to 9, e.g. {2, 5}.",
        )
    return {int(d) for d in given}  # type: ignore[call-overload]


# --- functions -----------------------------------------------------------------------------------


def call(answer: object, wanted: str, *given: Any) -> Any:
    """What the reader's function returns for copies of these arguments.

    Args:
        wanted: its arguments and its result, as the reader is told them.

    Raises:
        NoAnswer: if it is no function, or changes a tensor that it is given.
    """
    if not callable(answer):
        kind = type(answer).__name__
        raise NoAnswer(
            f"関数 {wanted} を書いて答えてください。{brief(answer)}は{kind}です。",
            f"Answer with a function, {wanted}; {brief(answer)} is a {kind}.",
        )
    own = [x.clone() if isinstance(x, Tensor) else x for x in given]
    result = answer(*own)
    for x, before in zip(own, given, strict=True):
        if isinstance(x, Tensor) and not torch.equal(x, before):
            raise NoAnswer(
                "関数が、受け取ったテンソルそのものを書き換えています。ほかの計算でも使う値な"
                "ので、x += 1のような書き換えはせず、新しいテンソルを作ってください。",
                "The function changes the tensor that it was given, which others still need: no "
                "x += 1 or x.relu_() there; make a new tensor.",
            )
    return result


def call_each(answer: object, wanted: str, several: Iterable[tuple[Any, ...]]) -> list[Any]:
    """What the reader's function returns for each of several arguments, of different sizes.

    Raises:
        NoAnswer: as for `call`, and if it works for the first of them only.
    """
    results: list[Any] = []
    for given in several:
        try:
            results.append(call(answer, wanted, *given))
        except NoAnswer:
            raise
        except Exception as error:
            if not results:
                raise
            why = f"{type(error).__name__}: {error}"
            raise NoAnswer(
                "1つの大きさでは動きますが、大きさを変えると止まります。形は、受け取った引数から"
                f"求めてください（{why}）。",
                "It works for one size, but stops at another: take all sizes from the arguments "
                f"({why}).",
            ) from error
    return results


def tensor(result: object, shape: Sequence[int]) -> Tensor:
    """What a reader's function has returned, if it is a finite tensor of this shape.

    Raises:
        NoAnswer: if it is none.
    """
    one = {"ja": "[]（数1つ）", "en": "[], one number"}
    ja, en = (str(list(shape)) if shape else one[lang] for lang in ("ja", "en"))
    if not isinstance(result, Tensor):
        kind = type(result).__name__
        raise NoAnswer(
            f"関数が返したのは{kind}です。形が{ja}のテンソルのまま返してください。"
            "item()やfloat()で数にすると、勾配が届かなくなります。",
            f"The function returns a {kind}; it has to stay a tensor of shape {en}. Made a "
            "plain number by .item() or float(), it has no gradient any more.",
        )
    if list(result.shape) != list(shape):
        raise NoAnswer(
            f"関数が返したテンソルの形は{list(result.shape)}ですが、{ja}でなければなりません。",
            f"The function returns a tensor of shape {list(result.shape)}; it has to be {en}.",
        )
    if not result.isfinite().all():
        raise NoAnswer(
            "関数の値がnanかinfになりました。0での割り算や、0以下の数の対数がありませんか。",
            "The function returns nan or inf: is there a division by 0, or a logarithm of 0?",
        )
    return result


@dataclass(frozen=True)
class Case:
    """Something to try a reader's function on.

    Args:
        given: its arguments.
        leaves: the tensors that the gradient of its result has to reach.
    """

    given: tuple[Any, ...]
    leaves: tuple[Tensor, ...]

    def gradients(self, value: Tensor) -> list[Tensor]:
        """Of the sum of a result, with respect to each of the leaves."""
        if not value.requires_grad:
            return [torch.zeros_like(x) for x in self.leaves]
        found = torch.autograd.grad(value.sum(), self.leaves, retain_graph=True, allow_unused=True)
        return [
            torch.zeros_like(x) if g is None else g for g, x in zip(found, self.leaves, strict=True)
        ]


class Tried:
    """What a reader's function returns in several cases, to be held against formulas.

    Args:
        results: for each case, what it has returned.
        cases: what it was tried on; different sizes, so that no function for one of them passes.
    """

    def __init__(self, results: Sequence[Tensor], cases: Sequence[Case]) -> None:
        self.results, self.cases = results, cases

    def gives(self, *formulas: Callable[..., Any]) -> bool:
        """Whether one of these formulas has the same values, in all cases."""
        return any(self._agrees(f, lambda _, value: [value]) for f in formulas)

    def lacks_gradient(self, formula: Callable[..., Any]) -> Mistakes:
        """Say so if the gradient is not that of the formula, whose values it has."""
        if not self._agrees(formula, Case.gradients):
            yield (
                "ja",
                "値は合っていますが、勾配が正しく伝わりません。"
                "detach、no_grad、item()、float()は、そこで勾配を断ち切ります。",
            )
            yield (
                "en",
                "The value is right, but no gradient flows back as it should: detach, no_grad, "
                ".item() and float() cut it off.",
            )

    def _agrees(
        self, formula: Callable[..., Any], look: Callable[[Case, Tensor], list[Tensor]]
    ) -> bool:
        return all(
            torch.allclose(a, b, rtol=1e-4, atol=1e-6)
            for result, case in zip(self.results, self.cases, strict=True)
            for a, b in zip(look(case, result), look(case, formula(*case.given)), strict=True)
        )


def try_loss(answer: object, wanted: str, cases: Sequence[Case]) -> Tried:
    """A reader's function that has to return one number, tried on these cases."""
    results = call_each(answer, wanted, [case.given for case in cases])
    return Tried([tensor(result, ()) for result in results], cases)
