package link

import (
	"io"
	"net"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// finishTimeout bounds how long an end that was sent a FIN may take to read what came before it and to close its own side.
const finishTimeout = 2 * time.Second

// finish sends FIN, and returns a function that finishes what takes longer. A socket that is closed while bytes lie in it unread sends
// RST instead, and what was still to be sent, the FIN too, is lost. So a second descriptor keeps the socket open, and is read until
// the other end has closed its side.
func finish(socket *net.TCPConn) (rest func()) {
	second := -1
	if raw, err := socket.SyscallConn(); err == nil {
		// An error means that this side has ended already, and there is nothing to send.
		_ = raw.Control(func(fd uintptr) {
			if second, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err != nil {
				second = -1
			}
			_ = unix.Shutdown(int(fd), unix.SHUT_WR)
		})
	}
	return func() {
		if second < 0 {
			return
		}
		unread := os.NewFile(uintptr(second), "unread")
		go func() {
			defer unread.Close()
			if unread.SetReadDeadline(time.Now().Add(finishTimeout)) == nil {
				_, _ = io.Copy(io.Discard, unread)
			}
		}()
	}
}

// disconnect makes the kernel send an RST before it returns. A close with SO_LINGER 0 would do so only when the goroutine that
// reads from the socket has been scheduled and has let go of it.
func disconnect(socket *net.TCPConn) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	nowhere := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	// An error means that the socket is closed already.
	_ = raw.Control(func(fd uintptr) {
		_, _, _ = unix.RawSyscall(unix.SYS_CONNECT, fd, uintptr(unsafe.Pointer(&nowhere)), unsafe.Sizeof(nowhere))
	})
}
