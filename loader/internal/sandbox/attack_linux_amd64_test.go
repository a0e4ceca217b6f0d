package sandbox

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/loader/internal/sandbox/attacktest"
	"github.com/weightgate/weightgate/loader/internal/sandbox/walls"
)

// Behind all walls nothing works, on every rung of the ladder that holds. One
// with a user of its own takes away from a child of the others, and adds nothing.
func TestAttacks(t *testing.T) {
	target := newTarget(t)
	for _, r := range ladder() {
		t.Run(r.name, func(t *testing.T) {
			p := attacker(walls.All, r)
			out, err := p.run(background(t), spec(attacktest.Echo))
			if errors.Is(err, ErrUnsupported) {
				t.Skipf("this system refuses the rung: %v", err)
			}
			require.NoError(t, err)
			require.Equal(t, r.user, slices.Contains(out.Sandbox.Walls, "user"))
			if r.user {
				return
			}
			for _, a := range attacktest.Attacks {
				t.Run(a.Name, func(t *testing.T) {
					out, err := p.run(background(t), spec(string(target.Input(a.Name))))
					if err != nil {
						require.ErrorIs(t, err, ErrViolation)
						return
					}
					require.Regexp(t, `^[0-9]+$`, string(out.Output))
				})
			}
		})
	}
}

// alone are the walls, one by one: what a child puts up, and how it is set apart.
var alone = map[string]struct {
	set walls.Set
	on  rung
}{
	"limits":     {set: walls.Of(walls.Limits)},
	"privileges": {set: walls.Of(walls.Privileges)},
	"pages":      {set: walls.Of(walls.Pages)},
	"landlock":   {set: walls.Of(walls.Landlock)},
	"seccomp":    {set: walls.Of(walls.Seccomp)},
	"user":       {on: rung{name: "user", user: true}},
	"namespaces": {on: rung{name: "namespaces", flags: namespaces}},
}

// jailed says to a copy of the test that it is where attacks may work.
const jailed = "WEIGHTGATE_TEST_JAILED"

// TestEachWallAlone runs TestJailed in namespaces of its own: there the attacks
// are let work, to see that they would, and then each wall stands alone.
func TestEachWallAlone(t *testing.T) {
	if err := jail("-test.run=^$").Run(); err != nil {
		t.Skipf("this system gives no namespaces: %v", err)
	}
	rerun(t, jail(), "TestJailed")
}

// jail is a copy of this program, as root in namespaces of its own.
func jail(args ...string) *exec.Cmd {
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), jailed+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: namespaces}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

func TestJailed(t *testing.T) {
	if os.Getenv(jailed) == "" {
		t.Skip("TestEachWallAlone runs it")
	}
	require.Equal(t, 1, os.Getpid(), "in a namespace of its own")
	require.NoError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	require.NoError(t, unix.Mount("proc", "/proc", "proc", 0, ""))
	require.NoError(t, raiseLoopback())
	burnNumbers(300)
	target := newTarget(t)

	works := map[string]bool{}
	for _, a := range attacktest.Attacks {
		t.Run(a.Name+" with no wall", func(t *testing.T) {
			if a.Never {
				works[a.Name] = true
				return
			}
			target.Clean()
			said, _, e := try(t, attacker(0, rung{name: "no wall"}), target.Input(a.Name))
			require.True(t, e.done(), e.state)
			if a.Varies && said != attacktest.Worked {
				t.Skipf("this kernel refuses it to everybody: error %s", said)
			}
			require.Equal(t, !slices.Contains(a.Stops, "nothing"), said == attacktest.Worked, said)
			works[a.Name] = true
		})
	}
	for wall, w := range alone {
		stopped := 0
		t.Run(wall, func(t *testing.T) {
			if wall == "user" && !ownUsers() {
				t.Skip("this namespace has no other users")
			}
			_, report, _ := try(t, attacker(w.set, w.on), []byte(attacktest.Echo))
			for own := range walls.Wall(walls.Count) {
				if e := report.Errno[own]; w.set.Has(own) && e != 0 {
					t.Skipf("this kernel refuses it: %v", syscall.Errno(e))
				}
			}
			for _, a := range attacktest.Attacks {
				if !works[a.Name] || !slices.Contains(a.Stops, wall) {
					continue
				}
				t.Run(a.Name, func(t *testing.T) {
					target.Clean()
					said, report, e := try(t, attacker(w.set, w.on), target.Input(a.Name))
					if wall == "landlock" && report.ABI < a.ABI {
						t.Skipf("this kernel's Landlock is of ABI %d", report.ABI)
					}
					if e.done() {
						require.Regexp(t, `^[0-9]+$`, said)
					} else {
						require.ErrorIs(t, e.error(), ErrViolation)
					}
					stopped++
				})
			}
			require.NotZero(t, stopped, "it stops nothing")
		})
	}
}

// burnNumbers starts and ends threads, so that what is started next has a
// number that a new namespace has not reached.
func burnNumbers(n int) {
	for range n {
		done := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(done)
		}()
		<-done
	}
}

// The limits alone against what would take all of the machine, so that it is
// let take no more than twice what it may.
func TestLimitsAlone(t *testing.T) {
	apart := rung{name: "user namespace", flags: unix.CLONE_NEWUSER | unix.CLONE_VM | unix.CLONE_VFORK}
	if os.Geteuid() == 0 && ownUsers() {
		apart = alone["user"].on
	}
	for _, job := range []string{attacktest.Heap, attacktest.Spin, attacktest.Threads} {
		t.Run(job, func(t *testing.T) {
			p := attacker(walls.Of(walls.Limits), rung{name: "same user"})
			p.order.CPU = 10
			switch job {
			case attacktest.Spin:
				p.order.CPU = 1
			case attacktest.Threads:
				p.ladder = []rung{apart}
			}
			said, _, e := try(t, p, []byte(job))
			require.False(t, e.done(), said)
			require.ErrorIs(t, e.error(), ErrResources)
		})
	}
}

// ownUsers says that a child can get a user that nobody has.
func ownUsers() bool {
	_, err := attacker(walls.All, alone["user"].on).run(context.Background(), spec(attacktest.Echo))
	return !errors.Is(err, ErrUnsupported)
}

// raiseLoopback gives a new network namespace its 127.0.0.1.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// As root, what depends on the host's rights again as a user without them.
func TestOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the other tests are it")
	}
	dir := openDir(t)
	copyProgram(t, filepath.Join(dir, "program"))
	for _, test := range []string{"TestAttacks", "TestThreads", "TestLevel", "TestUserRefused"} {
		t.Run(test, func(t *testing.T) {
			cmd := exec.Command(filepath.Join(dir, "program"))
			cmd.Dir = "/"
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, Groups: []uint32{}}}
			rerun(t, cmd, test)
		})
	}
}
