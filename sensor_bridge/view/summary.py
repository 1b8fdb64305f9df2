"""The words at the end of a session."""

from __future__ import annotations

from gait_signal.types import FEET, Foot

from ..wording import AFTER_THE_COMMAND, STRIKE_LABELS, elapsed_text
from .figures import angle, ascii_text, knee_drive, knee_drive_label, milliseconds, per_minute, percent
from .model import LiveModel


def summary_text(model: LiveModel) -> str:
    """Return the session in a few plain ASCII lines, means over all running and in-place steps."""
    steps: dict[Foot, int] = {foot: model.feet[foot].running_steps + model.feet[foot].in_place_steps for foot in FEET}
    lines = [f"Session of {elapsed_text(model.elapsed_s)}: {_counts(model)}."]
    lines += [_foot_line(model, foot) for foot in FEET if steps[foot]]
    if model.left_share is not None and all(steps.values()):
        left = model.feet["left"].contact_time_s.mean
        right = model.feet["right"].contact_time_s.mean
        if left is not None and right is not None:
            share = left / (left + right)
            lines.append(f"Balance of contact time: left {percent(share, 1)}, right {percent(1 - share, 1)}.")
    if model.cue_count:
        lines.append(
            f"Cue: {model.cue_count} sounds, sent {milliseconds(model.cue_latency_s(0.5))} after contact"
            f" (95 % within {milliseconds(model.cue_latency_s(0.95))});"
            f" {AFTER_THE_COMMAND}."
        )
    for foot in FEET:
        live = model.feet[foot]
        if live.gaps:
            lines.append(f"{foot.capitalize()} pod: {_many(live.gaps, 'data gap')}, {live.gap_s:.1f} s in all.")
    return ascii_text("\n".join(lines))


def _counts(model: LiveModel) -> str:
    running = {foot: model.feet[foot].running_steps for foot in FEET}
    total = sum(running.values())
    text = "no running steps"
    if total:
        text = f"{_many(total, 'running step')} ({running['left']} left, {running['right']} right)"
    in_place = sum(model.feet[foot].in_place_steps for foot in FEET)
    walking = sum(model.feet[foot].walking_steps for foot in FEET)
    text += f", {in_place} in place" if in_place else ""
    return text + (f", {_many(walking, 'walking step')}" if walking else "")


def _foot_line(model: LiveModel, name: Foot) -> str:
    foot = model.feet[name]
    shares = ", ".join(f"{percent(foot.share(label))} {label}" for label in STRIKE_LABELS)
    strike = shares if foot.labels else "strike type unknown"
    return (
        f"{name.capitalize()}: {strike}; strike angle {angle(foot.strike_angle_rad.mean)};"
        f" contact {milliseconds(foot.contact_time_s.mean)}; cadence {per_minute(foot.cadence_spm.mean)};"
        f" {knee_drive_label(foot.knee_drive_method).lower()} {knee_drive(foot, foot.knee_drive_rad.mean)}."
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
