package attacktest

import (
	"runtime"
	"syscall"
	"time"

	"github.com/weightgate/weightgate/loader/internal/sandbox/child"
	"github.com/weightgate/weightgate/loader/internal/sandbox/walls"
)

// Jobs that are no single call. Echo and Live must work behind all walls.
const (
	Echo      = "echo"      // says its input
	Live      = "live"      // collections, threads, timers and preemption for a while, then Worked
	Heap      = "heap"      // takes memory until there is none
	Threads   = "threads"   // takes threads until there are none
	Spin      = "spin"      // computes for ever
	Sleep     = "sleep"     // waits for ever
	Flood     = "flood"     // writes for ever
	Complain  = "complain"  // writes for ever, where nobody should
	Crash     = "crash"     // a fault
	Fail      = "fail"      // an error
	Recursion = "recursion" // a stack without end
	HangUp    = "hang up"   // closes its output and stays
	Exit      = "exit"      // ends, and says nothing of it
)

type job func(input []byte, write func([]byte) error) error

var jobs = map[string]job{
	Echo: func(input []byte, write func([]byte) error) error { return write(input) },
	Live: func(_ []byte, write func([]byte) error) error {
		live(1600 * time.Millisecond)
		return write([]byte(Worked))
	},
	Heap: func(_ []byte, write func([]byte) error) error {
		const piece = 16 << 20
		for range 2 * walls.Data / piece {
			b := make([]byte, piece)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			kept = append(kept, b)
		}
		return write([]byte(Worked))
	},
	Threads: func(_ []byte, write func([]byte) error) error {
		for range 10 * walls.Threads {
			onThread(func() {}, true)
		}
		return write([]byte(Worked))
	},
	Spin: func(_ []byte, write func([]byte) error) error {
		for end := time.Now().Add(15 * time.Second); time.Now().Before(end); {
		}
		return write([]byte(Worked))
	},
	Sleep: func([]byte, func([]byte) error) error {
		for {
			time.Sleep(time.Hour)
		}
	},
	Flood: func(_ []byte, write func([]byte) error) error {
		for b := make([]byte, 64<<10); ; {
			if err := write(b); err != nil {
				return err
			}
		}
	},
	Complain: func([]byte, func([]byte) error) error {
		for b := make([]byte, 512); ; {
			if _, err := syscall.Write(child.Complaints, b); err != nil {
				return err
			}
		}
	},
	Crash: func([]byte, func([]byte) error) error { panic("red \x1b[31m and\nmore") },
	Fail:  func([]byte, func([]byte) error) error { return syscall.EDOM },
	Recursion: func(_ []byte, write func([]byte) error) error {
		return write([]byte{byte(deep(1))})
	},
	HangUp: func([]byte, func([]byte) error) error {
		syscall.Close(child.Output)
		for {
			time.Sleep(time.Hour)
		}
	},
	Exit: func([]byte, func([]byte) error) error {
		syscall.Exit(3)
		return nil
	},
}

// onThread calls f on a thread of its own, and keeps the thread if asked to.
func onThread(f func(), keep bool) {
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		f()
		close(done)
		if keep {
			select {}
		}
	}()
	<-done
}

// live does what a Go program does when it is let.
func live(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		done := make(chan int)
		for range 8 {
			go func() {
				runtime.LockOSThread() // and end the thread with it
				s := 0
				for i := range 5_000_000 { // to be preempted in
					s += i
				}
				done <- s
			}()
		}
		garbage := make([][]byte, 0, 200)
		for range cap(garbage) {
			garbage = append(garbage, make([]byte, 32<<10))
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
		for range 8 {
			<-done
		}
		runtime.KeepAlive(garbage)
	}
}

//go:noinline
func deep(n int) int {
	var frame [4096]byte
	frame[n&4095] = byte(n)
	return deep(n+1) + int(frame[n*7&4095])
}
