"""Generative adversarial networks, small enough to read, fast enough to watch."""

__version__ = "0.1.0"
