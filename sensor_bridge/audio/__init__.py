"""The cue: when it sounds (`rule`), what sounds (`sound`) and the process that plays it (`player`).

Nothing is imported here: the player's child process starts through this package and must start fast.
"""
