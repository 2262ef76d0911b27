"""Takes a text, queues it as a job, and shows results."""

import json
import os
import uuid

import redis
from flask import Flask, jsonify, render_template, request
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

app = Flask(__name__)
queue = redis.Redis.from_url(os.environ["REDIS_URL"])
pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=2, kwargs={"row_factory": dict_row}, open=True)


@app.get("/")
def index():
    with pool.connection() as db:
        rows = db.execute("SELECT * FROM results ORDER BY finished_at DESC LIMIT 20").fetchall()
    return render_template("index.html", results=rows, waiting=queue.llen("jobs"))


@app.post("/jobs")
def submit():
    order = request.get_json()
    job_id = str(uuid.uuid4())
    job = {"id": job_id, "text": order["text"], "reference": order.get("reference")}
    queue.rpush("jobs", json.dumps(job))
    return jsonify(id=job_id), 202


@app.get("/jobs/<uuid:job_id>")
def result(job_id):
    with pool.connection() as db:
        row = db.execute("SELECT * FROM results WHERE job_id = %s", (job_id,)).fetchone()
    if row is None:
        return jsonify(state="waiting"), 404
    return jsonify(state="done", **row)


@app.get("/health")
def health():
    return "ok"
