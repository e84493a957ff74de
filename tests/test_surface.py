"""What Hugging Face's users know: calling, padding, looking tokens up."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtok import GtokError, Tokenizer, Universe

ROLES = ["unk", "pad", "mask", "cls", "eos", "bos", "sep"]
N = 6
UNIVERSE = [("chr1", 10 * i, 10 * i + 5) for i in range(N)]
UNK, PAD, MASK, CLS, EOS, BOS, SEP = range(N, N + 7)
ONE = [UNIVERSE[1]]
THREE = [UNIVERSE[5], UNIVERSE[0], UNIVERSE[3]]


@pytest.fixture
def tokenizer():
    return Tokenizer(UNIVERSE)


@pytest.fixture
def framing():
    return Tokenizer(UNIVERSE, template="cls ... sep")


# --- calling


def test_one_sample_gives_lists(tokenizer):
    found = tokenizer(THREE)
    assert found == {"input_ids": [5, 0, 3], "attention_mask": [1, 1, 1]}
    assert {type(id) for id in found["input_ids"]} == {int}
    assert {type(one) for one in found["attention_mask"]} == {int}


def test_a_batch_gives_lists_of_lists(tokenizer):
    found = tokenizer([THREE, ONE, []])
    assert found == {
        "input_ids": [[5, 0, 3], [1], [UNK]],
        "attention_mask": [[1, 1, 1], [1], [1]],
    }
    assert {type(id) for ids in found["input_ids"] for id in ids} == {int}
    # A batch of one is still a batch, an empty list an empty sample.
    assert tokenizer([ONE])["input_ids"] == [[1]]
    assert tokenizer([])["input_ids"] == [UNK]
    assert tokenizer([[]])["input_ids"] == [[UNK]]


def test_what_comes_back_is_a_mapping_with_attributes(tokenizer):
    found = tokenizer(ONE, return_special_tokens_mask=True)
    assert isinstance(found, dict)
    assert list(found) == ["input_ids", "attention_mask", "special_tokens_mask"]
    assert found.input_ids == found["input_ids"] == [1]
    assert found.attention_mask == [1]
    with pytest.raises(AttributeError, match="labels"):
        found.labels  # noqa: B018
    with pytest.raises(KeyError):
        found["labels"]
    assert {**found} == found
    for back in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert type(back) is type(found)
        assert back == found


def test_masks_are_asked_for(tokenizer):
    assert list(tokenizer(ONE, return_attention_mask=False)) == ["input_ids"]
    assert tokenizer([], return_special_tokens_mask=True)["special_tokens_mask"] == [1]
    assert tokenizer(THREE, return_special_tokens_mask=True)["special_tokens_mask"] == [0, 0, 0]


@pytest.mark.parametrize("padding", [True, "longest"])
def test_padding_to_the_longest(tokenizer, padding):
    found = tokenizer([ONE, THREE], padding=padding, return_special_tokens_mask=True)
    assert found == {
        "input_ids": [[1, PAD, PAD], [5, 0, 3]],
        "attention_mask": [[1, 0, 0], [1, 1, 1]],
        "special_tokens_mask": [[0, 1, 1], [0, 0, 0]],
    }


@pytest.mark.parametrize("padding", [False, "do_not_pad"])
def test_no_padding(tokenizer, padding):
    found = tokenizer([ONE, THREE], padding=padding, max_length=9, pad_to_multiple_of=8)
    assert found["input_ids"] == [[1], [5, 0, 3]]


def test_padding_to_a_length(tokenizer):
    assert tokenizer(ONE, padding="max_length", max_length=3) == {
        "input_ids": [1, PAD, PAD],
        "attention_mask": [1, 0, 0],
    }
    # Nothing is cut without truncation.
    found = tokenizer([ONE, THREE], padding="max_length", max_length=2)
    assert found["input_ids"] == [[1, PAD, PAD], [5, 0, 3]]


def test_padding_on_the_left():
    tokenizer = Tokenizer(UNIVERSE, padding_side="left")
    assert tokenizer([ONE, THREE], padding=True, return_special_tokens_mask=True) == {
        "input_ids": [[PAD, PAD, 1], [5, 0, 3]],
        "attention_mask": [[0, 0, 1], [1, 1, 1]],
        "special_tokens_mask": [[1, 1, 0], [0, 0, 0]],
    }


def test_padding_to_a_multiple(tokenizer):
    found = tokenizer([ONE, THREE], padding=True, pad_to_multiple_of=4)
    assert found["input_ids"] == [[1, PAD, PAD, PAD], [5, 0, 3, PAD]]
    found = tokenizer(ONE, padding="max_length", max_length=5, pad_to_multiple_of=4)
    assert len(found["input_ids"]) == 8
    found = tokenizer(THREE, padding=True, pad_to_multiple_of=3)
    assert len(found["input_ids"]) == 3


@pytest.mark.parametrize("padding", ["right", "", 5])
def test_no_such_padding(tokenizer, padding):
    with pytest.raises(GtokError, match=r"expected padding .*'max_length'"):
        tokenizer(ONE, padding=padding)
    with pytest.raises(GtokError, match=r"expected padding .*'max_length'"):
        tokenizer.pad({"input_ids": [[1]]}, padding=padding)


def test_what_needs_a_max_length(tokenizer):
    with pytest.raises(GtokError, match="needs a max_length"):
        tokenizer(ONE, padding="max_length")
    with pytest.raises(GtokError, match="needs a max_length"):
        tokenizer(ONE, truncation=True)
    with pytest.raises(GtokError, match="needs a max_length"):
        tokenizer.pad({"input_ids": [[1]]}, padding="max_length")


def test_truncation(tokenizer):
    found = tokenizer([ONE, THREE], truncation=True, max_length=2)
    assert found == {"input_ids": [[1], [5, 0]], "attention_mask": [[1], [1, 1]]}
    assert tokenizer(THREE, truncation=True, max_length=3)["input_ids"] == [5, 0, 3]
    assert tokenizer(THREE, truncation=True, max_length=0)["input_ids"] == []
    assert tokenizer(THREE, max_length=2)["input_ids"] == [5, 0, 3]
    with pytest.raises(GtokError, match="max_length=-1"):
        tokenizer(THREE, truncation=True, max_length=-1)


# --- templates


def test_a_template_frames_each_sample(framing):
    found = framing([ONE, []], return_special_tokens_mask=True)
    assert found == {
        "input_ids": [[CLS, 1, SEP], [CLS, UNK, SEP]],
        "attention_mask": [[1, 1, 1], [1, 1, 1]],
        "special_tokens_mask": [[1, 0, 1], [1, 1, 1]],
    }
    assert framing(ONE)["input_ids"] == [CLS, 1, SEP]


def test_a_template_is_left_out_where_asked(framing):
    assert framing(ONE, add_special_tokens=False)["input_ids"] == [1]
    assert framing.encode(ONE) == [1]
    assert framing.tokenize(ONE) == ["chr1:10-15"]
    assert framing.encode_batch([ONE]).ids.tolist() == [1]


def test_truncation_leaves_room_for_the_template(framing):
    found = framing([THREE, ONE], truncation=True, max_length=4)
    assert found["input_ids"] == [[CLS, 5, 0, SEP], [CLS, 1, SEP]]
    assert framing(THREE, truncation=True, max_length=2)["input_ids"] == [CLS, SEP]
    with pytest.raises(GtokError, match=r"max_length=1 leaves no room beside the special tokens"):
        framing(THREE, truncation=True, max_length=1)
    found = framing(THREE, truncation=True, max_length=1, add_special_tokens=False)
    assert found["input_ids"] == [5]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("...", [1]),
        ("bos ...", [BOS, 1]),
        ("... eos", [1, EOS]),
        ("bos cls ... sep sep eos", [BOS, CLS, 1, SEP, SEP, EOS]),
        ("mask   ...\tpad unk", [MASK, 1, PAD, UNK]),
    ],
)
def test_templates(template, expected):
    assert Tokenizer(UNIVERSE, template=template)(ONE)["input_ids"] == expected


@pytest.mark.parametrize(
    "template",
    ["", "cls sep", "cls ... ...", "<cls> ... <sep>", "CLS ...", "cls...sep", 5, ["cls"]],
)
def test_bad_templates(template):
    with pytest.raises(GtokError, match=r"expected template as .*'cls ... sep', found"):
        Tokenizer(UNIVERSE, template=template)


# --- tensors


def test_numpy(tokenizer):
    found = tokenizer(
        [ONE, THREE], padding=True, return_tensors="np", return_special_tokens_mask=True
    )
    assert found["input_ids"].tolist() == [[1, PAD, PAD], [5, 0, 3]]
    assert found["attention_mask"].tolist() == [[1, 0, 0], [1, 1, 1]]
    assert found["special_tokens_mask"].tolist() == [[0, 1, 1], [0, 0, 0]]
    assert {array.dtype for array in found.values()} == {np.dtype(np.int64)}


def test_numpy_of_one_sample_has_one_row(tokenizer, framing):
    found = tokenizer(THREE, return_tensors="np")
    assert {array.shape for array in found.values()} == {(1, 3)}
    assert found["input_ids"].tolist() == [[5, 0, 3]]
    assert framing(THREE, return_tensors="np")["input_ids"].shape == (1, 5)
    assert tokenizer([], return_tensors="np")["input_ids"].tolist() == [[UNK]]
    found = tokenizer(ONE, padding="max_length", max_length=4, return_tensors="np")
    assert found["input_ids"].shape == (1, 4)


def test_numpy_without_any_token():
    tokenizer = Tokenizer(UNIVERSE, unknown="drop")
    assert tokenizer([], return_tensors="np")["input_ids"].shape == (1, 0)
    found = tokenizer([[], ONE], padding=True, return_tensors="np")
    assert found["input_ids"].tolist() == [[PAD], [1]]
    assert found["attention_mask"].tolist() == [[0], [1]]


def test_tensors_need_one_length(tokenizer):
    with pytest.raises(GtokError, match=r"padding or truncation; found lengths 1 to 3"):
        tokenizer([ONE, THREE], return_tensors="np")
    assert tokenizer([THREE, THREE], return_tensors="np")["input_ids"].shape == (2, 3)
    found = tokenizer([ONE, THREE], truncation=True, max_length=1, return_tensors="np")
    assert found["input_ids"].tolist() == [[1], [5]]


@pytest.mark.parametrize("kind", ["tf", "jax", "numpy", True])
def test_no_such_tensors(tokenizer, kind):
    with pytest.raises(GtokError, match=r"return_tensors 'np' or 'pt'"):
        tokenizer(ONE, return_tensors=kind)
    with pytest.raises(GtokError, match=r"return_tensors 'np' or 'pt'"):
        tokenizer.pad({"input_ids": [[1]]}, return_tensors=kind)


def test_torch(tokenizer):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    found = tokenizer([ONE, THREE], padding=True, return_tensors="pt")
    assert found["input_ids"].dtype == torch.int64
    assert found["input_ids"].tolist() == [[1, PAD, PAD], [5, 0, 3]]
    assert tokenizer(THREE, return_tensors="pt")["input_ids"].shape == (1, 3)
    padded = tokenizer.pad(
        [{"input_ids": torch.tensor([1])}, {"input_ids": torch.tensor([2, 3])}], return_tensors="pt"
    )
    assert padded["input_ids"].tolist() == [[1, PAD], [2, 3]]


def test_torch_that_is_not_there(tokenizer, monkeypatch):
    # None makes an import fail as it does where a module is not installed.
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"return_tensors='pt' needs torch: pip install torch"):
        tokenizer(ONE, return_tensors="pt")
    with pytest.raises(ImportError, match="pip install torch"):
        tokenizer.pad({"input_ids": [[1]]}, return_tensors="pt")


# --- a call against a model

lists_of_ids = st.lists(st.lists(st.integers(0, N - 1), max_size=7), min_size=1, max_size=5)


@given(
    lists_of_ids,
    st.sampled_from([False, True, "longest", "max_length", "do_not_pad"]),
    st.one_of(st.none(), st.integers(2, 9)),
    st.sampled_from([None, "...", "cls ... sep", "bos ...", "... sep eos"]),
    st.booleans(),
    st.one_of(st.none(), st.integers(1, 5)),
    st.sampled_from(["right", "left"]),
)
def test_calls(ids, padding, cut, template, add, multiple, side):
    tokenizer = Tokenizer(UNIVERSE, unknown="drop", template=template, padding_side=side)
    max_length = 8 if cut is None and padding == "max_length" else cut
    found = tokenizer(
        [[UNIVERSE[id] for id in row] for row in ids],
        padding=padding,
        truncation=cut is not None,
        max_length=max_length,
        add_special_tokens=add,
        pad_to_multiple_of=multiple,
        return_special_tokens_mask=True,
    )
    before, behind = [], []
    if template and add:
        before, behind = ([f"<{word}>" for word in part.split()] for part in template.split("..."))
        before, behind = (tokenizer.convert_tokens_to_ids(part) for part in (before, behind))
    if cut is not None:
        ids = [row[: cut - len(before) - len(behind)] for row in ids]
    rows = [before + row + behind for row in ids]
    masks = [[1] * len(row) for row in rows]
    if padding not in (False, "do_not_pad"):
        width = max(map(len, rows))
        width = max(width, max_length) if padding == "max_length" else width
        while multiple and width % multiple:
            width += 1
        filling = [width - len(row) for row in rows]
        if side == "right":
            rows = [row + [PAD] * n for row, n in zip(rows, filling, strict=True)]
            masks = [mask + [0] * n for mask, n in zip(masks, filling, strict=True)]
        else:
            rows = [[PAD] * n + row for row, n in zip(rows, filling, strict=True)]
            masks = [[0] * n + mask for mask, n in zip(masks, filling, strict=True)]
    assert found == {
        "input_ids": rows,
        "attention_mask": masks,
        "special_tokens_mask": [[int(id >= N) for id in row] for row in rows],
    }


# --- pad


def test_pad_of_a_list_of_dicts(tokenizer):
    features = [{"input_ids": [1]}, {"input_ids": [2, 3, 4]}]
    assert tokenizer.pad(features) == {
        "input_ids": [[1, PAD, PAD], [2, 3, 4]],
        "attention_mask": [[1, 0, 0], [1, 1, 1]],
    }
    assert features == [{"input_ids": [1]}, {"input_ids": [2, 3, 4]}]


def test_pad_of_a_dict_of_lists(tokenizer):
    features = {
        "input_ids": [[1], [CLS, 2, SEP]],
        "attention_mask": [[1], [1, 0, 1]],
        "special_tokens_mask": [[0], [1, 0, 1]],
    }
    kept = copy.deepcopy(features)
    assert tokenizer.pad(features) == {
        "input_ids": [[1, PAD, PAD], [CLS, 2, SEP]],
        "attention_mask": [[1, 0, 0], [1, 0, 1]],
        "special_tokens_mask": [[0, 1, 1], [1, 0, 1]],
    }
    assert features == kept


def test_pad_of_one_sample(tokenizer):
    found = tokenizer.pad({"input_ids": [1, 2]}, padding="max_length", max_length=4)
    assert found == {"input_ids": [1, 2, PAD, PAD], "attention_mask": [1, 1, 0, 0]}
    found = tokenizer.pad({"input_ids": np.array([1, 2])}, padding="max_length", max_length=3)
    assert list(found["input_ids"]) == [1, 2, PAD]


def test_pad_of_what_a_call_returns(tokenizer):
    batch = [ONE, THREE]
    whole = tokenizer(batch, padding=True, return_special_tokens_mask=True)
    later = tokenizer.pad(tokenizer(batch, return_special_tokens_mask=True))
    each = tokenizer.pad([tokenizer(x, return_special_tokens_mask=True) for x in batch])
    assert whole == later == each
    assert later.input_ids == whole["input_ids"]


def test_pad_takes_arrays(tokenizer):
    features = [{"input_ids": np.array([1], dtype=np.int32)}, {"input_ids": np.array([2, 3])}]
    found = tokenizer.pad(features, return_tensors="np")
    assert found["input_ids"].tolist() == [[1, PAD], [2, 3]]
    assert found["attention_mask"].tolist() == [[1, 0], [1, 1]]
    assert {array.dtype for array in found.values()} == {np.dtype(np.int64)}
    batch = Tokenizer(UNIVERSE).encode_batch([ONE, THREE])
    assert tokenizer.pad({"input_ids": list(batch)})["input_ids"] == [[1, PAD, PAD], [5, 0, 3]]


def test_pad_on_the_left():
    tokenizer = Tokenizer(UNIVERSE, padding_side="left")
    found = tokenizer.pad([{"input_ids": [1]}, {"input_ids": [2, 3]}], pad_to_multiple_of=4)
    assert found == {
        "input_ids": [[PAD, PAD, PAD, 1], [PAD, PAD, 2, 3]],
        "attention_mask": [[0, 0, 0, 1], [0, 0, 1, 1]],
    }


def test_pad_without_padding(tokenizer):
    features = [{"input_ids": [1]}, {"input_ids": [2, 3]}]
    assert tokenizer.pad(features, padding=False)["input_ids"] == [[1], [2, 3]]
    with pytest.raises(GtokError, match=r"found lengths 1 to 2"):
        tokenizer.pad(features, padding=False, return_tensors="np")


def test_pad_without_a_mask(tokenizer):
    found = tokenizer.pad([{"input_ids": [1]}], return_attention_mask=False)
    assert list(found) == ["input_ids"]


def test_pad_passes_other_columns_on(tokenizer):
    features = [{"input_ids": [1], "labels": 1}, {"input_ids": [2, 3], "labels": 0}]
    assert tokenizer.pad(features)["labels"] == [1, 0]
    assert tokenizer.pad(features, return_tensors="np")["labels"].tolist() == [1, 0]
    assert tokenizer.pad({"input_ids": [1, 2], "labels": 1})["labels"] == 1


def test_pad_keeps_numbers_that_are_not_whole(tokenizer):
    features = [{"input_ids": [1], "labels": 0.5}, {"input_ids": [2], "labels": 1.0}]
    assert tokenizer.pad(features, return_tensors="np")["labels"].tolist() == [0.5, 1.0]


def test_pad_says_what_can_be_no_tensor(tokenizer):
    features = [{"input_ids": [1], "id": "liver"}, {"input_ids": [2], "id": "lung"}]
    assert tokenizer.pad(features)["id"] == ["liver", "lung"]
    with pytest.raises(GtokError, match=r"\bid\b"):
        tokenizer.pad(features, return_tensors="np")


def test_pad_needs_input_ids(tokenizer):
    with pytest.raises(GtokError, match=r"features with input_ids, found labels"):
        tokenizer.pad([{"labels": [1]}])


def test_pad_of_samples_without_tokens(tokenizer):
    assert tokenizer.pad([{"input_ids": []}, {"input_ids": [1]}])["input_ids"] == [[PAD], [1]]
    assert tokenizer.pad([])["input_ids"] == []


def test_pad_takes_what_collators_pass_along(tokenizer):
    found = tokenizer.pad(
        [{"input_ids": [1]}], padding=True, max_length=None, pad_to_multiple_of=2, verbose=False,
        return_tensors="np",
    )  # fmt: skip
    assert found["input_ids"].tolist() == [[1, PAD]]


# --- looking up


def test_sizes(tokenizer):
    assert tokenizer.vocab_size == len(tokenizer) == N + 7


def test_get_vocab(tokenizer):
    vocab = tokenizer.get_vocab()
    tokens = [f"chr1:{10 * i}-{10 * i + 5}" for i in range(N)] + [f"<{role}>" for role in ROLES]
    assert vocab == {token: id for id, token in enumerate(tokens)}
    assert list(vocab) == tokens
    vocab.clear()
    assert len(tokenizer.get_vocab()) == N + 7


def test_convert_tokens_to_ids(tokenizer):
    assert tokenizer.convert_tokens_to_ids("chr1:10-15") == 1
    assert tokenizer.convert_tokens_to_ids("<mask>") == MASK
    assert tokenizer.convert_tokens_to_ids("chr9:1-2") == UNK
    assert tokenizer.convert_tokens_to_ids("word") == UNK
    found = tokenizer.convert_tokens_to_ids(["chr1:10-15", "<pad>", "?"])
    assert found == [1, PAD, UNK]
    assert {type(id) for id in found} == {int}
    assert tokenizer.convert_tokens_to_ids([]) == []
    assert tokenizer.convert_tokens_to_ids(("chr1:0-5",)) == [0]


def test_convert_ids_to_tokens(tokenizer):
    assert tokenizer.convert_ids_to_tokens(1) == "chr1:10-15"
    assert tokenizer.convert_ids_to_tokens(np.int64(SEP)) == "<sep>"
    assert tokenizer.convert_ids_to_tokens([1, PAD]) == ["chr1:10-15", "<pad>"]
    assert tokenizer.convert_ids_to_tokens(np.array([0], dtype=np.int32)) == ["chr1:0-5"]
    assert tokenizer.convert_ids_to_tokens([]) == []


@given(st.lists(st.integers(0, N + 6)))
def test_conversions_are_each_others_reverse(ids):
    tokenizer = Tokenizer(UNIVERSE)
    assert tokenizer.convert_tokens_to_ids(tokenizer.convert_ids_to_tokens(ids)) == ids
    assert tokenizer.convert_tokens_to_ids(tokenizer.decode(ids)) == ids


def test_decode(tokenizer):
    assert tokenizer.decode([0, CLS, 1]) == ["chr1:0-5", "<cls>", "chr1:10-15"]
    assert tokenizer.decode([0, CLS, 1], skip_special_tokens=True) == ["chr1:0-5", "chr1:10-15"]
    assert tokenizer.decode(2) == ["chr1:20-25"]
    assert tokenizer.decode([]) == []
    assert tokenizer.decode(np.array([2, 1])) == ["chr1:20-25", "chr1:10-15"]
    assert tokenizer.decode(tokenizer(THREE)["input_ids"]) == tokenizer.tokenize(THREE)


@pytest.mark.parametrize("id", [N + 7, -1, 10**12])
@pytest.mark.parametrize("skip", [False, True])
def test_decode_of_no_such_id(tokenizer, id, skip):
    with pytest.raises(IndexError, match=rf"ids from 0 to {N + 6}, found {id}"):
        tokenizer.decode([0, id], skip_special_tokens=skip)
    with pytest.raises(IndexError, match=rf"found {id}"):
        tokenizer.decode(id, skip_special_tokens=skip)
    with pytest.raises(IndexError, match=rf"found {id}"):
        tokenizer.batch_decode([[0], [id]], skip_special_tokens=skip)


@pytest.mark.parametrize("id", [N + 7, -1])
def test_conversion_of_no_such_id(tokenizer, id):
    for ids in (id, [id], [0, id]):
        with pytest.raises(IndexError, match=rf"found {id}"):
            tokenizer.convert_ids_to_tokens(ids)


@pytest.mark.parametrize("ids", [["chr1:0-5"], [0.5], [True], [None]], ids=repr)
def test_ids_are_whole_numbers(tokenizer, ids):
    with pytest.raises(TypeError, match="whole numbers"):
        tokenizer.decode(ids)
    with pytest.raises(TypeError, match="whole numbers"):
        tokenizer.convert_ids_to_tokens(ids)


def test_batch_decode(tokenizer):
    expected = [["chr1:10-15", "<pad>"], ["chr1:50-55", "chr1:0-5"]]
    ids = [[1, PAD], [5, 0]]
    assert tokenizer.batch_decode(ids) == expected
    assert tokenizer.batch_decode(np.array(ids)) == expected
    assert tokenizer.batch_decode(ids, skip_special_tokens=True) == [["chr1:10-15"], expected[1]]
    batch = tokenizer.encode_batch([ONE, THREE])
    assert tokenizer.batch_decode(batch) == [tokenizer.tokenize(ONE), tokenizer.tokenize(THREE)]
    assert tokenizer.batch_decode([]) == []


def test_special_tokens_mask_of_tokens_and_ids(tokenizer):
    tokens = ["chr1:0-5", "<unk>", "<sep>", "chr9:1-2", "<pad>"]
    assert tokenizer.get_special_tokens_mask(tokens) == [0, 1, 1, 0, 1]
    assert tokenizer.get_special_tokens_mask([0, UNK, SEP, N - 1]) == [0, 1, 1, 0]
    assert tokenizer.get_special_tokens_mask(np.array([0, UNK])) == [0, 1]
    found = tokenizer.get_special_tokens_mask([0, UNK], already_has_special_tokens=True)
    assert found == [0, 1]
    assert tokenizer.get_special_tokens_mask([]) == []


@pytest.mark.parametrize("role", ROLES)
def test_every_special_token_by_name(role):
    usual = Tokenizer(UNIVERSE)
    assert getattr(usual, f"{role}_token") == f"<{role}>"
    assert getattr(usual, f"{role}_token_id") == N + ROLES.index(role)
    own = Tokenizer(Universe(UNIVERSE, special_tokens={role: "[MINE]"}))
    assert getattr(own, f"{role}_token") == "[MINE]"
    assert getattr(own, f"{role}_token_id") == N + ROLES.index(role)
    assert own.convert_tokens_to_ids("[MINE]") == N + ROLES.index(role)
    assert own.special_tokens_map[f"{role}_token"] == "[MINE]"
    assert own.get_special_tokens_mask(["[MINE]", f"<{role}>"]) == [1, 0]


def test_all_special_tokens(tokenizer):
    assert tokenizer.all_special_tokens == [f"<{role}>" for role in ROLES]
    assert tokenizer.all_special_ids == list(range(N, N + 7))
    assert tokenizer.special_tokens_map == {f"{role}_token": f"<{role}>" for role in ROLES}


def test_own_special_tokens_everywhere():
    special = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]"}
    tokenizer = Tokenizer(Universe(UNIVERSE, special_tokens=special), template="cls ...")
    assert tokenizer.tokenize([]) == ["[UNK]"]
    found = tokenizer([ONE, THREE], padding=True)
    assert tokenizer.decode(found["input_ids"][0]) == ["[CLS]", "chr1:10-15", "[PAD]", "[PAD]"]


# --- state


def test_calls_change_no_state(framing):
    before = pickle.dumps(framing)
    framing([ONE, THREE], padding=True, truncation=True, max_length=4, return_tensors="np")
    framing.pad([{"input_ids": [1]}])
    framing.batch_decode([[0], [CLS]])
    framing.convert_tokens_to_ids(["chr1:0-5", "?"])
    framing.get_special_tokens_mask([1])
    assert pickle.dumps(framing) == before


def test_transformers_is_not_needed():
    code = (
        "import sys, gtok\n"
        "t = gtok.Tokenizer(['chr1:0-5'], template='cls ... sep')\n"
        "t([['chr1:1-2'], []], padding=True, return_tensors='np')\n"
        "assert not {'transformers', 'torch', 'pandas', 'scipy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
