"""One training from its first step, or from where a checkpoint left it, to its end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from headstart.data.batches import Samples
from headstart.deep.method import Method
from headstart.engine.checkpoint import Checkpoint, read_checkpoint
from headstart.engine.curves import Curve, overfitting
from headstart.engine.device import Place, layout_of, move, seed_device
from headstart.engine.frozen import held_names, pick
from headstart.engine.needs import require_needs, require_whole
from headstart.engine.optimizers import load_optimizers, make_optimizers, optimizer_tensors, rate_at, set_rate
from headstart.engine.predict import evaluating
from headstart.engine.settings import Limit, Saving, Settings, gentle_interrupt, seed_of
from headstart.engine.streams import BatchStream
from headstart.engine.updates import Updater, cut, over_processes
from headstart.errors import UserError
from headstart.foreign import unusable
from headstart.networks.network import Network
from headstart.storage import checksum
from headstart.tasks import TaskLogic

_CHECK_EVERY = 10
"""Steps between looks at a card's losses: each look waits for the card."""
_WRITING_SHARE = 30
"""A checkpoint that takes s seconds to write is written at most every 30 s seconds."""


class Session:
    """The state of one training; `headstart.engine.train` is its face."""

    on_step: Callable[[dict[str, Any]], None] | None = None
    saving: Saving | None = None
    limit = Limit()

    @property
    def path(self) -> Path | None:
        """Return the checkpoint's path, if there is to be one."""
        return None if self.saving is None else Path(self.saving.path)

    def __init__(
        self,
        method: Method,
        network: Network,
        stream: BatchStream,
        task: TaskLogic,
        settings: Settings,
        place: Place,
    ) -> None:
        self.method, self.stream, self.settings, self.place = method, stream, settings, place
        self.layout = layout_of(network, place.device)
        require_needs(method, stream, task.task.kind)
        self.key = self._key(network, task)
        network.to(place.device)
        if self.layout == torch.channels_last:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        torch.manual_seed(seed_of(settings.seed, "build"))
        self.nets = method.build(network, task).to(place.device).train()
        groups = method.groups(self.nets)
        self.trainable = sum(p.numel() for group in groups for p in group.parameters)
        self.optimizers = make_optimizers(groups, settings.optimizer.weight_decay)
        if not self.optimizers:
            raise UserError(f"{type(method).__name__} has nothing to train: every stage and the head are frozen.")
        self.updater = Updater(self.nets, method, self.optimizers, place, settings.optimizer.clip)
        self.held = held_names(self.nets, groups, method.frozen_stages(self.nets.network))
        self.held_hash = checksum(pick(self.nets, self.held))
        self.frozen_names = self.nets.network.stage_names[: method.frozen_stages(self.nets.network)]
        self.step, self.seconds, self.finished = 0, 0.0, False
        self.curve = Curve(settings.selection.patience)
        self.best: dict[str, Tensor] = {}
        self.pending: list[tuple[int, Tensor, Tensor]] = []
        self.loss_sum, self.loss_count = 0.0, 0
        self.notes: list[str] = []
        self.proof: dict[str, Any] = {}
        self._wrote, self._writing = time.monotonic(), 0.0
        self._stepping = self._evaluating = 0.0

    def _key(self, network: Network, task: TaskLogic) -> dict[str, Any]:
        return self.settings.key() | {
            "method": type(self.method).__name__,
            "parameters": {name: repr(value) for name, value in self.method.get_params(deep=False).items()},
            "network": network.spec,
            "entry": network.entry,
            "weights": checksum(network.state_dict()),
            "task": task.to_json(),
            "stream": self.stream.identity,
            "precision": self.place.precision,
        }

    def run(self) -> str:
        """Train to the end; return why it ended: ``finished``, ``patience``, ``budget`` or ``interrupted``."""
        self._end = self.limit.end(self.settings.steps)
        self._resume()
        if not self.finished:
            require_whole(self.method, self.place, self.updater.parts)
        self._began = self.limit.clock() - self.seconds
        try:
            with gentle_interrupt(self._ask_stop):
                while not self.finished:
                    self._watch_clock()
                    self._train_step()
                    self._cut_if_asked()
                    self.finished = self._evaluate_if_due() or self.step >= self._end
                    if self.updater.stop_asked and not self.finished:
                        self._flush()
                        self._write()
                        return "interrupted"
                    if not self.finished:
                        self._write_if_due()
        except KeyboardInterrupt:
            return "interrupted"
        self._flush()
        self._write()
        self.place.wait()  # another process must not begin its next training while this checkpoint is yet to come
        if self.step == self.limit.cut or self.updater.cut_asked:
            return "budget"
        return "patience" if self.step < self._end else "finished"

    def _watch_clock(self) -> None:
        """Ask for the end after the coming step where time runs out; every process hears of it in that step."""
        if self.place.is_main and self.limit.cut is None and self.limit.seconds < math.inf:
            spent = self.limit.clock() - self._began
            self.updater.cut_asked = self.limit.is_last(spent, self._stepping, self._evaluating)

    def _cut_if_asked(self) -> None:
        if not self.updater.cut_asked:
            return
        if self.step >= self._end:
            self.updater.cut_asked = False
            return
        self._end = self.step
        if self.limit.on_cut is not None and self.place.is_main:
            self.limit.on_cut(self.step)

    def _ask_stop(self) -> None:
        self.updater.stop_asked = True

    def _train_step(self) -> None:
        settings, step, began = self.settings, self.step, self.limit.clock()
        if step % self.stream.steps_per_epoch == 0:
            self._survey()
        seed_device(seed_of(settings.seed, step, self.place.rank), self.place.device)
        set_rate(self.optimizers, self._rate(step))
        share = self.stream.part(step, *self.place.share(self.stream.batch_size))
        batch = move(share, self.place.device, self.layout)
        self.updater.begin(batch, self.stream.batch_size)
        self.method.step(self.nets, batch, step / settings.steps, self.updater)
        self.pending.append((step, *self.updater.outcome()))
        self.step += 1
        if self.place.device.type == "cpu" or len(self.pending) >= _CHECK_EVERY:
            self._flush()
        self._stepping = self.limit.clock() - began

    def _survey(self) -> None:
        """Let the method look at all samples; the main process's findings are everybody's."""
        seed_device(seed_of(self.settings.seed, "survey", self.step), self.place.device)
        with evaluating(self.nets), self.place.autocast():
            found = self.method.survey(self.nets, self._rows)
        if found and self.place.ranks > 1:
            from accelerate.utils import broadcast

            found = cast(dict[str, Tensor], broadcast(found))
        self.nets.memory = found

    def _rows(self, role: str) -> Iterator[Samples]:
        for samples in self.stream.every(role, self.stream.batch_size):
            yield move(samples, self.place.device, self.layout)

    def _flush(self) -> None:
        """Look at the losses since the last look: all must be finite."""
        if not self.pending:
            return
        self.seconds = self.limit.clock() - self._began
        values = torch.stack([torch.stack([loss, norm]) for _, loss, norm in self.pending]).tolist()
        for (step, *_), (loss, norm) in zip(self.pending, values, strict=True):
            if not (abs(loss) < float("inf") and norm < float("inf")):
                self._diverged("loss" if not abs(loss) < float("inf") else "gradient", step)
            self.loss_sum, self.loss_count = self.loss_sum + loss, self.loss_count + 1
            self._report(step + 1, {"train_loss": loss})
        self.pending = []

    def _diverged(self, what: str, step: int) -> None:
        names = self.stream.sample_names(step)
        shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        kept = f" The last good checkpoint is kept in {self.path}." if self.path and self.path.exists() else ""
        raise UserError(
            f"The {what} was not finite at step {step + 1} of {self.settings.steps} (batch: {shown}); look at these "
            f"samples, or lower the learning rate ({self.settings.optimizer.learning_rate:g}).{kept}"
        )

    def _rate(self, step: int) -> float:
        chosen = self.settings.optimizer
        return chosen.learning_rate * rate_at(step, self.settings.steps, chosen.warmup)

    def _report(self, step: int, values: dict[str, Any]) -> dict[str, Any]:
        rate = self._rate(step - 1)
        epoch = step * self.stream.batch_size / len(self.stream)
        record = {"step": step, "epoch": epoch} | values | {"learning_rate": rate, "seconds": self.seconds}
        if self.on_step is not None and self.place.is_main:
            self.on_step(record)
        return record

    def _evaluate_if_due(self) -> bool:
        """Evaluate every so many steps and at the end; return whether patience is used up."""
        if self.step % self.settings.every and self.step != self._end:
            return False
        self._flush()
        self._share_buffers()
        began = self.limit.clock()
        values = self._evaluate()
        self._evaluating = self.limit.clock() - began
        self.seconds = self.limit.clock() - self._began
        train_loss = self.loss_sum / max(1, self.loss_count)
        self.loss_sum, self.loss_count = 0.0, 0
        names = {"validation_loss": values.get("loss"), "validation_score": values.get("score")} | self._measure()
        terms = self.updater.tell()
        names |= {"terms": terms} if terms else {}
        better = self.curve.add(self._report(self.step, {"train_loss": train_loss} | names))
        if better and self.settings.selection.keep_best:
            self.best = self._snapshot()
        warning = overfitting(self.curve.history)
        if warning is not None:
            self.notes = [warning]
        return self.curve.exhausted

    def _evaluate(self) -> dict[str, float]:
        evaluate = self.settings.selection.evaluate
        if evaluate is None:
            return {}
        with evaluating(self.nets):  # whoever evaluates leaves no trace on the modes of training
            values = dict(evaluate(self.method.evaluated(self.nets))) if self.place.is_main else {}
        if self.place.ranks > 1:
            from accelerate.utils import broadcast_object_list

            values = broadcast_object_list([values])[0]
        if not abs(values["loss"]) < float("inf"):
            self._diverged("validation loss", self.step - 1)
        return values

    def _measure(self) -> dict[str, dict[str, float]]:
        """Return what the method says of its players on the last batch; methods that say nothing cost nothing."""
        if type(self.method).measures is Method.measures:
            return {}
        part = cut(self.updater.batch, 0, self.updater.parts)  # what fits into memory
        with evaluating(self.nets), self.place.autocast():
            return {"measures": self.method.measures(self.nets, part)}

    def _share_buffers(self) -> None:
        """Average running statistics over processes; the mean is linear, so the moment does not matter."""
        if self.place.ranks > 1:
            for name, buffer in self.nets.named_buffers():
                if buffer.is_floating_point() and name not in self.held:
                    buffer.copy_(over_processes(buffer.clone(), "mean"))

    def _snapshot(self) -> dict[str, Tensor]:
        moving = set(self.nets.state_dict()) - self.held
        return {name: tensor.detach().cpu().clone() for name, tensor in pick(self.nets, moving).items()}

    def _write_if_due(self) -> None:
        if self.saving is None:
            return
        since = time.monotonic() - self._wrote
        if since >= max(self.saving.every, _WRITING_SHARE * self._writing) or self.saving.every == 0:
            self._flush()
            self._write()

    def _write(self) -> None:
        if self.path is None:
            return
        began = time.monotonic()
        weights = [p for group in self.optimizers.values() for entry in group.param_groups for p in entry["params"]]
        if not all(torch.isfinite(p).all() for p in weights):  # in every process, or the others would wait for one
            self._diverged("weights' update", self.step - 1)
        if not self.place.is_main:
            return
        state = {"curve": self.curve.to_json(), "loss_sum": self.loss_sum, "loss_count": self.loss_count}
        state |= {
            "seconds": self.seconds,
            "parts": self.updater.parts,
            "notes": self.notes,
            "held": self.held_hash,
        }
        state |= {"frozen": self.frozen_names, "settings": self.describe()}
        state |= {"terms": {name: [float(total), count] for name, (total, count) in self.updater.terms.items()}}
        last = self.finished
        optimizers = {} if last else optimizer_tensors(self.optimizers)
        nets = {} if last and self.best else self._snapshot()
        memory = {} if last else self.nets.memory
        Checkpoint(self.key, self.step, last, nets, optimizers, self.best, state, memory).write(self.path)
        self._wrote, self._writing = time.monotonic(), time.monotonic() - began

    def _resume(self) -> None:
        found = None if self.path is None else read_checkpoint(self.path, self.key)
        if found is None:
            return
        if found.state.get("held") != self.held_hash:
            raise UserError(f"What is frozen differs from the checkpoint {self.path}; delete it to train anew.")
        again = "delete it to train anew"
        try:
            with unusable(f"The checkpoint {self.path}", again):
                self._take(found)
        except RuntimeError as error:  # torch's, for tensors of another shape
            said = str(error).splitlines()[0][:160]
            raise UserError(f"The checkpoint {self.path} cannot be used ({said}); {again}.") from error

    def _take(self, found: Checkpoint) -> None:
        self.nets.load_state_dict(dict(found.nets), strict=False)
        self.nets.memory = move(dict(found.memory), self.place.device)
        if not found.finished:
            load_optimizers(self.optimizers, found.optimizers)
        self.best = dict(found.best)
        self.curve = Curve.from_json(found.state["curve"])
        self.step, self.finished, self.seconds = found.step, found.finished, found.state["seconds"]
        self.loss_sum, self.loss_count = found.state["loss_sum"], found.state["loss_count"]
        self.updater.parts, self.notes = found.state["parts"], found.state["notes"]
        self.updater.terms = {name: (total, count) for name, (total, count) in found.state.get("terms", {}).items()}

    def finish(self) -> Network:
        """Put the best weights back, prove that what was frozen did not move, and return the plain network."""
        self.nets.load_state_dict(self.best, strict=False)
        after = checksum(pick(self.nets, self.held))
        if after != self.held_hash:
            raise RuntimeError(f"{type(self.method).__name__} moved tensors that it declared frozen; this is a fault.")
        self.proof = {
            "stages": self.frozen_names,
            "hash": after,
            "tensors": len(self.held),
            "unchanged": True,
        }
        self.nets.zero_grad(set_to_none=True)
        return self.method.finish(self.nets)

    def describe(self) -> dict[str, Any]:
        """Return what was chosen or asked for."""
        layout = "channels last" if self.layout == torch.channels_last else "contiguous"
        chosen = {"device": str(self.place.device), "precision": self.place.precision, "layout": layout}
        sizes = {
            "processes": self.place.ranks,
            "batch_size": self.stream.batch_size,
            "parts": self.updater.parts,
            "trainable_parameters": self.trainable,
        }
        return chosen | sizes | {"steps_per_epoch": self.stream.steps_per_epoch}
