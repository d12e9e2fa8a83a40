//! What every contender can do.

use crate::args;

/// An encoder with the buffer that it reuses. Each method encodes one message from plain arguments and returns its bytes.
pub trait Contender: Default {
    const NAME: &'static str;

    /// M1.
    fn slice(&mut self, a: &args::Slice) -> &[u8];
    /// M2.
    fn annotated(&mut self, a: &args::Annotated) -> &[u8];
    /// M3.
    fn interned(&mut self, a: &args::Interned) -> &[u8];
    /// M4.
    fn track(&mut self, a: &args::Track) -> &[u8];
    /// M5.
    fn points(&mut self, a: &args::Points) -> &[u8];
    /// M6.
    fn mixed(&mut self, a: &args::Mixed) -> &[u8];
    /// `ids` alone.
    fn packed(&mut self, a: &args::Mixed) -> &[u8];
    /// A chain of nested messages.
    fn chain(&mut self, a: &args::Chain) -> &[u8];
    /// Perfetto's flat workload.
    fn flat(&mut self, a: &args::EveryField) -> &[u8];
    /// Perfetto's nested workload.
    fn nested(&mut self, a: &args::EveryField) -> &[u8];
}
