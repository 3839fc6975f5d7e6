"""An unlabelled target and a run: the run's model is adapted without the data that it was trained on."""
