//! The atomics: the standard ones, or those that loom watches.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};

/// A function that is `const`, but in models: loom's atomics are not made at compile time.
macro_rules! const_but_in_models {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty $body:block) => {
        #[cfg(not(loom))]
        $(#[$attribute])*
        $visibility const fn $name($($argument: $type),*) -> $result $body
        #[cfg(loom)]
        $(#[$attribute])*
        $visibility fn $name($($argument: $type),*) -> $result $body
    };
}
pub(crate) use const_but_in_models;

/// A look at what only the calling thread stores. In models it is no step of its own: loom takes the last look at a place for the only one, so behind a thread's own it would
/// not try the orders in which that thread's next store comes before the looks of others (<https://github.com/tokio-rs/loom/issues/166>).
pub(crate) trait LoadOwn {
    type Value;

    fn load_own(&self) -> Self::Value;
}

macro_rules! load_own {
    ($($atomic:ident $(<$of:ident>)? => $value:ty),*) => {$(
        impl $(<$of>)? LoadOwn for $atomic $(<$of>)? {
            type Value = $value;

            #[inline(always)]
            fn load_own(&self) -> $value {
                #[cfg(not(loom))]
                return self.load(Ordering::Relaxed);
                #[cfg(loom)]
                // SAFETY: that nobody else stores there is what loom checks.
                return unsafe { self.unsync_load() };
            }
        }
    )*};
}
load_own!(AtomicBool => bool, AtomicU16 => u16, AtomicU32 => u32, AtomicPtr<T> => *mut T);
