"""Static: how good the source is on its own task, whatever the target."""

from __future__ import annotations

import math


def static(accuracy: float | None) -> float:
    """Return the source's published or held-out accuracy on its own task; NaN where it is not known.

    The plainest score there is: it reads nothing of the target. Across sources of one task it is hard to beat;
    across tasks it compares what has no common scale.

    Parameters
    ----------
    accuracy : in [0, 1], as `headstart.networks.Source.accuracy` gives it.

    References
    ----------
    Kornblith, Shlens and Le, "Do Better ImageNet Models Transfer Better?", CVPR 2019, section 4.1.
    """
    return math.nan if accuracy is None else float(accuracy)
