"""The shipped rules: everyday fields, Enterprise Security, raw names, and that nothing is claimed twice."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Mapping

import pytest

from soarlink.mapping import compiled, shipped
from soarlink.mapping.artifact import MappedArtifact, MappedRow
from soarlink.mapping.compiled import MappingOptions, SearchContext, explain_fields
from soarlink.mapping.recognise import RECOGNISERS
from soarlink.rows.row import Value
from tests.unit.mapping.observables import DATA


def _row(fields: Mapping[str, Value], names: str = "cef", data_model: str = "") -> MappedRow:
    return explain_fields(shipped.load(), fields, SearchContext("s", data_model), MappingOptions(names))[0]


def _artifact(fields: Mapping[str, Value], names: str = "cef", data_model: str = "") -> MappedArtifact:
    (artifact,) = _row(fields, names, data_model).artifacts
    return artifact


@pytest.mark.parametrize(
    ("value", "target", "kind"),
    [
        ("10.0.0.1", "destinationAddress", "ip"),
        ("2001:db8::1", "destinationAddress", "ip"),
        ("ws01", "destinationHostName", "host name"),
        ("ws01.corp.example", "destinationHostName", "host name"),
        ("jsmith", "destinationHostName", "host name"),
        ("evil.com", "destinationDnsDomain", "domain"),
        ("00:1b:44:11:3a:b7", "destinationMacAddress", "mac address"),
        ("https://a.example/x", "requestURL", "url"),
    ],
)
def test_the_value_of_dest_decides(value: str, target: str, kind: str) -> None:
    """``dest`` goes where its value belongs, with one data type."""
    artifact = _artifact({"dest": value})
    assert artifact.cef[target] == value
    assert artifact.cef_types[target] == (kind,)
    assert "dest" not in artifact.cef


@pytest.mark.parametrize("value", ["unknown", "-", "10.0.0.0/8", "a b", "CORP\\WS01", "N/A"])
def test_an_unsure_value_stays_untyped_under_its_own_name(value: str) -> None:
    """What is no sure address or name is delivered as text."""
    artifact = _artifact({"dest": value})
    assert (artifact.cef, artifact.cef_types) == ({"dest": value}, {})


def test_a_port_behind_an_address_gets_its_own_field() -> None:
    """``10.0.0.1:443`` is an address for playbooks, a port beside it, and exact under its own name."""
    artifact = _artifact({"dest": "10.0.0.1:443", "src": "[2001:db8::1]:55000"}, "both")
    assert artifact.cef["destinationAddress"] == "10.0.0.1"
    assert artifact.cef["destinationPort"] == "443"
    assert artifact.cef["sourceAddress"] == "2001:db8::1"
    assert artifact.cef["sourcePort"] == "55000"
    assert artifact.cef["dest"] == "10.0.0.1:443"
    assert "dest" not in artifact.cef_types


def test_a_cef_name_belongs_to_the_first_rule_that_claims_it() -> None:
    """Two fields, one target, different values: the first by rule has it, the other keeps its own name and its type."""
    row = _row({"dest_ip": "10.0.0.2", "dest": "10.0.0.1"})
    (artifact,) = row.artifacts
    assert artifact.cef == {"destinationAddress": "10.0.0.1", "dest_ip": "10.0.0.2"}
    assert artifact.cef_types["dest_ip"] == ("ip",)
    assert (row.mapped, row.kept) == (("dest",), ("dest_ip",))


def test_the_same_value_twice_is_delivered_once() -> None:
    """Two fields with the same value share the CEF name."""
    row = _row({"dest_ip": "10.0.0.1", "dest": "10.0.0.1"})
    assert row.artifacts[0].cef == {"destinationAddress": "10.0.0.1"}
    assert row.mapped == ("dest", "dest_ip")


@pytest.mark.parametrize("dest", [("10.0.0.1", "10.0.0.2"), ("10.0.0.1", "10.0.0.2", "10.0.0.3")])
@pytest.mark.parametrize("dest_ip", ["10.0.0.2", ("10.0.0.2", "10.0.0.1")])
def test_values_that_are_there_already_are_not_repeated(dest: Value, dest_ip: Value) -> None:
    """A field whose values are all among those that the CEF name holds shares it."""
    row = _row({"dest": dest, "dest_ip": dest_ip})
    assert row.artifacts[0].cef == {"destinationAddress": dest}
    assert row.mapped == ("dest", "dest_ip")


def test_a_field_with_a_cef_name_is_never_overwritten() -> None:
    """A row that brings ``destinationAddress`` keeps it; ``dest`` stays beside it."""
    artifact = _artifact({"dest": "10.0.0.1", "destinationAddress": "10.0.0.9"})
    assert artifact.cef == {"destinationAddress": "10.0.0.9", "dest": "10.0.0.1"}
    assert artifact.cef_types == {"destinationAddress": ("ip",), "dest": ("ip",)}


def test_the_three_choices_of_field_names() -> None:
    """Both, CEF only, original only."""
    fields = {"dest": "10.0.0.1", "user": "jsmith", "x": "1"}
    assert _artifact(fields, "both").cef == {
        "destinationAddress": "10.0.0.1",
        "destinationUserName": "jsmith",
        **fields,
    }
    assert _artifact(fields, "cef").cef == {"destinationAddress": "10.0.0.1", "destinationUserName": "jsmith", "x": "1"}
    original = _artifact(fields, "original")
    assert original.cef == fields
    assert original.cef_types == {"dest": ("ip",), "user": ("user name",)}


@pytest.mark.parametrize("prefix", ["All_Traffic.{}", "values({})", "values(Processes.{})", "latest({})"])
def test_what_tstats_and_stats_put_around_a_name_does_not_matter(prefix: str) -> None:
    """A data set's prefix and a statistical function are seen through; the field keeps its name."""
    artifact = _artifact({prefix.format("dest"): "10.0.0.1"}, "both")
    assert artifact.cef == {"destinationAddress": "10.0.0.1", prefix.format("dest"): "10.0.0.1"}


def test_counts_are_no_values() -> None:
    """``dc(src)`` and ``count_src`` are numbers."""
    artifact = _artifact({"dc(src)": "3", "values_count": "1.2.3.4"})
    assert artifact.cef_types == {}
    assert "sourceAddress" not in artifact.cef


@pytest.mark.parametrize(
    "name",
    [
        "_bkt",
        "_cd",
        "_si",
        "_serial",
        "_indextime",
        "_raw",
        "_time",
        "date_hour",
        "tag::eventtype",
        "punct",
        "linecount",
        "splunk_server_group",
        "timestartpos",
        "timeendpos",
        "_sourcetype",
        "_subsecond",
    ],
)
def test_internal_fields_are_dropped_with_a_reason(name: str) -> None:
    """Internal fields are accounted for, and not in CEF."""
    row = _row({name: "x", "a": "b"}, "both")
    assert row.dropped[name]
    assert row.artifacts[0].cef == {"a": "b"}


@pytest.mark.parametrize(
    "name", ["result", "a.b{}.c", "with space", "größe", "{}", "a{0}", "_total_risk_score", "rid", "fields", "*"]
)
def test_odd_names_are_kept_as_they_are(name: str) -> None:
    """Dots, braces, spaces, letters outside ASCII and a field called ``result`` arrive unchanged."""
    assert _artifact({name: "v"}).cef == {name: "v"}


@pytest.mark.parametrize(
    ("kind", "value", "types"),
    [
        ("system", "jsmith", ("host name",)),
        ("system", "10.0.0.1", ("ip",)),
        ("user", "jsmith", ("user name",)),
        ("user", "jsmith@corp.example", ("user name",)),
        ("other", "jsmith", None),
        ("other", "CORP\\jsmith", ("user name",)),
        ("other", "dc01.corp.example", ("host name",)),
        ("", "10.0.0.1", ("ip",)),
    ],
)
def test_a_risk_object_is_what_its_type_says(kind: str, value: str, types: object) -> None:
    """``risk_object`` gets its data type from ``risk_object_type``, and without one only where the value is sure."""
    fields = {"risk_object": value, **({"risk_object_type": kind} if kind else {})}
    assert _artifact(fields).cef_types.get("risk_object") == types
    prefixed = {f"All_Risk.{name}": text for name, text in fields.items()}
    assert _artifact(prefixed).cef_types.get("All_Risk.risk_object") == types


@pytest.mark.parametrize(
    ("kind", "value", "types"),
    [
        ("ip_address", "10.0.0.1", ("ip",)),
        ("domain", "evil.example.com", ("domain",)),
        ("url", "evil.example.com/x", ("url",)),
        ("process_name", "evil", ("process name",)),
        ("parent_process_name", "winword.exe", ("process name",)),
        ("file_name", "evil", ("file name",)),
        ("file_hash", "9e107d9d372bb6826bd81d3542a419d6", ("hash", "md5")),
        ("email_address", "a@b.example", ("email",)),
        ("user", "jsmith", ("user name",)),
        ("command", "powershell.exe -enc x", None),
        ("registry_path", "HKLM\\x", None),
    ],
)
def test_a_threat_object_is_what_its_type_says(kind: str, value: str, types: object) -> None:
    """``threat_object`` gets its data type from ``threat_object_type``."""
    assert _artifact({"threat_object": value, "threat_object_type": kind}).cef_types.get("threat_object") == types


def test_the_sender_of_a_mail_is_an_address_not_a_user() -> None:
    """In mail data ``src_user`` is the sender; elsewhere the same text is a user's principal name."""
    assert _artifact({"src_user": "a@b.example"}, data_model="Email").cef["fromEmail"] == "a@b.example"
    assert _artifact({"src_user": "a@b.example", "message_id": "1"}).cef_types["fromEmail"] == ("email",)
    assert _artifact({"src_user": "a@b.example"}).cef_types["sourceUserName"] == ("user name",)


def test_hashes_as_sysmon_writes_them() -> None:
    """``SHA256=…,MD5=…,IMPHASH=…`` is taken apart; the import hash is no file hash; the field itself stays exact."""
    sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    md5 = "9e107d9d372bb6826bd81d3542a419d6"
    text = f"SHA256={sha256},MD5={md5},IMPHASH={md5[::-1]}"
    artifact = _artifact({"Hashes": text}, "both")
    assert artifact.cef == {"fileHashSha256": sha256, "fileHashMd5": md5, "fileHash": sha256, "Hashes": text}
    assert artifact.cef_types["fileHash"] == ("hash", "sha256")
    assert _artifact({"Hashes": text}).cef["Hashes"] == text


@pytest.mark.parametrize(
    ("field", "value", "name", "iso"),
    [
        ("firstTime", "1760000000", "startTime", "2025-10-09T08:53:20Z"),
        ("lastTime", "1760000000.25", "endTime", "2025-10-09T08:53:20.25Z"),
        ("orig_time", "1760000000123", "orig_time", "2025-10-09T08:53:20.123Z"),
        ("file_create_time", "1760000000", "fileCreateTime", "2025-10-09T08:53:20Z"),
        ("firstTime", "2025-10-09T08:53:20", "startTime", "2025-10-09T08:53:20"),
        ("info_min_time", "1760000000.000", "info_min_time", "1760000000.000"),
        ("response_time", "17", "response_time", "17"),
    ],
)
def test_times_become_iso_8601_utc(field: str, value: str, name: str, iso: str) -> None:
    """Epoch numbers in time fields become ISO 8601 UTC; other texts and the search window stay."""
    assert _artifact({field: value}).cef == {name: iso}


# CEF fields that playbooks read and that a search's fields can give: from what they come.
_PLAYBOOKS: dict[str, tuple[str, str]] = {
    "destinationAddress": ("dest", "10.0.0.1"),
    "sourceAddress": ("src", "10.0.0.1"),
    "fileHash": ("file_hash", "9e107d9d372bb6826bd81d3542a419d6"),
    "vaultId": ("vaultId", "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"),
    "requestURL": ("url", "https://a.example/x"),
    "destinationDnsDomain": ("url", "https://www.example.com/x"),
    "filePath": ("file_path", "C:\\x\\y.exe"),
    "fileName": ("file_path", "C:\\x\\y.exe"),
    "deviceHostname": ("dvc", "fw01"),
    "fileHashMd5": ("file_hash", "9e107d9d372bb6826bd81d3542a419d6"),
    "fileHashSha256": ("Hashes", "SHA256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    "sensorId": ("aid", "abc"),
    "operatingSystemFamily": ("os_family", "windows"),
    "InstanceId": ("instance_id", "i-0abc"),
    "falconHostLink": ("FalconHostLink", "https://falcon.example/x"),
    "cmdLine": ("process", "cmd.exe /c dir"),
    "sourceHostName": ("src", "ws01"),
    "mitre_tactic": ("annotations.mitre_attack.mitre_tactic", "execution"),
    "mitre_technique_id": ("annotations.mitre_attack", "T1059.001"),
    "mitre_technique": ("annotations.mitre_attack.mitre_technique", "PowerShell"),
    "fromEmail": ("sender", "a@b.example"),
    "emailHeaders": ("email_headers", "Received: x"),
    "sourcePort": ("src_port", "1"),
    "destinationPort": ("dest_port", "1"),
    "transportProtocol": ("transport", "tcp"),
    "act": ("action", "allowed"),
    "sourceUserName": ("src_user", "a"),
    "destinationUserName": ("user", "a"),
    "sourceDnsDomain": ("src_dns", "a.example"),
    "sourceUserId": ("src_user_id", "a"),
}
# Names of one vendor's artifacts, or of another app's: no search field says the same.
_NOT_DERIVABLE = (
    "internet compromisedUserName ProductFields endaceDateTime current_answer cs1 cs2 dvchost suser "
    "observationId id_orig_h uid ts phishmeThreatId Id Severity data_resource_labels_instance_id "
    "data_resource_labels_zone"
).split()


def test_fields_that_playbooks_read_are_delivered() -> None:
    """Every field of the list of playbook fields is derived, is an original name, or is listed as not derivable."""
    with (DATA / "playbook-cef-fields.csv").open(encoding="utf-8") as lines:
        read = [line["cef_field"] for line in csv.DictReader(lines)]
    for name, (field, value) in _PLAYBOOKS.items():
        assert name in _artifact({field: value}, "both").cef, name
    for name in set(read) - set(_PLAYBOOKS):
        assert _artifact({name: "v"}, "both").cef.get(name) == "v", name
        if name not in _NOT_DERIVABLE:
            assert name == name.lower(), f"{name} looks like a CEF name: derive it, or say why not"


def test_every_kind_in_the_shipped_rules_is_known() -> None:
    """Rules name recognisers that exist, and every drop has a reason."""
    for rule in shipped.load().rules:
        assert {branch.kind for branch in rule.branches} <= set(RECOGNISERS)
        assert rule.mode != "drop" or rule.reason


def test_loading_reads_no_conf_and_no_parser() -> None:
    """The everyday path imports neither the grammar nor anything heavy."""
    code = (
        "from soarlink.mapping import shipped\nfrom soarlink.mapping.search import SearchContext, MappingOptions\n"
        "shipped.load().bind(('dest',), SearchContext('s'), MappingOptions())\n"
        "print([m for m in ('soarlink.mapping.stanza', 'soarlink.mapping.compile', 'ipaddress', 'configparser', "
        "'json', 'socket') if m in sys.modules])"
    )
    path = next(entry for entry in sys.path if entry.endswith("lib") and "package" in entry)
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", f"import sys; sys.path.insert(0, {path!r})\n{code}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]"


def test_the_digest_that_comes_along_is_the_rules_own() -> None:
    """The digest in the generated module is what the rules themselves give."""
    assert shipped.load().digest == compiled.Mapping(shipped.load().rules).digest


def test_the_hash_of_a_notable_is_no_hash_of_a_file() -> None:
    """What ES computes over the notable itself gets no type: no playbook shall ask for its reputation."""
    artifact = _artifact({"event_hash": "cb87390ae72763679d3f6f8f097ebe2b"})
    assert artifact.cef == {"event_hash": "cb87390ae72763679d3f6f8f097ebe2b"}
    assert artifact.cef_types == {}
