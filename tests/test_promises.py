"""What the documentation names is there: files, commands and their options, make targets, extras,
names of the package and their arguments."""

import builtins
import importlib
import importlib.util
import inspect
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from sklearn.neural_network import MLPClassifier

import evenly as ev
from evenly import errors, rows, tables
from evenly.claims.catalog import names as studies
from evenly.exchange.keras.kernels import KERNELS
from evenly.exercises import CATALOGUE
from evenly.lessons import LESSONS
from evenly.reading import table as reading

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md",
         *(page for page in sorted((ROOT / "docs").rglob("*.md")) if "built" not in page.parts)]
SOURCES = sorted((ROOT / "src" / "evenly").rglob("*.py"))
page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))

# Where a page that names a part of a path may mean it to begin.
BEGINNINGS = [ROOT, ROOT / "src" / "evenly", ROOT / "cpp", ROOT / "cpp" / "program"]
# Of other libraries, which the guide sets beside ours; and of this one's measuring.
FOREIGN = {
    "Linear", "BatchNorm1d", "BatchNormalization", "Dropout1d", "Dropout2d", "SpatialDropout1D",
    "SpatialDropout2D", "Hardsigmoid", "MSELoss", "Conv2d", "AvgPool2d", "DataLoader",
    "Pipeline", "DEVELOPMENT", "OMP_NUM_THREADS", "RLIMIT_DATA", "VmHWM", "Executor", "E",
    "TimeSeriesSplit", "PoissonNLLLoss", "BinaryFocalCrossentropy",
    "TunedThresholdClassifierCV", "CalibratedClassifierCV",
    *KERNELS, "Add", "Average", "Concatenate",
    "MLPClassifier", "MLPRegressor", "StandardScaler", "MinMaxScaler", "MaxAbsScaler",
    "DistributedDataParallel", "SyncBatchNorm",
    "GridSearchCV", "HistGradientBoostingClassifier", "OneHotEncoder", "OrdinalEncoder",
    "ColumnTransformer", "SimpleImputer", "TransformedTargetRegressor", "VotingClassifier",
    "BaggingClassifier", "MultiOutputRegressor", "MultiOutputClassifier",
    "RecordBatchReader", "TerminatedWorkerError", "DASK_SCHEDULER_ADDRESS", "RAY_ADDRESS",
    "FAILED", "KILLED",
    "NeuralNetClassifier", "EpochScoring", "LRScheduler", "GradientNormClipping", "ValidSplit",
}
# What a reader is told to write.
READERS_OWN = {"my_claim.py"}
FOREIGN_ARGUMENTS = {"eps", "error_score", "enable_metadata_routing", "inplace", "batch_first",
                     "track_running_stats", "memory_format", *MLPClassifier().get_params(),
                     "criterion", "lr", "train_split", "module__hidden", "year"}


def blocks(text, *languages):
    """The blocks of code in these languages."""
    return [body for language, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S)
            if language in languages]


def quoted(text):
    """What stands in backticks outside of blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def lines_of_shell(text):
    """Commands: lines of blocks, and what is quoted in a sentence."""
    for line in [line for block in blocks(text, "sh") for line in block.splitlines()]:
        yield line.split("#")[0].split("|")[0].strip()
    for words in quoted(text):
        yield words.split("\\|")[0].strip()


def paths_in(text):
    for words in quoted(text):
        if re.fullmatch(r"[\w.][\w./-]*", words) and not re.fullmatch(r"[\w()/]+/\d+", words):
            named = re.search(r"\w\.(py|cpp|hpp|toml)$", words)
            if named or ("/" in words and not words.replace("/", "").isdigit()):
                yield words
    for line in blocks(text, "sh"):
        yield from re.findall(r"[\w/]+\.py\b", line)


def targets_in(text):
    for line in lines_of_shell(text):
        if match := re.match(r"make (\w+)$", line):
            yield match[1]


def commands_in(text):
    """(words, its options) of each call of the command line."""
    for line in lines_of_shell(text):
        if re.match(r"evenly \w", line) or line == "evenly":
            words = shlex.split(line)[1:]
            yield words, [word.split("=")[0] for word in words if word.startswith("--")]


def modules_in(text):
    for line in lines_of_shell(text):
        yield from re.findall(r"python -m ([\w.]+)", line)


def extras_in(text):
    return re.findall(r"(?:evenly|\.)\[([\w,]+)\]'", text)


def names_in(text):
    """Public names: behind ``ev.`` or ``evenly.``."""
    return re.findall(r"\b(?:ev|evenly)\.([A-Za-z_][\w.]*\w)", re.sub(r"\w+\.evenly\b", "", text))


def types_in(text):
    for words in quoted(text):
        if match := re.match(r"([A-Z]\w*)(?:$|[(.])", words):
            yield match[1]


def arguments_in(text):
    for words in quoted(text):
        if match := re.fullmatch(r"([a-z]\w*)=[^=]*", words):
            yield match[1]


def is_there(path, at):
    return path in READERS_OWN or any(
        (beginning / path).exists() for beginning in [*BEGINNINGS, at])


def resolves(name):
    """Whether a dotted name is one of the package, of a module of it, or of a type in it."""
    first, *rest = name.split(".")
    try:
        value = getattr(ev, first) if hasattr(ev, first) else importlib.import_module(
            f"evenly.{first}")
        for part in rest:
            value = getattr(value, part) if hasattr(value, part) else importlib.import_module(
                f"{value.__name__}.{part}")
    except (ImportError, AttributeError):
        return False
    return True


def command_line():
    main = importlib.import_module("evenly.cli").evenly
    context = click.Context(main)
    return {name: main.get_command(context, name) for name in main.list_commands(context)}


COMMANDS = command_line()
OPTIONS = {name: {option for parameter in command.params
                  for option in (*parameter.opts, *parameter.secondary_opts)}
           | {"--help"} for name, command in COMMANDS.items()}
MAKE = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
EXTRAS = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
             ["optional-dependencies"])
KNOWN = {*dir(ev), *dir(errors), *dir(rows), *dir(tables), *dir(builtins), *FOREIGN,
         "NetClassifier", "NetRegressor", "NetTransformer"}


def every_argument():
    """Of every public function, type and method, and every field."""
    found = set(inspect.signature(reading.read).parameters)
    for value in [*(getattr(ev, name) for name in {*dir(ev), "NetClassifier", "NetRegressor",
                                                   "NetTransformer"}),
                  ev.callbacks.TensorBoard, ev.callbacks.MLflow, ev.parallel.backend,
                  importlib.import_module("evenly.study").run_all]:
        methods = [m for n, m in inspect.getmembers(value, callable) if not n.startswith("__")] \
            if inspect.isclass(value) else []
        for each in [value, *methods]:
            if callable(each):
                try:
                    found |= set(inspect.signature(each).parameters)
                except ValueError:  # one of C's
                    continue
    return found | {"fragment"}  # of a part of the work


ARGUMENTS = every_argument()


def missing(text, at):
    """What a text names and is not there, in words."""
    for path in paths_in(text):
        if not is_there(path, at):
            yield f"file {path}"
    for target in targets_in(text):
        if target not in MAKE:
            yield f"make {target}"
    for words, options in commands_in(text):
        name = words[0] if words else ""
        if name not in COMMANDS:
            yield f"evenly {name}"
            continue
        yield from (f"evenly {name} {o}" for o in options if o not in OPTIONS[name])
        topic = words[1] if name == "exercise" and len(words) > 1 else "-"
        if not topic.startswith("-") and topic not in CATALOGUE:
            yield f"evenly exercise {topic}"
    for module in modules_in(text):
        if importlib.util.find_spec(module) is None:
            yield f"python -m {module}"
    for extra in extras_in(text):
        yield from (f"[{part}]" for part in extra.split(",") if part not in EXTRAS)
    yield from (f"ev.{name}" for name in names_in(text) if not resolves(name))
    yield from (name for name in types_in(text) if name not in KNOWN | ARGUMENTS)
    yield from (f"{name}=" for name in arguments_in(text)
                if name not in ARGUMENTS | FOREIGN_ARGUMENTS)


@page
def test_what_a_page_names_is_there(page):
    assert not list(missing(page.read_text(), page.parent))


@page
def test_an_option_by_itself_is_one_of_some_command(page):
    known = set().union(*OPTIONS.values())
    for words in quoted(page.read_text()):
        if words.startswith("--") and "benchmarks" not in page.parts:
            assert words.split()[0] in known, words


def test_topics_of_the_lessons_are_exercises():
    table = (ROOT / "docs" / "learning.md").read_text()
    named = re.findall(r"`([a-z0-9-]+)`", "\n".join(re.findall(r"^\|.*\|$", table, re.M)))
    assert len(named) > 10
    assert set(named) <= {*CATALOGUE, *LESSONS, *studies()}


def test_the_documents_that_the_overview_lists_are_files():
    """What the overview says of docs/ is a link to it, and no word of what is to come."""
    row = re.search(r"^\| `docs/` \| (.*) \|$", (ROOT / "README.md").read_text(), re.M)[1]
    for item in row.split(", "):
        link = re.fullmatch(r"\[[^]]+\]\(([^)]+)\)", item)
        assert link, f"{item!r} is no link"
        assert (ROOT / link[1]).exists(), item


@pytest.mark.parametrize(("text", "what"), [
    ("see `docs/derivations.md`", "file docs/derivations.md"),
    ("`cpp/kernels/dens.hpp`", "file cpp/kernels/dens.hpp"),
    ("```sh\nmake everything\n```", "make everything"),
    ("run `make fast`", "make fast"),
    ("`evenly tutor`", "evenly tutor"),
    ("```sh\nevenly fit a.csv --goal price\n```", "evenly fit --goal"),
    ("`evenly exercise batchnorm`", "evenly exercise batchnorm"),
    ("`python -m benchmarks.none`", "python -m benchmarks.none"),
    ("`pip install 'evenly[gpu]'`", "[gpu]"),
    ("```python\nev.tuner(net)\n```", "ev.tuner"),
    ("`evenly.native.isas()`", "ev.native.isas"),
    ("`ConvLSTM(3)`", "ConvLSTM"),
    ("give `compile_mode=True`", "compile_mode="),
])
def test_a_promise_that_is_not_kept_is_seen(text, what):
    assert what in list(missing(text, ROOT))


ROLE = re.compile(r":(?:func|class|meth|mod|data|attr|exc):`~?([\w.]+)`")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_what_a_docstring_refers_to_is_there(path):
    named = set(ROLE.findall(path.read_text()))
    if not named:
        return
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
    owners = [module, *(v for v in vars(module).values() if inspect.isclass(v)), ev, errors]

    def known(name):
        if name.startswith("evenly."):
            return resolves(name.removeprefix("evenly."))
        first, *rest = name.split(".")
        for owner in owners:
            value = getattr(owner, first, None) or getattr(owner, "__dataclass_fields__", {}).get(
                first)
            if value is not None and all(hasattr(value, part) for part in rest):
                return True
        return False

    assert not {name for name in named if not known(name)}
