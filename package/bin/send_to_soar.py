"""Alert action "Send to SOAR": splunkd starts it with ``--execute`` and the alert payload on standard input."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from soarlink.actions import alert_action

if __name__ == "__main__":
    sys.exit(alert_action.main(sys.argv, sys.stdin.buffer, name="send_to_soar"))
