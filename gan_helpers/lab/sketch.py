"""Draw it yourself: lines from the reader's hand, and what translation networks make of them."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import torch
import traitlets
from torch import Tensor

from gan_helpers.checks import check_choice, check_int
from gan_helpers.lab.hosts import bundle
from gan_helpers.lab.in_cell import InCell
from gan_helpers.lab.labels import labels
from gan_helpers.lab.listening import Listening
from gan_helpers.lab.stage import bundled, pack_frame

HERE = Path(__file__).parent
Translator = Callable[[Tensor], Tensor]
ALONE = "answer"  # name of the answer where there is one translator only

OWN_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Draw it yourself",
        "tools": "drawing tools",
        "pen": "Pen",
        "eraser": "Eraser",
        "eraser_hint": "also with the right mouse button",
        "undo": "Undo",
        "redo": "Redo",
        "clear": "Clear",
        "example": "Start from a real line drawing",
        "example_hint": "each click brings the next one",
        "drawing": "your drawing",
        "drawing_keys": "draw with the mouse, or by keys: the arrows move the brush, with Shift "
        "they draw, space makes a dot",
        "answer": "the network's picture",
        "took": "{ms} ms",
        "knows_only": "A network knows only what it was trained on: whatever you draw, even a face "
        "or nothing at all, it turns into that.",
        "failed": "translate raised {error}",
        "no_tensor": "translate returned {kind}; "
        "it has to be a float tensor [1, C, {edge}, {edge}].",
        "wrong_shape": "translate returned shape {shape}; it has to be [1, C, {edge}, {edge}], "
        "with C = 1 for grey and 3 for colour.",
        "not_finite": "translate returned NaN or infinity in {n} of {of} values.",
        "plain": "This is a lab to draw in. It runs in JupyterLab or Colab.",
    },
    "ja": {
        "title": "自分で描いてみよう",
        "tools": "描画の道具",
        "pen": "ペン",
        "eraser": "消しゴム",
        "eraser_hint": "マウスの右ボタンでも消せます",
        "undo": "元に戻す",
        "redo": "やり直す",
        "clear": "全部消す",
        "example": "本物の線画から始める",
        "example_hint": "押すたびに次の線画に変わります",
        "drawing": "あなたの線画",
        "drawing_keys": "マウスで描きます。キーも使えます。矢印で筆が動き、"
        "Shiftと矢印で線、スペースで点が描けます",
        "answer": "ネットワークの絵",
        "took": "{ms} ms",
        "knows_only": "ネットワークが知っているのは、学習した画像だけです。顔を描いても、"
        "何も描かなくても、学習した種類の画像に変えてしまいます。",
        "failed": "translate でエラーが起きました：{error}",
        "no_tensor": "translate が {kind} を返しました。"
        "[1, C, {edge}, {edge}] の浮動小数点テンソルにしてください。",
        "wrong_shape": "translate が返した形は {shape} です。[1, C, {edge}, {edge}]"
        "（C は白黒なら 1、カラーなら 3）にしてください。",
        "not_finite": "translate の出力 {of} 個のうち {n} 個が NaN か無限大です。",
        "plain": "線を描いて試すラボです。JupyterLab か Colab で動きます。",
    },
}
SHARED = ("screen", "screen_leave")  # words of the lab
TEXT = {lang: own | {key: labels(lang)[key] for key in SHARED} for lang, own in OWN_WORDS.items()}


class Sketch(Listening):
    """The sheet to draw on, and the answers beside it.

    Messages to Python (`on_msg`), each a dict with a "type":
    "lines" (n: its number, source: which view drew it; one buffer: uint8 `[edge, edge]`), of which
    the next is sent only when `frame` has answered the last one; "example" (the next one, please);
    "here" and "gone" (view: its name), "deaf" (see `Listening`).
    """

    _esm = bundled("screen", "sketch")
    _css = (HERE / "sketch.css").read_text(encoding="utf-8")

    edge = traitlets.Int(28, min=8, max=256).tag(sync=True)  # of the drawing, in pixels
    labels = traitlets.Dict(dict(TEXT["en"])).tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    examples = traitlets.Bool(False).tag(sync=True)  # whether there are any to start from
    frame = traitlets.Bytes(b"").tag(sync=True)  # of pack_frame: drawing, answers, what went wrong


class BadAnswer(ValueError):
    """What a translator returned is no picture; says so in the reader's language."""


class DrawLab(InCell):
    """A sheet to draw lines on, and what a network makes of them while you draw.

    Show it by making it the last expression of a cell.

    Args:
        translate: lines `[1, 1, edge, edge]` in [-1, 1], on the CPU, a line +1 on a background of
            -1 -> a picture `[1, C, edge, edge]` in [-1, 1], C = 1 or 3; or several of them by name,
            e.g. `{"L1": f, "cGAN": g}`, whose answers then stand side by side.
        examples: real line drawings to start from, `[N, 1, edge, edge]` in [-1, 1].
        edge: of the drawing, in pixels.
        lang: language of the words around it, "ja" or "en".
        title: words above it, if any.

    Attributes:
        lines: the last drawing, `[1, 1, edge, edge]` in [-1, 1].
        answers: name -> what came of it; a single translator's is called "answer".
        errors: name -> what it raised instead, with its traceback: `raise lab.errors["answer"]`.

    Raises:
        ValueError, TypeError: if an argument is of the wrong kind, shape or range.
    """

    def __init__(
        self,
        translate: Translator | Mapping[str, Translator],
        examples: Tensor | None = None,
        edge: int = 28,
        lang: str = "en",
        title: str | None = None,
    ) -> None:
        self.text = TEXT[check_choice("lang", lang, TEXT)]
        self.edge = check_int("edge", edge, 8, 256)
        self.translators = check_translators(translate)
        self.examples = None if examples is None else check_lines("examples", examples, edge)
        # Callbacks run on a thread of their own in ipykernel 7 while a cell may call `draw`.
        self._busy, self._counting = threading.Lock(), threading.Lock()
        self._newest = self._serial = self._example = 0
        self.title = title or ""
        self.canvas = self._new_canvas()
        self.box = W.VBox([self.canvas])
        blank = torch.full((1, 1, edge, edge), -1.0)
        self.draw(blank if self.examples is None else self.examples[:1])
        self._settle_in_cell()

    def draw(self, lines: Tensor) -> None:
        """Put this drawing on the sheet, and answer it here and now.

        lines: `[1, 1, edge, edge]` in [-1, 1].
        """
        check_lines("lines", lines, self.edge, only_one=True)
        self._take_ticket()  # what the browser asked before this is not worth answering any more
        with self._busy:
            self._answer(lines.detach().cpu().clone(), f"python {self._serial}", 0)

    def _new_canvas(self, **traits: Any) -> Sketch:
        some = self.examples is not None
        canvas = Sketch(edge=self.edge, labels=self.text, title=self.title, examples=some, **traits)
        canvas.on_msg(self._on_message)
        return canvas

    def _renew_canvas(self) -> None:
        """Put another canvas in place of one that hears nothing any more."""
        with self._busy:
            deaf = self.canvas
            self.canvas = self._new_canvas(patience=2 * deaf.patience, frame=deaf.frame)
            self.box.children = [self.canvas]
            deaf.close()

    def _on_message(self, canvas: Sketch, content: dict[str, Any], buffers: list[Any]) -> None:
        if canvas is not self.canvas:  # it has a successor
            return
        if content.get("type") == "here":
            canvas.heard += 1
            self._note_views(str(content.get("view")), 1)
        elif content.get("type") == "gone":
            self._note_views(str(content.get("view")), 0)
        elif content.get("type") == "deaf":
            self._renew_canvas()
        elif content.get("type") == "example" and self.examples is not None:
            self._example = (self._example + 1) % len(self.examples)
            self.draw(self.examples[self._example : self._example + 1])
        elif content.get("type") == "lines" and len(buffers) == 1:
            pixels = torch.frombuffer(bytearray(buffers[0]), dtype=torch.uint8)
            if pixels.numel() != self.edge**2:
                return  # of another front-end's making
            lines = pixels.view(1, 1, self.edge, self.edge) / 127.5 - 1
            ticket = self._take_ticket()
            with self._busy:
                if ticket == self._newest:  # else there is something newer by now: latest wins
                    self._answer(lines, str(content.get("source")), int(content.get("n", 0)))

    def _take_ticket(self) -> int:
        with self._counting:
            self._newest += 1
            return self._newest

    def _answer(self, lines: Tensor, source: str, n: int) -> None:
        # n and source tell the view that asked that this is for it; other views take the drawing.
        answers: dict[str, Tensor] = {}
        errors: dict[str, Exception] = {}
        milliseconds = []
        for name, translate in self.translators.items():
            start = time.perf_counter()
            try:
                with torch.no_grad():  # per thread
                    answers[name] = self._check_answer(translate(lines.clone()))
            except Exception as error:
                errors[name] = error
            milliseconds.append(1000 * (time.perf_counter() - start))
        self.lines, self.answers, self.errors = lines, answers, errors
        self._serial += 1  # no two frames are equal, so each of them reaches the browser
        alone = list(self.translators) == [ALONE]
        header = {
            "source": source,
            "n": n,
            "serial": self._serial,
            "names": [self.text["answer"]] if alone else list(self.translators),
            "ms": milliseconds,
            "troubles": [self._words(errors.get(name)) for name in self.translators],
        }
        arrays = {
            str(k): as_bytes(answers[name])
            for k, name in enumerate(self.translators)
            if name in answers
        }
        self.canvas.frame = pack_frame(header, {"lines": as_bytes(lines), **arrays})

    def _check_answer(self, answer: object) -> Tensor:
        edge, text = self.edge, self.text
        if not isinstance(answer, Tensor) or not answer.is_floating_point():
            kind = str(getattr(answer, "dtype", type(answer).__name__))
            raise BadAnswer(text["no_tensor"].format(kind=kind, edge=edge))
        if answer.shape not in ((1, 1, edge, edge), (1, 3, edge, edge)):
            raise BadAnswer(text["wrong_shape"].format(shape=list(answer.shape), edge=edge))
        answer = answer.detach().cpu().float()
        if bad := int((~answer.isfinite()).sum()):
            raise BadAnswer(text["not_finite"].format(n=bad, of=answer.numel()))
        return answer

    def _words(self, error: Exception | None) -> str:
        if error is None or isinstance(error, BadAnswer):
            return "" if error is None else str(error)
        first = str(error).strip().partition("\n")[0]  # torch says more than fits
        last_line = f"{type(error).__name__}: {first}" if first else type(error).__name__
        return self.text["failed"].format(error=last_line[:200])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget; words and the last picture for front-ends that cannot run it."""
        with self._busy:
            png = sketch_png(self.lines, {n: self.answers.get(n) for n in self.translators})
        return bundle(self.box, **{"text/plain": self.text["plain"], "image/png": png})


def check_translators(translate: object) -> dict[str, Translator]:
    """Name -> translator, whether one was given or several."""
    named = translate if isinstance(translate, Mapping) else {ALONE: translate}
    if not named:
        raise ValueError("translate is empty; give at least one function by name.")
    for name, function in named.items():
        if not isinstance(name, str) or not callable(function):
            raise TypeError(
                f"translate has {name!r}: {type(function).__name__}; it has to be a function from "
                "lines to a picture, or names with such functions."
            )
    return dict(named)


def check_lines(name: str, x: object, edge: int, only_one: bool = False) -> Tensor:
    """Return `x` if it holds line drawings, float32 `[N, 1, edge, edge]` in [-1, 1]."""
    if not isinstance(x, Tensor) or x.dtype != torch.float32:
        kind = getattr(x, "dtype", type(x).__name__)
        raise TypeError(f"{name} is {kind}; it has to be a float32 tensor of lines in [-1, 1].")
    if x.dim() != 4 or len(x) == 0 or x.shape[1:] != (1, edge, edge) or (only_one and len(x) != 1):
        wanted = f"[{1 if only_one else 'N'}, 1, {edge}, {edge}]"
        raise ValueError(
            f"{name} has shape {list(x.shape)}; it has to be {wanted}, as edge = {edge}."
        )
    low, high = (float(bound) for bound in x.aminmax())
    if not (low >= -1 and high <= 1):  # NaN fails both
        raise ValueError(
            f"{name} ranges from {low:g} to {high:g}; it has to be in [-1, 1], a line +1 on a "
            "background of -1, without NaN."
        )
    return x


def as_bytes(x: Tensor) -> np.ndarray:
    """`[1, C, H, W]` in [-1, 1] -> uint8 `[H, W]`, or `[H, W, 3]` if C = 3."""
    grey = (127.5 * (x[0].cpu().clamp(-1, 1) + 1)).round().to(torch.uint8)
    return (grey[0] if len(grey) == 1 else grey.permute(1, 2, 0)).numpy()


def sketch_png(lines: Tensor, answers: Mapping[str, Tensor | None]) -> bytes:
    """Drawing and answers side by side; words are English, as in all figures."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(2.2 * (1 + len(answers)), 2.5), dpi=80, layout="constrained")
    axes = fig.subplots(1, 1 + len(answers), squeeze=False)[0]
    axes[0].imshow(as_bytes(lines), cmap="gray_r", vmin=0, vmax=255)
    axes[0].set_title("drawing", fontsize=9)
    for k, (ax, (name, answer)) in enumerate(zip(axes[1:], answers.items(), strict=True)):
        # A number stands in for a name that the font of figures may lack.
        ax.set_title(name if name.isascii() else f"{k + 1}", fontsize=9)
        if answer is None:
            ax.text(0.5, 0.5, "failed", ha="center", va="center", transform=ax.transAxes)
        else:
            ax.imshow(as_bytes(answer), cmap="gray", vmin=0, vmax=255)
        ax.set_aspect("equal")
    for ax in axes:
        ax.set(xticks=[], yticks=[])
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    return buffer.getvalue()
