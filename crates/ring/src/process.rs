//! The end of the process, and its forks.

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
