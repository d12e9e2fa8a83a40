//! What the C library has and the standard library does not: the end of the process, its forks, the number of a thread, sending without a signal.

#[cfg(target_os = "linux")]
use std::os::fd::{AsFd, AsRawFd};

/// Has `f` called when the process exits by `exit` or by the end of `main`; not when it is killed or aborts. It runs on the
/// thread that exits, whose thread-locals may be gone, while other threads still run.
///
/// # Errors
///
/// When the C library has no room for one more.
pub fn at_exit(f: extern "C" fn()) -> std::io::Result<()> {
    // SAFETY: a function pointer that stays valid, which must not unwind: `extern "C"` aborts instead.
    match unsafe { libc::atexit(f) } {
        0 => Ok(()),
        _ => Err(std::io::ErrorKind::OutOfMemory.into()),
    }
}

/// Has these called around each `fork` of the process, on the thread that forks: `before`, and after it one of the others. `posix_spawn` and
/// `vfork` call none. Elsewhere than on Unix there are no forks, and this does nothing.
///
/// # Errors
///
/// When the C library has no room for one more.
pub fn at_fork(before: extern "C" fn(), in_parent: extern "C" fn(), in_child: extern "C" fn()) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        // SAFETY: function pointers that stay valid, which must not unwind: `extern "C"` aborts instead.
        let error = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        if error != 0 {
            return Err(std::io::Error::from_raw_os_error(error));
        }
    }
    #[cfg(not(unix))]
    let _ = (before, in_parent, in_child);
    Ok(())
}

/// The system's number of the calling thread, as `/proc` has it.
#[cfg(target_os = "linux")]
#[must_use]
pub fn thread_id() -> i32 {
    // SAFETY: it takes nothing, touches no memory of ours, and always succeeds. By its number, as C libraries before glibc 2.30 have no
    // function for it.
    unsafe { libc::syscall(libc::SYS_gettid) as libc::pid_t }
}

/// Sends as many of the bytes as a connected socket takes, and returns how many; without a SIGPIPE when its other end is closed.
///
/// # Errors
///
/// As send(2) has them: `WouldBlock` after the socket's timeout, `BrokenPipe` when its other end is closed.
#[cfg(target_os = "linux")]
pub fn send(socket: impl AsFd, bytes: &[u8]) -> std::io::Result<usize> {
    let socket = socket.as_fd().as_raw_fd();
    // SAFETY: the bytes are there to read, as many as we say, and the descriptor is open while it is borrowed.
    let sent = unsafe { libc::send(socket, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) };
    usize::try_from(sent).map_err(|_| std::io::Error::last_os_error())
}

#[cfg(all(test, target_os = "linux", not(loom)))]
mod tests {
    use std::io::{ErrorKind, Read};
    use std::os::unix::net::UnixStream;

    use super::*;

    /// In a program whose SIGPIPE kills, as it does where the standard library has not begun `main`.
    #[test]
    fn sending_to_nobody_is_an_error_and_no_signal() {
        // SAFETY: the default action is set for a signal that no other test raises.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let (ours, mut other) = UnixStream::pair().unwrap();
        assert_eq!(send(&ours, b"hello").unwrap(), 5);
        let mut received = [0; 5];
        other.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"hello");
        drop(other);
        assert_eq!(send(&ours, b"hello").unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_thread_has_the_number_that_proc_has() {
        let number = || std::fs::read_link("/proc/thread-self").unwrap().file_name().unwrap().to_owned();
        std::thread::spawn(move || assert_eq!(*number(), *thread_id().to_string())).join().unwrap();
        assert_eq!(*number(), *thread_id().to_string());
    }
}
