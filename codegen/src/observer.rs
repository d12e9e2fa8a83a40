//! Following the generator at work.

/// A step of the generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// All of one [`generate`](crate::Config::generate). The subject is empty; the other phases lie within.
    Generate,
    /// Reading one file. The subject is the file, as an `import` would write it; so it is in the next three.
    Read,
    /// From the text of one file to declarations, positions and comments.
    Parse,
    /// Resolving the types in one file, and checking the rules of the language.
    Check,
    /// Making the descriptors of all files. The subject is empty.
    Describe,
    /// Turning the descriptor of one file into the generator's own form.
    Lower,
    /// Writing the code of one message or enum. The subject is its full name.
    Emit,
    /// Formatting the code of one message or enum. The subject is its full name.
    Format,
}

impl Phase {
    /// The phase in lower case, for a label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Read => "read",
            Self::Parse => "parse",
            Self::Check => "check",
            Self::Describe => "describe",
            Self::Lower => "lower",
            Self::Emit => "emit",
            Self::Format => "format",
        }
    }
}

/// What is counted. Each only grows during one [`generate`](crate::Config::generate).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Counter {
    /// .proto files read.
    Files,
    /// Bytes of .proto text read.
    InputBytes,
    /// Messages emitted.
    Messages,
    /// Enums emitted.
    Enums,
    /// Fields emitted.
    Fields,
    /// Bytes of formatted code.
    OutputBytes,
}

impl Counter {
    /// The counter in words, for a label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::InputBytes => "input bytes",
            Self::Messages => "messages",
            Self::Enums => "enums",
            Self::Fields => "fields",
            Self::OutputBytes => "output bytes",
        }
    }
}

/// Follows the generator at work, from the thread that called it. Every method does nothing unless overridden.
///
/// Phases nest: an `end` ends the phase that began last. After an error the open phases are not ended.
///
/// ```
/// use std::cell::RefCell;
/// use pftrace_codegen::{Observer, Phase};
///
/// #[derive(Debug, Default)]
/// struct Log(RefCell<Vec<String>>);
///
/// impl Observer for Log {
///     fn begin(&self, phase: Phase, subject: &str) {
///         self.0.borrow_mut().push(format!("{} {subject}", phase.name()));
///     }
/// }
/// ```
pub trait Observer {
    /// A phase begins. `subject` is what it is about.
    fn begin(&self, phase: Phase, subject: &str) {
        let _ = (phase, subject);
    }

    /// The phase that began last ends.
    fn end(&self, phase: Phase) {
        let _ = phase;
    }

    /// A counter has a new value.
    fn count(&self, counter: Counter, total: u64) {
        let _ = (counter, total);
    }
}

/// The observer, if there is one.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a>(pub(crate) Option<&'a dyn Observer>);

impl Watch<'_> {
    /// Runs one phase.
    pub(crate) fn phase<R>(self, phase: Phase, subject: &str, f: impl FnOnce() -> R) -> R {
        self.begin(phase, subject);
        let result = f();
        self.end(phase);
        result
    }

    pub(crate) fn begin(self, phase: Phase, subject: &str) {
        if let Some(observer) = self.0 {
            observer.begin(phase, subject);
        }
    }

    pub(crate) fn end(self, phase: Phase) {
        if let Some(observer) = self.0 {
            observer.end(phase);
        }
    }

    pub(crate) fn count(self, counter: Counter, total: usize) {
        if let Some(observer) = self.0 {
            observer.count(counter, total as u64);
        }
    }
}
