"""The tokenizer among transformers' own parts: AutoTokenizer, collators, Trainer, datasets."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import gtok
from gtok import GtokError, Tokenizer, Universe

transformers = pytest.importorskip("transformers")
hf = pytest.importorskip("gtok.hf")

REGIONS = [
    (chrom, 100 * at, 100 * at + 60) for chrom in ("chr1", "chr2", "chrX") for at in range(20)
]
UNIVERSE = Universe(REGIONS)
N = len(UNIVERSE)
UNK, PAD, MASK, CLS, EOS, BOS, SEP = range(N, N + 7)
ONE = [("chr1", 10, 20)]
THREE = [("chr2", 110, 120), ("chr1", 10, 20), ("chrX", 30, 40)]
EXTRA = ["<atac>", "<chip>"]


@pytest.fixture
def tokenizer():
    return hf.RegionTokenizer(UNIVERSE)


@pytest.fixture
def framing():
    return hf.RegionTokenizer(UNIVERSE, template="cls ... sep", extra_special_tokens=EXTRA)


def python(code, **environment):
    """Run code in a process of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the vocabulary


def test_it_is_one_of_transformers_own(tokenizer):
    assert isinstance(tokenizer, transformers.PreTrainedTokenizerBase)
    assert tokenizer.is_fast is False
    assert "RegionTokenizer" in repr(tokenizer)
    assert tokenizer.model_input_names == ["input_ids", "attention_mask"]


def test_sizes(tokenizer, framing):
    assert len(tokenizer) == tokenizer.vocab_size == N + 7
    assert framing.vocab_size == N + 7
    assert len(framing) == N + 9
    vocab = framing.get_vocab()
    assert sorted(vocab.values()) == list(range(N + 9))
    assert framing.convert_ids_to_tokens(list(vocab.values())) == list(vocab)
    assert framing.convert_tokens_to_ids(list(vocab)) == list(vocab.values())


def test_special_tokens(tokenizer):
    for role, id in zip(
        ["unk", "pad", "mask", "cls", "eos", "bos", "sep"], range(N, N + 7), strict=True
    ):
        assert getattr(tokenizer, f"{role}_token_id") == id
        assert getattr(tokenizer, f"{role}_token") == f"<{role}>"
    assert sorted(tokenizer.all_special_ids) == list(range(N, N + 7))
    assert tokenizer.get_special_tokens_mask([0, PAD, N - 1], already_has_special_tokens=True) == [
        0,
        1,
        0,
    ]


def test_tokens_and_ids(framing):
    assert framing.convert_tokens_to_ids("chr1:100-160") == 1
    assert framing.convert_tokens_to_ids(["<chip>", "<mask>", "chr9:1-2"]) == [N + 8, MASK, UNK]
    assert framing.convert_ids_to_tokens(1) == "chr1:100-160"
    assert framing.convert_ids_to_tokens(N + 8) == "<chip>"
    assert framing.convert_ids_to_tokens([1, N + 7, CLS]) == ["chr1:100-160", "<atac>", "<cls>"]
    assert framing.convert_ids_to_tokens([1, N + 7], skip_special_tokens=True) == ["chr1:100-160"]
    with pytest.raises(IndexError):
        framing.convert_ids_to_tokens(N + 9)


def test_decoding(framing):
    ids = framing(ONE)["input_ids"]
    assert framing.decode(ids) == "<cls> chr1:0-60 <sep>"
    assert framing.decode(np.array(ids), skip_special_tokens=True) == "chr1:0-60"
    assert framing.decode(1) == "chr1:100-160"
    assert framing.batch_decode([ids, [1]]) == ["<cls> chr1:0-60 <sep>", "chr1:100-160"]
    # What it says it reads.
    assert framing.encode(framing.decode(ids, skip_special_tokens=True).split()) == ids


def test_tokens_are_added_behind(framing):
    assert framing.add_tokens(["<chip>", "chr1:0-60", "<rna>"]) == 1
    assert framing.add_special_tokens({"extra_special_tokens": ["<a>", "<b>"]}) == 2
    assert framing.convert_tokens_to_ids(["<rna>", "<a>", "<b>"]) == [N + 9, N + 10, N + 11]
    assert len(framing) == N + 12
    assert framing.get_added_vocab() == {
        "<atac>": N + 7, "<chip>": N + 8, "<rna>": N + 9, "<a>": N + 10, "<b>": N + 11,
    }  # fmt: skip


def test_named_tokens_of_a_model(tmp_path):
    tokenizer = hf.RegionTokenizer(
        UNIVERSE, extra_special_tokens={"assay_token": "<assay>"}, template="assay ..."
    )
    assert tokenizer.assay_token_id == N + 7
    tokenizer.save_pretrained(tmp_path)
    assert hf.RegionTokenizer.from_pretrained(tmp_path)(ONE)["input_ids"] == [N + 7, 0]


# --- calls


def list_of(column):
    return column.tolist() if isinstance(column, np.ndarray) else column


def test_calls_as_the_plain_tokenizer(tokenizer):
    plain = Tokenizer(UNIVERSE)
    for x in (ONE, THREE, [ONE, THREE], [THREE], []):
        for options in (
            {}, {"padding": True}, {"padding": "max_length", "max_length": 7},
            {"truncation": "head", "max_length": 2, "padding": True, "pad_to_multiple_of": 4},
            {"padding": True, "return_tensors": "np", "return_positions": True},
            {"return_loci": True, "return_special_tokens_mask": True, "values": "bp"},
            {"return_attention_mask": False},
        ):  # fmt: skip
            found, expected = tokenizer(x, **options), plain(x, **options)
            assert isinstance(found, transformers.BatchEncoding)
            assert list(found) == list(expected)
            for name in expected:
                assert type(found[name]) is type(expected[name])
                assert list_of(found[name]) == list_of(expected[name]), (x, options, name)


def test_a_template(framing):
    assert framing(THREE)["input_ids"] == [CLS, 21, 0, 40, SEP]
    assert framing(THREE, add_special_tokens=False)["input_ids"] == [21, 0, 40]
    assert framing.num_special_tokens_to_add() == 2
    assert framing.build_inputs_with_special_tokens([1]) == [CLS, 1, SEP]
    assert framing.get_special_tokens_mask([1, 2]) == [1, 0, 0, 1]
    assert framing.encode(ONE) == [CLS, 0, SEP]
    assert framing.tokenize(ONE) == ["chr1:0-60"]
    with pytest.raises(GtokError, match="expected template"):
        hf.RegionTokenizer(UNIVERSE, template="cls <rna> ...")


def test_prefixes(framing):
    assert framing(ONE, prefix="<atac>")["input_ids"] == [CLS, N + 7, 0, SEP]
    found = framing([ONE, THREE], prefix=EXTRA, truncation="head", max_length=5)["input_ids"]
    assert found == [[CLS, N + 7, 0, SEP], [CLS, N + 8, 21, 0, SEP]]
    found = framing([ONE, THREE], prefix=[EXTRA, EXTRA[::-1]])["input_ids"]
    assert [row[1:3] for row in found] == [[N + 7, N + 8], [N + 8, N + 7]]
    found = framing(
        [ONE, THREE],
        prefix=EXTRA,
        truncation="windows",
        max_length=4,
        return_tensors="np",
        padding=True,
    )
    assert found["input_ids"].tolist() == [
        [CLS, N + 7, 0, SEP], [CLS, N + 8, 21, SEP], [CLS, N + 8, 0, SEP], [CLS, N + 8, 40, SEP],
    ]  # fmt: skip
    with pytest.raises(GtokError, match="found '<rna>': add it as one of extra_special_tokens"):
        framing(ONE, prefix="<rna>")
    with pytest.raises(GtokError, match="a prefix for each of the 2 samples"):
        framing([ONE, THREE], prefix=["<atac>"])


def test_lengths_and_sides(framing):
    framing.model_max_length = 4
    found = framing([THREE, ONE], truncation="head", padding="max_length", return_length=True)
    assert found["input_ids"] == [[CLS, 21, 0, SEP], [CLS, 0, SEP, PAD]]
    assert found["length"] == [4, 3]
    assert len(framing(THREE)["input_ids"]) == 5
    left = framing([THREE, ONE], padding=True, padding_side="left")
    assert left["input_ids"][1] == [PAD, PAD, CLS, 0, SEP]
    assert left["attention_mask"][1] == [0, 0, 1, 1, 1]
    framing.truncation_side = "left"
    assert framing(THREE, truncation="head")["input_ids"] == [CLS, 0, 40, SEP]


def test_overflowing_tokens(tokenizer):
    found = tokenizer(
        [THREE, ONE], truncation=True, max_length=2, stride=1, return_overflowing_tokens=True
    )
    assert found["input_ids"] == [[21, 0], [0, 40], [0]]
    assert found["overflow_to_sample_mapping"] == [0, 0, 1]


def test_a_head_that_loses_chromosomes_is_warned_of(tokenizer):
    with pytest.warns(UserWarning, match="its first chromosomes|first chromosomes") as caught:
        tokenizer(REGIONS, truncation=True, max_length=5)
    assert caught[0].filename == __file__


def test_torch(tokenizer):
    torch = pytest.importorskip("torch")
    found = tokenizer([ONE, THREE], padding=True, return_tensors="pt", values="bp")
    assert found["input_ids"].dtype == torch.int64
    assert found["values"].dtype == torch.float32
    assert found["input_ids"].tolist() == [[0, PAD, PAD], [21, 0, 40]]
    assert found.to("cpu")["attention_mask"].sum() == 4
    enum = transformers.utils.generic.TensorType.NUMPY
    assert isinstance(tokenizer(ONE, return_tensors=enum)["input_ids"], np.ndarray)


def test_calls_change_no_state(framing):
    before = pickle.dumps(framing)
    framing([ONE, THREE], padding=True, return_tensors="np", prefix="<atac>")
    framing.convert_tokens_to_ids("chr1:0-60")
    framing.get_vocab()
    assert pickle.dumps(framing) == before


# --- saving and loading


def test_folders(framing, tmp_path):
    framing.model_max_length = 77
    framing.padding_side = "left"
    framing.truncation_side = "left"
    folder = tmp_path / "saved"
    written = framing.save_pretrained(folder)
    assert {os.path.basename(path) for path in written} >= {
        "tokenizer_config.json", "tokenizer.toml", "universe.bed.gz", "README.md",
    }  # fmt: skip
    for cls in (hf.RegionTokenizer, transformers.AutoTokenizer):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = cls.from_pretrained(folder)
        assert type(found) is hf.RegionTokenizer
        assert found.get_vocab() == framing.get_vocab()
        assert found([ONE, THREE], prefix="<chip>", padding=True) == framing(
            [ONE, THREE], prefix="<chip>", padding=True
        )
        assert found.model_max_length == 77
        assert (found.padding_side, found.truncation_side) == ("left", "left")
        assert found.name_or_path == str(folder)
        assert found.template == "cls ... sep"
    again = tmp_path / "again"
    found.save_pretrained(again)
    for name in ("tokenizer_config.json", "tokenizer.toml", "universe.bed.gz"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    # What is said at loading is stronger than what was saved.
    found = transformers.AutoTokenizer.from_pretrained(
        folder, padding_side="right", template="bos ..."
    )
    assert found(ONE)["input_ids"] == [BOS, 0]
    assert found.padding_side == "right"


def test_folders_of_others(framing, tmp_path):
    Tokenizer(UNIVERSE, template="bos ...", padding_side="left").save_pretrained(tmp_path / "plain")
    found = hf.RegionTokenizer.from_pretrained(tmp_path / "plain")
    assert found(ONE)["input_ids"] == [BOS, 0]
    assert found.padding_side == "left"
    framing.save_pretrained(tmp_path / "full")
    assert Tokenizer.from_pretrained(tmp_path / "full").encode(ONE) == [0]
    (tmp_path / "gtars").mkdir()
    UNIVERSE.regions.to_bed(tmp_path / "gtars" / "universe.bed.gz")
    assert hf.RegionTokenizer.from_pretrained(tmp_path / "gtars").encode(ONE) == [0]


def test_the_readme_tells_how_to_load(framing, tmp_path):
    framing.save_pretrained(tmp_path / "saved")
    text = (tmp_path / "saved" / "README.md").read_text()
    assert text.startswith("---\nlibrary_name: gtok")
    assert "60 regions" in text
    code = text.partition("```python\n")[2].partition("```")[0]
    code = code.replace('"saved"', repr(str(tmp_path / "saved")))
    code = code.replace(
        'tokenizer("peaks.bed")', "print(tokenizer([('chr1', 10, 20)])['input_ids'])"
    )
    assert python(code) == f"[{CLS}, 0, {SEP}]\n"
    # One that is there is somebody's.
    (tmp_path / "saved" / "README.md").write_text("mine")
    framing.save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / "README.md").read_text() == "mine"


def test_beside_a_model(framing, tmp_path):
    pytest.importorskip("torch")
    config = transformers.BertConfig(
        vocab_size=len(framing), hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8,
    )  # fmt: skip
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path)
    framing.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "bert"
    found = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert type(found) is hf.RegionTokenizer
    assert found(ONE) == framing(ONE)


def test_a_config_cannot_point_elsewhere(framing, tmp_path):
    framing.save_pretrained(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    config = json.loads(path.read_text())
    # Neither a path of the config's nor its code is looked at.
    config |= {"tokenizer": "/etc/passwd", "auto_map": {"AutoTokenizer": ["evil.Evil", None]}}
    path.write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    for cls in (hf.RegionTokenizer, transformers.AutoTokenizer):
        assert cls.from_pretrained(tmp_path)(ONE) == framing(ONE)
    (tmp_path / "tokenizer.toml").write_text('universe = "../universe.bed"')
    with pytest.raises(gtok.ConfigError, match="lies outside the config's folder"):
        hf.RegionTokenizer.from_pretrained(tmp_path)


def test_added_tokens_of_another_universe(framing, tmp_path):
    framing.save_pretrained(tmp_path)
    Tokenizer(UNIVERSE.regions[:5]).save_pretrained(tmp_path)
    with pytest.raises(GtokError, match="expected added tokens with ids from 12 on, found 67, 68"):
        hf.RegionTokenizer.from_pretrained(tmp_path)


def test_copies(framing):
    for other in (pickle.loads(pickle.dumps(framing)), copy.deepcopy(framing), copy.copy(framing)):
        assert other([ONE, THREE], prefix="<chip>") == framing([ONE, THREE], prefix="<chip>")
        assert len(other) == len(framing)
    other = copy.deepcopy(framing)
    other.add_tokens(["<rna>"])
    assert len(framing) == N + 9


def test_a_million_regions_are_no_strings():
    n = 1_000_000
    starts = 300 * np.arange(n)
    regions = gtok.RegionSet(["chr1"] * n, starts, starts + 200)
    tokenizer = hf.RegionTokenizer(Universe(regions))
    before = time.process_time()
    for _ in range(100):
        len(tokenizer), tokenizer.vocab_size
        assert tokenizer.convert_tokens_to_ids("chr1:300000000-300000200") == n
        assert tokenizer.convert_tokens_to_ids("chr1:299999700-299999900") == n - 1
        assert tokenizer.mask_token_id == n + 2
    # A million strings take half a second, each time.
    assert time.process_time() - before < 5
    packed = pickle.dumps(tokenizer)
    assert len(packed) < 13 * n
    assert pickle.loads(packed)([("chr1", 0, 10)])["input_ids"] == [0]


def test_importing_needs_no_torch():
    code = "import sys; sys.modules[{!r}] = None\n"
    tries = "try: import gtok.hf\nexcept ImportError as error: print(error)"
    told = python(code.format("torch") + "from gtok.hf import *; print(RegionTokenizer(['c:1-5']))")
    assert "RegionTokenizer(name_or_path='', vocab_size=8" in told
    told = python(code.format("transformers") + tries)
    assert told == "gtok.hf needs transformers: pip install 'gtok[hf]'\n"


# --- collators


@pytest.fixture
def features(framing):
    return [dict(framing(x)) for x in (ONE, THREE, REGIONS[:9])]


def test_padding_collator(framing, features):
    pytest.importorskip("torch")
    batch = transformers.DataCollatorWithPadding(framing, pad_to_multiple_of=4)(features)
    expected = framing(
        [ONE, THREE, REGIONS[:9]], padding=True, pad_to_multiple_of=4, return_tensors="pt"
    )
    assert list(batch) == ["input_ids", "attention_mask"]
    for name, column in batch.items():
        assert column.tolist() == expected[name].tolist()
    framing.padding_side = "left"
    batch = transformers.DataCollatorWithPadding(framing)([{**f, "label": 1} for f in features])
    assert batch["input_ids"][0, 0] == PAD
    assert batch["labels"].tolist() == [1, 1, 1]


def test_masking_collator(framing, features):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    collate = transformers.DataCollatorForLanguageModeling(framing, mlm_probability=0.5)
    for _ in range(20):
        batch = collate(features)
        chosen = batch["labels"] != -100
        assert (batch["labels"][chosen] < N).all()
        assert batch["input_ids"].shape == (3, 11)
    collate = transformers.DataCollatorForLanguageModeling(framing, mlm=False)
    batch = collate(features)
    assert (batch["labels"] == -100).tolist() == (batch["input_ids"] == PAD).tolist()


def test_token_classification_collator(framing, features):
    pytest.importorskip("torch")
    labelled = [{**f, "labels": [0] * len(f["input_ids"])} for f in features]
    batch = transformers.DataCollatorForTokenClassification(framing)(labelled)
    assert batch["labels"].shape == batch["input_ids"].shape
    assert (batch["labels"] == -100).tolist() == (batch["input_ids"] == PAD).tolist()


def test_masking_by_locus(framing):
    torch = pytest.importorskip("torch")
    from gtok.masking import RegionMasking

    features = [dict(framing(x, return_loci=True)) for x in (ONE, [("chr1", 0, 1000)])]
    transformers.set_seed(1)
    batch = RegionMasking(framing, probability=1, mask_share=1, random_share=0)(features)
    assert batch["input_ids"].dtype == batch["labels"].dtype == torch.int64
    assert batch["input_ids"][1].tolist() == [CLS, *[MASK] * 10, SEP]
    assert batch["labels"][1].tolist() == [-100, *range(10), -100]
    one = RegionMasking(framing, probability=0.5)(features)
    transformers.set_seed(1)
    RegionMasking(framing, probability=1, mask_share=1, random_share=0)(features)
    assert torch.equal(RegionMasking(framing, probability=0.5)(features)["labels"], one["labels"])


# --- datasets

FINGERPRINT = """
import gtok.hf
from datasets.fingerprint import Hasher

tokenizer = gtok.hf.RegionTokenizer.from_pretrained({folder!r})
first = Hasher.hash(tokenizer)
tokenizer([["chr1:5-9"], ["chr2:5-9"]], padding=True, return_tensors="np")
tokenizer.get_vocab(), tokenizer.tokenizer.universe.digest, tokenizer.decode([1, 2])
tokenizer.tokenizer.universe.tokens, repr(tokenizer), tokenizer.all_special_ids
assert Hasher.hash(tokenizer) == first
print(first)
"""


def test_fingerprints_are_the_same_in_every_process(framing, tmp_path):
    pytest.importorskip("datasets")
    framing.save_pretrained(tmp_path)
    code = FINGERPRINT.format(folder=str(tmp_path))
    told = [python(code, PYTHONHASHSEED=seed) for seed in ("1", "2")]
    assert told[0] == told[1] != ""
    framing.add_tokens(["<rna>"])
    framing.save_pretrained(tmp_path)
    assert python(code) != told[0]


MAP = """
import gtok.hf
from datasets import Dataset

tokenizer = gtok.hf.RegionTokenizer.from_pretrained({folder!r})

def encode(batch):
    return tokenizer(batch["regions"], return_loci=True)

def main():
    rows = [[f"chr1:{{100 * i}}-{{100 * i + 10}}" for i in range(n % 5)] for n in range(50)]
    samples = Dataset.from_dict(dict(regions=rows))
    found = samples.map(encode, batched=True, num_proc=2, remove_columns=["regions"])
    for at, row in enumerate(rows):
        assert found[at]["input_ids"] == tokenizer(row)["input_ids"]
    again = samples.map(encode, batched=True, num_proc=2, remove_columns=["regions"])
    print(found._fingerprint == again._fingerprint, found.column_names, found._fingerprint)

if __name__ == "__main__":
    main()
"""


def test_mapping_in_processes_is_cached(framing, tmp_path):
    pytest.importorskip("datasets")
    framing.save_pretrained(tmp_path / "saved")
    script = tmp_path / "script.py"
    script.write_text(MAP.format(folder=str(tmp_path / "saved")))
    told = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, script], capture_output=True, text=True, check=False,
            env={**os.environ, "HF_HOME": str(tmp_path / "home"), "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told.append(done.stdout)
    assert told[0].startswith("True ['input_ids', 'attention_mask', 'locus_ids']")
    assert told[0] == told[1]


def test_streaming(framing):
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_dict({"path": ["a", "b"], "n": [1, 2]}).to_iterable_dataset()
    found = rows.map(
        lambda batch: framing([REGIONS[:n] for n in batch["n"]]), batched=True, remove_columns=["n"]
    )
    assert [row["input_ids"] for row in found] == [[CLS, 0, SEP], [CLS, 0, 1, SEP]]


def test_parquet_of_the_command_line(tmp_path):
    datasets = pytest.importorskip("datasets")
    UNIVERSE.regions.to_bed(tmp_path / "universe.bed")
    paths = [str(tmp_path / f"s{at}.bed") for at in range(3)]
    for at, path in enumerate(paths):
        gtok.as_regions(REGIONS[: 2 * at + 1]).to_bed(path)
    arguments = ["tokenize", str(tmp_path / "universe.bed"), *paths]
    arguments += ["-o", str(tmp_path / "tokens.parquet")]
    assert python(f"from gtok.cli import main; main({arguments!r})") == ""
    found = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "tokens.parquet"), cache_dir=str(tmp_path / "cache")
    )["train"]
    assert found["input_ids"][:] == Tokenizer(UNIVERSE)(paths)["input_ids"]


# --- training


def test_a_trainer_trains_and_saves(framing, tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("accelerate")
    transformers.set_seed(0)
    rng = np.random.default_rng(0)
    samples = []
    for at in range(64):
        half = (at % 2) * 30 + np.sort(rng.choice(30, 12, replace=False))
        samples.append(dict(framing([REGIONS[i] for i in half])) | {"label": at % 2})
    config = transformers.BertConfig(
        vocab_size=len(framing), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, num_labels=2, pad_token_id=framing.pad_token_id,
    )  # fmt: skip
    trainer = transformers.Trainer(
        transformers.BertForSequenceClassification(config),
        transformers.TrainingArguments(
            tmp_path / "out", num_train_epochs=8, learning_rate=0.01, report_to=[],
            per_device_train_batch_size=8, disable_tqdm=True, logging_steps=8, use_cpu=True,
        ),
        train_dataset=samples,
        processing_class=framing,
    )  # fmt: skip
    # Of its own accord: the collator that it takes for tokenizers.
    assert isinstance(trainer.data_collator, transformers.DataCollatorWithPadding)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < losses[0] / 2
    trainer.save_model(tmp_path / "model")
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")
    with torch.no_grad():
        batch = loaded([REGIONS[:10], REGIONS[40:50]], padding=True, return_tensors="pt")
        assert model(**batch).logits.argmax(1).tolist() == [0, 1]


def test_the_example_learns_and_loads_again(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("accelerate")
    script = Path(__file__).resolve().parents[1] / "examples" / "mlm.py"
    done = subprocess.run(
        [sys.executable, script, "--out", tmp_path / "model", "--epochs", "6"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, last = re.search(r"loss: ([0-9.]+) in .*, ([0-9.]+) in the last", done.stdout).groups()
    before, after = re.search(r": ([0-9.]+) before, ([0-9.]+) after", done.stdout).groups()
    # A file that it has not seen, of 2,482 regions: guessing would be 7.82.
    assert float(last) < float(first) - 1.5
    assert float(after) < float(before) - 1.5
    assert re.search(r"loaded again, asked for chr21:\d+-\d+ between .*\n  chr21:", done.stdout)
