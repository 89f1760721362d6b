"""The files that Splunk itself brings to `$SPLUNK_HOME`, as far as the stand-in needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.splunkd.atomicfile import write_atomically
from lab.splunkd.python.splunk.clilib import conffile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SERVER_NAME = "sh1"
_FIRST_WITH_LARGE_BATCHES = (9, 1)
_FOLDERS = ("etc/apps", "etc/auth", "etc/system/default", "etc/system/local", "var/log/splunk", "var/spool/splunk")
_USER = (
    "change_own_password edit_search_schedule_window get_metadata get_typeahead list_accelerate_search "
    "list_all_objects list_inputs list_metrics_catalog output_file pattern_detect request_remote_tok rest_apps_view "
    "rest_properties_get rest_properties_set run_collect run_mcollect search upload_lookup_files"
).split()
_POWER = (
    "edit_sourcetypes embed_report export_results_is_visible rtsearch schedule_search search_process_config_refresh"
)
_ADMIN = (
    "admin_all_objects change_authentication edit_health edit_httpauths edit_indexer_cluster edit_input_defaults "
    "edit_messages edit_monitor edit_roles edit_server edit_storage_passwords edit_tcp edit_token_http edit_user "
    "edit_web_settings indexes_edit list_messages list_roles list_search_head_clustering list_settings "
    "list_storage_passwords list_users rest_apps_management restart_splunkd run_sendalert"
).split()
_ROLES: Mapping[str, Mapping[str, str]] = {
    "role_user": {"srchIndexesAllowed": "*", **dict.fromkeys(_USER, "enabled")},
    "role_power": {"importRoles": "user", **dict.fromkeys(_POWER.split(), "enabled")},
    "role_admin": {
        "importRoles": "power;user",
        "srchIndexesAllowed": "*;_*",
        **dict.fromkeys(_ADMIN, "enabled"),
    },
    "role_can_delete": {"delete_by_keyword": "enabled"},
}


def lay_out(home: Path, release: tuple[int, ...]) -> None:
    """Write folders and `etc/system/default` for a Splunk of version `release`; local files stay as they are."""
    for folder in _FOLDERS:
        (home / folder).mkdir(parents=True, exist_ok=True)
    for conf, stanzas in _defaults(release).items():
        write_atomically(home / "etc" / "system" / "default" / f"{conf}.conf", conffile.dump(stanzas))


def set_local(home: Path, conf: str, stanza: str, values: Mapping[str, str | None]) -> None:
    """Set values in `etc/system/local`, as an administrator does; None takes a key out."""
    path = home / "etc" / "system" / "local" / f"{conf}.conf"
    stanzas = conffile.read(str(path))
    merged = {**stanzas.get(stanza, {}), **values}
    stanzas[stanza] = {key: value for key, value in merged.items() if value is not None}
    write_atomically(path, conffile.dump({name: pairs for name, pairs in stanzas.items() if pairs}))


def _defaults(release: tuple[int, ...]) -> dict[str, dict[str, Mapping[str, str]]]:
    batch = "50000" if release >= _FIRST_WITH_LARGE_BATCHES else "1000"
    kvstore = {
        "max_documents_per_batch_save": batch,
        "max_size_per_batch_save_mb": "50",
        "max_rows_per_query": "50000",
        "max_size_per_result_mb": "50",
        "max_queries_per_batch": "1000",
        "max_size_per_batch_result_mb": "100",
    }
    tls = {
        "enableSplunkdSSL": "true",
        "serverCert": "$SPLUNK_HOME/etc/auth/server.pem",
        "caCertFile": "$SPLUNK_HOME/etc/auth/cacert.pem",
        "sslVerifyServerCert": "false",
        "sslVersions": "tls1.2",
    }
    return {
        "server": {"general": {"serverName": SERVER_NAME}, "sslConfig": tls, "kvstore": {"port": "8191"}},
        "web": {"settings": {"mgmtHostPort": "127.0.0.1:8089", "enableSplunkWebSSL": "false"}},
        "limits": {"kvstore": kvstore},
        "authorize": dict(_ROLES),
        "indexes": {name: {} for name in ("main", "history", "summary", "_internal", "_audit", "_introspection")},
        "collections": {},
        "savedsearches": {},
        "inputs": {},
    }
