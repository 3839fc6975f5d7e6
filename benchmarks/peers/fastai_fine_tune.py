"""fastai's `fine_tune`, its documented recipe: head first, then all, one-cycle, rates by depth."""

from __future__ import annotations

from typing import Any

import torch
from fastai.callback.core import Callback
from fastai.vision.all import (
    CategoryBlock,
    DataBlock,
    DataLoaders,
    ImageBlock,
    IndexSplitter,
    Learner,
    Normalize,
    Resize,
    aug_transforms,
    imagenet_stats,
    params,
    set_seed,
    vision_learner,
)

from benchmarks.peers.clock import Clock, affordable
from benchmarks.peers.features import network
from benchmarks.peers.tasks import Cell, Item

BATCH, MOST_EPOCHS = 16, 20


def loaders(cell: Cell) -> DataLoaders:
    """Return loaders over the whole labelled subset: a recipe without a validation part needs none."""
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock(vocab=cell.data.classes)),
        get_x=lambda item: item.x,
        get_y=lambda item: item.label,
        splitter=IndexSplitter([]),
        item_tfms=Resize(224),
        batch_tfms=[*aug_transforms(), Normalize.from_stats(*imagenet_stats)],
    )
    return block.dataloaders(cell.train, bs=min(BATCH, len(cell.train)), num_workers=0, device=torch.device("cpu"))


def learner(dls: DataLoaders) -> Learner:
    """Return `vision_learner` on the MobileNetV2 with the given weights; fastai cuts it before the pooling."""

    def arch(pretrained: bool = True) -> torch.nn.Module:
        whole = network()
        return torch.nn.Sequential(whole.features, torch.nn.AdaptiveAvgPool2d(1), whole.classifier)

    return vision_learner(dls, arch, pretrained=True, normalize=False)


def predict(learn: Learner, items: list[Item]) -> list[str]:
    """Return class names for the items; fastai's own test loader, the same resize, no augmentation."""
    probabilities, _ = learn.get_preds(dl=learn.dls.test_dl(items, bs=32, num_workers=0), reorder=True)
    return [learn.dls.vocab[int(i)] for i in probabilities.argmax(1)]


class Curve(Callback):
    """Test accuracy after the head alone and at the half: for the picture only, first seed, off the clock."""

    run_valid = False

    def __init__(self, clock: Clock, cell: Cell, epochs: int) -> None:
        self.clock, self.cell, self.marks, self.done = clock, cell, {1, 1 + epochs // 2}, 0
        self.points: list[tuple[float, float]] = []

    def after_train(self) -> None:
        self.done += 1
        if self.done in self.marks:
            with self.clock.paused():
                self.points.append((self.clock.seconds, accuracy(self.learn, self.cell.data.test)))


def accuracy(learn: Learner, items: list[Item]) -> float:
    """Return the share of right answers, touching nothing of the training in progress."""
    learn.model.eval()
    right = 0
    for begin in range(0, len(items), 32):
        part = items[begin : begin + 32]
        (x,) = next(iter(learn.dls.test_dl(part, bs=32, num_workers=0)))
        with torch.inference_mode():
            answers = learn.model(x).argmax(1).tolist()
        right += sum(learn.dls.vocab[a] == item.label for a, item in zip(answers, part, strict=True))
    learn.model.train()
    return right / len(items)


def seconds_per_epoch(cell: Cell) -> float:
    """Return what an epoch costs, from two steps on a throw-away learner (not charged to the fit)."""
    learn = learner(loaders(cell))
    learn.unfreeze()
    batches = iter(learn.dls.train)
    clock, count = Clock(), 0
    for x, y in batches:
        learn.loss_func(learn.model(x), y).backward()
        count += len(x)
        if count >= 2 * BATCH:
            break
    return clock.seconds / count * len(cell.train)


def measure(cell: Cell) -> dict[str, Any]:
    """Fine-tune for as many epochs as the budget pays for, and test."""
    set_seed(cell.seed, reproducible=True)
    each = seconds_per_epoch(cell)
    epochs = affordable(cell.budget, each, each, MOST_EPOCHS)
    set_seed(cell.seed, reproducible=True)
    clock = Clock()
    learn = learner(loaders(cell))
    curve = Curve(clock, cell, epochs)
    with learn.no_bar(), learn.no_logging():
        learn.fine_tune(epochs, cbs=[curve] if cell.seed == 0 else [])
        seconds = clock.seconds
        predicted = predict(learn, cell.data.test)
    trained = sum(p.numel() for p in params(learn.model) if p.requires_grad)
    choice = {"epochs": epochs, "freeze_epochs": 1, "base_lr": 2e-3, "batch_size": BATCH, "trained": trained}
    return {"predicted": predicted, "seconds": seconds, "curve": curve.points, "choice": choice}
