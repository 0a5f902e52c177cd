"""Reads the text of a PDF that Typst wrote, with where it stands: enough for tests."""

import re
import zlib
from typing import NamedTuple

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.S)
_TOKEN = re.compile(
    rb"\((?:\\.|[^\\)])*\)|<<|>>|<[0-9A-Fa-f]*>|/[^\s/\[\]()<>]+|[-+.\d]+|[A-Za-z'\"*]+|[\[\]]",
    re.S,
)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class Text(NamedTuple):
    """A run of text, and where on the page it begins (points from the lower left)."""

    text: str
    x: float
    y: float


class Pdf:
    """The pages of a PDF.

    Attributes:
        pages: of each the runs of text.
        sizes: of each (width, height) in points.
    """

    def __init__(self, content):
        assert content.startswith(b"%PDF-")
        assert content.rstrip().endswith(b"%%EOF")
        self.objects = {int(m[1]): m[2] for m in _OBJECT.finditer(content)}
        found = {n: o for n, o in self.objects.items() if o.startswith(b"<</Type/Page/")}
        kids = re.search(rb"/Type/Pages/Count \d+/Kids\[([^\]]*)\]", content)[1]
        pages = [found[int(n)] for n in re.findall(rb"(\d+) 0 R", kids)]
        self.sizes = [
            tuple(float(v) for v in re.search(rb"/MediaBox ?\[([^\]]*)\]", page)[1].split()[2:])
            for page in pages
        ]
        self.pages = [list(self._texts(page)) for page in pages]

    def text(self):
        """All text, a line for each run; formulas are set letter by letter and put together."""
        lines, last = [], None
        for page in self.pages:
            for run in page:
                beside = last is not None and abs(run.y - last.y) < 0.1 and 0 < run.x - last.x < 6.2
                if beside and len(run.text) == len(last.text) == 1:
                    lines[-1] += run.text
                else:
                    lines.append(run.text)
                last = run
        return "\n".join(lines)

    def _stream(self, number):
        body = re.search(rb"stream\r?\n(.*)\r?\nendstream", self.objects[number], re.S)[1]
        return zlib.decompress(body)

    def _fonts(self, page):
        resources = self.objects[int(re.search(rb"/Resources (\d+)", page)[1])]
        fonts = re.search(rb"/Font<<(.*?)>>", resources, re.S)
        return {name: self._letters(int(n))
                for name, n in re.findall(rb"(/f\d+) (\d+) 0 R", fonts[1] if fonts else b"")}

    def _letters(self, font):
        table = self._stream(int(re.search(rb"/ToUnicode (\d+)", self.objects[font])[1]))
        return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be")
                for code, text in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>\n", table)
                if len(text) % 4 == 0}

    def _texts(self, page):
        fonts, letters = self._fonts(page), {}
        now, kept, numbers, runs = (1, 0, 0, 1, 0, 0), [], [], []
        text, at = "", (0.0, 0.0)
        for token in _TOKEN.findall(self._stream(int(re.search(rb"/Contents (\d+)", page)[1]))):
            if re.fullmatch(rb"[-+]?\d*\.?\d+", token):
                numbers.append(float(token))
                continue
            if token == b"q":
                kept.append(now)
            elif token == b"Q":
                now = kept.pop()
            elif token == b"cm":
                now = _times(tuple(numbers[-6:]), now)
            elif token == b"BT":
                text = ""
            elif token == b"Tm":
                at = _times(tuple(numbers[-6:]), now)[4:]
            elif token in fonts:
                letters = fonts[token]
            elif token.startswith(b"("):
                codes = _unescaped(token[1:-1])
                text += "".join(letters.get(codes[i] * 256 + codes[i + 1], "?")
                                for i in range(0, len(codes) - 1, 2))
            elif token == b"ET":
                runs.append(Text(text, *at))
            if token not in (b"[", b"]") and not token.startswith(b"("):
                numbers = []
        return runs


def _times(a, b):
    return (a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3],
            a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3],
            a[4] * b[0] + a[5] * b[2] + b[4], a[4] * b[1] + a[5] * b[3] + b[5])


def _unescaped(text):
    def one(match):
        if match[1][:1].isdigit():
            return bytes([int(match[1], 8)])
        return _ESCAPES.get(match[1], match[1])

    return re.sub(rb"\\([0-7]{1,3}|.)", one, text, flags=re.S)
