"""Modular input "soar_delivery": splunkd starts it and keeps it running."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from soarlink.inputs.delivery import DeliveryScript

if __name__ == "__main__":
    sys.exit(DeliveryScript().run(sys.argv))
