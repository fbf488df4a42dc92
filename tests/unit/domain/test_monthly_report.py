"""The monthly review's page: its charts are to scale, what it is given cannot break out of it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

from rongtong.domain.monthly_report import Report, Reported, report_document, report_html
from rongtong.domain.monthly_rules import MONTHLY_RULES, MonthlyAction, configure_monthly
from rongtong.domain.rule_record import Outcome, Screened, record_of, rows_of
from rongtong.entrypoints.answers_review import MonthlyReview

ROW = Reported("91350100MA0001202D", "***司", MonthlyAction.RESTRICT, 3, 123_456, (("DOCUMENT_REUSE", 3),))
HIT = {"rule_id": "LARGE_AMOUNT", "action": "REVIEW", "threshold": 500_000_000}
HITS = [Screened([HIT], False, Outcome.APPROVED, 600_000_000)] * 50 + [
    Screened([HIT], False, Outcome.OPEN, 700_000_000)
]
REPORT = Report(
    month="2026-10",
    made_at="2026-10-31T21:00:00.000Z",
    enterprises=5,
    companies=4,
    restricted=1,
    to_review=1,
    months={"2026-10": (20, 400), "2026-09": (10, 100)},
    found={"DOCUMENT_REUSE": 4, "VOLUME_JUMP": 1},
    rules=MONTHLY_RULES,
    rows=(ROW,),
    rule_rows=rows_of(record_of(HITS)),
)
_ALONE = ("meta", "br", "rect")


class Nesting(HTMLParser):
    """Whether every element ends where it must."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_startendtag(self, tag, attrs):
        assert tag in _ALONE

    def handle_starttag(self, tag, attrs):
        if tag not in _ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def heights(page):
    return [int(height) for height in re.findall(r'<rect class="bar"[^>]* height="(\d+)"', page)]


def test_every_element_ends_where_it_must():
    page = Nesting()
    page.feed(report_html(REPORT))
    assert page.open == []


def test_columns_stand_in_the_order_of_time_and_as_high_as_their_amounts():
    page = report_html(REPORT)
    assert heights(page)[:2] == [50, 200]
    assert page.index("2026-09: 1.00 yuan") < page.index("2026-10: 4.00 yuan")


def test_bars_are_as_long_as_their_counts_and_those_of_restrictions_stand_out():
    page = report_html(REPORT)
    widths = {kind: int(width) for kind, width in re.findall(r'class="(\w+)" x="510" y="\d+" width="([1-9]\d*)"', page)}
    assert widths == {"bar": 72, "grave": 290}


def test_a_month_without_any_business_is_a_page_too():
    page = report_html(replace(REPORT, months={"2026-10": (0, 0)}, found={}, rows=()))
    assert heights(page)[0] == 0


def test_a_company_s_row_tells_amount_findings_and_what_followed():
    page = report_html(REPORT)
    assert "<td>91350100MA0001202D</td><td>***司</td><td>3</td><td>1234.56</td><td>DOCUMENT_REUSE: 3</td>" in page


def test_names_are_text_and_nothing_else():
    page = report_html(replace(REPORT, rows=(replace(ROW, name='"><script>alert(1)</script>'),)))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_rule_that_is_off_is_said_to_be():
    rules = configure_monthly({"ODD_HOURS": {"enabled": False}})
    assert report_html(replace(REPORT, rules=rules)).count("<td>off</td>") == 1


def test_the_same_report_is_the_same_page():
    assert report_html(REPORT) == report_html(replace(REPORT, rows=(replace(ROW),)))


def test_a_risk_rule_s_row_tells_hits_and_yuan_of_each_outcome_and_what_is_suggested():
    cells = re.search(r"<td>LARGE_AMOUNT<br>.*?</tr>", report_html(REPORT))[0]
    assert "<td>500,000,000 fen</td><td>REVIEW</td><td>51<br>307000000.00</td><td>50<br>300000000.00</td>" in cells
    assert "<td>0<br>0.00</td><td>1<br>7000000.00</td><td>0<br>0.00</td><td>Reviewers approved all 50 hits" in cells


def test_programs_read_what_the_page_tells():
    told = json.loads(json.dumps(report_document(REPORT)))
    MonthlyReview.model_validate_json(json.dumps(told), strict=True)
    assert (told["restricted"], told["months"]["2026-10"]) == (1, {"discounts": 20, "face_fen": 400})
    assert (told["companies_by_rule"]["DOCUMENT_REUSE"], told["companies_by_rule"]["ODD_HOURS"]) == (4, 0)
    assert told["rows"][0]["findings"] == [{"rule": "DOCUMENT_REUSE", "measured": 3}]
    (rule,) = told["risk_rules"]
    assert (rule["hits"], rule["approved"]["hits"], rule["open"]["face_fen"]) == (51, 50, 700_000_000)
    assert rule["suggestion"] in report_html(REPORT)
