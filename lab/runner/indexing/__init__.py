"""Indexing as Splunk does it, with the inputs, props, transforms and event types that the installed add-ons ship."""
