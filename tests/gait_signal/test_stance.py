"""Roll and shock of a stance made by hand."""

from __future__ import annotations

import math

import pytest

from gait_signal.calibration import Alignment
from gait_signal.motion import Motion
from gait_signal.resample import FLAG_ACC_CLIPPED, FLAG_BRIDGED
from gait_signal.stance import measure_stance
from gait_signal.types import Calibration

LEVEL = Calibration((0.0, 0.0, 9.80665), (0.0, 0.0, 0.0), "standing", 3.0)
CONTACT, STOOD = 100, 130


def rolled(rate_radps: float, flags: dict[int, int] | None = None) -> Motion:
    """A foot that rolls about its length for 20 samples after contact, and is shocked with 90 m/s2 at the third."""
    motion = Motion(Alignment(LEVEL))
    for k in range(150):
        turning = rate_radps if CONTACT < k <= CONTACT + 20 else 0.0
        shock = 90.0 if k == CONTACT + 3 else 9.80665
        motion.step(k * 0.005, 0.0, 0.0, shock, turning, 0.0, 0.0, (flags or {}).get(k, 0))
        if k == 50:
            motion.rest(40)
    return motion


@pytest.mark.parametrize(("foot", "sign"), [("left", 1.0), ("right", -1.0)])
def test_inward_roll_is_positive_on_both_feet(foot, sign):
    found = measure_stance(rolled(sign * 2.0), CONTACT, STOOD, foot)
    assert found.pronation_rad == pytest.approx(0.2, abs=0.01)
    assert found.pronation_peak_radps == pytest.approx(2.0, abs=0.02)
    assert found.impact_peak_mps2 == pytest.approx(90.0, abs=1e-6)
    outward = measure_stance(rolled(-sign * 2.0), CONTACT, STOOD, foot)
    assert outward.pronation_rad == 0.0


def test_what_was_lost_or_cut_off_is_not_told():
    clipped = measure_stance(rolled(1.0, {CONTACT + 3: FLAG_ACC_CLIPPED}), CONTACT, STOOD, "left")
    assert clipped.impact_peak_mps2 is None
    assert clipped.pronation_rad == pytest.approx(math.radians(5.73), abs=0.01)
    lost = measure_stance(rolled(1.0, {CONTACT + 20: FLAG_BRIDGED}), CONTACT, STOOD, "left")
    assert lost.impact_peak_mps2 == pytest.approx(90.0, abs=1e-6)
    assert lost.pronation_rad is None
    assert lost.pronation_peak_radps is None
