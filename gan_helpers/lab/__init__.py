"""The live lab: an engine without a screen, the thread that drives it, and the view."""

# torch would load this at the first optimizer, while the reader waits for the first picture.
import torch._dynamo  # noqa: F401

from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.view import Lab

__all__ = ["ClassSession", "Lab", "Session"]
