"""The notebooks and the labs in Colab's environment, beside a stand-in for google.colab.

What Colab's own page makes of them can be seen only there.
"""

import ast
import json
import sys
from importlib.metadata import version

import nbformat
import pytest
from colab_environment import PYTHON, TORCH, VERSIONS, colab_python
from jupyter_browser import PATIENCE, kernel_spec
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from shortening import shortened

from assemble import INDEX, ROOT, sections
from build import WIDGET, built_path

MANAGER = {"url": "https://example.org/manager.min.js"}
GOOGLE_COLAB = {
    "__init__.py": "from google.colab import output",
    "output.py": f'''
from IPython import get_ipython

def enable_custom_widget_manager():
    publisher = get_ipython().display_pub
    publisher.unregister_hook(name_manager)  # else it would be called twice
    publisher.register_hook(name_manager)

def name_manager(message):
    content = message["content"]
    if "{WIDGET}" in content.get("data", {{}}):
        own = content["metadata"].setdefault("{WIDGET}", {{}})
        own["colab"] = {{"custom_widget_manager": {MANAGER}}}
    return message
''',
}
VERSIONS_THERE = f"""
import sys
from importlib.metadata import version

{{name: version(name) for name in {[*VERSIONS, *TORCH]}}} | {{"Python": sys.version_info[:2]}}
"""
#: What makes a lab of each kind; `how` holds more keywords.
IMPORTS = """
import torch
from gan_helpers.lab import Lab
from gan_helpers.lab.sketch import DrawLab
from gan_helpers.translation.tasks import Task
from gan_helpers.datasets.scenes import draw_pairs

small = Task("few maps", draw_pairs("maps", 60), draw_pairs("maps", 20, seed=1))
how = {}
"""
LABS = {
    "plane": "Lab('ring', **how)",
    "line": "Lab('two_gaussians_1d', **how)",
    "pictures": "Lab('digits', **how)",
    "classes": "Lab('digits', condition='cgan', **how)",
    "few pictures": "Lab('digits_50', compare='augment', **how)",
    "translation": "Lab(small, **how)",
    "drawing": "DrawLab(torch.neg)",
}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """Its name: Colab's Python, in which google.colab is imported before the first cell."""
    folder = tmp_path_factory.mktemp("kernel")
    spec = kernel_spec("colab", colab_python(tmp_path_factory))
    spec["argv"].append("--IPKernelApp.exec_lines=import google.colab; del google")
    spec["env"] = {"PYTHONPATH": str(folder), "IPYTHONDIR": str(folder / "ipython")}
    files = {f"google/colab/{name}": text for name, text in GOOGLE_COLAB.items()}
    files["kernels/colab/kernel.json"] = json.dumps(spec)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        yield "colab"


def execute(notebook, kernel, folder):
    """Run all cells, which keep their outputs."""
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, kernel_name=kernel, timeout=PATIENCE, resources=where).execute()


@pytest.mark.parametrize("name", sections())
def test_all_cells_run_and_none_complains(kernel, name):
    path = built_path(name, "ja")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = shortened(cell.source, name)
    execute(notebook, kernel, path.parent)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert str(ROOT) in cells[0].outputs[0].text, "the first cell has found this clone"
    said = [(c.source, o.text) for c in cells for o in c.outputs if o.get("name") == "stderr"]
    assert said == []
    shown = [o for c in cells for o in c.outputs if WIDGET in o.get("data", {})]
    assert (shown or name == INDEX) and all(is_shown_on_colab(output) for output in shown)


def is_shown_on_colab(output):
    """Whether its page would load the widget: a cell's result would lack the metadata."""
    about = output.metadata.get(WIDGET, {}).get("colab", {}).get("custom_widget_manager")
    return output.output_type == "display_data" and about == MANAGER


@pytest.fixture(scope="module")
def outputs(kernel):
    """Of each kind of lab: as the last expression of a cell, and displayed."""
    sources = [VERSIONS_THERE, IMPORTS]
    for make in LABS.values():
        sources += [f"lab = {make}\nlab", "display(lab)"]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    execute(notebook, kernel, ROOT)
    versions, _, *shown = (cell.outputs for cell in notebook.cells)
    labs = dict(zip(LABS, zip(shown[::2], shown[1::2], strict=True), strict=True))
    return {"versions": versions, **labs}


def test_the_versions_are_those_of_colab_and_torch_is_the_projects(outputs):
    (output,) = outputs["versions"]
    there = ast.literal_eval(output.data["text/plain"])
    assert there.pop("Python") in (PYTHON, sys.version_info[:2])
    assert there == VERSIONS | {name: version(name) for name in TORCH}


@pytest.mark.parametrize("kind", LABS)
def test_a_lab_is_displayed_with_what_colab_adds(outputs, kind):
    for shown in outputs[kind]:
        (output,) = shown
        assert is_shown_on_colab(output), output.metadata
        assert output.data["image/png"].startswith("iVBOR")
