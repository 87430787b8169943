"""The trained networks that run in a page: one script for each thing to play with.

`web/networks.js` computes them, `web/digits.js` and `web/shoes.js` are what a reader plays with. A
page that has `style("digits")` and loads `script("digits")`, which is 1.7 MB, mounts it by

    ganNetworks.digits(element, "ja");  // returns what takes it away again

From the page it takes two colours, `--jp-layout-color0` (behind) and `--jp-content-font-color1`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from assemble import HERE, LANGUAGES
from gan_helpers.checks import check_choice
from gan_helpers.datasets.files import find_embedded
from gan_helpers.datasets.shoes import load_footwear
from gan_helpers.lab import labels, sketch

FOLDERS = (HERE / "web", Path(sketch.__file__).parent)  # where scripts and styles lie
EXAMPLES = 60  # drawings to begin with
IMPORT = re.compile(r'^import (?P<wanted>[^;]+) from "\./(?P<module>\w+)\.js";', re.MULTILINE)
WORDS = {
    "ja": {
        "title": "数字を指定する",
        "picture": "G(z, y)",
        "new_z": "別のz",
        "pad_hint": "どの点も1つのzです。数字はそのままで、書き方だけが変わります。",
        "same_z": "同じzで描いた全クラス",
        "share": "行き先までの進み具合",
        "note": "学習済みのcGANが、このブラウザの中で描いています。数字の下の棒はyの成分です。",
    },
    "en": {
        "title": "Ask for a digit",
        "picture": "G(z, y)",
        "new_z": "New z",
        "pad_hint": "Each place is a z: the digit stays, the handwriting changes.",
        "same_z": "every class from this z",
        "share": "how far on the way",
        "note": "A trained cGAN computes these in your browser. The bar below a digit is its "
        "component of y.",
    },
}


@dataclass(frozen=True)
class Component:
    """Something to play with.

    Args:
        weights: name that is shown -> file of data/.
        styles: its style sheets.
        given: what else it is mounted with in a language, as JSON can say it.
    """

    weights: dict[str, str]
    styles: tuple[str, ...]
    given: Callable[[str], dict[str, Any]]


def given_to_digits(lang: str) -> dict[str, Any]:
    """Its words: the lab's, where the lab has the same control."""
    shared = ("pick_class", "pick_to", "pick_z")
    words = {key: labels.labels(lang)[key] for key in shared} | WORDS[lang]
    return {"words": words | {"took": sketch.TEXT[lang]["took"]}}


def given_to_shoes(lang: str) -> dict[str, Any]:
    """The words of the sheet to draw on, and real line drawings, packed to bits, in base64."""
    return {"words": sketch.TEXT[lang], "examples": examples()}


@cache
def examples() -> str:
    """Line drawings of shoes that no network has seen, those of the notebook."""
    drawings = load_footwear("test", 32).a[1 : 1 + EXAMPLES].numpy()  # (N, 1, 32, 32), -1 or 1
    return base64.b64encode(np.packbits(drawings > 0).tobytes()).decode()


COMPONENTS = {
    "digits": Component(
        {"cGAN": "cgan_28.safetensors"}, ("sketch.css", "digits.css"), given_to_digits
    ),
    "shoes": Component(
        {
            "L1": "shoes_l1_translator.safetensors",
            "cGAN": "shoes_cgan_translator.safetensors",
            "cGAN + L1": "shoes_translator.safetensors",
        },
        ("sketch.css",),
        given_to_shoes,
    ),
}


def component(name: str) -> Component:
    """One of `COMPONENTS`; the message says which there are."""
    return COMPONENTS[check_choice("name", name, COMPONENTS)]


# --- scripts and styles


def found(file: str) -> str:
    """The text of a script or a style sheet, of the web edition or of the lab."""
    (path,) = (folder / file for folder in FOLDERS if (folder / file).exists())
    return path.read_text(encoding="utf-8")


def style(name: str) -> str:
    """All that a component needs of CSS."""
    return "\n".join(map(found, component(name).styles))


def script(name: str) -> str:
    """A component with its weights and words, for any page: a classic script, without imports.

    So it needs no modules and fetches nothing, neither of which works where a page is opened from
    a disk.
    """
    parts = component(name)
    weights = {
        shown: base64.b64encode(find_embedded(file).read_bytes()).decode()
        for shown, file in parts.weights.items()
    }
    given = {lang: {"lang": lang, **parts.given(lang)} for lang in LANGUAGES}
    modules = "\n".join(enclosed(module) for module in imported(name))
    return MOUNTING.format(
        name=name, modules=modules, weights=json.dumps(weights), given=json.dumps(given)
    )


MOUNTING = """(() => {{
{modules}
const given = {given};
const weights = {weights};
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
const decoded = () => Object.fromEntries(
  Object.entries(weights).map(([name, text]) => [name, bytes(text)]));
(window.ganNetworks ??= {{}}).{name} = (element, lang) =>
  ${name}.mount(element, {{ weights: decoded(), ...given[lang] }});
}})();
"""


def imported(name: str) -> list[str]:
    """A script and those that it imports, each behind those that it needs itself."""
    order: list[str] = []
    for line in IMPORT.finditer(found(f"{name}.js")):
        order += [other for other in imported(line["module"]) if other not in order]
    return [*order, name]


def enclosed(module: str) -> str:
    """A script as a constant; it has a scope of its own, as scripts have helpers of one name."""
    text = IMPORT.sub(as_constant, found(f"{module}.js"))
    text = re.sub(r"^export default ", "export const $default = ", text, flags=re.MULTILINE)
    names = re.findall(r"^export (?:async )?(?:function|const) ([\w$]+)", text, re.MULTILINE)
    text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
    return f"const ${module} = (() => {{\n{text}\nreturn {{ {', '.join(names)} }};\n}})();"


def as_constant(line: re.Match[str]) -> str:
    """`import { a } from "./b.js"` in a script whose neighbours are constants."""
    wanted = line["wanted"]
    names = wanted if wanted.startswith("{") else f"{{ $default: {wanted} }}"
    return f"const {names} = ${line['module']};"
