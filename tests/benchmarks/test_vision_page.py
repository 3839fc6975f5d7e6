"""The page of the vision benchmark is what its command prints, and prints what is lost."""

from benchmarks import store
from benchmarks.vision import page


def test_the_page_is_what_the_records_say():
    assert page.PAGE.read_text(encoding="utf-8") == page.text(store.read(page.NAME))


def record(cell, kept, verdict=None, **arms):
    told = {arm: {"test": values} for arm, values in arms.items()}
    return {"cell": cell, "arms": told, "kept": kept, "verdict": verdict, "cpu_seconds": 3.0, "date": "2026-01-01"}


def test_what_is_lost_is_printed_as_lost():
    gained = {"kind": "positive", "gain": 0.2, "interval": [0.1, 0.3], "n_test": 72, "arm": "finetune"}
    none = {"kind": "none", "gain": 0.0, "interval": [0.0, 0.0], "n_test": 20, "arm": "scratch"}
    scores = {"iou": 0.7, "dice": 0.6, "pixel_accuracy": 0.9}
    records = [
        record("bccd/all/256", "finetune", None, finetune={"map50": 0.8}),
        record("bccd/20/seed-0", "finetune", gained, scratch={"map50": 0.3}, finetune={"map50": 0.5}),
        record("drive/seed-0", "scratch", none, scratch=scores, finetune=scores),
        record("drive/pixels", None, None, **{"pixel classifier": scores | {"dice": 0.5}}),
        record("membrane/fold-1", "scratch", none, scratch=scores | {"pixel_accuracy": 0.95}, finetune=scores),
    ]
    said = page.text(records)
    assert "| blood cells, all labels: mAP@.5 at least 85 | 256 pixels 80.00 | LOST |" in said
    assert "| blood cells: gain over scratch measurably positive in every cell | 1 of 1 cells | won |" in said
    assert "| masks: gain over scratch measurably positive in every cell | 0 of 2 cells | LOST |" in said
    assert "95.0 (mean of 1 of 5 blocks) | won |" in said
    assert "retina 60.0 against 50.0 | won |" in said
    assert "| bccd/20/seed-0 | **finetune** | 50.0 |  |  | +20.0 (10.0 to 30.0) | 72 | 3 |" in said
    faces = record("faces/seed-0", "source", None, source={"accuracy": 0.9}) | {
        "rates": {"source": {"eer": {"value": 0.11}}}
    }
    assert "| faces/seed-0 | **source** | 90.0 | 11.0 |  |" in page.text([faces])
    assert "| not measured |" in said
    assert "`pneumonia/seed-0`" in said


def test_the_size_of_pictures_is_chosen_by_validation():
    def sides(validation):
        arms = {"finetune": {"test": {"map50": 0.9}, "validation": validation and {"map50": validation}}}
        finer = {"finetune": {"test": {"map50": 0.84}, "validation": {"map50": 0.86}}}
        base = record("bccd/all/320", "finetune")
        return [base | {"arms": arms}, base | {"cell": "bccd/all/416", "arms": finer}]

    chosen = "320 pixels 90.00 (validation 87.00), 416 pixels 84.00 (validation 86.00)"
    assert f"{chosen} | won |" in page.text(sides(0.87))
    assert "LOST" in next(line for line in page.text(sides(0.85)).splitlines() if "blood cells, all" in line)
    assert "LOST" in next(line for line in page.text(sides(None)).splitlines() if "blood cells, all" in line)
