//! Why a message was not encoded.

use core::fmt;

/// Why a message was not encoded. The buffer holds nothing of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The message does not fit into the buffer.
    Overflow {
        /// The length of the whole message, in bytes: a buffer of this size is enough.
        needed: usize,
        /// The length of the buffer that was given, in bytes.
        capacity: usize,
    },
    /// A field that its message must have was not written.
    RequiredMissing {
        /// The full name of the field.
        field: &'static str,
    },
    /// More than one field of a oneof was written, or one of them twice.
    OneofTwice {
        /// The full name of the oneof.
        oneof: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overflow { needed, capacity } => {
                write!(f, "the message needs {needed} bytes, the buffer has {capacity}")
            }
            Self::RequiredMissing { field } => write!(f, "expected the required field {field}, found none"),
            Self::OneofTwice { oneof } => write!(f, "expected at most one field of the oneof {oneof}, found more"),
        }
    }
}

impl core::error::Error for Error {}

/// What a message has against it other than its length.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    RequiredMissing(&'static str),
    OneofTwice(&'static str),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::RequiredMissing(field) => Self::RequiredMissing { field },
            Fault::OneofTwice(oneof) => Self::OneofTwice { oneof },
        }
    }
}
