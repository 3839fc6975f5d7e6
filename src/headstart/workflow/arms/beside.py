"""Half-labelled training: labelled rows in the source's place, unlabelled ones in the target's."""

from __future__ import annotations

import numpy as np

from headstart.deep.method import Method
from headstart.engine import Domain, JoinedStream, Stream
from headstart.engine.streams import BatchStream
from headstart.networks import Network
from headstart.workflow.arms.workbench import Workbench

VIEWS = 8
"""Views at hand of each unlabelled sample, for methods that compare two."""
BODY_RATE = 0.1
"""Rate of the stages, as a share of the head's: as fine-tuning on the labels alone has it."""


def half_labelled(bench: Workbench, network: Network, labelled: BatchStream, method: Method, cut: int) -> JoinedStream:
    """Return batches of as many unlabelled as labelled samples, in the views that the method compares.

    What is labelled comes as the other arms have it.
    """
    assert bench.unlabelled is not None
    assert isinstance(labelled, Stream)
    rows, entry = np.arange(len(bench.unlabelled)), network.entry
    views = 1 if method.n_views == 1 else VIEWS
    fetch = bench.fetch(network, rows, cut=cut, views=views, dataset=bench.unlabelled)
    if network.entry != entry:
        raise RuntimeError("Labelled and unlabelled samples entered the network at different stages; this is a fault.")
    target = Domain(fetch, n=len(rows), names=bench.unlabelled.names(rows), views=views, shown=method.n_views)
    stream = JoinedStream(target, labelled.target, batch_size=labelled.batch_size, seed=labelled.seed)
    stream.shown = method.n_views  # of what is labelled nothing but the first view is read
    return stream
