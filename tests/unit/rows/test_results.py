"""The reader of results files."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from soarlink.errors import ResultsError
from soarlink.rows.results import Results
from soarlink.rows.row import Row
from tests.unit.samples import csv_bytes, write_results


def read(tmp_path: Path, content: bytes) -> list[Row]:
    """Read these bytes as a results file."""
    path = tmp_path / "results.csv.gz"
    path.write_bytes(content)
    return list(Results(path))


@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzip", "plain"])
def test_rows_come_in_file_order_with_their_non_empty_fields(tmp_path: Path, pack: type[bytes]) -> None:
    """Rows are numbered from 0, empty cells are no fields, gzip'd and plain files read alike."""
    rows = read(tmp_path, pack(csv_bytes(["src", "dest"], [["10.0.0.1", ""], ["", "web-1"]])))
    assert rows == [Row("0", 0, {"src": "10.0.0.1"}), Row("1", 1, {"dest": "web-1"})]


def test_rows_can_be_read_again(tmp_path: Path) -> None:
    """Each iteration starts at the first row."""
    results = Results(write_results(tmp_path / "r.csv.gz", [{"a": "1"}, {"a": "2"}]))
    assert list(results) == list(results)
    assert results.header() == ("a",)


def test_a_byte_order_mark_is_no_part_of_the_first_field(tmp_path: Path) -> None:
    """A file that begins with a byte order mark names its first field without it."""
    assert read(tmp_path, b"\xef\xbb\xbf" + csv_bytes(["a"], [["1"]]))[0].fields == {"a": "1"}


def test_line_breaks_quotes_and_separators_inside_values_stay(tmp_path: Path) -> None:
    """CRLF, lone CR, LF, quotes, commas and non-ASCII text reach the row as they were."""
    value = 'one\r\ntwo\rthree\nfour "five", sechs ü 日本\u2028x'
    assert read(tmp_path, csv_bytes(["a"], [[value]]))[0].first("a") == value


def test_lines_may_end_with_carriage_return_and_line_feed(tmp_path: Path) -> None:
    """A file with CRLF line ends has the same rows."""
    assert [row.first("a") for row in read(tmp_path, b"a,b\r\n1,2\r\n3,4\r\n")] == ["1", "3"]


def test_a_blank_line_at_the_end_is_no_result(tmp_path: Path) -> None:
    """Nothing is counted that is no row."""
    assert len(read(tmp_path, b"a,b\n1,2\n\n")) == 1


def test_a_value_of_ten_megabytes_is_read_whole(tmp_path: Path) -> None:
    """No limit of the csv module cuts or refuses a long value."""
    long = "x" * 10_500_000
    assert read(tmp_path, gzip.compress(csv_bytes(["a"], [[long]]), 1))[0].first("a") == long


def test_a_second_column_of_the_same_name_keeps_its_values(tmp_path: Path) -> None:
    """Duplicate headers get numbers, even where such a name is taken."""
    rows = read(tmp_path, csv_bytes(["a", "a (2)", "a", "a"], [["1", "2", "3", "4"]]))
    assert rows[0].fields == {"a": "1", "a (2)": "2", "a (3)": "3", "a (4)": "4"}


def test_odd_field_names_are_names_like_any_other(tmp_path: Path) -> None:
    """Dots, blanks, braces, quotes and line breaks in names are kept."""
    names = ["a.b{}.c", "with blank", 'quo"te', "line\nbreak", "日本", "rid2"]
    assert list(read(tmp_path, csv_bytes(names, [["1"] * 6]))[0].fields) == names


@pytest.mark.parametrize(
    ("plain", "cell", "value"),
    [
        ("a\nb", "$a$;$b$", ("a", "b")),
        ("a", "$a$", "a"),
        ("a", "", "a"),
        ("", "$a$;$b$", ("a", "b")),
        ("plain", "broken", "plain"),
        ("plain", "$$;$$", "plain"),
        ("a$b", "$a$$b$", "a$b"),
    ],
)
def test_the_multi_value_column_decides_where_it_is_well_formed(
    tmp_path: Path, plain: str, cell: str, value: object
) -> None:
    """`__mv_` cells decode into their field; an empty, broken or valueless one leaves the plain cell."""
    assert read(tmp_path, csv_bytes(["a", "__mv_a"], [[plain, cell]]))[0].fields == {"a": value}


def test_a_multi_value_column_without_its_plain_one_makes_the_field(tmp_path: Path) -> None:
    """`__mv_x` alone gives the field `x`, and is in the header under that name."""
    path = tmp_path / "r.csv"
    path.write_bytes(csv_bytes(["__mv_x", "y"], [["$1$;$2$", "z"], ["", "z"]]))
    assert [row.fields for row in Results(path)] == [{"y": "z", "x": ("1", "2")}, {"y": "z"}]
    assert Results(path).header() == ("y", "x")


@pytest.mark.parametrize(
    ("cells", "rids"),
    [(["7", "9"], ["7", "9"]), (["", ""], ["0", "1"]), (["5", ""], ["5", "1"])],
    ids=["given", "empty column", "partly empty"],
)
def test_the_rid_is_the_rows_own_or_its_position(tmp_path: Path, cells: list[str], rids: list[str]) -> None:
    """An empty `rid` cell counts as none."""
    rows = read(tmp_path, csv_bytes(["rid", "a"], [[cell, "x"] for cell in cells]))
    assert [row.rid for row in rows] == rids


def test_splunkd_may_give_the_rid_and_a_snapshot(tmp_path: Path) -> None:
    """Per-result alerting fixes the rid; a real-time snapshot is appended to every rid."""
    path = write_results(tmp_path / "tmp_4.csv.gz", [{"rid": "1", "a": "x"}])
    assert [row.rid for row in Results(path, fixed_rid="4")] == ["4"]
    assert [row.rid for row in Results(path, rid_suffix=".32")] == ["1.32"]


def test_a_rid_of_several_values_is_none(tmp_path: Path) -> None:
    """A multi-value `rid` names no result."""
    path = write_results(tmp_path / "r.csv.gz", [{"rid": ("1", "2")}])
    assert [row.rid for row in Results(path)] == ["0"]


@pytest.mark.parametrize("content", [b"", b"\n", csv_bytes(["a", "b"], []), gzip.compress(b"", mtime=0)])
def test_a_file_without_rows_has_no_results(tmp_path: Path, content: bytes) -> None:
    """Empty files and headers alone are no error."""
    assert read(tmp_path, content) == []


@pytest.mark.parametrize("path", [None, Path("no/such/results.csv.gz")])
def test_a_missing_file_means_no_results(path: Path | None) -> None:
    """Splunkd writes no file when a search finds nothing."""
    assert list(Results(path)) == []
    assert Results(path).header() == ()


def test_a_cut_gzip_file_gives_its_rows_up_to_the_cut_then_an_error(tmp_path: Path) -> None:
    """Rows before the cut are handed out; then it is said that the file can't be read."""
    path = tmp_path / "results.csv.gz"
    rows = [[f"{number}-{'x' * (number % 97)}"] for number in range(40_000)]
    packed = gzip.compress(csv_bytes(["a"], rows))
    path.write_bytes(packed[: len(packed) // 2])
    got: list[Row] = []
    with pytest.raises(ResultsError, match=r"results file results\.csv\.gz can't be read.*the disk of"):
        got.extend(iter(Results(path)))
    assert 1_000 < len(got) < 40_000
    assert [[row.first("a")] for row in got] == rows[: len(got)]


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"a\n1\n", mtime=0)[:12],
        b"\x1f\x8bnot gzip at all",
        b'a,b\n"open,1\n',
        gzip.compress(b"a\n1\n", mtime=0)[:-6] + b"\0" * 6,
    ],
    ids=["cut header", "bad gzip", "open quote", "wrong checksum"],
)
def test_a_damaged_file_is_an_error_that_says_so(tmp_path: Path, content: bytes) -> None:
    """Whatever can't be read to its end as gzip'd UTF-8 CSV is one kind of error."""
    with pytest.raises(ResultsError, match="can't be read"):
        read(tmp_path, content)


def test_a_byte_that_is_no_utf_8_shows_in_its_value(tmp_path: Path) -> None:
    """One bad byte costs neither its row nor the alert."""
    assert [row.first("a") for row in read(tmp_path, b"a\nok\nG\xe9n\nok\n")] == ["ok", "G\\xe9n", "ok"]


@pytest.mark.parametrize("tail", [b"3\n", b'"open,1\n', b"1,2,3\n"])
def test_the_rows_before_the_damage_are_intact(tmp_path: Path, tail: bytes) -> None:
    """Their number and what is wrong after them are known before anything is sent; reading them again never fails."""
    path = tmp_path / "results.csv"
    path.write_bytes(b"a,b\n1,2\n3,4\n" + tail)
    rows, count, damage = Results(path).intact()
    assert count == 2
    assert damage is not None
    for _ in range(2):
        assert [row.first("b") for row in rows] == ["2", "4"]


def test_a_whole_file_is_intact(tmp_path: Path) -> None:
    """Nothing is wrong and all rows count; so with a missing file, which has none."""
    path = tmp_path / "results.csv"
    path.write_bytes(b"a\n1\n2\n")
    assert Results(path).intact()[1:] == (2, None)
    assert Results(tmp_path / "none").intact()[1:] == (0, None)


def test_a_header_that_can_t_be_read_leaves_nothing(tmp_path: Path) -> None:
    """No row, and the reason."""
    path = tmp_path / "results.csv.gz"
    path.write_bytes(b"\x1f\x8bnot gzip at all")
    rows, count, damage = Results(path).intact()
    assert (list(rows), count) == ([], 0)
    assert damage is not None


def test_a_row_with_too_few_cells_is_an_error_that_names_it(tmp_path: Path) -> None:
    """A ragged row is damage, never a shifted row."""
    with pytest.raises(ResultsError, match="Row 1 of the results file has 1 cells, its header has 2"):
        read(tmp_path, b"a,b\n1,2\n3\n")


def test_a_folder_in_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    """A results_file that is no file is told like a damaged one."""
    with pytest.raises(ResultsError, match="can't be read"):
        list(Results(tmp_path))


def test_memory_stays_flat(tmp_path: Path) -> None:
    """Reading fifty times as many rows takes no more memory."""

    def peak(count: int) -> int:
        path = write_results(tmp_path / f"{count}.csv.gz", [{"a": "x" * 100, "b": str(n)} for n in range(count)])
        tracemalloc.start()
        try:
            for _ in Results(path):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(10_000) < 1.5 * peak(200)


def test_a_row_tells_first_and_all_values() -> None:
    """`first` and `values` read single, multiple and missing fields alike."""
    row = Row("0", 0, {"one": "a", "two": ("b", "c")})
    assert [row.first(name) for name in ("one", "two", "none")] == ["a", "b", ""]
    assert [row.values(name) for name in ("one", "two", "none")] == [("a",), ("b", "c"), ()]


def test_a_nul_in_a_value_does_not_cost_the_file(tmp_path: Path) -> None:
    """A value may hold any character that an event can hold, on every interpreter."""
    assert read(tmp_path, b'a\n"x\0y"\n1\n')[1].first("a") == "1"


def test_a_path_that_cannot_be_asked_for_is_an_error_of_ours() -> None:
    """A path that the system refuses is told like an unreadable file."""
    with pytest.raises(ResultsError):
        list(Results(Path("x" * 5_000)))
