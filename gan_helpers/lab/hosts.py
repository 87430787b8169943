"""What differs between the places in which a lab is shown; nothing else in the package knows.

ipywidgets 7 (Colab, Notebook 6) and 8, Colab's own rules, kernels without threads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import ipywidgets as W
from IPython.display import display

WIDGET = "application/vnd.jupyter.widget-view+json"
OLD_WIDGETS = int(W.__version__.split(".")[0]) < 8
DRIVERS = ("thread", "page")  # who makes a lab move: see `worker` and `pulse`


def on_colab() -> bool:
    return "google.colab" in sys.modules


def default_driver() -> str:
    """A thread of the kernel's, but where it is known that what a thread sends gets nowhere.

    Colab shows only what answers a request of the page (googlecolab/colabtools#3373), Python in
    the browser (JupyterLite) has no threads, and in ipykernel 7.0.0 their output fails.
    """
    try:
        broken = version("ipykernel") == "7.0.0"
    except PackageNotFoundError:
        broken = False
    return "page" if on_colab() or sys.platform == "emscripten" or broken else "thread"


def enable_widgets() -> None:
    """Colab shows other people's widgets only once it has been asked to."""
    if on_colab():
        sys.modules["google.colab"].output.enable_custom_widget_manager()


def bundle(widget: W.DOMWidget, **others: Any) -> dict[str, Any]:
    """The mimebundle of a widget, with what front-ends show that cannot run it.

    ipywidgets 7 has no `_repr_mimebundle_`. A widget that is closed has no view any more.
    """
    words = repr(widget)
    found: dict[str, Any] = {"text/plain": words[:110] + "…" if len(words) > 110 else words}
    if widget.comm is not None:
        view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
        found[WIDGET] = view
    return {**found, **others}


def show(data: Mapping[str, Any]) -> None:
    """Show a mimebundle as something displayed, never as a cell's result.

    To displayed data alone Colab adds where its page finds third-party widgets (anywidget#63).
    """
    display(dict(data), raw=True)


def hint(words: str) -> dict[str, str]:
    """The keyword by which a widget that is no button takes the words shown under the mouse."""
    return {"description_tooltip" if OLD_WIDGETS else "tooltip": words}


def folded(
    groups: Mapping[str, Sequence[W.Widget]], layout: W.Layout, opened: int | None
) -> W.Accordion:
    """Groups of widgets, by their titles; all are folded but the one that is opened."""
    boxes = [W.Box(list(widgets), layout=layout) for widgets in groups.values()]
    accordion = W.Accordion(boxes, selected_index=opened)
    for k, title in enumerate(groups):
        accordion.set_title(k, title)  # in 7 there is no other way
    return accordion


def taken(upload: W.FileUpload) -> list[tuple[str, bytes]]:
    """Name and content of the files that were chosen; the widget is empty again then."""
    files = upload.value
    if OLD_WIDGETS:
        upload.set_trait("value", {})  # else the same file, chosen again, would be no news
        return [(name, bytes(file["content"])) for name, file in files.items()]
    upload.value = ()
    return [(file["name"], bytes(file["content"])) for file in files]


def parts_of(things: Any) -> Iterator[W.Widget]:
    """All open widgets among these things, and the widgets that those are made of."""
    for thing in things.values() if isinstance(things, Mapping) else things:
        if isinstance(thing, W.Widget) and thing.comm is not None:
            yield thing
            yield from parts_of([getattr(thing, name) for name in thing.keys])
        elif isinstance(thing, (Mapping, list, tuple)):
            yield from parts_of(thing)
