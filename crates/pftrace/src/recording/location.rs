//! Places in the program's source.

use std::sync::atomic::{AtomicU32, Ordering};

use super::call_site::MAX_CALL_SITES;
use super::registry::Registry;

/// A place in the program's source: what [`here!`](crate::here) makes, for the option `source_location`.
///
/// ```
/// use pftrace::{here, instant};
///
/// fn open() {
///     let place = here!();
///     assert!(place.function().ends_with("open") && place.file().ends_with(".rs") && place.line() > 0);
///     instant!(source_location: place, "io", "open");
/// }
/// # open();
/// ```
#[derive(Debug)]
pub struct SourceLocation {
    file: &'static str,
    line: u32,
    /// The name of something within the function.
    within: fn() -> &'static str,
    number: AtomicU32,
}

static LOCATIONS: Registry<&'static SourceLocation> = Registry::new(MAX_CALL_SITES);

impl SourceLocation {
    /// `within` returns the type's name of something that is defined in the function.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(file: &'static str, line: u32, within: fn() -> &'static str) -> Self {
        Self { file, line, within, number: AtomicU32::new(0) }
    }

    /// The file, as the compiler was given it.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The function, with the modules that it is in.
    #[must_use]
    pub fn function(&self) -> &'static str {
        let name = (self.within)();
        // Of what is defined in it: `module::function::{{closure}}::within`.
        let mut function = name.rfind(':').map_or(name, |colon| &name[..colon.saturating_sub(1)]);
        while let Some(around) = function.strip_suffix("::{{closure}}") {
            function = around;
        }
        function
    }

    /// `None` when there are too many.
    pub(super) fn number(&'static self) -> Option<u32> {
        match self.number.load(Ordering::Relaxed) {
            0 => {
                let own = LOCATIONS.add(self)?;
                let set = self.number.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed);
                Some(set.map_or_else(|found| found, |_| own))
            }
            number => Some(number),
        }
    }

    pub(super) fn of_number(number: u32) -> Option<&'static Self> {
        LOCATIONS.get(number)
    }
}

pub(super) fn prepare() {
    LOCATIONS.prepare();
}
