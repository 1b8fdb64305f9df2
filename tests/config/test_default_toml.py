"""The commented default says the same as the code."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

from sensor_bridge.settings import (
    CalibrationSettings,
    PodSettings,
    Settings,
    load_settings,
    settings_from,
    settings_to_table,
)


def uncommented(text: str) -> str:
    """Return the file with its commented examples switched on."""
    return re.sub(r"^# (\[|[a-z_0-9]+ = )", r"\1", text, flags=re.MULTILINE)


def test_the_default_file_gives_the_default_settings(config_dir: Path) -> None:
    assert load_settings(config_dir / "shoepod.toml") == Settings()


def test_every_key_is_in_the_file(config_dir: Path) -> None:
    """Fixed tables: every key, with its default. Tables by serial: every key, in the examples."""
    text = (config_dir / "shoepod.toml").read_text(encoding="utf-8")
    table, examples = tomllib.loads(text), tomllib.loads(uncommented(text))
    for name, defaults in settings_to_table(Settings()).items():
        if name in ("pods", "calibration"):
            continue
        assert {key: _plain(value) for key, value in defaults.items()} == table[name]
    for name, cls in (("pods", PodSettings), ("calibration", CalibrationSettings)):
        keys = {field.name for field in dataclasses.fields(cls)}
        for example in examples[name].values():
            assert example.keys() == keys
    assert examples.keys() == {field.name for field in dataclasses.fields(Settings)}


def test_the_commented_examples_are_valid(config_dir: Path) -> None:
    text = uncommented((config_dir / "shoepod.toml").read_text(encoding="utf-8"))
    settings = settings_from(tomllib.loads(text), "examples")
    assert {pod.side for pod in settings.pods.values()} == {"left", "right"}
    assert settings.calibration.keys() <= settings.pods.keys()


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
