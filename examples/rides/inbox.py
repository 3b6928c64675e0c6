"""Takes messages as a chat, a pager or the accounting system would, and prints them: `python inbox.py 9099`."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Inbox(BaseHTTPRequestHandler):
    """Whoever posts is answered with 200."""

    def do_POST(self) -> None:
        """One message: for people it has a title and a text, for programs facts."""
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if told["event"] == "exposure_updated":
            print(f"{told['exposure']}: {told['rows']} rows of {told['table']}, {told['tests']['passed']} tests passed\n", flush=True)
        else:
            print(f"{told['event']}: {told['title']}\n{told['text']}\n", flush=True)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Requests are not told, only what they bring."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9099), Inbox).serve_forever()
