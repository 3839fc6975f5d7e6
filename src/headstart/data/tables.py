"""Tables from files, pandas and `datasets`, as frames."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from headstart.data.arrow import Columns, spill
from headstart.data.delimited import read_delimited
from headstart.data.frame import Frame, Part, as_values, categories_of, require_same_columns, require_unique
from headstart.data.jsonlines import read_jsonlines
from headstart.data.series import column
from headstart.data.settling import settle
from headstart.data.splits import SPLIT_NAMES
from headstart.errors import UserError

_READERS = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonlines",
    ".ndjson": "jsonlines",
    ".json": "jsonlines",
}
TABLE_ENDINGS = frozenset(_READERS)


def ending(path: Path) -> str:
    """Return the lower-case ending that tells what a file is; ``.gz`` is looked through."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def read_files(files: list[Path], parts: list[str | None]) -> Frame:
    """Read files of one kind with the same columns as one table; ``parts`` names each file's split, if any."""
    kinds = {_READERS[ending(file)] for file in files}
    if len(kinds) > 1:
        raise UserError(f"{', '.join(file.name for file in files)} are of different kinds; give files of one kind.")
    read = {"delimited": read_delimited, "jsonlines": read_jsonlines, "parquet": read_parquet}[kinds.pop()]
    frame = read(files, parts)
    if not len(frame.columns):
        raise UserError(f"{files[0]} has column names but no rows.")
    return frame


def read_parquet(files: list[Path], parts: list[str | None]) -> Frame:
    """Read Parquet files as one table, streamed in small batches."""
    from pyarrow import parquet

    opened = []
    for file in files:
        with _whole(file):
            opened.append(parquet.ParquetFile(file))
    require_same_columns({f.name: p.schema_arrow.names for f, p in zip(files, opened, strict=True)})
    described = opened[0].schema_arrow
    require_unique(described.names, files[0].name)
    schema = as_values(described).remove_metadata()

    def batches() -> Iterator[pa.RecordBatch]:
        for path, file in zip(files, opened, strict=True):
            with _whole(path):
                for batch in file.iter_batches(batch_size=512):
                    yield from pa.Table.from_batches([batch]).select(schema.names).cast(schema).to_batches()

    found = [Part(f.name, p.metadata.num_rows, split) for f, p, split in zip(files, opened, parts, strict=True)]
    names = _feature_names(_described_features(described))
    frame = Frame(spill(batches(), schema), found, files[0].parent, names, indexes=_indexes(described))
    return settle(frame, declared=True, categories=categories_of(described) | _pandas_categories(described))


@contextlib.contextmanager
def _whole(file: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        reason = str(error).strip().splitlines()
        raise UserError(f"{file} is no readable Parquet file ({reason[0] if reason else 'damaged'}).") from None


def _indexes(schema: pa.Schema) -> tuple[str, ...]:
    """Return the columns that pandas wrote as the index of its rows."""
    return tuple(name for name in _pandas_says(schema, "index_columns") if isinstance(name, str))


def _pandas_categories(schema: pa.Schema) -> frozenset[str]:
    """Return the columns that pandas wrote as categories, though Parquet holds their numbers."""
    said = [one for one in _pandas_says(schema, "columns") if isinstance(one, dict)]
    found = {str(one.get("field_name")) for one in said if one.get("pandas_type") == "categorical"}
    return frozenset(found & set(schema.names))


def _pandas_says(schema: pa.Schema, what: str) -> list[Any]:
    try:
        found = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))[what]
    except (ValueError, KeyError, TypeError):
        return []
    return found if isinstance(found, list) else []


def _described_features(schema: pa.Schema) -> dict[str, Any]:
    """Return the features that `datasets` writes beside an Arrow schema, so that class names survive Parquet."""
    text = (schema.metadata or {}).get(b"huggingface")
    try:
        found = json.loads(text).get("info", {}).get("features", {}) if text else {}
    except (ValueError, AttributeError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _feature_names(features: dict[str, Any]) -> dict[str, list[str]]:
    found = {}
    for name, feature in features.items():
        inner = feature.get("feature", feature) if isinstance(feature, dict) else feature
        if isinstance(inner, dict) and inner.get("_type") == "ClassLabel":
            found[name] = list(inner["names"])
    return found


def read_pandas(data: Any) -> Frame:
    """Take a DataFrame; its index is not a feature."""
    data = data.rename(columns=str)
    require_unique(list(data.columns), "The DataFrame")
    if not len(data):
        raise UserError("The DataFrame has no rows.")
    found = {name: column(data[name], name) for name in data.columns}
    table = pa.table({name: values for name, (values, _) in found.items()})
    categories = frozenset(name for name, (_, is_category) in found.items() if is_category)
    table = table.cast(as_values(table.schema))
    frame = Frame(spill(table.to_batches(8192), table.schema), [Part("", len(table))])
    return settle(frame, declared=True, categories=categories)


def read_datasets(data: Any) -> Frame:
    """Take a `datasets.Dataset` or `DatasetDict`, which lie in mapped Arrow already."""
    if not hasattr(data, "values"):
        return _join_datasets({"": data}, {})
    known = {name: part for name, part in data.items() if name.lower() in SPLIT_NAMES}
    if not known:
        raise UserError(
            f"The DatasetDict has the splits {', '.join(data)}, none of which is train, validation or test."
        )
    ignored = [name for name in data if name not in known]
    notes = {"ignored": f"splits that are not train, validation or test were left out: {', '.join(ignored)}"}
    return _join_datasets(known, notes if ignored else {})


def _join_datasets(data: dict[str, Any], notes: dict[str, str]) -> Frame:
    parts, tables = [], []
    for name, part in data.items():
        if getattr(part, "data", None) is None:
            raise UserError("A streamed datasets.IterableDataset has no rows by number; load it with streaming=False.")
        flat = part if part._indices is None else part.flatten_indices()
        tables.append(flat.data.table.select(part.column_names).replace_schema_metadata(None))
        parts.append(Part(name, len(part), SPLIT_NAMES.get(name.lower())))
    require_same_columns({part.label: table.column_names for part, table in zip(parts, tables, strict=True)})
    table = pa.concat_tables([part.select(tables[0].column_names) for part in tables], promote_options="permissive")
    features = next(iter(data.values())).features.to_dict()
    categories = categories_of(table.schema)
    table = table.cast(as_values(table.schema))
    frame = Frame(Columns(table), parts, class_names=_feature_names(features), notes=notes)
    return settle(frame, declared=True, categories=categories)


def load_saved_datasets(folder: Path) -> Any:
    """Open what `datasets.save_to_disk` wrote."""
    import datasets

    return datasets.load_from_disk(str(folder))
