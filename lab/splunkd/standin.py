"""The stand-in splunkd as a whole."""

from __future__ import annotations

import os
import re
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from lab.splunkd.authentication import AuthenticationEndpoints
from lab.splunkd.bulletins import BulletinBoard, BulletinEndpoints
from lab.splunkd.calls import Call, CallLog
from lab.splunkd.certificate import CertificateFiles, default_certificates, named_certificates
from lab.splunkd.configs import ConfigEndpoints, PropertyEndpoints
from lab.splunkd.confstore import ConfStore
from lab.splunkd.eventindex import EventIndex
from lab.splunkd.faults import Fault, Faults
from lab.splunkd.findings import FINDINGS_SINCE, FindingEndpoints
from lab.splunkd.gatekeeper import Gatekeeper
from lab.splunkd.handlers import SPLUNK_PACKAGE, HandlerEndpoints, HandlerProcesses
from lab.splunkd.inputs import InputEndpoints
from lab.splunkd.installation import SERVER_NAME, lay_out, set_local
from lab.splunkd.instance import Instance
from lab.splunkd.kvcollections import CollectionEndpoints
from lab.splunkd.kvdocuments import DocumentEndpoints
from lab.splunkd.kvstore import KvStore
from lab.splunkd.notables import NotableBoard, NotableEndpoints
from lab.splunkd.passwords import PasswordEndpoints, PasswordStore
from lab.splunkd.permissions import Permissions
from lab.splunkd.receivers import Event, EventLog, ReceiverEndpoints
from lab.splunkd.router import Router
from lab.splunkd.savedsearches import SavedSearchEndpoints
from lab.splunkd.searchjobs import CannedSearches, Job, SearchEndpoints
from lab.splunkd.searchsources import CommandRunner, Searched
from lab.splunkd.server import HttpsServer, Service
from lab.splunkd.server_info import AppEndpoints, ServerEndpoints
from lab.splunkd.times import TimeEndpoints
from lab.splunkd.users import Sessions, User, Users
from lab.splunkd.views import ViewEndpoints
from lab.splunkd.worker import Interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from lab.splunkd.router import Endpoints

CertificateKind = Literal["default", "named"]


class StandInSplunkd:
    """A slice of splunkd's management port on loopback, over HTTPS; use it as a context manager.

    Args:
        home: `$SPLUNK_HOME`; `etc/apps/<app>` must hold the built add-on. Splunk's own files are added.
        state: folder for what splunkd stores: KV store, users, messages, events; `passwords.json` in it, mode 0600,
            is the only file with secrets.
        apps: apps that must be there.
        version: Splunk version, such as "9.4.3".
        python: interpreter for the add-on's REST handlers.
        clock: epoch seconds.
        cim: whether Splunk_SA_CIM shows as installed.
        es: Enterprise Security version that shows as installed, such as "8.1.0"; None for none.
        certificate: `default` as a new installation has it, or `named`: names the host, signed by a private CA that
            `sslRootCAPath` in system/local points to.
        port: 0 for any free one.

    Raises:
        FileNotFoundError: an app is not below `home`.
    """

    def __init__(
        self,
        home: Path,
        state: Path,
        *,
        apps: Sequence[str] = ("TA_send_to_soar",),
        version: str = "9.4.3",
        python: Path = Path(sys.executable),
        clock: Callable[[], float] = time.time,
        cim: bool = False,
        es: str | None = None,
        certificate: CertificateKind = "default",
        port: int = 0,
    ) -> None:
        for app in apps:
            if not (home / "etc" / "apps" / app).is_dir():
                message = f"there is no app {app} in {home / 'etc' / 'apps'}"
                raise FileNotFoundError(message)
        self._home = home
        self._state = state
        self._port = port
        guid = str(uuid.uuid5(uuid.NAMESPACE_URL, str(home))).upper()
        self._instance = Instance(version, guid, SERVER_NAME, clock)
        state.mkdir(parents=True, exist_ok=True)
        lay_out(home, self._instance.release)
        self._certificates = self._install_certificates(certificate)
        self._confs = ConfStore(home, Permissions(home))
        self._instance.server_name = self._confs.value("server", "general", "serverName", SERVER_NAME)
        self._users = Users(state / "users.json", self._confs)
        self._sessions = Sessions()
        self._passwords = PasswordStore(state / "passwords.json")
        self._events = EventLog(state / "events.jsonl")
        self._searches = CannedSearches()
        self._index = EventIndex(state / "index")
        self._searched: Searched | None = None
        self._jobs: SearchEndpoints | None = None
        self._run_command: CommandRunner | None = None
        self._faults = Faults()
        self._calls = CallLog()
        self._unknown: list[tuple[str, str]] = []
        self._processes = HandlerProcesses(Interpreter(python, self._environment(), home / "var/log/splunk/python.log"))
        self._products = ({"Splunk_SA_CIM": "6.0.0"} if cim else {}) | (
            {"SplunkEnterpriseSecuritySuite": es} if es else {}
        )
        self.notables = NotableBoard(clock) if es else None
        """Enterprise Security's notables; None without it."""
        if self.notables is not None:
            self._searches.answer_with(self.notables.answer)
        self._store: KvStore | None = None
        self._server: HttpsServer | None = None

    @property
    def home(self) -> Path:
        """Return `$SPLUNK_HOME`."""
        return self._home

    @property
    def uri(self) -> str:
        """Return the management uri, `https://127.0.0.1:PORT`."""
        return self._instance.uri

    @property
    def version(self) -> str:
        """Return Splunk's version."""
        return self._instance.version

    @property
    def ca_file(self) -> Path:
        """Return the CA of the certificate that is presented."""
        return self._certificates.ca

    @property
    def calls(self) -> list[Call]:
        """Return the calls so far."""
        return self._calls.all()

    @property
    def unknown_calls(self) -> list[tuple[str, str]]:
        """Return (method, path) of calls that the stand-in does not know or failed at, and searches without rows."""
        return self._unknown + [("SEARCH", search) for search in self._searches.unanswered]

    @property
    def searches(self) -> list[Job]:
        """Return the searches that were run and not cancelled, oldest first."""
        return self._jobs.jobs if self._jobs is not None else []

    @property
    def events(self) -> list[Event]:
        """Return the events that came in through receivers."""
        return self._events.all()

    def session_key(self, user: str = "admin") -> str:
        """Return a new session key for `user`."""
        return self._sessions.issue(self._users.get(user).name)

    def bearer_token(self, user: str = "admin") -> str:
        """Return a new authentication token for `user`, for `Authorization: Bearer`."""
        return self._sessions.issue_token(self._users.get(user).name)

    def expire_sessions(self, user: str | None = None) -> None:
        """End the sessions of `user`, or all sessions."""
        self._sessions.expire(user)

    def add_user(self, name: str, roles: Iterable[str], capabilities: Iterable[str] = ()) -> User:
        """Add or replace a user; `capabilities` come on top of those of the roles."""
        return self._users.add(name, roles, capabilities)

    def user(self, name: str) -> User:
        """Return a user."""
        return self._users.get(name)

    def remove_user(self, name: str) -> None:
        """Remove a user."""
        self._users.remove(name)

    def set_login(self, user: str, password: str) -> None:
        """Let `user` log in with `password`; nobody can before."""
        self._passwords.set_login(self._users.get(user).name, password)

    def canned_search(self, pattern: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Answer searches in which the regular expression `pattern` is found with `rows`."""
        self._searches.add(pattern, rows)

    def search_with(self, collect: Callable[[], None], run_command: CommandRunner) -> None:
        """Let searches find what the add-on does in this lab.

        Args:
            collect: indexes what was left since; called before each search.
            run_command: runs the add-on's generating commands.
        """
        self._index.collect_with(collect)
        self._run_command = run_command
        if self._searched is not None:
            self._searched.run_command = run_command

    def fault(
        self,
        method: str,
        path: str,
        *,
        status: int | None = None,
        reset: bool = False,
        hang: bool = False,
        slow: float | None = None,
        times: int | None = None,
        body: str = Fault.body,
    ) -> None:
        """Make matching requests go wrong; `method` and `path` are regular expressions to search for.

        Args:
            method: for the HTTP method.
            path: for the path without query.
            status: answer with this status and `body` as message.
            reset: reset the connection.
            hang: don't answer until the faults are cleared.
            slow: answer after this many seconds.
            times: for how many requests; None for all.
            body: the text of the message.

        Raises:
            ValueError: not exactly one of status, reset, hang and slow was given.
        """
        given = {"status": status is not None, "reset": reset, "hang": hang, "slow": slow is not None}
        kinds: list[Any] = [kind for kind, wanted in given.items() if wanted]
        if len(kinds) != 1:
            message = "give exactly one of status, reset, hang and slow"
            raise ValueError(message)
        rule = Fault(re.compile(method), re.compile(path), kinds[0], status or 0, slow or 0.0, body)
        self._faults.add(rule, times)

    def clear_faults(self) -> None:
        """Lift all faults; what hangs goes on."""
        self._faults.clear()

    def __enter__(self) -> Self:
        """Start serving."""
        self._store = KvStore(self._state / "kv.sqlite")
        router = Router(self._endpoints(self._store))
        gatekeeper = Gatekeeper(router, self._users, self._sessions, self._passwords, self._note_unknown)
        service = Service(gatekeeper.respond, gatekeeper.inject, self._faults, self._calls.append)
        self._server = HttpsServer(service, str(self._certificates.server), self._port)
        self._instance.uri = f"https://127.0.0.1:{self._server.port}"
        set_local(self._home, "web", "settings", {"mgmtHostPort": f"127.0.0.1:{self._server.port}"})
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop serving, end handler processes and close the stores."""
        self._faults.clear()
        if self._server is not None:
            self._server.stop()
        self._processes.stop()
        if self._store is not None:
            self._store.close()

    def _endpoints(self, store: KvStore) -> list[Endpoints]:
        """Return the families of endpoints; a new one is one more line."""
        instance, confs = self._instance, self._confs
        permissions = Permissions(self._home)
        families: list[Endpoints] = [
            AuthenticationEndpoints(instance, self._users, self._sessions, self._passwords),
            ServerEndpoints(instance),
            AppEndpoints(instance, confs, self._products),
            ConfigEndpoints(instance, confs, permissions),
            PropertyEndpoints(instance, confs, permissions),
            PasswordEndpoints(instance, self._passwords, permissions),
            CollectionEndpoints(instance, confs, permissions, store),
            DocumentEndpoints(confs, permissions, store),
            BulletinEndpoints(instance, BulletinBoard(self._state / "messages.json"), self._users),
            TimeEndpoints(instance),
            InputEndpoints(instance, confs, permissions),
            ViewEndpoints(instance, self._home / "etc" / "apps", permissions),
            ReceiverEndpoints(instance, self._events),
            HandlerEndpoints(instance, confs, self._sessions, self._processes),
        ]
        if self.notables is not None:
            families.append(NotableEndpoints(instance, self.notables))
            if int(self._products["SplunkEnterpriseSecuritySuite"].partition(".")[0]) >= FINDINGS_SINCE:
                families.append(FindingEndpoints(self.notables))
        families += self._search_endpoints(families, permissions)
        return families

    def _search_endpoints(self, families: list[Endpoints], permissions: Permissions) -> list[Endpoints]:
        instance, confs = self._instance, self._confs
        self._searched = Searched(Router(families), confs, permissions, self._users, self._index, self._run_command)
        self._jobs = jobs = SearchEndpoints(instance, self._searches, self._searched)
        saved = SavedSearchEndpoints(instance, confs, permissions, jobs)
        self._searched.router = Router([*families, saved])
        return [jobs, saved]

    def _note_unknown(self, method: str, path: str) -> None:
        self._unknown.append((method, path))

    def _install_certificates(self, kind: CertificateKind) -> CertificateFiles:
        default = default_certificates(self._home)
        if kind == "default":
            set_local(self._home, "server", "sslConfig", {"serverCert": None, "sslRootCAPath": None})
            return default
        named = named_certificates(self._home)
        paths = {"serverCert": str(named.server), "sslRootCAPath": str(named.ca)}
        set_local(self._home, "server", "sslConfig", paths)
        return named

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "SPLUNK_HOME": str(self._home),
            "PYTHONPATH": str(SPLUNK_PACKAGE),
            # The app folder may be a link to the build's output, which stays as it was built.
            "PYTHONPYCACHEPREFIX": str(self._state / "pycache"),
        }
