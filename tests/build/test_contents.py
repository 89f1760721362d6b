"""What the built add-on holds."""

from __future__ import annotations

import ast
import configparser
import fnmatch
import hashlib
import json
import re
import tarfile
from pathlib import Path

import pytest

from soarlink.doctor import inventory
from tools import archive, build, libraries
from tools.process import ROOT

SECRETS = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
    rb"|ph-auth-token['\"]?\s*[:=]\s*['\"][A-Za-z0-9+/]{20,}"
    rb"|\bAKIA[0-9A-Z]{16}\b"
    rb"|\bgh[pousr]_[A-Za-z0-9]{36}\b"
)


def conf(path: Path) -> configparser.RawConfigParser:
    """Parse a conf file; a stanza or setting that is there twice is an error."""
    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",), strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(re.sub(r"\\\n", " ", path.read_text(encoding="utf-8")), str(path))
    return parser


def config() -> dict[str, object]:
    """Return globalConfig.json."""
    document: dict[str, object] = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))
    return document


def test_every_conf_file_parses_without_a_repeated_stanza_or_setting(addon: Path) -> None:
    """Splunk would silently take the last of two; a strict parser refuses them."""
    found = sorted((addon / "default").glob("*.conf"))
    for path in found:
        assert conf(path).sections(), path.name
    assert {"alert_actions.conf", "app.conf", "restmap.conf", "web.conf"} <= {path.name for path in found}


def test_no_conf_file_has_a_default_stanza(addon: Path) -> None:
    """A [default] stanza would change settings of the whole instance."""
    for path in (addon / "default").glob("*.conf"):
        assert "[default]" not in path.read_text(encoding="utf-8").splitlines(), path.name


def test_restmap_holds_the_generated_handlers_and_our_validation(addon: Path) -> None:
    """Our stanzas are added to restmap.conf, they do not replace UCC's REST handlers."""
    restmap = conf(addon / "default" / "restmap.conf")
    for endpoint in ("account", "settings"):
        handler = restmap[f"admin_external:ta_send_to_soar_{endpoint}"]
        assert (addon / "bin" / handler["handlerfile"]).is_file()
        assert handler["python.required"] == "3.9, 3.13"
    validation = dict(restmap["validation:savedsearch"])
    actions = {name for name in conf(addon / "default" / "alert_actions.conf").sections() if name != "DEFAULT"}
    assert {setting.split(".")[1] for setting in validation} == actions
    for setting, expression in validation.items():
        assert setting.startswith("action."), setting
        assert expression.count("(") == expression.count(")"), setting


def test_the_access_endpoint_is_splunkds_alone(addon: Path) -> None:
    """It has its handler and our capability, and Splunk Web passes nothing on to it."""
    endpoint = conf(addon / "default" / "restmap.conf")["script:ta_send_to_soar_access"]
    assert (addon / "bin" / endpoint["script"]).is_file()
    module, _, name = endpoint["handler"].rpartition(".")
    assert f"class {name}(" in (addon / "bin" / f"{module}.py").read_text(encoding="utf-8")
    assert endpoint["python.required"] == "3.9, 3.13"
    capability = endpoint["capability"]
    assert conf(addon / "default" / "authorize.conf")["role_send_to_soar_user"][capability] == "enabled"
    web = conf(addon / "default" / "web.conf")
    exposed = [web[section]["pattern"] for section in web.sections()]
    assert exposed
    assert [pattern for pattern in exposed if fnmatch.fnmatch(endpoint["match"].strip("/"), pattern)] == []


def test_the_user_role_needs_no_stored_passwords(addon: Path) -> None:
    """Least privilege: the role that runs the actions has our capability and nothing else."""
    role = conf(addon / "default" / "authorize.conf")["role_send_to_soar_user"]
    assert dict(role) == {"use_soar_actions": "enabled"}


def test_alert_action_holds_the_generated_parameters_and_our_settings(addon: Path) -> None:
    """alert_actions.conf declares each parameter of globalConfig.json and what UCC can't express."""
    action = conf(addon / "default" / "alert_actions.conf")["send_to_soar"]
    alert = config()["alerts"][0]  # type: ignore[index]
    declared = {name.removeprefix("param.") for name in action if name.startswith("param.")}
    assert declared - {"_cam"} == {entity["field"] for entity in alert["entity"]}
    for entity in alert["entity"]:
        assert action[f"param.{entity['field']}"] == str(entity.get("defaultValue", "")), entity["field"]
    expected = {
        "is_custom": "1",
        "maxresults": "50000",
        "payload_format": "json",
        "python.required": "3.9, 3.13",
        "python.version": "python3",
    }
    assert {name: action[name] for name in expected} == expected
    for name in ("command", "maxtime", "track_alert", "ttl"):
        assert action[name], name
    assert (addon / "appserver" / "static" / action["icon_path"]).is_file()


def test_cam_block_is_complete_json(addon: Path) -> None:
    """Enterprise Security reads param._cam as JSON; its required and field-name parameters exist."""
    action = conf(addon / "default" / "alert_actions.conf")["send_to_soar"]
    cam = json.loads(action["param._cam"])
    assert cam["supports_adhoc"] is True
    for key in ("task", "subject", "category", "technology", "drilldown_uri"):
        assert cam[key], key
    for name in (*cam["required_params"], *cam["field_name_params"]):
        assert name in action


@pytest.mark.parametrize("name", ["alert_actions.conf.spec", "savedsearches.conf.spec"])
def test_every_parameter_is_in_the_spec(addon: Path, name: str) -> None:
    """A parameter without a spec makes btool complain on the user's machine."""
    spec = (addon / "README" / name).read_text(encoding="utf-8")
    prefix = "action.send_to_soar.param." if name.startswith("savedsearches") else "param."
    for entity in config()["alerts"][0]["entity"]:  # type: ignore[index]
        assert re.search(rf"^{re.escape(prefix + entity['field'])}\s*=", spec, re.MULTILINE), entity["field"]


def test_our_entry_script_is_the_one_that_is_shipped(addon: Path) -> None:
    """UCC's alert script is replaced by ours, and its helper module is not left behind."""
    assert (addon / "bin" / "send_to_soar.py").read_bytes() == (ROOT / "package/bin/send_to_soar.py").read_bytes()
    assert not (addon / "bin" / "ta_send_to_soar").exists()


def test_our_package_is_shipped_whole_and_unchanged(addon: Path) -> None:
    """lib/soarlink is package/lib/soarlink, file by file."""
    source, shipped = ROOT / "package/lib/soarlink", addon / "lib/soarlink"
    assert archive.digest(archive.files(shipped), base=shipped) == archive.digest(archive.files(source), base=source)


def test_nothing_platform_bound_and_no_litter_in_the_package(package: Path) -> None:
    """No native file, byte code, hidden file, local folder, link or execute bit; everything under one folder."""
    with tarfile.open(package) as tar:
        members = tar.getmembers()
    assert members[0].name == build.ADDON
    for member in members:
        path = Path(member.name)
        assert path.parts[0] == build.ADDON
        assert member.isdir() or member.isreg(), member.name
        assert member.mode == (0o755 if member.isdir() else 0o644), member.name
        assert path.suffix not in {".so", ".pyd", ".dll", ".dylib", ".pyc", ".exe"}, member.name
        assert not any(part.startswith(".") or part in {"__pycache__", "local"} for part in path.parts), member.name


def test_no_text_is_native_in_disguise(addon: Path) -> None:
    """No file starts like an ELF, Mach-O or PE program, whatever it is called."""
    magic = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xca\xfe\xba\xbe", b"MZ")
    for path in archive.files(addon):
        assert not path.read_bytes().startswith(magic), path


def test_no_secret_and_no_path_of_this_machine(addon: Path) -> None:
    """Nothing in the add-on looks like a secret or names the folder it was built in."""
    places = {f"{ROOT}/".encode(), f"{Path.home()}/".encode()} - {b"//"}
    for path in archive.files(addon):
        content = path.read_bytes()
        assert not SECRETS.search(content), path
        for place in places:
            assert place not in content, f"{path} names {place.decode()}"


def test_the_secret_pattern_finds_secrets() -> None:
    """The pattern of the test above matches what it is meant for."""
    assert SECRETS.search(b"-----BEGIN RSA PRIVATE KEY-----")
    assert SECRETS.search(b'"ph-auth-token": "' + b"aB3+" * 8 + b'"')
    assert not SECRETS.search(b'"ph-auth-token": token')


def test_python_files_have_the_grammar_of_3_9(addon: Path) -> None:
    """Splunk 9.4 to 10.2 run 3.9: every shipped module parses with its grammar."""
    modules = list(addon.rglob("*.py"))
    assert addon / "bin" / "send_to_soar.py" in modules
    for path in modules:
        ast.parse(path.read_bytes(), filename=str(path), feature_version=(3, 9))


def test_excluded_libraries_are_not_shipped(addon: Path) -> None:
    """What exclude.txt names is gone; what the requirements name else is there, in the pinned version."""
    pins = dict(
        re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", libraries.REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    )
    shipped = {path.name.removesuffix(".dist-info").lower() for path in (addon / "lib").glob("*.dist-info")}
    assert shipped == {f"{name.replace('-', '_')}-{pin}" for name, pin in pins.items() if name != "pysocks"}
    assert not (addon / "lib" / "socks.py").exists()
    assert not list((addon / "lib").glob("*.txt"))


def test_metadata_exports_little_and_lets_administrators_write(addon: Path) -> None:
    """Everyone reads, only administrators write (sc_admin on Splunk Cloud), and nothing is exported by default."""
    meta = conf_meta(addon / "metadata" / "default.meta")
    access = re.sub(r"\s", "", meta[""]["access"])
    writers = access.removeprefix("read:[*],write:[").removesuffix("]").split(",")
    assert {"admin", "sc_admin"} <= set(writers) <= {"admin", "sc_admin", "send_to_soar_admin"}, access
    assert meta[""]["export"] == "none"
    for stanza in ("alert_actions", "restmap"):
        assert meta[stanza]["export"] == "system", stanza


def conf_meta(path: Path) -> dict[str, dict[str, str]]:
    """Parse default.meta, whose first stanza has an empty name."""
    stanzas: dict[str, dict[str, str]] = {}
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[] ")
            stanzas[name] = {}
        elif "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            stanzas[name][key.strip()] = value.strip()
    return stanzas


def test_files_that_appinspect_needs(addon: Path) -> None:
    """Manifest, icons and the settings of app.conf are there and agree."""
    app = conf(addon / "default" / "app.conf")
    assert app["package"]["id"] == app["id"]["name"] == build.ADDON == addon.name
    assert app["package"]["check_for_updates"] == "false"
    manifest = json.loads((addon / "app.manifest").read_text(encoding="utf-8"))
    assert manifest["info"]["id"]["name"] == build.ADDON
    assert set(manifest["supportedDeployments"]) == {"_standalone", "_distributed", "_search_head_clustering"}
    for name in ("appIcon.png", "appIcon_2x.png"):
        assert (addon / "static" / name).read_bytes().startswith(b"\x89PNG"), name


def test_the_list_of_files_is_complete_and_right(addon: Path) -> None:
    """Every file but the list itself, with its SHA-256, in the format of sha256sum: what the doctor compares with."""
    text = (addon / build.FILES).read_text(encoding="utf-8")
    listed = {path: digest for digest, path in (line.split("  ", 1) for line in text.splitlines())}
    found = {path.relative_to(addon).as_posix(): path for path in archive.files(addon)}
    found.pop(build.FILES)
    assert listed == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}
    assert inventory.LIST == build.FILES
