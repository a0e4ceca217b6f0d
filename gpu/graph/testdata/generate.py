"""Makes the models of this directory and what their reference computes.

torch 2.15.0, transformers 5.23.0, safetensors 0.8.0, sentence-transformers 6.2.0 (with scikit-learn and scipy).

    python generate.py                  the small models, from seeds
    python generate.py minilm DIR       what all-MiniLM-L6-v2 in DIR makes of three sentences

Each model.json lists cases: keys that replace those of the model's files, inputs, and the outputs.
"""

import json
import pathlib
import shutil
import sys
import tempfile

import torch
import transformers
from safetensors.torch import load_file, save_file
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling
from sentence_transformers.util.tensor import truncate_embeddings

HERE = pathlib.Path(__file__).parent

SIZES = dict(
    vocab_size=60, hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40,
    max_position_embeddings=20, layer_norm_eps=1e-5,
)
DISTILBERT_SIZES = dict(vocab_size=60, dim=24, n_layers=2, n_heads=4, hidden_dim=40, max_position_embeddings=20)


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            around = 1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0
            p.copy_(around + 0.25 * torch.randn(p.shape, generator=generator))
    return model.eval()


def batch(seed, pad, types):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, 60, (3, 7), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    mask[2, 1:] = 0
    ids[mask == 0] = pad
    inputs = {"input_ids": ids, "attention_mask": mask}
    if types > 1:
        inputs["token_type_ids"] = torch.randint(0, types, ids.shape, generator=generator)
    return inputs


def listed(tensor):
    values = tensor.detach().float().flatten().tolist() if tensor.is_floating_point() else tensor.flatten().tolist()
    return {"shape": list(tensor.shape), "values": [float(f"{v:.7g}") if isinstance(v, float) else v for v in values]}


def case(name, inputs, output, **more):
    return {"name": name, "inputs": {k: listed(v) for k, v in inputs.items()}, "output": listed(output), **more}


def encoder(cls, config, seed):
    return randomize(cls._from_config(config, attn_implementation="eager"), seed)


def save(name, model, cases):
    where = HERE / name
    shutil.rmtree(where, ignore_errors=True)
    model.save_pretrained(where, max_shard_size="1GB")
    (where / "generation_config.json").unlink(missing_ok=True)
    write(where / "cases.json", cases)
    return where


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value) + "\n")


def hidden(model, inputs):
    with torch.no_grad():
        return model.base_model(**inputs).last_hidden_state


def bert():
    cases = []
    for act in ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu"):
        model = encoder(transformers.BertModel, transformers.BertConfig(**SIZES, hidden_act=act), 1)
        inputs = batch(2, 0, 2)
        cases.append(case(act, inputs, hidden(model, inputs), replaced={"config.json": {"hidden_act": act}}))
    # Without token types, as most callers ask.
    inputs["token_type_ids"] = torch.zeros_like(inputs["input_ids"])
    cases.append(case("one type", inputs, hidden(model, inputs), replaced={"config.json": {"hidden_act": "relu"}}))
    inputs["attention_mask"][1] = 0
    cases.append(case("a sentence of padding alone", inputs, hidden(model, inputs), replaced={"config.json": {"hidden_act": "relu"}}))
    save("bert", model, cases)


def bert_with_heads():
    config = transformers.BertConfig(**SIZES, type_vocab_size=1, hidden_act="gelu")
    model = encoder(transformers.BertForPreTraining, config, 3)
    inputs = batch(4, 0, 1)
    save("bert-heads", model, [case("heads", inputs, hidden(model, inputs))])


def half():
    model = encoder(transformers.BertModel, transformers.BertConfig(**SIZES), 5).half()
    where = save("bert-half", model, [])
    tensors = {
        k: v.bfloat16() if "encoder.layer.1" in k or "position" in k else v
        for k, v in load_file(where / "model.safetensors").items()
    }
    save_file(tensors, where / "model.safetensors", metadata={"format": "pt"})
    model = model.float()
    model.load_state_dict({k: v.float() for k, v in tensors.items()}, strict=True)
    inputs = batch(6, 0, 2)
    write(where / "cases.json", [case("in single precision", inputs, hidden(model, inputs))])


def distilbert():
    model = encoder(transformers.DistilBertForMaskedLM, transformers.DistilBertConfig(**DISTILBERT_SIZES), 7)
    inputs = batch(8, 0, 1)
    save("distilbert", model, [case("masked language model", inputs, hidden(model, inputs))])


def roberta(name, cls, config, seed, types):
    model = encoder(cls, config(**SIZES, type_vocab_size=types, pad_token_id=1), seed)
    inputs = batch(seed + 1, 1, types)
    cases = [case("padded", inputs, hidden(model, inputs))]
    inputs = {k: v.clone() for k, v in inputs.items()}
    inputs["input_ids"][0, 3] = 1  # padding that the mask does not leave out
    cases.append(case("padding between tokens", inputs, hidden(model, inputs)))
    save(name, model, cases)


def sentence():
    """A Transformer in a directory of its own, and each way to go on from it."""
    model = encoder(transformers.BertModel, transformers.BertConfig(**SIZES), 11)
    inputs = batch(12, 0, 2)
    inputs["attention_mask"][0, :2] = 0  # padding on the left
    tokens = hidden(model, inputs)
    where = save("sentence", model, [])
    (where / "0_Transformer").mkdir()
    for file in ("config.json", "model.safetensors"):
        (where / file).rename(where / "0_Transformer" / file)
    for made in ("3_Dense", "4_Dense"):
        (where / made).mkdir()
    dense = randomize(Dense(48, 16), 13)
    dense.save(str(where / "3_Dense"))
    plain = randomize(Dense(24, 8, bias=False, activation_function=torch.nn.Identity()), 14)
    plain.save(str(where / "4_Dense"))

    def entry(i, path, kind):
        return {"idx": i, "name": str(i), "path": path, "type": kind}

    old, new = "sentence_transformers.models.", "sentence_transformers.sentence_transformer.modules."
    first = entry(0, "0_Transformer", old + "Transformer")
    pooled = entry(1, "1_Pooling", old + "Pooling")
    normal = entry(2, "2_Normalize", old + "Normalize")
    projected = entry(2, "3_Dense", old + "Dense")
    projected_plainly = entry(2, "4_Dense", "sentence_transformers.base.modules.dense.Dense")

    def legacy(*modes):
        return {
            "word_embedding_dimension": 24,
            **{f"pooling_mode_{m}": m in modes for m in ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")},
        }

    cases = []
    for name, modules, config, *settings in (
        ("cls", [first, pooled], legacy("cls_token")),
        ("max", [first, pooled], legacy("max_tokens")),
        ("mean", [first, pooled], legacy("mean_tokens")),
        ("mean over the root", [first, pooled], legacy("mean_sqrt_len_tokens")),
        ("all, in the order of the reference", [first, pooled],
         legacy("mean_sqrt_len_tokens", "mean_tokens", "max_tokens", "cls_token")),
        ("a list, in its own order", [
            entry(0, "0_Transformer", "sentence_transformers.base.modules.transformer.Transformer"),
            entry(1, "1_Pooling", new + "pooling.Pooling"),
            entry(2, "2_Normalize", "sentence_transformers.base.modules.normalize.Normalize"),
        ], {"embedding_dimension": 24, "pooling_mode": ["mean", "cls"], "include_prompt": True}),
        ("normalized", [first, pooled, normal], legacy("mean_tokens")),
        ("dense", [first, pooled, projected, entry(3, "2_Normalize", old + "Normalize")], legacy("cls_token", "mean_tokens")),
        ("dense without bias", [first, pooled, projected_plainly], {"embedding_dimension": 24, "pooling_mode": "mean"}),
        ("no mode said", [first, pooled], {"word_embedding_dimension": 24}),
        ("the mean alone", [first, pooled], {"word_embedding_dimension": 24, "pooling_mode_mean_tokens": True}),
        ("another mode and no mean", [first, pooled],
         {"word_embedding_dimension": 24, "pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": True}),
        ("normalized and truncated", [first, pooled, normal], legacy("mean_tokens"), {"truncate_dim": 5}),
        ("truncated to more than there is", [first, pooled], legacy("mean_tokens"),
         {"truncate_dim": 25, "model_type": "SentenceTransformer", "prompts": {"query": "", "document": ""}, "default_prompt_name": None}),
        ("not truncated", [first, pooled], legacy("mean_tokens"), {"truncate_dim": None, "similarity_fn_name": "cosine"}),
    ):
        pooling = loaded(Pooling, config)
        features = {"token_embeddings": tokens, "attention_mask": inputs["attention_mask"]}
        for module in [pooling] + [{"2": Normalize(), "3": dense, "4": plain}[m["path"][0]] for m in modules[2:]]:
            features = module(features)
        files = {"modules.json": modules, "1_Pooling/config.json": config}
        output = features["sentence_embedding"]
        for s in settings:
            files["config_sentence_transformers.json"] = s
            output = truncate_embeddings(output, s["truncate_dim"])
        cases.append(case(name, inputs, output, files=files))
    cases += activations(dense, [first, pooled, projected], legacy("cls_token", "mean_tokens"), tokens, inputs)
    write(where / "cases.json", cases)
    write(where / "modules.json", [first, pooled, normal])
    write(where / "1_Pooling/config.json", legacy("mean_tokens"))
    write(where / "sentence_bert_config.json", {"max_seq_length": 16, "do_lower_case": False})


def loaded(kind, config):
    """The module of a config.json, read as sentence-transformers reads it."""
    with tempfile.TemporaryDirectory() as directory:
        write(pathlib.Path(directory) / "config.json", config)
        return kind.load(directory)


def activations(dense, modules, config, tokens, inputs):
    cases = []
    for activation in (torch.nn.GELU(), torch.nn.ReLU(), torch.nn.SiLU()):
        dense.activation_function = activation
        features = dense(loaded(Pooling, config)({"token_embeddings": tokens, "attention_mask": inputs["attention_mask"]}))
        files = {"modules.json": modules, "1_Pooling/config.json": config, "3_Dense/config.json": dense.get_config_dict()}
        cases.append(case(type(activation).__name__, inputs, features["sentence_embedding"], files=files))
    return cases


def minilm(directory):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(directory, device="cpu")
    cases = []
    for sentences in (["This is an example sentence", "Each sentence is converted"], [" ".join(["Weights are only bytes."] * 30)]):
        inputs = {k: v for k, v in model.tokenize(sentences).items() if k in ("input_ids", "attention_mask", "token_type_ids")}
        cases.append(case(sentences[0][:20], inputs, torch.tensor(model.encode(sentences))))
    write(HERE / "minilm.json", cases)


if len(sys.argv) == 3:
    minilm(sys.argv[2])
else:
    bert()
    bert_with_heads()
    half()
    distilbert()
    roberta("roberta", transformers.RobertaForMaskedLM, transformers.RobertaConfig, 21, 1)
    roberta("xlm-roberta", transformers.XLMRobertaModel, transformers.XLMRobertaConfig, 31, 2)
    roberta("camembert", transformers.CamembertForMaskedLM, transformers.CamembertConfig, 41, 1)
    sentence()
