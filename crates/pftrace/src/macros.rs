//! The macros. Each makes a call site as a `static`, asks whether it is on, and calls one function.

/// Records a slice: from here until the guard that it returns is dropped.
///
/// `slice!(category, name, key = value, …)`
///
/// It is on the calling thread's track. While no session is recorded nothing happens, and it costs one load.
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
    ($category:literal, $name:expr $(, $($rest:tt)*)?) => {
        $crate::__event!(Slice begin begin_with (), $category, $name, [$($($rest)*)?])
    };
    ($category:path, $name:expr $(, $($rest:tt)*)?) => {
        $crate::__event!(Slice begin begin_with (), $category, $name, [$($($rest)*)?])
    };
}

/// Ends the innermost slice of this thread that [`begin!`](crate::begin) began, if it is of that category.
///
/// If the innermost slice is of another category, or of a [`slice!`](crate::slice), or none is open, nothing is ended, and
/// [`Report::ignored`](crate::Report::ignored) counts it: so what was not begun, since its category was off, does not end
/// another. What was begun is ended, also when its category is off by now.
#[macro_export]
macro_rules! end {
    ($category:literal) => {
        $crate::__end!($category)
    };
    ($category:path) => {
        $crate::__end!($category)
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
#[macro_export]
macro_rules! counter {
    ($category:literal, $name:expr, $value:expr $(,)?) => {
        $crate::__counter!($category, $name, $value)
    };
    ($category:path, $name:expr, $value:expr $(,)?) => {
        $crate::__counter!($category, $name, $value)
    };
}

/// Declares categories: what is recorded is switched by them, see [`set_categories`](crate::set_categories). Each is a `static`, with
/// the visibility and the comment that stand before it.
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
macro_rules! __category {
    ($category:literal) => {
        static __PFTRACE_NAMED: $crate::__private::Category = $crate::__private::Category::new($category);
        const __PFTRACE_CATEGORY: &$crate::__private::Category = &__PFTRACE_NAMED;
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
        if __PFTRACE_SITE.is_enabled() {
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
        $crate::__site!($kind $category $crate::__private::Some($name), []);
        if __PFTRACE_SITE.is_enabled() { $crate::__private::$plain(&__PFTRACE_SITE) } else { $off }
    }};
    ({literal $kind:ident $plain:ident $with:ident $off:expr, $category:tt, $name:literal} []
        $keys:tt [$($value:expr,)*]) => {{
        $crate::__site!($kind $category $crate::__private::Some($name), $keys);
        if __PFTRACE_SITE.is_enabled() {
            $crate::__private::$with(&__PFTRACE_SITE, $crate::__private::None, &[$($value),*])
        } else {
            $off
        }
    }};
    ({expr $kind:ident $plain:ident $with:ident $off:expr, $category:tt, $name:expr} []
        $keys:tt [$($value:expr,)*]) => {{
        $crate::__site!($kind $category $crate::__private::None, $keys);
        if __PFTRACE_SITE.is_enabled() {
            $crate::__private::$with(&__PFTRACE_SITE, $crate::__private::Some($name), &[$($value),*])
        } else {
            $off
        }
    }};
}
