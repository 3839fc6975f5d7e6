"""How text becomes numbers: plain, whole, yes or no, dates, and the conventions of other places."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

MISSING = frozenset(
    [
        *("", "-", "--", "---", "–", "—", "−", "_", "?", "??", "???", ".", "..", "...", "…", "*"),
        *("na", "n/a", "#n/a", "#n/a n/a", "#na", "<na>", "<n/a>", "n.a.", "n.a", "n. a.", "n/d", "nd", "n.d."),
        *("nan", "-nan", "+nan", "#nan", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "nat"),
        *("null", "(null)", "<null>", "#null!", "nil", "none", "(none)", "<none>", "\\n", "undefined"),
        *("missing", "(missing)", "<missing>", "unknown", "(unknown)", "unk", "blank", "(blank)", "empty", "(empty)"),
        *("not available", "not applicable", "no data", "nodata", "no value"),
        *("#value!", "#ref!", "#div/0!", "#num!", "#name?"),
    ]
)
"""Spellings of a missing number, in any case; in a column of words they are words."""

CURRENCIES = (
    *("US$", "A$", "C$", "R$", "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₪", "฿", "₫", "₴"),
    *("USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "NZD", "CNY", "INR", "RUB", "SEK", "NOK", "DKK", "PLN", "CZK"),
    *("HUF", "BRL", "MXN", "ZAR", "KRW", "TRY", "SGD", "HKD", "Fr.", "kr.", "kr", "zł", "Kč", "Ft", "Rs.", "Rs"),
)
_SPACES, _APOSTROPHES = " \u00a0\u202f\u2009", "'\u2019\u02bc"
_MARKS = {" ": f"[{_SPACES}]", "'": f"[{_APOSTROPHES}]", ".": r"\.", ",": ",", "_": "_"}
_PLAIN = r"^[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$|^[+-]?(?i:inf|infinity)$"
_WHOLE = r"^[+-]?(?:0|[1-9][0-9]*)$"
_TRUTH = r"^(?i:true|false)$"
LEADING_ZEROS = r"^[+-]?0[0-9]+(?:\.[0-9]+)?$"


@dataclass(frozen=True)
class Reading:
    """What the text of a column means.

    Parameters
    ----------
    kind : "whole", "number", "truth", "date" or "instant" (a date with a time zone).
    decimal, thousands : marks; the space stands for all blanks, the apostrophe for its cousins.
    affix : "%" or a currency, before or after the number; every value has it.
    """

    kind: str = "number"
    decimal: str = "."
    thousands: str = ""
    affix: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether any reader of numbers would read it the same."""
        return self.kind in ("whole", "number") and self == Reading(self.kind)

    @property
    def words(self) -> str:
        """Say the convention, by the example of 1890.5."""
        if self.kind in ("truth", "date", "instant"):
            return {"truth": "true and false", "date": "dates", "instant": "dates with a time zone, as UTC"}[self.kind]
        number = f"1{self.thousands}890{self.decimal}5"
        shown = number if not self.affix else f"{number} %" if self.affix == "%" else f"{self.affix} {number}"
        return f"numbers written like '{shown}'"

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> Reading:
        return cls(**{name: str(value[name]) for name in ("kind", "decimal", "thousands", "affix")})

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of what is read."""
        kinds = {"whole": pa.int64(), "truth": pa.bool_(), "date": pa.timestamp("us"), "instant": pa.timestamp("us")}
        return kinds.get(self.kind, pa.float64())


WHOLE, NUMBER, TRUTH, DATE, INSTANT = (Reading(kind) for kind in ("whole", "number", "truth", "date", "instant"))
STYLES = tuple(
    Reading("number", decimal, thousands)
    for thousands, decimal in ((",", "."), (".", ","), (" ", "."), (" ", ","), ("'", "."), ("'", ","), ("_", "."))
)
"""Numbers of other conventions, in the order in which they are tried: `1,890` is one thousand eight hundred and ninety
unless another value of the column, such as `12,5` or `0,890`, cannot be."""


def trimmed(values: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(values)  # type: ignore[attr-defined]


def is_missing(values: pa.Array) -> pa.Array:
    """Whether each text is a spelling of a missing number; null is."""
    lowered = pc.utf8_lower(trimmed(values))  # type: ignore[attr-defined]
    return pc.is_in(lowered, value_set=pa.array([*sorted(MISSING), None], pa.string()))  # type: ignore[attr-defined]


def fitting(values: pa.Array, reading: Reading) -> pa.Array:
    """Whether each of some trimmed, present texts can be read so."""
    if reading.kind in ("date", "instant"):
        return pa.array([_casts(value, reading) for value in values.to_pylist()], pa.bool_())
    return pc.match_substring_regex(values, _pattern(reading))  # type: ignore[attr-defined]


def fits(values: pa.Array, reading: Reading) -> bool:
    """Whether all of some trimmed, present texts can be read so; cheaper than `fitting` for dates."""
    if reading.kind in ("date", "instant"):
        return _castable(values, reading)
    if not pc.all(fitting(values, reading)).as_py():  # type: ignore[attr-defined]
        return False
    return reading.kind != "whole" or _castable(_unsigned(values), reading)


def _castable(values: pa.Array, reading: Reading) -> bool:
    try:
        values.cast(_parsed(reading))
    except pa.ArrowInvalid:
        return False
    return True


def _casts(value: str, reading: Reading) -> bool:
    return _castable(pa.array([value]), reading)


def _parsed(reading: Reading) -> pa.DataType:
    return pa.timestamp("us", "UTC") if reading.kind == "instant" else reading.type


def _unsigned(values: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(values, r"^\+", "")  # type: ignore[attr-defined]


def _pattern(reading: Reading) -> str:
    simple = {"whole": _WHOLE, "truth": _TRUTH}.get(reading.kind)
    if simple is not None:
        return simple
    number = _number(reading)
    if reading.affix == "%":
        return rf"^[+\-−]?{number}[{_SPACES}]*%$"
    if reading.affix:
        mark, blank = _escaped(reading.affix), f"[{_SPACES}]*"
        sign = r"[+\-−]?"
        return rf"^(?:{sign}{mark}{blank}{sign}{number}|{sign}{number}{blank}{mark})$"
    return _PLAIN if reading.is_plain else rf"^[+\-−]?{number}$"


def _number(reading: Reading) -> str:
    decimal = _MARKS[reading.decimal]
    whole = r"0|[1-9][0-9]*"
    if reading.thousands:
        mark = _MARKS[reading.thousands]
        whole = rf"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+|{whole}"
    if reading.thousands == ",":
        whole = rf"[1-9][0-9]?(?:,[0-9]{{2}})+,[0-9]{{3}}|{whole}"  # lakh and crore
    return rf"(?:(?:{whole})(?:{decimal}[0-9]+)?|{decimal}[0-9]+)"


def _escaped(mark: str) -> str:
    return "".join(f"\\{letter}" if letter in ".$" else letter for letter in mark)


def read(values: pa.Array, reading: Reading) -> pa.Array:
    """Return trimmed texts, null where missing, as the reading's type; a percentage is its hundredth.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a text does not fit.
    """
    if reading.kind in ("date", "instant"):
        return values.cast(_parsed(reading)).cast(pa.timestamp("us"))
    if reading.kind == "whole":
        return _unsigned(values).cast(pa.int64())
    if reading.kind == "truth":
        return values.cast(pa.bool_())
    if reading.is_plain:
        return values.cast(pa.float64())
    if not pc.all(fitting(values, reading)).as_py():  # type: ignore[attr-defined]
        raise pa.ArrowInvalid("a text does not fit the convention")
    digits = _digits(values, reading)
    numbers = digits.cast(pa.float64())
    return pc.divide(numbers, 100.0) if reading.affix == "%" else numbers  # type: ignore[attr-defined]


def _digits(values: pa.Array, reading: Reading) -> pa.Array:
    if reading.affix:
        values = pc.replace_substring(values, reading.affix, "")  # type: ignore[attr-defined]
    values = pc.replace_substring(values, "−", "-")  # type: ignore[attr-defined]
    dropped = "".join({" ": _SPACES, "'": _APOSTROPHES}.get(reading.thousands, reading.thousands)) + _SPACES
    values = pc.replace_substring_regex(values, f"[{dropped}]", "")  # type: ignore[attr-defined]
    return pc.replace_substring(values, reading.decimal, ".")  # type: ignore[attr-defined]


def affix_of(value: str) -> str:
    """Return "%" or the currency that a text begins or ends with, or nothing."""
    bare = value.strip("+-−" + _SPACES)
    if bare.endswith("%"):
        return "%"
    return next((mark for mark in CURRENCIES if bare.startswith(mark) or bare.endswith(mark)), "")


def candidates(example: str) -> list[Reading]:
    """Return the readings to try for a column, by one of its texts, in order."""
    affix = affix_of(example)
    if affix:
        return [Reading("number", style.decimal, style.thousands, affix) for style in (NUMBER, *STYLES)]
    return [WHOLE, NUMBER, TRUTH, DATE, INSTANT, *STYLES]
