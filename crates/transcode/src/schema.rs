//! The messages of a tree of .proto files: how to decode them, and what writes them.

use std::sync::OnceLock;

use pftrace_wire::Encoded;
use prost_reflect::{DescriptorPool, DynamicMessage};

use crate::error::Error;
use crate::glue::{Fault, Message};
use crate::message_set;

/// Encodes a message into a buffer with its generated writer.
pub type Encode = for<'b> fn(&'b mut [u8], &Message<'_>) -> Encoded<'b>;

/// The messages of a tree of .proto files.
#[derive(Debug)]
pub struct Schema {
    descriptor_set: &'static [u8],
    /// By full name, sorted.
    messages: &'static [(&'static str, Encode)],
    setters: usize,
    /// By full name of the message, and number; sorted.
    implicit: &'static [(&'static str, u32)],
    pool: OnceLock<Result<DescriptorPool, Error>>,
}

impl Schema {
    /// Of descriptors for the decoder; the writers by the full names of their messages, sorted, with as many setters; and the
    /// fields without presence, sorted.
    #[must_use]
    pub const fn new(
        descriptor_set: &'static [u8],
        messages: &'static [(&'static str, Encode)],
        setters: usize,
        implicit: &'static [(&'static str, u32)],
    ) -> Self {
        Self { descriptor_set, messages, setters, implicit, pool: OnceLock::new() }
    }

    /// The decoder's descriptors, serialized: all is proto2, and has presence.
    #[must_use]
    pub const fn descriptor_set(&self) -> &'static [u8] {
        self.descriptor_set
    }

    /// Whether a field has no presence in truth, so that its default is not written.
    #[must_use]
    pub fn is_implicit(&self, message: &str, number: u32) -> bool {
        self.implicit.binary_search(&(message, number)).is_ok()
    }

    /// The full names of the messages, sorted.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.messages.iter().map(|(name, _)| *name)
    }

    /// How many setters all writers have.
    #[must_use]
    pub fn setters(&self) -> usize {
        self.setters
    }

    /// See [`transcode`](crate::transcode).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn transcode(&self, bytes: &[u8], name: &str) -> Result<Vec<u8>, Error> {
        let Ok(index) = self.messages.binary_search_by_key(&name, |(name, _)| name) else {
            return Err(Error::UnknownMessage { name: name.to_owned(), near: self.near(name) });
        };
        let message = self.decode(bytes, name)?;
        let encode = self.messages[index].1;
        let fault = Fault::default();
        let mut buffer = vec![0; bytes.len()];
        let written = loop {
            match encode(&mut buffer, &Message::new(&message, &fault)).map(|written| written.len()) {
                Err(pftrace_wire::Error::Overflow { needed, capacity }) if needed > capacity => {
                    buffer.resize(needed, 0)
                }
                result => break result,
            }
        };
        if let Some(text) = fault.into_text() {
            return Err(Error::Disagreement(text));
        }
        buffer.truncate(written.map_err(Error::Encode)?);
        Ok(buffer)
    }

    /// The decoder's descriptors.
    ///
    /// # Errors
    ///
    /// When it cannot use them.
    pub fn pool(&self) -> Result<&DescriptorPool, Error> {
        let pool = self.pool.get_or_init(|| {
            DescriptorPool::decode(self.descriptor_set).map_err(|error| Error::Descriptors(error.to_string()))
        });
        pool.as_ref().map_err(Clone::clone)
    }

    fn decode(&self, bytes: &[u8], name: &str) -> Result<DynamicMessage, Error> {
        let descriptor = self.pool()?.get_message_by_name(name);
        let descriptor = descriptor.ok_or_else(|| Error::Disagreement(format!("{name}: only the writer has it")))?;
        let decoded = DynamicMessage::decode(descriptor, bytes).and_then(|mut message| {
            message_set::decode_items(&mut message)?;
            Ok(message)
        });
        decoded.map_err(|error| Error::Decode { name: name.to_owned(), reason: error.to_string() })
    }

    /// Names that someone may have meant: with the same last part, else with a last part that begins or ends alike.
    fn near(&self, name: &str) -> Vec<&'static str> {
        const MOST: usize = 5;
        let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let wanted = last(name);
        let mut near: Vec<_> = self.names().filter(|name| last(name) == wanted).collect();
        if near.is_empty() && !wanted.is_empty() {
            let alike = |found: String| {
                let prefix = found.bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count();
                let suffix = found.bytes().rev().zip(wanted.bytes().rev()).take_while(|(a, b)| a == b).count();
                prefix + suffix
            };
            let mut ranked: Vec<_> = self.names().map(|name| (alike(last(name)), name)).collect();
            ranked.retain(|(alike, _)| alike * 2 >= wanted.len());
            ranked.sort_by_key(|&(alike, name)| (usize::MAX - alike, name.len(), name));
            near = ranked.into_iter().map(|(_, name)| name).collect();
        }
        near.truncate(MOST);
        near
    }
}
