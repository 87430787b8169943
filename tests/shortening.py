"""Training for thousands of steps is cut short where tests execute a notebook.

What comes out of it is chance, which no test compares, so 60 steps find the same mistakes as 3,000.
Every step is taken where notebooks are built, and by `pytest notebooks/en`.
"""

import re

TRAINING = re.compile(r"train_step\(|\.run\(\d|\.film\(")
NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
LONG, MARK, LESS = 1000, 250, 50


def shortened(source):
    """A cell that trains for `LONG` steps or more, with its numbers from `MARK` on over `LESS`.

    Steps, and the marks at which something is looked at, alike. Other cells stay as they are.
    """
    if not TRAINING.search(source) or max(map(int, NUMBER.findall(source)), default=0) < LONG:
        return source
    return NUMBER.sub(lambda n: str(int(n[0]) // LESS) if int(n[0]) >= MARK else n[0], source)
