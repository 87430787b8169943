"""The lab on translation as the reader sees it: pictures that become pictures while G learns."""

from __future__ import annotations

import base64
import html
import io
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import ipywidgets as W
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from gan_helpers.checks import check_choice
from gan_helpers.lab.driven import Driven
from gan_helpers.lab.hosts import bundle
from gan_helpers.lab.labels import labels
from gan_helpers.lab.translating import TrainStep, TranslationSession
from gan_helpers.losses import LOSSES, get_loss
from gan_helpers.plots import FAKE, REAL, draw_rows
from gan_helpers.tasks import TASKS, Task
from gan_helpers.translation import Translation

OWN = "own"
PICTURES_PER_SECOND = 8.0  # at most
IN_FLIGHT, PATIENCE = 2, 2.0  # pictures on their way; seconds until one counts as lost
UNTOUCHED = 600.0  # seconds of training that nobody has touched, after which nobody may be there
EDGE = 64  # pixels on the screen that a picture is enlarged to, at least
COLOURS = (REAL, FAKE, "#8a63c7", "#5f9e35", "#b8860b")

#: Words that the other labs have as well.
COMMON = (
    *("play", "pause", "step", "reset", "reset_hint", "new_seed", "new_seed_hint"),
    *("seed", "device", "lr_D", "lr_G", "off", "interrupted", "waits", "no_stage"),
)
#: Rows of two worlds, in any language.
ROUNDS = {"a": "A", "to_b": "A → B", "back_to_a": "A → B → A"}
ROUNDS |= {"b": "B", "to_a": "B → A", "back_to_b": "B → A → B"}
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "step_hint": "one update of D and one of G",
        "task": "task",
        "shoes": "line drawing → shoe",
        "colours": "black-and-white → colour",
        "maps": "map → aerial photograph",
        "animals": "horse ↔ zebra, no pairs",
        "landscapes": "summer ↔ winter, no pairs",
        "sneakers": "sneaker ↔ ankle boot, no pairs",
        "own": "your own",
        "loss": "loss of the GAN",
        "adversarial": "the GAN's loss",
        "l1": "weight λ of L1",
        "conditional": "D sees the input (restarts)",
        "cycle": "weight λ of the cycle",
        "identity": "identity loss (times λ)",
        "history": "D is shown older fakes, too",
        "input": "input",
        "output": "G(input)",
        "answer": "answer",
        "at": "step {step}",
        "loss_D": "loss of D",
        "loss_G": "loss of G",
        "error": "distance from the answer",
        "sharpness": "sharpness (real: 1)",
        "cycle_error": "distance after A → B → A",
        "hidden_error": "distance from the hidden answer",
        "world": "A → B: distance of the crowd from B",
        "losses": "Losses",
        "measured": "On pictures that are not learned from",
        "loading": "Loading the pictures …",
        "ready": "Ready. Play starts the training; these pictures are not learned from.",
        "changed": "{what} from step {step} on.",
        "restarted": "New networks: training starts again.",
        "untouched": "Paused at step {step}, as nobody has touched the lab for a while.",
        "stopped": "Stopped after step {step}: {what} is {detail}. Change a setting and reset.",
        "failed": "Stopped after step {step}: {detail}",
        "plain": "This is a live lab. It runs in JupyterLab or Colab.",
    },
    "ja": {
        "step_hint": "DとGを1回ずつ更新します",
        "task": "課題",
        "shoes": "線画 → 靴",
        "colours": "白黒 → カラー",
        "maps": "地図 → 航空写真",
        "animals": "馬 ↔ シマウマ（ペアなし）",
        "landscapes": "夏 ↔ 冬（ペアなし）",
        "sneakers": "スニーカー ↔ アンクルブーツ（ペアなし）",
        "own": "自作",
        "loss": "GANの損失",
        "adversarial": "GANの損失を使う",
        "l1": "L1損失の重み λ",
        "conditional": "Dに入力も見せる（最初から）",
        "cycle": "サイクル一貫性損失の重み λ",
        "identity": "同一性損失（λに掛ける）",
        "history": "Dに過去の偽物も見せる",
        "input": "入力",
        "output": "G(入力)",
        "answer": "正解",
        "at": "ステップ {step}",
        "loss_D": "Dの損失",
        "loss_G": "Gの損失",
        "error": "正解との差",
        "sharpness": "鮮明さ（本物が1）",
        "cycle_error": "A → B → A での差",
        "hidden_error": "隠された正解との差",
        "world": "A → B：Bの集団との隔たり",
        "losses": "損失",
        "measured": "学習に使わない画像での値",
        "loading": "画像を読み込んでいます……",
        "ready": "再生を押すと学習が始まります（表示中の画像は学習に使いません）。",
        "changed": "ステップ {step} から {what} にしました。",
        "restarted": "ネットワークが変わるので、最初から学習します。",
        "untouched": "しばらく操作がないので、ステップ {step} で一時停止しました。",
        "stopped": "ステップ {step} のあとで止まりました：{what} が {detail} です。"
        "設定を変えてリセットしてください。",
        "failed": "ステップ {step} のあとで止まりました：{detail}",
        "plain": "学習しながら見るラボです。JupyterLab か Colab で動きます。",
    },
}

#: Language -> all words of this lab.
TEXT = {
    lang: {name: labels(lang)[name] for name in COMMON} | ROUNDS | own
    for lang, own in WORDS.items()
}

RATES = (1e-5, 3e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2e-3)
#: Name of a setting -> the values to choose from; two are a checkbox.
CHOICES: dict[str, tuple[Any, ...]] = {
    "adversarial": (0.0, 1.0),
    "l1": (0.0, 1.0, 3.0, 10.0, 30.0, 100.0),
    "conditional": (False, True),
    "cycle": (0.0, 1.0, 3.0, 10.0, 30.0),
    "identity": (0.0, 0.1, 0.5, 1.0),
    "history": (0, 50),
    "lr_D": RATES,
    "lr_G": RATES,
}
ONLY_PAIRED, ONLY_UNPAIRED = ("l1", "conditional"), ("cycle", "identity", "history")


class TranslationLab(Driven):
    """A pix2pix or a CycleGAN that learns before your eyes.

    Show it by making it the last expression of a cell. Running the cell again ends the old lab.

    Args:
        task: what is learned: "shoes", "colours", "maps" (pix2pix), "animals", "landscapes",
            "sneakers" (CycleGAN), or a `Task` of your own.
        lang: language of the controls, "ja" or "en".
        seed: the same seed gives the same training.
        device: where to train; None takes a GPU where there is one.
        experiment: all settings at once; by default those that suit the task.
        train_step: your own step, `(gan, data) -> (loss_D, loss_G)`.
        driver: "thread" or "page", see `Lab`.
        **settings: single fields of the experiment, e.g. `l1=0.0`.

    Raises:
        ValueError, TypeError: if a setting is unknown or out of range.
    """

    def __init__(
        self,
        task: str | Task = "shoes",
        *,
        lang: str = "en",
        seed: int = 0,
        device: str | None = None,
        experiment: Translation | None = None,
        train_step: TrainStep | None = None,
        driver: str | None = None,
        **settings: Any,
    ) -> None:
        self.text = TEXT[check_choice("lang", lang, TEXT)]
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.session = TranslationSession(task, experiment, seed, device, train_step)
        if settings:
            self.session.change(**settings)
        self._drive(self.session, driver)
        self._sent_at = time.monotonic()
        self._build()
        self._settle_in_cell()
        self._publish_and_beat()

    # --- the controls --------------------------------------------------------------------------

    def _build(self) -> None:
        t, wrap = self.text, W.Layout(flex_flow="row wrap", align_items="center")
        self.play_button = self._button("play", self._toggle, icon="play", button_style="primary")
        self.buttons = {
            name: self._button(name, partial(self._act, name), tooltip=t[f"{name}_hint"])
            for name in ("step", "reset", "new_seed")
        }
        named = {**dict.fromkeys(TASKS), OWN: None}
        self.task = W.Dropdown(options=[(t[n], n) for n in named], description=t["task"])
        losses = [(n.replace("_", " "), n) for n in LOSSES]
        self.loss = W.Dropdown(options=[*losses, (t["own"], OWN)], description=t["loss"])
        for widget, name in ((self.task, "task"), (self.loss, "loss")):
            widget.style.description_width = "initial"
            widget.observe(partial(self._post_change, name), "value")
        self.settings = {name: self._setting(name) for name in CHOICES}
        self.message, self.at, self.charts = W.HTML(), W.HTML(), W.HTML()
        self.rows = W.VBox()
        beside = W.Layout(flex_flow="row wrap")
        stage = W.Box([self.rows, W.VBox([self.at, self.charts])], layout=beside)
        self.box = W.VBox(
            [
                W.Box([self.play_button, *self.buttons.values()], layout=wrap),
                W.Box([self.task, self.loss], layout=wrap),
                self.message,
                self.pulse,
                stage,
                W.Box([*self.settings.values()], layout=wrap),
            ]
        )
        self._say("ready")

    def _button(self, name: str, act: Callable[[], None], **look: Any) -> W.Button:
        button = W.Button(description=self.text[name], **look)
        button.layout.width = "auto"
        button.on_click(lambda _: act())
        return button

    def _setting(self, name: str) -> W.Widget:
        choices, words = CHOICES[name], self.text[name]
        widget: W.Widget
        if len(choices) == 2:
            widget = W.Checkbox(description=words, indent=False)
        else:
            widget = W.SelectionSlider(options=self._options(choices), description=words)
            widget.style.description_width = "13em"
            widget.layout.width = "30em"
        widget.observe(partial(self._post_change, name), "value")
        return widget

    def _options(self, values: Sequence[Any]) -> list[tuple[str, Any]]:
        return [(f"{value:g}" if value else self.text["off"], value) for value in values]

    def _act(self, name: str) -> None:
        def command() -> None:
            if name == "step":
                self.worker.playing = False
                self.session.step()
            else:
                self.session.reset(self.session.seed + (name == "new_seed"))
                self._say("ready")

        self._heard_at = time.monotonic()
        self.worker.post(command)

    def _post_change(self, name: str, change: dict[str, Any]) -> None:
        new = change["new"]
        if self._syncing or new == OWN:
            return  # it moved because the session did, and not by the reader's hand
        self._heard_at = time.monotonic()
        if name in CHOICES and len(CHOICES[name]) == 2:
            new = CHOICES[name][bool(new)]
        self.worker.post(lambda: self._apply({name: new}))

    # --- commands: run between two steps -------------------------------------------------------

    def _apply(self, settings: dict[str, Any]) -> None:
        """Change settings; what is wrong with them is shown, and training goes on unharmed."""
        if "task" in settings:  # some seconds
            self._say("loading")
        if self.session.change(**settings):
            self._say("restarted")
        else:
            what = ", ".join(f"{self.text.get(k, k)} = {word(v)}" for k, v in settings.items())
            self._say("changed", what=what, step=self.session.at)

    # --- what is shown follows the session -----------------------------------------------------

    _echo = True  # by which it is known how many pictures are on their way

    def _ready(self) -> bool:
        waiting = self.pulse.state.get("n", 0) - self._got >= IN_FLIGHT
        pause = PATIENCE if waiting else 1 / PICTURES_PER_SECOND
        return time.monotonic() - self._sent_at > pause

    def _publish(self) -> None:
        """Show pictures, curves and settings as they are; called between two steps."""
        with self.worker.lock:
            session = self.session
            self._sent_at = time.monotonic()
            if self.worker.playing and self._sent_at - self._heard_at > UNTOUCHED:
                self.worker.playing = False
                self._say("untouched", step=session.at)
            self._show_rows(session.rows())
            self.charts.value = self._draw_charts()
            self.at.value = f"<b>{self.text['at'].format(step=f'{session.at:,}')}</b>"
            self._sync_controls()
        if trouble := session.trouble:
            key = "failed" if trouble.what == "error" else "stopped"
            what = self.text.get(trouble.what, trouble.what)
            said = self.text[key].format(step=trouble.step, what=what, detail=trouble.detail)
            self._say_text(said, trouble.line, alarm=True)

    def _draw_charts(self) -> str:
        """One chart of both losses, and one for each quantity that is measured."""
        curves = self.session.curves()
        steps = curves.pop("steps")
        named = [(self.text[name], values) for name, values in curves.items()]
        drawn = [chart(self.text["losses"], steps, named[:2], COLOURS[:2])]
        for curve, colour in zip(named[2:], COLOURS[2:], strict=False):
            drawn.append(chart(self.text["measured"], steps, [curve], [colour]))
        return f"<div style='display:flex;flex-wrap:wrap;gap:1.2em'>{''.join(drawn)}</div>"

    def _show_rows(self, rows: Mapping[str, Tensor]) -> None:
        if len(self.rows.children) != len(rows):
            self.rows.children = [
                W.HBox([W.Label(layout=W.Layout(width="7em")), W.HTML()]) for _ in rows
            ]
        for row, (name, x) in zip(self.rows.children, rows.items(), strict=True):
            label, image = row.children
            label.value = self.text[name]
            image.value = img(strip_png(x), self.text[name])

    def _sync_controls(self) -> None:
        playing = self.worker.playing
        self._syncing_thread = threading.get_ident()
        try:
            self.play_button.description = self.text["pause" if playing else "play"]
            self.play_button.icon = "pause" if playing else "play"
            if self.worker.settled:
                self._sync_settings()
        finally:
            self._syncing_thread = 0

    def _sync_settings(self) -> None:
        """Bring in line what commands alone can change."""
        session, e = self.session, self.session.experiment
        loss = get_loss(e.loss)
        self.task.value = session.task.name if session.task.name in TASKS else OWN
        self.loss.value = loss.name if LOSSES.get(loss.name) is loss else OWN
        for name, widget in self.settings.items():
            hidden = ONLY_UNPAIRED if session.task.paired else ONLY_PAIRED
            widget.layout.display = "none" if name in hidden else None
            value = getattr(e, name)
            if isinstance(widget, W.Checkbox):
                widget.value = bool(value)
                continue
            if value not in [v for _, v in widget.options]:
                widget.options = self._options(sorted({*CHOICES[name], value}))
            widget.value = value

    # --- in the notebook -----------------------------------------------------------------------

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget; words and the last pictures for front-ends that cannot run it."""
        with self.worker.lock:
            png = rows_png(self.session.rows())
        return bundle(self.box, **{"text/plain": self.text["plain"], "image/png": png})


def word(value: Any) -> str:
    """A value as the reader would write it."""
    return f"{value:g}" if isinstance(value, float) else str(getattr(value, "name", value))


def sheet(x: Tensor, gap: int = 1) -> np.ndarray:
    """Pictures `[N, C, H, W]` in [-1, 1] side by side: uint8 `[H, N * (W + gap) - gap, 3]`."""
    colour = x.expand(-1, 3, -1, -1)
    bytes_ = (127.5 * (colour.clamp(-1, 1) + 1)).round().to(torch.uint8)  # (N, 3, H, W)
    spaced = torch.nn.functional.pad(bytes_, [0, gap], value=128)
    return spaced.permute(2, 0, 3, 1).flatten(1, 2)[:, :-gap].numpy()


def strip_png(x: Tensor) -> bytes:
    """Pictures `[N, C, H, W]` in [-1, 1] side by side, enlarged without smoothing."""
    pixels = sheet(x)
    times = -(-EDGE // x.shape[2])
    picture = Image.fromarray(pixels.repeat(times, 0).repeat(times, 1))
    buffer = io.BytesIO()
    picture.save(buffer, format="png", compress_level=1)
    return buffer.getvalue()


def img(png: bytes, name: str) -> str:
    """The picture as HTML, decoded before the last one goes, so that nothing flickers."""
    data = base64.b64encode(png).decode()
    look = "style='max-width:100%' decoding='sync'"
    return f"<img alt='{html.escape(name)}' {look} src='data:image/png;base64,{data}'>"


def rows_png(rows: Mapping[str, Tensor]) -> bytes:
    """All rows, each with its English name, as in all figures; of 128 colours, to stay small."""
    fig, drawn, small = Figure(dpi=80), io.BytesIO(), io.BytesIO()  # not of pyplot: other threads
    draw_rows({TEXT["en"][name]: x for name, x in rows.items()}, EDGE / 80, fig).savefig(drawn)
    few = Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    few.save(small, format="png", optimize=True)
    return small.getvalue()


def chart(
    title: str,
    steps: np.ndarray,
    curves: Sequence[tuple[str, np.ndarray]],
    colours: Sequence[str],
    width: int = 290,
    height: int = 120,
) -> str:
    """Curves over steps as SVG, with their last values beside their names.

    steps `[T]`, curves: name and values `[T]`; what is not finite leaves a gap, what is far above
    the others is drawn at the edge.
    """
    finite = np.concatenate([v[np.isfinite(v)] for _, v in curves] or [np.zeros(0)])
    # The first steps are far off; they would press all the others flat.
    top = min(float(finite.max()), 3 * float(np.median(finite))) * 1.05 if finite.size else 1.0
    low = min(0.0, float(finite.min())) if finite.size else 0.0
    top = top if top > low else 1.0
    last = float(steps[-1]) if len(steps) else 1.0
    left, right, foot = 34.0, width - 6.0, height - 16.0

    def place(step: float, value: float) -> str:
        x = left + (right - left) * step / last
        y = foot - (foot - 6) * (min(value, top) - low) / (top - low)
        return f"{x:.1f},{y:.1f}"

    lines, names = [], []
    for (name, values), colour in zip(curves, colours, strict=False):
        points = " ".join(place(s, v) for s, v in zip(steps, values, strict=True) if np.isfinite(v))
        lines.append(f"<polyline points='{points}' stroke='{colour}' />")
        value = f" {values[-1]:.3f}" if len(values) else ""
        names.append(f"<span style='color:{colour}'>■</span> {html.escape(name)}{value}")
    words = "fill='currentColor' font-size='10' opacity='.7'"
    return (
        f"<div style='line-height:1.4'>{html.escape(title)}<br><small>{' '.join(names)}</small>"
        f"<br><svg width='{width}' height='{height}' role='img' aria-label='{html.escape(title)}'>"
        f"<path d='M{left},4 V{foot} H{right}' fill='none' stroke='currentColor' opacity='.4'/>"
        f"<g fill='none' stroke-width='1.5'>{''.join(lines)}</g>"
        f"<text x='{left - 4}' y='12' text-anchor='end' {words}>{top:.2g}</text>"
        f"<text x='{left - 4}' y='{foot}' text-anchor='end' {words}>{low:.2g}</text>"
        f"<text x='{right}' y='{height - 3}' text-anchor='end' {words}>{last:,.0f}</text>"
        "</svg></div>"
    )
