"""Where the data that come with the notebooks lie."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent
#: The folders to look in: that of an installed package, that of a checkout.
EMBEDDED = (PACKAGE / "_data", PACKAGE.parent / "data")
