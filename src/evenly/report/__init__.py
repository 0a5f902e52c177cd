"""Reports: records in, files out. Of a study a folder with three, of a fit one page.

| file | what it makes |
|---|---|
| `charts.py` | the curves and the intervals, as SVG that lives inside the page |
| `page.py` | `report.html`: one file that opens offline |
| `fit_charts.py`, `fit_page.py` | the same of a fit |
| `search_charts.py`, `search_page.py` | the same of a search |
| `tables.py` | `results.csv` and `history.jsonl` |
| `result.py` | a study as an object: a frame, figures, a page in a notebook |
| `folder.py` | the folder that holds them: all or nothing |
"""

from .errors import ReportError
from .fit_page import render as render_fit
from .folder import FILES, check_folder, write_folder
from .page import render
from .result import StudyResult
from .search_page import render as render_search
from .search_page import to_json as search_json
from .tables import history_jsonl, results_csv

__all__ = [
    "FILES",
    "ReportError",
    "StudyResult",
    "check_folder",
    "history_jsonl",
    "render",
    "render_fit",
    "render_search",
    "results_csv",
    "search_json",
    "write_folder",
]
