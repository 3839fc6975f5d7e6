"""Several label columns of one data set, learned together and each alone."""
