"""Data flows one way, and other promises that are read off the sources."""

import ast
import inspect
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import evenly as ev
from evenly import layers

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "evenly"

# Each may import those in front of it; those in one set are independent of each other unless a pair
# in SIDEWAYS allows it.
ORDER = [
    {"portable", "lazy", "version"}, {"deprecation"}, {"errors"},
    {"random", "native", "extras", "files", "given", "showing", "templating"}, {"parallel"},
    {"records"}, {"initializers"}, {"layers"},
    {"augmentation", "averaging", "constraints", "optimizers", "schedules", "penalties", "clipping",
     "scaling"}, {"tails"},
    {"losses", "stopping"}, {"settings"}, {"doctor"}, {"byhand"}, {"exercises"}, {"grading"},
    {"lessons"}, {"program"}, {"engine"}, {"rows"}, {"reading"}, {"probes"}, {"training"},
    {"callbacks", "estimators"}, {"tables"}, {"saving"}, {"exchange", "serving"}, {"public"},
    {"study"}, {"explain"}, {"search"}, {"report"}, {"claims"}, {"clinic"}, {"web"}, {"cli"},
]
ESTIMATORS = {"NetClassifier", "NetRegressor", "NetTransformer", "TableClassifier", "TableModel",
              "TableRegressor", "tune"}
# Rooms that are named as such: `ev.callbacks.TensorBoard`.
ROOMS = {"callbacks", "parallel"}
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
# report reads plain records; nothing else below it is its business.
REPORT_MAY = {"evenly.study.records", "evenly.explain.records", "evenly.search.records",
              "evenly.errors", "evenly.templating"}


def sources():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def imported(path):
    """The modules of evenly that a file imports, by full name."""
    package = ["evenly", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "evenly":
                    yield alias.name
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            if base.split(".")[0] == "evenly":
                for alias in node.names:
                    yield f"{base}.{alias.name}" if base == "evenly" or not node.module else base


def room(module):
    """The part of the package that a module belongs to; the package itself, and any name of it that
    is no module, is the public face."""
    parts = module.split(".")
    known = len(parts) > 1 and (parts[1] in LEVEL or parts[1] == "_native")
    return parts[1] if known else "public"


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_arrows_run_one_way(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in LEVEL, f"{own} has no place in the order"
    for module in imported(path):
        other = room(module)
        if other == own or module == "evenly._native":
            continue
        assert LEVEL[other] < LEVEL[own], f"{path.name} imports {module}"
        if own == "report":
            assert module in REPORT_MAY, f"{path.name} imports {module}"


def test_the_check_sees_an_arrow_that_runs_the_wrong_way(tmp_path, monkeypatch):
    wrong = PACKAGE / "layers" / "wrong.py"
    monkeypatch.setattr(Path, "read_text", lambda self: "from ..training.model import Model")
    with pytest.raises(AssertionError, match=r"imports evenly\.training"):
        test_arrows_run_one_way(wrong)


def planted(monkeypatch, path, line):
    """What the check of one file says when the file holds a line."""
    monkeypatch.setattr(Path, "read_text", lambda self: line)
    with pytest.raises(AssertionError) as caught:
        test_arrows_run_one_way(path)
    return str(caught.value)


@pytest.mark.parametrize("line", [
    "import evenly as ev", "from .. import Model", "def f():\n    from evenly import __version__",
    "from evenly import fit", "if TYPE_CHECKING:\n    import evenly",
])
def test_the_check_sees_the_face_imported_from_below(monkeypatch, line):
    assert "base.py imports evenly" in planted(monkeypatch, PACKAGE / "layers" / "base.py", line)
    assert "saved.py imports evenly" in planted(monkeypatch, PACKAGE / "saving" / "saved.py", line)


def module_names():
    """{module: its file}, of the package and of the benchmarks."""
    names = {}
    for base in (PACKAGE, ROOT / "benchmarks"):
        for path in sorted(base.rglob("*.py")):
            parts = path.relative_to(base.parent).with_suffix("").parts
            names[".".join(parts).removesuffix(".__init__")] = path
    return names


def imports_of(name, path, names):
    """The modules that a module imports: anywhere, in functions and for type checkers too."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            whole = {f"{base}.{alias.name}" for alias in node.names}
            # A name of a package that is no module of it is handed on by the package itself.
            found |= {own if own in names else base for own in whole}
    return (found & names.keys()) - {name}


@cache
def imports():
    """{module: what it imports}"""
    names = module_names()
    return {name: imports_of(name, path, names) for name, path in names.items()}


def circle(graph):
    """Modules that import each other in a circle, in order; [] where none do."""
    done, path = set(), []

    def walk(name):
        if name in path:
            return [*path[path.index(name):], name]
        if name not in done:
            path.append(name)
            for other in sorted(graph[name]):
                if found := walk(other):
                    return found
            path.pop()
            done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := walk(name))), [])


def test_no_circle_of_imports():
    assert len(imports()) > 200
    assert not circle(imports())


@pytest.mark.parametrize(("module", "line"), [
    ("evenly.program.parts", "def f():\n    from .values import Program"),
    ("evenly.engine.replay", "if TYPE_CHECKING:\n    from .engine import Engine"),
    ("evenly.layers.dense", "import evenly"),
    ("evenly.byhand.looks", "from . import notation"),
    ("benchmarks.operation", "from .operations import ROWS"),
])
def test_the_check_sees_a_circle(module, line):
    names = module_names()
    graph = dict(imports())

    class Planted:
        name = names[module].name

        @staticmethod
        def read_text():
            return names[module].read_text() + "\n" + line

    graph[module] = imports_of(module, Planted, names)
    assert module in circle(graph)


def test_only_one_module_knows_the_native_core():
    knowing = {path.name for path in sources() if "_native" in path.read_text()}
    assert knowing == {"native.py"}
    using = {path.parent.name for path in sources()
             if re.search(r"[. ]native import", path.read_text())}
    assert using == {"engine"}


def test_files_are_one_subject():
    files = [*sources(), *(ROOT / "cpp").rglob("*.?pp")]
    long = {path.name: n for path in files if (n := len(path.read_text().splitlines())) > 420}
    assert not long


def test_one_processor_family_is_known_in_the_dispatch_alone():
    pattern = re.compile(r"immintrin|arm_neon|__m\d|_mm\d*_|__x86_64__|__aarch64__|__builtin_ia32")
    for path in (ROOT / "cpp").rglob("*.?pp"):
        if not path.name.startswith("dispatch"):
            assert not pattern.search(path.read_text()), path.name


def test_importing_is_light():
    code = "import sys, evenly; evenly.fit; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in result.stdout.split()}
    assert not loaded & {"sklearn", "scipy", "matplotlib", "pandas", "polars", "torch", "click",
                         "rich"}


def declared_in(path):
    """The names that a package hands on, as its imports for type checkers say them."""
    tree = ast.parse(path.read_text())
    return {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        for alias in node.names if node.level and alias.name != "lazily"
    }


def test_the_layers_are_handed_on():
    declared = declared_in(PACKAGE / "layers" / "__init__.py")
    assert len(declared) > 50
    for name in declared:
        assert getattr(layers, name).__module__.startswith("evenly.layers.") or name == "Shape"
    assert declared <= set(dir(layers))
    with pytest.raises(AttributeError, match=r"'evenly\.layers' has no attribute 'Dens'"):
        layers.Dens  # noqa: B018


def test_the_table_of_public_names_is_the_list_of_imports():
    declared = declared_in(PACKAGE / "__init__.py")
    assert declared == set(ev.__all__) | ESTIMATORS | ROOMS
    for name in declared:
        assert getattr(ev, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Dens'"):
        ev.Dens  # noqa: B018


# Records and types: what they hold is said there, where they come from is shown by others.
WITHOUT_EXAMPLE = {
    "ArraySpec", "Augmentation", "Clip", "Constraint", "EpochRecord", "Finding", "Layer", "Loss",
    "Optimizer", "Penalty", "Program", "Run", "WeightAverage", "init",
}


@pytest.mark.parametrize("name", sorted({*ev.__all__, *ESTIMATORS} - {"__version__", "errors"}))
def test_public_names_are_documented(name):
    doc = inspect.getdoc(getattr(ev, name))
    assert doc
    assert not doc.startswith(f"{name}("), "the generated docstring of a dataclass"
    if name not in WITHOUT_EXAMPLE:
        assert ">>>" in doc


def test_the_stub_is_the_modules_own(tmp_path):
    stub = tmp_path / "_native.pyi"
    pytest.importorskip("nanobind")
    subprocess.run(
        [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "evenly._native", "-o", str(stub)],
        check=True,
    )
    assert stub.read_text() == (PACKAGE / "_native.pyi").read_text(), "run: make stub"
