"""What would be sent, and why: the plan of a run with the trace of its mapping. Sends nothing, needs no secret."""
