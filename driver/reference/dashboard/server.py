"""The HTTP server of the reference system's page: also stored runs, and the actions."""

from __future__ import annotations

import asyncio

from aiohttp import web

from driver.dashboard.auth import RequestAuth
from driver.dashboard.run_history import KEY_FIGURES, RunHistory
from driver.dashboard.server import json_answer, page_app
from driver.reference.dashboard import actions
from driver.reference.dashboard.dashboard import Dashboard

FILES_OF_A_RUN = (
    *("report.html", "comparison.html", "report.md", "verdict.json", "metrics.json", "junit.xml"),
    "scenario.yaml",
)


# A report has scripts and a policy of its own; the sandbox keeps it from this server.
REPORT_POLICY = "sandbox allow-scripts allow-popups"


DASHBOARD: web.AppKey[Dashboard] = web.AppKey("dashboard", Dashboard)


HISTORY: web.AppKey[RunHistory] = web.AppKey("history", RunHistory)


def make_app(
    dashboard: Dashboard, history: RunHistory, auth: RequestAuth, read_only: bool
) -> web.Application:
    """Return the server. With `read_only` every route that changes something refuses."""
    app = page_app("index.html", dashboard, auth)
    app[DASHBOARD], app[HISTORY] = dashboard, history
    app.router.add_get("/api/runs", _runs)
    app.router.add_get("/api/trend", _trend)
    app.router.add_get("/api/compare", _compare)
    app.router.add_get("/runs/{run}/{name}", _run_file)
    actions.add_routes(app, DASHBOARD, read_only)
    return app


async def _runs(request: web.Request) -> web.Response:
    query = request.query
    found = await asyncio.to_thread(
        request.app[HISTORY].runs, query.get("scenario", ""), query.get("verdict", "")
    )
    return json_answer({"runs": found, "metrics": list(KEY_FIGURES)})


async def _trend(request: web.Request) -> web.Response:
    query = request.query
    return json_answer(
        await asyncio.to_thread(
            request.app[HISTORY].trend, query.get("scenario", ""), query.get("metric", "")
        )
    )


async def _compare(request: web.Request) -> web.Response:
    query = request.query
    markdown = await asyncio.to_thread(request.app[HISTORY].compare, query.get("a", ""), query.get("b", ""))
    return json_answer({"markdown": markdown})


async def _run_file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    path = request.app[HISTORY].folder(request.match_info["run"]) / name
    if name not in FILES_OF_A_RUN or not path.is_file():
        raise web.HTTPNotFound
    response = web.FileResponse(path)
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    return response
