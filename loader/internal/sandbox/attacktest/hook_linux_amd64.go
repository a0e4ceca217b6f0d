package attacktest

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/weightgate/weightgate/loader/internal/sandbox/child"
	"github.com/weightgate/weightgate/loader/internal/sandbox/walls"
)

// Variables of the environment that the hook looks for.
const (
	Mark     = "WEIGHTGATE_ATTACK" // as child.Mark
	Walls    = "WEIGHTGATE_WALLS"  // the walls.Set of such a child
	Liar     = "WEIGHTGATE_LIAR"   // a child that only says that it has walls
	Executed = "WEIGHTGATE_EXEC"   // a program that an attack executed
)

// Worked is what a child says whose attack did what it wanted. Otherwise it
// says the number of the error, in decimal.
const Worked = "worked"

func init() {
	if _, ok := syscall.Getenv(Executed); ok {
		say([]byte(Worked))
		syscall.Exit(0)
	}
	if _, ok := syscall.Getenv(Liar); ok {
		say(walls.Report{ABI: 7}.Append(nil))
		syscall.Read(child.Go, make([]byte, 1))
		say([]byte(Worked))
		syscall.Exit(0)
	}
	number, _ := syscall.Getenv(Walls)
	set, _ := strconv.ParseUint(number, 10, 8)
	child.Take(Mark, walls.Set(set), do)
}

func say(b []byte) error {
	_, err := syscall.Write(child.Output, b)
	return err
}

// do runs the job whose name is the input's first line.
func do(input []byte, write func([]byte) error) error {
	name, rest, _ := strings.Cut(string(input), "\n")
	if job, ok := jobs[name]; ok {
		return job(input, write)
	}
	for _, a := range Attacks {
		if a.Name != name {
			continue
		}
		if e := a.try(parseTarget(rest)); e != 0 {
			return write(strconv.AppendInt(nil, int64(e), 10))
		}
		return write([]byte(Worked))
	}
	return syscall.EINVAL
}

// A Target is what attacks aim at. All of it is the test's.
type Target struct {
	PID    int    // of a process
	Secret uint64 // an address in it
	Port   int    // on which it listens, TCP on 127.0.0.1
	Socket string // abstract, on which it listens
	Dir    string // with a file named file and a program named program
}

// Clean removes what attacks on it left.
func (t Target) Clean() {
	syscall.Unmount(t.Dir+"/mount", syscall.MNT_FORCE)
	for _, name := range []string{"created", "made", "linked"} {
		os.Remove(t.Dir + "/" + name)
	}
}

// Input is the input of a child that tries the attack on the target.
func (t Target) Input(attack string) []byte {
	return []byte(strings.Join([]string{attack, strconv.Itoa(t.PID), strconv.FormatUint(t.Secret, 10), strconv.Itoa(t.Port), t.Socket, t.Dir}, "\n"))
}

func parseTarget(s string) (t Target) {
	lines := strings.Split(s, "\n")
	t.PID, _ = strconv.Atoi(lines[0])
	t.Secret, _ = strconv.ParseUint(lines[1], 10, 64)
	t.Port, _ = strconv.Atoi(lines[2])
	t.Socket, t.Dir = lines[3], lines[4]
	return t
}
