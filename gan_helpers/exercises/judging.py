"""What all self-checks share: an answer, the mistakes it may hold, and what to say about them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from gan_helpers.checks import brief, check_choice, plain

Mistakes = Iterator[tuple[str, str]]  # language, what to say

NOT_YET = {
    "ja": "まだ答えがありません。このセルのNoneを答えに書き換え、もう一度実行してください。",
    "en": "No answer yet: put it in place of the None in this cell and run it again.",
}
RIGHT = {"ja": "正解です。", "en": "Right."}


def close(answer: float, value: float, **tolerance: float) -> bool:
    """Whether the answer is the value, within `abs_tol` or `rel_tol`."""
    return math.isclose(number(answer), value, **tolerance)


def number(answer: object) -> float:
    """The answer as a number; True is none.

    Raises:
        TypeError: if it is none.
    """
    given = plain(answer)
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise TypeError(f"{brief(answer)} is a {type(answer).__name__}, not a number.")
    return float(given)


def exercise(check: Callable[[Any], Mistakes]) -> Callable[..., bool]:
    """A self-check, made of a function that says what is wrong with an answer.

    Args:
        check: `answer` -> for each mistake that it holds, the worst first, what to say about it:
            ("ja", words) and ("en", words). Whatever the reader's code raises is shown.

    Returns:
        `(answer, lang)` -> whether there is an answer, and nothing is wrong with it. It prints the
        first thing that is, in the reader's language, "ja" or "en".
    """

    def judged(answer: Any, lang: str = "en") -> bool:
        check_choice("lang", lang, RIGHT)
        if answer is None:
            print(NOT_YET[lang])
            return False
        try:
            words = next((words for spoken, words in check(answer) if spoken == lang), None)
        except Exception as error:  # whatever the reader's code may raise
            words = f"{type(error).__name__}: {error}"
        print(words or RIGHT[lang])
        return words is None

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(judged, name, getattr(check, name))
    return judged
