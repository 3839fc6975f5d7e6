"""A column that alone tells the label is named as a likely leak; ordinary strong features are not."""

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets as toys

from headstart.data import check, open_data

N = 400


def frame(seed=0, n=N):
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(rng.normal(size=(n, 5)), columns=list("abcde"))
    found["word"] = rng.choice(["red", "green"], n)
    return found.assign(label=np.where(found.a + found.b > 0, "yes", "no")), rng


def leaks(data, label="label", **options):
    return [text for text in check(open_data(data, label=label, **options))[1].warnings if "leak" in text]


def flipped(labels, share, rng):
    return np.where(rng.random(len(labels)) < share, np.where(labels == "yes", "no", "yes"), labels)


LEAKS = {
    "another name for the label": lambda f, rng: f.label.map({"yes": "Q7", "no": "B2"}),
    "the label as a number": lambda f, rng: (f.label == "yes") * 1,
    "a number below a bar": lambda f, rng: np.where(f.label == "yes", 1, -1) * rng.uniform(1, 9, len(f)),
    "time, sorted by the label": lambda f, rng: np.argsort(np.argsort(f.label.to_numpy(), kind="stable")) * 1.3,
    "missing where it is no": lambda f, rng: np.where(f.label == "yes", rng.normal(size=len(f)), np.nan),
    "right in 99.6 of 100": lambda f, rng: flipped(f.label.to_numpy(), 0.004, rng),
    "a patient": lambda f, rng: [f"p{hash_of(one)}{i % 13}" for i, one in enumerate(f.label)],
    "a patient by number": lambda f, rng: [1000 * (i % 13) + (one == "yes") * 13 for i, one in enumerate(f.label)],
}


def hash_of(word):
    return len(word)


@pytest.mark.parametrize("kind", LEAKS)
@pytest.mark.parametrize("seed", range(3))
def test_a_leak_is_named_with_its_column_and_score(kind, seed):
    data, rng = frame(seed)
    (told,) = leaks(data.assign(odd=LEAKS[kind](data, rng)))
    assert "'odd'" in told
    assert "%" in told


@pytest.mark.parametrize("share", [0.03, 0.05, 0.15])
@pytest.mark.parametrize("seed", range(3))
def test_a_strong_feature_is_no_leak(share, seed):
    data, rng = frame(seed, 1200)
    assert not leaks(data.assign(strong=flipped(data.label.to_numpy(), share, rng)))
    assert not leaks(data.assign(strong=np.where(data.label == "yes", 1, -1) * 2 + rng.normal(size=1200)))


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "diabetes"])
def test_no_leak_is_seen_in_well_known_tables(name):
    data = getattr(toys, f"load_{name}")(as_frame=True).frame
    assert not leaks(data, "target")


def test_an_easy_task_has_no_leaks():
    X, y = toys.make_blobs(300, centers=3, n_features=6, random_state=0)
    assert not leaks(pd.DataFrame(X).assign(label=y))
    iris = toys.load_iris(as_frame=True).frame
    assert not leaks(iris[iris.target < 2], "target")


def test_many_values_without_a_meaning_are_no_leak():
    data, rng = frame()
    assert not leaks(data.assign(code=rng.integers(0, 200, N).astype(str), number=rng.integers(0, 150, N)))


@pytest.mark.parametrize("bend", [lambda y: 2 * y + 1, np.exp, lambda y: y**3, lambda y: -y])
def test_a_leak_of_a_number_is_named(bend):
    data, rng = frame()
    data = data.drop(columns="label").assign(y=lambda f: f.a + f.b)
    (told,) = leaks(data.assign(odd=bend(data.y)), "y")
    assert "'odd'" in told
    assert "R²" in told
    assert not leaks(data.assign(near=data.y + 0.2 * rng.normal(size=N)), "y")
    assert not leaks(data, "y")


def test_a_leak_of_one_tag_among_several_is_named_with_the_tag():
    data, rng = frame()
    tags = [";".join(t for t, on in (("cat", a > 0), ("dog", b > 0), ("x", True)) if on)
            for a, b in zip(data.c + rng.normal(size=N), data.d + rng.normal(size=N), strict=True)]  # fmt: skip
    (told,) = leaks(data.assign(label=tags, odd=["cat" in one for one in tags]))
    assert "'odd'" in told
    assert "'cat'" in told


def test_the_same_table_gives_the_same_words():
    data, rng = frame(n=3000)
    data = data.assign(odd=LEAKS["a number below a bar"](data, rng))
    assert leaks(data) == leaks(data)


def test_rows_that_differ_by_next_to_nothing_are_near_duplicates_across_splits():
    data, _ = frame()
    data["label"] = ["yes", "no"] * (N // 2)
    again = data[:30].assign(a=data.a[:30] + 1e-7, word=" " + data.word[:30].str.upper())
    both = pd.concat([data.assign(split="train"), again.assign(split="test")], ignore_index=True)
    found = check(open_data(both))[1].duplicates
    assert found["n_near"] == found["n_across_splits"] == 30
    assert check(open_data(data.assign(split=["train"] * 300 + ["test"] * 100)))[1].duplicates["n_near"] == 0


def test_rows_that_are_equal_but_for_the_label_are_told():
    data, _ = frame()
    again = data[:10].assign(label=np.where(data.label[:10] == "yes", "no", "yes"))
    found = check(open_data(pd.concat([data, again], ignore_index=True)))[1].duplicates
    assert found["n_conflicting"] == 10


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_few_columns_of_random_numbers_are_not_near_by_chance(columns):
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.normal(size=(4000, columns))).assign(label=rng.integers(0, 2, 4000))
    assert check(open_data(data))[1].duplicates["n_near"] == 0
