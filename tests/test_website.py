"""The web edition: made once, opened in a real browser that reaches nothing but its files.

A page takes long to open, so that each is opened once for all that is looked at.
"""

import functools
import http.server
import re
import shutil
import subprocess
import threading
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from jupyter_browser import PATIENCE, unavailable

import assemble as assembling
import players
import website
from assemble import LANGUAGES, assemble, page_of, sections
from gan_helpers.lab.labels import TEXT
from recordings import RECORDINGS, path_of, schedule, unpacked

PAGES = [(lang, page_of(name)) for lang in LANGUAGES for name in sections()]
each_page = pytest.mark.parametrize(("lang", "name"), PAGES)
RING = RECORDINGS[0]
READY = ".gan-player.ready"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of a site that was made now."""
    if not (shutil.which("npm") or shutil.which("uvx")):
        unavailable("neither npm nor uv on PATH, which fetch MathJax", promised="REQUIRE_NODE")
    folder = tmp_path_factory.mktemp("website")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(website, "SITE", folder / "site")
        patched.setattr(website, "WORK", folder / "work")
        try:
            website.make()
        except (OSError, subprocess.CalledProcessError) as error:
            if "npm" not in str(error):
                raise
            unavailable(f"MathJax was not fetched: {error}", promised="REQUIRE_NODE")
    return folder / "site"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Nothing: pytest shows enough."""


@pytest.fixture(scope="module")
def address(site):
    """Of a plain file server."""
    handler = functools.partial(Quiet, directory=site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Window:
    """A page that reaches this address alone, and what went wrong on it."""

    def __init__(self, browser, allowed, width=1300):
        context = browser.new_context(viewport={"width": width, "height": 900})
        self.page, self.wrong = context.new_page(), []
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda m: m.type == "error" and self.wrong.append(m.text))
        self.page.route("**/*", functools.partial(self.pass_on, allowed))

    def pass_on(self, allowed, route):
        if route.request.url.startswith((allowed, "blob:", "data:")):
            route.continue_()
        else:
            self.wrong.append(f"asks for {route.request.url}")
            route.abort()

    def player(self, name):
        """The player of that name, with its first picture shown."""
        found = self.page.locator(f"#lab-{name}")
        found.scroll_into_view_if_needed()
        self.page.locator(f"#lab-{name}.ready").wait_for()
        return found


@pytest.fixture
def window(browser, address):
    opened = Window(browser, address)
    yield opened
    opened.page.context.close()


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def body(site, lang, name):
    """What a page shows, without its frame."""
    text = (site / lang / f"{name}.html").read_text(encoding="utf-8")
    return text[text.index("<article") : text.index("</article>")]


# --- what needs no browser


def test_links_of_notebooks_lead_to_pages():
    for link, page in (
        ("12.4.3_wgan.ipynb#cell-id=section-4-3", "12.4.3_wgan.html#section-4-3"),
        ("../en/12.4_index.ipynb", "../en/index.html"),
        ("../images/slides/acgan.svg", "../images/slides/acgan.svg"),
    ):
        assert website.address(link) == page
    prose = "## 4.3 So\n[a [b] `c`](12.4.3_wgan.ipynb), ![x](../images/x.png)"
    assert website.as_page(prose) == (
        '<span id="section-4-3"></span>\n\n## 4.3 So\n'
        '<a href="12.4.3_wgan.html">a [b] `c`</a>, ![x](../images/x.png)'
    )


def test_a_file_that_is_not_on_the_site_is_linked_where_the_source_is(monkeypatch):
    prose = "see [the slides](../slides/12.4_gan.en.md)"
    monkeypatch.setattr(website, "repository", lambda: "")
    assert website.as_page(prose) == "see the slides"
    monkeypatch.setattr(website, "repository", lambda: "https://example.org/it")
    assert "https://example.org/it/blob/main/notebooks/slides/" in website.as_page(prose)


def test_a_page_leads_to_its_notebook_where_that_has_an_address(monkeypatch):
    for module in (assembling, website):
        monkeypatch.setattr(module, "repository", lambda: "https://github.com/a/b")
    line = " · ".join(assembling.cloud_links("12.4.3_wgan", "en"))
    assert "https://a.github.io/b/en/12.4.3_wgan.html" in line
    page = website.to_source(line, "12.4.3_wgan", "en")
    assert "github.io" not in page and "colab.research" in page and "mybinder" in page
    assert "https://github.com/a/b/blob/main/notebooks/en/12.4.3_wgan.ipynb" in page


def test_the_code_of_a_recording_runs_the_same_lab():
    by_name = {recording.name: recording for recording in RECORDINGS}
    codes = {c.key: players.live(by_name["ring"], c) for c in by_name["ring"].choices}
    assert codes["hinge"] == 'Lab("ring", loss="hinge")'
    assert codes["seed_2"] == 'Lab("ring", seed=2)' and codes["grid"] == 'Lab("grid")'
    fork = players.live(by_name["fork"], by_name["fork"].choices[0])
    assert fork == 'Lab("ring", d_steps=10, lr_D=0.01, seed=1, compare="remedy")'


@each_page
def test_links_resolve(site, lang, name):
    targets = re.findall(r'(?:href|src)="([^"]+)"', body(site, lang, name))
    assert len(targets) > 10
    for target in map(unescape, targets):
        url = urlsplit(target)
        if url.scheme:
            assert url.scheme == "https"
            continue
        path = site / lang / (url.path or f"{name}.html")
        assert path.exists(), target
        if url.fragment:
            assert f'id="{url.fragment}"' in path.read_text(encoding="utf-8"), target


def test_the_site_is_small(site):
    sizes = {path: path.stat().st_size for path in site.rglob("*") if path.is_file()}
    assert sum(sizes.values()) <= 40_000_000


# --- in a browser


@each_page
def test_a_page_and_its_players(window, address, lang, name):
    page = window.page
    page.goto(f"{address}/{lang}/{name}.html")
    page.wait_for_function("window.MathJax?.startup?.promise?.then(() => true)")
    source = name if name != "index" else "12.4_index"
    title = assemble(source, lang).cells[0].source.splitlines()[0].removeprefix("# ")
    assert page.locator("article h1").inner_text().strip() == title
    assert page.locator("mjx-merror").count() == 0
    assert page.locator("article mjx-container").count() > 0 or name == "index"
    here = [one for one in RECORDINGS if name.startswith(one.notebook)]
    assert page.locator(".gan-player").count() == len(here)
    for recording in here:
        look_at(window, recording)
    for network in page.locator("[data-network]").all():
        network.scroll_into_view_if_needed()
        network.locator("canvas").first.wait_for()
    for width in (1300, 400):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(200)
        assert overflow(page) <= 0, width
        assert page.evaluate(CLIPPED) == [], width
    assert window.wrong == []


#: What is wider than the page, and not in something that scrolls; equations cut off at their left.
CLIPPED = """() => [...document.querySelectorAll("article *")].filter((e) => {
    const { left, right, width } = e.getBoundingClientRect();
    if (!width || (right <= innerWidth + 1 && left >= -1)) return false;
    for (let p = e.parentElement; p; p = p.parentElement)
      if (["auto", "scroll", "hidden"].includes(getComputedStyle(p).overflowX))
        return left < p.getBoundingClientRect().left - 1 && !p.scrollLeft;
    return true;
  }).map((e) => `${e.className} ${e.textContent.slice(0, 40)}`)"""


def look_at(window, recording):
    """A player moves, goes through its choices and to its end."""
    page, player = window.page, window.player(recording.name)
    time = player.locator("input[type=range]")
    player.locator("[data-ui=play]").click()
    page.wait_for_function("name => document.querySelector(`#lab-${name} input`).value > 1",
                           arg=recording.name)  # fmt: skip
    player.locator("[data-ui=play]").click()
    lang = page.locator("html").get_attribute("lang")
    keys = [choice.key for choice in recording.choices]
    for key in keys[1:] if lang == "ja" else keys[1:2]:
        player.locator(f'.gan-choices [data-key="{key}"]').click()
        page.wait_for_function(
            "key => new URLSearchParams(location.search).get('choice') === key", arg=key
        )
    time.fill(time.get_attribute("max"))
    assert f"{recording.steps - recording.ahead:,}" in player.locator("output").inner_text()
    pressed = player.locator("[data-key][aria-pressed=true]")
    key = pressed.get_attribute("data-key") if len(keys) > 1 else keys[0]
    shown = unpacked(path_of(recording, recording.choices[keys.index(key)]).read_bytes())[0]
    assert player.locator("pre").text_content() == shown["code"][lang]


COLOURS = """(canvas) => { const { width, height } = canvas, seen = new Set();
    for (const v of new Uint32Array(canvas.getContext("2d").getImageData(0, 0, width, height)
      .data.buffer)) seen.add(v); return seen.size; }"""


def test_a_player_plays_scrubs_and_listens_to_keys(window, address):
    page, words = window.page, TEXT["en"]
    page.goto(f"{address}/en/12.4.1_basic_gan.html")
    player = window.player("ring")
    play, at, time = (player.locator(s) for s in ("[data-ui=play]", "output", "input[type=range]"))
    assert (play.inner_text(), at.inner_text()) == (words["play"], "step 0")
    play.click()
    page.wait_for_function("document.querySelector('#lab-ring input').value > 3")
    assert play.inner_text() == words["pause"]
    play.click()
    time.fill("40")
    shown = f"step {schedule(RING)[40]}"
    assert at.inner_text() == shown
    counter = player.locator(".gan-step b")
    page.wait_for_function(
        "n => document.querySelector('#lab-ring .gan-step b').textContent === n",
        arg=counter.page.evaluate("n => n.toLocaleString('en')", schedule(RING)[40]),
    )
    assert player.locator(".gan-picture").evaluate(COLOURS) > 20
    player.locator(".gan-stage").focus()
    for key, index in (("ArrowLeft", 39), ("ArrowRight", 40), ("Home", 0), ("End", 79), ("r", 0)):
        page.keyboard.press(key)
        assert time.input_value() == str(index), key
    page.keyboard.press(" ")
    page.wait_for_function("document.querySelector('#lab-ring input').value > 0")
    assert not player.evaluate(
        "e => e.parentElement.parentElement.querySelector('img').checkVisibility()"
    )
    assert window.wrong == []


def test_one_of_several_is_shown_alone(window, address):
    page, words = window.page, players.WORDS["en"]
    page.goto(f"{address}/en/12.4.4_conditional_gan.html")
    player = window.player("both")
    many = player.locator(".gan-panel")
    many.nth(1).click()
    back = player.get_by_role("button", name=words["all_again"].replace("{name}", "AC-GAN"))
    page.wait_for_function("!document.querySelector('#lab-both .gan-panel')")
    assert player.locator(".gan-picture").evaluate(COLOURS) > 20
    back.click()
    page.wait_for_function("document.querySelectorAll('#lab-both .gan-panel').length === 2")
    assert back.count() == 0 and window.wrong == []


def test_the_code_can_be_read_and_copied(window, address):
    page, words = window.page, TEXT["ja"]
    page.goto(f"{address}/ja/12.4.1_basic_gan.html")
    player = window.player("ring")
    assert not player.locator("pre").is_visible()
    player.get_by_role("button", name=words["as_code"]).click()
    assert "lab.run(1500)" in player.locator("pre").inner_text()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    player.get_by_role("button", name=words["copy_code"]).click()
    player.get_by_text(words["copied"]).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == player.locator("pre").text_content() and window.wrong == []


def test_only_keys_that_act_are_listed(window, address):
    page, words = window.page, players.WORDS["en"]
    page.goto(f"{address}/en/12.4.1_basic_gan.html")
    player = window.player("ring")
    player.locator(".gan-stage").focus()
    page.keyboard.press("?")
    listed = player.locator(".gan-card tr:visible")
    said = listed.all_inner_texts()
    assert [line.split("\t")[0] for line in said] == ["space", "→", "r", "f", "c", "Esc", "?"]
    assert words["step_hint"] in said[1] and window.wrong == []


def test_the_address_leads_to_what_was_seen(window, address):
    page = window.page
    page.goto(f"{address}/ja/12.4.1_basic_gan.html")
    player = window.player("ring")
    player.locator('[data-key="hinge"]').click()
    player.locator("input[type=range]").fill("30")
    player.locator("select").select_option("2")
    step = schedule(RING)[30]
    assert page.url.endswith(f"?lab=ring&choice=hinge&step={step}&speed=2")
    page.goto(page.url)
    page.locator(READY).first.wait_for()
    assert page.locator("#lab-ring input[type=range]").input_value() == "30"
    assert page.locator("#lab-ring [aria-pressed=true]").get_attribute("data-key") == "hinge"
    assert "hinge" in page.locator("#lab-ring code").inner_text()
    assert page.locator("#lab-ring select").input_value() == "2"
    assert window.wrong == []


def test_it_works_from_a_disk(browser, site):
    opened = Window(browser, Path(site).as_uri())
    opened.page.goto(f"{site.as_uri()}/index.html")
    opened.page.wait_for_url("**/index.html")
    opened.page.goto(f"{site.as_uri()}/en/12.4.1_basic_gan.html")
    opened.player("ring")
    assert opened.wrong == []
    opened.page.context.close()


PIXELS = """(canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    .data.join()"""


def test_a_stroke_changes_what_the_networks_answer(window, address):
    page = window.page
    page.goto(f"{address}/en/12.4.5_pix2pix_cyclegan.html")
    place = page.locator('[data-network="shoes"]')
    place.scroll_into_view_if_needed()
    canvases = place.locator("canvas")
    page.wait_for_function(
        "() => document.querySelectorAll('[data-network=shoes] canvas').length > 3"
    )
    sheet, before = canvases.first, canvases.last.evaluate(PIXELS)
    box = sheet.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 60, steps=5)
    page.mouse.up()
    while canvases.last.evaluate(PIXELS) == before:
        page.wait_for_timeout(20)
    assert window.wrong == []


def test_the_stage_follows_the_theme(window, address):
    page = window.page
    page.goto(f"{address}/en/12.4.1_basic_gan.html")
    stage = window.player("ring").locator(".gan-stage")
    colours = set()
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        page.wait_for_timeout(300)
        colours.add(stage.evaluate("e => e.style.getPropertyValue('--bg')"))
    assert len(colours) == 2
