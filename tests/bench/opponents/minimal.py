"""The least that brings one alert to SOAR: import requests, make the one POST."""

import json
import sys

import requests

asked = json.load(sys.stdin)
answer = requests.post(
    asked["url"] + "/rest/container",
    data=asked["body"].encode(),
    headers={"ph-auth-token": asked["token"], "Content-Type": "application/json"},
    verify=asked["ca"],
    timeout=60,
)
sys.exit(0 if answer.json().get("success") else 1)
