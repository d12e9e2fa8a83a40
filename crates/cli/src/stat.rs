//! `pftrace stat`.

use std::fmt::Write as _;

use pftrace::check::Summary;
use serde_json::json;

use crate::input::{Unreadable, name, read};
use crate::{Input, Outcome};

/// Sums up a trace.
pub(crate) fn run(input: &Input) -> Result<Outcome, Unreadable> {
    let summary = read(input, |_| {})?;
    let file = name(&input.file);
    let text = if input.json {
        let mut object = summary_json(&summary);
        object["file"] = json!(file);
        format!("{object:#}\n")
    } else {
        as_text(&file, &summary)
    };
    Ok(Outcome { text, is_sound: true })
}

fn as_text(file: &str, summary: &Summary) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: String| _ = writeln!(text, "{name:<10} {value}");
    let events = summary.events;
    row("file", format!("{file}, {} bytes", grouped(summary.bytes)));
    row("packets", format!("{} on {}", grouped(summary.packets), plural(summary.sequences, "sequence")));
    let (processes, threads) = (counted(summary.processes, "process", "processes"), plural(summary.threads, "thread"));
    row("tracks", format!("{}: {processes}, {threads}", grouped(summary.tracks)));
    let mut kinds = vec![
        plural(events.begins, "slice"),
        plural(events.instants, "instant"),
        plural(events.counters, "counter value"),
    ];
    for (count, what) in [(events.states, "state"), (events.others, "other")] {
        if count > 0 {
            kinds.push(plural(count, what));
        }
    }
    row("events", format!("{}: {}", grouped(events.total()), kinds.join(", ")));
    row(
        "time",
        match summary.span_ns {
            Some((first, last)) => format!("{}, from {first} ns to {last} ns", duration(last.abs_diff(first))),
            None => "no events".to_owned(),
        },
    );
    let loss = summary.loss;
    row(
        "lost",
        match (loss.gaps, loss.packets, loss.chunks) {
            (0, 0, 0) => "nothing that the trace tells of".to_owned(),
            (gaps, packets, chunks) => {
                format!("{}, {}, {}", plural(packets, "packet"), plural(chunks, "chunk"), plural(gaps, "gap"))
            }
        },
    );
    let (errors, notes) = (plural(summary.errors(), "error"), plural(summary.notes(), "note"));
    row("findings", format!("{errors}, {notes}{}", if summary.is_sound() { "" } else { ": see pftrace check" }));
    if !summary.top_names.is_empty() {
        text.push_str("\n      events         time  name\n");
        for name in &summary.top_names {
            let shown = if name.name.is_empty() { "(no name)" } else { &name.name };
            _ = writeln!(text, "{:>12} {:>12}  {}", grouped(name.events), duration(name.duration_ns), one_line(shown));
        }
    }
    text
}

/// The summary as an object.
pub(crate) fn summary_json(summary: &Summary) -> serde_json::Value {
    let events = summary.events;
    let names = summary.top_names.iter();
    let names = names.map(|name| json!({"name": name.name, "events": name.events, "duration_ns": name.duration_ns}));
    json!({
        "bytes": summary.bytes,
        "packets": summary.packets,
        "sequences": summary.sequences,
        "processes": summary.processes,
        "threads": summary.threads,
        "tracks": summary.tracks,
        "events": {
            "total": events.total(),
            "slice_begins": events.begins,
            "slice_ends": events.ends,
            "instants": events.instants,
            "counters": events.counters,
            "states": events.states,
            "others": events.others,
        },
        "first_ns": summary.span_ns.map(|(first, _)| first),
        "last_ns": summary.span_ns.map(|(_, last)| last),
        "lost": {"gaps": summary.loss.gaps, "packets": summary.loss.packets, "chunks": summary.loss.chunks},
        "errors": summary.errors(),
        "notes": summary.notes(),
        "top_names": names.collect::<Vec<_>>(),
    })
}

/// `1 packet`, `1,234 packets`.
pub(crate) fn plural(count: u64, what: &str) -> String {
    counted(count, what, &format!("{what}s"))
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// Digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// In the unit that leaves one to three digits before the point.
fn duration(ns: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")];
    match UNITS.iter().find(|(unit, _)| ns >= *unit) {
        Some((unit, name)) => format!("{:.3} {name}", ns as f64 / *unit as f64),
        None => format!("{ns} ns"),
    }
}

/// Without what would break the line, or write on the terminal what it likes.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 12, 123, 1234, 123_456, 1_234_567].map(grouped),
            ["0", "12", "123", "1,234", "123,456", "1,234,567"]
        );
    }

    #[test]
    fn durations_have_their_unit() {
        assert_eq!(
            [0, 999, 1_500, 2_000_000, 61_000_000_000].map(duration),
            ["0 ns", "999 ns", "1.500 µs", "2.000 ms", "61.000 s"]
        );
    }
}
