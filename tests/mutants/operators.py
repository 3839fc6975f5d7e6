"""Small faults at random places: negated comparisons, other arithmetic and logic, 0 and 1 off by one, lost statements.

Limits (``4 * 2**30``) and tuning constants are left as they are: another one is another choice, not a fault. The same
holds for a default seed: another one is another draw, as good as the first.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
"""Negations: where numbers are measured, a boundary moved by nothing is the same program."""
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


BLOCKS = ("body", "orelse", "finalbody", "handlers")
SEED = "seed"
NOT_ITS_OWN = (*BLOCKS, "annotation", "returns", "decorator_list", "type_params")


class Fault(NamedTuple):
    """One change of one file: ``text`` is the whole file afterwards.

    ``place`` names it whatever stands elsewhere: its line's text, what becomes what, and how many like it come before.
    """

    file: str
    line: int
    was: str
    becomes: str
    text: str
    place: tuple[str, str, str, int]


def faults(file: str, source: str) -> Iterator[Fault]:
    """Yield every fault that the operators can put into a file."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    raw = source.encode()
    seen: Counter[tuple[str, str, str]] = Counter()
    for node, changed in _changes(ast.parse(source)):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        begin, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        became = changed if isinstance(changed, str) else ast.unparse(changed)
        if isinstance(changed, ast.expr):
            became = f"({became})"
        text = (raw[:begin] + became.encode() + raw[end:]).decode()
        was = raw[begin:end].decode()
        place = (lines[node.lineno - 1].strip(), was, became)
        yield Fault(file, node.lineno, _short(was), _short(became), text, (*place, seen[place]))
        seen[place] += 1


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:97] + "..."


def _changes(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, ast.expr | ast.stmt | str]]:
    for statement, inside in _statements(tree):
        if inside:
            yield from ((statement, changed) for changed in _of_statement(statement))
        for node in _expressions(statement):
            for changed in _of_expression(node):
                yield node, changed


def _statements(tree: ast.AST, inside: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield the statements that run, and whether they are a function's."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.stmt) and not _silent(child):
            yield child, inside
        if not _silent(child):
            yield from _statements(child, inside or isinstance(tree, ast.FunctionDef))


def _silent(node: ast.AST) -> bool:
    """Imports, docstrings and blocks for type checkers."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    texts = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return texts or isinstance(node, ast.Import | ast.ImportFrom)


def _of_statement(node: ast.stmt) -> Iterator[ast.stmt | str]:
    if isinstance(node, ast.Return) and node.value is not None and not _is_nothing(node.value):
        yield "return None"
    elif isinstance(node, ast.Expr | ast.AugAssign) and not isinstance(getattr(node, "value", None), ast.Yield):
        yield "pass"


def _is_nothing(node: ast.expr) -> bool:
    """None, or False, in whose place None says the same; that it becomes True is another operator's."""
    return isinstance(node, ast.Constant) and (node.value is None or node.value is False)


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield a statement's own expressions: no annotation, no message of an error, no text between quotes."""
    if isinstance(statement, ast.Raise | ast.Assert) or _is_seed(statement):
        return
    for name, value in ast.iter_fields(statement):
        if name in NOT_ITS_OWN:
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.arguments):
                for default in _defaults(item):
                    yield from _inner(default)
            elif isinstance(item, ast.withitem):
                yield from _inner(item.context_expr)
            elif isinstance(item, ast.expr):
                yield from _inner(item)


def _is_seed(statement: ast.stmt) -> bool:
    """The field ``seed: int = 0``."""
    return isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", "") == SEED


def _defaults(arguments: ast.arguments) -> Iterator[ast.expr]:
    """Yield the values of arguments that are left out, but for that of a seed."""
    placed = [*arguments.posonlyargs, *arguments.args]
    pairs = [*zip(reversed(placed), reversed(arguments.defaults), strict=False)]
    for argument, default in [*reversed(pairs), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]:
        if default is not None and argument.arg != SEED:
            yield default


def _inner(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.JoinedStr):
        return
    if isinstance(node, ast.expr):
        yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.keyword) and child.arg == "strict"):  # a promise, not a behaviour
            yield from _inner(child)


def _of_expression(node: ast.expr) -> Iterator[ast.expr]:
    new = copy.deepcopy(node)
    if isinstance(new, ast.Compare) and type(new.ops[0]) in COMPARISONS:
        new.ops[0] = COMPARISONS[type(new.ops[0])]()
        yield new
    elif isinstance(new, ast.BinOp) and type(new.op) in ARITHMETIC and not _left_alone(new):
        new.op = ARITHMETIC[type(new.op)]()
        yield new
    elif isinstance(new, ast.BoolOp):
        new.op = ast.Or() if isinstance(new.op, ast.And) else ast.And()
        yield new
    elif isinstance(new, ast.UnaryOp) and isinstance(new.op, ast.Not):
        yield new.operand
    elif isinstance(new, ast.IfExp):
        new.body, new.orelse = new.orelse, new.body
        yield new
    elif isinstance(new, ast.Constant) and isinstance(new.value, bool):
        yield ast.Constant(not new.value)
    elif isinstance(new, ast.Constant) and type(new.value) is int and new.value in (0, 1):
        yield ast.Constant(new.value + 1)


def _left_alone(node: ast.BinOp) -> bool:
    """``4 * 2**30``, a limit; ``int | None``, which nothing evaluates; ``folder / "name"``, an error otherwise."""
    leaves = [leaf for leaf in ast.walk(node) if isinstance(leaf, ast.Name | ast.Constant)]
    if all(isinstance(leaf, ast.expr_context | ast.operator | ast.BinOp | ast.Constant) for leaf in ast.walk(node)):
        return True
    kinds = {"int", "float", "str", "list", "dict", "tuple", "Path", "bytes", "bool"}
    if isinstance(node.op, ast.BitOr):
        return any(getattr(leaf, "value", "") is None or getattr(leaf, "id", "") in kinds for leaf in leaves)
    texts = any(isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) for leaf in leaves)
    return isinstance(node.op, ast.Div) and (texts or any(isinstance(n, ast.JoinedStr) for n in ast.walk(node)))
