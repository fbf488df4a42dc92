"""Company names in one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.names import normalised_name

NAMES = st.text(
    st.sampled_from("有限责任公司集团股份（）()·Aａé　 ○〇○分上海") | st.characters(codec="utf-8"), max_size=20
)
CORES = st.text(
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5, exclude_characters="有限责任公司集团股份"),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("示例贸易有限公司", "示例贸易有限公司"),
        ("示例贸易有限责任公司", "示例贸易有限公司"),
        ("示例贸易责任有限公司", "示例贸易有限公司"),
        ("示例钢铁股份有限公司", "示例钢铁股份有限公司"),
        ("示例钢铁股份公司", "示例钢铁股份有限公司"),
        ("示例控股集团公司", "示例控股集团有限公司"),
        ("示例控股（集团）有限责任公司", "示例控股集团有限公司"),
        ("示例控股集团股份有限公司", "示例控股集团股份有限公司"),
        ("示例进出口公司", "示例进出口公司"),
        ("示例集团", "示例集团"),
        ("示例贸易有限责任公司上海分公司", "示例贸易有限公司上海分公司"),
        ("示例贸易有限公司第二分公司", "示例贸易有限公司第二分公司"),
        ("福州示例贸易有限公司", "福州示例贸易有限公司"),
        ("示例(福州)贸易有限公司", "示例福州贸易有限公司"),
        ("ＡＢＣ示例１号", "abc示例1号"),
        ("Société Exemple, S.A.", "societeexemplesa"),
        ("Straße & Söhne", "strassesohne"),
        ("㈱示例①", "株示例1"),
        ("示例二○一厂", "示例二〇一厂"),
        ("示例二◯一厂", "示例二〇一厂"),
        ("한국은행", "한국은행"),
        ("", ""),
        (" （）·、", ""),
    ],
)
def test_a_name_has_one_spelling(text, spelling):
    assert normalised_name(text) == spelling


@pytest.mark.parametrize(
    "sign", ["（", "）", "(", ")", "【", "】", "[", "]", "〔", "〕", " ", "\u3000", "·", "、", ".", ",", "-", "—"]
)
def test_brackets_spaces_and_punctuation_count_for_nothing(sign):
    assert normalised_name(f"{sign}示例{sign}贸易有限{sign}责任公司{sign}") == "示例贸易有限公司"


@given(NAMES)
def test_a_spelling_is_its_own_spelling(text):
    spelling = normalised_name(text)
    assert normalised_name(spelling) == spelling


@given(CORES, CORES, st.sampled_from(["有限公司", "股份有限公司", "集团有限公司", "公司", "集团", "厂"]))
def test_a_name_in_plain_characters_keeps_all_of_them(core, branch, form):
    assert normalised_name(core + form) == core + form
    assert normalised_name(f"{core}（{branch}）{form}") == core + branch + form
