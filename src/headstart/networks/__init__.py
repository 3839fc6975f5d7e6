"""Networks of every modality under one contract, their sources, and their files."""

from headstart.networks.build import build
from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.load_preprocess import load_preprocess
from headstart.networks.network import Network, State
from headstart.networks.preprocess import Preprocess
from headstart.networks.source import Source
from headstart.networks.source_list import list_sources
from headstart.networks.sources import open_source
from headstart.networks.store import load_network, save_network
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.text_preprocess import TextPreprocess
from headstart.networks.weights import read_weights

__all__ = [
    "ImagePreprocess",
    "Network",
    "Preprocess",
    "Source",
    "State",
    "TablePreprocess",
    "TextPreprocess",
    "build",
    "list_sources",
    "load_network",
    "load_preprocess",
    "open_source",
    "read_weights",
    "save_network",
]
