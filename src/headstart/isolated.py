"""The caller's state is the caller's: one context for every public entry.

Inside it hold the settings that this package is written for; afterwards everything is as it was. Nothing is imported
for it: a library that the caller has not loaded has no state yet.
"""

from __future__ import annotations

import contextlib
import functools
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

ASKED = (
    "fit", "fit_transform", "fit_predict", "transform", "inverse_transform", "predict", "predict_proba",
    "predict_log_proba", "decision_function", "score", "weights",
)  # fmt: skip
"""Methods by which others call an estimator."""
_inside: ContextVar[bool] = ContextVar("headstart_isolated", default=False)


@contextlib.contextmanager
def isolated(*, filters: bool = True) -> Iterator[None]:
    """Compute as if the caller had set nothing, and leave what the caller has set as it was.

    Torch: default dtype float32, default device, gradients on, no autocast; its generators and number of threads are
    put back. NumPy: floating-point errors do not raise; its generator, like Python's, is put back. With ``filters``,
    warnings that the caller turned into errors stay warnings, and filters are put back.

    Parameters
    ----------
    filters : False where a caller may run several at once in threads, which share their warning filters.
    """
    if _inside.get():
        yield
        return
    token = _inside.set(True)
    try:
        with contextlib.ExitStack() as stack:
            _keep_generators(stack)
            _keep_torch(stack)
            _keep_accelerate(stack)
            if filters:
                _keep_filters(stack)
            yield
    finally:
        _inside.reset(token)


def isolate(function: Callable[P, T]) -> Callable[P, T]:
    """Run a public function in `isolated`."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with isolated():
            return function(*args, **kwargs)

    return run


class Isolated:
    """A base of estimators whose public methods run in `isolated`, in whatever subclass they are written."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ASKED:
            method: Any = cls.__dict__.get(name)
            if hasattr(method, "fn"):  # what `sklearn.utils.metaestimators.available_if` makes
                method.fn = _isolated_method(method.fn)
            elif callable(method):
                setattr(cls, name, _isolated_method(method))


def _isolated_method(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def run(*args: Any, **kwargs: Any) -> Any:
        with isolated(filters=False):
            return method(*args, **kwargs)

    return run


def _keep_generators(stack: contextlib.ExitStack) -> None:
    stack.callback(random.setstate, random.getstate())
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        stack.callback(numpy.random.set_state, numpy.random.get_state(legacy=False))
        stack.enter_context(numpy.errstate(divide="warn", over="warn", under="ignore", invalid="warn", call=None))


def _keep_filters(stack: contextlib.ExitStack) -> None:
    stack.enter_context(warnings.catch_warnings())
    kept = [("default", *rest) if action == "error" else (action, *rest) for action, *rest in warnings.filters]
    warnings.filters[:] = kept  # type: ignore[index]
    warnings.filterwarnings("ignore", "Image size .* exceeds limit")  # Pillow's; the limit here is a lower one


def _keep_torch(stack: contextlib.ExitStack) -> None:
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "default_generator"):
        return
    stack.callback(_set_threads, torch, torch.get_num_threads())
    stack.callback(torch.set_default_dtype, torch.get_default_dtype())
    torch.set_default_dtype(torch.float32)
    stack.callback(torch.set_rng_state, torch.get_rng_state())
    if torch.cuda.is_initialized():
        stack.callback(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
    if torch.is_inference_mode_enabled():
        stack.enter_context(torch.inference_mode(False))
    stack.enter_context(torch.enable_grad())
    if torch.get_default_device().type != "cpu":
        stack.enter_context(torch.device("cpu"))
    for kind in ("cpu", "cuda"):
        if torch.is_autocast_enabled(kind):
            stack.enter_context(torch.autocast(kind, enabled=False))


def _set_threads(torch: Any, count: int) -> None:
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


def _keep_accelerate(stack: contextlib.ExitStack) -> None:
    """Let accelerate forget what it was told here, where the caller had not started it, and no helpers run."""
    states = _accelerate_states()
    if not any(state._shared_state for state in states):
        stack.callback(_forget_accelerate)


def _accelerate_states() -> list[Any]:
    module = sys.modules.get("accelerate.state")
    return [] if module is None else [module.PartialState, module.AcceleratorState, module.GradientState]


def _forget_accelerate() -> None:
    states = _accelerate_states()
    if states and states[0]._shared_state.get("num_processes", 1) == 1:
        for state in states:
            state._shared_state.clear()
