"""From the store to a report file."""

from __future__ import annotations

from pathlib import Path

from .errors import SessionError
from .home import Home, write_private
from .report.data import ReportData, summarize_settings
from .store.database import load_session


def write_report(home: Home, session: str, out: Path | None = None, source: str = "") -> Path:
    """Write a session's report and return where it is.

    Parameters
    ----------
    session : str
        An id, the beginning of one, or ``last``.
    out : Path, optional
        Default: beside the session's packets, from where ``delete`` removes it too.
    source : str
        Where the data came from if not from a runner's pods; shown in the report.

    Raises
    ------
    SessionError
        There is no such session, or the file cannot be written.
    """
    from .report.page import build_report

    record = load_session(home, session)
    summary = record.summary
    data = ReportData(
        session_id=summary.session_id,
        runner=summary.runner,
        started_utc=summary.started_utc,
        zone=summary.zone,
        steps=record.steps,
        gaps=record.gaps,
        cues=record.cues,
        pods=record.pods,
        calibrations=record.calibrations,
        notices=record.notices,
        core_version=summary.core_version,
        settings_summary=summarize_settings(record.settings),
        duration_s=(summary.ended_utc - summary.started_utc).total_seconds() if summary.ended_utc else None,
        state=summary.state,
        source=source,
    )
    path = (out or home.report(summary.session_id)).absolute()
    try:
        write_private(path, build_report(data).encode())
    except OSError as error:
        raise SessionError(f"cannot write the report to {path}: {error.strerror}") from error
    return path
