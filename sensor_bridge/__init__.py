"""The application: pods, clock, session, store, sinks, cue, views and command line."""
