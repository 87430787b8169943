"""Few pictures (12.4.6): D may see them transformed."""
