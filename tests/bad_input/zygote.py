"""A process that has imported everything, and forks one that runs the program for every line.

A line on standard input is a JSON object with the folder, the words, Python to run before, the
streams and the files for what is printed; the answer on standard output is the exit status.
Nothing is computed here before the fork: there are no threads to lose.
"""

import json
import os
import sys
import traceback

# Every thread of the reader takes address space for its stack and its heap, and there is one for
# every processor: a row that limits memory would depend on their number.
os.environ["POLARS_MAX_THREADS"] = "2"

import pandas
import polars
import pyarrow.parquet
import sklearn.preprocessing

import evenly.cli
import evenly.cli.curves
import evenly.cli.loading
import evenly.cli.writing
import evenly.estimators
import evenly.reading.table
import evenly.saving
import evenly.study
import evenly.tables

USED = (pandas, polars, pyarrow.parquet, sklearn.preprocessing, evenly)


def stream(number, kind, path):
    """Makes one of the standard streams what a row says."""
    if kind == "no reader":
        end, target = os.pipe()
        os.close(end)
    elif kind == "full":
        target = os.open("/dev/full", os.O_WRONLY)
    elif number == 0:
        target = os.open(os.devnull, os.O_RDONLY)
    else:
        target = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    os.dup2(target, number)
    os.close(target)
    # As Python itself does when it starts.
    name = ("stdin", "stdout", "stderr")[number]
    if kind == "closed":
        os.close(number)
        setattr(sys, name, None)
    elif number:
        setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))


def child(task):
    os.chdir(task["folder"])
    for number in range(3):
        stream(number, task["streams"].get(str(number)), task["files"][number])
    sys.argv = ["evenly", *task["words"]]
    exec(task["before"], {})
    evenly.cli.main()


def ended(error):
    """The status with which Python ends."""
    if isinstance(error, SystemExit):
        return error.code or 0
    traceback.print_exc()
    return 1


if __name__ == "__main__":
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            status = 0
            try:
                child(json.loads(line))
            except BaseException as error:
                status = ended(error)
            for printed in (sys.stdout, sys.stderr):
                try:
                    if printed is not None:
                        printed.flush()
                except OSError:
                    status = 120  # as Python has it
            os._exit(status)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        print(code, flush=True)
