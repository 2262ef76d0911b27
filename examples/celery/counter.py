"""Takes orders by HTTP, and has each charged by a task."""

from flask import Flask, jsonify, request
from tasks import charge

app = Flask(__name__)


@app.post("/orders")
def place():
    reference = request.get_json()["reference"]
    charge.delay(reference)
    return jsonify(reference=reference), 202


@app.get("/health")
def health():
    return "ok"
