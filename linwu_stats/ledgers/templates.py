"""Excel templates of a quarter's ledgers (填报模板): units in the headings, drop-down lists for coded columns, codes kept as text."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

from linwu_stats import RefusedError
from linwu_stats.ledgers.read import is_meant
from linwu_stats.rules import Rules
from linwu_stats.tables import CODES

__all__ = ["TEMPLATES", "write_templates"]

#: Rows that carry drop-down lists and text format; more rows than a county's largest ledger has.
LAST_ROW = 60_000
YES_NO = ("是", "否")
#: Excel refuses a list of choices longer than this in a cell's own rule; longer lists stand on a sheet of their own.
INLINE_LIMIT = 250


@dataclass(frozen=True)
class Field:
    """One heading: ``kind`` is text, number, money, date, yesno, or the name of a code list."""

    heading: str
    kind: str = "text"
    help: str = ""


def _f(*fields: str) -> tuple[Field, ...]:
    return tuple(Field(*(part.strip() for part in field.split("|"))) for field in fields)


_HOUSE = ("户编号", "户主姓名", "乡(镇)|township", "行政村")
#: File name (ASCII first, so that it survives zip tools), title and fields of each template. The reader knows the same headings.
TEMPLATES: dict[str, tuple[str, tuple[Field, ...]]] = {
    "01_persons_贫困人口": ("贫困人口名册", _f(
        "县(市、区、旗)", "乡(镇)|township", "行政村", "自然村", "户编号", "人编号", "姓名", "证件号码", "人数|number", "与户主关系|relation", "性别|sex",
        "出生日期|date|写作 1990-05-01", "民族", "文化程度|education", "在校生状况|schooling_stage", "健康状况|health", "劳动技能|labour",
        "务工状况|work_place", "务工时间(月)|number|0 至 12", "是否参加大病医疗|yesno", "脱贫属性|poverty_status", "脱贫年度|number", "贫困户属性|attribute",
        "识别标准|standard", "主要致贫原因|cause", "危房户|yesno", "饮水安全|yesno", "饮水困难|yesno", "人员变更|change|无变更留空", "是否常住|yesno",
        "联系电话")),
    "02_income_items_收入明细": ("收入明细台账", _f(
        "户编号", "户主姓名", "季度|quarter", "收入项目|item|从列表中选", "是否实物|yesno|自产自食或领取实物选“是”，并填数量",
        "金额(元)|money|实物可不填", "数量|number", "单位", "单价(元)|money", "备注")),
    "03_income_sheet_季度收入": ("季度收入表(本季发生额)", _f(
        "户编号", "户主姓名", "身份证号", "乡镇|township", "行政村", "家庭人口(人)|number", "工资性收入(元)|money", "生产经营性收入(元)|money",
        "财产性收入(元)|money", "转移性收入(元)|money", "生产经营性支出(元)|money", "纯收入(元)|signed", "人均纯收入(元)|signed", "脱贫属性|poverty_status",
        "脱贫年月||写作 2017.12", "备注")),
    "04_villages_行政村": ("行政村表", _f(
        "乡(镇)|township", "行政村", "行政村代码", "贫困村类别|village_kind", "退出状态|village_status", "退出年度|number", "乡村户籍人口(人)|number",
        "常住人口(人)|number", "村集体经济收入(元)|money", "通硬化路|yesno", "安全饮水达标|yesno", "通生活生产用电|yesno",
        "标准化卫生室|yesno", "就学便利|yesno", "新农合养老低保五保落实|yesno", "通宽带|yesno")),
    "05_housing_住房安全": ("住房安全台账", _f(
        *_HOUSE, "住房等级|housing_grade", "改造方式|housing_measure", "改造是否竣工入住|yesno", "鉴定书编号")),
    "06_water_饮水安全": ("饮水安全台账", _f(*_HOUSE, "人均日供水量(升)|number", "往返取水时间(分钟)|number", "年供水天数|number", "水质达标|yesno")),
    "07_living_两不愁": ("两不愁入户核查台账", _f(*_HOUSE, "不愁吃|yesno", "不愁穿|yesno")),
    "08_schooling_义务教育": ("义务教育台账", _f("户编号", "人编号", "姓名", "年龄|number", "就学状态|school_state")),
    "09_insurance_医疗保险": ("医疗保险台账", _f(
        "户编号", "人编号", "姓名", "基本医保|basic_insurance", "大病保险|yesno", "医疗救助|yesno", "例外情形|insurance_exception|没有则留空")),
}


def write_templates(folder: Path, rules: Rules, quarter: str) -> list[Path]:
    """Write the templates of ``quarter`` into ``folder`` (写出填报模板) and give their paths; a template that is already there is left as it is.

    Raises ``RefusedError`` where the folder holds other ledgers: empty templates beside them would be read as ledgers.

    Choices of items and townships come from the rules in force (``item.*``, ``township.*``), the others from the code lists of the tables.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{name}_{quarter}.xlsx" for name in TEMPLATES}
    if others := sorted(path.name for path in folder.iterdir() if path.name not in wanted and is_meant(path)):
        raise RefusedError(
            f"{quarter} has ledgers already (该季度已有台账，不再放入空模板): {'、'.join(others[:3])}。要用自己的台账，直接运行 check；"
            f"要用模板，先把 {folder} 中的文件移到别处，再运行同一条命令"
        )
    choices: dict[str, tuple[str, ...]] = {name: tuple(terms.values()) for name, terms in CODES.items()}
    choices |= {
        "yesno": YES_NO, "quarter": (quarter,),
        "item": tuple(rule.value["heading"] for rule in rules.under("item.")), "township": tuple(rule.value for rule in rules.under("township.")),
    }
    paths = []
    for name, (title, fields) in TEMPLATES.items():
        path = folder / f"{name}_{quarter}.xlsx"
        if not path.exists():
            _write_one(path, f"{title} {quarter}", fields, choices)
        paths.append(path)
    return paths


def _write_one(path: Path, title: str, fields: tuple[Field, ...], choices: dict[str, tuple[str, ...]]) -> None:
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": title, "created": dt.datetime(2018, 1, 1, tzinfo=dt.UTC)})
        sheet = book.add_worksheet("台账")
        head = book.add_format({"bold": True, "text_wrap": True, "border": 1, "align": "center", "valign": "vcenter", "bg_color": "#E3E9F2"})
        formats = {
            "text": book.add_format({"num_format": "@"}), "number": book.add_format({"num_format": "0"}), "money": book.add_format({"num_format": "0.00"}),
            "signed": book.add_format({"num_format": "0.00"}),
        }
        sheet.merge_range(0, 0, 0, len(fields) - 1, title, book.add_format({"bold": True, "font_size": 14, "align": "center"}))
        long_lists = [field for field in fields if field.kind in choices and len(",".join(choices[field.kind])) > INLINE_LIMIT]
        lists = book.add_worksheet("选项") if long_lists else None
        sheet.set_row(1, 32)
        for column, field in enumerate(fields):
            sheet.write_string(1, column, field.heading, head)
            sheet.set_column(column, column, max(10, 2 * len(field.heading) + 2), formats.get(field.kind, formats["text"]))
            rule = _validation(field, choices, lists, long_lists)
            if rule:
                sheet.data_validation(2, column, LAST_ROW, column, rule)
        sheet.freeze_panes(2, 0)


def _validation(field: Field, choices: dict[str, tuple[str, ...]], lists: Any, long_lists: list[Field]) -> dict[str, Any] | None:
    note = {"input_title": field.heading[:32], "input_message": field.help[:255]} if field.help else {}
    if field in long_lists:
        place = long_lists.index(field)
        lists.write_column(0, place, choices[field.kind])
        letter = "ABCDEFGHIJ"[place]
        return {"validate": "list", "source": f"=选项!${letter}$1:${letter}${len(choices[field.kind])}", **note}
    if field.kind in choices:
        return {"validate": "list", "source": list(choices[field.kind]), **note}
    if field.kind == "signed":
        return {"validate": "decimal", "criteria": "between", "minimum": -1e9, "maximum": 1e9, "ignore_blank": True, **note}
    if field.kind in ("number", "money"):
        message = {"error_title": "应为数字", "error_message": "请只填数字，不写单位、约数或文字；不清楚的留空"}
        return {"validate": "decimal", "criteria": ">=", "value": 0, "ignore_blank": True, **message, **note}
    return {"validate": "any", **note} if note else None
