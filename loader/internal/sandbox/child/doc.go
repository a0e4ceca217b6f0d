// Package child is the hook that turns a copy of the host's program into the
// child that reads pickles: linked into a program, it takes over a process that
// was started for it before the host's packages are initialised, confines it,
// answers, and ends it. Everywhere but on linux/amd64 the package is empty.
package child
