"""The report in a real browser: drawn, no wider than its window, silent, and alone."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import pytest

from sensor_bridge.report.chart import Scale, dots, frame
from sensor_bridge.report.page import build_report

# The page itself runs no script (its policy forbids it): a page around it measures it in a frame.
MEASURE = """<!doctype html><link rel="icon" href="data:,"><body style="margin:0">
<iframe src="report.html" style="width:WIDTHpx;height:900px;border:0"></iframe><pre></pre><script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  const box = e => { const r = e.getBoundingClientRect(); return [r.width, r.height, r.right]; };
  document.querySelector("pre").textContent = JSON.stringify({
    wide: root.scrollWidth, window: root.clientWidth, paper: getComputedStyle(page.body).backgroundColor,
    figures: [...page.querySelectorAll("figure")].map(f => [f.id, [...f.querySelectorAll("svg")].map(box)]),
    labels: [...page.querySelectorAll(".xs span, .ys span")].map(box),
  });
};
</script>"""

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--virtual-time-budget=5000",
]
DARK = "--blink-settings=preferredColorScheme=0"


@dataclass
class Site:
    """A folder served on the loopback interface, and what was asked of it."""

    url: str
    folder: Path
    asked: list[str] = field(default_factory=list)


@contextmanager
def serve(folder: Path) -> Iterator[Site]:
    site = Site("", folder)

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            site.asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def browse(require_program, tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    program = require_program("chromium")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        return subprocess.run(
            [program, *FLAGS, profile, *arguments], capture_output=True, text=True, timeout=60, check=True
        )

    return run


@pytest.mark.parametrize(("width", "flags"), [(390, []), (1100, []), (390, [DARK])])
def test_the_page_draws_its_charts_and_fits_its_window(session, browse, tmp_path, width, flags):
    (tmp_path / "report.html").write_text(build_report(session()), encoding="utf-8")
    (tmp_path / "measure.html").write_text(MEASURE.replace("WIDTH", str(width)))
    with serve(tmp_path) as site:
        done = browse(f"--window-size={width + 100},1000", *flags, "--dump-dom", f"{site.url}/measure.html")
    found = json.loads(re.search(r"<pre>(.*?)</pre>", done.stdout, re.S)[1])
    assert found["window"] == width
    assert found["wide"] <= width, "the page cannot be moved sideways"
    figures = dict(found["figures"])
    assert set(figures) == {"course", "strikes", "strike-angle", "feet", "contact-time", "cadence", "knee-drive"}
    for name, drawings in figures.items():
        assert drawings, name
        for drawn_width, drawn_height, _ in drawings:
            assert drawn_width > 60, name
            assert drawn_height > 20, name
    assert all(right <= width for _, _, right in found["labels"])
    assert all(height < 20 for _, height, _ in found["labels"]), "no label is broken into lines"
    assert found["paper"] == ("rgb(20, 23, 26)" if flags else "rgb(246, 245, 242)")
    assert "CONSOLE" not in done.stderr, "nothing to complain of"
    assert sorted(site.asked) == ["/measure.html", "/report.html"], "nothing else is loaded"


def test_everything_that_has_a_colour_is_painted(session, browse, tmp_path):
    page, picture = tmp_path / "report.html", tmp_path / "report.png"
    page.write_text(build_report(session(strides=60)), encoding="utf-8")
    done = browse("--window-size=700,2300", f"--screenshot={picture}", page.as_uri())
    assert "CONSOLE" not in done.stderr
    colours = pixels(picture.read_bytes())
    for name, (colour, least) in {
        "rearfoot": ((0xCF, 0x4A, 0x4A), 1000),
        "midfoot": ((0xD9, 0xA5, 0x20), 1000),
        "forefoot": ((0x2F, 0x9A, 0x6A), 1000),
        "left": ((0x2B, 0x6F, 0xB8), 50),
        "right": ((0xD9, 0x73, 0x0D), 50),
        "cue": ((0x7A, 0x3F, 0xB5), 10),
        "running": ((0x4F, 0x7D, 0x94), 1000),
    }.items():
        assert colours[colour] > least, name


def test_dots_keep_their_size_in_a_stretched_drawing(browse, tmp_path):
    """A dot is a stroke of no length with round ends, 5 px across, however the plot is stretched."""
    style = files("sensor_bridge.report").joinpath("style.css").read_text(encoding="utf-8")
    picture, page = tmp_path / "dots.png", tmp_path / "dots.html"
    inside = dots([100.0, 500.0, 900.0], [100.0, 200.0, 300.0], "rearfoot")
    page.write_text(
        f"<!doctype html><style>{style}</style>" + frame("three dots", inside, Scale(0.0, 10.0), 60.0, height_px=100)
    )
    browse("--window-size=700,200", f"--screenshot={picture}", page.as_uri())
    painted = pixels(picture.read_bytes())[(0xCF, 0x4A, 0x4A)]
    assert 3 * 9 <= painted <= 3 * 25


def pixels(png: bytes) -> Counter[tuple[int, int, int]]:
    """Count the colours of an 8-bit RGB(A) picture."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert depth == 8
    size = {2: 3, 6: 4}[kind]
    data, at = b"", 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        if name == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    raw = zlib.decompress(data)
    stride = width * size
    above = bytearray(stride)
    counts: Counter[tuple[int, int, int]] = Counter()
    for row in range(height):
        start = row * (stride + 1)
        line = bytearray(raw[start + 1 : start + 1 + stride])
        unfilter(raw[start], line, above, size)
        counts.update(zip(line[0::size], line[1::size], line[2::size], strict=True))
        above = line
    return counts


def unfilter(how: int, line: bytearray, above: bytearray, size: int) -> None:
    for i in range(len(line)):
        left = line[i - size] if i >= size else 0
        up = above[i]
        corner = above[i - size] if i >= size else 0
        if how == 1:
            guess = left
        elif how == 2:
            guess = up
        elif how == 3:
            guess = (left + up) // 2
        elif how == 4:
            near = left + up - corner
            guess = min((left, up, corner), key=lambda v, near=near: abs(near - v))
        else:
            return
        line[i] = (line[i] + guess) & 0xFF
