"""What the system refuses: rights, room on the disk, pipes, memory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .bad import Child

# Runs in the child, before the program. `refuse` makes opening a file fail as without rights:
# root, whom no rights bind, is refused too.
REFUSE = """
import builtins, errno, io, os, pathlib
def refused(name, writing):
    raise OSError(errno.EACCES, os.strerror(errno.EACCES), name)
def refuse(names, writing):
    real_open, real_os = io.open, os.open
    def check(path, flags):
        if isinstance(path, (str, bytes, os.PathLike)):
            name = os.path.basename(os.fsdecode(path))
            if any(name.startswith(n) for n in names) and flags == writing:
                raise OSError(errno.EACCES, os.strerror(errno.EACCES), os.fsdecode(path))
    def open_(path, mode="r", *rest, **more):
        check(path, any(c in mode for c in "wax+"))
        return real_open(path, mode, *rest, **more)
    builtins.open = io.open = open_
    pathlib.io.open = open_
"""
NO_READING = REFUSE + "refuse(['table.csv', 'm.evenly', 'table.parquet'], False)"
NO_FOLDER = """
import errno, os, tempfile
def mkdtemp(*a, **k):
    raise OSError(errno.EACCES, os.strerror(errno.EACCES))
tempfile.mkdtemp = mkdtemp
"""
READ_ONLY_DISK = NO_FOLDER.replace("EACCES", "EROFS")
NO_OLD_FILE = """
import os
real = os.access
os.access = lambda p, m, **k: not (m & os.W_OK and str(p).endswith(('m.evenly', 'p.csv'))) and real(p, m, **k)
"""
# Every file may have so many bytes: what is more is refused as on a full disk.
FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
"""
NO_SPACE = """
import errno, os
def fsync(number):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
os.fsync = fsync
"""
# What the commands import is there before the system refuses anything.
IMPORTS = """
import evenly.cli, evenly.saving, evenly.study, evenly.tables, evenly.estimators
import evenly.cli.curves, pandas, pyarrow.parquet, sklearn.preprocessing
"""
# Rights bind every user but root: where root runs the tests, the program goes on as nobody.
NOBODY = IMPORTS + """
import os
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
"""
LITTLE_MEMORY = IMPORTS + """
import resource
used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
"""
FIT = "evenly fit table.csv --target kind --epochs 2 --hidden 4"
FIRST = "kind,p(cheap),p(dear)\n"


def long_table():
    lines = Path("new.csv").read_text().splitlines()
    Path("long.csv").write_text("\n".join(lines[:1] + lines[1:] * 2000) + "\n")


ROWS = [
    Child("a table without the right to read", f"{FIT} --out o.evenly",
        "table.csv: cannot be read: Permission denied", before=NO_READING),
    Child("a Parquet table without the right to read",
          "evenly fit table.parquet --target kind --out o.evenly",
        "table.parquet: cannot be read: Permission denied", before=NO_READING),
    Child("a model without the right to read", "evenly predict m.evenly new.csv",
        "m.evenly: cannot be read: Permission denied",
          before=NO_READING),
    Child("a folder without the right to write", f"{FIT} --out o.evenly",
        "o.evenly: cannot be written: Permission denied: name another file", before=NO_FOLDER),
    Child("a disk that is read only", f"{FIT} --out o.evenly",
        "o.evenly: cannot be written: Read-only file system: name another file", before=READ_ONLY_DISK),
    Child("an old model without the right to write", f"{FIT} --out m.evenly --force",
        "m.evenly: cannot be written: Permission denied: name another file",
          before=NO_OLD_FILE),
    Child("old predictions without the right to write",
          "evenly predict m.evenly new.csv --out p.csv --force",
        "p.csv: cannot be written: Permission denied: name another file",
          lambda: shutil.copy("new.csv", "p.csv"), before=NO_OLD_FILE),
    Child("a table that is nobody's to read", f"{FIT} --out o.evenly",
        "Invalid value for 'TABLE': Path 'table.csv' is not readable.",
          lambda: os.chmod("table.csv", 0), before=NOBODY),
    Child("a model that is nobody's to read", "evenly show m.evenly",
        "Invalid value for 'MODEL': Path 'm.evenly' is not readable.",
          lambda: os.chmod("m.evenly", 0), before=NOBODY),
    Child("a folder that is nobody's to write to", f"{FIT} --out o.evenly",
        "o.evenly: cannot be written: Permission denied: name another file",
          lambda: os.chmod(".", 0o555), before=NOBODY),
    Child("an old model that is nobody's to write", f"{FIT} --out m.evenly --force",
        "m.evenly: cannot be written: Permission denied: name another file",
          lambda: (os.chmod(".", 0o777), os.chmod("m.evenly", 0o444)), before=NOBODY),
    Child("a folder that the system does not write to", f"{FIT} --out /proc/o.evenly",
        "/proc/o.evenly: cannot be written: No such file or directory: name another file"),
    Child("a file too large for the disk, new", f"{FIT} --out o.evenly",
        "o.evenly: cannot be written: File too large: name another file", before=FULL),
    Child("a file too large for the disk, old", f"{FIT} --out m.evenly --force",
        "m.evenly: cannot be written: File too large: name another file", before=FULL),
    Child("a full disk, new", f"{FIT} --out o.evenly",
        "o.evenly: cannot be written: No space left on device: name another file", before=NO_SPACE),
    Child("a full disk, old", f"{FIT} --out m.evenly --force",
        "m.evenly: cannot be written: No space left on device: name another file", before=NO_SPACE),
    Child("a full disk for predictions", "evenly predict m.evenly long.csv --out p.csv",
        "p.csv: cannot be written: File too large: name another file",
          long_table, before=FULL),
    Child("a full disk for the curves", f"{FIT} --out o.evenly --curves c.png",
        "c.png: cannot be written: File too large: name another file; the network is in "
        "o.evenly",
          before=FULL.replace("1000", "20000"), new=("o.evenly",)),
    Child("/dev/full for a model", f"{FIT} --out /dev/full --force",
        "/dev/full: cannot be written: not a regular file: name another file"),
    Child("/dev/full for predictions", "evenly predict m.evenly new.csv --out /dev/full --force",
        "/dev/full: expects a name that ends in .csv, got ''"),
    Child("predictions to a full disk by the shell", "evenly predict m.evenly new.csv > /dev/full",
        "standard output: cannot be written: No space left on device"),
    Child("many predictions to a full disk by the shell",
          "evenly predict m.evenly long.csv > /dev/full",
        "standard output: cannot be written: No space left on device", long_table),
    Child("show to a full disk by the shell", "evenly show m.evenly > /dev/full",
        "standard output: cannot be written: No space left on device"),
    Child("fit to a full disk by the shell", f"{FIT} --out o.evenly > /dev/full",
        "standard output: cannot be written: No space left on device",
          new=("o.evenly",)),
    Child("a reader who wants nothing of show", "closed_pipe evenly show m.evenly", "",
          status=141),
    Child("a reader who wants nothing of predict", "closed_pipe evenly predict m.evenly new.csv", "", status=141),
    Child("a reader who wants the first line",
          "evenly predict m.evenly long.csv | head -1; exit ${PIPESTATUS[0]}", "", long_table,
          status=141, out=FIRST),
    Child("a reader who wants nothing of fit", f"closed_pipe {FIT} --out o.evenly", "",
          status=141, new=("o.evenly",)),
    Child("a reader who wants nothing of the help", "closed_pipe evenly --help", "", status=141),
    Child("a reader who wants nothing of the version", "closed_pipe evenly --version", "",
          status=141),
    Child("no standard output for show", "evenly show m.evenly >&-",
        "standard output: cannot be written: Bad file descriptor"),
    Child("no standard output for predict", "evenly predict m.evenly new.csv >&-",
        "standard output: cannot be written: Bad file descriptor"),
    Child("no standard output for fit", f"{FIT} --out o.evenly >&-",
        "standard output: cannot be written: Bad file descriptor", new=("o.evenly",)),
    Child("no standard error for fit", f"{FIT} --epochs -1 --out o.evenly 2>&-", ""),
    Child("no standard error for predict", "evenly predict m.evenly no.csv 2>&-", ""),
    Child("no standard streams at all", f"{FIT} --out o.evenly <&- >&- 2>&-", "",
          new=("o.evenly",)),
    Child("a network that takes more memory than there is",
          f"{FIT} --hidden 9000,9000 --out o.evenly", "?", before=LITTLE_MEMORY),
    Child("a network that takes more memory than there is, in place of another",
          f"{FIT} --hidden 9000,9000 --out m.evenly --force", "?", before=LITTLE_MEMORY),
    Child("a reader who wants no errors", "closed_pipe2 evenly predict m.evenly no.csv", ""),
]
