//! `pftrace check`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pftrace::check::{Finding, Kind, Severity, Summary};
use serde_json::json;

use crate::input::{Unreadable, name, read};
use crate::stat::{grouped, plural, summary_json};
use crate::{Input, Outcome};

/// Checks a trace, and keeps at most `limit` findings of each kind.
pub(crate) fn run(input: &Input, limit: usize) -> Result<Outcome, Unreadable> {
    let mut kept: BTreeMap<Kind, Vec<Finding>> = BTreeMap::new();
    let summary = read(input, |finding| {
        let of_kind = kept.entry(finding.kind).or_default();
        if of_kind.len() < limit {
            of_kind.push(finding);
        }
    })?;
    let mut findings: Vec<Finding> = kept.into_values().flatten().collect();
    findings.sort_by_key(|finding| finding.packet);
    let file = name(&input.file);
    let text = if input.json { as_json(&file, &findings, &summary) } else { as_text(&file, &findings, &summary) };
    Ok(Outcome { text, is_sound: summary.is_sound() })
}

fn as_text(file: &str, findings: &[Finding], summary: &Summary) -> String {
    let mut text = String::new();
    for finding in findings {
        _ = writeln!(text, "{finding}");
    }
    for (kind, count) in &summary.findings {
        let kept = findings.iter().filter(|finding| finding.kind == *kind).count() as u64;
        if *count > kept {
            _ = writeln!(text, "{}[{kind}]: {} more like this", kind.severity(), grouped(count - kept));
        }
    }
    let verdict = match (summary.errors(), summary.notes()) {
        (0, 0) => "sound".to_owned(),
        (0, notes) => format!("sound, {}", plural(notes, "note")),
        (errors, 0) => plural(errors, "error"),
        (errors, notes) => format!("{}, {}", plural(errors, "error"), plural(notes, "note")),
    };
    let (packets, events) = (plural(summary.packets, "packet"), plural(summary.events.total(), "event"));
    _ = writeln!(text, "{file}: {verdict}; {packets}, {events}, {} bytes", grouped(summary.bytes));
    text
}

fn as_json(file: &str, findings: &[Finding], summary: &Summary) -> String {
    let finding = |finding: &Finding| {
        json!({
            "packet": finding.packet,
            "offset": finding.offset,
            "sequence": finding.sequence,
            "machine": finding.machine,
            "kind": finding.kind.name(),
            "severity": finding.severity().to_string(),
            "message": finding.message,
            "description": finding.kind.description(),
        })
    };
    let counts = |severity: Severity| {
        let of = summary.findings.iter().filter(|(kind, _)| kind.severity() == severity);
        of.map(|(kind, count)| (kind.name().to_owned(), json!(count))).collect::<serde_json::Map<_, _>>()
    };
    let object = json!({
        "file": file,
        "sound": summary.is_sound(),
        "errors": counts(Severity::Error),
        "notes": counts(Severity::Note),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
        "summary": summary_json(summary),
    });
    format!("{object:#}\n")
}
