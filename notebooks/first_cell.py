LANG = "ja"  # the language of the control labels: "ja" or "en"

from importlib.util import find_spec
from pathlib import Path
from subprocess import check_call
from sys import executable as py, path

SOURCE: dict = {}  # the rest does something only where gan_helpers is missing, and only once
above = [] if find_spec("gan_helpers") else Path.cwd().parents  # perhaps a clone, used as it is
path += (clone := [str(d) for d in above if (d / "gan_helpers/__init__.py").exists()][:1])
missing = [m for m in ("gan_helpers", "torch", "matplotlib", "anywidget") if not find_spec(m)]
assert SOURCE or "gan_helpers" not in missing, "Open this notebook in a clone of its repository."
pip = [py, "-m", "pip", "install"] if find_spec("pip") else ["uv", "pip", "install", "-p", py]
for name in missing:
    check_call([*pip, "-q", *SOURCE.get(name, [name])])
if clone + missing:
    print("Added to this kernel:", *clone, *missing)
