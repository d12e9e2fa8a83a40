//! What one writes by hand for one message: the room checked once, then raw stores.
//!
//! This is the bar, so it does without the checks of a library; nothing else of the project may.

pub mod backward;
pub mod forward;
#[cfg(target_arch = "x86_64")]
pub mod pdep;
