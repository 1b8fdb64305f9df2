"""The ``shoepod`` command: arguments in, exit code out. Commands import what they need when they run."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import BridgeError

_EPILOG = """\
A first look, with nothing but this program:  shoepod demo
Before a run:                                 shoepod doctor
A run:                                        shoepod run
Afterwards:                                   shoepod report last

SHOEPOD_HOME moves configuration and data to a folder of your choice.
"""


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")
    return value


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def build_parser() -> argparse.ArgumentParser:
    """Return the whole command line."""
    parser = argparse.ArgumentParser(
        prog="shoepod",
        description="Shoe pods, a cue when the heel lands first, and the run afterwards.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text)

    def config(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--config", type=Path, metavar="FILE", help="configuration to use instead of the home's")

    demo = command("demo", "virtual pods, bridge, store and report in one go; needs nothing else")
    demo.add_argument("--seconds", type=_seconds, metavar="N", help="length (default 75, or the whole recording)")
    demo.add_argument("--seed", type=_seed, metavar="N", help="which simulated runner (default: a new one)")
    demo.add_argument("--recording", type=Path, metavar="DIR", help="replay a recording instead of a simulated runner")
    demo.add_argument("--out", type=Path, metavar="DIR", help="where the session and its report go")
    demo.add_argument("--plain", action="store_true", help="plain lines instead of the live screen")
    config(demo)

    run = command("run", "a live session with your pods")
    run.add_argument("--seconds", type=_seconds, metavar="N", help="stop after N seconds (default: Ctrl-C or q)")
    run.add_argument("--radio", metavar="hub://HOST:PORT", help="a simulated radio instead of this machine's adapter")
    run.add_argument("--insecure-lan", action="store_true", help="allow a hub that is not on this machine")
    run.add_argument("--resume", action="store_true", help="go on with the last interrupted session")
    run.add_argument("--plain", action="store_true", help="plain lines instead of the live screen")
    config(run)

    analyze = command("analyze", "run the gait core over a recording folder or a stored session")
    analyze.add_argument("source", metavar="RECORDING|SESSION", help="a folder, a session's id or 'last'")
    analyze.add_argument("--out", type=Path, required=True, metavar="STEPS.csv", help="the table to write")
    analyze.add_argument("--pods", choices=("feet", "all"), default="feet", help="thigh pods are not used yet")
    analyze.add_argument("--as-live", action="store_true", help="a session's packets in the order they arrived")

    validate = command("validate", "how far the gait core is from recordings with a truth")
    validate.add_argument("folder", type=Path, metavar="DIR", help="a recording with a truth, or a folder of them")
    validate.add_argument(
        "--out", type=Path, default=Path("validation.html"), metavar="FILE.html", help="the page (default %(default)s)"
    )
    validate.add_argument("--json", type=Path, metavar="FILE", help="the figures, for programs")
    validate.add_argument("--sensitivity", action="store_true", help="also with worsened copies; takes a minute")

    pods = command("virtual-pods", "virtual pods and their radio, for 'run --radio'")
    pods.add_argument("--hub", required=True, metavar="HOST:PORT", help="where the radio listens")
    pods.add_argument("--recording", type=Path, metavar="DIR", help="feed the pods from a recording")
    pods.add_argument("--seconds", type=_seconds, default=600.0, metavar="N", help="length of the simulated run")
    pods.add_argument("--seed", type=_seed, metavar="N", help="which simulated runner (default: a new one)")
    pods.add_argument("--save", type=Path, metavar="DIR", help="write the simulated run and its truth as a recording")
    pods.add_argument("--respawn", action="store_true", help="bring a killed pod back, as after a reboot")
    pods.add_argument("--insecure-lan", action="store_true", help="listen on an address other than loopback")

    sessions = command("sessions", "list the stored sessions")
    sessions.add_argument("--json", action="store_true", help="for programs")

    report = command("report", "write a session's report, one HTML file")
    report.add_argument("session", metavar="SESSION", help="a session's id, its beginning, or 'last'")
    report.add_argument("--out", type=Path, metavar="FILE", help="where to (default: beside the session)")

    export = command("export", "write a session's steps")
    export.add_argument("session", metavar="SESSION", help="a session's id, its beginning, or 'last'")
    export.add_argument("--csv", type=Path, required=True, metavar="FILE", help="the table to write")

    delete = command("delete", "remove a session from this machine")
    delete.add_argument("session", metavar="SESSION", help="a session's id, or its beginning")

    sync = command("sync", "send what broker and database have not got yet")
    sync.add_argument("--retry-refused", action="store_true", help="offer rows again that a server has refused")
    config(sync)

    doctor = command("doctor", "say what works here, what doesn't, and how to mend it")
    config(doctor)
    return parser


def _flat(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _flat(inner)
    else:
        yield error


def _plain(text: str) -> str:
    """Return a message without control characters: names and serials in it come from the air."""
    return "".join(char if char.isprintable() else "?" for char in text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.version:
        from importlib.metadata import version

        print(f"shoepod {version('shoepod')}")
        return 0
    if arguments.command is None:
        parser.print_help()
        return 0
    try:
        module = importlib.import_module(f"{__package__}.{arguments.command.replace('-', '_')}")
        return int(module.execute(arguments))
    except BridgeError as error:
        print(f"shoepod: {_plain(str(error))}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader of our output went away, e.g. `| head`
        sys.stderr.close()
        return 1
    except BaseExceptionGroup as group:  # tasks of a live session ended together; the first says why
        errors = [error for error in _flat(group) if isinstance(error, BridgeError)]
        if not errors:
            raise
        print(f"shoepod: {_plain(str(errors[0]))}", file=sys.stderr)
        return errors[0].exit_code
    except KeyboardInterrupt:
        print("shoepod: stopped", file=sys.stderr)
        return 130
    except OSError as error:
        name = f" {error.filename}" if error.filename else ""
        print(f"shoepod: {error.strerror or error}{name}", file=sys.stderr)
        return 1
