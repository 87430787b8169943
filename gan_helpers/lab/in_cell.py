"""Any lab as a part of its cell: shown there, and ended when the cell is run again."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import ipywidgets as W
from IPython.core.getipython import get_ipython

from gan_helpers.lab import hosts

_live: weakref.WeakSet[InCell] = weakref.WeakSet()  # to end the lab of a cell that is run again
_hooked: weakref.WeakSet[Any] = weakref.WeakSet()  # shells that tell when a cell begins and ends


@dataclass(frozen=True)
class Cell:
    """What identifies a cell: the id that the front-end gives it, or its text where it has none."""

    name: str
    known: bool  # whether it is an id; two cells may have the same text


class InCell:
    """A lab that belongs to the cell that made it."""

    box: W.VBox  # all that is shown
    _cell: Cell | None = None  # that made it
    _execution = 0
    _outdated = False  # whether its cell has been run again, as far as can be known
    _views: dict[str, int]  # who looks -> with how many views

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget, and what front-ends show that cannot run it."""
        raise NotImplementedError

    def _ipython_display_(self) -> None:
        hosts.show(self._repr_mimebundle_())

    def close(self) -> None:
        """Take the lab off the page."""
        _live.discard(self)
        for widget in list(hosts.parts_of(vars(self))):  # every page loads what is open
            widget.close()

    def _settle_in_cell(self) -> None:
        """End the labs that an earlier run of this cell has made."""
        hosts.enable_widgets()
        shell = get_ipython()
        self._views = {}
        self._cell, self._execution = current_cell()
        for lab in list(_live):
            if lab._cell == self._cell is not None and lab._execution != self._execution:
                lab._end(certainly=self._cell.known)
        _live.add(self)
        if shell is not None and shell not in _hooked:
            shell.events.register("pre_run_cell", tell_that_a_cell_begins)
            shell.events.register("post_run_cell", tell_that_a_cell_ends)
            _hooked.add(shell)

    def _end(self, certainly: bool) -> None:
        """Its cell has been run again; or another one with the same text, in which it is seen."""
        self._outdated = True
        if certainly or not any(self._views.values()):
            self.close()

    def _note_views(self, page: str, count: int) -> None:
        """How many views of it a page has, or a part of a page."""
        self._views[page] = count
        if not any(self._views.values()):
            self.close() if self._outdated else self._rest()

    def _rest(self) -> None:
        """Nobody looks any more."""

    def _cell_begins(self) -> None:
        """Some cell of the notebook is about to run."""

    def _cell_ends(self, interrupted: bool) -> None:
        """It has run."""


def current_cell() -> tuple[Cell | None, int]:
    """The cell being run, and how many times cells have been run."""
    shell = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if shell is None or kernel is None:
        return None, 0
    parent = kernel.get_parent() or {}
    if name := parent.get("metadata", {}).get("cellId"):
        return Cell(name, True), shell.execution_count
    if code := parent.get("content", {}).get("code"):
        return Cell(code, False), shell.execution_count
    return None, shell.execution_count


def tell_that_a_cell_begins(info: Any) -> None:
    for lab in list(_live):
        lab._cell_begins()


def tell_that_a_cell_ends(result: Any) -> None:
    for lab in list(_live):
        lab._cell_ends(isinstance(result.error_in_exec, KeyboardInterrupt))
