"""Rows, parameters and mapping → immutable shipments. Pure and deterministic: no I/O, no clock."""
