"""The stage: frames survive the way to the canvas, and the canvas' own arithmetic is right."""

import base64
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import traitlets
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays_of
from jupyter_browser import PATIENCE

from gan_helpers.lab import stage
from gan_helpers.lab.engine import charts
from gan_helpers.lab.labels import TEXT
from gan_helpers.lab.stage import COARSE, LABELS, FrameStream, Stage, pack_frame, unpack_frame

SCRIPT, STYLE = Stage._esm, Path(stage.__file__).with_name("stage.css")
node = pytest.mark.usefixtures("node")

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


# --- frames with only what is new ----------------------------------------------------------------

NAMES = ("real", "heat", "loss_D", "strip", "0/fake", "1/grad_G", "steps")


def next_arrays(before, rng, n_modes=3):
    """What a later picture may show: some of it new, some grown, some as it was."""
    arrays = {}
    for name in NAMES:
        old, act = before.get(name), rng.integers(4)
        if old is not None and act == 0:
            arrays[name] = old
        elif old is not None and act == 1:  # grown, as curves and strips are
            more = rng.integers(0, 9, (*old.shape[:-1], int(rng.integers(1, 4)))).astype(old.dtype)
            arrays[name] = np.concatenate([old, more], axis=-1)
        elif name in ("heat", "strip"):
            arrays[name] = rng.integers(0, 256, (n_modes, int(rng.integers(1, 6))), np.uint8)
        else:
            arrays[name] = rng.normal(size=int(rng.integers(0, 6))).astype(np.float32)
    return arrays


@given(st.integers(0, 2**32 - 1), st.lists(st.booleans(), min_size=1, max_size=8))
def test_a_stream_of_frames_comes_back_as_it_was(seed, wholes):
    rng, stream, arrays, seen = np.random.default_rng(seed), FrameStream(), {}, {}
    for n, whole in enumerate(wholes, 1):
        arrays = next_arrays(arrays, rng)
        header, seen = unpack_frame(stream.pack({"label": "生成"}, arrays, whole), seen)
        assert header["n"] == n and header["label"] == "生成"
        assert ("base" in header) == (n > 1 and not whole)
        assert seen.keys() == arrays.keys()
        for name, array in arrays.items():
            coarse = {"rtol": 5e-4, "atol": 1e-7} if name.split("/")[-1] in COARSE else {"rtol": 0}
            np.testing.assert_allclose(seen[name], array, **coarse)


def test_what_has_gone_makes_a_frame_whole():
    stream, array = FrameStream(), np.ones(3, np.float32)
    stream.pack({}, {"a": array, "b": array})
    assert "base" in unpack_frame(stream.pack({}, {"a": array, "b": array}), {})[0]
    header, arrays = unpack_frame(stream.pack({}, {"a": array}))
    assert "base" not in header and arrays.keys() == {"a"}


def test_news_without_what_they_go_on_from_are_refused():
    stream = FrameStream()
    stream.pack({}, {"steps": np.arange(3, dtype=np.float32)})
    news = stream.pack({}, {"steps": np.arange(5, dtype=np.float32)})
    with pytest.raises(ValueError, match="'steps' goes on after 3 numbers"):
        unpack_frame(news)


def test_numbers_too_large_for_two_bytes_stay_finite():
    stream, huge = FrameStream(), np.float32([[1e9, -1e9], [np.nan, 1e-9]])
    stream.pack({}, {"fake": huge})
    _, arrays = unpack_frame(stream.pack({}, {"fake": huge[::-1].copy()}), {"fake": huge})
    np.testing.assert_array_equal(arrays["fake"], [[np.nan, 0], [65504, -65504]])


def test_labels_fall_back_to_english_key_by_key():
    words = Stage(labels={"real": "本物", "own": "x"}).labels
    assert words["real"] == "本物"
    assert words["own"] == "x"
    assert all(words[key] == word for key, word in LABELS.items() if key != "real")


def test_every_word_the_canvas_asks_for_has_a_default():
    script = SCRIPT
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
    (tmp_path / "stage.mjs").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "test.mjs").write_text(
        f'import * as stage from "./stage.mjs";\n{code}', encoding="utf-8"
    )
    command = ["node", str(tmp_path / "test.mjs")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@node
def test_each_script_imports_what_it_uses_and_no_more(tmp_path):
    """They are bundled in one order, but each can be read, and loaded, by itself."""
    scripts = {path.stem: path for path in STYLE.parent.glob("*.js")}
    for name, path in scripts.items():
        text = path.read_text(encoding="utf-8")
        (tmp_path / f"{name}.js").write_text(text, encoding="utf-8")
        rest = re.sub(r"^import [^;]*;|//.*$", "", text, flags=re.MULTILINE)
        for names in re.findall(r"^import \{([^}]*)\} from", text, re.MULTILINE):
            unused = [n for n in re.findall(r"\w+", names) if not re.search(rf"\b{n}\b", rest)]
            assert not unused, f"{name}.js imports {unused}"
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    code = "".join(f'await import("./{name}.js");' for name in scripts)
    (tmp_path / "all.js").write_text(code, encoding="utf-8")
    command = ["node", str(tmp_path / "all.js")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    left = re.findall(r"^import .*|^export default .*", SCRIPT, re.MULTILINE)
    assert left == ["export default { initialize: errands, render };"]


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
def test_the_canvas_follows_a_stream(tmp_path):
    rng, stream, arrays, expected = np.random.default_rng(3), FrameStream(), {}, []
    halves = np.float32([0, -0.5, 65504, 6e-8, 1e-4, np.nan, 1 / 3])
    for n in range(6):
        arrays = next_arrays(arrays, rng) | {"push": np.roll(halves, n)}
        (tmp_path / f"{n}").write_bytes(stream.pack({"kind": "2d"}, arrays))
        expected.append(arrays)
    read = run_node(
        tmp_path,
        """import fs from "node:fs";
        const view = async (n) => {
          const bytes = fs.readFileSync(new URL(`./${n}`, import.meta.url));
          return stage.plain(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
        };
        const seen = [];
        let frame = null;
        for (let n = 0; n < 6; n++) {
          frame = stage.decode(await view(n), frame);
          seen.push(Object.entries(frame.arrays).map(([name, a]) => [name, a.shape, [...a]]));
        }
        const missed = stage.decode(await view(3), stage.decode(await view(0), null));
        console.log(JSON.stringify([seen, missed]));""",
    )
    seen, missed = read
    assert missed is None
    for shown, arrays in zip(seen, expected, strict=True):
        assert {name for name, _, _ in shown} == arrays.keys()
        for name, shape, values in shown:
            values = np.array([np.nan if v is None else v for v in values], np.float32)
            close = {"rtol": 5e-4, "atol": 3e-8}
            np.testing.assert_allclose(values.reshape(shape), arrays[name], **close)


@node
def test_arrows_lose_the_same_length_with_every_decade(tmp_path):
    gradients = [0, 1e-9, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 1e6]
    lengths = run_node(tmp_path, f"console.log(JSON.stringify({gradients}.map(stage.arrowLength)))")
    assert lengths[:3] == [0, 0, 0]
    np.testing.assert_allclose(np.diff(lengths[2:8]), lengths[7] / 5)
    assert lengths[8] == lengths[7]


@node
def test_axes_hold_their_values_and_have_round_ticks(tmp_path):
    log, tiny, bounded, linear, negative = run_node(
        tmp_path,
        """console.log(JSON.stringify([stage.decades([NaN, 0, Infinity, -1, 0.1]),
        stage.decades([2e-7, 300]), stage.decades([1e-30, 1e30], {lowest: -8, highest: 3}),
        stage.niceTicks(0.3, 2.2, 5), stage.niceTicks(-7, 12, 5)]))""",
    )
    assert log.pop("logarithmic") is True
    assert log == {"low": -4, "high": 1, "ticks": [-4, -3, -2, -1, 0, 1]}  # nothing to widen it
    assert (tiny["low"], tiny["high"]) == (-7, 3)
    assert (bounded["low"], bounded["high"]) == (-8, 3)
    assert 2 <= len(tiny["ticks"]) <= 7
    np.testing.assert_allclose(linear, [0.5, 1.0, 1.5, 2.0])
    np.testing.assert_allclose(negative, [-5, 0, 5, 10])


@node
def test_numbers_stay_short(tmp_path):
    code = (
        "console.log(JSON.stringify([0, 7, 0.6237, 12345, 2e-4, -3e8, null, NaN].map(stage.short)))"
    )
    assert run_node(tmp_path, code) == ["0", "7", "0.624", "12.3k", "2.0e-4", "-3.0e+8", "–", "–"]


@node
def test_the_arrays_of_many_gans_find_their_owners(tmp_path):
    heads = [{"name": "a", "verdict": "relative"}, {"name": "b", "verdict": "probability"}]
    arrays = {"real": np.float32([7]), "1/fake": np.float32([1]), "0/fake": np.float32([0])}
    (tmp_path / "frame").write_bytes(pack_frame({"kind": "many", "members": heads}, arrays))
    members = run_node(
        tmp_path,
        """import fs from "node:fs";
        const bytes = fs.readFileSync(new URL("./frame", import.meta.url));
        const f = stage.decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
        console.log(JSON.stringify(f.members.map((m) =>
          [m.name, m.relative, [...m.real], [...m.fake]])));""",
    )
    assert members == [["a", True, [7], [0]], ["b", False, [7], [1]]]


@node
def test_panels_stand_as_close_as_they_can_be_read(tmp_path):
    counts = "[2, 3, 4, 5, 7, 8].map((n) => [400, 690, 800, 1200].map((w) => stage.columns(n, w)))"
    assert run_node(tmp_path, f"console.log(JSON.stringify({counts}))") == [
        [2, 2, 2, 2],
        [2, 3, 3, 3],
        [2, 2, 4, 4],
        [2, 2, 3, 3],  # three and two rather than four and one
        [2, 2, 4, 4],
        [2, 2, 4, 4],
    ]


# --- on a page, without Jupyter ----------------------------------------------------------------

# A model as anywidget gives it, and a count of what is still being observed.
BARE = """async ([script, labels]) => {
  window.observed = new Set();
  window.ResizeObserver = class extends ResizeObserver {
    observe(element) { observed.add(element); super.observe(element); }
    unobserve(element) { observed.delete(element); super.unobserve(element); }
    disconnect() { observed.clear(); super.disconnect(); }
  };
  const acts = {};
  window.sent = [];
  window.model = {
    values: { frame: null, labels, drawing: false, size: 400, ack_every: 1 },
    get(key) { return this.values[key]; },
    set(key, value) { this.values[key] = value; acts[`change:${key}`]?.(); },
    save_changes() {},
    send(message) { sent.push(message); },
    on(name, act) { acts[name] = act; },
    off(name) { delete acts[name]; },
  };
  const module = new Blob([script], { type: "text/javascript" });
  const { default: { render } } = await import(URL.createObjectURL(module));
  window.leave = render({ model, el: document.body });
}"""
SHOW = """(text) => new Promise((seen) => {
  model.set("frame", new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer));
  setTimeout(seen, 250); // laid out, measured, drawn
})"""
# How many colours there are in a canvas: one, when it is empty.
COLOURS = """(canvas) => new Set(new Uint32Array(canvas.getContext("2d").getImageData(
  0, 0, canvas.width, canvas.height).data.buffer)).size"""


@pytest.fixture
def page(browser):
    """A page with nothing but a stage; after the test its console has to be free of errors."""
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_style_tag(path=STYLE)
    page.evaluate(BARE, [SCRIPT, LABELS])
    yield page
    page.evaluate("leave()")
    assert page.evaluate("observed.size") == 0
    page.close()
    assert complaints == []


def show(page, frame):
    page.evaluate(SHOW, base64.b64encode(pack_frame(*frame)).decode())


def one_gan(kind="2d", **header):
    """A frame of one GAN that has been trained for 40 steps; some of its numbers are not finite."""
    rng = np.random.default_rng(0)
    curves = {name: rng.random(8, np.float32) for name in ("loss_D", "loss_G", "grad_D", "grad_G")}
    curves["grad_G"][2:4] = 0, np.nan
    arrays = {"steps": np.arange(5, 45, 5, dtype=np.float32), **curves}
    points = rng.normal(size=(3, 20, 2)).astype(np.float32)
    line = np.linspace(-2, 2, 20, dtype=np.float32)
    arrays |= {
        "2d": dict(zip(("real", "fake", "push"), points, strict=True))
        | {"heat": rng.integers(0, 256, (5, 6), np.uint8)},
        "1d": dict.fromkeys(("x", "z", "gz", "push"), line)
        | dict.fromkeys(("p", "q", "D", "D_star"), np.exp(-(line**2))),
        "images": {
            "grid": rng.integers(0, 256, (9, 4, 4), np.uint8),
            "verdict": rng.random(9, np.float32),
        },
    }[kind]
    meters = [
        {"id": "modes", "value": 3, "of": 8},
        {"id": "good", "value": 0.12, "unit": "%"},
        {"id": "d_real", "value": 0.7},
    ]
    head = {"kind": kind, "n": 1, "running": False, "step": 40, "phase": "", "meters": meters}
    head |= {"range": [-2, 2, *((0, 1) if kind == "1d" else (-2, 2))], "verdict": "probability"}
    head |= {"charts": [charts.LOSSES, charts.GRADIENTS]}
    return head | header, arrays


def many_gans(count, kind="2d", n_modes=8):
    """They share their real samples; the last one has blown up, the first one has modes."""
    members, arrays = [], {}
    for k in range(count):
        trouble = "stopped at step 40" if k == count - 1 else ""
        shown = [charts.PUSH, *[charts.STRIP] * (k == 0)]
        more = {"trouble": trouble, "grad_G_now": 1.2e-4, "charts": shown}
        head, own = one_gan(kind, name=f"variant {k}", **more)
        members.append(head)
        arrays |= {name if name == "real" else f"{k}/{name}": a for name, a in own.items()}
    arrays["0/strip"] = np.full((n_modes, 8), 255 // n_modes, np.uint8)
    head = {"kind": "many", "n": 1, "running": False, "step": 40, "phase": "", "members": members}
    return head, arrays


def colours(canvases):
    return [canvas.evaluate(COLOURS) for canvas in canvases.all()]


@pytest.mark.parametrize(("count", "kind"), [(2, "1d"), (8, "2d"), (8, "images")])
def test_gans_side_by_side_have_a_panel_each(page, count, kind):
    show(page, many_gans(count, kind))
    panels = page.locator(".gan-panel")
    assert panels.count() == count
    assert len({panel.bounding_box()["y"] for panel in panels.all()}) == -(-count // 4)
    assert min(colours(panels.locator(".gan-frame canvas"))) > 20
    assert min(colours(panels.locator(".gan-grad canvas"))) > 5
    first = panels.first
    assert first.get_attribute("title") == LABELS["pick_hint"]
    said = "variant 0, modes covered 3 / 8, good samples 12 %, gradient norm G 1.2e-4"
    assert first.get_attribute("aria-label").startswith(said)
    assert first.locator(".gan-name").all_inner_texts() == ["modes covered", "good samples"]
    strips = panels.locator(".gan-strip")
    assert [strip.is_visible() for strip in strips.all()] == [True]  # of those with modes
    troubles = panels.locator(".gan-trouble")
    assert [trouble.is_visible() for trouble in troubles.all()] == [False] * (count - 1) + [True]
    assert page.locator(".gan-legend").inner_text().strip()
    assert page.locator(".gan-step b").inner_text() == "40"
    assert (
        not page.locator(".gan-picture").is_visible() and not page.locator(".gan-side").is_visible()
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_panel_is_picked_by_mouse_and_keyboard(page):
    show(page, many_gans(4))
    page.locator(".gan-panel").nth(2).click()
    page.locator(".gan-panel").nth(1).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")  # presses a button; elsewhere on the stage it plays
    page.locator(".gan-stage").focus()
    page.keyboard.press("Space")
    sent = page.evaluate("sent.filter(({ type }) => type === 'pick' || type === 'key')")
    assert sent == [
        {"type": "pick", "member": 2},
        {"type": "pick", "member": 1},
        {"type": "pick", "member": 1},
        {"type": "key", "action": "toggle"},
    ]


def test_the_stage_goes_from_one_gan_to_many_and_back(page):
    show(page, one_gan())
    alone = page.evaluate("[observed.size, document.querySelectorAll('canvas').length]")
    for count in (8, 2, 3):
        show(page, many_gans(count))
        panels = page.locator(".gan-panel")
        assert panels.count() == count
        assert min(colours(panels.locator(".gan-frame canvas"))) > 20
    panels.last.focus()
    show(page, one_gan())
    assert page.evaluate("[observed.size, document.querySelectorAll('canvas').length]") == alone
    assert page.locator(".gan-picture").is_visible() and page.locator(".gan-side").is_visible()
    assert colours(page.locator(".gan-picture"))[0] > 20
    # Its panel is gone, but the keyboard still works.
    assert page.evaluate("document.activeElement.className").startswith("gan-stage")


def test_only_a_gan_that_stands_alone_can_be_drawn_for(page):
    show(page, one_gan())
    page.evaluate("model.set('drawing', true)")
    assert page.locator(".gan-stage.drawing").count() == 1
    show(page, many_gans(2))
    assert page.evaluate("model.get('drawing')") is False
    assert page.locator(".gan-stage.drawing").count() == 0


def test_names_of_any_length_are_read_and_pictures_stand_in_line(page):
    header, arrays = many_gans(4)
    header["members"][1]["name"] = "a variant that has been given a rather long name"
    del header["members"][2]["grad_G_now"]  # then the last on record is shown
    del arrays["0/strip"]
    show(page, (header, arrays))
    title = "e => e.scrollWidth <= e.clientWidth && e.textContent"
    names = [b.evaluate(title) for b in page.locator(".gan-panel > .gan-title b").all()]
    assert names == [member["name"] for member in header["members"]]
    frames = page.locator(".gan-panel .gan-frame").all()
    assert len({frame.bounding_box()["y"] for frame in frames}) == 1
    norm = page.locator(".gan-panel .gan-grad .gan-G").nth(2).inner_text()
    assert norm == f"G {arrays['2/grad_G'][-1]:.3g}"


@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_is_wider_than_the_page_or_too_small(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    for count in (2, 5, 8):
        show(page, many_gans(count))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        frames = page.locator(".gan-panel .gan-frame").all()
        assert min(frame.bounding_box()["width"] for frame in frames) >= 150
        whole = "tiles => tiles.every((e) => e.scrollWidth <= e.clientWidth)"
        assert page.locator(".gan-panel .gan-name").evaluate_all(whole)


def test_the_strip_shows_which_mode_when(page):
    head, arrays = one_gan()
    show(page, (head, arrays))
    assert not page.locator(".gan-strip").is_visible()
    strip = np.zeros((2, 8), np.uint8)
    strip[0, :4] = strip[1, 4:] = 255  # first all samples on mode 1, then all on mode 2
    head["charts"] = [*head["charts"], charts.STRIP]
    show(page, (head, arrays | {"strip": strip}))
    canvas = page.locator(".gan-strip canvas")
    assert canvas.is_visible()
    look = """(canvas) => [[0.3, 0.2], [0.3, 0.6], [0.8, 0.2], [0.8, 0.6]].map(([x, y]) =>
      [...canvas.getContext("2d").getImageData(x * canvas.width, y * canvas.height, 1, 1).data])"""
    early_1, early_2, late_1, late_2 = canvas.evaluate(look)
    assert early_1 == late_2 and early_2 == late_1
    orange, background = early_1, early_2
    assert background == [255, 255, 255, 255]
    assert orange[0] > orange[1] > orange[2]
    show(page, many_gans(2))
    strips = page.locator(".gan-panel .gan-strip")
    assert [strip.is_visible() for strip in strips.all()] == [True]


def with_inside(frame, prefix="", **header):
    """The same GAN with its distance watched and the inside of its D shown."""
    head, arrays = frame
    shares = np.array([0.4, 0.05, 0.1, 0.05, 0.4], np.float32)
    arrays |= {
        f"{prefix}w1": np.linspace(1.4, 0.3, 8, dtype=np.float32),
        f"{prefix}weights": shares,
        f"{prefix}layers": np.array([1e-3, 1e-2, 0.1, 1], np.float32),
    }
    own = head["members"][int(prefix[0])] if prefix else head
    own |= {"critic": True, "verdict": "relative"} | header
    inside = [charts.distance(own["critic"]), charts.weights(0.01), charts.LAYERS]
    own["charts"] = inside if prefix else [*own["charts"][own["critic"] :], *inside]
    return head, arrays


INSIDE = ("dist", "weights", "layers")


def test_a_critic_is_shown_from_inside(page):
    show(page, with_inside(one_gan()))
    side = page.locator(".gan-side")
    charts = {name: side.locator(f".gan-{name} canvas") for name in (*INSIDE, "loss")}
    assert all(charts[name].is_visible() for name in INSIDE)
    assert not charts["loss"].is_visible()  # it is minus the estimate
    assert min(colours(side.locator(".gan-chart canvas:visible"))) > 2
    title = side.locator(".gan-dist .gan-title").inner_text()
    assert "W₁ 0.3" in title and LABELS["estimate"] in title
    assert LABELS["critic"] in page.locator(".gan-legend").inner_text()
    show(page, with_inside(one_gan(), critic=False, verdict="probability"))
    assert charts["loss"].is_visible() and charts["dist"].is_visible()
    assert LABELS["estimate"] not in side.locator(".gan-dist .gan-title").inner_text()
    show(page, one_gan())
    assert not any(charts[name].is_visible() for name in INSIDE) and charts["loss"].is_visible()


# Of the charts beside the stage: whether each title is read whole, and where each canvas begins.
LAID_OUT = """() => {
  const seen = (what) => [...document.querySelectorAll(`.gan-side .gan-chart ${what}`)]
    .filter((e) => e.getClientRects().length);
  const whole = (e) => e.scrollWidth <= e.clientWidth && e.textContent.length > 0;
  const top = (e) => e.getBoundingClientRect().top;
  return [seen(".gan-title b").map(whole), seen("canvas").map(top)];
}"""


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("width", [420, 620, 780, 860, 1000, 1300])
def test_titles_of_charts_are_read_whole_and_charts_stand_in_line(page, lang, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("words => model.set('labels', words)", LABELS | TEXT[lang])
    strip = {"strip": np.full((8, 8), 31, np.uint8)}
    wide = {"loss_D": np.full(8, -0.000123, np.float32), "grad_G": np.full(8, 1.23e-4, np.float32)}
    few = dict.fromkeys(("frechet", "d_train", "d_held", "d_fake"), np.full(8, -123.4, np.float32))
    for frame, more in (
        (one_gan(), [charts.STRIP]),
        (with_inside(one_gan()), [charts.STRIP]),
        (one_gan("images"), charts.FEW),
    ):
        frame[0]["charts"] = [*frame[0]["charts"], *more]
        show(page, (frame[0], frame[1] | wide | strip | few))
        titles, tops = page.evaluate(LAID_OUT)
        assert len(titles) >= 3 and all(titles) and len(tops) >= len(titles)
        assert all(abs(a - b) < 1 or abs(a - b) > 100 for a in tops for b in tops)  # else: one row


def test_the_legend_says_what_the_colours_mean(page):
    for verdict, words in (
        *(("slope", "|∇D(x)| 0"), ("probability", "D(x) 0"), ("relative", "−")),
        ("centred", LABELS["centred"]),
    ):
        show(page, with_inside(one_gan(), verdict=verdict))
        assert words in page.locator(".gan-legend").inner_text()
    show(page, with_inside(one_gan("1d")))
    assert LABELS["best_critic"] in page.locator(".gan-legend").inner_text()


def test_a_critic_in_a_panel_shows_its_distance_and_weights(page):
    show(page, with_inside(many_gans(3), "1/"))
    panels = page.locator(".gan-panel")
    for k, expected in enumerate((False, True, False)):
        for name in INSIDE:
            assert panels.nth(k).locator(f".gan-{name}").is_visible() is expected
    assert min(colours(panels.nth(1).locator(".gan-chart canvas:visible"))) > 2


@pytest.mark.parametrize("value", [np.nan, 1e9, 0.0])
def test_an_estimate_that_explodes_leaves_the_distance_to_be_seen(page, value):
    head, arrays = with_inside(one_gan())
    arrays["loss_D"] = np.full(8, -value, np.float32)
    show(page, (head, arrays))
    canvas = page.locator(".gan-side .gan-dist canvas")
    blue = canvas.evaluate(
        """(canvas) => { const rows = new Set(), { width, height } = canvas;
        const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
        for (let i = 0; i < data.length; i += 4)
          if (data[i + 3] > 128 && data[i + 2] > data[i] + 80) rows.add(Math.floor(i / 4 / width));
        return rows.size / height; }"""
    )
    assert blue > 0.15  # the curve of W1 falls over a good part of the chart


def test_new_data_are_seen_at_once(page):
    """The layer of real samples is kept from frame to frame."""
    head, arrays = one_gan()
    pictures = []
    for real in (arrays["real"], arrays["real"].copy(), arrays["real"] / 2, arrays["real"][:9]):
        show(page, (head, arrays | {"real": real}))
        pictures.append(page.locator(".gan-picture").evaluate("(canvas) => canvas.toDataURL()"))
    assert pictures[0] == pictures[1]
    assert len(set(pictures)) == 3
