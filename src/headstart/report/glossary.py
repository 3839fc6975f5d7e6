"""The words of the report, one line each, for a reader who was not there."""

from __future__ import annotations

GLOSSARY: dict[str, str] = {
    "source": "What knowledge came from: a network already trained on other data, or labelled data of another domain.",
    "target": "Your own labelled data: what the model is for.",
    "transfer": "Starting from what the source learned instead of from random weights.",
    "from scratch": "The same network trained on the target alone, from random weights, with the same budget: "
    "the baseline that says what the source was worth.",
    "arm": "One way of training in this comparison. All arms see the same samples and the same splits.",
    "probe": "A linear model on the source's frozen features: nothing of the network itself is trained.",
    "fine-tuning": "Training the source's own weights further, all of them or the last stages, on the target.",
    "LP-FT": "First train only the head, a linear probe, and then fine-tune: the features are distorted less.",
    "validator": "A score of an adapted model that needs no target label, such as how sure and how balanced it is.",
    "source only": "A linear model fitted on the labelled source, its strength tuned there, and used on the target as "
    "it is: the baseline of an adaptation.",
    "reweighting": "Counting source rows more that look like the target's.",
    "frozen": "Left exactly as the source delivered it; proved at the end by comparing a hash of every tensor.",
    "stage": "A block of the network, counted from the input: the unit that is frozen or trained.",
    "validation": "Samples that choose: when to stop, and which arm to keep.",
    "test": "Samples that neither training nor any choice has seen; they are used once, for the numbers here.",
    "95% interval": "The range that the test samples leave open: made in such a way that it holds the true value "
    "about 95 times in 100. A gain whose interval includes 0 may be no gain.",
    "p": "How often a gap of this size or more would appear if both models were equally good. "
    "Small means: hardly chance.",
    "seed": "The number that fixes every random choice. Several seeds show how much luck there is.",
    "negative transfer": "The source made the result worse than training from scratch.",
    "guard": "The rule that hands back whichever arm did best on validation, even if that is the one "
    "without the source.",
    "calibration": "Whether a confidence of 80% is right 80% of the time. ECE is the mean distance from that.",
    "saliency": "Which parts of an input the prediction hangs on.",
    "shift": "How different the source's inputs and yours look to the network.",
    "fingerprint": "A checksum of all contents and labels: the same data give the same one.",
}
