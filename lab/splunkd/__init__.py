"""Stand-in for the slice of splunkd that the add-on uses: REST over HTTPS, KV store, conf files, the add-on's handlers.

`StandInSplunkd` is the server; `SPLUNK_PACKAGE` is the folder for PYTHONPATH that holds the `splunk` package.
"""

from __future__ import annotations

from lab.splunkd.handlers import SPLUNK_PACKAGE
from lab.splunkd.standin import StandInSplunkd

__all__ = ["SPLUNK_PACKAGE", "StandInSplunkd"]
