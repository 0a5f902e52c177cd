"""From a study to its verdict."""

import dataclasses

import numpy as np
import pytest

from evenly.claims import Case, Part, Study, less, load, more, names, run, run_all, same
from evenly.claims.data import on_table, split
from evenly.claims.measures import Measures
from evenly.claims.records import RunRecord
from evenly.claims.runs import Measured, fingerprint, nulled
from evenly.study import StudyError

PLANTED = {"none": 0.0, "some": 1.0, "much": 3.0}


def measure(case):
    """A planted effect on a number that all cases of a block share, and noise of each."""
    shared = case.rng("shared").normal() * 10
    own = np.random.default_rng([case.seed, case["rows"]]).normal() * 0.1
    return {"score": shared + PLANTED[case["technique"]] + own, "list": [1.0, case["rows"]]}


def planted(*parts, **settings):
    parts = parts or (more("score", {"technique": "some"}, than={"technique": "none"}),)
    return Study(**{
        "name": "planted", "claim": "It helps.", "source": "nobody",
        "factors": {"technique": tuple(PLANTED), "rows": (10, 100)}, "technique": ("technique",),
        "measure": measure, "parts": parts, "blocks": 8, **settings,
    })


def test_pairs_find_an_effect_that_is_small_beside_what_blocks_differ():
    result = run(planted())
    record = result.record
    assert result.verdict == "holds"
    assert record.blocks_done == record.blocks == 8
    assert len(record.runs) == 8 * 6
    assert abs(record.parts[0].mean - 1.0) < 0.2
    assert record.parts[0].expects == "above 0"


def test_cases_of_a_block_share_seeds_and_blocks_do_not():
    cases = planted().cases()
    seeds = {(case.block, case.seed, case.data_seed) for case in cases}
    assert len(seeds) == len({seed for _, seed, _ in seeds}) == 8
    assert cases[0].rng("a").normal() == cases[1].rng("a").normal() != cases[0].rng("b").normal()
    assert cases[0].seed != planted(name="another").cases()[0].seed


@pytest.mark.parametrize(("parts", "verdict"), [
    ((less("score", {"technique": "some"}, than={"technique": "none"}),), "fails"),
    ((same("score", {"technique": "some"}, than={"technique": "none"}, margin=2.0),), "holds"),
    ((same("score", {"technique": "much"}, than={"technique": "none"}, margin=2.0),), "fails"),
    ((more("score", {"technique": "some"}, than={"technique": "none"}, least=2.0),),
     "cannot tell"),
    ((more("score", {"technique": "some"}, than={"technique": "none"}),
      less("score", {"technique": "much"}, than={"technique": "none"})), "fails"),
    ((more("score", {"technique": "some"}, than={"technique": "none"}),
      less("score", {"technique": "much"}, than={"technique": "none"}, counts=False)), "holds"),
    ((more("score", {"technique": "some"}, than={"technique": "none"}),
      more("score", {"rows": 100}, than={"rows": 10}, least=5.0)), "cannot tell"),
])
def test_a_claim_holds_with_all_its_parts_and_fails_with_any(parts, verdict):
    assert run(planted(*parts)).verdict == verdict


def test_a_part_must_hold_at_every_level_it_names():
    def turning(block):
        return block("score", technique="some") - block("score", technique="none")

    def other(case):
        found = measure(case)
        sign = -1 if case["rows"] == 10 and case["technique"] == "some" else 0
        return {"score": found["score"] + 1.2 * sign}

    alone = Part("it", turning, "more")
    assert run(planted(alone, measure=other)).verdict == "holds"
    found = run(planted(dataclasses.replace(alone, every=("rows",)), measure=other)).record
    assert found.verdict == "cannot tell"
    assert found.parts[0].at_each["rows 10"] < 0 < found.parts[0].at_each["rows 100"]


def test_the_technique_replaced_by_nothing_says_nothing():
    found = run_all([planted(name=f"planted-{i}") for i in range(60)], null=True)
    # Verdicts at 5 % are binomial: 8 or more of 60 have a chance below 2 %.
    assert sum(result.verdict != "cannot tell" for result in found) < 8
    assert all(part.values != (0.0,) * 8 for result in found for part in result.record.parts)


def test_a_nulled_case_keeps_its_data_and_gets_other_seeds():
    study = planted()
    cases = study.cases()
    none, some = cases[0], cases[2]
    assert (none["technique"], some["technique"]) == ("none", "some")
    assert nulled(study, some)["technique"] == "none"
    assert nulled(study, some).data_seed == some.data_seed
    assert nulled(study, none).seed != nulled(study, some).seed
    assert nulled(study, some).seed == nulled(study, some).seed


@pytest.mark.parametrize(("jobs", "backend"), [(2, "loky"), (2, "threading")])
def test_the_same_numbers_for_any_number_of_processes(jobs, backend):
    one, other = run(load("zero-weights"), blocks=3), run(
        load("zero-weights"), blocks=3, jobs=jobs, backend=backend)
    assert one.frame().equals(other.frame())
    assert one.record.parts == other.record.parts


def test_few_blocks_tell_nothing():
    found = run(planted(), blocks=3).record
    assert (found.verdict, found.blocks_done) == ("cannot tell", 3)
    assert run(planted(), blocks=1).verdict == "cannot tell"


def test_combinations_can_be_left_out_and_long_forms_have_their_own_levels():
    study = planted(leaves_out=lambda levels: levels["technique"] == "much" and levels["rows"] > 10,
                    long_factors={"rows": (10, 100, 1000)}, long_blocks=7)
    assert len(study.combinations("tour")) == 5
    assert len(study.combinations("long")) == 7
    assert len(study.cases("long")) == 49
    assert all(case.long for case in study.cases("long"))


def test_the_frame_has_a_row_a_training():
    frame = run(planted()).frame()
    assert list(frame.columns) == ["technique", "rows", "block", "score", "list"]
    assert len(frame) == 48


def test_sentences_quote_the_effects():
    part = more("score", {"technique": "much"}, than={"technique": "none"}, name="gain", digits=0)
    assert run(planted(part, says={"holds": "It gives {gain}."})).record.sentence == "It gives +3."
    with pytest.raises(StudyError, match=r"planted: says: there is no part of the name 'gian'"):
        run(planted(part, says={"holds": "It gives {gian}."}))
    own = run(planted()).record.sentence
    assert own.startswith("Score: technique some against technique none: +1.0")


def test_measures_average_what_is_not_named():
    runs = [RunRecord({"a": a, "b": b}, 0, {"m": 10.0 * a + b, "l": [a, b]})
            for a in (0, 1) for b in (1, 3)]
    found = Measures(runs)
    assert found("m", a=1) == 12.0
    assert found("m", a=1, b=3) == 13.0
    assert found("l", b=3) == [0.5, 3.0]
    assert Measures(runs, {"b": 1})("m") == 6.0


@pytest.mark.parametrize(("effect", "says"), [
    (lambda block: block("scoer"), "there is no measure 'scoer': expects one of score, list"),
    (lambda block: block("score", row=1), "there is no factor 'row': expects one of technique"),
    (lambda block: block("score", rows=1), r"no training has the levels \{'rows': 1\}"),
    (lambda block: float("inf"), "part 'it': the effect is not finite"),
])
def test_parts_that_ask_for_what_is_not_there(effect, says):
    with pytest.raises(StudyError, match=f"study planted: .*{says}"):
        run(planted(Part("it", effect, "more")))


@pytest.mark.parametrize(("found", "says"), [
    ({}, "measure gave {}"), (3.0, "measure gave 3.0"),
    ({"score": float("nan")}, "measure 'score': is not finite"),
    ({"score": [1.0, float("inf")]}, "measure 'score': is not finite"),
    ({"score": "good"}, "measure 'score': expects a number or a list of numbers, got 'good'"),
    ({"score": [[1.0]]}, "measure 'score': expects a number or a list of numbers"),
])
def test_measures_that_are_none(found, says):
    with pytest.raises(StudyError) as caught:
        run(planted(measure=lambda case: found))
    assert f"study planted, block 0, {{'technique': 'none', 'rows': 10}}: {says}" in str(
        caught.value)


@pytest.mark.parametrize(("settings", "says"), [
    ({"name": "a b"}, "a name has letters, digits and '-', got 'a b'"),
    ({"name": ""}, "a name has letters"),
    ({"factors": {}}, "factors: expects at least one"),
    ({"factors": {"a": ()}}, "factors: expects at least one, each with a level"),
    ({"parts": ()}, "parts: expects at least one that counts"),
    ({"blocks": 5}, "blocks: expects at least 6, got 5"),
    ({"long_blocks": 1}, "long_blocks: expects at least 6, got 1"),
    ({"technique": ("norm",)}, "technique: there is no factor 'norm'"),
    ({"long_factors": {"norm": (1,)}}, "long_factors: there is no factor 'norm'"),
])
def test_a_study_that_cannot_work_is_refused(settings, says):
    whole = {"name": "planted", "claim": "It helps.", "source": "nobody", "measure": measure,
             "factors": {"a": (1,)},
             "parts": (more("score", {"a": 1}, than={"a": 1}),)}
    Study(**whole)
    with pytest.raises(StudyError, match=says):
        Study(**{**whole, **settings})


def test_the_fingerprint_tells_designs_apart():
    one = planted()
    assert fingerprint([one], "tour") == fingerprint([planted()], "tour")
    assert fingerprint([one], "tour") != fingerprint([one], "long")
    assert fingerprint([one], "tour") != fingerprint([planted(name="other")], "tour")
    assert fingerprint([one], "tour") == fingerprint([one.with_blocks(20)], "tour")


FILE = """
from evenly.claims import Study, more
def measure(case):
    return {"score": case["a"] + case.rng().normal() * 0.01}
STUDY = Study(name="mine", claim="It is more.", source="me", factors={"a": (0, 1)},
              measure=measure, parts=(more("score", {"a": 1}, than={"a": 0}),))
"""


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_file_of_ones_own(tmp_path, backend):
    path = tmp_path / "my_claim.py"
    path.write_text(FILE)
    study = load(str(path))
    result = run(study, jobs=2, backend=backend)
    assert result.verdict == "holds"
    assert result.record.command == f"evenly study {path} --short"


@pytest.mark.parametrize(("text", "says"), [
    ("x = 1", "holds no Study: assign one to a name, as STUDY = Study"),
    ("x = (", r"line 1: SyntaxError"),
    ("import os\n\n1 / 0", r"line 3: ZeroDivisionError: division by zero"),
    (FILE + "OTHER = STUDY.with_blocks(9)\n", "holds 2 studies: keep one to a file"),
])
def test_files_that_do_not_do(tmp_path, text, says):
    path = tmp_path / "my_claim.py"
    path.write_text(text)
    with pytest.raises(StudyError, match=says):
        load(str(path))


def test_a_file_that_has_changed_is_read_again(tmp_path):
    path = tmp_path / "my_claim.py"
    path.write_text(FILE)
    before = load(str(path))
    path.write_text(FILE.replace("It is more.", "It is less."))
    assert load(str(path)).claim == "It is less."
    assert fingerprint([load(str(path))], "tour") != before
    path.write_text("")
    with pytest.raises(StudyError, match=r"my_claim\.py: holds no Study"):
        load(str(path))


def test_names_that_do_not_exist():
    with pytest.raises(StudyError, match=r"no 'zero-wieghts': did you mean 'zero-weights'"):
        load("zero-wieghts")
    with pytest.raises(StudyError, match=r"there is no 'x': evenly study --list shows all"):
        load("x")
    with pytest.raises(StudyError, match=r"nowhere\.py: there is no such file"):
        load("nowhere.py")
    assert "zero-weights" in names()


def test_a_users_function_is_found_in_another_process_by_its_file(tmp_path):
    path = tmp_path / "my_claim.py"
    path.write_text(FILE)
    study = load(str(path))
    measured = Measured(study)
    assert measured.measure is None
    assert measured(study.cases()[0]) == study.measure(study.cases()[0])


def test_splits_are_the_blocks_own():
    first, second = Case({}, 0, 1, 5), Case({}, 1, 1, 6)
    one, again, other = split("wine", first), split("wine", first), split("wine", second)
    assert np.array_equal(one.x, again.x)
    assert not np.array_equal(one.x, other.x)
    assert (len(one.x), len(one.x_test)) == (133, 45)
    np.testing.assert_allclose(one.x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(one.x.std(axis=0), 1, atol=1e-5)
    assert abs(one.x_test.mean()) > 1e-4
    assert len(split("digits", first, train=100, test=50).x_test) == 50
    raw = split("wine", first, standardize=False)
    assert raw.x.max() > 1000
    numbers = split("diabetes", first)
    assert numbers.classes == 1
    np.testing.assert_allclose([numbers.y.mean(), numbers.y.std()], [0, 1], atol=1e-5)


def on_data(case):
    data = split(case["data"], case, train=60, test=20)
    return {"score": float(np.abs(data.x[:, 0]).mean()) + case["a"], "rows": len(data.x)}


def test_a_claim_on_ones_own_table(tmp_path):
    path = tmp_path / "table.csv"
    random = np.random.default_rng(0)
    lines = ["a,b,kind"] + [f"{a:.3f},{b:.3f},{'x' if a > 0 else 'y'}"
                            for a, b in random.normal(size=(100, 2))]
    path.write_text("\n".join(lines) + "\n")
    study = planted(more("score", {"a": 1}, than={"a": 0}), measure=on_data, technique=("a",),
                    factors={"data": ("wine", "digits"), "a": (0, 1)},
                    long_factors={"data": ("wine", "digits", "cancer")})
    own = on_table(study, path, "kind")
    assert own.levels_of("long") == {"data": (f"file:{path}#kind",), "a": (0, 1)}
    result = run(own)
    assert result.verdict == "holds"
    assert set(result.frame()["rows"]) == {60}
    with pytest.raises(StudyError, match=r"expects a target of classes, and 'b' of .* is not"):
        on_table(study, path, "b")
    with pytest.raises(StudyError, match=r"planted: is about data of its own"):
        on_table(planted(), path, "kind")
