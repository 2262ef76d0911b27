"""Counts votes in an SQLite file, and shows them as JSON, as metrics, and in its log."""

import http.server
import json
import sqlite3
import sys

votes = sqlite3.connect("/data/votes.db", check_same_thread=False, isolation_level=None)
votes.execute("PRAGMA journal_mode = WAL")
votes.execute("CREATE TABLE IF NOT EXISTS votes (id TEXT, choice TEXT)")


class Page(http.server.BaseHTTPRequestHandler):
    """`POST /vote/ID/CHOICE` takes a vote."""

    def do_GET(self) -> None:
        rows = votes.execute("SELECT choice, count(*) FROM votes GROUP BY choice").fetchall()
        if self.path == "/stats":
            self.answer(json.dumps({"choices": [{"choice": one, "votes": count} for one, count in rows]}))
        elif self.path == "/metrics":
            self.answer("".join(f'votes_total{{choice="{one}"}} {count}\n' for one, count in rows))
        else:
            self.answer("no such page", 404)

    def do_POST(self) -> None:
        _, _, key, choice = self.path.split("/")
        votes.execute("INSERT INTO votes VALUES (?, ?)", (key, choice))
        print(f"vote {key} for {choice}", flush=True)
        self.answer("")

    def answer(self, text: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Print nothing about a request."""


http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Page).serve_forever()
