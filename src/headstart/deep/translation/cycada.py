"""Image translation with the task's loss: labelled source pictures are learned as they would look in the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from headstart.deep import across
from headstart.deep.method import Batch, Group, Losses, Method, Nets, Update
from headstart.deep.parts import begin, labelled_source, learn_source, unlabelled
from headstart.errors import UserError
from headstart.functional.reverse import rising
from headstart.networks.translators import REFUSED, create_judge, create_translator, near

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class CyCADA(Method):
    """``loss(f(x_s), y_s) + strength r(p) loss(f(G x_s), y_s) + fool + cycle (|F G x_s - x_s| + |G F x_t - x_t|)``.

    G translates source pictures x_s [n, c, h, w] to the target's domain, F target pictures x_t back; f is the network,
    r(p) = 2 / (1 + exp(-10 p)) - 1 rises with the progress p, |.| is the mean over samples and pixels. Judges D move
    first, ``min_D [(D_t x_t - 1)^2 + (D_t G x_s)^2 + (D_s x_s - 1)^2 + (D_s F x_t)^2] / 2``, means over patches; then
    ``fool = [(D_t G x_s - 1)^2 + (D_s F x_t - 1)^2] / 2``. The task's loss moves G too, so that a picture keeps its
    class. f answers, on target pictures as they are.

    Parameters
    ----------
    strength : of the translated pictures; at 0 it is training on the source alone, without translating.
    cycle : weight of coming back (10 in the second paper). width : channels of translators and judges.
    grid : channels, height and width of the pictures, where the network does not say.
    body_rate : learning rate of the stages, as a share of the run's. penalties : added to the loss on the source.

    References
    ----------
    Hoffman et al., "CyCADA: Cycle-Consistent Adversarial Domain Adaptation", ICML 2018, equations 1 to 5 (there a
    source network that stands still judges what a picture shows, and features are matched as well). Zhu et al.,
    "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV 2017, section 3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})

    strength: float = 1.0
    cycle: float = 3.0
    width: int = 16
    grid: tuple[int, int, int] | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def build(self, network: Network, task: TaskLogic) -> Nets:
        grid = self.grid or network.spec.get("grid")
        if grid is None:
            raise UserError(REFUSED)
        nets = begin(network, task, 0, self.penalties)
        for domain in ("target", "source"):
            nets.add_module(f"to_{domain}", create_translator(grid[0], self.width))
            nets.add_module(f"judge_{domain}", create_judge(grid[0], self.width))
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return across.players(nets, self.body_rate, judge_target="judges", judge_source="judges")

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        if self.strength:
            update(lambda part: self._judge(nets, part), player="judges")
        update(lambda part: self.loss(nets, part, progress), player="all")

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        _, losses = learn_source(nets, batch, self.penalties)
        if self.strength:
            (source, target), (samples, y) = self._pictures(nets, batch), labelled_source(batch)
            there, back = nets.to_target(source), nets.to_source(target)
            outputs = nets.network(there.reshape(samples.x.shape))
            losses["translated"] = self.strength * rising(progress) * nets.task.loss(outputs, y, samples.weight)
            losses["fool"] = (near(nets.judge_target(there), 1) + near(nets.judge_source(back), 1)) / 2
            away = (nets.to_source(there) - source).abs().mean() + (nets.to_target(back) - target).abs().mean()
            losses["cycle"] = self.cycle * away
        return losses

    def _judge(self, nets: Nets, batch: Batch) -> Losses:
        source, target = self._pictures(nets, batch)
        there, back = nets.to_target(source).detach(), nets.to_source(target).detach()
        told = near(nets.judge_target(target), 1) + near(nets.judge_target(there), 0)
        return {"judges": (told + near(nets.judge_source(source), 1) + near(nets.judge_source(back), 0)) / 2}

    def _pictures(self, nets: Nets, batch: Batch) -> tuple[Tensor, Tensor]:
        grid = self.grid or nets.network.spec["grid"]
        source, target = labelled_source(batch)[0].x, unlabelled(batch).x
        return source.reshape(-1, *grid), target.reshape(-1, *grid)

    def translated(self, nets: Nets, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        grid = self.grid or nets.network.spec["grid"]
        there, back = nets.to_target(source.reshape(-1, *grid)), nets.to_source(target.reshape(-1, *grid))
        return there.reshape(source.shape), back.reshape(target.shape)

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        source, target = self._pictures(nets, batch)
        real, made = (nets.judge_target(one).flatten(1).mean(dim=1) for one in (target, nets.to_target(source)))
        return {"judge_accuracy": across.told_apart(real - 0.5, made - 0.5)}
