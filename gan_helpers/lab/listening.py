"""Widgets that notice when the page has stopped listening to them."""

from __future__ import annotations

import anywidget
import traitlets


class Listening(anywidget.AnyWidget):
    """A widget whose page asks for an answer, and says so if there is none.

    Where a page was busy for two seconds while it loaded a widget, anywidget 0.11 gives up on it:
    whatever the kernel sends is dropped from then on, and only what the page sends still arrives.
    So each view sends a message that is to be answered by a larger `heard`, and {"type": "deaf"}
    if that answer does not come; the widget then needs a successor, with more patience.
    """

    heard = traitlets.Int(0).tag(sync=True)  # how often Python has answered
    patience = traitlets.Float(10.0).tag(sync=True)  # seconds that a view waits for the answer
