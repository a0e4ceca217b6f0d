package sandbox

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// seals end every way to change the content, or to set another seal
// (https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html).
const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// seal is a file that holds the pieces, that nobody can change, and whose
// descriptor can only be read from.
func seal(pieces [][]byte) (*os.File, error) {
	name, flags := "weightgate-input", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, because(ErrUnsupported, "memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	for _, b := range pieces {
		if _, err := f.Write(b); err != nil {
			return nil, fmt.Errorf("sandbox: writing the input: %w", err)
		}
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return nil, because(ErrUnsupported, "sealing", err)
	}
	ro, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return nil, because(ErrUnsupported, "no /proc", err)
	}
	return ro, nil
}
