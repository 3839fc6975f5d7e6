"""Methods that carry instances over: source rows, reweighted."""

from __future__ import annotations

from dataclasses import replace

from headstart.catalogue.entry import Entry, Variant
from headstart.errors import check_names

ROOM = "headstart.shallow.instances"
COVARIATE = "table, features of any backbone; classification, regression; P(X) shifts, P(Y|X) does not"
LABEL = "table, features of any backbone; classification; P(Y) shifts, P(X|Y) does not"


def _weights(name: str, title: str, path: str, *papers: str) -> Entry:
    """A reweighting by the inputs of both domains."""
    return Entry(
        name=name,
        title=title,
        path=f"{ROOM}.{path}",
        papers=papers,
        carries="instances",
        scenario="transductive",
        needs=("target_inputs",),
        applies=COVARIATE,
        kind="weights",
    )


def _label_shift(name: str, title: str, function: str, *papers: str) -> Entry:
    """A reweighting by the source's labels."""
    return Entry(
        name=name,
        title=title,
        path=f"{ROOM}.label_shift:{function}",
        papers=papers,
        carries="instances",
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies=LABEL,
        kind="weights",
    )


def _boosting(name: str, title: str, path: str, task: str, *papers: str) -> Entry:
    """Boosting with some labels of the target."""
    return Entry(
        name=name,
        title=title,
        path=f"{ROOM}.{path}",
        papers=papers,
        carries="instances",
        scenario="inductive",
        needs=("source_labels", "target_labels"),
        applies=f"table, features of any backbone; {task}",
        kind="predictor",
    )


_MEASURED = {
    "kmm": {"cost": (0.034, 0.91, 0.067, 0.0), "raced": (Variant(),)},
    "bbse": {"cost": (0.2, 3.2, 0.05, 0.0)},
}
_INSTANCES: tuple[Entry, ...] = (
    _weights(
        "kmm",
        "kernel mean matching",
        "kmm:kmm_weights",
        "Huang, Smola, Gretton, Borgwardt and Schoelkopf, Correcting Sample Selection Bias by Unlabeled Data, "
        "NIPS 2006",
        "Gretton et al., Covariate Shift by Kernel Mean Matching, Dataset Shift in Machine Learning 2009",
    ),
    _weights(
        "kliep",
        "Kullback-Leibler importance estimation (KLIEP)",
        "kliep:kliep_weights",
        "Sugiyama et al., Direct Importance Estimation with Model Selection and Its Application to Covariate Shift "
        "Adaptation, NIPS 2007",
    ),
    _weights(
        "ulsif",
        "unconstrained least-squares importance fitting (uLSIF)",
        "ulsif:ulsif_weights",
        "Kanamori, Hido and Sugiyama, A Least-Squares Approach to Direct Importance Estimation, JMLR 2009",
    ),
    _weights(
        "rulsif",
        "relative least-squares importance fitting (RuLSIF)",
        "ulsif:rulsif_weights",
        "Yamada et al., Relative Density-Ratio Estimation for Robust Distribution Comparison, NIPS 2011",
    ),
    _weights(
        "density_classifier",
        "density ratio by a calibrated domain classifier",
        "density:classifier_weights",
        "Bickel, Brueckner and Scheffer, Discriminative Learning for Differing Training and Test Distributions, "
        "ICML 2007",
    ),
    _weights(
        "nearest",
        "nearest-neighbour importance weighting",
        "nearest:nearest_weights",
        "Loog, Nearest Neighbor-Based Importance Weighting, MLSP 2012",
    ),
    _weights(
        "gaussian",
        "ratio of two fitted normal densities",
        "gaussian:gaussian_weights",
        "Shimodaira, Improving Predictive Inference under Covariate Shift by Weighting the Log-Likelihood Function, "
        "Journal of Statistical Planning and Inference 2000",
    ),
    _label_shift(
        "bbse",
        "label shift: black-box shift estimation",
        "bbse_weights",
        "Lipton, Wang and Smola, Detecting and Correcting for Label Shift with Black Box Predictors, ICML 2018",
    ),
    _label_shift(
        "mlls",
        "label shift: maximum likelihood of the class shares",
        "mlls_weights",
        "Saerens, Latinne and Decaestecker, Adjusting the Outputs of a Classifier to New a Priori Probabilities: A "
        "Simple Procedure, Neural Computation 2002",
        "Alexandari, Kundaje and Shrikumar, Maximum Likelihood with Bias-Corrected Calibration is Hard-To-Beat at "
        "Label Shift Adaptation, ICML 2020",
    ),
    _label_shift(
        "mmdtars",
        "label shift: kernel means of the classes (MMD target shift)",
        "mmdtars_weights",
        "Zhang, Schoelkopf, Muandet and Wang, Domain Adaptation under Target and Conditional Shift, ICML 2013",
    ),
    _boosting(
        "tradaboost",
        "TrAdaBoost",
        "tradaboost:TrAdaBoost",
        "classification",
        "Dai, Yang, Xue and Yu, Boosting for Transfer Learning, ICML 2007",
    ),
    _boosting(
        "tradaboost_r2",
        "TrAdaBoost.R2",
        "tradaboost_r2:TrAdaBoostR2",
        "regression",
        "Pardoe and Stone, Boosting for Regression Transfer, ICML 2010",
    ),
    _boosting(
        "tradaboost_r2_two_stage",
        "two-stage TrAdaBoost.R2",
        "tradaboost_r2:TwoStageTrAdaBoostR2",
        "regression",
        "Pardoe and Stone, Boosting for Regression Transfer, ICML 2010",
    ),
)
INSTANCES = tuple(replace(entry, **_MEASURED.get(entry.name, {})) for entry in _INSTANCES)
check_names(_MEASURED, [entry.name for entry in _INSTANCES], "headstart.catalogue.instances._MEASURED")
