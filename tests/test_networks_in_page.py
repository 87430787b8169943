"""The trained networks in a page: what they compute is PyTorch's, and a reader can play with them.

The arithmetic is tested with Node; what is seen and touched in Chromium, on pages that are opened
from a disk without a network.
"""

import json
import re
import subprocess
from functools import cache

import numpy as np
import pytest
import torch
from jupyter_browser import PATIENCE

from assemble import LANGUAGES
from gan_helpers.classifier import classify, load_classifier
from gan_helpers.conditional.pretrained import load_pretrained
from gan_helpers.conditional.training import one_of_K
from gan_helpers.datasets.files import find_embedded
from gan_helpers.datasets.shoes import load_footwear
from gan_helpers.lab import sketch
from gan_helpers.translation.pretrained import load_translator
from networks_in_page import COMPONENTS, FOLDERS, examples, found, script, style

node = pytest.mark.usefixtures("node")
WIDTHS = (400, 1300)


# --- the same numbers as PyTorch's


@cache
def shoes():
    """Line drawings that no network has seen, `[N, 1, 32, 32]`."""
    return load_footwear("test", 32).a


def run_node(tmp_path, code):
    """What `code` prints as JSON; it finds all scripts beside itself, as a page does."""
    for folder in FOLDERS:
        for path in folder.glob("*.js"):
            (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (tmp_path / "code.js").write_text(PRELUDE + code, encoding="utf-8")
    command = ["node", str(tmp_path / "code.js")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


PRELUDE = """import fs from "node:fs";
    const bytes = (path) => {
      const { buffer, byteOffset, length } = fs.readFileSync(path);
      return buffer.slice(byteOffset, byteOffset + length);
    };
    const print = (value) => console.log(JSON.stringify(value));
"""


def computed(tmp_path, network, file, inputs):
    """What a network of networks.js, made from a file of data/, makes of each of the inputs."""
    (tmp_path / "inputs").write_bytes(inputs.flatten(1).numpy().tobytes())
    run_node(
        tmp_path,
        f"""import * as networks from "./networks.js";
        const compute = networks.{network}(networks.read(bytes({json.dumps(str(file))})));
        const inputs = new Float32Array(bytes({json.dumps(str(tmp_path / "inputs"))}));
        const length = inputs.length / {len(inputs)};
        const outputs = Array.from({{ length: {len(inputs)} }}, (_, i) =>
          compute(inputs.slice(i * length, (i + 1) * length)));
        fs.writeFileSync({json.dumps(str(tmp_path / "outputs"))},
          Buffer.concat(outputs.map(({{ buffer }}) => Buffer.from(buffer))));
        print(null);""",
    )
    return torch.frombuffer(bytearray((tmp_path / "outputs").read_bytes()), dtype=torch.float32)


def assert_same(found, expected):
    torch.testing.assert_close(found.view_as(expected), expected, rtol=0, atol=1e-4)


@node
@pytest.mark.parametrize("condition", ["cgan", "acgan"])
def test_a_digit_is_what_pytorch_makes_of_the_same_noise_and_code(tmp_path, condition):
    gan, rng = load_pretrained(condition), torch.Generator().manual_seed(0)
    z, y = gan.sample_z(100, rng), one_of_K(torch.arange(100) % 10, 10)
    y[50:] = torch.rand(50, 10, generator=rng).softmax(1)  # mixed
    file = find_embedded(f"{condition}_28.safetensors")
    made = computed(tmp_path, "conditionalGenerator", file, torch.cat([z, y], 1))
    assert_same(made, gan.sample(z, y))


@node
@pytest.mark.parametrize("name", ["shoes", "shoes_l1", "shoes_cgan"])
def test_a_shoe_is_what_pytorch_makes_of_the_same_lines(tmp_path, name):
    lines = shoes()[:100]
    made = computed(tmp_path, "unet", find_embedded(f"{name}_translator.safetensors"), lines)
    assert_same(made, load_translator(name).translate(lines))


@node
@pytest.mark.parametrize(("name", "edge"), [("colours", 32), ("maps", 64)])
def test_other_sizes_and_colours_work_as_well(tmp_path, name, edge):
    gan = load_translator(name)
    shape = (4, gan.channels[0], edge, edge)
    a = 2 * torch.rand(shape, generator=torch.Generator().manual_seed(0)) - 1
    file = find_embedded(f"{name}_translator.safetensors")
    made = computed(tmp_path, "unet", file, a.permute(0, 2, 3, 1).contiguous())
    assert_same(made, gan.translate(a).permute(0, 2, 3, 1).contiguous())


@node
@pytest.mark.parametrize("content", [b"", b"<!doctype html><title>404</title>", bytes(100)])
def test_what_is_no_file_of_weights_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    said = run_node(
        tmp_path,
        f"""import {{ read }} from "./networks.js";
        try {{ print(read(bytes({json.dumps(str(tmp_path / "file"))}))); }}
        catch (error) {{ print(error.message); }}""",
    )
    assert said.startswith("no safetensors file, or a damaged one") and "load it anew" in said


# --- noise, codes and frames, without a page


@node
def test_every_place_on_the_pad_is_noise_like_any_other(tmp_path):
    found = run_node(
        tmp_path,
        """import { noises, placed } from "./digits.js";
        const all = Array.from({ length: 200 }, (_, k) => noises(k + 1));
        const at = ([x, y]) => all.map((noise) => placed(noise, x, y));
        print({ again: noises(3), third: all[2],
          places: [[0, 0], [1, -1], [-0.3, 0.8]].map(at) });""",
    )
    assert found["again"] == found["third"]
    for z in np.array(found["places"]):  # (200, 64): 12,800 numbers, so 0.1 is eight deviations
        assert abs(z.mean()) < 0.1 and abs(z.var() - 1) < 0.1
        apart = np.corrcoef(z)[~np.eye(200, dtype=bool)]
        assert abs(apart).max() < 0.8 and abs(apart.mean()) < 0.05  # no seed is like another
    middle, corner, _ = np.array(found["places"])
    assert abs(np.mean(middle * corner)) < 0.1  # a corner has nothing of the middle


@node
def test_codes_are_mixed_as_in_the_notebook(tmp_path):
    code = 'import { code } from "./digits.js"; print([[4, 9, 0], [4, 9, 0.25], [7, 7, 0.6]]'
    start, mixed, same = run_node(tmp_path, f"{code}.map((way) => code(...way)));")
    assert start == one_of_K([4], 10)[0].tolist()
    assert mixed == (0.75 * one_of_K([4], 10) + 0.25 * one_of_K([9], 10))[0].tolist()
    assert same == pytest.approx(one_of_K([7], 10)[0].tolist())


@node
def test_a_drawing_is_answered_as_by_the_kernel(tmp_path):
    drawings = shoes()[1:61]
    nets = {name: str(find_embedded(file)) for name, file in COMPONENTS["shoes"].weights.items()}
    frames = run_node(
        tmp_path,
        f"""import {{ answering, unpacked }} from "./shoes.js";
        import {{ read, unet }} from "./networks.js";
        import {{ decode }} from "./sketch.js";
        const networks = Object.entries({json.dumps(nets)}).map(([name, path]) =>
          [name, unet(read(bytes(path)))]);
        const drawings = unpacked("{examples()}");
        const model = answering(networks, {{}}, drawings);
        const frames = [];
        const note = () => {{
          const {{ arrays, ...rest }} = decode(model.get("frame"));
          const plain = Object.entries(arrays).map(([name, array]) => [name, [...array]]);
          frames.push({{ ...rest, arrays: Object.fromEntries(plain) }});
        }};
        note();
        model.on("change:frame", note);
        const {{ buffer }} = drawings[5].slice();
        model.send({{ type: "lines", n: 7, source: "me" }}, undefined, [buffer]);
        model.send({{ type: "example" }});
        model.off("change:frame", note);
        model.send({{ type: "example" }});
        print(frames);""",
    )
    assert [(f["source"], f["n"]) for f in frames] == [("page 0", 0), ("me", 7), ("page 2", 0)]
    translators = dict(zip(nets, ("shoes_l1", "shoes_cgan", "shoes"), strict=True))
    for frame, k in zip(frames, (0, 5, 1), strict=True):
        assert frame["arrays"]["lines"] == sketch.as_bytes(drawings[k : k + 1]).ravel().tolist()
        assert frame["names"] == list(nets) and frame["troubles"] == [""] * 3
        for i, name in enumerate(translators.values()):
            answer = load_translator(name).translate(drawings[k : k + 1])
            off = np.array(frame["arrays"][str(i)]) - sketch.as_bytes(answer).ravel().astype(int)
            assert abs(off).max() <= 1  # a rounding


@pytest.mark.parametrize("name", COMPONENTS)
def test_both_languages_say_all_that_is_asked_for(name):
    ja, en = (COMPONENTS[name].given(lang)["words"] for lang in LANGUAGES)
    assert ja.keys() == en.keys() and all(ja.values()) and all(en.values())
    asked = set(re.findall(r'\bt\("(\w+)"\)', found(f"{name}.js")))
    assert asked <= ja.keys()
    assert asked or name == "shoes"  # whose words are those of sketch.js


def test_a_component_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="name = 'shoe' is unknown; choose one of digits, shoes"):
        script("shoe")


# --- in a browser


PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>{name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root {{ color-scheme: light dark;
  --jp-layout-color0: Canvas; --jp-content-font-color1: CanvasText; }} {style}</style>
<body style="margin: 0"><script src="{name}.js"></script>
<script>window.unmount = ganNetworks.{name}(document.body, "{lang}");</script>"""


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a component; at the end nothing may have gone wrong on any page."""
    complaints, contexts = [], []

    def open_page(name, lang="en", width=1300, **looks):
        file = tmp_path / f"{name}.{lang}.html"
        page = PAGE.format(lang=lang, name=name, style=style(name))
        file.write_text(page, encoding="utf-8")
        (tmp_path / f"{name}.js").write_text(script(name), encoding="utf-8")
        size = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=size, offline=True, **looks))
        page = contexts[-1].new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto(file.as_uri())
        page.locator(".drawlab-frame").first.wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


GREYS = """(canvases) => canvases.map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [...data].filter((_, i) => i % 4 === 0);
})"""


def pictures(page, where):
    """What stands on canvases, uint8 `[N, edge, edge]`."""
    greys = np.array(page.locator(f"{where} canvas").evaluate_all(GREYS), np.uint8)
    edge = round(greys.shape[1] ** 0.5)
    return greys.reshape(-1, edge, edge)


def settled(page, where):
    """The same as soon as it no longer changes, and nothing is blank."""
    before, now = None, pictures(page, where)
    while before is None or (before != now).any() or not now.any((1, 2)).all():
        page.wait_for_timeout(200)
        before, now = now, pictures(page, where)
    return now


def until_other(page, where, before):
    """The pictures as soon as one differs."""
    while (now := pictures(page, where)).tobytes() == before.tobytes():
        page.wait_for_timeout(20)
    return now


def read_as(greys):
    """The digits that a classifier sees."""
    x = torch.from_numpy(greys.copy()).unsqueeze(1) / 127.5 - 1
    return classify(load_classifier(28), x)[0].tolist()


LARGE, CLASSES, STRIP = ".digitlab-top", ".digitlab-classes", ".digitlab-strip"


def test_digits_come_as_they_are_asked_for(opened):
    page = opened("digits")
    assert sum(a == b for a, b in zip(read_as(settled(page, CLASSES)), range(10), strict=True)) >= 9
    page.get_by_role("button", name="class 7").click()
    large, classes = settled(page, LARGE), settled(page, CLASSES)
    assert (large[0] == classes[7]).all()
    page.get_by_role("button", name="change into 2").click()
    strip = settled(page, STRIP)
    assert (strip[0] == classes[7]).all() and (strip[-1] == classes[2]).all()
    assert page.locator(".digitlab-said").inner_text() == "7"
    page.get_by_role("slider", name="how far on the way").fill("1")
    assert (settled(page, LARGE)[0] == classes[2]).all()
    assert page.locator(".digitlab-said").inner_text() == "7 → 2, 100 %"
    page.evaluate("unmount()")
    assert page.locator("body *:not(script)").count() == 0


def test_z_is_moved_by_mouse_keys_and_anew_and_the_digits_stay(opened):
    page = opened("digits", "ja", color_scheme="dark")
    pad, seen = page.get_by_role("slider", name="zを動かす"), [settled(page, CLASSES)]
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    seen.append(until_other(page, CLASSES, seen[-1]))  # while it is down
    page.mouse.move(box["x"] + 2 * box["width"], box["y"] + 30)  # beyond the border
    page.mouse.up()
    seen.append(settled(page, CLASSES))
    assert pad.get_attribute("aria-valuenow") == "1.0"
    pad.focus()
    page.keyboard.press("ArrowLeft")
    assert pad.get_attribute("aria-valuenow") == "0.9"
    seen.append(settled(page, CLASSES))
    page.get_by_role("button", name="別のz").press("Enter")
    seen.append(settled(page, CLASSES))
    assert len({greys.tobytes() for greys in seen}) == len(seen)
    right = [a == b for greys in seen for a, b in zip(read_as(greys), range(10), strict=True)]
    assert np.mean(right) > 0.8  # 98.5 % on average


POINTS = [(0.2, 0.3), (0.4, 0.35), (0.6, 0.6)]  # in shares of the sheet


def events(kind, x, y):
    """What a device says of pressing, moving and lifting it there, in DevTools' words."""
    if kind == "touch":
        here = {"touchPoints": [{"x": x, "y": y}]}
        nowhere = {"touchPoints": []}
        steps = [("touchStart", here), ("touchMove", here), ("touchEnd", nowhere)]
        return [("Input.dispatchTouchEvent", {"type": name} | more) for name, more in steps]
    there = {"x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1, "pointerType": kind}
    names = ("mousePressed", "mouseMoved", "mouseReleased")
    return [("Input.dispatchMouseEvent", {"type": name} | there) for name in names]


def strokes(page, box, kind):
    """Draws a line with a mouse, a pen or a finger; stops after each of its events but the last."""
    device = page.context.new_cdp_session(page)
    for k, (x, y) in enumerate(POINTS):
        press, move, lift = events(kind, box["x"] + x * box["width"], box["y"] + y * box["height"])
        device.send(*(move if k else press))
        yield
    device.send(*lift)


@pytest.mark.parametrize("kind", ["mouse", "pen", "touch"])
def test_three_networks_answer_while_a_shoe_is_drawn(opened, kind):
    page = opened("shoes", width=WIDTHS[kind != "touch"], has_touch=kind == "touch")
    names = page.locator(".drawlab-answers .drawlab-name").all_inner_texts()
    assert names == list(COMPONENTS["shoes"].weights)
    example = settled(page, ".drawlab-own")
    page.get_by_role("button", name="Clear").click()
    sheet = until_other(page, ".drawlab-own", example)
    assert np.ptp(sheet) == 0
    before = settled(page, ".drawlab-answers")
    for _ in strokes(page, page.locator(".drawlab-own canvas").bounding_box(), kind):
        before = until_other(page, ".drawlab-answers", before)  # nobody waits for the end
    dark = np.argwhere(pictures(page, ".drawlab-own")[0] < 128) / 32
    assert len(dark) > 10 and abs(dark[:, ::-1].min(0) - POINTS[0]).max() < 0.05
    page.get_by_role("button", name="Start from a real line drawing").press("Enter")
    assert (until_other(page, ".drawlab-answers", before) != before).any((1, 2)).all()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", COMPONENTS)
def test_nothing_is_wider_than_the_page(opened, name, lang, width):
    page = opened(name, lang, width)
    settled(page, ".drawlab")
    wider = """() => [...document.querySelectorAll("body *")].filter((element) =>
        element.getBoundingClientRect().right > innerWidth || element.scrollWidth >
        element.clientWidth + 1 && getComputedStyle(element).display !== "inline")
        .map((element) => element.outerHTML.slice(0, 80))"""
    assert page.evaluate(wider) == []
    boxes = page.locator(".drawlab-answers .drawlab-panel, .digitlab-top > *").all()
    assert len({box.bounding_box()["y"] for box in boxes}) == 1  # side by side, on a phone, too
