"""Masks, boxes, a diagnosis and faces from ImageNet's MobileNetV2: ``python -m benchmarks.vision [CELL ...]``.

Needs HEADSTART_DATA, and for EfficientNet-Lite0 HEADSTART_SOURCES, a folder with ``efficientnet_lite0.safetensors``.
A cell that has its record is not measured again, and a fit that was stopped goes on, so that the
whole may be stopped at any time; words of a cell's name choose (``bccd``, ``membrane/pixels``).
``--table`` prints what there is.
"""

from __future__ import annotations

import argparse
import fnmatch
import logging

from benchmarks import machine, store
from benchmarks.vision.cells import Record, table

NAME = "vision"


def show(record: Record) -> str:
    """Return a cell in words: every arm's figures, the verdict, and the seconds."""
    lines = [f"{record['cell']} ({record['cpu_seconds']:.0f} CPU s, {record['date']}, {record['machine']})"]
    for arm, found in record["arms"].items():
        figures = ", ".join(f"{name} {100 * value:.1f}" for name, value in found["test"].items())
        lines.append(f"  {arm}{' (handed back)' if arm == record.get('kept') else ''}: {figures}")
    verdict = record.get("verdict") or {}
    if verdict.get("interval"):
        low, high = (100 * value for value in verdict["interval"])
        lines.append(f"  gain {100 * verdict['gain']:.1f} ({low:.1f} to {high:.1f}), n = {verdict['n_test']}")
    lines += [f"  {name} {value:.3g}" for name, value in record.get("figures", {}).items()]
    for name in ("auc", "sensitivity"):
        if name in record:
            low, high = record[name]["interval"]
            lines.append(f"  {name} {record[name]['value']:.3f} ({low:.3f} to {high:.3f}), n = {record[name]['n']}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("cells", nargs="*")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    done = {record["cell"]: record for record in store.read(NAME)}
    for cell, measure in table().items():
        if asked.cells and not any(cell.startswith(word) or fnmatch.fnmatch(cell, word) for word in asked.cells):
            continue
        if cell not in done and not asked.table:
            print(f"{cell} ...", flush=True)
            record = {"cell": cell, **measure(cell), **machine.describe("torch", "torchvision", "timm", "headstart")}
            store.append(NAME, record)
            done[cell] = record
        print(show(done[cell]) if cell in done else f"{cell}: not measured", flush=True)


if __name__ == "__main__":
    main()
