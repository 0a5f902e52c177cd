"""Files as tables: exactly the cells that stand in them, or an error that names the line."""

import bz2
import csv
import gzip
import hashlib
import io
import lzma
import sys
import types
import zipfile

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.errors import ConfigurationError, DataError
from evenly.reading import memory
from evenly.reading.table import read


def table_of(folder, content, name="t.csv", **options):
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    return read(folder / name, **options)


def fault(folder, content, name="t.csv", **options):
    with pytest.raises(DataError) as caught:
        table_of(folder, content, name, **options)
    return str(caught.value).removeprefix(f"{folder / name}: ")


BOTH = [("1", "x"), ("2", None)]
LATIN = "größe;art\n1;x\n2;\n"

READ = {
    "commas": ("a,b\n1,x\n2,\n", ["a", "b"], BOTH, ""),
    "semicolons": ("a;b\n1;x\n2;\n", ["a", "b"], BOTH, ""),
    "tabs": ("a\tb\n1\tx\n2\t\n", ["a", "b"], BOTH, ""),
    "bars": ("a|b\n1|x\n2|\n", ["a", "b"], BOTH, ""),
    "decimal commas": ("a;b\n1,5;2,5\n3,5;4,5\n", ["a", "b"], [("1,5", "2,5"), ("3,5", "4,5")],
                       ""),
    "commas in one column": ("a\tb\n1\tx, y\n2\tz, u\n", ["a", "b"],
                             [("1", "x, y"), ("2", "z, u")], ""),
    "quoted separators": ('a,b\n"1,5","x;y"\n"2,5","z;;"\n', ["a", "b"],
                          [("1,5", "x;y"), ("2,5", "z;;")], ""),
    "aligned by blanks": ("name   x\nbob    1\njim   22\n", ["name", "x"],
                          [("bob", "1"), ("jim", "22")], "cells are parted by runs of blanks"),
    "names of two words": ("full name\nJohn Smith\nJane Doe\n", ["full name"],
                           [("John Smith",), ("Jane Doe",)], ""),
    "a mark of UTF-8": ("\ufeffa,b\n1,x\n2,\n", ["a", "b"], BOTH, ""),
    "UTF-16": ("a,b\n1,x\n2,\n".encode("utf-16"), ["a", "b"], BOTH,
               "is in UTF-16, as its first bytes say"),
    "Latin-1": (LATIN.encode("latin-1"), ["größe", "art"], BOTH,
                "line 1: byte 0xf6 is not UTF-8: read as Windows-1252 (Latin-1); if letters are "
                "wrong, give its encoding, such as --encoding cp1251 (encoding='cp1251' in "
                "Python)"),
    "CRLF": ("a,b\r\n1,x\r\n2,\r\n", ["a", "b"], BOTH, ""),
    "CR": ("a,b\r1,x\r2,\r", ["a", "b"], BOTH, ""),
    "no end of the last line": ("a,b\n1,x\n2,", ["a", "b"], BOTH, ""),
    "an end of DOS": ("a,b\r\n1,x\r\n2,\r\n\x1a", ["a", "b"], BOTH, ""),
    "lines within quotations": ('a,b\n"1\n2","x\r\n\r\ny"\n', ["a", "b"], [("1\n2", "x\r\n\r\ny")],
                                ""),
    "marks within a cell": ('a,b\n5" pipe,x\n6",\n', ["a", "b"], [('5" pipe', "x"), ('6"', None)],
                            ""),
    "doubled marks": ('a,b\n"5"" pipe","x"\n', ["a", "b"], [('5" pipe', "x")], ""),
    "blanks before a quotation": ('a, b\n1, "x, y"\n', ["a", "b"], [("1", "x, y")],
                                  "1 name is without the blanks around it, such as ' b'"),
    "empty quotations": ('a,b\n"","x"\n2,""\n', ["a", "b"], [(None, "x"), ("2", None)], ""),
    "blank lines": ("a,b\n1,x\n\n\n2,\n\n\n", ["a", "b"], BOTH,
                    "2 blank lines are left out, first line 3"),
    "blank lines and quotations": ('a,b\n"1","x"\n\n"2",\n', ["a", "b"], BOTH,
                                   "line 3 is blank: left out"),
    "rows of gaps": ("a,b\n1,x\n,\n2,\n", ["a", "b"], [("1", "x"), (None, None), ("2", None)], ""),
    "a single column": ('a\n1\n\n""\n3\n\n', ["a"], [("1",), (None,), ("3",)],
                        "a blank line is left out"),
    "a single column of sentences": ("text\nhello, you\nfoo\na, b, c\n", ["text"],
                                     [("hello, you",), ("foo",), ("a, b, c",)], ""),
    "names twice": ("y,a,y\n1,2,3\n", ["y", "a", "y (2)"], [("1", "2", "3")],
                    "2 columns are named 'y': kept apart as 'y', 'y (2)'"),
    "a name that is taken": ("y,y,y (2)\n1,2,3\n", ["y", "y (3)", "y (2)"], [("1", "2", "3")],
                             "2 columns are named 'y': kept apart as 'y', 'y (2)'"),
    "names with blanks": (" a ,b\n1,x\n2,\n", ["a", "b"], BOTH,
                          "1 name is without the blanks around it, such as ' a '"),
    "an index without a name": (",b\n1,x\n2,\n", ["column_1", "b"], BOTH,
                                "1 column is without a name: called column_N by their place, such "
                                "as 'column_1'"),
    "no header": ("5.1,3.5\n4.9,3.0\n", ["column_1", "column_2"], [("5.1", "3.5"), ("4.9", "3.0")],
                  "line 1 holds numbers alone: there is no header; the columns are named column_1 "
                  "to column_2"),
    "numbers that are names": ("0,1,2\n4.9,3.0,1\n", ["0", "1", "2"], [("4.9", "3.0", "1")],
                               "line 1 is taken as the header, and has 3 of 3 names that are "
                               "numbers, such as '0': if it is a row, put the columns' names above "
                               "it"),
    "years": ("land,2019,2020\nDE,1,2\n", ["land", "2019", "2020"], [("DE", "1", "2")], ""),
    "a row for a header": ("5.1,3.5,setosa\n4.9,3.0,setosa\n", ["5.1", "3.5", "setosa"],
                           [("4.9", "3.0", "setosa")],
                           "line 1 is taken as the header, and has 2 of 3 names that are numbers, "
                           "such as '5.1': if it is a row, put the columns' names above it"),
    "comments above": ("# made by me\n# in May\na,b\n1,x\n2,\n", ["a", "b"], BOTH,
                       "lines 1 to 2 above the header are left out: # made by me"),
    "a commented header": ("# x\n# a,b\n1,x\n2,\n", ["a", "b"], BOTH,
                           "line 2 begins with a mark of comments: taken as the header"),
    "a title": ("Sales of 2024\n\na,b,c\n1,2,3\n", ["a", "b", "c"], [("1", "2", "3")],
                "line 1 above the header is left out: Sales of 2024"),
    "a title of a sheet": ("Sales,,\na,b,c\n1,2,3\n", ["a", "b", "c"], [("1", "2", "3")],
                           "line 1 above the header is left out: Sales"),
    "Excel's own first line": ("sep=;\na;b\n1;x\n2;\n", ["a", "b"], BOTH, ""),
    "lines that end with a separator": ("a,b,\n1,x,\n2,,\n", ["a", "b"], BOTH,
                                        "lines end with a separator: a column without name or "
                                        "values at the end is left out"),
    "rows that end with a separator": ("a,b\n1,x,\n2,,\n", ["a", "b"], BOTH,
                                       "lines end with a separator: a column without name or "
                                       "values at the end is left out"),
    "words for gaps and numbers": ("a,b\nNA,007\n?,1e5\n", ["a", "b"],
                                   [("NA", "007"), ("?", "1e5")], ""),
    "a header alone": ("a,b\n", ["a", "b"], [], ""),
}


@pytest.mark.parametrize("case", READ)
def test_texts(case, tmp_path):
    content, names, rows, note = READ[case]
    found = table_of(tmp_path, content)
    assert found.frame.columns == names
    assert found.frame.rows() == rows
    assert set(found.frame.dtypes) <= {pl.String}
    assert note in found.notes if note else not found.notes


CSV = "is not a CSV table: "
REFUSED = {
    "too many cells": ("a,b\n1,x\n2,y,3\n4,z\n", CSV + "line 3 has 3 cells, expects 2 as in the "
                       "header: mend the line"),
    "too few cells": ("a,b,c\n1,x,\n2,y\n4,z,\n", CSV + "line 3 has 2 cells, expects 3 as in the "
                      "header: mend the line"),
    "too few cells behind a quotation": ('a,b\n"1\n2",x\n2\n', CSV + "line 4 has 1 cell, expects 2 "
                                         "as in the header: mend the line"),
    "too many cells at the very end": ("a,b\n1,x\n2,y,", CSV + "line 3 has 3 cells, expects 2 as "
                                       "in the header: mend the line"),
    "each row has more": ("a,b\n" + "1,x,7\n" * 9, CSV + "the rows have more cells than the "
                          "header: name each column once"),
    "a quotation that does not end": ('a,b\n1,x\n2,"y\n3,z\n', CSV + "the quotation that begins "
                                      "in line 3 does not end: mend the line"),
    "text behind a quotation": ('a,b\n1,"x"y\n', CSV + "line 2: text follows the end of a "
                                "quotation: mend the line"),
    "NUL bytes": ("a,b\n1,x\n2,\0y\n", "line 3: holds a NUL byte: it is damaged, or no text: save "
                  "it anew as CSV"),
    "UTF-16 without a mark": ("a,b\n1,x\n".encode("utf-16-le"), "line 1: holds a NUL byte: if it "
                              "is a text in UTF-16, say --encoding utf-16-le "
                              "(encoding='utf-16-le' in Python)"),
    "Cyrillic": ("привет,b\n1,x\n".encode("cp1251"), "line 1: byte 0xef is not UTF-8: save it in "
                 "UTF-8, or give its encoding, such as --encoding cp1251 (encoding='cp1251' in "
                 "Python)"),
    "one bad byte among UTF-8": ("größe,b\n1,x\n".encode() + b"2,\xf6\n", "line 3: byte 0xf6 is "
                                 "not UTF-8: save it in UTF-8, or give its encoding, such as "
                                 "--encoding cp1251 (encoding='cp1251' in Python)"),
    "nothing": ("", "the file is empty: expects a header and rows"),
    "blank lines alone": ("\n\n \n", CSV + "there is no header: expects a header and rows"),
    "Parquet by another name": (b"PAR1" + bytes(20), CSV + "it holds a Parquet table: name it "
                                ".parquet"),
    "a zip archive": (b"PK\x03\x04" + bytes(20), CSV + "it holds a zip archive: unpack it, or name "
                      "it .xlsx if it is a workbook"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_texts_that_are_refused(case, tmp_path):
    content, message = REFUSED[case]
    assert fault(tmp_path, content) == message


@settings(deadline=None, max_examples=80)
@given(
    rows=st.integers(1, 4).flatmap(lambda width: st.lists(
        st.lists(st.text('ab1,;|\t"\n .é\'-', max_size=4), min_size=width, max_size=width),
        min_size=1, max_size=8)),
    separator=st.sampled_from(",;|\t"), end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_is_written_is_read(tmp_path_factory, rows, separator, end, quoting):
    # Blanks around a quotation do not count, and a lone \r is the end of a line to csv.
    rows = [[cell if '"' in cell else cell.strip() for cell in row] for row in rows]
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerow([f"n{i}" for i in range(len(rows[0]))])
    writer.writerows(rows)
    found = table_of(tmp_path_factory.mktemp("t"), file.getvalue(), sep=separator)
    assert found.frame.rows() == [tuple(cell or None for cell in row) for row in rows]


def test_rows_are_counted_across_parts_of_the_text(tmp_path, monkeypatch):
    """A file is looked through a part at a time, and a row may stand in two."""
    from evenly.reading.files import separated

    monkeypatch.setattr(separated, "CHUNK", 5)
    monkeypatch.setattr(separated, "NEAR", 3)
    text = 'a,b,c\n"x,1\ny",2,\n\n"u""v",,\n' + "1,2,\n" * 5
    found = table_of(tmp_path, text)
    assert found.frame.rows()[:2] == [("x,1\ny", "2", None), ('u"v', None, None)]
    assert found.notes == ("line 4 is blank: left out",)
    assert "line 5 has 2 cells" in fault(tmp_path, 'a,b,c\n"x,1\ny",2,\n\n3,4\n')


def test_an_encoding_can_be_said(tmp_path):
    found = table_of(tmp_path, "привет,b\n1,x\n".encode("cp1251"), encoding="cp1251")
    assert found.frame.columns == ["привет", "b"]
    assert not found.notes
    assert fault(tmp_path, "grün,b\n", encoding="ascii").startswith(
        "line 1: byte 0xc3 is not ascii: give another encoding")
    assert fault(tmp_path, "a,b\n+2AA-,1\n", encoding="utf-7").startswith(
        "character 5 is none in utf-7: give another encoding")
    for word in ("nope", "hex", "gzip"):
        assert fault(tmp_path, "a\n", encoding=word).startswith(
            f"encoding '{word}' is not known: choose utf-8")


def test_a_separator_can_be_said(tmp_path):
    assert table_of(tmp_path, "a;b\n1;2\n", sep=",").frame.columns == ["a;b"]
    assert table_of(tmp_path, "a b\n1  x\n2 y\n", sep="blanks").frame.rows() == [
        ("1", "x"), ("2", "y")]
    assert table_of(tmp_path, "a\tb;\n1\t2\n", sep="tab").frame.columns == ["a", "b;"]
    assert fault(tmp_path, "a\n", sep="ab").startswith("sep: expects one character")
    assert fault(tmp_path, "a\n", sep="x").startswith("sep: expects one character")


def _zst(data):
    return pa.compress(data, "zstd", asbytes=True)


@pytest.mark.parametrize(("suffix", "pack"), [
    (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", _zst)])
def test_packed_texts(tmp_path, suffix, pack):
    packed = pack(b"a,b\n1,x\n2,\n")
    found = table_of(tmp_path, packed, "t.csv" + suffix)
    assert found.frame.rows() == BOTH
    assert found.sha256 == hashlib.sha256(packed).hexdigest()
    # What a file begins with decides, not its name.
    assert table_of(tmp_path, packed, "t.csv").frame.rows() == BOTH
    assert "is not packed by" in fault(tmp_path, "a,b\n1,2\n", "t.csv" + suffix)
    large = pack(b"".join(b"%d,x\n" % i for i in range(9999)))
    assert "damaged, or ends too early" in fault(tmp_path, large[: len(large) // 2],
                                                 "t.csv" + suffix)
    assert fault(tmp_path, gzip.compress(packed), "t.csv.gz") == "is packed twice: unpack it once"


@pytest.mark.parametrize(("suffix", "pack"), [
    (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", _zst)])
def test_a_small_file_that_unpacks_to_a_large_one(tmp_path, monkeypatch, suffix, pack):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10_000_000)
    packed = pack(b"a,b\n" + b"1,2\n" * 2_000_000)
    assert len(packed) < 100_000
    assert fault(tmp_path, packed, "t.csv" + suffix) == (
        "unpacks to more than 4 MB, and 10 MB of memory are free: use fewer rows or columns")


def test_memory_is_asked_before_a_text_is_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 500_000)
    monkeypatch.setattr(pl, "read_csv", lambda *args, **options: pytest.fail("parsed"))
    text = ",".join(f"c{i}" for i in range(500)) + "\n" + (",".join("0" * 500) + "\n") * 100
    assert fault(tmp_path, text).startswith("reading 500 columns takes about 9")


@pytest.mark.parametrize(("content", "rows"), [
    (b"a,b\n1,x\n2,\n", BOTH), (gzip.compress(b"a,b\n1,x\n2,\n", mtime=0), BOTH),
    (b'[{"a": 1, "b": "x"}, {"a": 2}]', [(1, "x"), (2, None)]),
    (b'{"a": 1, "b": "x"}\n{"a": 2}\n', [(1, "x"), (2, None)])])
def test_standard_input(monkeypatch, content, rows):
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(content)))
    found = read("-")
    assert found.frame.rows() == rows
    assert (found.name, found.sha256) == ("standard input", hashlib.sha256(content).hexdigest())


def test_standard_input_that_is_closed_or_empty(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="standard input: is closed: give a file"):
        read("-")
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO()))
    with pytest.raises(DataError, match="standard input: the file is empty"):
        read("-")


def test_parquet_keeps_its_types(tmp_path):
    frame = pl.DataFrame({"i": [1, None], "f": [1.5, 2.5], "b": [True, False], "s": ["x", "y"]})
    frame.write_parquet(tmp_path / "t.parquet")
    found = read(tmp_path / "t.parquet")
    assert found.frame.equals(frame)
    assert not found.notes


def test_parquet_of_pandas_has_no_index(tmp_path):
    import pandas as pd

    pd.DataFrame({"a": [1, 2]}, index=["u", "v"]).to_parquet(tmp_path / "t.parquet")
    found = read(tmp_path / "t.parquet")
    assert found.frame.columns == ["a"]
    assert found.notes == ("the index of a pandas table is left out: '__index_level_0__'",)


def test_parquet_that_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    assert fault(tmp_path, "a,b\n1,2\n", "t.parquet").startswith("is not a Parquet table: ")
    pq.write_table(pa.table({"a": [[1], [2]]}), path)
    with pytest.raises(DataError, match="column 'a' holds list<element: int64>, expects numbers"):
        read(path)
    pq.write_table(pa.table([[1], [2]], names=["y", "y"]), path)
    with pytest.raises(DataError, match="2 columns are named 'y': rename them"):
        read(path)
    # A million rows of one value take a kilobyte in the file.
    pq.write_table(pa.table({"a": pa.array(np.zeros(10**6))}), path)
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000)
    with pytest.raises(DataError, match="reading 1 columns takes about 8 MB of memory"):
        read(path)


def test_a_folder_of_parquet_files(tmp_path):
    (tmp_path / "deep").mkdir()
    for i, name in enumerate(["b.parquet", "a.parquet", "deep/c.parquet", ".hidden.parquet"]):
        pl.DataFrame({"i": [i], "s": [name]}).write_parquet(tmp_path / name)
    (tmp_path / "readme.txt").write_text("no table")
    assert read(tmp_path).frame["i"].to_list() == [1, 0, 2]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: the folder holds no \*\.parquet: name the files"):
        read(tmp_path / "empty")


def test_several_files(tmp_path):
    (tmp_path / "1.csv").write_text("a,b\n1,x\n")
    (tmp_path / "2.csv").write_text("b;a\ny;2\n\nz;3\n")
    one, two = tmp_path / "1.csv", tmp_path / "2.csv"
    found = read([one, two])
    assert found.frame.rows() == [("1", "x"), ("2", "y"), ("3", "z")]
    assert found.notes == (f"{two}: line 3 is blank: left out",)
    assert found.name == f"{one}, {two}"
    digests = "".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in (one, two))
    assert found.sha256 == hashlib.sha256(digests.encode()).hexdigest()
    two.write_text("a,c,d\n1,2,3\n")
    with pytest.raises(DataError) as caught:
        read([one, two])
    assert str(caught.value) == (f"{two}: lacks 'b' and has 'c', 'd', unlike {one}: files that are "
                                 "read together have the same columns")


def test_files_of_other_types(tmp_path):
    pl.DataFrame({"a": [1, 2]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"a": [1.5]}).write_parquet(tmp_path / "2.parquet")
    assert read(tmp_path).frame["a"].to_list() == [1.0, 2.0, 1.5]
    pl.DataFrame({"a": ["x"]}).write_parquet(tmp_path / "3.parquet")
    with pytest.raises(DataError, match=r"3\.parquet: column 'a' holds String, and that of .*1\.par"
                       r"quet Int64: write both with one type"):
        read(tmp_path)


def test_arrays_of_numpy(tmp_path):
    x = np.arange(24.0, dtype=np.float32).reshape(2, 3, 2, 2)
    np.savez(tmp_path / "t.npz", x=x, y=np.array(["u", "v"]), other=np.zeros(5),
             week=np.array([1, 2]))
    found = read(tmp_path / "t.npz")
    assert found.inputs == tuple(f"x{i}" for i in range(12))
    assert found.frame.columns == [*found.inputs, "y", "week"]
    assert found.example == (3, 2, 2)
    assert np.array_equal(found.frame.select(found.inputs).to_numpy().reshape(x.shape), x)
    assert found.frame.select("y", "week").rows() == [("u", 1), ("v", 2)]


def test_arrays_that_are_no_inputs(tmp_path):
    np.savez(tmp_path / "t.npz", pixels=np.eye(3), digit=np.arange(3)[:, None])
    found = read(tmp_path / "t.npz", beside=["digit"])
    assert found.inputs == ("pixels0", "pixels1", "pixels2")
    assert found.frame["digit"].to_list() == [0, 1, 2]
    with pytest.raises(DataError, match="there is no array 'week': it holds pixels, digit"):
        read(tmp_path / "t.npz", beside=["week"])
    np.savez(tmp_path / "t.npz", x=np.eye(3), week=np.arange(2))
    with pytest.raises(DataError, match=r"array 'week' expects shape \(3,\), one value a row, got"):
        read(tmp_path / "t.npz", beside=["week"])


@pytest.mark.parametrize(("arrays", "message"), [
    ({"x": np.array([[1], ["a"]], object), "y": np.arange(2)},
     "array 'x' holds Python objects, which are never loaded: save it as numbers or text"),
    ({"x": np.zeros((2, 1)), "y": np.arange(3)}, "'x' has 2 rows and 'y' has 3: expects the same"),
    ({"x": np.zeros((2, 1)), "y": np.zeros((2, 2))},
     "array 'y' expects shape (2,), one value a row, got (2, 2)"),
    ({"a": np.zeros((2, 1)), "b": np.zeros((2, 1))},
     "expects inputs in an array 'x', got a, b: rename the array"),
    ({"x": np.zeros((2, 1), complex)}, "array 'x' holds complex128: save it as numbers or text"),
    ({"x": np.zeros((2, 1)), "x0": np.zeros(2)},
     "an array and a column of 'x' are both named 'x0': rename the array"),
])
def test_arrays_that_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(DataError) as caught:
        read(tmp_path / "t.npz")
    assert str(caught.value) == f"{tmp_path}/t.npz: {message}"


def test_json(tmp_path):
    lines = '{"a": 1, "b": true}\n\n{"b": null, "a": 2.5}\n'
    assert table_of(tmp_path, lines, "t.jsonl").frame.rows() == [(1.0, True), (2.5, None)]
    assert fault(tmp_path, '{"a": 1}\n{"a"\n', "t.jsonl").startswith("line 2: is not JSON: ")
    assert fault(tmp_path, "[" * 100_000, "t.json").startswith("is not JSON: ")
    assert fault(tmp_path, "3", "t.json") == (
        "expects a list of JSON objects, one a row: convert it to CSV")
    assert fault(tmp_path, '[{"a": [1]}]', "t.json") == (
        "column 'a' holds values of type list, expects numbers or text: make a column of each "
        "part, or leave it out")


def workbook(path, rows, more=()):
    """A workbook as small as can be: text in its cells, numbers where they are numbers."""
    def sheet(rows):
        cells = "".join("<row>" + "".join(
            f"<c><v>{value}</v></c>" if isinstance(value, (int, float)) else
            f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in row
        ) + "</row>" for row in rows)
        return (f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>')

    base = "http://schemas.openxmlformats.org/"
    main = base + "spreadsheetml/2006/main"
    of = base + "officeDocument/2006/relationships"
    package = base + "package/2006/"
    sheets = {"first": rows, **dict(more)}
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{kind}worksheet+xml"/>'
        for i in range(1, len(sheets) + 1))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", (
            f'<Types xmlns="{package}content-types"><Default Extension="rels" ContentType='
            f'"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName='
            f'"/xl/workbook.xml" ContentType="{kind}sheet.main+xml"/>{parts}</Types>'))
        archive.writestr("_rels/.rels", (
            f'<Relationships xmlns="{package}relationships"><Relationship Id="r1" Type="{of}/office'
            'Document" Target="xl/workbook.xml"/></Relationships>'))
        archive.writestr("xl/workbook.xml", (
            f'<workbook xmlns="{main}" xmlns:r="{of}"><sheets>' + "".join(
                f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>'
                for i, name in enumerate(sheets, 1)) + "</sheets></workbook>"))
        archive.writestr("xl/_rels/workbook.xml.rels", (
            f'<Relationships xmlns="{package}relationships">' + "".join(
                f'<Relationship Id="r{i}" Type="{of}/worksheet" Target="worksheets/sheet{i}.xml"/>'
                for i in range(1, len(sheets) + 1)) + "</Relationships>"))
        for i, own in enumerate(sheets.values(), 1):
            archive.writestr(f"xl/worksheets/sheet{i}.xml", sheet(own))


def test_workbooks(tmp_path):
    pytest.importorskip("fastexcel")
    path = tmp_path / "t.xlsx"
    workbook(path, [["a", "b"], [1.5, "x"], [2, ""]], [("second", [["c"], ["1,5"]])])
    found = read(path)
    assert found.frame.rows() == [("1.5", "x"), ("2", None)]
    assert found.notes == (
        "sheet 'first' of 2 is read; say --sheet for another of 'first', 'second'",)
    for sheet in ("second", "2", 2):
        assert read(path, sheet=sheet).frame.to_dict(as_series=False) == {"c": ["1,5"]}
    with pytest.raises(DataError, match="there is no sheet 'third': choose from 'first', 'second'"):
        read(path, sheet="third")
    assert "is not a workbook: " in fault(tmp_path, "a,b\n", "t.xlsx")


def test_workbooks_need_a_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    workbook(tmp_path / "t.xlsx", [["a"], [1]])
    with pytest.raises(ConfigurationError, match=r"t\.xlsx: reading workbooks needs fastexcel: pip "
                       r"install 'evenly\[xlsx\]', or save the sheet as CSV"):
        read(tmp_path / "t.xlsx")


def test_a_workbooks_title_and_size(tmp_path, monkeypatch):
    """With a reader in the place of fastexcel: what is made of the cells that it gives."""
    cells = pl.DataFrame({"0": ["Sales", None, " a ", "1", None], "1": [None, None, "a", "", None],
                          "2": [None, None, "c", "x", None]})
    sheet = types.SimpleNamespace(to_polars=lambda: cells)
    book = types.SimpleNamespace(sheet_names=["s"], load_sheet=lambda *args, **options: sheet)
    stand_in = types.SimpleNamespace(read_excel=lambda path: book, FastExcelError=KeyError)
    monkeypatch.setitem(sys.modules, "fastexcel", stand_in)
    workbook(tmp_path / "t.xlsx", [["a"], [1]])
    found = read(tmp_path / "t.xlsx")
    assert found.frame.columns == ["a", "a (2)", "c"]
    assert found.frame.rows() == [("1", None, "x")]
    assert found.notes[0] == "1 row above the header left out: Sales"
    assert found.repeated == ("a",)
    workbook(tmp_path / "t.xlsx", [["a" * 50_000_000]])
    assert (tmp_path / "t.xlsx").stat().st_size < 100_000
    monkeypatch.setattr(memory, "available_bytes", lambda: 10_000_000)
    with pytest.raises(DataError, match="reading the workbook takes about 50 MB of memory"):
        read(tmp_path / "t.xlsx")


@pytest.mark.parametrize(("name", "words"), [
    ("t.zip", "is an archive: unpack it, and name the table in it"),
    ("t.tar.gz", "is an archive: unpack it, and name the table in it"),
    ("t.parquet.gz", "is packed, and .parquet is packed by itself: unpack it first"),
    ("t.docx", "expects a table, .csv, .tsv, .parquet or .npz, got '.docx': convert it"),
    ("t", "expects a table, .csv, .tsv, .parquet or .npz, got '': convert it"),
])
def test_files_of_other_kinds(tmp_path, name, words):
    assert fault(tmp_path, "a,b\n1,2\n", name) == words


@pytest.mark.parametrize(("name", "option", "value"), [
    ("t.csv", "sheet", 2), ("t.parquet", "sep", ","), ("t.npz", "encoding", "utf-8")])
def test_words_that_do_not_go_with_a_file(tmp_path, name, option, value):
    assert fault(tmp_path, "x", name, **{option: value}).startswith(
        f"{option}={value!r} goes with .")


def test_an_address_space_is_a_limit(monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (3 << 30, 3 << 30))
    assert 0 <= memory.available_bytes() < 3 << 30
