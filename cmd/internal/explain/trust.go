package explain

import (
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

// vouching are the codes of what others say of a model: signatures, approvals,
// attestations, and lists of what was revoked.
var vouching = []entry{
	{signature.CodeSyntax, "A bundle or its statement is not the JSON that the format prescribes.", malformed},
	{signature.CodeLimits, "A bundle has more than is read.", exhausting},
	{signature.CodeType, "A bundle, its payload or its statement is of another type or version.", unread},
	{signature.CodeMethod, "A model is signed by a method that is not measured.", unread},
	{signature.CodeHash, "A model is signed with a hash that is not measured.", unread},
	{signature.CodeShardSize, "A model is signed by shards of a size that is not measured.", unread},
	{signature.CodeShardGap, "The signed shards of a file leave bytes out, or overlap.", hidden},
	{signature.CodeName, "A signed name leads out of the model, or hides what it says.", escaping},
	{signature.CodeNameTwice, "A statement signs one name twice.", conflicting},
	{signature.CodeNameCase, "Two signed names differ in case alone.", folded},
	{signature.CodeEmpty, "A signature covers no file.", unproven},
	{signature.CodeRoot, "The digest of a statement's subject is not that of its resources.", conflicting},
	{signature.CodeTrust, "The policy has nothing that this kind of bundle could be held against.", unproven},
	{signature.CodeAlgorithm, "A key is of an algorithm that is not verified.", unread},
	{signature.CodeUntrusted, "Whoever signed is nobody whom the policy names.", unauthorised},
	{signature.CodeInvalid, "A signature is not over what it comes with, or by another key.", tampered},
	{signature.CodeExpired, "A certificate of the signer's chain has expired.", unproven},
	{signature.CodeEarly, "A certificate of the signer's chain is not valid yet.", unproven},
	{signature.CodeUsage, "The signer's certificate was not made for signing.", unauthorised},
	{signature.CodeKeyless, "A bundle is signed without a lasting key, and the host has no verifier for that.", unread},
	{signature.CodeFileMissing, "A signed file is not there.", incomplete},
	{signature.CodeFileExtra, "A file of the model is not signed.", unreviewed},
	{signature.CodeFileIgnored, "A file of the model was left unsigned by its signer.", unreviewed},
	{signature.CodeFileEmpty, "A file has no bytes, and a signature over shards does not cover it.", unreviewed},
	{signature.CodeFileChanged, "A file is not the one that was signed.", tampered},
	{signature.CodeFileUnmeasured, "A digest that the signature is over was not measured.", failing},

	{policy.CodeSignatureMissing, "The policy asks for a signature, and no bundle is there.", unproven},
	{policy.CodeSignatureUnread, "A bundle could not be read.", unread},
	{policy.CodeSignatureUnbound, "The model is signed, and nothing says that it is the one of this name.", unreviewed},
	{policy.CodeSignatureSubject, "The model was signed under another name than the policy has.", unreviewed},
	{policy.CodeSignatureMeasure, "The model is signed in another way than the policy has measured.", unread},
	{policy.CodeSignatureFew, "Fewer people or machines signed the model than the policy asks for.", unproven},

	{policy.CodeApprovalMissing, "Fewer people approved the model in a role than the policy asks for.", unreviewed},
	{policy.CodeApprovalUnread, "An approval could not be read.", unread},
	{policy.CodeApprovalRole, "Whoever approved the model may not do so in this role.", unauthorised},
	{policy.CodeApprovalOther, "An approval is for other content.", tampered},
	{policy.CodeApprovalName, "An approval is for another name.", unauthorised},
	{policy.CodeApprovalEnvironment, "An approval is for another environment.", unauthorised},
	{policy.CodeApprovalEarly, "An approval is of the future.", unproven},
	{policy.CodeApprovalExpired, "An approval has ended, or is older than the policy takes.", unreviewed},

	{policy.CodeReleaseMissing, "No approval that counts says which release the model is.", unreviewed},
	{policy.CodeReleaseOlder, "The model is an older release than the policy takes.", tampered},
	{policy.CodeReleaseRollback, "The model is an older release than one that was loaded before.", tampered},

	{policy.CodeRevocationMissing, "The policy asks for a list of what was revoked, and none is there.", unread},
	{policy.CodeRevocationUnread, "The list of what was revoked could not be read.", unread},
	{policy.CodeRevocationStale, "The list of what was revoked is too old to say what was revoked since.", unread},
	{policy.CodeRevocationEarly, "The list of what was revoked is of the future.", unproven},
	{policy.CodeRevocationOlder, "The list of what was revoked is an older one than the policy takes.", tampered},
	{policy.CodeRevocationRollback, "The list of what was revoked is older than one that was read before.", tampered},
	{policy.CodeRevokedFile, "A file of the model was revoked.", unauthorised},
	{policy.CodeRevokedIdentity, "The model was revoked.", unauthorised},
	{policy.CodeRevokedSigner, "The key or certificate that signed a document was revoked.", unauthorised},
	{revocation.CodeSyntax, "A list of what was revoked is not the JSON that it is to be.", malformed},
	{revocation.CodeLimits, "A list of what was revoked has more than is read.", exhausting},

	{policy.CodeProvenanceMissing, "An attestation that the policy names is not there.", unproven},
	{policy.CodeProvenanceUnread, "An attestation could not be read.", unread},
	{policy.CodeProvenanceBuilder, "The weights come from a builder that the policy does not name.", unauthorised},
	{policy.CodeProvenanceUncovered, "No attestation leads from a file of weights to a builder.", unproven},
	{policy.CodeProvenanceMaterial, "No attestation names what the policy asks the weights to be made of.", unproven},
	{attestation.CodeSyntax, "A statement is not the JSON that its predicate prescribes.", malformed},
	{attestation.CodeLimits, "A statement has more than is read.", exhausting},
	{attestation.CodeType, "A statement has a predicate that is not read here.", unread},

	{loader.CodeState, "What the host remembers of releases and lists could not be read or written.", unread},
}
