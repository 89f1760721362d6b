"""A realistic incident, sent by the built add-on to the stand-in SOAR: `make demo`."""
