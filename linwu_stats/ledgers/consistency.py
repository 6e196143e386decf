"""What only several cells show together (核对): sums, per-capita figures, sizes, duplicates, places, exit dates, total rows.

A figure that its neighbours contradict loses its value in the frame and keeps it in the control total.
"""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

from linwu_stats.ledgers.cells import MICRO, UNTRUSTED, is_blank, plain_text
from linwu_stats.ledgers.outcome import finding
from linwu_stats.ledgers.totals import check_totals, slack, yuan
from linwu_stats.ledgers.values import Parsed
from linwu_stats.ledgers.vocabulary import ROSTERS, says_nothing, squeeze, vocabulary

__all__ = ["PARTS", "check_across", "check_members", "check_sheet"]

PARTS = {"wage_fen": 1, "business_fen": 1, "property_fen": 1, "transfer_fen": 1, "cost_fen": -1}
#: Mistakes of unit and sign that a single cell can carry, with their name.
SLIPS = ((10_000, "乘以10000后相符，像是以万元填写"), (1_000, "乘以1000后相符，像是以千元填写"), (100, "乘以100后相符，像是小数点错位"),
         (10, "乘以10后相符，像是小数点错位"), (-1, "正负号相反后相符"))
ONE_ROW_PER_HOUSEHOLD = ("income_sheet", "housing", "water", "living")


def check_sheet(parsed: Parsed) -> None:
    """All checks within one sheet (表内核对); findings go to the grid's log, contradicted values become unknown."""
    if not parsed.grid.data:
        return
    check_totals(parsed)
    if check_units(parsed):
        _forget_money(parsed)
    else:
        check_unit_rows(parsed)
        check_sums(parsed)
        check_percapita(parsed)
    check_lost_digits(parsed)
    check_exit_dates(parsed)
    check_births(parsed)
    check_certificates(parsed)
    if parsed.grid.kind in ROSTERS:
        check_own_size(parsed)
    if parsed.grid.kind == "income_items":
        check_amounts(parsed)


def check_sums(parsed: Parsed) -> None:
    """Four incomes minus cost is the net income (纯收入等式); the one cell that a slip of unit or sign explains is named, else the total."""
    values = parsed.values
    if not {*PARTS, "net_fen"} <= values.keys():
        return
    most = slack(parsed)
    slips: list[tuple[int, str, str]] = []
    for position in parsed.first_rows():
        net = values["net_fen"][position]
        parts = [values[name][position] for name in PARTS]
        if net is None or None in parts:
            continue
        computed = _net(parts)
        if abs(computed - net) <= most:
            continue
        slip = _slip(parsed, position, computed, net, most)
        if slip:
            slips.append((position, *slip))
        else:
            parsed.say("SUM_MISMATCH", position, "net_fen", value=yuan(net), new=yuan(computed))
            values["net_fen"][position] = None
    _say_slips(parsed, slips)


def _net(parts: list[int]) -> int:
    return sum(sign * part for sign, part in zip(PARTS.values(), parts, strict=True))


def _slip(parsed: Parsed, position: int, computed: int, net: int, most: int) -> tuple[str, str] | None:
    """The only part that one slip of unit or sign would bring into balance, if the per-capita figure supports the net income."""
    if _percapita_fits(parsed, position, net) is False:
        return None
    found = []
    for name, sign in PARTS.items():
        value = parsed.values[name][position]
        wanted = value + sign * (net - computed)
        for times, words in SLIPS:
            if value and abs(value * times - wanted) <= most + 50 * abs(times):
                found.append((name, words))
                break
    return found[0] if len(found) == 1 else None


def _percapita_fits(parsed: Parsed, position: int, net: int) -> bool | None:
    """Whether the recorded per-capita figure is this net income divided by the recorded size; None where one of them is unknown."""
    if not {"percapita_fen", "recorded_size_persons"} <= parsed.values.keys():
        return None
    percapita, size = parsed.values["percapita_fen"][position], parsed.values["recorded_size_persons"][position]
    if percapita is None or not size:
        return None
    return abs(percapita * size - net) <= size * slack(parsed)


def _say_slips(parsed: Parsed, slips: list[tuple[int, str, str]]) -> None:
    by_column = Counter(name for _, name, _ in slips)
    whole = {name for name, count in by_column.items() if count >= 5 and count * 2 > sum(bool(value) for value in parsed.values[name])}
    for name in whole:
        words = next(words for _, column, words in slips if column == name)
        parsed.grid.log.append(finding("UNIT_SUSPECT", sheet=parsed.grid.sheet.name, cell=parsed.column_range(name), column=parsed.heading(name).label,
                                       detail=f"多数{words}"))
        parsed.values[name] = [None] * len(parsed.values[name])
    for position, name, words in slips:
        if name not in whole:
            parsed.say("SUM_MISMATCH.part", position, name, value=yuan(parsed.usable[name][position] or 0), detail=words)
            parsed.values[name][position] = None


def check_percapita(parsed: Parsed) -> None:
    """Net income divided by the household's size is the per-capita figure (人均纯收入)."""
    values = parsed.values
    if not {"percapita_fen", "net_fen", "recorded_size_persons"} <= values.keys():
        return
    nets = parsed.usable["net_fen"]
    for position in parsed.first_rows():
        percapita = values["percapita_fen"][position]
        net, size = nets[position], values["recorded_size_persons"][position]
        if percapita is None or net is None or not size or _percapita_fits(parsed, position, net):
            continue
        parts = [parsed.usable[name][position] for name in PARTS if name in values]
        if len(parts) == len(PARTS) and None not in parts and _percapita_fits(parsed, position, _net(parts)):
            continue
        parsed.say("PERCAP_MISMATCH", position, "percapita_fen", value=yuan(percapita), new=yuan(round(net / size)))
        values["percapita_fen"][position] = None


def check_units(parsed: Parsed) -> bool:
    """Whether the whole sheet is probably in another unit than it says (单位可疑)."""
    values = parsed.values
    if parsed.grid.kind != "income_sheet" or not set(PARTS) <= values.keys():
        return False
    amounts = [value for name in PARTS for value in values[name] if value]
    nets = [abs(value) for value in values.get("net_fen", []) if value] or amounts
    if len(amounts) < 5 or len(nets) < 3:
        return False
    typical, limits = median(nets), vocabulary().raw["limits"]
    if typical < limits["yuan_not_wan"] * MICRO and max(amounts) < 1_000 * MICRO:
        detail = f"多在{yuan(int(typical))}元上下，像是以万元、千元或百元填写"
    elif parsed.factor > 1 and typical > limits["amount_yuan"] * MICRO:
        detail = f"按注明的单位换算后多在{yuan(int(typical))}元上下，单位像是注错了"
    else:
        return False
    names = sorted((name for name in (*PARTS, "net_fen", "percapita_fen") if name in values), key=lambda name: parsed.heading(name).column)
    labels = "”“".join(parsed.heading(name).label for name in names)
    parsed.grid.log.append(finding("UNIT_SUSPECT", sheet=parsed.grid.sheet.name, cell=parsed.column_range(names[0], names[-1]), column=labels, detail=detail))
    return True


def check_unit_rows(parsed: Parsed) -> None:
    """Single rows all of whose amounts are a few yuan while the ledger's are thousands: probably in 万元, though their sum agrees (个别行单位可疑)."""
    values = parsed.values
    if parsed.grid.kind != "income_sheet" or not {*PARTS, "net_fen"} <= values.keys():
        return
    small = vocabulary().raw["limits"]["yuan_not_wan"] * MICRO
    nets = [abs(value) for value in values["net_fen"] if value]
    if len(nets) < 5 or median(nets) < 10 * small:
        return
    names = [name for name in (*PARTS, "net_fen", "percapita_fen") if name in values]
    first, *_, last = sorted((parsed.heading(name) for name in names), key=lambda heading: heading.column)
    for position, net in enumerate(values["net_fen"]):
        amounts = [abs(values[name][position]) for name in PARTS if values[name][position]]
        if net and len(amounts) > 1 and max(*amounts, abs(net)) < small:
            row = parsed.grid.data[position]
            cell = f"{parsed.grid.sheet.cell(row, first.column)}:{parsed.grid.sheet.cell(row, last.column)}"
            labels = "”“".join(parsed.heading(name).label for name in names)
            detail = f"只有几元（纯收入{yuan(net)}），像是以万元填写"
            parsed.say("UNIT_SUSPECT", position, "net_fen", cell=cell, column=labels, value=yuan(net), detail=detail)
            for name in names:
                values[name][position] = None


def _forget_money(parsed: Parsed) -> None:
    """Where the unit of all amounts is in doubt, each amount is, and that each is improbable need not be said."""
    parsed.grid.log[:] = [item for item in parsed.grid.log if item.code != "NUM_RANGE"]
    for name in parsed.usable:
        parsed.values[name] = [None] * len(parsed.values[name])


def check_lost_digits(parsed: Parsed) -> None:
    """Numbers that end in 000 more often than chance: the column went through a spreadsheet as numbers, and chance check digits prove nothing."""
    for name in ("id_number", "head_id_number"):
        values = parsed.values.get(name, [])
        ends = [position for position, value in enumerate(values) if value and value.endswith("000")]
        if len(ends) >= 3 and len(ends) * 20 > sum(value is not None for value in values):
            for position in ends:
                parsed.say("ID_PRECISION_LOST", position, name, value=values[position])
                values[position] = None


def check_exit_dates(parsed: Parsed) -> None:
    """Whoever is out has a date of exit, and whoever is not has none (脱贫时间)."""
    status = parsed.values.get("poverty_status")
    names = [name for name in ("exit_month", "exit_year") if name in parsed.values]
    if not status or not names:
        return
    raws = [parsed.grid.raw[name] for name in names]
    for position in parsed.first_rows():
        code = status[position]
        given = [raw[position] for raw in raws if raw[position] is not UNTRUSTED and not _says_nothing(raw[position])]
        lost = any(raw[position] is UNTRUSTED for raw in raws)
        wrong = (code == "out" and not given and not lost) or (code == "not_out" and given and any(parsed.values[name][position] is not None for name in names))
        if not wrong:
            continue
        if code == "out":
            parsed.say("EXIT_DATE_MISSING", position, names[0])
        else:
            parsed.say("STATUS_VALUE", position, "poverty_status", value="未脱贫", detail=f"却填了{parsed.heading(names[0]).label}，互相矛盾")
            parsed.values["poverty_status"][position] = None


def _says_nothing(value: Any) -> bool:
    return is_blank(value) or (isinstance(value, str) and says_nothing(squeeze(value)))


def check_births(parsed: Parsed) -> None:
    """The birth date is the one in the ID number (出生日期)."""
    births, numbers = parsed.values.get("birth_date"), parsed.values.get("id_number")
    if not births or not numbers:
        return
    for position, (birth, number) in enumerate(zip(births, numbers, strict=True)):
        if birth is not None and number and number[6:14] != f"{birth.year:04d}{birth.month:02d}{birth.day:02d}":
            parsed.say("ID_BIRTHDATE", position, "id_number", value=number, detail=f"与出生日期{birth:%Y-%m-%d}不同")


def check_certificates(parsed: Parsed) -> None:
    """Whose document is a disability certificate has one (残疾人证)."""
    for position in sorted(parsed.certificates if "disability_certificate" in parsed.values else ()):
        if parsed.values["disability_certificate"][position] is False:
            number = parsed.grid.header.fields["id_number"].label
            parsed.say("STATUS_VALUE", position, "disability_certificate", value="否", detail=f"而“{number}”填的是残疾人证号，互相矛盾")


def check_own_size(parsed: Parsed) -> None:
    """In a person export the recorded size is the number of the household's rows (人数)."""
    sizes, households = parsed.values.get("recorded_size_persons"), parsed.values.get("household_id")
    if not sizes or not households or not ({"relation", "person_id"} & parsed.values.keys()):
        return
    count = Counter(households)
    told: set[str] = set()
    for position, (household, size) in enumerate(zip(households, sizes, strict=True)):
        if household and size is not None and size != count[household] and household not in told:
            told.add(household)
            parsed.say("SIZE_MISMATCH", position, "recorded_size_persons", value=size, new=count[household])


def check_amounts(parsed: Parsed) -> None:
    """A line of the item ledger has an amount, or is in kind and has a quantity (金额)."""
    amounts, raws = parsed.values["amount_fen"], parsed.grid.raw["amount_fen"]
    quantities, kinds = (parsed.values.get(name, [None] * len(amounts)) for name in ("quantity_milli", "in_kind"))
    for position, amount in enumerate(amounts):
        if amount is None and is_blank(raws[position]) and not (kinds[position] and quantities[position] is not None):
            parsed.say("NUM_MISSING", position, "amount_fen")


def check_across(sheets: list[Parsed]) -> None:
    """What repeats within and across the sheets of one kind: households, person codes, ID numbers (重复)."""
    kind = sheets[0].grid.kind
    if kind in ONE_ROW_PER_HOUSEHOLD:
        _repeated_households(sheets)
    if kind in (*ROSTERS, "schooling", "insurance"):
        _repeated(sheets, "person_id")
    if kind not in ("income_items", "villages") and not vocabulary().kinds[kind].get("list"):
        _repeated(sheets, "id_number")
        _repeated(sheets, "head_id_number", once_per_household=True)


def _repeated_households(sheets: list[Parsed]) -> None:
    first: dict[str, tuple[Parsed, int]] = {}
    for parsed in sheets:
        for position, household in enumerate(parsed.values.get("household_id", [])):
            if not household:
                continue
            if household in first:
                other, place = first[household]
                same = all(_raw(parsed, name, position) == _raw(other, name, place) for name in parsed.values)
                where = f"{other.grid.sheet.name}第{other.grid.sheet.number(other.grid.data[place])}行"
                parsed.say("DUPLICATE_HOUSEHOLD", position, "household_id", value=household, detail=f"另见{where}，{'内容相同' if same else '内容不同'}")
            else:
                first[household] = (parsed, position)


def _raw(parsed: Parsed, name: str, position: int) -> str:
    return plain_text(parsed.grid.raw[name][position]).strip() if name in parsed.grid.raw else ""


def _repeated(sheets: list[Parsed], name: str, *, once_per_household: bool = False) -> None:
    first: dict[str, tuple[Parsed, int]] = {}
    for parsed in sheets:
        for position, number in enumerate(parsed.values.get(name, [])):
            if not number:
                continue
            if number not in first:
                first[number] = (parsed, position)
                continue
            other, place = first[number]
            here, there = parsed.household(position), other.household(place)
            if here and here == there and (once_per_household or parsed.grid.kind in ONE_ROW_PER_HOUSEHOLD):
                continue
            row = other.grid.sheet.number(other.grid.data[place])
            detail = f"户{there or '未知'}（第{row}行）和户{here or '未知'}"
            parsed.say("ID_DUPLICATE", position, name, value=number, detail=detail)


def check_members(households: list[Parsed], members: list[Parsed]) -> None:
    """The member list beside the household list (成员表): sizes, and members whose household is not there."""
    count: Counter[str] = Counter(household for parsed in members for household in parsed.values.get("household_id", []) if household)
    known = {household for parsed in households for household in parsed.values.get("household_id", []) if household}
    for parsed in households:
        for position, size in enumerate(parsed.values.get("recorded_size_persons", [])):
            household = parsed.household(position)
            if household and size is not None and size != count[household]:
                parsed.say("SIZE_MISMATCH", position, "recorded_size_persons", value=size, new=count[household])
    for parsed in members:
        for position, household in enumerate(parsed.values.get("household_id", [])):
            if household and household not in known:
                parsed.say("ORPHAN_MEMBER", position, "household_id", value=household)


