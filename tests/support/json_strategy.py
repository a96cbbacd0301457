"""Hypothesis strategies for untrusted input."""

from hypothesis import strategies as st

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [
            "NaN",
            "inf",
            "1e400",
            "421.88",
            "2026-11-22",
            "2026-02-29T00:00:00Z",
            "0001-01-01T00:00:00+12:00",
            "9999-12-31T23:59:59-12:00",
            "true",
            "",
        ]
    )
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["a", "b", "total", "total.x"]), inner, max_size=4
        )
    ),
    max_leaves=15,
)
"""Any parsed JSON: also NaN, lone surrogates and impossible dates."""
