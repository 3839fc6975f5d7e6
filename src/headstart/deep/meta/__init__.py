"""Learning to learn: methods that are trained on few-shot episodes."""
