"""Texts: ids and masks, lengths, tokenizers in files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from text_models import tokenizer

from headstart.networks import TextPreprocess, load_preprocess

TEXTS = ["the small cat sat on a mat .", "cat", "the dog"]


def test_texts_are_padded_on_the_right_to_the_longest() -> None:
    state = TextPreprocess(tokenizer())(TEXTS)
    assert state["input_ids"].tolist() == [
        [2, 4, 5, 6, 7, 8, 9, 10, 11, 3],
        [2, 6, 3, 0, 0, 0, 0, 0, 0, 0],
        [2, 4, 1, 3, 0, 0, 0, 0, 0, 0],
    ]
    assert torch.equal(state["attention_mask"], (state["input_ids"] != 0).long())
    assert state["input_ids"].dtype == torch.int64


def test_long_texts_are_cut_and_short_batches_filled_up_to_a_fixed_length() -> None:
    assert TextPreprocess(tokenizer(), max_length=4)(TEXTS)["input_ids"].shape == (3, 4)
    fixed = TextPreprocess(tokenizer(), max_length=256, pad_to=6)
    assert fixed(TEXTS)["input_ids"].shape == fixed(["cat"])["input_ids"].repeat(3, 1).shape == (3, 6)


def test_empty_and_missing_texts_leave_at_least_one_position() -> None:
    for special in (True, False):
        state = TextPreprocess(tokenizer(special))(["", None])
        assert state["attention_mask"].sum(dim=1).min() >= 1


def test_a_tokenizer_without_padding_pads_with_its_end() -> None:
    state = TextPreprocess(tokenizer(special=False))(TEXTS)
    assert state["input_ids"][1].tolist() == [6, 3, 3, 3, 3, 3, 3, 3]
    assert state["attention_mask"][1].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("special", [True, False], ids=["encoder", "decoder"])
def test_it_survives_save_and_load(special: bool, tmp_path: Path) -> None:
    preprocess = TextPreprocess(tokenizer(special), max_length=7, pad_to=None)
    expected = preprocess(TEXTS)
    preprocess.save(tmp_path)
    loaded = load_preprocess(tmp_path)
    assert loaded.to_json() == preprocess.to_json()
    assert all(torch.equal(loaded(TEXTS)[key], expected[key]) for key in expected)


def test_the_fingerprint_tells_tokenizers_apart_and_does_not_follow_their_use() -> None:
    used, fresh = TextPreprocess(tokenizer()), TextPreprocess(tokenizer())
    used(TEXTS)
    assert TextPreprocess(used.tokenizer).to_json() == fresh.to_json()
    assert TextPreprocess(tokenizer(special=False)).to_json() != fresh.to_json()
