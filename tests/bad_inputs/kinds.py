"""What can be wrong with an input, kind by kind: strategies that write it and say how to call."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from PIL import Image

Case = Callable[[Path], list[str]]
"""Writes files into a folder and returns the arguments."""

ROWS = [{"x": round(i / 7, 3), "z": i % 5, "label": "ab"[i % 2]} for i in range(20)]
TABLE = "x,z,label\n" + "".join(f"{row['x']},{row['z']},{row['label']}\n" for row in ROWS)
WORDS = [
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "\x00",
    "a,b",
    '"',
    "\n",
    "=1+1",
    "é",
    "٣",
    "²",
    "💥",
    "null",
    "true",
    "x" * 5000,
]


def file_case(name: str, content: bytes, *options: str, verb: str = "describe") -> Case:
    def write(folder: Path) -> list[str]:
        (folder / name).write_bytes(content)
        return [verb, str(folder / name), *options]

    return write


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """A file that was cut, overwritten in places, repeated, or had bytes put before it."""
    places = st.lists(st.integers(0, max(len(content) - 1, 0)), max_size=6)

    def flip(found: list[int]) -> bytes:
        changed = bytearray(content)
        for place in found:
            changed[place] ^= 0xFF
        return bytes(changed)

    return st.one_of(
        st.integers(0, len(content)).map(lambda n: content[:n]),
        places.map(flip),
        st.integers(0, len(content)).map(lambda n: content[n:] + content[:n]),
        st.sampled_from([content * 2, b"\xef\xbb\xbf" + content, b"\xff\xfe" + content, b"\x00" * 50 + content, b""]),
    )


def _deep(depth: int, kind: str) -> str:
    return "[" * depth + "]" * depth if kind == "list" else '{"a":' * depth + "1" + "}" * depth


def json_values() -> st.SearchStrategy[str]:
    """JSON text of one value, odd ones first."""
    return st.one_of(
        st.sampled_from(
            ["null", "true", "1e999", "-1e999", "NaN", "Infinity", "[]", "{}", '""', '"\\ud800"', "0", "-0"]
        ),
        st.integers(0, 30_000).map(lambda n: "9" * (n + 1)),
        st.sampled_from([1, 10, 500, 20_000]).flatmap(lambda n: st.sampled_from([_deep(n, "list"), _deep(n, "dict")])),
        st.sampled_from(WORDS).map(json.dumps),
        st.sampled_from(['["a", 1]', '[["a"]]', "[null]", '{"bytes": "x", "path": null}', '["a", {"b": 1}]', "1" * 19]),
    )


@st.composite
def json_lines(draw) -> Case:
    rows = [json.dumps(row) for row in ROWS]
    for _ in range(draw(st.integers(1, 3))):
        key = draw(st.sampled_from(["x", "z", "label", "new", "", "\ud800", "k" * 2000]))
        place = draw(st.integers(0, len(rows) - 1))
        value = draw(json_values())
        text = f'{{"x": 1, "z": 2, "label": "a", {json.dumps(key)}: {value}}}'
        rows[place] = draw(st.sampled_from([text, value, text[:-1], "[" + text + "]", text + text]))
    content = "\n".join(rows).encode("utf-8", "surrogatepass")
    name = draw(st.sampled_from(["t.jsonl", "t.json", "t.ndjson", "t.jsonl.gz"]))
    return file_case(name, gzip.compress(content) if name.endswith(".gz") and draw(st.booleans()) else content)


@st.composite
def toml(draw) -> Case:
    value = draw(
        st.sampled_from(
            [
                "3",
                "nan",
                "-1",
                "[1, 2]",
                "{ a = 1 }",
                '""',
                "1979-05-27",
                "true",
                "inf",
                '"' + "x" * 300 + '"',
                "0x10",
                "[[1], [2]]",
            ]
        )
        | st.integers(1, 6000).map(lambda n: "9" * n)
        | st.sampled_from([50, 3000]).map(lambda n: "[" * n + "]" * n)
    )
    key = draw(
        st.sampled_from(
            [
                "fit",
                "epochs",
                "budget",
                "arms",
                "seed",
                "config",
                "data",
                "source",
                "json",
                "depth",
                "views",
                "é",
                "out",
            ]
        )
    )
    text = draw(
        st.sampled_from([f"{key} = {value}\n", f"[fit]\n{key} = {value}\n", f"[fit.{key}]\na = {value}\n", "[[fit]]\n"])
    )
    content = draw(st.just(text.encode()) | damaged(text.encode()))

    def write(folder: Path) -> list[str]:
        (folder / "t.csv").write_text(TABLE)
        config = folder / "c.toml"
        config.mkdir() if content == b"" else config.write_bytes(content)
        # a source that does not exist: whatever the file says, nothing may be trained
        return ["fit", str(folder / "t.csv"), "--source", "headstart/nowhere", "--config", str(config)]

    return write


def _odd_column(kind: int) -> pa.Array:
    n = len(ROWS)
    made: list[Callable[[], pa.Array]] = [
        lambda: pa.array([[1, 2]] * n),
        lambda: pa.array([{"a": 1}] * n),
        lambda: pa.array([[("a", 1)]] * n, pa.map_(pa.string(), pa.int64())),
        lambda: pa.array(range(n), pa.duration("ns")),
        lambda: pa.array([10**30 + i for i in range(n)], pa.decimal128(38)),
        lambda: pa.array([b"\xff\x00"] * n),
        lambda: pa.array([b"12345678"] * n, pa.binary(8)),
        lambda: pa.nulls(n),
        lambda: pa.array(range(n), pa.time64("us")),
        lambda: pa.array([2**64 - 1 - i for i in range(n)], pa.uint64()),
        lambda: pa.array(np.arange(n, dtype=np.float16)),
        lambda: pa.array([2**62] * n, pa.timestamp("ns", "Europe/Berlin")),
        lambda: pa.array([-(2**31)] * n, pa.date32()),
        lambda: pa.array(["a", "b"] * (n // 2)).dictionary_encode(),
        lambda: pa.array(["a"] * n, pa.large_string()),
        lambda: pa.array([[1.0, 2.0]] * n, pa.list_(pa.float64(), 2)),
        lambda: pa.array([float("nan"), float("inf")] * (n // 2)),
        lambda: pa.array([None, True] * (n // 2)),
        lambda: pa.array([1e308, -1e308] * (n // 2)),
        lambda: pa.array([[[]]] * n, pa.list_(pa.list_(pa.int8()))),
    ]
    return made[kind % len(made)]()


@st.composite
def parquet(draw) -> Case:
    table = pa.table({"x": [row["x"] for row in ROWS], "label": [row["label"] for row in ROWS]})
    name = draw(st.sampled_from(["odd", "label", "", "__index_level_0__", "x" * 2000]))
    column = _odd_column(draw(st.integers(0, 40)))
    table = table.set_column(1, "label", column) if name == "label" else table.append_column(name, column)
    junk = draw(
        st.sampled_from(
            [b"", b"{", b"[]", b"null", b'{"info": 3}', b'{"index_columns": [3, {}]}', b'{"info": {"features": []}}']
        )
    )
    if draw(st.booleans()):
        table = table.replace_schema_metadata({draw(st.sampled_from([b"pandas", b"huggingface"])): junk})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression=draw(st.sampled_from(["none", "snappy", "gzip"])))
    content = buffer.getvalue()
    return file_case("t.parquet", draw(st.just(content) | damaged(content)))


@st.composite
def npz(draw) -> Case:
    kinds = ["f8", "f4", "i8", "u1", "?", "c16", "U3", "S3", "M8[s]", "m8[s]", "O", "f2"]
    shape = draw(
        st.sampled_from(
            [
                (),
                (20,),
                (20, 3),
                (20, 4, 4),
                (20, 4, 4, 3),
                (20, 3, 4, 4),
                (20, 1, 1, 1, 1),
                (0, 3),
                (20, 0),
                (20, 4, 4, 7),
            ]
        )
    )
    x = np.zeros(shape, draw(st.sampled_from(kinds)))
    y = np.resize(np.array([0, 1]), draw(st.sampled_from([(20,), (), (19,), (20, 2), (20, 1, 1), (0,)]))).astype(
        draw(st.sampled_from(kinds))
    )
    names = draw(
        st.sampled_from(
            [("x", "y"), ("x_train", "y_train"), ("images", "labels"), ("x", "z"), ("../x", "y"), ("x", "classes")]
        )
    )
    buffer = io.BytesIO()
    more = draw(st.sampled_from([{}, {"extra": np.array(3)}, {"classes": np.array("a")}]))
    np.savez_compressed(buffer, **({names[0]: x, names[1]: y} | more))
    content = buffer.getvalue()
    trouble = draw(st.sampled_from(["none", "encrypted", "nested", "bomb", "damaged"]))
    if trouble == "encrypted":
        content = content.replace(b"PK\x03\x04\x14\x00\x00\x00", b"PK\x03\x04\x14\x00\x01\x00").replace(
            b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
        )
    if trouble in ("nested", "bomb"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.npy" if trouble == "nested" else "x.npz", content)
            archive.writestr("y.npy", content[:100])
        content = buffer.getvalue()
    return file_case("t.npz", draw(damaged(content)) if trouble == "damaged" else content)


NUMBERS = [
    "-1",
    "0",
    "²",
    "٣",
    "nan",
    "inf",
    "1e9",
    str(10**9),
    str(2**31),
    str(2**32),
    str(2**64),
    "9" * 400,
    "",
    " ",
    "1.5",
    "a",
]
COUNTS = (
    "--seed",
    "--seeds",
    "--shots",
    "--epochs",
    "--views",
    "--patience",
    "--batch-size",
    "--learning-rate",
    "--depth",
)
LONG = "a" * 5000
OPTIONS = dict.fromkeys(COUNTS, NUMBERS) | {
    "--budget": [*NUMBERS, "1x", "-3m", "9" * 30 + "h", "0s"],
    "--arms": ["scratch,+", "+", "", ",", "scratch", "chosen,chosen,x", "probe+", "finetune+l2sp+", LONG],
    "--method": ["coral", "scratch", "+", "", "finetune+", "finetune+probe", "nothing", "l2sp", LONG, "tradaboost"],
    "--source": ["", "timm/", "hf/", "file:", "torchvision/", "headstart/", "/", "\x00", LONG, "timm/../x", "."],
    "--label": ["", ",", "nothing", "x,x", "label,", "label,label", LONG, "\x00"],
    "--group": ["", "nothing", "label"],
    "--text": ["", "nothing", "x"],
    "--image": ["nothing", "label"],
    "--task": ["", "x", "regression", "multilabel"],
    "--modality": ["x", "image", "text"],
    "--device": ["", "cuda:99", "tpu", "cpu:x", "meta"],
    "--precision": ["fp8", ""],
    "--target-labels": ["learn", "x"],
    "--config": [".", "nothing.toml", LONG, "/dev/null", "\x00"],
    "--out": [LONG, "dangling", "t.csv", "t.csv/x", "\x00", "/proc/x", ""],
    "--source-data": ["", "nothing", ".", LONG, "t.csv"],
}


@st.composite
def options(draw) -> Case:
    names = draw(st.lists(st.sampled_from(sorted(OPTIONS)), min_size=1, max_size=2, unique=True))
    chosen = [part for name in names for part in (name, draw(st.sampled_from(OPTIONS[name])))]
    verb = draw(st.sampled_from(["fit", "fit", "fit", "pretrain", "describe"]))

    def write(folder: Path) -> list[str]:
        (folder / "t.csv").write_text(TABLE)
        (folder / "dangling").symlink_to(folder / "nowhere")
        base = {
            "fit": ["--source", "headstart/tabular"],
            "pretrain": ["--network", "headstart/tabular"],
            "describe": [],
        }[verb]
        # an arm that no options can train keeps what is accepted from being trained here
        stop = ["--allow-damaged"] if verb == "describe" else ["--label", "nothing"] if "--label" not in chosen else []
        return [verb, str(folder / "t.csv"), *base, *stop, *chosen]

    return write


def options_of_paths() -> st.SearchStrategy[Case]:
    """Paths that are odd: too long, with a zero byte, links to nothing, a folder where a file is due."""
    paths = ["a" * 300, "a/" * 3000, "\x00", "dangling", "", ".", "~nobody/x", "t.csv/x", "loop", "/dev/null", "*"]
    verbs = ["describe", "fit", "predict", "evaluate", "report", "export", "resume", "pretrain"]

    def case(pair: tuple[str, str]) -> Case:
        def write(folder: Path) -> list[str]:
            (folder / "t.csv").write_text(TABLE)
            (folder / "dangling").symlink_to(folder / "nowhere")
            (folder / "loop").symlink_to(folder / "loop")
            verb, path = pair
            more = {
                "predict": ["t.csv"],
                "evaluate": ["t.csv"],
                "fit": ["--source", "headstart/tabular"],
                "pretrain": ["--network", "headstart/tabular"],
            }
            return [verb, path, *more.get(verb, [])]

        return write

    return st.tuples(st.sampled_from(verbs), st.sampled_from(paths)).map(case)


@st.composite
def hub_config(draw) -> Case:
    value = draw(
        st.sampled_from(
            [
                "[]",
                "null",
                "3",
                '"x"',
                "{}",
                '{"model_type": 3}',
                '{"model_type": "bert"}',
                '{"model_type": []}',
                '{"model_type": "nothing"}',
                '{"model_type": "bert", "hidden_size": "x"}',
                '{"model_type": "bert", "hidden_size": -1}',
                '{"model_type": "bert", "num_hidden_layers": 1e999}',
                '{"auto_map": {"AutoModel": "x.Y"}, "model_type": "bert"}',
            ]
        )
        | json_values()
    )
    other = draw(st.sampled_from(["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]))

    def write(folder: Path) -> list[str]:
        root = folder / "model"
        root.mkdir()
        for name in {"config.json", "tokenizer.json", "model.safetensors", other}:
            (root / name).write_bytes(value.encode("utf-8", "surrogatepass"))
        (folder / "t.csv").write_text("text,label\n" + "four words in here,a\nfour others in there,b\n" * 8)
        return ["fit", str(folder / "t.csv"), "--source", f"hf/{root}", "--out", str(folder / "out")]

    return write


def _picture(mode: str, kind: str) -> bytes:
    buffer = io.BytesIO()
    array = np.random.default_rng(0).integers(0, 255, (9, 12), dtype=np.uint8)
    Image.fromarray(array).convert(mode).save(buffer, kind)
    return buffer.getvalue()


PICTURES = [
    ("RGB", "PNG"),
    ("L", "JPEG"),
    ("CMYK", "JPEG"),
    ("P", "GIF"),
    ("RGBA", "WEBP"),
    ("F", "TIFF"),
    ("1", "PNG"),
    ("RGB", "PPM"),
    ("LA", "PNG"),
    ("RGB", "BMP"),
]


@st.composite
def pictures(draw) -> Case:
    found = [draw(damaged(_picture(*draw(st.sampled_from(PICTURES))))) for _ in range(draw(st.integers(1, 3)))]
    ending = draw(st.sampled_from([".png", ".jpg", ".tif", ".gif", ".webp", ".bmp", ".txt", ".csv", ".xyz", ""]))
    name = draw(st.sampled_from(["p", "ü", ".hidden", "a b", "=x", "p\n", "x" * 200]))
    damage = draw(st.sampled_from([[], ["--allow-damaged"]]))

    def write(folder: Path) -> list[str]:
        root = folder / "set"
        for label in ("a", "b"):
            (root / label).mkdir(parents=True)
            for i in range(3):
                (root / label / f"{i}.png").write_bytes(_picture("L", "PNG"))
        for i, content in enumerate(found):
            (root / "a" / f"{name}{i}{ending}").write_bytes(content)
        return ["describe", str(root), *damage]

    return write


@st.composite
def csv(draw) -> Case:
    rows = TABLE.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(rows) - 1))
        cells = rows[place].split(",")
        cells[draw(st.integers(0, len(cells) - 1))] = draw(st.sampled_from(WORDS))
        rows[place] = draw(st.sampled_from([",", ";", "\t", ",,"])).join(cells)
    text = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\x0b"])).join(rows)
    content = text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "utf-8-sig"])), "surrogatepass")
    name = draw(st.sampled_from(["t.csv", "t.tsv", "t.csv.gz", "T.CSV"]))
    packed = gzip.compress(content) if name.endswith(".gz") and draw(st.booleans()) else content
    return file_case(
        name,
        draw(st.just(packed) | damaged(packed)),
        *draw(st.sampled_from([[], ["--label", "label"], ["--task", "regression"], ["--modality", "text"]])),
    )


@st.composite
def frames_across(draw) -> Case:
    """Numbers at the edge of what floats hold, on either side of a fit across domains."""
    value = draw(st.sampled_from(["1.7e308", "-1.7e308", "1e300", "nan", "inf", "1e-320", "9" * 25, "text"]))
    side = draw(st.sampled_from(["source", "target"]))

    def write(folder: Path) -> list[str]:
        for name in ("source", "target"):
            lines = TABLE.splitlines()
            if name == side:
                lines[5] = f"{value},1,a"
            (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
        return ["describe", str(folder / "target.csv"), "--source-data", str(folder / "source.csv"), "--label", "label"]

    return write


@st.composite
def predictions(draw, run: Path) -> Case:
    """Files and outputs for predict and evaluate with a run of a table."""
    content = draw(
        damaged(TABLE.encode())
        | st.sampled_from(
            [b"x,z\n", b"x,z\n1\n", b"x,z\n,\n", b"x,z\na,b\n", b"x\n1\n", b"x,z\n1e400,2\n", TABLE.encode()]
        )
    )
    name = draw(st.sampled_from(["n.csv", "n.txt", "n.png", "n.parquet", "n.jsonl", "n.npz", "n"]))
    verb = draw(st.sampled_from(["predict", "predict", "evaluate"]))
    out = draw(
        st.sampled_from(
            [
                [],
                ["--out", "folder.csv"],
                ["--out", "x.csv/y.csv"],
                ["--out", "a" * 400 + ".csv"],
                ["--out", "o.xyz"],
                ["--out", "\x00.csv"],
                ["--out", ""],
            ]
        )
    )

    def write(folder: Path) -> list[str]:
        (folder / name).write_bytes(content)
        (folder / "folder.csv").mkdir()
        (folder / "x.csv").write_text("")
        given = [part if not part or part.startswith("--") else str(folder / part) for part in out]
        return [verb, str(run), str(folder / name), *(given if verb == "predict" else [])]

    return write


KINDS = {
    "json lines": json_lines(),
    "toml": toml(),
    "parquet": parquet(),
    "npz": npz(),
    "options": options(),
    "paths": options_of_paths(),
    "hub configs": hub_config(),
    "pictures": pictures(),
    "csv": csv(),
    "across": frames_across(),
}
