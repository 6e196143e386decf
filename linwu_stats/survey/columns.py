"""Columns that a caller states: read, checked, refused with the row that is wrong (声明的列)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats import RefusedError

__all__ = ["DesignError", "aligned", "as_mask", "as_numbers", "codes_of", "column_of", "counts_of", "listed", "name_of", "weights_of"]


class DesignError(RefusedError):
    """A stated design that contradicts itself or cannot give a variance (抽样设计有误); says what, where and what to state instead."""


def as_numbers(frame: pd.DataFrame, what: Any, term: str) -> np.ndarray:
    """A column or array as floats with NaN for unknown (取数值列); text and infinite values are refused."""
    values = _floats(frame, what, term)
    if np.isinf(values).any():
        raise DesignError(f"{name_of(what)} ({term}) is infinite in row {int(np.argmax(np.isinf(values)))}: correct it or make it unknown")
    return values


def as_mask(frame: pd.DataFrame, what: Any) -> np.ndarray:
    """A column or array of True and False (取域); an unknown membership is refused."""
    column = pd.Series(column_of(frame, what))
    if column.isna().any():
        first = int(np.argmax(column.isna()))
        raise DesignError(f"domain (域): membership is unknown in {int(column.isna().sum())} rows, the first is row {first}: decide it first")
    if not set(pd.unique(column)) <= {True, False}:
        raise DesignError("domain (域): the mask holds values other than True and False")
    return column.to_numpy(dtype=bool)


def listed(what: Any, rows: int) -> list[Any]:
    """None, one column or several, as a list of columns."""
    if what is None:
        return []
    if isinstance(what, str):
        return [what]
    if isinstance(what, pd.DataFrame):
        return [what[name] for name in what]
    if isinstance(what, (list, tuple)) and not (len(what) == rows and rows and not isinstance(what[0], (str, Sequence, np.ndarray, pd.Series))):
        return list(what)
    return [what]


def name_of(what: Any) -> str:
    """How messages name a column (列名)."""
    return repr(what) if isinstance(what, str) else getattr(what, "name", None) or "the given values"


def column_of(frame: pd.DataFrame, what: Any) -> Any:
    """The values of a column by its name, or given values as long as the frame (取一列); a Series must have the frame's index."""
    if isinstance(what, str):
        if what not in frame.columns:
            raise DesignError(f"the frame has no column {what!r} (没有这一列); it has {', '.join(map(str, frame.columns))}")
        found = frame[what]
        if isinstance(found, pd.DataFrame):
            raise DesignError(f"the frame has {found.shape[1]} columns named {what!r} (列名重复): keep one")
        return found.to_numpy() if isinstance(found.dtype, np.dtype) else found.array
    aligned(frame, what)
    values = what.array if isinstance(what, pd.Series) and not isinstance(what.dtype, np.dtype) else np.asarray(what)
    if values.ndim != 1 or len(values) != len(frame):
        raise DesignError(f"{name_of(what)} has {len(values) if values.ndim else 1} values, the frame has {len(frame)} rows: give one for each row (行数不符)")
    return values


def aligned(frame: pd.DataFrame, what: Any) -> None:
    """Refuse a Series or DataFrame whose rows are not the frame's rows in their order (行对应检查)."""
    if isinstance(what, (pd.Series, pd.DataFrame)) and not what.index.equals(frame.index):
        raise DesignError(f"{name_of(what)} has another index than the frame (行不对应): put its rows into the frame's order, or give an array on purpose")


def weights_of(frame: pd.DataFrame, what: Any) -> np.ndarray:
    """Sampling weights, known, finite, none negative, some above zero (取权数)."""
    weight = as_numbers(frame, what, "权数")
    for bad, words in ((np.isnan(weight), "unknown (缺失)"), (weight < 0, "negative (为负)")):
        if bad.any():
            where = f"{words} in {int(bad.sum())} rows, the first is row {int(np.argmax(bad))}"
            raise DesignError(f"weights {name_of(what)} (权数): {where}: state a weight for every row")
    if not weight.sum() > 0:
        raise DesignError(f"weights {name_of(what)} (权数): all are zero (全为零)")
    return weight


def counts_of(frame: pd.DataFrame, what: Any, kind: str) -> np.ndarray:
    """Population counts or fractions of one stage, checked for their range."""
    values = _floats(frame, what, "总体单元数")
    bad = ~(values >= 1) if kind == "population" else ~((values > 0) & (values <= 1))
    if bad.any():
        row = int(np.argmax(bad))
        hint = "counts of units, 1 or more; fractions need fpc_kind='fraction'" if kind == "population" else "fractions above 0, at most 1"
        raise DesignError(f"fpc {name_of(what)} (总体单元数): {values[row]} in row {row}: state {hint}")
    return values


def codes_of(column: Any, term: str, what: Any) -> np.ndarray:
    """Dense codes from 0 of a column without unknown values (分类编码)."""
    codes, _ = pd.factorize(column)
    if (codes < 0).any():
        raise DesignError(f"{name_of(what)} ({term}) is unknown in row {int(np.argmax(codes < 0))} (缺失): every row needs one")
    return codes.astype(np.int64)


def _floats(frame: pd.DataFrame, what: Any, term: str) -> np.ndarray:
    column = column_of(frame, what)
    if pd.api.types.is_string_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        raise DesignError(f"{name_of(what)} ({term}) holds text or dates, not numbers (不是数值): convert it where it is read")
    if isinstance(column, (pd.Series, np.ndarray)) and getattr(column.dtype, "kind", "") in ("i", "u", "f"):
        return np.array(column.to_numpy(dtype=float, na_value=np.nan) if isinstance(column, pd.Series) else column, dtype=float)
    try:
        return pd.Series(column).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise DesignError(f"{name_of(what)} ({term}) has values that are not numbers (不是数值): {error}") from error
