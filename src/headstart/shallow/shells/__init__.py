"""Shells that join a method across domains to any estimator."""

from headstart.shallow.shells.adapted import Adapted
from headstart.shallow.shells.labelled_only import LabelledOnly
from headstart.shallow.shells.reweighted import Reweighted, weight_function

__all__ = ["Adapted", "LabelledOnly", "Reweighted", "weight_function"]
