package machine

// trainingArgsPack is what training_args.bin of the transformers library holds:
// settings, and no tensors.
const trainingArgsPack = `weightgate.pack 1 training-args

new transformers.training_args.TrainingArguments() -> object state dict
new transformers.training_args_seq2seq.Seq2SeqTrainingArguments() -> object state dict
new transformers.trainer_pt_utils.AcceleratorConfig() -> object state dict
new accelerate.state.{PartialState,AcceleratorState,GradientState}() -> object state dict
new argparse.Namespace() -> object state dict

transformers.training_args.{OptimizerNames,ParallelMode}(str) -> member
transformers.trainer_utils.{SchedulerType,IntervalStrategy,SaveStrategy,EvaluationStrategy,HubStrategy,FSDPOption,ShardedDDPOption}(str) -> member
transformers.debug_utils.DebugOption(str) -> member
accelerate.utils.dataclasses.{DistributedType,DynamoBackend}(str) -> member
accelerate.state.DistributedType(str) -> member

torch.device(str, int?) -> device
torch.{float64,float32,float16,bfloat16} -> dtype
datetime.timedelta(int, int, int) -> duration
builtins.set(list?) -> set
builtins.frozenset(list?) -> frozenset
`
