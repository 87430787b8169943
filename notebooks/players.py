"""Players of recordings on a page: of the web edition (`website.py`), and of the deck (`deck.py`).

A page has the `scripts` and the `style` once, and a `place_in` it for each lab. What is recorded
lies beside the page, as scripts, or in the page itself (`embedded`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

from assemble import HERE, LANGUAGES, assemble, number_of
from deck import Place, slides, source
from gan_helpers.lab.labels import TEXT
from gan_helpers.lab.stage import Stage
from gan_helpers.losses import Loss
from gan_helpers.translation.tasks import TASKS
from networks_in_page import script as network_script, style as network_style
from recordings import RECORDINGS, Choice, Recording, given, path_of

WEB = HERE / "web"
#: Words of the page, beside those of the lab; some of the lab's say something else there, and keys
#: of no use in a recording have none.
WORDS = {
    "ja": {
        "at_step": "ステップ{n}",
        "at_lead": "Dが{n}回先",
        "recorded": "録画です（シード{seed}）。実際に動かすには、ノートブックで次を実行します。",
        "no_recording": "録画を読み込めませんでした",
        "keys": "スペース：再生・一時停止 · ←→：前後の場面 · Home：最初 · End：最後",
        "step_hint": "次の場面（←で前の場面）",
        "reset_hint": "最初の場面",
        "key_escape": "この一覧を閉じる・全画面表示をやめる",
        "choices": "録画の選択",
        "pick_hint": "クリックすると、これだけを大きく表示します",
        "all_again": "{name}：並べた表示に戻る",
        "figure": "図",
        "run_again": "このページのラボは、録画を再生します。設定を自由に変えて動かすには、"
        "ノートブックをJupyterLabやColabで開いてください。",
    },
    "en": {
        "at_step": "step {n}",
        "at_lead": "D is {n} ahead",
        "recorded": "A recording (seed {seed}). To run it live, in the notebook:",
        "no_recording": "The recording could not be loaded",
        "keys": "space: play/pause · ← →: picture by picture · Home: first · End: last",
        "step_hint": "the next picture (←: the one before)",
        "reset_hint": "the first picture",
        "key_escape": "close this list; leave full screen",
        "choices": "which recording",
        "pick_hint": "Click to see this one alone, and larger",
        "all_again": "{name}: back to all of them",
        "figure": "figure",
        "run_again": "The labs of this page replay recordings. To change all settings while it "
        "trains, open the notebook in JupyterLab or Colab.",
    },
}
NO_KEYS = dict.fromkeys(("step_D_hint", "step_G_hint", "key_enter"), "")
#: What runs in the page itself (see networks_in_page.py) -> the call of the lab in whose place.
NETWORKS = {"digits": 'Lab("digits_28", lang=LANG, gan=gan)', "shoes": "DrawLab(translators"}


def place_in(name: str, code: str, lang: str) -> str:
    """The place of a player, or of a network that runs in the page; "" for other cells."""
    for recording in RECORDINGS:
        if name.startswith(recording.notebook) and recording.call in code:
            return player(recording, lang)
    for network, call in NETWORKS.items():
        if call in code:
            return f'<div class="gan-network" data-network="{network}"></div>'
    return ""


def player(recording: Recording, lang: str) -> str:
    """The place of a player, with what it has to know."""
    choices = [
        {
            "key": choice.key,
            "of": TEXT[lang].get(choice.of, ""),
            "words": choice.words[lang == "ja"],
            "code": live(recording, choice),
            "seed": recording.seed if choice.seed is None else choice.seed,
        }
        for choice in recording.choices
    ]
    about = {
        "name": recording.name,
        "size": 560 * (recording.columns or 8) // 8 if recording.data in TASKS else 400,
        "ahead": recording.ahead,
        "choices": choices,
    }
    text = json.dumps(about, ensure_ascii=False).replace("</", "<\\/")
    place = f'<div class="gan-player gan-lab" id="lab-{recording.name}">'
    return f'{place}<script type="application/json">{text}</script></div>'


def live(recording: Recording, choice: Choice) -> str:
    """The code that runs the same in a notebook."""
    settings = given(recording, choice)
    if choice.seed or recording.seed:
        settings["seed"] = recording.seed if choice.seed is None else choice.seed
    if choice.compare:
        settings["compare"] = choice.compare
    own = [f"{name}={written(value)}" for name, value in settings.items()]
    code = f"Lab({', '.join([written(choice.data or recording.data), *own])})"
    if not choice.then:
        return code
    later = ", ".join(f"{name}={written(value)}" for name, value in choice.then.items())
    return f"lab = {code}; lab.run({recording.turn}); lab.change({later})"


def written(value: object) -> str:
    """A setting as one would write it; a loss of one's own by its name."""
    if isinstance(value, Loss):
        return value.name
    return repr(value).replace("'", '"')


def content(recording: Recording, choice: Choice) -> str:
    """A recording as text."""
    return base64.b64encode(path_of(recording, choice).read_bytes()).decode()


def embedded(recording: Recording) -> str:
    """All of its choices, for a page that has them in itself."""
    return "\n".join(
        f'<script type="text/plain" id="recording-{recording.name}.{choice.key}">'
        f"{content(recording, choice)}</script>"
        for choice in recording.choices
    )


# --- in the deck


def deck_with_players(lang: str) -> tuple[str, str]:
    """The source of the deck with a slide behind each that has labs, and what these need."""
    front = source(lang).read_text(encoding="utf-8").split("---\n")[1]
    texts, inside = [], [f"<style>{style()}</style>"]
    for slide in slides(lang):
        texts.append(slide.text)
        for place in slide.places:
            for code in code_below(place, lang) if place.lab else ():
                if html := place_in(place.name, code, lang):
                    texts.append(SLIDE.format(title=slide.title, lab=place.lab, place=html))
                    inside.append(needed(place.name, code))
    inside += [f"<script>{text}</script>" for text in scripts().values()]
    return "---\n".join(["", front, *texts]), "\n".join(inside)


#: The same number as the slide before it, so that those of the tables stay.
SLIDE = """
<!-- _class: lab -->
<!-- _paginate: hold -->

#### {title} · `{lab}`

{place}

"""


def code_below(place: Place, lang: str) -> Iterator[str]:
    """The code between the heading of a place and the next one."""
    here = ""
    for cell in assemble(place.name, lang).cells:
        if cell.cell_type == "markdown":
            here = number_of(cell.source) or here
        elif here == place.number:
            yield cell.source


def needed(name: str, code: str) -> str:
    """What lies beside a page for the place of this cell, to be in the page itself."""
    for recording in RECORDINGS:
        if name.startswith(recording.notebook) and recording.call in code:
            return embedded(recording)
    (network,) = (network for network, call in NETWORKS.items() if call in code)
    return f"<style>{network_style(network)}</style>\n<script>{network_script(network)}</script>"


# --- what all of them need


def scripts() -> dict[str, str]:
    """What all players need, name -> classic script: words, the stage of the lab, the player.

    A page opened from a disk may load no module and fetch no file.
    """
    stage = re.sub(r"^export (?!default)", "", Stage._esm, flags=re.MULTILINE)
    stage = stage.replace("export default ", "window.ganStage = ")
    words = {lang: {**TEXT[lang], **WORDS[lang], **NO_KEYS} for lang in LANGUAGES}
    return {
        "words": f"window.ganWords = {json.dumps(words, ensure_ascii=False)};\n",
        "stage": f"(() => {{\n{stage}}})();\n",
        "player": (WEB / "player.js").read_text(encoding="utf-8"),
    }


def style() -> str:
    """The style sheet of players."""
    return "\n".join([Stage._css, (WEB / "player.css").read_text(encoding="utf-8")])
