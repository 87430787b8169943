"""The live lab: an engine without a screen, the thread that drives it, and the view."""

from gan_helpers.lab.session import Session
from gan_helpers.lab.view import Lab

__all__ = ["Lab", "Session"]
