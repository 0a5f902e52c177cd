"""The examples that the help and the manual page of each command begin with: a line to type, and
what it does."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "evenly": (
        ("evenly fit table.csv --target y", "train a network on a table"),
        ("evenly predict model.evenly new.csv", "and use it"),
        ("evenly study", "see the best-known claims tested"),
        ("evenly exercise batch-norm", "a problem to be solved by hand"),
        ("evenly doctor run.jsonl", "what ails a training"),
    ),
    "columns": (
        ("evenly columns table.csv --target y", "what each column is taken for"),
        ("evenly columns table.csv --as born=d/m/y --na unknown", "and otherwise"),
        ("evenly columns table.csv --format json", "for programs"),
    ),
    "completion": (
        ('eval "$(evenly completion bash)"', "in ~/.bashrc"),
        ('eval "$(evenly completion zsh)"', "in ~/.zshrc, behind compinit"),
        ("evenly completion fish | source", "in ~/.config/fish/config.fish"),
    ),
    "doctor": (
        ("evenly doctor run.jsonl", "what the record of a training shows"),
        ("evenly doctor run.jsonl --page run.html", "with the evidence, drawn"),
        ("evenly doctor --cure table.csv --target y", "try cures on a table"),
    ),
    "doctor-install": (
        ("evenly doctor-install", "to copy into a report of a fault"),
        ("evenly doctor-install --json", "for programs"),
    ),
    "exercise": (
        ("evenly exercise --list", "all exercises"),
        ("evenly exercise batch-norm --seed 7 --level 2", "one of them"),
        ("evenly exercise batch-norm --seed 7 --level 2 --answers", "its key"),
        ("evenly exercise adam --sheets 30 --out sheets --format pdf", "for a class"),
        ("evenly exercise adam --template > numbers.json", "a file for numbers of your own"),
        ("evenly exercise adam --input numbers.json", "the exercise with them"),
    ),
    "explain": (
        ("evenly explain model.evenly table.csv", "which columns matter"),
        ("evenly explain model.evenly table.csv --column age", "how answers change with one"),
        ("evenly explain model.evenly table.csv --rows 10", "where it errs most"),
    ),
    "export": (
        ("evenly export model.evenly model.onnx", "for other programs"),
        ("evenly export images.evenly images.onnx --channels-first", "images as they expect them"),
    ),
    "fit": (
        ("evenly fit table.csv --target y", "the network is in model.evenly"),
        ("evenly fit table.csv --target y --out y.evenly --report y.html", "with a page"),
        ("evenly fit table.csv --target y --hidden 256,64 --dropout 0.5", "another network"),
        ("evenly fit table.csv --target price --loss huber --doctor", "numbers, watched"),
    ),
    "grade": (
        ("evenly grade sheet.json", "a report"),
        ("evenly grade answers --csv points.csv", "a folder of sheets, as a table"),
    ),
    "lesson": (
        ("evenly lesson --list", "all lessons"),
        ("evenly lesson batch-normalization", "one of them"),
        ("evenly lesson batch-normalization --practice", "step by step"),
        ("evenly lesson batch-normalization --step 3 --answer 5/2", "one answer"),
    ),
    "predict": (
        ("evenly predict model.evenly new.csv", "a table on standard output"),
        ("evenly predict model.evenly new.csv --out answers.csv", "or in a file"),
        ("evenly predict model.evenly new.csv --interval 90", "with how sure it is"),
        ("cat new.csv | evenly predict model.evenly -", "rows from another program"),
    ),
    "serve": (
        ("evenly serve --open", "on this machine, in its browser"),
        ("evenly serve --host 0.0.0.0 --port 8080", "for everyone who reaches it"),
    ),
    "show": (
        ("evenly show model.evenly", "what is in the file"),
        ("evenly show model.evenly --all", "with every column"),
    ),
    "study": (
        ("evenly study", "the tour: well-known claims, tested"),
        ("evenly study --list", "all ready studies"),
        ("evenly study dropout-gap", "one of them at length"),
        ("evenly study my_claim.py", "a study of your own"),
        ("evenly study table.csv --target y", "networks with and without a technique"),
        ("evenly study digits --net cnn", "the same on handwritten digits"),
    ),
    "tune": (
        ("evenly tune table.csv --target y", "the best as a line to train it with"),
        ("evenly tune table.csv --target y --time-limit 600 --jobs 4", "four at a time"),
        ("evenly tune table.csv --target y --resume --trials 100", "go on"),
        ("evenly tune table.csv --target y --objectives score,time", "good and soon trained"),
    ),
}
