package formats

// Limits are all bounds that hostile input meets. A zero field means its
// default; a host may change any, a policy may only lower them.
type Limits struct {
	// MaxBytes is how much of one model is kept in memory. Default: what the
	// machine and its control group still have at the load.
	MaxBytes int64

	// MaxFiles is how many files a model may have. Default 10,000.
	MaxFiles int

	// MaxDepth is how many directories lie between the root and a file. Default 32.
	MaxDepth int

	// MaxTensors is how many tensors one file may have. Default 131,072.
	MaxTensors int

	// MaxHeader is how many bytes of one file a parser may keep that are not
	// tensor data: a header, a graph without its weights. Default 100,000,000,
	// the limit of the safetensors reference.
	MaxHeader int64

	// MaxInflate is how many bytes one file may inflate to where a parser inflates
	// it to the end; it keeps none of them. Default 16 GiB.
	MaxInflate int64

	// MaxNesting is how deep structures of a file may nest. Default 32.
	MaxNesting int

	// MaxNodes is how many nodes a graph may have once its functions are
	// expanded. Default 131,072.
	MaxNodes int

	// MaxFold is how many bytes a runtime may be made to compute from constants
	// while it creates a session. Default 64 MiB.
	MaxFold int64
}

var defaults = Limits{
	MaxBytes:   1<<63 - 1,
	MaxFiles:   10_000,
	MaxDepth:   32,
	MaxTensors: 1 << 17,
	MaxHeader:  100_000_000,
	MaxInflate: 16 << 30,
	MaxNesting: 32,
	MaxNodes:   1 << 17,
	MaxFold:    64 << 20,
}

// WithDefaults is l with its zero and negative fields set to their defaults.
func (l Limits) WithDefaults() Limits {
	return Limits{
		MaxBytes:   orDefault(l.MaxBytes, defaults.MaxBytes),
		MaxFiles:   orDefault(l.MaxFiles, defaults.MaxFiles),
		MaxDepth:   orDefault(l.MaxDepth, defaults.MaxDepth),
		MaxTensors: orDefault(l.MaxTensors, defaults.MaxTensors),
		MaxHeader:  orDefault(l.MaxHeader, defaults.MaxHeader),
		MaxInflate: orDefault(l.MaxInflate, defaults.MaxInflate),
		MaxNesting: orDefault(l.MaxNesting, defaults.MaxNesting),
		MaxNodes:   orDefault(l.MaxNodes, defaults.MaxNodes),
		MaxFold:    orDefault(l.MaxFold, defaults.MaxFold),
	}
}

// Lowered is l with every field that by sets lower.
func (l Limits) Lowered(by Limits) Limits {
	l = l.WithDefaults()
	return Limits{
		MaxBytes:   lowered(l.MaxBytes, by.MaxBytes),
		MaxFiles:   lowered(l.MaxFiles, by.MaxFiles),
		MaxDepth:   lowered(l.MaxDepth, by.MaxDepth),
		MaxTensors: lowered(l.MaxTensors, by.MaxTensors),
		MaxHeader:  lowered(l.MaxHeader, by.MaxHeader),
		MaxInflate: lowered(l.MaxInflate, by.MaxInflate),
		MaxNesting: lowered(l.MaxNesting, by.MaxNesting),
		MaxNodes:   lowered(l.MaxNodes, by.MaxNodes),
		MaxFold:    lowered(l.MaxFold, by.MaxFold),
	}
}

// lowered is v, or by if that is set and lower.
func lowered[T int | int64](v, by T) T {
	if by <= 0 {
		return v
	}
	return min(v, by)
}

func orDefault[T int | int64](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
