"""The dashboards, drawn by Splunk's own renderer from what the built add-on did in the lab."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from playwright.sync_api import Browser, BrowserContext, Page, expect

from lab.runner.lab import APP, Lab
from lab.splunkd.users import User
from lab.web.dashboards import RENDERER
from lab.web.splunkweb import StandInSplunkWeb
from tests.browser import incident
from tests.browser.conftest import ADMIN, PASSWORD, new_profile
from tests.browser.incident import Incident
from tests.browser.studio import Shown
from tests.browser.visit import close, close_profile
from tests.busy import busy_lab, looked_into
from tests.lab.splunkd.client import Client, client_of
from tools import build
from tools.dashboards import definition, options, results, tokens
from tools.dashboards.definition import Dashboard, texts
from tools.process import ROOT

ALL = {one.name: one for one in definition.load_all()}
NAMES = sorted(ALL)
NOTHING = "No search results returned"
QUIET = "rgb(118, 118, 118)"
"""The colour of words that stand where rows would, in tables whose rows are links."""
Open = Callable[..., Shown]


@pytest.fixture(scope="module", autouse=True)
def renderer() -> None:
    """The renderer is there, or these tests are skipped."""
    if not (RENDERER / "page.js").is_file():
        if os.environ.get("CI"):
            pytest.fail("the dashboard renderer is needed; `make dashboards` gets it where there is node")
        pytest.skip("the dashboard renderer is not there: `make dashboards`")


@contextmanager
def pages(state: Path) -> Iterator[tuple[Lab, StandInSplunkWeb]]:
    """Run a lab of its own with its pages."""
    with Lab(state, build=build.build().folder) as lab, _web(lab) as web:
        yield lab, web


def _web(lab: Lab) -> StandInSplunkWeb:
    lab.splunkd.set_login(ADMIN, PASSWORD)
    users, splunkd = [User(ADMIN, ("admin",), frozenset(), frozenset())], lab.splunkd
    home = lab.home.root
    return StandInSplunkWeb(home, APP, uri=splunkd.uri, ca_file=splunkd.ca_file, version="9.4.3", users=users)


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, dict[str, Any]]]:
    """The busy week, and what the scenario did in it."""
    with busy_lab(tmp_path_factory.mktemp("week")) as opened:
        yield opened


@pytest.fixture(scope="module")
def week_pages(week: tuple[Lab, dict[str, Any]]) -> Iterator[StandInSplunkWeb]:
    """Its pages."""
    with _web(week[0]) as web:
        yield web


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, StandInSplunkWeb, Incident]]:
    """A lab with one incident, and its containers."""
    with pages(tmp_path_factory.mktemp("busy") / "state") as (lab, web):
        yield lab, web, incident.carry_through(lab)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInSplunkWeb]:
    """A lab in which nothing has happened."""
    with pages(tmp_path_factory.mktemp("empty") / "state") as (_, web):
        yield web


def _signed_in(browser: Browser, theme: str, url: str) -> BrowserContext:
    context = new_profile(browser, theme, url)
    page = context.new_page()
    page.goto(f"{url}/en-US/account/login")
    page.get_by_label("User").select_option(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/account/login" not in address, wait_until="commit")
    close(page)
    return context


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Iterator[Callable[[str, str], BrowserContext]]:
    """Gives the browser's profile for a server and a theme, signed in."""
    made: dict[tuple[str, str], BrowserContext] = {}

    def context(url: str, theme: str) -> BrowserContext:
        if (url, theme) not in made:
            made[url, theme] = _signed_in(browser, theme, url)
        return made[url, theme]

    yield context
    for one in made.values():
        close_profile(one)


@pytest.fixture
def show(contexts: Callable[[str, str], BrowserContext]) -> Iterator[Open]:
    """Opens a dashboard; afterwards nothing may have gone wrong unseen."""
    opened: list[Shown] = []

    def open_dashboard(web: StandInSplunkWeb, name: str, *, theme: str = "light", **values: str) -> Shown:
        opened.append(Shown(contexts(web.url, theme), web.url, ALL[name]))
        opened[-1].open(**values)
        return opened[-1]

    yield open_dashboard
    complaints = [text for one in opened for text in one.complaints]
    for one in opened:
        close(one.page)
    assert complaints == []


@pytest.fixture(scope="module")
def inspection(browser: Browser, empty: StandInSplunkWeb) -> Iterator[Page]:
    """A page in which Splunk's packages can be asked about definitions."""
    page = browser.new_page()
    page.goto(f"{empty.url}/en-US/account/login")
    yield page
    close(page)


def _ask(page: Page, expression: str, argument: object = None) -> Any:
    call = f"given => import('/en-US/lab/studio/inspection.js').then(module => module.{expression})"
    return page.evaluate(call, argument)


def test_splunk_s_schema_and_grammar_take_every_definition(inspection: Page) -> None:
    """The official schema, every option's name, and every dynamic option; each of them also refuses a mistake."""
    schema = _ask(inspection, "schema()")
    validator = Draft7Validator(schema)
    for dashboard in ALL.values():
        found = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(dashboard.content)]
        assert found == [], dashboard.name
        assert list(options.problems(dashboard, schema)) == [], dashboard.name
        dynamic = [text for _, text in texts(dashboard.content) if text.startswith(">")]
        assert _ask(inspection, "problems(given)", dynamic) == [], dashboard.name

    content: Any = definition.load(definition.FOLDER / "cases.json").content
    content["visualizations"]["viz_trend"]["type"] = "splunk.colum"
    assert not validator.is_valid(content)
    content["visualizations"]["viz_trend"].update(type="splunk.column", options={"stackMod": "stacked"})
    content["visualizations"]["viz_list"]["options"]["columnFormat"]["Name"]["widht"] = 1
    content["dataSources"]["ds_open"]["options"]["qury"] = ""
    content["extra"] = 1
    named = "\n".join(options.problems(Dashboard("cases", content), schema))
    for wrong in ("option stackMod", "option widht", "option qury", "extra: is no part"):
        assert wrong in named
    wrong = _ask(inspection, "problems(given)", ["> primary | nothing(1)", "> primary | |"])
    assert [text.partition(":")[0] for text in wrong] == ["> primary | nothing(1)", "> primary | |"]


def _values(week: tuple[Lab, dict[str, Any]], name: str) -> dict[str, str]:
    """What a view is opened with, beside what it opens with by itself: a finding, a case with a prompt."""
    lab, ledger = week
    if name == "action_result":
        return looked_into(lab)
    if name == "automation_timeline":
        case = next(one for one in ledger["cases"] if "Malware" in one["search_name"] and one["closed"])
        return {"account": case["account"], "case": str(case["container_id"])}
    if name == "ask_soar":
        return {"value": "203.0.113.45", "playbook": "local/enrich_indicators", "global_time.earliest": "-7d@d"}
    return {}


def _run(client: Client, dashboard: Dashboard, source: str, **values: str) -> dict[str, list[Any]]:
    """What a data source returns when its view is opened."""
    given = {**tokens.initial(dashboard), **values}
    asked = {
        "search": tokens.filled(dashboard.query(source), given),
        "earliest_time": given["global_time.earliest"],
        "latest_time": given["global_time.latest"],
    }
    sid = client.post(f"/servicesNS/nobody/{APP}/search/jobs", asked).json["sid"]
    path = f"/services/search/v2/jobs/{sid}/results_preview"
    document = client.get(path, output_mode="json_cols", count="0").json
    return dict(zip([field["name"] for field in document["fields"]], document["columns"], strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_every_search_returns_what_its_panel_reads(week: tuple[Lab, dict[str, Any]], name: str) -> None:
    """Each search finds rows in the busy week, within two seconds, with the fields that columns and links read.

    The doctor asks SOAR, and takes its time.
    """
    client, dashboard = client_of(week[0].splunkd, ADMIN), ALL[name]
    values = _values(week, name)
    fields: dict[str, set[str]] = {}
    for source in dashboard.sources:
        start = time.monotonic()
        found = _run(client, dashboard, source, **values)
        assert time.monotonic() - start < (30 if "soarchecks" in dashboard.query(source) else 2), source
        assert found, source
        fields[source] = set(found)
    assert list(results.problems(dashboard, fields)) == []


def test_figures_of_the_week(week: tuple[Lab, dict[str, Any]]) -> None:
    """Key figures are what the scenario did: cases by state, prompts by answer, failed runs, tasks."""
    client, ledger = client_of(week[0].splunkd, ADMIN), week[1]

    def figure(view: str, source: str) -> int:
        return int(_run(client, ALL[view], source)["value"][0])

    cases = ledger["cases"]
    closed = [case for case in cases if case["closed"]]
    assert figure("cases", "ds_opened") == len(cases)
    assert figure("cases", "ds_closed") == len(closed)
    assert figure("cases", "ds_open") == len(cases) - len(closed) == figure("home", "ds_open")
    assert figure("cases", "ds_new") == sum(case["status"] == "new" for case in cases)
    steps = _run(client, ALL["cases"], "ds_times")
    assert dict(zip(steps["Step"], steps["Cases"], strict=True))["Close"] == str(len(closed))
    answers = ledger["answers"]
    assert figure("analyst_decisions", "ds_asked") == sum(answers.values())
    assert figure("analyst_decisions", "ds_pending") == answers["waiting"]
    assert figure("analyst_decisions", "ds_refused") == answers["No"]
    assert figure("automation_timeline", "ds_failed") == ledger["failed_runs"] + answers[""]
    done = _run(client, ALL["analyst_decisions"], "ds_tasks")["complete"]
    assert sum(int(count) for count in done) == ledger["tasks_done"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_a_view_of_the_week(
    show: Open, week: tuple[Lab, dict[str, Any]], week_pages: StandInSplunkWeb, name: str, theme: str
) -> None:
    """Every panel is drawn, in both themes, from one search for each base; no row is cut, figures stand in line."""
    shown = show(week_pages, name, theme=theme, **_values(week, name))
    shown.leave_out(str(ROOT))
    shown.picture(f"dashboard_{name}_{theme}")
    assert [panel for panel in ALL[name].visualizations if NOTHING in shown.panel(panel).inner_text()] == []
    assert shown.cut() == []
    assert all(len(heights) == 1 for heights in shown.heights_of_figures().values())
    bases = [source for source in ALL[name].sources.values() if source["type"] == "ds.search"]
    assert len(shown.asked) == len(bases)
    assert all(asked.earliest and asked.latest for asked in shown.asked)


@pytest.mark.parametrize("name", NAMES)
def test_a_view_when_nothing_has_happened(show: Open, empty: StandInSplunkWeb, name: str) -> None:
    """Figures are 0 or "-", tables say what that means and what to do, in words that do not look like links.

    The doctor has something to say at any time.
    """
    shown = show(empty, name)
    shown.picture(f"dashboard_{name}_empty")
    assert [panel for panel in ALL[name].visualizations if NOTHING in shown.panel(panel).inner_text()] == []
    for panel, part in ALL[name].visualizations.items():
        if part["type"] == "splunk.singlevalue" and name != "troubleshooting":
            assert shown.value(panel) in ("0", "-"), panel
        if part["type"] == "splunk.table":
            words = " ".join(shown.panel(panel).locator("td").all_inner_texts())
            assert len(words) > 8, panel
            if part.get("eventHandlers") and panel != "viz_links":
                cells = shown.panel(panel).locator("tbody tr").first.locator("td")
                assert {cell.evaluate("cell => cell.style.color") for cell in cells.all()} == {QUIET}, panel


def test_figures_of_home(show: Open, busy: tuple[Lab, StandInSplunkWeb, Incident]) -> None:
    """What the incident left: open, late and waiting, what was sent and what was refused; clicks lead there."""
    shown = show(busy[1], "home")
    open_now = incident.SENT - incident.CLOSED
    waiting = incident.SENT - incident.APPROVED - incident.DENIED
    ended = incident.SENT + incident.APPROVED + incident.DENIED
    rate = round(100 * (ended - incident.DENIED) / ended, 1)
    figures = {name: shown.value(f"viz_{name}") for name in ("open", "late", "pending", "rate", "results", "stuck")}
    assert figures == {
        "open": str(open_now),
        "late": str(open_now),
        "pending": str(waiting),
        "rate": f"{rate}%",
        "results": str(2 * incident.SENT),
        "stuck": str(incident.SENT),
    }
    concerns = {row["Concern"]: row for row in shown.rows("viz_attention")}
    assert set(concerns) == {"Results were rejected", "Cases are overdue", "Prompts wait for an answer"}
    assert concerns["Cases are overdue"]["Count"] == str(open_now)
    assert concerns["Results were rejected"]["Count"] == str(incident.SENT)
    assert 'SOAR has no label "nowhere"' in concerns["Results were rejected"]["Latest"]
    shown.leave()
    shown.panel("viz_attention").get_by_text("Prompts wait for an answer").click()
    shown.page.wait_for_url(f"{busy[1].url}/en-US/app/{APP}/analyst_decisions**", wait_until="commit")


def test_figures_and_filters_of_cases(show: Open, busy: tuple[Lab, StandInSplunkWeb, Incident]) -> None:
    """Counts and steps are those of the incident; a filter asks anew; a case leads to SOAR and to its timeline."""
    shown = show(busy[1], "cases")
    names = ("open", "new", "late", "nobody", "opened", "closed")
    open_now, new = incident.SENT - incident.CLOSED, incident.SENT - incident.OWNED
    expected = [open_now, new, open_now, new, incident.SENT, incident.CLOSED]
    assert [shown.value(f"viz_{name}") for name in names] == [str(figure) for figure in expected]
    steps = {row["Step"]: row["Cases"] for row in shown.rows("viz_times")}
    answered = incident.APPROVED + incident.DENIED
    # The mail names no host to be quarantined.
    contained = incident.APPROVED - 1
    reached = {"Acknowledge": incident.OWNED, "Decide": answered, "Contain": contained, "Close": incident.CLOSED}
    assert steps == {step: str(count) for step, count in reached.items()}
    assert shown.options("input_severity") == ["All", "high", "low", "medium"]

    shown.choose("input_severity", "low")
    low = [row for row in shown.rows("viz_list") if row["Case"]]
    assert {row["Severity"] for row in low} == {"low"}
    assert shown.token("severity") == "low"
    assert 'severity="low"' in shown.asked[-1].search

    shown.panel("viz_list").get_by_text(low[0]["Name"]).click()
    shown.drawn()
    links = shown.panel("viz_links")
    case = low[0]["Case"]
    targets = {link.inner_text(): link.get_attribute("href") or "" for link in links.get_by_role("link").all()}
    assert set(targets) == {"Open in SOAR", "Automation timeline"}
    assert targets["Open in SOAR"].endswith(f"/mission/{case}")
    assert targets["Automation timeline"].startswith(f"/app/{APP}/automation_timeline?form.case={case}&")
    shown.leave()
    links.get_by_text("Automation timeline").click()
    expect(shown.page.locator("#viz_facts")).to_contain_text(low[0]["Name"])


def test_the_timeline_of_one_case(show: Open, busy: tuple[Lab, StandInSplunkWeb, Incident]) -> None:
    """By number or by the id of its notable: the same case, its events in order, and its page in SOAR on a click."""
    denied = busy[2].containers[incident.APPROVED]
    shown = show(busy[1], "automation_timeline")
    case = shown.page.get_by_role("textbox", name="Case number or notable id")
    case.fill(str(denied))
    case.press("Enter")
    shown.drawn()
    (facts,) = shown.rows("viz_facts")
    assert (facts["Case"], facts["Status"]) == (str(denied), "closed")
    events = shown.rows("viz_events")
    told = [(row["Kind"], row["What"], row["State"]) for row in events]
    assert told[0][0] == "Case"
    assert ("Playbook", "local/contain_host", "refused") in told
    assert ("Prompt", "Isolate the host?", "denied") in told
    assert [row["Time"] for row in events] == sorted(row["Time"] for row in events)
    begun = [row["Kind"] for row in events if row["Time"] == events[0]["Time"]]
    assert begun.index("Sent") < begun.index("Playbook")
    prompt = next(row for row in events if row["Kind"] == "Prompt")
    assert prompt["Detail"] == "No, it is a server"

    row = next(row for row in busy[0].management.documents(APP, "soar_containers", {"container_id": denied}))
    again = show(busy[1], "automation_timeline", case=row["event_id"])
    assert again.rows("viz_facts") == [facts]
    with shown.page.expect_popup() as popup:
        shown.panel("viz_links").get_by_text("Open in SOAR").click()
    assert popup.value.url.endswith(f"/{denied}")


def test_figures_of_decisions(show: Open, busy: tuple[Lab, StandInSplunkWeb, Incident]) -> None:
    """Prompts by answer, for all and for each person; the time range reaches every search."""
    shown = show(busy[1], "analyst_decisions")
    waiting = incident.SENT - incident.APPROVED - incident.DENIED
    figures = [shown.value(f"viz_{name}") for name in ("asked", "pending", "late", "refused")]
    assert figures == [str(incident.SENT), str(waiting), "0", str(incident.DENIED)]
    (person,) = shown.rows("viz_by_person")
    answers = [person[name] for name in ("Approved", "Denied", "Expired", "Waiting")]
    assert answers == [str(incident.APPROVED), str(incident.DENIED), "0", str(waiting)]
    (detection,) = shown.rows("viz_detections")
    assert (detection["Cases"], detection["Refused"]) == (str(incident.SENT), str(incident.DENIED))
    earlier = show(busy[1], "analyst_decisions", **{"global_time.earliest": "-30d@d", "global_time.latest": "-20d@d"})
    assert {(asked.earliest, asked.latest) for asked in earlier.asked} == {("-30d@d", "-20d@d"), ("-1m", "now")}
    assert earlier.value("viz_asked") == "0"


def test_a_search_that_fails_says_so(contexts: Callable[[str, str], BrowserContext], empty: StandInSplunkWeb) -> None:
    """What splunkd answers stands in every panel that the search feeds, and the tests here would see it."""
    shown = Shown(contexts(empty.url, "light"), empty.url, ALL["cases"])
    try:
        shown.page.route(
            "**/search/jobs",
            lambda route: route.fulfill(status=400, json={"messages": [{"type": "FATAL", "text": "No such macro."}]}),
        )
        shown.open()
        expect(shown.panel("viz_list")).to_contain_text("No such macro.")
        shown.picture("dashboard_cases_error")
        assert any("No such macro." in complaint for complaint in shown.complaints)
    finally:
        close(shown.page)


def test_what_waits_leads_to_the_search_that_sends_it(show: Open, week_pages: StandInSplunkWeb) -> None:
    """A click on what can be sent again opens that search; a filter leaves the others out."""
    shown = show(week_pages, "delivery_health")
    assert shown.value("viz_depth") == "3"
    shown.choose("input_account", "soc_apac")
    assert {row["Account"] for row in shown.rows("viz_resend")} == {"soc_apac"}
    shown.leave()
    shown.panel("viz_resend").locator("tbody td").first.click()
    shown.page.wait_for_url("**/search?q=%7C%20soaroutboxctl%20action%3Ddeliver%20key%3D*", wait_until="commit")


def test_a_result_is_chosen(show: Open, week_pages: StandInSplunkWeb) -> None:
    """A click on one of the latest results opens it by its ids."""
    shown = show(week_pages, "action_result")
    assert shown.value("viz_state") == "-"
    shown.leave()
    shown.panel("viz_latest").get_by_text("Malware Not Cleaned").first.click()
    shown.page.wait_for_url(f"**/{APP}/action_result?form.orig_sid=scheduler__*&form.orig_rid=*", wait_until="commit")
    shown.drawn()
    assert shown.value("viz_state") == "delivered"


def test_answers_stand_beside_what_was_asked(show: Open, week_pages: StandInSplunkWeb) -> None:
    """An output of the playbook by its name; another account's list has nothing of it."""
    shown = show(week_pages, "ask_soar", **{"global_time.earliest": "-7d@d"})
    answers = {row["Asked"]: (row["State"], row["Answers"]) for row in shown.rows("viz_asked")}
    assert answers == {"enrichment": ("updated", "verdict: unknown"), "playbook": ("updated", "")}
    shown.choose("input_account", "soc_emea")
    assert [row["When"] for row in shown.rows("viz_asked")] == ["Nothing was asked in the time range."]


def test_tables_fill_their_panels(show: Open, week_pages: StandInSplunkWeb) -> None:
    """In windows from 1366 pixels on: no column lies outside, and none is left empty beside."""
    for name in ("cases", "delivery_health"):
        shown = show(week_pages, name)
        for width in (1366, 1920):
            shown.page.set_viewport_size({"width": width, "height": 1000})
            shown.drawn()
            assert shown.beside() == []


def test_a_question_is_answered(show: Open, week_pages: StandInSplunkWeb) -> None:
    """Choosing a question has the doctor asked anew, and shows its answer."""
    shown = show(week_pages, "troubleshooting")
    shown.choose("input_question", "Why does SOAR receive nothing?")
    assert 'question="arrival"' in shown.asked[-1].search
    (answer,) = shown.rows("viz_answer")
    assert not answer["Answer"].startswith("Choose")
