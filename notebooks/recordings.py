"""What the labs of the web edition replay: `uv run python notebooks/recordings.py [name …]`.

Each lab of the notebooks has a row in `RECORDINGS`, with the choices that a reader has there. For
each choice a lab is trained as in its notebook, pictures of it are kept, and written to
`web/recordings/NAME.CHOICE.gz`, unless the file there has the same fingerprint: that of all
settings, so that words and looks may change without a new recording.

    --check   record nothing; say what is missing, stale or left over, with status 1

A file is gzip: uint32 length of a header | JSON header | arrays. The header has the pictures'
`heads` (see `gan_helpers.lab.stage.pack_frame`), at which step they were taken, and a table of
arrays. Curves stand there once ("past"), as does what never changes ("once"); of the rest each
picture has its own ("each"), as differences to the one before, which gzip packs well. Numbers of
two bytes lie in two planes: all low bytes, then all high ones.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import struct
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from torch.nn.functional import softplus

from gan_helpers.lab import Lab
from gan_helpers.lab.as_code import as_code
from gan_helpers.lab.engine.choices import as_any
from gan_helpers.lab.engine.comparison import variants_of
from gan_helpers.lab.engine.look import Frame
from gan_helpers.lab.engine.modes import mode_of
from gan_helpers.lab.labels import LANGUAGES, TEXT, WORDS
from gan_helpers.losses import LOSSES, Loss, generator_non_saturating
from gan_helpers.remedies import REMEDIES
from gan_helpers.threads import cores

FOLDER = Path(__file__).resolve().parent / "web" / "recordings"
FORMAT = 2  # of the files; another one makes all of them stale
MOST_BYTES = {"one": 600_000, "several": 1_500_000, "all": 8_000_000}
POSITIONS = {"fake", "gz"}  # in steps of a 512th of the picture's edge
GREYS, SHADES = 8, 4  # between two greys of a picture, two colours of D's map: gzip likes few
ARROWS = 16  # of 1,024 between two lengths of an arrow: 1.6 %, less than one sees


@dataclass(frozen=True)
class Choice:
    """One of the things that a reader can choose in a lab.

    Args:
        key: of its file and of links to it.
        words: what it is called, in English and in Japanese.
        settings: of the GAN, where they differ.
        of: the word of the lab for what is chosen, where a lab offers several such things.
        then: what is changed at the recording's `turn`.
    """

    key: str
    words: tuple[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""
    seed: int | None = None
    compare: str | Mapping[str, Mapping[str, Any]] | None = None
    then: Mapping[str, Any] = field(default_factory=dict)
    ask: Mapping[str, Any] = field(default_factory=dict)  # what a conditional GAN shall make
    of: str = ""


@dataclass(frozen=True)
class Recording:
    """A lab of a notebook, and what is recorded of it.

    Args:
        name: of its files and of links to it.
        notebook: the beginning of the notebook's name.
        call: how the lab is called there, up to its language.
        steps: where the recording ends.
        pictures: how many are kept, the first ones closer to each other.
        begin: where it begins; until then there is a single GAN.
        turn: the step of `Choice.then`.
        ahead: how many updates of D come first, with G standing still; they count as steps.
        columns: how many pictures of a row are kept; all by default.
    """

    name: str
    notebook: str
    call: str
    steps: int
    choices: tuple[Choice, ...]
    data: str = "ring"
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    pictures: int = 80
    begin: int = 0
    turn: int = 0
    ahead: int = 0
    columns: int | None = None


def called(*keys: str) -> tuple[str, str]:
    """Words of the lab, one after the other."""
    english, japanese = zip(*(WORDS[key] for key in keys), strict=True)
    return " · ".join(english), " · ".join(japanese)


def plain(words: str) -> tuple[str, str]:
    """What is the same in both languages."""
    return words, words


def losses(*first: str) -> Iterator[Choice]:
    """A choice for each loss, these before all others."""
    for name in dict.fromkeys((*first, *LOSSES)):
        yield Choice(name, WORDS[name], {"loss": name}, of="loss")


def smoothed(d_real: Any, d_fake: Any) -> Any:
    """The loss of section 10 of 12.4.1: the target of D is 0.9, not 1."""
    real = 0.9 * softplus(-d_real) + 0.1 * softplus(d_real)
    return real.mean(-1) + softplus(d_fake).mean(-1)


SEEDS = [Choice(f"seed_{k}", plain(f"{k}"), seed=k, of="seed") for k in (1, 2)]
COLLAPSE: dict[str, Any] = {"d_steps": 10, "lr_D": 1e-2}
CRITIC: dict[str, Any] = {"loss": "wasserstein", "d_steps": 5, "lr_G": 2e-4, "beta1": 0.0}
WAYS: dict[str, dict[str, Any]] = {
    "WGAN-GP": {"gradient_penalty": 1.0},
    "c = 0.01": {"clip": 0.01},
    "c = 0.3": {"clip": 0.3},
    "spectral norm": {"spectral_norm": True},
}
BOTH = {"cGAN": {"condition": "cgan"}, "AC-GAN": {"condition": "acgan"}}

RECORDINGS = (
    Recording(
        "ring", "12.4.1", 'Lab("ring"', 1500,
        (*losses("non_saturating"), *SEEDS,
         *(Choice(w, WORDS[w], data=w, of="data") for w in ("grid", "spiral", "moons"))),
    ),
    Recording(
        "densities", "12.4.1", 'Lab("two_gaussians_1d"', 1500,
        tuple(Choice(w, WORDS[w], data=w)
              for w in ("two_gaussians_1d", "one_gaussian_1d", "three_gaussians_1d")),
        data="two_gaussians_1d",
    ),
    Recording(
        "digits", "12.4.1", 'Lab("digits"', 1000, (Choice("digits", WORDS["digits"]),),
        data="digits", pictures=50,
    ),
    Recording(
        "own", "12.4.1", "Lab(\n", 1500,
        (Choice("smoothed", ("smoothed loss", "平滑化した損失"),
                {"loss": Loss("smoothed", smoothed, generator_non_saturating)}),),
    ),
    Recording(
        "ahead", "12.4.2", 'Lab("ring", lang=LANG, loss="saturating")', 600,
        tuple(losses("saturating", "non_saturating"))[:3], pictures=60, ahead=300,
    ),
    Recording(
        "collapse", "12.4.2", 'Lab("ring", lang=LANG, remedies=True', 700,
        (Choice("untreated", WORDS["untreated"]),
         *(Choice(name, WORDS[f"remedy_{name}"], then=settings)
           for name, settings in REMEDIES.items() if name not in ("pac", "non_saturating"))),
        settings=COLLAPSE, pictures=70, turn=300,
    ),
    Recording(
        "fork", "12.4.2", 'Lab("ring", lang=LANG, seed=1', 500,
        (Choice("remedy", WORDS["compare_remedy"], compare="remedy"),),
        settings=COLLAPSE, seed=1, pictures=32, begin=300,
    ),
    Recording(
        "critic", "12.4.3", 'Lab("two_gaussians_1d"', 300,
        (Choice("one_sided", ("one-sided penalty", "片側のペナルティ"), {"one_sided": True}),
         Choice("two_sided", ("two-sided penalty", "両側のペナルティ"), {"one_sided": False})),
        data="two_gaussians_1d", pictures=60,
        settings={**CRITIC, "lr_D": 1e-3, "gradient_penalty": 10.0, "latent_dim": 1},
    ),
    Recording(
        "clip", "12.4.3", 'Lab(\n    "ring", lang=LANG, loss="wasserstein", clip=0.1', 400,
        tuple(Choice(f"c{c:g}", plain(f"c = {c:g}"), {"clip": c}) for c in (0.1, 0.01, 0.3)),
        settings=CRITIC, pictures=50,
    ),
    Recording(
        "trust", "12.4.3", 'Lab(\n    "ring", lang=LANG, loss="wasserstein", d_steps=5', 400,
        (Choice("ways", ("four ways", "4つの方法"), compare=WAYS),), settings=CRITIC, pictures=40,
    ),
    Recording(
        "classes", "12.4.4", 'Lab("ring", lang=LANG, condition="cgan")', 800,
        (Choice("all", WORDS["pick_all"]),
         Choice("class_3", ("class 3", "クラス3"), ask={"digit": 3})),
        settings={"condition": "cgan"}, pictures=60,
    ),
    Recording(
        "both", "12.4.4", 'Lab("digits", lang=LANG, condition="cgan", compare=both)', 2000,
        (Choice("both", plain("cGAN · AC-GAN"), compare=BOTH),),
        data="digits", settings={"condition": "cgan"}, pictures=40,
    ),
    Recording(
        "weights", "12.4.4", 'Lab("digits", lang=LANG, condition="acgan"', 2000,
        (Choice("all", WORDS["compare_class_weight"], compare="class_weight"),),
        data="digits", settings={"condition": "acgan"}, pictures=32,
    ),
    Recording(
        "shoes", "12.4.5", 'Lab("shoes"', 600,
        (Choice("both", WORDS["l1_and_gan"]),
         Choice("l1", WORDS["only_l1"], {"adversarial": 0.0}),
         Choice("gan", WORDS["only_gan"], {"l1": 0.0}),
         Choice("terms", WORDS["compare_terms"], compare="terms")),
        data="shoes", pictures=40,
    ),
    Recording(
        "animals", "12.4.5", 'Lab("animals"', 500,
        (Choice("with_cycle", WORDS["with_cycle"]),
         Choice("no_cycle", WORDS["no_cycle"], {"cycle": 0.0})),
        data="animals", pictures=20, columns=4,
    ),
    Recording(
        "few", "12.4.6", 'Lab("digits_100", lang=LANG)', 3000,
        (Choice("digits_100", WORDS["digits_100"]),), data="digits_100", pictures=60,
    ),
    Recording(
        "augment", "12.4.6", 'Lab("digits_100", lang=LANG, compare="augment")', 2000,
        (Choice("augment", WORDS["compare_augment"], compare="augment"),),
        data="digits_100", pictures=40,
    ),
)  # fmt: skip


# --- what is recorded


def given(recording: Recording, choice: Choice) -> dict[str, Any]:
    """All settings that the lab is called with."""
    return {**recording.settings, **choice.settings}


def schedule(recording: Recording) -> list[int]:
    """The steps at which pictures are taken, closer to each other at the beginning."""
    first, n = recording.begin, recording.pictures - 1
    steps = (first + (recording.steps - first) * (k / n) ** 1.5 for k in range(n + 1))
    turn = {recording.turn} if recording.turn > first else set()
    return sorted({round(step) for step in steps} | turn)


@cache
def loaded(data: str) -> Any:
    """The data of that name, read once."""
    return as_any(data)


def fingerprint(recording: Recording, choice: Choice) -> str:
    """Of all settings that decide what is seen, those by default too, and of the format."""
    data = loaded(choice.data or recording.data)
    own = given(recording, choice)
    resolved = mode_of(data, None, own).experiment(data, None, own)
    seed = recording.seed if choice.seed is None else choice.seed
    named = {name: getattr(value, "name", value) for name, value in vars(resolved).items()}
    films = [choice.data or recording.data, seed, schedule(recording), recording.ahead]
    films += [recording.columns] * bool(recording.columns)
    decisive = [FORMAT, *films, choice.then, choice.ask, choice.compare, named]
    return sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Film:
    """What was seen of a training.

    Args:
        frames: its pictures.
        names: language -> the names of GANs side by side.
        code: language -> the lines that make it again.
        past: the names of its curves.
    """

    frames: list[Frame]
    names: dict[str, list[str]]
    code: dict[str, str]
    past: frozenset[str]


def film(recording: Recording, choice: Choice) -> Film:
    """Train a lab, and keep what is seen of it."""
    data = choice.data or recording.data
    seed = recording.seed if choice.seed is None else choice.seed
    labs = {lang: Lab(data, lang=lang, device="cpu", seed=seed, **given(recording, choice))
            for lang in LANGUAGES}  # fmt: skip
    lab, names = labs["en"], {}
    lab.session.run(recording.begin)
    if compare := choice.compare:
        every = variants_of(compare, lab.session) if isinstance(compare, str) else compare
        names = {lang: [one._variant(*row) for row in every.items()] for lang, one in labs.items()}
        lab.compare(compare)
    frames = list(pictures(recording, choice, lab.shown))
    one = next(iter(lab.shown.sessions.values())) if compare else lab.session
    code = {lang: told(lab, lang) for lang in LANGUAGES}
    return Film(frames, names, code, frozenset({"steps", "strip", *one.curves}))


def pictures(recording: Recording, choice: Choice, session: Any) -> Iterator[Frame]:
    """Train, and give a picture at each step of the schedule."""
    if choice.ask:
        session.ask(**choice.ask)
    now = recording.begin
    for step in schedule(recording):
        for done in range(now, step):
            session.step_D() if done < recording.ahead else session.step()
        now = step
        head, arrays = session.frame()
        for name in (name for name in arrays if name.startswith("row_")):
            arrays[name] = arrays[name][: recording.columns]
        yield head, arrays
        if choice.then and step == recording.turn:
            session.change(**choice.then)


def told(lab: Lab, lang: str) -> str:
    """A lab as code, with comments of that language."""
    look = {"lang": lang if lang != "en" else None, "distance": lab.session.distance}
    differ = {name: value for name, value in look.items() if value is not None}
    return as_code(lab.shown, lab.mode, differ, TEXT[lang])


# --- how it is written


def packed(frames: Sequence[Frame], past: frozenset[str], about: Mapping[str, Any]) -> bytes:
    """A recording as the bytes of its file; `past` are the names of curves."""
    heads = [rounded(head) for head, _ in frames]
    edge = edge_of(heads[0])
    entries: dict[str, dict[str, Any]] = {}
    payload = bytearray()
    for name in (name for name in frames[0][1] if name != "timeline"):
        series = [arrays[name] for _, arrays in frames]
        entry, stored = stored_as(name.split("/")[-1], series, past, edge)
        entries[name] = {**entry, "offset": len(payload)}
        payload += stored + bytes(-len(stored) % 4)
    text = json.dumps({**about, "heads": heads, "arrays": entries}, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return gzip.compress(struct.pack("<I", len(text)) + text + payload, 9, mtime=0)


def stored_as(
    name: str, series: Sequence[np.ndarray], past: frozenset[str], edge: float
) -> tuple[dict[str, Any], bytes]:
    """An array's entry in the table, and its bytes."""
    last = series[-1]
    if name in past:
        return {"role": "past", "dtype": code(last), "shape": list(last.shape)}, last.tobytes()
    if all(one.tobytes() == series[0].tobytes() for one in series):
        return {"role": "once", "dtype": code(last), "shape": list(last.shape)}, last.tobytes()
    numbers = np.stack(series)
    entry: dict[str, Any] = {"role": "each", "shape": list(last.shape)}
    if numbers.dtype == np.uint8:
        coarse = GREYS if last.ndim > 2 else SHADES if name == "heat" else 1
        numbers = numbers // coarse * coarse + coarse // 2
        return {**entry, "dtype": "u1"}, differences(numbers).tobytes()
    if name in POSITIONS:
        step = edge / 512
        numbers = np.clip(np.round(numbers / step), -32768, 32767).astype(np.int16)
        entry |= {"dtype": "i2", "step": step}
    else:
        numbers = numbers.clip(-65000, 65000).astype(np.float16).view(np.uint16)
        if name == "push":
            numbers = (numbers + np.uint16(ARROWS // 2)) & np.uint16(0x10000 - ARROWS)
        entry |= {"dtype": "f2"}
    bits = differences(numbers.view(np.uint16))
    return entry, (bits & 255).astype(np.uint8).tobytes() + (bits >> 8).astype(np.uint8).tobytes()


def code(array: np.ndarray) -> str:
    """The name of a type in a frame."""
    return "u1" if array.dtype == np.uint8 else "f4"


def differences(numbers: np.ndarray) -> np.ndarray:
    """Each picture less the one before, as unsigned numbers that wrap around."""
    first = np.zeros_like(numbers[:1])
    return np.diff(numbers, axis=0, prepend=first)


def edge_of(head: Mapping[str, Any]) -> float:
    """How much the picture shows from left to right; 1 where it shows no points."""
    extent = head.get("members", [head])[0].get("range")
    return extent[1] - extent[0] if extent else 1.0


def rounded(value: Any) -> Any:
    """A header with numbers of five digits; NaN and infinities become null."""
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    return value


def unpacked(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a file."""
    content = gzip.decompress(content)
    start = 4 + struct.unpack_from("<I", content)[0]
    return json.loads(content[4:start]), content[start:]


def path_of(recording: Recording, choice: Choice) -> Path:
    """Where a recording lies."""
    return FOLDER / f"{recording.name}.{choice.key}.gz"


def record(recording: Recording, choice: Choice) -> None:
    """Make one, and write it.

    Raises:
        ValueError: if it is too large.
    """
    start = time.perf_counter()
    made = film(recording, choice)
    about = {
        "fingerprint": fingerprint(recording, choice),
        "at": schedule(recording),
        "names": made.names,
        "code": made.code,
    }
    content = packed(made.frames, made.past, about)
    most = MOST_BYTES["several" if made.names else "one"]
    where = path_of(recording, choice)
    if len(content) > most:
        raise ValueError(f"{where.name} would have {len(content):,} bytes, over {most:,}.")
    FOLDER.mkdir(exist_ok=True)
    where.write_bytes(content)
    seconds = time.perf_counter() - start
    said = f"{len(made.frames)} pictures, {len(content) / 1000:.0f} kB, {seconds:.0f} s"
    print(f"{where.name}  {said}", flush=True)


def stale(recording: Recording, choice: Choice) -> str:
    """Why a recording has to be made anew; "" if it need not."""
    where = path_of(recording, choice)
    if not where.exists():
        return "is missing"
    same = unpacked(where.read_bytes())[0]["fingerprint"] == fingerprint(recording, choice)
    return "" if same else "was made with other settings"


def record_all(names: Sequence[tuple[str, str]]) -> None:
    """Make all of these, on as many cores as there are: a training takes one."""
    with ProcessPoolExecutor(cores(), get_context("spawn")) as pool:
        for task in [pool.submit(record_named, *name) for name in names]:
            task.result()


def record_named(name: str, key: str) -> None:
    """Make the one of that name and choice: a choice itself may have what no process takes."""
    recording = next(r for r in RECORDINGS if r.name == name)
    record(recording, next(c for c in recording.choices if c.key == key))


def left_over() -> list[Path]:
    """Files that no row asks for."""
    wanted = {path_of(r, c) for r in RECORDINGS for c in r.choices}
    return sorted(set(FOLDER.glob("*.gz")) - wanted)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Record the labs for the web edition.")
    parser.add_argument("name", nargs="*", help="of a recording; all by default")
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    options = parser.parse_args()
    known = [recording.name for recording in RECORDINGS]
    if unknown := set(options.name) - set(known):
        parser.error(f"no recording is called {', '.join(sorted(unknown))}; there are {known}")
    chosen = [r for r in RECORDINGS if not options.name or r.name in options.name]
    found = [(r, c, reason) for r in chosen for c in r.choices if (reason := stale(r, c))]
    problems = 0
    if options.check:
        for recording, choice, reason in found:
            print(f"{path_of(recording, choice).name} {reason}")
        problems = len(found)
    else:
        record_all([(recording.name, choice.key) for recording, choice, _ in found])
    for path in left_over():
        print(f"{path.name} is left over: delete it")
        problems += 1
    return int(options.check and problems > 0)


if __name__ == "__main__":
    sys.exit(main())
