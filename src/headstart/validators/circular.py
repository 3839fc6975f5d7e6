"""Circular validation: from the source to the target and back."""

from __future__ import annotations

import numpy as np

from headstart.validators.evidence import Evidence, source_losses


def circular(evidence: Evidence) -> float:
    """Return how well a model learned from the target's *predicted* labels finds the source's true labels.

    Accuracy, or minus the squared error per label variance for a regression. Where all predictions agree there is
    nothing to learn back: then the score is the share of source rows of that one class.

    Raises
    ------
    ValueError
        If the evidence holds no ``refit``.

    References
    ----------
    Bruzzone and Marconcini, "Domain Adaptation Problems: A DASVM Classification Technique and a Circular Validation
    Strategy", IEEE TPAMI 2010, section 4.
    """
    if evidence.refit is None:
        raise ValueError("The validator 'circular' needs refit, a function that learns from the predicted labels.")
    outputs = np.asarray(evidence.target_outputs)
    answers = outputs if evidence.regression else outputs.argmax(axis=1)
    if not evidence.regression and len(np.unique(answers)) < 2:
        return float((np.asarray(evidence.source_labels) == answers[0]).mean())
    back = np.asarray(evidence.refit(evidence.target_features, answers, evidence.source_features))
    losses = source_losses(evidence._replace(source_outputs=back))
    return -float(losses.mean()) if evidence.regression else 1 - float(losses.mean())
