"""What the departments' lists say of people of the register (部门名册) in the two newest quarters, and which of it is a doubt (真实疑点).

Most rows are no doubt: motorcycles, relocation housing, members of a co-operative, people who only share a name. Each list is drawn from the county's seed,
so that a doubt of the last quarter is in the next one's list too, save those that have been settled by then.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from linwu_stats.synthetic.county import County
from linwu_stats.synthetic.dates import NOW, QUARTERS, YEAR_END
from linwu_stats.synthetic.department_draws import LISTS, Drawn, is_steady
from linwu_stats.synthetic.draw import Draw

__all__ = ["DEPARTMENT_FILES", "DEPARTMENT_HEADINGS", "department_rows", "true_flags"]

DEPARTMENT_FILES = {
    "payroll": "财政供养人员名册.xlsx", "vehicles": "机动车登记.xlsx", "property": "不动产登记.xlsx", "business": "市场主体登记.xlsx",
    "pension": "养老保险待遇发放.csv", "deaths": "死亡人口.xlsx", "disability": "残疾人证.xlsx", "enrolment": "在校学籍.csv", "medical": "医保参保.csv",
    "allowance": "低保对象.xlsx",
}
DEPARTMENT_HEADINGS = {
    "payroll": ["序号", "姓名", "身份证号", "工作单位", "人员类别", "职务", "参加工作日期", "月应发工资(元)", "住址"],
    "vehicles": ["序号", "号牌号码", "号牌种类", "车辆类型", "中文品牌", "所有人", "身份证明号码", "住所地址", "初次登记日期", "使用性质", "机动车状态"],
    "property": ["序号", "不动产权证号", "权利人", "证件号码", "坐落", "规划用途", "建筑面积(平方米)", "权利性质", "取得方式", "登记日期"],
    "business": ["序号", "统一社会信用代码", "企业名称", "主体类型", "姓名", "身份证号", "人员身份", "住址", "成立日期", "登记状态", "最近年报年度"],
    "pension": ["序号", "姓名", "身份证号", "险种", "月待遇(元)", "发放状态", "住址"],
    "deaths": ["序号", "姓名", "身份证号", "性别", "出生日期", "户籍地址", "死亡日期", "户口注销日期"],
    "disability": ["序号", "姓名", "身份证号", "残疾人证号", "残疾类别", "残疾等级", "发证日期", "证件状态", "住址"],
    "enrolment": ["序号", "学生姓名", "身份证号", "学校名称", "学段", "年级", "学籍状态", "家庭住址"],
    "medical": ["序号", "姓名", "身份证号", "险种", "参保年度", "缴费状态", "住址"],
    "allowance": ["序号", "姓名", "身份证号", "低保证号", "保障类别", "保障人口", "月保障金额(元)", "起始年月", "保障状态", "住址"],
}
def department_rows(county: County, place: int, name: str) -> list[list[Any]]:
    """Rows of a department's list in a quarter (部门名册), numbered, in an order of their own."""
    return [[number, *row] for number, row in enumerate(Draw(county.seed, "order", name).shuffled(_drawn(county, place, name).rows), start=1)]


def true_flags(county: County, quarter: str) -> pd.DataFrame:
    """The doubts that the lists of a quarter raise (真实疑点): flag_key, household_id, person_id (blank: of the household), strength (exact, weak).

    A person is named once for each flag. Raises ValueError for a quarter without department lists.
    """
    place = QUARTERS.index(quarter)
    if place < YEAR_END:
        raise ValueError(f"the sample has no department lists in {quarter} (该季度没有部门名册)")
    found = [flag for name in DEPARTMENT_FILES for flag in _drawn(county, place, name).flags]
    return pd.DataFrame(sorted(set(found), key=str), columns=["flag_key", "household_id", "person_id", "strength"], dtype="string")


def _drawn(county: County, place: int, name: str) -> Drawn:
    draw = Draw(county.seed, "department", name)
    steady = [(row, person) for row in county.households if row.there(YEAR_END) and row.there(NOW) for person in row.members if is_steady(person)]
    taken = Drawn(county, place, draw, draw.shuffled(steady))
    LISTS[name](taken)
    return taken
