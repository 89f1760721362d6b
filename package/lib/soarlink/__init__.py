"""Send to SOAR: the add-on's own code. Imports nothing, so that each entry point pays only for what it uses."""
