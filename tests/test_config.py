"""The TOML config, and the folder of a saved tokenizer."""

from __future__ import annotations

import gzip
import os
import re
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtok import ConfigError, GtokError, SpecialTokens, Tokenizer, Universe, __version__
from gtok.config import find_config, read_config

ROWS = [("chr2", 5, 50), ("chr1", 300, 400), ("HLA-A*01:01", 5, 20), ("chr1", 100, 200)]
BED = "".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in ROWS)
SAMPLE = [("chr1", 150, 320), ("chr9", 1, 2), ("chr2", 10, 11), ("chr1", 150, 320)]
OPTIONS = {
    "method": "ailist", "unknown": "region", "order": "random", "unique": "query", "seed": 7,
    "template": "cls ... sep", "padding_side": "left",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "u.bed").write_text(BED)
    return tmp_path


def config(folder, text, name="t.toml"):
    path = folder / name
    path.write_text(text)
    return path


def options_of(tokenizer):
    return {name: getattr(tokenizer, name) for name in OPTIONS}


# --- TOML


def test_the_least_config(folder):
    path = config(folder, 'universe = "u.bed"\n')
    tokenizer = Tokenizer.from_config(path)
    assert tokenizer.universe == Universe(ROWS)
    assert tokenizer.index.method == "bits"
    assert options_of(tokenizer) == options_of(Tokenizer(ROWS, method="bits"))
    assert Tokenizer(path).universe == tokenizer.universe
    assert Tokenizer(str(path)).universe == tokenizer.universe


def test_the_universes_path_is_relative_to_the_config(folder, monkeypatch):
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    monkeypatch.chdir(folder / "b")
    path = config(folder / "a", 'universe = "../u.bed"\n')
    assert Tokenizer.from_config(path).universe == Universe(ROWS)
    assert Tokenizer.from_config(os.path.relpath(path)).universe == Universe(ROWS)


def test_an_absolute_path(folder, tmp_path_factory):
    path = config(tmp_path_factory.mktemp("elsewhere"), f'universe = "{folder / "u.bed"}"\n')
    assert Tokenizer.from_config(path).universe == Universe(ROWS)


def test_all_keys_of_gtars(folder):
    path = config(
        folder,
        'universe = "u.bed"\n'
        'tokenizer_type = "ailist"\n'
        "special_tokens = [\n"
        '    { name = "unk", token = "[UNK]" },\n'
        '    { name = "mask", token = "[MASK]" },\n'
        "]\n"
        'something_else = "passed over"\n'
        "[a_table]\nx = 1\n",
    )
    tokenizer = Tokenizer.from_config(path)
    assert tokenizer.index.method == "ailist"
    assert tokenizer.universe.special_tokens == SpecialTokens(unk="[UNK]", mask="[MASK]")
    assert tokenizer.encode([]) == [4]


def test_all_keys_of_gtok(folder):
    path = config(
        folder,
        'universe = "u.bed"\n[gtok]\ngenome = "hg38"\nmethod = "ailist"\nunknown = "region"\n'
        'order = "random"\nunique = "query"\nseed = 7\ntemplate = "cls ... sep"\n'
        'padding_side = "left"\n',
    )
    tokenizer = Tokenizer.from_config(path)
    assert tokenizer.universe.genome == "hg38"
    assert options_of(tokenizer) == OPTIONS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"expected the key 'universe'"),
        ('universe = ""', r"expected the key 'universe'"),
        ("universe = 5", r"'universe'.*str.*5"),
        ('universe = "u.bed', r"not TOML"),
        ("chr1\t5\t10", r"not TOML"),
        ('universe = "u.bed"\ntokenizer_type = 5', r"'tokenizer_type'.*found 5"),
        ('universe = "u.bed"\ntokenizer_type = "tree"', r"tokenizer_type.*found 'tree'"),
        ('universe = "u.bed"\nspecial_tokens = "x"', r"'special_tokens'.*found 'x'"),
        ('universe = "u.bed"\nspecial_tokens = ["x"]', r"special_tokens.*name and token.*'x'"),
        (
            'universe = "u.bed"\nspecial_tokens = [{name = "unk"}]',
            r"special_tokens.*name and token",
        ),
        (
            'universe = "u.bed"\nspecial_tokens = [{name = "start", token = "x"}]',
            r"special tokens called unk.*found start",
        ),
        (
            'universe = "u.bed"\nspecial_tokens = [{name = "unk", token = 5}]',
            r"unk token.*found 5",
        ),
        ('universe = "u.bed"\nspecial_tokens = [{name = 5, token = "x"}]', r"found 5"),
        ('universe = "u.bed"\nspecial_tokens = [{name = ["x"], token = "x"}]', r"name"),
        (
            'universe = "u.bed"\n'
            'special_tokens = [{name = "unk", token = "x"}, {name = "unk", token = "y"}]',
            r"each special token once, found 'unk' twice",
        ),
        (
            'universe = "u.bed"\n'
            'special_tokens = [{name = "unk", token = "x"}, {name = "pad", token = "x"}]',
            r"'x' as unk and as pad",
        ),
        ('universe = "u.bed"\ngtok = 5', r"'gtok'.*found 5"),
        ('universe = "u.bed"\n[gtok]\nordr = "input"', r"unknown key 'gtok.ordr'"),
        ('universe = "u.bed"\n[gtok]\ngenome = 38', r"'gtok.genome'.*found 38"),
        ('universe = "u.bed"\n[gtok]\ndigest = 1', r"'gtok.digest'.*found 1"),
        ('universe = "u.bed"\n[gtok]\nmethod = "tree"', r"gtok\.method.*found 'tree'"),
    ],
)
def test_what_a_config_may_not_say(folder, text, message):
    path = config(folder, text)
    with pytest.raises(ConfigError, match=message) as caught:
        Tokenizer.from_config(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('order = "backwards"', r"order .*found 'backwards'"),
        ('unknown = "all"', r"unknown .*found 'all'"),
        ("unique = 5", r"unique .*found 5"),
        ('seed = "x"', r"seed .*found 'x'"),
        ('template = "cls"', r"template .*found 'cls'"),
        ("padding_side = []", r"padding_side .*found \[\]"),
    ],
)
def test_bad_options_in_a_config(folder, line, message):
    path = config(folder, f'universe = "u.bed"\n[gtok]\n{line}\n')
    with pytest.raises(GtokError, match=message):
        Tokenizer.from_config(path)


def test_a_config_that_is_no_text(folder):
    path = folder / "t.toml"
    path.write_bytes(b'universe = "\xff"')
    with pytest.raises(ConfigError, match=r"t.toml: not TOML"):
        Tokenizer.from_config(path)


def test_files_that_are_not_there(folder):
    with pytest.raises(FileNotFoundError, match=r"none\.toml"):
        Tokenizer.from_config(folder / "none.toml")
    with pytest.raises(FileNotFoundError, match=r"none\.bed"):
        Tokenizer.from_config(config(folder, 'universe = "none.bed"'))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Tokenizer.from_pretrained(folder / "nowhere")
    with pytest.raises(FileNotFoundError):
        Tokenizer.from_pretrained(folder / "u.bed")


# --- saving and loading


def test_a_saved_folder_holds_two_files(folder):
    tokenizer = Tokenizer(folder / "u.bed", method="bits")
    tokenizer.save_pretrained(folder / "a" / "b")
    assert sorted(os.listdir(folder / "a" / "b")) == ["tokenizer.toml", "universe.bed.gz"]
    assert gzip.decompress((folder / "a" / "b" / "universe.bed.gz").read_bytes()) == BED.encode()
    found = tomllib.loads((folder / "a" / "b" / "tokenizer.toml").read_text())
    assert found["universe"] == "universe.bed.gz"
    assert found["tokenizer_type"] == "bits"
    assert [entry["name"] for entry in found["special_tokens"]] == [
        "unk", "pad", "mask", "cls", "eos", "bos", "sep"
    ]  # fmt: skip
    assert found["gtok"]["version"] == __version__
    assert found["gtok"]["digest"] == tokenizer.universe.digest
    assert "genome" not in found["gtok"]


def test_the_tokenizer_type_told_to_gtars_is_the_one_in_use(folder):
    Tokenizer(ROWS, method="auto").save_pretrained(folder / "a")
    found = tomllib.loads((folder / "a" / "tokenizer.toml").read_text())
    assert found["tokenizer_type"] == "bits"
    assert found["gtok"]["method"] == "auto"


def test_everything_comes_back(folder):
    universe = Universe(ROWS, genome="hg38", special_tokens={"unk": "?"})
    tokenizer = Tokenizer(universe, **OPTIONS)
    tokenizer.save_pretrained(folder / "a")
    for back in (
        Tokenizer.from_pretrained(folder / "a"),
        Tokenizer.from_pretrained(str(folder / "a")),
        Tokenizer.from_config(folder / "a" / "tokenizer.toml"),
        Tokenizer(folder / "a"),
    ):
        assert back.universe == universe
        assert options_of(back) == OPTIONS
        assert repr(back) == repr(tokenizer)
        assert back([SAMPLE, []], padding=True) == tokenizer([SAMPLE, []], padding=True)


@pytest.mark.parametrize("option", OPTIONS)
def test_one_option_comes_back(folder, option):
    tokenizer = Tokenizer(ROWS, **{option: OPTIONS[option]})
    tokenizer.save_pretrained(folder / "a")
    assert options_of(Tokenizer.from_pretrained(folder / "a")) == options_of(tokenizer)


def test_options_given_at_load_win(folder):
    Tokenizer(ROWS, **OPTIONS).save_pretrained(folder / "a")
    ways = (
        Tokenizer,
        Tokenizer.from_pretrained,
        lambda path, **options: Tokenizer.from_config(path / "tokenizer.toml", **options),
    )
    for load in ways:
        given = {"method": "bits", "order": "genome", "seed": 0, "padding_side": "right"}
        back = load(folder / "a", **given)
        assert options_of(back) == OPTIONS | given
        assert back.index.method == "bits"


def test_names_and_scores_come_back(folder):
    path = folder / "named.bed"
    path.write_text("chr1\t1\t5\tpeak 1\t3.5\nchr1\t6\t9\t.\t.\nchr2\t1\t4\tnaïve\t1e3\n")
    universe = Universe(path)
    Tokenizer(universe).save_pretrained(folder / "a")
    back = Tokenizer.from_pretrained(folder / "a").universe
    assert back.names == universe.names == ["peak 1", ".", "naïve"]
    assert back.scores[[0, 2]].tolist() == [3.5, 1000]
    assert back == universe


def test_saving_over_a_folder(folder):
    (folder / "a").mkdir()
    (folder / "a" / "notes.txt").write_text("mine")
    Tokenizer(ROWS, order="genome").save_pretrained(folder / "a")
    Tokenizer(ROWS[:2], unknown="drop").save_pretrained(folder / "a")
    back = Tokenizer.from_pretrained(folder / "a")
    assert list(back.universe.regions) == ROWS[:2]
    assert (back.order, back.unknown) == ("input", "drop")
    assert (folder / "a" / "notes.txt").read_text() == "mine"
    assert len(os.listdir(folder / "a")) == 3


def test_saving_is_the_same_bytes_every_time(folder):
    tokenizer = Tokenizer(ROWS)
    for name in ("a", "b"):
        tokenizer.save_pretrained(folder / name)
    for name in ("universe.bed.gz", "tokenizer.toml"):
        assert (folder / "a" / name).read_bytes() == (folder / "b" / name).read_bytes()


def test_a_folder_that_cannot_be_made(folder):
    with pytest.raises(FileExistsError):
        Tokenizer(ROWS).save_pretrained(folder / "u.bed")
    assert (folder / "u.bed").read_text() == BED


@pytest.mark.parametrize(
    "universe",
    [
        pytest.param([("#chr1", 1, 5), ("chr2", 1, 5)], id="a name that makes a comment"),
        pytest.param([("track", 1, 5), ("chr2", 1, 5)], id="a name that makes a track line"),
        pytest.param([("browser", 1, 5)], id="a name that makes a browser line"),
        pytest.param([("chr 1", 1, 5)], id="a blank in a name"),
        pytest.param([("\ufeffchr1", 1, 5)], id="a name that begins like a mark of UTF-8"),
        pytest.param(
            pd.DataFrame(
                {"chrom": ["a", "b"], "start": [1, 2], "end": [3, 4], "name": ["x\ty", "z"]}
            ),
            id="a tab in a region's name",
        ),
        pytest.param(
            pd.DataFrame(
                {"chrom": ["a", "b"], "start": [1, 2], "end": [3, 4], "name": ["x\ny", "z"]}
            ),
            id="an end of line in a region's name",
        ),
    ],
)
def test_what_is_saved_is_read_back_or_refused(folder, universe):
    """Texts that BED cannot say are an error when they are written, not when they are read."""
    tokenizer = Tokenizer(universe)
    try:
        tokenizer.save_pretrained(folder / "a")
    except GtokError:
        assert not (folder / "a" / "universe.bed.gz").exists()
        return
    back = Tokenizer.from_pretrained(folder / "a").universe
    assert back == tokenizer.universe
    assert back.names == tokenizer.universe.names


# --- special tokens in the file


@pytest.mark.parametrize(
    "token",
    [
        '"quoted"', "it's", "back\\slash", "new\nline", "tab\t", "ünïcödé", "🧬", "\x01\x7f\x1b",
        "\u2028\x85", " blank ", "#", "]}", "'''", '"""', "\\u0041", "chr9:1-2", "\b\f\r",
    ],
)  # fmt: skip
def test_special_tokens_come_back(folder, token):
    universe = Universe(ROWS, special_tokens={"unk": token}, genome=token)
    Tokenizer(universe).save_pretrained(folder / "a")
    back = Tokenizer.from_pretrained(folder / "a")
    assert back.unk_token == token
    assert back.universe.genome == token
    assert back.universe == universe


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
        min_size=7,
        max_size=7,
        unique=True,
    )
)
def test_any_special_tokens_come_back(tmp_path_factory, tokens):
    folder = tmp_path_factory.getbasetemp() / "any"
    universe = Universe(ROWS, special_tokens=SpecialTokens(*tokens))
    Tokenizer(universe).save_pretrained(folder)
    assert Tokenizer.from_pretrained(folder).all_special_tokens == tokens


# --- what is not what was saved


def test_another_universe_than_the_saved_one(folder):
    tokenizer = Tokenizer(ROWS)
    tokenizer.save_pretrained(folder / "a")
    changed = BED.replace("300", "301")
    (folder / "a" / "universe.bed.gz").write_bytes(gzip.compress(changed.encode()))
    with pytest.raises(
        ConfigError, match=r"universe\.bed\.gz: not the universe that was saved"
    ) as e:
        Tokenizer.from_pretrained(folder / "a")
    assert tokenizer.universe.digest in str(e.value)


def test_another_order_than_the_saved_one(folder):
    Tokenizer(ROWS).save_pretrained(folder / "a")
    swapped = "".join(BED.splitlines(keepends=True)[::-1])
    (folder / "a" / "universe.bed.gz").write_bytes(gzip.compress(swapped.encode()))
    with pytest.raises(ConfigError, match="not the universe that was saved"):
        Tokenizer(folder / "a")


def test_other_exclusions_than_the_saved_ones(folder):
    tokenizer = Tokenizer(ROWS, exclude=["chr1:150-160", "chrM"])
    tokenizer.save_pretrained(folder / "a")
    back = Tokenizer.from_pretrained(folder / "a")
    assert back.exclude == tokenizer.exclude
    (folder / "a" / "exclude.bed.gz").write_bytes(gzip.compress(b"chr1\t150\t161\n"))
    with pytest.raises(
        ConfigError, match=r"exclude\.bed\.gz: not what was saved: expected digest \w{64}, found"
    ):
        Tokenizer.from_pretrained(folder / "a")


def test_the_same_universe_packed_otherwise(folder):
    Tokenizer(ROWS).save_pretrained(folder / "a")
    text = "# repacked\n" + BED.replace("\n", "\r\n")
    (folder / "a" / "universe.bed.gz").write_text(text, newline="")
    assert Tokenizer.from_pretrained(folder / "a").universe == Universe(ROWS)


def test_a_folder_with_a_universe_only(folder):
    (folder / "g").mkdir()
    (folder / "g" / "universe.bed.gz").write_bytes(gzip.compress(BED.encode()))
    tokenizer = Tokenizer.from_pretrained(folder / "g")
    assert tokenizer.universe == Universe(ROWS)
    assert Tokenizer(folder / "g", unknown="drop").encode([]) == []


def test_a_folder_with_a_plain_universe_only(folder):
    (folder / "g").mkdir()
    (folder / "g" / "universe.bed").write_text(BED)
    assert Tokenizer.from_pretrained(folder / "g").universe == Universe(ROWS)
    (folder / "g" / "universe.bed.gz").write_bytes(gzip.compress(b"chr1\t1\t2\n"))
    assert Tokenizer(folder / "g").universe == Universe(["chr1:1-2"])


def test_a_folder_with_none(folder):
    for load in (Tokenizer, Tokenizer.from_pretrained, find_config):
        with pytest.raises(
            ConfigError,
            match=r"expected tokenizer\.toml, universe\.bed\.gz or universe\.bed in it, found none",
        ):
            load(folder)


# --- a folder's config stays within the folder


@pytest.mark.parametrize("name", ["../u.bed", "b/../../u.bed", "{root}/u.bed"])
def test_a_saved_folder_names_no_file_outside(folder, name):
    (folder / "a" / "b").mkdir(parents=True)
    path = config(folder / "a", f'universe = "{name.format(root=folder)}"\n', "tokenizer.toml")
    for load in (Tokenizer, Tokenizer.from_pretrained):
        with pytest.raises(ConfigError, match=rf"{re.escape(str(path))}.*lies outside"):
            load(folder / "a")
    # Somebody who names the config itself has read it.
    assert Tokenizer.from_config(path).universe == Universe(ROWS)
    assert Path(read_config(path).universe).resolve() == (folder / "u.bed").resolve()


def test_a_saved_folder_may_name_what_is_in_it(folder):
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "u.bed").write_text(BED)
    for name in ("b/u.bed", "./b/../b/u.bed"):
        config(folder / "a", f'universe = "{name}"\n', "tokenizer.toml")
        assert Tokenizer.from_pretrained(folder / "a").universe == Universe(ROWS)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_what_is_looked_at_is_what_is_opened(folder):
    """Behind a link, `..` is not where it seems."""
    (folder / "a").mkdir()
    (folder / "elsewhere" / "b").mkdir(parents=True)
    (folder / "a" / "b").symlink_to(folder / "elsewhere" / "b")
    (folder / "elsewhere" / "u.bed").write_text("chr7\t1\t2\n")
    (folder / "a" / "u.bed").write_text(BED)
    config(folder / "a", 'universe = "b/../u.bed"\n', "tokenizer.toml")
    assert Tokenizer.from_pretrained(folder / "a").universe == Universe(ROWS)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_a_folder_of_links(folder):
    """As download caches lay folders out: names that lead to files stored elsewhere."""
    Tokenizer(ROWS, order="genome").save_pretrained(folder / "blobs")
    (folder / "snapshot").mkdir()
    for name in ("universe.bed.gz", "tokenizer.toml"):
        (folder / "snapshot" / name).symlink_to(folder / "blobs" / name)
    tokenizer = Tokenizer.from_pretrained(folder / "snapshot")
    assert tokenizer.universe == Universe(ROWS)
    assert tokenizer.order == "genome"
