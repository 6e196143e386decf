"""The language in which ledger checks are written (检查条件语言): small, typed, and without any way to run code.

A condition is parsed with Python's ``ast`` and compiled to a narwhals expression. It may use: the names of declared columns, of parameters and of what is
derived (``age`` and so on), whole and decimal numbers, texts in quotes, ``< <= > >= == !=``, ``+ - *``, ``and or not``, ``in`` and ``not in`` a list,
``is_missing(x)``, ``between(x, low, high)`` (both ends belong), and over the members of a household (or the households of a village)
``any_person(c)``, ``all_persons(c)``, ``count_persons(c)``, ``sum_persons(x)`` (``any_household`` …). Everything else is refused: attributes, indexing,
other calls, division (engines divide by zero differently), a text that is not a code of the column that it is compared with ('01' where the data hold '1').

Unknown follows Kleene: ``unknown and false`` is false, ``unknown or true`` is true, else unknown stays unknown.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from linwu_stats import RefusedError
from linwu_stats.tables import CODES

__all__ = ["UNKNOWN", "CheckError", "Condition", "Name", "compile_condition", "names_of"]

#: Column of the working frame that is unknown in every row.
UNKNOWN = "_unknown"

FUNCTIONS = ("is_missing", "between")
MEMBERS = {
    "person": {"any_person": "any", "all_persons": "all", "count_persons": "count", "sum_persons": "sum"},
    "household": {"any_household": "any", "all_households": "all", "count_households": "count", "sum_households": "sum"},
}
AGGREGATES = {word: kind for words in MEMBERS.values() for word, kind in words.items()}

_ORDER: dict[type, tuple[Callable[[Any, Any], Any], bool]] = {
    ast.Lt: (operator.lt, False), ast.LtE: (operator.le, False), ast.Gt: (operator.gt, True), ast.GtE: (operator.ge, True),
}
_EQUAL: dict[type, Callable[[Any, Any], Any]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


class CheckError(RefusedError):
    """A ledger check cannot be used (台账检查有误); the message names the check, what is wrong and what to do."""


@dataclass(frozen=True)
class Name:
    """What a name in a condition stands for: column of the working frame, type (number, text, bool, date), code list, whether no row has a value."""

    column: str
    kind: str
    codes: str = ""
    absent: bool = False


@dataclass(frozen=True)
class Condition:
    """A compiled condition: ``expression`` over the subject's row, and ``members``: columns that must first be made by adding up the members' rows."""

    expression: nw.Expr
    members: dict[str, nw.Expr]


@dataclass(frozen=True)
class _Value:
    kind: str
    expression: Any
    codes: str = ""
    text: Any = None
    count: tuple[nw.Expr, nw.Expr] | None = None


@dataclass
class _Scope:
    names: Mapping[str, Name]
    parameters: Mapping[str, Any]
    where: str
    inner: Mapping[str, Name] | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    members: dict[str, nw.Expr] = field(default_factory=dict)
    prefix: str = "m"


def names_of(text: str, where: str) -> set[str]:
    """All names that a condition uses, functions left out (条件用到的名称)."""
    tree = _parse(text, where)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}


def compile_condition(
    text: str, names: Mapping[str, Name], parameters: Mapping[str, Any], *, where: str, members: Mapping[str, Name] | None = None, member: str = "",
    prefix: str = "m",
) -> Condition:
    """Compile a condition (编译检查条件): names of the subject's row, of its members' rows, and parameters, to narwhals.

    ``member`` is person or household and decides which words over members may be used; ``prefix`` begins the columns of :attr:`Condition.members`.
    Raises :class:`CheckError`, with ``where`` in front, for anything that is not in the language.
    """
    scope = _Scope(names, parameters, where, members, MEMBERS.get(member, {}), prefix=prefix)
    value = _compile(_parse(text, where).body, scope)
    if value.kind != "bool":
        raise CheckError(f"{where}: the condition is {_WORDS[value.kind]}, it must be true or false (条件应为真假)")
    return Condition(_expr(value), scope.members)


_WORDS = {"number": "a number", "text": "a text", "bool": "true or false", "date": "a day", "list": "a list"}


def _parse(text: str, where: str) -> ast.Expression:
    try:
        return ast.parse(str(text).strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CheckError(f"{where}: the condition cannot be read (条件有语法错误): {text!r}: {getattr(error, 'msg', error)}") from error


def _compile(node: ast.expr, scope: _Scope) -> _Value:
    for kind, handle in _HANDLERS.items():
        if isinstance(node, kind):
            return handle(node, scope)
    raise CheckError(f"{scope.where}: {ast.unparse(node)!r} is not in the language of checks (条件中不允许的写法)")


def _constant(node: ast.Constant, scope: _Scope) -> _Value:
    return _given(node.value, scope)


def _given(value: Any, scope: _Scope) -> _Value:
    if isinstance(value, bool) or value is None or not isinstance(value, int | float | str | list | tuple):
        raise CheckError(f"{scope.where}: {value!r} may not stand in a condition (条件中不允许的值); a yes-no column is written by its name alone")
    if isinstance(value, list | tuple):
        return _Value("list", None, text=[_given(part, scope).text for part in value])
    return _Value("text" if isinstance(value, str) else "number", value, text=value)


def _name(node: ast.Name, scope: _Scope) -> _Value:
    if node.id in scope.parameters:
        return _given(scope.parameters[node.id], scope)
    name = scope.names.get(node.id)
    if name is None:
        raise CheckError(f"{scope.where}: {node.id!r} is neither a declared column nor a parameter (未声明的列): {', '.join(sorted(scope.names))}")
    return _Value(name.kind, nw.col(name.column), codes=name.codes)


def _list(node: ast.List | ast.Tuple, scope: _Scope) -> _Value:
    parts = [_compile(part, scope) for part in node.elts]
    if any(part.text is None or part.kind not in ("number", "text") for part in parts):
        raise CheckError(f"{scope.where}: a list holds numbers or texts only (列表只能有数字或文字): {ast.unparse(node)}")
    return _Value("list", None, text=[part.text for part in parts])


def _logic(node: ast.BoolOp, scope: _Scope) -> _Value:
    parts = [_bool(part, scope) for part in node.values]
    out = parts[0]
    for part in parts[1:]:
        out = (out & part) if isinstance(node.op, ast.And) else (out | part)
    return _Value("bool", out)


def _unary(node: ast.UnaryOp, scope: _Scope) -> _Value:
    if isinstance(node.op, ast.Not):
        return _Value("bool", ~_bool(node.operand, scope))
    if isinstance(node.op, ast.USub):
        value = _number(node.operand, scope)
        return _Value("number", -value.expression if value.text is not None else value.expression * -1, text=None if value.text is None else -value.text)
    raise CheckError(f"{scope.where}: {ast.unparse(node)!r} is not in the language of checks (条件中不允许的写法)")


def _arithmetic(node: ast.BinOp, scope: _Scope) -> _Value:
    apply = _ARITHMETIC.get(type(node.op))
    if apply is None:
        raise CheckError(f"{scope.where}: only + - * may be used (只能用加减乘), not {ast.unparse(node)!r}; a ratio is written as a multiplication")
    left, right = _number(node.left, scope), _number(node.right, scope)
    if left.text is not None and right.text is not None:
        return _given(apply(left.text, right.text), scope)
    return _Value("number", apply(_expr(left), _expr(right)))


def _comparison(node: ast.Compare, scope: _Scope) -> _Value:
    sides = [node.left, *node.comparators]
    parts = [_compare(left, sign, right, scope) for left, sign, right in zip(sides, node.ops, sides[1:], strict=False)]
    out = parts[0]
    for part in parts[1:]:
        out = out & part
    return _Value("bool", out)


def _compare(left_node: ast.expr, sign: ast.cmpop, right_node: ast.expr, scope: _Scope) -> nw.Expr:
    left, right = _compile(left_node, scope), _compile(right_node, scope)
    shown = f"{ast.unparse(left_node)} … {ast.unparse(right_node)}"
    if isinstance(sign, ast.In | ast.NotIn):
        if right.kind != "list" or not right.text or left.kind not in ("number", "text"):
            raise CheckError(f"{scope.where}: 'in' needs a column and a list that is not empty (in 之后应为列表): {shown}")
        parts = [_equal(left, _given(one, scope), operator.eq, scope, shown) for one in right.text]
        found = parts[0]
        for part in parts[1:]:
            found = found | part
        return ~found if isinstance(sign, ast.NotIn) else found
    if type(sign) in _EQUAL:
        return _equal(left, right, _EQUAL[type(sign)], scope, shown)
    if type(sign) not in _ORDER or left.kind != "number" or right.kind != "number":
        raise CheckError(f"{scope.where}: only numbers can be greater or smaller (只有数字可以比大小): {shown}")
    apply, _ = _ORDER[type(sign)]
    if left.count and right.text is not None:
        low, high = apply(left.count[0], right.text), apply(left.count[1], right.text)
        return nw.when(low == high).then(low)
    return apply(_expr(left), _expr(right))


def _equal(left: _Value, right: _Value, apply: Callable[[Any, Any], Any], scope: _Scope, shown: str) -> nw.Expr:
    if left.kind != right.kind or left.kind not in ("number", "text"):
        raise CheckError(f"{scope.where}: {_WORDS[left.kind]} cannot be compared with {_WORDS[right.kind]} (类型不同，不能比较): {shown}")
    for column, other in ((left, right), (right, left)):
        if column.codes and other.text is not None and other.text not in CODES[column.codes]:
            raise CheckError(f"{scope.where}: {other.text!r} is no code of {column.codes} (不是该列的代码): {', '.join(CODES[column.codes])}")
    if left.codes and right.codes and left.codes != right.codes:
        raise CheckError(f"{scope.where}: columns of the code lists {left.codes} and {right.codes} cannot be equal (代码表不同): {shown}")
    return apply(_expr(left), _expr(right))


def _call(node: ast.Call, scope: _Scope) -> _Value:
    word = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
    if node.keywords or any(isinstance(part, ast.Starred) for part in node.args):
        raise CheckError(f"{scope.where}: {word} takes plain values only (参数写法有误)")
    if word == "is_missing" and len(node.args) == 1 and isinstance(node.args[0], ast.Name) and node.args[0].id in scope.names:
        name = scope.names[node.args[0].id]
        return _Value("bool", nw.col(UNKNOWN) if name.absent else nw.col(name.column).is_null())
    if word == "between" and len(node.args) == 3:
        value, low, high = (_number(part, scope) for part in node.args)
        return _Value("bool", (_expr(value) >= _expr(low)) & (_expr(value) <= _expr(high)))
    if word in scope.words and scope.inner is not None and len(node.args) == 1:
        return _aggregate(scope.words[word], node.args[0], scope)
    known = ", ".join((*FUNCTIONS, *(scope.words if scope.inner is not None else ())))
    raise CheckError(f"{scope.where}: {ast.unparse(node)!r} is not a call that a condition may make (条件中不允许的调用); there are: {known}")


def _aggregate(kind: str, node: ast.expr, scope: _Scope) -> _Value:
    """What the members say together: how many of them are true, how many unknown; an unknown member leaves open only what it could change."""
    inner = _Scope(scope.inner or {}, scope.parameters, scope.where)
    name = f"{scope.prefix}_{len(scope.members)}"
    hits, holes = nw.col(f"{name}_hits"), nw.col(f"{name}_holes")
    if kind == "sum":
        number = _expr(_number(node, inner))
        scope.members |= {f"{name}_hits": number.fill_null(0), f"{name}_holes": number.is_null().cast(nw.Int64)}
        return _Value("number", nw.when(holes == 0).then(hits))
    condition = _bool(node, inner)
    if kind == "all":
        condition = ~condition
    scope.members |= {f"{name}_hits": condition.fill_null(False).cast(nw.Int64), f"{name}_holes": condition.is_null().cast(nw.Int64)}
    if kind == "count":
        return _Value("number", nw.when(holes == 0).then(hits), count=(hits, hits + holes))
    found = (hits > 0) | nw.when(holes == 0).then(hits > 0)
    return _Value("bool", ~found if kind == "all" else found)


def _bool(node: ast.expr, scope: _Scope) -> nw.Expr:
    value = _compile(node, scope)
    if value.kind != "bool":
        raise CheckError(f"{scope.where}: {ast.unparse(node)!r} is {_WORDS[value.kind]}, a condition is needed here (此处应为条件)")
    return _expr(value)


def _number(node: ast.expr, scope: _Scope) -> _Value:
    value = _compile(node, scope)
    if value.kind != "number":
        raise CheckError(f"{scope.where}: {ast.unparse(node)!r} is {_WORDS[value.kind]}, a number is needed here (此处应为数字)")
    return value


def _expr(value: _Value) -> Any:
    return nw.lit(value.text) if value.text is not None else value.expression


_HANDLERS: dict[Any, Callable[[Any, _Scope], _Value]] = {
    ast.Constant: _constant, ast.Name: _name, ast.List: _list, ast.Tuple: _list, ast.BoolOp: _logic, ast.UnaryOp: _unary, ast.BinOp: _arithmetic,
    ast.Compare: _comparison, ast.Call: _call,
}
