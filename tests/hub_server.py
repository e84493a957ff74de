"""A Hugging Face hub on this machine, for the real clients to talk to.

It speaks as much of the hub's HTTP interface as huggingface_hub and transformers use to read and to
write repositories of models. Repositories are in memory, with all their commits. Clients read
``HF_ENDPOINT`` when they are imported, so they run in processes of their own: `Client` is one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import multiprocessing
import os
import re
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

OWNER, GUEST = "hf_owner", "hf_guest"  # a token that may do everything, and one that may not
DATE = "2025-01-01T00:00:00.000Z"


def blob_id(content):
    """The id that git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Commit:
    """What a repository held at some time."""

    id: str
    title: str
    files: dict[str, bytes]
    parent: Commit | None

    def history(self):
        """This commit and all before it, the newest first."""
        commit = self
        while commit is not None:
            yield commit
            commit = commit.parent


@dataclass
class Repo:
    """A repository: its commits, and the names that some of them have."""

    private: bool = False
    gated: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, files, title="A commit", branch="main"):
        """Add a commit that holds these files and no others, and return its id."""
        parent = self.commits.get(self.branches.get(branch))
        content = repr((len(self.commits), branch, title, sorted(files.items())))
        id = hashlib.sha1(content.encode()).hexdigest()
        self.commits[id] = Commit(id, title, dict(files), parent)
        self.branches[branch] = id
        return id

    def at(self, revision):
        """The commit of a branch, a tag or an id; None if there is no such."""
        id = self.branches.get(revision) or self.tags.get(revision) or revision
        return self.commits.get(id)


class Refusal(Exception):
    """An answer that is an error, with the code by which clients know it."""

    def __init__(self, status, message, code=None, **headers):
        super().__init__(message)
        self.status = status
        self.headers = {"X-Error-Message": message, **headers}
        if code is not None:
            self.headers["X-Error-Code"] = code


class HubServer:
    """A hub that listens on a port of its own until it is closed.

    ``repos`` are the repositories by name; ``requests`` all that was asked, as ``"HEAD /a/b"``,
    without the query, and ``unknown`` what of it this hub has no answer to; ``token`` may read and
    write everything, ``guest`` only what is public.
    """

    token, guest = OWNER, GUEST

    def __init__(self):
        self.repos: dict[str, Repo] = {}
        self.requests: list[str] = []
        self.unknown: list[str] = []
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.hub = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def add(self, repo, files, private=False, gated=False):
        """Make a repository, or add a commit to one, that holds these files; the commit's id."""
        found = self.repos.setdefault(repo, Repo(private, gated))
        return found.commit(files)

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Handler(BaseHTTPRequestHandler):
    """Answers one request; in HTTP/1.0, so that no connection outlives the server."""

    # Headers and body in one piece: sent one by one, the second waits for the first's receipt.
    wbufsize = -1

    def log_message(self, *_):
        pass

    def answer(self):
        self.hub = self.server.hub
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.requests.append(f"{self.command} {url.path}")
        try:
            with self.hub.lock:
                status, headers, content = self.route([unquote(x) for x in url.path.split("/")[1:]])
        except Refusal as refusal:
            status, headers = refusal.status, refusal.headers
            content = json.dumps({"error": str(refusal)}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = answer

    def route(self, path):
        get = self.command in ("GET", "HEAD")
        match path:
            case ["api", "whoami-v2"] if get:
                name = self.user()
                if name is None:
                    raise Refusal(401, "Invalid username or password.")
                return as_json({"type": "user", "name": name, "orgs": [], "auth": {}})
            case ["api", "validate-yaml"] if not get:
                return as_json({"errors": [], "warnings": []})
            case ["api", "repos", "create"] if not get:
                return self.create(json.loads(self.body))
            case ["api", "models", owner, name, *rest]:
                repo = self.repo(f"{owner}/{name}")
                answer = self.read(repo, rest) if get else self.write(repo, rest)
            case [owner, name, "resolve", revision, *rest] if get and rest:
                answer = self.resolve(self.repo(f"{owner}/{name}"), revision, "/".join(rest))
            case _:
                answer = None
        if answer is None:
            self.hub.unknown.append(f"{self.command} {self.path}")
            raise Refusal(501, f"this hub knows no {self.command} {self.path}")
        return answer

    # Who asks.

    def user(self):
        """The name of who asks; None for anybody."""
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given and given not in (OWNER, GUEST):
            raise Refusal(401, "Invalid credentials in Authorization header")
        return given.removeprefix("hf_") or None

    def check_owner(self):
        user = self.user()
        if user != "owner":
            raise Refusal(401 if user is None else 403, "You have no right to write here")

    def repo(self, name):
        user = self.user()
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and user != "owner"):
            # A hub does not tell strangers what there is.
            raise Refusal(401 if user is None else 404, "Repository not found", "RepoNotFound")
        self.name = name
        return repo

    def commit_of(self, repo, revision):
        commit = repo.at(revision)
        if commit is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    # Reading.

    def read(self, repo, path):
        match path:
            case [] | ["revision", _]:
                return self.info(repo, self.commit_of(repo, path[1] if path else "main"))
            case ["tree", revision, *folder]:
                return self.tree(self.commit_of(repo, revision), "/".join(folder))
            case ["refs"]:
                return as_json(
                    {
                        "branches": as_refs("heads", repo.branches),
                        "tags": as_refs("tags", repo.tags),
                        "converts": [],
                    }
                )
            case ["commits", revision]:
                return as_json(
                    [
                        {
                            "id": commit.id, "title": commit.title, "message": "", "date": DATE,
                            "authors": [{"user": "owner"}],
                        }
                        for commit in self.commit_of(repo, revision).history()
                    ]
                )  # fmt: skip
        return None

    def info(self, repo, commit):
        return as_json(
            {
                "id": self.name, "modelId": self.name, "author": self.name.split("/")[0],
                "sha": commit.id, "lastModified": DATE, "createdAt": DATE, "private": repo.private,
                "gated": "manual" if repo.gated else False, "disabled": False, "tags": [],
                "downloads": 0, "likes": 0,
                "siblings": [{"rfilename": path} for path in commit.files],
            }
        )  # fmt: skip

    def tree(self, commit, folder):
        within = f"{folder}/" if folder else ""
        recursive = self.query.get("recursive", ["false"])[0].lower() in ("true", "1")
        entries = {}
        for path, content in commit.files.items():
            if not path.startswith(within):
                continue
            parts = path.removeprefix(within).split("/")
            for depth in range(1, len(parts)):
                name = within + "/".join(parts[:depth])
                entries[name] = {"type": "directory", "path": name, "oid": blob_id(name.encode())}
                if not recursive:
                    break
            if recursive or len(parts) == 1:
                entries[path] = {
                    "type": "file", "path": path, "size": len(content), "oid": blob_id(content),
                }  # fmt: skip
        if folder and not entries:
            raise Refusal(404, f"{folder} does not exist", "EntryNotFound")
        return as_json([entries[path] for path in sorted(entries)])

    def resolve(self, repo, revision, path):
        if repo.gated and (user := self.user()) != "owner":
            message = f"Access to model {self.name} is restricted"
            raise Refusal(401 if user is None else 403, message, "GatedRepo")
        commit = self.commit_of(repo, revision)
        headers = {"X-Repo-Commit": commit.id}
        if path not in commit.files:
            raise Refusal(404, "Entry not found", "EntryNotFound", **headers)
        content = commit.files[path]
        headers |= {"ETag": f'"{blob_id(content)}"', "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted is None:
            return 200, headers, content
        first, size = int(wanted[1]), len(content)
        last = min(int(wanted[2] or size), size - 1)
        if first > last:
            raise Refusal(416, "Range not satisfiable", **{"Content-Range": f"bytes */{size}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        return 206, headers, content[first : last + 1]

    # Writing.

    def create(self, wanted):
        self.check_owner()
        name = f"{wanted.get('organization') or 'owner'}/{wanted['name']}"
        answer = {"url": f"{self.hub.url}/{name}", "name": name}
        if name in self.hub.repos:
            return as_json({**answer, "error": "You already created this model repo"}, 409)
        private = wanted.get("private", False) or wanted.get("visibility") == "private"
        self.hub.repos[name] = Repo(private)
        self.hub.repos[name].commit({}, "initial commit")
        return as_json(answer)

    def write(self, repo, path):
        self.check_owner()
        match path:
            case ["preupload", revision]:
                there = self.commit_of(repo, revision).files
                # Every file is a regular one here; a hub wants large ones elsewhere.
                return as_json(
                    {
                        "files": [
                            {
                                "path": entry["path"], "uploadMode": "regular",
                                "shouldIgnore": False,
                                **({"oid": blob_id(there[entry["path"]])}
                                   if entry["path"] in there else {}),
                            }
                            for entry in json.loads(self.body)["files"]
                        ]
                    }
                )  # fmt: skip
            case ["commit", branch]:
                return self.commit(repo, branch)
            case ["branch", branch]:
                if branch in repo.branches:
                    raise Refusal(409, "Reference already exists")
                start = json.loads(self.body or b"{}").get("startingPoint", "main")
                repo.branches[branch] = self.commit_of(repo, start).id
                return as_json({})
            case ["tag", revision]:
                tag = json.loads(self.body)["tag"]
                if tag in repo.tags:
                    raise Refusal(409, "Tag reference exists already")
                repo.tags[tag] = self.commit_of(repo, revision).id
                return as_json({})
        return None

    def commit(self, repo, branch):
        if branch not in repo.branches or "create_pr" in self.query:
            raise Refusal(404, f"Invalid rev id: {branch}", "RevisionNotFound")
        parent = repo.at(branch)
        files = dict(parent.files)
        title = ""
        for line in self.body.splitlines():
            match json.loads(line):
                case {"key": "header", "value": value}:
                    title = value["summary"]
                    if value.get("parentCommit", parent.id) != parent.id:
                        raise Refusal(412, "A commit has happened since")
                case {"key": "file", "value": {"path": path, "content": content}}:
                    files[path] = base64.b64decode(content)
                case {"key": "deletedFile", "value": {"path": path}} if path in files:
                    del files[path]
                case {"key": "deletedFolder", "value": {"path": path}}:
                    within = path.rstrip("/") + "/"
                    files = {name: c for name, c in files.items() if not name.startswith(within)}
                case other:
                    raise Refusal(400, f"this hub cannot commit {other}")
        id = repo.commit(files, title, branch)
        url = f"{self.hub.url}/{self.name}/commit/{id}"
        return as_json({"success": True, "commitUrl": url, "commitOid": id, "hookOutput": ""})


def as_json(value, status=200):
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def as_refs(kind, names):
    return [
        {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": id}
        for name, id in names.items()
    ]


def environment(server, home):
    """The variables under which a client asks this hub, and keeps its files in a folder."""
    return {
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_TOKEN": "",
        "HF_TOKEN_PATH": str(home / "token"),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def set_variables(variables):
    os.environ.update(variables)


class Client:
    """A process that asks a hub: called with a function and its arguments, it runs it there.

    What the function returns or raises comes back, pickled.
    """

    def __init__(self, server, home, **variables):
        self.home = home
        self._pool = ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=set_variables,
            initargs=({**environment(server, home), **variables},),
        )

    def __call__(self, function, *args, **kwargs):
        return self._pool.submit(function, *args, **kwargs).result(timeout=120)

    def close(self):
        self._pool.shutdown()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
