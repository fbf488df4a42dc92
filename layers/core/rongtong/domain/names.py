"""Company names (企业名称) in one spelling, so that two writings of one name are found to be the same."""

from __future__ import annotations

import re
import unicodedata

_KEPT_CATEGORIES = frozenset({"L", "N"})
# A circle is often typed for the Chinese zero; as a symbol it would be dropped, and 二○一 would become 二一.
_CHINESE_ZERO = str.maketrans("○◯", "〇〇")
_LIMITED = re.compile(r"(?:有限|责任)+公司")
_SHORT_FORM = re.compile(r"(?<=集团|股份)公司")


def normalised_name(text: str) -> str:
    """The spelling under which a name is compared; never shown to anybody.

    One spelling for full and half width, upper and lower case and accents; brackets （）()【】[]〔〕, spaces and
    punctuation count for nothing. Of company forms (组织形式), 有限责任公司 is 有限公司 and 股份公司 is 股份有限公司
    (公司法 2023, article 7), and 集团公司 is 集团有限公司, as a state-owned group is renamed (assumed: configurable).

    Kept apart, because they can be different legal persons: 股份有限公司 and 有限公司, a plain 公司, a bare 集团,
    branches (分公司), and place names. Simplified and traditional characters stay different. Applying it again changes
    nothing; "" is the answer for what has no letter and no digit.
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(_CHINESE_ZERO)).casefold()
    decomposed = unicodedata.normalize("NFKD", decomposed)
    kept = "".join(char for char in decomposed if unicodedata.category(char)[0] in _KEPT_CATEGORIES)
    return _SHORT_FORM.sub("有限公司", _LIMITED.sub("有限公司", unicodedata.normalize("NFC", kept)))
