"""Takes orders, and shows them. SQLAlchemy's pool holds the connections to PostgreSQL."""

import asyncio
import logging
import os

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("shop")

TRIES = 3
ONE_ROW_A_KEY = os.environ.get("ONE_ROW_A_KEY") == "1"
COMMAND_TIMEOUT_S = float(os.environ.get("COMMAND_TIMEOUT_S", "0"))

engine = create_async_engine(
    os.environ["DATABASE_URL"],
    isolation_level="AUTOCOMMIT",  # an order is one statement
    pool_pre_ping=os.environ.get("POOL_PRE_PING") == "1",
    connect_args={"command_timeout": COMMAND_TIMEOUT_S or None},
)
INSERT = text(
    "INSERT INTO orders (reference, item, key) VALUES (:reference, :item, :key) ON CONFLICT (key) DO NOTHING"
)
SELECT = text("SELECT id, item FROM orders WHERE reference = :reference")


async def place(request):
    order = await request.json()
    row = {
        "reference": order["reference"],
        "item": order["item"],
        "key": order["reference"] if ONE_ROW_A_KEY else None,
    }
    for attempt in range(1, TRIES + 1):
        try:
            async with engine.begin() as db:
                await db.execute(INSERT, row)
            return JSONResponse({"reference": row["reference"]}, 201)
        except DBAPIError as error:
            if not error.connection_invalidated or attempt == TRIES:
                raise
            log.warning("order %s is tried again: %s", row["reference"], error.orig)
            await asyncio.sleep(0.2 * attempt)


async def show(request):
    async with engine.connect() as db:
        found = (await db.execute(SELECT, {"reference": request.path_params["reference"]})).first()
    if found is None:
        return JSONResponse({"error": "no such order"}, 404)
    return JSONResponse({"number": found.id, "item": found.item})


async def health(_request):
    return PlainTextResponse("ok")


app = Starlette(
    routes=[
        Route("/orders", place, methods=["POST"]),
        Route("/orders/{reference}", show),
        Route("/health", health),
    ]
)
