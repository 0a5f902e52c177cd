"""How dates and times are spelled: patterns of a family each, and strings read by them."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

_MONTHS = (
    "jan january januar jänner janvier janv ene enero gen gennaio",
    "feb february februar fev fév févr février fevrier febrero febbraio",
    "mar march mär märz maerz mrz mars marzo",
    "apr april avr avril abr abril aprile",
    "may mai mayo mag maggio",
    "jun june juni juin junio giu giugno",
    "jul july juli juil juillet julio lug luglio",
    "aug august août aout ago agosto",
    "sep sept september septembre septiembre set settembre",
    "oct october okt oktober octobre octubre ott ottobre",
    "nov november novembre noviembre",
    "dec december dez dezember déc décembre decembre dic diciembre dicembre",
)
MONTHS = {word: str(number) for number, words in enumerate(_MONTHS, 1) for word in words.split()}

ZONES = {
    "EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500", "MST": "-0700", "MDT": "-0600",
    "PST": "-0800", "PDT": "-0700", "CET": "+0100", "CEST": "+0200", "MEZ": "+0100",
    "MESZ": "+0200", "WET": "+0000", "WEST": "+0100", "EET": "+0200", "EEST": "+0300",
    "BST": "+0100", "JST": "+0900", "AEST": "+1000", "AEDT": "+1100",
}
_YEAR = r"(?P<y>(?:1[5-9]|2[0-2])\d{2})"
_ANY_YEAR = r"(?P<y>(?:1[5-9]|2[0-2])\d{2}|9999|0001|'?\d{2})"
_NAME = r"(?P<name>[A-Za-zäéûÄÉÛ]{3,10})\.?"
_DAY_NAME = r"(?:[A-Za-zäéûÄÉÛ]{2,10}\.?,?\s+)?"
_ZONE = r"\s?(?P<zone>[A-Za-z]{1,4}|[+-]\d{2}(?::?\d{2})?)?(?:\s?\[[^\]]+\]|\s?\([^)]+\))?"
_TIME = (r"(?:(?:T|t|,|:|\s+at|\s+um)?\s*"
         r"(?P<H>\d{1,2})(?::(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?)?"
         rf"\s?(?P<half>[AaPp]\.?[Mm]\.?)?{_ZONE})?")

# Family: pattern. A month of digits alone, 202401, is a number like any other.
# All but the last are tried on every cell; "compact" where the column says so.
FAMILIES = {
    "y-m-d": rf"^(?P<y>\d{{4}})[-/.年]\s?(?P<m>\d{{1,2}})[-/.月]\s?(?P<d>\d{{1,2}})[.日]?{_TIME}$",
    "a/b/y": rf"^(?P<a>\d{{1,2}})[-/. ]\s?(?P<b>\d{{1,2}})[-/. ]\s?{_ANY_YEAR}{_TIME}$",
    "d name y": rf"^{_DAY_NAME}(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|\.)?[-/\s]*(?:de\s)?"
                rf"{_NAME}[-/\s,]*(?:de\s)?{_ANY_YEAR}{_TIME}$",
    "name d y": rf"^{_DAY_NAME}{_NAME}[-\s]*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[-,\s]+{_YEAR}{_TIME}$",
    "y name d": rf"^(?P<y>\d{{4}})[-/\s]{_NAME}(?:[-/\s](?P<d>\d{{1,2}}))?{_TIME}$",
    "unix": rf"^[A-Za-z]{{3}}\s{_NAME}\s+(?P<d>\d{{1,2}})\s(?P<H>\d{{1,2}}):(?P<M>\d{{2}}):"
            rf"(?P<S>\d{{2}})\s(?:[A-Z]{{3,4}}\s)?{_YEAR}$",
    "y-m": rf"^{_YEAR}[-/](?P<m>0?[1-9]|1[0-2])$",
    "m/y": rf"^(?P<m>\d{{1,2}})[-/]{_YEAR}$",
    "m.y": r"^(?P<m>0[1-9]|1[0-2])\.(?P<y>(?:19|20)\d{2})$",
    "name y": rf"^{_NAME}[-/\s]*{_ANY_YEAR}$",
    "quarter": rf"^{_YEAR}[-/\s]?[Qq](?P<q>[1-4])$",
    "quarter y": rf"^[Qq](?P<q>[1-4])[-/\s]?{_YEAR}$",
    "week": rf"^{_YEAR}-?W(?P<w>\d{{2}})(?:-?(?P<wd>[1-7]))?$",
    "compact T": rf"^(?P<y>\d{{4}})(?P<m>\d{{2}})(?P<d>\d{{2}})[T_ ](?P<H>\d{{2}}):?(?P<M>\d{{2}})"
                 rf":?(?P<S>\d{{2}})?{_ZONE}$",
    "time": r"^(?P<H>[01]?\d|2[0-3]):(?P<M>\d{2})(?::(?P<S>\d{2})(?:\.(?P<f>\d{1,9}))?)?"
            r"\s?(?P<half>[AaPp]\.?[Mm]\.?)?$",
    "compact": r"^(?P<y>(?:19|20)\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"
               r"(?:(?P<H>[01]\d|2[0-3])(?P<M>[0-5]\d)(?P<S>[0-5]\d)?)?$",
}
_READ = {name: re.compile(pattern) for name, pattern in FAMILIES.items()}
# What machines write, read in one pass: a pattern of the first cell, the format of all.
_FAST = tuple((re.compile(pattern), form) for pattern, form in (
    (r"\d{4}-\d\d-\d\d", "%Y-%m-%d"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?", "%Y-%m-%dT%H:%M:%S%.f"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?", "%Y-%m-%d %H:%M:%S%.f"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "%Y-%m-%d %H:%M"),
))


def family_of(word: str, compact: bool = False) -> str:
    """The family that a string is spelled in; "" for none."""
    for name, pattern in _READ.items():
        match = pattern.match(word) if name != "compact" or compact else None
        if match and (match.groupdict().get("name") or "jan").lower() in MONTHS:
            return name
    return ""


def parsed(text: Any, families: list[str], day_first: bool) -> Any:
    """Stripped strings as datetimes in UTC, null where they are none.

    Arguments:
        text: the cells.
        families: those to try, in order.
        day_first: how 01/02/2024 is read.
    """
    words = text.drop_nulls()
    first = words[0] if len(words) else ""
    fast = next((form for pattern, form in _FAST if pattern.fullmatch(first)), None)
    if fast is None or "y-m-d" not in families:
        return _parsed(text, families, day_first)
    values = text.str.to_datetime(fast, strict=False, time_unit="us")
    places = (values.is_null() & text.is_not_null()).arg_true()
    if len(places):
        values = values.scatter(places, _parsed(text.gather(places), families, day_first))
    return values


def _parsed(text: Any, families: list[str], day_first: bool) -> Any:
    """Each different string once."""
    once = text.drop_nulls().unique()
    values = pl.Series([None] * len(once), dtype=pl.Datetime("us"))
    for name in families:
        left = values.is_null().arg_true()
        if not len(left):
            break
        values = values.scatter(left, _by(once.gather(left), name, day_first))
    read = pl.DataFrame({"cell": once, "value": values})
    return text.to_frame("cell").join(read, on="cell", how="left", maintain_order="left")["value"]


def _by(words: Any, name: str, day_first: bool) -> Any:
    parts = words.str.extract_groups(FAMILIES[name]).struct.unnest()
    held = set(parts.columns)

    def part(key: str, default: str) -> Any:
        return pl.col(key).fill_null(default) if key in held else pl.lit(default)

    year = part("y", "1970").str.replace("'", "", literal=True)
    # As POSIX has it: 69 to 99 are of the last century.
    of_this = year.cast(pl.Int32, strict=False) < 69
    year = pl.when(year.str.len_bytes() > 2).then(year).when(of_this).then(
        pl.lit("20") + year).otherwise(pl.lit("19") + year)
    month, day = part("m", "1"), part("d", "1")
    if "a" in held:
        day, month = (part("a", ""), part("b", "")) if day_first else (part("b", ""), part("a", ""))
    if "name" in held:
        month = pl.col("name").str.to_lowercase().replace_strict(MONTHS, default=None)
    if "q" in held:
        month = (pl.col("q").cast(pl.Int32) * 3 - 2).cast(pl.String)
    hour = part("H", "0").cast(pl.Int32)
    if "half" in held:
        half = pl.col("half").str.to_lowercase().str.head(1)
        hour = pl.when(half.is_null()).then(hour).when(hour > 12).then(None) \
            .otherwise(hour % 12 + pl.when(half == "p").then(12).otherwise(0))
    clock = pl.concat_str(hour.cast(pl.String).str.zfill(2), part("M", "0"), part("S", "0"),
                          separator=":")
    whole = pl.concat_str(year, pl.lit("-"), month, pl.lit("-"), day, pl.lit(" "), clock,
                          pl.lit("."), part("f", "0"))
    value = whole.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    if "zone" in held:
        zone = pl.col("zone").str.to_uppercase().replace(ZONES).str.replace(":", "", literal=True)
        named = pl.col("zone").str.to_uppercase()
        unknown = named.str.contains("^[A-Z]") & ~named.is_in([*ZONES, "Z", "UTC", "GMT"])
        value = pl.when(unknown.fill_null(False)).then(None).otherwise(value)
        sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
        hours = zone.str.slice(1, 2).cast(pl.Int64, strict=False).fill_null(0)
        minutes = zone.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
        value = value - pl.duration(minutes=sign * (60 * hours + minutes))
    if "w" in held:
        # The week that holds the 4th of January is the first.
        monday = pl.concat_str(year, pl.lit("-01-04")).str.to_datetime("%Y-%m-%d", time_unit="us")
        monday = monday.dt.truncate("1w")
        value = monday + pl.duration(weeks=pl.col("w").cast(pl.Int64) - 1,
                                     days=part("wd", "1").cast(pl.Int64) - 1)
    # Every string has a year or a clock: what has neither did not match.
    key = "y" if "y" in held else "H"
    return parts.select(pl.when(pl.col(key).is_not_null()).then(value)).to_series()


def zones(text: Any) -> Any:
    """The zones that cells name, each once."""
    return text.str.extract(r"\d\s?([A-Z]{1,4}|[+-]\d{2}:?\d{2})$").drop_nulls().unique()


def orders(text: Any) -> Any:
    """(first numbers, second numbers, third part) of cells as 01/02/2024, as a frame a, b, y."""
    parts = text.drop_nulls().unique().str.extract_groups(FAMILIES["a/b/y"]).struct.unnest()
    return parts.filter(pl.col("a").is_not_null()).select(
        pl.col("a").cast(pl.Int32), pl.col("b").cast(pl.Int32), pl.col("y"), pl.col("half"))
