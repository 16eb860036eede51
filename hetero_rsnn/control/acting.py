"""From one observation to one action, event by event."""
