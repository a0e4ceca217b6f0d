package onnx

import "strings"

// A pack is a set of operators that nodes of one domain may use. A runtime has
// more than it lists: training, devices' own, and what opens files or libraries.
type pack struct {
	name   string           // of the pack, with its version
	newest int64            // version of the domain's operator set
	since  map[string]int64 // the version that introduced an operator
}

// packs by domain: the operators of onnx 1.23, and those of ONNX Runtime 1.30
// that exporters, quantisers and its own optimisers leave in models.
var packs = map[string]pack{
	"":              {"onnx/1", 28, since(operatorsONNX, operatorsBeside)},
	"ai.onnx.ml":    {"onnx/1", 5, since(operatorsML)},
	"com.microsoft": {"ort/1", 1, since(operatorsORT)},
}

// newestIR is the version of onnx.proto that schema is.
const newestIR = 14

func since(lists ...map[int64]string) map[string]int64 {
	index := map[string]int64{}
	for _, names := range lists {
		for version, list := range names {
			for name := range strings.FieldsSeq(list) {
				index[name] = version
			}
		}
	}
	return index
}

// operatorsONNX are those of ai.onnx by the version that introduced them.
var operatorsONNX = map[int64]string{
	1: `Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Clip Concat Constant Conv
		ConvTranspose DepthToSpace Div Dropout Elu Equal Exp Flatten Floor GRU Gather Gemm
		GlobalAveragePool GlobalLpPool GlobalMaxPool Greater HardSigmoid Hardmax Identity If
		InstanceNormalization LRN LSTM LeakyRelu Less Log LogSoftmax Loop LpNormalization LpPool MatMul
		Max MaxPool MaxRoiPool Mean Min Mul Neg Not Or PRelu Pad Pow RNN RandomNormal RandomNormalLike
		RandomUniform RandomUniformLike Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp
		ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Selu Shape
		Sigmoid Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh Tile
		TopK Transpose Unsqueeze Upsample Xor`,
	7: `Acos Asin Atan Cos Multinomial Sin Tan`,
	8: `Expand Scan`,
	9: `Acosh Asinh Atanh Compress ConstantOfShape Cosh Erf EyeLike IsNaN MaxUnpool
		MeanVarianceNormalization NonZero OneHot Scatter Shrink Sign Sinh TfIdfVectorizer Where`,
	10: `ConvInteger DequantizeLinear IsInf MatMulInteger Mod NonMaxSuppression QLinearConv QLinearMatMul
		QuantizeLinear Resize ReverseSequence RoiAlign StringNormalizer ThresholdedRelu`,
	11: `BitShift ConcatFromSequence CumSum Det DynamicQuantizeLinear GatherElements GatherND Range Round
		ScatterElements ScatterND SequenceAt SequenceConstruct SequenceEmpty SequenceErase
		SequenceInsert SequenceLength SplitToSequence Unique`,
	12: `Celu Einsum GreaterOrEqual LessOrEqual NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss`,
	14: `HardSwish Trilu`,
	15: `Bernoulli CastLike Optional OptionalGetElement OptionalHasElement`,
	16: `GridSample`,
	17: `BlackmanWindow DFT HammingWindow HannWindow LayerNormalization MelWeightMatrix STFT SequenceMap`,
	18: `BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CenterCropPad Col2Im GroupNormalization Mish`,
	19: `DeformConv`,
	20: `AffineGrid Gelu ImageDecoder RegexFullMatch StringConcat StringSplit`,
	23: `Attention RMSNormalization RotaryEmbedding`,
	24: `Swish TensorScatter`,
	26: `BitCast CumProd`,
	27: `CausalConvWithState LinearAttention`,
	28: `SwiGLU`,
}

// operatorsBeside are ONNX Runtime's own in the domain ai.onnx.
var operatorsBeside = map[int64]string{
	1: `SimplifiedLayerNormalization`,
}

// operatorsML are those of ai.onnx.ml. TreeEnsemble is missing on purpose: ONNX
// Runtime unfolds shared branches and sets, which a few bytes double at will.
var operatorsML = map[int64]string{
	1: `ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer Imputer
		LabelEncoder LinearClassifier LinearRegressor Normalizer OneHotEncoder SVMClassifier
		SVMRegressor Scaler TreeEnsembleClassifier TreeEnsembleRegressor ZipMap`,
}

// operatorsORT are those of com.microsoft. EPContext and Snpe are missing on
// purpose: they hold native code for a device.
var operatorsORT = map[int64]string{
	1: `Attention AttnLSTM BeamSearch BiasAdd BiasGelu BiasSoftmax BiasSplitGelu BifurcationDetector
		CDist CausalConvWithState ComplexMul ComplexMulConj ConvTransposeWithDynamicPads CropAndResize
		DecoderAttention DecoderMaskedMultiHeadAttention DecoderMaskedSelfAttention DequantizeLinear
		DynamicQuantizeLSTM DynamicQuantizeMatMul DynamicTimeWarping EmbedLayerNormalization ExpandDims
		FastGelu FusedConv FusedGemm FusedMatMul FusedMatMulActivation GatedRelativePositionBias
		GatherBlockQuantized GatherND Gelu GemmFastGelu GemmFloat8 GemmaRotaryEmbedding GreedySearch
		GridSample GroupNorm GroupQueryAttention Inverse Irfft LinearAttention LongformerAttention
		MatMulBnb4 MatMulFpQ4 MatMulInteger16 MatMulIntegerToFloat MatMulNBits MaxpoolWithMask MoE
		MulInteger MultiHeadAttention MurmurHash3 NGramRepeatBlock NhwcConv NhwcFusedConv NhwcMaxPool
		PackedAttention PackedMultiHeadAttention Pad PagedAttention QAttention QEmbedLayerNormalization
		QGemm QLinearAdd QLinearAveragePool QLinearConcat QLinearConv QLinearGlobalAveragePool
		QLinearLeakyRelu QLinearMul QLinearReduceMean QLinearSigmoid QLinearSoftmax QLinearWhere QMoE
		QOrderedAttention QOrderedGelu QOrderedLayerNormalization QOrderedLongformerAttention
		QOrderedMatMul QuantizeLinear QuickGelu Range ReduceSumInteger RelativePositionBias
		RemovePadding RestorePadding Rfft RotaryEmbedding SampleOp Sampling SkipGroupNorm
		SkipLayerNormalization SkipSimplifiedLayerNormalization SparseAttention SparseToDenseMatMul
		Tokenizer TorchEmbedding TransposeMatMul Trilu UnfoldTensor Unique WhisperBeamSearch
		WordConvEmbedding`,
}

// opsets are the versions that a model or a function imports, by domain. Those
// of domains that no pack knows do no harm as long as no node lies in them.
func (b *binder) opsets(imports []opset, at int64) map[string]int64 {
	versions := make(map[string]int64, len(imports))
	for _, o := range imports {
		p, known := packs[o.domain]
		if _, twice := versions[o.domain]; twice {
			b.fail(CodeOpset, at, "the domain %s is imported twice", quote(o.domain))
		}
		if known && (o.version < 1 || o.version > p.newest) {
			b.fail(CodeOpset, at, "version %d of the domain %s, known are 1 to %d", o.version, quote(o.domain), p.newest)
		}
		versions[o.domain] = o.version
	}
	return versions
}

// operator finds what a node computes: a function of the model or an operator
// of a pack, from a domain that is imported here.
func (b *binder) operator(n *node, s *scope) {
	version, imported := s.opsets[n.domain]
	n.calls = b.functions[functionID{n.domain, n.op, n.overload}]
	p, known := packs[n.domain]
	introduced, listed := p.since[n.op]
	switch {
	case n.op == "EPContext":
		b.fail(CodeEPContext, n.at, "%s brings a precompiled blob for a device", n)
	case n.calls == nil && !known:
		b.fail(CodeDomain, n.at, "%s lies in the domain %s", n, quote(n.domain))
	case !imported:
		b.fail(CodeUnimported, n.at, "%s lies in the domain %s, which is not imported", n, quote(n.domain))
	case n.calls != nil:
		if len(n.inputs) > len(n.calls.inputs) || len(n.outputs) > len(n.calls.outputs) {
			b.fail(CodeNode, n.at, "%s has more inputs or outputs than the function", n)
		}
		b.noGraphs(n.attributes)
	case !listed || introduced > version:
		b.fail(CodeOperator, n.at, "%s is no operator of %s version %d in the pack %s", n, quote(n.domain), version, p.name)
	case n.domain == "ai.onnx.ml" && (n.op == "TreeEnsembleClassifier" || n.op == "TreeEnsembleRegressor"):
		b.judgeTrees(n)
	}
}

// noGraphs refuses graphs as arguments of a function: their names would be
// resolved in one place, and they would run in others.
func (b *binder) noGraphs(arguments []*attribute) {
	for _, a := range arguments {
		if len(a.graphs) > 0 {
			b.fail(CodeAttribute, a.at, "the attribute %s gives a graph to a function", quote(a.name))
		}
	}
}
