// Package sarif writes findings in the Static Analysis Results Interchange
// Format, version 2.1.0 (OASIS, errata 01).
package sarif

// The parts of a log that weightgate has something to say in. Names are those
// of the specification.
type (
	log struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}
	run struct {
		Tool        tool         `json:"tool"`
		Taxonomies  []component  `json:"taxonomies,omitempty"`
		Invocations []invocation `json:"invocations"`
		ColumnKind  string       `json:"columnKind"`
		Results     []result     `json:"results"`
	}
	tool struct {
		Driver component `json:"driver"`
	}
	component struct {
		Name                string       `json:"name"`
		Version             string       `json:"version,omitempty"`
		Organization        string       `json:"organization,omitempty"`
		InformationURI      string       `json:"informationUri,omitempty"`
		Rules               []descriptor `json:"rules,omitempty"`
		Taxa                []descriptor `json:"taxa,omitempty"`
		SupportedTaxonomies []reference  `json:"supportedTaxonomies,omitempty"`
	}
	descriptor struct {
		ID               string         `json:"id"`
		Name             string         `json:"name,omitempty"`
		ShortDescription *text          `json:"shortDescription,omitempty"`
		FullDescription  *text          `json:"fullDescription,omitempty"`
		Help             *text          `json:"help,omitempty"`
		Default          *configuration `json:"defaultConfiguration,omitempty"`
		Relationships    []relationship `json:"relationships,omitempty"`
		Properties       *properties    `json:"properties,omitempty"`
	}
	text struct {
		Text string `json:"text"`
	}
	configuration struct {
		Level string `json:"level"`
	}
	relationship struct {
		Target target   `json:"target"`
		Kinds  []string `json:"kinds"`
	}
	target struct {
		ID        string    `json:"id"`
		Component reference `json:"toolComponent"`
	}
	reference struct {
		Name string `json:"name"`
	}
	properties struct {
		Tags     []string `json:"tags,omitempty"`
		Severity string   `json:"severity,omitempty"` // ours, of five
		Class    string   `json:"class,omitempty"`    // denied or unverifiable
	}
	invocation struct {
		Successful bool `json:"executionSuccessful"`
		ExitCode   int  `json:"exitCode"`
	}
	result struct {
		RuleID     string      `json:"ruleId"`
		RuleIndex  int         `json:"ruleIndex"`
		Level      string      `json:"level"`
		Message    text        `json:"message"`
		Locations  []location  `json:"locations"`
		Properties *properties `json:"properties,omitempty"`
	}
	location struct {
		Physical physical `json:"physicalLocation"`
	}
	physical struct {
		Artifact artifact `json:"artifactLocation"`
		Region   *region  `json:"region,omitempty"`
	}
	artifact struct {
		URI string `json:"uri"`
	}
	region struct {
		Offset int64 `json:"byteOffset"`
		Length int64 `json:"byteLength"`
	}
)
