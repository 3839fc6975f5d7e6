"""A small model of every family with random weights, beside the library's own: for the contract tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models import convnext, vgg, vision_transformer

from headstart.networks import Network, build
from headstart.networks.glyphs import glyphs_spec
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.tabular import tabular_spec
from headstart.networks.timm_family import create_timm, cut_timm, timm_spec
from headstart.networks.torchvision_family import HEADS, create_torchvision, cut_torchvision, torchvision_spec
from headstart.networks.transformers_family import create_transformers, cut_transformers, transformers_spec


class Case(NamedTuple):
    """A network, an input, and what the library itself computes (features, or hidden states of a text)."""

    network: Network
    x: Any
    reference: Tensor | None
    of_last_stage: bool = False


def stir(model: nn.Module) -> None:
    """Give batch norm statistics that are not those of a new network, so that a mistake about them shows."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2.0)


def timm_case(name: str, size: int = 64, **options: Any) -> Case:
    spec = timm_spec(name, options)
    torch.manual_seed(0)
    model = create_timm(spec).eval()
    stir(model)
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        reference = model.forward_head(model.forward_features(x), pre_logits=True)
    return Case(cut_timm(model, spec).eval(), x, reference)


def torchvision_case(name: str, size: int = 64, model: nn.Module | None = None) -> Case:
    spec = torchvision_spec(name)
    torch.manual_seed(0)
    model = (model or create_torchvision(spec)).eval()
    stir(model)
    x = torch.randn(2, 3, size, size)
    kept: list[Tensor] = []
    head = model.get_submodule(HEADS[type(model).__name__][0])
    head.register_forward_pre_hook(lambda module, inputs: kept.append(inputs[0]))
    with torch.no_grad():
        model(x)
    reference = kept[0] if kept[0].ndim == 2 else nn.functional.adaptive_avg_pool2d(kept[0], 1).flatten(1)
    return Case(cut_torchvision(model, spec).eval(), x, reference)


def small_vgg() -> nn.Module:
    with torch.device("meta"):
        model = vgg.vgg11()
    model.features = vgg.make_layers(vgg.cfgs["A"])
    model.classifier[0], model.classifier[3] = nn.Linear(512 * 49, 16), nn.Linear(16, 16)
    model.classifier[6] = nn.Linear(16, 10)
    return model


def small_convnext() -> nn.Module:
    settings = [
        convnext.CNBlockConfig(8, 16, 1),
        convnext.CNBlockConfig(16, 24, 1),
        convnext.CNBlockConfig(24, None, 1),
    ]
    return convnext.ConvNeXt(settings, layer_scale=1.0)


def small_vit() -> nn.Module:
    model = vision_transformer.VisionTransformer(32, 8, num_layers=3, num_heads=2, hidden_dim=16, mlp_dim=32)
    nn.init.normal_(model.heads.head.weight)
    return model


TEXT = {"vocab_size": 50, "max_position_embeddings": 40}
ENDS = {"bos_token_id": 1, "eos_token_id": 2}
BERT = TEXT | {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
LLAMA = BERT | {"num_attention_heads": 4, "num_key_value_heads": 2}
CONFIGS: dict[str, dict[str, Any]] = {
    "bert": BERT,
    "roberta": BERT,
    "xlm-roberta": BERT,
    "camembert": BERT,
    "distilbert": TEXT | {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 32},
    "gpt2": {
        "vocab_size": 50,
        "n_embd": 16,
        "n_layer": 3,
        "n_head": 2,
        "n_positions": 40,
        "bos_token_id": 1,
        "eos_token_id": 2,
    },
    "llama": LLAMA,
    "mistral": LLAMA | {"sliding_window": 4},
    "qwen2": LLAMA | {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1},
}


def text_spec(kind: str, pooling: str | None = None) -> dict[str, Any]:
    from transformers import AutoConfig

    return transformers_spec(AutoConfig.for_model(kind, **CONFIGS[kind]), pooling)


def text_batch(lengths: tuple[int, ...] = (9, 5, 1, 3)) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(5, 50, mask.shape, generator=generator)
    return {"input_ids": torch.where(mask.bool(), ids, 1), "attention_mask": mask}


def text_case(kind: str, lengths: tuple[int, ...] = (9, 5, 1, 3)) -> Case:
    spec, x = text_spec(kind), text_batch(lengths)
    torch.manual_seed(0)
    model = create_transformers(spec).eval()
    with torch.no_grad():
        reference = model(**x).last_hidden_state
    return Case(cut_transformers(model, spec).eval(), x, reference, of_last_stage=True)


TABLE = TablePreprocess(
    mean={"age": 40.0, "income.net": 2.0},
    std={"age": 10.0, "income.net": 0.5},
    categories={"city": ("Ulm", "Bonn"), "keys": ("a", "b", "c")},
)
ROWS = [
    {"age": 50, "income.net": 3.0, "city": "Bonn", "keys": "c", "unused": 1},
    {"age": None, "income.net": "1.5", "city": "Rome", "keys": None},
    {"age": float("nan"), "income.net": 2.0, "city": "Ulm", "keys": "a"},
]


def table_case() -> Case:
    torch.manual_seed(0)
    network = build(tabular_spec(TABLE, width=16, blocks=2))
    x = network.preprocess(ROWS)
    with torch.no_grad():
        hidden = by_hand(network, x)
    return Case(network, x, hidden)


def by_hand(network: Network, x: dict[str, Tensor]) -> Tensor:
    """The tabular network's equation, row by row and column by column."""
    columns = network.stages["columns"]
    rows = []
    for i in range(len(x["numeric"])):
        h = columns.bias.clone()
        for j in range(2):
            h += columns.weight[j] * x["numeric"][i, j] + columns.missing[j] * x["missing"][i, j]
        h += columns.category[x["categorical"][i, 0]] + columns.category[3 + x["categorical"][i, 1]]
        rows.append(h)
    hidden = torch.stack(rows)
    for name in ("block1", "block2"):
        block = network.stages[name]
        hidden = hidden + block.outer(torch.relu(block.inner(block.norm(hidden))))
    return hidden


def glyphs_case() -> Case:
    torch.manual_seed(0)
    network = build(glyphs_spec())
    x = torch.randn(2, 1, 32, 32)
    hidden = x
    with torch.no_grad():
        for stage in network.stages.values():
            hidden = stage(hidden)
        return Case(network, x, network.pool(hidden))


def conv4_case() -> Case:
    torch.manual_seed(0)
    network = build({"family": "conv4", "norm": "batch", "width": 16})
    x = torch.randn(2, 1, 28, 28)
    hidden = x
    with torch.no_grad():
        for conv, norm, _, _ in network.stages.values():
            hidden = torch.relu(conv(hidden) / (1 + norm.eps) ** 0.5)  # fresh statistics: mean 0, variance 1
            n, c, h, w = hidden.shape
            whole = hidden[:, :, : h // 2 * 2, : w // 2 * 2]
            hidden = whole.reshape(n, c, h // 2, 2, w // 2, 2).amax(dim=(3, 5))
        return Case(network, x, hidden.flatten(1))


CASES: dict[str, Callable[[], Case]] = {
    "timm resnet": lambda: timm_case("resnet18"),
    "timm resnet deep stem": lambda: timm_case("resnet26t"),
    "timm vgg": lambda: timm_case("vgg11", mlp_ratio=1 / 256),
    "timm xception": lambda: timm_case("legacy_xception", 72),
    "timm xception aligned": lambda: timm_case("xception41p", 72),
    "timm mobilenet v2": lambda: timm_case("mobilenetv2_050"),
    "timm mobilenet v3": lambda: timm_case("mobilenetv3_small_050"),
    "timm efficientnet": lambda: timm_case("efficientnet_b0"),
    "timm convnext": lambda: timm_case("convnext_atto", depths=(1, 1, 1, 1), dims=(8, 8, 16, 16)),
    "timm vit": lambda: timm_case("vit_tiny_patch16_224", 32, img_size=32, depth=3),
    "timm vit mean": lambda: timm_case("vit_tiny_patch16_224", 32, img_size=32, depth=2, global_pool="avg"),
    "timm vit attention": lambda: timm_case(
        "vit_tiny_patch16_224", 32, img_size=32, depth=2, global_pool="map", class_token=False, reg_tokens=2
    ),
    "torchvision resnet": lambda: torchvision_case("resnet18"),
    "torchvision vgg": lambda: torchvision_case("vgg11", model=small_vgg()),
    "torchvision mobilenet v2": lambda: torchvision_case("mobilenet_v2"),
    "torchvision mobilenet v3": lambda: torchvision_case("mobilenet_v3_small"),
    "torchvision efficientnet": lambda: torchvision_case("efficientnet_b0"),
    "torchvision convnext": lambda: torchvision_case("convnext_tiny", model=small_convnext()),
    "torchvision squeezenet": lambda: torchvision_case("squeezenet1_1"),
    "torchvision vit": lambda: torchvision_case("vit_b_32", 32, model=small_vit()),
    **{f"transformers {kind}": lambda kind=kind: text_case(kind) for kind in CONFIGS},
    "tabular": table_case,
    "glyphs": glyphs_case,
    "conv4": conv4_case,
}
