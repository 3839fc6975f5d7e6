"""What the report shows of an adaptation: both domains' features before and after, weights, plans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from headstart.choice.joint.translated import Translated
from headstart.models.arrays import outputs
from headstart.problem import Task
from headstart.report.feature_map import layout
from headstart.report.pictures import save_picture, thumbnail
from headstart.shallow.shells.adapted import Adapted
from headstart.shallow.shells.reweighted import Reweighted
from headstart.storage import write_json
from headstart.workflow.adapting.adaptation import Adaptation
from headstart.workflow.adapting.race import Race
from headstart.workflow.record import title_of

Array = np.ndarray
POINTS = 200
TRANSLATED = 112
"""Pixels of a translated picture's longer side on the page."""
TOLD = ("step", "train_loss", "terms", "measures")
"""What is told of each evaluation of a training."""


def write_domains(path: Path, adaptation: Adaptation, race: Race) -> None:
    """Lay samples of both domains out in the plane, before and after adaptation, and write them."""
    rng = np.random.default_rng(adaptation.options.seed)
    chosen = [np.sort(rng.permutation(len(part))[:POINTS]) for part in (adaptation.rows.source, adaptation.rows.target)]
    source, target = adaptation.rows.source[chosen[0]], adaptation.rows.target[chosen[1]]
    known = adaptation.sides.target_labels[chosen[1]]
    try:
        after, what = shared_space(adaptation, race, source, target)
        points = {"before": np.concatenate([source, target]), "after": after}
        value: dict[str, Any] = {
            "points": {
                when: np.round(layout(rows, adaptation.options.seed), 3).tolist() for when, rows in points.items()
            },
            "after": what,
            "n_source": len(source),
            "n_target": len(target),
            "domain": [0] * len(source) + [1] * len(target),
            "labels": [float(x) if x == x else None for x in [*adaptation.sides.source_labels[chosen[0]], *known]],
        }
    except Exception as error:  # the report is worth less than the run, so nothing here may end it
        value = {"note": f"This part could not be made ({type(error).__name__}: {error})."}
    write_json(path, value)


def write_training(path: Path, adaptation: Adaptation, race: Race) -> None:
    """Write how the trainings of the race's candidates went; nothing where none was trained."""
    trained = [one for one in race.selection.finished if getattr(one.model, "history", None)]
    if trained:
        candidates = [
            {
                "name": one.name,
                "title": title_of(one.name, {}),
                "kept": one.name == race.kept.name,
                "commonest": commonest(adaptation.task, adaptation.sides.source_labels, np.asarray(one.target)),
                "records": [{key: record[key] for key in TOLD if key in record} for record in one.model.history[-1]],
                "translated": write_translations(path.parent, number, getattr(one.model, "translated", None)),
            }
            for number, one in enumerate(trained)
        ]
        write_json(path, {"candidates": candidates})


def write_translations(folder: Path, number: int, shown: Translated | None) -> dict[str, list[dict[str, str]]] | None:
    """Write pictures of both domains and what they became; return their files by domain. None without pictures."""
    if shown is None or shown.source.shape[1] not in (1, 3):
        return None
    low, high = (pick([pick(part) for part in (shown.source, shown.target)]) for pick in (np.min, np.max))

    def write(picture: Array, stem: str) -> str:
        grey = np.clip((picture - low) / max(high - low, 1e-12), 0, 1)
        pixels = np.round(255 * grey).astype(np.uint8).transpose(1, 2, 0)
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        return save_picture(folder, f"translated-{number}-{stem}", thumbnail(image, TRANSLATED))

    pairs = {"source": (shown.source, shown.source_there), "target": (shown.target, shown.target_back)}
    return {
        domain: [
            {"before": write(one, f"{domain}-{place}"), "after": write(other, f"{domain}-{place}-there")}
            for place, (one, other) in enumerate(zip(*parts, strict=True))
        ]
        for domain, parts in pairs.items()
    }


def commonest(task: Task, labels: Array, answers: Array) -> dict[str, Any] | None:
    """Return the class that most target rows are given, its share of them and of the source; None without classes."""
    if not task.label_space.one_class:
        return None
    shares = np.bincount(answers.argmax(axis=1), minlength=answers.shape[1]) / len(answers)
    number = int(shares.argmax())
    source = float((labels == number).mean())
    return {"class": task.classes[number], "target": round(float(shares[number]), 4), "source": round(source, 4)}


def shared_space(adaptation: Adaptation, race: Race, source: Array, target: Array) -> tuple[Array, str]:
    """Return the rows of both domains as the adapted model sees them, and what that is.

    A map gives its shared features; anything else its answers: log-probabilities, or values.
    """
    one = race.adapted or race.kept
    model = one.model
    if isinstance(model, Adapted) and model.transformer_ is not None:
        mapped = [
            model.transformer_.transform(rows, sample_domain=np.full(len(rows), sign))
            for rows, sign in ((source, 1), (target, -1))
        ]
        return np.concatenate(mapped), "the features that the map shares"
    answers = outputs(race.model(one), np.concatenate([source, target]), adaptation.task)
    if not adaptation.task.label_space.has_probabilities:
        return np.column_stack([answers, np.zeros(len(answers))]), "the adapted model's values"
    return np.log(np.maximum(answers, 1e-3)), "the adapted model's answers"


def carried_summary(race: Race) -> list[dict[str, str]]:
    """Say of each candidate how much of the source it carries: effective sample size, or the transport plan."""
    found = []
    for one in race.selection.finished:
        model = one.model
        if isinstance(model, Reweighted):
            share = model.effective_sample_size_ / len(model.weights_)
            words = f"effective sample size {model.effective_sample_size_:.0f} of {len(model.weights_)} ({share:.0%})"
            found.append({"name": one.name, "words": f"{words}, largest weight {model.weights_.max():.1f}"})
        part = getattr(model, "transformer_", None) or model
        plan = getattr(part, "plan_summary_", None)
        if isinstance(plan, dict):
            words = ", ".join(
                f"{key.replace('_', ' ')} {_short(value)}" for key, value in plan.items() if value is not None
            )
            found.append({"name": one.name, "words": words})
        approximation = getattr(part, "approximation_", None)
        if isinstance(approximation, str) and approximation != "exact":
            found.append({"name": one.name, "words": f"solved by {approximation}"})
    return found


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
