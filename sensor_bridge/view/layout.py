"""The terminal view's picture, drawn from the model; fits 80 x 24 and uses more width if there is some."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gait_signal.types import FEET, Foot

from ..wording import STRIKE_LABELS, StrikeLabel, elapsed_text, printable
from .figures import UNKNOWN, angle, knee_drive, milliseconds, per_minute, percent
from .model import NOTICES_SHOWN, FootLive, LiveModel

STALE_S = 4.0
"""A landing older than this is drawn dim: it is not what happens now."""
BAR_WIDTH = 34
STATUS_LINES = 2
NOTICE_LENGTH = 150
"""Two lines of 80: three notices then still fit below the feet."""

_STYLES: dict[StrikeLabel, str] = {
    "rearfoot": "bright_red",
    "midfoot": "yellow",
    "forefoot": "bright_green",
    "uncertain": "bright_black",
}
_ACTIVITIES = {
    "unknown": "waiting",
    "standing": "standing",
    "walking": "walking",
    "running": "running",
    "in_place": "running in place",
}
_LINKS = {"searching": "yellow", "connected": "yellow", "streaming": "green", "lost": "bold bright_red"}


def draw(model: LiveModel, now_s: float, title: str) -> RenderableType:
    """Return the whole picture.

    Parameters
    ----------
    model : LiveModel
    now_s : float
        Session time now.
    title : str
        What runs here.
    """
    feet = Table.grid(expand=True)
    feet.add_column(ratio=1)
    feet.add_column(ratio=1)
    feet.add_row(*(_foot(model, foot, now_s) for foot in FEET))
    parts: list[RenderableType] = [_head(model, now_s, title), feet, _balance(model), _cue(model)]
    parts += [_line(line, "dim") for line in model.status_lines[:STATUS_LINES]]
    for notice in list(model.notices)[-NOTICES_SHOWN:]:
        style = "bold yellow" if notice.level == "warning" else "default"
        text = printable(f"{elapsed_text(notice.at_s)}  {notice.text}", NOTICE_LENGTH)
        parts.append(Text(" " + text, style))
    return Group(*parts)


def _head(model: LiveModel, now_s: float, title: str) -> RenderableType:
    head = Table.grid(expand=True)
    head.add_column(ratio=1, no_wrap=True)
    head.add_column(justify="right", no_wrap=True)
    left = Text.assemble(
        (f" {printable(title, 40)} ", "bold reverse"),
        ("  " + _ACTIVITIES[model.activity], "bold"),
        f"  {elapsed_text(now_s)}",
    )
    mute = "sound on" if model.muted else "mute"
    head.add_row(left, Text(f"m {mute}   q stop ", "dim"))
    return head


def _foot(model: LiveModel, foot: Foot, now_s: float) -> RenderableType:
    live = model.feet[foot]
    rows = Table.grid(padding=(0, 1))
    rows.add_column(no_wrap=True, width=15)
    rows.add_column(no_wrap=True, justify="right", width=9)
    rows.add_column(no_wrap=True, justify="right", width=10, style="dim")
    rows.add_row("", Text("last step", "dim"), Text("mean of 10", "dim"))
    rows.add_row("Strike angle", angle(live.strike_angle_rad.last), angle(live.strike_angle_rad.recent_mean))
    rows.add_row("Contact time", milliseconds(live.contact_time_s.last), milliseconds(live.contact_time_s.recent_mean))
    rows.add_row("Cadence", per_minute(live.cadence_spm.last), per_minute(live.cadence_spm.recent_mean))
    knee_label = "Knee drive" if live.knee_drive_method == "thigh-pod" else "Knee drive est."
    rows.add_row(
        knee_label,
        angle(live.knee_drive_rad.last),
        knee_drive(live, live.knee_drive_rad.recent_mean),
    )
    body = Group(_landing(live, now_s), rows, _share_bar(live), _share_words(live), _link(model, foot))
    steps = live.running_steps + live.in_place_steps
    below = f"{steps} steps" + (", no quiet stand seen" if live.calibration == "running" else "")
    return Panel(body, title=f"[b]{foot.upper()}[/b]", subtitle=below, padding=(0, 1))


def _landing(live: FootLive, now_s: float) -> Text:
    contact = live.last_contact
    if contact is None:
        return Text("no landing yet", "dim")
    label = live.last_label
    if label is None:
        return Text(_ACTIVITIES[contact.activity], "dim")
    text = Text.assemble((f" {label.upper()} ", f"bold reverse {_STYLES[label]}"))
    text.append(f"  {angle(contact.strike_angle_rad)}")
    if contact.strike_confidence is not None:
        text.append(f"  sure {percent(contact.strike_confidence)}", "dim")
    if now_s - contact.ic_s > STALE_S:
        text.stylize("dim")
    return text


def _share_bar(live: FootLive) -> Text:
    total = live.labels.total()
    if not total:
        return Text("─" * BAR_WIDTH, "bright_black")
    bar = Text()
    drawn, counted = 0, 0
    for label in STRIKE_LABELS:
        counted += live.labels[label]
        end = round(BAR_WIDTH * counted / total)
        bar.append(("░" if label == "uncertain" else "█") * (end - drawn), _STYLES[label])
        drawn = end
    return bar


def _share_words(live: FootLive) -> Text:
    words = Text()
    names = {"rearfoot": "rear", "midfoot": "mid", "forefoot": "fore", "uncertain": "?"}
    for label in STRIKE_LABELS:
        share = live.share(label)
        number = UNKNOWN if share is None else f"{100 * share:.0f}"
        words.append(f"{names[label]} {number}  ", _STYLES[label])
    return words.append("%", "dim")


def _link(model: LiveModel, foot: Foot) -> Text:
    pod = model.pod_of(foot)
    if pod is None:
        return Text("no pod", "dim")
    text = Text(f"● {pod.link}", _LINKS[pod.link], no_wrap=True, overflow="ellipsis")
    total = pod.packets_received + pod.packets_lost
    text.append(f"  loss {percent(pod.packets_lost / total, 1) if total else UNKNOWN}")
    if pod.battery_percent is not None:
        text.append(f"  bat {pod.battery_percent} %", "bright_red" if pod.battery_percent < 15 else "default")
    return text


def _balance(model: LiveModel) -> Text:
    left = model.left_share
    if left is None:
        return _line("Balance  - (time on the ground, left : right)", "dim")
    # The scale spans 45 to 55 %: runners differ by a few percent only.
    width = 21
    place = round((width - 1) * min(max((0.55 - left) / 0.1, 0.0), 1.0))
    scale = "".join("●" if i == place else ("┼" if i == width // 2 else "─") for i in range(width))
    text = Text(f" Balance  left {percent(left, 1)}  ")
    text.append(scale, "cyan")
    return text.append(f"  {percent(1 - left, 1)} right   (time on ground)")


def _cue(model: LiveModel) -> Text:
    if model.muted:
        return _line("Cue  MUTED (m: sound on)", "bold yellow")
    median_s = model.cue_latency_s(0.5)
    if median_s is None:
        return _line("Cue  none so far", "dim")
    return _line(
        f"Cue  {model.cue_count} sounds, {milliseconds(median_s)} after contact"
        f" (95 %: {milliseconds(model.cue_latency_s(0.95))}); Bluetooth adds 120-275 ms"
    )


def _line(text: str, style: str = "") -> Text:
    return Text(" " + printable(text, 300), style, no_wrap=True, overflow="ellipsis")
