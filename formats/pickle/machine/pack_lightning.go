package machine

// lightningPack is what checkpoints of PyTorch Lightning hold besides weights:
// hyper-parameters, often as those of OmegaConf, and the classes of callbacks.
const lightningPack = `weightgate.pack 1 lightning

new argparse.Namespace() -> object state dict
new pytorch_lightning.utilities.parsing.AttributeDict() -> dict state dict
new lightning_fabric.utilities.data.AttributeDict() -> dict state dict
new lightning.fabric.utilities.data.AttributeDict() -> dict state dict
pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint -> callback
pytorch_lightning.callbacks.early_stopping.EarlyStopping -> callback
lightning.pytorch.callbacks.model_checkpoint.ModelCheckpoint -> callback
lightning.pytorch.callbacks.early_stopping.EarlyStopping -> callback
pytorch_lightning.utilities.enums.{GradClipAlgorithmType,LightningEnum}(str) -> member

new omegaconf.dictconfig.DictConfig() -> object state dict
new omegaconf.listconfig.ListConfig() -> object state dict
new omegaconf.base.{ContainerMetadata,Metadata}() -> object state dict
new omegaconf.nodes.{AnyNode,StringNode,IntegerNode,FloatNode,BooleanNode,InterpolationNode}() -> object state dict
typing.Any -> type
builtins.{dict,list,int,float,str,bool} -> type

collections.defaultdict(type|none?) -> dict
builtins.set(list?) -> set
builtins.frozenset(list?) -> frozenset
_codecs.encode(str, "latin1"|"latin-1") -> bytes
torch.device(str, int?) -> device
`
