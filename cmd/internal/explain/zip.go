package explain

import "github.com/weightgate/weightgate/formats/zipfile"

var zipFiles = []entry{
	{zipfile.CodeEnd, "A zip file has no end record, or two that a reader can choose from.", conflicting},
	{zipfile.CodeZip64, "The records of a large zip file are absent, idle, or contradict the others.", conflicting},
	{zipfile.CodeDirectory, "A zip file's directory is not what its end record says.", conflicting},
	{zipfile.CodePrefix, "Bytes lie before the first member of a zip file.", hidden},
	{zipfile.CodeTrailing, "Bytes lie behind the end record of a zip file.", hidden},
	{zipfile.CodeGap, "Bytes lie between two records of a zip file.", hidden},
	{zipfile.CodeOverlap, "Two members of a zip file share bytes.", conflicting},
	{zipfile.CodeBounds, "Offsets or sizes in a zip file lead out of it.", malformed},
	{zipfile.CodeMismatch, "What a zip file says of a member in one place contradicts another place.", conflicting},
	{zipfile.CodeName, "A member's name leads out of the archive, or can be read in two ways.", escaping},
	{zipfile.CodeDuplicate, "Two members of a zip file have one name.", conflicting},
	{zipfile.CodeCase, "Two members of a zip file have names that differ in case alone.", folded},
	{zipfile.CodeKind, "A member of a zip file is neither a file nor a directory.", escaping},
	{zipfile.CodeFlags, "A member of a zip file has a flag that changes what its bytes mean.", conflicting},
	{zipfile.CodeMethod, "A member of a zip file is neither stored nor deflated.", unread},
	{zipfile.CodeExtra, "A member of a zip file has an extra field that is broken or not known.", malformed},
	{zipfile.CodeEncrypted, "A member of a zip file is encrypted.", unread},
	{zipfile.CodeDeflate, "Deflated data in a zip file is broken, or has another length than it says.", inflating},
	{zipfile.CodeCRC, "A member of a zip file does not have its checksum.", tampered},
	{zipfile.CodeUnread, "An archive holds members that nothing here reads.", unread},
	{zipfile.CodeComment, "A zip file has a comment.", hidden},
	{zipfile.CodeLimit, "A zip file has more than the limits let us read.", inflating},
}
