"""Peak files to a masked language model of regions: train, save, load again, ask.

    python examples/mlm.py
    python examples/mlm.py PEAKS.bed... --universe UNIVERSE.bed [--chroms chr21] [--out model]

Without files, the histone marks of hESC that come along are learned from, all but one, by which the
model is judged: what it learned is which regions go with which neighbours, not which mark it saw.
Of each file, some simulated samples keep a random part of the peaks, as shallower sequencing would,
so that neighbours vary. A small BERT, on one chromosome, trains in a minute on two cores.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    Trainer,
    TrainingArguments,
    set_seed,
)

import gtok
from gtok.hf import RegionTokenizer
from gtok.masking import RegionMasking

DATA = Path(__file__).parent / "data"
LENGTH = 64  # tokens that the model sees at a time


def thinned(path: Path, n: int) -> list[gtok.RegionSet]:
    """Samples that keep from a third of a file's peaks to all of them."""
    peaks = gtok.RegionSet.from_bed(path)
    random = np.random.default_rng(0)
    return [peaks[random.random(len(peaks)) < share] for share in np.linspace(0.33, 1, n)]


def windows(tokenizer: RegionTokenizer, samples: list[Any]) -> list[dict[str, list[int]]]:
    """Samples as pieces of consecutive tokens, half of each in common with the one before."""
    found = tokenizer(
        samples, truncation="windows", max_length=LENGTH, stride=LENGTH // 2, return_loci=True
    )
    columns = {name: found[name] for name in ("input_ids", "attention_mask", "locus_ids")}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def main() -> None:
    """Tokenize, train, save, load, ask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="BED files, the last one to judge by")
    parser.add_argument("--universe", type=Path, default=DATA / "universe.hg19.bed.gz")
    parser.add_argument("--chroms", nargs="+", default=["chr21"])
    parser.add_argument("--samples", type=int, default=20, help="simulated ones of each file")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("mlm-model"))
    options = parser.parse_args()
    files = options.files or sorted(DATA.glob("hESC_*.bed.gz"), key=lambda path: "me2" in path.name)
    set_seed(0)

    regions = gtok.Universe(options.universe).regions
    kept = np.isin(regions.codes, [regions.chrom_names.index(chrom) for chrom in options.chroms])
    plain = gtok.Tokenizer(
        gtok.Universe(regions[kept]), order="genome", unique="token", unknown="drop"
    )
    tokenizer = RegionTokenizer(plain, template="cls ... sep", model_max_length=LENGTH)
    thin = [sample for path in files[:-1] for sample in thinned(path, options.samples)]
    train, test = windows(tokenizer, thin), windows(tokenizer, files[-1:])
    print(f"{len(plain.universe):,} regions on {', '.join(options.chroms)}; ", end="")
    print(f"{len(train):,} windows to learn from, {len(test):,} of {files[-1].name} to judge by")

    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=192,
        max_position_embeddings=LENGTH,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    trainer = Trainer(
        BertForMaskedLM(config),
        TrainingArguments(
            options.out / "checkpoints",
            num_train_epochs=options.epochs,
            per_device_train_batch_size=16,
            learning_rate=3e-3,
            warmup_steps=50,
            logging_strategy="epoch",
            save_strategy="no",
            remove_unused_columns=False,  # locus_ids are the collator's
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
        ),
        data_collator=RegionMasking(tokenizer, probability=0.2),
        train_dataset=train,
        eval_dataset=test,
        processing_class=tokenizer,
    )
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    after = trainer.evaluate()["eval_loss"]
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    print(f"loss: {losses[0]:.2f} in the first epoch, {losses[-1]:.2f} in the last")
    print(f"on {files[-1].name}: {before:.2f} before, {after:.2f} after; ", end="")
    print(f"guessing among all regions: {math.log(len(plain.universe)):.2f}")
    trainer.save_model(options.out)

    tokenizer = AutoTokenizer.from_pretrained(options.out)
    model = AutoModelForMaskedLM.from_pretrained(options.out)
    ids = torch.tensor([test[len(test) // 2]["input_ids"]])
    at = ids.shape[1] // 2
    hidden = int(ids[0, at])
    ids[0, at] = tokenizer.mask_token_id
    with torch.no_grad():
        chances = model(input_ids=ids).logits[0, at, : len(plain.universe)].softmax(0)
    print(f"loaded again, asked for {tokenizer.decode(hidden)} between its neighbours:")
    for chance, id in zip(*(found.tolist() for found in chances.topk(3)), strict=True):
        print(f"  {tokenizer.decode(id)}  {chance:.0%}")


if __name__ == "__main__":
    main()
