"""The tab Delivery of the built add-on: what it offers is what the code reads, with the same defaults."""

from __future__ import annotations

import configparser
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = {"seconds": "20", "seconds_per_result": "2", "age_limit": "72", "receipts": "30"}


def test_the_defaults_are_in_the_conf_file() -> None:
    """As `btool` shows them; the unit tests hold the code to the same."""
    conf = configparser.ConfigParser()
    conf.read(ROOT / "output/TA_send_to_soar/default/ta_send_to_soar_settings.conf", encoding="utf-8")
    assert dict(conf["delivery"]) == DEFAULTS


def test_the_server_checks_what_is_entered() -> None:
    """Every field has a bound in the generated REST handler, not on the page alone."""
    config = json.loads((ROOT / "globalConfig.json").read_text("utf-8"))
    (tab,) = (tab for tab in config["pages"]["configuration"]["tabs"] if tab.get("name") == "delivery")
    assert {field["field"] for field in tab["entity"]} == set(DEFAULTS)
    handler = (ROOT / "output/TA_send_to_soar/bin/ta_send_to_soar_rh_settings.py").read_text("utf-8")
    section = handler.partition("fields_delivery = [")[2].partition("]\nmodel_delivery")[0]
    assert section.count("validator.Number(") == len(DEFAULTS)
