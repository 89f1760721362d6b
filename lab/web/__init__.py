"""A stand-in for the slice of Splunk Web that serves the add-on's own pages and passes their calls to splunkd.

`lab.web.splunkweb.StandInSplunkWeb` is the server.
"""
