"""Methods that learn from a labelled target and a pretrained source."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

_FINETUNE = "headstart.deep.finetune"
_PENALTIES = "headstart.deep.finetune.penalties"

TARGET_METHODS: tuple[Entry, ...] = (
    Entry(
        "probe",
        "Linear probe",
        "headstart.shallow.parameters.probe:Probe",
        (
            "Alain and Bengio, Understanding intermediate layers using linear classifier probes, ICLR 2017",
            "Kornblith, Shlens and Le, Do Better ImageNet Models Transfer Better?, CVPR 2019",
        ),
        carries="features",
        kind="fitted",
        words="a linear model on frozen features",
        simple=True,
    ),
    Entry(
        "knn",
        "Nearest neighbours on features",
        "headstart.shallow.parameters.knn:KNN",
        ("Wu et al., Unsupervised Feature Learning via Non-Parametric Instance Discrimination, CVPR 2018",),
        carries="features",
        kind="fitted",
    ),
    Entry(
        "prototypes",
        "Class means of features, by distance",
        "headstart.shallow.parameters.prototypes:Prototypes",
        ("Snell, Swersky and Zemel, Prototypical Networks for Few-shot Learning, NeurIPS 2017",),
        carries="features",
        applies="image, text, table; classification",
        kind="fitted",
    ),
    Entry(
        "cosine",
        "Class means of features, by cosine",
        "headstart.shallow.parameters.cosine:CosineMeans",
        (
            "Wang et al., SimpleShot: Revisiting Nearest-Neighbor Classification for Few-Shot Learning, 2019",
            "Chen et al., A Closer Look at Few-shot Classification, ICLR 2019",
        ),
        carries="features",
        applies="image, text, table; classification",
        kind="fitted",
    ),
    Entry(
        "discriminant",
        "Class means under a learned metric: a discriminant with a shrunken covariance",
        "headstart.shallow.parameters.discriminant:Discriminant",
        (
            "Fisher, The Use of Multiple Measurements in Taxonomic Problems, Annals of Eugenics 1936",
            "Ledoit and Wolf, Honey, I Shrunk the Sample Covariance Matrix, Journal of Portfolio Management 2004",
        ),
        carries="features",
        applies="image, text, table; classification",
        kind="fitted",
    ),
    Entry(
        "averaged_heads",
        "Probe and shrunken discriminant, averaged by their log loss out of fold",
        "headstart.shallow.parameters.averaged_heads:AveragedHeads",
        (
            "Genest and Zidek, Combining Probability Distributions: A Critique and an Annotated Bibliography, "
            "Statistical Science 1986",
            "Ledoit and Wolf, Honey, I Shrunk the Sample Covariance Matrix, Journal of Portfolio Management 2004",
        ),
        carries="features",
        applies="image, text, table; classification",
        kind="fitted",
    ),
    Entry(
        "gaussian_process",
        "Gaussian process on features, its kernel by the evidence",
        "headstart.shallow.parameters.gaussian_process:GaussianProcess",
        ("Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press 2006",),
        carries="features",
        kind="fitted",
    ),
    Entry(
        "self_taught",
        "Self-taught codes: a probe of the axes of unlabelled samples",
        "headstart.shallow.parameters.self_taught:SelfTaught",
        ("Raina, Battle, Lee, Packer and Ng, Self-taught Learning: Transfer Learning from Unlabeled Data, ICML 2007",),
        carries="features",
        kind="fitted",
    ),
    Entry(
        "stage_probe",
        "Probe of several stages, reduced and fused",
        "headstart.shallow.features.stage_probe:StageProbe",
        (
            "Evci et al., Head2Toe: Utilizing Intermediate Representations for Better Transfer Learning, ICML 2022",
            "Breiman, Stacked Regressions, Machine Learning 1996",
        ),
        carries="features",
        kind="fitted",
    ),
    Entry(
        "finetune",
        "Fine-tuning",
        f"{_FINETUNE}.finetune:FineTune",
        (
            "Yosinski et al., How transferable are features in deep neural networks?, NeurIPS 2014",
            "Howard and Ruder, Universal Language Model Fine-tuning for Text Classification, ACL 2018",
        ),
    ),
    Entry(
        "lp_ft",
        "Linear probe, then fine-tuning",
        f"{_FINETUNE}.lp_ft:LPFT",
        ("Kumar et al., Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution, ICLR 2022",),
    ),
    Entry(
        "wise_ft",
        "WiSE-FT: between the source's weights and the fine-tuned ones",
        f"{_FINETUNE}.wise_ft:WiseFT",
        ("Wortsman et al., Robust Fine-Tuning of Zero-Shot Models, CVPR 2022",),
    ),
    Entry(
        "calibrated_ensemble",
        "Frozen and fine-tuned answers averaged, each with its own temperature",
        f"{_FINETUNE}.calibrated_ensemble:CalibratedEnsemble",
        (
            "Kumar, Ma, Liang and Raghunathan, Calibrated Ensembles Can Mitigate Accuracy Tradeoffs under Distribution "
            "Shift, UAI 2022",
        ),
    ),
    Entry(
        "soup",
        "Greedy soup of models fine-tuned at several rates",
        f"{_FINETUNE}.soup:Soup",
        (
            "Wortsman et al., Model Soups: Averaging Weights of Multiple Fine-Tuned Models Improves Accuracy without "
            "Increasing Inference Time, ICML 2022",
        ),
    ),
    Entry(
        "gradual",
        "Gradual unfreezing",
        f"{_FINETUNE}.gradual:GradualUnfreezing",
        ("Howard and Ruder, Universal Language Model Fine-tuning for Text Classification, ACL 2018",),
    ),
    Entry(
        "co_tuning",
        "Co-Tuning: the source's own classes learned along",
        f"{_FINETUNE}.co_tuning:CoTuning",
        ("You et al., Co-Tuning for Transfer Learning, NeurIPS 2020",),
        carries="relations",
        applies="image, text, table; classification",
        former_head=True,
    ),
    Entry(
        "bi_tuning",
        "Bi-Tuning: head and features contrasted with all samples",
        f"{_FINETUNE}.bi_tuning:BiTuning",
        ("Zhong et al., Bi-Tuning: Efficient Transfer from Pre-Trained Models, ECML PKDD 2023",),
        applies="image, text, table; classification",
    ),
    Entry(
        "surgical",
        "Surgical fine-tuning by gradient-to-weight ratio",
        f"{_FINETUNE}.surgical:Surgical",
        ("Lee et al., Surgical Fine-Tuning Improves Adaptation to Distribution Shifts, ICLR 2023",),
    ),
    Entry(
        "stoch_norm",
        "StochNorm: moving or batch statistics by chance",
        f"{_FINETUNE}.stoch_norm:StochNorm",
        ("Kou et al., Stochastic Normalization, NeurIPS 2020",),
    ),
    Entry(
        "l2sp",
        "L2-SP: stay near the starting point",
        f"{_PENALTIES}.l2sp:L2SP",
        (
            "Li, Grandvalet and Davoine, Explicit Inductive Bias for Transfer Learning with Convolutional "
            "Networks, ICML 2018",
        ),
        kind="penalty",
    ),
    Entry(
        "delta",
        "DELTA: keep the behaviour of the feature maps",
        f"{_PENALTIES}.delta:DELTA",
        (
            "Li et al., DELTA: DEep Learning Transfer using Feature Map with Attention for Convolutional "
            "Networks, ICLR 2019",
        ),
        carries="features",
        kind="penalty",
    ),
    Entry(
        "bss",
        "Batch spectral shrinkage",
        f"{_PENALTIES}.bss:BSS",
        (
            "Chen et al., Catastrophic Forgetting Meets Negative Transfer: Batch Spectral Shrinkage for Safe "
            "Transfer Learning, NeurIPS 2019",
        ),
        carries="features",
        kind="penalty",
    ),
    Entry(
        "lwf",
        "LwF: keep the source's own answers on the new samples",
        f"{_PENALTIES}.lwf:LwF",
        ("Li and Hoiem, Learning without Forgetting, ECCV 2016",),
        kind="penalty",
        continues=True,
    ),
    Entry(
        "ewc",
        "EWC: keep the weights that the source's data need",
        f"{_PENALTIES}.ewc:EWC",
        ("Kirkpatrick et al., Overcoming Catastrophic Forgetting in Neural Networks, PNAS 2017",),
        kind="penalty",
        continues=True,
    ),
    Entry(
        "replay",
        "Replay of old samples beside the new ones",
        f"{_FINETUNE}.replay:Replay",
        ("Chaudhry et al., On Tiny Episodic Memories in Continual Learning, 2019",),
        carries="instances",
        needs=("target_labels", "source_labels"),
        continues=True,
    ),
    Entry(
        "lora",
        "Low-rank adaptation",
        f"{_FINETUNE}.lora:LoRA",
        ("Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022",),
        applies="image, text, table (linear and ungrouped convolution layers); every task",
    ),
    Entry(
        "distill",
        "Distillation from the source",
        f"{_FINETUNE}.distill:Distill",
        (
            "Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, NeurIPS workshop 2014",
            "Romero et al., FitNets: Hints for Thin Deep Nets, ICLR 2015",
        ),
        carries="relations",
        every_stage=True,
    ),
    Entry(
        "scratch",
        "Training from scratch (the reference)",
        f"{_FINETUNE}.scratch:Scratch",
        ("He, Girshick and Dollar, Rethinking ImageNet Pre-training, ICCV 2019",),
        words="training from scratch",
        every_stage=True,
        uses_source=False,
    ),
)
