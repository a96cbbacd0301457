"""Bytes come to records whatever they are cut into, and a bad record costs itself alone."""

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


def test_each_line_is_a_record_with_its_place() -> None:
    assert read(b"a,b\r\nc,d\n") == [FileRecord(0, 5, b"a,b"), FileRecord(5, 9, b"c,d")]


def test_the_last_line_needs_no_end() -> None:
    assert read(b"a\nb") == [FileRecord(0, 2, b"a"), FileRecord(2, 3, b"b")]


def test_quotes_hold_a_line_break_together() -> None:
    assert raws(b'1,"two\nlines",x\n2,y\n') == [b'1,"two\nlines",x', b"2,y"]


def test_two_quotes_inside_of_quotes_are_one_of_the_text() -> None:
    assert raws(b'"say ""hi""\nthere"\nb\n') == [b'"say ""hi""\nthere"', b"b"]


def test_a_quote_inside_of_a_plain_cell_is_a_letter() -> None:
    assert raws(b'5" nail,x\ny\n') == [b'5" nail,x', b"y"]


def test_a_line_of_json_is_a_record_whatever_quotes_it_holds() -> None:
    assert raws(b'{"a": "\\""}\n{"b": 1}\n', "jsonl") == [b'{"a": "\\""}', b'{"b": 1}']


def test_a_quote_that_is_never_closed_costs_its_own_line_and_no_other() -> None:
    found = read(b'a,"b\nc\nd\n')
    assert [(r.raw, r.fault) for r in found] == [
        (b'a,"b', "unbalanced"),
        (b"c", ""),
        (b"d", ""),
    ]
    assert [r.end for r in found] == [5, 7, 9]


def test_a_cell_may_span_many_lines_but_not_the_whole_file() -> None:
    spans = b'"' + b"x\n" * (MAX_LINES - 1) + b'"\nlast\n'
    assert [record.fault for record in read(spans)] == ["", ""]
    beyond = b'"' + b"x\n" * MAX_LINES + b'"\nlast\n'
    found = read(beyond)
    assert found[0].fault == "unbalanced"
    assert found[1].raw == b"x"


def test_a_line_without_end_is_passed_over_and_the_next_one_is_read() -> None:
    content = b"a\n" + b"x" * (MAX_ROW * 40) + b"\nb\n"
    assert [(r.raw, r.fault) for r in read(content, piece=65536)] == [
        (b"a", ""),
        (b"", "too long"),
        (b"b", ""),
    ]


def test_of_a_line_without_end_no_more_is_held_than_a_row_may_have() -> None:
    """A hundred megabytes come by, and none of them stays."""
    import tracemalloc

    chunk = b"x" * 65536
    tracemalloc.start()
    found = list(records((chunk for _ in range(1600)), 0, "csv"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [record.fault for record in found] == ["too long"]
    assert found[0].end == 1600 * 65536
    assert most < 1_000_000


def test_a_row_that_quotes_make_too_long_is_unbalanced() -> None:
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
def test_what_pythons_writer_writes_is_read_row_by_row(table: list[list[str]], piece: int) -> None:
    found = read(written(table), piece=piece)
    assert [next(csv.reader([record.raw.decode()])) for record in found] == table


@given(st.binary(max_size=120) | st.lists(st.sampled_from([b'"', b"\n", b",", b"a"])).map(b"".join),
       st.sampled_from(["csv", "jsonl"]), st.integers(1, 50))  # fmt: skip
@settings(max_examples=how_many(500), deadline=None)
def test_records_lie_without_a_gap_whatever_the_file_is(
    content: bytes, kind: Kind, piece: int
) -> None:
    found = read(content, kind, piece)
    assert found == read(content, kind)
    places = [0, *(record.end for record in found)]
    assert [record.start for record in found] == places[:-1]
    assert places[-1] == len(content)


@given(st.lists(st.sampled_from([b'"', b"\n", b",", b"a"])).map(b"".join), st.data())
@settings(max_examples=how_many(300), deadline=None)
def test_reading_may_go_on_after_any_record(content: bytes, data: st.DataObject) -> None:
    found = read(content)
    if found:
        number = data.draw(st.integers(0, len(found) - 1))
        assert read(content, start=found[number].end) == found[number + 1 :]
