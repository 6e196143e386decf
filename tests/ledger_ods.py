"""OpenDocument ledgers, and what can be wrong with them; they join the register of :mod:`ledger_faults`."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ledger_faults import NO_WAGE, Rows, fault
from ledger_files import NET, ods_cell, write_ods


def xml(rows: Rows, changes: dict[tuple[int, int], str] | None = None, row_facts: dict[int, str] | None = None) -> str:
    """The XML of the rows with some cells (row, column from 0) and attributes of rows put in place."""
    out = ""
    for number, row in enumerate(rows):
        cells = "".join((changes or {}).get((number, place)) or ods_cell(value) for place, value in enumerate(row))
        out += f"<table:table-row{(row_facts or {}).get(number, '')}>{cells}</table:table-row>"
    return out


@fault("ods", "accept", "", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    return write_ods(path, rows)


@fault("ods_named_xlsx", "accept", "SUFFIX", says="ods")
def _(rows: Rows, path: Path) -> Path:
    return write_ods(path, rows)


@fault("ods_about", "flag", "NUM_NOT_EXACT", "G4", net=NO_WAGE, says="工资性收入", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    rows[3][6] = "约3600"
    return write_ods(path, rows)


@fault("ods_text_number", "repair", "NUM_TEXT", "G4", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    rows[3][6] = "3632.69"
    return write_ods(path, rows)


@fault("ods_id_number", "flag", "ID_PRECISION_LOST", "C5", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    rows[4][2] = 4.31099194304301e17
    return write_ods(path, rows)


@fault("ods_date_in_money", "flag", "NUM_TYPE", "G4", net=NO_WAGE, suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    date = '<table:table-cell office:value-type="date" office:date-value="2018-03-04"><text:p>3-4</text:p></table:table-cell>'
    return write_ods(path, xml(rows, {(3, 6): date}))


@fault("ods_formula_saved", "accept", "", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    return write_ods(path, xml(rows, {(3, 6): ods_cell(3632.69, ' table:formula="of:=3000+632.69"')}))


@fault("ods_formula_no_value", "flag", "FORMULA_NO_VALUE", "G4", net=NO_WAGE, suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    return write_ods(path, xml(rows, {(3, 6): '<table:table-cell table:formula="of:=3000+632.69"/>'}))


@fault("ods_formula_error", "flag", "NUM_EXCEL_ERROR", "G4", net=NO_WAGE, suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    error = '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value=""><text:p>#DIV/0!</text:p></table:table-cell>'
    return write_ods(path, xml(rows, {(3, 6): error}))


@fault("ods_hidden_row", "flag", "HIDDEN_ROWS", "A10:P10", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    return write_ods(path, xml(rows, row_facts={9: ' table:visibility="collapse"'}))


@fault("ods_hidden_column", "flag", "HIDDEN_COLUMN", "G1:G49", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    columns = '<table:table-column table:number-columns-repeated="6"/><table:table-column table:visibility="collapse"/>'
    return write_ods(path, columns + xml(rows))


@fault("ods_hidden_sheet", "reject", "HIDDEN_SHEET", net=None, rows=0, suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    style = '<style:style style:name="ta1" style:family="table"><style:table-properties table:display="false"/></style:style>'
    return write_ods(path, rows, table=' table:style-name="ta1"', styles=style)


@fault("ods_struck", "flag", "STRUCK_ROW", "G4", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    style = '<style:style style:name="ce1"><style:text-properties style:text-line-through-style="solid"/></style:style>'
    return write_ods(path, xml(rows, {(3, 6): ods_cell(3632.69, ' table:style-name="ce1"')}), styles=style)


@fault("ods_comment", "flag", "COMMENTS", "G4", says="待核", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    cell = ('<table:table-cell office:value-type="float" office:value="3632.69"><office:annotation><text:p>待核</text:p></office:annotation>'
            "<text:p>3632.69</text:p></table:table-cell>")
    return write_ods(path, xml(rows, {(3, 6): cell}))


@fault("ods_merged_township", "repair", "MERGED_FILLED", "D2:D17", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    changes = {(1, 3): ods_cell(rows[1][3], ' table:number-rows-spanned="16"')} | {(row, 3): "<table:covered-table-cell/>" for row in range(2, 17)}
    return write_ods(path, xml(rows, changes))


@fault("ods_repeated_row_is_a_household_twice", "flag", "DUPLICATE_HOUSEHOLD", "A3", rows=49, net=round(NET + 11780.56, 2), suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    return write_ods(path, xml(rows, row_facts={1: ' table:number-rows-repeated="2"'}))


@fault("ods_note_far", "flag", "STRAY_CELLS", "A1000001", says="待核", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    gap = '<table:table-row table:number-rows-repeated="999951"><table:table-cell/></table:table-row>'
    return write_ods(path, xml(rows) + gap + xml([["待核"]]))


@fault("ods_password", "reject", "ENCRYPTED", net=None, rows=0, says="密码", suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    return write_ods(path, rows, manifest="<manifest><encryption-data/></manifest>")


@fault("ods_dtd", "reject", "XML_DTD", net=None, rows=0, suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("content.xml", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "a">]><x>&a;</x>')
    return path


@fault("ods_bomb", "reject", "TOO_LARGE", net=None, rows=0, suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    bomb = '<table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="16384" office:value-type="string">'
    bomb += "<text:p>x</text:p>"
    return write_ods(path, xml(rows) + bomb + "</table:table-cell></table:table-row>")


@fault("ods_damaged", "reject", "DAMAGED", net=None, rows=0, suffix=".ods")
def _(rows: Rows, path: Path) -> Path:
    return write_ods(path, xml(rows)[:-40])
