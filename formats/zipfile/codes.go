package zipfile

import "github.com/weightgate/weightgate/formats"

// The codes that reading a zip file can raise.
const (
	CodeEnd       formats.Code = "zip.end"       // no end record, or two that a reader can choose from
	CodeZip64     formats.Code = "zip.zip64"     // the records of zip64 are absent, idle, or contradict the others
	CodeDirectory formats.Code = "zip.directory" // the central directory is not what the end record says
	CodePrefix    formats.Code = "zip.prefix"    // bytes before the first member
	CodeTrailing  formats.Code = "zip.trailing"  // bytes behind the end record
	CodeGap       formats.Code = "zip.gap"       // bytes between two records
	CodeOverlap   formats.Code = "zip.overlap"   // bytes that two members share
	CodeBounds    formats.Code = "zip.bounds"    // offsets or sizes that cannot be
	CodeMismatch  formats.Code = "zip.mismatch"  // header, directory and descriptor contradict each other
	CodeName      formats.Code = "zip.name"      // a name that can mean another place, or another name
	CodeDuplicate formats.Code = "zip.duplicate" // two members of one name
	CodeCase      formats.Code = "zip.case"      // two names that differ in case alone
	CodeKind      formats.Code = "zip.kind"      // neither a file nor a directory
	CodeFlags     formats.Code = "zip.flags"     // a flag that changes what the bytes mean
	CodeMethod    formats.Code = "zip.method"    // neither stored nor deflated
	CodeExtra     formats.Code = "zip.extra"     // an extra field that is broken or not known
	CodeEncrypted formats.Code = "zip.encrypted" // a member that cannot be read without a key
	CodeDeflate   formats.Code = "zip.deflate"   // deflated data that is broken, or of another length
	CodeCRC       formats.Code = "zip.crc"       // data that does not have its checksum
	CodeUnread    formats.Code = "zip.unread"    // members that nothing here reads
	CodeComment   formats.Code = "zip.comment"   // text that no reader needs
	CodeLimit     formats.Code = "zip.limit"     // more than the limits let us read
)

const (
	rewrite = "Save the model again with the library that reads it; PyTorch and NumPy do not write such files."
	suspect = "Do not use the file: readers of zip files disagree on what it holds. Get it again from a source you trust."
	again   = "Fetch the file again: it was probably cut short or damaged. If it stays like this, do not use it."
)

var codes = formats.CodeTable{
	{Code: CodeEnd, Class: formats.Denied, Severity: formats.Critical, Advice: again},
	{Code: CodeZip64, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeDirectory, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodePrefix, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeTrailing, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeGap, Class: formats.Denied, Severity: formats.High, Advice: rewrite},
	{Code: CodeOverlap, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeBounds, Class: formats.Denied, Severity: formats.Critical, Advice: again},
	{Code: CodeMismatch, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeName, Class: formats.Denied, Severity: formats.High, Advice: "Rename the member and pack the archive again; a model's members have plain relative names."},
	{Code: CodeDuplicate, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeCase, Class: formats.Denied, Severity: formats.High, Advice: "Rename one of the two members and pack the archive again."},
	{Code: CodeKind, Class: formats.Denied, Severity: formats.High, Advice: "Pack the archive again with plain files alone, without links and devices."},
	{Code: CodeFlags, Class: formats.Denied, Severity: formats.High, Advice: rewrite},
	{Code: CodeMethod, Class: formats.Denied, Severity: formats.High, Advice: "Pack the archive again with members that are stored or deflated."},
	{Code: CodeExtra, Class: formats.Denied, Severity: formats.High, Advice: rewrite},
	{Code: CodeEncrypted, Class: formats.Denied, Severity: formats.High, Advice: "Decrypt the archive and pack it again: what is encrypted cannot be inspected."},
	{Code: CodeDeflate, Class: formats.Denied, Severity: formats.Critical, Advice: again},
	{Code: CodeCRC, Class: formats.Denied, Severity: formats.Critical, Advice: again + " A PyTorch file that was saved with set_crc32_options(False) has no checksums: save it with them."},
	{Code: CodeUnread, Class: formats.Unverifiable, Severity: formats.High, Advice: "Unpack the archive and load what is in it: as it is, nobody has looked at its members."},
	{Code: CodeComment, Class: formats.Denied, Severity: formats.Low, Advice: "Look at the comment if you did not expect one; no reader of models needs it."},
	{Code: CodeLimit, Class: formats.Unverifiable, Severity: formats.High, Advice: "Raise MaxFiles (members), MaxHeader (the directory) or MaxInflate and MaxBytes (what members inflate to) if the file is meant to be this large."},
}
