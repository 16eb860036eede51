"""An actor of spiking neurons."""
