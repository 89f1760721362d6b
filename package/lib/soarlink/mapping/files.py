"""Recognisers for files and processes: hashes, names, paths, command lines, registry paths."""

from __future__ import annotations

import re

from soarlink.mapping.addresses import placeholder
from soarlink.mapping.pattern import Pattern

_HEX = Pattern(r"[0-9A-Fa-f]+")
_MD5, _SHA1, _SHA256, _SHA512 = 32, 40, 64, 128  # digits
_HASHES = {_MD5: "md5", _SHA1: "sha1", _SHA256: "sha256", _SHA512: "sha512"}
_PROGRAM_ENDINGS = frozenset((".exe", ".com", ".scr"))
_LONGEST_NAME = 255
_LONGEST_PATH = 32767  # Windows' limit with the \\?\ prefix
_SSDEEP = Pattern(r"\d{1,10}:[A-Za-z0-9+/]{3,}:[A-Za-z0-9+/]{3,}")
_WINDOWS = Pattern(
    r"(?:\\\\\?\\)?[A-Za-z]:[\\/][^\n\r<>|\"*]*|%\w+%\\[^\n\r<>|\"*]*|\\(?:\?\?|Device|SystemRoot)\\[^\n\r<>|\"*]*"
)
_UNC = Pattern(r"\\\\[^\\/\s<>|\"?*:]+\\[^\n\r<>|\"*:]+")
_EXTENSION = Pattern(r"[^\\/:*?\"<>|\x00-\x1f]*[^\\/:*?\"<>|.\x00-\x1f]\.[A-Za-z0-9_~]{1,12}")
_IMAGE_WITH_MORE = Pattern(r"\.(?:exe|com|scr|bat|cmd|dll|ps1|vbs|js|msi|cpl|py|sh)[\"']?\s+\S", re.IGNORECASE)
_REGISTRY = Pattern(r"(?:HKEY_[A-Z_]+|HK(?:LM|CU|U|CR|CC)|\\REGISTRY\\(?:MACHINE|USER|A))[\\:].*", re.IGNORECASE)


def file_hash(value: str) -> str:
    """``md5``, ``sha1``, ``sha256`` or ``sha512`` by length, else ``ssdeep``. Ask only in hash fields."""
    kind = _HASHES.get(len(value), "")
    if kind:
        return kind if _HEX.full(value) else ""
    return ssdeep(value)


def md5(value: str) -> str:
    """32 hexadecimal digits."""
    return "md5" if len(value) == _MD5 and _HEX.full(value) else ""


def sha1(value: str) -> str:
    """40 hexadecimal digits."""
    return "sha1" if len(value) == _SHA1 and _HEX.full(value) else ""


def sha256(value: str) -> str:
    """64 hexadecimal digits."""
    return "sha256" if len(value) == _SHA256 and _HEX.full(value) else ""


def sha512(value: str) -> str:
    """128 hexadecimal digits."""
    return "sha512" if len(value) == _SHA512 and _HEX.full(value) else ""


def ssdeep(value: str) -> str:
    """A fuzzy hash, ``blocksize:hash:hash``."""
    return "ssdeep" if ":" in value and _SSDEEP.full(value) else ""


def windows_path(value: str) -> str:
    r"""``C:\…``, ``%SystemRoot%\…``, ``\Device\…`` or a UNC path: a path for sure, whatever the field's name."""
    if "\\" not in value and value[1:3] != ":/":
        return ""
    if len(value) > _LONGEST_PATH:
        return ""
    if _WINDOWS.full(value):
        return "windows path"
    return "unc path" if value.startswith("\\\\") and _UNC.full(value) else ""


def posix_path(value: str) -> str:
    """``/…`` or ``~/…`` on one line. Ask only where the field's name says file: a URL's path looks the same."""
    if not value.startswith(("/", "~/")) or value.startswith("//") or "\n" in value or len(value) > _LONGEST_PATH:
        return ""
    return "posix path"


def path(value: str) -> str:
    """A file path: Windows, UNC, POSIX, or relative with a separator. Ask only where the field's name says file."""
    sure = windows_path(value) or posix_path(value)
    if sure or len(value) > _LONGEST_PATH or "\n" in value or "://" in value or registry(value):
        return sure
    return "relative path" if ("\\" in value or "/" in value) and value.strip("\\/.") else ""


def file_name(value: str) -> str:
    """A name without a path. Ask only where the field's name says file: any short text can be one."""
    if len(value) > _LONGEST_NAME or "\\" in value or "/" in value or not value.isprintable() or placeholder(value):
        return ""
    return "file name"


def named_file(value: str) -> str:
    """A name with an extension, such as ``invoice.docx``."""
    return "file name" if "." in value and len(value) <= _LONGEST_NAME and _EXTENSION.full(value) else ""


def command_line(value: str) -> str:
    """A program with arguments (or a quoted program)."""
    if value.startswith(('"', "'")):
        return "command line"
    if " " not in value:
        return ""
    arguments = " -" in value or " /" in value or value.startswith("/") or _IMAGE_WITH_MORE.search(value)
    return "command line" if arguments else ""


def process_path(value: str) -> str:
    """The full path of a program, without arguments."""
    return "" if command_line(value) else _path_only(value)


def _path_only(value: str) -> str:
    return "process path" if windows_path(value) or posix_path(value) else ""


def process_name(value: str) -> str:
    """A program's name without path and arguments. Ask only where the field's name says process."""
    return "" if value.isdigit() or command_line(value) else _name_only(value)


def _name_only(value: str) -> str:
    return "process name" if file_name(value) else ""


def process(value: str) -> str:
    """A program by its name or its path; no command line, no number."""
    if value.isdigit() or command_line(value):
        return ""
    return _path_only(value) or _name_only(value)


def program(value: str) -> str:
    """A name that ends like a Windows program's, without arguments: ``cmd.exe``."""
    return process(value) if value[-4:].lower() in _PROGRAM_ENDINGS else ""


def registry(value: str) -> str:
    r"""``HKLM\…``, ``HKEY_LOCAL_MACHINE\…``, ``\REGISTRY\MACHINE\…``."""
    return "registry path" if value[:2].upper() in {"HK", "\\R"} and _REGISTRY.full(value) else ""
