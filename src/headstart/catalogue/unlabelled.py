"""Methods that learn from samples without labels, and make a source."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.deep.unlabelled"
NEEDS = ("target_inputs",)
APPLIES = "image, table; every task to come"
PICTURES = "image; every task to come"

UNLABELLED: tuple[Entry, ...] = (
    Entry(
        "autoencoder",
        "Autoencoder",
        f"{ROOM}.autoencoder:Autoencoder",
        ("Hinton and Salakhutdinov, Reducing the Dimensionality of Data with Neural Networks, Science 2006",),
        scenario="unsupervised",
        needs=NEEDS,
        applies=APPLIES,
        kind="self_supervised",
    ),
    Entry(
        "denoising",
        "Denoising autoencoder",
        f"{ROOM}.denoising:DenoisingAutoencoder",
        (
            "Vincent, Larochelle, Bengio and Manzagol, Extracting and Composing Robust Features with Denoising "
            "Autoencoders, ICML 2008",
        ),
        scenario="unsupervised",
        needs=NEEDS,
        applies=APPLIES,
        kind="self_supervised",
    ),
    Entry(
        "vae",
        "Variational autoencoder",
        f"{ROOM}.vae:VariationalAutoencoder",
        ("Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014",),
        scenario="unsupervised",
        needs=NEEDS,
        applies=APPLIES,
        kind="self_supervised",
    ),
    Entry(
        "simclr",
        "SimCLR: contrast of two views",
        f"{ROOM}.simclr:SimCLR",
        (
            "Chen, Kornblith, Norouzi and Hinton, A Simple Framework for Contrastive Learning of Visual "
            "Representations, ICML 2020",
        ),
        scenario="unsupervised",
        needs=NEEDS,
        applies=PICTURES,
        kind="self_supervised",
    ),
    Entry(
        "vicreg",
        "VICReg: variance, invariance, covariance",
        f"{ROOM}.vicreg:VICReg",
        (
            "Bardes, Ponce and LeCun, VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised "
            "Learning, ICLR 2022",
        ),
        scenario="unsupervised",
        needs=NEEDS,
        applies=PICTURES,
        kind="self_supervised",
    ),
    Entry(
        "barlow",
        "Barlow Twins",
        f"{ROOM}.barlow:BarlowTwins",
        (
            "Zbontar, Jing, Misra, LeCun and Deny, Barlow Twins: Self-Supervised Learning via Redundancy Reduction, "
            "ICML 2021",
        ),
        scenario="unsupervised",
        needs=NEEDS,
        applies=PICTURES,
        kind="self_supervised",
    ),
    Entry(
        "mae",
        "Masked autoencoder",
        f"{ROOM}.mae:MaskedAutoencoder",
        ("He et al., Masked Autoencoders Are Scalable Vision Learners, CVPR 2022",),
        scenario="unsupervised",
        needs=NEEDS,
        applies=PICTURES,
        kind="self_supervised",
    ),
    Entry(
        "dcgan",
        "DCGAN: a generator and a discriminator",
        "headstart.deep.generative.dcgan:DCGAN",
        (
            "Radford, Metz and Chintala, Unsupervised Representation Learning with Deep Convolutional Generative "
            "Adversarial Networks, ICLR 2016",
            "Mo, Cho and Shin, Freeze the Discriminator: a Simple Baseline for Fine-Tuning GANs, CVPR workshop 2020",
            "Noguchi and Harada, Image Generation From Small Datasets via Batch Statistics Adaptation, ICCV 2019",
        ),
        scenario="unsupervised",
        needs=NEEDS,
        applies=PICTURES,
        kind="self_supervised",
    ),
    Entry(
        "scarf",
        "SCARF: contrast of rows and corrupted copies",
        f"{ROOM}.scarf:SCARF",
        (
            "Bahri, Jiang, Tay and Metzler, SCARF: Self-Supervised Contrastive Learning using Random Feature "
            "Corruption, ICLR 2022",
        ),
        scenario="unsupervised",
        needs=NEEDS,
        applies="table; every task to come",
        kind="self_supervised",
    ),
)
