//! The end of the process.

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
