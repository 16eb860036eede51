"""All steps of a layer of spiking neurons, and back (compiled)."""
