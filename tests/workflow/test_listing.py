"""Lists for people fit a terminal of 100 columns and leave nothing out."""

from headstart import catalogue
from headstart.networks import list_sources
from headstart.workflow.listing import method_lines, source_lines


def test_every_method_is_listed_with_its_papers_within_100_columns():
    lines = method_lines(catalogue.rows())
    words = " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= 100
    for row in catalogue.rows():
        assert f"{row['name']} {row['title']}" in words
        assert row["paper"] in words
        assert row["not offered"] in words
    told = [row["name"] for row in catalogue.rows() if row["not offered"]]
    assert words.count("no plan offers it") == len(told)
    assert set(told) >= {entry.name for entry in catalogue.METHODS if entry.space == "heterogeneous"}


def test_every_source_is_listed_once_and_what_is_at_hand_comes_first(tmp_path):
    rows = list_sources(tmp_path)
    lines = source_lines(rows)
    names = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert max(map(len, lines)) <= 100
    assert names == sorted(names, key=lambda name: not next(row["at_hand"] for row in rows if row["spec"] == name))
    assert sorted(names) == sorted(row["spec"] for row in rows)
