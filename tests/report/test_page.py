"""The report as a document: complete, escaped, self-contained, small."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gait_signal.types import Step
from sensor_bridge.events import CueMark, Notice, PodGap, PodState
from sensor_bridge.report.data import ReportData, summarize_settings
from sensor_bridge.report.page import build_report

CHARTS = {"course", "strikes", "strike-angle", "feet", "contact-time", "cadence", "knee-drive"}
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """Checks that tags nest and collects what a test asks for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
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
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def ids(self) -> set[str]:
        return {attrs["id"] for _, attrs in self.tags if attrs.get("id")}


def test_a_session_has_all_its_charts_and_tables(session):
    page = Page(build_report(session()))
    assert page.ids() == CHARTS
    assert "Sunday, 12 July 2026, 18:03 CEST" in page.text, "told in the session's zone"
    for words in (
        "of your running steps landed heel first",
        "What the figures mean, and how sure they are",
        "Method: shoe-estimate. The shade is its uncertainty, ± 2.3° (one standard deviation).",
        "left foot SIM-L 83 % 8000 12 (0.15 %) 3 1 ± 0.8 ms",
        "5.00 s 900 link",
        "Both pods are streaming.",
        "Gait core 0.1.0",
        "on rearfoot, from confidence 0.8",
        "standing 6.2 s 9.79 m/s²",
    ):
        assert words in page.text


def test_it_loads_nothing_and_runs_nothing(session):
    html = build_report(session())
    page = Page(html)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "form", "a", "base"}
    assert not re.search(r"url\(|@import|https?:|//[a-z]", html)
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name in ("src", "href")]
    assert "default-src 'none'" in html


HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>\x1b[2J\ud800"


def test_everything_given_from_outside_is_escaped(session):
    data = session(
        session_id=HOSTILE,
        runner=HOSTILE,
        zone=HOSTILE,
        core_version=HOSTILE,
        source=HOSTILE,
        notices=[Notice(1.0, "warning", HOSTILE)],
        settings_summary=[(HOSTILE, HOSTILE)],
        pods=[PodState(HOSTILE, "left", "foot", 1.0, "lost")],
        gaps=[PodGap(HOSTILE, 1.0, 2.0, 3, "radio")],
    )
    data = replace(data, steps=[replace(data.steps[-1], knee_drive_method=HOSTILE)])
    html = build_report(data)
    page = Page(html)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert page.text.count("<script>alert(1)</script>") >= 9
    assert "\x1b" not in html
    html.encode()


def test_an_unknown_zone_is_told_in_utc(session):
    text = Page(build_report(session(zone="Mars/Olympus"))).text
    assert "16:03 UTC" in text
    assert "the zone Mars/Olympus is not known here" in text


@pytest.mark.parametrize(
    ("zone", "says"), [("+02:00", "18:03 UTC+02:00"), ("-03:30", "12:33 UTC-03:30"), ("+00:00", "16:03 UTC")]
)
def test_a_zone_that_is_an_offset_is_known(session, zone, says):
    text = Page(build_report(session(zone=zone))).text
    assert says in text
    assert "is not known here" not in text


def test_times_follow_the_zone_across_a_change_of_summer_time(session):
    data = session(started_utc=datetime(2026, 10, 25, 0, 59, 30, tzinfo=UTC))
    assert f"{data.local_time(0):%H:%M:%S %Z}" == "02:59:30 CEST"
    assert f"{data.local_time(60):%H:%M:%S %Z}" == "02:00:30 CET"


def test_an_empty_session():
    data = ReportData("id", "runner", datetime(2026, 1, 1), "UTC", steps=[])  # noqa: DTZ001  naive: UTC
    page = Page(build_report(data))
    assert "No running steps were found in this session." in page.text
    assert page.ids() == {"course"}
    assert "No pod was seen." in page.text
    assert "No data is missing." in page.text


def test_only_walking(session):
    data = session()
    page = Page(build_report(replace(data, steps=[s for s in data.steps if s.activity == "walking"], cues=[])))
    assert "No running steps were found in this session. 16 walking steps were seen." in page.text
    assert page.ids() == {"course"}


def test_one_foot_only(session):
    page = Page(build_report(session(feet=["right"])))
    assert page.ids() == CHARTS
    assert "No steps of the left foot." in page.text
    assert "right foot only" in page.text
    assert "Balance" not in page.text


def test_one_single_step(session, step):
    assert Page(build_report(session(steps=[step("left", 1, 30.0)]))).ids() == CHARTS


def test_a_measure_nobody_knows_says_so(session):
    data = session()
    steps = [replace(s, knee_drive_rad=None, knee_drive_sd_rad=None, knee_drive_method="") for s in data.steps]
    page = Page(build_report(replace(data, steps=steps)))
    assert "No value of it is known in this session." in page.text
    assert "Method:" not in page.text


def test_a_thigh_pod_measures(session):
    data = session()
    steps = [replace(s, knee_drive_method="thigh-pod") for s in data.steps]
    text = Page(build_report(replace(data, steps=steps))).text
    assert "measured by a thigh pod" in text
    assert "Knee drive, an estimate" not in text


def test_a_cut_off_session_says_so(session):
    assert "was cut off" in Page(build_report(session(state="interrupted"))).text
    assert "still running" in Page(build_report(session(state="running"))).text
    assert "banner" not in Page(build_report(session())).text


def test_the_line_of_a_foot_is_open_where_its_data_is_missing(session):
    data = session()
    gap = data.gaps[0]
    html = build_report(data)
    chart = html[html.index('id="contact-time"') :]
    chart = chart[: chart.index("</figure>")]
    lines = re.findall(r'<polyline class="line left" points="([^"]+)"', chart)
    assert len(lines) == 2
    xs = [[float(p.split(",")[0]) for p in points.split()] for points in lines]
    assert xs[0][-1] < 1000 * gap.from_s / data.end_s < 1000 * gap.to_s / data.end_s < xs[1][0]
    assert len(re.findall(r'<polyline class="line right"', chart)) == 1
    assert 'class="gap"' in chart


def test_cues_are_marked_at_their_time(session):
    data = session()
    html = build_report(data)
    course = html[html.index('id="course"') : html.index('id="strikes"')]
    path = re.search(r'<path class="marks cue" d="([^"]+)"', course)
    places = {int(x) for x in re.findall(r"M(\d+) ", path[1])}
    assert places == {round(1000 * cue.at_s / data.end_s) for cue in data.cues}


@pytest.mark.parametrize("strides", [2600, 40000])
def test_a_long_run_stays_small(session, strides):
    data = session(strides=strides)
    gaps = [PodGap("SIM-R", float(t), t + 0.02, 1, "radio") for t in range(0, int(data.end_s), 2)]
    html = build_report(replace(data, gaps=[*data.gaps, *gaps]))
    assert len(data.steps) > 5000
    assert len(html) < 600_000
    page = Page(html)
    assert page.ids() == CHARTS
    assert "the shade holds 8 of 10 steps" in page.text
    assert "shorter ones." in page.text


def test_the_time_axis_never_ends_before_the_data(session):
    data = session(duration_s=3.0)
    assert data.end_s > max(s.ic_s for s in data.steps)
    assert session(duration_s=1e4).end_s == 1e4
    assert session(steps=[], gaps=[], cues=[], pods=[], duration_s=None).end_s == 1.0


optional = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(-1, 1))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            dict,
            ic_s=st.floats(0, 1e4),
            activity=st.sampled_from(["running", "walking", "in_place"]),
            contact_time_s=optional,
            flight_time_s=optional,
            cadence_spm=optional,
            strike_angle_rad=optional,
            strike_confidence=st.one_of(st.none(), st.floats(0, 1)),
            knee_drive_rad=optional,
            knee_drive_sd_rad=optional,
            speed_mps=optional,
        ),
        max_size=12,
    )
)
def test_no_value_breaks_the_page(session, step, changes):
    steps: list[Step] = [
        step("left" if i % 2 else "right", i, change.pop("ic_s"), **change)
        for i, change in enumerate(map(dict, changes))
    ]
    html = build_report(session(steps=steps, cues=[CueMark("left", 1, 5.0, 0.05)]))
    Page(html)
    drawn = html[html.index("<main>") :]
    assert not re.search(r"[\s\",>](nan|inf)[\s\",<]", drawn)


def test_settings_are_told_from_the_stored_table_whatever_is_missing():
    assert summarize_settings({}) == ()
    assert summarize_settings({"cue": {"enabled": False}, "stream": 3}) == (("Cue", "off"),)
    told = dict(summarize_settings({"stream": {"rate_hz": 200}, "cue": {"strikes": []}}))
    assert told["Stream asked for"].startswith("200 Hz")
    assert told["Cue"].startswith("on no strike")
