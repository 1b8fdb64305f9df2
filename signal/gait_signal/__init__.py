"""Streaming running-gait core: SI numbers in, gait events out. No I/O, no clock."""
