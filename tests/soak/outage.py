"""A run with a real broker and a real database, both of which go away in the middle.

Mosquitto is killed once (SIGKILL) and started again; VictoriaMetrics is stopped for a minute. An independent
client listens to the broker all the time. Afterwards store, client and database must hold the same steps.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from .rig import free_port, program, shoepod, stored, virtual_pods

Key = tuple[str, str, int]

CONFIG = """
[runner]
name = "soak"
[mqtt]
enabled = true
port = {mqtt}
[influx]
enabled = true
url = "http://127.0.0.1:{influx}"
timeout_s = 2.0
[cue]
enabled = false
"""


class Server:
    """A server process on a loopback port."""

    def __init__(self, command: list[str], port: int) -> None:
        self._command = command
        self._port = port
        self.start()

    def start(self) -> None:
        import socket

        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end_s = time.monotonic() + 10
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            if time.monotonic() > end_s:
                raise RuntimeError(f"{self._command[0]} did not start")
            time.sleep(0.05)

    def end(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        self._process.wait(20)


class Listener:
    """A plain MQTT client that knows nothing of shoepod but its topics."""

    def __init__(self, port: int) -> None:
        self.seen: dict[Key, int] = {}
        self.statuses: list[str] = []
        self._lock = threading.Lock()
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="soak", clean_session=False)
        client.reconnect_delay_set(min_delay=1, max_delay=1)
        client.on_connect = lambda c, *_: c.subscribe("shoepod/#", qos=1)
        client.on_message = self._on_message
        client.connect("127.0.0.1", port, keepalive=5)
        client.loop_start()
        self._client = client

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        table = json.loads(message.payload)
        with self._lock:
            if message.topic.endswith("/step"):
                key = (table["session"], table["foot"], table["step_id"])
                self.seen[key] = self.seen.get(key, 0) + 1
            elif message.topic.endswith("/status"):
                self.statuses.append(table["state"])

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def points(port: int) -> list[Key]:
    """Return the steps in the database, one entry per point."""
    match = urllib.parse.urlencode({"match[]": '{__name__="step_step_id"}'})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/export?{match}&reduce_mem_usage=1") as answer:
        rows = [json.loads(line) for line in answer]
    return [(row["metric"]["session"], row["metric"]["foot"], int(v)) for row in rows for v in row["values"]]


def run(seconds: float = 130.0, database_away_s: float = 60.0, seed: int = 3) -> dict[str, Any]:
    """Run once; return the figures."""
    with tempfile.TemporaryDirectory(prefix="shoepod-outage-") as name:
        folder = Path(name)
        mqtt_port, influx_port = free_port(), free_port()
        config = folder / "shoepod.toml"
        config.write_text(CONFIG.format(mqtt=mqtt_port, influx=influx_port))
        broker_config = folder / "mosquitto.conf"
        broker_config.write_text(
            f"listener {mqtt_port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
        )
        broker = Server([program("mosquitto"), "-c", str(broker_config)], mqtt_port)
        database = Server(
            [
                program("victoria-metrics"),
                f"-storageDataPath={folder / 'vm'}",
                f"-httpListenAddr=127.0.0.1:{influx_port}",
                "-retentionPeriod=100y",
                "-search.latencyOffset=0s",
                "-dedup.minScrapeInterval=1ms",
            ],
            influx_port,
        )
        listener = Listener(mqtt_port)
        home = folder / "home"
        try:
            with (
                virtual_pods(folder, seed=seed, seconds=seconds + 20) as pods,
                shoepod(
                    folder, "run", "--plain", "--radio", pods.radio, "--seconds", str(seconds), "--config", str(config),
                    home=home,
                ) as bridge,
            ):  # fmt: skip
                bridge.wait_for("streaming")
                time.sleep(0.2 * seconds)
                database.end(signal.SIGTERM)
                time.sleep(0.3 * database_away_s)
                broker.end(signal.SIGKILL)
                time.sleep(3.0)
                broker.start()
                time.sleep(0.7 * database_away_s - 3.0)
                database.start()
                code = bridge.end(seconds + 60)
                text = bridge.text()
            with shoepod(folder, "sync", "--config", str(config), home=home) as sync:
                sync_code = sync.end()
            time.sleep(1.0)
            record = stored(home)
            have = {(record.summary.session_id, step.foot, step.step_id) for step in record.steps}
            in_database = points(influx_port)
        finally:
            listener.stop()
            for server in (broker, database):
                server.end(signal.SIGKILL)
        return {
            "exit_code": code,
            "sync_exit_code": sync_code,
            "store": len(have),
            "client": len(listener.seen),
            "database": len(set(in_database)),
            "database_points": len(in_database),
            "client_equals_store": set(listener.seen) == have,
            "database_equals_store": set(in_database) == have,
            "traceback": "Traceback" in text,
            "statuses": listener.statuses,
        }


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    print(json.dumps(run(*map(float, sys.argv[1:3])), indent=1))
