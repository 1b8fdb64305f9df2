"""HTML pieces of the validation page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..report.chart import esc

SERIES: Final = 8
"""Colours of the style sheet; the last one is shared by all that come later."""


def html_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    sums: Sequence[Sequence[str]] = (),
    words: int = 1,
    empty: str = "",
) -> str:
    """Return a table of figures, aligned to the right.

    Parameters
    ----------
    heads : sequence of str
    rows, sums : sequence of rows of text
        Sums stand below a rule. Everything is escaped.
    words : int
        How many columns, from the first, hold words.
    empty : str
        Said instead of a table without rows.
    """
    if not rows and not sums:
        return f'<p class="nothing">{esc(empty)}</p>'

    def cells(row: Sequence[str], tag: str) -> str:
        kinds = [' class="words"' if i < words else "" for i in range(len(row))]
        return "".join(f"<{tag}{kind}>{esc(text)}</{tag}>" for kind, text in zip(kinds, row, strict=True))

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    body += "".join(f'<tr class="sum">{cells(row, "td")}</tr>' for row in sums)
    return (
        f'<div class="scroll"><table class="figures"><thead><tr>{cells(heads, "th")}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def figure(name: str, title: str, unit: str, content: str, *, keys: Sequence[str] = (), said: str = "") -> str:
    """Return a chart with its heading; ``keys`` names the series, ``said`` stands below it."""
    legend = "".join(f'<li><i class="dot {series(i)}"></i>{esc(key)}</li>' for i, key in enumerate(keys[:SERIES]))
    if len(keys) > SERIES:
        legend += f"<li>and {len(keys) - SERIES} more in that colour</li>"
    return (
        f'<figure id="{esc(name)}" class="chart"><figcaption><h3>{esc(title)} <small>{esc(unit)}</small></h3>'
        f'<ul class="legend">{legend}</ul></figcaption>{content}<p class="said">{esc(said)}</p></figure>'
    )


def series(index: int) -> str:
    """Return the class of a series."""
    return f"s{min(index, SERIES - 1)}"


def bullets(items: Sequence[str]) -> str:
    """Return an escaped list."""
    return f'<ul class="limits">{"".join(f"<li>{esc(item)}</li>" for item in items)}</ul>' if items else ""
