"""What each indicator is: unit, bounds, denominator and names in English and Vietnamese."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Indicator:
    """One published quantity.

    Attributes:
        name: identifier used in every table.
        unit: percent, persons, units (employers) or billion VND.
        lower, upper: values outside are refused; None means unbounded.
        denominator: what a rate is a share of (population, labour_force, receivable, plan).
        name_en, name_vi: full names; short_en, short_vi: names for charts and table heads.
    """

    name: str
    unit: str
    lower: float | None
    upper: float | None
    denominator: str
    name_en: str
    name_vi: str
    short_en: str
    short_vi: str

    def label(self, language: str = "en", short: bool = False) -> str:
        """Return the name in "en" or "vi"."""
        return str(getattr(self, f"{'short' if short else 'name'}_{language}"))


def _rate(name: str, denominator: str, *names: str) -> Indicator:
    return Indicator(name, "percent", 0.0, 100.0, denominator, *names)


def _count(name: str, *names: str, unit: str = "persons") -> Indicator:
    return Indicator(name, unit, 0.0, None, "", *names)


def _change(name: str, *names: str, unit: str = "persons") -> Indicator:
    return Indicator(name, unit, None, None, "", *names)


def _plan(name: str, *names: str) -> Indicator:
    # A plan can be exceeded, so the share of it achieved has no upper bound.
    return Indicator(name, "percent", 0.0, None, "plan", *names)


_SCHEMES = {
    "hi": ("Health insurance", "bảo hiểm y tế", "HI", "BHYT"),
    "si": ("Social insurance", "bảo hiểm xã hội", "SI", "BHXH"),
    "si_compulsory": (
        "Compulsory social insurance",
        "bảo hiểm xã hội bắt buộc",
        "Compulsory SI",
        "BHXH bắt buộc",
    ),
    "si_voluntary": (
        "Voluntary social insurance",
        "bảo hiểm xã hội tự nguyện",
        "Voluntary SI",
        "BHXH tự nguyện",
    ),
    "ui": ("Unemployment insurance", "bảo hiểm thất nghiệp", "UI", "BHTN"),
    "total": (
        "Social, health and unemployment insurance together",
        "bảo hiểm xã hội, bảo hiểm y tế, bảo hiểm thất nghiệp",
        "SI, HI and UI together",
        "BHXH, BHYT, BHTN",
    ),
}


def _scheme_indicators(scheme: str) -> list[Indicator]:
    en, vi, short_en, short_vi = _SCHEMES[scheme]
    people = f"{scheme}_participants"
    base = "population" if scheme == "hi" else "labour_force"
    coverage = _rate(
        f"{scheme}_coverage",
        base,
        f"{en} coverage rate",
        f"Tỷ lệ bao phủ {vi}",
        f"{short_en} coverage",
        f"Bao phủ {short_vi}",
    )
    counts = [
        _count(
            people,
            f"{en} participants",
            f"Số người tham gia {vi}",
            f"{short_en} participants",
            f"Số người {short_vi}",
        ),
        _change(
            f"{people}_change",
            f"{en} participants, change on a year earlier",
            f"Số người tham gia {vi}, tăng giảm so với cùng kỳ năm trước",
            f"{short_en} change",
            f"Tăng giảm {short_vi}",
        ),
        _plan(
            f"{people}_plan_rate",
            f"{en} participants, share of the plan achieved",
            f"Số người tham gia {vi}, tỷ lệ thực hiện kế hoạch",
            f"{short_en}, share of plan",
            f"{short_vi} so với kế hoạch",
        ),
    ]
    return counts if scheme == "total" else [coverage, *counts]


_OTHERS = [
    _plan(
        "hi_coverage_plan_rate",
        "Health insurance coverage, share of the plan achieved",
        "Tỷ lệ bao phủ bảo hiểm y tế, tỷ lệ thực hiện kế hoạch",
        "HI coverage, share of plan",
        "Bao phủ BHYT so với kế hoạch",
    ),
    _count(
        "hi_coverage_gap_to_target",
        "People still to be insured to meet the health insurance target",
        "Số người còn phải vận động tham gia để đạt chỉ tiêu bảo hiểm y tế",
        "HI gap to target",
        "Còn thiếu so với chỉ tiêu BHYT",
    ),
    _rate(
        "hi_student_coverage",
        "students",
        "Health insurance coverage of pupils and students",
        "Tỷ lệ học sinh, sinh viên tham gia bảo hiểm y tế",
        "HI coverage of students",
        "BHYT học sinh, sinh viên",
    ),
    _count(
        "hi_student_participants",
        "Pupils and students with health insurance",
        "Số học sinh, sinh viên tham gia bảo hiểm y tế",
        "Students with HI",
        "Số HSSV có BHYT",
    ),
    _count(
        "hi_household_participants",
        "Health insurance participants of the household group",
        "Số người tham gia bảo hiểm y tế hộ gia đình",
        "HI household group",
        "BHYT hộ gia đình",
    ),
    _rate(
        "hi_farm_household_coverage",
        "average-income farm households",
        "Health insurance coverage of average-income farm households",
        "Tỷ lệ bao phủ bảo hiểm y tế của hộ nông, lâm, ngư nghiệp có mức sống trung bình",
        "HI coverage of farm households",
        "BHYT hộ nông nghiệp",
    ),
    _count(
        "hi_expenditure",
        "Health insurance expenditure",
        "Chi khám chữa bệnh bảo hiểm y tế",
        "HI expenditure",
        "Chi BHYT",
        unit="billion VND",
    ),
    _count(
        "collections",
        "Contributions collected since 1 January",
        "Số thu bảo hiểm xã hội, y tế, thất nghiệp lũy kế từ đầu năm",
        "Collections",
        "Số thu",
        unit="billion VND",
    ),
    _change(
        "collections_change",
        "Contributions collected, change on a year earlier",
        "Số thu, tăng giảm so với cùng kỳ năm trước",
        "Collections change",
        "Tăng giảm số thu",
        unit="billion VND",
    ),
    _plan(
        "collections_plan_rate",
        "Contributions collected, share of the plan achieved",
        "Số thu, tỷ lệ thực hiện kế hoạch",
        "Collections, share of plan",
        "Thu so với kế hoạch",
    ),
    _rate(
        "late_payment_rate",
        "receivable",
        "Late payment rate",
        "Tỷ lệ chậm đóng",
        "Late payment rate",
        "Tỷ lệ chậm đóng",
    ),
    _count(
        "late_payment_amount",
        "Late payment amount",
        "Số tiền chậm đóng",
        "Late payment",
        "Chậm đóng",
        unit="billion VND",
    ),
    _count(
        "late_payment_days",
        "Days of contributions owed",
        "Số ngày thu bị chậm đóng",
        "Days owed",
        "Số ngày chậm đóng",
        unit="days",
    ),
    _count(
        "employers_late",
        "Employers paying late",
        "Số đơn vị chậm đóng",
        "Late employers",
        "Đơn vị chậm đóng",
        unit="units",
    ),
    _count("population", "Population", "Dân số", "Population", "Dân số"),
    _count(
        "labour_force_working_age",
        "Labour force of working age",
        "Lực lượng lao động trong độ tuổi",
        "Labour force",
        "Lực lượng lao động",
    ),
]

INDICATORS: dict[str, Indicator] = {
    item.name: item
    for item in [i for scheme in _SCHEMES for i in _scheme_indicators(scheme)] + _OTHERS
}

# What a late payment figure counts. The bases are kept apart; they are not one series.
LATE_PAYMENT_BASES = (
    "total",
    "interest_bearing",
    "ge_1_month",
    "ge_2_months",
    "ge_3_months",
    "ge_6_months",
    "net_of_hard_to_collect",
    "si_compulsory_only",
    "irrecoverable",
    "listed_debtors",
    "unspecified",
)
# Whom a participants or coverage figure counts.
HI_BASES = (
    "issued_in_province",
    "incl_residents_insured_elsewhere",
    "excl_armed_forces",
    "pre_2019_census_population",
    "post_2019_census_population",
    "registered_population",
    "resolution_202_population",
)
OFFICIAL_BASIS = "official_population"

#: The three coverage rates that chapters follow, health insurance first.
COVERAGE = ("hi_coverage", "si_coverage", "ui_coverage")
#: A rate of late payment is in percent of a year's contributions: 365 days over 100 percent.
DAYS_PER_PERCENT = 3.65
