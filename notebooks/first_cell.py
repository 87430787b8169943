"""The first code cell of every notebook; the build leaves this text out, and the marks `# ja`.

A line that ends in `# ja` or `# en` stands in that edition only. Colab draws a form from the
comments that begin with `@`.

Where gan_helpers can be imported, the cell does nothing. A clone around the notebook, or the
folder ADDRESS, is used as it is. From git or a zip, gan_helpers is installed without what it
depends on, so that the torch of Colab stays as it is; `hub` and `git` turn what stands in a
browser's address bar into what git understands.

The exception shows its sentence where others show a traceback, and stops "Run all" as they do.
SystemExit stops it too, but adds a warning and a hint at %tb, in English, in red.
"""

# @title 準備：最初にこのセルを実行してください  # ja
# @title Setup: run this cell first  # en
LANG = "ja"  # @param ["ja", "en"]  # ja
LANG = "en"  # @param ["ja", "en"]  # en
ADDRESS = ""  # @param {"type":"string","placeholder":"GitHub、フォルダー、zip（必要なら）"}  # ja
ADDRESS = ""  # @param {"type":"string","placeholder":"GitHub, folder or zip, if needed"}  # en

import re
from importlib.util import find_spec
from pathlib import Path
from subprocess import run
from sys import executable as py, modules, path

LOST = f" が見つかりません（このセルの ADDRESS：{ADDRESS or '空欄'}）。"  # ja
LOST += "ADDRESS に教材のGitHubアドレス、フォルダー、zipのどれかを入れ、再実行してください。"  # ja
LOST = f" was not found (ADDRESS in this cell: {ADDRESS or 'empty'}). "  # en
LOST += "Set ADDRESS to the GitHub address, folder or zip of these notebooks; then run again."  # en
place = Path(address := ADDRESS.strip().removeprefix("git+")).expanduser().absolute()
above = [] if find_spec("gan_helpers") else [*Path.cwd().parents, place, *place.parents]
if above and "google.colab" in modules and "/content/drive" in address and not place.exists():
    modules["google.colab"].drive.mount("/content/drive")
path += (clone := [str(d) for d in above if (d / "gan_helpers/__init__.py").exists()][:1])
missing = [m for m in ("gan_helpers", "torch", "matplotlib", "anywidget") if not find_spec(m)]
pip = [py, "-m", "pip", "install"] if find_spec("pip") else ["uv", "pip", "install", "-p", py]
hub = r"(?:.*?github(?:\.com)?[/:])?([\w-]+/[\w.-]+?)(?:\.git)?(?:/(?:tree|blob)/([^/?#]+))?"
git = re.sub(rf"^{hub}(?:[/?#].*)?$", r"https://github.com/\1@\2", address).rstrip("@")
what = {"gan_helpers": address and ["--no-deps", address if ".zip" in address else f"git+{git}"]}
for name in missing:  # pip says what went wrong, this cell what to do
    if not ((args := what.get(name, [name])) and run([*pip, "-q", *args]) and find_spec(name)):
        raise type("Stop", (Exception,), {"_render_traceback_": lambda e: [str(e)]})(name + LOST)
if clone + missing:
    print("準備ができました。このカーネルに加えたもの：" + "、".join(clone + missing))  # ja
    print("Ready. Added to this kernel: " + ", ".join(clone + missing))  # en
