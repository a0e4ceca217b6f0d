package machine

import (
	"cmp"
	"strings"
)

// hazard is the code of what is known to be wrong with a global, or "". It only
// sharpens what people are told: what is not here is denied all the same unless
// a pack has it.
func hazard(module, name string) string {
	if code := known(module, name); code != "" || !strings.Contains(name, ".") {
		return code
	}
	if strings.Count(name, ".") > deepest {
		return CodeGlobalDangerous
	}
	// An attribute of what the module imports: torch and serialization.os.system.
	for path := module + "." + name; path != ""; path, name = name, after(name) {
		i := strings.LastIndexByte(path, '.')
		if code := cmp.Or(known(path, ""), known(path[:max(0, i)], path[i+1:])); code != "" {
			return code
		}
	}
	return ""
}

// deepest is in how many others a class is defined that can still be one.
const deepest = 8

// after is what stands behind the first dot of a name.
func after(name string) string {
	_, rest, _ := strings.Cut(name, ".")
	return rest
}

// known is the code of a global, or "".
func known(module, name string) string {
	full := module + "." + name
	switch {
	case carriesCode(module, full):
		return CodeCode
	case dangerous(module, name, full):
		return CodeGlobalDangerous
	}
	return ""
}

// carriesCode reports whether a global builds a function or class out of code.
func carriesCode(module, full string) bool {
	switch full {
	case "types.CodeType", "types.FunctionType", "types.LambdaType", "new.code", "new.function":
		return true
	}
	for ; module != ""; module = parent(module) {
		switch module {
		case "dill", "cloudpickle", "marshal", "joblib.externals.cloudpickle", "ray.cloudpickle", "pyspark.cloudpickle", "srsly.cloudpickle":
			return true
		}
	}
	return false
}

// dangerous reports whether a global runs programs, imports, opens files or
// connections, unpickles, or reaches what does.
func dangerous(module, name, full string) bool {
	switch full {
	case "builtins.eval", "builtins.exec", "builtins.execfile", "builtins.compile", "builtins.__import__", "builtins.open", "builtins.file",
		"builtins.input", "builtins.breakpoint", "builtins.getattr", "builtins.setattr", "builtins.delattr", "builtins.globals",
		"builtins.locals", "builtins.vars", "builtins.apply", "builtins.map", "builtins.filter", "builtins.reload", "builtins.__build_class__",
		"builtins.exit", "builtins.quit", "builtins.help",
		"types.MethodType", "types.ModuleType", "copyreg.__newobj_ex__", "copyreg.add_extension", "copyreg.pickle",
		"itertools.starmap", "weakref.finalize", "linecache.getlines", "uuid._get_command_stdout", "platform.popen",
		"dataclasses.make_dataclass", "typing.get_type_hints", "codecs.open", "bz2.open", "gzip.open", "lzma.open", "gettext.c2py",
		"logging.FileHandler", "numpy.load", "numpy.save", "numpy.savetxt", "numpy.loadtxt", "numpy.genfromtxt", "numpy.fromfile", "numpy.fromregex",
		"numpy.memmap", "numpy.core.memmap", "numpy.vectorize", "numpy.frompyfunc", "numpy.apply_along_axis",
		"numpy.core.multiarray.fromfile", "numpy._core.multiarray.fromfile", "numpy.lib._npyio_impl.load",
		"torch.load", "torch.save", "torch.compile", "torch.from_file", "torch.jit.load", "torch.storage._load_from_bytes",
		"torch.serialization.load", "torch.serialization._load", "torch.serialization._legacy_load", "torch.library.Library",
		"torch._C.import_ir_module", "torch._C._import_ir_module_from_package",
		"torch.utils.data.datapipes.utils.decoder.basichandlers", "torch.jit.unsupported_tensor_ops.execWrapper",
		"torch.fx.experimental.symbolic_shapes.ShapeEnv", "joblib.load", "pandas.read_pickle", "pandas.eval",
		"transformers.dynamic_module_utils.get_class_from_dynamic_module", "lightning_fabric.utilities.cloud_io._load",
		"tensorflow.load_op_library", "tensorflow.io.read_file", "tensorflow.io.write_file", "keras.models.load_model", "keras.saving.load_model":
		return true
	}
	if module == "pathlib" { // a path by itself is only a text
		switch name {
		case "Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath":
			return false
		}
		return true
	}
	for ; module != ""; module = parent(module) {
		switch module {
		case "os", "posix", "nt", "posixpath", "ntpath", "sys", "subprocess", "_posixsubprocess", "popen2", "shutil", "fileinput", "io", "_io", "mmap",
			"importlib", "imp", "_imp", "_interpreters", "_xxsubinterpreters", "_frozen_importlib", "_frozen_importlib_external", "zipimport", "pkgutil", "pkg_resources",
			"setuptools", "distutils", "_aix_support", "_osx_support", "pip", "ensurepip", "venv", "runpy", "site", "pty", "ctypes", "_ctypes", "cffi",
			"code", "codeop", "_pyrepl", "bdb", "pdb", "cProfile", "profile", "trace", "timeit", "doctest", "idlelib", "lib2to3", "pydoc", "inspect",
			"operator", "_operator", "functools", "_functools", "atexit", "signal", "logging.config", "test", "unittest", "pytest", "IPython",
			"socket", "_socket", "socketserver", "ssl", "http", "urllib", "xmlrpc", "ftplib", "telnetlib", "smtplib", "imaplib", "poplib", "nntplib",
			"requests", "urllib3", "aiohttp", "httpx", "paramiko", "webbrowser", "antigravity", "asyncio", "multiprocessing", "concurrent",
			"threading", "_thread", "pickle", "_pickle", "shelve", "dbm", "sqlite3", "yaml",
			"torch.hub", "torch.package", "torch.ops", "torch._ops", "torch.classes", "torch._classes", "torch._dynamo", "torch._inductor",
			"torch.multiprocessing", "torch.distributed.run", "torch.distributed.launch", "torch.utils.cpp_extension", "torch.utils.collect_env",
			"torch.utils._config_module", "torch.utils.bottleneck", "numpy.f2py", "numpy.distutils", "numpy.testing", "numpy.ctypeslib", "numpy.lib.npyio", "numpy.lib.format",
			"joblib.numpy_pickle", "sklearn.externals.joblib", "pandas.io.pickle", "pandas.core.computation":
			return true
		}
	}
	return false
}

// parent is the package that a module or package lies in.
func parent(module string) string {
	return module[:max(0, strings.LastIndexByte(module, '.'))]
}
