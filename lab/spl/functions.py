"""Functions of ``eval`` and ``where``, those with arguments that are all worked out first."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from lab.spl import moment
from lab.spl.refusal import SearchRefused
from lab.spl.value import Number, Value, joined, number, order, text, texts

_MANY = 200
_DAY, _HOUR, _MINUTE = 86400, 3600, 60


@dataclass(frozen=True)
class Function:
    """A function.

    Args:
        fewest: how many arguments it needs.
        most: how many it takes.
        call: works it out, given its arguments and the time of the search.
        boolean: whether it gives a truth value.
    """

    fewest: int
    most: int
    call: Callable[[Sequence[Value], float], Value]
    boolean: bool = False


def _one(value: Value) -> str | None:
    """The single text that text functions work on; several values give nothing."""
    return None if value is None or isinstance(value, list) else text(value)


def _mathematical(work: Callable[[float], Number]) -> Function:
    def call(values: Sequence[Value], _now: float) -> Value:
        found = number(values[0])
        return None if found is None else work(found)

    return Function(1, 1, call)


def _textual(work: Callable[[str], Value]) -> Function:
    def call(values: Sequence[Value], _now: float) -> Value:
        found = _one(values[0])
        return None if found is None else work(found)

    return Function(1, 1, call)


def _round(values: Sequence[Value], _now: float) -> Value:
    found, digits = number(values[0]), number(values[1]) if len(values) > 1 else 0
    if found is None or digits is None:
        return None
    scale: float = 10.0 ** int(digits)
    whole = math.floor(found * scale + 0.5)
    return whole / scale if digits else whole


def _tonumber(values: Sequence[Value], _now: float) -> Value:
    if len(values) == 1:
        return number(values[0])
    base = number(values[1])
    try:
        return int(_one(values[0]) or "", int(base or 10))
    except ValueError:
        return None


def _tostring(values: Sequence[Value], _now: float) -> Value:
    value = values[0]
    if value is None or isinstance(value, list):
        return value
    if len(values) == 1:
        return text(value).capitalize() if isinstance(value, bool) else text(value)
    form, size = values[1], number(value)
    if size is None:
        return None
    if form == "commas":
        return f"{int(size):,}" if float(size).is_integer() else f"{size:,.2f}"
    if form == "duration":
        days, rest = divmod(int(size), _DAY)
        clock = f"{rest // _HOUR:02d}:{rest // _MINUTE % _MINUTE:02d}:{rest % _MINUTE:02d}"
        return f"{days}+{clock}" if days else clock
    raise SearchRefused(f"tostring() with {form!r} is not evaluated here.")


def _strftime(values: Sequence[Value], _now: float) -> Value:
    found = number(values[0])
    return None if found is None else moment.formatted(found, str(values[1]))


def _strptime(values: Sequence[Value], _now: float) -> Value:
    found = _one(values[0])
    return None if found is None else moment.parsed(found, str(values[1]))


def _relative_time(values: Sequence[Value], _now: float) -> Value:
    found = number(values[0])
    return None if found is None else moment.point(str(values[1]), found)


def _substr(values: Sequence[Value], _now: float) -> Value:
    found, start = _one(values[0]), number(values[1])
    if found is None or start is None:
        return None
    begin = int(start) - 1 if start > 0 else max(0, len(found) + int(start))
    if len(values) == 2:  # noqa: PLR2004 - without a length
        return found[begin:]
    return found[begin : begin + int(number(values[2]) or 0)]


def _replace(values: Sequence[Value], _now: float) -> Value:
    found, pattern, by = _one(values[0]), _one(values[1]), _one(values[2])
    if found is None or pattern is None or by is None:
        return None
    return re.sub(regex(pattern), by, found)


def _match(values: Sequence[Value], _now: float) -> Value:
    pattern = _one(values[1])
    if values[0] is None or pattern is None:
        return None
    return any(re.search(regex(pattern), one) for one in texts(values[0]))


def like(values: Sequence[Value], _now: float) -> Value:
    """``%`` is any text, ``_`` any character; capitals count."""
    pattern = _one(values[1])
    if values[0] is None or pattern is None:
        return None
    wanted = "".join({"%": ".*", "_": "."}.get(character, re.escape(character)) for character in pattern)
    return any(re.fullmatch(wanted, one, re.DOTALL) for one in texts(values[0]))


def _cidrmatch(values: Sequence[Value], _now: float) -> Value:
    network, address = _one(values[0]), _one(values[1])
    try:
        return ipaddress.ip_address(address or "") in ipaddress.ip_network(network or "", strict=False)
    except ValueError:
        return False


def _split(values: Sequence[Value], _now: float) -> Value:
    found, by = _one(values[0]), _one(values[1])
    return None if found is None or not by else joined(found.split(by))


def _mvindex(values: Sequence[Value], _now: float) -> Value:
    items, start = texts(values[0]), number(values[1])
    if start is None:
        return None
    begin = int(start) + (len(items) if start < 0 else 0)
    end = begin
    if len(values) > 2:  # noqa: PLR2004 - with an end
        last = int(number(values[2]) or 0)
        end = last + (len(items) if last < 0 else 0)
    return None if not 0 <= begin < len(items) else joined(items[begin : end + 1])


def _mvjoin(values: Sequence[Value], _now: float) -> Value:
    return None if values[0] is None else str(values[1]).join(texts(values[0]))


def _mvzip(values: Sequence[Value], _now: float) -> Value:
    by = str(values[2]) if len(values) > 2 else ","  # noqa: PLR2004 - with a delimiter
    pairs = zip(texts(values[0]), texts(values[1]), strict=False)
    return joined([f"{left}{by}{right}" for left, right in pairs])


def _mvappend(values: Sequence[Value], _now: float) -> Value:
    return joined([one for value in values for one in texts(value)])


def _extreme(pick: Callable[..., Value]) -> Callable[[Sequence[Value], float], Value]:
    def call(values: Sequence[Value], _now: float) -> Value:
        found = [value for value in values if value is not None]
        return pick(found, key=order) if found else None

    return call


def regex(pattern: str) -> str:
    """Give a regular expression of PCRE in Python's spelling.

    Raises:
        SearchRefused: it is none.
    """
    spelt = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)
    try:
        re.compile(spelt)
    except re.error as error:
        raise SearchRefused(f"Invalid regular expression {pattern!r}: {error}.") from error
    return spelt


def _digest(kind: str) -> Function:
    return _textual(lambda value: hashlib.new(kind, value.encode(), usedforsecurity=False).hexdigest())


FUNCTIONS: Mapping[str, Function] = {
    "abs": _mathematical(abs),
    "ceiling": _mathematical(math.ceil),
    "cidrmatch": Function(2, 2, _cidrmatch, boolean=True),
    "coalesce": Function(1, _MANY, lambda values, _: next((one for one in values if one is not None), None)),
    "exact": _mathematical(lambda value: value),
    "false": Function(0, 0, lambda _values, _: False, boolean=True),
    "floor": _mathematical(math.floor),
    "isnotnull": Function(1, 1, lambda values, _: values[0] is not None, boolean=True),
    "isnull": Function(1, 1, lambda values, _: values[0] is None, boolean=True),
    "isnum": Function(1, 1, lambda values, _: number(values[0]) is not None, boolean=True),
    "len": _textual(len),
    "like": Function(2, 2, like, boolean=True),
    "lower": _textual(str.lower),
    "ltrim": _textual(str.lstrip),
    "match": Function(2, 2, _match, boolean=True),
    "max": Function(1, _MANY, _extreme(max)),
    "md5": _digest("md5"),
    "min": Function(1, _MANY, _extreme(min)),
    "mvappend": Function(1, _MANY, _mvappend),
    "mvcount": Function(1, 1, lambda values, _: len(texts(values[0])) or None),
    "mvdedup": Function(1, 1, lambda values, _: joined(list(dict.fromkeys(texts(values[0]))))),
    "mvindex": Function(2, 3, _mvindex),
    "mvjoin": Function(2, 2, _mvjoin),
    "mvsort": Function(1, 1, lambda values, _: joined(sorted(texts(values[0])))),
    "mvzip": Function(2, 3, _mvzip),
    "now": Function(0, 0, lambda _values, now: int(now)),
    "null": Function(0, 0, lambda _values, _: None),
    "pow": Function(2, 2, lambda values, _: (number(values[0]) or 0) ** (number(values[1]) or 0)),
    "relative_time": Function(2, 2, _relative_time),
    "replace": Function(3, 3, _replace),
    "round": Function(1, 2, _round),
    "rtrim": _textual(str.rstrip),
    "sha256": _digest("sha256"),
    "split": Function(2, 2, _split),
    "sqrt": _mathematical(math.sqrt),
    "strftime": Function(2, 2, _strftime),
    "strptime": Function(2, 2, _strptime),
    "substr": Function(2, 3, _substr),
    "time": Function(0, 0, lambda _values, now: now),
    "tonumber": Function(1, 2, _tonumber),
    "tostring": Function(1, 2, _tostring),
    "trim": _textual(str.strip),
    "true": Function(0, 0, lambda _values, _: True, boolean=True),
    "upper": _textual(str.upper),
    "urldecode": _textual(unquote),
}
