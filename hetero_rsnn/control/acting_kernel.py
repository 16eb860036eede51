"""Passes through an actor that follow its spikes (compiled)."""
