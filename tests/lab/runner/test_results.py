"""Results files are read as Splunk writes them, one row at a time."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from lab.runner.errors import LabError
from lab.runner.results import as_fields, copy_compressed, decode_multivalue, inspect, records, write_row


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("$a$;$b$", ["a", "b"]),
        ("$a;b$;$c$$d$", ["a;b", "c$d"]),
        ("$only$", ["only"]),
        ("$$;$x$", ["", "x"]),
        ('$line\nbreak$;$"q"$', ["line\nbreak", '"q"']),
        ("", []),
        ("plain", []),
        ("$a$b", []),
    ],
)
def test_multivalue_cells_decode_exactly(cell: str, values: list[str]) -> None:
    """A ``__mv_`` cell gives the values it was made of, ``$$`` being one dollar sign."""
    assert decode_multivalue(cell) == values


def test_row_becomes_fields_of_a_payload() -> None:
    """Multi-value fields become lists, single ones stay text, ``__mv_`` columns are gone."""
    columns = [("user", "a\nb"), ("__mv_user", "$a$;$b$"), ("src", "10.0.0.1"), ("__mv_src", "")]
    assert as_fields(columns) == {"user": ["a", "b"], "src": "10.0.0.1"}


def test_plain_file_is_counted_and_its_first_row_kept(tmp_path: Path) -> None:
    """One pass over a file gives its header, first row and number of rows; line breaks in quotes are no rows."""
    path = tmp_path / "r.csv"
    path.write_text('a,b\n1,"x\ny"\n2,ü\n', encoding="utf-8")
    results = inspect(path)
    assert (results.header, results.first, results.count) == (("a", "b"), ("1", "x\ny"), 2)


@pytest.mark.parametrize("content", ["", "a,b\n"])
def test_file_without_rows_is_no_mistake(tmp_path: Path, content: str) -> None:
    """An empty file and a header alone are results: none."""
    path = tmp_path / "r.csv"
    path.write_text(content, encoding="utf-8")
    assert inspect(path).count == 0


def test_compressed_file_is_handed_over_byte_by_byte(tmp_path: Path) -> None:
    """A .gz reaches the action as the same bytes, a .csv with the same text."""
    plain, packed = tmp_path / "r.csv", tmp_path / "r.csv.gz"
    plain.write_bytes("a\r\nä\r\n".encode())
    packed.write_bytes(gzip.compress(plain.read_bytes(), mtime=7))
    copy_compressed(packed, tmp_path / "from_gz")
    copy_compressed(plain, tmp_path / "from_csv")
    assert (tmp_path / "from_gz").read_bytes() == packed.read_bytes()
    assert gzip.decompress((tmp_path / "from_csv").read_bytes()) == plain.read_bytes()


def test_single_row_file_reads_back(tmp_path: Path) -> None:
    """The file made for one result holds its header and exactly its cells."""
    write_row(tmp_path / "tmp_4.csv.gz", ["a", "__mv_a"], ['x\n"y"', "$x$;$y$"])
    assert list(records(tmp_path / "tmp_4.csv.gz")) == [["a", "__mv_a"], ['x\n"y"', "$x$;$y$"]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv.gz", b"a,b\n1,2\n", "no gzip file"),
        ("r.csv.gz", gzip.compress(b"a\n" + b"1\n" * 5000, mtime=0)[:-12], "damaged"),
        ("r.csv", gzip.compress(b"a\n1\n", mtime=0), "compressed"),
        ("r.csv", b"a,b\n\0\0\1\2", "binary"),
        ("r.csv", b' [{"a": 1}]', "JSON"),
    ],
)
def test_what_is_no_results_file_is_said_plainly(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """A file that is no CSV or a damaged gzip is refused in words, without a traceback."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LabError, match=message):
        inspect(path)


def test_missing_file_and_folder_are_said_plainly(tmp_path: Path) -> None:
    """A path that leads nowhere and a folder are told apart."""
    with pytest.raises(LabError, match="There is no file"):
        inspect(tmp_path / "none.csv")
    with pytest.raises(LabError, match="is not a file"):
        inspect(tmp_path)


def test_big_file_is_not_loaded(tmp_path: Path) -> None:
    """Reading 20 MB of results takes less than 4 MB of memory."""
    path = tmp_path / "big.csv"
    with path.open("w", encoding="utf-8") as stream:
        stream.write("a,b\n")
        for number in range(20_000):
            stream.write(f"{number},{'x' * 1000}\n")
    tracemalloc.start()
    try:
        assert inspect(path).count == 20_000
        copy_compressed(path, tmp_path / "big.csv.gz")
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
