"""The same code runs with gtars and with gtok, and files cross both ways."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import gtok
from gtok import Tokenizer, Universe, read_gtok, write_gtok

gtars_tokenizers = pytest.importorskip("gtars.tokenizers", reason="gtars is not installed")
gtars_models = pytest.importorskip("gtars.models", reason="gtars is not installed")
gtars_utils = pytest.importorskip("gtars.utils", reason="gtars is not installed")

GOLDEN = Path(__file__).parent / "golden"
ROLES = ["unk", "pad", "mask", "cls", "eos", "bos", "sep"]
UNIVERSE = "chr1\t100\t200\nchr2\t5\t50\nchr1\t150\t300\nchrX\t0\t10\nchr1\t120\t160\n"
SAMPLE = "chr1\t155\t158\nchr9\t1\t5\nchrX\t9\t20\nchr1\t155\t158\nchr2\t50\t60\nchr1\t0\t1000\n"
NO_HITS = "chr1\t1000\t2000\nchr2\t50\t60\n"

# Code written for gtars: only the import above it changes.
SNIPPETS = {
    "sizes": "result = len(t), t.vocab_size",
    "vocabulary": "result = t.get_vocab()",
    "special tokens": "result = t.special_tokens_map",
    **{
        f"{role} token": f"result = t.{role}_token, t.{role}_token_id"
        for role in ROLES
    },
    "a file called": "result = Counter(t(sample)['input_ids'])",
    "a file's mask": "result = t(sample)['attention_mask']",
    "a file tokenized": "result = Counter(t.tokenize(sample))",
    "regions": """
        regions = [Region('chr1', 155, 158, None), Region('chr9', 1, 5, None)]
        result = sorted(t.tokenize(regions)), sorted(t(regions)['input_ids'])
    """,
    "a region set": """
        regions = RegionSet(sample)
        result = Counter(t.tokenize(regions)), Counter(t(regions)['input_ids'])
    """,
    "a region set, twice": """
        regions = RegionSet(sample)
        t(regions)
        result = Counter(t(regions)['input_ids'])
    """,
    "any object": """
        class Peak:
            def __init__(self, chr, start, end):
                self.chr, self.start, self.end = chr, start, end
        result = sorted(t.tokenize([Peak('chr2', 1, 6), Peak('chr1', 299, 301)]))
    """,
    "nothing": "result = t.tokenize([]), t([])['input_ids'], t([])['attention_mask']",
    "no hits": "result = t.tokenize(no_hits), t(no_hits)['input_ids']",
    "no such chromosome": """
        result = t.tokenize([Region('chr9', 1, 2, None), Region('chr1', 1, 2, None)])
    """,
    "ids of tokens": "result = t.convert_tokens_to_ids(['chrX:0-10', '<pad>', 'chr1:100-200'])",
    "id of a token": "result = t.convert_tokens_to_ids('chr2:5-50')",
    "unknown tokens": """
        result = t.convert_tokens_to_ids('chr7:1-2'), t.convert_tokens_to_ids(['?'])
    """,
    "tokens of ids": "result = t.convert_ids_to_tokens([0, 4, 5, 11])",
    "token of an id": "result = t.convert_ids_to_tokens(3)",
    "decoding": "result = t.decode([4, 0, 6]), t.decode(2), t.decode([])",
    "there and back": "result = t.convert_ids_to_tokens(sorted(t(sample)['input_ids']))",
    "special tokens mask": """
        result = t.get_special_tokens_mask(['chr1:100-200', '<unk>', '<sep>', 'chr7:1-2'])
    """,
}  # fmt: skip


@pytest.fixture
def files(tmp_path):
    names = {"universe": UNIVERSE, "sample": SAMPLE, "no_hits": NO_HITS}
    for name, text in names.items():
        (tmp_path / f"{name}.bed").write_text(text)
    return {name: str(tmp_path / f"{name}.bed") for name in names}


def run(module, code, files):
    """Run code with `t`, the tokenizer of one of the two."""
    lines = [line.removeprefix("        ") for line in code.splitlines()]
    names = {
        "Region": gtars_models.Region,
        "RegionSet": gtars_models.RegionSet,
        "Counter": Counter,
        **files,
    }
    source = f"from {module} import Tokenizer\nt = Tokenizer(universe)\n" + "\n".join(lines)
    exec(source, names)
    return names["result"]


@pytest.mark.parametrize("code", SNIPPETS.values(), ids=SNIPPETS)
def test_code_written_for_gtars(code, files):
    assert run("gtok", code, files) == run("gtars.tokenizers", code, files)


@pytest.mark.parametrize("way", ["from_bed", "from_config", "from_pretrained"])
def test_every_way_to_make_one(way, files, tmp_path):
    config = tmp_path / "t.toml"
    config.write_text('universe = "universe.bed"\ntokenizer_type = "ailist"\n')
    (tmp_path / "universe.bed.gz").write_bytes(gzip.compress(UNIVERSE.encode()))
    source = {"from_bed": files["universe"], "from_config": str(config), "from_pretrained": None}
    given = source[way] or str(tmp_path)
    theirs, mine = (getattr(kind, way)(given) for kind in (gtars_tokenizers.Tokenizer, Tokenizer))
    assert mine.get_vocab() == theirs.get_vocab()
    assert sorted(mine(files["sample"])["input_ids"]) == sorted(
        theirs(files["sample"])["input_ids"]
    )


def test_encode_takes_regions_here(files):
    """The one method that differs: gtars's looks token strings up."""
    theirs = gtars_tokenizers.Tokenizer(files["universe"])
    mine = Tokenizer(files["universe"])
    assert mine.encode(["chr1:155-158"]) == [0, 4, 2]
    tokens = ["chr1:100-200", "<pad>"]
    assert mine.convert_tokens_to_ids(tokens) == theirs.encode(tokens)


# --- real files


@pytest.mark.parametrize("method", ["bits", "ailist"])
@pytest.mark.parametrize(
    ("universe", "sample"),
    [
        ("K562_GM12878_DNase_hg19.bed.gz", "intervene_hESC_H3K27ac.hg19.bed.gz"),
        ("bedtk_test-anno.bed.gz", "bedtk_test-iso.bed.gz"),
        ("geniml_universe.bed", "giggle_1k.unsort.bed.gz"),
        ("10x_pbmc_3k_peaks_hg38.bed.gz", "bedboss_test_big_hg38.bed"),
    ],
)
def test_real_files(shared_data, tmp_path, method, universe, sample):
    # gtars would shift the ids behind a repeated row: both get the universe without.
    mine = Tokenizer(
        Universe(shared_data / "universes" / universe, duplicates="drop"), method=method
    )
    mine.save_pretrained(tmp_path)
    theirs = gtars_tokenizers.Tokenizer(str(plain(mine, tmp_path)))
    assert len(theirs) == len(mine)
    path = str(shared_data / "queries" / sample)
    expected = np.bincount(theirs(path)["input_ids"], minlength=len(mine))
    assert np.array_equal(np.bincount(mine(path)["input_ids"], minlength=len(mine)), expected)
    assert expected.sum() > 500
    some = np.random.default_rng(0).integers(0, len(mine), 1000).tolist()
    assert mine.convert_ids_to_tokens(some) == theirs.convert_ids_to_tokens(some)


def plain(tokenizer, folder):
    """The universe as BED3, which gtars reads whatever the names and scores are."""
    path = folder / "plain.bed"
    regions = tokenizer.universe.regions
    path.write_text("".join(f"{r.chrom}\t{r.start}\t{r.end}\n" for r in regions))
    return path


# --- folders and configs that gtok wrote


@pytest.mark.parametrize("method", ["bits", "ailist"])
def test_gtars_reads_a_saved_folder(files, tmp_path, method):
    mine = Tokenizer(files["universe"], method=method)
    mine.save_pretrained(tmp_path / "saved")
    theirs = gtars_tokenizers.Tokenizer.from_pretrained(str(tmp_path / "saved"))
    assert theirs.get_vocab() == mine.get_vocab()
    expected = sorted(mine(files["sample"])["input_ids"])
    assert sorted(theirs(files["sample"])["input_ids"]) == expected


def test_gtars_reads_a_saved_config(files, tmp_path):
    special = {"unk": "[UNK]", "pad": '"', "mask": "\\m", "sep": "ü\n"}
    mine = Tokenizer(
        Universe(files["universe"], special_tokens=special, genome="hg38"),
        template="cls ... sep",
        order="genome",
    )
    mine.save_pretrained(tmp_path / "saved")
    theirs = gtars_tokenizers.Tokenizer.from_config(str(tmp_path / "saved" / "tokenizer.toml"))
    assert theirs.get_vocab() == mine.get_vocab()
    assert theirs.special_tokens_map == mine.special_tokens_map
    assert theirs.tokenize([]) == ["[UNK]"]


@pytest.mark.parametrize(
    "columns",
    [("a", "5"), ("a b", "0.5"), ("a",), ("a", "."), (".", "3")],
    ids=["name and score", "a blank and a float", "name only", "no score", "score only"],
)
def test_gtars_reads_a_universe_of_names_and_scores(tmp_path, columns):
    path = tmp_path / "u.bed"
    path.write_text("".join("\t".join((line, *columns)) + "\n" for line in UNIVERSE.splitlines()))
    mine = Tokenizer(path)
    mine.save_pretrained(tmp_path / "saved")
    assert Tokenizer.from_pretrained(tmp_path / "saved").universe == mine.universe
    problem = ""
    try:
        theirs = gtars_tokenizers.Tokenizer.from_pretrained(str(tmp_path / "saved"))
    except BaseException as error:  # a panic of gtars is no Exception
        problem = str(error).splitlines()[0]
    assert not problem
    assert theirs.get_vocab() == mine.get_vocab()


# --- .gtok files


@pytest.mark.parametrize(
    "ids", [[], [0], [1, 2, 65535], [65536], [0, 2**32 - 1], list(range(1000))], ids=len
)
def test_gtok_files_cross_both_ways(tmp_path, ids):
    mine, theirs = tmp_path / "mine.gtok", tmp_path / "theirs.gtok"
    write_gtok(mine, ids)
    gtars_utils.write_tokens_to_gtok(str(theirs), ids)
    assert mine.read_bytes() == theirs.read_bytes()
    assert gtars_utils.read_tokens_from_gtok(str(mine)) == ids
    assert read_gtok(theirs).tolist() == ids


def test_the_golden_files_are_gtars_own():
    for path in GOLDEN.glob("*.gtok"):
        assert gtars_utils.read_tokens_from_gtok(str(path)) == gtok.read_gtok(path).tolist()
