"""The pages' tables are those of what was measured, and the picture too."""

import json
import re

import pytest
from benchmarks import growth, page

ALL = page.known(page.MEASURED)
KEPT = ALL["x86_64_v3"]


@pytest.mark.parametrize("name", page.PAGES)
def test_a_page_is_what_was_measured(name):
    """Where it fails: python -m benchmarks.page"""
    text = (page.DOCS / name).read_text(encoding="utf-8")
    assert page.filled(text, page.PAGES[name], ALL) == text


def test_the_picture_is_what_was_measured():
    """Where it fails: python -m benchmarks.growth --draw"""
    again = growth.draw(json.loads(growth.MEASURED.read_text(encoding="utf-8")))
    kept = growth.PICTURE.read_text(encoding="utf-8")
    number = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")
    assert number.sub("", again) == number.sub("", kept)
    pairs = zip(map(float, number.findall(again)), map(float, number.findall(kept)), strict=True)
    assert max(abs(a - b) for a, b in pairs) < 2.0


def run(isa="x86_64_v3", **given):
    row = {"row": KEPT["rows"][0]["row"], "floor": 0.5, "scores": {}, "absent": ["jax"],
           "samples": {"evenly": [3.0, 1.0, 2.0, 4.0, 5.0]}, "notes": [], **given}
    return {"versions": "Python.", "machine": "Fast.", "isa": isa, "measured": "today",
            "rows": [row]}


def test_a_run_takes_the_place_of_what_was_known():
    notes = ["other programs disturbed 4 of 5 rounds."]
    kept = page.taken(KEPT, run(notes=notes))
    assert [row["row"] for row in kept["rows"]] == [row["row"] for row in KEPT["rows"]]
    first, second = kept["rows"][:2]
    assert first["samples"] == {"evenly": [1.0, 3.0, 5.0]}
    assert (first["measured"], first["restless"], first["floor"]) == ("today", True, 0.5)
    assert second == KEPT["rows"][1]
    text = page.tables(kept)
    assert f"{first['row']}: today, on a busy machine" in text
    assert "Not installed: JAX." in text
    assert json.loads(page.written(kept)) == kept


def test_a_row_that_the_bench_has_no_more_is_dropped():
    kept = page.taken(KEPT, run(row="what was once measured"))
    assert [row["row"] for row in kept["rows"]] == [row["row"] for row in KEPT["rows"]]


@pytest.fixture
def folder(tmp_path):
    """The pages and what was measured, to be changed."""
    for name in page.PAGES:
        (tmp_path / name).write_text((page.DOCS / name).read_text(encoding="utf-8"))
    for isa, kept in ALL.items():
        (tmp_path / f"{isa}.json").write_text(page.written(kept))
    return tmp_path


def write_pages(folder, given):
    bench = folder / "bench.json"
    bench.write_text(json.dumps(given))
    return page.main([str(bench), "--measured", str(folder), "--docs", str(folder)])


@pytest.mark.parametrize(("isa", "name"), [
    ("x86_64_v3", "performance.md"), ("x86_64_v4", "performance-avx-512.md")])
def test_the_command_writes_the_page_of_the_instruction_set(folder, isa, name):
    others = {other: (folder / other).read_bytes() for other in page.PAGES if other != name}
    others.pop("performance-more.md")  # reasons go with rows that miss a goal
    assert write_pages(folder, run(isa)) == 0
    assert page.known(folder)[isa]["rows"][0]["measured"] == "today"
    assert "| **3** |" in (folder / name).read_text()
    assert all((folder / other).read_bytes() == text for other, text in others.items())


def test_a_run_on_another_instruction_set_is_refused(folder, capsys):
    with pytest.raises(SystemExit):
        write_pages(folder, run("baseline"))
    assert "measured with baseline; the pages tell of x86_64_v3 and" in capsys.readouterr().err
    assert page.known(folder) == ALL


def test_a_page_without_marks_is_refused():
    with pytest.raises(ValueError, match="the page lacks the marks <!-- tables: begin -->"):
        page.filled("# A page\n", ("tables",), ALL)


def test_one_size_grows_while_the_others_stay():
    for axis, (middle, sizes) in growth.SIZES.items():
        nets = [point.net() for point in growth.points() if point.axis == axis]
        assert [net.name for net in nets] == [f"{axis} {size}" for size in sizes]
        spread = {"batch": {net.batch for net in nets},
                  "width": {net.parts[0].units for net in nets},
                  "depth": {len(net.parts) // 2 for net in nets}}
        assert spread.pop(axis) == set(sizes)
        assert all(len(values) == 1 for values in spread.values())
        assert middle in sizes or axis == "width"


def test_the_picture_tells_what_it_shows():
    points = [{"axis": axis, "at": at, "floor": 0.1, "samples": {"evenly": [2.0, 3, 4]}}
              for axis, (_, sizes) in growth.SIZES.items() for at in sizes]
    text = growth.draw({"points": points})
    assert "depth from 1 to 16: Evenly from 2 to 2 ms, products alone from 0.1 to 0.1 ms." in text
    assert growth.curves({"points": points}, "depth")["Evenly"] == [
        (at, 2.0) for at in growth.SIZES["depth"][1]]
