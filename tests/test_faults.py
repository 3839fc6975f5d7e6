"""Every fault on purpose stands where it says: moved code takes its mutants along."""

import runpy
from pathlib import Path

import headstart

HERE = Path(__file__).parent
SRC = Path(headstart.__file__).parents[1]


def test_the_text_of_every_named_fault_stands_once_and_its_tests_are_there():
    for one in runpy.run_path(str(HERE / "mutants" / "named.py"))["NAMED"]:
        assert (SRC / one.file).read_text(encoding="utf-8").count(one.old) == 1, (one.file, one.name)
        for test in one.tests:
            file, _, name = test.partition("::")
            path = HERE.parent / file
            assert path.exists(), test
            assert name.partition("[")[0] in (path.read_text(encoding="utf-8") if name else ""), test


def test_the_files_that_faults_are_drawn_from_are_there():
    for file, tests in runpy.run_path(str(HERE / "mutants" / "rooms.py"))["ROOMS"].items():
        assert (SRC / file).exists(), file
        assert [test for test in tests if not (HERE.parent / test.partition("::")[0]).exists()] == []


def test_an_edit_leaves_the_faults_drawn_elsewhere_as_they_are(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE / "mutants"))
    from drawing import draw

    texts = {
        file: (SRC / file).read_text(encoding="utf-8")
        for file in ("headstart/data/splits.py", "headstart/choice/gain.py")
    }
    before = {(one.file, one.place) for one in draw(texts, 20, seed=8)}
    texts["headstart/data/splits.py"] = "WIDE = 1 + 1\n\n\n" + texts["headstart/data/splits.py"]
    after = {(one.file, one.place) for one in draw(texts, 20, seed=8)}
    assert len(before) == 20
    assert len({file for file, _ in before}) == 2
    new = {place for place in after if place[1][0] == "WIDE = 1 + 1"}
    assert after - before == new  # what the edit brings, and only that
    assert len(before & after) == 20 - len(new)
    assert before != {(one.file, one.place) for one in draw(texts, 20, seed=9)}


def test_another_seed_another_limit_and_a_promise_are_no_faults(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE / "mutants"))
    from operators import faults

    def changes(text):
        return [(one.was, one.becomes) for one in faults("f.py", text)]

    assert changes("LIMIT = 4 * 2**30\n") == []
    assert changes("def f(a, /, b=1, *, seed: int = 0, c=0):\n    pass\n") == [("1", "(2)"), ("0", "(1)")]
    assert changes("class C:\n    seed: int = 0\n    width: int = 1\n") == [("1", "(2)")]
    assert changes("for a, b in zip(c, d, strict=True):\n    a.append(b)\n") == []
    assert changes("def f():\n    return False\n") == [("False", "(True)")]
    twice = [one.place for one in faults("f.py", "x = a + b\nx = a + b\n")]
    assert len(set(twice)) == 2
