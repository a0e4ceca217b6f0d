package explain

import "strings"

// A Framework is a public catalogue of weaknesses, attacks or requirements.
type Framework struct {
	Name         string
	Version      string // the one that the ids were taken from; empty for one that only grows
	Organization string
	URL          string

	titles []title // in the order of the framework
}

// An ID is one entry of a framework.
type ID struct {
	Framework *Framework
	ID        string // as the framework writes it
	Title     string
}

type title struct{ id, text string }

// Frameworks are the catalogues that codes are mapped to.
func Frameworks() []*Framework { return []*Framework{&cwe, &llm, &atlas, &aisvs} }

// IDs are the entries of f that some code is mapped to.
func (f *Framework) IDs() []ID {
	ids := make([]ID, len(f.titles))
	for i, t := range f.titles {
		ids[i] = ID{Framework: f, ID: t.id, Title: t.text}
	}
	return ids
}

// lookup finds ids, as risks have them, in the order of the frameworks.
func lookup(wanted string) []ID {
	var ids []ID
	for _, f := range Frameworks() {
		for _, id := range f.IDs() {
			if strings.Contains(" "+wanted+" ", " "+id.ID+" ") {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

var cwe = Framework{
	Name: "CWE", Organization: "MITRE", URL: "https://cwe.mitre.org",
	titles: []title{
		{"CWE-22", "Improper Limitation of a Pathname to a Restricted Directory"},
		{"CWE-59", "Improper Link Resolution Before File Access"},
		{"CWE-94", "Improper Control of Generation of Code"},
		{"CWE-150", "Improper Neutralization of Escape, Meta, or Control Sequences"},
		{"CWE-178", "Improper Handling of Case Sensitivity"},
		{"CWE-345", "Insufficient Verification of Data Authenticity"},
		{"CWE-351", "Insufficient Type Distinction"},
		{"CWE-354", "Improper Validation of Integrity Check Value"},
		{"CWE-367", "Time-of-check Time-of-use (TOCTOU) Race Condition"},
		{"CWE-400", "Uncontrolled Resource Consumption"},
		{"CWE-409", "Improper Handling of Highly Compressed Data"},
		{"CWE-436", "Interpretation Conflict"},
		{"CWE-494", "Download of Code Without Integrity Check"},
		{"CWE-502", "Deserialization of Untrusted Data"},
		{"CWE-674", "Uncontrolled Recursion"},
		{"CWE-693", "Protection Mechanism Failure"},
		{"CWE-754", "Improper Check for Unusual or Exceptional Conditions"},
		{"CWE-770", "Allocation of Resources Without Limits or Throttling"},
		{"CWE-778", "Insufficient Logging"},
		{"CWE-829", "Inclusion of Functionality from Untrusted Control Sphere"},
		{"CWE-862", "Missing Authorization"},
		{"CWE-1007", "Insufficient Visual Distinction of Homoglyphs Presented to User"},
		{"CWE-1284", "Improper Validation of Specified Quantity in Input"},
		{"CWE-1336", "Improper Neutralization of Special Elements Used in a Template Engine"},
		{"CWE-1395", "Dependency on Vulnerable Third-Party Component"},
	},
}

var llm = Framework{
	Name: "OWASP LLM Top 10", Version: "2025", Organization: "OWASP", URL: "https://genai.owasp.org/llm-top-10/",
	titles: []title{
		{"LLM01:2025", "Prompt Injection"},
		{"LLM03:2025", "Supply Chain"},
		{"LLM04:2025", "Data and Model Poisoning"},
		{"LLM07:2025", "System Prompt Leakage"},
		{"LLM10:2025", "Unbounded Consumption"},
	},
}

var atlas = Framework{
	Name: "MITRE ATLAS", Version: "5.6.0", Organization: "MITRE", URL: "https://atlas.mitre.org",
	titles: []title{
		{"AML.T0010.001", "AI Supply Chain Compromise: AI Software"},
		{"AML.T0010.003", "AI Supply Chain Compromise: Model"},
		{"AML.T0011.000", "User Execution: Unsafe AI Artifacts"},
		{"AML.T0011.001", "User Execution: Malicious Package"},
		{"AML.T0018", "Manipulate AI Model"},
		{"AML.T0018.000", "Manipulate AI Model: Poison AI Model"},
		{"AML.T0018.001", "Manipulate AI Model: Modify AI Model Architecture"},
		{"AML.T0018.002", "Manipulate AI Model: Embed Malware"},
		{"AML.T0029", "Denial of AI Service"},
		{"AML.T0031", "Erode AI Model Integrity"},
		{"AML.T0050", "Command and Scripting Interpreter"},
		{"AML.T0051", "LLM Prompt Injection"},
		{"AML.T0058", "Publish Poisoned Models"},
		{"AML.T0074", "Masquerading"},
		{"AML.T0076", "Corrupt AI Model"},
		{"AML.T0105", "Escape to Host"},
		{"AML.T0107", "Exploitation for Defense Evasion"},
		{"AML.T0109", "AI Supply Chain Rug Pull"},
	},
}

var aisvs = Framework{
	Name: "OWASP AISVS", Version: "1.0", Organization: "OWASP", URL: "https://github.com/OWASP/AISVS",
	titles: []title{
		{"3.1.1", "An inventory has all deployed model artifacts and their origin"},
		{"3.1.3", "Model signatures are verified at deployment admission and on load"},
		{"4.1.2", "Only listed serialization formats that cannot execute code are loaded"},
		{"4.1.3", "The execution environment is attested before a model is loaded"},
		{"4.3.3", "Inference runtimes enforce process, memory and file access isolation"},
		{"6.1.1", "Models are scanned for malicious code before import"},
		{"6.1.2", "Models are downloaded from approved sources only"},
		{"6.1.3", "Every third-party model artifact can be integrity-verified"},
		{"12.5.3", "All model changes generate immutable audit records"},
	},
}
