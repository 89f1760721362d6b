"""Search results as Splunk hands them over: the file, its rows, its multi-value cells."""
