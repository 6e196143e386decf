"""The law as data: what is refused, what is in force, what a county may replace."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path

import pytest
import yaml

from linwu_stats.rules import LAW_FOLDER, RULE_FILES, LawError, law_digest, rules_at

DAY = dt.date(2018, 3, 31)


@pytest.fixture
def law(tmp_path: Path) -> Path:
    folder = tmp_path / "law"
    shutil.copytree(LAW_FOLDER, folder)
    return folder


def change(folder: Path, file: str, key: str, edit) -> None:
    path = folder / file
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    entry = next(entry for entry in entries if entry["key"] == key)
    edit(entry, entries)
    path.write_text(yaml.safe_dump(entries, allow_unicode=True, sort_keys=False), encoding="utf-8")


def value(entry, **fields):
    entry["values"][0].update(fields)


# Amounts of domain.md section 2, in yuan.
NBS = {2010: 2300, 2011: 2536, 2012: 2625, 2013: 2736, 2014: 2800, 2015: 2855, 2016: 2952, 2017: 2952, 2018: 2995, 2019: 3218}
SIX_PERCENT = {2014: 2800, 2015: 2968, 2016: 3146, 2017: 3335, 2018: 3535, 2019: 3747, 2020: 4000}


@pytest.mark.parametrize(("basis", "year", "yuan"), [("nbs", y, v) for y, v in NBS.items()] + [("central_work", y, v) for y, v in SIX_PERCENT.items()])
def test_lines_are_those_of_the_document(basis, year, yuan):
    assert rules_at(DAY).line_fen(year, basis) == yuan * 100


def test_central_line_is_six_percent_a_year_rounded():
    for year, yuan in SIX_PERCENT.items():
        if year < 2020:
            assert yuan == int(2800 * 1.06 ** (year - 2014) + 0.5)


def test_a_year_without_a_line_is_unknown_not_zero():
    assert rules_at(DAY).line_fen(2013, "central_work") is None
    assert rules_at(DAY).line_fen(2020, "nbs") is None
    with pytest.raises(KeyError, match=r"line\.moon"):
        rules_at(DAY).line_fen(2018, "moon")


def test_thirteen_townships_and_their_codes():
    towns = {rule.key: rule.value for rule in rules_at(DAY).under("township.")}
    assert len(towns) == 13
    assert towns["township.431025105"] == "南强镇"
    assert towns["township.431025216"] == "西山瑶族乡"


def test_every_rule_has_a_source_and_a_status():
    for rule in rules_at(DAY).values():
        assert rule.document
        assert rule.status in ("confirmed", "to_confirm")
        assert rule.from_date <= DAY <= (rule.to_date or DAY)


def test_item_headings_are_unique_so_that_a_ledger_line_has_one_meaning():
    names = [name for rule in rules_at(DAY).under("item.") for name in (rule.value["heading"], *rule.value.get("aliases", ()))]
    assert len(names) == len(set(names))


def test_unknown_key_names_its_neighbours():
    with pytest.raises(KeyError, match=r"exit\.household\.water"):
        rules_at(DAY)["exit.household.watre"]


def test_a_key_outside_its_dates_says_when_it_holds():
    with pytest.raises(KeyError, match="2018-01-01 to 2018-12-31"):
        rules_at("2019-03-31")["exit.county.target_2018"]


@pytest.mark.parametrize("day", ["2018-02-30", "31.3.2018", "", "1999-01-01"])
def test_bad_or_lawless_day_is_refused(day):
    with pytest.raises(LawError):
        rules_at(day)


REFUSED = {
    "gap": ("poverty_lines.yaml", "line.nbs", lambda e, a: e["values"].pop(3), "有效期中断"),
    "overlap": ("poverty_lines.yaml", "line.nbs", lambda e, a: value(e, to=dt.date(2011, 1, 1)), "有效期重叠"),
    "open end inside": ("poverty_lines.yaml", "line.nbs", lambda e, a: e["values"][0].pop("to"), "有效期重叠"),
    "ends before it starts": ("poverty_lines.yaml", "line.nbs", lambda e, a: value(e, to=dt.date(2009, 1, 1)), "有效期有误"),
    "day as text": ("poverty_lines.yaml", "line.nbs", lambda e, a: value(e, **{"from": "last year"}), "有效期有误"),
    "key twice": ("headcount.yaml", "headcount.rule", lambda e, a: a.append(dict(e)), "重复"),
    "key in two files": ("headcount.yaml", "headcount.rule", lambda e, a: a.append({**e, "key": "period.rule"}), "重复"),
    "unknown prefix": ("headcount.yaml", "headcount.rule", lambda e, a: e.update(key="heads.rule"), "未知的规则类别"),
    "unknown field": ("headcount.yaml", "headcount.rule", lambda e, a: value(e, valid=True), "未知字段"),
    "unknown field in a value": ("exit_criteria.yaml", "exit.village.incidence", lambda e, a: e["values"][0]["value"].update(treshold=1), "未知字段"),
    "wrong unit": ("income_items.yaml", "price.rice", lambda e, a: e.update(unit="yuan"), "单位不符"),
    "line in 万元": ("poverty_lines.yaml", "line.nbs", lambda e, a: e.update(unit="wan_yuan"), "单位不符"),
    "negative price": ("income_items.yaml", "price.rice", lambda e, a: value(e, value=-1), "数字有误"),
    "price as text": ("income_items.yaml", "price.rice", lambda e, a: value(e, value="2.60元"), "应为数字"),
    "not a number": ("income_items.yaml", "price.rice", lambda e, a: value(e, value=float("nan")), "数字有误"),
    "line below a fen": ("poverty_lines.yaml", "line.nbs", lambda e, a: value(e, value=2300.001), "不足一分"),
    "bad sign": ("exit_criteria.yaml", "exit.household.income", lambda e, a: e["values"][0]["value"].update(sign="=>"), "比较符号"),
    "share above one": ("exit_criteria.yaml", "exit.village.incidence", lambda e, a: e["values"][0]["value"].update(share=2), "比例"),
    "cost with plus sign": ("income_items.yaml", "item.cost.tax", lambda e, a: e["values"][0]["value"].update(sign=1), "符号有误"),
    "counted as text": ("income_items.yaml", "item.cost.tax", lambda e, a: e["values"][0]["value"].update(counted="no"), "true 或 false"),
    "class": ("income_items.yaml", "item.cost.tax", lambda e, a: e["values"][0]["value"].update({"class": "costs"}), "收入类别"),
    "no such price": ("income_items.yaml", "item.business.rice", lambda e, a: e["values"][0]["value"].update(in_kind_price="price.ric"), "没有该价格"),
    "choice": ("poverty_lines.yaml", "line.basis", lambda e, a: value(e, value="nbss"), "选项有误"),
    "choice without rule": ("headcount.yaml", "headcount.rule", lambda e, a: value(e, value="everybody"), "没有该规则"),
    "status": ("headcount.yaml", "headcount.rule", lambda e, a: value(e, status="sure"), "状态有误"),
    "no document": ("headcount.yaml", "headcount.rule", lambda e, a: value(e, document=" "), "缺少依据"),
    "no values": ("headcount.yaml", "headcount.rule", lambda e, a: e.update(values=[]), "缺少取值"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(law, name):
    file, key, edit, words = REFUSED[name]
    change(law, file, key, edit)
    with pytest.raises(LawError, match=words):
        rules_at(DAY, law_dir=law)


def test_the_same_field_twice_is_refused_where_plain_yaml_takes_the_last(law):
    path = law / "headcount.yaml"
    twice = path.read_text(encoding="utf-8").replace("    - from: 2014-01-01\n", "    - from: 2014-01-01\n      from: 2015-01-01\n", 1)
    path.write_text(twice, encoding="utf-8")
    with pytest.raises(LawError, match="字段重复"):
        rules_at(DAY, law_dir=law)


@pytest.mark.parametrize("content", [b"- key: [", b"\xff\xfe\x00", "key: 一".encode("gbk"), b"just text", b"- 1", b""])
def test_a_file_that_is_no_list_of_rules_is_refused(law, content):
    (law / "headcount.yaml").write_bytes(content)
    with pytest.raises(LawError, match=r"headcount\.yaml"):
        rules_at(DAY, law_dir=law)


def test_a_missing_file_is_refused(law):
    (law / RULE_FILES[0]).unlink()
    with pytest.raises(LawError, match=RULE_FILES[0]):
        rules_at(DAY, law_dir=law)


OWN = """
- key: {key}
  term: 本省工作标准
  unit: yuan_per_person_year
  values:
    - from: 2018-01-01
      to: 2018-12-31
      value: 3210
      status: confirmed
      document: 本省文件
"""


def test_a_county_replaces_a_single_key_and_is_listed(tmp_path):
    (tmp_path / "lines.yaml").write_text(OWN.format(key="line.province_work"), encoding="utf-8-sig")
    rules = rules_at(DAY, overrides_dir=tmp_path)
    assert rules.line_fen(2018, "province_work") == 321000
    assert [rule.key for rule in rules.overridden()] == ["line.province_work"]
    assert rules["line.province_work"].origin == "lines.yaml"
    assert rules.packaged("line.province_work").value == 3200
    assert rules.line_fen(2018, "central_work") == 353500
    assert rules_at(DAY).overridden() == []
    assert law_digest(tmp_path) != law_digest()


@pytest.mark.parametrize("key", ["line.province_wrk", "exit.household.pets"])
def test_a_county_cannot_replace_what_is_not_there(tmp_path, key):
    (tmp_path / "lines.yaml").write_text(OWN.format(key=key).replace("yuan_per_person_year", "criterion" if "exit" in key else "yuan_per_person_year")
                                         .replace("value: 3210", "value: {needs: true}" if "exit" in key else "value: 3210"), encoding="utf-8")
    with pytest.raises(LawError, match="没有这条规则"):
        rules_at(DAY, overrides_dir=tmp_path)


def test_own_values_hold_on_their_days_and_the_packaged_ones_on_all_others(tmp_path):
    (tmp_path / "lines.yaml").write_text(OWN.format(key="line.central_work"), encoding="utf-8")
    rules = rules_at(DAY, overrides_dir=tmp_path)
    assert [rules.line_fen(year) for year in (2016, 2017, 2018, 2019)] == [314600, 333500, 321000, 374700]
    (tmp_path / "lines.yaml").write_text(
        "- key: headcount.rule\n  term: 计算人口口径\n  unit: choice\n  values:\n"
        "    - {from: 2018-01-01, value: resident, status: confirmed, document: 本县办法}\n", encoding="utf-8")
    assert rules_at("2017-12-31", tmp_path).value("headcount.rule") == "registered"
    assert rules_at("2018-01-01", tmp_path).value("headcount.rule") == "resident"
    assert rules_at("2017-12-31", tmp_path).overridden() == []


def test_the_task_of_another_year_may_be_added(tmp_path):
    (tmp_path / "task.yaml").write_text(
        "- key: exit.county.target_2019\n  term: 2019年减贫任务\n  unit: criterion\n  values:\n    - from: 2019-01-01\n      to: 2019-12-31\n"
        "      value: {exits_persons: 3000, share: 0.01, sign: '<=', villages: 0, denominator: rural_population_persons}\n"
        "      status: confirmed\n      document: 任务文件\n", encoding="utf-8")
    assert rules_at("2019-03-31", tmp_path).value("exit.county.target_2019")["exits_persons"] == 3000


EDUCATION, MEDICAL, HOUSING = "exit.household.education", "exit.household.medical", "exit.household.housing"
MISSPELT = {
    "text for a list": (EDUCATION, {"accepted": "in_school"}), "a code that is none": (HOUSING, {"mended_by": ["repaird"]}),
    "nothing accepted": (EDUCATION, {"accepted": []}), "text for true": (MEDICAL, {"needs_serious_illness": "false"}),
    "one code as text": (MEDICAL, {"basic": "resident"}), "ages the wrong way": (EDUCATION, {"age_from": 16}),
    "income below the line": ("exit.household.income", {"sign": "<="}), "no margin": ("exit.household.income", {"margin_share": None}),
    "nothing needed": ("exit.village.infrastructure", {"needs": []}), "a column as text": ("exit.village.infrastructure", {"needs": "paved_road"}),
    "fetching longer": ("exit.household.water", {"fetch_sign": ">="}), "no sign": ("exit.household.water", {"litres_sign": None}),
    "another denominator": ("exit.village.incidence", {"denominator": "persons"}), "who leaves": ("headcount.change_status", {"leaves": ["deaded"]}),
    "a year without a month": ("period.fiscal", {"start_month": None}), "two years": ("period.rolling12", {"months": 24}),
}
FILES = {"exit": "exit_criteria.yaml", "headcount": "headcount.yaml", "period": "accounting_periods.yaml"}


@pytest.mark.parametrize("name", MISSPELT)
def test_a_misspelt_criterion_is_refused_before_it_decides_anything(law, name):
    key, fields = MISSPELT[name]

    def edit(entry, entries):
        part = entry["values"][0]["value"]
        for field, new in fields.items():
            if new is None:
                part.pop(field)
            else:
                part[field] = new

    change(law, FILES[key.split(".")[0]], key, edit)
    with pytest.raises(LawError, match=re.escape(key)):
        rules_at(DAY, law_dir=law)


def test_the_same_key_replaced_by_two_files_is_refused(tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(OWN.format(key="line.province_work"), encoding="utf-8")
    with pytest.raises(LawError, match="改写两次"):
        rules_at(DAY, overrides_dir=tmp_path)


def test_a_county_may_add_an_item(tmp_path):
    (tmp_path / "items.yaml").write_text("""
- key: item.business.snails
  term: 田螺收入
  unit: item
  values:
    - from: 2014-01-01
      value: {class: business, sign: 1, counted: true, why: 本县特色, heading: 田螺收入}
      status: confirmed
      document: 本县收入核算办法
""", encoding="utf-8")
    assert rules_at(DAY, overrides_dir=tmp_path)["item.business.snails"].overridden


def test_the_order_of_files_and_line_endings_do_not_change_the_digest(tmp_path):
    text = OWN.format(key="line.province_work")
    (tmp_path / "lines.yaml").write_bytes(text.encode("utf-8"))
    unix = law_digest(tmp_path)
    (tmp_path / "lines.yaml").write_bytes(text.replace("\n", "\r\n").encode("utf-8"))
    assert law_digest(tmp_path) == unix


def test_a_countys_own_checks_belong_to_the_digest(tmp_path):
    (tmp_path / "checks").mkdir()
    without = law_digest(tmp_path)
    (tmp_path / "checks" / "own.yaml").write_text("[]\n", encoding="utf-8")
    assert law_digest(tmp_path) != without
