"""What all self-checks share: an answer, the mistakes it may hold, and what to say about them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gan_helpers.checks import brief, check_choice, plain

Words = dict[str, str]

NOT_YET: Words = {
    "ja": "まだ答えがありません。このセルのNoneを答えに書き換え、もう一度実行してください。",
    "en": "No answer yet: put it in place of the None in this cell and run it again.",
}
RIGHT: Words = {"ja": "正解です。", "en": "Right."}


def close(answer: float | None, value: float, **tolerance: float) -> bool:
    """Whether the answer is the value, within `abs_tol` or `rel_tol`; no answer is not."""
    return answer is not None and math.isclose(number(answer), value, **tolerance)


def number(answer: object) -> float:
    """The answer as a number; True is none.

    Raises:
        TypeError: if it is none.
    """
    given = plain(answer)
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise TypeError(f"{brief(answer)} is a {type(answer).__name__}, not a number.")
    return float(given)


def judge(lang: str, answer: Any, mistakes: list[tuple[Callable[[], Any], Words]]) -> bool:
    """Print what is wrong with an answer, in the reader's language.

    Args:
        lang: "ja" or "en".
        answer: the reader's answer; None is not judged.
        mistakes: (whether this mistake was made, what to say about it), tried in this order.

    Returns:
        Whether there is an answer and none of the mistakes was made.
    """
    check_choice("lang", lang, RIGHT)
    if answer is None:
        print(NOT_YET[lang])
        return False
    for made, words in mistakes:
        try:
            wrong = bool(made())
        except Exception as error:  # whatever the reader's code may raise
            print(f"{type(error).__name__}: {error}")
            return False
        if wrong:
            print(words[lang])
            return False
    print(RIGHT[lang])
    return True
