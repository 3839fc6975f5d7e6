from headstart.workflow.across.adaptation import encode, learn_rows  # noqa: F401
