"""Modular input "soar_feedback": splunkd starts it and keeps it running."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from soarlink.inputs.feedback import FeedbackScript

if __name__ == "__main__":
    sys.exit(FeedbackScript().run(sys.argv))
