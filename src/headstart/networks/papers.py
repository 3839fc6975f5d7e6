"""The papers behind the architectures, for reports."""

from __future__ import annotations

_PAPERS = {
    "resnet": "He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
    "resnext": "Xie et al., Aggregated Residual Transformations for Deep Neural Networks, CVPR 2017",
    "wide_resnet": "Zagoruyko and Komodakis, Wide Residual Networks, BMVC 2016",
    "vgg": "Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015",
    "xception": "Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, CVPR 2017",
    "legacy_xception": "Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, CVPR 2017",
    "mobilenet_v2": "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
    "mobilenetv2": "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
    "mobilenet_v3": "Howard et al., Searching for MobileNetV3, ICCV 2019",
    "mobilenetv3": "Howard et al., Searching for MobileNetV3, ICCV 2019",
    "mobilenetv4": "Qin et al., MobileNetV4: Universal Models for the Mobile Ecosystem, ECCV 2024",
    "efficientnet": "Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019",
    "efficientnet_v2": "Tan and Le, EfficientNetV2: Smaller Models and Faster Training, ICML 2021",
    "efficientnetv2": "Tan and Le, EfficientNetV2: Smaller Models and Faster Training, ICML 2021",
    "convnext": "Liu et al., A ConvNet for the 2020s, CVPR 2022",
    "convnextv2": "Woo et al., ConvNeXt V2: Co-designing and Scaling ConvNets with Masked Autoencoders, CVPR 2023",
    "squeezenet": "Iandola et al., SqueezeNet: AlexNet-level Accuracy with 50x Fewer Parameters, 2016",
    "vit": "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021",
    "bert": "Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers, NAACL 2019",
    "roberta": "Liu et al., RoBERTa: A Robustly Optimized BERT Pretraining Approach, 2019",
    "xlm-roberta": "Conneau et al., Unsupervised Cross-lingual Representation Learning at Scale, ACL 2020",
    "camembert": "Martin et al., CamemBERT: a Tasty French Language Model, ACL 2020",
    "distilbert": "Sanh et al., DistilBERT, a Distilled Version of BERT, 2019",
    "gpt2": "Radford et al., Language Models are Unsupervised Multitask Learners, 2019",
    "llama": "Touvron et al., LLaMA: Open and Efficient Foundation Language Models, 2023",
    "mistral": "Jiang et al., Mistral 7B, 2023",
    "qwen2": "Yang et al., Qwen2 Technical Report, 2024",
    "dcgan": "Radford, Metz and Chintala, Unsupervised Representation Learning with DCGANs, ICLR 2016",
    "conv4": "Vinyals et al., Matching Networks for One Shot Learning, NeurIPS 2016",
    "tabular": "Gorishniy et al., Revisiting Deep Learning Models for Tabular Data, NeurIPS 2021",
}


def paper_of(architecture: str) -> str:
    """Return the paper of the longest known beginning of the architecture's name, empty where none is known.

    Examples
    --------
    >>> paper_of("mobilenet_v2")
    'Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018'
    """
    begins = [name for name in _PAPERS if architecture.startswith(name)]
    return _PAPERS[max(begins, key=len)] if begins else ""
