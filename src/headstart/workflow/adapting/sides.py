from headstart.workflow.adapting.adaptation import encode, learn_rows  # noqa: F401
