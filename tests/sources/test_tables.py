"""Tables as people write them: delimiters, encodings, decimal commas, ids with leading zeros, and joins that tell."""

from __future__ import annotations

import datetime as dt
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.core.errors import ExtraMissingError, InputError, LimitError, TwinError, UsageError
from twin.core.notices import Notices
from twin.sources.tables import join_by_id, read_table

if TYPE_CHECKING:
    from pathlib import Path

BUILDINGS = pd.DataFrame({"id": ["b1", "b2", "007"]})


def read(path: Path, **kwargs: Any) -> pd.DataFrame:
    return read_table(path, notices=kwargs.pop("notices", Notices()), **kwargs)


def csv(folder: Path, text: str, encoding: str = "utf-8", name: str = "t.csv") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def xlsx(folder: Path, *sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for i, rows in enumerate(sheets):
        page = book.active if i == 0 else book.create_sheet(f"Sheet{i + 1}")
        for row in rows:
            page.append(row)
    book.save(folder / "t.xlsx")
    return folder / "t.xlsx"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_every_delimiter_and_encoding(delimiter: str, encoding: str, tmp_path: Path) -> None:
    lines = ["id 이름 height", '007 "해운대 구청" 7.5', "012 부산역 12.25"]
    text = "\r\n".join(delimiter.join(_fields(line)) for line in lines)
    table = read(csv(tmp_path, text, encoding))
    assert list(table.columns) == ["id", "이름", "height"]
    assert table["id"].tolist() == ["007", "012"]
    assert table["이름"].tolist() == ["해운대 구청", "부산역"]
    assert table["height"].tolist() == [7.5, 12.25]


def _fields(line: str) -> list[str]:
    head, quote, rest = line.partition('"')
    if not quote:
        return line.split(" ")
    inner, _, tail = rest.partition('"')
    return [*head.split(), f'"{inner}"', *tail.split()]


def test_columns_get_their_types(tmp_path: Path) -> None:
    rows = ["1;99999999999999999999;1,5;3,0;2024-02-29;x y;", "-2;5;2;1.234,5;2024-03-01T10:00Z;7a;"]
    text = "\n".join(["n;big;f;d;when;text;gap", *rows])
    table = read(csv(tmp_path, text))
    assert table["n"].tolist() == [1, -2]
    assert table["n"].dtype == "Int64"
    assert table["big"].tolist() == ["99999999999999999999", "5"]
    assert table["f"].tolist() == [1.5, 2.0]
    assert table["d"].tolist() == [3.0, 1234.5]
    assert table["when"].dt.day.tolist() == [29, 1]
    assert table["text"].tolist() == ["x y", "7a"]
    assert table["gap"].isna().all()


def test_a_comma_that_may_mean_either_stays_text_and_is_told(tmp_path: Path) -> None:
    notices = Notices()
    table = read(csv(tmp_path, "id;area\na;1,234\nb;5,678\n"), notices=notices)
    assert table["area"].tolist() == ["1,234", "5,678"]
    assert "decimal comma or groups of thousands" in notices.items[0].message
    decided = read(csv(tmp_path, "id;area;h\na;1,234;7,5\nb;5,678;8,25\n"))
    assert decided["area"].tolist() == [1.234, 5.678]
    grouped = read(csv(tmp_path, "id;area;h\na;1,234;7.5\nb;5,678;8.25\n"))
    assert grouped["area"].tolist() == [1234.0, 5678.0]


@given(st.lists(st.floats(-1e6, 1e6).map(lambda v: round(v, 4)), min_size=2, max_size=8))
def test_decimal_commas_round_trip(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    lines = [f"x{i};{v:.4f}".replace(".", ",") for i, v in enumerate(values)]
    table = read(csv(tmp_path_factory.mktemp("c"), "id;v\n" + "\n".join(lines)))
    assert np.allclose(table["v"].to_numpy(float), values, atol=1e-9)


def test_names_are_made_where_missing_and_repeated(tmp_path: Path) -> None:
    table = read(csv(tmp_path, "a,a,,b\n1,2,3,4\n5,6\n\n , , ,\n"))
    assert list(table.columns) == ["a", "a 2", "column 3", "b"]
    assert table["a"].tolist() == [1, 5]
    assert pd.isna(table["b"].iloc[1])


@pytest.mark.parametrize(
    ("text", "encoding", "words"),
    [
        ("\n \n", None, "no rows"),
        ("a,b\n1,2,3\n4,5\n", None, "row 2 has 3 fields, the line of names has 2"),
        ("a,b\né,2\n", "cp949", "not in cp949"),
    ],
)
def test_broken_csv(text: str, encoding: str | None, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        read(csv(tmp_path, text, "cp1252"), encoding=encoding)


def test_guesses_are_told_and_overridden(tmp_path: Path) -> None:
    notices = Notices()
    path = csv(tmp_path, "id,name\n1,Müllerstraße\n", "cp1252")
    assert read(path, notices=notices)["name"].tolist() == ["Müllerstraße"]
    assert "CP1252" in notices.items[0].message
    assert read(csv(tmp_path, "id,name\n1,부산\n", "cp949"), encoding="euc-kr")["name"].tolist() == ["부산"]
    with pytest.raises(UsageError, match="klingon"):
        read(path, encoding="klingon")


def test_xlsx_cells_keep_their_types(tmp_path: Path) -> None:
    rows = [
        ["id", "n", "h", "when", "old", "mixed", None],
        ["007", 1, 7.5, dt.date(2024, 2, 29), True, 1, None],
        ["012", 2.0, None, dt.date(2024, 3, 1), False, "x", None],
    ]  # fmt: skip
    table = read(xlsx(tmp_path, rows))
    assert list(table.columns) == ["id", "n", "h", "when", "old", "mixed"]
    assert table["id"].tolist() == ["007", "012"]
    assert table["n"].tolist() == [1, 2]
    assert table["h"].iloc[0] == 7.5
    assert table["when"].dt.month.tolist() == [2, 3]
    assert table["old"].tolist() == [True, False]
    assert table["mixed"].tolist() == ["1", "x"]


def test_xlsx_sheets_are_chosen_or_asked_for(tmp_path: Path) -> None:
    path = xlsx(tmp_path, [["a"], [1]], [["b"], [2]])
    with pytest.raises(UsageError, match="Sheet, Sheet2"):
        read(path)
    assert read(path, sheet="Sheet2")["b"].tolist() == [2]
    with pytest.raises(UsageError, match="no sheet 'X'"):
        read(path, sheet="X")
    with pytest.raises(UsageError, match="no sheets"):
        read(csv(tmp_path, "a\n1\n"), sheet="X")


def test_a_damaged_xlsx_and_a_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = xlsx(tmp_path, [["a"], [1]])
    broken = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(broken, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name)[:40] if "sheet1" in name else old.read(name))
    with pytest.raises(InputError, match="damaged XLSX"):
        read(broken)
    monkeypatch.setenv("TWIN_MAX_TABLE_BYTES", "6000")
    with pytest.raises(LimitError):
        read(path)
    monkeypatch.setenv("TWIN_MAX_TABLE_BYTES", "600000")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ExtraMissingError, match="pip install openpyxl"):
        read(path)


def test_damaged_bytes_raise_only_our_errors(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sound = [
        csv(tmp_path, "id;h\n1;2,5\n2;3,5\n").read_bytes(),
        xlsx(tmp_path, [["a", "b"], [1, "x"]]).read_bytes(),
    ]
    for i in range(200):
        data = bytearray(sound[i % 2])
        for _ in range(int(rng.choice([1, 3, 9]))):
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
        path = tmp_path / ("m.csv", "m.xlsx")[i % 2]
        path.write_bytes(data)
        try:
            read(path)
        except TwinError:
            continue


# --- joins


def test_a_join_tells_what_matched(tmp_path: Path) -> None:
    table = read(csv(tmp_path, "code,use,id\nb1,shop,9\n007,home,8\nzz,none,7\n"))
    notices = Notices()
    joined, report = join_by_id(BUILDINGS, table, column="code", where="t.csv", notices=notices)
    assert joined["id"].tolist() == ["b1", "b2", "007"]
    assert joined["use"].fillna("-").tolist() == ["shop", "-", "home"]
    assert joined["table_id"].dropna().tolist() == [9, 8]
    assert (report.n_matched, report.unmatched, report.n_without) == (2, ("zz",), 1)
    assert "1 of 3 rows match no building, such as 'zz'; 2 do" in notices.items[0].message


def test_ids_join_as_exact_texts() -> None:
    buildings = pd.DataFrame({"id": ["1152921504606846977", "12"]})
    table = pd.DataFrame({"key": pd.array([2**60 + 1, 12], "Int64"), "v": [1.5, 2.5]})
    joined, report = join_by_id(buildings, table, column="key", where="t", notices=Notices())
    assert joined["v"].tolist() == [1.5, 2.5]
    assert report.n_matched == 2


@pytest.mark.parametrize(
    ("column", "table", "error", "words"),
    [
        ("nope", {"a": ["b1"]}, UsageError, "no column 'nope'; its columns are: a"),
        ("a", {"a": ["b1", "b1"]}, InputError, "more than once, such as 'b1'"),
        (
            "a",
            {"a": ["x", "y"]},
            InputError,
            "none of its 2 rows matches a building: a holds 'x', 'y', ids look like 'b1'",
        ),
    ],
)
def test_joins_that_cannot_be_meant(column: str, table: Any, error: type[TwinError], words: str) -> None:
    with pytest.raises(error, match=words):
        join_by_id(BUILDINGS, pd.DataFrame(table), column=column, where="t.csv", notices=Notices())


@pytest.mark.realdata
def test_the_observed_stages_of_merewether(shared_data: Path) -> None:
    table = read(shared_data / "merewether_flood" / "Observations" / "ObservationPoints.csv")
    assert len(table) == 5
    assert sum(pd.api.types.is_float_dtype(t) for t in table.dtypes) >= 3
