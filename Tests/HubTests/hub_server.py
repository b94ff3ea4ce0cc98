"""A hub for tests: speaks the part of the Hugging Face Hub's protocol that fetching a model needs.

  python3 hub_server.py FOLDER

FOLDER/OWNER/NAME/… are the files of repositories. Prints the port, then a line for each request. Files of more than 1000 bytes are
"large": named by their SHA-256 and served by another host (localhost instead of 127.0.0.1) behind a redirection. A file FOLDER/faults
has lines `KIND PATTERN`, each used up by the first request whose path contains PATTERN:

  break N    the answer ends after N bytes
  busy       503
  norange    a range that is asked for is not given
  garble     the first byte is another
  stall      nothing comes
"""
import hashlib
import http.server
import json
import os
import pathlib
import sys
import threading
import time
import urllib.parse

root = pathlib.Path(sys.argv[1])
COMMIT = "0123456789abcdef0123456789abcdef01234567"
lock = threading.Lock()


def fault(path, kinds):
    """The argument of the next fault of these kinds for a path, which is then used up; None if there is none."""
    with lock:
        file = root / "faults"
        lines = file.read_text().splitlines() if file.exists() else []
        for index, line in enumerate(lines):
            kind, *arguments, pattern = line.split(" ")
            if kind in kinds and pattern in path:
                del lines[index]
                file.write_text("".join(line + "\n" for line in lines))
                return kind, arguments
    return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=(), declared=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if declared is None else declared))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = urllib.parse.unquote(self.path)
        token = self.headers.get("Authorization", "-").removeprefix("Bearer ")
        print(self.command, self.headers.get("Host", "").split(":")[0], path, token, self.headers.get("Range", "-"), flush=True)
        if fault(path, ["busy"]):
            return self.answer(503, headers=[("Retry-After", "1")])
        if fault(path, ["stall"]):
            time.sleep(5)
            return
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self.listing("/".join(parts[2:4]), "/".join(parts[5:]), token)
        if parts[0] == "large":
            return self.content(root / "/".join(parts[1:]), path)
        if len(parts) > 4 and parts[2] == "resolve":
            return self.resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        self.answer(404)

    def listing(self, repository, revision, token):
        if repository == "test/gated" and token != "secret":
            return self.answer(401, headers=[("X-Error-Code", "GatedRepo"), ("X-Error-Message", "Access to it is restricted.")])
        if repository == "test/html":
            return self.answer(200, b"<html>")
        if repository == "test/escape":
            return self.answer(200, json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "../../evil.gguf"}]}).encode())
        folder = root / repository
        if not folder.is_dir() or revision not in ("main", "v/1", COMMIT):
            return self.answer(404, headers=[("X-Error-Code", "RepoNotFound")])
        files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        self.answer(200, json.dumps({"sha": COMMIT, "siblings": [{"rfilename": file} for file in files]}).encode())

    def resolve(self, repository, revision, name):
        file = root / repository / name
        if revision not in ("main", COMMIT) or not file.is_file():
            return self.answer(404, headers=[("X-Error-Code", "EntryNotFound")])
        data = file.read_bytes()
        headers = [("X-Repo-Commit", COMMIT)]
        if len(data) <= 1000:
            git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            if self.command == "HEAD":
                return self.answer(200, data, headers + [("ETag", f'"{git}"')])
            return self.content(file, name)
        sha = hashlib.sha256(data).hexdigest()
        port = self.server.server_address[1]
        headers += [
            ("X-Linked-Etag", f'"{sha}"'), ("X-Linked-Size", str(len(data))), ("ETag", '"of the redirection"'),
            ("Location", f"http://localhost:{port}/large/{urllib.parse.quote(repository + '/' + name)}")]
        self.answer(302, headers=headers)

    def content(self, file, path):
        data = file.read_bytes()
        start = 0
        headers = []
        status = 200
        asked = self.headers.get("Range")
        if asked and not fault(path, ["norange"]):
            start = int(asked.removeprefix("bytes=").split("-")[0])
            headers = [("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")]
            status = 206
        body = data[start:]
        if fault(path, ["garble"]):
            body = bytes([body[0] ^ 1]) + body[1:]
        broken = fault(path, ["break"])
        if broken:
            self.answer(status, body[:int(broken[1][0])], headers, declared=len(body))
            self.close_connection = True
            self.connection.close()
            return
        self.answer(status, body, headers)


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
# The test's end closes the pipe.
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
