"""The transformers `Trainer` with its defaults: all of the encoder, under a classification head."""

from __future__ import annotations

import tempfile
from typing import Any

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from benchmarks.peers.clock import Clock, affordable
from benchmarks.peers.tasks import Cell, Item, encoder

MOST_EPOCHS = 20


class Rows(torch.utils.data.Dataset):
    """Tokenised texts with their labels."""

    def __init__(self, items: list[Item], classes: list[str], tokenizer: Any) -> None:
        self.rows = [
            {**tokenizer(item.x, truncation=True, max_length=256), "labels": classes.index(item.label)}
            for item in items
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]


class Curve(TrainerCallback):
    """Test accuracy at a third and two thirds of the epochs: for the picture only, first seed, off the clock."""

    def __init__(self, clock: Clock, epochs: int, test: Any) -> None:
        self.clock, self.test = clock, test
        self.marks = {max(1, epochs // 3), max(1, 2 * epochs // 3)} - {epochs}
        self.points: list[tuple[float, float]] = []

    def on_epoch_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        if round(state.epoch) in self.marks:
            with self.clock.paused():
                self.points.append((self.clock.seconds, self.test()))


def trainer(cell: Cell, epochs: int, folder: str, tokenizer: Any) -> Trainer:
    """Return a Trainer with default rate (5e-5, linear decay) and batch (8)."""
    classes = cell.data.classes
    model = AutoModelForSequenceClassification.from_pretrained(encoder(), num_labels=len(classes))
    arguments = TrainingArguments(
        folder,
        num_train_epochs=epochs,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        seed=cell.seed,
        dataloader_pin_memory=False,
    )
    collate = DataCollatorWithPadding(tokenizer)
    return Trainer(model, arguments, collate, Rows(cell.train, classes, tokenizer), processing_class=tokenizer)


def answers(model: torch.nn.Module, rows: Rows, collate: Any) -> list[int]:
    """Return predicted class numbers."""
    training = model.training
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
    out = [0] * len(rows)
    with torch.inference_mode():
        for begin in range(0, len(order), 32):
            part = order[begin : begin + 32]
            logits = model(**collate([rows[i] for i in part])).logits
            for i, answer in zip(part, logits.argmax(1).tolist(), strict=True):
                out[i] = answer
    model.train(training)
    return out


def seconds_per_epoch(cell: Cell, tokenizer: Any) -> float:
    """Return what an epoch costs, from four steps on a throw-away model (not charged to the fit)."""
    with tempfile.TemporaryDirectory() as folder:
        probe = trainer(cell, 1, folder, tokenizer)
        rows = Rows(cell.train, cell.data.classes, tokenizer)
        stride = max(1, len(rows) // 32)
        sample = [rows[i] for i in range(0, len(rows), stride)][:32]
        clock = Clock()
        for begin in range(0, len(sample), 8):
            probe.model(**probe.data_collator(sample[begin : begin + 8])).loss.backward()
        return clock.seconds / len(sample) * len(rows)


def measure(cell: Cell) -> dict[str, Any]:
    """Fine-tune for as many epochs as the budget pays for, and test."""
    set_seed(cell.seed)
    tokenizer = AutoTokenizer.from_pretrained(encoder())
    classes, data = cell.data.classes, cell.data
    each = seconds_per_epoch(cell, tokenizer) * 1.1  # the optimizer's share
    epochs = affordable(cell.budget, 0.0, each, MOST_EPOCHS)
    test = Rows(data.test, classes, tokenizer)
    set_seed(cell.seed)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        run = trainer(cell, epochs, folder, tokenizer)

        def accuracy() -> float:
            given = answers(run.model, test, run.data_collator)
            return sum(classes[a] == item.label for a, item in zip(given, data.test, strict=True)) / len(test)

        curve = Curve(clock, epochs, accuracy)
        if cell.seed == 0:
            run.add_callback(curve)
        run.train()
        seconds = clock.seconds
        predicted = [classes[a] for a in answers(run.model, test, run.data_collator)]
    choice = {"epochs": epochs, "learning_rate": 5e-5, "batch_size": 8}
    return {"predicted": predicted, "seconds": seconds, "curve": curve.points, "choice": choice}
