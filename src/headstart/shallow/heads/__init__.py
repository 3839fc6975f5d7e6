"""Models of features that choose their own settings on folds: linear ones, neighbours, boosted trees."""
