//! Annotations that hold others: dictionaries and arrays.

use pftrace_protos::DebugAnnotation;

use crate::event::{Context, Fits, Value, scalar, set_name};
#[cfg(feature = "recording")]
use crate::text::Cut;
use crate::text::MARK;

/// A dictionary among the annotations of an event.
#[derive(Debug)]
pub struct Dict<'a> {
    annotation: DebugAnnotation<'a>,
    context: Context<'a>,
}

impl Dict<'_> {
    /// A key and its value.
    pub fn arg<'v>(&mut self, name: &str, value: impl Into<Value<'v>>) -> &mut Self {
        self.entry(name, |entry, context| scalar(entry, context, Some(name), value.into()))
    }

    /// A key and an address or other number shown in hexadecimal.
    pub fn pointer(&mut self, name: &str, address: u64) -> &mut Self {
        self.arg(name, Value::Pointer(address))
    }

    /// A dictionary within.
    pub fn dict(&mut self, name: &str, f: impl FnOnce(&mut Dict<'_>)) -> &mut Self {
        self.entry(name, |entry, context| dict(entry, context, Some(name), f))
    }

    /// An array within.
    pub fn array(&mut self, name: &str, f: impl FnOnce(&mut Array<'_>)) -> &mut Self {
        self.entry(name, |entry, context| array(entry, context, Some(name), f))
    }

    /// A key and whatever can be the value of an annotation of the macros.
    #[cfg(feature = "recording")]
    pub fn value(&mut self, name: &str, value: &(impl crate::Annotate + ?Sized)) -> &mut Self {
        match value.argument() {
            crate::Argument::None => self,
            value => self.entry(name, |entry, context| argument(entry, context, Some(name), value)),
        }
    }

    fn entry(&mut self, name: &str, f: impl FnOnce(&mut DebugAnnotation<'_>, &mut Context<'_>)) -> &mut Self {
        let Self { annotation, context } = self;
        match context.room_for(name.len()) {
            Fits::Whole => _ = annotation.add_dict_entries(|entry| f(entry, context)),
            Fits::Mark => mark_entry(annotation),
            Fits::Not => {}
        }
        self
    }
}

/// An array among the annotations of an event.
#[derive(Debug)]
pub struct Array<'a> {
    annotation: DebugAnnotation<'a>,
    context: Context<'a>,
}

impl Array<'_> {
    /// An element.
    pub fn push<'v>(&mut self, value: impl Into<Value<'v>>) -> &mut Self {
        self.element(|element, context| scalar(element, context, None, value.into()))
    }

    /// An address or other number shown in hexadecimal, as element.
    pub fn pointer(&mut self, address: u64) -> &mut Self {
        self.push(Value::Pointer(address))
    }

    /// A dictionary as element.
    pub fn dict(&mut self, f: impl FnOnce(&mut Dict<'_>)) -> &mut Self {
        self.element(|element, context| dict(element, context, None, f))
    }

    /// An array as element.
    pub fn array(&mut self, f: impl FnOnce(&mut Array<'_>)) -> &mut Self {
        self.element(|element, context| array(element, context, None, f))
    }

    /// Whatever can be the value of an annotation of the macros, as element.
    #[cfg(feature = "recording")]
    pub fn value(&mut self, value: &(impl crate::Annotate + ?Sized)) -> &mut Self {
        match value.argument() {
            crate::Argument::None => self,
            value => self.element(|element, context| argument(element, context, None, value)),
        }
    }

    fn element(&mut self, f: impl FnOnce(&mut DebugAnnotation<'_>, &mut Context<'_>)) -> &mut Self {
        let Self { annotation, context } = self;
        match context.room_for(0) {
            Fits::Whole => _ = annotation.add_array_values(|element| f(element, context)),
            Fits::Mark => mark_element(annotation),
            Fits::Not => {}
        }
        self
    }
}

/// What has no room, or is too deep, is marked as missing.
#[cold]
fn mark(annotation: &mut DebugAnnotation<'_>) {
    annotation.set_string_value(MARK);
}

#[cold]
fn mark_entry(annotation: &mut DebugAnnotation<'_>) {
    annotation.add_dict_entries(|entry| mark(entry.set_name(MARK)));
}

#[cold]
fn mark_element(annotation: &mut DebugAnnotation<'_>) {
    annotation.add_array_values(mark);
}

pub(crate) fn dict(
    annotation: &mut DebugAnnotation<'_>,
    context: &mut Context<'_>,
    name: Option<&str>,
    f: impl FnOnce(&mut Dict<'_>),
) {
    set_name(annotation, context, name);
    match context.check_depth() {
        true => f(&mut Dict { annotation: DebugAnnotation::new(annotation.raw()), context: context.deeper() }),
        false => mark(annotation),
    }
}

pub(crate) fn array(
    annotation: &mut DebugAnnotation<'_>,
    context: &mut Context<'_>,
    name: Option<&str>,
    f: impl FnOnce(&mut Array<'_>),
) {
    set_name(annotation, context, name);
    match context.check_depth() {
        true => f(&mut Array { annotation: DebugAnnotation::new(annotation.raw()), context: context.deeper() }),
        false => mark(annotation),
    }
}

#[cfg(feature = "recording")]
fn argument(
    annotation: &mut DebugAnnotation<'_>,
    context: &mut Context<'_>,
    name: Option<&str>,
    argument: crate::Argument<'_>,
) {
    use crate::Argument;
    if let Some(value) = argument.value() {
        return scalar(annotation, context, name, value);
    }
    match argument {
        Argument::Dict(entries) => dict(annotation, context, name, |dict| entries.entries(dict)),
        Argument::Array(elements) => array(annotation, context, name, |array| elements.elements(array)),
        Argument::Debug(value) => formatted(annotation, context, name, format_args!("{value:?}")),
        Argument::Display(value) => formatted(annotation, context, name, format_args!("{value}")),
        _ => {}
    }
}

/// A text that is formatted straight into the packet.
#[cfg(feature = "recording")]
fn formatted(
    annotation: &mut DebugAnnotation<'_>,
    context: &mut Context<'_>,
    name: Option<&str>,
    value: core::fmt::Arguments<'_>,
) {
    set_name(annotation, context, name);
    annotation.raw().string_parts::<{ DebugAnnotation::STRING_VALUE_FIELD_NUMBER }>(|parts| {
        let mut parts = Bounded { parts, context };
        // An error is the value's own, or says that there is no more room: what is there is shown.
        _ = core::fmt::Write::write_fmt(&mut parts, value);
    });
}

#[cfg(feature = "recording")]
struct Bounded<'p, 'c> {
    parts: pftrace_wire::StringParts<'p>,
    context: &'p mut Context<'c>,
}

#[cfg(feature = "recording")]
impl core::fmt::Write for Bounded<'_, '_> {
    fn write_str(&mut self, part: &str) -> core::fmt::Result {
        let Cut { text, mark } = self.context.cut(part);
        self.parts.push(text);
        self.parts.push(mark);
        if text.len() < part.len() { Err(core::fmt::Error) } else { Ok(()) }
    }
}
