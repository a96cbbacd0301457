"""Records do not depend on chunk borders, and a faulty record fails only itself."""

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.transfer.imports.records import MAX_LINES, MAX_ROW, FileRecord, Kind, records
from tests.support.laws import how_many


def read(
    content: bytes, kind: Kind = "csv", piece: int = 1 << 20, start: int = 0
) -> list[FileRecord]:
    chunks = [content[at : at + piece] for at in range(start, len(content), piece)]
    return list(records(chunks, start, kind))


def raws(content: bytes, kind: Kind = "csv") -> list[bytes]:
    return [record.raw for record in read(content, kind)]


def test_each_line_is_a_record_with_its_offset() -> None:
    assert read(b"a,b\r\nc,d\n") == [FileRecord(0, 5, b"a,b"), FileRecord(5, 9, b"c,d")]


def test_last_line_needs_no_line_break() -> None:
    assert read(b"a\nb") == [FileRecord(0, 2, b"a"), FileRecord(2, 3, b"b")]


def test_quoted_cell_may_contain_a_line_break() -> None:
    assert raws(b'1,"two\nlines",x\n2,y\n') == [b'1,"two\nlines",x', b"2,y"]


def test_doubled_quote_is_one_quote() -> None:
    assert raws(b'"say ""hi""\nthere"\nb\n') == [b'"say ""hi""\nthere"', b"b"]


def test_quote_inside_unquoted_cell_is_text() -> None:
    assert raws(b'5" nail,x\ny\n') == [b'5" nail,x', b"y"]


def test_json_line_is_one_record_regardless_of_quotes() -> None:
    assert raws(b'{"a": "\\""}\n{"b": 1}\n', "jsonl") == [b'{"a": "\\""}', b'{"b": 1}']


def test_unclosed_quote_fails_only_its_own_line() -> None:
    found = read(b'a,"b\nc\nd\n')
    assert [(r.raw, r.fault) for r in found] == [
        (b'a,"b', "unbalanced"),
        (b"c", ""),
        (b"d", ""),
    ]
    assert [r.end for r in found] == [5, 7, 9]


def test_cell_may_span_many_lines_up_to_the_limit() -> None:
    spans = b'"' + b"x\n" * (MAX_LINES - 1) + b'"\nlast\n'
    assert [record.fault for record in read(spans)] == ["", ""]
    beyond = b'"' + b"x\n" * MAX_LINES + b'"\nlast\n'
    found = read(beyond)
    assert found[0].fault == "unbalanced"
    assert found[1].raw == b"x"


def test_oversized_line_is_skipped_and_next_line_is_read() -> None:
    content = b"a\n" + b"x" * (MAX_ROW * 40) + b"\nb\n"
    assert [(r.raw, r.fault) for r in read(content, piece=65536)] == [
        (b"a", ""),
        (b"", "too long"),
        (b"b", ""),
    ]


def test_oversized_line_uses_limited_memory() -> None:
    """A hundred megabytes are read, and none stay in memory."""
    import tracemalloc

    chunk = b"x" * 65536
    tracemalloc.start()
    found = list(records((chunk for _ in range(1600)), 0, "csv"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [record.fault for record in found] == ["too long"]
    assert found[0].end == 1600 * 65536
    assert most < 1_000_000


def test_quoted_row_over_the_limit_is_unbalanced() -> None:
    content = b'"' + b"\n".join([b"x" * 2000] * 50) + b'"\nlast\n'
    found = read(content)
    assert found[0].fault == "unbalanced"
    assert found[-1].raw == b"last"


cells = st.text(st.sampled_from('ab",\n\r é'), max_size=6)
tables = st.lists(st.lists(cells, min_size=2, max_size=3), max_size=6)


def written(table: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(table)
    return out.getvalue().encode()


@given(tables, st.integers(1, 40))
@settings(max_examples=how_many(300), deadline=None)
def test_output_of_python_csv_writer_is_read(table: list[list[str]], piece: int) -> None:
    found = read(written(table), piece=piece)
    assert [next(csv.reader([record.raw.decode()])) for record in found] == table


@given(
    st.binary(max_size=120) | st.lists(st.sampled_from([b'"', b"\n", b",", b"a"])).map(b"".join),
    st.sampled_from(["csv", "jsonl"]),
    st.integers(1, 50),
)
@settings(max_examples=how_many(500), deadline=None)
def test_records_cover_any_file_without_gaps(content: bytes, kind: Kind, piece: int) -> None:
    found = read(content, kind, piece)
    assert found == read(content, kind)
    places = [0, *(record.end for record in found)]
    assert [record.start for record in found] == places[:-1]
    assert places[-1] == len(content)


@given(st.lists(st.sampled_from([b'"', b"\n", b",", b"a"])).map(b"".join), st.data())
@settings(max_examples=how_many(300), deadline=None)
def test_reading_resumes_after_any_record(content: bytes, data: st.DataObject) -> None:
    found = read(content)
    if found:
        number = data.draw(st.integers(0, len(found) - 1))
        assert read(content, start=found[number].end) == found[number + 1 :]
