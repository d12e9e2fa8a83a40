//! The macros. Each makes a call site as a `static`, asks whether it is on, and calls one function.

/// Records a slice: from here until the guard that it returns is dropped.
///
/// `slice!(category, name, key = value, …)`
///
/// It is on the calling thread's track. While no session is recorded nothing happens, and it costs one load.
///
/// * **Options** stand in front, as `option: value`, in any order:
///
///   | option | what it says |
///   |---|---|
///   | `track: &TRACK` | the track, instead of the thread's: a [`NamedTrack`](crate::NamedTrack), [`Lanes`](crate::Lanes), a [`TrackRef`](crate::TrackRef). The guard is a [`TrackSlice`](crate::TrackSlice) then |
///   | `at: time` | when it happened, instead of now: a [`Moment`](crate::Moment) |
///   | `flow: id`, `terminating_flow: id` | a `u64`: an arrow is drawn to the flow's next event; the last one |
///   | `correlation_id: id` | a number or text that events of one operation have in common |
///   | `log: (priority, text)` | a line of the log, too: a [`LogPriority`](crate::LogPriority), and what can be an annotation |
///   | `counters: [(&COUNTER, value), …]` | sets up to eight [`NamedCounter`](crate::NamedCounter)s |
///   | `source_location: here!()` | where in the program, or [`Location::caller()`](core::panic::Location::caller) |
///   | `callstack: &frames` | the stack, as [`Frame`](crate::Frame)s |
///   | `with: \|event\| …` | any field, by the [writer](crate::protos::TrackEvent); called once or more |
/// * The **category** is a [`Category`](crate::Category) declared with [`categories!`](crate::categories), or a text.
/// * The **name** is a text; any expression that is a `&str` will do, but one that is written out costs less.
/// * **Annotations** are `key = value` of numbers, `bool`, texts, pointers, arrays, slices, maps, [`Entries`](crate::Entries) and `Option`s of
///   these; `key = ?value` records the value's `Debug`, `key = %value` its `Display`; `key`, `?key` and `%key` alone record the variable of that name. At most 32.
///   They are evaluated only while the category is recorded.
///
/// ```
/// use pftrace::slice;
///
/// pftrace::categories! {
///     /// What is drawn.
///     pub RENDER = "render";
/// }
///
/// fn frame(number: u64, items: &[&str]) {
///     let _frame = slice!(RENDER, "frame", number, first = items.first(), ?items);
///     for item in items {
///         let _item = slice!(flow: number, RENDER, item, len = item.len());
///     }
/// }
/// # frame(1, &["a"]);
/// ```
///
/// What there is no option for is an error that says what there is:
///
/// ```compile_fail
/// pftrace::instant!(flows: 7, "category", "name");
/// ```
///
/// So is what stands in the wrong place:
///
/// ```compile_fail
/// pftrace::instant!("category", "name", flow: 7);
/// ```
#[macro_export]
macro_rules! slice {
    (flow: $id:expr, $($rest:tt)*) => {
        $crate::__flow!({Slice begin_slice_with slice_on $crate::__private::Default::default()} Flow $id, [$($rest)*])
    };
    (terminating_flow: $id:expr, $($rest:tt)*) => {
        $crate::__flow!({Slice begin_slice_with slice_on $crate::__private::Default::default()} TerminatingFlow $id, [$($rest)*])
    };
    ($option:ident: $($rest:tt)*) => {
        $crate::__options!({Slice slice_on $crate::__private::Default::default()} [$option: $($rest)*] $crate::__private::ThisThread, [])
    };
    ($category:literal, $name:expr $(, $($rest:tt)*)?) => {
        $crate::__event!(Slice begin_slice begin_slice_with $crate::__private::SliceGuard::inactive(), $category, $name, [$($($rest)*)?])
    };
    ($category:path, $name:expr $(, $($rest:tt)*)?) => {
        $crate::__event!(Slice begin_slice begin_slice_with $crate::__private::SliceGuard::inactive(), $category, $name, [$($($rest)*)?])
    };
}

/// Begins a slice that [`end!`](crate::end) ends, in another function perhaps. Arguments as of [`slice!`](crate::slice).
///
/// ```
/// use pftrace::{begin, end};
///
/// begin!("io", "read", bytes = 512);
/// // …
/// end!("io");
/// ```
#[macro_export]
macro_rules! begin {
    (flow: $id:expr, $($rest:tt)*) => {
        $crate::__flow!({Slice begin_with begin_on_of ()} Flow $id, [$($rest)*])
    };
    (terminating_flow: $id:expr, $($rest:tt)*) => {
        $crate::__flow!({Slice begin_with begin_on_of ()} TerminatingFlow $id, [$($rest)*])
    };
    ($option:ident: $($rest:tt)*) => {
        $crate::__options!({Slice begin_on_of ()} [$option: $($rest)*] $crate::__private::ThisThread, [])
    };
    ($category:literal, $name:expr $(, $($rest:tt)*)?) => {
        $crate::__event!(Slice begin begin_with (), $category, $name, [$($($rest)*)?])
    };
    ($category:path, $name:expr $(, $($rest:tt)*)?) => {
        $crate::__event!(Slice begin begin_with (), $category, $name, [$($($rest)*)?])
    };
}

/// Ends the innermost slice of this thread that [`begin!`](crate::begin) began, if it is of that category; or the slice of a guard.
///
/// `end!(category, key = value, …)`, `end!(slice: guard, key = value, …)`, each also with options: what it says is added to what was
/// said at the begin.
///
/// ```
/// use pftrace::{begin, end, slice};
///
/// begin!("io", "read");
/// end!("io", bytes = 512);
/// let search = slice!("index", "search", word = "x");
/// end!(slice: search, found = 3);
/// ```
///
/// If the innermost slice is of another category, or of a [`slice!`](crate::slice), or none is open, nothing is ended, and
/// [`Report::ignored`](crate::Report::ignored) counts it: so what was not begun, since its category was off, does not end
/// another. What was begun is ended, also when its category is off by now. With `track:` the same is true of what was begun on that
/// [`NamedTrack`](crate::NamedTrack), by whatever thread.
#[macro_export]
macro_rules! end {
    ($category:literal) => {
        $crate::__end!($category)
    };
    ($category:path) => {
        $crate::__end!($category)
    };
    (slice: $slice:expr $(, $($rest:tt)*)?) => {
        $crate::__options!({End end_slice ()} [$($($rest)*)?] $slice, [])
    };
    ($option:ident: $($rest:tt)*) => {
        $crate::__options!({End end_on_of ()} [$option: $($rest)*] $crate::__private::ThisThread, [])
    };
    ($category:literal, $($rest:tt)*) => {
        $crate::__options!({End end_on_of ()} [$category, $($rest)*] $crate::__private::ThisThread, [])
    };
    ($category:path, $($rest:tt)*) => {
        $crate::__options!({End end_on_of ()} [$category, $($rest)*] $crate::__private::ThisThread, [])
    };
}

/// Records an instant. Arguments as of [`slice!`](crate::slice).
///
/// ```
/// # let (key, value) = ("a", Some(3));
/// pftrace::instant!("cache", "miss", key, value, cause = %std::io::Error::other("gone"));
/// ```
#[macro_export]
macro_rules! instant {
    (flow: $id:expr, $($rest:tt)*) => {
        $crate::__flow!({Instant instant_with instant_on ()} Flow $id, [$($rest)*])
    };
    (terminating_flow: $id:expr, $($rest:tt)*) => {
        $crate::__flow!({Instant instant_with instant_on ()} TerminatingFlow $id, [$($rest)*])
    };
    ($option:ident: $($rest:tt)*) => {
        $crate::__options!({Instant instant_on ()} [$option: $($rest)*] $crate::__private::ThisThread, [])
    };
    ($category:literal, $name:expr $(, $($rest:tt)*)?) => {
        $crate::__event!(Instant instant instant_with (), $category, $name, [$($($rest)*)?])
    };
    ($category:path, $name:expr $(, $($rest:tt)*)?) => {
        $crate::__event!(Instant instant instant_with (), $category, $name, [$($($rest)*)?])
    };
}

/// Records the value of a counter, which is shown as a curve of the process.
///
/// `counter!(category, name, value)`: the name is a text that is written out; counters of the same name are one. The value is
/// an integer or a floating-point number.
///
/// ```
/// # let queue = [1, 2];
/// pftrace::counter!("queue", "length", queue.len());
/// pftrace::counter!("queue", "load", 0.5);
/// ```
///
/// `counter!(track: &COUNTER, category, value)`: the value of a [`NamedCounter`](crate::NamedCounter), which has a unit. Further options as
/// of [`slice!`](crate::slice) may stand behind `track`.
#[macro_export]
macro_rules! counter {
    (track: $counter:expr, $($rest:tt)*) => {
        $crate::__options!({Counter counter_on ()} [$($rest)*] $counter, [])
    };
    ($category:literal, $name:expr, $value:expr $(,)?) => {
        $crate::__counter!($category, $name, $value)
    };
    ($category:path, $name:expr, $value:expr $(,)?) => {
        $crate::__counter!($category, $name, $value)
    };
}

/// Records the state that a [`NamedState`](crate::NamedState) is in from now on.
///
/// `state!(track: &STATE, category, state)`: the state is a text; without one it is in none. What no longer holds need not be ended: a
/// state ends when the next one begins.
///
/// ```
/// use pftrace::{NamedState, state};
///
/// static RADIO: NamedState = NamedState::new("radio");
///
/// state!(track: &RADIO, "power", "receiving");
/// state!(track: &RADIO, "power"); // off
/// ```
#[macro_export]
macro_rules! state {
    (track: $state:expr, $($rest:tt)*) => {
        $crate::__options!({State state_on ()} [$($rest)*] $state, [])
    };
    ($($other:tt)*) => {
        $crate::__private::compile_error!("expected `state!(track: &STATE, category, state)`")
    };
}

/// This place in the program's source, with its function: for the option `source_location`.
///
/// ```
/// use pftrace::{here, instant};
///
/// instant!(source_location: here!(), "io", "opened");
/// ```
#[macro_export]
macro_rules! here {
    () => {{
        fn __pftrace_within() {}
        static __PFTRACE_HERE: $crate::__private::SourceLocation =
            $crate::__private::SourceLocation::new($crate::__private::file!(), $crate::__private::line!(), || {
                $crate::__private::type_name_of_val(&__pftrace_within)
            });
        &__PFTRACE_HERE
    }};
}

/// Declares categories: what is recorded is switched by them, see [`set_categories`](crate::set_categories). Each is a `static`, with
/// the visibility and the comment that stand before it; the comment is its [description](crate::Category::description_lines) too. Tags
/// switch several at once.
///
/// ```
/// pftrace::categories! {
///     /// What is drawn.
///     pub RENDER = "render";
///     /// Files and sockets.
///     #[tags("slow", "debug")]
///     IO = "io";
/// }
///
/// pftrace::set_categories("-tag:slow"); // all but those
/// # pftrace::set_categories("");
/// # pftrace::instant!(IO, "x"); pftrace::instant!(RENDER, "x");
/// ```
#[macro_export]
macro_rules! categories {
    ($($(#[$($attribute:tt)*])* $visibility:vis $name:ident = $text:expr;)*) => {
        $($crate::__declare!([$([$($attribute)*])*] [] [] [] $visibility $name = $text);)*
    };
}

/// A category: takes its attributes one by one, `[to be looked at] [description] [tags] [others]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __declare {
    ([[doc = $line:expr] $($rest:tt)*] [$($lines:tt)*] $tags:tt [$($others:tt)*] $($category:tt)*) => {
        $crate::__declare!([$($rest)*] [$($lines)* $line,] $tags [$($others)* #[doc = $line]] $($category)*);
    };
    ([[tags($($tag:expr),* $(,)?)] $($rest:tt)*] $lines:tt [$($tags:tt)*] $others:tt $($category:tt)*) => {
        $crate::__declare!([$($rest)*] $lines [$($tags)* $($tag,)*] $others $($category)*);
    };
    ([[$($other:tt)*] $($rest:tt)*] $lines:tt $tags:tt [$($others:tt)*] $($category:tt)*) => {
        $crate::__declare!([$($rest)*] $lines $tags [$($others)* #[$($other)*]] $($category)*);
    };
    ([] $lines:tt $tags:tt [$($others:tt)*] $visibility:vis $name:ident = $text:expr) => {
        $($others)* $visibility static $name: $crate::Category =
            $crate::Category::new($text).tags(&$tags).description(&$lines);
    };
}

/// Whether something of a category is recorded just now, in one load: to do something only for what is recorded.
///
/// In a forked child it says what it was in the parent, until a session starts or stops there.
///
/// ```
/// # pftrace::categories! { RENDER = "render"; }
/// if pftrace::category_enabled!(RENDER) || pftrace::category_enabled!("render.details") {
///     // Gather what is to be recorded.
/// }
/// ```
#[macro_export]
macro_rules! category_enabled {
    ($category:literal) => {{
        $crate::__category!($category);
        __PFTRACE_CATEGORY.is_enabled()
    }};
    ($category:path) => {{
        $crate::__category!($category);
        __PFTRACE_CATEGORY.is_enabled()
    }};
}

/// A category as a constant: one that is declared, or one of that name.
#[doc(hidden)]
#[macro_export]
macro_rules! __category {
    ($category:literal) => {
        static __PFTRACE_NAMED: $crate::__private::Category = $crate::__private::Category::new($category);
        const __PFTRACE_CATEGORY: &$crate::__private::Category = &__PFTRACE_NAMED;
    };
    ({$category:path}) => {
        const __PFTRACE_CATEGORY: &$crate::__private::Category = &$category;
    };
    ($category:path) => {
        const __PFTRACE_CATEGORY: &$crate::__private::Category = &$category;
    };
}

/// A call site as a static. Its names are such that no expression of a user means them.
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($kind:ident $category:tt $name:expr, [$($key:ident,)*]) => {
        $crate::__category!($category);
        static __PFTRACE_SITE: $crate::__private::CallSite = $crate::__private::CallSite::new(
            $crate::__private::EventKind::$kind,
            __PFTRACE_CATEGORY,
            $name,
            &[$($crate::__private::stringify!($key)),*],
        );
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __counter {
    ($category:tt, $name:expr, $value:expr) => {{
        $crate::__site!(Counter $category $crate::__private::Some($name), []);
        if __PFTRACE_CATEGORY.is_enabled() {
            $crate::__private::CounterNumber::record($value, &__PFTRACE_SITE)
        }
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __end {
    ($category:tt) => {{
        $crate::__category!($category);
        $crate::__private::end(__PFTRACE_CATEGORY)
    }};
}

/// What stands in front, `option: value`, one by one: `{what is made of it} [to be looked at] track, [details]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __options {
    ($how:tt [track: $track:expr, $($rest:tt)*] $own:expr, $details:tt) => {
        $crate::__options!($how [$($rest)*] $track, $details)
    };
    ($how:tt [at: $moment:expr $(, $($rest:tt)*)?] $track:expr, [$($details:tt)*]) => {
        $crate::__options!($how [$($($rest)*)?] $track, [$($details)* $crate::__private::Detail::at($moment),])
    };
    ($how:tt [flow: $id:expr $(, $($rest:tt)*)?] $track:expr, [$($details:tt)*]) => {
        $crate::__options!($how [$($($rest)*)?] $track, [$($details)* $crate::__private::Detail::Flow($id),])
    };
    ($how:tt [terminating_flow: $id:expr $(, $($rest:tt)*)?] $track:expr, [$($details:tt)*]) => {
        $crate::__options!($how [$($($rest)*)?] $track, [$($details)* $crate::__private::Detail::TerminatingFlow($id),])
    };
    ($how:tt [correlation_id: $id:expr $(, $($rest:tt)*)?] $track:expr, [$($details:tt)*]) => {
        $crate::__options!($how [$($($rest)*)?] $track, [$($details)* $crate::__private::Detail::correlation_id($id),])
    };
    ($how:tt [source_location: $place:expr $(, $($rest:tt)*)?] $track:expr, [$($details:tt)*]) => {
        $crate::__options!($how [$($($rest)*)?] $track, [$($details)* $crate::__private::Detail::from($place),])
    };
    ($how:tt [callstack: $frames:expr $(, $($rest:tt)*)?] $track:expr, [$($details:tt)*]) => {
        $crate::__options!($how [$($($rest)*)?] $track, [$($details)* $crate::__private::Detail::Callstack($frames),])
    };
    ($how:tt [log: ($priority:expr, $text:expr) $(, $($rest:tt)*)?] $track:expr, [$($details:tt)*]) => {
        $crate::__options!($how [$($($rest)*)?] $track,
            [$($details)* $crate::__private::Detail::Log($priority, $crate::__private::Annotate::argument(&$text)),])
    };
    ($how:tt [counters: [$(($counter:expr, $value:expr)),* $(,)?] $(, $($rest:tt)*)?] $track:expr, [$($details:tt)*]) => {
        $crate::__options!($how [$($($rest)*)?] $track, [$($details)*
            $crate::__private::Detail::counters(&[$($crate::__private::counter_value($counter, $value)),*]),])
    };
    ($how:tt [with: $f:expr $(, $($rest:tt)*)?] $track:expr, [$($details:tt)*]) => {
        $crate::__options!($how [$($($rest)*)?] $track, [$($details)* $crate::__private::Detail::With(&$f),])
    };
    ($how:tt [$unknown:ident: $($rest:tt)*] $track:expr, $details:tt) => {
        $crate::__private::compile_error!($crate::__private::concat!(
            "there is no option `", $crate::__private::stringify!($unknown), "` here: there are `track`, `at`, `flow`, ",
            "`terminating_flow`, `correlation_id`, `source_location`, `callstack`, `log: (priority, text)`, ",
            "`counters: [(&COUNTER, value)]` and `with`; behind category and name there are annotations, `key = value`; `slice: guard` is for `end!`, in front of all others",
        ))
    };
    // What is behind the options.
    ({End end_slice $off:tt} [$($rest:tt)*] $slice:expr, $details:tt) => {
        $crate::__annotations!({end end_slice {$crate::__private::NONE} $slice, $details} [$($rest)*,] [] [])
    };
    ({End end_on_of $off:tt} [$category:literal $(, $($rest:tt)*)?] $track:expr, $details:tt) => {
        $crate::__annotations!({end end_on_of $category $track, $details} [$($($rest)*)?,] [] [])
    };
    ({End end_on_of $off:tt} [$category:path $(, $($rest:tt)*)?] $track:expr, $details:tt) => {
        $crate::__annotations!({end end_on_of {$category} $track, $details} [$($($rest)*)?,] [] [])
    };
    ({Counter counter_on $off:tt} [$category:literal, $value:expr $(,)?] $counter:expr, $details:tt) => {
        $crate::__counter_on!($category, $value, $counter, $details)
    };
    ({Counter counter_on $off:tt} [$category:path, $value:expr $(,)?] $counter:expr, $details:tt) => {
        $crate::__counter_on!({$category}, $value, $counter, $details)
    };
    ({State state_on $off:tt} [$category:literal $(, $name:literal)? $(,)?] $state:expr, $details:tt) => {
        $crate::__state_on!($category, [$($name)?], $crate::__private::None, $state, $details)
    };
    ({State state_on $off:tt} [$category:path $(, $name:literal)? $(,)?] $state:expr, $details:tt) => {
        $crate::__state_on!({$category}, [$($name)?], $crate::__private::None, $state, $details)
    };
    ({State state_on $off:tt} [$category:literal, $name:expr $(,)?] $state:expr, $details:tt) => {
        $crate::__state_on!($category, [], $crate::__private::Some($name), $state, $details)
    };
    ({State state_on $off:tt} [$category:path, $name:expr $(,)?] $state:expr, $details:tt) => {
        $crate::__state_on!({$category}, [], $crate::__private::Some($name), $state, $details)
    };
    ({$kind:ident $on:ident $off:expr} [$category:literal, $name:literal $(, $($rest:tt)*)?] $track:expr, $details:tt) => {
        $crate::__annotations!({on $kind $on $off, $category, $crate::__private::Some($name), $crate::__private::None, $track, $details}
            [$($($rest)*)?,] [] [])
    };
    ({$kind:ident $on:ident $off:expr} [$category:path, $name:literal $(, $($rest:tt)*)?] $track:expr, $details:tt) => {
        $crate::__annotations!({on $kind $on $off, {$category}, $crate::__private::Some($name), $crate::__private::None, $track, $details}
            [$($($rest)*)?,] [] [])
    };
    ({$kind:ident $on:ident $off:expr} [$category:literal, $name:expr $(, $($rest:tt)*)?] $track:expr, $details:tt) => {
        $crate::__annotations!({on $kind $on $off, $category, $crate::__private::None, $crate::__private::Some($name), $track, $details}
            [$($($rest)*)?,] [] [])
    };
    ({$kind:ident $on:ident $off:expr} [$category:path, $name:expr $(, $($rest:tt)*)?] $track:expr, $details:tt) => {
        $crate::__annotations!({on $kind $on $off, {$category}, $crate::__private::None, $crate::__private::Some($name), $track, $details}
            [$($($rest)*)?,] [] [])
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __counter_on {
    ($category:tt, $value:expr, $counter:expr, [$($details:tt)*]) => {{
        $crate::__site!(Counter $category $crate::__private::None, []);
        if __PFTRACE_CATEGORY.is_enabled() {
            let value = $crate::__private::CounterNumber::value($value);
            $crate::__private::counter_on(&__PFTRACE_SITE, $counter, value, &[$($details)*]);
        }
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __state_on {
    ($category:tt, [$($written:literal)?], $name:expr, $state:expr, [$($details:tt)*]) => {{
        $crate::__site!(State $category $crate::__optional!($($written)?), []);
        if __PFTRACE_CATEGORY.is_enabled() {
            $crate::__private::state_on(&__PFTRACE_SITE, $state, $name, &[$($details)*]);
        }
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __optional {
    () => {
        $crate::__private::None
    };
    ($value:expr) => {
        $crate::__private::Some($value)
    };
}

/// An event: takes its annotations one by one, `[to be looked at] [keys] [values]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __event {
    ($kind:ident $plain:ident $with:ident $off:expr, $category:tt, $name:literal, [$($rest:tt)*]) => {
        $crate::__annotations!({literal $kind $plain $with $off, $category, $name} [$($rest)*,] [] [])
    };
    ($kind:ident $plain:ident $with:ident $off:expr, $category:tt, $name:expr, [$($rest:tt)*]) => {
        $crate::__annotations!({expr $kind $plain $with $off, $category, $name} [$($rest)*,] [] [])
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __annotations {
    // A comma too many.
    ($event:tt [, $($rest:tt)*] $keys:tt $values:tt) => {
        $crate::__annotations!($event [$($rest)*] $keys $values)
    };
    ($event:tt [$key:ident = ? $value:expr, $($rest:tt)*] [$($keys:tt)*] [$($values:tt)*]) => {
        $crate::__annotations!($event [$($rest)*] [$($keys)* $key,]
            [$($values)* (debug $value),])
    };
    ($event:tt [$key:ident = % $value:expr, $($rest:tt)*] [$($keys:tt)*] [$($values:tt)*]) => {
        $crate::__annotations!($event [$($rest)*] [$($keys)* $key,]
            [$($values)* (display $value),])
    };
    ($event:tt [$key:ident = $value:expr, $($rest:tt)*] [$($keys:tt)*] [$($values:tt)*]) => {
        $crate::__annotations!($event [$($rest)*] [$($keys)* $key,]
            [$($values)* (value $value),])
    };
    ($event:tt [? $key:ident, $($rest:tt)*] [$($keys:tt)*] [$($values:tt)*]) => {
        $crate::__annotations!($event [$($rest)*] [$($keys)* $key,]
            [$($values)* (debug $key),])
    };
    ($event:tt [% $key:ident, $($rest:tt)*] [$($keys:tt)*] [$($values:tt)*]) => {
        $crate::__annotations!($event [$($rest)*] [$($keys)* $key,]
            [$($values)* (display $key),])
    };
    ($event:tt [$key:ident, $($rest:tt)*] [$($keys:tt)*] [$($values:tt)*]) => {
        $crate::__annotations!($event [$($rest)*] [$($keys)* $key,]
            [$($values)* (value $key),])
    };
    // A name that is written out, and nothing else: all is constant.
    ({literal $kind:ident $plain:ident $with:ident $off:expr, $category:tt, $name:literal} [] [] []) => {{
        $crate::__site!($kind $category $crate::__private::Some($name), []);
        if __PFTRACE_CATEGORY.may_be_enabled() { $crate::__private::$plain(&__PFTRACE_SITE) } else { $off }
    }};
    ({literal $kind:ident $plain:ident $with:ident $off:expr, $category:tt, $name:literal} []
        $keys:tt $values:tt) => {{
        $crate::__site!($kind $category $crate::__private::Some($name), $keys);
        if __PFTRACE_CATEGORY.is_enabled() {
            use $crate::__private::{Known as _, Unknown as _};
            $crate::__private::$with(&__PFTRACE_SITE, $crate::__private::OwnName, $crate::__typed!($values))
        } else {
            $off
        }
    }};
    ({expr $kind:ident $plain:ident $with:ident $off:expr, $category:tt, $name:expr} []
        $keys:tt $values:tt) => {{
        $crate::__site!($kind $category $crate::__private::None, $keys);
        if __PFTRACE_CATEGORY.is_enabled() {
            use $crate::__private::{Known as _, Unknown as _};
            $crate::__private::$with(&__PFTRACE_SITE, $crate::__private::given($name), $crate::__typed!($values))
        } else {
            $off
        }
    }};
    // With a flow and no other option.
    ({flow ($flow:ident $id:expr) $kind:ident $with:ident $off:expr, $category:tt, $name:expr, $given:expr} [] $keys:tt $values:tt) => {{
        $crate::__site!($kind $category $name, $keys);
        if __PFTRACE_CATEGORY.is_enabled() {
            use $crate::__private::{Known as _, Unknown as _};
            $crate::__private::$with(&__PFTRACE_SITE, $given,
                $crate::__private::InFlow($crate::__typed!($values), $crate::__private::$flow($id)))
        } else {
            $off
        }
    }};
    // With options.
    ({on $kind:ident $on:ident $off:expr, $category:tt, $name:expr, $given:expr, $track:expr, [$($details:tt)*]} []
        $keys:tt $values:tt) => {{
        $crate::__site!($kind $category $name, $keys);
        if __PFTRACE_CATEGORY.is_enabled() {
            use $crate::__private::{Known as _, Unknown as _};
            $crate::__private::$on(&__PFTRACE_SITE, $track, $given, $crate::__said!($values [$($details)*]))
        } else {
            $off
        }
    }};
    ({end $end:ident $category:tt $track:expr, [$($details:tt)*]} [] $keys:tt $values:tt) => {{
        $crate::__site!(End $category $crate::__private::None, $keys);
        use $crate::__private::{Known as _, Unknown as _};
        $crate::__private::$end(&__PFTRACE_SITE, $track, $crate::__said!($values [$($details)*]))
    }};
    ($event:tt [$other:tt $($rest:tt)*] $keys:tt $values:tt) => {
        $crate::__private::compile_error!($crate::__private::concat!(
            "expected an annotation, `key = value`, `key`, `?key` or `%key`, found `",
            $crate::__private::stringify!($other),
            "`; options, `option: value`, stand in front of the category",
        ))
    };
}

/// A flow that is the one option, which is most usual and has a short way; else one of several: `{what is made of it} flow, [what follows]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __flow {
    ({$kind:ident $with:ident $on:ident $off:expr} $flow:ident $id:expr, [$category:literal, $name:literal $(, $($rest:tt)*)?]) => {
        $crate::__annotations!({flow ($flow $id) $kind $with $off, $category, $crate::__private::Some($name), $crate::__private::OwnName}
            [$($($rest)*)?,] [] [])
    };
    ({$kind:ident $with:ident $on:ident $off:expr} $flow:ident $id:expr, [$category:path, $name:literal $(, $($rest:tt)*)?]) => {
        $crate::__annotations!({flow ($flow $id) $kind $with $off, {$category}, $crate::__private::Some($name), $crate::__private::OwnName}
            [$($($rest)*)?,] [] [])
    };
    ({$kind:ident $with:ident $on:ident $off:expr} $flow:ident $id:expr, [$category:literal, $name:expr $(, $($rest:tt)*)?]) => {
        $crate::__annotations!({flow ($flow $id) $kind $with $off, $category, $crate::__private::None, $crate::__private::given($name)}
            [$($($rest)*)?,] [] [])
    };
    ({$kind:ident $with:ident $on:ident $off:expr} $flow:ident $id:expr, [$category:path, $name:expr $(, $($rest:tt)*)?]) => {
        $crate::__annotations!({flow ($flow $id) $kind $with $off, {$category}, $crate::__private::None, $crate::__private::given($name)}
            [$($($rest)*)?,] [] [])
    };
    ({$kind:ident $with:ident $on:ident $off:expr} $flow:ident $id:expr, [$($rest:tt)*]) => {
        $crate::__options!({$kind $on $off} [$($rest)*] $crate::__private::ThisThread, [$crate::__private::Detail::$flow($id),])
    };
}

/// The value of an annotation: as it is, or how it is formatted.
#[doc(hidden)]
#[macro_export]
macro_rules! __argument {
    (value $value:expr) => {
        $crate::__private::Annotate::argument(&$value)
    };
    (debug $value:expr) => {
        $crate::__private::Argument::Debug(&$value)
    };
    (display $value:expr) => {
        $crate::__private::Argument::Display(&$value)
    };
}

/// The values of annotations, of their types.
#[doc(hidden)]
#[macro_export]
macro_rules! __typed {
    ([$(($how:ident $value:expr),)*]) => {
        $crate::__private::Listed::<_, { 0 $(+ $crate::__one!($how))* }>($crate::__list!($(($how $value),)*))
    };
}

/// The same, with other options if there are any.
#[doc(hidden)]
#[macro_export]
macro_rules! __said {
    ($values:tt []) => {
        $crate::__typed!($values)
    };
    ($values:tt [$($details:tt)*]) => {
        $crate::__private::Detailed($crate::__typed!($values), &[$($details)*])
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __one {
    ($how:ident) => {
        1
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __list {
    () => {
        ()
    };
    ((value $value:expr), $($rest:tt)*) => {
        ((&$crate::__private::Probe::of(&$value)).typed(), $crate::__list!($($rest)*))
    };
    (($how:ident $value:expr), $($rest:tt)*) => {
        ($crate::__argument!($how $value), $crate::__list!($($rest)*))
    };
}
