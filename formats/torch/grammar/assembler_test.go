package grammar_test

import "github.com/weightgate/weightgate/formats/torch/torchtest"

// The words of torchtest, short: these tests are written in them.
type code = torchtest.Code

const (
	none    = torchtest.None
	yes     = torchtest.True
	no      = torchtest.False
	hooks   = torchtest.Hooks
	utils   = torchtest.Utils
	magic   = torchtest.Magic
	version = torchtest.Version
)

var (
	pickled       = torchtest.Pickle
	str           = torchtest.Str
	num           = torchtest.Int
	global        = torchtest.Global
	tuple         = torchtest.Tuple
	list          = torchtest.List
	dict          = torchtest.Dict
	call          = torchtest.Call
	ints          = torchtest.Ints
	storage       = torchtest.Storage
	legacyStorage = torchtest.LegacyStorage
	untyped       = torchtest.Untyped
	vector        = torchtest.Vector
	info          = torchtest.SysInfo
	legacyFile    = torchtest.Legacy
)

// floats are four floats.
func floats(key string) code { return vector(storage("FloatStorage", key, 4), 4) }
