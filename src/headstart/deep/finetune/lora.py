"""LoRA: learn a low-rank change of the weights, and merge it when done."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

from torch import nn

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import forward, labelled, learning, stages_above
from headstart.deep.penalty import Penalty, penalty_terms, stages_read
from headstart.errors import UserError
from headstart.networks.network import Network, hold
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class LoRA(Method):
    """Hold the weights W0 and learn ``W = W0 + (alpha / rank) B A`` in the last stages; train the head in full.

    A [rank, in] starts at random, B [out, rank] at zero, so that training starts from the source's own function. It
    sits on linear layers and convolutions (A keeps the kernel, B is 1 x 1); convolutions in groups, and attention
    modules that read their weights directly, stay as they are. Held weights include norm layers and their
    statistics; dropout in the body is off. ``finish`` merges B A into W0: a plain network with the layout it had.

    With alpha = 0 the body never moves: the weights are those of fine-tuning with depth 0 (the head alone).

    Parameters
    ----------
    depth : number of last stages that are adapted; None for all.
    rank, alpha : of the change and of its scale. body_rate, head_rate : learning rates, as shares of the run's.

    References
    ----------
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022, section 4.1.
    """

    depth: int | None = None
    rank: int = 8
    alpha: float = 16.0
    body_rate: float = 1.0
    head_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        from peft import LoraConfig, inject_adapter_in_model

        if self.rank < 1 or any(penalty.needs_start for penalty in self.penalties):
            raise UserError("LoRA needs a rank of at least 1, and no penalty towards the start: its weights are held.")
        frozen = self.frozen_stages(network)
        network.freeze(frozen)
        for name in network.stage_names[frozen:]:
            hold(network.stages[name])
        wanted = adaptable(network, network.stage_names[frozen:])
        if wanted:
            pattern = "|".join(re.escape(name) for name in wanted)
            config = LoraConfig(r=self.rank, lora_alpha=self.alpha, target_modules=pattern)  # type: ignore[arg-type]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                inject_adapter_in_model(config, network.stages)
        return Nets(network, task)

    def groups(self, nets: Nets) -> list[Group]:
        body, head = learning(nets.network.stages), learning(nets.network.head)
        groups = [Group("adapters", body, self.body_rate), Group("head", head, self.head_rate)]
        return [group for group in groups if group.parameters]

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        passed = forward(nets.network, samples, stages_read(self.penalties, nets.network))
        task = nets.task.loss(passed.outputs, y, samples.weight)
        return {"task": task} | penalty_terms(self.penalties, nets, passed)

    def finish(self, nets: Nets) -> Network:
        from peft.tuners.tuners_utils import BaseTunerLayer

        layers = [(n, m) for n, m in nets.network.stages.named_modules() if isinstance(m, BaseTunerLayer)]
        for name, layer in layers:
            layer.merge()
            parent, _, child = name.rpartition(".")
            setattr(nets.network.stages.get_submodule(parent), child, layer.get_base_layer())
        return nets.network.freeze(self.frozen_stages(nets.network))


def adaptable(network: Network, stages: list[str]) -> list[str]:
    """Return the names, inside ``network.stages``, of layers whose weight is a plain linear map or convolution."""
    found = []
    for stage in stages:
        body = network.stages[stage]
        for inner, module in body.named_modules():
            owner = body.get_submodule(inner.rpartition(".")[0])
            if _plain(module) and not isinstance(owner, nn.MultiheadAttention):
                found.append(f"{stage}.{inner}" if inner else stage)
    return found


def _plain(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        return module.groups == 1 and type(module).__name__ in {"Conv1d", "Conv2d", "Conv2dSame"}
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"
