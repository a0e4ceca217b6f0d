package npy

import "github.com/weightgate/weightgate/formats"

// The codes that reading an array can raise, in a file of its own or in an
// archive.
const (
	CodeHeader    formats.Code = "npy.header"    // not the header that the format prescribes
	CodeObject    formats.Code = "npy.object"    // Python objects: a pickle, not numbers
	CodeDType     formats.Code = "npy.dtype"     // not an element type that a tensor has
	CodeByteOrder formats.Code = "npy.byteorder" // not little-endian
	CodeFortran   formats.Code = "npy.fortran"   // column-major
	CodeLength    formats.Code = "npy.length"    // shape and dtype contradict the bytes that are there
	CodeLimit     formats.Code = "npy.limit"     // more than the limits let us read
)

// The codes that reading an archive can raise beside those of zipfile and of
// its arrays.
const (
	CodeMember    formats.Code = "npz.member"    // a member that is no array
	CodeDuplicate formats.Code = "npz.duplicate" // two arrays that NumPy knows by one name
	CodeDeflated  formats.Code = "npz.deflated"  // arrays that have to be inflated to be used
)

var codes = formats.CodeTable{
	{Code: CodeHeader, Class: formats.Denied, Severity: formats.High, Advice: "Save the array again with numpy.save; a file that it wrote does not look like this."},
	{Code: CodeObject, Class: formats.Denied, Severity: formats.Critical, Advice: "Do not use the file: it runs code where it is loaded. Save arrays of numbers, with allow_pickle=False."},
	{Code: CodeDType, Class: formats.Denied, Severity: formats.High, Advice: "Convert the array to booleans, integers, floats or complex numbers and save it again; save the fields of records one by one."},
	{Code: CodeByteOrder, Class: formats.Denied, Severity: formats.High, Advice: "Convert the array to little-endian, as by a.astype(a.dtype.newbyteorder('<')), and save it again."},
	{Code: CodeFortran, Class: formats.Denied, Severity: formats.High, Advice: "Convert the array with numpy.ascontiguousarray and save it again."},
	{Code: CodeLength, Class: formats.Denied, Severity: formats.Critical, Advice: "Fetch the file again: it was probably cut short or damaged. If it stays like this, do not use it."},
	{Code: CodeLimit, Class: formats.Unverifiable, Severity: formats.High, Advice: "Raise MaxHeader or MaxTensors if the model is meant to be this large; the header and dimensions have fixed limits."},
}

var archiveCodes = formats.CodeTable{
	{Code: CodeMember, Class: formats.Denied, Severity: formats.High, Advice: "Save the arrays alone with numpy.savez; NumPy gives other members to its caller as they are."},
	{Code: CodeDuplicate, Class: formats.Denied, Severity: formats.High, Advice: "Rename one of the two arrays and save them again: where the one is asked for, NumPy gives the other."},
	{Code: CodeDeflated, Class: formats.Denied, Severity: formats.Info, Advice: "Save the arrays with numpy.savez instead of numpy.savez_compressed to use them where they lie."},
}
