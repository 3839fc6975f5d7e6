"""The engine: the only training loop, streams, the cache of frozen states, checkpoints, prediction."""

from headstart.engine.cache import cached_states, state_bytes
from headstart.engine.device import choose_device, choose_precision
from headstart.engine.domain import Domain
from headstart.engine.episodes import EpisodeStream
from headstart.engine.fetches import raw_fetch
from headstart.engine.frozen import freeze_table
from headstart.engine.joined import JoinedStream
from headstart.engine.loop import Trained, train
from headstart.engine.pairs import PairStream
from headstart.engine.predict import evaluator, predict
from headstart.engine.settings import Compute, Optimizer, Saving, Selection
from headstart.engine.states import States
from headstart.engine.streams import Stream

__all__ = [
    "Compute",
    "Domain",
    "EpisodeStream",
    "JoinedStream",
    "Optimizer",
    "PairStream",
    "Saving",
    "Selection",
    "States",
    "Stream",
    "Trained",
    "cached_states",
    "choose_device",
    "choose_precision",
    "evaluator",
    "freeze_table",
    "predict",
    "raw_fetch",
    "state_bytes",
    "train",
]
