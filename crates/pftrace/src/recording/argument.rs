//! What events say beside their name: the values of annotations.

use core::fmt;
use std::borrow::{Cow, ToOwned};
use std::boxed::Box;
use std::rc::Rc;
use std::string::String;
use std::sync::Arc;

use pftrace_protos::{DebugAnnotation, TrackEvent};

use super::call_site::CallSite;
use super::text::Cut;
use crate::event::{Value, set_number_or_text};

/// The value of an annotation, as a macro takes it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Argument<'a> {
    /// Written as it is.
    Value(Value<'a>),
    /// Formatted with `{:?}`, before the event's time is taken.
    Debug(&'a dyn fmt::Debug),
    /// Formatted with `{}`, likewise.
    Display(&'a dyn fmt::Display),
    /// Left out.
    None,
}

impl Argument<'_> {
    /// Whether it is formatted, before the event's time is taken.
    pub(super) fn is_formatted(&self) -> bool {
        matches!(self, Self::Debug(_) | Self::Display(_))
    }
}

impl<'a> Argument<'a> {
    /// The text that it is.
    pub(super) fn text(self) -> &'a str {
        if let Self::Value(Value::Str(text)) = self { text } else { "" }
    }
}

impl fmt::Debug for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => value.fmt(f),
            Self::Debug(value) => value.fmt(f),
            Self::Display(value) => value.fmt(f),
            Self::None => f.write_str("None"),
        }
    }
}

/// What can be the value of an annotation as it is: numbers, `bool`, texts, pointers, `Option`s and references of these. For
/// all else there are the marks `?` (`Debug`) and `%` (`Display`).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no value of an annotation",
    label = "write `?` in front of it to record its `Debug`, or `%` for its `Display`"
)]
pub trait Annotate {
    /// The value.
    fn argument(&self) -> Argument<'_>;
}

macro_rules! annotate {
    ($($type:ty),+) => {
        $(impl Annotate for $type {
            #[inline]
            fn argument(&self) -> Argument<'_> {
                Argument::Value(Value::from(*self))
            }
        })+
    };
}

annotate!(bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64);

macro_rules! annotate_by_display {
    ($($type:ty),+) => {
        $(impl Annotate for $type {
            #[inline]
            fn argument(&self) -> Argument<'_> {
                Argument::Display(self)
            }
        })+
    };
}

// Perfetto's numbers have 64 bits.
annotate_by_display!(char, i128, u128, fmt::Arguments<'_>);

impl Annotate for str {
    #[inline]
    fn argument(&self) -> Argument<'_> {
        Argument::Value(Value::Str(self))
    }
}

impl Annotate for String {
    #[inline]
    fn argument(&self) -> Argument<'_> {
        Argument::Value(Value::Str(self))
    }
}

impl<T> Annotate for *const T {
    #[inline]
    fn argument(&self) -> Argument<'_> {
        Argument::Value(Value::Pointer(self.addr() as u64))
    }
}

impl<T> Annotate for *mut T {
    #[inline]
    fn argument(&self) -> Argument<'_> {
        Argument::Value(Value::Pointer(self.addr() as u64))
    }
}

/// `None` is left out.
impl<T: Annotate> Annotate for Option<T> {
    #[inline]
    fn argument(&self) -> Argument<'_> {
        self.as_ref().map_or(Argument::None, Annotate::argument)
    }
}

macro_rules! annotate_through {
    ($($type:ty),+) => {
        $(impl<T: Annotate + ?Sized> Annotate for $type {
            #[inline]
            fn argument(&self) -> Argument<'_> {
                (**self).argument()
            }
        })+
    };
}

annotate_through!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: Annotate + ToOwned + ?Sized> Annotate for Cow<'_, T> {
    #[inline]
    fn argument(&self) -> Argument<'_> {
        (**self).argument()
    }
}

/// Writes the annotations of an event of `site`; texts are cut to at most `longest` bytes each.
pub(super) fn annotate(event: &mut TrackEvent<'_>, site: &CallSite, arguments: &[Argument<'_>], longest: usize) {
    for (key, argument) in (site.first_key()..).zip(arguments) {
        let Argument::Value(value) = *argument else { continue };
        event.add_debug_annotations(|annotation| {
            annotation.set_name_iid(u64::from(key));
            if let Some(text) = set_number_or_text(annotation, value) {
                let Cut { text, mark } = Cut::to(text, longest);
                annotation.raw().string_parts::<{ DebugAnnotation::STRING_VALUE_FIELD_NUMBER }>(|mut parts| {
                    parts.push(text);
                    parts.push(mark);
                });
            }
        });
    }
}
