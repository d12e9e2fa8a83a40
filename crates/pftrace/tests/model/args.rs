//! The arguments that the trace processor shows of a slice: annotations made flat, and where it comes from.

use std::collections::BTreeMap;

use pftrace_testkit::Arg as Shown;

use crate::program::{Arg, Event};

/// Those of one slice: what its begin says, and what its end adds.
#[derive(Debug, Default)]
pub(crate) struct Args {
    shown: BTreeMap<String, Shown>,
    /// Per key of an array its next index: two arrays of one name are one.
    lengths: BTreeMap<String, usize>,
}

impl Args {
    pub(crate) fn add(&mut self, event: &Event) {
        for (name, arg) in &event.args {
            self.annotation(&format!("debug.{}", plain(name)), arg);
        }
        if let Some((file, function, line)) = &event.location {
            // Also of a file on Windows.
            self.set("source.file_name", Shown::Text(file.replace('\\', "/")));
            self.set("source.function_name", Shown::Text(function.clone()));
            self.set("source.line_number", Shown::Uint((*line).into()));
        }
        if let Some(id) = event.correlation_id {
            self.set("correlation_id", Shown::Text(format!("tp:#{id}")));
        }
    }

    pub(crate) fn shown(self) -> BTreeMap<String, Shown> {
        self.shown
    }

    /// Of two with the same key the later one stays.
    fn set(&mut self, key: &str, value: Shown) {
        self.shown.insert(key.to_owned(), value);
    }

    /// Whether it counts as an element of an array.
    fn annotation(&mut self, key: &str, arg: &Arg) -> bool {
        let value = match arg {
            Arg::Bool(value) => Shown::Bool(*value),
            Arg::Int(value) => Shown::Int(*value),
            Arg::Uint(value) => Shown::Uint(*value),
            Arg::Double(value) if value.is_nan() => Shown::Null,
            // It prints -0 as 0.
            Arg::Double(value) => Shown::Real(if *value == 0.0 { 0.0 } else { *value }),
            Arg::Pointer(value) => Shown::Pointer(*value),
            Arg::Text(text) => Shown::Text(text.clone()),
            Arg::Empty => return false,
            Arg::Dict(entries) => {
                for (name, arg) in entries {
                    self.annotation(&format!("{key}.{}", plain(name)), arg);
                }
                return true;
            }
            Arg::Array(elements) => {
                let mut any = false;
                for element in elements {
                    let index = self.lengths.get(key).copied().unwrap_or(0);
                    if self.annotation(&format!("{key}[{index}]"), element) {
                        self.lengths.insert(key.to_owned(), index + 1);
                        any = true;
                    }
                }
                return any;
            }
        };
        self.set(key, value);
        true
    }
}

/// Names with what means something in keys taken out.
fn plain(name: &str) -> String {
    name.replace(['.', '[', ']'], "_")
}
