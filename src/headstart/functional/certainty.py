"""How sure an answer is, as a weight."""

from __future__ import annotations

from torch import Tensor

from headstart.functional.confusion import entropy


def certainty(outputs: Tensor) -> Tensor:
    """Return ``1 + exp(-H(p_i))`` [n] of logits [n, k], between 1 + 1 / k and 2, a constant to the gradient.

    References
    ----------
    Long et al., "Conditional Adversarial Domain Adaptation", NeurIPS 2018, equation 8.
    """
    return 1 + (-entropy(outputs.detach())).exp()
