"""Draw it yourself: lines become pixels as in training, and the newest drawing is answered."""

import base64
import json
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from jupyter_browser import PATIENCE

from gan_helpers.lab import sketch
from gan_helpers.lab.sketch import TEXT, DrawLab
from gan_helpers.lab.stage import unpack_frame

SCRIPT = Path(sketch.__file__).with_name("sketch.js")
EDGE = 16
node = pytest.mark.usefixtures("node")


def some_lines(n=1, seed=0, edge=EDGE):
    rng = torch.Generator().manual_seed(seed)
    return (torch.rand(n, 1, edge, edge, generator=rng) < 0.2).float() * 2 - 1


def negative(lines):
    return -lines


def in_colour(lines):
    return torch.cat([lines, -lines, 0 * lines], dim=1)


def lab_of(translate=negative, **more):
    return DrawLab(translate, edge=EDGE, **more)


def shown(lab):
    return unpack_frame(lab.canvas.frame)


def from_browser(lab, lines, n=1):
    pixels = sketch.as_bytes(lines).tobytes()
    lab._on_message(lab.canvas, {"type": "lines", "n": n, "source": "view x"}, [memoryview(pixels)])


# --- Python --------------------------------------------------------------------------------------


@pytest.mark.parametrize("translate", [negative, in_colour])
def test_a_drawing_is_answered_at_once(translate):
    lab, lines = lab_of(translate), some_lines()
    lab.draw(lines)
    torch.testing.assert_close(lab.lines, lines)
    torch.testing.assert_close(lab.answers["answer"], translate(lines))
    header, arrays = shown(lab)
    np.testing.assert_array_equal(arrays["lines"], 255 * (lines[0, 0] > 0))
    np.testing.assert_array_equal(arrays["0"], sketch.as_bytes(translate(lines)))
    assert arrays["0"].shape == ((EDGE, EDGE) if translate is negative else (EDGE, EDGE, 3))
    assert header["names"] == [TEXT["en"]["answer"]] and header["ms"][0] >= 0


def test_a_lab_begins_with_the_first_example_or_a_blank_sheet():
    examples = some_lines(3)
    torch.testing.assert_close(lab_of(examples=examples).answers["answer"], -examples[:1])
    assert (lab_of().lines == -1).all()


def test_the_browser_asks_for_one_example_after_the_other():
    examples = some_lines(2)
    lab = lab_of(examples=examples)
    for k in (1, 0, 1):
        lab._on_message(lab.canvas, {"type": "example"}, [])
        torch.testing.assert_close(lab.lines, examples[k : k + 1])
        assert shown(lab)[0]["source"].startswith("python")  # the view takes it over


def test_a_canvas_that_hears_nothing_gets_a_successor():
    lab = DrawLab(lambda lines: -lines, edge=8)
    deaf = lab.canvas
    lab._on_message(deaf, {"type": "here"}, [])
    assert deaf.heard == 1  # the answer that a page waits for
    lab._on_message(deaf, {"type": "deaf"}, [])
    assert lab.box.children == (lab.canvas,) and lab.canvas is not deaf
    assert lab.canvas.frame == deaf.frame and lab.canvas.patience == 2 * deaf.patience
    assert deaf.comm is None
    lab._on_message(deaf, {"type": "here"}, [])  # from the past
    assert lab.canvas.heard == 0


def test_what_the_browser_drew_is_answered_to_the_view_that_asked():
    lab, lines = lab_of(), some_lines()
    from_browser(lab, lines, n=7)
    assert (lab.lines == lines).all()  # exactly -1 and 1
    assert (lab.answers["answer"] == -lines).all()
    header, _ = shown(lab)
    assert (header["source"], header["n"]) == ("view x", 7)
    before = lab.canvas.frame
    from_browser(lab, lines, n=7)
    assert lab.canvas.frame != before  # an equal frame would never be sent


@pytest.mark.parametrize("buffers", [[], [b"123"], [b"1", b"2"]])
def test_messages_of_another_kind_change_nothing(buffers):
    lab = lab_of()
    before = lab.canvas.frame
    lab._on_message(lab.canvas, {"type": "lines", "n": 1, "source": "view x"}, buffers)
    lab._on_message(lab.canvas, {"type": "example"}, [])  # there are none
    assert lab.canvas.frame == before


def test_of_several_requests_that_wait_only_the_newest_is_answered():
    begun, go, asked = threading.Event(), threading.Event(), []

    def slow(lines):
        asked.append(lines)
        begun.set()
        assert go.wait(20)
        return lines

    go.set()
    lab = lab_of(slow)
    asked.clear(), begun.clear(), go.clear()
    drawings = [some_lines(seed=k) for k in range(4)]
    threads = []
    for n, lines in enumerate(drawings):
        threads.append(threading.Thread(target=from_browser, args=(lab, lines, n)))
        tickets = lab._newest
        threads[-1].start()
        while lab._newest == tickets:  # until it stands in the queue
            pass
        assert begun.wait(20)
    go.set()
    for thread in threads:
        thread.join(20)
    assert len(asked) == 2  # the first, which had begun, and the last
    assert (lab.lines == drawings[-1]).all()
    assert shown(lab)[0]["n"] == 3


def test_translators_stand_side_by_side_with_their_names():
    lab, lines = lab_of({"L1": negative, "cGAN": in_colour, "copy": lambda x: x}), some_lines()
    lab.draw(lines)
    assert list(lab.answers) == ["L1", "cGAN", "copy"] == shown(lab)[0]["names"]
    torch.testing.assert_close(lab.answers["cGAN"], in_colour(lines))
    assert shown(lab)[1].keys() == {"lines", "0", "1", "2"}


def test_a_translator_cannot_change_the_drawing_of_the_next():
    lab, lines = lab_of({"greedy": lambda x: x.zero_(), "copy": lambda x: x}), some_lines()
    lab.draw(lines)
    torch.testing.assert_close(lab.lines, lines)
    torch.testing.assert_close(lab.answers["copy"], lines)


def test_no_gradients_are_kept():
    weight = torch.ones((), requires_grad=True)
    assert not lab_of(lambda x: weight * x).answers["answer"].requires_grad


def raises(lines):
    raise RuntimeError("sizes differ\nand much more of it")


@pytest.mark.parametrize("lang", TEXT)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (raises, "RuntimeError: sizes differ"),
        (lambda x: x / 0 * 0, f"{EDGE * EDGE}"),
        (lambda x: x[..., 1:], f"[1, 1, {EDGE}, {EDGE - 1}]"),
        (lambda x: x.repeat(1, 2, 1, 1), f"[1, 2, {EDGE}, {EDGE}]"),
        (lambda x: x.long(), "torch.int64"),
        (lambda x: None, "NoneType"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said_beside_the_others(bad, words, lang):
    lab = lab_of({"bad": bad, "good": negative}, lang=lang)
    header, arrays = shown(lab)
    trouble, none = header["troubles"]
    assert words in trouble and "\n" not in trouble and none == ""
    assert arrays.keys() == {"lines", "1"}
    assert list(lab.answers) == ["good"]
    assert lab.errors["bad"].__traceback__ is not None  # for who wants to see more


def test_a_translator_that_recovers_is_shown_again():
    broken = [True]
    lab = lab_of(lambda x: raises(x) if broken[0] else -x)
    assert not lab.answers
    broken.clear(), broken.append(False)
    from_browser(lab, some_lines())
    assert lab.answers and not lab.errors and shown(lab)[0]["troubles"] == [""]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"lang": "de"}, ValueError, "lang = 'de' is unknown; choose one of en, ja"),
        ({"edge": 4}, ValueError, "edge = 4 is out of range"),
        ({"edge": 28.0}, TypeError, "edge = 28.0 is a float"),
        ({"translate": {}}, ValueError, "translate is empty"),
        ({"translate": 3}, TypeError, "has to be a function"),
        ({"translate": {1: negative}}, TypeError, "has to be a function"),
        ({"examples": some_lines(edge=28)}, ValueError, r"\[1, 1, 28, 28\].*\[N, 1, 16, 16\]"),
        ({"examples": some_lines(0)}, ValueError, r"examples has shape \[0"),
        ({"examples": some_lines().double()}, TypeError, "examples is torch.float64"),
        ({"examples": [1]}, TypeError, "examples is list"),
        ({"examples": 255 * some_lines()}, ValueError, "ranges from -255 to 255"),
        ({"examples": some_lines() * torch.nan}, ValueError, "without NaN"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        DrawLab(**{"translate": negative, "edge": EDGE} | arguments)


def test_only_one_drawing_can_be_drawn():
    with pytest.raises(ValueError, match=r"lines has shape \[2, 1, 16, 16\].*\[1, 1, 16, 16\]"):
        lab_of().draw(some_lines(2))


def test_both_languages_say_everything():
    assert TEXT["en"].keys() == TEXT["ja"].keys()
    for key, words in TEXT["en"].items():
        assert words and TEXT["ja"][key]
        assert words.count("{") == TEXT["ja"][key].count("{"), key


def test_every_word_the_sheet_asks_for_exists():
    script = SCRIPT.read_text(encoding="utf-8")
    asked = {part.split('"')[0] for part in script.split(' t("')[1:]}
    assert len(asked) > 3
    assert asked | {"pen", "eraser", "undo", "redo", "clear", "example"} <= TEXT["en"].keys()


@pytest.mark.parametrize("lang", TEXT)
def test_where_widgets_do_not_run_there_are_a_picture_and_words(lang):
    lab = lab_of({"L1": negative, "色": in_colour, "bad": raises}, lang=lang)
    bundle = lab._repr_mimebundle_()
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert "JupyterLab" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


# --- the same drawing in the browser's language --------------------------------------------------


def run_node(tmp_path, code):
    """What `code` prints as JSON, with the functions of sketch.js imported as `sketch`."""
    (tmp_path / "sketch.mjs").write_text(sketch.Sketch._esm, encoding="utf-8")
    (tmp_path / "test.mjs").write_text(
        f"""import * as sketch from "./sketch.mjs";
        const print = (value) => console.log(JSON.stringify(value));
        {code}""",
        encoding="utf-8",
    )
    command = ["node", str(tmp_path / "test.mjs")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def drawn(tmp_path, actions, edge=EDGE):
    code = f"print([...sketch.rasterise({json.dumps(actions)}, {edge})]);"
    return np.array(run_node(tmp_path, code)).reshape(edge, edge)


@node
def test_a_fast_stroke_has_no_gaps_and_is_one_pixel_wide(tmp_path):
    ends = [[0.03, 0.1], [0.97, 0.3], [0.5, 0.95]]  # two events far from each other
    code = f"print(sketch.cells({ends}, 28));"
    path = np.array(run_node(tmp_path, code))
    assert path[0].tolist() == [0, 2] and path[-1].tolist() == [14, 26]
    steps = np.abs(np.diff(path, axis=0))
    assert (steps.max(axis=1) == 1).all()  # each pixel is a neighbour of the one before
    flat = path[: len(path) // 2 - 4, 0]
    assert len(set(flat)) == len(flat)  # one pixel in each column of the flat part


@node
def test_corners_of_a_slow_diagonal_are_cut(tmp_path):
    slow = [[(k + 0.5) / 320, k / 320] for k in range(320)]  # every pixel's border is crossed
    pixels = drawn(tmp_path, [{"kind": "stroke", "points": slow}])
    np.testing.assert_array_equal(pixels, 255 * np.eye(EDGE))


@node
def test_a_turn_stays_connected_and_a_click_is_a_dot(tmp_path):
    corner = [[0.03, 0.03], [0.53, 0.03], [0.53, 0.53]]
    pixels = drawn(tmp_path, [{"kind": "stroke", "points": corner}])
    assert (pixels[0, :8] == 255).all() and (pixels[1:9, 8] == 255).all()
    dot = drawn(tmp_path, [{"kind": "stroke", "points": [[0.51, 0.51]]}])
    assert dot[8, 8] == 255 and (dot > 0).sum() == 1


@node
def test_what_lies_beyond_the_border_is_cut_off(tmp_path):
    across = [[-0.5, 0.5], [1.5, 0.5]]
    pixels = drawn(tmp_path, [{"kind": "stroke", "points": across}])
    assert (pixels[8] == 255).all() and (pixels > 0).sum() == EDGE
    outside = [[-0.2, -0.2], [1.2, -0.2], [1.2, 1.3]]
    assert not drawn(tmp_path, [{"kind": "stroke", "points": outside}]).any()
    at_border = [{"kind": "picture", "pixels": [9] * EDGE**2}]
    at_border += [{"kind": "erase", "points": [[0, 0.01], [0, 0.99]]}]
    pixels = drawn(tmp_path, at_border)
    assert not pixels[:, :2].any() and (pixels[:, 2:] == 9).all()


@node
def test_actions_follow_each_other(tmp_path):
    line = {"kind": "stroke", "points": [[0.03, 0.53], [0.97, 0.53]]}
    hole = {"kind": "erase", "points": [[0.53, 0.53]]}
    picture = {"kind": "picture", "pixels": [7] * EDGE**2}
    pixels = drawn(tmp_path, [picture, {"kind": "clear"}, line, hole])
    assert np.flatnonzero(pixels[8]).tolist() == [0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14, 15]
    assert not np.delete(pixels, 8, axis=0).any()
    again = drawn(tmp_path, [line, hole, line])
    assert (again[8] == 255).all()
    loaded = drawn(tmp_path, [line, picture, hole])
    assert loaded[0, 0] == 7 and loaded[8, 8] == 0 and loaded.max() == 7


@node
def test_undo_and_redo_are_inverse_and_leave_the_start(tmp_path):
    history = run_node(
        tmp_path,
        """const { begin, record, undo, redo } = sketch;
        const kinds = (actions) => actions.map(({ kind }) => kind).join("");
        const names = ({ done, undone }) => [kinds(done), kinds(undone)];
        const start = begin({ kind: "a" });
        const two = record(record(start, { kind: "b" }), { kind: "c" });
        print([start, undo(start), two, undo(two), undo(undo(two)), undo(undo(undo(two))),
          redo(undo(two)), redo(two), redo(redo(undo(undo(two)))),
          record(undo(two), { kind: "d" })].map(names));""",
    )
    assert history == [
        ["a", ""],
        ["a", ""],
        ["abc", ""],
        ["ab", "c"],
        ["a", "cb"],
        ["a", "cb"],
        ["abc", ""],
        ["abc", ""],
        ["abc", ""],
        ["abd", ""],  # what was taken back is gone once something new is drawn
    ]


@node
def test_a_drawing_from_elsewhere_is_one_action(tmp_path):
    sources = run_node(
        tmp_path,
        """const from = (source) => ({ kind: "picture", source });
        let history = sketch.begin(from("python 1"));
        for (const source of ["python 2", "view b", "view b", "view b", "python 9"])
          history = sketch.adopt(history, from(source));
        print(history.done.map(({ source }) => source));""",
    )
    assert sources == ["python 1", "python 2", "view b", "python 9"]


@node
def test_keys(tmp_path):
    none = {"ctrlKey": False, "metaKey": False, "altKey": False, "shiftKey": False}
    keys = {
        "undo": [{"key": "z", "ctrlKey": True}, {"key": "z", "metaKey": True}],
        "redo": [{"key": "Z", "ctrlKey": True, "shiftKey": True}, {"key": "y", "ctrlKey": True}],
        "clear": [{"key": "Delete"}],
        "screen": [{"key": "f"}],
        "leave": [{"key": "Escape"}],
        None: [
            {"key": "z"},
            {"key": "Backspace"},
            {"key": "f", "ctrlKey": True},
            {"key": "z", "ctrlKey": True, "altKey": True},
        ],
    }
    for action, events in keys.items():
        full = json.dumps([none | event for event in events])
        assert set(run_node(tmp_path, f"print({full}.map(sketch.shortcut));")) == {action}


@node
def test_the_keyboards_brush_stays_on_the_sheet(tmp_path):
    keys = {"ArrowLeft": [0, 0], "ArrowRight": [1, 0], "ArrowUp": [0, 0], "ArrowDown": [0, 1]}
    for key, place in keys.items():
        assert run_node(tmp_path, f"print(sketch.moved([0, 0], '{key}', {EDGE}));") == place
    assert run_node(tmp_path, f"print(sketch.moved([15, 3], 'ArrowRight', {EDGE}));") == [15, 3]


@node
def test_the_sheet_reads_what_python_packed(tmp_path):
    lab = lab_of({"L1": negative, "colour": in_colour, "bad": raises}, lang="ja")
    lab.draw(lines := some_lines())
    packed = base64.b64encode(b"x" + lab.canvas.frame).decode()  # begins at an odd byte
    frame = run_node(
        tmp_path,
        f"""const bytes = Uint8Array.from(Buffer.from("{packed}", "base64"));
        const frame = sketch.decode(new DataView(bytes.buffer, 1));
        for (const name in frame.arrays) frame.arrays[name] = [...frame.arrays[name]];
        print(frame);""",
    )
    assert frame["names"] == ["L1", "colour", "bad"] and "エラー" in frame["troubles"][2]
    assert frame["arrays"]["lines"] == sketch.as_bytes(lines).ravel().tolist()
    assert frame["arrays"]["1"] == sketch.as_bytes(in_colour(lines)).ravel().tolist()
    assert "2" not in frame["arrays"]
