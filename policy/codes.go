package policy

import (
	"slices"

	"github.com/weightgate/weightgate/formats"
)

// The codes that rules raise. A finding of the model itself keeps its own.
const (
	CodeNoMatch          formats.Code = "policy.nomatch"
	CodePhase            formats.Code = "policy.phase"
	CodeSource           formats.Code = "source.denied"
	CodeSourceEmpty      formats.Code = "source.empty"
	CodeNameInvalid      formats.Code = "name.invalid"
	CodeNameControl      formats.Code = "name.control"
	CodeNameUnprintable  formats.Code = "name.unprintable"
	CodeNameCase         formats.Code = "name.case"
	CodeIrregular        formats.Code = "file.irregular"
	CodeHardLink         formats.Code = "file.hardlink"
	CodePinMissing       formats.Code = "pin.missing"
	CodePinChanged       formats.Code = "pin.changed"
	CodePinOther         formats.Code = "pin.other"
	CodePinInconsistent  formats.Code = "pin.inconsistent"
	CodeCompanionExtra   formats.Code = "companion.extra"
	CodeCompanionMissing formats.Code = "companion.missing"
	CodeFormatDenied     formats.Code = "format.denied"
	CodeFormatUnknown    formats.Code = "format.unknown"
	CodeConvertAbsent    formats.Code = "convert.absent"
	CodeConvertUnlisted  formats.Code = "convert.unlisted"
	CodeConvertSandbox   formats.Code = "convert.sandbox"
	CodeDerivedName      formats.Code = "derived.name"
	CodeDerivedUnpinned  formats.Code = "derived.unpinned"
	CodeDerivedChanged   formats.Code = "derived.changed"
	CodeDerivedMissing   formats.Code = "derived.missing"
	CodeDerivedExtra     formats.Code = "derived.extra"
	CodeLibraryMissing   formats.Code = "library.missing"
	CodeLibraryUnpinned  formats.Code = "library.unpinned"
	CodeLibraryChanged   formats.Code = "library.changed"
	CodeLibraryOther     formats.Code = "library.other"
	CodeSessionDevice    formats.Code = "session.device"
	CodeSessionFallback  formats.Code = "session.fallback"
)

var codes = slices.Concat(trustCodes, formats.CodeTable{
	{Code: CodeNoMatch, Severity: formats.Critical,
		Advice: "Add an entry for this name and kind of source to the policy, or call Load with a name that it has."},
	{Code: CodePhase, Severity: formats.Critical,
		Advice: "A rule was asked before its fact was measured, or the facts contradict each other: report it to whoever wrote the loader."},
	{Code: CodeSource, Severity: formats.High,
		Advice: "Load from a source that the policy names for this model, or add this one to it."},
	{Code: CodeSourceEmpty, Severity: formats.High,
		Advice: "Look at the path and at files.only: nothing is there to be loaded."},
	{Code: CodeNameInvalid, Severity: formats.Critical,
		Advice: "Rename the file: names are relative, slash-separated, and each occurs once."},
	{Code: CodeNameControl, Severity: formats.Critical,
		Advice: "Do not load it: the name hides what it says. Ask its publisher for a clean one."},
	{Code: CodeNameUnprintable, Severity: formats.Low,
		Advice: "Compare the name character by character: letters beyond ASCII can look like others."},
	{Code: CodeNameCase, Severity: formats.High,
		Advice: "Rename one of the files: on file systems that ignore case they are the same."},
	{Code: CodeIrregular, Severity: formats.Critical,
		Advice: "Replace links, pipes and devices by regular files, or leave them out with files.only."},
	{Code: CodeHardLink, Severity: formats.Medium,
		Advice: "Pin the model, or copy the file: under its other name it can be changed from elsewhere."},
	{Code: CodePinMissing, Severity: formats.High,
		Advice: "Review the model, then run weightgate pin under this name and commit the lock."},
	{Code: CodePinChanged, Severity: formats.Critical,
		Advice: "Find out who changed the file. If it was meant, review it and run weightgate pin --update."},
	{Code: CodePinOther, Severity: formats.Critical,
		Advice: "Put the right model into this place: this one is approved under another name only."},
	{Code: CodePinInconsistent, Severity: formats.Critical,
		Advice: "The lock's two digests of the file contradict each other: restore the lock from its history, then pin again."},
	{Code: CodeCompanionExtra, Severity: formats.High,
		Advice: "Remove the file, leave it out with files.only, or review it and run weightgate pin --update."},
	{Code: CodeCompanionMissing, Severity: formats.High,
		Advice: "Restore the file, or take it out of companions and pin again."},
	{Code: CodeFormatDenied, Severity: formats.High,
		Advice: "Publish the model in a format that the policy lists, leave the file out with files.only, or add the format."},
	{Code: CodeFormatUnknown, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Find out what it is. If the model needs it, name it under companions in the policy and pin it; else leave it out with files.only."},
	{Code: CodeConvertAbsent, Severity: formats.High,
		Advice: "Give the policy's entry a convert rule, leave the file out with files.only, or publish the weights as safetensors."},
	{Code: CodeConvertUnlisted, Severity: formats.High,
		Advice: "Review what the pack lets pickles name and call, then add it to convert.packs, or use a converter without it."},
	{Code: CodeConvertSandbox, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Run the host where the walls that convert.sandbox asks for can be had, or lower it: the report names those refused."},
	{Code: CodeDerivedName, Severity: formats.High,
		Advice: "Leave one of the two files out with files.only: what a checkpoint is converted into needs a name of its own."},
	{Code: CodeDerivedUnpinned, Severity: formats.High,
		Advice: "Run weightgate pin, which converts too and pins what comes of it, or say unpinned: true under convert."},
	{Code: CodeDerivedChanged, Severity: formats.Critical,
		Advice: "If the converter or the convert rule was changed, review that and run weightgate pin --update; else report it."},
	{Code: CodeDerivedMissing, Severity: formats.High,
		Advice: "Restore the convert rule and the host's converter, or review what changed and run weightgate pin --update."},
	{Code: CodeDerivedExtra, Severity: formats.High,
		Advice: "Find out why a file is converted that was not when the model was pinned, then run weightgate pin --update."},
	{Code: CodeLibraryMissing, Severity: formats.High,
		Advice: "Say libraries: pinned in the policy, pin the runtime with weightgate pin --library, and name its file."},
	{Code: CodeLibraryUnpinned, Severity: formats.High,
		Advice: "Review where the library comes from, then pin it with weightgate pin --library under the name it is loaded by."},
	{Code: CodeLibraryChanged, Severity: formats.Critical,
		Advice: "Find out who changed the library. If it was an update, review it and pin it with weightgate pin --library."},
	{Code: CodeLibraryOther, Severity: formats.High,
		Advice: "Use one runtime in a process: this one has opened another, and cannot open a second beside it."},
	{Code: CodeSessionDevice, Severity: formats.High,
		Advice: "Ask for a device that the policy's session names, or add this one to it."},
	{Code: CodeSessionFallback, Severity: formats.High,
		Advice: "Use a runtime that has these operators for the device, or name them under session.cpu_nodes."},
})

// Codes lists the codes that the rules of this package raise.
func Codes() formats.CodeTable { return codes }
