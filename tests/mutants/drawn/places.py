"""Where a Python mutant makes sense: not in annotations, sentences for people and debug checks."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Span = tuple[tuple[int, int], tuple[int, int]]
"""((line, column), (line, column)): lines count from 1, columns from 0; the end is not in it."""


def left_out(source: str) -> list[Span]:
    """Return the parts of a module in which a change cannot be seen by what runs it, or is a check itself."""
    return [span for node in ast.walk(ast.parse(source)) for span in _spans(node)]


def is_inside(span: Span, others: list[Span]) -> bool:
    """Return whether a span lies within one of the others."""
    return any(begin <= span[0] and span[1] <= end for begin, end in others)


def _spans(node: ast.AST) -> Iterator[Span]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        if node.name == "check":
            yield _span(node)
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        for annotation in [node.returns, *(each.annotation for each in arguments)]:
            if annotation is not None:
                yield _span(annotation)
        yield from (_span(decorator) for decorator in node.decorator_list)
    elif isinstance(node, ast.AnnAssign):
        yield _span(node.annotation)
    elif isinstance(node, ast.ClassDef):
        yield from (_span(base) for base in [*node.bases, *node.decorator_list])
        yield from (_span(keyword.value) for keyword in node.keywords)
    elif isinstance(node, ast.Assert | ast.Import | ast.ImportFrom | ast.JoinedStr) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ):
        yield _span(node)
    elif isinstance(node, ast.Subscript | ast.Call):
        yield from _typing_spans(node)
    elif (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING") or (
        isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and _is_alias(node.value)
    ):
        yield _span(node)


def _typing_spans(node: ast.Subscript | ast.Call) -> Iterator[Span]:
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("Callable", "dict", "list", "tuple"):
        yield _span(node)
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("cast", "TypeVar") and node.args:
        yield _span(node.args[0])


def _is_alias(value: ast.expr) -> bool:
    """Return whether an expression is a union of types: names, in capitals, with | between them."""
    if isinstance(value, ast.BinOp):
        return isinstance(value.op, ast.BitOr) and _is_alias(value.left) and _is_alias(value.right)
    name = ast.unparse(value).split("[")[0].split(".")[-1]
    return name[:1].isupper() or name == "None"


def _span(node: ast.stmt | ast.expr) -> Span:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
