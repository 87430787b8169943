"""A real JupyterLab and a real browser around a notebook, for tests, benchmarks and pictures.

with jupyter(folder) as server, chromium() as browser:
    notebook = server.open(browser, "lab.ipynb")
    notebook.run_all()
    notebook.page.get_by_role("button", name="Play").click()
    print(notebook.ask("lab.session.gan.step"))
"""

import ast
import inspect
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.request import Request, urlopen

CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), ""
)
QUIET = "no-first-run disable-background-networking disable-component-update disable-sync"
SETTINGS = {"apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}}


@contextmanager
def jupyter(folder, theme="JupyterLab Light", kernels=None):
    """A JupyterLab on a free loopback port that shares no file with the reader's own.

    folder: what it shows. kernels: more of them, name -> the Python that runs it.
    """
    with tempfile.TemporaryDirectory(prefix="jupyter-", ignore_cleanup_errors=True) as home:
        server = Jupyter(Path(home), free_port(), token_hex())
        for plugin, values in (SETTINGS | {"apputils-extension/themes": {"theme": theme}}).items():
            write_json(server.home / f"settings/@jupyterlab/{plugin}.jupyterlab-settings", values)
        for name, python in (kernels or {}).items():
            argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            spec = {"argv": argv, "display_name": name, "language": "python"}
            write_json(server.home / f"JUPYTER_DATA_DIR/kernels/{name}/kernel.json", spec)
        process = server.start(folder)
        try:
            server.wait_until_up(process)
            yield server
        finally:
            with suppress(OSError):  # kernels first: they outlive a server that is killed
                for kernel in server.api("kernels"):
                    server.api(f"kernels/{kernel['id']}", "DELETE")
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass
class Jupyter:
    """A running JupyterLab; everything it writes is in `home`."""

    home: Path
    port: int
    token: str

    def start(self, folder):
        own = ["CONFIG", "DATA", "RUNTIME"]
        env = {f"JUPYTER_{name}_DIR": str(self.home / f"JUPYTER_{name}_DIR") for name in own}
        env |= {"IPYTHONDIR": str(self.home / "ipython"), "JUPYTER_TOKEN": self.token}
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": folder,
            "ServerApp.open_browser": False,
            "ServerApp.allow_root": True,  # as in containers
            "LabApp.user_settings_dir": self.home / "settings",
            "LabApp.workspaces_dir": self.home / "workspaces",
            "LabApp.expose_app_in_browser": True,
        }
        command = [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in options.items())]
        with open(self.home / "log", "w") as log:
            return subprocess.Popen(command, env=os.environ | env, stdout=log, stderr=log)

    def wait_until_up(self, process, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end and process.poll() is None:
            with suppress(OSError):
                return self.api("status")
            time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{(self.home / 'log').read_text()}")

    def api(self, path, method="GET"):
        url = f"http://127.0.0.1:{self.port}/api/{path}"
        request = Request(url, method=method, headers={"Authorization": f"token {self.token}"})
        with urlopen(request, timeout=10) as reply:
            return json.loads(reply.read() or "null")

    def open(self, browser, path, width=1300, height=1000, scale=1):
        """The notebook of that path in a new window, with its kernel connected."""
        context = browser.new_context(
            viewport={"width": width, "height": height}, device_scale_factor=scale
        )
        notebook = Notebook(context.new_page(), [])
        notebook.listen()
        notebook.page.goto(f"http://127.0.0.1:{self.port}/lab/tree/{path}?reset&token={self.token}")
        notebook.page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)
        notebook.command("application:toggle-left-area")  # the files; the notebook gets the room
        notebook.page.wait_for_function(
            f"{KERNEL}?.connectionStatus === 'connected'", timeout=60_000
        )
        return notebook


PANEL = "jupyterapp.shell.currentWidget"
KERNEL = f"{PANEL}.sessionContext.session?.kernel"


@dataclass
class Notebook:
    """An open notebook; `complaints` collects what the browser's console calls an error."""

    page: object
    complaints: list

    def listen(self):
        def console(message):
            if message.type == "error":
                self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

        self.page.on("console", console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def command(self, name):
        """One of JupyterLab's commands; comes back when it is done."""
        return self.page.evaluate("name => jupyterapp.commands.execute(name)", name)

    def run_all(self):
        self.command("notebook:run-all-cells")

    def run_cell(self, index, source=None, wait=True):
        """Run one cell, with new text where there is one."""
        if source is not None:
            write = f"([i, text]) => {PANEL}.content.widgets[i].model.sharedModel.setSource(text)"
            self.page.evaluate(write, [index, source])
        self.page.evaluate(f"i => {{ {PANEL}.content.activeCellIndex = i }}", index)
        run = "jupyterapp.commands.execute('notebook:run-cell')"
        self.page.evaluate(run if wait else f"void {run}")

    def cell(self, index):
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def cells(self):
        """The cells with their present outputs, as in the file."""
        return self.page.evaluate(f"{PANEL}.content.model.toJSON().cells")

    def until(self, condition, seconds=30):
        """Look again until it is true; what it was in the end."""
        end = time.monotonic() + seconds
        while not (answer := condition()):
            assert time.monotonic() < end, (
                f"not so after {seconds} s: {inspect.getsource(condition)}"
            )
            self.page.wait_for_timeout(20)  # the browser goes on meanwhile
        return answer

    def ask(self, expression):
        """The value of a Python expression in the kernel, without a cell of its own."""
        code = {"code": "", "silent": True, "user_expressions": {"it": expression}}
        ask = f"code => {KERNEL}.requestExecute(code).done.then(r => r.content.user_expressions.it)"
        answer = self.page.evaluate(ask, code)
        assert answer["status"] == "ok", f"{expression}: {answer}"
        return ast.literal_eval(answer["data"]["text/plain"])


@contextmanager
def chromium():
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    arguments = [f"--{name}" for name in f"no-sandbox disable-gpu {QUIET}".split()]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
