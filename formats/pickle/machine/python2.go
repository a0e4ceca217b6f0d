package machine

// python3 is what a name of Python 2 became, as CPython's Lib/_compat_pickle.py
// has it for protocols 0 to 2. Exceptions moved together.
func python3(module, name string) (string, string) {
	switch module {
	case "exceptions":
		if name == "StandardError" {
			return "builtins", "Exception"
		}
		return "builtins", name
	case "multiprocessing":
		switch name {
		case "AuthenticationError", "BufferTooShort", "ProcessError", "TimeoutError":
			return "multiprocessing.context", name
		}
	}
	const longest = 64 // of those that follow
	if len(module)+len(name) > longest {
		return module, name
	}
	switch module + "." + name {
	case "__builtin__.unichr":
		return "builtins", "chr"
	case "itertools.ifilter":
		return "builtins", "filter"
	case "__builtin__.long":
		return "builtins", "int"
	case "itertools.imap":
		return "builtins", "map"
	case "__builtin__.xrange":
		return "builtins", "range"
	case "__builtin__.basestring", "__builtin__.unicode":
		return "builtins", "str"
	case "itertools.izip":
		return "builtins", "zip"
	case "UserDict.IterableUserDict", "UserDict.UserDict":
		return "collections", "UserDict"
	case "UserList.UserList":
		return "collections", "UserList"
	case "UserString.UserString":
		return "collections", "UserString"
	case "whichdb.whichdb":
		return "dbm", "whichdb"
	case "__builtin__.reduce":
		return "functools", "reduce"
	case "itertools.ifilterfalse":
		return "itertools", "filterfalse"
	case "itertools.izip_longest":
		return "itertools", "zip_longest"
	case "_multiprocessing.Connection":
		return "multiprocessing.connection", "Connection"
	case "multiprocessing.process.Process":
		return "multiprocessing.context", "Process"
	case "multiprocessing.forking.Popen":
		return "multiprocessing.popen_fork", "Popen"
	case "socket._socketobject":
		return "socket", "SocketType"
	case "_socket.fromfd":
		return "socket", "fromfd"
	case "__builtin__.intern":
		return "sys", "intern"
	case "urllib.ContentTooShortError":
		return "urllib.error", "ContentTooShortError"
	case "urllib2.HTTPError":
		return "urllib.error", "HTTPError"
	case "urllib2.URLError":
		return "urllib.error", "URLError"
	case "urllib.quote":
		return "urllib.parse", "quote"
	case "urllib.quote_plus":
		return "urllib.parse", "quote_plus"
	case "urllib.unquote":
		return "urllib.parse", "unquote"
	case "urllib.unquote_plus":
		return "urllib.parse", "unquote_plus"
	case "urllib.urlencode":
		return "urllib.parse", "urlencode"
	case "urllib.getproxies":
		return "urllib.request", "getproxies"
	case "urllib.pathname2url":
		return "urllib.request", "pathname2url"
	case "urllib.url2pathname":
		return "urllib.request", "url2pathname"
	case "urllib.urlcleanup":
		return "urllib.request", "urlcleanup"
	case "urllib.urlopen":
		return "urllib.request", "urlopen"
	case "urllib.urlretrieve":
		return "urllib.request", "urlretrieve"
	}
	switch module {
	case "dummy_thread":
		return "_dummy_thread", name
	case "markupbase":
		return "_markupbase", name
	case "thread":
		return "_thread", name
	case "__builtin__":
		return "builtins", name
	case "UserDict", "UserList", "UserString":
		return "collections", name
	case "_abcoll":
		return "collections.abc", name
	case "ConfigParser":
		return "configparser", name
	case "copy_reg":
		return "copyreg", name
	case "anydbm", "whichdb":
		return "dbm", name
	case "dbhash":
		return "dbm.bsd", name
	case "dumbdbm":
		return "dbm.dumb", name
	case "gdbm":
		return "dbm.gnu", name
	case "dbm":
		return "dbm.ndbm", name
	case "htmlentitydefs":
		return "html.entities", name
	case "HTMLParser":
		return "html.parser", name
	case "httplib":
		return "http.client", name
	case "cookielib":
		return "http.cookiejar", name
	case "Cookie":
		return "http.cookies", name
	case "BaseHTTPServer", "CGIHTTPServer", "SimpleHTTPServer":
		return "http.server", name
	case "StringIO", "cStringIO":
		return "io", name
	case "cPickle":
		return "pickle", name
	case "Queue":
		return "queue", name
	case "repr":
		return "reprlib", name
	case "SocketServer":
		return "socketserver", name
	case "commands":
		return "subprocess", name
	case "test.test_support":
		return "test.support", name
	case "Tkinter":
		return "tkinter", name
	case "tkColorChooser":
		return "tkinter.colorchooser", name
	case "tkCommonDialog":
		return "tkinter.commondialog", name
	case "Tkconstants":
		return "tkinter.constants", name
	case "Dialog":
		return "tkinter.dialog", name
	case "Tkdnd":
		return "tkinter.dnd", name
	case "FileDialog", "tkFileDialog":
		return "tkinter.filedialog", name
	case "tkFont":
		return "tkinter.font", name
	case "tkMessageBox":
		return "tkinter.messagebox", name
	case "ScrolledText":
		return "tkinter.scrolledtext", name
	case "SimpleDialog", "tkSimpleDialog":
		return "tkinter.simpledialog", name
	case "Tix":
		return "tkinter.tix", name
	case "ttk":
		return "tkinter.ttk", name
	case "urlparse":
		return "urllib.parse", name
	case "urllib2":
		return "urllib.request", name
	case "robotparser":
		return "urllib.robotparser", name
	case "_winreg":
		return "winreg", name
	case "_elementtree":
		return "xml.etree.ElementTree", name
	case "xmlrpclib":
		return "xmlrpc.client", name
	case "DocXMLRPCServer", "SimpleXMLRPCServer":
		return "xmlrpc.server", name
	}
	return module, name
}
