"""What the files of a run folder must hold to be shown: docs/run.md as rules."""

from __future__ import annotations

from headstart.kinds import TASKS
from headstart.problem import MODALITIES
from headstart.schema import ANYTHING, Either, Flag, Items, Maybe, Number, Record, Row, Rule, Table, Text, Whole

WORD, NAME = Text(), Text(most=10_000)
SHARE_OR_NONE, COUNT = Maybe(Number()), Whole()
BOUNDS = Maybe(Row((Number(), Number())))
METRICS = Table(SHARE_OR_NONE)
WORDS = Items(WORD)

TASK = Record({"kind": Text(choices=TASKS)}, {"classes": Items(NAME), "targets": Items(NAME)})
SEED = Record({}, {"seed": COUNT, "validation": METRICS, "test": METRICS, "seconds": Number(0)})
ARM = Record(
    {},
    {
        "method": NAME,
        "title": NAME,
        "papers": WORDS,
        "validation": METRICS,
        "test": METRICS,
        "interval": BOUNDS,
        "interval_kind": Maybe(NAME),
        "n_test": Maybe(COUNT),
        "seconds": Number(0),
        "epochs": Maybe(Number(0)),
        "depth": Maybe(COUNT),
        "trainable_parameters": COUNT,
        "parameters": COUNT,
        "frozen": Maybe(Record({}, {"stages": Items(NAME), "unchanged": Maybe(Flag())})),
        "seeds": Items(SEED),
    },
)
GAIN: dict[str, Rule] = {
    "kind": Text(choices=("positive", "none", "negative")),
    "gain": Maybe(Number()),
    "interval": BOUNDS,
    "interval_kind": Maybe(NAME),
    "p": Maybe(Number()),
    "baseline": NAME,
    "arm": Maybe(NAME),
}
VERDICT = Record(
    {},
    GAIN
    | {
        "metric": NAME,
        "n_test": Maybe(COUNT),
        "chosen": NAME,
        "planned": Maybe(Record({}, GAIN)),
        "best": Maybe(Record({}, GAIN)),
        "transfers": Maybe(Flag()),
        "note": Maybe(WORD),
        "sentence": WORD,
    },
)
SOURCE = Record({}, {name: Maybe(NAME) for name in ("spec", "kind", "title", "licence", "paper", "backbone")})
DUPLICATES = Record(
    {},
    {name: Items(WORDS) for name in ("exact", "near", "across_splits")}
    | {f"n_{name}": COUNT for name in ("exact", "near", "across_splits", "conflicting")},
)
DATA = Record(
    {},
    {
        "name": Maybe(NAME),
        "origin": Maybe(NAME),
        "fingerprint": Maybe(NAME),
        "selection": Maybe(NAME),
        "input_column": Maybe(NAME),
        "counts": Table(Table(COUNT)),
        "splits": Table(COUNT),
        "imbalance": Maybe(Number()),
        "damaged": Items(Table(ANYTHING)),
        "odd": Items(Table(ANYTHING)),
        "duplicates": DUPLICATES,
    },
)
SHIFT = Record(
    {},
    {
        "auc": Maybe(Number()),
        "interval": BOUNDS,
        "mmd": Maybe(Number()),
        "p": Maybe(Number()),
        "words": WORD,
        "reason": WORD,
        "kind": NAME,
        "moved": Items(Record({"feature": NAME, "difference": Number(), "distance": Number()})),
        "notes": WORDS,
        **{name: Maybe(Number()) for name in ("auc_label", "auc_standardised", "overlap", "effective_share")},
    },
)
CANDIDATE = Record(
    {"name": NAME, "title": NAME, "scores": METRICS, "note": WORD, "seconds": Number(0), "kept": Flag()},
    {"predicted_gain": Maybe(Number()), "test": Maybe(Number())},
)
ACROSS = Record(
    {"shift": SHIFT, "candidates": Items(CANDIDATE)},
    {
        "validators": METRICS,
        "oracle": Maybe(Record({"title": NAME, "test": Maybe(Number())})),
        "summary": Items(Record({"name": NAME, "words": WORD})),
        "stages": Items(Record({"name": NAME, "words": WORD})),
        "per_class": Maybe(
            Items(Record({"class": NAME, "n": COUNT, "source_only": Maybe(Number()), "adapted": Maybe(Number())}))
        ),
        "lines": WORDS,
        "kept": NAME,
        "label_sets": Maybe(Record({}, {"words": WORD})),
        "unknown": Maybe(Record({"answered": COUNT, "rows": COUNT}, {})),
    },
)
_SPAN = Row((Number(), Number()))
FEW_SHOT = Record(
    {
        "accuracies": Table(
            Items(
                Record(
                    {
                        "ways": Whole(2),
                        "shots": Whole(1),
                        "episodes": COUNT,
                        "accuracy": Number(0, 1),
                        "interval": _SPAN,
                    }
                ),
                1,
            )
        )
    }
)
_SIDES = {name: Number(0, 1) for name in ("seen", "unseen", "harmonic")}
ZERO_SHOT = Record(
    {
        "measured": Items(NAME),
        "accuracies": Table(
            Record(
                {**_SIDES, "unseen_alone": Number(0, 1), "chance_alone": Number(0, 1), "n": Table(COUNT)},
                {"uncalibrated": Record(_SIDES)},
            )
        ),
    }
)
ROBUSTNESS = Record(
    {"epsilon": Number(0), "attacks": Table(COUNT), "metric": NAME, "n": COUNT, "arms": Table(METRICS)}, {}
)
CHANGED = Record({"value": Number(), "change": Number(), "interval": Row((Number(), Number()))})
BEFORE = Record({"source": Number(), "n": COUNT})
FORGETTING = Record(
    {"words": WORD},
    {
        "both": Record(
            {
                "metric": NAME,
                "words": WORD,
                "new": BEFORE,
                "old": Maybe(BEFORE),
                "arms": Table(Record({"new": CHANGED, "old": Maybe(CHANGED)})),
            }
        )
    },
)
"""What a run's stages have forgotten, and what each arm gained and lost against its source."""
PLAN = Record({}, {"reasons": WORDS, "crossed": Flag()})
RACE = Record(
    {
        "n": COUNT,
        "metric": NAME,
        "seconds": Number(0),
        "limit": Number(0),
        "standings": Items(
            Record(
                {
                    "source": NAME,
                    "title": NAME,
                    "scores": Table(Number()),
                    "rank": Maybe(Number()),
                    "probe": Maybe(Number()),
                    "seconds": Number(0),
                    "left": Maybe(NAME),
                    "why": WORD,
                }
            )
        ),
        "rungs": Items(Record({"epochs": Number(0), "folds": COUNT})),
        "trials": Items(
            Record(
                {
                    "number": COUNT,
                    "source": NAME,
                    "method": NAME,
                    "depth": COUNT,
                    "settings": Table(Either((Number(), NAME))),
                    "scores": Items(Number()),
                    "seconds": Number(0),
                    "ended": NAME,
                    "why": WORD,
                }
            )
        ),
        "winner": Record(
            {"source": NAME, "method": Maybe(NAME), "depth": Maybe(COUNT), "trial": Maybe(COUNT), "why": WORD}
        ),
        "coming": WORD,
        "notes": WORDS,
    },
)
"""``race.json`` of a finished race of sources."""
_RATE = Record({"value": Number(0, 1), "interval": Row((Number(0, 1), Number(0, 1)))})
VERIFICATION = Record(
    {
        "kept": NAME,
        "threshold": Number(-1.01, 1.01),
        "false_accepts": Number(0, 1),
        "arms": Table(
            Record(
                {"people": COUNT, "genuine": COUNT, "impostors": COUNT}
                | dict.fromkeys(("eer", "tar_at_far_0.01", "tar_at_far_0.001", "tar", "far"), _RATE)
            )
        ),
        "lines": WORDS,
    }
)
COMPARED = Record(
    {"kind": Text(choices=("positive", "none", "negative")), "gain": Number(), "interval": Row((Number(), Number()))},
    {},
)
MULTITASK = Record(
    {
        "tasks": Table(
            Record(
                {
                    "metric": NAME,
                    "together": Number(),
                    "alone": Number(),
                    "kept": NAME,
                    "relative": Number(),
                    "n": COUNT,
                }
                | {"shared": COMPARED, "handed": COMPARED, "task": TASK},
                {},
            )
        ),
        "delta_m": Number(),
        "best": NAME,
        "lines": WORDS,
    }
)
_SPAN = Maybe(Row((Number(), Number())))
_MEASURED = Record({}, {"value": Number(), "interval": _SPAN, "chance": Maybe(Number())})
WITHOUT_LABELS = Record(
    {"method": NAME, "lines": WORDS},
    {
        "judge": NAME,
        "measured": Items(
            Record(
                {"name": WORD, "n": COUNT},
                {"m": COUNT, "median_place": Number(0), "value": Number(), "interval": _SPAN, "chance": Maybe(Number())}
                | {f"recall@{k}": _MEASURED for k in (1, 5, 10)},
            )
        ),
    },
)
RUN = Record(
    {"schema": Whole(1), "task": Maybe(TASK)},
    {
        "headstart": NAME,
        "created": NAME,
        "verb": NAME,
        "seconds": Number(0),
        "command": Either((WORD, Items(WORD))),
        "arguments": Table(ANYTHING),
        "seed": COUNT,
        "seeds": Items(COUNT, most=100_000),
        "versions": Table(NAME),
        "device": NAME,
        "precision": Maybe(NAME),
        "modality": Text(choices=MODALITIES),
        "metric": NAME,
        "source": Maybe(SOURCE),
        "setting": Maybe(Record({}, {"reasons": Table(WORD)})),
        "shift": Maybe(SHIFT),
        "data": Maybe(DATA),
        "plan": Maybe(PLAN),
        "chosen": Maybe(NAME),
        "arms": Table(Maybe(ARM)),
        "baselines": Table(METRICS),
        "verdict": Maybe(VERDICT),
        "guard": Maybe(Record({}, {"kept": NAME, "reason": WORD, "seed": COUNT})),
        "warnings": WORDS,
        "robustness": Maybe(ROBUSTNESS),
        "few_shot": Maybe(FEW_SHOT),
        "zero_shot": Maybe(ZERO_SHOT),
        "forgetting": Maybe(FORGETTING),
        "across": ACROSS,
        "verification": VERIFICATION,
        "without_labels": WITHOUT_LABELS,
        "multitask": MULTITASK,
        "half_labelled": Record({"n": COUNT, "lines": WORDS}),
        "race": Record({}, {"winner": NAME, "seconds": Number(0), "trials": COUNT, "lines": WORDS}),
        "model": Record({}, {"files": Table(NAME)}),
    },
)
METRIC_LINE = Record(
    {},
    {
        "arm": NAME,
        "seed": Maybe(COUNT),
        "fold": Maybe(COUNT),
        "stage": NAME,
        **{
            name: Maybe(Number())
            for name in ("step", "epoch", "train_loss", "validation_loss", "validation_score", "learning_rate")
        },
    },
)
POINT = Row((Number(), Number()))
POINTS = Maybe(Record({"before": Items(POINT), "after": Items(POINT)}))
SAMPLE = Record(
    {},
    {
        "name": WORD,
        "text": WORD,
        "row": Table(ANYTHING),
        "confidence": Maybe(Number()),
        "picture": Maybe(NAME),
        "overlay": Maybe(NAME),
        "words": Items(Row((WORD, Number()))),
        "weights": Items(Row((WORD, Number()))),
    },
)
SAMPLES = Record({}, {"items": Items(SAMPLE), "note": Maybe(WORD), "method": NAME, "modality": NAME})
LABEL = Either((Items(Number()), Number()))
TRANSLATED = Items(Record({"before": NAME, "after": NAME}))
TRAINING = Record(
    {},
    {
        "name": NAME,
        "title": NAME,
        "kept": Flag(),
        "commonest": Maybe(Record({"class": NAME, "target": Number(0, 1), "source": Number(0, 1)})),
        "translated": Maybe(Record({}, {"source": TRANSLATED, "target": TRANSLATED})),
        "records": Items(
            Record({"step": COUNT}, {"train_loss": Maybe(Number()), "terms": METRICS, "measures": METRICS})
        ),
    },
)
BLIND = Record(
    {"name": WORD, "anomaly": Number(0)}, {"before": NAME, "after": NAME, "text": WORD, "row": Table(ANYTHING)}
)
"""A sample that was held out of a source without labels."""
GALLERY = Record({"name": WORD, "pictures": Items(NAME)})
EVIDENCE: dict[str, Rule] = {
    "training": Record({}, {"candidates": Items(TRAINING)}),
    "map": Record(
        {},
        {
            "points": POINTS,
            "labels": Items(LABEL),
            "names": Items(WORD),
            "agreement": Maybe(METRICS),
            "layout": NAME,
            "n": COUNT,
            "n_test": COUNT,
            "note": Maybe(WORD),
        },
    ),
    "blind": Record(
        {"n": COUNT, "usual": Items(Number(0)), "samples": Items(BLIND), "unusual": Items(BLIND)},
        {"gallery": Items(GALLERY)},
    ),
    "mistakes": SAMPLES,
    "classes": Record(
        {},
        {
            "n": COUNT,
            "about": WORD,
            "legend": Maybe(WORD),
            "columns": Items(NAME),
            "counts": Items(NAME),
            "rows": Items(Record({"name": NAME}, {"n": COUNT})),
            "curves": Items(Record({"name": NAME, "recall": Items(Number()), "precision": Items(Number())})),
            "note": Maybe(WORD),
        },
    ),
    "saliency": SAMPLES,
    "domains": Record(
        {},
        {"points": POINTS, "domain": Items(Whole(0, 1)), "after": WORD, "n_source": COUNT, "n_target": COUNT},
    ),
}
