"""A source for classes to come: trained on few-shot episodes, measured on classes that it has never seen."""
