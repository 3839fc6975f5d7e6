"""The laws that every method and every network obeys; public, so that an author outside can run them.

>>> from headstart.checks import check_method
>>> from headstart.deep.finetune.finetune import FineTune
>>> check_method(lambda: FineTune(depth=1))
"""

from headstart.checks.domains import check_domain_method, check_weights
from headstart.checks.fitted import check_fitted
from headstart.checks.methods import check_method, check_zero
from headstart.checks.networks import check_network
from headstart.checks.trial import Trial, create_trial
from headstart.checks.writing import check_writing

__all__ = [
    "Trial",
    "check_domain_method",
    "check_fitted",
    "check_method",
    "check_network",
    "check_weights",
    "check_writing",
    "check_zero",
    "create_trial",
]
