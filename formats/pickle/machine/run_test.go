package machine_test

import (
	"bytes"
	"errors"
	"go/build"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// fault is the error that a stream failed with.
func fault(t testing.TB, err error, code string) *machine.Error {
	t.Helper()
	e, ok := errors.AsType[*machine.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, e.Code, e.Detail)
	return e
}

// system is what runs a program.
const system = GLOBAL + "os\nsystem\n" + MARK + STRING + "'id'\n" + TUPLE + REDUCE

// Every finding has a stream that raises it, and no other.
func TestFindings(t *testing.T) {
	ordered := call("collections", "OrderedDict")
	given := func(value, class string) string { // what a class of collections makes of a value, and the value again
		return value + BINPUT + u8(0) + POP + call("collections", class, BINGET+u8(0)) + BINGET + u8(0)
	}
	for name, c := range map[string]struct {
		stream string
		code   string
		detail string
		offset int64
	}{
		"unknown":          {global("m", "f"), machine.CodeGlobalDenied, "m.f", 0},
		"not by prefix":    {global("osmosis", "system"), machine.CodeGlobalDenied, "osmosis.system", 0},
		"posix":            {global("posix", "system"), machine.CodeGlobalDangerous, "posix.system", 0},
		"of Python 2":      {global("__builtin__", "eval"), machine.CodeGlobalDangerous, "builtins.eval", 0},
		"submodule":        {global("importlib.util", "find_spec"), machine.CodeGlobalDangerous, "importlib.util.find_spec", 0},
		"torch load":       {global("torch.storage", "_load_from_bytes"), machine.CodeGlobalDangerous, "_load_from_bytes", 0},
		"by STACK_GLOBAL":  {NONE + POP + str("subprocess") + str("Popen") + STACK_GLOBAL, machine.CodeGlobalDangerous, "subprocess.Popen", 27},
		"path":             {global("pathlib", "PosixPath"), machine.CodeGlobalDenied, "pathlib.PosixPath", 0},
		"dill":             {global("dill._dill", "_create_function"), machine.CodeCode, "_create_function", 0},
		"cloudpickle":      {global("cloudpickle.cloudpickle", "_make_function"), machine.CodeCode, "_make_function", 0},
		"other arguments":  {call("torch._utils", "_rebuild_tensor_v2", num(1)), machine.CodeCallDenied, "torch._utils._rebuild_tensor_v2", 40},
		"too many":         {call("torch", "Size", ints(1), num(2)), machine.CodeCallDenied, "torch.Size", 26},
		"too few":          {call("torch", "device"), machine.CodeCallDenied, "torch.device", 16},
		"only named":       {call("torch", "float32", num(1)), machine.CodeCallDenied, "torch.float32", 22},
		"called class":     {global("argparse", "Namespace") + EMPTY_TUPLE + REDUCE, machine.CodeCallDenied, "argparse.Namespace", 21},
		"keywords":         {global("argparse", "Namespace") + EMPTY_TUPLE + EMPTY_DICT + num(1) + num(2) + SETITEM + NEWOBJ_EX, machine.CodeCallDenied, "argparse.Namespace", 33},
		"arguments listed": {global("torch", "device") + EMPTY_LIST + str("cpu") + APPEND + REDUCE, machine.CodeCallDenied, "arguments in a list", 24},
		"no pairs":         {call("collections", "OrderedDict", EMPTY_LIST+num(1)+APPEND), machine.CodeCallDenied, "other things than pairs", 34},
		"object dtype":     {call("numpy", "dtype", str("O8"), NEWFALSE, NEWTRUE), machine.CodeCallDenied, "numpy.dtype", 24},
		"list changed":     {given(EMPTY_LIST, "OrderedDict") + num(1) + APPEND + TUPLE2, machine.CodeCallAltered, "a list is changed", 41},
		"list extended":    {given(EMPTY_LIST, "OrderedDict") + MARK + num(1) + APPENDS + TUPLE2, machine.CodeCallAltered, "a list is changed", 42},
		"dict changed":     {given(EMPTY_DICT, "Counter") + num(1) + num(2) + SETITEM + TUPLE2, machine.CodeCallAltered, "a dict is changed", 42},
		"object changed":   {given(ordered, "Counter") + EMPTY_DICT + BUILD + TUPLE2, machine.CodeCallAltered, "is changed", 60},
		"computed":         {ordered + EMPTY_TUPLE + REDUCE, machine.CodeCallComputed, "an collections.OrderedDict", 29},
		"state of a dict":  {EMPTY_DICT + EMPTY_DICT + BUILD, machine.CodeBuildDenied, "a dict gets", 2},
		"state of a class": {global("torch", "float32") + EMPTY_DICT + BUILD, machine.CodeBuildDenied, "torch.float32", 16},
		"other state":      {ordered + num(1) + BUILD, machine.CodeBuildDenied, "an int", 33},
		"second state":     {ordered + EMPTY_DICT + BUILD + EMPTY_DICT + BUILD, machine.CodeBuildDenied, "a dict", 31},
		"item of a tensor": {tensor("0", 1) + num(1) + num(2) + SETITEM, machine.CodeContainer, "_rebuild_tensor_v2", int64(len(tensor("0", 1))) + 10},
		"item of a list":   {EMPTY_LIST + MARK + num(1) + num(2) + SETITEMS, machine.CodeContainer, "a list", 12},
		"append to a dict": {EMPTY_DICT + num(1) + APPEND, machine.CodeContainer, "a dict", 6},
		"add to a list":    {EMPTY_LIST + MARK + num(1) + ADDITEMS, machine.CodeContainer, "a list", 7},
		"add to a frozen":  {MARK + FROZENSET + MARK + num(1) + ADDITEMS, machine.CodeContainer, "a set", 8},
		"list as a key":    {EMPTY_DICT + EMPTY_LIST + num(1) + SETITEM, machine.CodeContainer, "a list as a key", 7},
		"set as a key":     {EMPTY_DICT + EMPTY_SET + num(1) + SETITEM, machine.CodeContainer, "a set as a key", 7},
		"extension":        {EXT1 + u8(1), machine.CodeExt, "extension 1", 0},
		"buffer":           {NEXT_BUFFER, machine.CodeBuffer, "outside", 0},
		"read-only buffer": {bin("a") + READONLY_BUFFER, machine.CodeBuffer, "read-only", 6},
		"persistent text":  {PERSID + "a\n", machine.CodePersID, "as text", 0},
		"protocol again":   {PROTO + u8(2) + PROTO + u8(2) + NONE, machine.CodeProto, "again", 2},
		"protocol behind":  {NONE + POP + PROTO + u8(2) + NONE, machine.CodeProto, "not in front", 2},
		"protocol 6":       {PROTO + u8(6) + NONE, machine.CodeProto, "protocol 6", 0},
		"frame too long":   {FRAME + u64(3) + NONE, machine.CodeFrame, "behind the stream", 0},
		"frame endless":    {FRAME + u64(-1) + NONE, machine.CodeFrame, "behind the stream", 0},
		"frame in a frame": {FRAME + u64(11) + FRAME + u64(1) + NONE, machine.CodeFrame, "within another", 9},
		"frame crossed":    {FRAME + u64(3) + num(1), machine.CodeFrame, "crosses", 9},
		"memo entry again": {num(1) + PUT + "7\n" + POP + num(2) + PUT + "7\n", machine.CodeMemoAgain, "entry 7", 14},
		"string again":     {str("a") + BINPUT + u8(0) + POP + str("a") + BINPUT + u8(0), machine.CodeMemoAgain, "entry 0", 15},
		"popped global":    {global("torch", "float32") + POP + NONE, machine.CodePopped, "torch.float32 is named", 0},
		"popped call":      {call("torch", "Size", ints(1)) + POP + global("torch", "Size"), machine.CodePopped, "torch.Size", 0},
		"popped mark":      {NONE + MARK + global("torch", "float32") + POP_MARK, machine.CodePopped, "torch.float32", 2},
		"only remembered":  {NONE + global("torch", "float32") + MEMOIZE + POP, machine.CodePopped, "torch.float32", 1},
		"popped object":    {str("a") + BINPERSID + POP + NONE, machine.CodePopped, "a persistent object", 6},
		"overwritten":      {EMPTY_DICT + num(1) + global("torch", "float32") + SETITEM + num(1) + num(2) + SETITEM, machine.CodePopped, "torch.float32", 6},
		"values left":      {num(1) + num(2), machine.CodeStack, "1 values and 0 marks", 10},
		"mark left":        {num(1) + MARK + num(2), machine.CodeStack, "1 values and 1 marks", 11},
		"nested":           {bin(PROTO + u8(2) + NONE + STOP), machine.CodeNested, "4 bytes", 0},
		"dotted":           {str("torch") + str("a.b") + STACK_GLOBAL, machine.CodeGlobalName, "torch.a.b", 18},
	} {
		t.Run(name, func(t *testing.T) {
			findings := read(t, c.stream).Findings
			i := slices.IndexFunc(findings, func(f machine.Finding) bool { return f.Code == c.code })
			require.GreaterOrEqual(t, i, 0, "%v", findings)
			require.Contains(t, findings[i].Detail, c.detail)
			require.Equal(t, c.offset, findings[i].Offset)
			for _, f := range findings {
				also := c.code == machine.CodeGlobalName && f.Code == machine.CodeGlobalDenied // no pack has such names
				require.True(t, f.Code == c.code || also, "%v", findings)
			}
		})
	}
}

// What is dangerous is so under a name that hides it, too.
func TestHiddenNames(t *testing.T) {
	for _, c := range []struct{ module, name string }{
		{"torch", "os.system"}, {"torch.os", "system.__call__"}, {"", "x"}, {"x", ""}, {"a b", "c"}, {"a", "b\x00"}, {"é", "f"}, {"a..b", "c"},
		{".a", "b"}, {"a.", "b"}, {"a", "1b"}, {strings.Repeat("a", 600), "b"}, {"a\u202e", "b"},
	} {
		findings := read(t, PROTO+u8(4)+str(c.module)+str(c.name)+STACK_GLOBAL).Findings
		require.Contains(t, codes(findings), machine.CodeGlobalName, "%q", c)
		for _, f := range findings {
			require.Equal(t, strings.ToValidUTF8(f.Detail, ""), f.Detail)
			require.NotContains(t, f.Detail, "\x00")
			require.Less(t, len(f.Detail), 400)
		}
	}
	for name, module := range map[string]string{
		"os.system": "torch", "serialization.os.system": "torch", "serialization.os": "torch", "os": "os", "a.builtins.eval": "torch",
		"hub.load": "torch", "utils.bottleneck.x": "torch", "a.b.c.d.e.f.g.h.i.j": "m", "get_platform": "_osx_support", "x": "_aix_support",
		"exec": "_interpreters", "run_string": "_xxsubinterpreters", "readline.input": "_pyrepl", "run_cprofile": "torch.utils.bottleneck.__main__",
	} {
		require.Contains(t, codes(read(t, str(module)+str(name)+STACK_GLOBAL).Findings), machine.CodeGlobalDangerous, name)
	}
	for _, name := range []string{"os", "system", "Outer.Inner", "a.b.c.d.e.f.g.h.i"} {
		require.NotContains(t, codes(read(t, str("m")+str(name)+STACK_GLOBAL).Findings), machine.CodeGlobalDangerous, name)
	}
	require.Contains(t, codes(read(t, str("torch")+str("a.dill.loads")+STACK_GLOBAL).Findings), machine.CodeCode)
}

// What is put where it has no place is found once, and is not left out besides.
func TestRefusedIsSeen(t *testing.T) {
	known := global("torch", "float32")
	for code, streams := range map[string][]string{
		machine.CodeBuildDenied: {EMPTY_DICT + known + BUILD, tensor("0", 1) + known + BUILD},
		machine.CodeContainer: {EMPTY_DICT + known + APPEND, EMPTY_LIST + MARK + known + ADDITEMS, EMPTY_LIST + known + known + SETITEM,
			EMPTY_DICT + EMPTY_LIST + known + SETITEM},
	} {
		for _, stream := range streams {
			require.Equal(t, []string{code}, codes(read(t, stream).Findings), "%q", stream)
		}
	}
}

// A name that is put together is as good as any other.
func TestSplicedName(t *testing.T) {
	stream := str("system") + BINPUT + u8(9) + POP + str("os") + LONG_BINPUT + u32(70000) + POP +
		LONG_BINGET + u32(70000) + BINGET + u8(9) + STACK_GLOBAL + str("id") + TUPLE1 + REDUCE
	got := read(t, stream)
	require.Equal(t, []string{machine.CodeGlobalDangerous}, codes(got.Findings))
	require.Equal(t, []machine.Use{{Name: "os.system", Offset: 34}, {Name: "os.system", Offset: 43, Call: true}}, got.Uses)
}

// Every way to call is seen.
func TestWaysToCall(t *testing.T) {
	for name, stream := range map[string]string{
		"REDUCE":    system,
		"INST":      MARK + str("id") + INST + "os\nsystem\n",
		"OBJ":       MARK + global("os", "system") + str("id") + OBJ,
		"NEWOBJ":    global("os", "system") + str("id") + TUPLE1 + NEWOBJ,
		"NEWOBJ_EX": global("os", "system") + str("id") + TUPLE1 + EMPTY_DICT + NEWOBJ_EX,
		"popped":    system + POP + NONE,
		"as a key":  EMPTY_DICT + system + NONE + SETITEM,
		"as state":  call("collections", "OrderedDict") + system + BUILD,
	} {
		got := read(t, stream)
		require.Contains(t, codes(got.Findings), machine.CodeGlobalDangerous, name)
		require.True(t, slices.ContainsFunc(got.Uses, func(u machine.Use) bool { return u.Name == "os.system" && u.Call && !u.Known }), name)
	}
}

// Under Extract an unknown global is listed and no more; a dangerous one is
// dangerous still.
func TestExtract(t *testing.T) {
	opt := machine.Options{Rules: rules("weights"), Unknown: machine.Extract}
	stream := asm(EMPTY_DICT, str("w"), tensor("0", 4), SETITEM, str("config"), call("m", "Config", num(1)), EMPTY_DICT, BUILD, SETITEM, STOP)
	got, err := machine.Run(stream, opt)
	require.NoError(t, err)
	require.Equal(t, []string{machine.CodeGlobalDropped}, codes(got.Findings))
	root := got.Value.(*machine.Dict)
	require.Equal(t, "tensor", root.Items[0].(*machine.Call).Kind)
	require.Equal(t, "", root.Items[1].(*machine.Call).Kind)
	require.Contains(t, got.Uses, machine.Use{Name: "m.Config", Offset: int64(bytes.Index(stream, []byte("cm\n")) + 17), Call: true})

	// An object whose state holds what another call makes of it, as its own methods are pickled.
	method := call("m", "method", BINGET+u8(0), str("step"))
	got, err = machine.Run(asm(global("m", "Schedule"), EMPTY_TUPLE, NEWOBJ, BINPUT, u8(0), EMPTY_DICT, str("f"), method, SETITEM, BUILD, STOP), opt)
	require.NoError(t, err)
	require.Equal(t, []string{machine.CodeGlobalDropped, machine.CodeGlobalDropped}, codes(got.Findings))

	got, err = machine.Run(asm(system, STOP), opt)
	require.NoError(t, err)
	require.Equal(t, []string{machine.CodeGlobalDangerous}, codes(got.Findings))
}

// Every error has a stream that fails with it, at the opcode, and keeps what
// was seen before.
func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		stream, code string
		op           string
	}{
		"empty":             {"", machine.CodeTruncated, "\x00"},
		"no STOP":           {NONE, machine.CodeTruncated, "\x00"},
		"number cut":        {BININT + "\x00", machine.CodeTruncated, BININT},
		"text cut":          {BINUNICODE + u32(2) + "a", machine.CodeTruncated, BINUNICODE},
		"text huge":         {BINUNICODE8 + u64(-1) + "a", machine.CodeTruncated, BINUNICODE8},
		"long huge":         {LONG4 + u32(1<<31-1) + "a", machine.CodeTruncated, LONG4},
		"line cut":          {INT + "1", machine.CodeTruncated, INT},
		"global cut":        {GLOBAL + "os\nsystem", machine.CodeTruncated, GLOBAL},
		"no opcode":         {"\xff", machine.CodeOpcode, "\xff"},
		"zero":              {"\x00", machine.CodeOpcode, "\x00"},
		"STOP of nothing":   {STOP, machine.CodeUnderflow, STOP},
		"STOP at a mark":    {NONE + MARK + STOP, machine.CodeUnderflow, STOP},
		"POP of nothing":    {POP, machine.CodeUnderflow, POP},
		"no mark":           {NONE + TUPLE, machine.CodeUnderflow, TUPLE},
		"no mark to pop":    {NONE + POP_MARK, machine.CodeUnderflow, POP_MARK},
		"below the mark":    {NONE + NONE + MARK + NONE + TUPLE2, machine.CodeUnderflow, TUPLE2},
		"DUP at a mark":     {NONE + MARK + DUP, machine.CodeUnderflow, DUP},
		"PUT of nothing":    {BINPUT + u8(0), machine.CodeUnderflow, BINPUT},
		"APPENDS to none":   {MARK + NONE + APPENDS, machine.CodeUnderflow, APPENDS},
		"odd pairs":         {EMPTY_DICT + MARK + NONE + SETITEMS, machine.CodeUnderflow, SETITEMS},
		"odd dict":          {MARK + NONE + DICT, machine.CodeUnderflow, DICT},
		"OBJ of nothing":    {MARK + OBJ, machine.CodeUnderflow, OBJ},
		"no integer":        {INT + "x\n", machine.CodeArgument, INT},
		"negative length":   {LONG4 + u32(-1), machine.CodeArgument, LONG4},
		"negative string":   {BINSTRING + u32(-1), machine.CodeArgument, BINSTRING},
		"negative memo":     {NONE + PUT + "-1\n", machine.CodeArgument, PUT},
		"huge memo":         {NONE + PUT + "9223372036854775808\n", machine.CodeArgument, PUT},
		"no UTF-8":          {SHORT_BINUNICODE + u8(1) + "\xff", machine.CodeArgument, SHORT_BINUNICODE},
		"half a surrogate":  {SHORT_BINUNICODE + u8(2) + "\xed\xa0", machine.CodeArgument, SHORT_BINUNICODE},
		"no ASCII":          {PERSID + "é\n", machine.CodeArgument, PERSID},
		"name no UTF-8":     {GLOBAL + "\xff\nf\n", machine.CodeArgument, GLOBAL},
		"name no ASCII":     {MARK + INST + "é\nf\n", machine.CodeArgument, INST},
		"nothing stored":    {GET + "0\n", machine.CodeMemo, GET},
		"negative GET":      {NONE + MEMOIZE + GET + "-1\n", machine.CodeMemo, GET},
		"hole in the memo":  {NONE + BINPUT + u8(2) + BINGET + u8(1), machine.CodeMemo, BINGET},
		"name of a number":  {str("os") + num(1) + STACK_GLOBAL, machine.CodeGlobalOperand, STACK_GLOBAL},
		"module of Python2": {native("os") + str("system") + STACK_GLOBAL, machine.CodeGlobalOperand, STACK_GLOBAL},
	} {
		before := system + POP
		got, err := machine.Run(asm(before, c.stream), machine.Options{Rules: rules("weights")})
		require.Nil(t, got, name)
		e := fault(t, err, c.code)
		require.Equal(t, c.op[0], e.Op, name)
		require.Contains(t, e.Error(), c.code)
		if e.Op != 0 && name != "global cut" {
			require.Equal(t, c.op[0], asm(before, c.stream)[e.Offset], name)
		}
		require.Equal(t, "os.system", e.Uses[0].Name, name)
		require.Equal(t, machine.CodeGlobalDangerous, e.Findings[0].Code, name)
	}
}

func TestLimits(t *testing.T) {
	deep := strings.Repeat(EMPTY_LIST, 10) + strings.Repeat(APPEND, 9)
	for name, c := range map[string]struct {
		stream string
		lim    machine.Limits
		detail string
	}{
		"opcodes": {strings.Repeat(NONE+POP, 10) + NONE, machine.Limits{Ops: 21}, "21 opcodes"},
		"memo":    {NONE + strings.Repeat(MEMOIZE, 5), machine.Limits{Memo: 4}, "4 memo entries"},
		"stack":   {strings.Repeat(NONE, 5), machine.Limits{Stack: 4}, "4 values"},
		"marks":   {strings.Repeat(MARK, 5), machine.Limits{Stack: 4}, "4 values"},
		"depth":   {deep, machine.Limits{Depth: 8}, "8 containers"},
		"tuples":  {EMPTY_TUPLE + strings.Repeat(TUPLE1, 9), machine.Limits{Depth: 8}, "8 containers"},
		"strings": {STRING + `'\x41\x41'` + "\n", machine.Limits{Strings: 7}, "7 bytes"},
		"numbers": {LONG1 + u8(9) + strings.Repeat("\x7f", 9), machine.Limits{Strings: 8}, "8 bytes"},
		"keys":    {EMPTY_DICT + str(strings.Repeat("k", 800)) + NONE + SETITEM, machine.Limits{Ops: 100}, "100 opcodes"},
	} {
		_, err := machine.Run(asm(c.stream, STOP), machine.Options{Limits: c.lim})
		require.Contains(t, fault(t, err, machine.CodeLimits).Detail, c.detail, name)
	}
	_, err := machine.Run(asm(deep, STOP), machine.Options{Limits: machine.Limits{Depth: 9, Stack: 10, Ops: 20}})
	require.NoError(t, err, "as much as is allowed")

	pairs := EMPTY_DICT + MARK
	for i := range 50 {
		pairs += num(i) + NONE
	}
	again := pairs + SETITEMS + MEMOIZE + strings.Repeat(POP+global("collections", "Counter")+BINGET+u8(0)+TUPLE1+REDUCE, 300)
	_, err = machine.Run(asm(again, STOP), machine.Options{Rules: rules("weights")})
	require.Contains(t, fault(t, err, machine.CodeLimits).Detail, "copy")
	once := asm(pairs + SETITEMS + MEMOIZE + POP + global("collections", "Counter") + BINGET + u8(0) + TUPLE1 + REDUCE + STOP)
	_, err = machine.Run(once, machine.Options{Rules: rules("weights")})
	require.NoError(t, err)
	_, err = machine.Run(once, machine.Options{Rules: rules("weights"), Limits: machine.Limits{Ops: 150}})
	require.Contains(t, fault(t, err, machine.CodeLimits).Detail, "150 opcodes", "a copied pair costs an opcode")

	var names strings.Builder
	for i := range 10_001 {
		names.WriteString(global("m", "f"+strconv.Itoa(i)) + POP)
	}
	_, err = machine.Run(asm(names.String(), NONE, STOP), machine.Options{})
	require.Contains(t, fault(t, err, machine.CodeLimits).Detail, "10000 globals")
}

// Findings beyond a thousand are not listed, and that is said.
func TestManyFindings(t *testing.T) {
	var stream strings.Builder
	for i := range 1500 {
		stream.WriteString(global("m", "f"+strconv.Itoa(i)) + POP)
	}
	findings := read(t, stream.String()+NONE).Findings
	require.Len(t, findings, 1001)
	require.Contains(t, codes(findings), machine.CodeFindings)

	same := read(t, strings.Repeat(global("m", "f")+POP, 1500)+NONE)
	require.Equal(t, []string{machine.CodeGlobalDenied, machine.CodePopped}, codes(same.Findings), "each once")
}

// Containers that hold themselves are read.
func TestCycles(t *testing.T) {
	got := read(t, EMPTY_LIST+MEMOIZE+BINGET+u8(0)+APPEND)
	l := got.Value.(*machine.List)
	require.Same(t, l, l.Items[0])
	require.Empty(t, got.Findings)

	self := EMPTY_LIST + MEMOIZE + strings.Repeat(BINGET+u8(0)+APPEND, 1000)
	require.Len(t, read(t, self).Value.(*machine.List).Items, 1000, "not ever deeper")
}

// Bytes behind STOP are the caller's matter.
func TestEnd(t *testing.T) {
	for _, stream := range checkpoints(t) {
		alone, err := machine.Run(stream, machine.Options{Rules: rules("weights")})
		require.NoError(t, err)
		more, err := machine.Run(append(slices.Clone(stream), system...), machine.Options{Rules: rules("weights")})
		require.NoError(t, err)
		require.Equal(t, alone.End, more.End)
		require.Equal(t, alone.Findings, more.Findings)
		require.Equal(t, show(alone.Value), show(more.Value))
	}
}

// The zero Options know no global.
func TestNoRules(t *testing.T) {
	got, err := machine.Run(asm(tensor("0", 1), STOP), machine.Options{})
	require.NoError(t, err)
	require.NotEmpty(t, got.Findings)
	for _, u := range got.Uses {
		require.False(t, u.Known)
	}
	require.Equal(t, "", got.Value.(*machine.Call).Kind)
}

// The package runs in the sandbox: it imports nothing that needs an operating system.
func TestDependencies(t *testing.T) {
	pkg, err := build.ImportDir(".", 0)
	require.NoError(t, err)
	require.Equal(t, []string{"cmp", "math", "math/bits", "slices", "strconv", "strings", "unicode/utf8", "unsafe"}, pkg.Imports)

	list, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	deps := strings.Fields(string(list))
	require.Contains(t, deps, "strings")
	for _, banned := range []string{"fmt", "os", "time", "syscall", "context", "net", "io/fs", "encoding/json", "math/big", "internal/poll"} {
		require.NotContains(t, deps, banned)
	}
}
