"""The way back: what happened in SOAR, as events and as a lookup."""
