package policy

import "github.com/weightgate/weightgate/formats"

// The codes that the rules about what others say raise. Those of bundles and
// statements that say nothing are in the packages that read them.
const (
	CodeSignatureMissing    formats.Code = "signature.missing"
	CodeSignatureUnread     formats.Code = "signature.unread"
	CodeSignatureUnbound    formats.Code = "signature.unbound"
	CodeSignatureSubject    formats.Code = "signature.subject"
	CodeSignatureMeasure    formats.Code = "signature.measure"
	CodeSignatureFew        formats.Code = "signature.few"
	CodeApprovalMissing     formats.Code = "approval.missing"
	CodeApprovalUnread      formats.Code = "approval.unread"
	CodeApprovalRole        formats.Code = "approval.role"
	CodeApprovalOther       formats.Code = "approval.other"
	CodeApprovalName        formats.Code = "approval.name"
	CodeApprovalEnvironment formats.Code = "approval.environment"
	CodeApprovalEarly       formats.Code = "approval.early"
	CodeApprovalExpired     formats.Code = "approval.expired"
	CodeReleaseMissing      formats.Code = "release.missing"
	CodeReleaseOlder        formats.Code = "release.older"
	CodeReleaseRollback     formats.Code = "release.rollback"
	CodeRevocationMissing   formats.Code = "revocation.missing"
	CodeRevocationUnread    formats.Code = "revocation.unread"
	CodeRevocationStale     formats.Code = "revocation.stale"
	CodeRevocationEarly     formats.Code = "revocation.early"
	CodeRevocationOlder     formats.Code = "revocation.older"
	CodeRevocationRollback  formats.Code = "revocation.rollback"
	CodeRevokedFile         formats.Code = "revocation.file"
	CodeRevokedIdentity     formats.Code = "revocation.identity"
	CodeRevokedSigner       formats.Code = "revocation.signer"
	CodeProvenanceMissing   formats.Code = "provenance.missing"
	CodeProvenanceUnread    formats.Code = "provenance.unread"
	CodeProvenanceBuilder   formats.Code = "provenance.builder"
	CodeProvenanceUncovered formats.Code = "provenance.uncovered"
	CodeProvenanceMaterial  formats.Code = "provenance.material"
)

var trustCodes = formats.CodeTable{
	{Code: CodeSignatureMissing, Severity: formats.High,
		Advice: "Put the bundle where the policy's signatures.bundles name it, or have the model signed with weightgate sign."},
	{Code: CodeSignatureUnread, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Look at the bundle's path, size and permissions: it could not be read."},
	{Code: CodeSignatureUnbound, Severity: formats.High,
		Advice: "Pin the model, ask for approvals, name the signed subject under signatures.subject, or say any_model_of_signer: true if any model of the signer may be loaded under this name."},
	{Code: CodeSignatureSubject, Severity: formats.High,
		Advice: "Load the model that the policy names under signatures.subject: this bundle was made for another."},
	{Code: CodeSignatureMeasure, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Say under signatures.shards in the policy how the model is signed: it fixes what is measured before the first byte."},
	{Code: CodeSignatureFew, Severity: formats.High,
		Advice: "Have more of the policy's signers sign the model: each counts once, whatever number of bundles or keys."},
	{Code: CodeApprovalMissing, Severity: formats.High,
		Advice: "Have people whom the policy names for the role approve the model with weightgate approve: each counts once, in one role."},
	{Code: CodeApprovalUnread, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Look at the approval's path, size and permissions: it could not be read."},
	{Code: CodeApprovalRole, Severity: formats.High,
		Advice: "Have somebody approve whom the policy names for the role, or add the signer to the role."},
	{Code: CodeApprovalOther, Severity: formats.High,
		Advice: "Have this model approved: the approval is for other content."},
	{Code: CodeApprovalName, Severity: formats.High,
		Advice: "Load the model under the name that was approved, or have it approved for this one."},
	{Code: CodeApprovalEnvironment, Severity: formats.High,
		Advice: "Have the model approved for this environment."},
	{Code: CodeApprovalEarly, Severity: formats.High,
		Advice: "Look at this machine's clock, and at that of whoever approved: the approval is of the future."},
	{Code: CodeApprovalExpired, Severity: formats.High,
		Advice: "Have the model approved again."},
	{Code: CodeReleaseMissing, Severity: formats.High,
		Advice: "Have the model approved with a release number: weightgate approve --release N."},
	{Code: CodeReleaseOlder, Severity: formats.Critical,
		Advice: "Load a release that the policy still takes."},
	{Code: CodeReleaseRollback, Severity: formats.Critical,
		Advice: "Find out who put an older release in the place of a newer one."},
	{Code: CodeRevocationMissing, Severity: formats.High,
		Advice: "Put the list where the policy's revocation.list names it, beside the policy."},
	{Code: CodeRevocationUnread, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Look at the list's path, size and permissions: it could not be read."},
	{Code: CodeRevocationStale, Severity: formats.High,
		Advice: "Fetch the current list: this one is older than the policy's revocation.max_age."},
	{Code: CodeRevocationEarly, Severity: formats.High,
		Advice: "Look at this machine's clock, and at that of whoever signs the list: it is of the future."},
	{Code: CodeRevocationOlder, Severity: formats.Critical,
		Advice: "Fetch the current list: the policy's revocation.min_version is beyond this one."},
	{Code: CodeRevocationRollback, Severity: formats.Critical,
		Advice: "Find out who put an older list in the place of a newer one."},
	{Code: CodeRevokedFile, Severity: formats.Critical,
		Advice: "Do not load it: this content was revoked. Ask who publishes the list what to load instead."},
	{Code: CodeRevokedIdentity, Severity: formats.Critical,
		Advice: "Do not load it: this model was revoked. Ask who publishes the list what to load instead."},
	{Code: CodeRevokedSigner, Severity: formats.Critical,
		Advice: "Have the document signed by somebody else: this key or certificate was revoked."},
	{Code: CodeProvenanceMissing, Severity: formats.High,
		Advice: "Put the attestation where the policy's provenance.documents name it."},
	{Code: CodeProvenanceUnread, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Look at the attestation's path, size and permissions: it could not be read."},
	{Code: CodeProvenanceBuilder, Severity: formats.High,
		Advice: "Build the weights with a builder that the policy takes, or add this one to provenance.builders."},
	{Code: CodeProvenanceUncovered, Severity: formats.High,
		Advice: "Have the builder attest this file, or the conversion that made it."},
	{Code: CodeProvenanceMaterial, Severity: formats.High,
		Advice: "Have the builder name what it used under resolvedDependencies, or take it out of provenance.materials."},
}
