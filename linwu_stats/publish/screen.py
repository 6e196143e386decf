"""What must not leave the house: numbers of persons, and paths of the machine (输出检查).

Executed notebooks, messages and tracebacks are cleaned before they are written: a citizen's ID number (公民身份号码), the number of a disability
certificate and a mobile number are masked whole, and a path of this machine becomes a short name. A figure that merely has many digits stays.
"""

from __future__ import annotations

import copy
import re
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["ERROR_MARKER", "clean_notebook", "clean_text", "count_personal_numbers"]

_EDGE_BEFORE = r"(?<![0-9A-Za-z.,])"
_EDGE_AFTER = r"(?![0-9A-Za-z]|[.,]\d)"

#: 18 characters whose middle is a date of birth (with or without a right check digit: one that Excel rounded still tells), also with the two
#: digits that make it a disability certificate; 15 digits of the old kind; mobile numbers.
_PERSONAL = re.compile(
    _EDGE_BEFORE
    + r"(?:[1-8]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx](?:\d{2})?"
    + r"|[1-8]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}"
    + r"|1[3-9]\d{9})"
    + _EDGE_AFTER
)
_DATA_URI = re.compile(r"data:[a-z]+/[a-z0-9+.-]+;base64,[A-Za-z0-9+/=\s]*")
#: A kernel names the file of a cell after its own process number.
_KERNEL = re.compile(r"\bipykernel_\d+")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
#: Tag of the banner cells that papermill puts into a failed notebook.
ERROR_MARKER = "papermill-error-cell-tag"
MASK = "［号码已隐去］"


def count_personal_numbers(text: str) -> int:
    """How many ID, certificate or mobile numbers stand in ``text`` (身份号码个数); pictures inside do not count."""
    return len(_PERSONAL.findall(_DATA_URI.sub("", text)))


def clean_text(text: str, home: Path | None = None) -> str:
    """``text`` without terminal colours, paths of this machine and numbers of persons (清洗文本)."""
    text = _KERNEL.sub("ipykernel", _ANSI.sub("", text))
    for path, name in _machine_paths(home):
        text = text.replace(path, name)
    return _mask(text)


def clean_notebook(nb: Any, home: Path | None = None) -> tuple[Any, int]:
    """A copy of an executed notebook that may be kept, and how many numbers of persons were masked in it (清洗笔记本).

    Terminal colours stay out, paths become short, ids and times that differ from run to run are dropped, so that the same inputs give the same bytes.
    """
    nb = copy.deepcopy(nb)
    nb.cells = [cell for cell in nb.cells if ERROR_MARKER not in cell.metadata.get("tags", [])]
    found = 0
    for number, cell in enumerate(nb.cells, 1):
        cell["id"] = f"cell-{number}"
        cell.metadata.pop("execution", None)
        cell.metadata.pop("papermill", None)
        found += count_personal_numbers(cell.source)
        cell["source"] = clean_text(cell.source, home)
        for output in cell.get("outputs", []):
            found += sum(count_personal_numbers(text) for text in _texts(output))
            _clean_output(output, home)
    record = nb.metadata.get("papermill", {})
    nb.metadata["papermill"] = {key: record[key] for key in ("parameters", "exception", "version") if key in record}
    return nb, found


def _clean_output(output: Any, home: Path | None) -> None:
    for key in ("text", "evalue"):
        if key in output:
            output[key] = clean_text(output[key], home)
    if "traceback" in output:
        output["traceback"] = clean_text("\n".join(output["traceback"]), home).split("\n")
    for kind, value in output.get("data", {}).items():
        if not kind.startswith("image/"):
            output["data"][kind] = _clean_value(value, home)


def _clean_value(value: Any, home: Path | None) -> Any:
    """A text, or the texts within the data of a table."""
    if isinstance(value, str):
        return clean_text(value, home)
    if isinstance(value, dict):
        return {clean_text(key, home): _clean_value(part, home) for key, part in value.items()}
    return [_clean_value(part, home) for part in value] if isinstance(value, list) else value


def _texts_in(value: Any) -> list[str]:
    parts = [value] if isinstance(value, str) else [*value.keys(), *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return parts if isinstance(value, str) else [text for part in parts for text in _texts_in(part)]


def _texts(output: Any) -> list[str]:
    texts = [output[key] for key in ("text", "evalue") if key in output]
    texts += ["\n".join(output["traceback"])] if "traceback" in output else []
    return texts + [text for kind, value in output.get("data", {}).items() if not kind.startswith("image/") for text in _texts_in(value)]


def _mask(text: str) -> str:
    if not _PERSONAL.search(text):
        return text
    parts, last = [], 0
    for match in _DATA_URI.finditer(text):
        parts += [_PERSONAL.sub(MASK, text[last : match.start()]), match.group()]
        last = match.end()
    return "".join([*parts, _PERSONAL.sub(MASK, text[last:])])


@lru_cache(maxsize=8)
def _machine_paths(home: Path | None) -> list[tuple[str, str]]:
    package = Path(__file__).resolve().parents[2]
    places = [(home.resolve(), ".")] if home else []
    places += [(Path(sys.prefix), "<python>"), (Path(sys.base_prefix), "<python>"), (package, "<package>"), (Path(tempfile.gettempdir()), "<temp>")]
    places.append((Path.home(), "~"))
    texts = [(form, name) for place, name in places for form in (str(place), place.as_posix()) if len(form) > 3]
    return sorted(dict(texts).items(), key=lambda pair: -len(pair[0]))
