"""A live session from beginning to end: find the pods, run, stop in order, store, deliver.

The pieces know nothing of each other; here they are put together. Whatever ends the session (time, Ctrl-C,
a fault), the store is closed in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from gait_signal import CORE_VERSION
from gait_signal.types import Contact, Step

from .audio.player import CuePlayer
from .audio.rule import CueRule
from .clock import Anchor, SessionClock, TimeSource, seconds
from .engine import SessionEngine
from .errors import SessionError
from .events import Notice, SessionEvent
from .home import Home
from .inputs import engine_for, feed, replay, stored_calibrations
from .pods.find import PodFinder
from .pods.link import LinkState, PodLink
from .pods.team import FEET, Place, TeamMember, find_team
from .radio.base import Radio
from .session import Session
from .settings import PodSettings, Settings
from .sinks import Drainer, LiveSession, MqttSink, Sink, enabled_sink_list, preload
from .store.archive import SMALL_TAIL_BYTES, ArchiveReader
from .store.database import list_sessions
from .store.header import PodMeta, SessionHeader, new_session_id
from .store.recovery import close_interrupted
from .store.writer import SessionWriter
from .view.base import View
from .view.choose import open_view
from .view.plain import PlainView

_TICK_S: Final = 1.0
# A pod that is away for longer is not just behind the body.
_MISSED_AFTER_S: Final = 6.0
# What the outbox still holds at the end gets this long; `shoepod sync` delivers the rest.
_LAST_DELIVERY_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How a session is run.

    Attributes
    ----------
    seconds : float or None
        Length, counted from when the pods were found; None: until stopped.
    resume : bool
        Go on with the last interrupted session.
    plain : bool
        Lines instead of a live screen.
    title : str
        What the screen calls it.
    remark : str
        Stored with the session as a notice; "" for none.
    time_source : TimeSource or None
        The session's clock; None: this computer's.
    need : sequence of (side, role)
        Places that must be filled where the settings name no pods.
    """

    seconds: float | None = None
    resume: bool = False
    plain: bool = False
    title: str = "shoepod"
    remark: str = ""
    time_source: TimeSource | None = None
    need: Sequence[Place] = FEET


@dataclass(frozen=True, slots=True)
class LiveResult:
    """What is left of a session when it has ended."""

    session_id: str
    summary: str
    clock: SessionClock
    ended_s: float


@dataclass(frozen=True, slots=True)
class _Beginning:
    """Where a session starts from: new, or as far as an interrupted one had come."""

    header: SessionHeader
    clock: SessionClock
    engine: SessionEngine
    earlier: tuple[Step, ...] = ()


async def run_live(home: Home, settings: Settings, radio: Radio, options: LiveOptions) -> LiveResult:
    """Run one session. The caller holds the home's lock and has opened the radio.

    Raises
    ------
    BridgeError
        The session could not begin: pods, radio, store or settings say why.
    """
    loop = asyncio.get_running_loop()
    await _close_dead_sessions(home)
    resumed = await asyncio.to_thread(_find_resumable, home) if options.resume else None
    notices = _Notices()
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.enter_context(_stop_on_signals(loop, stop))
        player = CuePlayer(settings.cue, notices.say)
        stack.push_async_callback(player.stop)
        starting_player = asyncio.create_task(player.start())
        try:
            finder = PodFinder(radio)
            print(f"Looking for your pods with {radio.name} ...", flush=True)
            team = await _find_team(finder, settings.pods, resumed, options.need, note=notices.note, stop=stop)
            await starting_player  # a wrong sound file ends the run before it begins
            await asyncio.to_thread(preload, settings)
        finally:
            starting_player.cancel()
        begin = await _begin(home, settings, team, resumed, options.time_source)
        cue = CueRule(settings.cue)
        view = _open_view(begin.clock, options)
        live = LiveSession(begin.header.session_id, begin.header.runner, begin.header.started_utc)
        sinks = enabled_sink_list(settings, live)
        writer = SessionWriter(
            home, begin.header, lambda notice: _from_thread(loop, session.publish, notice), resume=options.resume
        )
        listeners = [view.apply, *(_contacts_to(sink) for sink in sinks if isinstance(sink, MqttSink))]
        serials = [pod.serial for pod in begin.header.pods]
        session = Session(begin.clock, begin.engine, serials, writer, cue=cue, player=player, listeners=listeners)
        await asyncio.to_thread(writer.start)
        end_s = begin.clock.now_s()
        try:
            for step in begin.earlier:
                view.apply(step)
            if options.resume:
                session.on_resume()
            if options.remark:
                session.say("info", options.remark)
            notices.pass_to(session.say)
            links = [
                PodLink(
                    finder,
                    member.serial,
                    member.device,
                    stream=settings.stream,
                    listener=session,
                    now_ns=begin.clock.reading_ns,
                )
                for member in team
            ]
            drainers = [Drainer(home.database, sink) for sink in sinks]
            for drainer in drainers:
                stack.push_async_callback(drainer.close)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(link.run(), name=f"link {link.serial}") for link in links]
                tasks += [group.create_task(drainer.run()) for drainer in drainers]
                tasks += [group.create_task(sink.run()) for sink in sinks if isinstance(sink, MqttSink)]
                tasks.append(group.create_task(_tick(session, view, _Status(links, writer, player, sinks, drainers))))
                showing = group.create_task(view.run(stop, cue.toggle_mute))
                await _wait(stop, options.seconds)
                end_s = session.finish()
                stop.set()
                for task in tasks:
                    task.cancel()
                await showing
        except BaseException:
            end_s = session.finish()
            raise
        finally:
            await asyncio.to_thread(writer.close, end_s)
        await _deliver(drainers)
        return LiveResult(begin.header.session_id, view.summary(), begin.clock, end_s)


async def _close_dead_sessions(home: Home) -> None:
    for dead in await asyncio.to_thread(close_interrupted, home, replay):
        added = f" ({dead.steps_added} steps brought back)" if dead.steps_added else ""
        text = f"The session {dead.session_id} had been interrupted; what came in is stored{added}."
        print(f"{text} The last one goes on with 'shoepod run --resume'.", flush=True)


def _find_resumable(home: Home) -> SessionHeader:
    last = max(
        (session for session in list_sessions(home) if session.state == "interrupted"),
        key=lambda session: session.started_utc,
        default=None,
    )
    if last is None:
        raise SessionError("there is no interrupted session to resume; start a new one with 'shoepod run'")
    return SessionHeader.from_meta(ArchiveReader(home.archive(last.session_id)).meta())


async def _find_team(
    finder: PodFinder,
    pods: Mapping[str, PodSettings],
    resumed: SessionHeader | None,
    need: Sequence[Place],
    *,
    note: Callable[[str], None],
    stop: asyncio.Event,
) -> list[TeamMember]:
    if resumed is not None:  # the archive's pod numbers are given
        pods = {pod.serial: PodSettings(pod.side, pod.role) for pod in resumed.pods}
    finding = asyncio.create_task(find_team(finder, pods, need=need, note=note))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([finding, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not finding.done():
            raise KeyboardInterrupt
        team = await finding
    finally:
        stopping.cancel()
        finding.cancel()
    if resumed is not None:
        order = [pod.serial for pod in resumed.pods]
        team.sort(key=lambda member: order.index(member.serial))
    return team


async def _begin(
    home: Home,
    settings: Settings,
    team: list[TeamMember],
    resumed: SessionHeader | None,
    time_source: TimeSource | None,
) -> _Beginning:
    if resumed is not None:
        engine, steps, last_s = await asyncio.to_thread(_catch_up, home.archive(resumed.session_id))
        clock = SessionClock.resume(Anchor(resumed.started_utc, resumed.zone), last_s, time_source)
        return _Beginning(resumed, clock, engine, steps)
    clock = SessionClock(time_source)
    header = SessionHeader(
        session_id=new_session_id(clock.anchor.utc),
        started_utc=clock.anchor.utc,
        zone=clock.anchor.zone,
        core_version=CORE_VERSION,
        settings=settings,
        pods=tuple(PodMeta(member.serial, member.side, member.role) for member in team),
        calibration=stored_calibrations(settings),
    )
    return _Beginning(header, clock, engine_for(header))


def _catch_up(archive: Path) -> tuple[SessionEngine, tuple[Step, ...], float]:
    """Bring a fresh engine to where an interrupted session ended."""
    reader = ArchiveReader(archive)
    engine = engine_for(SessionHeader.from_meta(reader.meta()))
    steps: list[Step] = []
    last_ns = 0
    for record in reader:
        last_ns = max(last_ns, record.session_ns)
        steps += [event for event in feed(engine, record) if isinstance(event, Step)]
    if reader.left_over_bytes > SMALL_TAIL_BYTES:
        # What was stored after the damage has step ids that a rebuilt engine would give again.
        raise SessionError(
            f"the packets of this session are damaged in the middle ({archive}), so it cannot be resumed; "
            "start a new one with 'shoepod run'"
        )
    return engine, tuple(steps), seconds(last_ns)


def _open_view(clock: SessionClock, options: LiveOptions) -> View:
    return PlainView(clock.now_s) if options.plain else open_view(clock.now_s, options.title)


async def _tick(session: Session, view: View, status: _Status) -> None:
    while True:
        session.every_second()
        for text in status.missing_pods():
            session.say("warning", text)
        view.set_status(status.lines())
        await asyncio.sleep(_TICK_S)


class _Status:
    """What the runner should know of the parts: pods that stay away, and everything that is dropped."""

    def __init__(
        self,
        links: Sequence[PodLink],
        writer: SessionWriter,
        player: CuePlayer,
        sinks: Sequence[Sink],
        drainers: Sequence[Drainer],
    ) -> None:
        self._links = links
        self._writer = writer
        self._player = player
        self._sinks = sinks
        self._drainers = drainers
        self._away_s: dict[str, float] = {}

    def missing_pods(self) -> Iterator[str]:
        """Return a sentence for each pod that has just been away for too long; once for each time it is."""
        for link in self._links:
            if link.state is LinkState.STREAMING:
                self._away_s.pop(link.serial, None)
                continue
            away_s = self._away_s.get(link.serial, 0.0) + _TICK_S
            self._away_s[link.serial] = away_s
            if away_s == _MISSED_AFTER_S:
                why = f" ({link.trouble})" if link.trouble else ""
                yield f"Pod {link.serial} is missing{why}; it is looked for all the time."

    def lines(self) -> list[str]:
        """Return where the deliveries stand and what was dropped, as far as anything was."""
        lines = [drainer.state.line() for drainer in self._drainers]
        lines += [
            f"{sink.name}: {sink.contacts_dropped} live contacts dropped"
            for sink in self._sinks
            if isinstance(sink, MqttSink) and sink.contacts_dropped
        ]
        stats = self._writer.stats()
        if not stats.is_storing:
            lines.append("store: stopped")
        if stats.events_rejected:
            lines.append(f"store: {stats.events_rejected} results could not be stored")
        if self._player.counts.dropped and self._player.state == "ready":
            lines.append(f"cue: {self._player.counts.dropped} not played")
        return lines


async def _wait(stop: asyncio.Event, limit_s: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), limit_s)


async def _deliver(drainers: list[Drainer]) -> None:
    if not drainers:
        return
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(drainer.drain() for drainer in drainers)), _LAST_DELIVERY_S)
    waiting = [drainer.state.line() for drainer in drainers if drainer.state.pending or drainer.state.error]
    if waiting:
        print(f"Not everything is delivered yet; 'shoepod sync' sends the rest: {'; '.join(waiting)}", flush=True)


def _contacts_to(sink: MqttSink) -> Callable[[SessionEvent], None]:
    def offer(event: SessionEvent) -> None:
        if isinstance(event, Contact):
            sink.offer(event)

    return offer


def _from_thread(loop: asyncio.AbstractEventLoop, publish: Callable[[Notice], None], notice: Notice) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended: there is nobody left to tell
        loop.call_soon_threadsafe(publish, notice)


@contextlib.contextmanager
def _stop_on_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> Iterator[None]:
    """End the session in order on Ctrl-C or a polite kill."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):  # the terminal was closed
        numbers.append(signal.SIGHUP)
    try:
        for number in numbers:
            loop.add_signal_handler(number, stop.set)
    except NotImplementedError:  # Windows: the handler runs outside the loop
        for number in numbers:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        yield
        return
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


class _Notices:
    """Keeps what is said before there is a session to say it in."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Literal["info", "warning"], str]] = []
        self._say: Callable[[Literal["info", "warning"], str], None] | None = None

    def say(self, level: Literal["info", "warning"], text: str) -> None:
        if self._say is None:
            self._waiting.append((level, text))
        else:
            self._say(level, text)

    def note(self, text: str) -> None:
        self.say("info", f"{text[:1].upper()}{text[1:]}.")

    def pass_to(self, say: Callable[[Literal["info", "warning"], str], None]) -> None:
        self._say = say
        waiting, self._waiting = self._waiting, []
        for level, text in waiting:
            say(level, text)
