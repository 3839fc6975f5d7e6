"""Methods between feature spaces of different dimension or meaning."""
