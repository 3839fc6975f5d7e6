"""Devices by name."""

from __future__ import annotations

import pytest
import torch
from engine_tiny import text_network, tiny_network

from headstart.data.batches import Batch, Samples
from headstart.engine import choose_device, choose_precision
from headstart.engine.device import Place, is_plain_cnn, move, out_of_memory
from headstart.errors import UserError


def test_names():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device(None).type in ("cpu", "cuda", "mps")
    for wrong in ("gpu", "cuda:x", "cpux"):
        with pytest.raises(UserError, match="no device"):
            choose_device(wrong)
    with pytest.raises(UserError, match="not available"):
        choose_device("cuda:99")


def test_precision():
    assert choose_precision(torch.device("cpu")) == "no"
    assert choose_precision(torch.device("cpu"), "bf16") == "bf16"
    with pytest.raises(UserError, match="precision"):
        choose_precision(torch.device("cpu"), "fp61")


@pytest.mark.parametrize("n", [1, 7, 8, 64])
def test_shares_cover_the_batch(n):
    shares = [Place(torch.device("cpu"), rank=rank, ranks=3).share(n) for rank in range(3)]
    assert [i for start, stop in shares for i in range(start, stop)] == list(range(n))


def test_plain_cnns_get_channels_last():
    assert is_plain_cnn(tiny_network(norm="batch"))
    assert not is_plain_cnn(tiny_network(norm="group"))
    assert not is_plain_cnn(text_network())
    batch = Batch(target=Samples(x=torch.rand(2, 3, 4, 4), y=torch.zeros(2), names=["a", "b"]))
    moved = move(batch, torch.device("cpu"), torch.channels_last)
    assert moved.target.x.is_contiguous(memory_format=torch.channels_last)
    assert moved.target.names == ["a", "b"]


def test_what_counts_as_out_of_memory():
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
    assert out_of_memory(MemoryError())
    assert not out_of_memory(RuntimeError("shapes differ"))
