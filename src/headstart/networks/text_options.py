"""Which settings of transformers' configurations a saved text network may bring, and which are nothing but noise."""

from __future__ import annotations

from typing import Any

from headstart.errors import UserError

SHAPES = frozenset(
    [
        "activation",
        "activation_function",
        "add_cross_attention",
        "attention_bias",
        "attention_dropout",
        "attention_probs_dropout_prob",
        "attn_pdrop",
        "bos_token_id",
        "chunk_size_feed_forward",
        "classifier_dropout",
        "dim",
        "dropout",
        "embd_pdrop",
        "eos_token_id",
        "head_dim",
        "hidden_act",
        "hidden_dim",
        "hidden_dropout_prob",
        "hidden_size",
        "initializer_range",
        "intermediate_size",
        "is_decoder",
        "layer_norm_eps",
        "layer_norm_epsilon",
        "layer_types",
        "max_position_embeddings",
        "max_window_layers",
        "mlp_bias",
        "n_ctx",
        "n_embd",
        "n_head",
        "n_heads",
        "n_inner",
        "n_layer",
        "n_layers",
        "n_positions",
        "num_attention_heads",
        "num_hidden_layers",
        "num_key_value_heads",
        "pad_token_id",
        "position_embedding_type",
        "pretraining_tp",
        "qa_dropout",
        "reorder_and_upcast_attn",
        "resid_pdrop",
        "rms_norm_eps",
        "rope_parameters",
        "rope_scaling",
        "rope_theta",
        "scale_attn_by_inverse_layer_idx",
        "scale_attn_weights",
        "seq_classif_dropout",
        "sinusoidal_pos_embds",
        "sliding_window",
        "tie_word_embeddings",
        "type_vocab_size",
        "use_cache",
        "use_sliding_window",
        "vocab_size",
    ]
)
"""Sizes, activations and rates: what the architecture is."""
NOISE = frozenset(
    [
        "_name_or_path",
        "architectures",
        "cls_token_id",
        "decoder_start_token_id",
        "dtype",
        "finetuning_task",
        "gradient_checkpointing",
        "id2label",
        "label2id",
        "model_type",
        "output_attentions",
        "output_hidden_states",
        "problem_type",
        "return_dict",
        "sep_token_id",
        "summary_activation",
        "summary_first_dropout",
        "summary_proj_to_labels",
        "summary_type",
        "summary_use_proj",
        "task_specific_params",
        "tokenizer_class",
        "torch_dtype",
        "transformers_version",
    ]
)
"""What tells of training and of heads that are not used here; left out."""
FORBIDDEN = ("attn_implementation", "_attn_implementation", "quantization_config", "use_kernels", "kernel_config")
"""Settings by which a configuration names code or files to fetch."""


def allowed_config(value: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the settings that build the architecture, without ``model_type``.

    What is neither in `SHAPES` nor in `NOISE` must be what it is by default, or unknown to the library and left out.

    Raises
    ------
    UserError
        For a setting that is not allowed.
    """
    from transformers import AutoConfig

    default = AutoConfig.for_model(value["model_type"]).to_dict()
    refuse_code(value, where)
    kept = {}
    for key, item in value.items():
        if key in SHAPES:
            kept[key] = item
        elif key not in NOISE and key in default and item != default[key]:
            raise UserError(f"{where} sets '{key}', which a saved network may not; the file was changed.")
    return kept


def refuse_code(value: dict[str, Any], where: str) -> None:
    """Refuse a configuration that names code to fetch and run."""
    found = [key for key in FORBIDDEN if value.get(key)]
    if found:
        raise UserError(f"{where} sets '{found[0]}', which would load other code or weights; take that line out.")
