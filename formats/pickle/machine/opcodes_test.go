package machine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// Every opcode does what Lib/pickletools.py says of it.
func TestOpcodes(t *testing.T) {
	seen := map[string]bool{}
	ordered := global("collections", "OrderedDict")
	for op, c := range map[string]struct {
		stream string
		want   string
		codes  []string // of findings
	}{
		PROTO: {stream: PROTO + u8(2) + NONE, want: "None"},
		FRAME: {stream: PROTO + u8(4) + FRAME + u64(2) + NONE, want: "None"},
		STOP:  {stream: NONE, want: "None"},

		NONE:     {stream: NONE, want: "None"},
		NEWTRUE:  {stream: NEWTRUE, want: "True"},
		NEWFALSE: {stream: NEWFALSE, want: "False"},
		INT:      {stream: INT + "-12\n", want: "-12"},
		LONG:     {stream: LONG + "18446744073709551616L\n", want: "18446744073709551616"},
		FLOAT:    {stream: FLOAT + "1.5\n", want: "f3ff8000000000000"},
		BININT:   {stream: BININT + "\xff\xff\xff\xff", want: "-1"},
		BININT1:  {stream: BININT1 + "\xff", want: "255"},
		BININT2:  {stream: BININT2 + "\x00\xff", want: "65280"},
		LONG1:    {stream: LONG1 + u8(3) + "\x00\x00\x80", want: "-8388608"},
		LONG4:    {stream: LONG4 + u32(9) + strings.Repeat("\xff", 8) + "\x00", want: "18446744073709551615"},
		BINFLOAT: {stream: BINFLOAT + "\x3f\xf8" + strings.Repeat("\x00", 6), want: "f3ff8000000000000"},

		STRING:           {stream: STRING + `'a\x00'` + "\n", want: "n6100"},
		BINSTRING:        {stream: BINSTRING + u32(2) + "ab", want: "n6162"},
		SHORT_BINSTRING:  {stream: SHORT_BINSTRING + u8(2) + "ab", want: "n6162"},
		UNICODE:          {stream: UNICODE + `\u20ac` + "\n", want: "se282ac"},
		BINUNICODE:       {stream: BINUNICODE + u32(3) + "€", want: "se282ac"},
		SHORT_BINUNICODE: {stream: SHORT_BINUNICODE + u8(3) + "\xed\xa0\x80", want: "seda080"},
		BINUNICODE8:      {stream: BINUNICODE8 + u64(1) + "a", want: "s61"},
		BINBYTES:         {stream: BINBYTES + u32(1) + "\xff", want: "bff"},
		SHORT_BINBYTES:   {stream: SHORT_BINBYTES + u8(1) + "\xff", want: "bff"},
		BINBYTES8:        {stream: BINBYTES8 + u64(1) + "\xff", want: "bff"},
		BYTEARRAY8:       {stream: BYTEARRAY8 + u64(1) + "\xff", want: "aff"},
		NEXT_BUFFER:      {stream: NEXT_BUFFER, want: "<None>", codes: []string{machine.CodeBuffer}},
		READONLY_BUFFER:  {stream: bin("a") + READONLY_BUFFER, want: "b61", codes: []string{machine.CodeBuffer}},

		EMPTY_TUPLE: {stream: EMPTY_TUPLE, want: "()"},
		TUPLE1:      {stream: num(1) + TUPLE1, want: "(1)"},
		TUPLE2:      {stream: num(1) + num(2) + TUPLE2, want: "(1, 2)"},
		TUPLE3:      {stream: num(1) + num(2) + num(3) + TUPLE3, want: "(1, 2, 3)"},
		TUPLE:       {stream: MARK + num(1) + num(2) + TUPLE, want: "(1, 2)"},
		MARK:        {stream: num(1) + MARK + TUPLE + TUPLE2, want: "(1, ())"},
		EMPTY_LIST:  {stream: EMPTY_LIST, want: "[]"},
		LIST:        {stream: MARK + num(1) + num(2) + LIST, want: "[1, 2]"},
		APPEND:      {stream: EMPTY_LIST + num(1) + APPEND, want: "[1]"},
		APPENDS:     {stream: EMPTY_LIST + MARK + num(1) + num(2) + APPENDS, want: "[1, 2]"},
		EMPTY_DICT:  {stream: EMPTY_DICT, want: "{}"},
		DICT:        {stream: MARK + num(1) + num(2) + DICT, want: "{1: 2}"},
		SETITEM:     {stream: EMPTY_DICT + num(1) + num(2) + SETITEM, want: "{1: 2}"},
		SETITEMS:    {stream: EMPTY_DICT + MARK + num(1) + num(2) + num(3) + num(4) + SETITEMS, want: "{1: 2, 3: 4}"},
		EMPTY_SET:   {stream: EMPTY_SET, want: "set{}"},
		ADDITEMS:    {stream: EMPTY_SET + MARK + num(1) + num(2) + ADDITEMS, want: "set{1, 2}"},
		FROZENSET:   {stream: MARK + num(1) + num(2) + FROZENSET, want: "frozenset{1, 2}"},

		POP:         {stream: num(1) + num(2) + POP + MARK + POP, want: "1"},
		POP_MARK:    {stream: num(1) + MARK + num(2) + num(3) + POP_MARK, want: "1"},
		DUP:         {stream: num(1) + DUP + TUPLE2, want: "(1, 1)"},
		PUT:         {stream: num(7) + PUT + "300\n" + GET + "300\n" + TUPLE2, want: "(7, 7)"},
		BINPUT:      {stream: num(7) + BINPUT + u8(255) + BINGET + u8(255) + TUPLE2, want: "(7, 7)"},
		LONG_BINPUT: {stream: num(7) + LONG_BINPUT + "\xff\xff\xff\xff" + LONG_BINGET + "\xff\xff\xff\xff" + TUPLE2, want: "(7, 7)"},
		MEMOIZE:     {stream: num(7) + BINPUT + u8(0) + num(8) + MEMOIZE + BINGET + u8(1) + TUPLE3, want: "(7, 8, 8)"},
		GET:         {stream: num(7) + MEMOIZE + GET + "0\n" + TUPLE2, want: "(7, 7)"},
		BINGET:      {stream: num(7) + MEMOIZE + BINGET + u8(0) + TUPLE2, want: "(7, 7)"},
		LONG_BINGET: {stream: num(7) + MEMOIZE + LONG_BINGET + u32(0) + TUPLE2, want: "(7, 7)"},

		GLOBAL:       {stream: ordered, want: "collections.OrderedDict"},
		STACK_GLOBAL: {stream: str("collections") + str("OrderedDict") + STACK_GLOBAL, want: "collections.OrderedDict"},
		EXT1:         {stream: EXT1 + u8(7), want: "copyreg.extension 7", codes: []string{machine.CodeExt}},
		EXT2:         {stream: EXT2 + u16(700), want: "copyreg.extension 700", codes: []string{machine.CodeExt}},
		EXT4:         {stream: EXT4 + u32(70000), want: "copyreg.extension 70000", codes: []string{machine.CodeExt}},
		PERSID:       {stream: PERSID + "7\n", want: "<s37>", codes: []string{machine.CodePersID}},
		BINPERSID:    {stream: num(7) + BINPERSID, want: "<7>"},
		REDUCE:       {stream: ordered + EMPTY_TUPLE + REDUCE, want: "OrderedDict{}"},
		INST:         {stream: MARK + num(1) + INST + "torch\nSize\n", want: "torch.Size(1)", codes: []string{machine.CodeCallDenied}},
		OBJ:          {stream: MARK + ordered + OBJ, want: "OrderedDict{}"},
		NEWOBJ:       {stream: global("argparse", "Namespace") + EMPTY_TUPLE + NEWOBJ, want: "argparse.Namespace()"},
		NEWOBJ_EX:    {stream: global("argparse", "Namespace") + EMPTY_TUPLE + EMPTY_DICT + NEWOBJ_EX, want: "argparse.Namespace()"},
		BUILD:        {stream: ordered + EMPTY_TUPLE + REDUCE + EMPTY_DICT + BUILD, want: "OrderedDict{}"},
	} {
		require.Contains(t, c.stream+STOP, op)
		got, err := machine.Run(asm(c.stream, STOP), machine.Options{Rules: plain(t)})
		require.NoError(t, err, "%q", op)
		require.Equal(t, c.want, show(got.Value), "%q", op)
		require.Equal(t, c.codes, codes(got.Findings), "%q", op)
		seen[op] = true
	}
	require.Len(t, seen, 68)
}

// codes are those of findings, in their order.
func codes(findings []machine.Finding) (codes []string) {
	for _, f := range findings {
		codes = append(codes, f.Code)
	}
	return codes
}

// What BUILD gives, and what keyword arguments NEWOBJ_EX has, is kept.
func TestStates(t *testing.T) {
	state := EMPTY_DICT + str("_metadata") + call("collections", "OrderedDict") + SETITEM
	got := read(t, call("collections", "OrderedDict")+state+BUILD)
	require.Equal(t, "{s5f6d65746164617461: OrderedDict{}}", show(got.Value.(*machine.Dict).State))

	got = read(t, global("m", "C")+ints(1)+EMPTY_DICT+str("k")+num(2)+SETITEM+NEWOBJ_EX+str("state")+BUILD)
	c := got.Value.(*machine.Call)
	require.Equal(t, "{s6b: 2}", show(c.Kwargs))
	require.Equal(t, machine.Str("state"), c.State)
	require.EqualValues(t, 25, c.Offset)
}

// What nobody knows may hold items: they are kept for whoever lists it.
func TestOpaqueItems(t *testing.T) {
	c := read(t, call("m", "C")+num(1)+APPEND+MARK+num(2)+num(3)+APPENDS+MARK+num(4)+ADDITEMS+str("k")+num(5)+SETITEM).Value.(*machine.Call)
	require.Equal(t, []machine.Value{int64(1), int64(2), int64(3), int64(4)}, c.Items)
	require.Equal(t, "{s6b: 5}", show(c.Pairs))
}

// Strings say where their content lies in the stream.
func TestBytesAt(t *testing.T) {
	for prefix, stream := range map[string]string{
		"binary": bin("content"), "short": SHORT_BINBYTES + u8(7) + "content", "long": BINBYTES8 + u64(7) + "content",
		"native": native("content"), "text": STRING + "'content'\n",
	} {
		stream := asm(stream, STOP)
		got, err := machine.Run(stream, machine.Options{})
		require.NoError(t, err, prefix)
		b := got.Value.(machine.Bytes)
		require.Equal(t, "content", string(stream[b.At:b.At+7]), prefix)
	}
	got := read(t, STRING+`'\x61'`+"\n")
	require.Equal(t, machine.Bytes{Data: "a", At: -1, Native: true}, got.Value)
}

// A key that is set again keeps its place, whatever type of number it is, and
// however many keys there are.
func TestKeys(t *testing.T) {
	set := func(k string, n int) string { return k + num(n) + SETITEM }
	one := BINFLOAT + "\x3f\xf0" + strings.Repeat("\x00", 6)
	require.Equal(t, "{1: 3, 2: 9}", show(read(t, EMPTY_DICT+set(num(1), 1)+set(num(2), 9)+set(NEWTRUE, 2)+set(one, 3)).Value))
	require.Equal(t, "{s61: 2, b61: 3}", show(read(t, EMPTY_DICT+set(native("a"), 1)+set(str("a"), 2)+set(bin("a"), 3)).Value))

	many := EMPTY_DICT
	for i := range 100 {
		many += set(num(i%50), i)
	}
	d := read(t, many).Value.(*machine.Dict)
	require.Len(t, d.Keys, 50)
	require.Equal(t, int64(7), d.Keys[7])
	require.Equal(t, int64(57), d.Items[7])
}

// Frames follow each other, and long strings stand between them.
func TestFrames(t *testing.T) {
	got := read(t, PROTO+u8(4)+FRAME+u64(2)+EMPTY_LIST+MARK+bin(strings.Repeat("x", 70_000))+FRAME+u64(1)+NONE+FRAME+u64(2)+APPENDS)
	require.Empty(t, got.Findings)
	require.Len(t, got.Value.(*machine.List).Items, 2)
}

// Names of Python 2 are those of Python 3 to protocols 0 to 2.
func TestPython2Names(t *testing.T) {
	for name, want := range map[string]string{
		"__builtin__ set": "builtins.set", "copy_reg _reconstructor": "copyreg._reconstructor", "cPickle loads": "pickle.loads",
		"__builtin__ xrange": "builtins.range", "exceptions KeyError": "builtins.KeyError", "exceptions StandardError": "builtins.Exception",
		"multiprocessing ProcessError": "multiprocessing.context.ProcessError", "multiprocessing Pool": "multiprocessing.Pool",
		"UserDict UserDict": "collections.UserDict", "UserDict DictMixin": "collections.DictMixin", "commands getoutput": "subprocess.getoutput",
		"numpy ndarray": "numpy.ndarray",
	} {
		module, attribute, _ := strings.Cut(name, " ")
		require.Equal(t, want, show(read(t, global(module, attribute)).Value))
		require.Equal(t, module+"."+attribute, show(read(t, PROTO+u8(3)+global(module, attribute)).Value), "not to protocol 3")
	}
	for _, protocol := range []int{2, 3} {
		findings := read(t, PROTO+u8(protocol)+global("cPickle", "loads")).Findings
		require.Equal(t, []string{machine.CodeGlobalDangerous}, codes(findings), "under either name")
	}
	require.Equal(t, "collections.OrderedDict", show(read(t, MARK+MARK+MARK+str("k")+num(1)+LIST+LIST+INST+"collections\nOrderedDict\n").Value.(*machine.Dict).Class))
}

// read is what a stream holds, to the packs that are built in.
func read(t testing.TB, stream string) *machine.Result {
	t.Helper()
	r, err := machine.NewRules(machine.Packs()...)
	require.NoError(t, err)
	got, err := machine.Run(asm(stream, STOP), machine.Options{Rules: r})
	require.NoError(t, err)
	return got
}

func TestText(t *testing.T) {
	for want, v := range map[string]machine.Value{"a": machine.Str("a"), "b": machine.Bytes{Data: "b", Native: true}} {
		text, ok := machine.Text(v)
		require.True(t, ok)
		require.Equal(t, want, text)
	}
	for _, v := range []machine.Value{nil, int64(1), machine.Bytes{Data: "a"}, machine.Bytes{Data: "\xff", Native: true}} {
		_, ok := machine.Text(v)
		require.False(t, ok)
	}
}
