"""Standard streams that take nothing, and a process with little memory.

A pipe whose reader has ended is no error of ours: nothing is said, and the status is that of a
program that SIGPIPE ends. All else is: what could not be printed is said on standard error, if
that can be.
"""

from __future__ import annotations

from .bad import Bad, Child, Shell
from .system import FIT, long_table

NO_READER, FULL, CLOSED = ({1: kind} for kind in ("no reader", "full", "closed"))
NO_ROOM = "standard output: cannot be written: No space left on device"
NOT_OPEN = "standard output: cannot be written: Bad file descriptor"
NO_MEMORY = "out of memory: use fewer rows or columns, or a smaller --hidden"
MADE = ("o.evenly",)

# Two gibibytes above what the zygote has: enough for every thread that reads a table, and less
# than a tenth of what the networks below want for one array.
LITTLE_MEMORY = """
import resource
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**31, used + 2**31))
"""

ROWS: list[Bad] = [
    Child("nobody reads what show prints", "show m.evenly", "", status=141, streams=NO_READER),
    Child("nobody reads what show prints of a model", "show net.evenly", "", status=141,
          streams=NO_READER),
    Child("nobody reads what predict prints", "predict m.evenly new.csv", "", status=141,
          streams=NO_READER),
    Child("nobody reads the many rows that predict prints", "predict m.evenly long.csv", "",
          long_table, status=141, streams=NO_READER),
    Child("nobody reads what fit prints", f"{FIT} o.evenly", "", status=141, streams=NO_READER,
          new=MADE),
    Child("nobody reads the help", "--help", "", status=141, streams=NO_READER),
    Child("nobody reads the help of fit", "fit --help", "", status=141, streams=NO_READER),
    Child("nobody reads the version", "--version", "", status=141, streams=NO_READER),
    Child("nobody reads the errors", "predict m.evenly no.csv", "", streams={2: "no reader"}),
    Child("nobody reads anything", f"{FIT} o.evenly", "", status=141,
          streams={1: "no reader", 2: "no reader"}, new=MADE),
    Child("predictions to a full disk", "predict m.evenly new.csv", NO_ROOM, streams=FULL),
    Child("many predictions to a full disk", "predict m.evenly long.csv", NO_ROOM, long_table,
          streams=FULL),
    Child("show to a full disk", "show m.evenly", NO_ROOM, streams=FULL),
    Child("the help to a full disk", "--help", NO_ROOM, streams=FULL),
    Child("fit to a full disk", f"{FIT} o.evenly", NO_ROOM, streams=FULL, new=MADE),
    Child("errors to a full disk", "show no.evenly", "", streams={2: "full"}),
    Child("no standard output for show", "show m.evenly", NOT_OPEN, streams=CLOSED),
    Child("no standard output for predict", "predict m.evenly new.csv", NOT_OPEN, streams=CLOSED),
    Child("no standard output for fit", f"{FIT} o.evenly", NOT_OPEN, streams=CLOSED, new=MADE),
    Child("no standard error for fit", f"{FIT} o.evenly --epochs -1", "", streams={2: "closed"}),
    Child("no standard error for predict", "predict m.evenly no.csv", "", streams={2: "closed"}),
    Child("no standard streams at all", f"{FIT} o.evenly", "",
          streams={0: "closed", 1: "closed", 2: "closed"}, new=MADE),
    Shell("a reader who wants the first line alone",
          "evenly predict m.evenly long.csv | head -1; exit ${PIPESTATUS[0]}", "", long_table,
          status=141, out="kind,p(cheap),p(dear)\n"),
    Shell("a shell that closes standard output", "evenly show net.evenly >&-", NOT_OPEN),
    Shell("a shell that closes standard error", "evenly show no.evenly 2>&-", ""),
    Child("a network that takes more memory than there is",
          f"{FIT} o.evenly --hidden 90000,90000", NO_MEMORY, before=LITTLE_MEMORY),
    Child("a larger network than memory in place of another",
          f"{FIT} m.evenly --force --hidden 90000,90000", NO_MEMORY, before=LITTLE_MEMORY),
]
