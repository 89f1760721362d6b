"""CIM and Splunk field names → CEF fields with data types. Pure: no I/O, no clock."""
