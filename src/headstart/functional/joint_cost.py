"""What moving a labelled sample onto an unlabelled one costs: features apart, and its label on the other's answer."""

from __future__ import annotations

from torch import Tensor

from headstart.functional.precise import in_float32


@in_float32
def joint_cost(source: Tensor, y: Tensor, target: Tensor, outputs: Tensor, alpha: float) -> Tensor:
    """Return ``alpha ||g_i - g_j||^2 / d - log softmax(o_j)[y_i]``, [n, m].

    Parameters
    ----------
    source : g_i [n, d]. y : classes [n]. target : g_j [m, d]. outputs : o_j [m, k]. alpha : weight of the features.

    References
    ----------
    Courty et al., "Joint Distribution Optimal Transportation for Domain Adaptation", NeurIPS 2017, equation 3.
    """
    apart = (source[:, None] - target).square().mean(dim=2)
    return alpha * apart - outputs.log_softmax(dim=1).T[y]
