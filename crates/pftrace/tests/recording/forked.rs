//! Children that are forked: shared with `tests/first_forks.rs`, which needs processes that have not recorded before.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Whether a child says yes, within ten seconds.
pub(crate) fn says_yes(child: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child only records and exits; the C library's allocator is usable in it.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: it ends the child if nothing else does.
            unsafe { libc::alarm(10) };
            let said = catch_unwind(AssertUnwindSafe(child));
            // SAFETY: it ends the child, without destructors and handlers.
            unsafe { libc::_exit(i32::from(!matches!(said, Ok(true)))) }
        }
        child => {
            let mut status = 0;
            // SAFETY: `status` is ours.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            if status != 0 {
                // 14: it has hung; 256: it said no, or panicked.
                eprintln!("a child ended with {status}");
            }
            status == 0
        }
    }
}
