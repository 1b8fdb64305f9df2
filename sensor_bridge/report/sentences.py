"""What the figures say, in plain sentences."""

from __future__ import annotations

from math import degrees

from gait_signal.params import CoreParams
from gait_signal.types import FEET

from ..wording import AFTER_THE_COMMAND, UNCERTAIN_BELOW, StrikeLabel, elapsed_text
from .chart import esc
from .data import ReportData
from .figures import Figures, Spread

TREND_FROM_SHARE = 0.1
"""A change of the rearfoot share between first and last third that is worth a sentence."""
TOLD_UNCERTAIN_SHARE = 0.05

_PARAMS = CoreParams()


def lead(figures: Figures) -> str:
    """Return the one thing the session says, as HTML."""
    if not figures.running and not figures.in_place:
        walked = f" {many(figures.walking, 'walking step')} were seen." if figures.walking else ""
        return f"No running steps were found in this session.{walked}"
    share = _share(figures, "rearfoot")
    if share is None:
        return f"{many(figures.running + figures.in_place, 'step')}; no strike type is known."
    uncertain = _share(figures, "uncertain") or 0.0
    close = f"; {100 * uncertain:.0f} were too close to call" if uncertain >= TOLD_UNCERTAIN_SHARE else ""
    text = f"<b>{_in_hundred(share)}</b> of your running steps landed heel first{close}."
    if figures.thirds:
        first, last = (third["rearfoot"] / third.total() for third in (figures.thirds[0], figures.thirds[-1]))
        if last - first <= -TREND_FROM_SHARE:
            text += f" Heel-first steps fell from {first:.0%} in the first third to {last:.0%} in the last."
        elif last - first >= TREND_FROM_SHARE:
            text += f" Heel-first steps rose from {first:.0%} in the first third to {last:.0%} in the last."
    return text.replace("%", " %")


def tiles(data: ReportData, figures: Figures) -> str:
    """Return the headline numbers as HTML; a number that is not known has no tile."""
    shown: list[tuple[str, str, str]] = []
    rearfoot, uncertain = _share(figures, "rearfoot"), _share(figures, "uncertain")
    if rearfoot is not None and uncertain is not None:
        said = f"of {many(figures.labels.total(), 'running step')}; {100 * uncertain:.0f} % too close to call"
        shown.append(("Heel first", f"{100 * rearfoot:.0f} %", said))
    for title, pick, factor, unit, said in (
        ("Contact time", "contact_time_s", 1000.0, "ms", "on the ground at each step"),
        ("Cadence", "cadence_spm", 1.0, "/min", "steps of both feet"),
        ("Strike angle", "strike_angle_rad", degrees(1.0), "°", "mean, toes up at contact"),
    ):
        value = _both(figures, pick)
        if value is not None:
            feet = _each(figures, pick, factor) if pick != "cadence_spm" else ""
            shown.append((title, f"{factor * value:.0f} {unit}".replace(" °", "°"), feet or said))
    knee = _both(figures, "knee_drive_rad")
    if knee is not None:
        sd = figures.knee_drive_sd_rad
        measured = figures.knee_methods[0] == "thigh-pod"
        number = f"{degrees(knee):.0f}°" + (f" <small>± {degrees(sd):.0f}</small>" if sd else "")
        shown.append(("Knee drive", number, "measured by a thigh pod" if measured else "an estimate from the shoe"))
    if figures.left_share is not None:
        left = 100 * figures.left_share
        longer = "even" if abs(left - 50) < 0.5 else ("left" if left > 50 else "right") + " stays longer"
        shown.append(("Balance", f"{left:.1f} : {100 - left:.1f}", f"ground time left : right, {longer}"))
    if figures.speed_mps is not None:
        pace = elapsed_text(1000 / figures.speed_mps.median) if figures.speed_mps.median > 0.2 else "–"
        shown.append(("Pace", f"{pace} <small>/km</small>", "estimated from the shoes, running only"))
    if data.cues and figures.cue_latency_s is not None:
        median_ms = 1000 * figures.cue_latency_s.median
        shown.append(("Cues", f"{len(data.cues)}", f"sent {median_ms:.0f} ms after contact (median)"))
    return "".join(
        f'<div class="tile"><h3>{title}</h3><p class="number">{number}</p><p>{said}</p></div>'
        for title, number, said in shown
    )


def meaning(data: ReportData, figures: Figures) -> str:
    """Return what the figures mean and how sure they are, as HTML list items."""
    rear, fore = degrees(_PARAMS.rearfoot_above_rad), degrees(_PARAMS.forefoot_below_rad)
    sd, sd_running = degrees(_PARAMS.angle_sd_rad), degrees(_PARAMS.angle_sd_running_rad)
    items = [
        (
            "Strike angle",
            "The foot's angle against quiet standing at contact, toes up positive. One step is sure to about"
            f" ±{sd:g}° (one standard deviation) after a quiet stand, ±{sd_running:g}° without one."
            + _calibration(figures),
        ),
        (
            "Strike type",
            f"Rearfoot above {rear:g}°, forefoot below {fore:g}°, midfoot between (Altman and Davis 2012)."
            f" Where the most likely type is less than {UNCERTAIN_BELOW:.0%} likely, or a second look"
            " disagrees with the first, the step counts as uncertain.".replace("%", " %"),
        ),
        (
            "Contact and flight time",
            "From the shoe's motion, step by step, between samples by interpolation. A single step scatters"
            " more than the foot really does; compare means of ten steps and more.",
        ),
    ]
    if figures.knee_methods:
        items.append(("Knee drive", _knee(figures)))
    items.append(
        (
            "Not shown",
            "Over-stride (how far ahead of the hip the foot lands) cannot yet be told from a shoe better than"
            " from speed alone, so it is not reported.",
        )
    )
    if figures.gap_touched or figures.clipped:
        items.append(
            (
                "Marked steps",
                f"{many(figures.gap_touched, 'step')} next to missing data, {many(figures.clipped, 'step')}"
                " at which a sensor reached the end of its range; they are part of all figures.",
            )
        )
    if data.cues:
        items.append(
            (
                "Cue latency",
                f"From the contact to the moment the sound was sent to the player; {AFTER_THE_COMMAND}.",
            )
        )
    return "".join(f"<li><b>{esc(title)}.</b> {esc(text)}</li>" for title, text in items)


def many(count: int, what: str) -> str:
    """Return ``1 step`` or ``2 steps``."""
    return f"{count} {what}" + ("" if count == 1 else "s")


def _knee(figures: Figures) -> str:
    text = "The largest angle of the thigh from the vertical in the swing after a contact."
    if "shoe-estimate" in figures.knee_methods:
        sd = figures.knee_drive_sd_rad
        about = f" (standard deviation about {degrees(sd):.1f}°)" if sd else ""
        text += (
            f" Method shoe-estimate: computed from the shoe's path{about}. Most of that error is the same in all"
            " steps of a foot, so compare with your own earlier runs, not with others. Not tried on slopes,"
            " sprints and drills."
        )
    if "thigh-pod" in figures.knee_methods:
        text += " Method thigh-pod: measured by a pod on the thigh."
    if len(figures.knee_methods) > 1:
        text += f" The figures are those of {figures.knee_methods[0]}."
    return text


def _calibration(figures: Figures) -> str:
    total = figures.calibrations.total()
    if not total:
        return ""
    words = {
        "standing": "a stand in this session",
        "profile": "an earlier, stored stand",
        "running": "the first strides only, as no quiet stand was seen",
    }
    parts = [
        f"{count / total:.0%} of them on {words.get(how, how)}" for how, count in figures.calibrations.most_common()
    ]
    return f" The steps here rest {', '.join(parts)}.".replace("%", " %").replace("100 % of them on", "on")


def _in_hundred(share: float) -> str:
    if share < 0.005:
        return "None"
    return "All" if share > 0.995 else f"{100 * share:.0f} in 100"


def _share(figures: Figures, label: StrikeLabel) -> float | None:
    total = figures.labels.total()
    return figures.labels[label] / total if total else None


def _both(figures: Figures, pick: str) -> float | None:
    """Mean of the feet's means: a foot that lost data must not count less."""
    means = [value.mean for foot in FEET if isinstance(value := getattr(figures.feet[foot], pick), Spread)]
    return sum(means) / len(means) if means else None


def _each(figures: Figures, pick: str, factor: float) -> str:
    values = {foot: getattr(figures.feet[foot], pick) for foot in FEET}
    parts = [f"{foot} {factor * v.mean:.0f}" for foot, v in values.items() if isinstance(v, Spread)]
    return ", ".join(parts) if len(parts) == 2 else f"{next(f for f in FEET if values[f])} foot only"
