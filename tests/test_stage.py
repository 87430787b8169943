"""The stage: frames survive the way to the canvas, and the canvas' own arithmetic is right."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import traitlets
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays_of

from gan_helpers.lab import stage
from gan_helpers.lab.stage import LABELS, Stage, pack_frame, unpack_frame

SCRIPT = Path(stage.__file__).with_name("stage.js")
node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(
    lambda s: s != "arrays"
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
shapes = arrays_of.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=7)
some_arrays = st.sampled_from([np.float32, np.uint8]).flatmap(
    lambda dtype: arrays_of.arrays(dtype, shapes)
)


@given(st.dictionaries(names, json_values), st.dictionaries(names, some_arrays))
def test_a_frame_comes_back_as_it_was_packed(header, arrays):
    back_header, back_arrays = unpack_frame(pack_frame(header, arrays))
    assert back_header == header
    assert back_arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back_arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(back_arrays[name], array)  # NaN in its place is equal


@given(st.dictionaries(names, some_arrays, min_size=1))
def test_every_array_begins_at_a_multiple_of_four(arrays):
    frame = pack_frame({"label": "本物"}, arrays)
    length = int.from_bytes(frame[:4], "little")
    entries = json.loads(frame[4 : 4 + length])["arrays"]
    assert (4 + length) % 4 == 0
    assert all(entry["offset"] % 4 == 0 for entry in entries.values())


def test_arrays_that_are_not_contiguous_are_packed_in_their_order():
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    big_endian = array.astype(">f4")
    _, back = unpack_frame(
        pack_frame({}, {"turned": array.T, "every_other": array[:, ::2], "big": big_endian})
    )
    np.testing.assert_array_equal(back["turned"], array.T)
    np.testing.assert_array_equal(back["every_other"], array[:, ::2])
    np.testing.assert_array_equal(back["big"], array)


def test_numbers_that_json_cannot_say_become_null():
    meters = [{"id": "good", "value": float("nan")}, {"id": "jsd", "value": np.float32("inf")}]
    header, _ = unpack_frame(pack_frame({"meters": meters, "n": np.int64(3)}, {}))
    assert [m["value"] for m in header["meters"]] == [None, None]
    assert header["n"] == 3


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.float16, np.uint16, np.bool_])
def test_other_dtypes_are_refused_by_name(dtype):
    with pytest.raises(TypeError, match=rf"arrays\['fake'\] has dtype {np.dtype(dtype)}"):
        pack_frame({}, {"fake": np.zeros(3, dtype)})


@given(st.integers(0, 40))
def test_a_frame_that_is_cut_short_is_refused(length):
    whole = pack_frame({"n": 1, "kind": "2d", "label": "a header of its own"}, {})
    with pytest.raises(ValueError, match="bytes"):
        unpack_frame(whole[:length])


def test_labels_fall_back_to_english_key_by_key():
    words = Stage(labels={"real": "本物", "own": "x"}).labels
    assert words["real"] == "本物"
    assert words["own"] == "x"
    assert all(words[key] == word for key, word in LABELS.items() if key != "real")


def test_every_word_the_canvas_asks_for_has_a_default():
    script = SCRIPT.read_text(encoding="utf-8")
    asked = set(re.findall(r'\bt\("(\w+)"\)', script))
    table = re.search(r"const words = \{(.*?)\}", script, re.DOTALL)
    assert table is not None
    asked |= set(re.findall(r': "(\w+)"', table[1])) | {"phase_D", "phase_G"}
    assert len(asked) > 10
    assert asked <= LABELS.keys()


@pytest.mark.parametrize(
    "traits", [{"size": 0}, {"size": "wide"}, {"ack_every": 0}, {"frame": "text"}]
)
def test_values_out_of_range_are_refused(traits):
    with pytest.raises(traitlets.TraitError):
        Stage(**traits)


# --- the same arithmetic in the browser's language ---------------------------------------------


def run_node(tmp_path, code):
    """What `code` prints as JSON, with the functions of stage.js imported as `stage`."""
    (tmp_path / "stage.mjs").write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "test.mjs").write_text(
        f'import * as stage from "./stage.mjs";\n{code}', encoding="utf-8"
    )
    command = ["node", str(tmp_path / "test.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@node
@pytest.mark.parametrize("shift", range(4))
def test_the_canvas_reads_what_python_packed(tmp_path, shift):
    arrays = {
        "fake": np.array([[0.5, -1.25], [3.0, 1e-4]], np.float32),
        "heat": np.arange(6, dtype=np.uint8).reshape(2, 3),  # 6 bytes: the next one needs padding
        "loss_D": np.array([0.25], np.float32),
        "empty": np.zeros(0, np.float32),
    }
    (tmp_path / "frame").write_bytes(
        pack_frame({"n": 7, "label": "生成", "verdict": "relative"}, arrays)
    )
    read = run_node(
        tmp_path,
        f"""import fs from "node:fs";
        const bytes = fs.readFileSync(new URL("./frame", import.meta.url));
        const moved = new Uint8Array(bytes.length + {shift});  // a message begins at any byte
        moved.set(bytes, {shift});
        const f = stage.decode(new DataView(moved.buffer, {shift}, bytes.length));
        const plain = (a) => [[...a], a.shape];
        console.log(JSON.stringify({{n: f.n, label: f.label, relative: f.relative,
          fake: plain(f.fake), heat: plain(f.heat), loss_D: plain(f.loss_D),
          empty: plain(f.empty)}}));""",
    )
    assert (read.pop("n"), read.pop("label"), read.pop("relative")) == (7, "生成", True)
    for name, (values, shape) in read.items():
        np.testing.assert_array_equal(np.reshape(np.array(values, np.float32), shape), arrays[name])


@node
def test_arrows_lose_the_same_length_with_every_decade(tmp_path):
    gradients = [0, 1e-9, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 1e6]
    lengths = run_node(tmp_path, f"console.log(JSON.stringify({gradients}.map(stage.arrowLength)))")
    assert lengths[:3] == [0, 0, 0]
    np.testing.assert_allclose(np.diff(lengths[2:8]), lengths[7] / 5)
    assert lengths[8] == lengths[7]


@node
def test_axes_hold_their_values_and_have_round_ticks(tmp_path):
    log, tiny, linear, negative = run_node(
        tmp_path,
        """console.log(JSON.stringify([stage.decades([NaN, 0, Infinity, -1, 0.1]),
        stage.decades([2e-7, 300]), stage.niceTicks(0.3, 2.2, 5), stage.niceTicks(-7, 12, 5)]))""",
    )
    assert log == {"low": -4, "high": 1, "ticks": [-4, -3, -2, -1, 0, 1]}  # nothing to widen it
    assert (tiny["low"], tiny["high"]) == (-7, 3)
    assert 2 <= len(tiny["ticks"]) <= 7
    np.testing.assert_allclose(linear, [0.5, 1.0, 1.5, 2.0])
    np.testing.assert_allclose(negative, [-5, 0, 5, 10])


@node
def test_numbers_stay_short(tmp_path):
    code = (
        "console.log(JSON.stringify([0, 7, 0.6237, 12345, 2e-4, -3e8, null, NaN].map(stage.short)))"
    )
    assert run_node(tmp_path, code) == ["0", "7", "0.624", "12.3k", "2.0e-4", "-3.0e+8", "–", "–"]
