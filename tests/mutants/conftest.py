"""The mutants' harness is run by `make mutants`; it is no test and imports its own files by their short names."""

collect_ignore_glob = ["*.py"]
