"""Texts as they might stand in a column: real dirt, texts at the edges, and anything at all."""

from __future__ import annotations

from hypothesis import strategies as st
from nasty_rows import BY_KIND

_EDGES = (0, 1, 30, 50, 60, 100, 366, 600, 1_200, 5_000, 1_000_000, 10**12, 10**9 - 1, 2**31)
_numbers = st.one_of(
    st.from_regex(r"[+-]?[0-9]{0,11}([.][0-9]{0,5})?([eE][+-]?[0-9]{0,3})?_{0,2}", fullmatch=True),
    st.builds(
        lambda edge, beyond, sign: f"{sign}{edge}{beyond}",
        st.sampled_from(_EDGES),
        st.sampled_from(["", "_", ".0", ".00_", ".01", ".0000001", "e0", "E+1", ".", "0"]),
        st.sampled_from(["", "-", "+", " -"]),
    ),
    st.builds(
        lambda edge, off: f"{edge + off:.6f}", st.sampled_from(_EDGES), st.sampled_from([1, -1e-6])
    ),
    st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
    st.integers(-150, 1_300).map(str),
)
_unknown = st.from_regex(r"__[0-9_a]{0,5}__|_{1,5}|NM|nm|!@9#%8", fullmatch=True)
_some = st.sampled_from
dates = st.one_of(
    st.builds(
        lambda day, month, year, form: form.format(day, month, year),
        st.integers(0, 32),
        st.integers(0, 13),
        st.one_of(st.integers(1985, 2105), st.integers(0, 9999)),
        _some(["{}/{}/{:04}", "{:02}/{:02}/{:04}", "{2:04}-{1:02}-{0:02}", "{2}-{1}-{0}"]),
    ),
    st.dates().map(str),
    st.dates().map(lambda day: f"{day.day}/{day.month}/{day.year}"),
    _some(
        [
            " 1/5/2023",
            "\t1/5/2023",
            "1/5/2023\u00a0",
            "2023-05-01\u2028",
            "2023-05-01 ",
            "1/5/2023_",
        ]
    ),
)
_histories = st.from_regex(
    r"[0-9]{1,3} Years? and [0-9]{1,2} Months?|[0-9]{1,4} [Yy]ears? and [0-9]{1,3} Months?[ .]?",
    fullmatch=True,
)
_lists = st.lists(_some(["Auto Loan", "Not Specified", "and", " ", "A|B"]), max_size=4).flatmap(
    lambda words: _some([", ", ", and ", " and ", ",and "]).map(lambda by: by.join(words))
)
_awkward = st.text(alphabet='_ -+.,eE019/"$\\|\tNaMA\u00a0\u0663é\U0001f600\n', max_size=10)

plausible = st.one_of(
    st.sampled_from(sorted({text for texts in BY_KIND.values() for text in texts})),
    _numbers,
    _unknown,
    dates,
    _histories,
    _lists,
)
_padded = st.builds(
    lambda before, text, after: f"{before}{text}{after}",
    _some(["", " ", "  ", "\t", "\u00a0", "\u200b", "\ufeff"]),
    plausible,
    _some(["", " ", "_", "\n", "\u2028", "\u2060"]),
)
# NUL and lone carriage returns never reach bronze; half of a surrogate pair is no text.
anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)
texts = st.one_of(plausible, _padded, _awkward, anything)
