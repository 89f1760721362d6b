"""What a field is called once the search's own decoration is taken off: ``values(All_Traffic.src)`` → ``src``."""

from __future__ import annotations

# Root and child data sets of the CIM's data models, as tstats puts them before a field without drop_dm_object_name.
_DATASETS = frozenset(
    (
        "Account_Management Account_Updated All_Application_State All_Certificates All_Changes All_Email "
        "All_Inventory All_Performance All_Risk All_Sessions All_Ticket_Management All_Traffic Alerts "
        "Application_State Auditing_Changes Authentication Blocked_Traffic CPU Cloud_Infrastructure "
        "Content_Email DHCP DLP_Incidents DNS Data_Loss_Prevention Delivery_Email Endpoint Endpoint_Changes "
        "Failed_Authentication Filesystem Filtering_Email IDS_Attacks Incident Instance_Changes "
        "Interprocess_Messaging JVM Malware_Attacks Malware_Operations Memory Network Network_Changes "
        "Operating_System Ports Privileged_Authentication Processes Proxy Registry Risk SSL Services "
        "Signatures Storage Successful_Authentication Updates Updates_Errors User VPN Vulnerabilities Web "
        "risk_modifiers"
    ).split()
)
_FUNCTIONS = frozenset("values list first last latest earliest mode min max".split())


def bare(name: str) -> str:
    """The field's name without a statistical function and a CIM data set's prefix; unchanged when it has neither.

    Counting functions are not taken off: ``dc(src)`` is a number, not a source.
    """
    if name.endswith(")"):
        function, _, inner = name[:-1].partition("(")
        if function in _FUNCTIONS and inner and "(" not in inner:
            name = inner
    dataset, dot, rest = name.partition(".")
    while dot and rest and dataset in _DATASETS:
        name = rest
        dataset, dot, rest = name.partition(".")
    return name
