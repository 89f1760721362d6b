"""Small conversions that Splunk's own code uses everywhere."""
# ruff: noqa: A002, FBT001, PLC0415 - the signatures are Splunk's; late imports and os.path keep start-up small

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TRUE = ("true", "t", "yes", "y", "on", "enabled", "1")
_FALSE = ("false", "f", "no", "n", "off", "disabled", "0")


def normalizeBoolean(input: Any, enableStrictMode: bool = False, includeIntegers: bool = True) -> Any:
    """Return True or False for the spellings of a boolean, and anything else as it came.

    Args:
        input: a bool, number, text, list or None.
        enableStrictMode: raise ValueError instead of returning what is no boolean.
        includeIntegers: whether 1 and 0 count as booleans.
    """
    if isinstance(input, bool):
        return input
    if isinstance(input, (list, tuple)):
        return [normalizeBoolean(item, enableStrictMode, includeIntegers) for item in input]
    if isinstance(input, (str, int)):
        text = str(input).strip().lower()
        integer = text in ("1", "0")
        if text in _TRUE and (includeIntegers or not integer):
            return True
        if text in _FALSE and (includeIntegers or not integer):
            return False
    if enableStrictMode:
        raise ValueError(f"Unable to cast value to boolean: {input}")
    return input


def mktimegm(tuple: Any) -> int:
    """Return the epoch seconds of a UTC time tuple."""
    import calendar

    return calendar.timegm(tuple)
