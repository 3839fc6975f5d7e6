"""Methods that translate the pictures of one domain into those of the other."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

TRANSLATION: tuple[Entry, ...] = (
    Entry(
        "cycada",
        "Cycle-consistent translation of small pictures, with the task's loss",
        "headstart.deep.translation.cycada:CyCADA",
        (
            "Hoffman et al., CyCADA: Cycle-Consistent Adversarial Domain Adaptation, ICML 2018",
            "Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, ICCV 2017",
        ),
        carries="instances",
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies="image; classification, multilabel, regression",
        kind="joint",
        cost=(150.0, 6.0, 0.0, 0.0),
    ),
)
