"""What kind of shift lies between labelled source data and a target, before anything is adapted."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.engine.progress import Progress
from headstart.networks import open_source
from headstart.problem import Domain
from headstart.shallow.diagnose import diagnose
from headstart.shallow.domains import mask
from headstart.workflow.across.sides import encode, learn_rows, open_sides
from headstart.workflow.description import Description, target_domain
from headstart.workflow.options import FitOptions
from headstart.workflow.setting import carried, classify, labels_set_aside


def describe_across(data: Any, source_data: list[Any], options: FitOptions) -> Description:
    """Describe the target, and diagnose the shift from the source data; target labels count only with ``learn``."""
    source = None if options.source is None else open_source(options.source, network=options.network)
    sides = open_sides(data, source_data, options)
    rows, _ = encode(sides, source, Progress(quiet=True))
    known = mask(sides.target_labels, np.ones(len(sides.target_labels), dtype=bool))
    learned = learn_rows(sides, options, options.seed)
    known[learned] = sides.target_labels[learned]
    found = diagnose(
        rows.source,
        sides.source_labels,
        rows.target,
        target_labels=known,
        names=rows.names,
        kind=sides.task.label_space.solved_as,
        seed=options.seed,
    )
    target = sides.target.dataset
    names = ", ".join(part.name for part in sides.sources)
    domain = Domain(target.modality, target_domain(sides.sources[0]).space, names)  # type: ignore[arg-type]
    setting = classify(target_domain(target), sides.task if len(learned) else None, domain, sides.task)
    setting = labels_set_aside(setting, len(sides.labelled))
    return Description(target, sides.checks, carried(setting, None), None, source, found)
