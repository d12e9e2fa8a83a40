//! A barrier between a thread that passes it with each packet, and one that passes it now and then.
//!
//! Each stores something and then looks for what the other has stored: at least one of them must see it. A processor may look before its
//! store is seen, unless there is a full barrier in between. That costs as much as the clock on some, so on Linux only the one that is there
//! now and then has one, and has it for both: membarrier(2) makes every running thread of the process pass a full barrier, and those that
//! don't run have passed one when they were stopped.

#[cfg(all(target_os = "linux", not(loom)))]
use std::sync::atomic::compiler_fence;

use crate::sync::{Ordering, fence};

/// How the two sides agree: the same on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// The rare side has it for both.
    #[cfg(all(target_os = "linux", not(loom)))]
    Asymmetric,
    /// Each has its own.
    Symmetric,
}

impl Barrier {
    /// The cheaper one, where the system has it.
    pub(crate) fn new() -> Self {
        #[cfg(all(target_os = "linux", not(loom)))]
        if membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) {
            return Self::Asymmetric;
        }
        Self::Symmetric
    }

    /// For who is there often.
    #[inline(always)]
    pub(crate) fn light(self) {
        match self {
            #[cfg(all(target_os = "linux", not(loom)))]
            // For the compiler; the processor is seen to by `heavy`.
            Self::Asymmetric => compiler_fence(Ordering::SeqCst),
            // Not in a function of its own: registers would be saved for its sake.
            Self::Symmetric => fence(Ordering::SeqCst),
        }
    }

    /// Whether [`light_of_short`] does.
    pub(crate) fn is_for_short(self) -> bool {
        match self {
            #[cfg(all(target_os = "linux", not(loom)))]
            Self::Asymmetric => true,
            Self::Symmetric => cfg!(not(all(target_os = "linux", not(loom)))),
        }
    }

    /// For who is there rarely. Whether it could be had.
    pub(crate) fn heavy(self) -> bool {
        fence(Ordering::SeqCst);
        match self {
            #[cfg(all(target_os = "linux", not(loom)))]
            Self::Asymmetric => membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED),
            Self::Symmetric => true,
        }
    }
}

/// [`Barrier::light`] of the kind that [is for the short way](Barrier::is_for_short), which needs no look at which it is.
#[inline(always)]
pub(crate) fn light_of_short() {
    #[cfg(all(target_os = "linux", not(loom)))]
    compiler_fence(Ordering::SeqCst);
    #[cfg(not(all(target_os = "linux", not(loom))))]
    fence(Ordering::SeqCst);
}

#[cfg(all(target_os = "linux", not(loom)))]
fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: it takes no pointers, and changes nothing that Rust knows of.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}
