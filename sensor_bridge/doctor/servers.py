"""Broker and database, as far as they are switched on."""

from __future__ import annotations

import json
import urllib.parse

from ..wording import printable
from .check import Check, Context, State


def broker(name: str, at: Context) -> Check:
    """Ask whether the broker takes our messages."""
    mqtt = at.settings.mqtt
    where = f"{printable(mqtt.host)}:{mqtt.port}"
    if not mqtt.enabled:
        if at.probes.port_answers(mqtt.host, mqtt.port):
            return Check(
                name,
                "skip",
                f"Switched off, though one listens at {where}.",
                "To use it, set enabled = true in [mqtt].",
            )
        return Check(name, "skip", "Switched off.", "To use one, set enabled = true in [mqtt].")
    password = at.probes.environment().get(mqtt.password_env)
    if mqtt.username and not password:
        return Check(
            name,
            "fail",
            f"There is no password for {printable(mqtt.username)}.",
            f"Put it into the environment variable {mqtt.password_env}.",
        )
    if not at.probes.port_answers(mqtt.host, mqtt.port):
        return Check(
            name,
            "fail",
            f"Nobody listens at {where}; results wait in the outbox.",
            "Start the broker, or correct host and port in [mqtt].",
        )
    trouble = at.probes.mqtt_login(mqtt, password)
    if trouble is not None:
        return Check(
            name,
            "fail",
            f"The broker at {where} refuses: {printable(trouble)}.",
            f"Check username in [mqtt] and the password in {mqtt.password_env}.",
        )
    return Check(name, "ok", f"The broker at {where} takes our messages.")


def database(name: str, at: Context) -> Check:
    """Ask whether the database knows our token and bucket."""
    influx = at.settings.influx
    url = influx.url.rstrip("/")
    address = _host_and_port(url)
    if address is None:
        state: State = "fail" if influx.enabled else "warn"
        return Check(name, state, f"{printable(url)!r} is no address.", "Write url in [influx] as http://HOST:PORT.")
    answers = at.probes.port_answers(*address)
    if not influx.enabled:
        found = f"Switched off, though one listens at {url}." if answers else "Switched off."
        return Check(name, "skip", found, "To use one, set enabled = true in [influx].")
    if not answers:
        return Check(
            name,
            "fail",
            f"Nobody listens at {url}; results wait in the outbox.",
            "Start the database, or correct url in [influx].",
        )
    token = at.probes.environment().get(influx.token_env, "")
    query = urllib.parse.urlencode({"org": influx.org, "name": influx.bucket})
    answer = at.probes.http_get(f"{url}/api/v2/buckets?{query}", token)
    if answer.status in (401, 403):
        fix = f"Put a token that may write into the environment variable {influx.token_env}."
        return Check(name, "fail", f"The database at {url} refuses the token.", fix)
    if answer.status == 200 and not _has_bucket(answer.body, influx.bucket):
        fix = "Make it in the database, or correct org and bucket in [influx]."
        return Check(name, "fail", f"The database at {url} has no bucket {printable(influx.bucket)!r}.", fix)
    if answer.status == 200:
        return Check(name, "ok", f"The database at {url} has the bucket and knows the token.")
    return Check(
        name,
        "warn",
        f"Something answers at {url}, but does not speak of buckets (HTTP {answer.status}).",
        "If results stay in the outbox after a run, check that it has the InfluxDB 2 write interface.",
    )


def _host_and_port(url: str) -> tuple[str, int] | None:
    if not url.isprintable() or " " in url:  # no client sends those, and urlsplit drops some of them
        return None
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # a bracket left open, a port that is none
        return None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return None
    return host, port or (443 if parts.scheme == "https" else 80)


def _has_bucket(body: str, bucket: str) -> bool:
    try:
        return any(one["name"] == bucket for one in json.loads(body)["buckets"])
    except (ValueError, KeyError, TypeError):
        return False
