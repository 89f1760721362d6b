"""A strict evaluator for the part of SPL that the add-on's views and saved searches are written in.

It is a reading of Splunk's Search Reference, not Splunk: what is outside the part is refused, never guessed. It proves
nothing about performance, acceleration, quotas or scheduling. Times are UTC.
"""
