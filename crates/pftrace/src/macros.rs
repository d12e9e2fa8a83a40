//! The macros. Each makes a call site as a `static`, asks whether it is on, and calls one function.

/// Records a slice: from here until the guard that it returns is dropped.
///
/// `slice!(category, name, key = value, …)`
///
/// * The **category** is a [`Category`](crate::Category) declared with [`categories!`](crate::categories), or a text.
/// * The **name** is a text; any expression that is a `&str` will do, but one that is written out costs less.
/// * **Annotations** are `key = value` of numbers, `bool`, texts, pointers and `Option`s of these; `key = ?value` records the
///   value's `Debug`, `key = %value` its `Display`; `key`, `?key` and `%key` alone record the variable of that name. At most 32.
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
///         let _item = slice!(RENDER, item, len = item.len());
///     }
/// }
/// # frame(1, &["a"]);
/// ```
#[macro_export]
macro_rules! slice {
    ($category:tt, $name:expr $(, $($rest:tt)*)?) => {
        $crate::__event!(
            Slice begin_slice begin_slice_with $crate::__private::SliceGuard::inactive(),
            $category, $name, [$($($rest)*)?]
        )
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
    ($category:tt, $name:expr $(, $($rest:tt)*)?) => {
        $crate::__event!(Slice begin begin_with (), $category, $name, [$($($rest)*)?])
    };
}

/// Ends the innermost slice of this thread that [`begin!`](crate::begin) began, if it is of that category.
///
/// What was not begun, since nothing was recorded or the category was off, is not ended.
#[macro_export]
macro_rules! end {
    ($category:tt) => {{
        $crate::__site!(CATEGORY $category);
        if CATEGORY.is_recorded() {
            $crate::__private::end(CATEGORY)
        }
    }};
}

/// Records an instant. Arguments as of [`slice!`](crate::slice).
///
/// ```
/// # let (key, value) = ("a", Some(3));
/// pftrace::instant!("cache", "miss", key, value, cause = %std::io::Error::other("gone"));
/// ```
#[macro_export]
macro_rules! instant {
    ($category:tt, $name:expr $(, $($rest:tt)*)?) => {
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
#[macro_export]
macro_rules! counter {
    ($category:tt, $name:expr, $value:expr $(,)?) => {{
        $crate::__site!(CATEGORY $category);
        static SITE: $crate::__private::CallSite = $crate::__private::CallSite::new(
            $crate::__private::Kind::Counter,
            CATEGORY,
            $crate::__private::Some($name),
            &[],
        );
        if SITE.is_enabled() {
            $crate::__private::CounterNumber::record($value, &SITE)
        }
    }};
}

/// Declares categories: what is recorded is switched by them, see [`set_categories`](crate::set_categories).
///
/// ```
/// pftrace::categories! {
///     /// What is drawn.
///     pub RENDER = "render";
///     /// Files and sockets.
///     IO = "io";
/// }
/// # pftrace::instant!(IO, "x"); pftrace::instant!(RENDER, "x");
/// ```
#[macro_export]
macro_rules! categories {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident = $text:expr;)*) => {
        $($(#[$attribute])* $visibility static $name: $crate::Category = $crate::Category::new($text);)*
    };
}

/// A category as a constant: one that is declared, or one of that name.
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($constant:ident $category:ident) => {
        const $constant: &$crate::__private::Category = &$category;
    };
    ($constant:ident $category:literal) => {
        static NAMED: $crate::__private::Category = $crate::__private::Category::new($category);
        const $constant: &$crate::__private::Category = &NAMED;
    };
    ($constant:ident ($category:path)) => {
        const $constant: &$crate::__private::Category = &$category;
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
            [$($values)* $crate::__private::Argument::Debug(&$value),])
    };
    ($event:tt [$key:ident = % $value:expr, $($rest:tt)*] [$($keys:tt)*] [$($values:tt)*]) => {
        $crate::__annotations!($event [$($rest)*] [$($keys)* $key,]
            [$($values)* $crate::__private::Argument::Display(&$value),])
    };
    ($event:tt [$key:ident = $value:expr, $($rest:tt)*] [$($keys:tt)*] [$($values:tt)*]) => {
        $crate::__annotations!($event [$($rest)*] [$($keys)* $key,]
            [$($values)* $crate::__private::Annotate::argument(&$value),])
    };
    ($event:tt [? $key:ident, $($rest:tt)*] [$($keys:tt)*] [$($values:tt)*]) => {
        $crate::__annotations!($event [$($rest)*] [$($keys)* $key,]
            [$($values)* $crate::__private::Argument::Debug(&$key),])
    };
    ($event:tt [% $key:ident, $($rest:tt)*] [$($keys:tt)*] [$($values:tt)*]) => {
        $crate::__annotations!($event [$($rest)*] [$($keys)* $key,]
            [$($values)* $crate::__private::Argument::Display(&$key),])
    };
    ($event:tt [$key:ident, $($rest:tt)*] [$($keys:tt)*] [$($values:tt)*]) => {
        $crate::__annotations!($event [$($rest)*] [$($keys)* $key,]
            [$($values)* $crate::__private::Annotate::argument(&$key),])
    };
    // A name that is written out, and nothing else: all is constant.
    ({literal $kind:ident $plain:ident $with:ident $off:expr, $category:tt, $name:literal} [] [] []) => {{
        $crate::__site!(CATEGORY $category);
        static SITE: $crate::__private::CallSite = $crate::__private::CallSite::new(
            $crate::__private::Kind::$kind,
            CATEGORY,
            $crate::__private::Some($name),
            &[],
        );
        if SITE.is_enabled() { $crate::__private::$plain(&SITE) } else { $off }
    }};
    ({literal $kind:ident $plain:ident $with:ident $off:expr, $category:tt, $name:literal} []
        [$($key:ident,)*] [$($value:expr,)*]) => {{
        $crate::__site!(CATEGORY $category);
        static SITE: $crate::__private::CallSite = $crate::__private::CallSite::new(
            $crate::__private::Kind::$kind,
            CATEGORY,
            $crate::__private::Some($name),
            &[$($crate::__private::stringify!($key)),*],
        );
        if SITE.is_enabled() { $crate::__private::$with(&SITE, $crate::__private::None, &[$($value),*]) } else { $off }
    }};
    ({expr $kind:ident $plain:ident $with:ident $off:expr, $category:tt, $name:expr} []
        [$($key:ident,)*] [$($value:expr,)*]) => {{
        $crate::__site!(CATEGORY $category);
        static SITE: $crate::__private::CallSite = $crate::__private::CallSite::new(
            $crate::__private::Kind::$kind,
            CATEGORY,
            $crate::__private::None,
            &[$($crate::__private::stringify!($key)),*],
        );
        if SITE.is_enabled() { $crate::__private::$with(&SITE, $crate::__private::Some($name), &[$($value),*]) } else { $off }
    }};
}
