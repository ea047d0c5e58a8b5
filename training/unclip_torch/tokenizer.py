"""A byte-pair tokenizer in the layout of CLIPTokenizer, learned so that every known word is one token."""
import json
import os
import re
from collections import Counter

import numpy as np

START, END = "<|startoftext|>", "<|endoftext|>"
# Letters run together, digits stand alone, other signs form groups: CLIP's pattern for plain text.
PATTERN = re.compile(r"<\|startoftext\|>|<\|endoftext\|>|[^\W\d_]+|\d|[^\s\w]+|_+")


def byte_alphabet():
    """The printable stand-ins of the 256 bytes, in the order of CLIP's vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    table = {b: chr(b) for b in printable}
    table.update({b: chr(256 + i) for i, b in enumerate(rest)})
    return {b: table[b] for b in printable + rest}


BYTES = byte_alphabet()


def split_word(word):
    letters = [BYTES[b] for b in word.encode()]
    return letters[:-1] + [letters[-1] + "</w>"]


def join(pieces, pair):
    out, i = [], 0
    while i < len(pieces):
        if i + 1 < len(pieces) and (pieces[i], pieces[i + 1]) == pair:
            out.append(pieces[i] + pieces[i + 1])
            i += 2
        else:
            out.append(pieces[i])
            i += 1
    return out


def learn_merges(words):
    """Joins the most frequent pair until each word is one piece; applying the merges in order gives the same."""
    splits = [split_word(word) for word in sorted(words)]
    merges = []
    while True:
        pairs = Counter(pair for pieces in splits for pair in zip(pieces, pieces[1:]))
        if not pairs:
            return merges
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        splits = [join(pieces, best) for pieces in splits]


def added(content, typed):
    entry = {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    return {"__type": "AddedToken", **entry} if typed else entry


def write(folder, words, max_length):
    merges = learn_merges(words)
    alphabet = list(BYTES.values())
    tokens = alphabet + [letter + "</w>" for letter in alphabet] + ["".join(pair) for pair in merges] + [START, END]
    os.makedirs(folder, exist_ok=True)

    def dump(name, value):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False, indent=2 if name != "vocab.json" else None)

    dump("vocab.json", {token: i for i, token in enumerate(tokens)})
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    specials = {"bos_token": START, "eos_token": END, "unk_token": END}
    dump("special_tokens_map.json", {**{k: added(v, False) for k, v in specials.items()}, "pad_token": END})
    dump(
        "tokenizer_config.json",
        {
            "add_prefix_space": False,
            **{k: added(v, True) for k, v in specials.items()},
            "do_lower_case": True,
            "errors": "replace",
            "model_max_length": max_length,
            "pad_token": END,
            "tokenizer_class": "CLIPTokenizer",
        },
    )


class Tokenizer:
    def __init__(self, folder):
        with open(os.path.join(folder, "vocab.json"), encoding="utf-8") as file:
            self.vocabulary = json.load(file)
        with open(os.path.join(folder, "merges.txt"), encoding="utf-8") as file:
            lines = file.read().split("\n")[1:]
        self.ranks = {tuple(line.split()): i for i, line in enumerate(lines) if line}
        self.start, self.end = self.vocabulary[START], self.vocabulary[END]
        self.cache = {}

    def word(self, word):
        if word not in self.cache:
            pieces = split_word(word)
            while len(pieces) > 1:
                best = min(zip(pieces, pieces[1:]), key=lambda pair: self.ranks.get(pair, 1e9))
                if best not in self.ranks:
                    break
                pieces = join(pieces, best)
            self.cache[word] = [self.vocabulary[piece] for piece in pieces]
        return self.cache[word]

    def encode(self, texts, length=77):
        """Ids [N, length] padded with <|endoftext|>, and the mask that is 1 up to the first of these."""
        ids = np.full((len(texts), length), self.end, np.int64)
        mask = np.zeros((len(texts), length), bool)
        for row, text in enumerate(texts):
            tokens = [self.start]
            for word in PATTERN.findall(text.lower()):
                tokens += self.word(word)
            tokens = tokens[: length - 1]
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens) + 1] = True
        return ids, mask
