"""Batch spectral shrinkage: suppress the features that the target's batch hardly spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from headstart.deep.method import Nets
from headstart.deep.penalty import Passed, Penalty


@dataclass(kw_only=True)
class BSS(Penalty):
    """``eta * sum_{i=1..k} sigma_{-i}^2``, the k smallest singular values of the batch's features [n, d].

    The spectrum belongs to the whole batch: it is no mean over samples, so the batch is never cut into parts.
    It is taken in float32 whatever the precision of the run.

    Parameters
    ----------
    eta : strength.
    k : number of smallest singular values, of min(n, d).

    References
    ----------
    Chen et al., "Catastrophic Forgetting Meets Negative Transfer: Batch Spectral Shrinkage for Safe Transfer
    Learning", NeurIPS 2019, equation 4.
    """

    couples: ClassVar[bool] = True

    eta: float = 1e-3
    k: int = 1

    def term(self, nets: Nets, passed: Passed) -> Tensor:
        if not self.eta:
            return passed.features.new_zeros(())
        with torch.autocast(passed.features.device.type, enabled=False):
            singular = torch.linalg.svdvals(passed.features.float())
        return self.eta * singular[-self.k :].square().sum()
