"""Codes and their official Chinese terms (代码表)."""

from __future__ import annotations

__all__ = ["CODES", "POOR"]

#: Statuses that count as poor (未脱贫人口): everybody who is not out.
POOR = ("not_out", "pre_out", "returned")

#: Codes and their official Chinese terms. A code list is closed: ``conform`` refuses another value.
CODES: dict[str, dict[str, str]] = {
    "poverty_status": {"not_out": "未脱贫", "pre_out": "预脱贫", "out": "已脱贫", "returned": "返贫"},
    "attribute": {"general": "一般贫困户", "low_income": "低保贫困户", "five_guarantee": "五保贫困户"},
    "standard": {"national": "国家标准", "province": "省定标准", "city": "市定标准"},
    "cause": {
        "illness": "因病", "disability": "因残", "study": "因学", "disaster": "因灾", "land": "缺土地", "water": "缺水",
        "skill": "缺技术", "labour": "缺劳力", "funds": "缺资金", "transport": "交通条件落后",
        "motivation": "自身发展动力不足", "marriage": "因婚", "bereavement": "因丧", "other": "其他",
    },
    "relation": {
        "head": "户主", "spouse": "配偶", "son": "之子", "daughter": "之女", "daughter_in_law": "之儿媳",
        "son_in_law": "之女婿", "grandson": "之孙子", "granddaughter": "之孙女", "maternal_grandson": "之外孙子",
        "maternal_granddaughter": "之外孙女", "father": "之父", "mother": "之母", "wife_father": "之岳父",
        "wife_mother": "之岳母", "husband_father": "之公公", "husband_mother": "之婆婆", "grandfather": "之祖父",
        "grandmother": "之祖母", "maternal_grandfather": "之外祖父", "maternal_grandmother": "之外祖母", "other": "其他",
    },
    "sex": {"male": "男", "female": "女"},
    "education": {
        "illiterate": "文盲或半文盲", "primary": "小学", "junior": "初中", "senior": "高中", "college": "大专及以上",
        "preschool": "学龄前儿童",
    },
    "schooling_stage": {
        "none": "非在校生", "preschool": "学前教育", "primary": "小学", "junior": "初中", "senior": "高中",
        "vocational": "中职", "higher_vocational": "高职", "college": "大专及以上",
    },
    "health": {"healthy": "健康", "chronic": "长期慢性病", "serious": "患有大病", "disabled": "残疾"},
    "labour": {
        "ordinary": "普通劳动力", "skilled": "技能劳动力", "weak": "弱劳动力或半劳动力", "lost": "丧失劳动力", "none": "无劳动力",
    },
    "work_place": {"township": "乡(镇)内务工", "county": "乡(镇)外县内务工", "province": "县外省内务工", "outside": "省外务工", "other": "其他"},
    "change": {
        "dead": "死亡", "married_out": "嫁出", "emigrated": "出国定居", "prison": "判刑收监", "married_in": "嫁入",
        "newborn": "新生儿", "moved_in": "其他转入", "moved_out": "其他转出",
    },
    "school_state": {
        "in_school": "在校", "home_teaching": "送教上门", "medically_unable": "因病因残不能就学", "finished": "已完成义务教育",
        "dropout": "失学辍学",
    },
    "basic_insurance": {"resident": "城乡居民医保", "employee": "职工医保", "both": "重复参保", "none": "未参保"},
    "insurance_exception": {"newborn": "新生儿办理中", "soldier": "现役军人"},
    "housing_grade": {"A": "A级", "B": "B级", "C": "C级", "D": "D级"},
    "housing_measure": {"none": "无", "repaired": "修缮加固", "rebuilt": "拆除重建", "moved": "易地搬迁"},
    "village_kind": {"province": "省级贫困村", "city": "市级贫困村", "none": "非贫困村"},
    "village_status": {"out": "已退出", "not_out": "未退出", "not_poor": "非贫困村"},
    "item_class": {"wage": "工资性收入", "business": "生产经营性收入", "property": "财产性收入", "transfer": "转移性收入", "cost": "生产经营性支出"},
    "period": {"quarter": "本季", "ytd": "本年度累计", "last4": "最近四个季度", "year": "上一完整年度"},
    "income_source": {"items": "收入明细台账", "sheet": "季度收入表", "mixed": "明细和季度收入表", "none": "无"},
    "outcome": {"met": "达标", "not_met": "未达标", "unknown": "未知"},
    "income_outcome": {
        "met": "达标", "not_met": "未达标", "already_reached": "已达到", "not_yet": "尚未达到", "unknown": "未知",
    },
    "verdict": {"meets_exit": "符合退出条件", "not_out": "不符合退出条件", "unknown": "不能判定"},
    "level": {"county": "县", "township": "乡镇", "village": "村"},
    "check_subject": {"household": "户", "person": "人", "village": "村"},
    "check_outcome": {"fail": "有问题", "unknown": "未知"},
    "check_severity": {"error": "错误", "warning": "疑点"},
    "transition": {
        "stayed_poor": "仍未脱贫", "stayed_out": "仍已脱贫", "newly_out": "新脱贫", "fallen_back": "返贫", "newly_registered": "新识别",
        "left_register": "移出", "unknown": "未知",
    },
}
