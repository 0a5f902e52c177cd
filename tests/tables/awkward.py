"""Files as they come: what each column of theirs is, what its cells are, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NAN = float("nan")


@dataclass(frozen=True)
class Awkward:
    """A file and what is expected of it.

    Attributes:
        text: the file.
        kinds: the type of each column, in order; "-" behind it: left out.
        values: the first values of columns, by name.
        says: parts of the lines about it.
        silent: whether nothing is to be said.
    """

    name: str
    text: str
    kinds: str
    values: dict[str, list[Any]] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    silent: bool = False
    sep: str = ","
    target: str | None = None
    reading: dict[str, Any] = field(default_factory=dict)


def column(name: str, *cells: str, sep: str = ";") -> str:
    """A file of one column, and one of numbers beside it."""
    rows = [f"{cell}{sep}{(7 * i * i + 3) % 11}" for i, cell in enumerate(cells)]
    return "\n".join([f"{name}{sep}beside", *rows]) + "\n"


def one(name: str, cells: list[str], kind: str, values: list[Any] | None = None,
        says: tuple[str, ...] = (), silent: bool = False, header: str = "v",
        reading: dict[str, Any] | None = None) -> Awkward:
    """A file whose first column is what matters."""
    return Awkward(name, column(header, *cells), f"{kind} number",
                   {} if values is None else {header: values}, says, silent, sep=";",
                   reading=reading or {})


NUMBERS = [
    one("plain", ["1", "2.5", "-3", "1e3", "+4"], "number", [1, 2.5, -3, 1000, 4], silent=True),
    one("blanks around", [" 1.5", "2.5 ", "  3  "], "number", [1.5, 2.5, 3], silent=True),
    one("no-break blanks around", ["\u00a01.5", "2.5\u00a0", "3"], "number", [1.5, 2.5, 3]),
    one("unicode minus", ["\u22121.5", "2.5", "\u22123"], "number", [-1.5, 2.5, -3]),
    one("parentheses for negatives", ["(1,200.50)", "300.00", "(4.5)"], "number",
        [-1200.5, 300, -4.5]),
    one("minus behind", ["12.5-", "3.0", "4-"], "number", [-12.5, 3, -4]),
    one("decimal comma", ["1,5", "2,25", "10", "-3,1"], "number", [1.5, 2.25, 10, -3.1]),
    one("thousands with commas", ["1,234,567.8", "1,234", "12", "0.5"], "number",
        [1234567.8, 1234, 12, .5]),
    one("thousands with points", ["1.234.567,8", "12,5", "1.234,0"], "number",
        [1234567.8, 12.5, 1234]),
    one("thousands with blanks", ["1 234,5", "12,25", "1 000 000"], "number",
        [1234.5, 12.25, 1e6]),
    one("thousands with narrow blanks", ["1\u202f234,5", "12,25", "1\u00a0000"], "number",
        [1234.5, 12.25, 1000]),
    one("thousands with apostrophes", ["1'234.50", "12.25", "1\u2019000"], "number",
        [1234.5, 12.25, 1000]),
    one("thousands of India", ["12,34,567", "1,200", "5,00,000.5"], "number",
        [1234567, 1200, 500000.5]),
    one("three digits behind each comma", ["1,234", "2,500", "12,001"], "number",
        [1234, 2500, 12001], ("three digits behind", "--decimal ,")),
    one("three digits, decimal comma said", ["1,234", "2,500"], "number", [1.234, 2.5],
        reading={"decimal": ","}),
    one("three digits, a short one decides", ["1,234", "2,5"], "number", [1.234, 2.5]),
    one("zero before the comma decides", ["0,234", "1,500"], "number", [.234, 1.5]),
    Awkward("another column decides the comma", "a;b\n1,234;0,5\n2,500;1,5\n3,100;2,25\n",
            "number number", {"a": [1.234, 2.5, 3.1]}, sep=";"),
    Awkward("another column decides the point", "a;b\n1.234;0,5\n2.500;1,5\n13.100;2,25\n",
            "number number", {"a": [1234, 2500, 13100]}, sep=";"),
    Awkward("another column decides for thousands", 'a,b\n"1,234",0.5\n"2,500",1.5\n',
            "number number", {"a": [1234, 2500]}, silent=True),
    one("dollars", ["$5", "$1,234.50", "-$3", "$0.99"], "number", [5, 1234.5, -3, .99]),
    one("dollars in parentheses", ["$5.00", "($3.50)", "$7.25"], "number", [5, -3.5, 7.25]),
    one("euros behind", ["5,00 €", "1.234,50 €", "-3,10 €"], "number", [5, 1234.5, -3.1]),
    one("pounds", ["£5", "£1,200", "£7.5"], "number", [5, 1200, 7.5]),
    one("codes of currencies", ["USD 5.10", "USD 7.20", "USD 1,000.00"], "number",
        [5.1, 7.2, 1000]),
    one("percent", ["5%", "12.5 %", "100%"], "number", [5, 12.5, 100]),
    one("percent, decimal comma", ["5,5 %", "12,25 %", "-1,0 %"], "number", [5.5, 12.25, -1]),
    one("one unit", ["12 kg", "3.5 kg", "100kg"], "number", [12, 3.5, 100]),
    one("a unit with a digit", ["12 m2", "3.5 m2", "100 m2"], "number", [12, 3.5, 100]),
    one("degrees", ["12.5 °C", "-3 °C", "20 °C"], "number", [12.5, -3, 20]),
    one("miles an hour", ["12 km/h", "35 km/h"], "number", [12, 35]),
    one("several units", ["12 kg", "900 g", "3 kg", "250 g", "1 kg"], "category", None,
        ("several units",)),
    one("some without the unit", ["12 kg", "13", "14 kg", "15 kg"], "number", [12, 13, 14, 15],
        ("have no 'kg'",)),
    one("leading zeros", ["0042", "1200", "0815", "0042"], "category",
        ["0042", "1200", "0815", "0042"], ("leading zeros",)),
    one("whole numbers beyond 2^53", ["9007199254740993", "9007199254740992", "9007199254740993"],
        "category", ["9007199254740993", "9007199254740992"], ("2^53",)),
    one("numbers in hex stay words", ["0x1A", "0xFF", "0x1A", "0x00"], "category"),
    one("spelled infinite", ["1.5", "inf", "2.5", "-Infinity"], "number", None, ("infinity",)),
    one("floats of whole numbers", ["1.0", "2.0", "3.0"], "number", [1, 2, 3], silent=True),
    one("digits without a zero", [".5", "-.25", "1."], "number", [.5, -.25, 1], silent=True),
    one("thousands of dollars", ["$10K", "$12K", "$15.5K"], "number", [10, 12, 15.5]),
    one("footnotes", ["1.5*", "2.5", "3.5*"], "number", [1.5, 2.5, 3.5], ("have no '*'",)),
    one("a letter behind one is no unit", ["1.5", "2.5a", "3.5", "4"], "category"),
    one("below what was measured", ["<0.5", "1.5", "2.5", "<0.5", "3.5"], "number",
        [.5, 1.5, 2.5, .5], ("'<0.5' (rows 1, 4): read as these limits",)),
    one("durations of pandas", ["0 days 01:00:00", "1 days 12:00:00"], "number", [1 / 24, 1.5]),
    one("durations beyond a day", ["12:00:00", "36:00:00", "1:30:00"], "number", [.5, 1.5, .0625]),
    one("ages, the last one open", ["85", "90+", "12", "90+", "3"], "number", [85, 90, 12, 90],
        ("'90+' (rows 2, 4): read as these limits",)),
    one("all of them open", ["1,000+", "500+", "10+"], "number", [1000, 500, 10]),
    one("limits alone", ["<5", ">10", "<5", ">20"], "category"),
    one("prices without cents", ["12,-", "3,50", "7,-"], "number", [12, 3.5, 7]),
    one("francs", ["CHF 12.-", "CHF 1'250.50", "CHF 7.-"], "number", [12, 1250.5, 7]),
    one("reals", ["R$ 1.234,56", "R$ 7,00", "R$ 12,10"], "number", [1234.56, 7, 12.1]),
    one("crowns", ["100 kr", "1 250 kr", "75 kr"], "number", [100, 1250, 75]),
    one("ratios", ["1/3", "2/3", "1/3"], "category"),
    one("micrograms", ["7.5 µg/m³", "12 µg/m³"], "number", [7.5, 12]),
    one("a minus behind, decimal comma", ["12,50-", "3,00", "1.200,00-"], "number",
        [-12.5, 3, -1200]),
    one("pounds of blood", ["120/80", "130/85", "110/70"], "category"),
    one("approximately", ["~5", "~7.5", "~9"], "number", [5, 7.5, 9]),
]

GAPS = [
    one("empty cells", ["1", "", "3", " "], "number", [1, NAN, 3, NAN], silent=True),
    one("NA", ["1", "NA", "3", "n/a"], "number", [1, NAN, 3, NAN], silent=True),
    one("NaN and null", ["1.5", "NaN", "null", "NULL", "#N/A", "<NA>"], "number",
        [1.5, NAN, NAN, NAN, NAN, NAN], silent=True),
    one("question marks", ["1.5", "?", "3.5", "?"], "number", [1.5, NAN, 3.5, NAN]),
    one("a dash", ["1.5", "-", "3.5", "4", "--"], "number", [1.5, NAN, 3.5, 4, NAN],
        ("3 of 5 values are numbers, the others are '-', '--' (rows 2, 5): taken as gaps",)),
    one("a point", ["1.5", ".", "3.5"], "number", [1.5, NAN, 3.5], ("'.' (row 2)",)),
    one("missing, unknown", ["1.5", "missing", "unknown", "2"], "number", [1.5, NAN, NAN, 2],
        ("taken as gaps",)),
    one("errors of a spreadsheet", ["1.5", "#DIV/0!", "#VALUE!", "2"], "number",
        [1.5, NAN, NAN, 2], silent=True),
    one("one word among many numbers", [f"{i}.5" for i in range(1, 30)] + ["offline"], "number",
        [1.5], ("the other is 'offline' (row 30): taken as gaps",)),
    one("a row Total", [f"{i}.25" for i in range(10)] + ["Total"], "number", [.25],
        ("'Total'", "row 11: says 'Total'")),
    one("codes of digits and letters", ["10", "20", "30", "A1"] * 5, "category",
        ["10", "20", "30", "A1"], ("numbers and words",)),
    one("a few codes with a letter", ["10", "20", "30"] * 33 + ["A1"], "category"),
    one("words said to be gaps", ["1.5", "-999", "3.5", "-999.0"], "number",
        [1.5, NAN, 3.5, NAN], reading={"na": ("-999",)}),
    one("a code for nothing is warned of", ["1.5", "-999", "3.5", "-999", "2", "1.7"], "number",
        [1.5, -999], ("--na -999",)),
    one("a statistics office", ["12.5", ":", "13.1", "(d)", "14"], "number",
        [12.5, NAN, 13.1, NAN, 14], ("':', '(d)'",)),
    one("the World Bank", ["12.5", "..", "13.1"], "number", [12.5, NAN, 13.1]),
    one("a survey", ["34", "Refused", "51", "Don't know", "28"], "number",
        [34, NAN, 51, NAN, 28], ("taken as gaps",)),
    one("a smart home", ["21.5", "unavailable", "21.7", "unknown"], "number",
        [21.5, NAN, 21.7, NAN]),
    one("no measurement of SPSS", ["1.5", "#NULL!", "2.5"], "number", [1.5, NAN, 2.5]),
    one("Excel in German", ["1,5", "#NV", "#WERT!", "2,5"], "number", [1.5, NAN, NAN, 2.5]),
    one("nothing at all", ["", "", ""], "nothing-", None, ("empty",)),
    one("question marks alone", ["?", "?", "?"], "nothing-", None, ("empty",)),
    one("dashes alone", ["-", "-", "-"], "nothing-", None, ("empty",)),
    one("words with gaps", ["red", "NA", "blue", "", "red"], "category",
        ["red", None, "blue", None, "red"], silent=True),
    one("a level none", ["none", "mild", "severe", "none", "mild"], "category",
        ["none", "mild", "severe"], silent=True),
    one("plus and minus are levels", ["+", "-", "+", "+", "-"], "category", ["+", "-"],
        silent=True),
]

BOOLEANS = [
    one("True and False", ["True", "False", "True"], "boolean", [1, 0, 1], silent=True),
    one("true, FALSE, a gap", ["true", "FALSE", "", "True"], "boolean", [1, 0, NAN, 1],
        silent=True),
    one("TRUE and FALSE with NA", ["TRUE", "NA", "FALSE"], "boolean", [1, NAN, 0], silent=True),
    one("yes and no", ["yes", "no", "Yes", "NO"], "boolean", [1, 0, 1, 0], silent=True),
    one("y and n", ["Y", "N", "N"], "boolean", [1, 0, 0], silent=True),
    one("t and f", ["t", "f", "f"], "boolean", [1, 0, 0], silent=True),
    one("WAHR und FALSCH", ["WAHR", "FALSCH", "WAHR"], "boolean", [1, 0, 1], silent=True),
    one("VRAI et FAUX", ["VRAI", "FAUX", "FAUX"], "boolean", [1, 0, 0], silent=True),
    one("yes, no, unknown is three levels", ["yes", "no", "unknown"] * 4, "category",
        ["yes", "no", "unknown"]),
    one("yes, no, and a dash", ["yes", "no", "-", "yes"], "boolean", [1, 0, NAN, 1],
        ("'-' (row 3): taken as gaps",)),
    one("0 and 1 stay numbers", ["0", "1", "1"], "number", [0, 1, 1], silent=True),
    one("m and f is no truth", ["m", "f", "f"], "category", ["m", "f", "f"]),
    one("0 and 1 said to be truth", ["0", "1", "1"], "boolean", [0, 1, 1],
        reading={"types": {"v": "boolean"}}),
]

D1, D2 = "2024-01-31", "2024-02-01"
NOON, HALF = "2024-01-31T12:00", "2024-02-01T14:30"
DATES = [
    one("ISO", [D1, D2, "2023-12-05"], "date", [D1, D2, "2023-12-05"], silent=True),
    one("ISO with time", [f"{D1} 12:00:00", f"{D2} 14:30:00"], "date", [NOON, HALF], silent=True),
    one("ISO with T", [f"{D1}T12:00:00", f"{D2}T14:30:00"], "date", [NOON, HALF], silent=True),
    one("ISO with Z", [f"{D1}T12:00:00Z", f"{D2}T14:30:00Z"], "date", [NOON, HALF], silent=True),
    one("fractions of a second", [f"{D1}T12:00:00.25", f"{D2}T14:30:00.5"], "date",
        [NOON + ":00.250000", HALF + ":00.500000"]),
    one("zones", [f"{D1}T13:00:00+01:00", f"{D2}T12:30:00-0200"], "date", [NOON, HALF],
        ("UTC",)),
    one("one zone", [f"{D1}T13:00:00+01:00", f"{D2}T15:30:00+01:00"], "date", [NOON, HALF]),
    one("a day beside times", [D1, f"{D2} 14:30", f"{D2} 14:30:15"], "date",
        [D1, HALF, HALF + ":15"]),
    one("slashes, year first", ["2024/01/31", "2024/2/1"], "date", [D1, D2]),
    one("day first, decided", ["31/01/2024", "01/02/2024"], "date", [D1, D2], silent=True),
    one("month first, decided", ["01/31/2024", "02/01/2024"], "date", [D1, D2], silent=True),
    one("decided by a row far behind", ["01/02/2024"] * 1500 + ["31/01/2024"], "date", [D2]),
    one("undecided", ["01/02/2024", "05/03/2024", "02/04/2023", "12/06/2022"], "date", [D2],
        ("no day is above 12", "--as v=m/d/y")),
    one("undecided, order said", ["02/01/2024", "03/05/2024"], "date", [D2],
        reading={"types": {"v": "m/d/y"}}),
    one("points", ["31.01.2024", "01.02.2024", "1.2.2024"], "date", [D1, D2, D2]),
    one("points and two digits", ["31.01.24", "01.02.24", "05.06.99"], "date",
        [D1, D2, "1999-06-05"]),
    one("points and a time", ["31.01.2024 12:00", "01.02.2024 14:30"], "date", [NOON, HALF]),
    one("AM and PM", ["1/31/2024 12:00 PM", "2/1/2024 2:30 PM"], "date", [NOON, HALF]),
    one("AM and PM, undecided", ["1/2/2024 12:00:00 AM", "2/1/2024 2:30:00 PM"], "date",
        ["2024-01-02", HALF], ("AM and PM",)),
    one("month's name first", ["Jan 31, 2024", "February 1, 2024"], "date", [D1, D2]),
    one("month's name between", ["31-Jan-24", "01-Feb-24"], "date", [D1, D2]),
    one("month's name, long", ["31 January 2024", "1 February 2024"], "date", [D1, D2]),
    one("with the weekday", ["Wed, 31 Jan 2024 12:00:00 +0000",
                             "Thu, 01 Feb 2024 14:30:00 +0000"], "date", [NOON, HALF]),
    one("of Germany", ["31. Januar 2024", "1. Februar 2024", "5. März 2024"], "date", [D1, D2]),
    one("of France", ["31 janvier 2024", "1 févr. 2024"], "date", [D1, D2]),
    one("digits alone, named", ["20240131", "20240201"], "date", [D1, D2], header="date"),
    one("digits alone, not named", ["20240131", "20240201", "20240205"], "number",
        [20240131, 20240201]),
    one("digits alone, said", ["20240131", "20240201"], "date", [D1, D2],
        reading={"types": {"v": "date"}}),
    one("months", ["2024-01", "2024-02", "2023-12"], "date", ["2024-01-01", "2024-02-01"]),
    one("months by name", ["Jan 2024", "Feb 2024"], "date", ["2024-01-01", "2024-02-01"]),
    one("months, short", ["Jan-24", "Feb-24"], "date", ["2024-01-01", "2024-02-01"]),
    one("quarters", ["2024Q1", "2024Q2", "2023Q4"], "date", ["2024-01-01", "2024-04-01"]),
    one("quarters first", ["Q1 2024", "Q2 2024"], "date", ["2024-01-01", "2024-04-01"]),
    one("weeks", ["2024-W05", "2024-W06"], "date", ["2024-01-29", "2024-02-05"]),
    one("years are numbers", ["2023", "2021", "2024"], "number", [2023, 2021]),
    one("times", ["14:30", "08:15", "23:59"], "date", ["1970-01-01T14:30", "1970-01-01T08:15"]),
    one("times with seconds", ["14:30:05", "08:15:00"], "date", ["1970-01-01T14:30:05"]),
    one("dates with gaps", [D1, "", "NA", D2, "-"], "date", [D1, None, None, D2, None],
        ("'-' (row 5)",)),
    one("dates of zeros", [D1, "0000-00-00", D2], "date", [D1, None, D2]),
    one("a far date for nothing", [D1, "9999-12-31", D2, "9999-12-31"], "date", [D1],
        ("9999-12-31 in 2 of 4 rows",)),
    one("unix seconds stay numbers", ["1706700000", "1706786500", "1706900000"], "number",
        [1706700000]),
    one("a log of a server", ["31/Jan/2024:12:00:00 +0000", "01/Feb/2024:14:30:00 +0000"], "date",
        [NOON, HALF]),
    one("as the shell prints it", ["Wed Jan 31 12:00:00 2024", "Thu Feb  1 14:30:00 2024"], "date",
        [NOON, HALF]),
    one("a zone's name in brackets", [f"{D1}T13:00+01:00[Europe/Berlin]",
                                      f"{D2}T15:30+01:00[Europe/Berlin]"], "date", [NOON, HALF]),
    one("a zone's letters", [f"{D1} 07:00 EST", f"{D2} 10:30 EDT"], "date", [NOON, HALF],
        ("several zones",)),
    one("months of Germany", ["01.2024", "02.2024", "12.2023"], "date",
        ["2024-01-01", "2024-02-01"]),
    one("a database's month", ["01JAN2024", "31JAN2024"], "date", ["2024-01-01", D1]),
    one("a database's time", ["Jan 31 2024 12:00PM", "Feb  1 2024  2:30PM"], "date", [NOON, HALF]),
    one("with blanks", ["31. 1. 2024", "1. 2. 2024"], "date", [D1, D2]),
    one("year first with points", ["2024. 01. 31.", "2024. 02. 01."], "date", [D1, D2]),
    one("signs for year, month, day", ["2024年1月31日", "2024年2月1日"], "date", [D1, D2]),
    one("a far day, day first", ["31/01/2024", "31/12/9999", "01/02/2024"] * 4, "date",
        [D1, "9999-12-31"], ("9999-12-31 in 4 of 12 rows",)),
    one("ISO beside points", [D1, "01.02.2024"], "date", [D1, D2]),
    one("no day of the calendar", ["2024-02-30", "2024-01-31"] + [D2] * 30, "date", [None, D1],
        ("'2024-02-30'",)),
]

NAMES = ["Ann Lee", "Bo Chan", "Cy Dee", "Di Eng", "Ed Fox", "Flo Guy", "Gus Hay", "Hal Ink",
         "Ida Jay", "Jo Kay", "Kim Low", "Lu May"]
SAID = ["the quick brown fox jumps", "a lazy dog sleeps in the sun", "rain falls on the old roof",
        "nobody reads all of these words", "the last of them says nothing"]
WORDS = [
    one("levels", ["red", "blue", "red", "green"], "category", ["red", "blue"], silent=True),
    one("levels with blanks around", ["red ", " red", "blue", "blue"], "category",
        ["red", "red", "blue"], silent=True),
    one("levels in two spellings", ["Red", "red", "blue", "Red"], "category", ["Red", "red"],
        ("'Red', 'red'",)),
    one("names", NAMES, "category-", None, ("another word in each row",)),
    one("names, kept", NAMES, "category", None, ("kept, as asked for",),
        reading={"keep": ("v",)}),
    one("sentences", SAID, "text-", None, ("--text",)),
    one("sentences as inputs", SAID, "text", None, reading={"text": True}),
    one("phone numbers", [f"+1 555 {i:03d} {7 * i + 1000}" for i in range(12)], "category-"),
    one("zip codes", ["02139", "10001", "94105", "02139"], "category", ["02139", "10001"],
        ("leading zeros",)),
    one("addresses of machines", ["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.3"], "category"),
    one("versions", ["1.2.3", "1.2.4", "1.10.0", "1.2.3"], "category"),
    one("ranges", ["18-25", "26-35", "18-25", "36-45"], "category"),
    one("grades", ["1st", "2nd", "3rd", "1st"], "category"),
    one("codes with one letter before", ["A1", "A2", "A1", "A3"], "category"),
    one("mails", [f"a{i}@b.org" for i in range(12)], "category-"),
    one("comparisons", ["<5", "5-10", ">10", "<5"], "category"),
    one("coordinates with letters", ["52.5N", "13.4N", "48.1N"], "number", [52.5, 13.4]),
]

WHOLE = [
    Awkward("R's row names", '"","a","b"\n"1",5.1,"x"\n"2",4.9,"y"\n"3",4.7,"x"\n',
            "number- number category", {"a": [5.1, 4.9, 4.7]}, ("index",)),
    Awkward("R's row names that are words",
            '"","mpg"\n"Mazda RX4",21\n"Datsun 710",22.8\n"Valiant",18.1\n', "category- number",
            {}, ("name or an id",)),
    Awkward("an index of pandas", "Unnamed: 0,a\n0,5.5\n1,4.5\n2,4.25\n", "number- number",
            {}, ("index",)),
    Awkward("an index with holes", "Unnamed: 0,a\n4,5.5\n1,4.5\n9,4.25\n", "number- number"),
    Awkward("an id", "id,a\n1,5.5\n2,4.5\n3,4.25\n", "number- number"),
    Awkward("the only input counts the rows", "x,y\n1,5.5\n2,4.5\n3,4.25\n", "number",
            target="y"),
    Awkward("years in a row are no index", "year,v\n" + "".join(
        f"{1990 + i},{(i * 7) % 5}.5\n" for i in range(25)), "number number"),
    Awkward("twice the same column", "a,b,c\n1.5,x,1.5\n2.5,y,2.5\n4.5,x,4.5\n",
            "number category number-", {}, ("copy of 'a'",)),
    Awkward("the target twice", "a,y,b\n1.5,x,x\n2.5,y,y\n4.5,x,x\n", "number category-",
            {}, ("copy of the target",), target="y"),
    Awkward("one value", "a,b\n7,1.5\n7,2.5\n7,4\n", "number- number", {}, ("every row has the",)),
    Awkward("a bank in Germany",
            "Buchungstag;Betrag;Währung;Zweck\n31.01.2024;-1.234,56;EUR;Miete Januar\n"
            "01.02.2024;2.500,00;EUR;Gehalt Februar\n05.02.2024;-19,99;EUR;Strom\n",
            "date number category- category", {"Betrag": [-1234.56, 2500, -19.99]}, sep=";"),
    Awkward("a table of a government",
            'Year,Region,Population,Share\n2019,North,"1,234,567",12.5%\n2020,South,"987,654",10.1%\n'
            '2021,North,"1,250,000",12.6%\n2022,West,..,-\n',
            "number category number number",
            {"Population": [1234567, 987654, 1250000, NAN], "Share": [12.5, 10.1, 12.6, NAN]}),
    Awkward("a log of a sensor",
            "timestamp,temp,state\n2024-01-31T12:00:00Z,21.5,ok\n2024-01-31T12:00:10Z,nan,ok\n"
            "2024-01-31T12:00:20Z,21.7,fault\n2024-01-31T12:00:30Z,-,ok\n", "date number category",
            {"temp": [21.5, NAN, 21.7, NAN]}),
    Awkward("a sum in the last row",
            "shop,sold\nBern,5\nRome,7\nOslo,9\nBern,4\nTotal,25\n", "category number", {},
            ("row 5: says 'Total'",)),
    Awkward("a target with a decimal comma", "a;y\n1;100,8\n2;99,2\n4;101,5\n", "number",
            {}, target="y", sep=";"),
]

FILES = [*NUMBERS, *GAPS, *BOOLEANS, *DATES, *WORDS, *WHOLE]
