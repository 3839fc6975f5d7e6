"""The model card that travels with the weights."""

from __future__ import annotations

from typing import Any

from headstart.report import format as fmt
from headstart.report.folder import space_of
from headstart.report.headline import bounds_of, told
from headstart.report.sections import title_of


def model_card(run: dict[str, Any]) -> str:
    """Return the Markdown of ``model/README.md``: what the model is for, what it was measured to do, its limits.

    Parameters
    ----------
    run : the content of run.json, of a fit or of a pretraining; parts may be missing.
    """
    parts = [_head(run), _use(run), _data(run), _result(run), _limits(run), _load(run), _origin(run), _papers(run)]
    return "\n\n".join(part for part in parts if part) + "\n"


def adapted_card(record: dict[str, Any]) -> str:
    """Return ``model/README.md`` of an array method across domains."""
    across, verdict = record["across"], record["verdict"]
    said = verdict["sentence"]
    return "\n".join(
        [
            f"# {record['data']['name']}, adapted from {record['source']['title']}",
            "",
            f"Kept: {record['guard']['kept']} ({across['kept']}). {record['guard']['reason']}",
            "",
            f"Verdict: {said}",
            "",
            *([verdict["note"], ""] if verdict["note"] else []),
            f"Shift: {across['shift']['words']}. {across['shift']['reason']}",
            "",
            *[f"{one['name']}: {one['words']}." for one in across.get("stages") or []],
            *([""] if across.get("stages") else []),
            "The model holds rows of its training data where its method is non-parametric (kernels, neighbours, "
            "graphs): share it as you would share the data.",
            "",
        ]
    )


def one_line(text: Any) -> str:
    """Return ``text`` on one line with Markdown's marks made harmless."""
    flat = " ".join(str(text).split())
    for mark in "\\`*_[]<>|#":
        flat = flat.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return flat


def _listed(names: list[Any], most: int = 20) -> str:
    shown = ", ".join(one_line(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _metric(run: dict[str, Any]) -> str:
    said = (run.get("verdict") or {}).get("metric") or run.get("metric")
    return said or space_of(run).metrics[0]


def _kept(run: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    arms = run.get("arms") or {}
    name = (run.get("guard") or {}).get("kept") or run.get("chosen") or next(iter(arms), "")
    return name, arms.get(name) or {}


def _head(run: dict[str, Any]) -> str:
    data, source = (run.get("data") or {}).get("name") or "the target", run.get("source") or {}
    name, arm = _kept(run)
    way = "trained from scratch on" if name == "scratch" else "transferred to"
    text = f"# A model {way} {one_line(data)}\n\n"
    origin = source.get("title") or source.get("spec") or "a source"
    text += f"{one_line(arm.get('title') or name)}, from {one_line(origin)}"
    return f"{text}, made with Headstart {one_line(run.get('headstart', ''))}."


def _use(run: dict[str, Any]) -> str:
    space = space_of(run)
    unit = {"image": "an image", "text": "a text", "table": "a table row"}.get(str(run.get("modality")), "an input")
    said = space.purpose.format(unit=unit, names=_listed(list(space.names)))
    return f"## Intended use\n\n{said} It knows nothing else: an input of another kind still gets one of these answers."


def _data(run: dict[str, Any]) -> str:
    data = run.get("data") or {}
    splits = ", ".join(f"{fmt.count(n)} {name}" for name, n in (data.get("splits") or {}).items() if n)
    lines = [f"- samples: {splits}" if splits else ""]
    lines += [f"- largest class over smallest: {fmt.plain(data['imbalance'], 2)}" if data.get("imbalance") else ""]
    lines += [f"- damaged samples left out: {len(data.get('damaged') or [])}"]
    lines += [f"- fingerprint: {one_line(data['fingerprint'])}" if data.get("fingerprint") else ""]
    return "## Data\n\n" + "\n".join(line for line in lines if line)


def _result(run: dict[str, Any]) -> str:
    metric = _metric(run)
    rows = ["## Result", "", f"| arm | test {fmt.title(metric)} | 95% interval |", "|---|---|---|"]
    for name, arm in (run.get("arms") or {}).items():
        value = fmt.score(metric, (arm.get("test") or {}).get(metric))
        mark = " (this model)" if name == _kept(run)[0] else ""
        rows.append(
            f"| {one_line(arm.get('title') or name)}{mark} | {value} | {fmt.interval(metric, arm.get('interval'))} |"
        )
    rows += _gain(run, told(run), metric)
    if run.get("guard"):
        rows += ["", f"Why this arm was kept: {one_line(run['guard'].get('reason', ''))}"]
    return "\n".join(rows)


def _gain(run: dict[str, Any], verdict: dict[str, Any], metric: str) -> list[str]:
    """Say the gain of the model in this folder, and second what the planned one would have been."""
    if not fmt.is_number(verdict.get("gain")):
        return []
    baseline = "training from scratch" if verdict.get("baseline") in (None, "scratch") else str(verdict["baseline"])
    title = one_line(title_of(run, verdict.get("arm")))
    said = [f"Against {one_line(baseline)}: **nothing was gained**, that model itself was kept."]
    if verdict.get("arm") != verdict.get("baseline"):
        n = fmt.count(verdict.get("n_test"))
        said = [f"{title} against {one_line(baseline)}: {_size(verdict, metric)}, {n} test samples."]
    planned = verdict.get("planned")
    if planned:
        said.append(f"Planned was {one_line(title_of(run, planned.get('arm')))}, not kept: {_size(planned, metric)}.")
    if verdict.get("note"):
        said.append(one_line(verdict["note"]))
    return [line for text in said for line in ("", text)]


def _size(found: dict[str, Any], metric: str) -> str:
    gain, span = fmt.signed(metric, found.get("gain")), bounds_of(metric, found.get("interval"))
    kind, unit = one_line(found.get("kind")), fmt.gain_unit(metric)
    return f"**{kind}**, {gain} {unit} (95% interval {span}, {fmt.p_value(found.get('p'))})"


def _limits(run: dict[str, Any]) -> str:
    lines = ["- The numbers hold for inputs like the test split; other cameras, writers or times may differ."]
    lines += ["- A confidence is not a guarantee: see calibration in the report of the run."]
    if (run.get("shift") or {}).get("words"):
        lines.append(f"- Source and target inputs: {one_line(run['shift']['words'])}")
    lines += [f"- {one_line(warning)}" for warning in run.get("warnings") or []]
    return "## Limits\n\n" + "\n".join(lines)


def _load(run: dict[str, Any]) -> str:
    return (
        "## How to load\n\nThis folder is the `model/` of a run folder; give the run folder.\n\n"
        '```python\nimport headstart as hs\n\nmodel = hs.load("RUN").model\nmodel.predict([...])\n```\n\n'
        "```\nheadstart predict RUN FILES...\n```"
    )


def _origin(run: dict[str, Any]) -> str:
    source = run.get("source") or {}
    licence = source.get("licence") or "not stated; ask its author before passing this model on"
    lines = [f"- source: {one_line(source.get('spec', ''))}", f"- licence of the source's weights: {one_line(licence)}"]
    return "## Source and licence\n\n" + "\n".join(lines)


def _papers(run: dict[str, Any]) -> str:
    papers = [str(paper) for paper in _kept(run)[1].get("papers") or []]
    own = (run.get("source") or {}).get("paper")
    found = list(dict.fromkeys([*papers, *([str(own)] if own else [])]))
    return "## Papers\n\n" + "\n".join(f"- {one_line(paper)}" for paper in found) if found else ""
