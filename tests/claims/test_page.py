"""The report of claims: what stands in it, and how it looks in a browser."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from evenly.claims import Study, less, run
from evenly.claims.page import CLASS, banners, in_notebook, render, typeset
from evenly.claims.result import Result
from tests.axe import breaches

from .samples import GAPS, NORMS, WORSE

VOID = {"meta", "link", "br", "img", "input", "hr"}
HOSTILE = "<script>alert('x')</script>"
MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"


class Page(HTMLParser):
    """Reads a page strictly: every element is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in set(self.open):
            self.words.setdefault(tag, []).append(data)

    def text(self, tag):
        return " ".join("".join(self.words.get(tag, [])).split())

    def all(self, name):
        return [value for _, attrs in self.tags if (value := attrs.get(name)) is not None]


@pytest.fixture(scope="module")
def results():
    """A claim that holds, one that cannot be told, one that fails."""
    return [run(NORMS), run(GAPS), run(WORSE)]


@pytest.fixture(scope="module")
def html(results):
    return render(results, "The claims, tested", "evenly study --out 'a b'",
                  facts=[("machine", "two & more cores")])


def test_nothing_is_asked_of_the_outside(html):
    page = Page(html)
    names = page.all("id")
    assert len(names) == len(set(names)), "each name once"
    for attribute in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
        for value in page.all(attribute):
            assert value == "data:," or value.removeprefix("#") in names
    assert not {"script", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    for word in ("http:", "https:", "@import", "@font-face"):
        assert word not in html
    for target in re.findall(r"url\(([^)]*)\)", html):
        assert target.removeprefix("#") in names


def seen(text):
    """Numbers as they are printed, with plain spaces."""
    return typeset(text).replace("\xa0", " ")


def rows(html, kind):
    """The rows of the tables of a kind, as text."""
    found = []
    for table in re.findall(rf'<table role="table" class="{kind}".*?</table>', html, re.S):
        body = table[table.index("<tbody"):]
        found.append([Page(row).text("tr") for row in re.findall(r"<tr.*?</tr>", body, re.S)])
    return found


def test_the_table_of_claims_is_first(html, results):
    assert html.index('class="claims"') < html.index("How a verdict is made")
    (claims,) = rows(html, "claims")
    for row, result, share in zip(claims, results, (
            "3 of 3 parts hold", "1 of 2 parts hold", ""), strict=True):
        record = result.record
        assert row.startswith(f"{record.claim} {record.verdict} {share}".strip())
        assert seen(record.headline.effect) in row
        assert record.headline.words in row
        assert row.endswith(seen(record.sentence))
    assert [result.verdict for result in results] == ["holds", "cannot tell", "fails"]
    assert Page(html).text("header") == (
        "evenly study The claims, tested 1 holds 1 fails 1 cannot be told")
    for place in (1, 2, 3):
        assert f'<a href="#claim-{place}">' in html
        assert f'id="claim-{place}"' in html


def test_a_verdict_is_a_sign_and_a_word(html):
    for kind in ("holds", "fails", "open"):
        chips = re.findall(rf'<span class="chip {kind}">(.*?)</span>', html, re.S)
        assert chips
        for chip in chips:
            assert 'aria-hidden="true"' in chip
            assert re.sub(r"<svg.*?</svg>", "", chip, flags=re.S).strip()
    signs = {re.search(r'<path d="([^"]*)"', chip)[1] for chip in
             re.findall(r'<span class="chip \w+">(.*?)</span>', html, re.S)}
    assert len(signs) == 3


def test_every_part_has_its_numbers(html, results):
    for table, result in zip(rows(html, "parts"), results, strict=True):
        for row, part in zip(table, result.record.parts, strict=True):
            assert row.startswith(part.words)
            p = "< 0.001" if part.p_holm < 0.001 else f"{part.p_holm:.3f}"
            assert row.endswith(f"{seen(part.expects)} {seen(part.effect)} {p} "
                                f"{part.verdict}")
    norms = rows(html, "parts")[0]
    each = results[0].record.parts[1].at_each
    assert list(each) == ["depth 5", "depth 20", "depth 40"]
    assert f"At each level: depth 5 +{100 * each['depth 5']:.1f} points, depth 20" in norms[1]
    assert "Shown, and no part of the verdict." in norms[3]


def test_a_section_tells_all_of_its_study(html, results):
    page = Page(html)
    text = page.text("main")
    for result in results:
        record = result.record
        for words in (record.source, record.about, record.command,
                      f"{len(record.runs):,}", f"{record.seconds:.1f} s of processor time"):
            assert words in text
        for picture in result.study.pictures:
            assert f">{picture.title}</h4>" in html
            assert picture.about in text
    for line in ("evenly exercise batch-norm", "evenly exercise initialization",
                 "help(evenly.BatchNorm)", "help(evenly.LayerNorm)", "evenly exercise dropout",
                 f"levels of gain {MINUS}0.1 · 0 · 0.1", "evenly study --out 'a b'",
                 "machine two & more cores", "8, each with its own seeds"):
        assert line in text
    drawings = sum(len(r.study.pictures) + 1 for r in results)
    assert html.count("<figure") == drawings
    # Those of several panels, and parts that are alone in their row, are drawn for a phone too.
    assert html.count('role="img"') == drawings + 2 + 2


def test_where_the_correction_decided_it_is_said(results):
    result = results[1]
    part = replace(result.record.parts[1], corrected=True)
    record = replace(result.record, parts=(result.record.parts[0], part))
    said = ("The interval alone would have said more: after the correction for 2 parts it is not "
            "enough.")
    assert said in rows(render([Result(result.study, record)]), "parts")[0][1]
    assert said not in render([result])


def test_a_sure_effect_that_is_too_small_is_explained():
    study = replace(WORSE, name="least", parts=(
        less("loss", {"momentum": 0.0}, than={"momentum": 0.9}, least=5.0),))
    result = run(study)
    assert result.verdict == "cannot tell"
    assert "Less than +5.00 is not worth the name." in render([result])


def test_a_page_of_one_study(results):
    html = render(results[:1], results[0].record.claim, results[0].record.command)
    page = Page(html)
    assert page.text("h1") == NORMS.claim
    assert "evenly study · norm-trains-faster" in page.text("header")
    heads = [Page(head).text("h2") for head in re.findall(r"<h2.*?</h2>", html, re.S)]
    assert heads == ["The verdict", "How a verdict is made", "The evidence", "The whole run"]
    assert len(rows(html, "claims")[0]) == 1
    assert ">all claims</a>" not in html


def test_what_did_not_end_is_said_first(results):
    record = results[0].record
    assert not banners([record])
    half = replace(record, interrupted=True, blocks_done=7)
    (said,) = banners([half])
    assert said.startswith("Stopped early: norm-trains-faster (7 of 8 blocks).")
    few = replace(half, blocks_done=3)
    assert banners([few])[1:] == [
        "Fewer than 6 blocks, too few for a verdict: norm-trains-faster."]
    html = render([Result(NORMS, few)], missing=["dropout-gap"])
    head = html[html.index("<header>"):html.index("</header>")]
    assert head.count('class="banner"') == 3
    assert "No block ended, and nothing is told: dropout-gap." in head
    assert f" \N{EN DASH} {few.parts[0].verdict}" in rows(html, "parts")[0][0], "no p is told"
    assert "too few" in in_notebook(NORMS, few)


def test_names_from_outside_are_escaped():
    def measure(case):
        return {HOSTILE: 1.0 + (case[HOSTILE] == "b") + case.rng().normal(scale=0.01)}

    study = Study(
        name="hostile", claim=HOSTILE, source=HOSTILE, about=HOSTILE, measure=measure,
        factors={HOSTILE: ("a", "b")}, exercises=(HOSTILE,), layers=(HOSTILE,),
        parts=(less(HOSTILE, {HOSTILE: "a"}, than={HOSTILE: "b"}, unit=HOSTILE),),
        pictures=(replace(NORMS.pictures[2], title=HOSTILE, measure=HOSTILE, over=HOSTILE, by="",
                          log="", about=HOSTILE, unit=HOSTILE),),
    )
    result = run(study)
    for html in (render([result], HOSTILE, HOSTILE, [(HOSTILE, HOSTILE)], [HOSTILE]),
                 result._repr_html_()):
        assert "<script" not in html
        assert "alert(&#39;x&#39;)" in html
        Page(html)


@pytest.mark.parametrize(("text", "printed"), [
    ("-3.1 [-4.0, -2.2] points", f"{MINUS}3.1 [{MINUS}4.0, {MINUS}2.2] points"),
    ("x 0.62 [0.50, 0.77]", f"{TIMES}\xa00.62 [0.50, 0.77]"), ("below x 1", f"below {TIMES}\xa01"),
    ("-1.9e-02 [-5.3e-01, +1.0e-04]", f"{MINUS}0.019 [{MINUS}0.53, +0.00010]"),
    ("x 2.3e+07", f"{TIMES}\xa02.3{TIMES}10\u2077"),
    ("-1.0e-05", f"{MINUS}1.0{TIMES}10\u207b\u2075"),
    ("gain-3 of res-net 2-4", "gain-3 of res-net 2-4"),
    ("a max of 3", "a max of 3"), ("2 to -.5", f"2 to {MINUS}.5"),
])
def test_numbers_are_printed_as_such(text, printed):
    assert typeset(text) == printed


def test_the_same_results_give_the_same_page(results, html):
    again = render(results, "The claims, tested", "evenly study --out 'a b'",
                   facts=[("machine", "two & more cores")])
    assert again == html


def test_styles_of_a_notebook_are_for_the_claim_alone(results):
    html = results[1]._repr_html_()
    page = Page(html)
    assert page.tags[0] == ("div", {"class": CLASS})
    style = html[html.index("<style>") + 7:html.index("</style>")]
    heads = [head.strip() for head in re.findall(r"([^{}]+)\{", style)]
    for head in heads:
        if not head.startswith("@"):
            assert all(f".{CLASS}.{CLASS}" in one for one in head.split(",")), head
    assert any(head.startswith("@container") for head in heads)


def test_two_in_one_notebook_have_names_of_their_own(results):
    both = Page(results[1]._repr_html_() + results[1]._repr_html_())
    names = both.all("id")
    assert len(names) == len(set(names))


# In a browser.

SIZES = {"wide": (1400, 900), "phone": (390, 844)}
SCROLLS = """[...document.querySelectorAll('body, body *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && box.right > innerWidth + 1 && !e.closest('.unseen, thead');
}).map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40))"""


@pytest.fixture
def shown(browser, tmp_path):
    """Opens a page from a file. Whatever it asks for besides, or complains of, is an error."""
    contexts, complaints = [], []

    def shown(html, width=1400, height=900, **circumstances):
        context = browser.new_context(viewport={"width": width, "height": height}, **circumstances)
        contexts.append(context)
        file = tmp_path / "report.html"
        file.write_text(html, "utf-8")
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url in (file.as_uri(), "data:,")
                or complaints.append(request.url))
        page.goto(file.as_uri())
        return page

    yield shown
    for context in contexts:
        context.close()
    assert not complaints


@pytest.mark.sweep
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_the_screen(shown, html, size, scheme):
    width, height = SIZES[size]
    page = shown(html, width, height, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(SCROLLS) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(245, 246, 248)", "dark": "rgb(15, 19, 25)"}[scheme]
    # Of drawings that are there twice one is seen.
    for figure in page.locator("figure").all():
        assert figure.locator('svg[role="img"]:visible').count() == 1
    line = page.locator("svg [style*='--series-1']").first
    stroke = line.evaluate("e => getComputedStyle(e).stroke + getComputedStyle(e).fill")
    assert {"light": "rgb(47, 95, 208)", "dark": "rgb(125, 166, 255)"}[scheme] in stroke


@pytest.mark.sweep
@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 390)])
def test_no_rule_of_accessibility_is_broken(shown, html, scheme, width):
    assert breaches(shown(html, width, 844, color_scheme=scheme)) == []


@pytest.mark.sweep
def test_long_words_break_on_a_phone(shown):
    long = "Donaudampfschifffahrtsgesellschaftskapitaenskajuetenschluesselbund" * 2
    result = run(WORSE)
    part = replace(result.record.parts[0], words=long)
    record = replace(result.record, claim=long, source=long, sentence=long, parts=(part,),
                     name=long, command=f"evenly study {long}")
    page = shown(render([Result(WORSE, record)], long, long), 390, 844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.sweep
def test_what_a_screen_reader_hears(shown, html, results):
    for width in (1400, 390):
        page = shown(html, width)
        assert page.get_by_role("main").count() == 1
        levels = [int(e.evaluate("e => e.tagName[1]")) for e in page.get_by_role("heading").all()]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        table = page.get_by_role("table", name="The claims and their verdicts")
        assert table.get_by_role("row").count() >= len(results)
        for result in results:
            header = table.get_by_role("rowheader", name=result.record.claim)
            assert header.count() == 1
            assert page.get_by_role("region", name=result.record.claim).count() == 1
        picture = page.get_by_role("img", name="Training loss")
        assert picture.count() == 1
        assert picture.locator("desc").text_content().startswith("Loss by epoch. none: from 2.")


def test_a_row_leads_to_its_section(shown, html):
    page = shown(html)
    page.get_by_role("link", name="Momentum makes descent faster.").click()
    box = page.locator("#claim-3").bounding_box()
    assert 0 <= box["y"] < 900
    page.locator("#claim-3 + .under").get_by_role("link", name="all claims").click()
    assert page.url.endswith("#claims")


@pytest.mark.sweep
def test_the_table_of_a_dozen_is_on_the_first_screen(shown, results):
    sections = [Result(WORSE, replace(results[2].record, name=f"claim-{i}",
                                      claim="A claim in its usual words, which are not so few."))
                for i in range(10)]
    page = shown(render(sections), 1400, 900)
    rows = page.locator(".claims tbody tr")
    assert rows.count() == 10
    assert rows.nth(9).bounding_box()["y"] < 900


@pytest.mark.sweep
def test_it_is_printed_as_tables(shown, html):
    page = shown(html, 718, 1000)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    display = "e => getComputedStyle(e).display"
    assert page.locator(".claims thead").evaluate(display) == "table-header-group"
    assert page.locator(".parts tbody td").first.evaluate(display) == "table-cell"
    assert page.pdf(format="A4").startswith(b"%PDF")


HOST = """<!doctype html><meta charset=utf-8><title>n</title><style>h3 {{ color: red }}</style>
<body data-jp-theme-light="{light}"><h3>own</h3><table id=own><tr><td>own</td></tr></table>
<p id=par>own</p>{first}{second}"""


@pytest.mark.sweep
def test_a_notebook_keeps_its_own_looks(shown, results):
    first, second = (result._repr_html_() for result in results[:2])
    plain = shown(HOST.format(light="true", first="", second=""))
    looks = """() => ['h3', '#own', '#own td', '#par', 'body'].map(
        s => ['color', 'fontSize', 'padding', 'margin', 'backgroundColor', 'display'].map(
            p => getComputedStyle(document.querySelector(s))[p]))"""
    before = plain.evaluate(looks)
    page = shown(HOST.format(light="true", first=first, second=second), color_scheme="dark")
    assert page.evaluate(looks) == before
    own = page.locator(f".{CLASS}").first
    assert own.locator("h3").evaluate("e => getComputedStyle(e).color") == "rgb(23, 32, 43)"
    # The notebook says that it is light: the system does not decide.
    ground = "e => getComputedStyle(e).backgroundColor"
    assert own.evaluate(ground) == "rgb(245, 246, 248)"
    dark = shown(HOST.format(light="false", first=first, second=""), color_scheme="light")
    assert dark.locator(f".{CLASS}").evaluate(ground) == "rgb(15, 19, 25)"
    assert dark.evaluate("document.documentElement.scrollWidth") <= 1400
    narrow = shown(HOST.format(light="false", first=first, second=""), 390)
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
