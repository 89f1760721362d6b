"""Shipments → SOAR → outcomes."""
