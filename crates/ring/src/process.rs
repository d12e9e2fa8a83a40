//! What the C library has and the standard library does not: the end of the process, its forks, the number of a thread, sending without a signal, threads without any, and those that begin without a lock.

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

/// Does something while no signal is delivered to the calling thread but those that it raises itself, as SIGSEGV; what the program has blocked before stays blocked. A
/// thread that is spawned meanwhile stays so: handlers of the program do not run there. Elsewhere than on Unix it is just done.
///
/// ```
/// let thread = pftrace_ring::without_signals(|| std::thread::spawn(|| "not disturbed"));
/// assert_eq!(thread.join().unwrap(), "not disturbed");
/// ```
pub fn without_signals<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(unix)]
    let _restored = Blocked::all();
    f()
}

/// Puts the thread's mask of signals back when it is dropped.
#[cfg(unix)]
struct Blocked(libc::sigset_t);

#[cfg(unix)]
impl Blocked {
    fn all() -> Self {
        let mut before = core::mem::MaybeUninit::uninit();
        let mut all = core::mem::MaybeUninit::uninit();
        // SAFETY: the sets are ours; the first call fills `all` before it is read, and the last one fills `before`: it fails for nothing but what it is to do, which
        // is one of those that there are.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            for own in
                [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS, libc::SIGABRT]
            {
                libc::sigdelset(all.as_mut_ptr(), own);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), before.as_mut_ptr());
            Self(before.assume_init())
        }
    }
}

#[cfg(unix)]
impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: the set is one that the system has given.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, core::ptr::null_mut()) };
    }
}

/// Begins a thread that nobody joins, by the C library alone. Those of the standard library begin with a lock of its own: a child that was forked while another thread had it has
/// nobody who gives it back. It has no name. A panic in it ends the process.
///
/// ```
/// let (sender, receiver) = std::sync::mpsc::channel();
/// pftrace_ring::spawn_bare(move || _ = sender.send("begun"))?;
/// assert_eq!(receiver.recv(), Ok("begun"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// When the system has no room for one more.
#[cfg(unix)]
pub fn spawn_bare(run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    type Run = Box<dyn FnOnce() + Send>;

    extern "C" fn begin(run: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: what `spawn_bare` has made for this thread, and given away.
        let run = unsafe { Box::from_raw(run.cast::<Run>()) };
        run();
        core::ptr::null_mut()
    }

    let run: *mut Run = Box::into_raw(Box::new(Box::new(run)));
    let mut thread = core::mem::MaybeUninit::uninit();
    // SAFETY: `begin` takes what it is given, and does not unwind: `extern "C"` aborts instead.
    let error = unsafe { libc::pthread_create(thread.as_mut_ptr(), core::ptr::null(), begin, run.cast()) };
    if error != 0 {
        // SAFETY: no thread has got it.
        drop(unsafe { Box::from_raw(run) });
        return Err(std::io::Error::from_raw_os_error(error));
    }
    // SAFETY: it was begun, so that there is its number, and nobody else detaches or joins it.
    unsafe { libc::pthread_detach(thread.assume_init()) };
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
    fn a_thread_that_is_spawned_without_signals_gets_none() {
        let blocked = || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
            u64::from_str_radix(mask.trim(), 16).unwrap()
        };
        // One of those that a thread raises, blocked by the program.
        let mut own = core::mem::MaybeUninit::uninit();
        // SAFETY: the set is ours, and filled before it is read.
        unsafe {
            libc::sigemptyset(own.as_mut_ptr());
            libc::sigaddset(own.as_mut_ptr(), libc::SIGTRAP);
            libc::pthread_sigmask(libc::SIG_BLOCK, own.as_ptr(), core::ptr::null_mut());
        }
        let before = blocked();
        let spawned = without_signals(|| std::thread::spawn(blocked)).join().unwrap();
        let has = |signal: i32| spawned >> (signal - 1) & 1 != 0;
        assert!(has(libc::SIGALRM) && has(libc::SIGINT) && has(libc::SIGPROF) && !has(libc::SIGSEGV), "{spawned:x}");
        assert!(has(libc::SIGTRAP), "{spawned:x}");
        assert_eq!(blocked(), before);
        assert!(std::panic::catch_unwind(|| without_signals(|| std::panic::resume_unwind(Box::new(())))).is_err());
        assert_eq!(blocked(), before);
    }

    #[test]
    fn a_thread_has_the_number_that_proc_has() {
        let number = || std::fs::read_link("/proc/thread-self").unwrap().file_name().unwrap().to_owned();
        std::thread::spawn(move || assert_eq!(*number(), *thread_id().to_string())).join().unwrap();
        assert_eq!(*number(), *thread_id().to_string());
    }
}
