"""Sources ``hf/ID`` and ``hf/DIRECTORY``: text models of transformers' layout, and both sides of CLIP."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.networks.build import build
from headstart.networks.hub import hub_cache, why_not_ask
from headstart.networks.loading import load_pretrained
from headstart.networks.network import Network
from headstart.networks.papers import paper_of
from headstart.networks.sized import measured
from headstart.networks.source import Source
from headstart.networks.source_entailment import label_of_entailment, with_hypotheses
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.text_options import refuse_code
from headstart.networks.text_preprocess import TextPreprocess, load_tokenizer
from headstart.networks.transformers_family import (
    check_model_type,
    create_transformers,
    cut_transformers,
    transformers_spec,
)
from headstart.problem import Domain
from headstart.schema import Maybe, Number, Record, read_checked
from headstart.storage import read_json

MAX_LENGTH = 256
CLIP = "clip"
_SMALL_FILES = ["*.json", "*.txt", "*.model", "README.md"]
_WEIGHT_FILES = ["*.safetensors", "pytorch_model*.bin"]


def open_transformers(name: str) -> Source:
    """Open a local directory, or a hub repository of which only the small files are fetched before its weights are
    asked for."""
    directory = _directory(name, _SMALL_FILES, "config.json")
    config = _config(directory, name)
    if config.model_type == CLIP:
        from headstart.networks.source_clip import open_clip

        return open_clip(name, directory, config, _tokenizer(directory, name), str(_card(directory).get("license", "")))
    tokenizer, limit = _tokenizer(directory, name), _max_length(directory, config)
    preprocess = TextPreprocess(tokenizer, limit)
    spec = transformers_spec(config, _pooling(directory))

    def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
        measured(lambda: create_transformers(spec), directory / "config.json")
        if not pretrained:
            return build(spec, preprocess)
        return cut_transformers(_pretrained(name), spec, preprocess)

    card = _card(directory)
    source = Source(
        spec=f"hf/{name}",
        kind="hf",
        modality="text",
        domain=Domain("text", origin=name),
        task=None,
        title=f"{Path(name).name if Path(name).is_dir() else name} ({config.model_type})",
        licence=str(card.get("license", "")),
        paper=paper_of(config.model_type),
        make=make,
    )
    if label_of_entailment(config) is None:
        return source

    def weights() -> Path:
        return _directory(name, _SMALL_FILES + _WEIGHT_FILES, "*.safetensors", "pytorch_model*.bin")

    return replace(source, entails=with_hypotheses(source, weights, config, tokenizer, limit))


def _pretrained(name: str) -> Any:
    from transformers import AutoModel

    directory = _directory(name, _SMALL_FILES + _WEIGHT_FILES, "*.safetensors", "pytorch_model*.bin")
    return load_pretrained(AutoModel, directory, f"hf/{name}", spared="pooler.")


def _directory(name: str, patterns: list[str], *needed: str) -> Path:
    """Return the directory with the files of ``patterns``, of which one of ``needed`` must be there."""
    local = Path(name).expanduser()
    if local.is_dir():
        if not _has(local, needed):
            raise UserError(
                f"{local} has no {' or '.join(needed)}; hf/DIRECTORY takes a directory of transformers' layout."
            )
        return local
    if name.startswith((".", "~", "/")) or name.count("/") > 1:
        raise UserError(f"The directory {local} of the source hf/{name} does not exist.")
    return _snapshot(name, patterns, needed)


def _snapshot(name: str, patterns: list[str], needed: tuple[str, ...]) -> Path:
    found = _download(name, patterns, local_only=True)
    if found is not None and _has(found, needed):
        return found
    reason = why_not_ask()
    if reason is None:
        found = _download(name, patterns, local_only=False)
        if found is not None and _has(found, needed):
            return found
        reason = "the hub did not give it" if found is None else f"the repository has no {' or '.join(needed)}"
    folder = hub_cache() / ("models--" + name.replace("/", "--"))
    raise UserError(
        f"hf/{name} is not on this machine and {reason}; put it into the cache, {folder}, or pass a directory of "
        "transformers' layout with --source hf/DIRECTORY."
    )


def _download(name: str, patterns: list[str], *, local_only: bool) -> Path | None:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=patterns, local_files_only=local_only, etag_timeout=10))
    except Exception:  # the hub's client raises whatever its transport raises; the caller says what is missing
        return None


def _has(directory: Path, needed: tuple[str, ...]) -> bool:
    return any(next(directory.glob(pattern), None) is not None for pattern in needed)


def _config(directory: Path, name: str) -> Any:
    from transformers import AutoConfig

    path = directory / "config.json"
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(f"{path} is no JSON object, as transformers' configurations are; fetch it again.")
    refuse_code(value, str(path))
    if value.get("model_type") != CLIP:
        check_model_type(str(value.get("model_type", "")), f"hf/{name}")
    try:
        return AutoConfig.from_pretrained(str(directory), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the library checks kinds of values by a dozen kinds of errors
        raise UserError(f"{path} cannot be used ({_first_line(error)}); fetch it again.") from error


def _tokenizer(directory: Path, name: str) -> Any:
    try:
        return load_tokenizer(directory)
    except Exception as error:  # the library raises a dozen kinds for missing or damaged files
        raise UserError(f"hf/{name} has no tokenizer that can be read ({_first_line(error)}).") from error


def _max_length(directory: Path, config: Any) -> int:
    """Return what the model can take and was trained for, at most `MAX_LENGTH` tokens."""
    limits = [MAX_LENGTH, getattr(config, "max_position_embeddings", None) or MAX_LENGTH]
    if config.model_type in ("roberta", "xlm-roberta", "camembert"):
        # Positions begin after the padding's number.
        limits[1] -= config.pad_token_id + 1
    for file, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        path = directory / file
        value = read_checked(path, Record({}, {key: Maybe(Number(0))})).get(key) if path.is_file() else None
        if value:
            limits.append(int(value))
    return min(limits)


def _pooling(directory: Path) -> str | None:
    """Return the pooling that sentence-transformers wrote down, where it did."""
    path = directory / "1_Pooling" / "config.json"
    if not path.is_file():
        return None
    value = read_checked(path, Record())
    names = {"mean_tokens": "mean", "cls_token": "first", "lasttoken": "last"}
    return next((kind for key, kind in names.items() if value.get(f"pooling_mode_{key}")), None)


def _card(directory: Path) -> dict[str, Any]:
    """Return the header of a hub's model card: ``key: value`` lines."""
    path = directory / "README.md"
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    header = text.split("---")[1] if text.startswith("---") else ""
    pairs = (line.partition(":") for line in header.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160].rstrip(".")
