"""Observations as spikes of populations."""
