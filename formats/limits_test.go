package formats_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

func TestLimitsDefaults(t *testing.T) {
	require.Equal(t, formats.Limits{
		MaxBytes:   math.MaxInt64,
		MaxFiles:   10_000,
		MaxDepth:   32,
		MaxTensors: 131_072,
		MaxHeader:  100_000_000,
		MaxInflate: 17_179_869_184,
		MaxNesting: 32,
		MaxNodes:   1 << 17,
		MaxFold:    67_108_864,
	}, formats.Limits{}.WithDefaults())
}

// each is a Limits with that one field set.
func each(t *testing.T, value int64, visit func(field string, l formats.Limits)) {
	typ := reflect.TypeFor[formats.Limits]()
	require.Positive(t, typ.NumField())
	for i := range typ.NumField() {
		var l formats.Limits
		reflect.ValueOf(&l).Elem().Field(i).SetInt(value)
		visit(typ.Field(i).Name, l)
	}
}

func field(l formats.Limits, name string) int64 {
	return reflect.ValueOf(l).FieldByName(name).Int()
}

// Each field stands for itself: a forgotten one would be a limit that is off.
func TestLimitsFields(t *testing.T) {
	zero := formats.Limits{}
	each(t, 5, func(name string, five formats.Limits) {
		require.Equal(t, int64(5), field(five.WithDefaults(), name), name)
		require.Equal(t, int64(5), field(zero.Lowered(five), name), name)
		require.Equal(t, int64(5), field(five.Lowered(zero), name), name)
	})
	each(t, -1, func(name string, negative formats.Limits) {
		require.Equal(t, zero.WithDefaults(), negative.WithDefaults(), "%s: below zero is the default, not no limit", name)
	})
}

func TestLimitsAreOnlyLowered(t *testing.T) {
	require.Equal(t, 5, formats.Limits{MaxFiles: 5}.Lowered(formats.Limits{MaxFiles: 9}).MaxFiles)
	require.Equal(t, 5, formats.Limits{MaxFiles: 9}.Lowered(formats.Limits{MaxFiles: 5}).MaxFiles)
	require.Equal(t, 131_072, formats.Limits{}.Lowered(formats.Limits{MaxTensors: 1 << 30}).MaxTensors)
}
