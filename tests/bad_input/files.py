"""Files that are not what they should be: tables and models."""

from __future__ import annotations

import gzip
import json
import os
import struct
import zipfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

import evenly as ev
from evenly.errors import FileFormatError

from .bad import LONG, Bad, X, Y, changed, cut, npz, sealed, write

FIT = "--target kind --out o.evenly"


def header(text: str) -> bytes:
    """A safetensors file that is nothing but a header."""
    return struct.pack("<Q", len(text)) + text.encode()


def flipped() -> None:
    data = bytearray(Path("net.evenly").read_bytes())
    data[-3] ^= 4
    Path("bad.evenly").write_bytes(data)


def huge_npz() -> None:
    """An array of 800 TB, in 128 bytes."""
    head = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 100000), }"
    head += " " * (117 - len(head)) + "\n"
    with zipfile.ZipFile("bad.npz", "w") as archive:
        start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head))
        archive.writestr("x.npy", start + head.encode())
        with archive.open("y.npy", "w") as file:
            np.save(file, Y)


def pickled() -> None:
    np.savez("bad.npz", x=np.array([[1], ["a"]], dtype=object), y=np.arange(2))


def nested() -> None:
    frame = pd.DataFrame({"a": [[1.0, 2.0]] * 40, "kind": ["u", "v"] * 20})
    frame.to_parquet("bad.parquet")


def claims(text: Any, arrays: object) -> None:
    """Dense layers of a billion units."""
    text["content"]["net"]["type"][1]["layers"]["tuple"][0]["type"][1]["units"] = 10**9


ROWS = [
    # Tables
    Bad("no such table", f"fit no.csv {FIT}",
        "no.csv: no such file: check the name and the folder"),
    Bad("a folder for a table", f"fit folder {FIT}",
        "folder: the folder holds no *.parquet: name the files of another kind one by one",
        lambda: os.mkdir("folder")),
    Bad("a folder with the name of a table", f"fit f.csv {FIT}",
        "f.csv: is not a file: name a table, .csv, .tsv, .parquet or .npz",
        lambda: os.mkdir("f.csv")),
    Bad("an empty table", f"fit bad.csv {FIT}",
        "bad.csv: the file is empty: expects a header and rows", write("bad.csv", "")),
    Bad("a table of blank lines", f"fit bad.csv {FIT}",
        "bad.csv: is not a CSV table: there is no header: expects a header and rows",
        write("bad.csv", "\n\n\n")),
    Bad("a header alone", f"fit bad.csv {FIT}",
        "bad.csv: the table is empty: expects at least 10 rows", write("bad.csv", "size,kind\n")),
    Bad("numbers of a machine named .csv", f"fit bad.csv {FIT}",
        "bad.csv: line 1: holds a NUL byte: it is damaged, or no text: save it anew as CSV",
        write("bad.csv", bytes(range(256)) * 20)),
    Bad("a table in Cyrillic letters of Windows", f"fit bad.csv {FIT}",
        "bad.csv: line 1: byte 0xf0 is not UTF-8: save it in UTF-8, or give its encoding, such as "
        "--encoding cp1251 (encoding='cp1251' in Python)",
        write("bad.csv", "размер,kind\n1,a\n2,b\n".encode("cp1251"))),
    Bad("a table in UTF-16 without a mark", f"fit bad.csv {FIT}",
        "bad.csv: line 1: holds a NUL byte: if it is a text in UTF-16, say --encoding utf-16-le "
        "(encoding='utf-16-le' in Python)",
        write("bad.csv", "size,kind\n1,a\n2,b\n".encode("utf-16-le"))),
    Bad("a row with more cells than the header", f"fit bad.csv {FIT}",
        "bad.csv: is not a CSV table: line 3 has 3 cells, expects 2 as in the header: mend "
        "the line",
        write("bad.csv", "size,kind\n1,a\n2,b,3\n4,a\n")),
    Bad("every row with more cells than the header", f"fit bad.csv {FIT}",
        "bad.csv: is not a CSV table: the rows have more cells than the header: name each "
        "column once",
        write("bad.csv", "size,kind\n" + "1,a,7\n2,b,7\n" * 10)),
    Bad("a quote that does not end", f"fit bad.csv {FIT}",
        "bad.csv: is not a CSV table: the quotation that begins in line 2 does not end: "
        "mend the line",
        write("bad.csv", 'size,kind\n1,"a\n' + "2,b\n" * 20)),
    Bad("the wrong suffix", f"fit table.docx {FIT}",
        "table.docx: expects a table, .csv, .tsv, .parquet or .npz, got '.docx': convert it",
        write("table.docx", "size,kind\n1,a\n")),
    Bad("no suffix", f"fit table {FIT}",
        "table: expects a table, .csv, .tsv, .parquet or .npz, got '': convert it", write("table",
        "size,kind\n1,a\n")),
    Bad("a table that says it is packed", f"fit table.csv.gz {FIT}",
        "table.csv.gz: is not packed by gzip: take '.gz' off its name",
        write("table.csv.gz", "size,kind\n1,a\n")),
    Bad("a packed table that is cut", f"fit bad.csv {FIT}",
        "bad.csv: is packed by gzip and damaged, or ends too early: Compressed file ended before "
        "the end-of-stream marker was reached: copy it anew",
        write("bad.csv", gzip.compress(b"size,kind\n1,a\n", mtime=0)[:-9])),
    Bad("a Parquet file named .csv", "predict m.evenly bad.csv",
        "bad.csv: is not a CSV table: it holds a Parquet table: name it .parquet",
        cut("bad.csv", "table.parquet", 1)),
    Bad("a table named .parquet", f"fit bad.parquet {FIT}",
        "bad.parquet: is not a Parquet table: Parquet magic bytes not found in footer. "
        "Either the file is corrupted or this is not a parquet file.", cut("bad.parquet",
        "table.csv", 1)),
    Bad("a Parquet file cut in the middle", f"fit bad.parquet {FIT}",
        "bad.parquet: is not a Parquet table: Parquet magic bytes not found in footer. "
        "Either the file is corrupted or this is not a parquet file.",
        cut("bad.parquet", "table.parquet", 0.5)),
    Bad("a Parquet file of lists", f"fit bad.parquet {FIT}",
        "bad.parquet: column 'a' holds list<element: double>, expects numbers or text: "
        "make a column of each part, or leave it out", nested),
    Bad("a text named .npz", "fit bad.npz --out o.evenly",
        "bad.npz: is not an .npz archive: File is not a zip file", write("bad.npz", "size,kind\n")),
    Bad("an .npz file cut in the middle", "fit bad.npz --out o.evenly",
        "bad.npz: is not an .npz archive: File is not a zip file",
        lambda: (np.savez("whole.npz", x=X, y=Y), cut("bad.npz", "whole.npz", 0.5)())),
    Bad("an .npz file without y", "fit bad.npz --out o.evenly",
        "bad.npz: there is no array 'y': say --target NAME: it holds x", npz(x=X)),
    Bad("an .npz file with three arrays and no x", "fit bad.npz --out o.evenly",
        "bad.npz: expects inputs in an array 'x', got a, b, y: rename the array",
        npz(a=X, b=X, y=Y)),
    Bad("an .npz file with Python objects", "fit bad.npz --out o.evenly",
        "bad.npz: array 'x' holds Python objects, which are never loaded: save it as "
        "numbers or text", pickled),
    Bad("an .npz file with complex numbers", "fit bad.npz --out o.evenly",
        "bad.npz: array 'x' holds complex64: save it as numbers or text",
        npz(x=X + 1j, y=Y)),
    Bad("an .npz file with images", "fit bad.npz --out o.evenly",
        "bad.npz: expects x of shape (rows, features), got examples of shape (4, 4): "
        "reshape x",
        npz(x=np.zeros((40, 4, 4)), y=Y)),
    Bad("an .npz file with fewer targets than rows", "fit bad.npz --out o.evenly",
        "bad.npz: 'x' has 40 rows and 'y' has 39: expects the same",
        npz(x=X, y=Y[:-1])),
    Bad("an .npz file that claims 800 TB", "fit bad.npz --out o.evenly",
        "bad.npz: array 'x' of shape (1000000000, 100000) takes about 800 TB of memory, "
        "and 1 GB are free: use fewer rows or columns, or a machine with more memory", huge_npz,
        within=lambda: patch("evenly.reading.memory.available_bytes", return_value=10**9)),
    Bad("a .npz file to predict with images", "predict m.evenly bad.npz",
        "bad.npz: array 'x' expects numbers or text of shape (rows, features), got "
        "examples of shape (2, 2)",
        npz(x=np.zeros((4, 2, 2)))),
    Bad("a pipe for a table", f"fit pipe.csv {FIT}",
        "pipe.csv: is not a file: name a table, .csv, .tsv, .parquet or .npz",
        lambda: os.mkfifo("pipe.csv")),
    Bad("a device for a table", f"fit /dev/zero {FIT}",
        "/dev/zero: is not a file: name a table, .csv, .tsv, .parquet or .npz"),
    Bad("a link to nothing for a table", f"fit link.csv {FIT}",
        "link.csv: no such file: check the name and the folder",
        lambda: os.symlink("gone.csv", "link.csv")),
    Bad("a link to itself for a table", f"fit link.csv {FIT}",
        "link.csv: no such file: check the name and the folder",
        lambda: os.symlink("link.csv", "link.csv")),
    Bad("a name that is too long", f"fit {LONG}.csv {FIT}",
        "{long}.csv: cannot be read: File name too long"),
    # Models
    Bad("no such model", "show no.evenly",
        "no.evenly: no such file: check the name and the folder"),
    Bad("a folder for a model", "show folder",
        "folder: cannot be read: Is a directory", lambda: os.mkdir("folder")),
    Bad("an empty model", "show bad.evenly",
        "bad.evenly: not an Evenly file: 0 bytes are too few", write("bad.evenly", b"")),
    Bad("a table for a model", "predict table.csv new.csv",
        "table.csv: truncated, or not an Evenly file: its header would end behind the "
        "file's end"),
    Bad("a zip archive for a model", "show bad.evenly",
        "bad.evenly: truncated, or not an Evenly file: its header would end behind the "
        "file's end",
        lambda: zipfile.ZipFile("bad.evenly", "w").writestr("a.txt", "a" * 500)),
    Bad("a pickle for a model", lambda: ev.load("bad.pkl"),
        "bad.pkl: truncated, or not an Evenly file: its header would end behind the file's "
        "end",
        write("bad.pkl", b"\x80\x04cos\nsystem\n(S'touch hacked'\ntR."), FileFormatError),
    Bad("a model cut in the middle", "predict bad.evenly new.csv",
        "bad.evenly: truncated, or not an Evenly file: its header would end behind the "
        "file's end",
        cut("bad.evenly", "m.evenly", 0.5)),
    Bad("a model without its last byte", "show bad.evenly",
        "bad.evenly: truncated or damaged: its length is another than its header says",
        lambda: Path("bad.evenly").write_bytes(Path("net.evenly").read_bytes()[:-1])),
    Bad("a model with one bit changed", "show bad.evenly",
        "bad.evenly: damaged: its checksum is another than that of its contents", flipped),
    Bad("a model with bytes behind its end", lambda: ev.load("bad.evenly"),
        "bad.evenly: truncated or damaged: its length is another than its header says",
        lambda: Path("bad.evenly").write_bytes(Path("net.evenly").read_bytes() + b"more"),
        FileFormatError),
    Bad("a model of a newer version", "show bad.evenly",
        "bad.evenly: of format version '2'; this Evenly reads version 1: use a newer Evenly",
        write("bad.evenly", header(json.dumps({"__metadata__": {"evenly": "2"}})))),
    Bad("a safetensors file of another program", "show bad.evenly",
        "bad.evenly: not an Evenly file: its header names no version of Evenly's format",
        write("bad.evenly", header(json.dumps({"__metadata__": {"format": "pt"}})))),
    Bad("a model whose header claims 2**60 bytes", "show bad.evenly",
        "bad.evenly: truncated, or not an Evenly file: its header would end behind the "
        "file's end",
        write("bad.evenly", struct.pack("<Q", 2**60) + b"{}")),
    Bad("a model that claims a billion units", "show bad.evenly",
        "bad.evenly: the array 'weights/dense_1.kernel' should be float32 of shape (3, "
        "1000000000), it is float32 of shape (3, 4)", sealed(claims)),
    Bad("a model for what allows less memory", lambda: ev.load("net.evenly", memory=1000),
        "net.evenly: {size} bytes are more than memory=1,000 allows: give more",
        None, FileFormatError),
    Bad("a model that is no network for tables", "predict net.evenly new.csv",
        "net.evenly: holds a Model, not a network of `evenly fit`: load it in Python with "
        "evenly.load"),
    Bad("a classifier that is no network for tables", "predict c.evenly new.csv",
        "c.evenly: holds a NetClassifier, not a network of `evenly fit`: load it in Python "
        "with evenly.load"),
    Bad("a pipe for a model", "show pipe",
        "pipe: cannot be read: not a regular file", lambda: os.mkfifo("pipe")),
    Bad("a device for a model", "show /dev/zero",
        "/dev/zero: cannot be read: not a regular file"),
    Bad("a link to nothing for a model", "show link",
        "link: no such file: check the name and the folder", lambda: os.symlink("gone", "link")),
    Bad("no such model, from Python", lambda: ev.load("no.evenly"),
        "[Errno 2] No such file or directory: 'no.evenly'", None, FileNotFoundError),
    Bad("a folder for a model, from Python", lambda: ev.load("."),
        "[Errno 21] Is a directory: '.'", None, IsADirectoryError),
    Bad("saving into a folder that is not there",
        lambda: ev.save("no/m", ev.load("net.evenly")),
        "[Errno 2] no such folder: '{here}/no'", None, FileNotFoundError),
    Bad("saving over a folder", lambda: ev.save("folder", ev.load("net.evenly")),
        "[Errno 21] Is a directory: '{here}/folder'",
        lambda: os.mkdir("folder"), IsADirectoryError),
    Bad("saving over a pipe", lambda: ev.save("pipe", ev.load("net.evenly")),
        "[Errno 22] not a regular file: '{here}/pipe'",
        lambda: os.mkfifo("pipe"), OSError),
    Bad("saving something else", lambda: ev.save("net.evenly", {"a": 1}),
        "save: expects a Model, a fitted NetClassifier, NetRegressor, TableClassifier or "
        "TableRegressor, a Pipeline of such, or a Saved, got dict", None,
        ev.errors.ConfigurationError),
    Bad("saving classes that are not as many", lambda: ev.save(
        "net.evenly", ev.load("net.evenly"), classes=["a", "b", "c"]),
        "Saved: classes must be one label for each of the 2 classes, got shape (3,)", None,
        ev.errors.ConfigurationError),
    Bad("saving a scaler that is not fitted", lambda: ev.save(
        "net.evenly", ev.load("net.evenly"), scaler=ev.Standardizer()),
        "Saved: the Standardizer is not fitted: give scaler.fit(x)", None,
        ev.errors.ConfigurationError),
    Bad("ten rows are too few", f"fit bad.csv {FIT}",
        "bad.csv: expects at least 10 rows, got 9: add rows", changed("bad.csv", lambda t: t[:9])),
]
