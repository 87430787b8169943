"""Which numbers in the prose of a notebook are claims, and where they may come from.

A claim is a decimal, a percentage, or a whole number from 4 on (up to three, they are words).
Formulas, code and addresses are none, nor is what numbers a section, an equation, a figure or a
year, nor how long something takes, as that depends on the machine.
"""

import re
import shlex
import sys
from dataclasses import asdict, dataclass
from functools import cache

import nbformat

from assemble import HERE as NOTEBOOKS, assemble, read_source, sections
from build import built_path
from gan_helpers import exercises
from gan_helpers.evidence.collect import RUNS

NOT_PROSE = (
    r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|\]\([^)]*\)|<img[^>]*>|arXiv:\S+"
    r"|^\*(?:スライド|Slide)[^\n]*\*$"
)
PLACES = (
    r"^#+ [\d.]+|^ *\d+\. |[(（]12\.\d+[)）]|\b12\.4(?:\.\d)?"
    r"|(?:sections?|tables?|figures?|slides?|Exercise) \d[\d.]*(?:(?:,| and| to) \d[\d.]*)*"
    r"|(?:スライド|表|図|問)\d+|\d[\d.]*(?:、\d[\d.]*)*[節章問]"
)
YEARS = r"(?<![\d.,])(?:19|20)\d\d(?![\d.,]?\d)"
TIMES = r"\d[\d.]* ?(?:分(?!の\d)|秒|時間|min\b|minutes|seconds|s\b|hours?|to (?:read|play))"
CLAIM = r"(?<![A-Za-z0-9.,])(?:\d+\.\d+(?!\.?\d)|(?:\d{1,3}(?:,\d{3})+|\d+)万?(?![\d.,]?\d|\.\d))"
PERCENT = r" ?[%％]"
STEPS = r" ?(?:ステップ|回の?更新|(?:more |further )?(?:steps|updates))"
SEEDS = r" ?(?:個の(?:乱数)?シード|(?:random |of \d+ )?seeds)"


@dataclass(frozen=True)
class Claim:
    """A number as it is written, without commas, and what stands around it."""

    number: str
    before: str
    after: str

    def has(self, unit):
        return re.match(unit, self.after) is not None


def source(name):
    return (NOTEBOOKS / "source" / f"{name}.md").read_text(encoding="utf-8")


def prose(name, lang):
    """The prose as it is written, without the tables that are put into it."""
    cells = [cell for cell in read_source(source(name)) if cell.cell_type == "markdown"]
    return [cell.source for cell in cells if lang in cell.metadata.tags]


@cache
def headings():
    """The numbers of all sections, e.g. "2.3": "4.9" in a sentence is a place, too."""
    text = "\n".join(text for name in sections() for text in prose(name, "en"))
    return set(re.findall(r"^#+ (\d+\.\d+) ", text, flags=re.MULTILINE))


def claims(text, headings=frozenset()):
    """The claims of a text, in their order."""
    text = re.sub(NOT_PROSE, " ", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(f"{PLACES}|{YEARS}|{TIMES}", " ", text, flags=re.MULTILINE)
    for found in re.finditer(CLAIM, text):
        number = found[0].replace(",", "").replace("万", "0000")
        before, after = text[max(found.start() - 30, 0) : found.start()], text[found.end() :][:20]
        claim = Claim(number, before, after)
        if number not in headings and (float(number) > 3 or "." in number or claim.has(PERCENT)):
            yield claim


# --- where a number may come from ----------------------------------------------------------------


def numbers(text):
    """All numbers of a text or of code; 1,000 and 1_000 are 1000."""
    return set(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d)[,_](?=\d{3})", "", text)))


@cache
def code(name):
    return "\n".join(c.source for c in assemble(name, "en").cells if c.cell_type == "code")


@cache
def printed(name):
    notebook = nbformat.read(built_path(name, "en"), as_version=4)
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    return "\n".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs)


@cache
def runs(name):
    """The runs behind a notebook: of the studies that its code or "how it was made" names."""
    commands = " ".join(re.findall(r"-m gan_helpers\.evidence ([^`]+)`", source(name)))
    named = {*shlex.split(commands), *re.findall(r'"([^"\n]+)"', code(name))}
    return [run for run in RUNS.values() if run.study in named]


def lengths(run):
    """How often, over how many seeds and which: of steps, those before and after the fork."""
    steps, fork = getattr(run, "steps", 0), getattr(run, "fork", 0)
    return {len(run.seeds), run.seeds[0], run.seeds[-1], steps, fork, steps - fork}


@cache
def settings(name):
    """What the code of a notebook sets, the runs behind it, and what measures or checks them."""
    behind, checks = runs(name), set(re.findall(r"exercises\.(\w+)\(", code(name)))
    modules = {kind.__module__ for run in behind for kind in type(run).__mro__}
    modules |= {getattr(exercises, check).__module__ for check in checks}
    values = [value for module in modules for value in vars(sys.modules[module]).values()]
    constants = {value for value in values if isinstance(value, (int, float))}
    constants = constants.union(*map(lengths, behind))
    of_runs = [str(asdict(run) | {"seeds": ()}) for run in behind]
    return numbers("\n".join([code(name), *of_runs, *map(str, constants)]))


@cache
def counts(name):
    """Numbers of seeds: of the runs, and those that a cell prints, as in "17 of 20"."""
    found = re.findall(r"(\d+) of (\d+)", printed(name))
    return {str(len(run.seeds)) for run in runs(name)}.union(*found)


def comes_from(claim, name):
    """Whether a cell prints it, or code or the evidence sets it, and as what.

    Steps have to be set; seeds have to be counted. Decimals and percentages may be rounded.
    """
    if claim.has(STEPS):
        return claim.number in settings(name)
    if claim.has(SEEDS):
        return claim.number in counts(name)
    known = numbers(printed(name)) | settings(name)
    decimals = len(claim.number.partition(".")[2])
    if decimals or claim.has(PERCENT):
        known = {f"{float(number):.{decimals}f}" for number in known}
    return claim.number in known
