"""Old samples of the task, given again to be learned from beside the new ones."""

from __future__ import annotations

import numpy as np

from headstart.data import Dataset, Like, check, open_labelled
from headstart.errors import UserError
from headstart.workflow.trained_rows import row_hashes


def open_old(path: str, target: Dataset, *, allow_damaged: bool = False) -> Dataset:
    """Open old samples as the target's are meant, and leave out those that the target evaluates or validates on."""
    assert target.task is not None
    columns = target.columns if target.columns is not None else target.input_column
    like = Like(target.task, target.modality, columns, target.label_columns)
    try:
        dataset, _ = check(open_labelled(path, like), allow_damaged=allow_damaged)
    except UserError as error:
        raise UserError(f"--replay {path}: {error}") from error
    held = np.concatenate([target.splits["validation"], target.splits["test"]])
    strange = np.isin(row_hashes(dataset, np.arange(len(dataset))), row_hashes(target, held))
    if strange.all():
        raise UserError(f"--replay {path} holds no sample but those that {target.name} is measured on; give old ones.")
    return dataset.without(np.flatnonzero(strange))
