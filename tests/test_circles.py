"""No module of the package imports itself by way of others, imports inside functions counted."""

import graphlib

import grimp
import pytest


def imports(package):
    """What every module imports; not what only a type checker reads, and not the package's face."""
    graph = grimp.build_graph(package, cache_dir=None, exclude_type_checking_imports=True)
    modules = graph.modules - {package}
    return {module: graph.find_modules_directly_imported_by(module) & modules for module in modules}


def test_there_is_no_circle():
    found = imports("headstart")
    assert len(found) > 300
    assert "headstart.models.arrays" in found["headstart.models.opening"]  # imported inside a function
    graphlib.TopologicalSorter(found).prepare()


@pytest.mark.parametrize("line", ["import made.first", "def later():\n    from made import first"])
def test_a_circle_is_found(line, tmp_path, monkeypatch):
    (tmp_path / "made").mkdir()
    for name, text in (("__init__", ""), ("first", "from made.second import x"), ("second", f"x = 1\n{line}\n")):
        (tmp_path / "made" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(graphlib.CycleError, match=r"made\.first"):
        graphlib.TopologicalSorter(imports("made")).prepare()
