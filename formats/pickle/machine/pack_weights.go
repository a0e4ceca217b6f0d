package machine

// weightsPack is what PyTorch's weights_only unpickler knows (its
// torch/_weights_only_unpickler.py at 2.15, with storages and dtypes of all
// versions since 0.4). What cannot be converted is here all the same: it is
// refused by its name, and not because it is unknown.
const weightsPack = `weightgate.pack 1 weights

# Containers and plain values of Python.
collections.OrderedDict(list|dict?) -> odict state dict
collections.Counter(dict?) -> dict
_codecs.encode(str, "latin1"|"latin-1") -> bytes
builtins.bytes() -> bytes
builtins.bytearray() -> bytearray
builtins.bytearray(bytes) -> bytearray
builtins.bytearray(str, "latin1"|"latin-1") -> bytearray
builtins.set(list?) -> set
builtins.complex(float, float) -> complex

# Tensors.
torch._utils._rebuild_tensor(storage, int, ints, ints) -> tensor
torch._utils._rebuild_tensor_v2(storage, int, ints, ints, bool, odict|none, dict|none?) -> tensor
torch._utils._rebuild_tensor_v3(storage, int, ints, ints, bool, odict|none, dtype, dict|none?) -> tensor
torch._utils._rebuild_parameter(tensor|subclass|quantized|sparse|nested|meta|wrapper|foreign, bool, odict|none) -> parameter
torch._utils._rebuild_parameter_with_state(tensor|subclass|quantized|sparse|nested|meta|wrapper|foreign, bool, odict|none, dict|none) -> parameter
torch._tensor._rebuild_from_type_v2(global, torch.Tensor|torch.nn.parameter.Parameter, tuple, dict|none) -> subclass calls tensor|quantized|sparse|nested|meta|wrapper|foreign
torch.nn.parameter.Parameter(tensor, bool?) -> parameter
new torch.nn.parameter.Parameter(tensor, bool?) -> parameter
torch.Size(ints|list) -> ints
torch.device(str, int?) -> device
torch.Tensor -> tensor-class

# Tensors that have no place in a safetensors file.
torch._utils._rebuild_qtensor(storage, int, ints, ints, tuple, bool, odict|none) -> quantized
torch._utils._rebuild_{sparse_tensor,sparse_csr_tensor}(layout, tuple) -> sparse
torch._utils._rebuild_nested_tensor(tensor, tensor, tensor, tensor) -> nested
torch._utils._rebuild_meta_tensor_no_storage(dtype, ints, ints, bool) -> meta
torch._utils._rebuild_wrapper_subclass(global, dtype, ints, ints, int, layout, device, bool) -> wrapper
torch._utils._rebuild_{device_tensor_from_numpy,xla_tensor}(any, dtype, str, bool) -> foreign
torch._utils._rebuild_device_tensor_from_cpu_tensor(tensor, dtype, str, bool) -> foreign
torch.serialization._get_layout(str) -> layout

# Dtypes.
torch.{float64,float32,float16,bfloat16,int64,int32,int16,int8,uint8,bool} -> dtype
torch.{uint16,uint32,uint64,complex128,complex64,complex32,bcomplex32} -> dtype
torch.{float8_e4m3fn,float8_e4m3fnuz,float8_e5m2,float8_e5m2fnuz,float8_e8m0fnu,float4_e2m1fn_x2} -> dtype
torch.{qint8,qint32,quint8,quint4x2,quint2x4,bits8,bits16,bits1x8,bits2x4,bits4x2} -> dtype
torch.{uint1,uint2,uint3,uint4,uint5,uint6,uint7,int1,int2,int3,int4,int5,int6,int7} -> dtype

# Storages, which persistent ids name.
torch.{Double,Float,Half,BFloat16,Long,Int,Short,Char,Byte,Bool,ComplexFloat,ComplexDouble,QInt8,QUInt8,QInt32,QUInt4x2,QUInt2x4}Storage -> storage-class
torch.cuda.{Double,Float,Half,BFloat16,Long,Int,Short,Char,Byte,Bool,ComplexFloat,ComplexDouble}Storage -> storage-class
torch.storage.{UntypedStorage,TypedStorage} -> storage-class

# Classes of old tensors.
torch.{Double,Float,Half,BFloat16,Long,Int,Short,Char,Byte,Bool}Tensor -> tensor-class
torch.cuda.{Double,Float,Half,BFloat16,Long,Int,Short,Char,Byte,Bool}Tensor -> tensor-class
torch.sparse.{Double,Float,Half,BFloat16,Long,Int,Short,Char,Byte}Tensor -> tensor-class
torch.cuda.sparse.{Double,Float,Half,BFloat16,Long,Int,Short,Char,Byte}Tensor -> tensor-class

# Schemes of quantisation.
torch.{per_tensor_affine,per_tensor_symmetric,per_channel_affine,per_channel_symmetric,per_channel_affine_float_qparams} -> qscheme
`
