"""``RESULTS.md`` of the ranking, from the records alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import store
from benchmarks.ranking import judge, zoo
from headstart.scores import SCORES
from headstart.storage import write_text

PAGE = Path(__file__).with_name("RESULTS.md")
TITLES = {"static": "static (held-out accuracy)", "logme_paper": "LogME without an intercept, as the paper"}


def title(names: tuple[str, ...]) -> str:
    return " + ".join(SCORES[name].title if name in SCORES else TITLES.get(name, name) for name in names)


def figures(found: dict[str, tuple[float, float, float]]) -> list[str]:
    tau, regret = found["tau"], [100 * value for value in found["regret"]]
    return [
        f"{tau[0]:.2f} ({tau[1]:.2f} to {tau[2]:.2f})",
        f"{regret[0]:.1f} ({regret[1]:.1f} to {regret[2]:.1f})",
        f"{100 * found['top1'][0]:.0f}%",
        f"{100 * found['top3'][0]:.0f}%",
    ]


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def rows_of(known: list[judge.Case], records: list[dict[str, Any]]) -> list[list[str]]:
    targets, rows = [case.target for case in known], []

    def row(name: str, found: list[dict[str, float]], seconds: str = "") -> None:
        rows.append([name, *figures(judge.over_targets(found, targets)), seconds])

    for names in [(name,) for name in judge.ALONE] + [judge.SHIPPED]:
        said = [judge.judged(case, judge.value_of(case, names)) for case in known]
        spent = [r["seconds"][names[0]] for r in records if names[0] in r.get("seconds", ())] if len(names) == 1 else []
        label = title(names) if len(names) == 1 else f"**mean rank of {title(names)}** (ships)"
        row(label, said, f"{np.median(spent):.3f}" if spent else "")
    last = ("last_knn", "last_linear_probe", "last_logme")
    row("the same on pooled features only", [judge.judged(case, judge.value_of(case, last)) for case in known])
    row("chosen on the other targets", judge.chosen_elsewhere(known, POOL)[0])
    row("a pick by chance", [judge.by_chance(case) for case in known])
    return rows


POOL = tuple(name for name in judge.ALONE if name not in ("leep", "nce", "logme_paper"))
"""What may enter a combination: LEEP and NCE need a source's own head, which one source of the zoo lacks; one LogME."""


def page() -> str:
    records = store.read(zoo.NAME, zoo.RESULTS)
    known = judge.cases(records)
    picks = judge.chosen_elsewhere(known, POOL)[1]
    alarms = judge.foreseen(known)
    header = records[-1]
    head = ["order by", "weighted τ", "regret, points", "best picked", "of the best 3", "CPU s"]
    plain, elsewhere = alarms["plain"], alarms["elsewhere"]
    return PAGE_TEXT.format(
        date=header["date"], machine=header["machine"], n=len(known), targets=len({c.target for c in known}),
        pairs=sum(len(c.accuracy) for c in known), table=table(head, rows_of(known, records)),
        per_target=table(
            ["target", "sources", "best", "worst", "best scratch", "harms", "τ of the order", "regret"],
            [_target(case) for case in known],
        ),
        picks="; ".join(
            dict.fromkeys(f"{case.target}: {title(names)}" for case, names in zip(known, picks, strict=True))
        ),
        plain=_alarm(plain), elsewhere=_alarm(elsewhere),
    )  # fmt: skip


def _target(case: judge.Case) -> list[str]:
    said = judge.judged(case, judge.value_of(case, judge.SHIPPED))
    shares = (case.accuracy.max(), case.accuracy.min(), case.scratch.max())
    figures = [str(len(case.accuracy)), *(f"{100 * share:.1f}" for share in shares), str(int(case.harms.sum()))]
    return [case.target, *figures, f"{said['tau']:.2f}", f"{100 * said['regret']:.1f}"]


def _alarm(found: dict[str, Any]) -> str:
    return f"{found['foreseen']} of {found['harms']} harms, {found['false']} false alarms among {found['harmless']}"


PAGE_TEXT = """# Which scores deserve trust

`python -m benchmarks.ranking`, measured {date} on {machine}, one thread, beside other work. {pairs} fine-tunings of
a small source on a target: {targets} targets, {n} draws of labels in all.

The zoo: 13 networks of two architectures (80 to 220 thousand parameters, grey pictures of 32 x 32) trained on MNIST,
USPS, CIFAR-10, CIFAR-100, Omniglot and PneumoniaMNIST, among them two that learned shuffled labels and one that was
stopped after 15 steps, and `headstart/glyphs`. A source never meets its own set. Targets have 8 labels per class
(faces 5); the truth is the accuracy on at most 500 other samples after fine-tuning all stages for 100 steps of 16,
one seed. *Harm*: more than 1 point below the same network from scratch with as many steps. Intervals: 95%, bootstrap
over targets. Nothing was tuned on this table; pictures only; TABLES.md and TEXTS.md have others.

{table}

Aims: mean regret under 1 point; τ above the best single score, static and k-NN; 80% of harms foreseen at no more than
20% false alarms.

Regret: accuracy of the best source less that of the pick. LEEP and NCE: sources with a head of their own. *Chosen on
the other targets*: of all mean ranks of at most three scores, the one of least mean regret on the other targets,
judged on the target left out.

{per_target}

Chosen elsewhere, by the target left out: {picks}.

Negative transfer foreseen, where a source lies before its own architecture with random weights in less than half of
the resamples: {plain}. With the limit that gives at most 20% false alarms on the other targets: {elsewhere}.
"""


if __name__ == "__main__":
    write_text(PAGE, page())
