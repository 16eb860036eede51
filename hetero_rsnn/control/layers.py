"""Layers of spiking neurons in torch."""
