"""What the lab moves and looks at: no screen, and no widget."""
