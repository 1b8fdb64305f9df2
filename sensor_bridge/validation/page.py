"""The validation page: one HTML file without script that needs nothing from outside itself."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from ..report.chart import esc
from .charts import bland_altman, distribution, error_by_speed
from .markup import bullets
from .outcome import Outcome, groups
from .run import Validation
from .sections import (
    averages_table,
    confidence_table,
    counting_tables,
    coverage_sentence,
    decisions_sentence,
    errors_table,
    recordings_table,
    runners_table,
    sensitivity_tables,
    strike_tables,
    wrong_tables,
)
from .sensitivity import INTACT_S, LOSS_SEEDS, PACKET_SAMPLES
from .statistics import CONTACT_TIME, IC, KNEE_DRIVE, STRIKE_ANGLE, TO, decisions, errors
from .summary import Summary, summarize
from .truth_files import Truth

# The browser is told what the page promises: nothing is loaded and nothing runs.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_RULES: Final = (
    "An error is the result minus the truth. Tables give bias ± standard deviation; the robust SD is 1.4826 times the "
    "median distance from the median.",
    "Steps are paired per foot, one to one, the nearest pair first, within ±100 ms (±200 ms where the truth only "
    "counts). The first three true steps of a foot are warm-up and not scored; “lock” is how many passed until three "
    "in a row were found.",
    "In a recording of running only rows called running count; in one of walking, every row called running is false. "
    "Rows within 0.15 s of the truth's ends are never false.",
    "A true contact that is itself unsure by more than 30 ms is neither asked for nor forbidden.",
    "A strike type is asked for in running only. A missed step counts as a wrong one (column “none”). Balanced means "
    "the mean recall of the types that occur; it is not given where only one does.",
    "“Clear of the borders” leaves out true angles within 1.5° of a border between types (8.0° and −1.6°), where the "
    "truth itself cannot tell.",
    "Skill is 1 − MSE / variance of the truth: 1 is perfect, 0 no better than always saying the mean.",
    "The steps of one runner are not independent of one another: the limits of agreement describe these recordings, "
    "not all runners. How far runners differ stands in the table by runner.",
    "The core is given the samples, their rate and ranges, and the stand; never truth, speed or activity.",
)


def build_page(validation: Validation) -> str:
    """Return a validation as the text of one HTML file; all text from outside is escaped."""
    styles = "".join(
        files(package).joinpath("style.css").read_text(encoding="utf-8")
        for package in ("sensor_bridge.report", "sensor_bridge.validation")
    )
    pools = groups(validation.outcomes)
    scored = [o for o in validation.outcomes if o.timing_scored]
    counting = [o for o in validation.outcomes if not o.timing_scored]
    runs = {name: members for name, members in pools.items() if any(o.timing_scored for o in members)}
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Validation of the gait core, {validation.made:%Y-%m-%d}</title>
<style>
{styles}</style>
</head>
<body>
<header>
<p class="meta">{_meta(validation)}</p>
<h1>{_lead(validation)}</h1>
</header>
<main>
<section id="recordings"><h2>All recordings</h2>
{recordings_table(scored, [summarize(name, members) for name, members in runs.items()])}
<p class="said">Bias ± standard deviation. Recordings that only count stand apart below.</p></section>
{"".join(_group(index, name, members) for index, (name, members) in enumerate(runs.items()))}
<section id="wrong"><h2>Missed and false steps</h2>{wrong_tables(validation.outcomes)}</section>
<section id="counting"><h2>For counting only</h2>{counting_tables(counting)}
{averages_table(validation.outcomes)}</section>
{_sensitivity(validation)}
<section id="limits"><h2>How far the truth goes</h2>{_limits(validation.truths)}</section>
<section id="rules"><h2>How it was judged</h2>{bullets(_RULES)}</section>
</main>
<footer><p>Made by shoepod. This page is one file, loads nothing and can be kept or sent as it is.</p></footer>
</body>
</html>
"""


def _meta(validation: Validation) -> str:
    made = validation.made
    return " · ".join(
        (
            f'<time datetime="{made.isoformat(timespec="seconds")}">{made:%d %B %Y, %H:%M %Z}</time>',
            f"shoepod {esc(validation.version)}, gait core {esc(validation.core_version)}",
            f"<code>{esc(validation.command)}</code>",
        )
    )


def _lead(validation: Validation) -> str:
    every: Sequence[Summary] = validation.pooled()
    steps = sum(of.steps for of in every)
    missed, false = sum(of.missed for of in every), sum(of.false for of in every)
    count = len(validation.truths)
    said = (
        f"<b>{steps}</b> true steps in {count} recording{'s' if count != 1 else ''}: "
        f"<b>{missed}</b> missed, <b>{false}</b> false."
    )
    if validation.without_truth:
        said += f" Passed over for lack of a truth: {validation.without_truth}."
    return said


def _group(index: int, name: str, outcomes: Sequence[Outcome]) -> str:
    of = summarize(name, outcomes)
    key = f"g{index}"
    agreement = [
        bland_altman(f"{key}-agreement-{quantity.key}", outcomes, quantity)
        for quantity in (CONTACT_TIME, STRIKE_ANGLE, KNEE_DRIVE)
    ]
    spreads = [
        distribution(
            f"{key}-{quantity.key}", f"{quantity.title} error", 1000.0 * errors(outcomes, quantity).error, "ms"
        )
        for quantity in (IC, TO)
    ]
    latency = distribution(
        f"{key}-latency", "Decision after the true contact", 1000.0 * decisions(outcomes).latency_s, "ms"
    )
    speeds = [
        error_by_speed(f"{key}-speed-{quantity.key}", outcomes, quantity)
        for quantity in (IC, CONTACT_TIME, STRIKE_ANGLE, KNEE_DRIVE)
    ]
    strikes = strike_tables(of)
    return f"""<section id="{key}"><h2>{esc(name)}</h2>
<p class="said">{of.steps} scored steps, {of.missed} missed, {of.false} false.</p>
{errors_table(of)}
{_titled("Agreement", agreement, coverage_sentence(of))}
{_titled("Contact, toe-off and fast decision", [*spreads, latency], decisions_sentence(of))}
{f"<h3>Strike type</h3>{strikes}" if strikes else ""}
{_titled("Stated probability of the fast strike type", [confidence_table(of)], pair=False)}
{_titled("Error against speed", speeds)}
<h3>By runner</h3>{runners_table(outcomes)}
</section>
"""


def _titled(title: str, parts: Sequence[str], after: str = "", *, pair: bool = True) -> str:
    content = "".join(parts)
    if not content:
        return ""
    return f"<h3>{title}</h3>" + (f'<div class="pair">{content}</div>' if pair else content) + after


def _sensitivity(validation: Validation) -> str:
    if not validation.sensitivity:
        return ""
    said = (
        "The same recordings, worsened. Other rates are resampled with a linear-phase filter; ranges clip; lost "
        f"packets hold {PACKET_SAMPLES} samples and are drawn {len(LOSS_SEEDS)} times by chance; yaw turns "
        "every pod about the vertical of its stand; where clocks run fast the times of the results are divided by the "
        "known factor. "
        f"“Intact” leaves out steps with missing samples within ±{1000 * INTACT_S:.0f} ms of the true contact, "
        "“touched” counts these among the found steps, “marked” those of them that the core marks itself; “as "
        "running” are the false steps called running."
    )
    return (
        f'<section id="sensitivity"><h2>Sensitivity</h2>{sensitivity_tables(validation)}'
        f'<p class="said">{esc(said)}</p></section>'
    )


def _limits(truths: Sequence[Truth]) -> str:
    kinds: dict[str, list[Truth]] = {}
    for truth in truths:
        kinds.setdefault(truth.kind, []).append(truth)
    return "".join(_limits_of(kind, of) for kind, of in kinds.items())


def _limits_of(kind: str, truths: Sequence[Truth]) -> str:
    said = [f"{_who(names, truths)}{note}" for note, names in _by_note(truths).items()]
    sds = sorted({1000.0 * step.ic_sd_s for t in truths for step in t.steps if step.ic_sd_s is not None})
    if sds:
        said.insert(0, f"Stated standard deviation of the true contact: {', '.join(f'{sd:g}' for sd in sds)} ms.")
    if timeless := [t.name for t in truths if not t.timing_scored]:
        said.insert(0, f"Contact times good for counting only: {', '.join(timeless)}.")
    sources = dict.fromkeys(filter(None, (truth.citation or truth.source for truth in truths)))
    said += [f"Source: {source}" for source in sources]
    return f"<h3>{esc(kind)}: {esc(', '.join(truth.name for truth in truths))}</h3>{bullets(said)}"


def _by_note(truths: Sequence[Truth]) -> dict[str, list[str]]:
    notes: dict[str, list[str]] = {}
    for truth in truths:
        for note in (*truth.notes, *truth.qualities):
            notes.setdefault(note, []).append(truth.name)
    return notes


def _who(names: Sequence[str], truths: Sequence[Truth]) -> str:
    if len(names) == len(truths):
        return ""
    return f"{', '.join(names)}: "
