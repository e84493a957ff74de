"""Tokenizers on a Hugging Face hub: huggingface_hub's own client against a hub on this machine."""

from __future__ import annotations

import contextlib
import gzip
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from gtok import ConfigError, Tokenizer, Universe
from gtok.hub import FILES, fetch

huggingface_hub = pytest.importorskip("huggingface_hub")

from hub_server import Client, HubServer, environment  # noqa: E402

ROWS = [("chr2", 5, 50), ("chr1", 300, 400), ("chr1", 100, 200)]
BED = "".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in ROWS).encode()
OTHER = b"chr7\t1\t5\n"
OPTIONS = {"order": "genome", "unknown": "region", "template": "cls ... sep"}


@pytest.fixture(scope="module")
def server():
    with HubServer() as server:
        yield server
        assert server.unknown == []


@pytest.fixture(scope="module")
def client(server, tmp_path_factory):
    """A process with huggingface_hub in it, and a cache that all tests share."""
    with Client(server, tmp_path_factory.mktemp("home")) as client:
        yield client


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The files of a saved tokenizer, by name."""
    folder = tmp_path_factory.mktemp("saved")
    Tokenizer(Universe(ROWS, genome="hg38"), exclude=["chrM:1-5"], **OPTIONS).save_pretrained(
        folder
    )
    return contents_of(folder)


def contents_of(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def downloads(requests):
    return [request for request in requests if "/resolve/" in request]


def load(name, **options):
    return Tokenizer.from_pretrained(name, **options)


# --- what a repository may hold


def test_a_saved_tokenizer(server, client, saved):
    server.add("kinds/gtok", saved)
    tokenizer = client(load, "kinds/gtok")
    assert tokenizer.universe == Universe(ROWS, genome="hg38")
    assert {name: getattr(tokenizer, name) for name in OPTIONS} == OPTIONS
    assert [str(region) for region in tokenizer.exclude] == ["chrM:1-5"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("universe.bed.gz", gzip.compress(BED)), ("universe.bed", BED)],
    ids=["as gtars has it", "as geniml has it"],
)
def test_a_universe_alone(server, client, name, content):
    repo = f"kinds/{name}"
    server.add(repo, {name: content, "README.md": b"# A universe\n"})
    tokenizer = client(load, repo)
    assert tokenizer.universe == Universe(ROWS)
    assert repr(tokenizer) == repr(Tokenizer(ROWS))


def test_a_repository_without_a_tokenizer(server, client):
    server.add("kinds/none", {"config.json": b"{}", "tokenizer_config.json": b"{}"})
    message = rf"^{server.url}/kinds/none: expected one of tokenizer\.toml, .* in it, found none$"
    with pytest.raises(ConfigError, match=message):
        client(load, "kinds/none")


def test_only_a_tokenizers_files_are_fetched(server, client, saved):
    more = ("tokenizer_config.json", "added_tokens.json", "special_tokens_map.json")
    wanted = saved | dict.fromkeys(more, b"{}")
    others = (
        "model.safetensors", "pytorch_model.bin", "config.json", "tokenizer.py", "setup.py",
        "old/universe.bed.gz", "universe.bed.gz.bak", ".gitattributes",
    )  # fmt: skip
    server.add("kinds/all", wanted | dict.fromkeys(others, b"raise SystemExit"))
    begin = len(server.requests)
    folder = client(fetch, "kinds/all")
    assert contents_of(folder) == wanted
    asked = downloads(server.requests[begin:])
    assert {request.rpartition("/")[2] for request in asked} == set(wanted)
    assert set(FILES) == set(wanted) | {"universe.bed"}
    # As a cache lays it out, and what is confined to a folder is confined to this one.
    assert all(path.is_symlink() for path in Path(folder).iterdir())


def test_options_given_win_over_those_saved(server, client, saved):
    server.add("kinds/options", saved)
    given = {"order": "input", "unique": "token", "method": "ailist"}
    tokenizer = client(load, "kinds/options", revision="main", **given)
    assert tokenizer.index.method == "ailist"
    assert {name: getattr(tokenizer, name) for name in OPTIONS | given} == OPTIONS | given
    assert tokenizer.universe.genome == "hg38"
    with pytest.raises(TypeError, match="subfolder"):
        client(load, "kinds/options", subfolder="x")


# --- revisions


def test_revisions(server, client):
    first = server.add("revisions/a", {"universe.bed": BED})
    second = server.add("revisions/a", {"universe.bed": OTHER})
    repo = server.repos["revisions/a"]
    repo.tags["v1"] = first
    repo.branches["next/try"] = first
    third = repo.commit({"universe.bed": b"chr8\t1\t9\n"}, branch="next/try")
    expected = {
        None: "chr7:1-5", "main": "chr7:1-5", second: "chr7:1-5",
        "v1": "chr2:5-50", first: "chr2:5-50",
        "next/try": "chr8:1-9", third: "chr8:1-9",
    }  # fmt: skip
    for revision, token in expected.items():
        assert client(load, "revisions/a", revision=revision).universe.token(0) == token
    folders = {client(fetch, "revisions/a", revision=revision) for revision in expected}
    assert {os.path.basename(folder) for folder in folders} == {first, second, third}
    # A branch moves on, and so does what is fetched.
    repo.commit({"universe.bed": BED})
    assert client(load, "revisions/a").universe == Universe(ROWS)
    assert client(load, "revisions/a", local_files_only=True).universe == Universe(ROWS)


@pytest.mark.parametrize("revision", ["v2", "0" * 40, "a/b"])
def test_no_such_revision(server, client, revision):
    server.add("revisions/b", {"universe.bed": BED})
    with pytest.raises(
        FileNotFoundError,
        match=rf"revisions/b: expected revision as a branch, a tag or .*, found '{revision}'$",
    ):
        client(load, "revisions/b", revision=revision)


# --- who may read


def test_no_such_repository(server, client):
    message = rf"^'nobody/has-it' is no folder .* {server.url}/nobody/has-it: .*need token=$"
    for token in (None, server.token):
        with pytest.raises(FileNotFoundError, match=message):
            client(load, "nobody/has-it", token=token)


def test_a_private_repository(server, client):
    server.add("private/a", {"universe.bed": BED}, private=True)
    for token in (None, False, server.guest):
        with pytest.raises(FileNotFoundError, match=r"private/a: private and gated ones need tok"):
            client(load, "private/a", token=token)
    assert client(load, "private/a", token=server.token).universe == Universe(ROWS)


def test_a_gated_repository(server, client):
    server.add("gated/a", {"universe.bed": BED}, gated=True)
    for token in (None, server.guest):
        with pytest.raises(PermissionError, match=r"gated/a is gated: ask for access .*token=$"):
            client(load, "gated/a", token=token)
    assert client(load, "gated/a", token=server.token).universe == Universe(ROWS)


def test_a_token_that_is_none(server, client):
    server.add("tokens/a", {"universe.bed": BED})
    with pytest.raises(PermissionError, match=r"tokens/a: the hub refuses the token"):
        client(load, "tokens/a", token="hf_nonsense")


def test_a_saved_token(server, client):
    server.add("tokens/b", {"universe.bed": BED}, private=True)
    path = client.home / "token"
    path.write_text(server.token)
    try:
        assert client(load, "tokens/b").universe == Universe(ROWS)
        with pytest.raises(FileNotFoundError, match="need token="):
            client(fetch, "tokens/b", token=False, cache_dir=client.home / "another")
    finally:
        path.unlink()


# --- the cache


def test_what_is_in_the_cache_is_not_fetched_again(server, client, saved):
    server.add("cache/a", saved)
    folder = client(fetch, "cache/a")
    begin = len(server.requests)
    assert client(fetch, "cache/a") == folder
    assert downloads(server.requests[begin:]) == []
    assert server.requests[begin:]  # whether the branch moved on
    begin = len(server.requests)
    tokenizer = client(load, "cache/a", local_files_only=True)
    assert tokenizer.universe == Universe(ROWS, genome="hg38")
    assert server.requests[begin:] == []
    client(fetch, "cache/a", force_download=True)
    fetched = [x.rpartition("/")[2] for x in downloads(server.requests[begin:]) if x[:3] == "GET"]
    assert sorted(fetched) == sorted(saved)


def test_what_is_not_in_the_cache(server, client):
    server.add("cache/b", {"universe.bed": BED})
    begin = len(server.requests)
    message = (
        rf"^{server.url}/cache/b, revision '(main|v1)', is not in the cache: .*HF_HUB_OFFLINE$"
    )
    for revision in (None, "v1"):
        with pytest.raises(FileNotFoundError, match=message):
            client(load, "cache/b", revision=revision, local_files_only=True)
    assert server.requests[begin:] == []


def test_a_cache_that_holds_other_files_of_the_repository(server, client):
    server.add("cache/c", {"config.json": b"{}", "universe.bed": BED})
    client(huggingface_hub.hf_hub_download, "cache/c", "config.json")
    with pytest.raises(FileNotFoundError, match=r"cache/c, revision 'main', is not in the cache"):
        client(load, "cache/c", local_files_only=True)
    assert client(load, "cache/c").universe == Universe(ROWS)


def test_another_cache(server, client, tmp_path):
    server.add("cache/d", {"universe.bed": BED})
    folder = client(fetch, "cache/d", cache_dir=tmp_path)
    assert Path(folder).is_relative_to(tmp_path)
    assert client(load, "cache/d", cache_dir=tmp_path, local_files_only=True)
    with pytest.raises(FileNotFoundError, match="not in the cache"):
        client(load, "cache/d", local_files_only=True)


def test_offline(server, client):
    server.add("cache/e", {"universe.bed": BED})
    client(fetch, "cache/e")
    begin = len(server.requests)
    with Client(server, client.home, HF_HUB_OFFLINE="1") as offline:
        assert offline(load, "cache/e").universe == Universe(ROWS)
        with pytest.raises(FileNotFoundError, match=r"cache/f, revision 'main', is not in the ca"):
            offline(load, "cache/f")
    assert server.requests[begin:] == []


def test_a_hub_that_does_not_answer(tmp_path):
    with HubServer() as server, Client(server, tmp_path) as client:
        server.add("gone/a", {"universe.bed": BED})
        client(fetch, "gone/a")
        server.close()
        assert client(load, "gone/a").universe == Universe(ROWS)
        with pytest.raises(
            ConnectionError, match=r"gone/b cannot be fetched, and is not in the .*"
        ):
            client(load, "gone/b")


def test_progress_bars(server, client, saved):
    """They are huggingface_hub's, and turned off where it is told so."""
    server.add("bars/a", saved)
    server.add("bars/b", saved)
    code = (
        "import sys, huggingface_hub, gtok\n"
        "gtok.Tokenizer.from_pretrained('bars/a')\n"
        "print('----', file=sys.stderr)\n"
        "huggingface_hub.utils.disable_progress_bars()\n"
        "print(len(gtok.Tokenizer.from_pretrained('bars/b')))\n"
    )
    variables = environment(server, client.home)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        check=True,
        text=True,
    )
    shown, hidden = done.stderr.split("----\n")
    assert "Fetching 3 files: 100%" in shown
    assert hidden == ""
    assert done.stdout == "10\n"


# --- what is fetched is not trusted


@pytest.mark.parametrize("key", ["universe", "exclude"])
@pytest.mark.parametrize("way", ["absolute", "up", "down-and-up"])
def test_a_config_names_no_file_outside_its_folder(server, client, tmp_path, key, way):
    # Where the config says, there is a file: nothing but the check stands before it.
    (tmp_path / "secret.bed").write_bytes(BED)
    name = {
        "absolute": str(tmp_path / "secret.bed"),
        "up": "../secret.bed",
        "down-and-up": "a/../../secret.bed",
    }[way]
    named = {"universe": "universe.bed", key: name}
    text = f"universe = '{named.pop('universe')}'\n[gtok]\n"
    text += "".join(f"{key} = '{name}'\n" for key, name in named.items())
    repo = f"outside/{key}-{way}"
    server.add(repo, {"tokenizer.toml": text.encode(), "universe.bed": BED})
    folder = Path(client(fetch, repo))
    (folder / "a").mkdir()
    (folder.parent / "secret.bed").write_bytes(BED)
    with pytest.raises(ConfigError, match=rf"tokenizer\.toml: the file '{name}' lies outside"):
        client(load, repo)


def test_a_universe_that_is_not_the_one_saved(server, client, saved):
    server.add("digest/a", saved | {"universe.bed.gz": gzip.compress(OTHER)})
    with pytest.raises(ConfigError, match=r"universe\.bed\.gz: not the universe that was saved"):
        client(load, "digest/a")


# --- what is no name of a repository


def load_within(folder, name):
    with contextlib.chdir(folder):
        return Tokenizer.from_pretrained(name)


def test_a_folder_of_that_name_wins(server, client, tmp_path):
    server.add("names/a", {"universe.bed": BED})
    Tokenizer(["chr5:1-9"]).save_pretrained(tmp_path / "names" / "a")
    begin = len(server.requests)
    assert client(load_within, tmp_path, "names/a").universe == Universe(["chr5:1-9"])
    assert server.requests[begin:] == []
    assert client(load, "names/a").universe == Universe(ROWS)


@pytest.mark.parametrize(
    "name",
    [
        "nowhere", "a/b/c", "./a", "../a", "/a/b", "a/", "/a", "a/b/", "-a/b", "a/b c", "a/b\n", "",
        "é/a", "a--b/c", "a/b..c", "a/b.git", "dir/u.bed",
    ],
)  # fmt: skip
def test_what_is_no_name_of_a_repository(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "u.bed").write_bytes(BED)
    with pytest.raises(FileNotFoundError, match=r"expected a folder, or owner/name, .* found") as e:
        Tokenizer.from_pretrained(name)
    assert repr(name) in str(e.value)


def test_a_path_is_no_name_of_a_repository():
    with pytest.raises(FileNotFoundError, match=r"expected a folder, .* found 'owner/name'"):
        Tokenizer.from_pretrained(Path("owner/name"))


def test_without_huggingface_hub(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"'owner/name' is no folder .*pip install 'gtok\[hf\]'$"):
        Tokenizer.from_pretrained("owner/name")
    Tokenizer(ROWS).save_pretrained(tmp_path)
    assert Tokenizer.from_pretrained(tmp_path).universe == Universe(ROWS)


# --- writing


def upload(api, repo, folder):
    """The id of the commit that now holds what is in the folder."""
    return api.upload_folder(repo_id=repo, folder_path=folder).oid


def test_what_is_uploaded_comes_back(server, client, tmp_path):
    tokenizer = Tokenizer(Universe(ROWS, genome="hg38"), **OPTIONS)
    tokenizer.save_pretrained(tmp_path)
    api = huggingface_hub.HfApi(endpoint=server.url, token=server.token)
    url = client(api.create_repo, "upload/a", private=True)
    assert (url, url.repo_id) == (f"{server.url}/upload/a", "upload/a")
    assert client(api.create_repo, "upload/a", exist_ok=True) == url
    first = client(upload, api, "upload/a", tmp_path)
    assert server.repos["upload/a"].at("main").files == contents_of(tmp_path)
    assert server.repos["upload/a"].branches == {"main": first}
    back = client(load, "upload/a", token=server.token)
    assert back.universe == tokenizer.universe
    assert repr(back) == repr(tokenizer)
    # The same once more is no commit; another one is, and a tag keeps the first.
    assert client(upload, api, "upload/a", tmp_path) == first
    client(api.create_tag, "upload/a", tag="v1")
    Tokenizer(["chr5:1-9"]).save_pretrained(tmp_path)
    second = client(upload, api, "upload/a", tmp_path)
    assert client(load, "upload/a", token=server.token).universe == Universe(["chr5:1-9"])
    back = client(load, "upload/a", token=server.token, revision="v1")
    assert back.universe == tokenizer.universe
    refs = client(api.list_repo_refs, "upload/a")
    assert [(tag.name, tag.target_commit) for tag in refs.tags] == [("v1", first)]
    commits = client(api.list_repo_commits, "upload/a")
    assert [commit.commit_id for commit in commits[:2]] == [second, first]


def delete(api, repo):
    """A file on a branch of its own, and a folder on main."""
    api.create_branch(repo, branch="next")
    api.delete_file("a.txt", repo, revision="next")
    api.delete_folder("b", repo)
    files = {branch: api.list_repo_files(repo, revision=branch) for branch in ("main", "next")}
    there = {branch: api.file_exists(repo, "a.txt", revision=branch) for branch in files}
    return files, there, api.whoami()["name"]


def test_the_servers_branches_and_deletions(server, client):
    server.add("upload/b", {"a.txt": b"0123456789", "b/c.txt": b"x"})
    api = huggingface_hub.HfApi(endpoint=server.url, token=server.token)
    files, there, name = client(delete, api, "upload/b")
    assert files == {"main": ["a.txt"], "next": ["b/c.txt"]}
    assert there == {"main": True, "next": False}
    assert name == "owner"


def test_the_server_sends_parts_of_files(server):
    server.add("upload/c", {"a.txt": b"0123456789"})
    url = f"{server.url}/upload/c/resolve/main/a.txt"
    for asked, first, content in (("2-4", 2, b"234"), ("7-", 7, b"789"), ("8-99", 8, b"89")):
        request = urllib.request.Request(url, headers={"Range": f"bytes={asked}"})
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 206
            assert answer.read() == content
            last = first + len(content) - 1
            assert answer.headers["Content-Range"] == f"bytes {first}-{last}/10"


# --- transformers


def push_and_load(token):
    """A stock tokenizer of transformers, there and back again."""
    import tokenizers
    import transformers

    words = tokenizers.models.WordLevel({"a": 0, "b": 1, "<unk>": 2}, unk_token="<unk>")
    backend = tokenizers.Tokenizer(words)
    stock = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")
    stock.push_to_hub("stock/a", token=token, private=True)
    stock.push_to_hub("stock/a", token=token, revision="next")
    back = transformers.AutoTokenizer.from_pretrained("stock/a", token=token, revision="next")
    transformers.BertConfig(hidden_size=12, num_attention_heads=2).push_to_hub(
        "stock/a", token=token
    )
    config = transformers.AutoConfig.from_pretrained("stock/a", token=token)
    missing = transformers.utils.cached_file(
        "stock/a", "none.json", token=token, _raise_exceptions_for_missing_entries=False
    )
    with contextlib.suppress(OSError):
        transformers.AutoConfig.from_pretrained("stock/none", token=token)
        raise AssertionError("a repository that is not there")
    return back.convert_tokens_to_ids(["b", "a", "c"]), config.hidden_size, missing


def test_transformers(server, client):
    pytest.importorskip("transformers")
    assert client(push_and_load, server.token) == ([1, 0, 2], 12, None)
    files = server.repos["stock/a"].at("main").files
    assert {"tokenizer.json", "tokenizer_config.json", "config.json", "README.md"} <= set(files)
    assert set(server.repos["stock/a"].branches) == {"main", "next"}
    assert server.repos["stock/a"].private


def region_tokenizer(token, cache):
    """A tokenizer of regions, there and back again by each of the roads."""
    import transformers

    from gtok.hf import RegionTokenizer

    tokenizer = RegionTokenizer(
        Universe(ROWS, genome="hg38"), template="cls <a> ... sep", extra_special_tokens=["<a>"]
    )
    pushed = tokenizer.push_to_hub("regions/a", token=token, private=True, commit_message="Mine")
    tokenizer.add_tokens(["<b>"])
    tokenizer.push_to_hub("regions/a", token=token, revision="next")
    loads = [
        RegionTokenizer.from_pretrained("regions/a", token=token),
        transformers.AutoTokenizer.from_pretrained("regions/a", token=token),
        transformers.AutoTokenizer.from_pretrained("regions/a", token=token, revision="next"),
        transformers.AutoTokenizer.from_pretrained("regions/a", token=token, local_files_only=True),
    ]
    told = [
        (type(found).__name__, found.name_or_path, len(found), found(ROWS[:1])["input_ids"])
        for found in loads
    ]
    with pytest.raises(FileNotFoundError, match="private and gated ones need token="):
        RegionTokenizer.from_pretrained("regions/a", token=False, cache_dir=cache)
    alone = RegionTokenizer.from_pretrained("regions/alone")
    return pushed.oid, told, alone(ROWS[:1])["input_ids"]


def test_a_region_tokenizer(server, client, tmp_path):
    pytest.importorskip("transformers")
    server.add("regions/alone", {"universe.bed": BED})
    commit, told, alone = client(region_tokenizer, server.token, tmp_path)
    name = ("RegionTokenizer", "regions/a")
    expected = [6, 10, 0, 9]
    assert told == [(*name, 11, expected)] * 2 + [(*name, 12, expected), (*name, 11, expected)]
    assert alone == [0]
    repo = server.repos["regions/a"]
    assert repo.private
    assert repo.commits[commit].title == "Mine"
    files = repo.commits[repo.branches["main"]].files
    assert {"tokenizer.toml", "universe.bed.gz", "tokenizer_config.json", "README.md"} <= set(files)
    assert b'AutoTokenizer.from_pretrained("regions/a")' in files["README.md"]
    assert b"3 regions on hg38" in files["README.md"]


def push_beside(token):
    from gtok.hf import RegionTokenizer

    RegionTokenizer(Universe(ROWS)).push_to_hub("regions/b", token=token)


def test_a_readme_that_is_there_stays(server, client):
    pytest.importorskip("transformers")
    server.add("regions/b", {"README.md": b"a model", "model.safetensors": b"0"})
    client(push_beside, server.token)
    repo = server.repos["regions/b"]
    files = repo.commits[repo.branches["main"]].files
    assert files["README.md"] == b"a model"
    assert {"model.safetensors", "universe.bed.gz"} <= set(files)
