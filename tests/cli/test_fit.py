"""`evenly fit`, `predict` and `show` on a table of one's own."""

import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from evenly import saving
from evenly.cli import run

QUICK = ("--epochs", "8", "--hidden", "16")
FIT = ("fit", "table.csv", "--target", "kind", "--out", "o")


def make(rows=240, seed=0):
    rng = np.random.default_rng(seed)
    size = rng.normal(10, 3, rows)
    color = rng.choice(["red", "green", "blue"], rows)
    price = 5 * size + 20 * (color == "red") + rng.normal(0, 1, rows)
    kind = np.where(price > np.median(price), "dear", "cheap")
    size[::17] = np.nan
    return pd.DataFrame({"size": size, "color": color, "price": price, "kind": kind})


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make().to_csv("table.csv", index=False)
    make(40, 1).to_csv("new.csv", index=False)
    return tmp_path


@pytest.fixture
def fitted(here):
    assert run(["fit", "table.csv", "--target", "kind", "--out", "m.evenly", *QUICK]) == 0
    return here


def test_classes_from_end_to_end(fitted, capsys):
    assert run(["predict", "m.evenly", "new.csv", "--out", "p.csv"]) == 0
    predicted = pd.read_csv("p.csv")
    assert list(predicted.columns) == ["kind", "p(cheap)", "p(dear)"]
    np.testing.assert_allclose(predicted[["p(cheap)", "p(dear)"]].sum(axis=1), 1)
    assert (predicted["kind"] == pd.read_csv("new.csv")["kind"]).mean() > 0.75
    said = capsys.readouterr().err
    assert "new.csv: 'kind' is in the table: accuracy " in said
    right = (predicted["kind"] == pd.read_csv("new.csv")["kind"]).mean()
    assert f"accuracy {100 * right:.1f} %" in said
    assert "on 40 rows" in said


def test_the_doctor_has_the_last_word(here, capsys):
    command = ["fit", "table.csv", "--target", "kind", "--out", "m.evenly", *QUICK]
    assert run([*command, "--doctor"]) == 0
    out = capsys.readouterr().out
    assert "Looked at: " in out.split("Written:")[1] or "finding" in out
    assert saving.load("m.evenly").estimator_.doctor is True


def test_numbers_from_end_to_end(here, capsys):
    assert run(["fit", "table.csv", "--target", "price", "--out", "m.evenly", *QUICK]) == 0
    out = capsys.readouterr().out
    assert "'price', a number" in out
    assert "held out, 24 rows" in out
    capsys.readouterr()
    assert run(["predict", "m.evenly", "new.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "price"
    assert len(lines) == 41


def test_predictions_are_those_of_the_loaded_model(fitted):
    model = saving.load("m.evenly")
    chances = model.predict_proba(pd.read_csv("new.csv"))
    run(["predict", "m.evenly", "new.csv", "--out", "p.csv"])
    predicted = pd.read_csv("p.csv")
    np.testing.assert_allclose(predicted[["p(cheap)", "p(dear)"]], chances, rtol=1e-12)


def test_columns_in_another_order_or_file_are_the_same(fitted):
    new = pd.read_csv("new.csv").drop(columns=["kind"])
    new.to_csv("a.csv", index=False)
    new[["price", "color", "size"]].to_csv("b.csv", index=False)
    new.to_parquet("c.parquet")
    for name in ("a.csv", "b.csv", "c.parquet"):
        assert run(["predict", "m.evenly", name, "--out", name + ".p.csv"]) == 0
    texts = {(fitted / f"{name}.p.csv").read_text() for name in ("a.csv", "b.csv", "c.parquet")}
    assert len(texts) == 1


def test_show(fitted, capsys):
    capsys.readouterr()
    assert run(["show", "m.evenly"]) == 0
    out = capsys.readouterr().out
    for part in ("predicts 'kind', one of cheap, dear", "size", "number", "red", "dense_1",
                 "held out, 24 rows", "always '", "logistic regression",
                 "BatchNorm", "parameters", "trained for 8 epochs", "AdamW"):
        assert part in out, part


def test_members_that_are_alike_are_shown_once(here, capsys):
    command = ["fit", "table.csv", "--target", "kind", "--out", "m.evenly", *QUICK]
    assert run([*command, "--members", "3"]) == 0
    capsys.readouterr()
    assert run(["show", "m.evenly"]) == 0
    short = " ".join(capsys.readouterr().out.split())
    assert "member_1_dense_1" in short
    assert "member_2" not in short
    assert "3 members, each with layers as the first has: --all shows them" in short
    assert run(["show", "m.evenly", "--all"]) == 0
    whole = capsys.readouterr().out
    assert "member_2_dense_1" in whole
    assert "member_3_dense_1" in whole
    assert "--all" not in whole


@pytest.mark.parametrize("name", ["curves.png", "curves.svg"])
def test_curves(here, name):
    assert run(["fit", "table.csv", "--target", "kind", "--out", "m.evenly", "--curves", name,
                *QUICK]) == 0
    data = (here / name).read_bytes()
    if name.endswith("png"):
        assert data.startswith(b"\x89PNG")
    else:
        assert "svg" in ElementTree.fromstring(data).tag


@pytest.mark.parametrize(("words", "message"), [
    (["fit", "none.csv", "--target", "kind", "--out", "o"], "none.csv: no such file"),
    (["fit", "table.csv", "--target", "kin", "--out", "o"], "no column 'kin'"),
    (["fit", "table.csv", "--out", "o"], "which column is to be predicted"),
    (["fit", "table.csv", "--target", "kind", "--out", "m.evenly"], "m.evenly: exists: say"),
    (["fit", "table.csv", "--target", "kind", "--out", "no/o"], "there is no folder 'no'"),
    (["fit", "table.csv", "--target", "kind", "--out", "."], ".: is a folder"),
    (["fit", "table.csv", "--target", "kind", "--out", "o", "--curves", "c.gif"],
     "ends in .png or .svg, got '.gif'"),
    (["fit", "table.csv", "--target", "kind", "--out", "c.png", "--curves", "c.png"],
     "expects another file than --out"),
    (["fit", "table.csv", "--target", "kind", "--out", "o", "--hidden", "a"],
     "--hidden: expects whole numbers"),
    (["fit", "table.csv", "--target", "kind", "--out", "o", "--dropout", "1"],
     "--dropout: expects a share"),
    (["fit", "table.csv", "--target", "kind", "--out", "o", "--epochs",
     "0"], "--epochs: expects a whole"),
    ([*FIT, "--norm", "bach"], "--norm: expects one of batch, layer, rms, group, none, got 'bach': "
     "did you mean 'batch'?"),
    ([*FIT, "--optimizer", "adan"],
     "--optimizer: expects one of adamw, adam, adamax, nadam, radam, adagrad, rmsprop, momentum, "
     "nesterov, sgd, got 'adan': did you mean 'adam"),
    ([*FIT, "--schedule", "zzz"],
     "--schedule: expects one of cosine, linear, one_cycle, warmup, plateau, flat_cosine, "
     "coslog, none, got"),
    ([*FIT, "--batch", "0"],
     "--batch: expects one of auto, all, or a whole number of at least 1, got '0'"),
    ([*FIT, "--batch", "al"], "got 'al': did you mean 'all'?"),
    ([*FIT, "--lr", "0"], "--lr: expects a finite number above 0, got '0'"),
    ([*FIT, "--lr", "inf"], "--lr: expects a finite number above 0, got 'inf'"),
    ([*FIT, "--l2", "-1"], "--l2: expects a finite number of at least 0, got '-1'"),
    ([*FIT, "--l2", "nan"], "--l2: expects a finite number of at least 0, got 'nan'"),
    ([*FIT, "--class-weight", "cheap"], "--class-weight: expects balanced, or a weight of at least "
     "0 for each class, as in yes=5,no=1, got 'cheap'"),
    ([*FIT, "--class-weight", "cheap=-1"], "as in yes=5,no=1, got 'cheap=-1'"),
    ([*FIT, "--class-weight", "cheap=1,cheap=2"], "got 'cheap=1,cheap=2'"),
    ([*FIT, "--class-weight", "chaep=2"], "class_weight: no class is 'chaep'; there are"),
    (["fit", "table.csv", "--target", "price", "--out", "o", "--class-weight", "balanced"],
     "--class-weight: expects classes, 'price' is numbers: leave it out, or say --task"),
    ([*FIT, "--loss", "huber"], "--loss: huber expects numbers, 'kind' is classes: take one of"),
    ([*FIT, "--threshold", "2"], "--threshold: expects a probability above 0 and below 1, or"),
    ([*FIT, "--groups", "colour"], "--groups: there is no column 'colour': do you mean 'color'?"),
    ([*FIT, "--interval-fraction", "0.1"], "--interval-fraction: expects numbers, 'kind' is"),
    ([*FIT, "--quantiles", "0.5,0.1"], "--quantiles: expects numbers between 0 and 1, rising"),
    ([*FIT, "--report", "r.pdf"], "r.pdf: expects a name that ends in .html, got '.pdf'"),
    (["fit", "table.csv", "--target", "kind", "--out", "r.html", "--report", "r.html"],
     "--report: expects another file than --out, got r.html"),
    (["predict", "m.evenly", "new.csv", "--interval", "90"],
     "--interval: is for numbers, and 'kind' is one of 2 classes"),
    (["predict", "m.evenly", "new.csv", "--interval", "100"],
     "--interval: expects a percentage above 0 and below 100, got '100'"),
    (["explain", "m.evenly", "new.csv", "--column", "sise"],
     "--column: training had no column 'sise': do you mean 'size'?"),
    (["explain", "m.evenly", "new.csv", "--measure", "mae"],
     "--measure: 'mae' is not for classification: expects one of accuracy,"),
    (["explain", "m.evenly", "few.csv"], "lacks the column 'size' that training had"),
    (["explain", "m.evenly", "no_target.csv"], "lacks the target 'kind'"),
    ([*FIT, "--without", "prize"],
     "--drop: there is no column 'prize'; do you mean 'price' or 'size'?"),
    ([*FIT, "--drop", "kind"], "--drop: 'kind' is the target: name other columns"),
    ([*FIT, "--as", "prize=number"],
     "--as: there is no column 'prize'; do you mean 'price' or 'size'?"),
    ([*FIT, "--without", "size,color,price"], "no input columns"),
    (["predict", "m.evenly", "none.csv"], "none.csv: no such file"),
    (["predict", "none.evenly", "new.csv"], "none.evenly"),
    (["predict", "table.csv", "new.csv"], "table.csv"),
    (["predict", "m.evenly", "few.csv"], "lacks the column 'size' that training had"),
    (["predict", "m.evenly", "text.csv"],
     "column 'size': was numbers in training, got 'big' in 40 of 40 rows, first in row 1"),
    (["predict", "m.evenly", "new.csv", "--out", "p.txt"], "ends in .csv, got '.txt'"),
    (["show", "table.csv"], "table.csv"),
    (["show", "none"], "none"),
])
def test_bad_input_is_one_line_and_leaves_everything(fitted, capsys, words, message):
    new = pd.read_csv("new.csv")
    new.drop(columns="size").to_csv("few.csv", index=False)
    new.drop(columns="kind").to_csv("no_target.csv", index=False)
    new.assign(size="big").to_csv("text.csv", index=False)
    before = {path.name: path.read_bytes() for path in fitted.iterdir()}
    capsys.readouterr()
    assert run(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("evenly: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert {path.name: path.read_bytes() for path in fitted.iterdir()} == before


def test_a_refit_says_what_the_held_out_rows_were_worth(here, capsys):
    command = ["fit", "table.csv", "--target", "kind", "--out", "m.evenly", "--epochs", "5"]
    assert run([*command, "--refit"]) == 0
    net = saving.load("m.evenly")
    told = " ".join(capsys.readouterr().out.split())
    score = net.history_[net.best_epoch_ - 1].validation_score
    assert f"accuracy on the held-out rows was {score:.3f}; then trained anew on all rows" in told
    assert len(net.held_out_) == 0
    assert len(net.refit_history_) == net.best_epoch_


@pytest.mark.parametrize(("options", "settings"), [
    ([], {"hidden": (128, 64), "norm": "batch", "dropout": 0.2, "l2": 0.0, "optimizer": None,
          "learning_rate": None, "schedule": "cosine", "batch": "auto", "class_weight": None,
          "early_stopping": True, "patience": "auto", "effort": "default", "random_state": 0}),
    (["--effort", "best", "--members", "2"], {"effort": "best", "members": 2}),
    (["--members", "3", "--sharing", "kernels"], {"members": 3, "sharing": "kernels"}),
    (["--norm", "layer", "--dropout", "0.1"], {"norm": "layer", "dropout": 0.1}),
    (["--hidden", "none", "--norm", "none"], {"norm": None, "hidden": ()}),
    (["--hidden", "16,8"], {"hidden": (16, 8)}),
    (["--l2", "0.01", "--lr", "0.005"], {"l2": 0.01, "learning_rate": 0.005}),
    (["--optimizer", "nesterov"], {"optimizer": "nesterov"}),
    (["--schedule", "one_cycle"], {"schedule": "one_cycle"}),
    (["--schedule", "coslog"], {"schedule": "coslog"}),
    (["--average", "ema"], {"average": "ema"}), (["--refit"], {"refit": True}),
    (["--schedule", "none", "--batch", "32"], {"schedule": None, "batch": 32}),
    (["--batch", "all"], {"batch": None}),
    (["--class-weight", "balanced"], {"class_weight": "balanced"}),
    (["--class-weight", "cheap=1,dear=2.5"], {"class_weight": {"cheap": 1.0, "dear": 2.5}}),
    (["--all-rows"], {"early_stopping": False}),
])
def test_options_are_arguments_of_the_estimator_and_are_shown(here, capsys, options, settings):
    command = ["fit", "table.csv", "--target", "kind", "--out", "m.evenly", "--epochs", "2"]
    assert run([*command, *options]) == 0
    found = saving.load("m.evenly").get_params(deep=False)
    assert {name: found[name] for name in settings} == settings
    capsys.readouterr()
    assert run(["show", "m.evenly"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "settings, as options of fit: " in shown
    assert " ".join(options) in shown
    # What is shown trains the same again.
    line = shown.split("options of fit: ")[1].split(" layer what")[0]
    assert run([*command[:-2], *line.split(), "--force"]) == 0
    again = saving.load("m.evenly").get_params(deep=False)
    assert {n: v for n, v in again.items() if n != "verbose"} == {
        n: v for n, v in found.items() if n != "verbose"}


def test_all_rows_train_where_none_are_held_out(here, capsys):
    command = ["fit", "table.csv", "--target", "kind", "--out", "m.evenly", *QUICK, "--all-rows"]
    assert run(command) == 0
    assert "no rows were held out" in capsys.readouterr().out
    history = saving.load("m.evenly").estimator_.history_
    assert len(history) == 8
    assert history[0].validation_loss is None


def test_columns_that_are_no_inputs(here):
    command = ["fit", "table.csv", "--target", "kind", "--out", "m.evenly", *QUICK]
    assert run([*command, "--without", "price, color"]) == 0
    model = saving.load("m.evenly")
    assert [column.name for column in model.columns_.inputs] == ["size"]


def test_a_linear_model_for_numbers(here, capsys):
    assert run(["fit", "table.csv", "--target", "price", "--out", "m.evenly", "--hidden", "none",
                "--epochs", "60", "--optimizer", "adam", "--lr", "0.05"]) == 0
    model = saving.load("m.evenly")
    assert [type(layer).__name__ for layer in model.estimator_.model_.net.layers] == ["Dense"]
    table = pd.read_csv("table.csv")
    predicted = model.predict(table.drop(columns="price"))
    assert np.corrcoef(predicted, table["price"])[0, 1] > 0.9


def test_force_replaces(fitted):
    old = (fitted / "m.evenly").read_bytes()
    assert run(["fit", "table.csv", "--target", "price", "--out", "m.evenly", "--force",
                *QUICK]) == 0
    assert (fitted / "m.evenly").read_bytes() != old


@pytest.mark.sweep
def test_four_at_once_and_one_killed_leave_whole_files(here):
    make(4000).to_csv("large.csv", index=False)
    command = [sys.executable, "-c", "from evenly.cli import main; main()", "fit", "large.csv",
               "--target", "price", "--out", "{}.evenly", "--epochs", "30", "--patience", "1000"]
    names = ["a", "b", "c", "d"]
    runs = [subprocess.Popen([word.format(name) for word in command], stdout=subprocess.DEVNULL)
            for name in names]
    time.sleep(3)
    runs[3].kill()
    assert [process.wait() for process in runs[:3]] == [0, 0, 0]
    runs[3].wait()
    for name in names:
        path = here / f"{name}.evenly"
        if name != "d" or path.exists():
            assert len(saving.load(path).estimator_.history_) == 30
    one, other = (saving.load(here / name).estimator_.model_.weights
                  for name in ("a.evenly", "b.evenly"))
    assert all(np.array_equal(array, other[name]) for name, array in one.items())
    assert not list(here.glob(".evenly*"))


# Reading, notes, reports ------------------------------------------------------------------------


def write_awkward(here):
    """An index, a gap as '§', decimal commas, dates d/m/y, a truth value, a row without target."""
    rng = np.random.default_rng(0)
    rows = ["nr;size;day;new;kind"]
    for i in range(120):
        size = rng.normal(10, 3)
        text = "§" if i == 7 else f"{size:.2f}".replace(".", ",")
        day = f"{1 + i % 28:02}/{1 + i % 12:02}/2023"
        kind = "" if i == 11 else ("True" if size + rng.normal() > 10 else "False")
        rows.append(f"{i + 1};{text};{day};{i % 2 == 0};{kind}")
    (here / "awkward.csv").write_text("\n".join(rows))


@pytest.fixture
def awkward(here):
    write_awkward(here)
    return here


AWKWARD = ["fit", "awkward.csv", "--target", "kind", "--out", "m.evenly", *QUICK]


def test_what_is_left_out_or_read_otherwise_is_said_and_kept(awkward, capsys):
    assert run(AWKWARD) == 0
    out = " ".join(capsys.readouterr().out.split())
    for line in ("column 'nr': left out: ", "target 'kind': nothing in 1 of 120 rows",
                 "the other is '§' (row 8): taken as"):
        assert line in out, line
    assert run([*AWKWARD, "--quiet", "--force"]) == 0
    quiet = " ".join(capsys.readouterr().out.split())
    assert "left out" not in quiet
    assert "taken as" not in quiet
    # What is not printed stays in the model.
    assert run(["show", "m.evenly"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for line in ("column 'nr': left out: ", "target 'kind': nothing in 1 of 120 rows",
                 "the other is '§' (row 8): taken as"):
        assert line in shown, line


def test_true_and_false_come_out_as_they_went_in(awkward, capsys):
    assert run(AWKWARD) == 0
    capsys.readouterr()
    assert run(["predict", "m.evenly", "awkward.csv"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "kind,p(False),p(True)"
    assert len(lines) == 121
    assert {line.split(",")[0] for line in lines[1:]} == {"True", "False"}
    assert "target 'kind': nothing in 1 of 120 rows: they are left out" in captured.err
    assert "on 119 rows" in captured.err


def test_standard_output_is_a_clean_table_where_the_target_is_scored(fitted, capsys):
    capsys.readouterr()
    assert run(["predict", "m.evenly", "new.csv", "--no-proba"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == "kind"
    assert set(captured.out.splitlines()[1:]) <= {"cheap", "dear"}
    assert captured.err.count("\n") == 1
    assert run(["predict", "m.evenly", "new.csv", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_a_class_that_training_did_not_have_is_not_scored(fitted, capsys):
    new = pd.read_csv("new.csv")
    new.loc[:4, "kind"] = "free"
    new.to_csv("other.csv", index=False)
    capsys.readouterr()
    assert run(["predict", "m.evenly", "other.csv", "--out", "p.csv"]) == 0
    said = capsys.readouterr().err
    assert "5 of 40 rows are of a class that training did not have, such as 'free'" in said
    assert "on 35 rows" in said
    assert len(pd.read_csv("p.csv")) == 40


def test_several_files_and_packed_ones_are_one_table(here, capsys):
    table = pd.read_csv("table.csv")
    table[:100].to_csv("a.csv.gz", index=False)
    table[100:][["kind", "color", "size", "price"]].to_csv("b.csv", index=False)
    words = ["--target", "kind", *QUICK, "--quiet"]
    assert run(["fit", "table.csv", *words, "--out", "one.evenly"]) == 0
    assert run(["fit", "a.csv.gz", "b.csv", *words, "--out", "two.evenly"]) == 0
    assert "240 rows" in capsys.readouterr().out
    one, two = (saving.load(name).estimator_.model_.weights for name in (
        "one.evenly", "two.evenly"))
    assert all(np.array_equal(array, two[name]) for name, array in one.items())


def test_standard_input_is_a_table(here):
    command = [sys.executable, "-c", "from evenly.cli import main; main()"]
    text = (here / "table.csv").read_bytes()
    done = subprocess.run([*command, "fit", "-", "--target", "kind", "--out", "m.evenly", *QUICK],
                          input=text, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    done = subprocess.run([*command, "predict", "m.evenly", "-"], input=text,
                          capture_output=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 241


def test_scores_are_those_of_the_network_without_dropout(fitted, capsys):
    model = saving.load("m.evenly")
    table = pd.read_csv("table.csv")
    held = model.held_out_
    scores = model.scores_
    assert (scores.rows, scores.held_out_rows) == (240, len(held))
    own = model.score(table.iloc[held], table["kind"].iloc[held])
    assert scores.lines[0].of("accuracy") == pytest.approx(own)
    rest = np.setdiff1d(np.arange(240), held)
    own = model.score(table.iloc[rest], table["kind"].iloc[rest])
    assert scores.lines[0].of("accuracy", "training") == pytest.approx(own)
    assert [line.name for line in scores.lines] == ["network", "simplest", "linear"]


def test_the_report_of_a_fit(here, capsys):
    command = ["fit", "table.csv", "--target", "kind", "--out", "m.evenly", *QUICK]
    assert run([*command, "--report", "r.html"]) == 0
    assert "Written: r.html" in capsys.readouterr().out
    page = (here / "r.html").read_text()
    for part in ("Columns", "Scores", "Curves", "Confusion", "What the columns are worth",
                 "How answers change with a column", "Are the probabilities what they say?",
                 "Left out, and read otherwise", "--report r.html"):
        assert part in page, part
    assert run([*command, "--report", "r.html"]) == 2


def test_quantiles_and_losses_of_numbers(here, capsys):
    assert run(["fit", "table.csv", "--target", "price", "--out", "m.evenly", *QUICK,
                "--quantiles", "0.1,0.5,0.9"]) == 0
    capsys.readouterr()
    assert run(["predict", "m.evenly", "new.csv", "--out", "p.csv"]) == 0
    predicted = pd.read_csv("p.csv")
    assert list(predicted.columns) == ["price (0.1)", "price (0.5)", "price (0.9)"]
    assert (predicted.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert "'price' is in the table: R²" in capsys.readouterr().err
    assert run(["show", "m.evenly"]) == 0
    assert "--loss quantile --quantiles 0.1,0.5,0.9" in capsys.readouterr().out


def test_numbers_that_are_classes_by_request(here, capsys):
    table = pd.read_csv("table.csv").assign(grade=np.tile([1.5, 2.0, 2.5], 80))
    table.to_csv("grades.csv", index=False)
    assert run(["fit", "grades.csv", "--target", "grade", "--task", "classification", "--out",
                "m.evenly", *QUICK]) == 0
    assert "one of 3 classes (as asked for)" in capsys.readouterr().out
    assert run(["predict", "m.evenly", "grades.csv", "--out", "p.csv"]) == 0
    assert "p(1.5)" in (here / "p.csv").read_text().splitlines()[0]


# Held-out rows ----------------------------------------------------------------------------------


def test_intervals_hold_the_target(here, capsys):
    assert run(["fit", "table.csv", "--target", "price", "--out", "m.evenly", "--epochs", "30",
                "--interval-fraction", "0.2"]) == 0
    assert run(["predict", "m.evenly", "new.csv", "--interval", "90", "--out", "p.csv"]) == 0
    predicted, truth = pd.read_csv("p.csv"), pd.read_csv("new.csv")["price"]
    assert list(predicted.columns) == ["price", "lower", "upper"]
    inside = (predicted["lower"] <= truth) & (truth <= predicted["upper"])
    assert 0.7 < inside.mean() <= 1
    assert (predicted["lower"] < predicted["price"]).all()


def test_several_networks_and_a_time(here, capsys):
    assert run(["fit", "table.csv", "--target", "price", "--out", "m.evenly", *QUICK,
                "--members", "3", "--time-limit", "1000"]) == 0
    assert "3 networks, the first: " in capsys.readouterr().out
    model = saving.load("m.evenly")
    assert len(model.members_) == model.members == 3
    assert run(["predict", "m.evenly", "new.csv", "--out", "p.csv"]) == 0
    assert run(["fit", "table.csv", "--target", "price", "--out", "n.evenly", "--epochs", "5000",
                "--time-limit", "0.001"]) == 0
    assert "time ran out" in capsys.readouterr().out
    for wrong in (["--members", "0"], ["--time-limit", "0"],
                  ["--checkpoint", "kept", "--members", "2"]):
        assert run(["fit", "table.csv", "--target", "price", "--out", "o.evenly", *wrong]) != 0


def test_a_group_is_held_out_whole_and_is_no_input(here, capsys):
    table = pd.read_csv("table.csv").assign(house=np.repeat(np.arange(24), 10))
    table.to_csv("groups.csv", index=False)
    assert run(["fit", "groups.csv", "--target", "kind", "--groups", "house", "--out", "m.evenly",
                *QUICK]) == 0
    model = saving.load("m.evenly")
    assert "house" not in [column.name for column in model.columns_.inputs]
    held = table["house"].iloc[model.held_out_]
    assert len(held) == 10 * held.nunique() > 0


def test_a_threshold_counts_in_the_scores(here, capsys):
    fit = ["fit", "table.csv", "--target", "kind", "--out", "m.evenly", *QUICK]
    assert run([*fit, "--threshold", "0.9", "--calibrate", "--monitor", "roc_auc"]) == 0
    model, table = saving.load("m.evenly"), pd.read_csv("table.csv")
    held = model.held_out_
    right = (model.predict(table)[held] == table["kind"].to_numpy()[held]).mean()
    assert model.scores_.lines[0].of("accuracy") == pytest.approx(right)
    likeliest = model.predict_proba(table)[held].argmax(axis=1) == (table["kind"] == "dear")[held]
    assert likeliest.mean() != pytest.approx(right)
    capsys.readouterr()
    assert run(["show", "m.evenly"]) == 0
    assert "--threshold 0.9 --calibrate --monitor roc_auc" in " ".join(
        capsys.readouterr().out.split())


@pytest.mark.parametrize(("options", "scale", "embedding"), [
    (["--scale", "robust", "--embedding", "periodic"], "robust", "periodic"),
    (["--scale", "normal", "--embedding", "piecewise"], "normal", "piecewise"),
    (["--scale", "none"], False, None), ([], True, None),
])
def test_scale_and_embedding_of_the_inputs(here, capsys, options, scale, embedding):
    fit = ["fit", "table.csv", "--target", "price", "--out", "m.evenly", *QUICK]
    assert run([*fit, *options]) == 0
    model = saving.load("m.evenly")
    assert (model.scale, model.embedding) == (scale, embedding)
    capsys.readouterr()
    assert run(["show", "m.evenly"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert " ".join(options) in shown
    assert ("--scale" in shown) == (scale is not True)
    assert ("--embedding" in shown) == (embedding is not None)


def test_categories_as_rows_of_a_learned_table(here, capsys):
    options = ["--categories", "embedding", "--levels", "1"]
    fit = ["fit", "table.csv", "--target", "price", "--out", "m.evenly", *QUICK]
    assert run([*fit, *options]) == 0
    model = saving.load("m.evenly")
    assert (model.categories, model.levels) == ("embedding", 1)
    assert model.inputs_.codes
    assert any("rows of a learned table" in note for note in model.notes_)
    capsys.readouterr()
    assert run(["show", "m.evenly"]) == 0
    assert " ".join(options) in " ".join(capsys.readouterr().out.split())
    assert run(["explain", "m.evenly", "table.csv"]) == 0
    assert run(["predict", "m.evenly", "new.csv", "--quiet"]) == 0
    assert run([*fit, "--force", "--categories", "one-hot"]) == 2


def test_ctrl_c_while_scores_are_taken_keeps_the_network(here, capsys, monkeypatch):
    from evenly import explain

    def stopped(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(explain, "score", stopped)
    command = ["fit", "table.csv", "--target", "kind", "--out", "m.evenly", *QUICK]
    assert run([*command, "--report", "r.html"]) == 130
    assert "Written: m.evenly" in capsys.readouterr().out
    assert not (here / "r.html").exists()
    assert run(["predict", "m.evenly", "new.csv", "--quiet"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 41
    assert run(["show", "m.evenly"]) == 0
    assert "predicts 'kind'" in capsys.readouterr().out


def test_what_training_warns_of_is_a_line_of_the_model(here, capsys):
    table = pd.read_csv("table.csv")
    table.loc[3, "price"] = 1e6
    table.to_csv("far.csv", index=False)
    assert run(["fit", "far.csv", "--target", "price", "--out", "m.evenly", *QUICK]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "row" in " ".join(saving.load("m.evenly").scores_.notes)
    assert any("huber" in note for note in saving.load("m.evenly").scores_.notes)
