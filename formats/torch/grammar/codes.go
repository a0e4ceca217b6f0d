package grammar

// What a checkpoint can have against it beside what the machine finds. The
// table that rates these codes is package torch's.
const (
	CodeRoot      = "torch.root"      // several places hold tensors, or the named one does not
	CodeRootNone  = "torch.root.none" // no dict holds tensors
	CodeModule    = "torch.module"    // a module, not its state
	CodeTensor    = "torch.tensor"    // a tensor that torch does not write like this
	CodeStorage   = "torch.storage"   // a persistent id that is no storage, or contradicts another
	CodeDType     = "torch.dtype"     // elements that safetensors has no type for
	CodeQuantized = "torch.quantized" // a quantized tensor
	CodeSparse    = "torch.sparse"    // a tensor in a sparse layout
	CodeMeta      = "torch.meta"      // a tensor without data
	CodeSubclass  = "torch.subclass"  // a tensor of a class of its own, or with objects for attributes
	CodeDevice    = "torch.device"    // a tensor in the form of a device
	CodeLegacy    = "torch.legacy"    // not the row of pickles that torch wrote before 1.6
)

// CodeTrailing is raised for bytes behind the pickle. It is rated in package
// pickle.
const CodeTrailing = "pickle.trailing"
