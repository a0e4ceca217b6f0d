package onnx

// kind is the type of a field in onnx.proto.
type kind uint8

const (
	int64Kind   kind = iota // varint
	int32Kind               // varint of the sign extension to 64 bits
	enumKind                // varint, never negative
	uint64Kind              // varint
	floatKind               // 4 bytes
	doubleKind              // 8 bytes
	stringKind              // UTF-8
	bytesKind               //
	messageKind             //
)

// A message is a message type of onnx.proto: its fields by ascending number.
type message struct {
	name   string
	fields []fieldType
}

// A fieldType is one field of a message.
type fieldType struct {
	number   int
	name     string
	kind     kind
	repeated bool
	oneof    bool   // of these, a message holds at most one
	of       string // the message, of a messageKind
}

// byNumber finds a field; it is false for a number that the message has not.
func (m *message) byNumber(number uint64) (*fieldType, bool) {
	for i := range m.fields {
		if uint64(m.fields[i].number) == number {
			return &m.fields[i], true
		}
	}
	return nil, false
}

// byName finds a field that our own code names: a miss is a mistake in it.
func (m *message) byName(name string) *fieldType {
	for i := range m.fields {
		if m.fields[i].name == name {
			return &m.fields[i]
		}
	}
	panic("onnx: " + m.name + " has no field " + name)
}

func one(number int, name string, k kind) fieldType {
	return fieldType{number: number, name: name, kind: k}
}

func many(number int, name string, k kind) fieldType {
	return fieldType{number: number, name: name, kind: k, repeated: true}
}

func oneof(number int, name string, k kind) fieldType {
	return fieldType{number: number, name: name, kind: k, oneof: true}
}

func (f fieldType) is(message string) fieldType {
	f.of = message
	return f
}

// schema is onnx.proto as of onnx 1.23, IR version 14. A field that does not
// stand here is refused: nobody knows what a later runtime makes of it.
var schema = indexed(
	message{"ModelProto", []fieldType{
		one(1, "ir_version", int64Kind),
		one(2, "producer_name", stringKind),
		one(3, "producer_version", stringKind),
		one(4, "domain", stringKind),
		one(5, "model_version", int64Kind),
		one(6, "doc_string", stringKind),
		one(7, "graph", messageKind).is("GraphProto"),
		many(8, "opset_import", messageKind).is("OperatorSetIdProto"),
		many(14, "metadata_props", messageKind).is("StringStringEntryProto"),
		many(20, "training_info", messageKind).is("TrainingInfoProto"),
		many(25, "functions", messageKind).is("FunctionProto"),
		many(26, "configuration", messageKind).is("DeviceConfigurationProto"),
	}},
	message{"GraphProto", []fieldType{
		many(1, "node", messageKind).is("NodeProto"),
		one(2, "name", stringKind),
		many(5, "initializer", messageKind).is("TensorProto"),
		one(10, "doc_string", stringKind),
		many(11, "input", messageKind).is("ValueInfoProto"),
		many(12, "output", messageKind).is("ValueInfoProto"),
		many(13, "value_info", messageKind).is("ValueInfoProto"),
		many(14, "quantization_annotation", messageKind).is("TensorAnnotation"),
		many(15, "sparse_initializer", messageKind).is("SparseTensorProto"),
		many(16, "metadata_props", messageKind).is("StringStringEntryProto"),
	}},
	message{"NodeProto", []fieldType{
		many(1, "input", stringKind),
		many(2, "output", stringKind),
		one(3, "name", stringKind),
		one(4, "op_type", stringKind),
		many(5, "attribute", messageKind).is("AttributeProto"),
		one(6, "doc_string", stringKind),
		one(7, "domain", stringKind),
		one(8, "overload", stringKind),
		many(9, "metadata_props", messageKind).is("StringStringEntryProto"),
		many(10, "device_configurations", messageKind).is("NodeDeviceConfigurationProto"),
	}},
	message{"AttributeProto", []fieldType{
		one(1, "name", stringKind),
		one(2, "f", floatKind),
		one(3, "i", int64Kind),
		one(4, "s", bytesKind),
		one(5, "t", messageKind).is("TensorProto"),
		one(6, "g", messageKind).is("GraphProto"),
		many(7, "floats", floatKind),
		many(8, "ints", int64Kind),
		many(9, "strings", bytesKind),
		many(10, "tensors", messageKind).is("TensorProto"),
		many(11, "graphs", messageKind).is("GraphProto"),
		one(13, "doc_string", stringKind),
		one(14, "tp", messageKind).is("TypeProto"),
		many(15, "type_protos", messageKind).is("TypeProto"),
		one(20, "type", enumKind),
		one(21, "ref_attr_name", stringKind),
		one(22, "sparse_tensor", messageKind).is("SparseTensorProto"),
		many(23, "sparse_tensors", messageKind).is("SparseTensorProto"),
	}},
	message{"TensorProto", []fieldType{
		many(1, "dims", int64Kind),
		one(2, "data_type", int32Kind),
		one(3, "segment", messageKind).is("TensorProto.Segment"),
		many(4, "float_data", floatKind),
		many(5, "int32_data", int32Kind),
		many(6, "string_data", bytesKind),
		many(7, "int64_data", int64Kind),
		one(8, "name", stringKind),
		one(9, "raw_data", bytesKind),
		many(10, "double_data", doubleKind),
		many(11, "uint64_data", uint64Kind),
		one(12, "doc_string", stringKind),
		many(13, "external_data", messageKind).is("StringStringEntryProto"),
		one(14, "data_location", enumKind),
		many(16, "metadata_props", messageKind).is("StringStringEntryProto"),
	}},
	message{"TensorProto.Segment", []fieldType{
		one(1, "begin", int64Kind),
		one(2, "end", int64Kind),
	}},
	message{"SparseTensorProto", []fieldType{
		one(1, "values", messageKind).is("TensorProto"),
		one(2, "indices", messageKind).is("TensorProto"),
		many(3, "dims", int64Kind),
	}},
	message{"ValueInfoProto", []fieldType{
		one(1, "name", stringKind),
		one(2, "type", messageKind).is("TypeProto"),
		one(3, "doc_string", stringKind),
		many(4, "metadata_props", messageKind).is("StringStringEntryProto"),
	}},
	message{"TypeProto", []fieldType{
		oneof(1, "tensor_type", messageKind).is("TypeProto.Tensor"),
		oneof(4, "sequence_type", messageKind).is("TypeProto.Sequence"),
		oneof(5, "map_type", messageKind).is("TypeProto.Map"),
		one(6, "denotation", stringKind),
		oneof(7, "opaque_type", messageKind).is("TypeProto.Opaque"),
		oneof(8, "sparse_tensor_type", messageKind).is("TypeProto.SparseTensor"),
		oneof(9, "optional_type", messageKind).is("TypeProto.Optional"),
	}},
	message{"TypeProto.Tensor", []fieldType{
		one(1, "elem_type", int32Kind),
		one(2, "shape", messageKind).is("TensorShapeProto"),
	}},
	message{"TypeProto.Sequence", []fieldType{
		one(1, "elem_type", messageKind).is("TypeProto"),
	}},
	message{"TypeProto.Map", []fieldType{
		one(1, "key_type", int32Kind),
		one(2, "value_type", messageKind).is("TypeProto"),
	}},
	message{"TypeProto.Optional", []fieldType{
		one(1, "elem_type", messageKind).is("TypeProto"),
	}},
	message{"TypeProto.SparseTensor", []fieldType{
		one(1, "elem_type", int32Kind),
		one(2, "shape", messageKind).is("TensorShapeProto"),
	}},
	message{"TypeProto.Opaque", []fieldType{
		one(1, "domain", stringKind),
		one(2, "name", stringKind),
	}},
	message{"TensorShapeProto", []fieldType{
		many(1, "dim", messageKind).is("TensorShapeProto.Dimension"),
	}},
	message{"TensorShapeProto.Dimension", []fieldType{
		oneof(1, "dim_value", int64Kind),
		oneof(2, "dim_param", stringKind),
		one(3, "denotation", stringKind),
	}},
	message{"FunctionProto", []fieldType{
		one(1, "name", stringKind),
		many(4, "input", stringKind),
		many(5, "output", stringKind),
		many(6, "attribute", stringKind),
		many(7, "node", messageKind).is("NodeProto"),
		one(8, "doc_string", stringKind),
		many(9, "opset_import", messageKind).is("OperatorSetIdProto"),
		one(10, "domain", stringKind),
		many(11, "attribute_proto", messageKind).is("AttributeProto"),
		many(12, "value_info", messageKind).is("ValueInfoProto"),
		one(13, "overload", stringKind),
		many(14, "metadata_props", messageKind).is("StringStringEntryProto"),
	}},
	message{"OperatorSetIdProto", []fieldType{
		one(1, "domain", stringKind),
		one(2, "version", int64Kind),
	}},
	message{"StringStringEntryProto", []fieldType{
		one(1, "key", stringKind),
		one(2, "value", stringKind),
	}},
	message{"IntIntListEntryProto", []fieldType{
		one(1, "key", int64Kind),
		many(2, "value", int64Kind),
	}},
	message{"NodeDeviceConfigurationProto", []fieldType{
		one(1, "configuration_id", stringKind),
		many(2, "sharding_spec", messageKind).is("ShardingSpecProto"),
		one(3, "pipeline_stage", int32Kind),
	}},
	message{"ShardingSpecProto", []fieldType{
		one(1, "tensor_name", stringKind),
		many(2, "device", int64Kind),
		many(3, "index_to_device_group_map", messageKind).is("IntIntListEntryProto"),
		many(4, "sharded_dim", messageKind).is("ShardedDimProto"),
	}},
	message{"ShardedDimProto", []fieldType{
		one(1, "axis", int64Kind),
		many(2, "simple_sharding", messageKind).is("SimpleShardedDimProto"),
	}},
	message{"SimpleShardedDimProto", []fieldType{
		oneof(1, "dim_value", int64Kind),
		oneof(2, "dim_param", stringKind),
		one(3, "num_shards", int64Kind),
	}},
	message{"TrainingInfoProto", []fieldType{
		one(1, "initialization", messageKind).is("GraphProto"),
		one(2, "algorithm", messageKind).is("GraphProto"),
		many(3, "initialization_binding", messageKind).is("StringStringEntryProto"),
		many(4, "update_binding", messageKind).is("StringStringEntryProto"),
	}},
	message{"DeviceConfigurationProto", []fieldType{
		one(1, "name", stringKind),
		one(2, "num_devices", int32Kind),
		many(3, "device", stringKind),
	}},
	message{"TensorAnnotation", []fieldType{
		one(1, "tensor_name", stringKind),
		many(2, "quant_parameter_tensor_names", messageKind).is("StringStringEntryProto"),
	}},
)

func indexed(messages ...message) map[string]*message {
	index := make(map[string]*message, len(messages))
	for i, m := range messages {
		index[m.name] = &messages[i]
	}
	return index
}
