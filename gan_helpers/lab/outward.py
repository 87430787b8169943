"""What leads out of a lab and back into it: files, and code."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import ipywidgets as W

from gan_helpers.files import replace_file
from gan_helpers.lab.as_code import as_code
from gan_helpers.lab.console import Console
from gan_helpers.lab.engine.saved import Own, pack_session, unpack_session
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.hosts import taken
from gan_helpers.saved import as_file, from_file, read_file

MOST_ROWS = 40  # of code that are seen at once
Owner = TypeVar("Owner", bound="Outward")


class Outward(Console):
    """A lab that can be saved, opened from a file, and told as code."""

    lang: str

    # --- from a cell ---------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write all of this training to a file, from which `Lab.load` goes on to the last bit.

        Of the way back in time only the present is kept. Returns the path.

        Args:
            path: of the file, e.g. "run.safetensors"; its folder has to exist.

        Raises:
            ValueError: while several GANs stand side by side: pick one first.
            ValueError, TypeError: if this GAN cannot be saved, see `save_gan`.
            OSError: if the file cannot be written; the message says why.
        """
        with self.worker.lock:
            content = self._as_file()
        return replace_file(path, content)

    @classmethod
    def load(
        cls: type[Owner],
        path: str | Path,
        *,
        lang: str = "en",
        data: Any = None,
        loss: Any = None,
        train_step: Any = None,
        device: str | None = None,
        driver: str | None = None,
    ) -> Owner:
        """The lab that `save` has written; on the same machine it goes on with the same numbers.

        Args:
            path: of the file.
            lang: language of the controls, "ja" or "en".
            data, loss, train_step: those of your own, which a file does not hold.
            device: where to go on; by default where it was.
            driver: as for `Lab`.

        Raises:
            FileNotFoundError, OSError: if there is no such file, or it is none of a lab, damaged,
                or of a later version; the message says what to do.
            ValueError, TypeError: if something of your own is missing, or does not fit.
        """
        about, tensors = read_file(path)
        own = Own(data, loss, train_step, device)
        session = unpack_session(about, tensors, str(path), own)
        settings = {"experiment": session.experiment, "distance": session.distance}
        look = {name: about["look"][name] for name in ("remedies", "unfold")}
        where = {"seed": session.seed, "device": session.device, "driver": driver}
        lab = cls(session.data, lang=lang, **settings, **look, **where)  # type: ignore[call-arg]
        lab._take_up(session, Path(path).name, about["look"]["treated"])
        lab._publish_and_beat()
        return lab

    def as_code(self) -> str:
        """The lines that make this lab, and a plain loop that computes the same numbers."""
        with self.worker.lock:
            look = {
                "lang": self.lang if self.lang != "en" else None,
                "remedies": self.with_remedies or None,
                "distance": self.session.distance,
                "unfold": self.unfolded,
            }
            differ = {name: value for name, value in look.items() if value is not None}
            return as_code(self.shown, self.mode, differ, self.text)

    # --- the row of tools ----------------------------------------------------------------------

    def _add_tools(self) -> None:
        t = self.text
        save = self._button("save_file", lambda: self.worker.post(self._send), icon="download")
        save.tooltip = t["save_file_hint"]
        self.upload = W.FileUpload(accept=".safetensors", description=t["open_file"])
        self.upload.tooltip, self.upload.layout.width = t["open_file_hint"], "auto"
        self.upload.observe(lambda _: self._on_upload(), "value")
        self.code_button = W.ToggleButton(
            description=t["as_code"], tooltip=t["as_code_hint"], icon="code"
        )
        self.code_button.layout.width = "auto"
        self.code_button.observe(lambda _: self.worker.post(self._show_code), "value")
        self.code = W.Textarea()
        self.code.layout.width = "100%"
        copy = self._button("copy_code", lambda: self.worker.post(self._copy), icon="copy")
        copy.layout.align_self = "flex-start"
        self.code_box = W.VBox([self.code, copy])
        self.code_box.layout.width, self.code_box.layout.display = "100%", "none"
        self.tools += [save, self.upload, self.code_button]
        super()._add_tools()
        self.tools.append(self.code_box)

    def _on_upload(self) -> None:
        for name, content in taken(self.upload):
            self.worker.post(partial(self._open, name, content))

    # --- commands: run between two steps -------------------------------------------------------

    def _send(self) -> None:
        """Let the page save the file."""
        content = self._as_file()
        name = self._give("safetensors", content, self.session.at)
        self._say("saved", name=name, size=f"{len(content) / 1e6:.1f}", step=self.session.at)

    def _open(self, name: str, content: bytes) -> None:
        """Go on from a file that the page has sent."""
        about, tensors = from_file(content, name)
        session = unpack_session(about, tensors, name, Own())
        mine, its = self.session, session
        if type(its) is not type(mine) or (its.kind == "1d") != (mine.kind == "1d"):
            raise ValueError(
                f"{name} holds another kind of lab, a {type(its.gan).__name__} on {its.kind} "
                f"data; open it in a cell: Lab.load({name!r})."
            )
        self._take_up(session, name, about["look"]["treated"])

    def _take_up(self, session: Session, name: str, treated: dict[str, Any]) -> None:
        """Show and train this session in place of the one there was."""
        self.worker.playing = False
        self.session = self.worker.session = session
        self.comparison, self.compared, self.treated = None, "one", treated
        self._unled = None
        self._say("resumed", name=name, step=session.at)

    def _as_file(self) -> bytes:
        if self.comparison is not None:
            raise ValueError(
                "several GANs stand side by side, and a file holds one: choose it by a click or "
                "lab.pick(name), or go back to the one they came from by lab.compare('one'); then "
                "save."
            )
        tensors: dict[str, Any] = {}
        about = pack_session(self.session, tensors)
        named = (str, bool, int, float, type(None))  # a loss of the reader's own is none of these
        known = {
            name: before
            for name, before in self.treated.items()
            if all(isinstance(value, named) for value in before.values())
        }
        look = {"remedies": self.with_remedies, "unfold": self.unfolded, "treated": known}
        return as_file({**about, "look": look}, tensors)

    def _show_code(self) -> None:
        """Write the code as of now, or put it away."""
        if self.code_button.value:
            self.code.value = code = self.as_code()
            self.code.rows = min(code.count("\n") + 1, MOST_ROWS)
        self.code_box.layout.display = None if self.code_button.value else "none"

    def _copy(self) -> None:
        self.stage.send({"type": "copy", "text": self.code.value})
