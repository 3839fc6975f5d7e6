"""Who is who: from a folder per person to a verdict on people that nothing has seen, and to answers."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

import headstart as hs
from headstart.data import open_data
from headstart.errors import UserError
from headstart.functional.verification import equal_error_rate, pairs, similarities
from headstart.problem import Task
from headstart.tasks.arcface import MARGIN, SCALE, ArcFace
from headstart.workflow.evaluate import evaluate
from headstart.workflow.judging.recognition import too_loose
from headstart.workflow.predict import predict_files
from headstart.workflow.verifying.embedding import whitening
from headstart.workflow.verifying.people import split_people

PEOPLE = 12


def draw_people(folder, numbers, pictures, seed=0):
    """A person is a coarse pattern; each picture of one has a light of its own, and some noise."""
    for number in numbers:
        pattern = np.random.default_rng([7, number]).uniform(40, 215, size=(4, 4))
        rng = np.random.default_rng([seed, number])
        (folder / f"p{number}").mkdir(parents=True)
        for picture in range(pictures):
            whole = np.kron(pattern, np.ones((8, 8))) * rng.uniform(0.7, 1.1) + rng.normal(0, 12, size=(32, 32))
            Image.fromarray(whole.clip(0, 255).astype(np.uint8)).save(folder / f"p{number}" / f"{picture}.png")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("people")
    draw_people(root / "people", range(PEOPLE), 4)
    options = {"task": "verification", "source": "headstart/glyphs", "epochs": 2, "quiet": True}
    return hs.fit(root / "people", **options, out=root / "run")


def test_the_verdict_is_of_people_that_nothing_has_seen(run):
    found = run.result["verification"]
    assert run.verdict.baseline == "scratch"
    assert run.verdict.n_test == found["arms"]["source"]["people"] == PEOPLE // 2
    counts = run.result["data"]["counts"]
    seen = [set(counts[split]) for split in ("train", "validation", "test")]
    assert [len(one) for one in seen] == [4, 2, 6]
    assert len(set.union(*seen)) == PEOPLE
    kept = found["arms"][found["kept"]]
    assert kept["genuine"] == 6 * 6
    assert kept["impostors"] == 24 * 23 // 2 - 36
    assert set(run.arms) == {"pixels", "source", "whitened", "arcface", "scratch"}
    scores = {arm: one["validation"]["accuracy"] for arm, one in run.arms.items() if arm != "pixels"}
    assert scores[found["kept"]] == max(scores.values())
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "Who is who" in page
    assert "no check that a picture was taken of a living person" in page
    assert "personal data" in (run.path / "model" / "README.md").read_text(encoding="utf-8")


def test_the_model_read_back_gives_the_rates_that_the_run_told(run):
    folder = run.path.parent / "people"
    people = sorted(run.result["data"]["counts"]["test"])
    files = [str(folder / name / f"{picture}.png") for name in people for picture in range(4)]
    vectors = run.model.embed(files)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    kept = run.result["verification"]["kept"]
    told = run.result["verification"]["arms"][kept]["eer"]["value"]
    found = equal_error_rate(pairs(similarities(vectors), np.repeat(np.arange(len(people)), 4)))
    assert found == pytest.approx(told, abs=0.02)


def test_known_people_are_named_and_strangers_are_not(run, tmp_path):
    draw_people(tmp_path / "known", (20, 21, 22), 3, seed=1)
    draw_people(tmp_path / "new", (20, 21), 2, seed=2)
    files = [str(path) for path in sorted((tmp_path / "new").rglob("*.png"))]
    predict_files(run.path, files, gallery=str(tmp_path / "known"), out=tmp_path / "who.json")
    records = json.loads((tmp_path / "who.json").read_text())
    assert [record["nearest"] for record in records] == ["p20", "p20", "p21", "p21"]
    for record in records:
        sure = record["similarity"] >= run.model.threshold
        assert record["prediction"] == (record["nearest"] if sure else "unknown")
    shutil.rmtree(tmp_path / "known" / "p21")
    found = run.model.recognise(files[2:], str(tmp_path / "known"))
    assert all(record["nearest"] != "p21" for record in found)
    assert run.model.same(files[:1], files[:1]) == [True]
    one = draw_people(tmp_path / "one", (20,), 1)
    assert {record["nearest"] for record in run.model.recognise(files, str(one))} == {"p20"}


def test_who_has_one_picture_learns(tmp_path):
    people = open_data(draw_people(tmp_path / "all", range(8), 2), singles=True)
    assert len(split_people(people, 0).splits["train"]) == 4
    people = open_data(draw_people(tmp_path / "all", (9,), 1), singles=True)
    assert len(split_people(people, 0).splits["train"]) == 5


def test_new_people_are_measured(run, tmp_path):
    draw_people(tmp_path / "others", range(30, 36), 3)
    found = evaluate(run.path, draw_people(tmp_path / "others", (36,), 1))
    assert (found.metric, found.n) == ("accuracy", 6)
    assert {"eer", "tar_at_far_0.01", "far"} <= set(found.metrics)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run, at: predict_files(run.path, [str(at / "p1" / "0.png")]), "give the people that are known"),
        (lambda run, at: run.model.predict([str(at / "p1" / "0.png")]), "--gallery KNOWN/"),
        (lambda run, at: run.model.same([str(at / "p1" / "0.png")], [str(at / "p1" / f"{i}.png") for i in (0, 1)]),
         "1 first and 2 second samples"),
        (lambda run, at: evaluate(run.path, at / "p1"), "p1"),
        (lambda run, at: run.model.recognise([str(at / "p1" / "0.png")], str(at.parent / "letters")),
         "The gallery letters holds texts, and this run compares images"),
        (lambda run, at: run.model.embed([str(at.parent / "strange/ann/a.png")]), "is no image that can be recognised"),
        (lambda run, at: who(at, run, shots=2), "--shots has no meaning with --task verification"),
        (lambda run, at: who(at, run, source_data=str(at)), "--source-data has no meaning with --task verification"),
        (lambda run, at: who(at, run, head="unet"), "--head has no meaning with --task verification"),
        (lambda run, at: who(at, run, seeds=3), "--seeds has no meaning with --task verification"),
        (lambda run, at: who(at, run, arms="probe"), "--arms has no meaning with --task verification"),
        (lambda run, at: who(at / "p1", run), "holds files"),
        (lambda run, at: who(at.parent / "lonely", run), "has 0 people with two pictures or more"),
        (lambda run, at: who(at, run, method="coral"), "--method coral finds no vectors of people"),
        (lambda run, at: who(at, run), "has 3 people with two pictures or more; verification needs 8"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused_in_a_sentence(run, tmp_path, call, message):
    draw_people(tmp_path / "few", range(3), 2)
    draw_people(tmp_path / "lonely", range(1), 1)
    for name in ("letters", "strange"):
        (tmp_path / name / "ann").mkdir(parents=True)
    (tmp_path / "letters" / "ann" / "a.txt").write_text("Dear Bob")
    (tmp_path / "strange" / "ann" / "a.png").write_text("Dear Bob")
    with pytest.raises(UserError, match=message):
        call(run, tmp_path / "few")
    assert not (tmp_path / "out").exists()


def test_the_exported_network_gives_the_vectors_and_its_card_the_threshold(run, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    picture = draw_people(tmp_path / "one", [77], 1) / "p77" / "0.png"
    path = hs.export(run, out=tmp_path / "model.onnx")
    card = json.loads((tmp_path / "model.onnx.json").read_text())
    assert card["threshold"] == run.model.threshold
    assert "length 1" in card["output"]["meaning"]
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pixels = np.asarray(Image.open(picture).convert("RGB"))[None]
    (found,) = session.run(["predictions"], {session.get_inputs()[0].name: pixels})
    np.testing.assert_allclose(found, run.model.embed([picture]), atol=1e-4)


def who(folder, run, **options):
    source = options.pop("source", "headstart/glyphs")
    return hs.fit(folder, task="verification", source=source, out=folder.parent / "out", quiet=True, **options)


def test_a_threshold_that_lets_strangers_in_is_told():
    (said,) = too_loose({"value": 0.704, "interval": [0.42, 1.0]}, 2)
    assert "set for accepting 1% of strangers by 2 people, and accepts 70.4%" in said
    assert too_loose({"value": 0.03, "interval": [0.0, 0.1]}, 9) == []


def test_whitening_makes_pictures_of_one_person_vary_alike_in_every_direction():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(400), 10)
    mix = np.diag([3.0, 1.0, 0.7])
    features = rng.normal(size=(400, 3))[people] * 9 + rng.normal(size=(4000, 3)) @ mix
    turned = features @ whitening(features, people).T
    within = turned - np.stack([turned[people == person].mean(axis=0) for person in range(400)])[people]
    assert np.allclose(np.cov(within.T), np.eye(3), atol=0.1)


def test_arcface_is_cross_entropy_of_scaled_cosines_with_the_own_angle_widened():
    logic = ArcFace(Task("classification", ("a", "b", "c")))
    head = logic.head(5)
    x, y = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0, 1, 2])
    cosines = head(x)
    assert torch.allclose(head(3 * x), cosines, atol=1e-6)
    angles = cosines.detach().clone()
    angles[torch.arange(6), y] = torch.cos(torch.arccos(angles[torch.arange(6), y]) + MARGIN)
    assert logic.loss(cosines, y).item() == pytest.approx(F.cross_entropy(SCALE * angles, y).item(), rel=1e-5)
    assert logic.loss(cosines, y) > F.cross_entropy(SCALE * cosines, y)
    # however far the angle, a smaller one costs less
    own = torch.linspace(-1, 1, 101)
    losses = torch.stack([logic.loss(torch.tensor([[value, 0.0, 0.0]]), torch.tensor([0])) for value in own])
    assert (losses.diff() <= 1e-6).all()
