"""``shoepod doctor``: what a run needs, what of it works here, and the fix for what does not."""

from .check import Check, State
from .probes import Probes
from .run import format_checks, run_checks

__all__ = ["Check", "Probes", "State", "format_checks", "run_checks"]
