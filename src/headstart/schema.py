"""What a JSON file must hold, declared beside the code that reads it; one sentence names the file and the key."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headstart.errors import UserError
from headstart.storage import MOST_JSON, read_json


class Misfit(Exception):
    """A value that is not what was expected: where it stands, and what was expected."""


class Rule(ABC):
    """What one value must be."""

    @abstractmethod
    def check(self, value: Any, where: str) -> None:
        """Raise `Misfit` for another value; ``where`` is its key, dotted."""


def _refuse(value: Any, where: str, expected: str) -> None:
    shown = json.dumps(value, default=str, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    raise Misfit(f"{where or 'the whole'} is {shown}, expected {expected}")


def _inside(where: str, key: str) -> str:
    return f"{where}.{key[:60]}" if where else key[:60]


@dataclass(frozen=True)
class Text(Rule):
    """A string of at most ``most`` characters; one of ``choices`` where they are given."""

    most: int = 100_000
    choices: tuple[str, ...] = ()

    def check(self, value: Any, where: str) -> None:
        if type(value) is not str:
            _refuse(value, where, "a text")
        if self.choices and value not in self.choices:
            _refuse(value, where, f"one of {', '.join(self.choices)}")
        if len(value) > self.most:
            _refuse(value, where, f"a text of at most {self.most} characters")


@dataclass(frozen=True)
class Whole(Rule):
    """A whole number from ``low`` to ``high``."""

    low: int = 0
    high: int = 2**63 - 1

    def check(self, value: Any, where: str) -> None:
        if type(value) is not int or not self.low <= value <= self.high:
            span = f"from {self.low} to {self.high}" if self.high < 2**63 - 1 else f"from {self.low} up"
            _refuse(value, where, f"a whole number {span}")


@dataclass(frozen=True)
class Number(Rule):
    """A finite number from ``low`` to ``high``, whole or not."""

    low: float = -math.inf
    high: float = math.inf

    def check(self, value: Any, where: str) -> None:
        if type(value) not in (int, float) or not self.low <= value <= self.high or abs(value) > 1e308:
            bounded = math.isfinite(self.low) or math.isfinite(self.high)
            _refuse(value, where, f"a number from {self.low:g} to {self.high:g}" if bounded else "a number")


@dataclass(frozen=True)
class Flag(Rule):
    """True or false."""

    def check(self, value: Any, where: str) -> None:
        if type(value) is not bool:
            _refuse(value, where, "true or false")


@dataclass(frozen=True)
class Items(Rule):
    """A list of ``least`` to ``most`` values, each as ``of`` says."""

    of: Rule
    least: int = 0
    most: int = 10_000_000

    def check(self, value: Any, where: str) -> None:
        if type(value) is not list:
            _refuse(value, where, "a list")
        if not self.least <= len(value) <= self.most:
            _refuse(value, where, f"a list of {self.least} to {self.most} items")
        for number, item in enumerate(value):
            self.of.check(item, f"{where}[{number}]")


@dataclass(frozen=True)
class Row(Rule):
    """A list of as many values as there are rules."""

    of: tuple[Rule, ...]

    def check(self, value: Any, where: str) -> None:
        if type(value) is not list or len(value) != len(self.of):
            _refuse(value, where, f"a list of {len(self.of)} items")
        for number, (rule, item) in enumerate(zip(self.of, value, strict=True)):
            rule.check(item, f"{where}[{number}]")


@dataclass(frozen=True)
class Table(Rule):
    """An object whose keys are free and whose values are all as ``of`` says."""

    of: Rule
    most: int = 1_000_000

    def check(self, value: Any, where: str) -> None:
        if type(value) is not dict:
            _refuse(value, where, "an object")
        if len(value) > self.most:
            _refuse(value, where, f"an object of at most {self.most} keys")
        for key, item in value.items():
            self.of.check(item, _inside(where, key))


@dataclass(frozen=True)
class Record(Rule):
    """An object with the keys ``needs`` and perhaps those of ``may``; further ones only where it is ``open``."""

    needs: Mapping[str, Rule] = field(default_factory=dict)
    may: Mapping[str, Rule] = field(default_factory=dict)
    open: bool = True

    def check(self, value: Any, where: str) -> None:
        if type(value) is not dict:
            _refuse(value, where, "an object")
        for key in self.needs:
            if key not in value:
                raise Misfit(f"{_inside(where, key)} is missing")
        for key, item in value.items():
            rule = self.needs.get(key) or self.may.get(key)
            if rule is not None:
                rule.check(item, _inside(where, key))
            elif self.open:
                ANYTHING.check(item, _inside(where, key))
            else:
                raise Misfit(f"{_inside(where, key)} is no key of it")


@dataclass(frozen=True)
class Either(Rule):
    """As one of several rules says; the last one's words tell what was expected."""

    of: tuple[Rule, ...]

    def check(self, value: Any, where: str) -> None:
        for rule in self.of[:-1]:
            try:
                return rule.check(value, where)
            except Misfit:
                continue
        return self.of[-1].check(value, where)


@dataclass(frozen=True)
class Maybe(Rule):
    """Null, or as ``of`` says."""

    of: Rule

    def check(self, value: Any, where: str) -> None:
        if value is not None:
            self.of.check(value, where)


@dataclass(frozen=True)
class Anything(Rule):
    """Any JSON value that is not nested beyond ``deepest``."""

    deepest: int = 30

    def check(self, value: Any, where: str) -> None:
        if type(value) in (dict, list):
            if self.deepest <= 0:
                raise Misfit(f"{where} is nested too deeply")
            inner = Anything(self.deepest - 1)
            for item in value.values() if type(value) is dict else value:
                if type(item) in (dict, list, float):
                    inner.check(item, where)
        elif type(value) is float and not math.isfinite(value):
            _refuse(value, where, "a finite number")


ANYTHING = Anything()
_PLAIN: dict[Any, Rule] = {str: Text(), int: Whole(-(2**63)), float: Number(), bool: Flag(), Any: ANYTHING}


def record_of(cls: type, **other: Rule) -> Record:
    """Return the rule for a dataclass as JSON holds it, from its annotations; ``other`` replaces fields' rules."""
    hints = typing.get_type_hints(cls)
    needs, may = {}, {}
    for item in dataclasses.fields(cls):
        has_default = item.default is not dataclasses.MISSING or item.default_factory is not dataclasses.MISSING
        (may if has_default else needs)[item.name] = other.get(item.name) or _rule(hints[item.name])
    return Record(needs, may, open=False)


def _rule(hint: Any) -> Rule:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin in (types.UnionType, typing.Union):
        rules = [_rule(one) for one in inner if one is not type(None)]
        rule = rules[0] if len(rules) == 1 else Either(tuple(rules))
        return Maybe(rule) if type(None) in inner else rule
    if origin is typing.Literal:
        return Text(choices=inner)
    if origin is tuple and inner[-1] is not Ellipsis:
        return Row(tuple(_rule(one) for one in inner))
    if origin in (tuple, list):
        return Items(_rule(inner[0]))
    if origin is dict:
        return Table(_rule(inner[1]))
    return ANYTHING


def require(value: Any, rule: Rule, path: str | os.PathLike[str]) -> Any:
    """Return ``value``, read from ``path``, if it is as ``rule`` says.

    Raises
    ------
    UserError
        With the file, the key, what stands there and what was expected.
    """
    try:
        rule.check(value, "")
    except Misfit as error:
        raise UserError(f"{path}: {error}; the file is damaged or was edited.") from None
    return value


def read_checked(path: str | os.PathLike[str], rule: Rule, most: int = MOST_JSON) -> Any:
    """Read a JSON file that must be as ``rule`` says.

    Raises
    ------
    UserError
        If it cannot be read, is no JSON, or holds another value.
    """
    return require(read_json(path, most), rule, path)
