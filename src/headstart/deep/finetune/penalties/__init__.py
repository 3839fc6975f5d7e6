"""Penalties that compose: ``FineTune(penalties=(L2SP(), BSS()))``."""
