"""Equal weights: the mean of the tasks' losses."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.deep.method import Batch, Losses, Nets
from headstart.deep.tasks_together import Weighting, task_losses


@dataclass(kw_only=True)
class EqualWeights(Weighting):
    """``sum_i L_i / t``, L_i the mean loss of task i over the samples whose label is given.

    One body, one linear head per task (hard sharing).

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Caruana, "Multitask Learning", Machine Learning 1997.
    """

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        losses = task_losses(nets, batch)
        return {name: loss / len(losses) for name, loss in losses.items()}
