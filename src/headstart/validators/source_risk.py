"""Validators that read the model's errors on held-out source rows."""

from __future__ import annotations

from headstart.validators.density import weights_of
from headstart.validators.evidence import Evidence, source_losses


def source_accuracy(evidence: Evidence) -> float:
    """Return the accuracy on held-out source rows; for a regression minus the squared error per label variance.

    Raises
    ------
    ValueError
        If labels and outputs of the source do not belong to the same rows.
    """
    losses = source_losses(evidence)
    return -float(losses.mean()) if evidence.regression else 1 - float(losses.mean())


def importance_weighted(evidence: Evidence) -> float:
    """Return minus the importance-weighted risk, ``-sum_i w_i loss_i / sum_i w_i``, w the density ratio of the inputs.

    References
    ----------
    Sugiyama, Krauledat and Mueller, "Covariate Shift Adaptation by Importance Weighted Cross Validation", JMLR 2007,
    section 3 (the weights here are normalised to sum to 1).
    """
    losses, weights = source_losses(evidence), weights_of(evidence)
    return -float((weights * losses).sum() / weights.sum())


def dev(evidence: Evidence) -> float:
    """Return minus the deep embedded validation risk: importance weighting with a control variate.

    ``risk = mean(w l) + eta mean(w) - eta`` with ``eta = -cov(w l, w) / var(w)``, which is of least variance because
    the weights' mean is known to be 1. Weights are density ratios in the model's own space where it has one.

    References
    ----------
    You, Wang, Long and Jordan, "Towards Accurate Model Selection in Deep Unsupervised Domain Adaptation", ICML 2019,
    equation 11.
    """
    losses, weights = source_losses(evidence), weights_of(evidence, mapped=True)
    weighted = weights * losses
    variance = float(weights.var())
    together = float(((weighted - weighted.mean()) * (weights - weights.mean())).mean())
    eta = -together / variance if variance > 1e-12 else 0.0
    return -float(weighted.mean() + eta * weights.mean() - eta)
