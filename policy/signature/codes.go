package signature

import "github.com/weightgate/weightgate/formats"

// The codes that a bundle is refused with.
const (
	CodeSyntax    formats.Code = "signature.syntax"
	CodeLimits    formats.Code = "signature.limits"
	CodeType      formats.Code = "signature.type"
	CodeMethod    formats.Code = "signature.method"
	CodeHash      formats.Code = "signature.hash"
	CodeShardSize formats.Code = "signature.shard.size"
	CodeShardGap  formats.Code = "signature.shard.gap"
	CodeName      formats.Code = "signature.name"
	CodeNameTwice formats.Code = "signature.name.twice"
	CodeNameCase  formats.Code = "signature.name.case"
	CodeEmpty     formats.Code = "signature.empty"
	CodeRoot      formats.Code = "signature.root"
	CodeTrust     formats.Code = "signature.trust"
	CodeAlgorithm formats.Code = "signature.algorithm"
	CodeUntrusted formats.Code = "signature.untrusted"
	CodeInvalid   formats.Code = "signature.invalid"
	CodeExpired   formats.Code = "signature.expired"
	CodeEarly     formats.Code = "signature.early"
	CodeUsage     formats.Code = "signature.usage"
	CodeKeyless   formats.Code = "signature.keyless"
)

// The codes of a model that is not what was signed.
const (
	CodeFileMissing    formats.Code = "signature.file.missing"
	CodeFileExtra      formats.Code = "signature.file.extra"
	CodeFileIgnored    formats.Code = "signature.file.ignored"
	CodeFileEmpty      formats.Code = "signature.file.empty"
	CodeFileChanged    formats.Code = "signature.file.changed"
	CodeFileUnmeasured formats.Code = "signature.file.unmeasured"
)

var codes = formats.CodeTable{
	{Code: CodeSyntax, Severity: formats.Critical,
		Advice: "Ask the publisher for the bundle as it was signed: this one is no Sigstore bundle v0.3 over an in-toto statement v1."},
	{Code: CodeLimits, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Sign the model with fewer or larger shards: the bundle is larger than what is read."},
	{Code: CodeType, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Sign the model anew with model-signing 1.0 or later: bundles of other versions and types are not read."},
	{Code: CodeMethod, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Sign the model by files or by shards: what is signed by other methods cannot be measured."},
	{Code: CodeHash, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Sign the model with sha256: it is the only hash that is measured."},
	{Code: CodeShardSize, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Sign the model with shards of 1 MiB and more: smaller ones are not measured."},
	{Code: CodeShardGap, Severity: formats.Critical,
		Advice: "Do not load it: the signed shards of a file leave bytes out or overlap. Report it to the publisher."},
	{Code: CodeName, Severity: formats.Critical,
		Advice: "Do not load it: a signed name leaves the model's directory or hides what it says. Report it to the publisher."},
	{Code: CodeNameTwice, Severity: formats.Critical,
		Advice: "Do not load it: the statement signs one name twice. Report it to the publisher."},
	{Code: CodeNameCase, Severity: formats.High,
		Advice: "Rename one of the files and sign again: on file systems that ignore case they are the same."},
	{Code: CodeEmpty, Severity: formats.High,
		Advice: "Sign the model with its files: this signature covers none."},
	{Code: CodeRoot, Severity: formats.Critical,
		Advice: "Do not load it: the statement contradicts itself. Report it to the publisher."},
	{Code: CodeTrust, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Name the keys or the roots that may sign this model: this kind of bundle has none to be held against."},
	{Code: CodeAlgorithm, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Use an ECDSA key on P-256, P-384 or P-521, or an Ed25519 key."},
	{Code: CodeUntrusted, Severity: formats.Critical,
		Advice: "Find out who signed it. If they may, add their key or their root to what is trusted."},
	{Code: CodeInvalid, Severity: formats.Critical,
		Advice: "Do not load it: the signature is not over this statement, or not by this key. Fetch the bundle again from its publisher."},
	{Code: CodeExpired, Severity: formats.High,
		Advice: "Have the model signed again with a certificate that is valid now."},
	{Code: CodeEarly, Severity: formats.High,
		Advice: "Look at this machine's clock: a certificate of the chain is not valid yet."},
	{Code: CodeUsage, Severity: formats.High,
		Advice: "Sign with a certificate whose key usage is digitalSignature or whose extended key usage is codeSigning."},
	{Code: CodeKeyless, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Give the host a verifier for keyless signatures, or have the model signed with a key or a certificate."},
	{Code: CodeFileMissing, Severity: formats.High,
		Advice: "Restore the file, or have what is left signed: the signature is over the whole model."},
	{Code: CodeFileExtra, Severity: formats.High,
		Advice: "Remove the file, leave it out with files.only, or have it signed: nobody vouches for it."},
	{Code: CodeFileIgnored, Severity: formats.High,
		Advice: "Leave the file out with files.only: the signer left it unsigned on purpose."},
	{Code: CodeFileEmpty, Severity: formats.High,
		Advice: "Remove the file, or have the model signed by files: signatures over shards do not cover files of no bytes."},
	{Code: CodeFileChanged, Severity: formats.Critical,
		Advice: "Find out who changed the file, and fetch the model again from its publisher."},
	{Code: CodeFileUnmeasured, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Report it to whoever wrote the loader: the digest that the signature speaks of was not measured."},
}

// Codes lists the codes that this package raises.
func Codes() formats.CodeTable { return codes }

// An Error says why a bundle vouches for nothing, or why a statement is not
// signed. Its finding is what a report shows; its Offset counts bytes of the
// bundle, or of the statement within it where Detail begins with "statement".
type Error struct {
	formats.Finding
	Err error // the cause, if there is one
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Finding.String() + ": " + e.Err.Error()
	}
	return e.Finding.String()
}

func (e *Error) Unwrap() error { return e.Err }

func refuse(c formats.Code, detail string, args ...any) error {
	return &Error{Finding: codes.Finding(c, "", 0, detail, args...)}
}

func refuseFor(cause error, c formats.Code, detail string, args ...any) error {
	return &Error{Finding: codes.Finding(c, "", 0, detail, args...), Err: cause}
}
