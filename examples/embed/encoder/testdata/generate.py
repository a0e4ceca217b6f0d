"""Writes embeddings.json: texts and their embeddings by the reference.

    python generate.py MODEL

MODEL is the directory of MiniLM as examples/fetch brings it. The reference is
transformers' BertModel in float32, the mean of its tokens, and unit length, as
the model's own page has it. Written with torch 2.15.0 and transformers 5.23.0.
Embeddings are little-endian float32 in base64.
"""

import base64
import json
import pathlib
import sys

import torch
import transformers

TEXTS = [
    "The gate admits what it verified.",
    "Nur was geprüft wurde, darf hinein.",
    "A man is eating food.",
    "Someone is having a meal.",
    "模型的权重已经验证。 👩‍🚀 naïve soft\u00adhyphen",
    "word " * 200 + "and the end of a long text.",
    "",
]


def embed(model, tokens, text):
    encoded = tokens(text, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**encoded).last_hidden_state
    mask = encoded["attention_mask"].unsqueeze(-1).float()
    mean = (hidden * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(mean, dim=1)[0]


if __name__ == "__main__":
    print(f"torch {torch.__version__}, transformers {transformers.__version__}")
    model = transformers.AutoModel.from_pretrained(sys.argv[1], torch_dtype=torch.float32).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
    rows = []
    for text in TEXTS:
        vector = embed(model, tokens, text).numpy().astype("<f4").tobytes()
        rows.append({"text": text, "embedding": base64.b64encode(vector).decode()})
    lines = ",\n".join(json.dumps(row) for row in rows)
    (pathlib.Path(__file__).parent / "embeddings.json").write_text(f"[\n{lines}\n]\n")
