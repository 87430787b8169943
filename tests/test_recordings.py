"""What the web edition replays: it is there, it is up to date, and it is what was seen."""

import ast
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import recordings
from assemble import assemble, sections
from recordings import RECORDINGS, film, packed, path_of, schedule, stale, unpacked

ALL = [(recording, choice) for recording in RECORDINGS for choice in recording.choices]
each = pytest.mark.parametrize(
    ("recording", "choice"), ALL, ids=lambda one: getattr(one, "key", "")
)
LOOKS = {"lang", "unfold", "remedies", "tour", "diagnosis"}  # of a live lab alone
#: Labs without a recording, and why.
WITHOUT = {
    'Lab("digits_28", lang=LANG, gan=gan)': "its network runs in the page",
    "DrawLab(translators": "its networks run in the page",
    "Lab(facades, lang=LANG)": "it takes a GPU, and data that do not come along",
}


@cache
def labs():
    """(notebook, code) of each cell with a lab."""
    cells = [(name, cell) for name in sections() for cell in assemble(name, "en").cells]
    return [(n, c.source) for n, c in cells if c.cell_type == "code" and "Lab(" in c.source]


def test_every_lab_is_recorded():
    for name, code in labs():
        here = [r for r in RECORDINGS if name.startswith(r.notebook) and r.call in code]
        assert len(here) + any(call in code for call in WITHOUT) == 1, code


def test_every_recording_and_every_reason_belongs_to_a_lab():
    for recording in RECORDINGS:
        found = [c for n, c in labs() if n.startswith(recording.notebook) and recording.call in c]
        assert len(found) == 1, f"{recording.name}: {len(found)} labs are called {recording.call}"
    assert all(any(call in code for _, code in labs()) for call in WITHOUT)


def literal(node):
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None  # a name of the notebook's


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
def test_a_recording_has_the_settings_of_its_lab(recording):
    """Its first choice has them, as that is what a reader sees first."""
    (code,) = (c for n, c in labs() if n.startswith(recording.notebook) and recording.call in c)
    calls = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    lab = next(call for call in calls if getattr(call.func, "id", "") == "Lab")
    choice = recording.choices[0]
    own = recordings.given(recording, choice) | {"compare": choice.compare, "seed": recording.seed}
    asked = {k.arg: literal(k.value) for k in lab.keywords if k.arg not in LOOKS}
    assert [literal(a) for a in lab.args] in ([], [recording.data])
    assert {k: v for k, v in asked.items() if v is not None and own.get(k) != v} == {}


@each
def test_no_recording_is_stale(recording, choice):
    reason = stale(recording, choice)
    assert not reason, f"{reason}: uv run python notebooks/recordings.py {recording.name}"


def test_recordings_are_small_and_none_is_left_over():
    assert recordings.left_over() == []
    most = recordings.MOST_BYTES
    sizes = {path_of(r, c): bool(c.compare) for r, c in ALL}
    for path, several in sizes.items():
        assert path.stat().st_size <= most["several" if several else "one"], path.name
    assert sum(path.stat().st_size for path in sizes) <= most["all"]


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda one: one.name)
def test_a_lab_of_today_begins_as_its_recording(recording):
    # The fingerprint knows settings, but neither the code nor what the lab shows.
    about, _ = unpacked(path_of(recording, recording.choices[0]).read_bytes())
    brief = replace(recording, pictures=2, steps=about["at"][1], turn=0)
    made = film(brief, recording.choices[0])
    for (head, arrays), recorded in zip(made.frames, about["heads"], strict=False):
        pairs = paired(recordings.rounded(head), recorded)
        # After hundreds of steps the rounding of another processor would have grown.
        assert all(recording.begin or alike(*pair) for pair in pairs)
        found = {name: list(array.shape) for name, array in arrays.items() if name != "timeline"}
        assert found.keys() == about["arrays"].keys()
        for name, entry in about["arrays"].items():
            assert entry["role"] == "past" or entry["shape"] == found[name], name
    assert made.names == about["names"]


def paired(here, there):
    """The leaves of two structures, side by side."""
    if isinstance(here, dict) and isinstance(there, dict) and here.keys() == there.keys():
        return [leaf for key in here for leaf in paired(here[key], there[key])]
    if isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        return [leaf for pair in zip(here, there, strict=True) for leaf in paired(*pair)]
    return [(here, there)]


def alike(here, there):
    """Whether they are the same, but for how another processor rounds."""
    numbers = isinstance(here, float) and isinstance(there, (int, float))
    return here == pytest.approx(there, rel=0.02, abs=0.02) if numbers else here == there


def test_the_code_of_a_recording_runs_to_where_it_ends():
    """That it computes the same numbers is tested where both are computed here: test_as_code."""
    recording = next(r for r in RECORDINGS if r.name == "collapse")
    choice = next(c for c in recording.choices if c.key == "maximum_likelihood")
    about, _ = unpacked(path_of(recording, choice).read_bytes())
    here = {}
    exec(about["code"]["en"].split("\n\n\n")[0], here)
    session, settings = here["lab"].session, recordings.given(recording, choice) | choice.then
    assert session.at == recording.steps == about["at"][-1]
    assert {name: getattr(session.experiment, name) for name in settings} == settings


def test_other_settings_make_it_stale_and_words_do_not():
    recording = RECORDINGS[0]
    choice = recording.choices[0]
    before = recordings.fingerprint(recording, choice)
    assert recordings.fingerprint(recording, replace(choice, words=("so", "そう"))) == before
    for other in (
        (recording, replace(choice, settings={"loss": "hinge"})),
        (recording, replace(choice, seed=5)),
        (replace(recording, steps=recording.steps + 1), choice),
        (replace(recording, settings={"lr_D": 0.5}), choice),
    ):
        assert recordings.fingerprint(*other) != before


def undone(entry, payload, count):
    """An array of all pictures as it was, from its bytes in a file."""
    shape = (count, *entry["shape"])
    n, at = int(np.prod(shape)), entry["offset"]
    if entry["dtype"] == "u1":
        return np.frombuffer(payload, np.uint8, n, at).reshape(shape).cumsum(0, dtype=np.uint8)
    low, high = (np.frombuffer(payload, np.uint8, n, at + k * n).astype(np.uint16) for k in (0, 1))
    bits = (low | high << 8).reshape(shape).cumsum(0, dtype=np.uint16)
    return bits.view(np.int16) * entry["step"] if entry["dtype"] == "i2" else bits.view(np.float16)


@pytest.mark.parametrize("name", ["ring", "densities", "trust"])
def test_what_is_written_is_what_was_seen(name):
    recording = next(replace(r, steps=12, pictures=4) for r in RECORDINGS if r.name == name)
    made = film(recording, recording.choices[0])
    frames = made.frames
    about, payload = unpacked(packed(frames, made.past, {}))
    assert len(frames) == len(about["heads"]) == len(schedule(recording)) == 4
    roles = {entry["role"] for entry in about["arrays"].values()}
    assert roles == {"past", "once", "each"}
    for array, entry in about["arrays"].items():
        seen = np.stack([arrays[array] for _, arrays in frames if entry["role"] == "each"] or [0])
        if entry["role"] == "each":
            step = {"u1": 8, "i2": entry.get("step", 0) / 2 + 1e-6, "f2": 0}[entry["dtype"]]
            found = undone(entry, payload, len(frames)).astype(np.float64)
            assert np.allclose(found, seen, 0.02, max(step, 1e-3), equal_nan=True), array


def test_the_command_says_what_is_wrong(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(recordings, "FOLDER", tmp_path)
    (tmp_path / "old.one.gz").write_bytes(b"")
    monkeypatch.setattr("sys.argv", ["recordings.py", "own", "--check"])
    assert recordings.main() == 1
    said = capsys.readouterr().out
    assert "own.smoothed.gz is missing" in said and "old.one.gz is left over" in said
