"""Several regressions of the same rows that share what they learn, as scikit-learn estimators."""
