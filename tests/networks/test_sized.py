"""What was small enough once is not measured again; whatever else is."""

import pytest
from torch import nn

from headstart.errors import UserError
from headstart.networks import sized


def test_only_the_same_network_beside_as_many_weights_is_measured_once(tmp_path, monkeypatch):
    made = []
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(bytes(1000))

    def make():
        made.append(nn.Linear(3, 3))

    for described, expected in (("a", 1), ("a", 1), ("b", 2), (None, 3), (None, 4)):
        sized.measured(make, "f", weights, described)
        assert len(made) == expected
    weights.write_bytes(bytes(1001))
    sized.measured(make, "f", weights, "a")
    assert len(made) == 5
    monkeypatch.setattr(sized, "MOST_TENSORS", 1)
    for _ in range(2):
        with pytest.raises(UserError, match="f asks for a network of more than"):
            sized.measured(make, "f", weights, "a")
