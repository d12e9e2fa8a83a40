//! What an event says beside its time, track and name.

use pftrace_protos::{DebugAnnotation, TrackEvent};

use crate::error::Error;
use crate::intern::{Kind, Table};
use crate::nested::{Array, Dict, array, dict};
use crate::text::Cut;

/// How deep dictionaries and arrays may be nested in each other.
pub const MAX_ANNOTATION_DEPTH: u32 = 64;

/// An event being written: what a closure given to one of the `…_with` methods of [`TraceWriter`](crate::TraceWriter)
/// gets.
///
/// Everything is written as it is said, and what is interned is found by itself: nothing is gathered, nothing allocated.
///
/// # Example
///
/// ```
/// # let mut trace = pftrace::TraceWriter::new(Vec::new());
/// # let process = trace.process_track(7).describe()?;
/// # let mut thread = trace.thread_track(&process, 7).describe()?;
/// trace.begin_with(&mut thread, 1_000, "draw", |event| {
///     event.category("gpu").arg("pass", 3).arg("shader", "sky").dict("target", |target| {
///         target.arg("width", 640).arg("height", 480);
///     });
/// })?;
/// # Ok::<(), pftrace::Error>(())
/// ```
#[derive(Debug)]
pub struct Event<'a> {
    event: TrackEvent<'a>,
    context: Context<'a>,
}

/// What every part of an event needs.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// Without one all stands in the packet itself.
    pub(crate) table: Option<Table<'a>>,
    /// The first thing that went wrong: the event will not be written.
    pub(crate) error: &'a mut Option<Error>,
    /// How many dictionaries and arrays are open.
    pub(crate) depth: u32,
    /// The event ends a slice.
    pub(crate) at_end: bool,
    /// How much there may be: what is more, or deeper, is left out and marked. Without it, it is an error.
    pub(crate) room: Option<&'a mut Room>,
}

/// How much may be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// In bytes, more or less.
    pub(crate) left: usize,
    /// Something was left out.
    pub(crate) is_cut: bool,
}

/// What an entry of a dictionary or an array takes at most beside its texts: tags, lengths, a number, a mark.
const ENTRY_LEN: usize = 32;

impl Context<'_> {
    pub(crate) fn deeper(&mut self) -> Context<'_> {
        let Self { table, error, depth, at_end, room } = self;
        let table = table.as_mut().map(Table::reborrow);
        Context { table, error, depth: *depth + 1, at_end: *at_end, room: room.as_deref_mut() }
    }

    /// Whether one more dictionary or array may be opened.
    pub(crate) fn check_depth(&mut self) -> bool {
        let fits = self.depth < MAX_ANNOTATION_DEPTH;
        if !fits && self.room.is_none() && self.error.is_none() {
            *self.error = Some(Error::AnnotationTooDeep { limit: MAX_ANNOTATION_DEPTH });
        }
        fits
    }

    fn intern(&mut self, kind: Kind, text: &str, extra: u64) -> Option<u64> {
        self.table.as_mut()?.intern(kind, text, extra)
    }

    /// As much of a text as there is room for.
    pub(crate) fn cut<'t>(&mut self, text: &'t str) -> Cut<'t> {
        let Some(room) = &mut self.room else { return Cut { text, mark: "" } };
        let cut = Cut::to(text, room.left);
        room.is_cut |= cut.text.len() < text.len();
        room.left -= cut.text.len() + cut.mark.len();
        cut
    }

    /// Whether there is room for one more entry, with a name of `len` bytes.
    pub(crate) fn room_for(&mut self, len: usize) -> Fits {
        let Some(room) = &mut self.room else { return Fits::Whole };
        match room.left.checked_sub(len.saturating_add(ENTRY_LEN)) {
            _ if room.is_cut => Fits::Not,
            Some(left) => {
                room.left = left;
                Fits::Whole
            }
            None => {
                room.is_cut = true;
                Fits::Mark
            }
        }
    }
}

/// Whether an entry has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fits {
    Whole,
    /// Not, and it is the first that has none.
    Mark,
    Not,
}

impl<'a> Event<'a> {
    pub(crate) fn new(event: TrackEvent<'a>, context: Context<'a>) -> Self {
        Self { event, context }
    }

    pub(crate) fn name(&mut self, name: &str) {
        match self.context.intern(Kind::EventName, name, 0) {
            Some(iid) => self.event.set_name_iid(iid),
            None => self.event.set_name(name),
        };
    }

    /// A category; several may be given.
    ///
    /// It belongs to the begin of a slice. At an end it is [`Error::CategoryAtEnd`]: Perfetto ends what has that category
    /// then, which may be nothing.
    pub fn category(&mut self, category: &str) -> &mut Self {
        if self.context.at_end {
            _ = self.context.error.get_or_insert(Error::CategoryAtEnd);
        }
        match self.context.intern(Kind::Category, category, 0) {
            Some(iid) => self.event.add_category_iids(iid),
            None => self.event.add_categories(category),
        };
        self
    }

    /// An annotation: shown among the event's arguments as `debug.<name>`.
    pub fn arg<'v>(&mut self, name: &str, value: impl Into<Value<'v>>) -> &mut Self {
        let Self { event, context } = self;
        event.add_debug_annotations(|annotation| scalar(annotation, context, Some(name), value.into()));
        self
    }

    /// An annotation that is an address or other number shown in hexadecimal: `0xfffc`.
    ///
    /// ```
    /// # let mut trace = pftrace::TraceWriter::new(Vec::new());
    /// # let cpu = trace.track("cpu").describe()?;
    /// trace.instant_with(&cpu, 7, "trap", |event| {
    ///     event.pointer("pc", 0xfffc).dict("registers", |registers| {
    ///         registers.pointer("sp", 0x1ff);
    ///     });
    /// })?;
    /// # Ok::<(), pftrace::Error>(())
    /// ```
    pub fn pointer(&mut self, name: &str, address: u64) -> &mut Self {
        self.arg(name, Value::Pointer(address))
    }

    /// An annotation that is a dictionary, filled by `f`.
    ///
    /// Up to [`MAX_ANNOTATION_DEPTH`] dictionaries and arrays may be nested; deeper, the event is refused with
    /// [`Error::AnnotationTooDeep`]. One that stays empty is not shown.
    pub fn dict(&mut self, name: &str, f: impl FnOnce(&mut Dict<'_>)) -> &mut Self {
        let Self { event, context } = self;
        event.add_debug_annotations(|annotation| dict(annotation, context, Some(name), f));
        self
    }

    /// An annotation that is an array, filled by `f`. Nesting and emptiness as in [`dict`](Self::dict).
    pub fn array(&mut self, name: &str, f: impl FnOnce(&mut Array<'_>)) -> &mut Self {
        let Self { event, context } = self;
        event.add_debug_annotations(|annotation| array(annotation, context, Some(name), f));
        self
    }

    /// The event is a step of a flow: an arrow is drawn to the flow's next event in time, whatever the order in which they
    /// are written.
    ///
    /// `id` is one for all sequences of the trace. One event may be a step of several flows, and may end some and begin
    /// others.
    ///
    /// ```
    /// # let mut trace = pftrace::TraceWriter::new(Vec::new());
    /// # let mut client = trace.track("client").describe()?;
    /// # let mut server = trace.track("server").describe()?;
    /// let (request, response) = (1, 2);
    /// trace.slice_with(&mut client, 100, 200, "ask", |event| _ = event.flow(request))?;
    /// trace.slice_with(&mut server, 300, 400, "answer", |event| _ = event.terminating_flow(request).flow(response))?;
    /// trace.slice_with(&mut client, 500, 600, "read", |event| _ = event.terminating_flow(response))?;
    /// # Ok::<(), pftrace::Error>(())
    /// ```
    pub fn flow(&mut self, id: u64) -> &mut Self {
        self.event.add_flow_ids(id);
        self
    }

    /// The event is the last step of a flow: no arrow leads on from it. A later [`flow`](Self::flow) with the same id begins
    /// a new one.
    pub fn terminating_flow(&mut self, id: u64) -> &mut Self {
        self.event.add_terminating_flow_ids(id);
        self
    }

    /// Events of one operation have the same number: they are coloured alike and lit up together.
    pub fn correlation_id(&mut self, id: u64) -> &mut Self {
        self.event.set_correlation_id(id);
        self
    }

    /// Where in the program the event comes from.
    pub fn source_location(&mut self, file: &str, function: &str, line: u32) -> &mut Self {
        self.context.source_location(&mut self.event, file, function, line);
        self
    }

    /// Any field of the event, through its generated writer.
    ///
    /// The type, track, name and counter value are written already. Interned ids of one's own do not work here: the
    /// sequence has its own.
    pub fn raw(&mut self, f: impl FnOnce(&mut TrackEvent<'_>)) -> &mut Self {
        f(&mut self.event);
        self
    }
}

impl Context<'_> {
    fn source_location(&mut self, event: &mut TrackEvent<'_>, file: &str, function: &str, line: u32) {
        // The table compares one text and one number: both names in one buffer, where the first ends and the line.
        let mut both = [0; LONGEST_LOCATION];
        let text = join(&mut both, file, function);
        let extra = (file.len() as u64) << 32 | u64::from(line);
        match text.and_then(|text| self.intern(Kind::SourceLocation, text, extra)) {
            Some(iid) => event.set_source_location_iid(iid),
            None => event.set_source_location(|location| {
                location.set_file_name(file).set_function_name(function).set_line_number(line);
            }),
        };
    }
}

/// A longer file and function name together are written inline.
const LONGEST_LOCATION: usize = 512;

fn join<'b>(buffer: &'b mut [u8], first: &str, second: &str) -> Option<&'b str> {
    let buffer = buffer.get_mut(..first.len() + second.len())?;
    buffer[..first.len()].copy_from_slice(first.as_bytes());
    buffer[first.len()..].copy_from_slice(second.as_bytes());
    core::str::from_utf8(buffer).ok()
}

pub(crate) fn set_name(annotation: &mut DebugAnnotation<'_>, context: &mut Context<'_>, name: Option<&str>) {
    let Some(name) = name else { return };
    match context.intern(Kind::AnnotationName, name, 0) {
        Some(iid) => annotation.set_name_iid(iid),
        None => annotation.set_name(name),
    };
}

pub(crate) fn scalar(
    annotation: &mut DebugAnnotation<'_>,
    context: &mut Context<'_>,
    name: Option<&str>,
    value: Value<'_>,
) {
    set_name(annotation, context, name);
    if let Some(text) = set_number_or_text(annotation, value) {
        let Cut { text, mark } = context.cut(text);
        match context.intern(Kind::StringValue, text, 0) {
            Some(iid) => _ = annotation.set_string_value_iid(iid),
            None if mark.is_empty() => _ = annotation.set_string_value(text),
            None => annotation.raw().string_parts::<{ DebugAnnotation::STRING_VALUE_FIELD_NUMBER }>(|mut parts| {
                parts.push(text);
                parts.push(mark);
            }),
        }
    }
}

/// Sets the value, but for a text: that is returned, since there is more than one way to write it.
pub(crate) fn set_number_or_text<'v>(annotation: &mut DebugAnnotation<'_>, value: Value<'v>) -> Option<&'v str> {
    match value {
        Value::Bool(value) => annotation.set_bool_value(value),
        Value::Int(value) => annotation.set_int_value(value),
        Value::Uint(value) => annotation.set_uint_value(value),
        Value::Double(value) => annotation.set_double_value(value),
        Value::Pointer(value) => annotation.set_pointer_value(value),
        Value::Str(text) => return Some(text),
    };
    None
}

/// The value of an annotation. Made from Rust's own types by `From`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Value<'v> {
    /// `true` or `false`.
    Bool(bool),
    /// A signed number.
    Int(i64),
    /// An unsigned number.
    Uint(u64),
    /// A floating-point number; also infinities and NaN.
    Double(f64),
    /// An address: shown in hexadecimal.
    Pointer(u64),
    /// A text: interned as long as there is room.
    Str(&'v str),
}

macro_rules! value_from {
    ($($variant:ident: $($type:ty as $as:ty),+;)+) => {
        $($(
            impl From<$type> for Value<'_> {
                fn from(value: $type) -> Self {
                    Self::$variant(value as $as)
                }
            }
        )+)+
    };
}

value_from! {
    Bool: bool as bool;
    Int: i8 as i64, i16 as i64, i32 as i64, i64 as i64, isize as i64;
    Uint: u8 as u64, u16 as u64, u32 as u64, u64 as u64, usize as u64;
    Double: f32 as f64, f64 as f64;
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(value: &'v str) -> Self {
        Self::Str(value)
    }
}

#[cfg(feature = "std")]
impl<'v> From<&'v std::string::String> for Value<'v> {
    fn from(value: &'v std::string::String) -> Self {
        Self::Str(value)
    }
}

impl<T> From<*const T> for Value<'_> {
    fn from(value: *const T) -> Self {
        Self::Pointer(value.addr() as u64)
    }
}
