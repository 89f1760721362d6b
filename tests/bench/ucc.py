"""An alert action as UCC generates it, whose own part makes the one POST with requests."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from lab.runner.lab import APP, Lab
from lab.runner.management import Management
from tests.bench.soar import Address
from tools import environments
from tools.process import ROOT, capture

ADDON = "TA_bench_alert"
ACCOUNT = "bench"
_ACTION = "post_to_soar"
_HANDLER = "post_to_soar_handler"
_REST_ROOT = "ta_bench_alert"

_CODE = '''\
import requests


def process_event(helper):
    """Make the POST: address, token and authority are the account's."""
    account = helper.get_user_credential_by_account_id(helper.get_param("account"))
    answer = requests.post(
        account["url"] + "/rest/container",
        data=helper.get_param("body").encode(),
        headers={"ph-auth-token": account["token"], "Content-Type": "application/json"},
        verify=account["ca_file"],
        timeout=60,
    )
    if not answer.json().get("success"):
        helper.log_error("SOAR refused the container.")
        return 1
    helper.log_info("SOAR has the container.")
    return 0
'''


def _text(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "label": name, "field": name, **more}


_ACCOUNT_TAB = {
    "name": "account",
    "title": "Accounts",
    "table": {"actions": ["edit", "delete"], "header": [{"label": "Name", "field": "name"}]},
    "entity": [_text("name", required=True), _text("url"), _text("token", encrypted=True), _text("ca_file")],
}
_CONFIG = {
    "pages": {
        "configuration": {
            "title": "Configuration",
            "description": "Accounts",
            "tabs": [_ACCOUNT_TAB, {"type": "loggingTab"}],
        }
    },
    "alerts": [
        {
            "name": _ACTION,
            "label": "Post to SOAR",
            "description": "Makes one POST",
            "customScript": _HANDLER,
            "adaptiveResponse": {
                "task": ["create"],
                "subject": ["splunk.event"],
                "category": ["Information Conveyance"],
                "technology": [{"vendor": "Splunk", "product": "SOAR", "version": ["6.2"]}],
                "supportsAdhoc": True,
                "drilldownUri": "../search/search",
            },
            "entity": [_text("account"), _text("body")],
        }
    ],
    "meta": {
        "name": ADDON,
        "restRoot": _REST_ROOT,
        "version": "1.0.0",
        "displayName": "Benchmark",
        "schemaVersion": "0.0.10",
        "supportedThemes": ["light"],
        "supportedPythonVersion": ["3.9", "3.13"],
        "checkForUpdates": False,
    },
}


def install(lab: Lab, folder: Path, soar: Address) -> Path:
    """Generate the add-on, install it beside the product, configure its account through its own REST endpoint.

    Args:
        lab: where it is installed.
        folder: for what is generated.
        soar: what the account leads to.

    Returns:
        The action's entry script.
    """
    built = _generate(folder)
    target = lab.home.apps / ADDON
    shutil.copytree(built, target)
    # The libraries that the product ships: both import the same code.
    ours = shutil.ignore_patterns("soarlink", "__pycache__")
    shutil.copytree(lab.home.apps / APP / "lib", target / "lib", ignore=ours, dirs_exist_ok=True)
    _configure(lab.management, soar)
    return target / "bin" / f"{_ACTION}.py"


def _generate(folder: Path) -> Path:
    package = folder / "package"
    (package / "bin").mkdir(parents=True)
    (package / "bin" / f"{_HANDLER}.py").write_text(_CODE, encoding="utf-8")
    (folder / "globalConfig.json").write_text(json.dumps(_CONFIG), encoding="utf-8")
    manifest = json.loads((ROOT / "package" / "app.manifest").read_text(encoding="utf-8"))
    manifest["info"]["id"]["name"] = ADDON
    (package / "app.manifest").write_text(json.dumps(manifest), encoding="utf-8")
    (package / "LICENSE").touch()
    python = environments.ensure(environments.BUILD)
    with tempfile.TemporaryDirectory(prefix="ucc-") as output:
        command: list[str | Path] = [python.with_name("ucc-gen"), "build", "--source", package]
        command += ["--config", folder / "globalConfig.json", "--ta-version", "1.0.0", "--output", output]
        log = capture([*command, "--python-binary-name", python], cwd=folder)
        built = Path(output) / ADDON
        # ucc-gen exits with 0 after an exception too.
        if not (built / "bin" / f"{_ACTION}.py").is_file():
            message = f"ucc-gen did not generate the action:\n{log}"
            raise RuntimeError(message)
        return Path(shutil.copytree(built, folder / "built" / ADDON))


def _configure(management: Management, soar: Address) -> None:
    fields = {"name": ACCOUNT, "url": soar.url, "token": soar.token, "ca_file": str(soar.ca_file)}
    management.post(f"/servicesNS/nobody/{ADDON}/{_REST_ROOT}_account", fields)
