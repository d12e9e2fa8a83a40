//! The rows that the trace processor shows of a trace, without the ids that it gives.

use std::collections::{BTreeMap, BTreeSet};

use pftrace_testkit::{Arg as Shown, Loaded};

use crate::record::compare;

/// All rows, without the ids that the trace processor gives tracks, processes and threads.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) slices: Vec<Slice>,
    pub(crate) counters: Vec<Counter>,
    pub(crate) tracks: BTreeSet<Track>,
    /// Number and name.
    pub(crate) processes: BTreeSet<(i64, Option<String>)>,
    /// The process's number, the thread's and its name.
    pub(crate) threads: BTreeSet<(i64, i64, Option<String>)>,
    /// Indices of slices.
    pub(crate) flows: Vec<(i64, i64)>,
    pub(crate) complaints: Vec<String>,
}

/// What a track is known by: its uuid, or its thread, of which the trace processor makes a track of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Uuid(u64),
    Thread { pid: i64, tid: i64 },
}

#[derive(Debug)]
#[expect(dead_code, reason = "compared as text")]
pub(crate) struct Slice {
    pub(crate) track: Key,
    pub(crate) ts: i64,
    pub(crate) dur: i64,
    pub(crate) depth: i64,
    /// Its index.
    pub(crate) parent: Option<i64>,
    pub(crate) name: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) args: BTreeMap<String, Shown>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "compared as text")]
pub(crate) struct Counter {
    pub(crate) track: Key,
    pub(crate) ts: i64,
    pub(crate) value: f64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Track {
    pub(crate) key: Key,
    pub(crate) name: Option<String>,
    pub(crate) kind: String,
    pub(crate) parent: Option<Key>,
    pub(crate) pid: Option<i64>,
    pub(crate) tid: Option<i64>,
    pub(crate) unit: Option<String>,
    /// As text: they are only compared.
    pub(crate) args: String,
}

impl Rows {
    /// That the rows expected are those found.
    pub(crate) fn compare(&self, found: &Self) -> Result<(), String> {
        fn all<T: std::fmt::Debug>(set: &BTreeSet<T>) -> Vec<&T> {
            set.iter().collect()
        }
        compare("complaint", &self.complaints, &found.complaints)?;
        compare("process", &all(&self.processes), &all(&found.processes))?;
        compare("thread", &all(&self.threads), &all(&found.threads))?;
        compare("track", &all(&self.tracks), &all(&found.tracks))?;
        compare("slice", &self.slices, &found.slices)?;
        compare("counter", &self.counters, &found.counters)?;
        compare("flow", &self.flows, &found.flows)
    }

    /// Without what depends on which strings are interned: the order of categories, and the keys of where slices come from.
    pub(crate) fn without_interning(mut self) -> Self {
        for slice in &mut self.slices {
            slice.args.retain(|key, _| !key.starts_with("source"));
            if let Some(category) = &mut slice.category {
                let mut categories: Vec<_> = category.split(',').filter(|part| !part.is_empty()).collect();
                categories.sort_unstable();
                *category = categories.join(",");
            }
        }
        self
    }

    /// What the trace processor shows.
    pub(crate) fn shown(loaded: &Loaded) -> Self {
        let pid = |upid: i64| loaded.processes.get(&upid).map_or(-1, |process| process.pid);
        let thread = |utid: i64| {
            let thread = loaded.threads.get(&utid);
            thread.map_or((-1, -1), |thread| (thread.upid.map_or(-1, pid), thread.tid))
        };
        let key = |id: i64| match loaded.tracks.get(&id).map(|track| (track.args.get("trace_id"), track.utid)) {
            Some((Some(Shown::Int(uuid)), _)) => Key::Uuid(*uuid as u64),
            Some((None, Some(utid))) => Key::Thread { pid: thread(utid).0, tid: thread(utid).1 },
            _ => Key::Uuid(u64::MAX),
        };
        let tracks = loaded.tracks.iter().map(|(id, track)| Track {
            key: key(*id),
            name: track.name.clone(),
            kind: track.kind.clone().unwrap_or_default(),
            parent: track.parent.map(key),
            pid: track.upid.map(pid).or(track.utid.map(|utid| thread(utid).0)),
            tid: track.utid.map(|utid| thread(utid).1),
            unit: track.unit.clone(),
            args: format!("{:?}", track.args),
        });
        let slices = loaded.slices.iter().map(|slice| {
            let mut args = slice.args.clone();
            // The thread described last on the sequence: a guess for the legacy JSON format.
            args.remove("legacy_event.passthrough_utid");
            // What it stands for is there as well.
            args.remove("source_location_iid");
            Slice {
                track: key(slice.track),
                ts: slice.ts,
                dur: slice.dur,
                depth: slice.depth,
                parent: slice.parent,
                name: slice.name.clone(),
                category: slice.category.clone(),
                args,
            }
        });
        let counters = loaded.counters.iter();
        Self {
            slices: slices.collect(),
            counters: counters.map(|row| Counter { track: key(row.track), ts: row.ts, value: row.value }).collect(),
            tracks: tracks.collect(),
            processes: loaded.processes.values().map(|process| (process.pid, process.name.clone())).collect(),
            threads: loaded
                .threads
                .values()
                .map(|thread| (thread.upid.map_or(-1, pid), thread.tid, thread.name.clone()))
                .collect(),
            flows: loaded.flows.clone(),
            complaints: loaded.complaints().to_vec(),
        }
    }
}
