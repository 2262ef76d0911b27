"""Takes requests by HTTP, has each done by Dask, and answers when it is done."""

import os

from distributed import Client
from flask import Flask, jsonify, request
from work import add_up

ANSWER_WITHIN_S = 10

app = Flask(__name__)
client = Client(os.environ["SCHEDULER_URL"], set_as_default=False)


@app.post("/sums")
def add():
    order = request.get_json()
    future = client.submit(add_up, order["reference"], order["numbers"], key=order["reference"])
    try:
        return jsonify(total=future.result(timeout=ANSWER_WITHIN_S)), 200
    except TimeoutError:
        return jsonify(error="not done yet"), 504


@app.get("/health")
def health():
    return "ok"
