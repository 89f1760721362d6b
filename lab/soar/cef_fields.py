"""CEF fields that every SOAR server knows, with their data types (reference, sections 9.2 and 9.3)."""

from __future__ import annotations

TYPED: dict[str, tuple[str, ...]] = {
    "destinationAddress": (
        "ip",
        "host name",
    ),
    "destinationDnsDomain": ("domain",),
    "destinationHostName": ("host name",),
    "destinationMacAddress": ("mac address",),
    "destinationNtDomain": ("domain",),
    "destinationPort": ("port",),
    "destinationProcessName": ("process name",),
    "destinationTranslatedAddress": ("ip",),
    "destinationTranslatedPort": ("port",),
    "destinationUserId": ("user name",),
    "destinationUserName": ("user name",),
    "deviceAddress": ("ip",),
    "deviceDnsDomain": ("domain",),
    "deviceHostname": ("host name",),
    "deviceMacAddress": ("mac address",),
    "deviceProcessName": ("process name",),
    "deviceTranslatedAddress": ("ip",),
    "dhost": ("host name",),
    "dmac": ("mac address",),
    "dntdom": ("domain",),
    "dproc": ("process name",),
    "dpt": ("port",),
    "dst": ("ip",),
    "duid": ("user name",),
    "duser": ("user name",),
    "dvc": (
        "ip",
        "host name",
    ),
    "dvchost": ("host name",),
    "fileHash": ("hash",),
    "fileName": ("file name",),
    "filePath": ("file path",),
    "fname": ("file name",),
    "oldfileHash": ("hash",),
    "oldfileName": ("file name",),
    "oldfilePath": ("file path",),
    "requestURL": ("url",),
    "shost": ("host name",),
    "smac": ("mac address",),
    "sntdom": ("domain",),
    "sourceAddress": (
        "ip",
        "host name",
    ),
    "sourceDnsDomain": ("domain",),
    "sourceHostName": ("host name",),
    "sourceMacAddress": ("mac address",),
    "sourceNtDomain": ("domain",),
    "sourcePort": ("port",),
    "sourceTranslatedAddress": ("ip",),
    "sourceTranslatedPort": ("port",),
    "sourceUserId": ("user name",),
    "sourceUserName": ("user name",),
    "spt": ("port",),
    "src": ("ip",),
    "suid": ("user name",),
    "suser": ("user name",),
}
"""Standard fields with a data type."""

UNTYPED: tuple[str, ...] = tuple(
    """
    act app ApplicationProtocol baseEventCount bytesIn bytesOut cat cn1 cn1Label cn2 cn2Label cn3 cn3Label cnt
    cs1 cs1Label cs2 cs2Label cs3 cs3Label cs4 cs4Label cs5 cs5Label cs6 cs6Label destinationServiceName
    destinationUserPrivileges deviceAction deviceCustomDate1 deviceCustomDate1Label deviceCustomDate2
    deviceCustomDate2Label deviceCustomNumber1 deviceCustomNumber1Label deviceCustomNumber2
    deviceCustomNumber2Label deviceCustomNumber3 deviceCustomNumber3Label deviceCustomString1
    deviceCustomString1Label deviceCustomString2 deviceCustomString2Label deviceCustomString3
    deviceCustomString3Label deviceCustomString4 deviceCustomString4Label deviceCustomString5
    deviceCustomString5Label deviceCustomString6 deviceCustomString6Label deviceDirection deviceEventCategory
    deviceExternalId deviceFacility deviceInboundInterface deviceOutboundInterface dpriv end endTime externalId
    fileCreateTime fileId fileModificationTime filePermission fileSize fileType fsize in message method msg
    oldfileCreateTime oldfileId oldfileModificationTime oldfilePermission oldfileType oldfsize out proto
    receiptTime request requestClientApplication requestCookies requestMethod rt sourceServiceName
    sourceUserPrivileges spriv start startTime transportProtocol
    """.split()
)
"""Standard fields without one."""
