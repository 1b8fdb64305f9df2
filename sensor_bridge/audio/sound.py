"""The cue's sound: synthesised or from a WAV file, and never louder than a documented cap."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError

Samples: TypeAlias = npt.NDArray[np.float32]

PEAK_CAP = 0.5
"""Largest sample, as a part of full scale, at volume 1 (-6 dBFS)."""
RMS_CAP = 0.2
"""Largest RMS over any 50 ms, as a part of full scale, at volume 1 (-14 dBFS)."""
RMS_WINDOW_S = 0.05
MAX_SOUND_S = 2.0

_TONE_HZ = 784.0
_TONE_S = 0.14
_ATTACK_S = 0.004
_RELEASE_S = 0.02


def make_sound(path: str, volume: float, rate_hz: float) -> Samples:
    """Return the cue as mono samples at the stream's rate, volume and cap applied.

    Parameters
    ----------
    path : str
        A PCM WAV file, or "" for the built-in sound.
    volume : float
        Linear, 0..1; the cap is scaled with it.
    rate_hz : float
        Sample rate of the stream.

    Returns
    -------
    ndarray of float32, shape (n,)
        Parts of full scale.

    Raises
    ------
    ConfigError
        The file is no usable sound.
    """
    sound = resample(*read_wav(Path(path).expanduser()), rate_hz) if path else tone(rate_hz)
    gain = np.float32(min(max(volume, 0.0), 1.0))
    return (capped(sound, rate_hz) * gain).astype(np.float32)


def tone(rate_hz: float) -> Samples:
    """Return the built-in sound: a short wooden note with a soft attack."""
    t = np.arange(round(_TONE_S * rate_hz)) / rate_hz
    note = np.sin(2 * np.pi * _TONE_HZ * t) * np.exp(-t / 0.045)
    # An overtone near the fourth harmonic that dies first is what makes a struck bar sound like wood.
    note += 0.25 * np.sin(2 * np.pi * 3.93 * _TONE_HZ * t) * np.exp(-t / 0.012)
    note *= np.sin(np.pi / 2 * np.clip(t / _ATTACK_S, 0, 1)) ** 2
    note *= np.sin(np.pi / 2 * np.clip((_TONE_S - t) / _RELEASE_S, 0, 1)) ** 2
    note *= PEAK_CAP / float(np.abs(note).max())
    return note.astype(np.float32)


def capped(sound: Samples, rate_hz: float) -> Samples:
    """Return the sound, turned down where its peak or its loudest 50 ms exceed the cap; never turned up."""
    gain = 1.0
    peak = float(np.abs(sound).max())
    if peak > PEAK_CAP:
        gain = PEAK_CAP / peak
    loudest = loudest_rms(sound, rate_hz)
    if loudest * gain > RMS_CAP:
        gain = RMS_CAP / loudest
    return (sound * np.float32(gain)).astype(np.float32)


def loudest_rms(sound: Samples, rate_hz: float) -> float:
    """Return the RMS of the loudest 50 ms (silence around the sound counts)."""
    window = max(1, round(RMS_WINDOW_S * rate_hz))
    energy = np.concatenate(([0.0], np.cumsum(sound.astype(np.float64) ** 2)))
    last = np.minimum(np.arange(len(energy)) + window, len(energy) - 1)
    return float(np.sqrt(np.max(energy[last] - energy) / window))


def resample(sound: Samples, from_hz: float, to_hz: float) -> Samples:
    """Change the rate by Fourier interpolation; good for a short sound that ends in silence."""
    if from_hz == to_hz:
        return sound
    pad = round(0.01 * from_hz)  # the transform wraps around; keep the wrap in silence
    padded = np.concatenate((sound, np.zeros(pad, dtype=np.float32)))
    count = max(1, round(len(padded) * to_hz / from_hz))
    changed = np.fft.irfft(np.fft.rfft(padded), count) * (count / len(padded))
    return changed.astype(np.float32)


def read_wav(path: Path) -> tuple[Samples, float]:
    """Read a PCM WAV file as mono.

    Returns
    -------
    (ndarray of float32 with shape (n,), float)
        Parts of full scale and the file's sample rate in Hz.

    Raises
    ------
    ConfigError
        The file cannot be read, is no PCM WAV, is empty or longer than 2 s.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate_hz, count = file.getparams()[:4]
            if count > MAX_SOUND_S * rate_hz:
                raise ConfigError(f"cue.sound: {path} lasts longer than {MAX_SOUND_S:g} s; use a short sound")
            data = file.readframes(count)
    except OSError as error:
        raise ConfigError(f"cue.sound: cannot read {path}: {error.strerror or error}") from error
    except (wave.Error, EOFError, RuntimeError, ValueError) as error:  # wave raises all of these on damage
        raise ConfigError(f"cue.sound: {path} is not a PCM WAV file ({error or 'it ends early'})") from error
    if rate_hz < 4000 or channels < 1 or width not in (1, 2, 3, 4):
        raise ConfigError(f"cue.sound: {path} is not a PCM WAV file of 4 kHz or more")
    frames = len(data) // (width * channels)
    if frames == 0:
        raise ConfigError(f"cue.sound: {path} holds no sound")
    values = _to_float(data[: frames * width * channels], width)
    return values.reshape(frames, channels).mean(axis=1).astype(np.float32), float(rate_hz)


def _to_float(data: bytes, width: int) -> npt.NDArray[np.float64]:
    if width == 1:  # the only unsigned one
        return (np.frombuffer(data, np.uint8).astype(np.float64) - 128.0) / 128.0
    # Put 3-byte samples into the upper bytes of 4-byte ones: the sign comes with them.
    raw = np.frombuffer(data, np.uint8).reshape(-1, width)
    wide = np.zeros((len(raw), 4), dtype=np.uint8)
    wide[:, 4 - width :] = raw
    return wide.view("<i4")[:, 0].astype(np.float64) / 2.0**31
