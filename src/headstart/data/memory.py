"""Memory that runs out is told as that, and never as a fault of the data."""

from __future__ import annotations

import errno

from headstart.errors import UserError

_SIGNS = ("out of memory", "not enough memory", "insufficient memory", "cannot allocate", "can't start new thread")
_NUMBERS = (errno.ENOMEM, errno.EMFILE, errno.ENFILE)


def ran_out(error: BaseException) -> bool:
    """Whether an error, or what it came from, says that memory or open files are used up."""
    seen: BaseException | None = error
    while seen is not None:
        number = seen.errno if isinstance(seen, OSError) else None
        if isinstance(seen, MemoryError) or number in _NUMBERS or any(sign in str(seen).lower() for sign in _SIGNS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def too_little(name: str) -> UserError:
    """Return the sentence about one sample that memory does not suffice for."""
    return UserError(
        f"There is too little memory, or too many files are open, to read {name}; close other programs or take a "
        "larger machine: the file itself is not said to be damaged."
    )
