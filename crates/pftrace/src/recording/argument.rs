//! What events say beside their name: the values of annotations.

use core::fmt;
use std::borrow::{Cow, ToOwned};
use std::boxed::Box;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use pftrace_protos::{DebugAnnotation, TrackEvent};

use super::call_site::CallSite;
use crate::event::{Context, Room, Value, set_number_or_text};
use crate::nested::{Array, Dict, array as array_of, dict as dict_of};
use crate::text::Cut;

/// The value of an annotation, as a macro takes it.
///
/// ```
/// use pftrace::{Annotate, Argument, instant};
///
/// enum Size {
///     Known(u64),
///     Unknown,
/// }
///
/// impl Annotate for Size {
///     fn argument(&self) -> Argument<'_> {
///         match self {
///             Self::Known(size) => size.argument(),
///             Self::Unknown => Argument::None, // left out
///         }
///     }
/// }
///
/// instant!("io", "open", size = Size::Known(3), limit = Size::Unknown);
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Argument<'a> {
    /// Yes or no.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// An address, shown in hexadecimal.
    Pointer(u64),
    /// A text.
    Str(&'a str),
    /// Formatted with `{:?}`, before the event's time is taken.
    Debug(&'a dyn fmt::Debug),
    /// Formatted with `{}`, likewise.
    Display(&'a dyn fmt::Display),
    /// A dictionary.
    Dict(&'a dyn Entries),
    /// An array.
    Array(&'a dyn Elements),
    /// Left out.
    None,
}

/// What has the entries of a dictionary: a type of one's own as the value of an annotation.
///
/// ```
/// use pftrace::{Annotate, Argument, Dict, Entries, instant};
///
/// struct Point {
///     x: f64,
///     y: f64,
/// }
///
/// impl Entries for Point {
///     fn entries(&self, dict: &mut Dict<'_>) {
///         dict.arg("x", self.x).arg("y", self.y);
///     }
/// }
///
/// impl Annotate for Point {
///     fn argument(&self) -> Argument<'_> {
///         Argument::Dict(self)
///     }
/// }
///
/// let path = [Point { x: 0.0, y: 0.0 }, Point { x: 1.0, y: 0.5 }];
/// instant!("draw", "line", end = path[1], path); // end.x, end.y, path[0].x, …
/// ```
///
/// It is asked while the event is written, perhaps more than once; nothing can be recorded within. Up to
/// [`MAX_ANNOTATION_DEPTH`](crate::MAX_ANNOTATION_DEPTH) dictionaries and arrays may be nested; what is deeper, or has no room in a chunk
/// of the buffer, is left out, and a `…` stands where it would.
pub trait Entries {
    /// Adds them.
    fn entries(&self, dict: &mut Dict<'_>);
}

/// What has the elements of an array, as [`Entries`] are those of a dictionary.
///
/// ```
/// use pftrace::{Annotate, Argument, Array, Elements, instant};
///
/// struct Range(u32, u32);
///
/// impl Elements for Range {
///     fn elements(&self, array: &mut Array<'_>) {
///         array.push(self.0).push(self.1);
///     }
/// }
///
/// impl Annotate for Range {
///     fn argument(&self) -> Argument<'_> {
///         Argument::Array(self)
///     }
/// }
///
/// instant!("io", "read", rows = Range(3, 7)); // rows[0], rows[1]
/// ```
pub trait Elements {
    /// Adds them.
    fn elements(&self, array: &mut Array<'_>);
}

/// A dictionary as the value of an annotation, filled by `f` each time the event is written.
///
/// ```
/// use pftrace::{array, dict, slice};
///
/// let (x, y) = (1, 2.5);
/// let _frame = slice!("render", "frame", camera = dict(|camera| {
///     camera.arg("x", x).arg("y", y).dict("lens", |lens| _ = lens.arg("mm", 35));
/// }), layers = array(|layers| {
///     (0..3).for_each(|layer| _ = layers.push(layer));
/// }));
/// ```
pub fn dict<F: Fn(&mut Dict<'_>)>(f: F) -> impl Annotate {
    Filled(f)
}

/// An array as the value of an annotation, filled by `f` each time the event is written: see [`dict()`].
pub fn array<F: Fn(&mut Array<'_>)>(f: F) -> impl Annotate {
    FilledArray(f)
}

struct Filled<F>(F);
struct FilledArray<F>(F);

impl<F: Fn(&mut Dict<'_>)> Entries for Filled<F> {
    fn entries(&self, dict: &mut Dict<'_>) {
        self.0(dict);
    }
}

impl<F: Fn(&mut Dict<'_>)> Annotate for Filled<F> {
    fn argument(&self) -> Argument<'_> {
        Argument::Dict(self)
    }
}

impl<F: Fn(&mut Array<'_>)> Elements for FilledArray<F> {
    fn elements(&self, array: &mut Array<'_>) {
        self.0(array);
    }
}

impl<F: Fn(&mut Array<'_>)> Annotate for FilledArray<F> {
    fn argument(&self) -> Argument<'_> {
        Argument::Array(self)
    }
}

macro_rules! annotate_elements {
    ($($(#[$attribute:meta])* [$($generics:tt)*] $type:ty),+) => {
        $(
            $(#[$attribute])*
            impl<$($generics)*> Elements for $type {
                fn elements(&self, array: &mut Array<'_>) {
                    self.iter().for_each(|element| _ = array.value(element));
                }
            }

            impl<$($generics)*> Annotate for $type {
                #[inline]
                fn argument(&self) -> Argument<'_> {
                    Argument::Array(self)
                }
            }
        )+
    };
}

annotate_elements!(
    [T: Annotate, const N: usize] [T; N],
    [T: Annotate] &[T],
    [T: Annotate] &mut [T],
    [T: Annotate] Vec<T>,
    [T: Annotate] VecDeque<T>,
    [T: Annotate] BTreeSet<T>,
    [T: Annotate, S] HashSet<T, S>
);

macro_rules! annotate_entries {
    ($([$($generics:tt)*] $type:ty),+) => {
        $(
            impl<$($generics)*> Entries for $type {
                fn entries(&self, dict: &mut Dict<'_>) {
                    self.iter().for_each(|(key, value)| _ = dict.value(key.as_ref(), value));
                }
            }

            impl<$($generics)*> Annotate for $type {
                #[inline]
                fn argument(&self) -> Argument<'_> {
                    Argument::Dict(self)
                }
            }
        )+
    };
}

annotate_entries!([K: AsRef<str>, V: Annotate] BTreeMap<K, V>, [K: AsRef<str>, V: Annotate, S] HashMap<K, V, S>);

impl Argument<'_> {
    /// Whether it is formatted, before the event's time is taken.
    pub(super) fn is_formatted(&self) -> bool {
        matches!(self, Self::Debug(_) | Self::Display(_))
    }
}

impl<'a> Argument<'a> {
    /// The text that it is.
    pub(super) fn text(self) -> &'a str {
        if let Self::Str(text) = self { text } else { "" }
    }

    /// What is written as it is.
    pub(crate) fn value(self) -> Option<Value<'a>> {
        Some(match self {
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Uint(value) => Value::Uint(value),
            Self::Double(value) => Value::Double(value),
            Self::Pointer(value) => Value::Pointer(value),
            Self::Str(value) => Value::Str(value),
            Self::Debug(_) | Self::Display(_) | Self::Dict(_) | Self::Array(_) | Self::None => return None,
        })
    }
}

impl<'a> From<Value<'a>> for Argument<'a> {
    #[inline]
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(value),
            Value::Int(value) => Self::Int(value),
            Value::Uint(value) => Self::Uint(value),
            Value::Double(value) => Self::Double(value),
            Value::Pointer(value) => Self::Pointer(value),
            Value::Str(value) => Self::Str(value),
        }
    }
}

impl fmt::Debug for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(_) | Self::Int(_) | Self::Uint(_) | Self::Double(_) | Self::Pointer(_) | Self::Str(_) => {
                self.value().fmt(f)
            }
            Self::Debug(value) => value.fmt(f),
            Self::Display(value) => value.fmt(f),
            Self::Dict(_) => f.write_str("Dict(…)"),
            Self::Array(_) => f.write_str("Array(…)"),
            Self::None => f.write_str("None"),
        }
    }
}

/// What can be the value of an annotation as it is: numbers, `bool`, texts, pointers; arrays, slices, maps and sets of these, and what
/// implements [`Entries`]; `Option`s and references of all these. For all else there are the marks `?` (`Debug`) and `%` (`Display`).
///
/// ```
/// use std::collections::BTreeMap;
///
/// use pftrace::instant;
///
/// let (count, ratio, name, none) = (3_u8, 0.5, String::from("x"), None::<u8>);
/// let sizes = BTreeMap::from([("a", 1), ("b", 2)]);
/// instant!("example", "as it is", count, ratio, name, none, sizes, list = [1, 2, 3], nested = [[1], [2]]);
/// instant!("example", "formatted", ?sizes, pi = %format_args!("{:.2}", 3.14159));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no value of an annotation",
    label = "write `?` in front of it to record its `Debug`, or `%` for its `Display`",
    note = "for its parts, implement `Entries`; a slice is a value by reference"
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
                Argument::from(Value::from(*self))
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
        Argument::Str(self)
    }
}

impl Annotate for String {
    #[inline]
    fn argument(&self) -> Argument<'_> {
        Argument::Str(self)
    }
}

impl<T> Annotate for *const T {
    #[inline]
    fn argument(&self) -> Argument<'_> {
        Argument::Pointer(self.addr() as u64)
    }
}

impl<T> Annotate for *mut T {
    #[inline]
    fn argument(&self) -> Argument<'_> {
        Argument::Pointer(self.addr() as u64)
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
        if let Some(value) = argument.value() {
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
        } else if let Argument::Dict(_) | Argument::Array(_) = argument {
            nested(event, key, *argument, longest);
        }
        // Those that are formatted have been.
    }
}

fn nested(event: &mut TrackEvent<'_>, key: u32, argument: Argument<'_>, longest: usize) {
    let mut room = Room { left: longest, is_cut: false };
    let mut no_error = None;
    let mut context = Context { table: None, error: &mut no_error, depth: 0, at_end: false, room: Some(&mut room) };
    event.add_debug_annotations(|annotation| {
        annotation.raw().uint64::<{ DebugAnnotation::NAME_IID_FIELD_NUMBER }>(key.into());
        match argument {
            Argument::Dict(entries) => dict_of(annotation, &mut context, None, |dict| entries.entries(dict)),
            Argument::Array(elements) => array_of(annotation, &mut context, None, |array| elements.elements(array)),
            _ => {}
        }
    });
}
