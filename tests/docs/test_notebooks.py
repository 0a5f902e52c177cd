"""The notebooks are valid, hold no outputs, and run from the first cell to the last."""

import ast
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NEEDS = {"from_table_to_onnx": "onnxruntime"}
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_five():
    assert len(NOTEBOOKS) >= 5


@each
def test_it_is_valid_and_stored_without_outputs(path):
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert book.cells[0].source.startswith("# ")
    for cell in book.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


@each
def test_its_cells_run(path, tmp_path, monkeypatch):
    """Each cell in this process, and its last value shown as a notebook shows it."""
    pytest.importorskip(NEEDS.get(path.stem, "matplotlib"))
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    plt.switch_backend("Agg")
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    namespace = {"__name__": "__main__"}
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            tree = ast.parse("".join(cell["source"]))
            value = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, path.name, "exec"), namespace)
            if value is not None:
                shown = eval(compile(ast.Expression(value.value), path.name, "eval"), namespace)
                show = getattr(shown, "_repr_html_", shown.__repr__)
                assert show()
    plt.close("all")


@pytest.mark.sweep
@each
def test_it_runs_in_a_kernel(path, tmp_path):
    """As a reader runs it, and as the site does."""
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip(NEEDS.get(path.stem, "matplotlib"))
    book = nbformat.read(path, as_version=4)
    client.NotebookClient(book, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    assert any(cell.get("outputs") for cell in book.cells)
