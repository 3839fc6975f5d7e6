"""The third stage: fine-tunings by successive halving over epochs and folds, drawn by optuna, until time is up."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.engine.settings import seed_of
from headstart.errors import UserError
from headstart.workflow.arms.one_fit import Job, fit_once
from headstart.workflow.arms.timing import count_flops, measure
from headstart.workflow.options import depth_of
from headstart.workflow.planning.effort import find_effort
from headstart.workflow.planning.facts import Facts, facts_of
from headstart.workflow.planning.plan import MUCH, SOME, Plan, make_plan
from headstart.workflow.racing.ground import FOLDS, Ground
from headstart.workflow.racing.record import CUT, DROPPED, FINISHED, TUNING, Race, Rung, Trial
from headstart.workflow.racing.space import ALL, LAST, Space, Way, space_of
from headstart.workflow.racing.study import REDUCTION, open_storage, open_study, quiet_optuna, sampler_of, study_name

MOST_TRIALS = 60
"""Fine-tunings without ``--trials``: the best of more on the same few rows looks good by luck."""
WANTED = 12
"""Fine-tunings that the epochs of a rung leave time for."""
LEAST_EPOCHS = 2.0
NO_TIME = "The budget left no time for fine-tuning in the race; give more with --budget."


@dataclass
class Paddock:
    """What fine-tunings of a race share: facts of every source's network, the space, and the rungs."""

    ground: Ground
    space: Space
    facts: dict[str, Facts]
    rungs: tuple[Rung, ...] = ()
    plans: dict[tuple[str, str, int], Plan] = field(default_factory=dict)

    def depth(self, way: Way) -> int:
        """Return how many last stages learn."""
        n = self.facts[way.source].n_stages
        if way.depth == LAST:
            return max(1, round(n / 3))
        return int(depth_of(way.depth, n) or 0)

    def plan(self, way: Way, rung: Rung) -> Plan:
        """Return the plan of one fit: the usual one of this source and method, with what was drawn."""
        depth, facts = self.depth(way), self.facts[way.source]
        key = (way.source, way.method, depth)
        if key not in self.plans:
            options = replace(self.ground.options, method=way.method, depth=str(depth), arms=("chosen",))
            self.plans[key] = make_plan(facts, options)
        usual = self.plans[key]
        per_epoch = max(1.0, facts.n_train / usual.batch_size)
        return replace(
            usual,
            learning_rate={way.method: way.rate * usual.learning_rate[way.method]},
            settings=way.settings,
            views=way.views,
            folds=0,
            per_epoch=per_epoch,
            steps=max(1, round(rung.epochs * per_epoch)),
        )


def tune(ground: Ground, race: Race) -> Race:
    """Fine-tune until the budget or the number of trials is spent; a race that was stopped goes on."""
    if race.stage != TUNING:
        return race
    # Measuring how fast a source trains takes time too.
    late = not race.rungs and ground.left <= 0
    paddock = None if late else _paddock(ground, race)
    if paddock is None:
        return ground.save(replace(race, notes=(*race.notes, NO_TIME))) if late else race
    rungs = race.rungs or _rungs(paddock)
    if not rungs:
        return ground.save(replace(race, notes=(*race.notes, NO_TIME)))
    options = ground.options
    storage = open_storage(options.study, ground.folder / "state" / "race" / "study.log")
    target = (ground.transfer.fingerprint, options.seed, options.shots, options.metric, options.epochs)
    study = open_study(storage, study_name(target, asdict(paddock.space)), options.seed)
    race = ground.save(replace(race, rungs=_shared(study, rungs)))
    paddock.rungs = race.rungs
    with quiet_optuna() as optuna:
        for source in paddock.space.sources:
            study.enqueue_trial(paddock.space.usual(source), skip_if_exists=True)
        while _goes_on(ground, study, race):
            trial = _own(study, race.mark) or _ask(optuna, study, options.seed, race.mark)
            _run(optuna, paddock, study, trial)
            race = ground.save(replace(race, trials=trials_of(study)))
    return race


def _paddock(ground: Ground, race: Race) -> Paddock | None:
    names = [one.source for one in race.running]
    first = ground.bench(names[0])
    preprocess = first.network(pretrained=False, seed=0).preprocess
    coloured = preprocess.augments and getattr(preprocess, "channels", 3) == 3
    labels = ground.dataset.labels(ground.rows)
    many = first.logic.task.label_space.per_class(labels) > MUCH
    space = space_of(names, ground.options, coloured=coloured, usual_depth=ALL if many else LAST)
    if space is None:
        return None
    return Paddock(ground, space, {name: _facts(ground, name) for name in names})


def _facts(ground: Ground, source: str) -> Facts:
    bench = ground.bench(source)
    network = bench.network(pretrained=True, seed=ground.options.seed)
    return facts_of(ground.dataset, network, measure(bench, network), flops=count_flops(bench, network))


def _rungs(paddock: Paddock) -> tuple[Rung, ...]:
    """Return so many epochs that the time left pays for a dozen fine-tunings of the dearest source; () if for none."""
    ground, options = paddock.ground, paddock.ground.options
    most, each = 0.0, 0.0
    for facts in paddock.facts.values():
        effort = find_effort(facts, options, (SOME,), facts.n_stages, 0, 16)
        most = max(most, effort.cap / effort.per_epoch)
        each = max(each, facts.n_train * (1 - 1 / FOLDS) * facts.speed.step(facts.n_stages, facts.n_stages))
    paid = ground.left / max(each, 1e-9)
    if paid < LEAST_EPOCHS:
        return ()
    wanted = min(WANTED, options.trials or WANTED)
    epochs = round(float(np.clip(paid / wanted, min(LEAST_EPOCHS, most), most)), 2)
    return Rung(round(epochs / REDUCTION, 2), 1), Rung(epochs, 1), Rung(epochs, FOLDS)


def _shared(study: Any, rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """Return the rungs of a study: those of the machine that began it, for scores to be comparable."""
    found = study.user_attrs.get("rungs")
    if found is None:
        study.set_user_attr("rungs", [[rung.epochs, rung.folds] for rung in rungs])
        return rungs
    return tuple(Rung(float(epochs), int(folds)) for epochs, folds in found)


def _goes_on(ground: Ground, study: Any, race: Race) -> bool:
    """Whether another fine-tuning may begin, or one that was begun here may go on."""
    if _own(study, race.mark) is not None:
        return True
    begun = [one for one in study.get_trials(deepcopy=False) if one.state.name != "WAITING"]
    least = min((one.seconds for one in race.trials), default=0.0)
    return len(begun) < (ground.options.trials or MOST_TRIALS) and ground.left > least


def _own(study: Any, mark: str) -> Any:
    """Return the fine-tuning that this race was at when it was stopped."""
    from optuna.trial import Trial as Running

    for one in study.get_trials(deepcopy=False):
        if one.state.name == "RUNNING" and one.user_attrs.get("mark") == mark:
            return Running(study, one._trial_id)
    return None


def _ask(optuna: Any, study: Any, seed: int, mark: str) -> Any:
    """Draw the next; the draw depends on what the study holds, so that a resumed race draws the same."""
    study.sampler = sampler_of(optuna, seed_of(seed, len(study.get_trials(deepcopy=False)), mark))
    trial = study.ask()
    trial.set_user_attr("mark", mark)
    return trial


def _run(optuna: Any, paddock: Paddock, study: Any, trial: Any) -> None:
    """Run one fine-tuning rung by rung; one of the worse two thirds of a rung ends there."""
    began, spent = time.perf_counter(), float(trial.user_attrs.get("seconds", 0.0))
    way = paddock.space.draw(trial)
    depth = paddock.depth(way)
    paddock.ground.progress.note(f"race: fine-tuning {trial.number}: {way.source}, {way.method}, depth {depth}")
    folder = paddock.ground.folder / "state" / "race" / f"trial-{trial.number}"
    usual = paddock.plan(way, paddock.rungs[0])
    settings = way.settings | {"learning_rate": usual.learning_rate[way.method], "views": way.views}
    told = {"source": way.source, "method": way.method, "depth": depth, "settings": settings}
    told |= {"scores": [], "steps": [], "ended": FINISHED, "why": ""}
    value = None
    try:
        value = _climb(paddock, trial, way, folder, told)
    except UserError as error:
        told |= {"ended": DROPPED, "why": str(error)}
    told["seconds"] = round(spent + time.perf_counter() - began, 3)
    trial.set_user_attr("told", told)
    if value is None:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial, value)
    shutil.rmtree(folder, ignore_errors=True)


def _climb(paddock: Paddock, trial: Any, way: Way, folder: Path, told: dict[str, Any]) -> float | None:
    """Return what optuna maximises, or None where the fine-tuning did not come to the end."""
    kept: dict[tuple[float, int], tuple[np.ndarray, int]] = {}
    merit = None
    for number, rung in enumerate(paddock.rungs):
        plan = paddock.plan(way, rung)
        stopped = ""
        for fold in range(min(rung.folds, len(paddock.ground.parts))):
            if (rung.epochs, fold) not in kept:
                found = _fit(paddock.ground, way, plan, folder / f"rung-{number}" / f"fold-{fold}", fold)
                kept[rung.epochs, fold], stopped = found[:2], found[2]
            if stopped == "budget":
                told |= {"ended": CUT, "why": f"The clock ended it at step {kept[rung.epochs, fold][1]}."}
                return None
        folds = range(min(rung.folds, len(paddock.ground.parts)))
        score, merit = _judge(paddock.ground, way, [kept[rung.epochs, fold][0] for fold in folds])
        told["scores"].append(score)
        told["steps"].append(kept[rung.epochs, 0][1])
        if number < len(paddock.rungs) - 1:
            if REDUCTION**number not in trial.storage.get_trial(trial._trial_id).intermediate_values:
                trial.report(merit, REDUCTION**number)
            if trial.should_prune():
                steps = told["steps"][-1]
                after = f"After {steps} step{'s' * (steps != 1)} on {rung.folds} fold"
                told |= {"ended": DROPPED, "why": f"{after} it was not among the best third."}
                return None
    return merit


def _fit(ground: Ground, way: Way, plan: Plan, folder: Path, fold: int) -> tuple[np.ndarray, int, str]:
    """Return predictions of a fold's held-out rows, the steps made, and why it stopped."""
    train, held = ground.parts[fold]
    bench = ground.bench(way.source)
    fitted = fit_once(bench, plan, Job(way.method, ground.options.seed, train, held[:0], folder, fold))
    if fitted.stopped == "budget":  # nothing reads the answers of what the clock has cut
        return np.empty(0), fitted.steps, fitted.stopped
    return bench.predict(fitted.network, held, cut=fitted.cut), fitted.steps, fitted.stopped


def _judge(ground: Ground, way: Way, predictions: list[np.ndarray]) -> tuple[float, float]:
    """Return the score of the held-out rows, and the same with equal scores told apart by the log loss."""
    rows = np.concatenate([held for _, held in ground.parts[: len(predictions)]])
    labels, logic = ground.dataset.labels(rows), ground.bench(way.source).logic
    answers = np.concatenate(predictions)
    loss = logic.metrics(answers, labels).get("log_loss")
    score = logic.score(answers, labels)
    # Less than half of what one sample counts.
    return score, score - (0.0 if loss is None else 0.5 / len(rows) * loss / (1 + loss))


def trials_of(study: Any) -> tuple[Trial, ...]:
    """Return the finished fine-tunings of a study, of every machine."""
    found = []
    for one in study.get_trials(deepcopy=False):
        told = one.user_attrs.get("told")
        if told is not None and one.state.is_finished():
            told = told | {"scores": tuple(told["scores"]), "steps": tuple(told["steps"])}
            found.append(Trial(number=one.number, merit=one.value, **told))
    return tuple(found)
