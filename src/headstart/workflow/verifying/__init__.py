"""Are these two the same? An embedding that is learned on some people and judged on others."""
