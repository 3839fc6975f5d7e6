"""Methods that train a network on two domains, as estimators on rows of numbers: candidates like any other."""
