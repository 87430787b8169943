"""Train the translators that come with the notebooks.

    uv run python data/train_translators.py [name …]

Two processes, one to twenty minutes for each translator. Looks at the test pictures once, at the
end, and writes `NAME_translator.safetensors` beside this file. The same seed gives the same weights
on the same machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from gan_helpers.processes import Incomplete, work
from gan_helpers.translation.judge import cycle_error, judge_translation
from gan_helpers.translation.pix2pix import Pix2Pix
from gan_helpers.translation.pretrained import RECIPES, SEED, Recipe, save, train
from gan_helpers.translation.tasks import Task, load_task

COMMAND = "uv run python data/train_translators.py"


def make(name: str, folder: Path, recipe: Recipe | None = None, task: Task | None = None) -> str:
    """Train one, write its weights into `folder`, and say what was reached."""
    torch.set_num_threads(1)  # so that the weights do not depend on the number of cores
    start, recipe = time.perf_counter(), recipe or RECIPES[name]
    task = task or load_task(recipe.task, recipe.size)
    bar = partial(tqdm, desc=name, unit="step", leave=False, mininterval=1)
    gan = train(recipe, task, bar=bar)
    if isinstance(gan, Pix2Pix):
        report = judge_translation(gan.translate, task.test)  # type: ignore[arg-type]
        reached = {"error": round(report.error, 4), "sharpness": round(report.sharpness, 3)}
    else:
        reached = {"cycle_error": round(cycle_error(gan, task.test), 4)}
    about = {**reached, "seed": SEED, "steps": recipe.steps, "command": COMMAND}
    path = save(gan, name, folder, about)
    return f"{path.name}: {reached}, {time.perf_counter() - start:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help=f"all of them by default: {', '.join(RECIPES)}")
    names = parser.parse_args().name or list(RECIPES)
    if unknown := set(names) - set(RECIPES):
        parser.error(f"{', '.join(unknown)} is unknown; choose from {', '.join(RECIPES)}")

    def show(_: str, line: str) -> None:
        print(line, flush=True)

    try:
        work(partial(make, folder=Path(__file__).parent), {name: name for name in names}, show)
    except Incomplete as why:
        print(why, file=sys.stderr)
        sys.exit(why.status)


if __name__ == "__main__":
    main()
