"""The tables of a page as a workbook in the office's manner (配套表格): the same numbers, ready to be copied into a report.

Takes the executed notebook of a page, which keeps each shown table as data (:data:`~linwu_stats.publish.tables_html.TABLE_MIME`). A workbook has a sheet
目录 with links, a sheet for each table (title over the whole width, unit and period, headings with their units, numbers with their formats, notes), and a
sheet 说明 with what the page says of its sources. Text is only ever text: nothing that stands in a ledger can become a formula, a link or a sheet's name.
The same notebook and page give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from linwu_stats.publish.tables_html import TABLE_MIME

__all__ = ["page_tables", "page_workbook", "tables_workbook"]

#: Workbooks carry a date of making; a fixed one keeps their bytes the same.
_FIXED = dt.datetime(2018, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)

_FORMATS = {
    "integer": "#,##0", "yuan": "#,##0", "yuan2": "#,##0.00", "wan": "#,##0.00", "yuan_plain": "#,##0.00", "percent": "0.00%", "index": "0.0000",
    "decimal": "#,##0.00",
}
_GAINS = {"integer": "+#,##0;-#,##0;0", "percent": "+0.00%;-0.00%;0.00%"}
_FONT = "宋体"
_WIDEST = 42
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def page_tables(nb: Any) -> list[dict[str, Any]]:
    """The tables that a page shows, in reading order (页面中的表); those without rows are left out, as the page numbers none of them.

    ``nb``: the executed notebook. Gives mappings as :class:`~linwu_stats.publish.tables_html.Fragment` describes them.
    """
    outputs = [output for cell in nb.cells for output in cell.get("outputs", [])]
    tables = [table for output in outputs for table in output.get("data", {}).get(TABLE_MIME, [])]
    return [dict(table) for table in tables if table["rows"]]


def page_workbook(nb: Any, page: Mapping[str, Any]) -> bytes | None:
    """The workbook of a page (配套工作簿), or None for a page without tables.

    ``page``: what the page's shell shows (title, facts, provenance, command, is_sample), as for ``notebook_to_html``.
    """
    tables = page_tables(nb)
    return tables_workbook(tables, page) if tables else None


def tables_workbook(tables: Sequence[Mapping[str, Any]], page: Mapping[str, Any]) -> bytes:
    """A workbook of tables (表格工作簿); arguments as of :func:`page_tables` and :func:`page_workbook`."""
    import xlsxwriter

    tables = [dict(table) for table in tables if table["rows"]]
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"title": _text(page["title"]), "created": _FIXED})
        styles = _Styles(book)
        contents = book.add_worksheet("目录")
        for number, table in enumerate(tables, 1):
            _table_sheet(book.add_worksheet(f"表{number}"), styles, number, table, page)
        _notes_sheet(book.add_worksheet("说明"), styles, page)
        _contents_sheet(contents, styles, tables, page)
    return buffer.getvalue()


class _Styles:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._numbers: dict[tuple[str, bool], Any] = {}
        base = {"font_name": _FONT, "font_size": 10.5, "valign": "vcenter"}
        self._cell = base | {"border": 1}
        self.title = book.add_format({**base, "bold": True, "font_size": 16, "align": "center"})
        self.subtitle = book.add_format({**base, "align": "left"})
        self.heading = book.add_format({**base, "border": 1, "bold": True, "align": "center", "text_wrap": True, "bg_color": "#E8EEF4"})
        self.text = book.add_format({**self._cell, "text_wrap": True})
        self.note = book.add_format({**base, "text_wrap": True, "valign": "top"})
        self.link = book.add_format({**base, "font_color": "#12436D", "underline": 1})
        self.mark = book.add_format({**base, "bold": True, "font_color": "#8B1A1A"})

    def number(self, kind: str, signed: bool) -> Any:
        """The format of a number as the page shows it."""
        if (kind, signed) not in self._numbers:
            shown = _GAINS.get(kind, _FORMATS[kind]) if signed else _FORMATS[kind]
            self._numbers[kind, signed] = self._book.add_format({**self._cell, "align": "right", "num_format": shown})
        return self._numbers[kind, signed]


def _table_sheet(sheet: Any, styles: _Styles, number: int, table: Mapping[str, Any], page: Mapping[str, Any]) -> None:
    columns, rows = table["columns"], table["rows"]
    last = max(len(columns) - 1, 1)
    sheet.merge_range(0, 0, 0, last, "", styles.title)
    sheet.write_string(0, 0, _text(table["caption"]), styles.title)
    sheet.set_row(0, 30)
    sheet.write_string(1, 0, _text(_line_below(page, number)), styles.subtitle)
    for place, column in enumerate(columns):
        unit = f"\n（{column['unit']}）" if column["unit"] else ""
        sheet.write_string(2, place, _text(column["heading"] + unit), styles.heading)
    for row_number, row in enumerate(rows, 3):
        for place, (value, column) in enumerate(zip(row, columns, strict=True)):
            if isinstance(value, str):
                sheet.write_string(row_number, place, _text(value), styles.text)
            else:
                sheet.write_number(row_number, place, value, styles.number(column["kind"], column["signed"]))
    if table["note"]:
        end = 3 + len(rows)
        sheet.merge_range(end, 0, end, last, "", styles.note)
        sheet.write_string(end, 0, _text(f"注：{table['note']}"), styles.note)
        sheet.set_row(end, 15 * (1 + len(table["note"]) // 40))
    for place, column in enumerate(columns):
        sheet.set_column(place, place, _width(column, [row[place] for row in rows]))
    sheet.freeze_panes(3, 1)
    _print_on_a4(sheet, wide=sum(_width(column, [row[place] for row in rows]) for place, column in enumerate(columns)) > 95)
    sheet.repeat_rows(2)


def _contents_sheet(sheet: Any, styles: _Styles, tables: Sequence[Mapping[str, Any]], page: Mapping[str, Any]) -> None:
    sheet.merge_range(0, 0, 0, 1, "", styles.title)
    sheet.write_string(0, 0, _text(page["title"]), styles.title)
    sheet.set_row(0, 30)
    if page["is_sample"]:
        sheet.write_string(1, 0, "示例数据，全部虚构，不得作为工作依据。", styles.mark)
    sheet.write_string(2, 0, "表号", styles.heading)
    sheet.write_string(2, 1, "表名", styles.heading)
    for number, table in enumerate(tables, 1):
        sheet.write_url(2 + number, 0, f"internal:'表{number}'!A1", styles.link, f"表{number}")
        sheet.write_string(2 + number, 1, _text(table["caption"]), styles.text)
    sheet.write_url(3 + len(tables), 0, "internal:'说明'!A1", styles.link, "说明")
    sheet.set_column(0, 0, 10)
    sheet.set_column(1, 1, 80)
    _print_on_a4(sheet, wide=False)


def _notes_sheet(sheet: Any, styles: _Styles, page: Mapping[str, Any]) -> None:
    facts = [*page["facts"], *page["provenance"]["facts"], ("复现命令", page["command"])]
    facts += [("本地调整的规则", "、".join(page["provenance"].get("overrides", [])) or "无")]
    facts += [("待确认的规则", "、".join(page["provenance"].get("to_confirm", [])) or "无")]
    facts += [("数值", "单元格存未舍入的数，按格式显示；未知写明“未知”，不是零。部分数据合计由于单位取舍不同而产生的计算误差均未作调整。")]
    sheet.write_string(0, 0, "说明", styles.title)
    for number, (term, text) in enumerate(facts, 1):
        sheet.write_string(number, 0, _text(str(term)), styles.heading)
        sheet.write_string(number, 1, _text(str(text)), styles.text)
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 90)
    _print_on_a4(sheet, wide=False)


def _print_on_a4(sheet: Any, *, wide: bool) -> None:
    sheet.set_paper(9)
    if wide:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&C第 &P 页，共 &N 页")


def _line_below(page: Mapping[str, Any], number: int) -> str:
    facts = dict(page["facts"])
    mark = "　内部审核，不得公开" if page.get("internal") else "　内部使用，不得公开" if page.get("restricted") else ""
    mark += "　示例数据，全部虚构" if page["is_sample"] else ""
    return f"表{number}　{facts.get('报告期', '')}　{page['area_name']}{mark}"


def _width(column: Mapping[str, Any], values: Sequence[Any]) -> float:
    shown = [_columns_of(str(column["heading"])), _columns_of(column["unit"]) + 4]
    shown += [_columns_of(value) if isinstance(value, str) else len(f"{value:,.2f}") for value in values[:200]]
    return float(min(max(shown) + 2, _WIDEST))


def _columns_of(text: str) -> int:
    return sum(2 if ord(one) > 0x2E7F else 1 for one in text)


def _text(text: str) -> str:
    """Text that a workbook can hold: no control characters, not longer than a cell."""
    return _CONTROL.sub("", text)[:32_000]
