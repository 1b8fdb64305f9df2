"""The report: one HTML file without script that needs nothing from outside itself."""

from __future__ import annotations

from importlib.resources import files
from math import degrees

from gait_signal.types import Step

from ..wording import elapsed_text
from .chart import esc
from .charts import Shown, course_chart, measure_chart, strike_angle_chart
from .data import ReportData, known_zone
from .figures import Figures, summarize
from .sentences import lead, meaning, tiles
from .shares import comparison, strike_bars
from .tables import calibrations_table, gaps_table, notices_table, pods_table, session_table

# The browser is told what the page promises: nothing is loaded and nothing runs.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def build_report(session: ReportData) -> str:
    """Return a session's report as the text of one HTML file.

    Parameters
    ----------
    session : ReportData
        May be empty, of one foot only, or very long (charts then show bins of time, and the page stays
        below about 1 MB).

    Returns
    -------
    str
        A complete document in UTF-8. All text from outside is escaped.
    """
    figures = summarize(session)
    started = session.local_time(0.0)
    title = f"Run of {started:%Y-%m-%d %H:%M}"
    style = files("sensor_bridge.report").joinpath("style.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{esc(title)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="meta">{_meta(session)}</p>
<h1>{lead(figures)}</h1>
{_banners(session)}
</header>
<main>
<section class="tiles">{tiles(session, figures)}</section>
{_charts(session, figures)}
<section><h2>What the figures mean, and how sure they are</h2>
<ul class="meaning">{meaning(session, figures)}</ul></section>
<section><h2>Pods</h2>{pods_table(session)}</section>
<section><h2>Calibration</h2>{calibrations_table(session)}</section>
<section><h2>Missing data</h2>{gaps_table(session)}</section>
<section><h2>Said during the run</h2>{notices_table(session)}</section>
<section><h2>Session</h2>{session_table(session)}</section>
</main>
<footer><p>Made by shoepod. This page is one file, loads nothing and can be kept or sent as it is.</p></footer>
</body>
</html>
"""


def _charts(session: ReportData, figures: Figures) -> str:
    course = course_chart(session, figures)
    if not figures.running and not figures.in_place:
        return course
    contact = Shown("contact-time", "Contact time", "ms", lambda s: _scaled(s.contact_time_s, 1000.0), least_span=40.0)
    cadence = Shown("cadence", "Cadence", "steps/min", lambda s: s.cadence_spm, least_span=10.0)
    out = [
        course,
        strike_bars(figures),
        strike_angle_chart(session, figures),
        comparison(figures),
        measure_chart(session, figures, contact),
        measure_chart(session, figures, cadence),
        _knee_chart(session, figures),
    ]
    return "".join(out)


def _knee_chart(session: ReportData, figures: Figures) -> str:
    method = figures.knee_methods[0] if figures.knee_methods else ""
    measured = method == "thigh-pod"

    def knee_deg(step: Step) -> float | None:
        return _scaled(step.knee_drive_rad, degrees(1.0)) if step.knee_drive_method == method else None

    shown = Shown("knee-drive", "Knee drive" if measured else "Knee drive, an estimate", "°", knee_deg, least_span=12.0)
    sd = figures.knee_drive_sd_rad
    said = f"Method: {esc(method)}." if method else ""
    if sd:
        said += f" The shade is its uncertainty, ± {degrees(sd):.1f}° (one standard deviation)."
    return measure_chart(session, figures, shown, spread=degrees(sd) if sd else None, said=said)


def _meta(session: ReportData) -> str:
    started = session.local_time(0.0)
    zone = "" if known_zone(session.zone) is not None else f", the zone {esc(session.zone)} is not known here"
    parts = [
        f"<span>{esc(session.runner)}</span>",
        f'<time datetime="{started.isoformat(timespec="seconds")}">{started:%A, %d %B %Y, %H:%M %Z}</time>{zone}',
        f"<span>{elapsed_text(session.end_s)}</span>",
    ]
    if session.source:
        parts.append(f'<span class="badge">{esc(session.source)}</span>')
    return " · ".join(parts)


def _banners(session: ReportData) -> str:
    if session.state == "interrupted":
        return '<p class="banner">This session was cut off before its end; what was stored until then is shown.</p>'
    if session.state == "running":
        return '<p class="banner">This session was still running when the report was made.</p>'
    return ""


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else factor * value
