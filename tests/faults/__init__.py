"""What goes wrong between the add-on and SOAR, made to happen: faults, the rows that meet them, and what must hold."""
