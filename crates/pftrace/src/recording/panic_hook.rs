//! A snapshot of the first panic.

use std::boxed::Box;
use std::io::{Write, stderr};
use std::sync::Once;
use std::{panic, thread};

use super::output::create;
use super::session;

/// Sets the hook, once in a process. It asks the session that is recorded when a panic comes.
pub(super) fn set() {
    static ONCE: Once = Once::new();
    // Hooks can't be changed by a thread that panics; the next session can.
    if !thread::panicking() {
        ONCE.call_once(|| {
            let previous = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                // First, since the previous one may end the process.
                let said = snapshot();
                previous(panic);
                if let Some(said) = said {
                    // Where there is no standard error, nobody is told.
                    _ = stderr().write_all(said.as_bytes());
                }
            }));
        });
    }
}

fn snapshot() -> Option<std::string::String> {
    let shared = session::current_soon()?;
    let path = shared.flight().ok()?.take_panic_file()?;
    let shown = path.display();
    Some(match shared.snapshot(|| create(path)) {
        Ok(report) => std::format!("pftrace: what led to the panic is in {shown}: {report}\n"),
        Err(error) => std::format!("pftrace: what led to the panic is not in {shown}: {error}\n"),
    })
}
