"""Files of tables, a kind a module.

| file | subject |
|---|---|
| `unpacked.py` | the bytes of a file or of standard input, unpacked within what memory allows |
| `encodings.py` | bytes as UTF-8 |
| `head.py` | separator, titles, header: how a text is laid out, from its first lines |
| `separated.py` | the rows of a text, checked to have as many cells as the header |
| `cells.py` | the same rows one at a time, wherever quotation marks stand |
| `parquet.py`, `arrays.py`, `sheets.py`, `records.py` | Parquet, .npz, .xlsx, JSON |
"""
