"""Conditional GANs (12.4.4): a class, and a picture of it."""
