"""Data: opening, checks, splits, batches."""

from headstart.data.checking import check
from headstart.data.checks import Checks
from headstart.data.counterpart import Counterpart, open_counterpart
from headstart.data.dataset import Dataset, TableColumns
from headstart.data.evaluating import open_labelled
from headstart.data.like import Like
from headstart.data.opening import open_data
from headstart.data.predicting import open_files, open_inputs
from headstart.data.splits import folds

__all__ = [
    "Checks",
    "Counterpart",
    "Dataset",
    "Like",
    "TableColumns",
    "check",
    "folds",
    "open_counterpart",
    "open_data",
    "open_files",
    "open_inputs",
    "open_labelled",
]
