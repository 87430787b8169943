"""A real Jupyter and a real browser around a notebook, for tests, benchmarks and pictures.

with jupyter(folder) as server, chromium() as browser:
    notebook = server.open(browser, "lab.ipynb")
    notebook.command("notebook:run-all-cells")
    notebook.page.get_by_role("button", name="Play").click()
    print(notebook.ask("lab.session.gan.step"))

Other pages are `jupyter(folder, opened=Notebook7)` and `notebook_6(folder, python)`.
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
from urllib.request import Request, urlopen

import nbformat

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
QUIET = "no-first-run disable-background-networking disable-component-update disable-sync"
NO_NEWS = {"fetchNews": "false"}
PATIENCE = 600  # seconds, only against hanging: a busy machine may be very slow
LISTENING = {"ip": "127.0.0.1", "open_browser": False, "allow_root": True}  # root, in containers
CONFIGURED = {
    "jupyter_server_config.json": {
        "ServerApp": LISTENING | {"port": 0},
        "LabApp": {"expose_app_in_browser": True},
        "JupyterNotebookApp": {"expose_app_in_browser": True},
    },
    "jupyter_notebook_config.json": {  # of Notebook 6, which would not say which port it has chosen
        "NotebookApp": LISTENING,
        "KernelManager": {"shutdown_wait_time": 1},
    },
}
PANEL = "jupyterapp.shell.currentWidget"
KERNEL = f"{PANEL}?.sessionContext?.session?.kernel"  # on a page just loaded there is none yet


@contextmanager
def jupyter(folder, theme="JupyterLab Light", kernels=None, settings=None, opened=None):
    """A JupyterLab on a free loopback port that shares no file with the reader's own.

    folder: what it shows. kernels: more of them, name -> the Python that runs it. settings: more of
    its settings. opened: Notebook7, where that is wanted.
    """
    opened = opened or Notebook
    apputils = "@jupyterlab/apputils-extension"
    looks = {f"{apputils}:themes": {"theme": theme}, f"{apputils}:notification": NO_NEWS}
    files = {"CONFIG/labconfig/default_setting_overrides.json": looks | (settings or {})}
    for name, python in (kernels or {}).items():
        files[f"DATA/kernels/{name}/kernel.json"] = kernel_spec(name, python)
    command = [sys.executable, "-m", opened.module, f"--ServerApp.root_dir={folder}"]
    with serving(command, files) as (url, token):
        yield Jupyter(url, token, opened)


@contextmanager
def notebook_6(folder, python):
    """The same for Notebook 6, which is installed in that Python."""
    with socket.socket() as free:
        free.bind((LISTENING["ip"], 0))
        port = free.getsockname()[1]
    command = [str(python), "-m", "notebook", f"--NotebookApp.notebook_dir={folder}"]
    with serving([*command, f"--NotebookApp.port={port}"]) as (url, token):
        yield Jupyter(url, token, Notebook6)


@contextmanager
def serving(command, files=None):
    """Address and token of a server with files of its own."""
    with tempfile.TemporaryDirectory(prefix="jupyter-", ignore_cleanup_errors=True) as home:
        files = {f"CONFIG/{name}": options for name, options in CONFIGURED.items()} | (files or {})
        for path, content in files.items():
            Path(home, path).parent.mkdir(parents=True, exist_ok=True)
            Path(home, path).write_text(json.dumps(content), "utf-8")
        own = {f"JUPYTER_{part}_DIR": f"{home}/{part}" for part in ("CONFIG", "DATA", "RUNTIME")}
        own["IPYTHONDIR"] = f"{home}/IPYTHON"
        with open(f"{home}/log", "w", encoding="utf-8") as log:
            server = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log)
        try:
            yield address(Path(home), server)
        finally:
            server.terminate()  # ends its kernels, too
            try:
                server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                server.kill()


def kernel_spec(name, python):
    """What Jupyter wants to know of a kernel."""
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    return {"argv": argv, "display_name": name, "language": "python"}


def address(home, server):
    """Where it listens, and its token, as soon as it says so."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        for file in home.glob("RUNTIME/*server-*.json"):
            with suppress(ValueError):  # half written
                about = json.loads(file.read_text("utf-8"))
                return about["url"], about["token"]
        time.sleep(0.1)
    raise RuntimeError(f"Jupyter did not start:\n{(home / 'log').read_text('utf-8')}")


@dataclass
class Jupyter:
    """A running server."""

    url: str
    token: str
    opened: type  # how its notebooks are handled

    def api(self, path, method="GET"):
        """An answer of its REST interface, e.g. of `api("kernels")`."""
        head = {"Authorization": f"token {self.token}"}
        request = Request(f"{self.url}api/{path}", method=method, headers=head)
        with urlopen(request, timeout=PATIENCE) as reply:
            return json.loads(reply.read() or "null")

    def open(self, browser, path, width=1300, height=1000, scale=1, prepare=None):
        """The notebook of that path in a new window, with its kernel connected.

        prepare: called with the window before anything is loaded.
        """
        size = {"width": width, "height": height}
        page = browser.new_context(viewport=size, device_scale_factor=scale).new_page()
        page.set_default_timeout(1000 * PATIENCE)
        notebook = self.opened(page, [], [])
        page.on("pageerror", lambda error: notebook.hear_error(str(error)))
        page.on("console", notebook.hear)
        if prepare:
            prepare(page)
        page.goto(f"{self.url}{notebook.path.format(path)}token={self.token}")
        notebook.wait_for_kernel()
        notebook.make_room()
        return notebook


@dataclass
class Opened:
    """An open notebook; `complaints` collects what the browser's console calls an error.

    But for widgets that anywidget gave up on, because the page was busy while it loaded them: a
    slow machine's own fault, from which the lab has to recover by itself. They are in `given_up`.
    """

    page: object
    complaints: list
    given_up: list

    def hear_error(self, text):
        (self.given_up if "Failed to initialize model" in text else self.complaints).append(text)

    def hear(self, message):
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def make_room(self):
        """Leave the window to the notebook."""

    def assert_no_complaints(self):
        """What the console has said was no error; it begins anew."""
        complaints = self.complaints.copy()
        self.complaints.clear()
        assert complaints == [], complaints

    def until(self, condition):
        """Look again until it is true; what it was in the end."""
        end = time.monotonic() + PATIENCE
        while not (answer := condition()):
            assert time.monotonic() < end, f"never so: {inspect.getsource(condition)}"
            self.page.wait_for_timeout(100)  # the browser goes on meanwhile
        return answer

    def ask(self, expression):
        """The value of a Python expression in the kernel, without a cell of its own."""
        content = {"code": "", "silent": True, "user_expressions": {"it": expression}}
        answer = self.page.evaluate(self.request, content)["user_expressions"]["it"]
        assert answer["status"] == "ok", f"{expression}: {answer}"
        return ast.literal_eval(answer["data"]["text/plain"])


class Notebook(Opened):
    """Of JupyterLab."""

    module = "jupyterlab"
    path = "lab/tree/{}?reset&"
    request = f"content => {KERNEL}.requestExecute(content).done.then(reply => reply.content)"

    def wait_for_kernel(self):
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
        connected = f"{KERNEL}?.connectionStatus === 'connected'"
        self.page.wait_for_function(connected)

    def make_room(self):
        self.command("application:toggle-left-area")  # the files

    def change_kernel(self, name):
        """Go on with a new kernel of this name."""
        self.page.evaluate(f"name => void {PANEL}.sessionContext.changeKernel({{ name }})", name)
        self.page.wait_for_function(f"name => {KERNEL}?.name === name", arg=name)
        self.wait_for_kernel()

    def command(self, name):
        """One of JupyterLab's commands; comes back when it is done."""
        return self.page.evaluate("name => jupyterapp.commands.execute(name)", name)

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


class Notebook7(Notebook):
    """Of Notebook 7, which is made of the same parts."""

    module = "notebook"
    path = "notebooks/{}?"

    def make_room(self):
        """There is nothing else on the page."""


class Notebook6(Opened):
    """Of Notebook 6, which shows widgets of ipywidgets 7."""

    path = "notebooks/{}?"
    request = """({ code, ...options }) => new Promise((resolve) => {
        const reply = ({ content }) => resolve(content);
        Jupyter.notebook.kernel.execute(code, { shell: { reply } }, options);
    })"""

    def wait_for_kernel(self):
        loaded = "window.Jupyter?.notebook?._fully_loaded"
        self.page.wait_for_function(f"{loaded} && Jupyter.notebook.kernel?.is_connected()")

    def command(self, name):
        """One of its actions, e.g. "jupyter-notebook:clear-cell-output"; does not wait for it."""
        self.page.evaluate("name => void Jupyter.actions.call(name)", name)

    def run_cell(self, index, source=None, wait=True):
        """Run one cell, with new text where there is one."""
        write_and_run = """([i, text]) => {
            if (text !== null) Jupyter.notebook.get_cell(i).set_text(text);
            Jupyter.notebook.select(i);
            Jupyter.notebook.execute_cells([i]);
        }"""
        self.page.evaluate(write_and_run, [index, source])
        if wait:
            done = "i => Jupyter.notebook.get_cell(i).input_prompt_number !== '*'"
            self.page.wait_for_function(done, arg=index)

    def cell(self, index):
        return self.page.locator("#notebook-container .cell").nth(index)

    def cells(self):
        """The cells with their present outputs, as in the file."""
        return self.page.evaluate("Jupyter.notebook.toJSON().cells")


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


def write_notebook(path, sources, kernel="python3"):
    """A notebook of code cells, for a kernel of that name."""
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec}), path)


def unavailable(reason, promised="REQUIRE_BROWSER"):
    """Skip the test, or fail where what it needs was promised."""
    import pytest  # not needed where a picture of the lab is taken

    (pytest.fail if os.environ.get(promised) == "1" else pytest.skip)(reason)
