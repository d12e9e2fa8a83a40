//! Why a message was not transcoded.

use std::fmt;

/// Why a message was not transcoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// There is no message of that name.
    UnknownMessage {
        /// The name.
        name: String,
        /// Names that are like it.
        near: Vec<&'static str>,
    },
    /// The bytes are no such message.
    Decode {
        /// The name of the message.
        name: String,
        /// What the decoder says.
        reason: String,
    },
    /// The writers did not write it: a required field is missing.
    Encode(pftrace_wire::Error),
    /// The generator and the decoder's compiler understood a .proto file differently.
    Disagreement(String),
    /// The decoder cannot use the descriptors.
    Descriptors(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownMessage { name, near } => {
                write!(f, "expected the full name of a message, found `{name}`")?;
                if near.is_empty() { Ok(()) } else { write!(f, "; near to it: {}", near.join(", ")) }
            }
            Self::Decode { name, reason } => write!(f, "expected an encoded {name}: {reason}"),
            Self::Encode(error) => write!(f, "{error}"),
            Self::Disagreement(text) => write!(f, "{text}"),
            Self::Descriptors(text) => write!(f, "the descriptors: {text}"),
        }
    }
}

impl std::error::Error for Error {}
